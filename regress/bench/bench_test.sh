#! /usr/bin/env atf-sh
# The load generator: what it reports, and that it does not report what is not
# so.  How fast anything is, no test says.

. "$(atf_get_srcdir)/../common.sh"

figure() {
	python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    v = v[key]
print(v)' report "$1" || {
		cat report
		atf_fail "the report has no $1"
	}
}

bench() {
	postern-bench -R ca.pem -C client.pem -K client.key -t 1 "$@" \
	    127.0.0.1 "$port" >report || atf_fail "postern-bench $* failed"
}

at_least() {
	test "$(figure "$1" | cut -d . -f 1)" -ge "$2" || {
		cat report
		atf_fail "$1 is less than $2"
	}
}

e2e_case kinds "each kind of client does its work, and is reported"
kinds_body() {
	make_pki
	write_conf
	start_daemon
	bench --handshakes 2
	at_least handshakes.count 1
	at_least handshakes.p50_us 1
	bench --echoes 3 -s 1024
	at_least echoes.count 3
	at_least echoes.p999_us 1
	bench --bulk 2
	at_least bulk.bytes 16384
	bench --idle 4
	at_least idle.clients 4
	bench -p 2 --echoes 3 --bulk 1 --idle 2 --handshakes 1
	at_least echoes.count 3
	at_least bulk.bytes 16384
	at_least handshakes.count 1
	stop_daemon
}

e2e_case agrees "the log of the service counts what it counts"
agrees_body() {
	make_pki
	write_conf
	start_daemon
	bench --handshakes 4
	expect_log "event=close"
	done_=$(figure handshakes.count)
	stop_daemon
	# Those that were under way at the end are in the log alone.
	opened=$(log_count event=open)
	test "$opened" -ge "$done_" && test "$opened" -le $((done_ + 4)) ||
	    atf_fail "$done_ handshakes, and the log has $opened"
}

# usage: liar PORT AT: a plain echo server that alters the byte at AT
liar() {
	cat >liar.py <<-'END'
	import socket, sys
	s = socket.socket()
	s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	s.bind(("127.0.0.1", int(sys.argv[1])))
	s.listen(8)
	c = s.accept()[0]
	at = int(sys.argv[2])
	while data := bytearray(c.recv(65536)):
	    if 0 <= at < len(data):
	        data[at] ^= 1
	    at -= len(data)
	    c.sendall(data)
	END
	run_in_background python3 liar.py "$1" "$2"
	expect_soon listening "$1"
}

e2e_case verifies "a byte that differs ends the run, without a figure"
verifies_body() {
	port=$(free_port)
	for at in 0 16383 20000 500000; do
		liar "$port" $at
		atf_check -s exit:76 -o empty -e match:"not what was sent" \
		    postern-bench -t 20 --bulk 1 127.0.0.1 "$port"
		port=$(free_port)
	done
}

e2e_case unserved "a server that is not there, or refuses us, is no figure"
unserved_body() {
	make_pki
	port=$(free_port)
	atf_check -s exit:69 -o empty -e match:"connect" \
	    postern-bench --echoes 1 127.0.0.1 "$port"
	write_conf
	start_daemon
	atf_check -s exit:69 -o empty -e match:"broke|ended" postern-bench \
	    -R ca.pem -C other.pem -K other.key --echoes 1 127.0.0.1 "$port"
	stop_daemon
}

e2e_case usage "bad options, one line each"
usage_body() {
	atf_check -s exit:64 -e match:usage postern-bench
	atf_check -s exit:64 -e match:usage postern-bench 127.0.0.1 1
	atf_check -s exit:64 -e match:"want a number" \
	    postern-bench -t 0 --echoes 1 127.0.0.1 1
	atf_check -s exit:64 -e match:"want a number" \
	    postern-bench --echoes -1 127.0.0.1 1
	atf_check -s exit:64 -e match:"go together" \
	    postern-bench -R ca.pem --echoes 1 127.0.0.1 1
	atf_check -s exit:66 -e match:"no.pem" postern-bench -R no.pem \
	    -C no.pem -K no.key --echoes 1 127.0.0.1 1
	atf_check -s exit:66 -e match:"no such cgroup" \
	    postern-bench -g no/such --echoes 1 127.0.0.1 1
	atf_check -o match:usage postern-bench --help
}
