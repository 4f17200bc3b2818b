#! /usr/bin/env atf-sh
#
# A dialer, and a relay worker, that somebody has taken over: what they may not
# do ends them, and others do not notice.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# Of both, and how their filters answer: each kills.
common_attacks="open_file own_memory execute new_root connect_unix bind_port
listen_again fork_bomb new_thread new_user_namespace make_executable
memory_file entry_i386 become_root become_dumpable another_filter"

# start_relay [key=value...]
start_relay() {
	use_inside "* attack *"
	app=$(free_port)
	start_service "127.0.0.1:$app" greet hello
	make_pki
	write_conf worker=relay "relay.to=127.0.0.1:$app" parents=2 "$@"
	start_daemon
}

# anew: what has died often waits longer for its successor; a generation does
# not.
anew() {
	before=$(log_count 'event=reload result=ok')
	kill -HUP "$daemon_pid"
	expect_soon reloaded
}

reloaded() {
	test "$(log_count 'event=reload result=ok')" -gt "$before"
}

# The second parent's dialer, of the newest generation.
dialer() {
	process_titled "$daemon_pid" 'posternd: dialer' | tail -n 1
}

greeted() {
	connect </dev/null >greeting 2>greeting.err &&
	    test "$(cat greeting)" = hello
}

dialer_tries() {
	expect_outcome "$(dialer)" "$1" "$2" ${3-}
	expect_log event=dialer-died
	expect_soon greeted
	anew
}

root_case dialer "A dialer that was taken over"
dialer_body() {
	start_relay
	other=$(free_port)
	run_in_background socat "TCP-LISTEN:$other,bind=127.0.0.1,fork" EXEC:cat
	expect_soon listening "$other"
	# the one thing that it could be worth to somebody
	dialer_tries connect_tcp 'killed SYS' "$other"
	dialer_tries connect_tcp 'killed SYS' "$app"
	# a local socket whose name is the beginning of the service's, and
	# lengths that are right for others
	dialer_tries connect_prefix 'killed SYS' 9
	dialer_tries connect_prefix 'killed SYS' 16
	dialer_tries connect_prefix 'killed SYS' 28
	dialer_tries rewrite_address 'killed SEGV'
	dialer_tries unprotect_address 'killed SYS'
	dialer_tries replace_address 'killed SYS'
	dialer_tries discard_address 'killed SYS'
	for name in $common_attacks; do
		dialer_tries $name 'killed SYS'
	done
	stop_daemon
}

# What it hands over is looked at: nothing but a stream socket, and one.
root_case dialer_lies "A dialer that hands over something else"
dialer_lies_body() {
	start_relay
	for lie in send_none send_two send_file send_channel send_long; do
		for pid in $(process_titled "$daemon_pid" 'posternd: dialer'); do
			expect_outcome "$pid" $lie refused
		done
		died=$(log_count event=dialer-died)
		expect_soon noticed
		expect_soon greeted
		anew
	done
	stop_daemon
}

noticed() {
	connect </dev/null >lied 2>lied.err || true
	test "$(log_count 'event=dialer-died detail="it sent what is no')" \
	    -gt "$died"
}

worker_of() {
	sed -n 's/.*event=open .*worker=\([0-9]*\)$/\1/p' daemon.log | tail -n 1
}

opened() {
	test "$(log_count event=open)" -ge "$1"
}

root_case worker "A relay worker that was taken over"
worker_body() {
	start_relay
	mkfifo watched
	connect <watched >watched.out 2>watched.err &
	bystander=$!
	record $bystander
	exec 8>watched
	expect_soon opened 1
	n=1
	for name in connect_tcp pass_descriptor write_elsewhere \
	    $common_attacks; do
		n=$((n + 1))
		rm -f feed
		mkfifo feed
		connect <feed >victim.out 2>victim.err &
		victim=$!
		record $victim
		exec 9>feed
		expect_soon opened $n
		expect_outcome "$(worker_of)" "$name" 'killed SYS'
		! wait $victim || atf_fail "$name: its client saw no end"
		exec 9>&-
	done
	echo still there >&8
	exec 8>&-
	wait $bystander || atf_fail "another session was lost"
	printf 'hello\nstill there\n' >wanted
	cmp wanted watched.out || atf_fail "another session was changed"
	stop_daemon
}

# ---- a worker that hangs -----------------------------------------------------

is_running() {
	grep -q '^State:.*R' "/proc/$1/status"
}

# hang FD: the worker of a new client, fed by FD, hangs; sets $worker, and
# $helper, which writes into `outcome' how that ends.
hang() {
	before=$(log_count event=open)
	open_held client "$1" connect
	expect_soon opened $((before + 1))
	expect_soon grep -q hello client.out
	worker=$(worker_of)
	run_in_background without_feeds "$(atf_get_srcdir)/attack_helper" \
	    "$worker" spin >outcome
	helper=$!
	expect_soon is_running "$worker"
}

# expect_ended HOW: its session, and with that it.
expect_ended() {
	expect_log "event=close .*end=$1 .*worker=$worker"
	wait_for 20 gone "$worker" || {
		show_log
		atf_fail "$1: it is there still"
	}
	wait_for 30 gone $helper
	atf_check_equal "$1: killed KILL" "$1: $(cat outcome)"
	expect_log "level=warning .*event=worker-overdue worker=$worker"
}

# Whatever ends the session, its worker does not outlive it.
root_case worker_spins "A relay worker that hangs does not outlive its session"
worker_spins_body() {
	start_relay timeouts.idle=3s timeouts.drain=1s
	hang 5
	# shellcheck disable=SC2046
	kill -KILL $(tree_of "$client_pid") "$client_pid"
	expect_ended truncated
	exec 5>&-
	hang 6
	expect_ended idle
	exec 6>&-
	hang 7
	echo a last word >&7
	exec 7>&-
	expect_ended stalled
	log_has "event=worker-died" && atf_fail "that is said of a break-in"
	log_has "init ended" && atf_fail "who ended it has ended, too"
	expect_soon greeted
	stop_daemon
}
