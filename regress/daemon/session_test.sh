#! /usr/bin/env atf-sh
#
# Sessions: what comes back, and every way in which one ends.

. "$(atf_get_srcdir)/../common.sh"

# ---- verbs -------------------------------------------------------------------

peer() {
	"$(atf_get_srcdir)/peer_helper" "$@"
}

# An input in which nothing ever comes and that does not end, for hold.
open_never() {
	test -e never || mkfifo never
	exec 9<>never
}

# hold NAME [option...]: a client in the background that has a session and
# says nothing.  Sets $held.
hold() {
	before=$(log_count event=open)
	name_=$1
	shift
	postern -R ca.pem -C client.pem -K client.key "$@" 127.0.0.1 "$port" \
	    <never >"$name_.out" 2>"$name_.err" 9>&- &
	held=$!
	record $held
	expect_soon opened_since "$before"
}

opened_since() {
	test "$(log_count event=open)" -gt "$1"
}

# status_of PID: wait for its end; fails the case if there is none.
status_of() {
	expect_soon gone "$1"
	ended=0
	wait "$1" || ended=$?
}

# last_close: the latest session's last line in the log.
last_close() {
	grep event=close daemon.log | tail -n 1
}

# field NAME, of a log line on standard input.
field() {
	sed -n "s/.* $1=\\([^ ]*\\).*/\\1/p"
}

# ends_as WORD [COUNT]: the sessions that ended so far, COUNT of them (1), and
# the latest as WORD.  No worker is left of it.
ends_as() {
	expect_soon closes "${2:-1}"
	end=$(last_close | field end)
	test "$end" = "$1" || {
		show_log
		atf_fail "the session's end is \"$end\", not \"$1\""
	}
	grep -q 'isolation.*pool' posternd.conf ||
	    expect_soon gone "$(last_close | field worker)"
}

closes() {
	test "$(log_count event=close)" -ge "$1"
}

milliseconds_of_last() {
	last_close | field seconds | tr -d . | sed 's/^0*//'
}

same() {
	cmp "$1" "$2" || {
		show_log
		atf_fail "$2 is not what $1 was"
	}
}

# ---- what comes back ---------------------------------------------------------

# echoes BYTES: through our client; the log counts them.
echoes() {
	done_=$(log_count event=close)
	random_file in "$1"
	connect <in >out 2>err || {
		cat err
		show_log
		atf_fail "the client failed with $1 bytes"
	}
	same in out
	expect_soon closes $((done_ + 1))
	last_close | grep -q " end=finished bytes_in=$1 bytes_out=$1 " || {
		show_log
		atf_fail "the log does not count $1 bytes"
	}
}

# s_client ends when the server's idle timeout does, with close_notify.
echoes_by_openssl() {
	random_file in "$1"
	openssl s_client -quiet -connect "127.0.0.1:$port" -CAfile ca.pem \
	    -verify_return_error -cert client.pem -key client.key \
	    <in >out 2>err || {
		cat err
		show_log
		atf_fail "openssl failed with $1 bytes"
	}
	same in out
}

all_sizes() {
	make_pki
	write_conf isolation="$1" timeouts.idle=2s
	start_daemon
	for size in 0 1 16384 16385 67108864; do
		echoes $size
	done
	echoes_by_openssl 16385
	echoes_by_openssl 5000000
	stop_daemon
}

e2e_case sizes_connection "files of many sizes come back, a worker each"
sizes_connection_body() {
	all_sizes connection
}

e2e_case sizes_pool "files of many sizes come back, from a pool"
sizes_pool_body() {
	all_sizes pool
}

bench() {
	postern-bench -R ca.pem -C client.pem -K client.key "$@" 127.0.0.1 \
	    "$port"
}

e2e_case polled \
    "A lone client is polled: others are served, and a stop is a stop"
polled_body() {
	make_pki
	write_conf busy-poll=10000 timeouts.drain=300ms
	start_daemon
	bench --echoes 1 -t 1 >report || atf_fail "postern-bench"
	run_in_background bench --echoes 1 -t 60 >report 2>&1
	lone=$!
	expect_soon opened_since 1
	random_file in 1000000
	connect <in >out 2>err || atf_fail "nobody else is served"
	same in out
	stop_daemon
	status_of $lone
}

many_at_once() {
	make_pki
	write_conf isolation="$1" max-connections=300 timeouts.handshake=1m \
	    timeouts.idle=1m
	start_daemon
	peer many "$port" 200 >many.out 2>&1 || {
		cat many.out
		show_log
		atf_fail "not all of 200 got back what they sent"
	}
	expect_soon closes 200
	test "$(log_count 'event=close.* end=finished bytes_in=196608 bytes_out=196608 ')" \
	    -eq 200 || {
		show_log
		atf_fail "the log does not say so of all"
	}
	stop_daemon
}

e2e_case many_connection "200 clients at once, a worker each"
many_connection_body() {
	many_at_once connection
}

e2e_case many_pool "200 clients at once, from a pool"
many_pool_body() {
	many_at_once pool
}

e2e_case half_close "all that was sent before close_notify comes back"
half_close_body() {
	make_pki
	for mode in connection pool; do
		write_conf isolation=$mode
		start_daemon
		peer half "$port" >half.out 2>&1 ||
		    atf_fail "$(cat half.out)"
		grep -q '^all came back, then close_notify$' half.out ||
		    atf_fail "$(cat half.out)"
		ends_as finished
		stop_daemon
	done
}

# ---- clients that do not take what they get ----------------------------------

parent_memory() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$parent/status"
}

# 400 KiB of the client's bytes (transport.h), and what TLS needs
PER_CLIENT_KIB=512

deaf_clients() {
	make_pki
	write_conf isolation="$1" timeouts.idle=4s timeouts.drain=1s
	start_daemon
	parent=$(process_titled "$daemon_pid" 'posternd: parent*')
	test -n "$parent" || atf_fail "no parent"
	assert_echo
	before=$(parent_memory)
	peer deaf "$port" 20 >deaf.out 2>&1 &
	deaf=$!
	record $deaf
	expect_soon grep -q -e '^all full' -e ended deaf.out
	after=$(parent_memory)
	random_file in 1000000
	connect -w 20 <in >out || atf_fail "nobody else is served"
	same in out
	status_of $deaf
	test "$ended" -eq 0 || atf_fail "$(cat deaf.out)"
	# the two others, and these
	expect_soon closes 22
	test "$(log_count 'event=close.* end=idle ')" -eq 20 || {
		show_log
		atf_fail "not all were ended by the idle timeout"
	}
	# A sanitizer keeps what was freed.
	echo "the parent took $((after - before)) KiB for 20 deaf clients"
	test -n "${SANITIZE-}" ||
	    test $((after - before)) -lt $((20 * PER_CLIENT_KIB)) ||
	    atf_fail "that is too much"
	assert_echo
	stop_daemon
}

e2e_case deaf_connection "clients that do not read hold up nobody, and end"
deaf_connection_body() {
	deaf_clients connection
}

e2e_case deaf_pool "the same in a pool, where they share a worker"
deaf_pool_body() {
	deaf_clients pool
}

received_much() {
	test "$(stat -c %s bulk.out)" -gt 4000000
}

e2e_case killed_client "a client killed in full flow leaves nothing behind"
killed_client_body() {
	make_pki
	write_conf
	start_daemon
	postern -R ca.pem -C client.pem -K client.key 127.0.0.1 "$port" \
	    </dev/zero >bulk.out 2>bulk.err &
	bulk=$!
	record $bulk
	expect_soon received_much
	# Meanwhile others have their turns.
	assert_echo -w 20
	kill -KILL $bulk
	expect_soon closes 2
	case $(last_close | field end) in
	reset | truncated) ;;
	*) show_log; atf_fail "that is no word for a killed client" ;;
	esac
	expect_soon gone "$(last_close | field worker)"
	assert_echo
	stop_daemon
}

# ---- timeouts ----------------------------------------------------------------

e2e_case idle "an idle session is closed cleanly"
idle_body() {
	make_pki
	for mode in connection pool; do
		write_conf isolation=$mode timeouts.idle=500ms
		start_daemon
		open_never
		hold idle
		status_of "$held"
		test "$ended" -eq 0 ||
		    atf_fail "status $ended: $(cat idle.err)"
		ends_as idle
		peer mute "$port" >mute.out 2>&1 || atf_fail "$(cat mute.out)"
		grep -q '^ended by close_notify$' mute.out ||
		    atf_fail "$(cat mute.out)"
		ends_as idle 2
		last_close | grep -q ' bytes_in=1000 bytes_out=1000 ' ||
		    atf_fail "not counted: $(last_close)"
		test "$(milliseconds_of_last)" -ge 500 ||
		    atf_fail "too early: $(last_close)"
		exec 9>&-
		stop_daemon
	done
}

# One byte every 300 ms for 4.5 seconds; the pauses are what is tested.
trickle() {
	for turn in 0 1 2 3 4 5 6 7 8 9 a b c d e; do
		printf %s "$turn"
		sleep 0.3
	done
}

e2e_case idle_moves "traffic moves the idle timeout forward"
idle_moves_body() {
	make_pki
	write_conf timeouts.idle=2s
	start_daemon
	trickle | connect >out 2>err || atf_fail "$(cat err)"
	test "$(cat out)" = 0123456789abcde || atf_fail "got $(cat out)"
	ends_as finished
	test "$(milliseconds_of_last)" -ge 4000 ||
	    atf_fail "not the session that was meant: $(last_close)"
	stop_daemon
}

e2e_case session_timeout "no session is longer than it may, idle or busy"
session_timeout_body() {
	make_pki
	write_conf timeouts.session=1500ms timeouts.idle=1m
	start_daemon
	open_never
	hold quiet
	status_of "$held"
	test "$ended" -eq 0 || atf_fail "status $ended: $(cat quiet.err)"
	ends_as session
	connect </dev/zero >out 2>err 9>&- && atf_fail "zeros have no end"
	ends_as session 2
	in=$(last_close | field bytes_in)
	test "$in" -gt 0 || atf_fail "nothing echoed: $(last_close)"
	test "$in" = "$(last_close | field bytes_out)" ||
	    atf_fail "taken and not echoed: $(last_close)"
	test "$in" = "$(stat -c %s out)" ||
	    atf_fail "lost on the way: $(last_close), $(stat -c %s out)"
	assert_echo
	stop_daemon
}

e2e_case handshake_timeout "who does not finish the handshake is ended"
handshake_timeout_body() {
	make_pki
	write_conf timeouts.handshake=700ms
	start_daemon
	peer silent "$port" >silent.out 2>&1 || atf_fail "$(cat silent.out)"
	expect_log 'event=refused reason=handshake-timeout peer=127.0.0.1:'
	# a record header that promises 512 bytes, and a few of them
	printf '\026\003\001\002\000\001\000\001\374\003\003' |
	    peer raw "$port" >raw.out 2>&1 || atf_fail "$(cat raw.out)"
	expect_soon refusals handshake-timeout 2
	assert_echo
	stop_daemon
}

refusals() {
	test "$(log_count "event=refused reason=$1 ")" -eq "$2"
}

# ---- limits ------------------------------------------------------------------

e2e_case max_connections "no more connections than allowed; places come back"
max_connections_body() {
	make_pki
	write_conf max-connections=3 timeouts.idle=1m
	start_daemon
	open_never
	hold a
	first=$held
	hold b
	hold c
	for attempt in 1 2; do
		got=0
		connect </dev/null >out 2>err 9>&- || got=$?
		test $got -eq 77 ||
		    atf_fail "attempt $attempt: status $got: $(cat err)"
	done
	expect_soon refusals too-many-connections 2
	kill -TERM "$first"
	expect_soon closes 1
	assert_echo
	# Those refused have taken no place: again and again one is free.
	for turn in 1 2 3 4 5; do
		expect_soon closes $((turn + 1))
		assert_echo
	done
	refusals too-many-connections 2 || {
		show_log
		atf_fail "refused although there was a place"
	}
	exec 9>&-
	stop_daemon
}

# ---- bad ends ----------------------------------------------------------------

e2e_case truncated "an end without close_notify is a truncation"
truncated_body() {
	make_pki
	write_conf
	start_daemon
	peer truncate "$port" >peer.out 2>&1 || atf_fail "$(cat peer.out)"
	ends_as truncated
	last_close | grep -q ' bytes_in=1000 bytes_out=1000 ' ||
	    atf_fail "not counted: $(last_close)"
	peer reset "$port" >peer.out 2>&1 || atf_fail "$(cat peer.out)"
	ends_as reset 2
	assert_echo
	stop_daemon
}

e2e_case rekey "several key updates at once do not stall a session"
rekey_body() {
	make_pki
	write_conf
	start_daemon
	peer rekey "$port" >peer.out 2>&1 || atf_fail "$(cat peer.out)"
	grep -q "no key updates" peer.out &&
	    atf_skip "the tests' TLS library begins none"
	grep -q "came back after 7" peer.out || atf_fail "$(cat peer.out)"
	stop_daemon
}

e2e_case half_reset "a reset behind half a record is seen at once"
half_reset_body() {
	make_pki
	write_conf parents=1
	start_daemon
	mkfifo go
	peer half_reset "$port" <go >peer.out 2>&1 &
	helper=$!
	record $helper
	exec 8>go
	expect_soon grep -q ready peer.out
	parent=$(process_titled "$daemon_pid" "posternd: parent 0")
	kill -STOP "$parent"
	exec 8>&-
	expect_soon gone "$helper"
	kill -CONT "$parent"
	ends_as reset
	stop_daemon
}

e2e_case garbled "a session into which somebody writes is ended"
garbled_body() {
	make_pki
	write_conf
	start_daemon
	peer garble "$port" >peer.out 2>&1 || atf_fail "$(cat peer.out)"
	ends_as protocol
	assert_echo
	stop_daemon
}

# is_garbage N: what "in" holds is refused, the Nth so far.
is_garbage() {
	peer raw "$port" <in >raw.out 2>&1 || atf_fail "$(cat raw.out)"
	expect_soon refusals protocol "$1"
}

e2e_case garbage "what is no TLS is refused, and the service goes on"
garbage_body() {
	make_pki
	write_conf
	start_daemon
	printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' >in
	is_garbage 1
	head -c 100000 /dev/zero >in
	is_garbage 2
	{ printf '\026\003\001\377\377'; head -c 20000 /dev/urandom; } >in
	is_garbage 3
	# a hello of SSL 2.0, whole
	{ printf '\200\056\001\000\002\000\025\000\000\000\020'
	    head -c 37 /dev/zero; } >in
	is_garbage 4
	# an alert as the first thing, and application data
	printf '\025\003\003\000\002\002\050' >in
	is_garbage 5
	printf '\027\003\003\000\001x' >in
	is_garbage 6
	log_has event=open && atf_fail "one of these got in"
	assert_echo
	stop_daemon
}
