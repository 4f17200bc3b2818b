#! /usr/bin/env atf-sh
#
# What an echo and a handshake cost in system calls, by process and call.
# Numbers, not times: they are the same on a busy machine.  They may fall; who
# raises one must know why.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# Of fewer what comes once for all of them could hide one more call for each.
ENOUGH=200
# Calls of the beginning, the end, and of every two seconds.
ONCE=60

# start [key=value...]: one parent, which does not look in vain, as often as
# there is time for, and whose supervisor looks at no files.
start() {
	make_pki
	write_conf busy-poll=0 watch=0 "$@"
	start_daemon
}

attached() {
	test "$(grep -c attached strace.err)" -ge "$(wc -l <names)"
}

# trace_service: all of its processes, and what they start, until stop_tracing;
# then there is the file counts, "NUMBER PROCESS CALL".  A call that had nothing
# to give is counted as "CALL-": how often there was something depends on what
# came together with what, how often it was asked in vain does not.  A worker
# that is new has its title from its spawner, so that all are named alike.
trace_service() {
	: >names
	for pid in "$daemon_pid" $(tree_of "$daemon_pid"); do
		echo "$pid $(title_of "$pid" | sed -e 's/.*: //' -e 's/ .*//' \
		    -e 's/^echo$/worker/' -e 's/^relay$/worker/' \
		    -e 's/^posternd$/supervisor/')" >>names
	done
	run_in_background strace -f -o trace \
	    -p "$(cut -d ' ' -f 1 names | tr '\n' ' ')" 2>strace.err
	strace_pid=$!
	expect_soon attached
}

stop_tracing() {
	kill -INT $strace_pid
	wait $strace_pid
	awk 'function count(pid, call) {
		n[(pid in name ? name[pid] : "worker") " " call]++
	    }
	    NR == FNR { name[$1] = $2; next }
	    $2 == "<..." { call = under_way[$1] }
	    $2 ~ /^[a-z0-9_]+\(/ { call = $2; sub(/\(.*/, "", call) }
	    $2 !~ /^<|^[a-z0-9_]+\(/ { next }
	    /<unfinished \.\.\.>$/ { under_way[$1] = call; next }
	    { delete under_way[$1] }
	    / = -1 EAGAIN / || (/ = 0( \(Timeout\))?$/ &&
	    (call == "epoll_wait" || call == "ppoll" || call == "wait4")) {
		call = call "-"
	    }
	    { count($1, call) }
	    END {
		for (pid in under_way)
			count(pid, under_way[pid])
		for (i in n)
			print n[i], i
	    }' names trace | sort -k 2 >counts
}

# bench KIND SECONDS: one client of postern-bench; sets $ops to how many it had.
bench() {
	postern-bench -R ca.pem -C client.pem -K client.key "--$1" 1 -t "$2" \
	    127.0.0.1 "$port" >report || atf_fail "postern-bench"
	ops=$(sed -n "s/.*\"$1\":{[^}]*\"count\":\\([0-9]*\\).*/\\1/p" report)
}

# count_calls KIND: of as many as are enough, however slow the machine is.
count_calls() {
	for seconds in 4 16 32; do
		trace_service
		bench "$1" $seconds
		stop_tracing
		test "$ops" -lt $ENOUGH || return 0
	done
	atf_fail "only $ops $1 in the time there was"
}

# each_costs PROCESS CALL=NUMBER... [PROCESS ...]: so many calls at most for
# each echo or handshake, and no others, of any process; "any" where it depends
# on who runs when.
each_costs() {
	printf '%s\n' "$@" | awk -v ops="$ops" -v once=$ONCE '
	    FNR == NR && /=/ {
		split($1, a, "=")
		max[process " " a[1]] = a[2]
		next
	    }
	    FNR == NR { process = $1; next }
	    {
		m = max[$2 " " $3]
		bad = m != "any" && $1 > m * ops + once
		printf "%s %s %s: %.2f each, %s recorded%s\n", bad ? "!" : " ",
		    $2, $3, $1 / ops, m == "" ? 0 : m, bad ? ": MORE" : ""
		failed += bad
	    }
	    END {
		print " of " ops
		exit failed > 0
	    }' - counts || atf_fail "it makes more system calls than is recorded"
}

# ---- what is counted ---------------------------------------------------------

root_case echo_connection "an echo, with a worker for each connection"
echo_connection_body() {
	start
	count_calls echoes
	each_costs parent epoll_wait=2 recvfrom=2 sendto=2 \
	    worker read=1 write=1
	stop_daemon
}

root_case echo_pool "an echo, in the pool"
echo_pool_body() {
	start isolation=pool
	count_calls echoes
	each_costs parent epoll_wait=2 recvfrom=2 sendto=2 \
	    pool epoll_wait=1 read=1 write=1
	stop_daemon
}

root_case echo_relay "an echo by the service, through a relay worker"
echo_relay_body() {
	app=$(free_port)
	start_service "127.0.0.1:$app" echo
	start worker=relay "relay.to=127.0.0.1:$app"
	count_calls echoes
	each_costs parent epoll_wait=2 recvfrom=2 sendto=2 \
	    worker ppoll=any read=2 read-=any write=2
	stop_daemon
	stop_service
}

root_case echo_polled "an echo as it is by default, but for the looks in vain"
echo_polled_body() {
	start busy-poll=
	count_calls echoes
	each_costs parent epoll_wait=2 epoll_wait-=any sched_yield=any \
	    recvfrom=2 sendto=2 \
	    worker read=1 write=1
	stop_daemon
}

# The parent's for a connection, in whichever worker.
PARENT="parent accept4=1 close=2 epoll_ctl=4 epoll_wait=any epoll_wait-=any
    getpid=3 recvfrom=6 recvfrom-=2 recvmsg=1 recvmsg-=1 sendmsg=any sendto=4
    setsockopt=1 shutdown=1 write=2"

root_case handshakes "a connection from its beginning to its end"
handshakes_body() {
	start
	expect_soon all_ready
	count_calls handshakes
	# shellcheck disable=SC2086
	each_costs $PARENT \
	    spawner clone=1 close=2 ppoll=any recvmsg=any rt_sigreturn=1 \
	    sendmsg=1 socketpair=1 wait4=1 wait4-=0.5 \
	    worker close_range=2 dup2=1 exit_group=1 prctl=1 prlimit64=6 \
	    read=2 seccomp=1 write=1
	stop_daemon
}

# Before, those that are made at the start would be counted as well.
all_ready() {
	test "$(process_titled "$daemon_pid" 'postern-worker: echo' |
	    wc -l)" -ge 16
}

root_case handshakes_pool "the same, in the pool"
handshakes_pool_body() {
	start isolation=pool
	count_calls handshakes
	# shellcheck disable=SC2086
	each_costs $PARENT \
	    pool-spawner close=2 ppoll=any recvmsg=any sendmsg=2 socketpair=1 \
	    pool close=1 epoll_ctl=1 epoll_wait=3 read=2 recvmsg=1 write=1
	stop_daemon
}

# ---- who is looked on for, and who is not ------------------------------------

# stranger.py PORT N: N bytes of a ClientHello, each when the last was read.
write_stranger() {
	cat >stranger.py <<-'END'
	import socket, sys

	port, n = map(int, sys.argv[1:])
	s = socket.create_connection(("127.0.0.1", port))
	s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	ends = " 0100007F:%04X 0100007F:%04X " % (port, s.getsockname()[1])

	def unread():
	    with open("/proc/net/tcp") as f:
	        for line in f:
	            if ends in line:
	                return int(line.split()[4].split(":")[1], 16) > 0
	    sys.exit("the server has let go of it")

	s.sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc")
	for i in range(n):
	    s.sendall(b"\0")
	    while unread():
	        pass
	END
}

root_case stranger_not_polled \
    "For who is not let in, and sends byte after byte, it never looks on"
stranger_not_polled_body() {
	start busy-poll=10000
	write_stranger
	trace_service
	ops=500
	python3 stranger.py "$port" $ops || atf_fail "stranger.py"
	stop_tracing
	each_costs parent epoll_wait=any recvfrom=any recvfrom-=any
	stop_daemon
}

# sleeps: how often the parent has slept so far.
sleeps() {
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' \
	    "/proc/$parent_pid/status"
}

# lone_client OPTION...: the parent's sleeps while one client has its echoes.
lone_client() {
	start "$@"
	parent_pid=$(process_titled "$daemon_pid" 'posternd: parent*')
	before=$(sleeps)
	bench echoes 2
	slept=$(($(sleeps) - before))
	echo "slept $slept times for $ops echoes"
	test "$ops" -ge 20 || atf_fail "only $ops echoes in the time there was"
}

asleep() {
	grep -q '^State:.S' "/proc/$parent_pid/status"
}

e2e_case lone_client_polled \
    "The parent does not sleep between the messages of a lone client"
lone_client_polled_body() {
	lone_client busy-poll=10000
	test "$slept" -lt $((ops / 2)) || atf_fail "it sleeps all the same"
	expect_soon asleep
	stop_daemon
}

e2e_case lone_client_not_polled "It sleeps, where it is to"
lone_client_not_polled_body() {
	lone_client busy-poll=0
	test "$slept" -ge "$ops" || atf_fail "it looks on all the same"
	stop_daemon
}
