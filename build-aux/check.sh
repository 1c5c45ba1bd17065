#!/bin/sh
# SPDX-License-Identifier: ISC
# check.sh [sanitize|valgrind|fuzz]: all that stands between a change and
# main. Without a word: gcc and clang without a warning, unit tests and fuzz
# corpora under both, under ASan and UBSan and under valgrind, then the
# system tests. sanitize: those too with ASan and UBSan. Ends with a line that
# counts.
set -eu
cd "$(dirname "$0")/.."
# For the unit tests: what this machine lacks is a failure.
export CI="${CI-1}"
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf '\n== %s\n' "$*"; }

# setup DIR ARGS…: configure DIR anew unless it is there, and build it.
setup() {
	dir=$1
	shift
	[ -e "$dir/build.ninja" ] || meson setup "$dir" -Dwerror=true "$@" >/dev/null
	ninja -C "$dir" --quiet
}

# count FILE PATTERN-OK PATTERN-FAIL: numbers out of a runner's own summary.
number() { sed -n "s/.*[^0-9]\([0-9][0-9]*\) *$2.*/\1/p; s/^\([0-9][0-9]*\) *$2.*/\1/p" "$1" | tail -n 1; }

# meson_test DIR ARGS…
meson_test() {
	if meson test -C "$@" --print-errorlogs --no-rebuild >"$log" 2>&1; then
		:
	else
		cat "$log"
	fi
	ok=$(sed -n 's/^Ok: *\([0-9]*\).*/\1/p' "$log")
	bad=$(sed -n 's/^\(Fail\|Timeout\|Unexpected Pass\): *\([0-9]*\).*/\2/p' "$log" |
		paste -sd+ - | sed 's/^$/0/')
	skip=$(sed -n 's/^Skipped: *\([0-9]*\).*/\1/p' "$log")
	bad=$((${bad:-0} + ${skip:-0}))
	[ "${ok:-0}" -gt 0 ] || bad=$((bad + 1))
	passed=$((passed + ${ok:-0}))
	failed=$((failed + bad))
	echo "meson test $1: ${ok:-0} passed, $bad failed"
}

# whole DIR: no case of its unit tests was passed over. Of a build with ASan,
# whose mlock does nothing, and under valgrind, whose vfork is fork, a case or
# two is; here, with the plain compiler, each has to run.
whole() {
	over=$(sed -n 's/^\[  SKIPPED \] \([a-z]\)/\1/p' \
		"$1/meson-logs/testlog.txt" | sort -u)
	[ -z "$over" ] || {
		echo "$over" | sed "s|^|skipped, which is a failure: |"
		failed=$((failed + $(echo "$over" | wc -l)))
	}
}

# system ARGS…: pytest; what is skipped has failed. Three processes for two
# cores, each with hosts of its own: half of what a test does is to wait. These
# tests have deadlines of seconds on many processes: on a machine that is busy
# with something else one may pass. What failed is shown, and tried once more,
# alone.
system() {
	rc=0
	cache=$(mktemp -d)
	workers=$(($(nproc) * 3 / 2))
	[ "$workers" -le 8 ] || workers=8
	/usr/bin/python3 -m pytest -q -o cache_dir="$cache" -n "$workers" \
		--dist loadfile "$@" >"$log" 2>&1 || rc=$?
	last=$(tail -n 1 "$log")
	if [ "$rc" = 1 ]; then
		sed 's/^/first try: /' "$log"
		first=$(echo "$last" | grep -o '[0-9]* passed' | cut -d' ' -f1)
		say "what failed, once more"
		rc=0
		/usr/bin/python3 -m pytest -q -o cache_dir="$cache" --lf "$@" \
			>"$log" 2>&1 || rc=$?
		last=$(tail -n 1 "$log")
		passed=$((passed + ${first:-0}))
	fi
	rm -rf "$cache"
	ok=$(echo "$last" | grep -o '[0-9]* passed' | cut -d' ' -f1)
	bad=$(echo "$last" | grep -oE '[0-9]+ (failed|errors?|skipped|xfailed)' |
		cut -d' ' -f1 | paste -sd+ - | sed 's/^$/0/')
	bad=$((${bad:-0}))
	if [ "$rc" != 0 ] || [ "$bad" != 0 ]; then
		cat "$log"
		[ "$bad" -gt 0 ] || bad=1
	fi
	passed=$((passed + ${ok:-0}))
	failed=$((failed + bad))
	echo "pytest $*: ${ok:-0} passed, $bad failed"
}

sanitized() {
	CC=clang setup build-sanitize -Db_sanitize=address,undefined \
		-Dc_args=-fno-sanitize-recover=all \
		-Db_lundef=false -Dbuildtype=debugoptimized
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	export ASAN_OPTIONS UBSAN_OPTIONS
	meson_test build-sanitize
}

case ${1-all} in
sanitize)
	sanitized
	POSTERN_BUILD=build-sanitize system tests/system \
		--ignore=tests/system/test_valgrind.py
	;;
valgrind)
	setup build-check
	meson_test build-check --setup valgrind --suite unit --suite fuzz
	;;
fuzz)
	CC=clang setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined \
		-Db_lundef=false
	for f in build-fuzz/tests/fuzz/fuzz_*; do
		[ -f "$f" ] && [ -x "$f" ] || continue
		n=${f##*/fuzz_}
		say "fuzz $n"
		tmp=$(mktemp -d)
		"$f" -max_total_time="${FUZZ_S:-30}" -print_final_stats=1 \
			-artifact_prefix=build-fuzz/ "$tmp" "tests/fuzz/corpus/$n" \
			>"$log" 2>&1 && passed=$((passed + 1)) || {
			failed=$((failed + 1))
			tail -n 40 "$log"
		}
		grep -a number_of_executed_units "$log" || true
		rm -rf "$tmp"
	done
	;;
all)
	say 'gcc: build and unit tests'
	setup build-check
	meson_test build-check
	whole build-check
	say 'clang with ASan and UBSan: build and unit tests'
	sanitized
	say 'valgrind: unit tests and fuzz corpora'
	meson_test build-check --setup valgrind --suite unit --suite fuzz
	say 'system tests'
	POSTERN_BUILD=build-check system tests/lab tests/system
	;;
*) echo "usage: check.sh [sanitize|valgrind|fuzz]" >&2; exit 64 ;;
esac

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
