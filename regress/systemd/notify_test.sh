#! /usr/bin/env atf-sh
#
# What the service manager hears, by sd_notify(3)'s protocol.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../systemd_verbs.sh"

begin() {
	make_pki
	write_conf
	start_managed --notify "$PWD/notify" --hear heard "$@"
}

e2e_case states "Ready, reloading, failing, stopping: each is told"
states_body() {
	begin
	expect_heard '|STATUS=starting\|: STATUS=starting'
	expect_heard "^$daemon_pid: READY=1|STATUS=generation 1 serves"
	kill -HUP "$daemon_pid"
	expect_heard 'READY=1|STATUS=generation 2 serves, with 1 parents|$'
	at=$(sed -n 's/.*RELOADING=1|MONOTONIC_USEC=\([0-9]*\)|.*/\1/p' heard)
	# that clock and uptime differ by the time of suspensions alone
	test "$((at / 1000000))" -le "$(($(uptime_seconds) + 1))" ||
	    atf_fail "$at is later than now"
	# One that fails at once, and one whose files are bad
	echo nonsense >>posternd.conf
	kill -HUP "$daemon_pid"
	expect_heard '|STATUS=generation 2 serves, .*the last reload failed'
	atf_check_equal 2 "$(heard_count RELOADING=1)"
	sed -i '$d' posternd.conf
	cp server.pem good.pem
	echo bad >server.pem
	kill -HUP "$daemon_pid"
	expect_soon eval 'test "$(heard_count "|STATUS=generation 2 serves, .*failed")" -eq 2'
	cp good.pem server.pem
	kill -HUP "$daemon_pid"
	expect_heard 'READY=1|STATUS=generation [0-9]* serves, with 1 parents|$'
	assert_echo
	stop_managed
	# 10 s of drain, 8 of patience with parents, 8 more
	us=$(sed -n 's/.*STOPPING=1|EXTEND_TIMEOUT_USEC=\([0-9]*\)|.*/\1/p' heard)
	test "$us" -gt 20000000 && test "$us" -le 26000000 ||
	    atf_fail "time for the stop: $us"
	# Nobody but the supervisor has spoken, and nothing after the end.
	grep -v "^$daemon_pid: " heard && atf_fail "somebody else"
	case $(tail -n 1 heard) in
	*STOPPING=1*) ;;
	*) atf_fail "after the end: $(tail -n 1 heard)" ;;
	esac
}

e2e_case abstract "By an abstract socket as well"
abstract_body() {
	make_pki
	write_conf
	start_managed --notify "@postern-test-$$" --hear heard
	expect_heard 'READY=1'
	stop_managed
	expect_heard 'STOPPING=1'
}

e2e_case background "With -b it is told who the service is"
background_body() {
	make_pki
	write_conf
	launch_managed --notify "$PWD/notify" --hear heard -- -b
	managed_status || atf_fail "-b failed: $(cat daemon.log)"
	daemon_pid=$(cat posternd.pid)
	# shellcheck disable=SC2046
	record "$daemon_pid" $(tree_of "$daemon_pid")
	# Before the first process had ended
	expect_heard "MAINPID=$daemon_pid|READY=1"
	kill -TERM "$daemon_pid"
	expect_soon gone "$daemon_pid"
}

e2e_case watchdog "The watchdog is petted while all parents make progress"
watchdog_body() {
	make_pki
	write_conf parents=2
	start_managed --notify "$PWD/notify" --hear heard \
	    --set WATCHDOG_USEC=900000 --set WATCHDOG_PID=PID
	expect_log 'event=manager .*WATCHDOG_USEC=900000 is less than'
	expect_soon eval 'test "$(heard_count WATCHDOG=1)" -gt 5'
	parent=$(process_titled "$daemon_pid" 'posternd: parent 1')
	kill -STOP "$parent"
	quiet() {
		n=$(heard_count WATCHDOG=1)
		sleep 2
		test "$n" -eq "$(heard_count WATCHDOG=1)"
	}
	expect_soon quiet
	kill -CONT "$parent"
	n=$(heard_count WATCHDOG=1)
	expect_soon eval 'test "$(heard_count WATCHDOG=1)" -gt $((n + 3))'
	alive "$parent" || atf_fail "it was killed too early"
	atf_check_equal 0 "$(log_count event=parent-killed)"
	stop_managed
}

# Without a service manager, too.
e2e_case hung "A parent that hangs is replaced, and the others go on"
hung_body() {
	make_pki
	write_conf parents=2
	start_managed --notify "$PWD/notify" --hear heard
	hold one 4
	parents=$(process_titled "$daemon_pid" 'posternd: parent *')
	for parent in $parents; do
		# the one that has no session of "one"
		test "$parent" = "$(sed -n \
		    's/.* pid=\([0-9]*\) .*event=open .*/\1/p' daemon.log)" ||
		    other=$parent
	done
	kill -STOP "$other"
	wait_for 60 log_has "event=parent-killed parent=$other .*it hangs" || {
		show_log
		atf_fail "it hangs still"
	}
	expect_soon gone "$other"
	expect_log "event=parent-died parent=$other .*signal=KILL"
	expect_soon eval 'test "$(process_titled "$daemon_pid" \
	    "posternd: parent *" | wc -l)" -eq 2'
	feed one 4 "still served"
	release one 4
	assert_echo
	stop_managed
}

e2e_case not_ours "A watchdog that is for another process is not ours"
not_ours_body() {
	begin --set WATCHDOG_USEC=300000 --set WATCHDOG_PID=1
	kill -HUP "$daemon_pid"
	expect_heard 'generation 2 serves'
	atf_check_equal 0 "$(heard_count WATCHDOG)"
	stop_managed
}

# complains PATTERN OPTION...: one line, and it serves all the same.
complains() {
	pattern=$1
	shift
	start_managed "$@"
	atf_check_equal 1 "$(log_count event=manager)"
	log_has "event=manager .*$pattern" || {
		show_log
		atf_fail "not said: $pattern"
	}
	assert_echo
	stop_managed
}

e2e_case hostile "Values that cannot be are told in one line"
hostile_body() {
	make_pki
	write_conf
	long=$(head -c 5000 /dev/zero | tr '\0' x)
	complains 'NOTIFY_SOCKET=relative: want an absolute name' \
	    --set NOTIFY_SOCKET=relative
	complains 'NOTIFY_SOCKET=: want' --set NOTIFY_SOCKET=
	complains 'NOTIFY_SOCKET=@: want' --set NOTIFY_SOCKET=@
	complains 'NOTIFY_SOCKET=/xxx.*want' --set "NOTIFY_SOCKET=/$long"
	complains 'NOTIFY_SOCKET=@xxx.*want' --set "NOTIFY_SOCKET=@$long"
	complains 'NOTIFY_SOCKET: No such file' --set NOTIFY_SOCKET=/nowhere/x
	for bad in x -1 1x 99999999999999999999 0 "$long"; do
		complains 'WATCHDOG_USEC=' --notify "$PWD/notify" --hear heard \
		    --set "WATCHDOG_USEC=$bad"
		rm notify
	done
}

# The supervisor has one number to send to, and no environment.
e2e_case wiped "Nothing of it is left in the environment"
wiped_body() {
	begin --set WATCHDOG_USEC=90000000
	for pid in $daemon_pid $(tree_of "$daemon_pid"); do
		tr -d '\0' <"/proc/$pid/environ" 2>/dev/null | grep -q . &&
		    atf_fail "an environment"
	done
	if is_root; then
		readlink "/proc/$daemon_pid/fd/3" | grep -q '^socket:' ||
		    atf_fail "3 is $(readlink "/proc/$daemon_pid/fd/3")"
	fi
	stop_managed
}
