#!/bin/sh
# SPDX-License-Identifier: ISC
# headers.sh SOURCE_ROOT CC...: every header under core/ and tools/ compiles
# alone, twice over, as C17 without a warning.
set -u
root=$1
shift
cd "$root" || exit 1
failed=0
count=0
for h in $(find core tools -name '*.h' | sort); do
	count=$((count + 1))
	case $h in
	core/*)	inc=core ;;
	*)	inc=$(dirname "$h") ;;
	esac
	name=${h#"$inc"/}
	printf '#include "%s"\n#include "%s"\n' "$name" "$name" |
	    "$@" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only \
	    -I core -I "$inc" -x c - || {
		echo "$h: does not compile alone" >&2
		failed=1
	}
done
if [ "$count" -lt 10 ]; then
	echo "only $count headers found in $root" >&2
	failed=1
fi
exit $failed
