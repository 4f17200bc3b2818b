#! /usr/bin/env atf-sh
#
# How many clients there may be, from one address, on their way in, and how fast
# they may come: each limit at its bound and one beyond it, over all parents and
# generations, and what becomes of others meanwhile.  And what becomes of the
# service when the system has no more to give.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../metrics_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# shellcheck disable=SC2154

# ---- those who come ----------------------------------------------------------

# crowd.py HOST PORT: connections that say nothing.  Standard input has
#
#	open NAME SOURCE COUNT [CLIENT]	with a PROXY header for CLIENT
#	close NAME
#
# and NAME.state always says how many of that name are open, how many the server
# has ended, and how many bytes it has sent to them.
write_crowd() {
	cat >crowd.py <<-'END'
	import ipaddress, os, selectors, socket, struct, sys

	host, port = sys.argv[1], int(sys.argv[2])
	family = socket.AF_INET6 if ":" in host else socket.AF_INET
	loop = selectors.DefaultSelector()
	groups = {}

	class Group:
	    def __init__(self, name):
	        self.name, self.socks, self.ended, self.bytes = name, set(), 0, 0

	    def tell(self):
	        with open(self.name + ".new", "w") as f:
	            print(len(self.socks), self.ended, self.bytes, file=f)
	        os.rename(self.name + ".new", self.name + ".state")

	    def drop(self, s):
	        loop.unregister(s)
	        self.socks.discard(s)
	        s.close()

	    def heard(self, s):
	        try:
	            got = s.recv(65536)
	        except ConnectionResetError:
	            got = b""
	        self.bytes += len(got)
	        if not got:
	            self.ended += 1
	            self.drop(s)
	        self.tell()

	def header(client):
	    a = ipaddress.ip_address(client)
	    block = a.packed * 2 + struct.pack("!HH", 4711, 443)
	    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21,
	        0x11 if a.version == 4 else 0x21, len(block)) + block

	def enter(name, source, count, client=None):
	    g = groups.setdefault(name, Group(name))
	    for i in range(int(count)):
	        s = socket.socket(family, socket.SOCK_STREAM)
	        s.bind((source, 0))
	        s.connect((host, port))
	        if client:
	            s.sendall(header(client))
	        g.socks.add(s)
	        loop.register(s, selectors.EVENT_READ, g)
	    g.tell()

	def leave(name):
	    g = groups[name]
	    for s in list(g.socks):
	        g.drop(s)
	    g.tell()

	def commands(text):
	    if not text:
	        sys.exit()
	    for line in text.decode().splitlines():
	        word, *rest = line.split()
	        {"open": enter, "close": leave}[word](*rest)

	loop.register(sys.stdin, selectors.EVENT_READ)
	while True:
	    for key, what in loop.select():
	        if key.fileobj is sys.stdin:
	            commands(os.read(0, 65536))
	        elif key.fileobj.fileno() != -1:
	            key.data.heard(key.fileobj)
	END
}

# start_crowd [HOST]: it hears on descriptor 8.
start_crowd() {
	write_crowd
	rm -f crowd.fifo
	mkfifo crowd.fifo
	without_feeds python3 -u crowd.py "${1:-127.0.0.1}" "$port" \
	    <crowd.fifo 2>crowd.err &
	record $!
	crowd_pid=$!
	exec 8<>crowd.fifo
}

# crowd WORD...: one command for it.
crowd() {
	echo "$*" >&8
}

state_is() {
	read -r open_ ended_ bytes_ 2>/dev/null <"$1.state" &&
	    test "$open_ $ended_" = "$2 $3"
}

# expect_state NAME OPEN ENDED: so it is soon, and nobody has been sent a byte.
expect_state() {
	wait_for 20 state_is "$@" || {
		show_log
		cat crowd.err >&2
		atf_fail "$*: but $(cat "$1.state")"
	}
	test "$bytes_" -eq 0 || atf_fail "$1: was sent something"
}

# It is still so when the service has had time for one more client.
still_state() {
	assert_echo
	state_is "$@" || atf_fail "$*: but $(cat "$1.state")"
}

refusals() {
	test "$(log_count "event=refused reason=$1 ")" -eq "$2"
}

# refused WORD N: so many lines of it, and not one of another word.
refused() {
	expect_soon refusals "$1" "$2"
	test "$(log_count 'event=refused ')" -eq "$2" || {
		show_log
		atf_fail "refused for something else than $1"
	}
}

parents() {
	process_titled "$daemon_pid" 'posternd: parent*'
}

# nth_parent N: those that serve, by the order of their pids.
nth_parent() {
	parents | sort -n | sed -n "$1p"
}

# by_parent N COMMAND...: only this one of two parents accepts meanwhile.  A
# stop is not at once, so it is waited for; nor is an accept(2).
by_parent() {
	other=$(nth_parent $((3 - $1)))
	shift
	kill -STOP "$other"
	expect_soon is_stopped "$other"
	"$@"
	expect_soon none_waits
	kill -CONT "$other"
}

# Of listening sockets proc(5) tells how many are in their queue.
none_waits() {
	cat "/proc/$other/net/tcp" "/proc/$other/net/tcp6" |
	    awk -v port=":$(printf %04X "$port")$" '
	    $2 ~ port && $4 == "0A" && $5 !~ /:0+$/ { waits = 1 }
	    END { exit waits }'
}

# from SOURCE [COUNT]: one client that is let in, by the certificate, or one
# after the other; "hello" comes back.
from() {
	python3 visitor.py "$port" "$1" "${2:-1}" >visit.out 2>visit.err || {
		cat visit.out visit.err >&2
		show_log
		atf_fail "not served: one from $1"
	}
}

# visitor.py PORT SOURCE COUNT: so many clients, one after the other; each must
# have its "hello" back.  Prints how many had, and the slowest's seconds.
write_visitor() {
	cat >visitor.py <<-'END'
	import socket, ssl, sys, time

	port, source, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
	c = ssl.create_default_context(cafile="ca.pem")
	c.load_cert_chain("client.pem", "client.key")
	slowest = 0
	for i in range(count):
	    begun = time.monotonic()
	    s = socket.create_connection(("127.0.0.1", port), 30, (source, 0))
	    t = c.wrap_socket(s, server_hostname="127.0.0.1")
	    t.sendall(b"hello")
	    if t.recv(5) != b"hello":
	        sys.exit("%d: not echoed" % i)
	    t.unwrap()
	    t.close()
	    slowest = max(slowest, time.monotonic() - begun)
	print(count, "served; the slowest took %.1f s" % slowest)
	END
}

# begin_limits [key=value...]: two parents, unless told otherwise.
begin_limits() {
	make_pki
	write_visitor
	write_conf parents=2 timeouts.handshake=2m timeouts.idle=10m "$@"
	start_daemon
	start_crowd
}

end_limits() {
	exec 8>&-
	wait_for 20 gone "$crowd_pid"
	stop_daemon
}

# ---- by address --------------------------------------------------------------

e2e_case per_address "so many from one address, in all parents together"
per_address_body() {
	begin_limits max-connections-per-address=4
	by_parent 1 fill a 127.0.0.2 2
	by_parent 2 fill b 127.0.0.2 2
	for n in 1 2; do
		by_parent $n fill over$n 127.0.0.2 0 3
	done
	refused too-many-from-address 6
	log_has 'reason=too-many-from-address peer=127.0.0.2:' ||
	    atf_fail "who was it?"
	# others are not meant; and whoever goes leaves a place
	crowd open other 127.0.0.3 4
	expect_state other 4 0
	crowd close a
	expect_soon let_in c 127.0.0.2
	expect_soon let_in d 127.0.0.2
	still_state b 2 0
	still_state other 4 0
	end_limits
}

# fill NAME SOURCE KEPT [ENDED]
fill() {
	crowd open "$1" "$2" $(($3 + ${4:-0}))
	expect_state "$1" "$3" "${4:-0}"
}

# let_in NAME SOURCE: is there a place again?  It may be free a moment later, so
# this is for expect_soon.  One who has not been turned away after a fifth of a
# second is in.
tries=0
let_in() {
	tries=$((tries + 1))
	crowd open "$1$tries" "$2" 1
	sleep 0.2
	state_is "$1$tries" 1 0
}

e2e_case sessions_too \
    "Sessions count as those on their way in do, and come back"
sessions_too_body() {
	begin_limits max-connections-per-address=3
	hold one 4
	hold two 5
	crowd open a 127.0.0.1 2
	expect_state a 1 1
	got=0
	connect </dev/null >out 2>err || got=$?
	test $got -eq 77 || atf_fail "status $got: $(cat err)"
	refused too-many-from-address 2
	release one 4
	expect_soon served
	release two 5
	end_limits
}

served() {
	echo hello | connect 2>/dev/null | grep -q hello
}

e2e_case reloaded "Those of older generations count until they go"
reloaded_body() {
	begin_limits max-connections-per-address=3 max-handshakes=7 parents=1
	crowd open a 127.0.0.2 3
	expect_state a 3 0
	hold one 4
	before=$(parents)
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok generation=2'
	fill over 127.0.0.2 0 2
	refused too-many-from-address 2
	fill other 127.0.0.3 2
	feed one 4 "still here"
	# with a new limit: it is the one that counts
	write_conf parents=1 timeouts.handshake=2m timeouts.idle=10m \
	    max-connections-per-address=5 max-handshakes=7
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok generation=3'
	fill more 127.0.0.2 2
	fill over2 127.0.0.2 0 3
	refused too-many-from-address 5
	# 3 + 2 + 2 are on their way in, in three generations: that is all, and
	# one of those with the most gives way
	fill late 127.0.0.3 1
	expect_state more 1 1
	expect_soon refusals too-many-handshakes 1
	# Whoever has the most himself is refused.
	fill over3 127.0.0.2 0 1
	release one 4
	end_limits
}

root_case killed "What a parent had that was killed counts no more"
killed_body() {
	begin_limits max-connections-per-address=4 max-handshakes=5
	by_parent 1 fill a 127.0.0.2 2
	by_parent 2 fill b 127.0.0.2 2
	fill over 127.0.0.2 0 1
	kill -KILL "$(nth_parent 1)"
	expect_soon ended_all a 2
	expect_soon let_in c 127.0.0.2
	expect_soon let_in d 127.0.0.2
	fill over2 127.0.0.2 0 2
	state_is b 2 0 || atf_fail "the other parent's are gone"
	end_limits
}

ended_all() {
	state_is "$1" 0 "$2"
}

# ---- IPv6, and balancers -----------------------------------------------------

e2e_case behind_balancer "Behind a balancer it is the client that counts"
behind_balancer_body() {
	begin_limits 'proxy.from={"127.0.0.1"}' max-connections-per-address=2
	# the balancer itself has no such limit
	crowd open idle 127.0.0.1 6
	crowd open a 127.0.0.1 3 192.0.2.7
	crowd open b 127.0.0.1 2 192.0.2.8
	# an IPv6 client by its /64
	crowd open c 127.0.0.1 1 2001:db8:0:1::1
	crowd open d 127.0.0.1 1 2001:db8:0:1:ffff::1
	expect_state a 2 1
	expect_state b 2 0
	expect_state c 1 0
	expect_state d 1 0
	crowd open e 127.0.0.1 2 2001:db8:0:1::2
	crowd open f 127.0.0.1 2 2001:db8:0:2::2
	expect_state e 0 2
	expect_state f 2 0
	expect_state idle 6 0
	expect_soon refusals too-many-from-address 3
	log_has 'reason=too-many-from-address peer=192.0.2.7:4711 proxy=127.0.0.1:' ||
	    atf_fail "which client?"
	# who comes by himself is counted as ever
	fill direct 127.0.0.2 2 1
	crowd close a
	expect_soon behind 192.0.2.7
	end_limits
}

behind() {
	echo hello | connect --proxy-v2 "$1" 2>/dev/null | grep -q hello
}

e2e_case prefixes "How much of an address is one address is configured"
prefixes_body() {
	begin_limits 'proxy.from={"127.0.0.1"}' max-connections-per-address=2 \
	    address-prefix-ipv4=24 address-prefix-ipv6=48
	crowd open a 127.0.0.1 1 192.0.2.7
	crowd open b 127.0.0.1 1 192.0.2.8
	crowd open c 127.0.0.1 1 2001:db8:0:1::1
	crowd open d 127.0.0.1 1 2001:db8:0:2::1
	for name in a b c d; do
		expect_state $name 1 0
	done
	crowd open e 127.0.0.1 1 192.0.2.200
	crowd open f 127.0.0.1 1 2001:db8:0:ffff::1
	crowd open g 127.0.0.1 1 192.0.3.7
	crowd open h 127.0.0.1 1 2001:db8:1:1::1
	expect_state e 0 1
	expect_state f 0 1
	expect_state g 1 0
	expect_state h 1 0
	refused too-many-from-address 2
	end_limits
}

# in_net COMMAND...: in the case's own network namespace.
in_net() {
	nsenter -t "$net_pid" -n "$@"
}

root_case ipv6 "Those who come by IPv6 count by their /64"
ipv6_body() {
	make_pki
	write_visitor
	port=$(free_port)
	unshare -n sleep 300 &
	record $!
	net_pid=$!
	expect_soon in_own_net
	in_net ip link set lo up
	for address in 2001:db8:0:1::1 2001:db8:0:1::2 2001:db8:0:2::1; do
		in_net ip -6 addr add $address/128 dev lo nodad
	done
	write_conf parents=2 timeouts.handshake=2m \
	    max-connections-per-address=2 \
	    "listen={\"127.0.0.1:$port\", \"[2001:db8:0:1::1]:$port\"}"
	posternd() { in_net "$(command -v env)" posternd "$@"; }
	python3() { in_net env python3 "$@"; }
	launch_daemon
	expect_log 'event=ready'
	start_crowd 2001:db8:0:1::1
	by_parent 1 fill a 2001:db8:0:1::1 1
	by_parent 2 fill b 2001:db8:0:1::2 1
	by_parent 1 fill c 2001:db8:0:1::2 0 1
	by_parent 2 fill d 2001:db8:0:1::1 0 1
	fill e 2001:db8:0:2::1 2
	refused too-many-from-address 2
	exec 8>&-
	daemon_pid=$(process_titled "$daemon_pid" 'posternd: supervisor')
	kill -TERM "$daemon_pid"
	wait_for 20 gone "$daemon_pid" || atf_fail "it does not end"
}

in_own_net() {
	test "$(readlink "/proc/$net_pid/ns/net")" != \
	    "$(readlink /proc/self/ns/net)"
}

# ---- on their way in ---------------------------------------------------------

e2e_case handshakes "So many handshakes at once, in all parents together"
handshakes_body() {
	begin_limits max-handshakes=4
	# sessions are no handshakes
	hold one 4
	by_parent 1 fill a 127.0.0.2 1
	by_parent 1 fill b 127.0.0.3 1
	by_parent 2 fill c 127.0.0.4 1
	by_parent 2 fill d 127.0.0.5 1
	by_parent 1 fill e 127.0.0.6 0 1
	by_parent 2 fill f 127.0.0.7 0 1
	got=0
	connect </dev/null >out 2>err || got=$?
	test $got -eq 77 || atf_fail "status $got: $(cat err)"
	refused too-many-handshakes 3
	crowd close a
	expect_soon served
	feed one 4 "still here"
	release one 4
	end_limits
}

e2e_case gives_way "Who has many of them under way gives way to who has few"
gives_way_body() {
	begin_limits parents=1 max-handshakes=6
	fill few 127.0.0.3 1
	fill many 127.0.0.2 5
	# From the same address: no more than before, and nobody gives way.
	fill more 127.0.0.2 0 4
	refused too-many-handshakes 4
	# One of the many goes, not one of the few that is older.
	crowd open one 127.0.0.4 1
	expect_state one 1 0
	expect_state many 4 1
	from 127.0.0.5
	from 127.0.0.5
	expect_state many 3 2
	expect_state few 1 0
	expect_state one 1 0
	log_has 'reason=too-many-handshakes peer=127.0.0.2:[0-9]* detail="it gave way' ||
	    atf_fail "no word for those who gave way"
	# Once they have no more than others they stay.
	fill two 127.0.0.6 1
	fill three 127.0.0.7 1
	fill four 127.0.0.8 1
	expect_state many 1 4
	fill five 127.0.0.9 0 1
	expect_state many 1 4
	end_limits
}

e2e_case default_handshakes "Unless told otherwise, half of the places"
default_handshakes_body() {
	begin_limits max-connections=130
	fill a 127.0.0.2 65 1
	refused too-many-handshakes 1
	crowd close a
	expect_soon served
	end_limits
}

# ---- how fast ----------------------------------------------------------------

e2e_case too_fast "So many at once, then no faster than may be"
too_fast_body() {
	begin_limits accept-rate=1 accept-burst=10
	knock a 60 10
	expect_soon all_logged a too-fast
	# others may
	fill b 127.0.0.3 10
	# and those after a while, at this rate
	expect_soon let_in c 127.0.0.2
	end_limits
}

# knock NAME COUNT BURST [SOURCE CLIENT]: so many at once, of whom the burst and
# one a second are let in.
knock() {
	begun=$(uptime_seconds)
	crowd open "$1" "${4:-127.0.0.2}" "$2" ${5-}
	wait_for 20 bucket_holds "$@" || atf_fail "$1: $open_ were let in"
	test "$open_" -ge "$3" || atf_fail "$1: not even $3 were let in"
}

# all_logged NAME WORD: whoever was ended has his line, and there is no other.
# One may still be on his way out when the bucket holds.
all_logged() {
	read -r open_ ended_ bytes_ 2>/dev/null <"$1.state" &&
	    refusals "$2" "$ended_" &&
	    test "$(log_count 'event=refused ')" -eq "$ended_"
}

bucket_holds() {
	read -r open_ ended_ bytes_ 2>/dev/null <"$1.state" &&
	    test "$open_" -le $(($3 + $(uptime_seconds) - begun + 1)) &&
	    test $((open_ + ended_)) -eq "$2"
}

e2e_case too_fast_behind "Behind a balancer each client has a rate of its own"
too_fast_behind_body() {
	begin_limits 'proxy.from={"127.0.0.1"}' accept-rate=1 accept-burst=5
	crowd open idle 127.0.0.1 30
	knock a 40 5 127.0.0.1 192.0.2.7
	crowd open b 127.0.0.1 5 192.0.2.8
	expect_state b 5 0
	expect_state idle 30 0
	log_has 'reason=too-fast peer=192.0.2.7:4711 proxy=127.0.0.1:' ||
	    atf_fail "which client?"
	end_limits
}

# ---- what it costs -----------------------------------------------------------

# calls_of PID: from now on, what it asks the kernel for, into calls.PID.
calls_of() {
	run_in_background strace -qq -o "calls.$1" -p "$1" 2>strace.err
	tracer=$!
	expect_soon is_traced "$1"
}

is_traced() {
	! grep -q '^TracerPid:.*[[:space:]]0$' "/proc/$1/status"
}

calls_end() {
	kill -INT "$tracer" 2>/dev/null
	wait_for 20 gone "$tracer"
}

# how_often CALL: so often in calls.*
how_often() {
	cat calls.* | grep -c "^$1(" || :
}

root_case before_tls "Whoever is over a limit costs an accept and a close"
before_tls_body() {
	begin_limits parents=1 max-connections=12 \
	    max-connections-per-address=6 max-handshakes=9 accept-rate=1 \
	    accept-burst=4
	fill a 127.0.0.2 4
	fill b 127.0.0.3 4
	parent=$(parents)
	calls_of "$parent"
	# too-fast, then too-many-from-address: 4 and 4
	crowd open more 127.0.0.2 60
	expect_soon state_ended more 50
	crowd open more2 127.0.0.3 60
	expect_soon state_ended more2 50
	calls_end
	test "$(how_often accept4)" -ge 100 || atf_fail "not seen accepting"
	test "$(how_often setsockopt)" -le 10 ||
	    atf_fail "for some TLS had begun"
	# Their lines in the log, and what those few sent that were let in.
	for call in recvfrom sendto mmap brk; do
		test "$(how_often $call)" -le 30 ||
		    atf_fail "$(how_often $call) times $call for a client"
	done
	grep -v -e '^accept4(' -e '^close(' -e '^epoll_' -e '^write(2, ' \
	    -e '^restart_syscall' calls.* >others || :
	test "$(wc -l <others)" -le 60 || {
		cat others
		atf_fail "more than a close for each"
	}
	end_limits
}

state_ended() {
	read -r open_ ended_ bytes_ 2>/dev/null <"$1.state" &&
	    test "$ended_" -ge "$2"
}

e2e_case log_flood "A flood of refusals is none of the log, and none is lost"
log_flood_body() {
	metrics_at=127.0.0.1:$(free_port)
	begin_limits parents=1 max-connections-per-address=1 \
	    metrics.listen=$metrics_at
	hold one 4
	for n in 1 2 3 4 5; do
		crowd open a$n 127.0.0.2 100
		expect_soon state_ended a$n 99
	done
	# Another kind is told at once, whatever there was of this one.
	got=0
	printf 'GET / HTTP/1.0\r\n\r\n' | socat -t 5 - \
	    "TCP:127.0.0.1:$port,bind=127.0.0.3" >out || got=$?
	expect_log 'event=refused reason=protocol peer=127.0.0.3:'
	told=$(log_count 'reason=too-many-from-address peer=')
	test "$told" -ge 100 && test "$told" -le 150 ||
	    atf_fail "$told lines"
	wait_for 30 log_has 'event=refused-left-out reason=too-many-from' ||
	    atf_fail "nothing said of those left out"
	release one 4
	get_metrics
	counted=$(metric \
	    'postern_connections_refused_total{reason="too-many-from-address"}')
	end_limits
	told=$(log_count 'reason=too-many-from-address peer=')
	left=$(sed -n 's/.*event=refused-left-out reason=too-many-from-address lines=//p' \
	    daemon.log | awk '{ n += $1 } END { print n }')
	ended=$(cat a?.state | awk '{ n += $2 } END { print n }')
	test $((told + left)) -eq "$ended" && test "$counted" -eq "$ended" ||
	    atf_fail "$told told, $left left out, $counted counted, of $ended"
}

# ---- a flood -----------------------------------------------------------------

# flood.py PORT SECONDS STALLS SOURCE...: each source keeps so many connections
# open that say nothing or half a hello, and makes others that it ends at once,
# as fast as it can.  Those it resets, or its own system would soon have no port
# left.
write_flood() {
	cat >flood.py <<-'END'
	import os, socket, struct, sys, time

	NO_PORT = 24        # IP_BIND_ADDRESS_NO_PORT
	AT_ONCE = struct.pack("ii", 1, 0)
	port, seconds, stalls = map(int, sys.argv[1:4])
	end = time.monotonic() + seconds
	made = 0

	def dial(source):
	    s = socket.socket()
	    s.settimeout(5)
	    s.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
	    s.bind((source, 0))
	    s.connect(("127.0.0.1", port))
	    s.setblocking(False)
	    return s

	def gone(s):
	    try:
	        return not s.recv(4096)
	    except BlockingIOError:
	        return False
	    except OSError:
	        return True

	def flood(source):
	    global made
	    held = []
	    while time.monotonic() < end:
	        try:
	            for i in range(min(20, stalls - len(held))):
	                s = dial(source)
	                if i % 2:
	                    s.send(b"\x16\x03\x01\x02\x00\x01")
	                held.append(s)
	            for i in range(20):
	                dial(source).close()
	                made += 1
	        except OSError:
	            time.sleep(0.01)
	        for s in held[:8]:
	            if gone(s):
	                s.close()
	                held.remove(s)
	        held.append(held.pop(0)) if held else None
	    return made

	for source in sys.argv[4:]:
	    if os.fork() == 0:
	        print(source, "made", flood(source), flush=True)
	        os._exit(0)
	for source in sys.argv[4:]:
	    os.wait()
	END
}

descriptors() {
	find "/proc/$1/fd" -type l 2>/dev/null | wc -l
}

# flooded [key=value...]: four addresses flood the service, while others come.
flooded() {
	begin_limits timeouts.handshake=20s "$@"
	write_flood
	before=$(descriptors "$(nth_parent 1)")
	run_in_background python3 flood.py "$port" 8 300 127.0.0.2 127.0.0.3 \
	    127.0.0.4 127.0.0.5 >flood.out 2>flood.err
	flood_pid=$!
	expect_soon log_has 'event=refused '
	turns=0
	while alive $flood_pid && test $turns -lt 20; do
		for source in 127.0.0.9 127.0.1.9; do
			from $source 10
			echo "$source: $(cat visit.out)"
		done
		turns=$((turns + 1))
	done
	test $turns -gt 0 || atf_fail "the flood was over before it began"
	wait_for 60 gone $flood_pid || atf_fail "the flood does not end"
	test -s flood.out || atf_fail "no flood: $(cat flood.err)"
	cat flood.out
}

root_case flood "Some addresses flood the service, and all others get in"
flood_body() {
	flooded max-connections=400 max-handshakes=100 \
	    max-connections-per-address=50 accept-rate=20 accept-burst=50
	log_has 'reason=too-fast peer=127.0.0.[2-5]:' ||
	    atf_fail "nobody was too fast"
	log_has 'event=refused .*peer=127.0.[01].9:' &&
	    atf_fail "another was refused"
	expect_soon few_descriptors
	end_limits
}

# No descriptor is left behind by any of them.
few_descriptors() {
	test "$(descriptors "$(nth_parent 1)")" -le $((before + 20))
}

root_case flood_defaults "So it is with the limits that are there by default"
flood_defaults_body() {
	flooded
	log_has 'event=refused .*peer=127.0.[01].9:' &&
	    atf_fail "another was refused"
	end_limits
}

# ---- memory, and time --------------------------------------------------------

# What a process has for itself, in KiB.
memory_of() {
	awk '/^RssAnon/ { print $2 }' "/proc/$1/status"
}

# deaf_ones N: so many clients who send and do not read, until nothing more is
# taken from them; sets $memory.
deaf_ones() {
	run_in_background "$(atf_get_srcdir)/peer_helper" deaf "$port" "$1" \
	    >deaf.out 2>&1
	deaf_pid=$!
	wait_for 60 grep -q '^all full' deaf.out || atf_fail "$(cat deaf.out)"
	memory=$(memory_of "$parent")
	kill -KILL $deaf_pid
	expect_soon all_closed "$1"
}

all_closed() {
	test "$(log_count event=close)" -eq $(($1 * rounds))
}

root_case memory "What a client can have kept is bounded, and given back"
memory_body() {
	test -z "${SANITIZE-}" || atf_skip "a sanitizer has memory of its own"
	begin_limits parents=1
	parent=$(parents)
	before=$(memory_of "$parent")
	rounds=1
	deaf_ones 40
	first=$memory
	echo "$before KiB; $first with 40 that do not read"
	test $((first - before)) -gt $((40 * 64)) ||
	    atf_fail "nothing was kept: this shows nothing"
	test $((first - before)) -le $((40 * 768)) ||
	    atf_fail "$((first - before)) KiB for 40 clients"
	for rounds in 2 3 4; do
		deaf_ones 40
		echo "$memory the next time"
	done
	test "$memory" -le $((first + 2048)) ||
	    atf_fail "it grows: $first, then $memory KiB"
	end_limits
}

# To those who were stopped the clock has leapt.
e2e_case leap "The clock leaps: what is due ends, and all else goes on"
leap_body() {
	begin_limits timeouts.handshake=2s accept-rate=1 accept-burst=3
	hold one 4
	hold two 5
	fill a 127.0.0.2 1
	before=$(parents)
	all="$daemon_pid $(tree_of "$daemon_pid")"
	# shellcheck disable=SC2086
	kill -STOP $all
	sleep 4
	# shellcheck disable=SC2086
	kill -CONT $all
	expect_state a 0 1
	expect_log 'event=refused reason=handshake-timeout'
	feed one 4 "still served"
	feed two 5 "as well"
	from 127.0.0.3
	# There are three tokens again, and no more for the time gone.
	knock b 30 3
	test "$(parents)" = "$before" || atf_fail "a parent was replaced"
	release one 4
	release two 5
	end_limits
}

# ---- when the system has no more to give -------------------------------------

# hard_limit PID NAME: as in limits(5) of /proc.
hard_limit() {
	awk -v name="$2 " 'index($0, name) == 1 { print $(NF - 1) }' \
	    "/proc/$1/limits"
}

# spent PID: what it has had of the processor, in hundredths of a second.
spent() {
	stat=$(cat "/proc/$1/stat")
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}

# at_rest PID CALLS: in three seconds it asks the kernel for few things.
at_rest() {
	rm -f calls.*
	was=$(spent "$1")
	calls_of "$1"
	sleep 3
	calls_end
	n=$(wc -l <"calls.$1")
	echo "$1: $n system calls and $(($(spent "$1") - was))/100 s in 3 s"
	test "$n" -le "$2" || {
		sort "calls.$1" | sed 's/(.*//' | uniq -c
		atf_fail "it spins: $n system calls in 3 s"
	}
	test $(($(spent "$1") - was)) -le 100 || atf_fail "it spins"
}

# told_at_the_end PROCESS EVENT: how many more there were, in one line.
told_at_the_end() {
	more="process=$1 event=$2 detail=\"and more, until the end of the process\""
	test "$(log_count "$more left_out=[1-9]")" -eq 1 || {
		grep "event=$2" daemon.log
		atf_fail "$1: not told how many more of $2"
	}
}

root_case no_descriptors \
    "Without descriptors clients wait, nothing spins, all goes on"
no_descriptors_body() {
	begin_limits parents=1
	hold one 4
	parent=$(parents)
	spawner=$(process_titled "$daemon_pid" 'postern-worker: spawner*')
	before=$(descriptors "$parent")
	most=$(hard_limit "$parent" 'Max open files')
	limit "$parent" --nofile="$before:$most"
	fill a 127.0.0.2 20
	expect_log 'process=parent event=accept-failed'
	at_rest "$parent" 400
	feed one 4 "still served"
	test "$(log_count event=accept-failed)" -eq 1 ||
	    atf_fail "more than a line a minute"
	limit "$parent" --nofile="$most:$most"
	expect_soon served
	state_is a 20 0 || atf_fail "those that waited: $(cat a.state)"
	crowd close a
	expect_soon few_descriptors
	test "$(parents)" = "$parent" || atf_fail "the parent was replaced"
	# The spawner, too: it makes a socketpair for each worker.
	n=$(descriptors "$spawner")
	most=$(hard_limit "$spawner" 'Max open files')
	limit "$spawner" --nofile="$n:$most"
	use_up_stash
	expect_log 'process=spawner event=spawn-failed detail="Too many open files'
	at_rest "$spawner" 600
	test "$(log_count event=spawn-failed)" -eq 1 ||
	    atf_fail "more than a line a minute"
	limit "$spawner" --nofile="$most:$most"
	expect_soon served
	release one 4
	end_limits
	# What was not told of it by then is told at the end, by each once.
	told_at_the_end parent accept-failed
	told_at_the_end spawner spawn-failed
}

root_case no_room_for_workers \
    "Nor do new workers find room: nobody is sent away"
no_room_for_workers_body() {
	begin_limits parents=1
	hold one 4
	parent=$(parents)
	most=$(hard_limit "$parent" 'Max open files')
	n=$(descriptors "$parent")
	limit "$parent" --nofile="$((n + 11)):$most"
	run_in_background "$(atf_get_srcdir)/peer_helper" many "$port" 24 \
	    >many.out 2>many.err
	many_pid=$!
	expect_log 'process=parent event=worker-lost'
	expect_log 'process=parent event=accept-failed'
	at_rest "$parent" 600
	test "$(log_count event=worker-lost)" -eq 1 ||
	    atf_fail "more than a line a minute"
	feed one 4 "still served"
	limit "$parent" --nofile="$most:$most"
	wait_for 60 gone $many_pid
	grep -q '^24 at once' many.out || atf_fail "$(cat many.err)"
	test "$(parents)" = "$parent" || atf_fail "the parent was replaced"
	log_has 'event=spawner-died' && atf_fail "it gave its spawner up"
	log_has 'event=refused' && atf_fail "somebody was refused"
	release one 4
	# at the end of a parent that a reload has replaced, too
	kill -HUP "$daemon_pid" || atf_fail "posternd has gone"
	expect_soon log_has 'event=stop detail="parent 0 of generation 1"'
	told_at_the_end parent worker-lost
	told_at_the_end parent accept-failed
	end_limits
}

# Sessions until no worker is left in the stash (16), and some more wait.
use_up_stash() {
	run_in_background python3 visitor.py "$port" 127.0.0.3 40 \
	    >visit.out 2>visit.err
	expect_soon log_has event=spawn-failed
}

root_case no_processes "With the process table full a client waits for a worker"
no_processes_body() {
	begin_limits parents=1 timeouts.handshake=1m
	parent=$(parents)
	spawner=$(process_titled "$daemon_pid" 'postern-worker: spawner*')
	most=$(hard_limit "$spawner" 'Max processes')
	limit "$spawner" --nproc="1:$most"
	use_up_stash
	visitors=$!
	expect_log 'process=spawner event=spawn-failed detail="Resource temp'
	at_rest "$spawner" 600
	at_rest "$parent" 400
	test "$(log_count event=spawn-failed)" -eq 1 ||
	    atf_fail "more than a line a minute"
	alive $visitors || atf_fail "who waited was sent away"
	limit "$spawner" --nproc="$most:$most"
	wait_for 60 gone $visitors
	grep -q '^40 served' visit.out || atf_fail "$(cat visit.err)"
	test "$(parents)" = "$parent" || atf_fail "the parent was replaced"
	log_has 'event=refused' && atf_fail "somebody was refused"
	end_limits
}

root_case no_memory "Without memory those are refused for whom there is none"
no_memory_body() {
	begin_limits parents=1
	hold one 4
	parent=$(parents)
	most=$(hard_limit "$parent" 'Max data size')
	used=$(awk '/VmData/ { print $2 * 1024 }' "/proc/$parent/status")
	before=$(descriptors "$parent")
	limit "$parent" --data="$used:$most"
	# Each has a little: they take what is left, and some get nothing.
	crowd open a 127.0.0.2 400
	expect_log 'event=refused reason=internal'
	expect_soon settled a
	at_rest "$parent" 400
	feed one 4 "still served"
	limit "$parent" --data="$most:$most"
	crowd close a
	expect_soon served
	expect_soon few_descriptors
	test "$(parents)" = "$parent" || atf_fail "the parent was replaced"
	log_has event=parent-died && atf_fail "a parent died"
	release one 4
	end_limits
}

# settled NAME: nothing has changed for a while.
settled() {
	cp "$1.state" settled 2>/dev/null
	sleep 0.5
	cmp -s "$1.state" settled
}

# Errors that cannot be had for the asking are put in the kernel's mouth.  What
# it is asked instead must be allowed.
root_case no_kernel_memory \
    "Nor if it is the kernel that has none: ENFILE, ENOBUFS, ENOMEM"
no_kernel_memory_body() {
	begin_limits parents=1
	parent=$(parents)
	for error in ENFILE ENOBUFS ENOMEM; do
		run_in_background strace -qq -o "calls.$error" -p "$parent" \
		    -e trace=accept4 \
		    -e inject=accept4:error=$error:syscall=getpid \
		    2>strace.err
		tracer=$!
		expect_soon is_traced "$parent"
		crowd open a$error 127.0.0.2 5
		expect_soon lines_in "calls.$error" 10
		at=$(uptime_seconds)
		n=$(wc -l <"calls.$error")
		expect_soon lines_in "calls.$error" $((n + 20))
		# ten a second and no more
		test $(($(uptime_seconds) - at)) -lt 1 && atf_fail "it spins"
		calls_end
		expect_soon served
		state_is a$error 5 0 || atf_fail "$error: $(cat a$error.state)"
		crowd close a$error
	done
	test "$(log_count event=accept-failed)" -eq 3 ||
	    atf_fail "more than a line of each kind"
	test "$(parents)" = "$parent" || atf_fail "the parent was replaced"
	end_limits
}

lines_in() {
	test "$(wc -l <"$1")" -ge "$2"
}

# starve PID CALL WHEN: while the kernel has no memory for this process's calls,
# from that one on, a line of session one waits, and then it comes.  (A worker's
# filter has no call that strace could put in the place of one that fails: see
# worker/workers_test.)
starve() {
	for error in ENOBUFS ENOMEM; do
		run_in_background strace -qq -o calls -p "$1" -e trace="$2" \
		    -e inject="$2:error=$error:syscall=getpid:when=$3" \
		    2>strace.err
		tracer=$!
		expect_soon is_traced "$1"
		echo "$* $error" >>one.in
		echo "$* $error" >&4
		expect_soon lines_in calls 10
		at=$(uptime_seconds)
		n=$(wc -l <calls)
		expect_soon lines_in calls $((n + 100))
		# fifty a second and no more
		test $(($(uptime_seconds) - at)) -lt 1 && atf_fail "it spins"
		calls_end
		expect_soon same_bytes one.in one.out ||
		    atf_fail "$*: not echoed"
		feed one 4 "and goes on"
	done
}

# spawner_starved ERROR WHEN: nor is a spawner lost because the kernel has no
# memory for what it is asked.
spawner_starved() {
	parent=$(parents)
	run_in_background strace -qq -o calls -p "$parent" -e trace=sendmsg \
	    -e inject="sendmsg:error=$1:syscall=getpid:when=$2" 2>strace.err
	tracer=$!
	expect_soon is_traced "$parent"
	expect_soon asked_again
	calls_end
	expect_soon served
	test "$(log_count event=spawner-died)" -eq 0 || atf_fail "it is lost"
	test "$(parents)" = "$parent" || atf_fail "the parent was replaced"
}

# Some are ready, and it is asked for more when enough of them are used up.
asked_again() {
	served && lines_in calls 6
}

root_case no_memory_to_ask "A worker is asked for again if there was no memory"
no_memory_to_ask_body() {
	make_pki
	write_conf
	start_daemon
	for error in ENOBUFS ENOMEM; do
		spawner_starved $error 1..5
	done
	stop_daemon
}

root_case no_memory_to_hire "And a relay worker, for who waits"
no_memory_to_hire_body() {
	app=$(free_port)
	start_service "127.0.0.1:$app" echo
	make_pki
	write_conf worker=relay "relay.to=127.0.0.1:$app"
	start_daemon
	spawner_starved ENOBUFS 2..6	# the first is for the dialer
	test "$(log_count event=refused)" -eq 0 || atf_fail "it was refused"
	stop_daemon
	stop_service
}

# Nor is a dialer or a resolver: who waits for its answer waits somewhat longer.
# unasked EVENT: of either, of which the parent has four calls fail.
unasked() {
	for error in ENOBUFS ENOMEM; do
		parent=$(parents)
		run_in_background strace -qq -o calls -p "$parent" \
		    -e trace=sendmsg -e \
		    inject="sendmsg:error=$error:syscall=getpid:when=1..4" \
		    2>strace.err
		tracer=$!
		expect_soon is_traced "$parent"
		assert_echo
		expect_soon lines_in calls 5
		calls_end
		test "$(log_count "event=$1")" -eq 0 || atf_fail "it is lost"
		test "$(parents)" = "$parent" ||
		    atf_fail "the parent was replaced"
	done
	test "$(log_count event=refused)" -eq 0 || atf_fail "it was refused"
}

root_case no_memory_to_dial "Nor is a dialer lost by it"
no_memory_to_dial_body() {
	app=$(free_port)
	start_service "127.0.0.1:$app" echo
	make_pki
	write_conf worker=relay "relay.to=127.0.0.1:$app"
	start_daemon
	unasked dialer-died
	stop_daemon
	stop_service
}

root_case no_memory_to_look_up "Nor a resolver"
no_memory_to_look_up_body() {
	make_pki
	issue client client ca --name client --host localhost --force
	write_conf clients.host-check=name
	start_daemon
	unasked resolver-died
	stop_daemon
}

root_case no_memory_to_send "What the kernel has no memory for is sent later"
no_memory_to_send_body() {
	make_pki
	write_conf
	start_daemon
	hold one 4
	parent=$(parents)
	starve "$parent" sendto 1+	# to the worker
	starve "$parent" sendto 2+	# to the client
	release one 4
	test "$(parents)" = "$parent" || atf_fail "the parent was replaced"
	stop_daemon
}
