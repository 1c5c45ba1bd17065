#!/bin/sh
# SPDX-License-Identifier: ISC
# man_lint.sh MANDOC PAGE: PAGE has nothing that mandoc warns about, no line of
# text of more than 80 bytes, and nothing but ASCII, which groff wants.
"$1" -Tlint -Wwarning "$2" || exit 1
! grep -nv '^\.' "$2" | grep -E '^[0-9]+:.{81}' || {
	echo "$2: lines of more than 80 bytes" >&2
	exit 1
}
! LC_ALL=C grep -n '[^ -~	]' "$2" || {
	echo "$2: not ASCII" >&2
	exit 1
}
