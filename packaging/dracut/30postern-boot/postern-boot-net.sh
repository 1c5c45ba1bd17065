#!/bin/sh
# SPDX-License-Identifier: ISC
# Sourced in each turn of dracut's queue without systemd, before its other
# jobs. One of these asks for the passphrase and blocks the queue until it has
# it, and with it the job that sets the network up, by which it could come. So
# when somebody is about to ask, the network goes first, and a card that is
# late is waited for, a little and once.
# shellcheck disable=SC1090,SC2154
_postern_ifup() {
	for _j in "$hookdir"/initqueue/ifup-*.sh; do
		[ -e "$_j" ] || continue
		job=$_j . "$_j"
	done
}

_postern_up() {
	for _j in /tmp/net.*.did-setup; do
		[ ! -e "$_j" ] || return 0
	done
	return 1
}

# shellcheck disable=SC2154
_postern_asks() {
	for _j in "$hookdir"/initqueue/*cryptroot-ask-*.sh \
		"$hookdir"/initqueue/settled/*cryptroot-ask-*.sh; do
		[ ! -e "$_j" ] || return 0
	done
	return 1
}

_postern_ifup
if [ -z "${_postern_waited-}" ] && _postern_asks; then
	_postern_waited=1
	_i=0
	while ! _postern_up && [ $((_i += 1)) -le 30 ]; do
		sleep 0.5
		_postern_ifup
	done
	_postern_up || warn "postern-boot: no network yet; the prompt comes first"
	unset _i
fi
unset _j
