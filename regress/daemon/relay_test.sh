#! /usr/bin/env atf-sh
#
# Relay workers: clients that pass get a connection to one service of this
# machine, made by the dialer.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../metrics_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# start_relay MODE [ARGUMENT] [-- key=value...]: a service over TCP, and the
# daemon before it.
start_relay() {
	app=$(free_port)
	if test "$1" != nobody; then
		start_service "127.0.0.1:$app" "$1" "${2-}"
	fi
	shift
	test "${1-}" = -- || test $# -eq 0 || shift
	test "${1-}" != -- || shift
	make_pki
	write_metrics_conf worker=relay "relay.to=127.0.0.1:$app" "$@"
	start_daemon
}

# assert_digest FILE: the service, in the mode "digest", got just that.
assert_digest() {
	connect <"$1" >out || atf_fail "the client failed"
	echo "$(wc -c <"$1") $(sha256sum "$1" | cut -d ' ' -f 1)" >wanted
	cmp -s wanted out || atf_fail "not what was sent: $(cat out)"
}

expect_refused() {
	! connect </dev/null >out 2>err || atf_fail "it was let in"
	expect_log "event=refused reason=backend-unreachable .*$1"
}

relay_workers() {
	process_titled "$daemon_pid" 'postern-worker: relay' | wc -l
}

no_relay_worker() {
	test "$(relay_workers)" -eq 0
}

relay_workers_are() {
	test "$(relay_workers)" -eq "$1"
}

dialer() {
	process_titled "$daemon_pid" 'posternd: dialer' | head -n 1
}

# strange_client.py PORT WHAT: a client that parts otherwise than ours.
#
#	after		reads to the server's close_notify, sends 100000 bytes
#			more, and only then ends
write_strange_client() {
	cat >strange_client.py <<-'END'
	import socket, ssl, sys

	context = ssl.create_default_context(cafile="ca.pem")
	context.load_cert_chain("client.pem", "client.key")
	sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
	incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
	tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

	def step(action):
	    while True:
	        try:
	            result = action()
	        except ssl.SSLWantReadError:
	            result = None
	        sock.sendall(outgoing.read())
	        if result is not None:
	            return result
	        piece = sock.recv(65536)
	        if not piece:
	            sys.exit("the server ended")
	        incoming.write(piece)

	step(lambda: tls.do_handshake() or True)
	got = 0
	while True:
	    try:
	        n = len(step(lambda: tls.read(65536)))
	    except ssl.SSLZeroReturnError:
	        break
	    if n == 0:
	        break
	    got += n
	print(got)
	for i in range(int(sys.argv[2]) if len(sys.argv) > 2 else 10):
	    step(lambda: tls.write(b"x" * 10000))
	try:
	    tls.unwrap()
	except ssl.SSLError:
	    pass
	sock.sendall(outgoing.read())
	sock.close()
	END
}

# ---- clients that get through ------------------------------------------------

e2e_case tcp \
    "What a client sends reaches the service, and its answer the client"
tcp_body() {
	start_relay echo
	assert_echo
	test -n "$(dialer)" || atf_fail "there is no dialer"
	expect_log 'event=close .*end=finished bytes_in=[1-9]'
	expect_soon no_relay_worker
	stop_daemon
}

e2e_case tcp6 "The same over IPv6"
tcp6_body() {
	app=$(free_port)
	make_pki
	start_service "[::1]:$app" echo
	write_conf worker=relay "relay.to=[::1]:$app"
	start_daemon
	assert_echo
	stop_daemon
}

# Other users must come to the socket: here each may.
local_relay() {
	mkdir -p run
	chmod 755 . run
	start_service "unix:$PWD/run/app.sock" "$@"
	make_pki
	write_metrics_conf worker=relay relay.to=unix:run/app.sock
	start_daemon
}

e2e_case local "The same by a local socket"
local_body() {
	local_relay echo
	assert_echo
	random_file in 3000000
	connect <in >out || atf_fail "the client failed"
	cmp in out || atf_fail "not what was sent"
	stop_daemon
}

e2e_case again \
    "A service that starts again is found, its directory anew as well"
again_body() {
	local_relay echo
	for _ in 1 2; do
		assert_echo
		stop_service
		rm -r run
		expect_refused 'detail="No such file or directory"'
		mkdir run
		chmod 755 run
		start_service "unix:$PWD/run/app.sock" echo
	done
	assert_echo
	test "$(log_count event=dialer-died)" -eq 0 || atf_fail "it died"
	stop_daemon
}

# root_has NAME...: these, and no more, are in the dialer's root.
root_has() {
	dialer=$(dialer)
	test -n "$dialer" &&
	    test "$(ls -A "/proc/$dialer/root")" = "$*" &&
	    test "$(wc -l <"/proc/$dialer/mountinfo")" -eq $(($# + 1))
}

same_socket() {
	test -S "/proc/$(dialer)/root/ptmx" &&
	    test "$(stat -L -c %i "/proc/$(dialer)/root/ptmx")" = \
	    "$(stat -L -c %i run/app.sock)"
}

root_case alone "A dialer sees nothing of the host but the one socket"
alone_body() {
	local_relay echo
	root_has ptmx || atf_fail "it sees $(ls -A "/proc/$(dialer)/root")"
	same_socket || atf_fail "it sees another socket"
	assert_echo
	stop_service
	rm run/app.sock
	expect_refused 'detail="No such file or directory"'
	expect_soon root_has
	start_service "unix:$PWD/run/app.sock" echo
	assert_echo
	root_has ptmx || atf_fail "it sees $(ls -A "/proc/$(dialer)/root")"
	same_socket || atf_fail "it sees another socket"
	awk '$6 !~ /^ro,/' "/proc/$(dialer)/mountinfo" >writable
	test ! -s writable || atf_fail "this can be written: $(cat writable)"
	stop_daemon
}

root_case no_socket "What is no socket does not come into its root"
no_socket_body() {
	local_relay echo
	mkdir other
	chmod 755 other
	stop_service
	for what in 'mkfifo run/app.sock' ': >run/app.sock' \
	    'mkdir run/app.sock' 'ln -s /dev/null run/app.sock'; do
		rm -rf run/app.sock
		eval "$what"
		expect_refused 'detail="Connection refused"'
		expect_soon root_has
		start_service "unix:$PWD/other/app.sock" echo
		rm -rf run/app.sock
		ln -s ../other/app.sock run/app.sock
		assert_echo
		root_has ptmx || atf_fail "$what: not the socket alone"
		stop_service
	done
	test "$(log_count event=dialer-died)" -eq 0 || atf_fail "it died"
	stop_daemon
}

# A service that is away must not cost a process for each client.
root_case away "Where a service is away there is a new dialer a second, no more"
away_body() {
	local_relay echo
	stop_service
	spawner=$(process_titled "$daemon_pid" 'posternd: dial-spawner')
	run_in_background strace -qq -o calls -p "$spawner" -e trace=clone \
	    -e signal=none 2>strace.err
	tracer=$!
	expect_soon traced "$spawner"
	at=$(uptime_seconds)
	until test "$(wc -l <calls)" -ge 4; do
		expect_refused 'detail="Connection refused"'
	done
	test $(($(uptime_seconds) - at)) -ge 2 || atf_fail "more often"
	kill -INT "$tracer"
	expect_soon gone "$tracer"
	start_service "unix:$PWD/run/app.sock" echo
	assert_echo
	stop_daemon
}

traced() {
	! grep -q '^TracerPid:.0$' "/proc/$1/status"
}

e2e_case anew "Many find a new socket at once, and by the same parent"
anew_body() {
	local_relay greet one
	parent=$(process_titled "$daemon_pid" 'posternd: parent 0')
	stop_service
	# shellcheck disable=SC2046
	set -- $(seq 20)
	stopped=$(dialer)
	kill -STOP "$stopped"
	for i; do
		connect </dev/null >"out.$i" 2>"err.$i" &
		record $!
		waiting="${waiting-} $!"
	done
	expect_soon dialing 20
	start_service "unix:$PWD/run/app.sock" greet two
	kill -CONT "$stopped"
	for pid in $waiting; do
		wait "$pid" || atf_fail "one was lost: $(cat err.* | head -n 1)"
	done
	test "$(cat out.* | sort -u)" = two || atf_fail "they got $(cat out.*)"
	test "$(dialer)" != "$stopped" || atf_fail "it is the same dialer"
	test "$(process_titled "$daemon_pid" 'posternd: parent 0')" = \
	    "$parent" || atf_fail "the parent was replaced"
	kill -KILL "$(dialer)"
	expect_log event=dialer-died
	expect_soon connect </dev/null >out.after
	test "$(cat out.after)" = two || atf_fail "it got $(cat out.after)"
	stop_daemon
}

e2e_case large "Much of it, both ways at once"
large_body() {
	start_relay echo
	random_file in 60000000
	connect <in >out || atf_fail "the client failed"
	cmp in out || atf_fail "not what was sent"
	expect_log 'event=close .*bytes_in=60000000 bytes_out=60000000'
	stop_daemon
}

e2e_case one_way "Much of it, and the service speaks when the client has ended"
one_way_body() {
	start_relay digest
	: >empty
	assert_digest empty
	random_file in 30000000
	assert_digest in
	stop_daemon
}

e2e_case greets "The service may speak first"
greets_body() {
	start_relay greet welcome
	echo hello >in
	connect <in >out || atf_fail "the client failed"
	printf 'welcome\nhello\n' >wanted
	cmp wanted out || atf_fail "not what was said"
	stop_daemon
}

# The end of one way is told at once, and the other goes on.
e2e_case ends_first "The service may end first, and is still told what comes"
ends_first_body() {
	start_relay give 3000000
	write_strange_client
	python3 strange_client.py "$port" >out || atf_fail "the client failed"
	test "$(cat out)" = 3000000 || atf_fail "it got $(cat out)"
	expect_soon test -s service.log
	grep -q '^100000 ' service.log ||
	    atf_fail "the service got $(cat service.log)"
	expect_log 'event=close .*end=finished bytes_in=100000 bytes_out=3000000'
	stop_daemon
}

# What the kernel has still to send for a worker that has gone is sent.
e2e_case reads_late "What a service reads late, when all have gone, is whole"
reads_late_body() {
	start_relay later
	write_strange_client
	python3 strange_client.py "$port" 100 >out ||
	    atf_fail "the client failed"
	expect_log 'event=close .*end=finished bytes_in=1000000 '
	expect_soon no_relay_worker
	touch go
	expect_soon grep -qs '^1000000 ' service.log
	stop_daemon
}

e2e_case closes "One that accepts and closes is an end, and no error"
closes_body() {
	start_relay close
	connect </dev/null >out || atf_fail "the client failed"
	test ! -s out || atf_fail "something came"
	expect_log 'event=close .*end=finished'
	stop_daemon
}

e2e_case many "Many at once, each with its own"
many_body() {
	start_relay echo
	# shellcheck disable=SC2046
	set -- $(seq 60)
	for i; do
		echo "number $i" >in.$i
		connect <in.$i >out.$i 2>err.$i &
		pids="${pids-} $!"
	done
	for pid in $pids; do
		wait "$pid" || atf_fail "a client failed: $(cat err.*)"
	done
	for i; do
		cmp -s in.$i out.$i || atf_fail "client $i got $(cat out.$i)"
	done
	get_metrics
	test "$(metric 'postern_dials_total{outcome="connected"}')" -ge 60 ||
	    atf_fail "dials are not counted"
	stop_daemon
}

root_case without_root "The same without root"
without_root_body() {
	command -v setpriv >/dev/null || atf_skip "there is no setpriv"
	app=$(free_port)
	make_pki
	mkdir run
	start_service "unix:$PWD/run/app.sock" greet local
	start_service "127.0.0.1:$app" greet tcp
	chown -R nobody .
	give_programs_to_nobody
	posternd() {
		as_nobody posternd -U "$@"
	}
	for to in "127.0.0.1:$app" unix:run/app.sock; do
		write_conf worker=relay "relay.to=$to"
		start_daemon
		connect </dev/null >>out || atf_fail "the client failed"
		stop_daemon
	done
	printf 'tcp\nlocal\n' >wanted
	cmp wanted out || atf_fail "not what was said"
}

# broken_off END: the client of "feed" saw no end, nor did its service.
broken_off() {
	expect_log "event=close .*end=$1"
	expect_soon grep -qs "error: ConnectionResetError" service.log
	! wait $client || atf_fail "$1: the client took it for an end"
	exec 9>&-
	expect_soon no_relay_worker
	test "$(log_count event=worker-died)" -eq 0 || atf_fail "a worker died"
}

# begin_session: of a client that then waits, held by descriptor 9.
begin_session() {
	rm -f feed service.log
	mkfifo feed
	connect <feed >out 2>err &
	client=$!
	record $client
	exec 9>feed
	echo hello >&9
	expect_soon grep -q hello out
}

# What is not the client's word must not look like it, nor like the service's.
e2e_case our_ends "What postern ends is to client and service no end"
our_ends_body() {
	start_relay echo -- timeouts.idle=500ms
	begin_session
	broken_off idle
	stop_daemon
	write_conf worker=relay "relay.to=127.0.0.1:$app" timeouts.session=1s
	start_daemon
	begin_session
	broken_off session
	stop_daemon
	write_conf worker=relay "relay.to=127.0.0.1:$app" timeouts.drain=300ms
	start_daemon
	begin_session
	kill -TERM "$daemon_pid"
	broken_off shutting-down
	daemon_status || atf_fail "it ended with status $?"
}

e2e_case our_end_revoked "Nor is that of one that is revoked"
our_end_revoked_body() {
	start_relay echo -- timeouts.revoked=1s
	begin_session
	write_metrics_conf_again "relay.to=127.0.0.1:$app" timeouts.revoked=1s \
	    clients.ca=other-ca.pem
	kill -HUP "$daemon_pid"
	broken_off untrusted
	stop_daemon
}

# The service must notice that it was not all, as the client's TLS would have.
e2e_case cut "A client that is cut off in mid-upload is to the service no end"
cut_body() {
	start_relay echo
	for how in truncate reset garble; do
		rm -f service.log
		"$(atf_get_srcdir)/peer_helper" "$how" "$port" >peer.out 2>&1 ||
		    atf_fail "$(cat peer.out)"
		expect_soon grep -qs "error: ConnectionResetError" service.log
		expect_soon no_relay_worker
	done
	for end in truncated reset protocol; do
		expect_log "event=close .*end=$end"
	done
	test "$(log_count event=worker-died)" -eq 0 || atf_fail "a worker died"
	rm -f service.log
	assert_echo
	expect_soon no_relay_worker
	test ! -e service.log || atf_fail "an orderly end: $(cat service.log)"
	stop_daemon
}

# ---- services that are not well ----------------------------------------------

e2e_case unreachable \
    "A service that is not there: refused, counted; later served"
unreachable_body() {
	start_relay nobody
	expect_refused 'detail="Connection refused"'
	get_metrics
	test "$(metric \
	    'postern_connections_refused_total{reason="backend-unreachable"}')" \
	    -eq 1 || atf_fail "not counted"
	test "$(metric 'postern_dials_total{outcome="failed"}')" -eq 1 ||
	    atf_fail "the dial is not counted"
	start_service "127.0.0.1:$app" echo
	assert_echo
	stop_service
	expect_refused 'detail="Connection refused"'
	start_service "127.0.0.1:$app" echo
	assert_echo
	stop_daemon
}

# fill AT: the queue of one that accepts nobody, until no more go in.
fill() {
	cat >fill.py <<-'END'
	import socket, sys, time
	at, held = sys.argv[1], []
	while True:
	    if at.startswith("unix:"):
	        s, to = socket.socket(socket.AF_UNIX), at[5:]
	    else:
	        host, port = at.rsplit(":", 1)
	        s, to = socket.socket(), (host, int(port))
	    s.settimeout(1)
	    try:
	        s.connect(to)
	    except (BlockingIOError, TimeoutError, socket.timeout):
	        break
	    held.append(s)
	open("filled", "w").close()
	time.sleep(1000)
	END
	run_in_background python3 fill.py "$1"
	expect_soon test -e filled
}

e2e_case full "One that accepts nobody: refused when the time is over"
full_body() {
	start_relay full -- timeouts.connect=300ms
	fill "127.0.0.1:$app"
	expect_refused 'detail="the service did not accept the connection in'
	stop_daemon
}

e2e_case full_local "The same of a local socket"
full_local_body() {
	mkdir run
	chmod 755 . run
	start_service "unix:$PWD/run/app.sock" full
	fill "unix:$PWD/run/app.sock"
	make_pki
	write_metrics_conf worker=relay relay.to=unix:run/app.sock \
	    timeouts.connect=300ms
	start_daemon
	expect_refused 'detail="the service did not accept the connection in'
	get_metrics
	test "$(metric 'postern_dials_total{outcome="timeout"}')" -eq 1 ||
	    atf_fail "not counted"
	stop_daemon
}

# A socket that this user may not write to cannot be connected to.
root_case not_allowed "A local socket that the dialer may not use"
not_allowed_body() {
	local_relay echo
	chmod 600 run/app.sock
	expect_refused 'detail="Permission denied"'
	chmod 666 run/app.sock
	assert_echo
	stop_daemon
}

e2e_case resets "One that breaks off: the client notices, and others go on"
resets_body() {
	start_relay reset
	echo hello >in
	! connect <in >out 2>err || atf_fail "the client took it for an end"
	expect_log 'event=close .*end=backend-lost'
	test "$(log_count event=worker-died)" -eq 0 || atf_fail "a worker died"
	expect_soon no_relay_worker
	stop_daemon
}

peak_kib() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"
}

session_is_stuck() {
	get_status
	before=$(status 'sum(s["bytes_in"] for s in d["sessions"])')
	test "$before" -gt 0 || return 1
	sleep 0.3
	get_status
	test "$(status 'sum(s["bytes_in"] for s in d["sessions"])')" -eq \
	    "$before"
}

e2e_case mute "One that does not read holds up its client, and costs no memory"
mute_body() {
	start_relay mute -- timeouts.idle=3s timeouts.drain=1s
	parent=$(process_titled "$daemon_pid" 'posternd: parent 0')
	before=$(peak_kib "$parent")
	(head -c 400000000 /dev/zero | connect >out 2>err) &
	client=$!
	record $client
	expect_log event=open
	expect_soon log_has 'event=close .*end=idle'
	after=$(peak_kib "$parent")
	test $((after - before)) -lt 2000 ||
	    atf_fail "the parent has $before KiB, then $after"
	! wait $client || atf_fail "the client took it for an end"
	bytes=$(sed -n 's/.*event=close .*bytes_in=\([0-9]*\) .*/\1/p' daemon.log)
	test "$bytes" -lt 100000000 || atf_fail "it took $bytes bytes"
	expect_soon no_relay_worker
	stop_daemon
}

# In a network of its own, whose ephemeral ports are two, one of them the
# service's: TCP would connect a socket there to itself, and it would echo.
root_case itself "Where nobody listens a connection to itself is none"
itself_body() {
	run_in_background unshare -n sleep 600
	net=/proc/$!/ns/net
	expect_soon other_network
	nsenter --net="$net" sh -c 'ip link set lo up &&
	    sysctl -qw net.ipv4.ip_local_port_range="40000 40001"' ||
	    atf_skip "no network of its own can be had"
	daemon_=$(command -v posternd) client_=$(command -v postern)
	posternd() {
		exec nsenter --net="$net" "$daemon_" "$@"
	}
	postern() {
		nsenter --net="$net" "$client_" "$@"
	}
	make_pki
	write_conf worker=relay relay.to=127.0.0.1:40000
	start_daemon
	for _ in 1 2 3 4; do
		expect_refused 'detail="Connection refused"'
	done
	test "$(log_count event=open)" -eq 0 || atf_fail "it let itself in"
	stop_daemon
}

other_network() {
	test "$(readlink "$net")" != "$(readlink /proc/self/ns/net)"
}

# ---- deadlines, drain, reload ------------------------------------------------

e2e_case deadlines "Idle and session end a relay as they end an echo"
deadlines_body() {
	start_relay echo -- timeouts.idle=500ms timeouts.drain=1s
	(sleep 100 & echo $! >sleeper; wait) | connect >out 2>err &
	expect_log 'event=close .*end=idle'
	expect_soon no_relay_worker
	stop_daemon
}

e2e_case stops "A stop lets relays end in the time of the drain"
stops_body() {
	start_relay digest -- timeouts.drain=20s
	mkfifo feed
	connect <feed >out 2>err &
	client=$!
	exec 9>feed
	echo hello >&9
	expect_log event=open
	kill -TERM "$daemon_pid"
	expect_log event=drain
	exec 9>&-
	wait $client || atf_fail "the client failed"
	daemon_status || atf_fail "it ended with status $?"
	grep -q '^6 ' out || atf_fail "the service was not told the end"
}

e2e_case reloads "A reload with another service: new clients go there"
reloads_body() {
	start_relay greet one
	other=$(free_port)
	start_service "127.0.0.1:$other" greet two
	mkfifo feed
	connect <feed >out 2>err &
	client=$!
	exec 9>feed
	expect_log event=open
	write_metrics_conf_again "relay.to=127.0.0.1:$other"
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok generation=2'
	connect </dev/null >second || atf_fail "the client failed"
	test "$(cat second)" = two || atf_fail "it came to $(cat second)"
	echo still there >&9
	exec 9>&-
	wait $client || atf_fail "the old session was lost"
	printf 'one\nstill there\n' >wanted
	cmp wanted out || atf_fail "not what was said"
	stop_daemon
}

# The same configuration but for these.
write_metrics_conf_again() {
	write_conf "metrics.listen=$metrics_at" worker=relay "$@"
}

e2e_case to_echo "A reload from echo to relay and back"
to_echo_body() {
	app=$(free_port)
	start_service "127.0.0.1:$app" greet one
	make_pki
	write_metrics_conf
	start_daemon
	assert_echo
	write_metrics_conf_again "relay.to=127.0.0.1:$app"
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok generation=2'
	connect </dev/null >out || atf_fail "the client failed"
	test "$(cat out)" = one || atf_fail "it came to $(cat out)"
	write_conf "metrics.listen=$metrics_at"
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok generation=3'
	assert_echo
	stop_daemon
}

root_case new_dialer "Another user for dialers needs a restart"
new_dialer_body() {
	start_relay greet one
	write_metrics_conf_again "relay.to=127.0.0.1:$app" dialer-user=daemon
	kill -HUP "$daemon_pid"
	expect_log 'event=reload .*dialer-user: a change'
	connect </dev/null >out || atf_fail "the client failed"
	stop_daemon
}

# 64 are under way at most.  Who has to wait has no more time for that.
e2e_case queue \
    "More clients than may be asked for at once: each refused in time"
queue_body() {
	start_relay full -- timeouts.connect=2s
	fill "127.0.0.1:$app"
	# shellcheck disable=SC2046
	for _ in $(seq 90); do
		connect </dev/null >out 2>err &
		record $!
	done
	all_refused() {
		test "$(log_count 'reason=backend-unreachable')" -eq 90
	}
	wait_for 60 all_refused || atf_fail "$(log_count backend-unreach) are"
	test "$(log_count event=dialer-died)" -eq 0 || atf_fail "it died"
	stop_service
	rm -f service.ready
	start_service "127.0.0.1:$app" echo
	assert_echo
	stop_daemon
}

# All places are taken by clients who then go.
e2e_case cancelled "Who has gone leaves the place of the dial to others"
cancelled_body() {
	start_relay full -- timeouts.connect=600s timeouts.handshake=600s
	fill "127.0.0.1:$app"
	mkfifo feed
	exec 9<>feed
	for _ in $(seq 64); do
		connect <feed >>out 2>>err &
		record $!
		waiting="${waiting-} $!"
	done
	wait_for 60 dialing 64 || atf_fail "they do not come to be dialed"
	for pid in $waiting; do
		# shellcheck disable=SC2046
		kill -KILL $(tree_of "$pid") "$pid" 2>/dev/null
	done
	wait_for 60 dialing 0 || atf_fail "they are dialed for still"
	cancelled() {
		get_metrics
		test "$(metric 'postern_dials_total{outcome="cancelled"}')" \
		    -eq "$1"
	}
	expect_soon cancelled 64
	exec 9>&-
	stop_service
	start_service "127.0.0.1:$app" echo
	assert_echo
	stop_daemon
}

# What a parent has not received yet counts against all dialers of that user.
# So two are stopped while their answers come, all at once.
root_case burst "Many connections that no parent receives yet end no dialer"
burst_body() {
	start_relay greet hello -- parents=2 timeouts.connect=100s
	# shellcheck disable=SC2046
	set -- $(process_titled "$daemon_pid" 'posternd: dialer')
	kill -STOP "$@"
	# shellcheck disable=SC2046
	for _ in $(seq 110); do
		connect </dev/null >>out 2>>err &
		record $!
	done
	wait_for 60 dialing 110 || atf_fail "they do not come to be dialed"
	set -- "$(process_titled "$daemon_pid" 'posternd: parent 0')" \
	    "$(process_titled "$daemon_pid" 'posternd: parent 1')" "$@"
	kill -STOP "$1" "$2"
	kill -CONT "$3" "$4"
	wait_for 60 accepted 90 || atf_fail "not all are connected"
	kill -CONT "$1" "$2"
	wait_for 60 greeted 110 ||
	    atf_fail "$(wc -l <out) were served: $(cat err)"
	test "$(log_count event=dialer-died)" -eq 0 || atf_fail "one died"
	stop_daemon
}

dialing() {
	get_metrics
	test "$(metric 'postern_connections{state="dialing"}')" -eq "$1"
}

accepted() {
	test "$(find "/proc/$service_pid/fd" | wc -l)" -ge "$1"
}

greeted() {
	test "$(grep -c hello out)" -eq "$1"
}

# hog UID: so many descriptors on their way that this user may send no more.
hog() {
	cat >hog.py <<-'END'
	import array, os, resource, socket, sys, time
	hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
	resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
	os.setgroups([])
	os.setuid(int(sys.argv[1]))
	pairs = []
	try:
	    for _ in range(40):
	        a, b = socket.socketpair()
	        pairs.append((a, b))
	        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
	            array.array("i", [0] * 200))])
	except OSError:
	    pass
	print("there", flush=True)
	time.sleep(1000)
	END
	run_in_background python3 hog.py "$1" >hogged
	hog=$!
	expect_soon test -s hogged
}

root_case crowded "Where no descriptor can be sent now it is sent later"
crowded_body() {
	start_relay greet hello -- timeouts.connect=60s parents=1
	hog "$(awk '$1 == "Uid:" { print $2 }' "/proc/$(dialer)/status")"
	none=$(find "/proc/$service_pid/fd" | wc -l)
	connect </dev/null >out 2>err &
	client=$!
	record $client
	expect_soon accepted $((none + 1))
	expect_soon dialing 1
	kill "$hog"
	wait $client || atf_fail "the client failed: $(cat err)"
	test "$(cat out)" = hello || atf_fail "it got $(cat out)"
	test "$(log_count event=dialer-died)" -eq 0 || atf_fail "it died"
	stop_daemon
}

# ---- processes that die ------------------------------------------------------

dialer_is_not() {
	new=$(dialer) && test -n "$new" && test "$new" != "$1"
}

e2e_case dialer_dies "A dialer that dies is replaced, and open sessions go on"
dialer_dies_body() {
	start_relay greet hello -- timeouts.drain=20s
	mkfifo feed
	connect <feed >out 2>err &
	client=$!
	exec 9>feed
	expect_log event=open
	old=$(dialer)
	kill -KILL "$old"
	expect_log event=dialer-died
	expect_soon dialer_is_not "$old"
	expect_soon connect </dev/null >second
	test "$(cat second)" = hello || atf_fail "it came to $(cat second)"
	echo still there >&9
	exec 9>&-
	wait $client || atf_fail "the open session was lost"
	get_metrics
	test "$(metric 'postern_processes_died_total{process="dialer"}')" -eq 1 ||
	    atf_fail "not counted"
	stop_daemon
}

e2e_case dialer_hangs "One that hangs refuses in time, and is replaced, too"
dialer_hangs_body() {
	start_relay greet hello -- timeouts.connect=200ms timeouts.drain=1s
	old=$(dialer)
	kill -STOP "$old"
	expect_refused 'detail="no connection to it was made in time"'
	replaced() {
		connect </dev/null >out 2>err || true
		log_has 'event=dialer-died detail="it does not answer'
	}
	wait_for 60 replaced || atf_fail "it is still there"
	expect_soon dialer_is_not "$old"
	expect_soon connect </dev/null
	stop_daemon
}

e2e_case worker_dies "A worker that is killed ends its client, and no other"
worker_dies_body() {
	start_relay greet hello
	mkfifo feed feed2
	connect <feed >out 2>err &
	one=$!
	exec 9>feed
	expect_soon relay_workers_are 1
	worker=$(process_titled "$daemon_pid" 'postern-worker: relay')
	connect <feed2 >out2 2>err2 &
	two=$!
	exec 8>feed2
	expect_soon relay_workers_are 2
	expect_soon test -s out
	kill -KILL "$worker"
	expect_log "event=worker-died worker=$worker signal=KILL"
	expect_log "event=close .*end=worker-died .*worker=$worker"
	! wait $one || atf_fail "the client took it for an end"
	echo more >&8
	exec 8>&- 9>&-
	wait $two || atf_fail "the other was lost"
	printf 'hello\nmore\n' >wanted
	cmp wanted out2 || atf_fail "not what was said"
	stop_daemon
}

# The processes are used up, and one worker whose client has gone hangs: it is
# that one who has to end, and those who wait, more than a spawner keeps wishes
# of, get in then.
root_case no_processes \
    "Where no worker can be made, one that hangs is ended yet"
no_processes_body() {
	start_relay greet hello -- timeouts.handshake=100s timeouts.drain=1s
	mkfifo feed
	connect <feed >out 2>err &
	one=$!
	exec 9>feed
	expect_soon relay_workers_are 1
	worker=$(process_titled "$daemon_pid" 'postern-worker: relay')
	spawner=$(process_titled "$daemon_pid" 'postern-worker: relay-spawner')
	expect_soon test -s out
	limit "$spawner" --nproc=1:
	waiting=
	for i in $(seq 40); do
		connect </dev/null >"out.$i" 2>"err.$i" 9>&- &
		waiting="$waiting $!"
	done
	expect_log event=spawn-failed
	kill -STOP "$worker"
	# shellcheck disable=SC2046
	kill -KILL $(tree_of $one) $one
	exec 9>&-
	wait_for 30 gone "$worker" || {
		show_log
		atf_fail "it is there still"
	}
	expect_log "event=worker-overdue worker=$worker"
	limit "$spawner" --nproc=100:
	for pid in $waiting; do
		wait "$pid" || atf_fail "one that waited was lost"
	done
	test "$(cat out.* | grep -c hello)" -eq 40 || atf_fail "not all served"
	stop_daemon
}

# ---- who the client is -------------------------------------------------------

heard() {
	python3 -c 'import json, sys
d = json.loads(open("service.log").readlines()[-1])
print(eval(sys.argv[1]))' "$1"
}

# assert_heard EXPRESSION VALUE: of the last header, "d".
assert_heard() {
	is=$(heard "$1") || atf_fail "$1: $(cat service.log)"
	test "$is" = "$2" || atf_fail "$1 is $is, not $2: $(cat service.log)"
}

e2e_case introduced "A PROXY header says whose connection it is"
introduced_body() {
	start_relay header -- relay.proxy=yes
	assert_echo
	from=$(sed -n 's/.*event=open peer=127.0.0.1:\([0-9]*\) .*/\1/p' \
	    daemon.log)
	assert_heard 'd["source"]' "127.0.0.1 $from"
	assert_heard 'd["target"]' "127.0.0.1 $port"
	assert_heard 'len(d)' 2
	# not counted as the client's
	expect_log "event=close .*bytes_in=$(wc -c <echo.in) "
	stop_daemon
}

e2e_case introduced_more "And on request what TLS and its certificate say"
introduced_more_body() {
	start_relay header -- relay.proxy=yes \
	    'relay.proxy-tlvs={"tls", "certificate"}'
	assert_echo
	assert_heard 'd["client"]' 7
	assert_heard 'd["verify"]' 0
	assert_heard 'd["21"]' TLSv1.3
	assert_heard 'd["23"]' "$(sed -n \
	    's/.*event=open .*cipher=\([^ ]*\) .*/\1/p' daemon.log)"
	assert_heard 'd["22"]' client
	assert_heard 'd["e0"]' "$(openssl x509 -in client.pem -outform DER |
	    sha256sum | cut -d ' ' -f 1)"
	assert_heard 'd["e1"]' CN=client
	assert_heard 'int(d["e2"], 16)' "$(python3 -c 'import sys
print(int(sys.argv[1].split("=")[1], 16))' \
	    "$(openssl x509 -in client.pem -noout -serial)")"
	stop_daemon
}

# Source and target of one header: one IPv4, as IPv6 has it, and the other not.
e2e_case introduced_mapped "Behind a balancer whose header mixes two families"
introduced_mapped_body() {
	start_relay header -- relay.proxy=yes 'proxy.from={"127.0.0.1"}'
	cat >mixed.py <<-'END'
	import socket, ssl, struct, sys
	context = ssl.create_default_context(cafile="ca.pem")
	context.load_cert_chain("client.pem", "client.key")
	sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
	ip = lambda a: socket.inet_pton(socket.AF_INET6, a)
	sock.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x21" + struct.pack("!H", 36) +
	    ip("::ffff:192.0.2.7") + ip("2001:db8::1") +
	    struct.pack("!HH", 4711, 443))
	tls = context.wrap_socket(sock, server_hostname="127.0.0.1")
	tls.sendall(b"hello")
	print(tls.recv(5).decode())
	tls.unwrap()
	END
	python3 mixed.py "$port" >out 2>err || atf_fail "$(cat err)"
	test "$(cat out)" = hello || atf_fail "it got $(cat out)"
	assert_heard 'd["source"][:7], d["source"][-4:]' "('::ffff:', '4711')"
	assert_heard 'd["target"]' "2001:db8::1 443"
	stop_daemon
}

# What would end a line or steer a terminal is not passed on as it is.
e2e_case hostile "A hostile name is not passed on"
hostile_body() {
	start_relay header -- relay.proxy=yes \
	    'relay.proxy-tlvs={"tls", "certificate"}'
	printf '%s\n' basicConstraints=CA:FALSE extendedKeyUsage=clientAuth \
	    >evil.conf
	for name in "$(printf 'a\nb')" "$(printf 'e\033[2Jf')" \
	    "$(printf 'g\302\205h')" "$(printf 'i\342\200\250j')"; do
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		    -utf8 -nodes -keyout evil.key -subj "/O=x/CN=$name" \
		    -out evil.csr 2>openssl.err &&
		    openssl x509 -req -in evil.csr -CA ca.pem -CAkey ca.key \
		    -set_serial 77 -days 1 -extfile evil.conf -out evil.pem \
		    2>openssl.err ||
		    atf_fail "$(cat openssl.err)"
		echo hello | postern -R ca.pem -C evil.pem -K evil.key \
		    127.0.0.1 "$port" >out || {
			show_log
			atf_fail "the client failed"
		}
		assert_heard '"22" in d' False
		assert_heard '[c for v in d.values() for c in str(v)
		    if not " " <= c <= "~"]' '[]'
		assert_heard 'd["e2"]' 4d
	done
	stop_daemon
}

e2e_case behind_balancer \
    "Behind a balancer it is the address that this one tells"
behind_balancer_body() {
	start_relay header -- relay.proxy=yes 'proxy.from={"127.0.0.1"}'
	echo hello >in
	connect --proxy-v2 192.0.2.7:4711 <in >out 2>err ||
	    atf_fail "$(cat err)"
	assert_heard 'd["source"]' "192.0.2.7 4711"
	stop_daemon
}

# ---- a real one --------------------------------------------------------------

start_nginx() {
	cat >nginx.conf <<-END
	daemon off;
	master_process off;
	pid $PWD/nginx.pid;
	error_log $PWD/nginx.err;
	events { worker_connections 256; }
	http {
		log_format who '\$proxy_protocol_addr \$request';
		access_log $PWD/nginx.log who;
		client_body_temp_path $PWD/body;
		proxy_temp_path $PWD/t1; fastcgi_temp_path $PWD/t2;
		uwsgi_temp_path $PWD/t3; scgi_temp_path $PWD/t4;
		client_max_body_size 100m;
		server {
			listen 127.0.0.1:$app proxy_protocol;
			root $PWD/www;
			location /who {
				return 200 "\$proxy_protocol_addr \$proxy_protocol_port\n";
			}
			location /put/ {
				dav_methods PUT;
			}
		}
	}
	END
	mkdir -p www/put
	run_in_background nginx -p "$PWD" -c "$PWD/nginx.conf" 2>nginx.start
	expect_soon listening "$app"
}

e2e_case nginx "A real HTTP server, which learns who asks"
nginx_head() {
	atf_set descr 'A real HTTP server, which learns who asks'
	atf_set require.progs "nginx curl"
}
nginx_body() {
	app=$(free_port)
	start_nginx
	make_pki
	write_metrics_conf worker=relay "relay.to=127.0.0.1:$app" \
	    relay.proxy=yes 'relay.proxy-tlvs={"tls", "certificate"}'
	start_daemon
	fetch() {
		curl -sS --max-time 60 --cacert ca.pem --cert client.pem \
		    --key client.key --interface 127.0.0.5 "$@"
	}
	fetch "https://127.0.0.1:$port/who" >who.out || atf_fail "no answer"
	grep -q '^127\.0\.0\.5 [0-9]*$' who.out ||
	    atf_fail "it is $(cat who.out)"
	grep -q '^127\.0\.0\.5 GET /who' nginx.log ||
	    atf_fail "nginx has logged: $(cat nginx.log)"
	random_file www/large 40000000
	fetch "https://127.0.0.1:$port/large" >large || atf_fail "no file"
	cmp www/large large || atf_fail "not the file"
	fetch -T large "https://127.0.0.1:$port/put/copy" || atf_fail "no put"
	cmp large www/put/copy || atf_fail "not what was put"
	# two of one connection
	fetch "https://127.0.0.1:$port/who" "https://127.0.0.1:$port/who" >two
	test "$(sort -u two | wc -l)" -eq 1 || atf_fail "two connections"
	stop_daemon
}
