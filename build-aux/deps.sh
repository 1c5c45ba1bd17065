#!/bin/sh
# SPDX-License-Identifier: ISC
# deps.sh build|demo|test|bench…: what that needs of Debian's packages is
# installed; without the right to do so, the one command is printed.
set -eu

build='gcc libc6-dev meson ninja-build pkg-config libsodium-dev libinih-dev
	libcmocka-dev libseccomp-dev libcap-dev libsqlite3-dev
	python3-minimal'
demo='csync2 libsqlite3-0 openssh-server openssh-client iproute2 util-linux openssl procps'
# Who is not root makes namespaces with ids of /etc/subuid.
[ "$(id -u)" = 0 ] || demo="$demo uidmap"
test="$demo rsync clang libclang-rt-14-dev python3-pytest python3-pytest-xdist
	mmdebstrap strace valgrind
	mandoc shellcheck uidmap clustershell pssh e2fsprogs btrfs-progs busybox
	tcsh sqlite3 bash-completion libcap2-bin rsnapshot borgbackup restic
	git git-lfs gitolite3 qemu-system-x86 cryptsetup-bin e2fsprogs cpio"
bench="$demo clustershell pssh linux-perf python3 rsync rsnapshot borgbackup
	restic btrfs-progs git gitolite3 mmdebstrap python3-pytest qemu-system-x86
	cryptsetup-bin e2fsprogs busybox"

want=
for what in "$@"; do
	case $what in
	build) want="$want $build" ;;
	demo) want="$want $demo" ;;
	test) want="$want $test" ;;
	bench) want="$want $bench" ;;
	*) echo "usage: deps.sh build|demo|test|bench…" >&2; exit 64 ;;
	esac
done

# Debian 13 has another clang; take the runtime that is there.
libclang=$(apt-cache --names-only search '^libclang-rt-[0-9]+-dev$' 2>/dev/null |
	sort -V | head -n 1 | cut -d' ' -f1)

missing=
for p in $want; do
	[ "$p" != libclang-rt-14-dev ] || p=${libclang:-$p}
	[ "$(dpkg-query -Wf '${db:Status-Abbrev}' "$p" 2>/dev/null)" = 'ii ' ] ||
		missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo=sudo
else
	echo "Missing packages. As root:" >&2
	echo "    apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# The daemons that come along are for the tests' own hosts, not for this one.
policy=/usr/sbin/policy-rc.d
made=
trap '[ -z "$made" ] || $sudo rm -f $policy' EXIT
# dash ends without EXIT's trap when a signal ends it.
trap 'exit 130' HUP INT TERM
if [ ! -e $policy ]; then
	made=1
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
fi
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $missing \
	>/dev/null 2>&1 ||
	{ $sudo apt-get update -qq
	$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null; }
