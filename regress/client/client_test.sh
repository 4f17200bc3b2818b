#! /usr/bin/env atf-sh
#
# Our client against servers good and bad: whom it trusts, what it tells them,
# what it carries to and fro, and how it ends.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../client_verbs.sh"

# ---- whom it trusts ----

# The server has seen neither a certificate of ours nor a byte.
told_nothing()
{
	server_says 'done'
	grep -q -x -e 'client certificate' -e 'received [1-9].*' server.out &&
	    atf_fail "the server was told something: $(cat server.out)"
	return 0
}

not_trusted()
{
	client 76 "$@"
	says 'the server is not who it should be: '
	told_nothing
}

wrong_pin=SHA256:$(printf %064d 7)

e2e_case unknown_authority "A server whose CA is not ours is refused"
unknown_authority_body()
{
	make_pki
	serve count
	not_trusted -R other-ca.pem -C client.pem -K client.key
	says 'certificate verification failed'
	server_says 'no handshake'
}

e2e_case system_authorities "Without -R or -H the CAs of the system count"
system_authorities_body()
{
	make_pki
	export SSL_CERT_FILE=ca.pem
	serve echo
	client 0
	export SSL_CERT_FILE=other-ca.pem
	serve count
	not_trusted
	# A server that is itself in the system's file is no pin of ours.
	cat other-ca.pem server.pem >both.pem
	export SSL_CERT_FILE=both.pem
	serve count
	not_trusted
}

e2e_case wrong_name "A server with another name is refused, -e or not"
wrong_name_body()
{
	make_pki
	issue server named ca --host www.example
	serve count
	not_trusted -R ca.pem -C client.pem -K client.key -e www.example
	serve count named
	not_trusted -R ca.pem
	serve count named
	not_trusted -R named.pem -C client.pem -K client.key
	says 'not for the name 127.0.0.1'
	serve echo named
	client 0 -R ca.pem -e www.example
	serve echo named
	client 0 -R named.pem --servername WWW.example.
	serve count named
	not_trusted -R ca.pem -e example
}

e2e_case wrong_name_12 "With TLS 1.2 it at least gets no byte"
wrong_name_12_body()
{
	make_pki
	serve count server 12
	client 76 -R ca.pem -e www.example
	server_says 'received 0'
	serve count server 12
	client 76 -R server.pem -e www.example
	server_says 'received 0'
}

e2e_case addresses "Addresses are verified as addresses"
addresses_body()
{
	make_ca ca
	issue server server ca --host 192.0.2.1,127.0.0.1,localhost
	serve echo
	client 0 -R ca.pem -e 192.0.2.1
	serve echo
	client 0 -R ca.pem -e ::ffff:192.0.2.1
	serve echo
	client 0 -R ca.pem -e localhost
	serve count
	not_trusted -R ca.pem -e 192.0.2.2
	serve count
	not_trusted -R ca.pem -e ::1
}

e2e_case pinned_self_signed "A self-signed certificate is its own anchor"
pinned_self_signed_body()
{
	certgen self-signed -cert ss.pem -key ss.key -host 127.0.0.1
	certgen self-signed -cert no.pem -key no.key -host 127.0.0.1
	serve echo ss
	client 0 -R ss.pem
	serve count ss
	not_trusted -R no.pem
	serve echo ss
	cat no.pem ss.pem >both.pem
	client 0 -R both.pem
	# Not a CA, which no library takes for an anchor.
	openssl_cert leaf -subj /CN=leaf -addext basicConstraints=CA:FALSE \
	    -addext subjectAltName=IP:127.0.0.1
	serve echo leaf
	client 0 -R leaf.pem
	serve count leaf
	not_trusted -R leaf.pem -e www.example
	serve count ss
	not_trusted -R leaf.pem
}

e2e_case pinned_leaf "An issued certificate in the -R file counts by its hash"
pinned_leaf_body()
{
	make_pki
	issue server sibling ca --host 127.0.0.1
	serve echo
	client 0 -R server.pem
	serve count sibling
	not_trusted -R server.pem
	cat sibling.pem other-ca.pem >some.pem
	serve count
	not_trusted -R some.pem
	serve echo sibling
	client 0 -R some.pem
	# Whatever it was issued for: it was chosen by hand.
	issue client odd ca --name odd --host 127.0.0.1
	serve echo odd
	client 0 -R odd.pem
	# With its CA in the file as well, its siblings count too.
	cat ca.pem sibling.pem >more.pem
	serve echo
	client 0 -R more.pem
}

e2e_case intermediate "An intermediate CA is an anchor, its root not needed"
intermediate_body()
{
	certgen ca --cert ca.pem --key ca.key --name ca --pathlen 1
	openssl_cert middle -subj /CN=middle -CA ca.pem -CAkey ca.key \
	    -addext basicConstraints=critical,CA:TRUE
	issue server server middle --host 127.0.0.1
	leaf_only server
	cat server.pem middle.pem >chain.pem
	cp server.key chain.key
	serve echo
	client 0 -R middle.pem
	serve echo chain
	client 0 -R middle.pem
	serve echo chain
	client 0 -R ca.pem
	serve count
	not_trusted -R ca.pem
	# Of the same name, but another key.
	openssl_cert twin -subj /CN=middle -CA ca.pem -CAkey ca.key \
	    -addext basicConstraints=critical,CA:TRUE
	serve count chain
	not_trusted -R twin.pem
	serve count chain
	not_trusted -R middle.pem -e www.example
}

e2e_case leaf_is_no_ca "A certificate in the file that is no CA signs nothing"
leaf_is_no_ca_body()
{
	make_ca ca
	issue server server ca --host 127.0.0.1
	openssl_cert forged -subj /CN=forged -CA server.pem \
	    -CAkey server.key -addext subjectAltName=IP:127.0.0.1 \
	    -addext basicConstraints=CA:FALSE
	serve count forged
	not_trusted -R server.pem
}

e2e_case pins "-H takes the place of a CA, by certificate or public key"
pins_body()
{
	make_pki
	for pin in "$(cert_pin server.pem)" "$(key_pin server.pem)"; do
		serve echo
		client 0 -H "$pin"
		serve echo
		client 0 -H "$wrong_pin" --pin "$pin"
		serve echo server 12
		client 0 -H "$pin" -e another.example
	done
	serve count
	not_trusted -H "$wrong_pin" -C client.pem -K client.key
	says 'no pin given with -H'
	serve count
	not_trusted -H "$(cert_pin ca.pem)"
	serve count server 12
	client 76 -H "$wrong_pin"
	server_says 'received 0'
}

e2e_case pins_and_ca "-H with -R is asked for in addition"
pins_and_ca_body()
{
	make_pki
	good=$(key_pin server.pem)
	serve echo
	client 0 -R ca.pem -H "$good"
	serve echo
	client 0 -R server.pem -H "$good"
	serve count
	not_trusted -R ca.pem -H "$wrong_pin" -C client.pem -K client.key
	serve count
	not_trusted -R server.pem -H "$wrong_pin"
	serve count
	not_trusted -R other-ca.pem -H "$good"
	serve count
	not_trusted -R ca.pem -H "$good" -e www.example
}

e2e_case validity "Expired and not yet valid, whatever the way of trust"
validity_body()
{
	certgen ca --cert ca.pem --key ca.key --name ca --not-after 2099-01-01
	issue server old ca --host 127.0.0.1 --not-after 2020-01-01
	issue server new ca --host 127.0.0.1 --not-before 2090-01-01 \
	    --not-after 2091-01-01
	serve count old
	not_trusted -R ca.pem
	says 'expired'
	serve count old
	not_trusted -R old.pem
	says 'has expired on 2020-01-01'
	serve count old
	not_trusted -H "$(cert_pin old.pem)"
	says 'has expired on 2020-01-01'
	serve count new
	not_trusted -R ca.pem
	says 'not yet valid'
	serve count new
	not_trusted -R new.pem
	serve count new
	not_trusted -H "$(key_pin new.pem)"
	says 'not valid before 2090-01-01'
}

e2e_case purpose "The certificate of a client makes no server"
purpose_body()
{
	make_ca ca
	issue client server ca --name c --host 127.0.0.1
	serve count
	not_trusted -R ca.pem
	says 'purpose'
	openssl_cert pem -subj /CN=other -addext basicConstraints=CA:FALSE
	cat ca.pem pem.pem >both.pem
	serve count
	not_trusted -R both.pem
	says 'purpose'
}

e2e_case downgrade "A TLS 1.2 answer with the mark of a downgrade is refused"
downgrade_body()
{
	make_ca ca
	issue server server ca --host 127.0.0.1
	for mark in sentinel12 sentinel11; do
		serve $mark
		client 76 -R ca.pem
		says 'the server broke the protocol: '
		server_says 'alert 47'
	done
	# Without the mark the same answer is taken: it was the mark.
	serve no-sentinel
	client 77 -R ca.pem
	server_says 'no alert'
}

e2e_case mutual "Two self-signed certificates that trust each other"
mutual_body()
{
	certgen self-signed -cert server.pem -key server.key -host 127.0.0.1
	certgen self-signed -cert client.pem -key client.key -host client
	serve_openssl -Verify 1 -verify_return_error -CAfile client.pem
	echo there >in
	client 0 -R server.pem -C client.pem -K client.key
	atf_check_equal ereht "$(cat out)"
}

e2e_case verbose "-v shows whom we speak to, harmlessly"
verbose_body()
{
	esc=$(printf '\033')
	openssl_cert ss -subj "/O=Some \"Org\"/CN=a${esc}[31m" \
	    -addext subjectAltName=IP:127.0.0.1
	serve echo ss
	client 0 -v -R ss.pem
	says "connected to 127.0.0.1:$port"
	says 'tls: TLSv1.3 '
	says 'issuer: Some \\"Org\\"'
	says 'subject: CN=a[\\x]*1[Bb]\[31m,O='
	says 'valid: 20[0-9-]*T[0-9:]*Z to 20[0-9-]*T[0-9:]*Z'
	says "certificate: $(cert_pin ss.pem)"
	says "public key: $(key_pin ss.pem)"
	grep -q "$esc" err && atf_fail "an escape came through"
	serve echo ss 12
	client 0 --verbose -R ss.pem
	says 'tls: TLSv1.2 '
	serve echo ss
	client 0 -R ss.pem
	atf_check test ! -s err
}

# ---- what is carried to and fro ----

e2e_case echo "What is sent comes back, with TLS 1.3 and 1.2"
echo_body()
{
	make_pki
	for size in 0 1 16384 16385 1048576; do
		random_file in $size
		serve echo
		client 0 -R ca.pem
		atf_check cmp in out
		server_says "received $size"
		server_says close_notify
		serve echo server 12
		client 0 -R ca.pem -C client.pem -K client.key
		atf_check cmp in out
		server_says 'client certificate'
		server_says close_notify
	done
}

e2e_case openssl_echo "openssl(1) and our client understand each other"
openssl_echo_body()
{
	make_pki
	for version in -tls1_3 -tls1_2; do
		serve_openssl $version -Verify 1 -verify_return_error \
		    -CAfile ca.pem
		echo live >in
		client 0 -R ca.pem -C client.pem -K client.key
		atf_check_equal evil "$(cat out)"
	done
}

e2e_case half_close "The end of input is passed on, and the answer awaited"
half_close_body()
{
	make_pki
	random_file in 100000
	serve late
	client 0 -R ca.pem
	server_says 'received 100000'
	atf_check_equal late "$(cat out)"
	# With no input at all, closed even.
	serve late
	atf_check -o inline:'late\n' sh -c \
	    "exec postern -R ca.pem 127.0.0.1 $port <&-"
}

e2e_case both_at_once "A server that sends a lot before it reads is no deadlock"
both_at_once_body()
{
	make_pki
	random_file in 4000000
	serve flood
	client 0 -R ca.pem
	server_says 'received 4000000'
	atf_check_equal 1048576 "$(($(wc -c <out)))"
	atf_check_equal abc "$(head -c 3 out)"
}

# As much as 16 pages take of 100 bytes and then whole pages is in the pipe.
pipe_is_full()
{
	python3 -c 'import array, fcntl, termios
n = array.array("i", [0])
fcntl.ioctl(9, termios.FIONREAD, n)
raise SystemExit(n[0] < 61540)'
}

e2e_case blocked_output "Output that nobody reads does not stop the input"
blocked_output_body()
{
	make_pki
	random_file data 1000000
	mkfifo in pipe
	serve push
	exec 8<>in 9<>pipe
	postern -R ca.pem 127.0.0.1 "$port" <in >pipe 2>err 8>&- 9>&- &
	client_pid=$!
	record $client_pid
	expect_soon pipe_is_full
	cat data >&8 &
	record $!
	exec 8>&-
	server_says 'received 1000000'
	head -c 262244 <&9 >out
	wait "$client_pid" || atf_fail "postern failed: $(cat err)"
	atf_check_equal 262244 "$(($(tr -d -c '\000' <out | wc -c)))"
}

e2e_case rekey "Key updates in both directions"
rekey_body()
{
	make_pki
	random_file in 300000
	serve rekey
	client 0 -R ca.pem
	! grep -q '^cannot rekey' server.out || atf_skip 'LibreSSL begins none'
	atf_check_equal 20 "$(grep -c -x rekeyed out)"
	server_says 'received 300000'
}

# ---- how it ends ----

e2e_case server_closes "An orderly end by the server ends us, too"
server_closes_body()
{
	make_pki
	mkfifo in
	exec 9<>in
	serve close
	client 0 -R ca.pem
	atf_check test ! -s err
	server_says close_notify
}

e2e_case input_left "An orderly end that has not taken all input is no good one"
input_left_body()
{
	make_pki
	random_file in 20000000
	serve close
	client 76 -R ca.pem
	says 'before it had taken all our input'
}

e2e_case cut "An end without close_notify is never a good one"
cut_body()
{
	make_pki
	mkfifo in
	exec 9<>in
	for version in '' 12; do
		serve cut server $version
		client 77 -R ca.pem
		says 'refused us'
		serve reset server $version
		client 77 -R ca.pem
		says 'refused us'
		serve cut-after server $version
		client 76 -R ca.pem
		says 'cut after 8 bytes'
		atf_check_equal partial "$(cat out)"
	done
	serve hang-up
	client 77 -R ca.pem
	says 'during the handshake'
}

e2e_case no_tls "A server that speaks no TLS"
no_tls_body()
{
	make_pki
	serve plain-text
	client 76 -R ca.pem
	says 'broke the protocol'
}

e2e_case old_tls "A server that speaks TLS 1.1 at most"
old_tls_body()
{
	make_pki
	serve_openssl -tls1_1 -cipher ALL:@SECLEVEL=0
	client 77 -R ca.pem
	says 'refused us: alert: protocol version (it speaks neither'
}

e2e_case weak_ciphers "No static RSA and no CBC"
weak_ciphers_body()
{
	make_ca ca
	issue server server ca --host 127.0.0.1 --algorithm rsa3072
	for cipher in AES128-GCM-SHA256 ECDHE-RSA-AES128-SHA256; do
		serve_openssl -tls1_2 -cipher $cipher
		client 77 -R ca.pem
		says 'alert: handshake failure'
	done
	serve_openssl -tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305
	client 0 -R ca.pem
}

e2e_case refused_without "No certificate where one is wanted: an alert"
refused_without_body()
{
	make_pki
	serve_openssl -tls1_3 -Verify 1 -verify_return_error -CAfile ca.pem
	client 77 -R ca.pem
	says 'refused us: alert: certificate required (give one with -C and -K)'
	serve_openssl -tls1_2 -Verify 1 -verify_return_error -CAfile ca.pem
	client 77 -R ca.pem
	says 'refused us: alert: handshake failure (.*-C and -K)'
}

e2e_case refused_with "A certificate that is not accepted"
refused_with_body()
{
	make_pki
	issue client old ca --name old --not-after 2020-01-01
	for version in -tls1_3 -tls1_2; do
		serve_openssl $version -Verify 1 -verify_return_error \
		    -CAfile ca.pem
		client 77 -R ca.pem -C other.pem -K other.key
		says 'refused us: alert: unknown ca (.*-C'
		serve_openssl $version -Verify 1 -verify_return_error \
		    -CAfile ca.pem
		client 77 -R ca.pem -C old.pem -K old.key
		says 'refused us: alert: certificate expired (.*-C'
	done
}

e2e_case refused_while_sending "A refusal is heard, although much is being sent"
refused_while_sending_body()
{
	make_pki
	random_file in 20000000
	serve_openssl -tls1_3 -Verify 1 -verify_return_error -CAfile ca.pem
	client 77 -R ca.pem
}

e2e_case no_connection "Nobody listens, and no such host"
no_connection_body()
{
	make_ca ca
	: >server.out
	port=$(free_port)
	client 69 -R ca.pem
	says 'cannot connect to 127.0.0.1:.*refused'
	atf_check -s exit:69 -e match:'cannot connect' \
	    postern -R ca.pem localhost "$port"
	atf_check -s exit:68 -e match:'no-such-host.invalid: unknown host' \
	    postern -R ca.pem no-such-host.invalid "$port"
	atf_check -s exit:68 -e match:'unknown host' \
	    postern -6 -R ca.pem 127.0.0.1 "$port"
}

e2e_case by_name "Of the addresses of a host the one that answers"
by_name_body()
{
	make_pki
	serve echo
	echo there >in
	atf_check -o file:in -e empty postern -R ca.pem localhost "$port" <in
	serve echo
	atf_check -o file:in -e empty postern -4 -R ca.pem localhost "$port" \
	    <in
}

e2e_case timeouts "-w ends what does not go on"
timeouts_body()
{
	make_pki
	mkfifo hold
	exec 9<>hold
	serve silent
	client 69 -w 1 -R ca.pem
	says 'no TLS handshake within 1 seconds'
	mv in some
	mv hold in
	serve idle
	client 69 -w 1 -R ca.pem
	says 'nothing sent or received for 1 seconds'
	# Input that the server does not take.
	random_file more 20000000
	mv more in
	serve idle
	client 69 --timeout 1 -R ca.pem
}

e2e_case output_fails "Output that fails"
output_fails_body()
{
	make_pki
	random_file in 1000000
	serve echo
	atf_check -s exit:74 -e match:'standard output: No space left' \
	    sh -c "exec postern -R ca.pem 127.0.0.1 $port <in >/dev/full"
	serve echo
	atf_check -s exit:74 -e match:'standard output: ' \
	    sh -c "exec postern -R ca.pem 127.0.0.1 $port <in >&-"
	serve echo
	{
		postern -R ca.pem 127.0.0.1 "$port" <in 2>err
		echo $? >status
	} | head -c 1 >out
	atf_check_equal 74 "$(cat status)"
	says 'standard output: Broken pipe'
}

e2e_case input_fails "Input that fails"
input_fails_body()
{
	make_pki
	serve echo
	atf_check -s exit:74 -e match:'standard input: Is a directory' \
	    postern -R ca.pem 127.0.0.1 "$port" </
}

# ---- confined ----

in_session()
{
	test "$(cat out 2>/dev/null)" = something
}

# A client with a session that stays; its pid is $client_pid.
hold_session()
{
	make_pki
	mkfifo in
	serve echo
	exec 9<>in		# after that, or the server would hold it too
	postern "$@" -R ca.pem -C client.pem -K client.key 127.0.0.1 \
	    "$port" <in >out 2>err 9>&- &
	client_pid=$!
	record $client_pid
	echo something >&9
	expect_soon in_session
}

end_session()
{
	exec 9>&-
	wait "$client_pid" || atf_fail "postern failed: $(cat err)"
}

e2e_case confined "In session: filtered, no new privileges, four descriptors"
confined_body()
{
	hold_session
	status=/proc/$client_pid/status
	atf_check_equal 2 "$(sed -n 's/^Seccomp:[^0-9]*//p' "$status")"
	atf_check_equal 1 "$(sed -n 's/^NoNewPrivs:[^0-9]*//p' "$status")"
	if is_root; then
		atf_check_equal '0 1 2 3' \
		    "$(ls "/proc/$client_pid/fd" | xargs)"
	fi
	end_session
}

e2e_case stopped "Stopped and continued, it goes on"
stopped_body()
{
	hold_session -w 60
	for again in 1 2 3; do
		kill -STOP "$client_pid"
		expect_soon is_stopped "$client_pid"
		kill -CONT "$client_pid"
		expect_soon grep -q '^State:.*sleeping' \
		    "/proc/$client_pid/status"
	done
	atf_check_equal 3 "$again"
	end_session
}

# in_memory TEXT: is it anywhere in the client's memory?
in_memory()
{
	"$(atf_get_srcdir)/../daemon/memory_helper" "$client_pid" \
	    "$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')"
}

root_case no_key_left "The bytes of the key file are not in its memory any more"
no_key_left_body()
{
	test -z "${SANITIZE-}" ||
	    atf_skip "a sanitizer keeps what was freed, and maps terabytes"
	hold_session
	# What is surely there: that the search finds something.
	in_memory 'the server is not who it should be' ||
	    atf_fail "the search finds nothing"
	found=0
	in_memory "$(sed -n 2p client.key)" || found=$?
	atf_check_equal 1 "$found"
	end_session
}
