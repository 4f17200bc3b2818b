#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# postern-audit kills: whom the kernel has killed, from each form of its
# records, and from a real one; what is forged, hostile or cut short.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# What the kernel says of a worker killed for getppid(2), from behind "audit(".
echo_record='1795601642.408:7685): auid=4294967295 uid=994 gid=994 '\
'ses=4294967295 pid=507 comm="worker: echo" '\
'exe="/usr/libexec/postern/postern-worker" sig=31 arch=c000003e syscall=110 '\
'compat=0 ip=0x7fb7a4f8180d code=0x80000000'

# The kernel writes a name with a space in it as hexadecimal.
hex_record=$(echo "$echo_record" |
    sed 's/comm="[^"]*"/comm=776F726B65723A206563686F/')

# Of the kernel, and about something else.
hello='6,1,1,-;hello'

as_kmsg() {
	echo "5,749,1338876339,-;audit: type=1326 audit($1"
}

# of_kernel LINE...: a file of such lines, and what is made of it, in "out".
of_kernel() {
	printf '%s\n' "$@" >records
	audit kills --file records --json
}

# one EXPRESSION: of the only kill, k.
one() {
	json out "[$1 for k in d['kills'] if len(d['kills']) == 1]" |
	    sed "s/^\[//; s/\]$//"
}

e2e_case forms "The same record in each of its forms"
forms_body() {
	json_of() {
		python3 -c 'import json, sys; print(json.dumps(dict(
		    a.split("=", 1) for a in sys.argv[1:])))' "$@"
	}
	enriched=$(printf '\035ARCH=x86_64 SYSCALL=getppid UID="x"')
	message="audit: type=1326 audit($hex_record"
	of_kernel "$(as_kmsg "$hex_record")" ' SUBSYSTEM=x'
	mv out expected
	atf_check_equal True "$(json expected \
	    'd["kills"][0]["attested"] and d["kills"][0]["pid"] == 507 and
	    d["kills"][0]["time"] == "2026-11-25T10:14:02.408Z" and
	    d["kills"][0]["processes"] == ["echo"] and
	    d["kills"][0]["known"] == "name" and
	    d["kills"][0]["call"] == "getppid" and
	    d["kills"][0]["architecture"] == "x86_64" and
	    d["kills"][0]["connection"] is None and
	    d["kills"][0]["uid"] == 994')"
	for line in "$(as_kmsg "$echo_record")" \
	    "kern  :notice: [ 1338.876339] $message" \
	    "type=SECCOMP msg=audit($hex_record" \
	    "node=here type=1326 msg=audit($echo_record" \
	    "type=SECCOMP msg=audit($hex_record$enriched" \
	    "$(json_of _TRANSPORT=kernel SYSLOG_FACILITY=0 MESSAGE="$message")" \
	    "$(json_of _TRANSPORT=audit _AUDIT_TYPE=1326 _AUDIT_ID=7685 \
	    _SOURCE_REALTIME_TIMESTAMP=1795601642408000 \
	    MESSAGE="SECCOMP ${hex_record#*: }")"; do
		of_kernel "$line"
		cmp -s out expected || {
			diff expected out >&2
			atf_fail "another kill: $line"
		}
	done
	# Here it is lost who said it.
	for line in "[ 1338.876339] $message" "$message" \
	    "Nov 25 10:30:41 host kernel: $message" \
	    "Nov 25 10:30:41 host kernel: [ 1338.876339] $message"; do
		of_kernel "$line"
		sed 's/"attested": false/"attested": true/' out >attested
		cmp -s out attested && atf_fail "attested: $line"
		cmp -s attested expected || atf_fail "another kill: $line"
	done
	# The same record from several sources is one kill, and from - as well.
	as_kmsg "$hex_record" >kmsg
	echo "type=SECCOMP msg=audit($hex_record" >audit.log
	postern-audit kills --file kmsg --file audit.log --file - --json \
	    <kmsg >out || atf_fail "failed"
	cmp -s out expected || atf_fail "not one kill"
}

e2e_case text "What is told of one"
text_body() {
	as_kmsg "$hex_record" >records
	audit kills --file records
	cat >expected <<-END
	2026-11-25T10:14:02.408Z echo (by its name): pid 507, uid 994, \
"worker: echo", /usr/libexec/postern/postern-worker
	    connection: not known without posternd's log (--log)
	    system call: getppid (110, x86_64)
	    echo has no row for it; one would belong to its group echo
	END
	head -n 4 out | diff expected - >&2 || atf_fail "not as it should be"
	# The call is one of its own, with other arguments.
	as_kmsg "$hex_record" | sed 's/syscall=110/syscall=0/' >records
	audit kills --file records
	grep -q "nearest row: echo, echo: read if fd == 3: " out ||
	    atf_fail "no row"
	# By another entry, or a call that has no name.
	as_kmsg "$hex_record" | sed 's/arch=c000003e/arch=40000003/' >records
	audit kills --file records
	grep -q 'system call: iopl (110, i386)' out || atf_fail "no i386"
	grep -q "no row can allow it: by another machine's entry" out ||
	    atf_fail "not said"
	as_kmsg "$hex_record" | sed 's/syscall=110/syscall=1073741863/' >records
	audit kills --file records
	grep -q 'system call: getpid (1073741863, x32)' out || atf_fail "no x32"
	as_kmsg "$hex_record" | sed 's/syscall=110/syscall=9999/' >records
	audit kills --file records
	grep -q 'system call: one without a name (9999' out ||
	    atf_fail "no 9999"
}

e2e_case others "Whose it is, and that others are left out"
others_body() {
	# By its program, where the name does not tell.
	of_kernel "$(as_kmsg "$hex_record" |
	    sed 's/comm=[0-9A-F]*/comm="x"/')"
	atf_check_equal "'program'" "$(one 'k["known"]')"
	one 'k["processes"]' >whose
	grep -q "'echo'" whose && grep -q "'spawner'" whose ||
	    atf_fail "not all"
	# What none of these has is told of others once.
	as_kmsg "$hex_record" | sed 's/comm=[0-9A-F]*/comm="x"/' |
	    sed 's/syscall=110/syscall=41/' >records
	audit kills --file records
	test "$(grep -c 'has no row for it' out)" -gt 1 || atf_fail "$(cat out)"
	grep 'others have one' out | sort | uniq -d >twice
	test -s out && test ! -s twice || atf_fail "twice: $(cat twice)"
	grep -q "'parent'" whose && atf_fail "the parent is another program"
	# Those whose tables allow the call were not it.
	of_kernel "$(as_kmsg "$hex_record" | sed \
	    -e 's/comm=[0-9A-F]*/comm="x"/' \
	    -e 's,postern/postern-worker,posternd,' \
	    -e 's/syscall=110/syscall=231/')"
	# All allow it, so that nothing more is known.
	atf_check_equal "'program'" "$(one 'k["known"]')"
	of_kernel "$(as_kmsg "$hex_record" | sed \
	    -e 's/comm=[0-9A-F]*/comm="x"/' \
	    -e 's/syscall=110/syscall=3/')"
	one 'k["processes"]' >whose
	grep -q "'init'" whose && grep -q "'echo'" whose || atf_fail "not those"
	grep -q "'pool'" whose && atf_fail "a pool worker may close"
	# Another program of that name, and another name.
	for other in 's,exe="[^"]*",exe="/usr/bin/x",' \
	    's/comm=[0-9A-F]*/comm="x"/; s,/postern-worker,/x,'; do
		of_kernel "$(as_kmsg "$hex_record" | sed "$other")"
		atf_check_equal "0 1" \
		    "$(json out '"%d %d" % (len(d["kills"]), d["others"])')"
		audit kills --all --json --file records
		atf_check_equal "1 no" "$(json out '"%d %s" %
		    (len(d["kills"]), d["kills"][0]["known"])')"
	done
	# Logged, but not killed.
	for code in 0x7ffc0000 0x50000 0x30000; do
		of_kernel "$(as_kmsg "$hex_record" |
		    sed "s/code=.*/code=$code/")"
		atf_check_equal "0 0" \
		    "$(json out '"%d %d" % (len(d["kills"]), d["others"])')"
	done
	for code in 0x0 0x80000000; do
		of_kernel "$(as_kmsg "$hex_record" |
		    sed "s/code=.*/code=$code/")"
		atf_check_equal "1" "$(json out 'len(d["kills"])')"
	done
	# None at all, and what the kernel says of those that it left out.
	echo "$hello" >records
	audit kills --file records
	grep -q '^no process of postern was killed' out || atf_fail "not said"
	of_kernel \
	    '4,418,1460115703,-;kauditd_printk_skb: 12 callbacks suppressed' \
	    '4,418,1460115703,-;kauditd_printk_skb: 3 callbacks suppressed'
	atf_check_equal "15 True" "$(json out '"%d %s" % (d["lost"],
	    d["some_lost"])')"
	audit kills --file records
	grep -q 'left out at least 15 records' out || atf_fail "not said"
}

e2e_case forged "Whatever the kernel has not said does not count"
forged_body() {
	message="audit: type=1326 audit($hex_record"
	# A user's facilities are all but 0; those who have lost it say so.
	for line in "14,749,1338876339,-;$message" "12,749,1,-;$message" \
	    "8,749,1,-;$message" "user  :notice: [ 1338.876339] $message" \
	    "daemon:info  : [    1.2] $message" \
	    '{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"1","MESSAGE":"'"$(
	    echo "$message" | sed 's/"/\\"/g')"'"}' \
	    '{"_TRANSPORT":"syslog","SYSLOG_FACILITY":"0","MESSAGE":"'"$(
	    echo "$message" | sed 's/"/\\"/g')"'"}' \
	    '12,4,1,-;kauditd_printk_skb: 12 callbacks suppressed'; do
		of_kernel "$hello" "$line"
		atf_check_equal "0 1 0" "$(json out '"%d %d %d" %
		    (len(d["kills"]), d["forged"], d["lost"])')"
		audit kills --file records
		grep -q '^1 lines that look like a record' out ||
		    atf_fail "not said: $line"
	done
	# Quoted by the kernel, or by a user's program.
	for line in "5,749,1,-;program says $message" \
	    "type=USER_CMD msg=audit($echo_record" \
	    "type=USER msg='type=SECCOMP msg=audit($echo_record'" \
	    "Nov 25 10:30:41 host x[1]: a word and$message"; do
		of_kernel "$hello" "$line"
		atf_check_equal "0" "$(json out 'len(d["kills"])')"
	done
	# Within a field that the user chose nothing is a field.
	of_kernel "$(as_kmsg "$echo_record" | sed -e 's/pid=507 //' \
	    -e 's,exe=",exe="/x pid=1 uid=0 /,' -e 's/ip=/pid=507 &/')"
	atf_check_equal "507 994" "$(one '"%d %d" % (k["pid"], k["uid"])' |
	    tr -d "'")"
	# And nothing of what he chose reaches a terminal as it is.
	of_kernel "$(as_kmsg "$hex_record" |
	    sed 's/comm=[0-9A-F]*/comm=1B5B324A0A22/')"
	audit kills --file records
	LC_ALL=C grep -q '[^ -~]' out && atf_fail "not escaped: $(cat -v out)"
	grep -qF '\x1b[2J\x0a\"' out || atf_fail "lost: $(cat -v out)"
}

e2e_case cut "A record that is cut short is one line and a code"
cut_body() {
	as_kmsg "$hex_record" >whole
	size=$(wc -c <whole)
	# Wherever: of the last one the end of its line alone is missing.
	for cut in $(seq 1 7 $((size - 14))) $(seq $((size - 13)) $((size - 1)))
	do
		head -c "$cut" whole >records
		refused_but_told "records: line 1: a record cut short" \
		    --file records
	done
	grep -q 'echo (by its name)' out || atf_fail "what is there is not told"
	# The others are told all the same.
	{ cat whole; head -c 150 whole; echo; cat whole; } >records
	refused_but_told "records: line 2: a record cut short" --file records
	grep -q 'echo (by its name)' out || atf_fail "the others are not told"
	# What no kernel writes.
	for bad in s/pid=507/pid=-1/ s/pid=507/pid=0/ s/pid=507/pid=x/ \
	    s/pid=507/pid=99999999999999999999/ s/comm=7/comm=/ \
	    s/comm=7/comm=X7/ 's/comm=[0-9A-F]*/comm=00/' \
	    's/comm=[0-9A-F]*/comm="x/; s/exe="[^ ]*//' s/syscall=110/syscall=/ \
	    s/syscall=110/syscall=99999999999/ s/arch=c/arch=-c/ \
	    s/arch=c/arch=1c/ s/1795601642/99999999999999/ s/1795601642/-1/ \
	    s/.408:/.4080:/ s/:7685/:/ s/code=0x8/code=0xz/ \
	    "s/comm=[0-9A-F]*/comm=$(printf '41%.0s' $(seq 100))/"; do
		sed "$bad" whole >records
		cmp -s whole records && atf_fail "no change: $bad"
		refused_but_told "records: line 1: a record cut short" \
		    --file records
	done
	echo '{"_TRANSPORT": "kernel", "MESS' >records
	refused_but_told "records: line 1: a record cut short" --file records
}

# says_none WORDS ARG...: one line, and not that nobody was killed.
says_none() {
	none="kills: $1 holds no record of the kernel's log"
	shift
	refused $EX_DATAERR "$none" kills "$@"
	refused $EX_DATAERR "$none" kills --json "$@"
}

e2e_case none "What has nothing of the kernel does not say that nobody died"
none_body() {
	: | says_none 'standard input:'
	grep -q 'with </dev/null this system' err || atf_fail "no way out"
	: | says_none 'standard input:' --file -
	says_none 'standard input:' </etc/passwd
	: >empty
	says_none 'standard input:' <empty
	says_none 'empty:' --file empty
	says_none '/etc/passwd:' --file /etc/passwd
	# Nor does what somebody else has said.
	echo "14,749,1338876339,-;audit: type=1326 audit($hex_record" >forged
	says_none 'forged:' --file forged
	echo '{"_TRANSPORT":"syslog","SYSLOG_FACILITY":"3","MESSAGE":"x"}' >unit
	says_none 'unit:' --file unit
	# Each of the forms in which the kernel says something else.
	for line in "$hello" 'kern  :info  : [    1.000001] hello' \
	    '[    1.000001] hello' 'Nov 25 10:30:41 host kernel: hello' \
	    'type=USER_CMD msg=audit(1.000:1): pid=1' \
	    '{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"hello"}' \
	    '{"_TRANSPORT":"audit","_AUDIT_TYPE":"1300","MESSAGE":"SYSCALL x"}'
	do
		of_kernel "$line"
		atf_check_equal 0 "$(json out 'len(d["kills"])')"
	done
	# Beside one that has some, those are told.
	as_kmsg "$hex_record" >records
	code=0
	postern-audit kills --file empty --file records >out 2>err || code=$?
	atf_check_equal "$EX_DATAERR" "$code"
	grep -q "kills: empty: holds no record" err || atf_fail "$(cat err)"
	grep -q 'echo (by its name)' out || atf_fail "the other is not told"
}

# refused_but_told WORDS ARG...: EX_DATAERR, one line on standard error.
refused_but_told() {
	words=$1
	shift
	code=0
	postern-audit kills "$@" >out 2>err </dev/null || code=$?
	test "$code" = $EX_DATAERR ||
	    atf_fail "$words: code $code: $(cat records)"
	test "$(wc -l <err)" -eq 1 && grep -qF "kills: $words" err ||
	    atf_fail "not '$words': $(cat err)"
}

e2e_case connection "Whose connection it was, by the log"
connection_body() {
	as_kmsg "$hex_record" >records
	with_log() {
		printf '%s\n' "$@" >log
		audit kills --file records --log log --json
	}
	at='time=2026-11-25T10:14:02.500Z level=error pid=3 process=parent'
	with_log "$at event=worker-died worker=507 signal=SYS peer=192.0.2.7:50712"
	atf_check_equal "'known 192.0.2.7:50712'" \
	    "$(one 'k["session"] + " " + k["connection"]')"
	with_log "$at event=worker-died worker=507 signal=SYS"
	atf_check_equal "('none', None)" \
	    "$(one '(k["session"], k["connection"])')"
	with_log "$at event=worker-died worker=507 signal=SYS" \
	    "$at event=close peer=[2001:db8::1]:9 end=worker-died worker=507"
	atf_check_equal "'[2001:db8::1]:9'" "$(one 'k["connection"]')"
	# By way of the journal, or of syslogd: there the time is another.
	death="event=worker-died worker=507 signal=SYS"
	with_log "Nov 25 10:14:02 host posternd[3]: process=parent $death \
peer=192.0.2.7:1"
	atf_check_equal "'192.0.2.7:1'" "$(one 'k["connection"]')"
	# Not this death: another's, at another time, another end, or a quote.
	for line in "$at event=worker-died worker=508 signal=SYS peer=x" \
	    "time=2026-11-25T11:14:02.500Z $death peer=x" \
	    "$at event=worker-died worker=507 signal=SEGV peer=x" \
	    "$at event=open subject=\"CN=x $death peer=y\"" \
	    "$at event=open subject=\"CN=\\\" $death peer=y\"" \
	    "$at event=worker-died worker= signal=SYS peer=x" '' '=' 'event='; do
		with_log "$line"
		atf_check_equal "('unknown', None)" \
		    "$(one '(k["session"], k["connection"])')"
	done
	# A log also tells who it was.
	sed 's/comm=[0-9A-F]*/comm="x"/; s,/usr/lib[^"]*,/x,' records >nameless
	mv nameless records
	with_log "$at event=worker-died worker=507 signal=SYS peer=192.0.2.7:1"
	atf_check_equal "('log', ['echo', 'pool', 'relay'])" \
	    "$(one '(k["known"], k["processes"])')"
	with_log "$at event=parent-died parent=507 signal=SYS"
	atf_check_equal "('log', ['parent'])" \
	    "$(one '(k["known"], k["processes"])')"
}

# seen PID: the kernel's log has its record.
seen() {
	postern-audit kills --json --log daemon.log >out 2>err || {
		cat err >&2
		atf_fail "kills failed"
	}
	json out "any(k['pid'] == $1 and k['call'] == 'getppid'
	    for k in d['kills'])" | grep -q True
}

seen_soon() {
	wait_for 3 seen "$1"
}

# The kernel leaves records out where there are many, as when other tests run:
# then with another connection.
root_case real "A worker that breaks its filter, from the log of the kernel"
real_body() {
	filters_kill=yes
	test -r /dev/kmsg || atf_skip "there is no /dev/kmsg here"
	make_pki
	write_conf
	start_daemon
	for try in $(seq 1 40); do
		hold "try$try" 4
		pid=$(worker_of "$try")
		peer=$(open_line "$try" | sed 's/.* peer=\([^ ]*\) .*/\1/')
		status=0
		"$(atf_get_srcdir)/../daemon/poke_helper" poke "$pid" ||
		    status=$?
		test $status -ne 3 || atf_skip "x86_64 only"
		test $status -eq 0 || atf_fail "cannot misdirect $pid"
		expect_log "event=close .* end=worker-died .* worker=$pid"
		held_status "try$try" 4 && atf_fail "its client noticed nothing"
		seen_soon "$pid" && break
	done
	test "$try" -lt 40 || atf_skip "the kernel has left out 40 records"
	atf_check_equal True "$(json out "[(k['processes'], k['known'],
	    k['session'], k['connection'], k['uid'], k['attested'],
	    k['nearest'][0]['group'], k['program'].split('/')[-1])
	    for k in d['kills'] if k['pid'] == $pid][-1] ==
	    (['echo'], 'name', 'known', '$peer', $(id -u _posternw), True,
	    'echo', 'postern-worker')")"
	assert_echo
	stop_daemon
}

root_case forged_kmsg "Who writes into the log of the kernel is not believed"
forged_kmsg_body() {
	test -w /dev/kmsg || atf_skip "there is no /dev/kmsg here"
	mark=$$
	for priority in '' '<5>' '<0>' '<8>'; do
		echo "${priority}audit: type=1326 audit($hex_record" |
		    sed "s/pid=507/pid=$mark/" >/dev/kmsg ||
		    atf_skip "/dev/kmsg takes nothing"
	done
	audit kills --json --all
	atf_check_equal True "$(json out "d['forged'] >= 4 and
	    not any(k['pid'] == $mark and
	    k['time'] == '2026-11-25T10:14:02.408Z' for k in d['kills'])")"
}

root_case confined "It has given up all before it looks"
confined_head() {
	atf_set descr "It has given up all before it looks"
	atf_set require.user root
	atf_set require.progs strace
}
confined_body() {
	test -z "${SANITIZE-}" || atf_skip "a sanitizer reads its own mappings"
	# So many that to look at them takes memory, which is seen.
	for serial in $(seq 2000); do
		as_kmsg "${hex_record%%:*}:$serial${hex_record#*:7685}"
	done >records
	strace -f -o trace postern-audit kills --file records >out 2>err ||
	    atf_fail "$(cat err)"
	grep -n 'seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=' trace |
	    tail -n 1 | cut -d : -f 1 >filter
	test -s filter || atf_fail "no filter: $(tail -n 20 trace)"
	before=$(head -n "$(cat filter)" trace)
	echo "$before" | grep -q 'setresuid(65534, 65534, 65534) *= 0' ||
	    atf_fail "still root"
	echo "$before" | grep -q 'landlock_restrict_self(.*) *= 0' ||
	    atf_fail "no Landlock"
	echo "$before" | grep -q 'openat(.*"records"' || atf_fail "not read"
	echo "$before" | grep -q '^[0-9]* *write(1' && atf_fail "looked before"
	tail -n "+$(($(cat filter) + 1))" trace |
	    sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' | sort -u >after
	grep -vx -e write -e brk -e mmap -e munmap -e mremap -e exit_group \
	    -e madvise -e sysinfo -e getrandom after >beyond
	test ! -s beyond || atf_fail "afterwards also: $(xargs <beyond)"
	grep -qx write after || atf_fail "nothing written"
	grep -qx mremap after || atf_fail "it has looked before"
}

# with_journal SCRIPT COMMAND...: where journalctl is this script, and nothing
# is in the kernel's own log.
with_journal() {
	test -x /usr/bin/journalctl ||
	    atf_skip "there is no /usr/bin/journalctl to stand in for"
	unshare -m true || atf_skip "no mount namespace can be made here"
	echo "$1" >journalctl
	chmod 755 journalctl
	shift
	unshare -m sh -c 'mount --bind journalctl /usr/bin/journalctl &&
	    mount --bind kmsg /dev/kmsg && exec "$@"' sh "$@" </dev/null
}

root_case journal "The journal is asked by itself, and is told once with others"
journal_body() {
	{
		as_kmsg "$hex_record" | sed 's/.*;//; s/^/{"_TRANSPORT":"kernel",\
"SYSLOG_FACILITY":"0","MESSAGE":"/; s/$/"}/' | tr -d '\n' |
		    sed 's,"\(/usr[^"]*\)",\\"\1\\",'
		echo
	} >journal.json
	# No record here; then the same.
	echo '6,1,1,-;hello' >kmsg
	with_journal "#!/bin/sh
	{ echo \"\$*\"; env; } >$PWD/asked
	cat $PWD/journal.json" postern-audit kills --json >out 2>err ||
	    atf_fail "it failed: $(cat err)"
	atf_check_equal "1 507" "$(json out '"%d %d" % (len(d["kills"]),
	    d["kills"][0]["pid"])')"
	grep -q -e '--output=json .*_TRANSPORT=audit + _TRANSPORT=kernel$' \
	    asked || atf_fail "asked for $(cat asked)"
	# A shell gives itself some; there is nothing of ours.
	grep -v -e '^PWD=' -e '^_=' -e '^SHLVL=' -e '^OLDPWD=' asked |
	    sed 1d >environment
	test ! -s environment || atf_fail "environment: $(cat environment)"
	as_kmsg "$hex_record" >kmsg
	with_journal "#!/bin/sh
	cat $PWD/journal.json" postern-audit kills --json >out ||
	    atf_fail "it failed"
	atf_check_equal 1 "$(json out 'len(d["kills"])')"
	# What is piped is read instead.
	as_kmsg "$echo_record" | postern-audit kills --json >out ||
	    atf_fail "it failed"
	atf_check_equal 1 "$(json out 'len(d["kills"])')"
}

root_case no_journal "A journal that is not there, and one that fails"
no_journal_body() {
	as_kmsg "$hex_record" >kmsg
	with_journal "#!/bin/sh
	exit 1" postern-audit kills --json >out 2>err ||
	    atf_fail "it failed: $(cat err)"
	atf_check_equal 1 "$(json out 'len(d["kills"])')"
	for end in 'exit 3:it ended with 3' \
	    'kill -9 $$:was killed by signal 9'; do
		code=0
		with_journal "#!/bin/sh
		${end%%:*}" postern-audit kills --json >out 2>err || code=$?
		atf_check_equal "$EX_UNAVAILABLE" "$code"
		grep -q "^postern-audit: kills: journalctl: .*${end#*:}" err ||
		    atf_fail "not said: $(cat err)"
		atf_check_equal 1 "$(json out 'len(d["kills"])')"
	done
	test ! -e /var/log/audit/audit.log || return 0
	# They are there, and empty.
	: >kmsg
	code=0
	with_journal "#!/bin/sh
	exit 1" postern-audit kills >out 2>err || code=$?
	atf_check_equal "$EX_DATAERR" "$code"
	test ! -s out || atf_fail "printed"
	grep -q '^postern-audit: kills: this system: what it has .* is empty' \
	    err || atf_fail "not said: $(cat err)"
	# Nothing of the three.
	with_journal "#!/bin/sh
	exit 1" sh -c 'umount /dev/kmsg && mount -t tmpfs none /dev &&
	    : >/dev/null && exec postern-audit kills' >out 2>err
	code=$?
	atf_check_equal "$EX_UNAVAILABLE" "$code"
	grep -q '^postern-audit: kills: there is no /var/log/audit/audit.log, nothing of the kernel in a journal, and /dev/kmsg: No such file' \
	    err || atf_fail "not said: $(cat err)"
}

e2e_case bad_input "What cannot be read is one line and a code"
bad_input_body() {
	refused $EX_NOINPUT 'kills: none: No such file' kills --file none
	refused $EX_NOINPUT 'kills: none: No such file' kills --log none \
	    --file /dev/null
	refused $EX_NOINPUT 'kills: .: Is a directory' kills --file .
	truncate -s 70M large
	refused $EX_DATAERR 'kills: large: has more than the 64 MiB' \
	    kills --file large
	refused $EX_USAGE 'kills: --file: needs a value' kills --file
	refused $EX_USAGE 'kills: 507: what is this?' kills 507
	refused $EX_USAGE 'kills: --pid: no such option' kills --pid 507
	set --
	for i in 1 2 3 4 5 6 7 8 9; do
		set -- "$@" --file /dev/null
	done
	refused $EX_USAGE 'kills: --file: 8 of them at most' kills "$@"
	as_kmsg "$hex_record" >records
	code=0
	postern-audit kills --file records >/dev/full 2>err || code=$?
	atf_check_equal $EX_IOERR "$code"
}

root_case no_permission "Who may not read the log of the kernel is told so"
no_permission_body() {
	test "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ||
	    atf_skip "here everybody may (kernel.dmesg_restrict)"
	cp "$(command -v postern-audit)" /tmp/postern-audit.$$ || atf_fail cp
	code=0
	setpriv --reuid 65534 --regid 65534 --clear-groups \
	    --bounding-set=-all /tmp/postern-audit.$$ kills >out 2>err ||
	    code=$?
	rm -f /tmp/postern-audit.$$
	atf_check_equal $EX_NOPERM "$code"
	test "$(wc -l <err)" -eq 1 && grep -q ": kills: /dev/kmsg: only root" \
	    err || atf_fail "not said: $(cat err)"
	test ! -s out || atf_fail "printed"
}
