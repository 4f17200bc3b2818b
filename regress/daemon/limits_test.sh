#! /usr/bin/env atf-sh
#
# How many clients there may be, from one address, on their way in, and how fast
# they may come: each limit at its bound and one beyond it, over all parents and
# generations, and what becomes of others meanwhile.  And what becomes of the
# service when the system has no more to give.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

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
# stop is not at once, so it is waited for.
by_parent() {
	other=$(nth_parent $((3 - $1)))
	shift
	kill -STOP "$other"
	expect_soon is_stopped "$other"
	"$@"
	kill -CONT "$other"
}

is_stopped() {
	grep -q '^State:.*T' "/proc/$1/status"
}

# from SOURCE: one client that is let in, by the certificate; "hello" comes
# back.
from() {
	python3 visitor.py "$port" "$1" 1 >visit.out 2>visit.err || {
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

e2e_case sessions_too "Sessions count as those on their way in do, and come back"
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

# ---- IPv6, and balancers ------------------------------------------------------

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
	fill a 2001:db8:0:1::1 1
	fill b 2001:db8:0:1::2 1
	fill c 2001:db8:0:1::2 0 1
	fill d 2001:db8:0:1::1 0 1
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

# ---- on their way in ------------------------------------------------------------

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
	# The oldest of the many goes, not the older of the few.
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

# ---- how fast --------------------------------------------------------------------

e2e_case too_fast "So many at once, then no faster than may be"
too_fast_body() {
	begin_limits accept-rate=1 accept-burst=10
	knock a 60 10
	refused too-fast "$ended_"
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
