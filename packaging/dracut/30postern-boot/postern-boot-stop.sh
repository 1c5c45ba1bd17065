#!/bin/sh
# SPDX-License-Identifier: ISC
# Sourced by dracut, the last thing before switch_root.
if [ -n "${DRACUT_SYSTEMD-}" ]; then
	systemctl stop postern-boot.service
	for _u in postern-boot-network.service systemd-networkd.socket \
		systemd-networkd.service nm-initrd.service; do
		! systemctl -q is-active "$_u" || systemctl stop "$_u"
	done
	unset _u
fi
netroot="${netroot-}" /usr/sbin/postern-boot-sshd stop
