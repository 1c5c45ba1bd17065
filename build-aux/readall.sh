#!/bin/sh
# SPDX-License-Identifier: ISC
# readall.sh PROGRAM: the last step of `make install`. PROGRAM reads for a
# backup; with a capability, members of group postern read every file through
# it (postern-backup(1), WITHOUT ROOT). An installation takes that away: where
# the group is there, it is given back; for a package that is being built, how.
set -eu

program=$1
# What meson was given, as DESTDIR or as --destdir.
destdir=${MESON_INSTALL_DESTDIR_PREFIX-}
destdir=${destdir%"${MESON_INSTALL_PREFIX-}"}
# It shows nothing of what a script says: the Makefile does.
[ -z "${MESON_BUILD_ROOT-}" ] || exec >"$MESON_BUILD_ROOT/readall.txt"

steps() {
	echo "    chown root:postern $program"
	echo "    chmod 0750 $program"
	echo "    setcap cap_dac_read_search=p $program"
}

if [ -n "$destdir" ]; then
	echo "For members of a group postern to back up every file of the host:"
	steps
	exit 0
fi
getent group postern >/dev/null || exit 0
# In this order: another owner takes the capability away.
if [ "$(id -u)" = 0 ] && command -v setcap >/dev/null &&
    chown root:postern "$program" && chmod 0750 "$program" &&
    setcap cap_dac_read_search=p "$program"; then
	echo "Members of group postern can back up every file of this host."
	exit 0
fi
chmod 0755 "$program" || true
echo "Members of group postern back up what they may read themselves, until" \
    "root runs:"
steps
