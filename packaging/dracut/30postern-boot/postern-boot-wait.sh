#!/bin/sh
# SPDX-License-Identifier: ISC
# Sourced by dracut after the rules for the network are written. Our
# rd.neednet=1 brings it up; but it also has the queue wait for it, so that
# with no cable in, somebody who typed the passphrase at the console would wait
# for ever. So what waits for the network ends as soon as nobody needs it,
# unless somebody else asked for it.
_postern_wanted() {
	for _f in /proc/cmdline /etc/cmdline /etc/cmdline.d/*.conf; do
		case ${_f##*/} in
		# Ours, and what dracut makes of an ip=.
		99postern-boot.conf | 35-neednet.conf | dracut-neednet.conf)
			continue ;;
		esac
		! grep -qsE '(^|[[:space:]])rd\.neednet(=[^0n[:space:]]|[[:space:]]|$)' \
			"$_f" || return 0
	done
	return 1
}

# shellcheck disable=SC2154
_postern_soften() {
	for _f in "$hookdir"/initqueue/finished/wait-*.sh \
		"$hookdir"/initqueue/finished/nm.sh \
		"$hookdir"/initqueue/finished/networkd.sh; do
		[ -e "$_f" ] || continue
		_n=/tmp/postern-boot-${_f##*/}
		cp "$_f" "$_n"
		echo "(. $_n) || main_loop=\${main_loop-0} /usr/sbin/postern-boot-sshd idle" \
			>"$_f"
	done
	# It holds the queue back for an hour.
	[ -n "${DRACUT_SYSTEMD-}" ] &&
		[ -e /run/NetworkManager/initrd/neednet ] || return 0
	_n=/run/systemd/system/nm-wait-online-initrd.service.d
	mkdir -p "$_n"
	printf '[Service]\nExecStart=\nExecStart=-/usr/bin/nm-online -s -q -t 30\n' \
		>"$_n/postern-boot.conf"
	systemctl --no-block daemon-reload
}

[ -n "${netroot-}" ] || _postern_wanted || _postern_soften
unset _f _n
