#! /usr/bin/env atf-sh
#
# A dialer that somebody has taken over connects to nothing but the service, and
# its lies are noticed; a relay worker that hangs is ended.  No other notices.
# What else each of them may not do: attack_test.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# start_relay [key=value...]: with a session of one who is to notice nothing.
start_relay() {
	use_inside "* attack *"
	app=$(free_port)
	start_service "127.0.0.1:$app" echo
	make_pki
	write_conf worker=relay "relay.to=127.0.0.1:$app" parents=2 "$@"
	start_daemon
	hold bystander 4
}

# unharmed WHAT: the bystander goes on, and who comes is served.
unharmed() {
	feed bystander 4 "still here after $1"
	expect_soon serves
}

end_relay() {
	release bystander 4
	stop_daemon
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

serves() {
	echo hello >new.in
	connect <new.in >new.out 2>new.err && cmp -s new.in new.out
}

dialer_tries() {
	expect_outcome "$(dialer)" "$1" "$2" ${3-}
	expect_log event=dialer-died
	unharmed "$1"
	anew
}

root_case dialer "A dialer connects to nothing but its service"
dialer_body() {
	start_relay
	other=$(free_port)
	run_in_background without_feeds socat \
	    "TCP-LISTEN:$other,bind=127.0.0.1,fork" EXEC:cat
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
	end_relay
}

# What it hands over is looked at: nothing but a stream socket, and one.
root_case dialer_lies "A dialer that hands over something else"
dialer_lies_body() {
	start_relay
	for lie in send_none send_two send_file send_channel send_long; do
		died=$(log_count event=dialer-died)
		dialers=$(process_titled "$daemon_pid" 'posternd: dialer')
		for pid in $dialers; do
			expect_outcome "$pid" $lie refused
		done
		expect_soon noticed
		unharmed $lie
		anew
	done
	end_relay
}

noticed() {
	connect </dev/null >lied 2>lied.err || true
	test "$(log_count 'event=dialer-died detail="it sent what is no')" \
	    -gt "$died"
}

last_worker() {
	sed -n 's/.*event=open .*worker=\([0-9]*\)$/\1/p' daemon.log | tail -n 1
}

# ---- a worker that hangs -----------------------------------------------------

is_running() {
	grep -q '^State:.*R' "/proc/$1/status"
}

# hang FD: the worker of a new client, fed by FD, hangs; sets $worker, and
# $helper, which writes into `outcome' how that ends.
hang() {
	hold client "$1"
	worker=$(last_worker)
	run_in_background without_feeds "$(atf_get_srcdir)/attack_helper" \
	    "$worker" spin >outcome
	helper=$!
	expect_soon is_running "$worker"
}

# meanwhile COMMAND...: the bystander, who may not be idle, goes on.
meanwhile() {
	feed bystander 4 "still here"
	"$@"
}

# expect_ended HOW: its session, and with that it.
expect_ended() {
	expect_soon meanwhile log_has "event=close .*end=$1 .*worker=$worker"
	expect_soon meanwhile gone "$worker"
	expect_soon meanwhile gone "$helper"
	atf_check_equal "$1: killed KILL" "$1: $(cat outcome)"
	expect_log "level=warning .*event=worker-overdue worker=$worker"
	unharmed "$1"
}

# Whatever ends the session, its worker does not outlive it.
root_case worker_spins "A relay worker that hangs does not outlive its session"
worker_spins_body() {
	start_relay parents=1 timeouts.idle=3s timeouts.drain=1s
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
	end_relay
}
