#! /usr/bin/env atf-sh
#
# postern-audit live on services that are as they should be, and on what is no
# service at all.  What it notices when they are not: sabotage_test.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../live_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# audits NUMBER: one after the other, each must find nothing wrong.
audits() {
	for i_ in $(seq "$1"); do
		audit_live --json || return 1
	done
}

# ping_while NAME: 200 echoes, all of which must come back; says how long they
# took.
ping_while() {
	postern ping -R ca.pem -C client.pem -K client.key -q --json -c 200 \
	    -i 0.01 127.0.0.1 "$port" >"$1.json" 2>ping.err ||
	    atf_fail "$1: $(cat ping.err)"
	atf_check_equal "200 200" "$(json "$1.json" \
	    'str(d["sent"]) + " " + str(d["echoed"])')"
	json "$1.json" '"median of a round trip: %s ms" %
	    sorted(e["time_ms"] for e in d["echoes"])[100]'
}

# ---- cases -------------------------------------------------------------------

root_case connection "all is as declared: a worker a connection, with resolver"
connection_body() {
	make_pki
	issue client client ca --name client --host 127.0.0.1 --force
	write_conf parents=2 clients.host-check=either
	start_daemon
	expect_green
	for name in supervisor 'parent 0' 'parent 1' resolver spawner init \
	    'echo x'; do
		expect_shown "^$name.* ok  "
	done
	expect_shown ' 0 failed'
	expect_shown '^    read: fd == 3$'
	expect_shown 'memory .*; shared: the board$'
	expect_shown 'memory .*; shared: the board, to be read$'
	expect_shown 'memory .*, nothing is shared$'
	assert_echo
	stop_daemon
}

root_case pool "all is as declared: a pool"
pool_body() {
	make_pki
	write_conf isolation=pool pool-workers=2
	start_daemon
	assert_echo
	expect_green
	expect_shown '^pool.* ok  '
	assert_echo
	stop_daemon
}

# Over TCP, and by a local socket, for which the dialer's root is another.
root_case relay "all is as declared: relay workers and their dialer"
relay_body() {
	app=$(free_port)
	chmod 755 .
	start_service "127.0.0.1:$app" greet hello
	start_service "unix:$PWD/app.sock" greet hello
	chmod 666 app.sock
	make_pki
	for to in "127.0.0.1:$app" unix:app.sock; do
		write_conf worker=relay "relay.to=$to"
		start_daemon
		rm -f feed
		mkfifo feed
		connect <feed >out 2>err &
		record $!
		exec 9>feed
		expect_log event=open
		expect_green
		for name in dialer relay-spawner init 'relay'; do
			expect_shown "^$name.* ok  "
		done
		if test "$to" = unix:app.sock; then
			expect_shown '^dial-spawner.* ok  '
			expect_shown 'memory .*; connects to nobody but /.* in'
		else
			expect_shown "memory .*; connects to nobody but $to$"
		fi
		exec 9>&-
		stop_daemon
	done
}

# Started by another user than root, and looked at by root.
root_case one_uid "all is as declared: without root"
one_uid_body() {
	command -v setpriv >/dev/null || atf_skip "there is no setpriv"
	make_pki
	write_conf
	chown -R nobody .
	give_programs_to_nobody
	posternd() {
		as_nobody posternd -U "$@"
	}
	start_daemon
	expect_green
	expect_shown '^    -U *user '
	expect_shown ' 0 failed'
	expect_green --json
	atf_check_equal True "$(json live.out 'd["one-uid"]')"
	assert_echo
	stop_daemon
}

# Those of root's shell, say: the service gives them up.
root_case groups "all is as declared: started with supplementary groups"
groups_body() {
	make_pki
	write_conf
	posternd() {
		exec setpriv --groups 0,4,42 posternd "$@"
	}
	start_daemon
	expect_green
	assert_echo
	stop_daemon
}

# Sessions of an old generation go on: all its processes are there as well.
root_case reload "all is as declared: three generations"
reload_body() {
	make_pki
	write_conf
	start_daemon
	hold alice 4
	feed alice 4 first
	for generation in 2 3; do
		issue server server ca --host 127.0.0.1,::1,localhost --force
		kill -HUP "$daemon_pid"
		expect_log "event=reload result=ok generation=$generation "
		# shellcheck disable=SC2046
		record $(tree_of "$daemon_pid")
		test $generation -ne 2 || hold bob 5
		test $generation -ne 2 || feed bob 5 second
	done
	expect_green
	expect_shown '^posternd: parent 0, 3 alike: '
	feed alice 4 third
	feed bob 5 fourth
	release alice 4
	release bob 5
	stop_daemon
}

# Its sessions go on, and init with them; they are as declared still.
root_case left "all is as declared: what a spawner has left that was killed"
left_body() {
	make_pki
	write_conf
	start_daemon
	hold alice 4
	feed alice 4 first
	kill -KILL "$(process_titled "$daemon_pid" 'postern-worker: spawner')"
	expect_log event=spawner-died
	left=$(sed -n 's/.*event=open .*worker=\([0-9]*\).*/\1/p' daemon.log)
	expect_green
	expect_green --json
	atf_check_equal True "$(json live.out "any($left in g[\"pids\"]
	    for g in d[\"groups\"] if g[\"process\"] == \"echo\")")"
	atf_check_equal 1 "$(json live.out 'sum(
	    "its spawner has ended" in g["checks"]["tree"]["detail"]
	    for g in d["groups"] if g["process"] == "init")')"
	feed alice 4 second
	release alice 4
	stop_daemon
}

# Where the service listens is another place since, or two; and who asks the
# exporter, by which of its doors, is told apart from who is connected to.
root_case doors "all is as declared: clients of each listener, old and new"
doors_body() {
	make_pki
	metrics=$(free_port)
	write_conf "metrics.listen=127.0.0.1:$metrics"
	start_daemon
	hold alice 4
	before=$port
	port=$(free_port)
	write_conf "metrics.listen=127.0.0.1:$metrics" \
	    "listen={\"127.0.0.1:$port\"}"
	kill -HUP "$daemon_pid"
	expect_log "event=reload result=ok generation=2 "
	hold bob 5
	run_in_background python3 -c 'import signal, socket, sys
tcp = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
local = socket.socket(socket.AF_UNIX)
local.bind("asker")
local.connect("status.sock")
open("asking", "w").close()
signal.pause()' "$metrics" 4>&- 5>&-
	expect_soon test -e asking
	expect_green
	test "$before" != "$port" || atf_fail "the same port"
	feed alice 4 again
	release alice 4
	release bob 5
	stop_daemon
}

# While a generation starts, too: what is not confined yet is looked at again.
root_case starting "all is as declared: while generations come and go"
starting_body() {
	make_pki
	write_conf parents=2
	start_daemon
	for generation in 2 3 4; do
		kill -HUP "$daemon_pid"
		expect_green
		expect_log "event=reload result=ok generation=$generation "
	done
	stop_daemon
}

# Sessions are fed before, while and after it is looked at; no process leaves.
root_case unnoticed "the service does not notice"
unnoticed_body() {
	make_pki
	write_conf
	start_daemon
	hold alice 4
	feed alice 4 before
	ping_while before
	run_in_background audits 4
	audits_pid=$!
	ping_while while
	feed alice 4 while
	wait $audits_pid || atf_fail "an audit failed: $(cat live.out)"
	ping_while after
	feed alice 4 after
	release alice 4
	# So far it is told, not judged: the machine has other things to do.
	json live.out '"stopped for %d us" % d["longest-stop-us"]'
	atf_check_equal True "$(json live.out 'd["longest-stop-us"] < 1000000')"
	log_has '-died\|level=error' && atf_fail "$(cat daemon.log)"
	stop_daemon
}

root_case json "one document, with keys that do not change"
json_body() {
	make_pki
	write_conf
	start_daemon
	expect_green --json
	atf_check_equal "0 $daemon_pid False" "$(json live.out 'str(d["failed"]) +
	    " " + str(d["supervisor"]) + " " + str(d["one-uid"])')"
	atf_check_equal 'echo exporter init parent spawner supervisor' \
	    "$(json live.out '" ".join(sorted(set(g["process"]
	    for g in d["groups"])))')"
	atf_check_equal "passed exit_group" "$(json live.out '[
	    g["checks"]["filters"]["verdict"] + " " + " ".join(r["call"]
	    for r in g["reach"] if r["allowed"] == "free")
	    for g in d["groups"] if g["process"] == "echo"][0]')"
	atf_check_equal "read: fd == 3, write: fd == 3" "$(json live.out '[
	    ", ".join(r["call"] + ": " + r["limits"]
	    for r in g["reach"] if r["allowed"] == "limited")
	    for g in d["groups"] if g["process"] == "echo"][0]')"
	atf_check_equal "[]" "$(json live.out '[r for g in d["groups"]
	    for r in g["reach"] if r["entry"] not in ("x86_64", "aarch64")]')"
	stop_daemon
}

e2e_case nothing_there "what is no service is said in one line"
nothing_there_body() {
	refused $EX_USAGE 'want a process id' live --pid 0
	refused $EX_USAGE 'want a process id' live --pid 1x
	refused $EX_USAGE 'takes no operand' live all
	refused $EX_USAGE 'no such option' live --all
	is_root || {
		refused $EX_NOPERM 'only root' live
		return 0
	}
	refused $EX_USAGE 'not the supervisor of a posternd' live --pid $$
	# Some machine's init may be looked into by nobody.
	if readlink /proc/1/exe >link 2>&1; then
		refused $EX_USAGE 'not the supervisor' live --pid 1
	else
		refused $EX_NOPERM '--pid 1: its program, /proc/1/exe: ' \
		    live --pid 1
	fi
	sleep 0 &
	pid=$!
	wait $pid
	refused $EX_UNAVAILABLE 'no such process' live --pid $pid
}

# A filter of its own, or no right to look: one line, and no page of failures.
root_case no_right "without the rights it says so"
no_right_body() {
	command -v setpriv >/dev/null || atf_skip "there is no setpriv"
	make_pki
	write_conf
	start_daemon
	for drop in sys_admin:CAP_SYS_ADMIN sys_ptrace:CAP_SYS_PTRACE; do
		for pid in "--pid $daemon_pid" ''; do
			status=0
			# shellcheck disable=SC2086
			setpriv --bounding-set="-${drop%:*}" \
			    --inh-caps="-${drop%:*}" postern-audit live $pid \
			    >live.out 2>live.err || status=$?
			atf_check_equal "$EX_NOPERM" "$status"
			one_line "${drop#*:} is missing"
		done
	done
	status=0
	"$(atf_get_srcdir)/../daemon/without_helper" user-namespaces \
	    postern-audit live --pid "$daemon_pid" >live.out 2>live.err ||
	    status=$?
	atf_check_equal "$EX_OSERR" "$status"
	one_line 'there is a filter on postern-audit itself'
	stop_daemon
}

# one_line WORDS: all that it said.
one_line() {
	test ! -s live.out || atf_fail "printed: $(head -n 3 live.out)"
	test "$(wc -l <live.err)" -eq 1 || atf_fail "$(cat live.err)"
	case $(cat live.err) in
	'postern-audit: live: '*"$1"*) ;;
	*) atf_fail "'$(cat live.err)' is without '$1'" ;;
	esac
}

root_case several "of several services one is to be chosen"
several_body() {
	make_pki
	write_conf
	start_daemon
	first=$daemon_pid
	port=
	mkdir second
	cp ./*.pem ./*.key second/
	cd second || atf_fail "cd"
	write_conf
	: >daemon.log
	start_daemon
	record "$first"
	status=0
	postern-audit live >live.out 2>live.err || status=$?
	atf_check_equal "$EX_USAGE" "$status"
	# Other tests may have others.
	one_line "several are running, choose one by --pid: "
	for pid in $first $daemon_pid; do
		grep -q " $pid\\( \\|$\\)" live.err ||
		    atf_fail "$pid is not named: $(cat live.err)"
	done
	expect_green
	stop_daemon
	kill -TERM "$first"
	expect_soon gone "$first"
}

# Killed while it is looked at: as soon as the audit has it open.
root_case vanishes "a service that ends meanwhile is said in one line"
vanishes_body() {
	make_pki
	write_conf parents=2
	looks() {
		gone $audit_pid ||
		    readlink "/proc/$audit_pid"/fd/* 2>/dev/null |
		    grep -q "^/proc/$daemon_pid$"
	}
	for try in 1 2 3 4 5 6 7 8; do
		start_daemon
		postern-audit live --pid "$daemon_pid" >live.out 2>live.err &
		audit_pid=$!
		record $!
		expect_soon looks
		kill -KILL "$daemon_pid"
		status=0
		wait $audit_pid || status=$?
		test $status -eq 0 || break
	done
	test $status -ne 0 || atf_skip "it was faster than this test each time"
	atf_check_equal "$EX_UNAVAILABLE" "$status"
	one_line "process $daemon_pid ended meanwhile"
}

# The audit's own questions of the kernel are answered as an older one would.
root_case older_kernel "what the kernel does not have is no failure, and shown"
older_kernel_head() {
	atf_set descr "what the kernel does not have is no failure, and shown"
	atf_set require.user root
	atf_set require.progs strace
}
older_kernel_body() {
	make_pki
	write_conf
	start_daemon
	audit_of_older_kernel
	test "$status" -eq 0 ||
	    atf_fail "it ended with $status:" \
	    "$(grep FAILED live.out; cat live.err)"
	for layer in 'mdwe 6\.3' 'landlock-net 6\.7' 'landlock-scope 6\.12'; do
		expect_shown "absent ${layer% *} *absent: kernel (Linux ${layer#* } has it)"
	done
	expect_shown ' 0 failed, [1-9][0-9]* absent: kernel'
	stop_daemon
	# A service without secret memory: here by a filter, of another's.
	: >daemon.log
	"$(atf_get_srcdir)/../daemon/without_helper" secret-memory posternd \
	    -f posternd.conf </dev/null >daemon.out 2>daemon.log &
	daemon_pid=$!
	record $!
	expect_log event=ready
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	audit_of_older_kernel
	test "$status" -eq 0 ||
	    atf_fail "it ended with $status:" \
	    "$(grep FAILED live.out; cat live.err)"
	expect_shown 'absent key .*secret memory is absent: kernel'
	stop_daemon
}

audit_of_older_kernel() {
	status=0
	strace -q -o strace.out \
	    -e trace=prctl,memfd_secret,landlock_create_ruleset \
	    -e inject=prctl:error=EINVAL \
	    -e inject=memfd_secret:error=ENOSYS \
	    -e inject=landlock_create_ruleset:retval=2 \
	    postern-audit live --pid "$daemon_pid" >live.out 2>live.err ||
	    status=$?
}
