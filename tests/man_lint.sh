#!/bin/sh
# SPDX-License-Identifier: ISC
# man_lint.sh MANDOC PAGE: PAGE has nothing that mandoc warns about, and no
# line of text of more than 80 bytes.
"$1" -Tlint -Wwarning "$2" || exit 1
! grep -nv '^\.' "$2" | grep -E '^[0-9]+:.{81}' || {
	echo "$2: lines of more than 80 bytes" >&2
	exit 1
}
