#! /usr/bin/env atf-sh
#
# What the tutorial that this project grew from promises, with the self-signed
# certificates it begins with.

. "$(atf_get_srcdir)/../common.sh"

# self_signed NAME HOST[,...]
self_signed() {
	certgen self-signed -cert "$1.pem" -key "$1.key" -host "$2"
}

# The server's certificate is for 127.0.0.1 and ::1; each trusts the other.
start_tutorial() {
	self_signed server 127.0.0.1,::1
	self_signed client client.example
	write_conf clients.ca=client.pem "$@"
	start_daemon
}

# client STATUS [option...]: from "in" to "out".
client() {
	want=$1
	shift
	got=0
	postern -C client.pem -K client.key "$@" 127.0.0.1 "$port" \
	    <in >out 2>err || got=$?
	test $got -eq "$want" || {
		show_log
		atf_fail "status $got, not $want, with $*: $(cat err)"
	}
}

nothing_said() {
	test ! -s out || atf_fail "the client has echoed something"
	log_has event=open && {
		show_log
		atf_fail "the client had a session"
	}
	return 0
}

e2e_case unknown_authority "the client refuses an unknown authority"
unknown_authority_body() {
	start_tutorial
	self_signed another 127.0.0.1
	make_ca ca
	echo secret >in
	client 76 -R another.pem
	nothing_said
	client 76 -R ca.pem
	nothing_said
	# nor do the system's authorities know it
	client 76
	nothing_said
	client 0 -R server.pem
	cmp in out || atf_fail "and not the right one either"
	stop_daemon
}

e2e_case wrong_name "the client refuses a wrong name"
wrong_name_body() {
	start_tutorial
	make_ca ca
	issue server named ca --host right.example
	echo secret >in
	client 76 -R server.pem -e wrong.example
	nothing_said
	client 76 -R server.pem -e 127.0.0.2
	nothing_said
	client 0 -R server.pem -e 127.0.0.1
	cmp in out || atf_fail "nor the right one"
	stop_daemon

	write_conf clients.ca=client.pem certificate=named.pem key=named.key
	start_daemon
	client 76 -R ca.pem
	nothing_said
	client 76 -R ca.pem -e wrong.example
	nothing_said
	client 0 -R ca.pem -e right.example
	cmp in out || atf_fail "nor the right one, by a CA"
	stop_daemon
}

e2e_case pinned_echo "what is sent to a pinned server comes back"
pinned_echo_body() {
	start_tutorial
	printf 'hello\nworld' >in
	client 0 -R server.pem
	cmp in out || atf_fail "not what was sent"
	hash=$(openssl x509 -in server.pem -outform DER | sha256sum)
	client 0 -H "SHA256:${hash%% *}"
	cmp in out || atf_fail "not what was sent, by the hash"
	client 76 -H "SHA256:$(printf '%064d' 0)"
	test ! -s out || atf_fail "a wrong hash, and an echo"
	stop_daemon
}

e2e_case idle_end "an idle connection ends after the timeout, with a clean EOF"
idle_end_body() {
	start_tutorial timeouts.idle=1s
	mkfifo input
	exec 9<>input
	echo "then silence" >in
	began=$(uptime_seconds)
	postern -R server.pem -C client.pem -K client.key 127.0.0.1 "$port" \
	    <input >out 2>err 9>&- &
	client=$!
	record $client
	cat in >&9
	expect_soon cmp -s in out
	expect_soon gone $client
	wait $client || atf_fail "status $?: $(cat err)"
	test $(($(uptime_seconds) - began)) -ge 1 || atf_fail "too early"
	test ! -s err || atf_fail "not a clean end: $(cat err)"
	expect_log 'event=close.* end=idle bytes_in=13 bytes_out=13 '
	exec 9>&-
	stop_daemon
}

e2e_case mutual "two self-signed certificates, each trusting the other"
mutual_body() {
	start_tutorial
	random_file in 100000
	client 0 -R server.pem
	cmp in out || atf_fail "not what was sent"
	expect_log 'event=close.* end=finished bytes_in=100000 bytes_out=100000 '
	# Nobody else is trusted, whatever its certificate says.
	mv client.pem right.pem
	mv client.key right.key
	self_signed client client.example
	client 77 -R server.pem
	test ! -s out || atf_fail "a stranger is echoed"
	grep -q 'event=refused reason=untrusted ' daemon.log || {
		show_log
		atf_fail "the refusal is not in the log"
	}
	test "$(log_count event=open)" -eq 1 || atf_fail "a stranger got in"
	mv right.pem client.pem
	mv right.key client.key
	client 0 -R server.pem
	stop_daemon
}
