#! /usr/bin/env atf-sh
#
# Where the log goes: whatever becomes of it, the service goes on.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# launch_here: the daemon's words go where the caller has descriptor 2 go.
launch_here() {
	is_root || set -- -U "$@"
	posternd -f posternd.conf "$@" </dev/null >daemon.out &
	daemon_pid=$!
	record $daemon_pid
}

serving() {
	listening "$port" &&
	    process_titled "$daemon_pid" 'postern-worker: echo*' >/dev/null
}

expect_serving() {
	expect_soon serving
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
}

several_clients() {
	for client in 1 2 3 4 5; do
		assert_echo
	done
}

# ---- sinks that do not take it -----------------------------------------------

e2e_case stuck "A reader that stops reading stops nothing; the lost are counted"
stuck_body() {
	make_pki
	write_conf
	mkfifo pipe
	exec 5<>pipe
	head -c 65536 /dev/zero >&5
	launch_here 2>pipe
	expect_serving
	several_clients
	before=$(parents)
	kill -HUP "$daemon_pid"
	expect_soon another_parent
	several_clients
	# Somebody reads again: what was lost is told, by each that lost it.
	cat <pipe >daemon.log &
	record $!
	cat_pid=$!
	kill -HUP "$daemon_pid"
	expect_log 'process=supervisor event=log-dropped lines=[1-9]'
	assert_echo
	hold one 4
	expect_log 'process=parent event=open'
	release one 4
	stop_daemon
	kill $cat_pid
}

parents() {
	process_titled "$daemon_pid" 'posternd: parent*'
}

# Through is a reload when the old parent has gone.
another_parent() {
	now=$(parents) && test "$(echo "$now" | wc -l)" -eq 1 &&
	    test "$now" != "$before"
}

e2e_case stuck_parent "A parent counts what it could not say"
stuck_parent_body() {
	make_pki
	write_conf
	mkfifo pipe
	exec 5<>pipe
	launch_here 2>pipe
	expect_serving
	# all that is in it, and then as much as it holds
	dd if=pipe of=begun bs=65536 count=1 2>/dev/null
	grep -q 'event=ready' begun || atf_fail "not a word: $(cat begun)"
	head -c 65536 /dev/zero >&5
	several_clients
	cat <pipe >daemon.log &
	record $!
	cat_pid=$!
	expect_soon pipe_is_empty
	assert_echo
	expect_log 'process=parent event=log-dropped lines=1[0-9]'
	expect_log 'process=parent event=close'
	stop_daemon
	kill $cat_pid
}

pipe_is_empty() {
	test "$(wc -c <daemon.log)" -ge 65536
}

e2e_case reader_gone "A reader that goes away takes nobody along"
reader_gone_body() {
	make_pki
	write_conf
	mkfifo pipe
	exec 5<>pipe
	launch_here 2>pipe
	expect_serving
	assert_echo
	exec 5>&-
	several_clients
	kill -HUP "$daemon_pid"
	several_clients
	stop_daemon
}

e2e_case reader_gone_before "Nor one that was gone before the start"
reader_gone_before_body() {
	make_pki
	write_conf
	mkfifo pipe
	exec 5<>pipe
	exec 6>pipe
	exec 5>&-
	launch_here 2>&6
	exec 6>&-
	expect_serving
	several_clients
	stop_daemon
}

e2e_case disk_full "Nor does a full disk"
disk_full_body() {
	make_pki
	write_conf
	launch_here 2>/dev/full
	expect_serving
	several_clients
	stop_daemon
}

# ---- formats -----------------------------------------------------------------

e2e_case journal "Under journald each line has its priority, and no time"
journal_body() {
	make_pki
	write_conf
	: >daemon.log
	JOURNAL_STREAM=$(stat -c %d:%i daemon.log)
	export JOURNAL_STREAM
	start_daemon
	assert_echo
	echo hello | postern -R ca.pem 127.0.0.1 "$port" 2>/dev/null
	expect_log '^<4>process=parent event=refused reason=no-certificate'
	expect_log '^<6>process=parent event=close '
	log_has '^<6>process=supervisor event=start version=' ||
	    atf_fail "no start"
	atf_check_equal 0 "$(log_count 'time=')"
	atf_check_equal "$(log_count '')" "$(log_count '^<[3467]>process=')"
	stop_daemon
}

e2e_case another_journal "JOURNAL_STREAM of another is not ours"
another_journal_body() {
	make_pki
	write_conf
	export JOURNAL_STREAM=1:1
	start_daemon
	assert_echo
	stop_daemon
	atf_check_equal "$(log_count '')" "$(log_count \
	    '^time=20[0-9-]*T[0-9:]*\.[0-9]*Z level=[a-z]* pid=[0-9]* process=')"
}

# start_on_socket: its words go to a local stream socket, and to daemon.log.
start_on_socket() {
	is_root || set -- -U
	: >daemon.log
	socat -u "EXEC:posternd -f posternd.conf${*:+ $*},stderr" \
	    OPEN:daemon.log,append </dev/null >socat.out 2>&1 &
	socat_pid=$!
	record $!
	expect_log event=ready
	daemon_pid=$(process_titled "$socat_pid" 'posternd: supervisor')
	# shellcheck disable=SC2046
	record $(tree_of "$socat_pid")
	case $(readlink "/proc/$daemon_pid/fd/2") in
	'' | socket:*) ;;
	*) atf_fail "this is no socket" ;;
	esac
}

e2e_case socket "A stream socket serves as well"
socket_head() {
	atf_set descr "A stream socket serves as well"
	atf_set require.progs socat
}
socket_body() {
	make_pki
	write_conf
	start_on_socket
	assert_echo
	expect_log 'event=close'
	# socat gone, nobody reads; it does not matter
	kill -KILL $socat_pid
	several_clients
	kill -TERM "$daemon_pid"
	expect_soon gone "$daemon_pid"
}

init_of() {
	process_titled "$daemon_pid" 'postern-worker: init'
}

e2e_case last_words "The last words of each spawner, to a socket and a file"
last_words_head() {
	atf_set descr \
	    "The last words of each spawner, to a socket and a file"
	atf_set require.progs socat
}
last_words_body() {
	make_pki
	for kind in spawner:isolation=connection pool-spawner:isolation=pool \
	    'relay-spawner:worker=relay relay.to=127.0.0.1:9'; do
		name=${kind%%:*}
		for start in start_on_socket start_daemon; do
			port=
			# shellcheck disable=SC2086
			write_conf ${kind#*:}
			$start
			kill -KILL "$(init_of)" || atf_fail "no init"
			expect_log "process=$name event=fatal .*init ended"
			expect_log event=spawner-died
			kill -TERM "$daemon_pid"
			expect_soon gone "$daemon_pid"
		done
	done
}

e2e_case levels "Less urgent lines than the level are left out"
levels_body() {
	make_pki
	write_conf log.level=warning
	launch_daemon
	expect_serving
	assert_echo
	echo hello | postern -R ca.pem 127.0.0.1 "$port" 2>/dev/null
	expect_log 'event=refused'
	atf_check_equal 0 "$(log_count level=info)"
	# a reload changes it
	write_conf log.level=info
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	assert_echo
	expect_log 'event=open'
	stop_daemon
}

# ---- syslog ------------------------------------------------------------------

# A /dev of our own, with a log in it, that only posternd sees.
root_case syslog "To syslog: priority, time, program, and what happened"
syslog_head() {
	atf_set descr "To syslog: priority, time, program, and what happened"
	atf_set require.user root
	atf_set require.progs "socat unshare mount"
}
syslog_body() {
	unshare -m true || atf_skip "no mount namespace can be made here"
	make_pki
	write_conf log.to=syslog
	mkdir dev
	: >daemon.log
	socat -u UNIX-RECV:dev/log OPEN:daemon.log,append 2>socat.err &
	socat_pid=$!
	record $!
	expect_soon test -S dev/log
	cat >in_own_dev <<-'EOF'
	set -e
	for device in null zero full random urandom; do
		: >"dev/$device"
		mount --bind "/dev/$device" "dev/$device"
	done
	mount --rbind dev /dev
	exec posternd -f posternd.conf
	EOF
	unshare -m sh in_own_dev </dev/null >daemon.out 2>daemon.err &
	daemon_pid=$!
	record $!
	expect_log ' posternd\[[0-9]*\]: process=supervisor event=ready'
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	assert_echo
	expect_log '<30>[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]\{8\} posternd\[[0-9]*\]: process=parent event=open peer='
	expect_log 'process=parent event=close'
	# syslogd goes
	kill -KILL $socat_pid
	several_clients
	stop_daemon
}

root_case no_syslog "Without a syslogd there is no start"
no_syslog_head() {
	atf_set descr "Without a syslogd there is no start"
	atf_set require.user root
	atf_set require.progs "unshare mount"
}
no_syslog_body() {
	unshare -m true || atf_skip "no mount namespace can be made here"
	make_pki
	write_conf log.to=syslog
	mkdir dev
	cat >in_own_dev <<-'EOF'
	set -e
	: >dev/null
	mount --bind /dev/null dev/null
	mount --rbind dev /dev
	exec posternd -f posternd.conf
	EOF
	status=0
	unshare -m sh in_own_dev </dev/null >daemon.out 2>daemon.log ||
	    status=$?
	atf_check_equal 69 "$status"
	grep -q '^posternd: /dev/log: .*no syslogd' daemon.log ||
	    atf_fail "it does not say so: $(cat daemon.log)"
}

e2e_case events "Each event and key is in the manual, and no other"
events_body() {
	source=$(atf_get_srcdir)/../../..
	atf_check -o match:'^[0-9]+ events$' \
	    python3 "$source/regress/events.py" "$source"
}
