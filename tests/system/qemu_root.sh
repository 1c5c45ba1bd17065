#!/bin/sh
# SPDX-License-Identifier: ISC
# The real system of qemulib.py's guests: does on the console what it is told.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
stty -echo </dev/console
echo 'root is up'
while read -r line; do
	sh -c "$line"
	echo "[done $?]"
done
