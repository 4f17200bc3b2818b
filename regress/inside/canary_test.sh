#! /usr/bin/env atf-sh
#
# The canary at start: a row that is missing from a table is found before the
# service is ready, the start refused, and the call named.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../dns_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

without_root=
is_root || without_root=-U

# ---- verbs -------------------------------------------------------------------

# without PROCESS GROUP CALL: the lines of a plan in which no row of the group
# has that call; the last row first, as those behind it move up.
without() {
	postern-audit policy "$1" | awk -v group="$2" -v call="$3" '
	/^  [a-z]/ { n = 0; there = $1 == group }
	/^    [a-z]/ {
		if (there && $1 == call)
			line[++lines] = n
		n++
	}
	END {
		for (; lines > 0; lines--)
			print line[lines]
	}' | while read -r row; do
		echo "$1 remove $2 $row"
	done
}

# lacks PROCESS[,PROCESS...] GROUP CALL: none of them has the group's rows for
# that call.
lacks() {
	for process in $(echo "$1" | tr , ' '); do
		without "$process" "$2" "$3"
	done >plan.lines
	test -s plan.lines || atf_fail "$1, $2: no row for $3"
	use_inside "$(cat plan.lines)"
}

# It ends by itself, with this code, and no client would ever have got in.
assert_refused() {
	launch_daemon
	wait_for 30 daemon_ready_or_gone
	log_has event=ready && {
		show_log
		atf_fail "it was ready"
	}
	status=0
	daemon_status || status=$?
	test "$status" -eq "$1" || {
		show_log
		atf_fail "status $status, not $1"
	}
	log_has event=canary || {
		show_log
		atf_fail "the canary did not say why"
	}
}

# assert_named PROCESS GROUP CALL: the log says what row to add.
assert_named() {
	line="process=rehearsal event=canary lacks=$3 of=$1 arguments="
	line="$line\"\\(0x[0-9a-f]*\\|0\\)\\( 0x[0-9a-f]*\\| 0\\)*\" group=$2"
	log_has "$line row=\"{ \\\\\"$3\\\\\"," || {
		show_log
		atf_fail "not named: $3 of $1, in group $2"
	}
	atf_check_equal 1 "$(log_count lacks=)"
}

# assert_missed PROCESS GROUP CALL: without it there is no start, whether the
# process alone has no row or, as when a library is new, nobody has.
assert_missed() {
	lacks "$1" "$2" "$3"
	assert_refused 70
	assert_named "$@"
	lacks "$1,supervisor${4:+,$4}" "$2" "$3"
	assert_refused 70
	assert_named "$1" "$2" "$3"
}

# ---- the cases ---------------------------------------------------------------

e2e_case parent "A parent that lacks a call is not ready"
parent_body() {
	need_inside
	make_pki
	write_conf
	for call in accept4 recvfrom shutdown setsockopt; do
		assert_missed parent parent $call
	done
}

e2e_case echo "Nor one whose echo workers do"
echo_body() {
	need_inside
	make_pki
	write_conf
	for call in read write exit_group; do
		assert_missed echo echo $call spawner
		log_has "event=canary worker=[0-9]* signal=SYS" ||
		    atf_fail "not for its worker: $(cat daemon.log)"
	done
}

e2e_case pool "Nor one whose pool workers do"
pool_body() {
	need_inside
	make_pki
	write_conf isolation=pool
	for call in read write close recvmsg epoll_ctl; do
		lacks pool pool $call
		assert_refused 70
		assert_named pool pool $call
	done
}

e2e_case spawner "Nor one whose spawner does"
spawner_body() {
	need_inside
	make_pki
	write_conf
	for call in clone wait4; do
		lacks spawner spawner $call
		assert_refused 70
		assert_named spawner spawner $call
	done
	for call in sendmsg socketpair; do
		lacks spawner echoes $call
		assert_refused 70
	done
	lacks spawner fledge close_range
	assert_refused 70
	assert_named echo fledge close_range
}

e2e_case init "Nor one whose workers have an init that cannot wait"
init_body() {
	need_inside
	make_pki
	write_conf
	lacks init init recvmsg
	assert_refused 70
	assert_named init init recvmsg
}

e2e_case resolver "Nor one whose resolver does"
resolver_body() {
	need_inside
	start_dns
	make_pki
	write_conf clients.host-check=name "resolver.servers={\"$dns\"}"
	for call in socket connect sendto recvmsg sendmsg close; do
		lacks resolver resolver $call
		assert_refused 70
		assert_named resolver resolver $call
	done
}

e2e_case beginning "A call that a new process needs before its filter is named"
beginning_body() {
	need_inside
	make_pki
	write_conf
	# the loader's; the supervisor's filter is all there is yet
	lacks supervisor program set_tid_address
	assert_refused 70
	log_has "lacks=set_tid_address of=.* group=program" ||
	    atf_fail "not named: $(cat daemon.log)"
}

e2e_case several "All that is missing is named at once"
several_body() {
	need_inside
	make_pki
	write_conf
	without parent parent accept4 >plan.lines
	without parent parent shutdown >>plan.lines
	without echo echo exit_group >>plan.lines
	sort -r plan.lines >plan.sorted
	use_inside "$(cat plan.sorted)"
	assert_refused 70
	for call in accept4 shutdown exit_group; do
		log_has "process=rehearsal event=canary lacks=$call " ||
		    atf_fail "$call is not named: $(cat daemon.log)"
	done
	atf_check_equal 3 "$(log_count lacks=)"
}

e2e_case reload "A reload that would fail leaves the old generation in place"
reload_body() {
	need_inside
	make_pki
	write_conf
	use_inside "parent attack none"
	start_daemon
	lacks parent parent accept4
	kill -HUP "$daemon_pid"
	expect_log "process=supervisor event=canary detail=.*posternd --canary"
	expect_log "event=reload .*a filter was in the way.*generation 1 goes on"
	assert_echo
	atf_check_equal 0 "$(log_count 'event=reload result=ok')"
	# The log says how, in the failed reload's line: that names it.
	command=$(sed -n 's/.*event=reload .*; \(posternd --canary.*\) names.*/\1/p' \
	    daemon.log)
	atf_check_equal \
	    "posternd --canary${without_root:+ $without_root} -f $(realpath \
	    posternd.conf)" "$command"
	status=0
	$command >out 2>daemon.log || status=$?
	atf_check_equal 70 "$status"
	assert_named parent parent accept4
	assert_echo
	use_inside "parent attack none"
	kill -HUP "$daemon_pid"
	expect_log "event=reload result=ok"
	assert_echo
	stop_daemon
}

e2e_case asked "posternd --canary: would a start succeed?"
asked_body() {
	make_pki
	write_conf
	set -- --canary -f posternd.conf
	is_root || set -- -U "$@"
	posternd "$@" >out 2>err || atf_fail "status $?: $(cat err)"
	grep -q 'event=canary detail="a start would succeed' err ||
	    atf_fail "it did not say so: $(cat err)"
	atf_check_equal 1 "$(wc -l <err)"
	# Beside a service that runs, whose port it leaves alone.
	start_daemon
	posternd "$@" >out 2>err || atf_fail "status $?: $(cat err)"
	assert_echo
	stop_daemon
	echo nothing >ca.pem
	status=0
	posternd "$@" >out 2>err || status=$?
	atf_check_equal 78 "$status"
	status=0
	posternd -b "$@" >out 2>err || status=$?
	atf_check_equal 64 "$status"
}

# The unfiltered process that could rehearse is not there beside a service.
held() {
	process_titled "$daemon_pid" "posternd: rehearsal"
}

e2e_case dismissed "Who was held for a rehearsal is gone before it is ready"
dismissed_body() {
	make_pki
	write_conf
	start_daemon
	held && atf_fail "it is still there"
	assert_echo
	kill -HUP "$daemon_pid"
	expect_log "event=reload result=ok"
	held && atf_fail "it is there again"
	stop_daemon
}

e2e_case background "In the background the status of the command says it"
background_body() {
	need_inside
	make_pki
	write_conf
	lacks parent parent accept4
	status=0
	posternd -b $without_root -f posternd.conf 2>daemon.log \
	    >out </dev/null || status=$?
	atf_check_equal 70 "$status"
	assert_named parent parent accept4
	# Nobody who was held has the file's lock.
	use_inside "parent attack none"
	for _ in 1 2; do
		posternd -b $without_root -f posternd.conf \
		    2>>daemon.log >out </dev/null || atf_fail "not started"
		daemon_pid=$(cat posternd.pid)
		record "$daemon_pid"
		assert_echo
		kill -TERM "$daemon_pid"
		expect_soon gone "$daemon_pid"
	done
}

# In a mount namespace of its own: a /dev with a syslogd that writes syslog.out.
with_syslogd() {
	cat >syslogd.py <<-'EOF'
	import os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind("dev/log")
	os.chmod("dev/log", 0o666)
	if os.fork() == 0:
	    with open("syslog.out", "wb", 0) as f:
	        while True:
	            f.write(s.recv(65536) + b"\n")
	EOF
	cat >in_dev.sh <<-'EOF'
	mkdir dev && mount -t tmpfs dev dev || exit 99
	for f in null zero random urandom; do
		touch dev/$f && mount --bind /dev/$f dev/$f || exit 99
	done
	python3 syslogd.py && mount --rbind dev /dev || exit 99
	exec "$@"
	EOF
	# With its pid namespace all that is in it ends.
	unshare -m -p -f --mount-proc --kill-child sh in_dev.sh "$@"
}

root_case terminal "Where the log is syslog, whoever starts it is told as well"
terminal_body() {
	need_inside
	make_pki
	write_conf log.to=syslog
	lacks parent parent accept4
	status=0
	with_syslogd posternd -b -f posternd.conf >out 2>err </dev/null ||
	    status=$?
	test "$status" -ne 99 || atf_skip "no mounts here: $(cat err)"
	atf_check_equal 70 "$status"
	grep -q "^posternd: parent may not call accept4: .*group parent" err ||
	    atf_fail "the terminal has: $(cat err)"
	grep -q "posternd.*event=canary lacks=accept4 " syslog.out ||
	    atf_fail "syslog has: $(cat syslog.out)"
}

e2e_case untraced "Where nothing can be traced, it is said where else to look"
untraced_body() {
	need_inside
	command -v strace >/dev/null || atf_skip "no strace"
	make_pki
	write_conf
	lacks parent parent accept4
	status=0
	strace -f -o strace.out posternd $without_root \
	    -f posternd.conf >out 2>daemon.log </dev/null || status=$?
	atf_check_equal 70 "$status"
	log_has "event=canary .*cannot trace .*kernel.s log" || {
		show_log
		atf_fail "it did not say so"
	}
	log_has event=ready && atf_fail "it was ready"
	return 0
}

e2e_case lives "With all rows there is one line, and clients are served"
lives_body() {
	need_inside
	make_pki
	write_conf
	use_inside "parent attack none"
	start_daemon
	atf_check_equal 1 "$(log_count 'process=parent event=canary result=ok')"
	assert_echo
	stop_daemon
	write_conf isolation=pool pool-workers=3
	start_daemon
	log_has 'event=canary result=ok workers=4 ' || {
		show_log
		atf_fail "not each pool worker, and one once more"
	}
	assert_echo
	stop_daemon
}
