#!/bin/sh
# SPDX-License-Identifier: ISC
# Sourced in each turn of dracut's queue, before its other jobs. One of these may
# ask for the passphrase and hold the queue up until it has it, and the one that
# sets a card up may take minutes: neither is to wait for the other. So these go
# to postern-boot-network, which has them beside the queue.
# shellcheck disable=SC2154
_postern_beside() {
	[ -z "${netroot-}" ] &&
		read -r _p 2>/dev/null </run/postern-boot/network.pid &&
		kill -0 "$_p" 2>/dev/null || return 0
	for _j in "$hookdir"/initqueue/ifup-*.sh; do
		[ -e "$_j" ] || continue
		_n=${_j##*/}
		: >"/run/postern-boot/${_n%.sh}"
		rm -f "$_j"
	done
}

_postern_beside
unset _j _n _p
