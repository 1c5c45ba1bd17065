#!/bin/sh
# SPDX-License-Identifier: ISC
# Sourced by dracut before it reads ip=. Ours counts where the kernel line has
# none: with two of them dracut may refuse to go on, and with one that it can't
# read it does. Without any it asks DHCP.

# Whether network-legacy takes it: its parse-ip-opts.sh halts the machine
# otherwise.
# shellcheck disable=SC1091,SC2154
_postern_good() (
	[ -e "$hookdir/cmdline/98-parse-ip-opts.sh" ] || exit 0
	. /lib/net-lib.sh
	ip_to_var "$1"
	for a in $(str_replace "${autoconf:-dhcp}" "," " "); do
		case $a in
		none | off) [ -n "${ip-}" ] && [ -n "${mask-}" ] || exit 1 ;;
		dhcp | dhcp6 | on | any | single-dhcp)
			[ -z "${ip-}" ] || exit 1 ;;
		auto6 | either6 | link6 | ibft) ;;
		*) exit 1 ;;
		esac
	done
)

# shellcheck disable=SC1091
_postern_ip() {
	_ip=$(ip='' && . /etc/postern-boot/conf && echo "$ip")
	[ -n "$_ip" ] || return 0
	if getarg ip= >/dev/null; then
		info "postern-boot: ip= of the kernel line counts, not $_ip"
	elif _postern_good "$_ip"; then
		echo "ip=$_ip" >>/etc/cmdline.d/99postern-boot.conf
	else
		warn "postern-boot: dracut can't read ip=$_ip: DHCP is tried"
	fi
}

_postern_ip
unset _ip
