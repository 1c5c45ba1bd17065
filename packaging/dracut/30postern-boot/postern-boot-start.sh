#!/bin/sh
# SPDX-License-Identifier: ISC
# Sourced by dracut before any device is looked for. The sshd needs no address
# yet; so it is there before whatever asks for a passphrase.
[ -n "${DRACUT_SYSTEMD-}" ] || /usr/sbin/postern-boot-sshd start
# A root on the network is dracut's own to bring up.
if [ -z "${netroot-}" ] && [ -x /usr/sbin/postern-boot-network ]; then
	if [ -n "${DRACUT_SYSTEMD-}" ]; then
		systemctl start postern-boot-network.service
	else
		POSTERN_BOOT_NETWORK=1 /usr/sbin/postern-boot-network </dev/null &
	fi
fi
