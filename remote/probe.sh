# SPDX-License-Identifier: ISC
# probe.sh: what --check --hosts asks of a host. Reads, changes nothing.
#
# vars:   fifos    paths of privileged keys, one a line; may be empty
#         keys     the keys of all groups that are known, likewise
#         databases  folders that csync2's databases lie in, likewise
#         pins     the database whose pinned certificates count; may be empty
#         sysdir   csync2's system directory; '' is /etc
#         port     the port of the always-on daemon; '' is 30865
# says:   postern fact KEY VALUE     one a line, in the order below
#           uid N | host NAME | sh PATH | csync2 PATH | csync2-version TEXT
#           sysdir PATH | run tmpfs|TYPE | swap on|off|encrypted
#           fifo STATE BLOCKSIZE PATH
#               ok | missing | not-fifo | symlink | owner | mode | parent
#           fifo-why PATH: TEXT        for each FIFO that is not ok
#           key fifo PATH              for each of the keys that is one
#           daemon none | socket STATE | inetd FILE | process UID PID |
#               listener UID PORT
#           daemon-uid UID
#           cage in-force | installed, WHY | none
#           cert missing|ok|mode MODE PATH ; cert-subject TEXT
#           database ok|writable PATH  a folder, or a file in it
#           pins known | unknown WHY ; pin PEER
#         postern done probe

sysdir=${sysdir:-/etc}
port=${port:-30865}
fifos=${fifos-} keys=${keys-} databases=${databases-} pins=${pins-}

# A fact's value is one line without control characters, whatever it holds.
fact() {
	k=$1
	shift
	say fact "$k" "$(printf '%s' "$*" | LC_ALL=C tr -d '\000-\037\177')"
}

have() { command -v "$1" >/dev/null 2>&1; }

probe_fifo() {
	if why=$(check_fifo "$1"); then
		fact fifo ok "$(stat -c %o -- "$1")" "$1"
	else
		why=${why#postern refuse }
		fact fifo "${why%% *}" 0 "$1"
		fact fifo-why "$1: ${why#* }"
	fi
}

# /etc/inetd.conf and xinetd name csync2 in the program's column.
probe_inetd() {
	for f in /etc/inetd.conf /etc/inet/inetd.conf; do
		[ -f "$f" ] || continue
		u=$(awk '!/^[ \t]*#/ && /csync2/ { print $5; exit }' "$f")
		[ -n "$u" ] || continue
		daemon=yes
		fact daemon inetd "$f"
		u=$(id -u "${u%%[.:]*}" 2>/dev/null || echo "$u")
		fact daemon-uid "$u"
	done
	for f in /etc/xinetd.d/*; do
		[ -f "$f" ] || continue
		grep -q csync2 "$f" || continue
		! grep -Eq '^[[:space:]]*disable[[:space:]]*=[[:space:]]*yes' \
			"$f" || continue
		daemon=yes
		fact daemon inetd "$f"
	done
}

# A daemon of its own (-ii, -iii) listens; -i serves one connection.
probe_process() {
	for x in /proc/[0-9]*/exe; do
		case $(readlink "$x" 2>/dev/null) in
		*/csync2 | */csync2' (deleted)') ;;
		*) continue ;;
		esac
		x=${x%/exe}
		# -ii, and -i -i as well.
		tr '\000' '\n' <"$x/cmdline" 2>/dev/null | awk '
			/^-[a-zA-Z]/ { n += gsub(/i/, "") }
			END { exit n < 2 }' || continue
		u=$(awk '/^Uid:/ { print $3 }' "$x/status" 2>/dev/null)
		daemon=yes
		fact daemon process "${u:-?}" "${x#/proc/}"
		fact daemon-uid "${u:-?}"
	done
}

probe_systemd() {
	[ -d /run/systemd/system ] && have systemctl || return 0
	for s in csync2.socket csync2.service; do
		a=$(systemctl is-active "$s" 2>/dev/null) || :
		e=$(systemctl is-enabled "$s" 2>/dev/null) || :
		case $a$e in
		active* | *enabled*) ;;
		*) continue ;;
		esac
		daemon=yes
		# Another service than csync2@.service is not what we cage.
		[ "$s" = csync2.service ] ||
			[ "$(systemctl show -p Accept --value "$s")" = yes ] ||
			s="$s(Accept=no)"
		fact daemon socket "$s $a $e"
		u=$(systemctl show -p User --value "csync2@probe.service" \
			2>/dev/null) || :
		[ -n "$u" ] || u=root
		fact daemon-uid "$(id -u "$u" 2>/dev/null || echo "$u")"
	done
	probe_cage
}

probe_cage() {
	dropin=/etc/systemd/system/csync2@.service.d/50-postern-cage.conf
	if [ ! -e "$dropin" ]; then
		fact cage none
	elif caged "$dropin"; then
		fact cage in-force
	else
		fact cage "installed, $why"
	fi
}

# Whoever it is: csync2's clients talk to it. Not when one is known already.
probe_port() {
	[ -z "$daemon" ] || return 0
	u=$(awk -v p="$(printf '%04X' "$port")" '
		$4 == "0A" && substr($2, length($2) - 3) == p { print $8; exit }
		' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
	[ -n "$u" ] || return 0
	daemon=yes
	fact daemon listener "$u" "$port"
	fact daemon-uid "$u"
}

probe_certs() {
	for f in key cert; do
		f=$sysdir/csync2_ssl_$f.pem
		if [ ! -e "$f" ]; then
			fact cert missing 0 "$f"
			continue
		fi
		m=$(stat -L -c %a -- "$f") s=ok
		case $f in
		*_key.pem) [ $((0$m & 077)) = 0 ] || s=mode ;;
		*) [ $((0$m & 022)) = 0 ] || s=mode ;;
		esac
		[ "$(stat -L -c %u -- "$f")" = 0 ] || s=owner
		fact cert "$s" "$m" "$f"
	done
	if have openssl && [ -r "$sysdir/csync2_ssl_cert.pem" ]; then
		fact cert-subject "$(openssl x509 -noout -subject -nameopt \
			RFC2253 -in "$sysdir/csync2_ssl_cert.pem" 2>/dev/null)"
	fi
}

# Whoever writes one has a command run as root by the next csync2.
probe_databases() {
	while IFS= read -r folder; do
		[ -d "$folder" ] || continue
		for f in "$folder" "$folder"/*.db "$folder"/*.db[23]; do
			[ -e "$f" ] || continue
			s=writable
			case $(stat -L -c '%u %A' -- "$f") in
			'0 '?????-??-*)
				# The folder may be a link: its own way and
				# the real one.
				(
					check_parents "${folder%/}"
					check_parents "$(readlink -f -- "$f")"
				) >/dev/null && s=ok
				;;
			esac
			fact database "$s" "$f"
		done
	done <<END
$databases
END
}

# csync2 pins a peer's certificate on first use, in its own database; those of
# another configuration don't count.
probe_pins() {
	if [ -z "$pins" ] || [ ! -f "$pins" ]; then
		fact pins unknown "no database ${pins:-is named}"
	elif ! have sqlite3; then
		fact pins unknown 'sqlite3 is not installed'
	else
		fact pins known
		sqlite3 -readonly -- "$pins" \
			'SELECT DISTINCT peername FROM x509_cert' 2>/dev/null |
		while IFS= read -r peer; do
			fact pin "$peer"
		done
	fi
}

probe_swap() {
	s=off
	while read -r dev _; do
		case $dev in
		Filename) ;;
		*zram*) ;;
		*) s=on ;;
		esac
	done </proc/swaps
	fact swap "$s"
}

fact uid "$(id -u)"
fact host "$(uname -n)"
fact sh "$(readlink -f /bin/sh)"
if have csync2; then
	fact csync2 "$(command -v csync2)"
	# The usage names the version. An option that does not exist, and no
	# configuration: reading one would read its keys, and hang on a FIFO.
	fact csync2-version "$(CSYNC2_SYSTEM_DIR=/nonexistent \
		timeout -k 1 5 csync2 --version 2>&1 </dev/null |
		sed -n 's/^csync2 \([0-9][^ ]*\).*/\1/p' | head -n 1)"
else
	fact csync2 missing
fi
fact sysdir "$sysdir"
fact port "$port"
fact run "$(stat -f -c %T /run)"
probe_swap
while IFS= read -r path; do
	[ -z "$path" ] || probe_fifo "$path"
done <<END
$fifos
END
while IFS= read -r path; do
	[ ! -p "$path" ] || [ -h "$path" ] || fact key fifo "$path"
done <<END
$keys
END
daemon=''
probe_systemd
probe_inetd
probe_process
probe_port
[ -n "$daemon" ] || fact daemon none
probe_certs
probe_databases
probe_pins
say 'done' probe
