# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2016,SC2317,SC2015
# steps.sh: what the demo shows. Each command is shown as it is run, with what
# it said; each claim of the ten at the end stands for checks that were made.
set -u
begin=$(date +%s)

if [ "${COLOUR-}" ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m')
	green=$(printf '\033[32m') red=$(printf '\033[31m')
	plain=$(printf '\033[0m')
else
	bold='' dim='' green='' red='' plain=''
fi

# on HOST SECONDS COMMAND: as root there; 124: it was still running.
on() {
	timeout -k 1 "$2" nsenter -t "$(cat "$1.pid")" -m -u -i -n -p -r -w \
		env -i LC_ALL=C.UTF-8 HOME=/root TERM=dumb \
		PATH=/opt/postern:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "$3" </dev/null
}

prompt() {
	printf '  %s%s#%s %s\n' "$bold" "$1" "$plain" "$2"
}

# What a command said, in a few lines of bearable length.
tell() {
	n=$(wc -l <"$1")
	{
		if [ "$n" -le 14 ]; then
			cat "$1"
		else
			head -n 5 "$1"
			echo "… $((n - 13)) lines …"
			tail -n 8 "$1"
		fi
	} | sed "s/^\(.\{96\}\).\{4,\}/\1…/; s/^/    $dim/; s/\$/$plain/"
}

# show HOST SECONDS COMMAND: the same, on the screen; its words stay in out.
show() {
	prompt "$1" "$3"
	on "$@" >out 2>&1
	rc=$?
	tell out
	[ "$rc" != 124 ] ||
		printf '    %s… still waiting after %s s%s\n' "$dim" "$2" "$plain"
}

step() {
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

say() {
	printf '  %s\n' "$@"
}

# claim N TEXT: line N of the summary, true if all that follows up to the next
# claim holds.
claims=0
claim() {
	claims=$1
	printf '%s\n' "$2" >"claim$1"
}

# hold WHAT COMMAND…: a check of the current claim.
hold() {
	what=$1
	shift
	if "$@"; then
		return
	fi
	: >"failed$claims"
	printf '  %sFAILED: %s%s\n' "$red" "$what" "$plain"
}

# same HOST: its scripts are those of alpha, to the byte.
hashes='cd /srv/sbin && find . -type f -exec sha256sum {} + | sort'
same() {
	[ "$(on "$1" 5 "$hashes")" = "$(on alpha 5 "$hashes")" ]
}
has() {
	on "$1" 5 "test -x '/srv/sbin/$2'"
}
without() {
	on "$1" 5 "grep -rqs '$2' /srv; test \$? = 1"
}
waited() {
	[ "$rc" = 124 ]
}
silent() {
	[ ! -s out ]
}
went_well() {
	[ "$rc" = 0 ]
}
said() {
	grep -q -- "$1" "${2-out}"
}

# clean HOST: nothing of postern's is left, after 5 s at most.
clean() {
	on "$1" 6 'n=0
		while [ -n "$(ls -d /run/postern.* 2>/dev/null)" ] ||
			pgrep -x timeout >/dev/null; do
			n=$((n + 1))
			[ "$n" -lt 100 ] || exit 1
			sleep 0.05
		done'
}

# started FILE: until what runs in the background has said a word there.
started() {
	timeout 10 sh -c 'until [ -s "$0" ]; do sleep 0.02; done' "$1"
}

# script NAME TEXT: one of root's scripts on alpha.
script() {
	on alpha 5 "printf '#!/bin/sh\necho %s\n' '$2' >/srv/sbin/$1 &&
		chmod 755 /srv/sbin/$1"
}

step 'Three hosts, alpha, beta and gamma, each with its own sshd and csync2'
script backup 'backup, first version'
script rotate-keys 'rotate-keys, first version'
show alpha 5 'cat /etc/csync2_priv.cfg; ls -l /var/lib/csync2/privileged.key'

step '1. The key is a FIFO that nobody feeds: the group is locked'
claim 1 'a sync of the privileged group waits for ever: its key is a locked FIFO'
show alpha 2 'csync2 -C priv -xv'
hold 'csync2 waits' waited
hold 'nothing reached beta' on beta 5 'test ! -e /srv/sbin/backup'
hold 'nothing reached gamma' on gamma 5 'test ! -e /srv/sbin/backup'

step '2. postern unlock: pushed over ssh itself, the FIFOs stay locked'
show alpha 30 'postern unlock -C priv privileged'
claim 2 "postern unlock pushed root's scripts to beta and gamma, over ssh alone"
hold 'it went well' went_well
hold 'the scripts are on beta' same beta
hold 'the scripts are on gamma' same gamma
show beta 5 'ls -l /srv/sbin'
script backup 'backup, second version'
show alpha 30 'postern unlock -C priv --verify privileged'
claim 3 'postern unlock --verify compared every file on both members afterwards'
hold 'it went well' went_well
hold 'beta has the second version' same beta
hold 'gamma has the second version' same gamma
claim 4 'the FIFOs stayed locked, and nothing of postern is left on any host'
for h in alpha beta gamma; do
	hold "nothing is left on $h" clean "$h"
done
show gamma 1 'head -n 1 /var/lib/csync2/privileged.key'
hold "gamma's FIFO holds nothing" eval 'waited && silent'

step '3. A shared window, for plain csync2: one key for all, hence --accept-risk'
script report 'report, pushed by csync2 itself'
# A patient thief on beta waits at the FIFO.
on beta 60 'mkdir -m 700 /root/yesterday; echo started
	exec head -n 1 /var/lib/csync2/privileged.key >/root/yesterday/key' \
	>thief.out &
thief=$!
started thief.out
prompt beta 'head -n 1 /var/lib/csync2/privileged.key >/root/yesterday/key &'
show alpha 60 'postern unlock -q -C priv --accept-risk privileged -- csync2 -C priv -xv'
claim 5 'in a shared window plain csync2 ran, while the command ran'
hold 'it went well' went_well
hold 'csync2 pushed it' said 'Updating /srv/sbin/report on beta'
hold 'the new script is on beta' has beta report
hold 'the new script is on gamma' has gamma report
script report 'report, too late'
claim 6 'the window closed behind it: the next sync waits again'
show alpha 2 'csync2 -C priv -xv'
hold 'csync2 waits' waited
hold 'there was a window' [ ! -e failed5 ]
hold 'gamma has not got the late change' without gamma 'too late'
wait "$thief"

step "4. Root on beta kept that window's key: yesterday's key opens nothing"
claim 7 "yesterday's key, kept by root on beta, was refused: Permission denied"
hold "beta's root has the key" \
	on beta 5 'grep -qE "^[A-Za-z0-9._]{32,}$" /root/yesterday/key'
on beta 5 '
	cp /etc/csync2_ssl_* /root/yesterday
	sed "s,key .*;,key /root/yesterday/key;," /etc/csync2_priv.cfg \
		>/root/yesterday/csync2_priv.cfg
	echo "echo evil" >>/srv/sbin/backup'
attack='cd /root/yesterday && CSYNC2_SYSTEM_DIR=. csync2 -C priv -P gamma -xvvv 2>&1 | grep -i permission'
show beta 5 'tail -n 1 /srv/sbin/backup'
show alpha 60 "postern unlock -q -C priv --accept-risk privileged -- ssh beta '$attack'"
hold 'csync2 on gamma refused it' said 'gamma .* Permission denied!'
hold 'gamma has nothing of it' without gamma evil

step '5. Root on beta, while alpha pushes'
# So that the push lasts as long as the attempts, csync2 is stopped on both
# members as soon as it is there.
freeze='
	echo watching
	until set -- /run/postern.*/pid && [ -s "$1" ]; do :; done
	read -r pid <"$1"
	kill -STOP "$pid" && echo "$pid"'
for h in beta gamma; do
	on "$h" 20 "$freeze" >"$h.frozen" &
	eval "freeze_$h=$!"
	started "$h.frozen"
done
on beta 5 'test -s /srv/sbin/backup && mkdir -m 700 /root/now'
say '(csync2 is held on beta and gamma meanwhile, so that there is time to try)'
prompt alpha 'postern unlock -C priv --verify privileged &'
on alpha 60 'postern unlock -C priv --verify privileged' >push.out 2>&1 &
push=$!
# shellcheck disable=SC2154
wait "$freeze_beta" "$freeze_gamma"
claim 8 "while alpha pushed, root on beta took its own one-time key: it opens only beta"
for h in beta gamma; do
	tail -n +2 "$h.frozen" >"$h.held"
	hold "the push to $h is under way" [ -s "$h.held" ]
done
# The key goes back into its place, so that nobody notices.
show beta 5 'cd /run/postern.*/ && head -n 1 k0 >/root/now/key && wc -c /root/now/key
    (cat /root/now/key >k0) >/dev/null 2>&1 &'
hold 'it has a key' on beta 5 'grep -qE "^[A-Za-z0-9._]{32,}$" /root/now/key'
on beta 5 '
	cp /etc/csync2_ssl_* /root/now
	sed "s,key .*;,key /root/now/key;," /etc/csync2_priv.cfg \
		>/root/now/csync2_priv.cfg'
show beta 2 'cd /root/now && CSYNC2_SYSTEM_DIR=. csync2 -C priv -P gamma -xv'
hold "gamma's daemon has no key to compare it with" eval '[ "$rc" != 0 ]'
claim 9 'nor did its csync2, its daemon or its ssh key write anything on gamma'
show beta 2 'csync2 -C priv -P gamma -xv'
hold 'csync2 waits' waited
show beta 5 'ssh -o BatchMode=yes gamma id'
hold 'ssh is refused' said 'Permission denied'
hold 'the push was still under way' eval \
	'kill -0 "$push" && on gamma 5 "grep -q ^State:.T /proc/$(cat gamma.held)/status"'
hold 'gamma has nothing of it' without gamma evil
for h in beta gamma; do
	on "$h" 5 "kill -CONT $(cat "$h.held")"
done
wait "$push"
rc=$?
prompt alpha 'wait'
tell push.out
hold 'gamma has nothing of it afterwards' without gamma evil
hold "gamma has alpha's scripts" same gamma
claim 10 'what root on beta had changed there was put right by that push'
hold 'the push went well' went_well
hold "beta has alpha's scripts" same beta
hold 'the change is gone' without beta evil
for h in alpha beta gamma; do
	hold "nothing is left on $h" clean "$h"
done

step "What was shown, in $(($(date +%s) - begin)) s"
n=0
status=0
while [ "$n" -lt 10 ]; do
	n=$((n + 1))
	if [ -e "claim$n" ] && [ ! -e "failed$n" ]; then
		word="${green}yes$plain"
	else
		word="${red}NO $plain"
		status=1
	fi
	printf '  %2d %s  %s\n' "$n" "$word" "$(cat "claim$n")"
done
exit "$status"
