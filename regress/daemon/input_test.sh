#! /usr/bin/env atf-sh
#
# Files that people and clients hand over: each is taken, or refused in one
# line that names it and what is wrong, at once and wherever it is looked at.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"
. "$(atf_get_srcdir)/../dns_verbs.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- bad files ---------------------------------------------------------------

# half_of FILE: its first half.
half_of() {
	head -c $(($(stat -c %s "$1") / 2)) "$1"
}

# What may be in any file's place.
make_odd_files() {
	: >empty
	mkdir directory
	mkfifo fifo
	truncate -s 1G large
	head -c 3000 /dev/zero >zeros
	head -c 3000 /dev/urandom | base64 >noise
}

make_files() {
	make_pki
	make_list ca
	mv ca.crl.pem crl.pem
	make_odd_files
	for name in server ca; do
		openssl x509 -in $name.pem -outform DER -out $name.pem.der
	done
	openssl pkey -in server.key -outform DER -out server.key.der
	openssl crl -in crl.pem -outform DER -out crl.pem.der
	for name in server.pem ca.pem server.key crl.pem client.pem; do
		sed 's/$/\r/' $name >$name.dos
		half_of $name >$name.half
		# the second block is not whole
		cat $name $name.half >$name.more
	done
	cat server.key client.key >two.keys
	{
		echo '-----BEGIN X509 CRL-----'
		half_of crl.pem.der | base64
		echo '-----END X509 CRL-----'
	} >crl.pem.inner
	cp server.pem pem.key
	chmod 600 ./*
}

# All the bad files that there are, as lines: KEY FILE CAUSE (a pattern).
bad_files() {
	for key in certificate key clients.ca clients.crl; do
		cat <<-EOF
		$key empty is empty
		$key directory is not a regular file
		$key fifo is not a regular file
		$key /dev/zero is not a regular file
		$key large is larger than 16 MiB
		$key missing No such file or directory
		EOF
	done
	for file in zeros noise; do
		cat <<-EOF
		certificate $file holds no certificate in PEM form
		key $file holds no private key in PEM form
		clients.ca $file holds no certificate in PEM form
		clients.crl $file holds no revocation list in PEM form
		EOF
	done
	cat <<-EOF
	certificate server.pem.der is in DER form, .*openssl x509 -inform DER
	key server.key.der holds no private key .*openssl pkey -inform DER
	clients.ca ca.pem.der is in DER form, .*openssl x509 -inform DER
	clients.crl crl.pem.der holds no revocation .*openssl crl -inform DER
	certificate server.pem.half .* damaged or cut short
	certificate server.pem.more .* damaged or cut short
	key server.key.half .* is damaged
	clients.ca ca.pem.half .* damaged or cut short
	clients.ca ca.pem.more .* damaged or cut short
	clients.crl crl.pem.half .* damaged or cut short
	clients.crl crl.pem.more .* damaged or cut short
	clients.crl crl.pem.inner .* damaged or cut short
	certificate server.key holds no certificate in PEM form
	certificate two.keys holds no certificate in PEM form
	key two.keys holds several private keys
	key pem.key holds no private key in PEM form
	clients.ca two.keys holds no certificate in PEM form
	clients.crl ca.pem holds no revocation list in PEM form
	clients.crl two.keys holds no revocation list in PEM form
	EOF
}

# each_bad_file COMMAND: as COMMAND KEY FILE CAUSE.
each_bad_file() {
	bad_files >bad.list
	tried=0
	while read -r key file cause <&3; do
		"$1" "$key" "$file" "$cause" 3<&-
		tried=$((tried + 1))
	done 3<bad.list
	test $tried -gt 50 || atf_fail "$tried files were tried"
}

# one_line FILE PATTERN: nothing else, no less, and nothing but text.
one_line() {
	test "$(wc -l <"$1")" -eq 1 && grep -q -e "$2" "$1" ||
	    atf_fail "not one line with \"$2\": $(cat "$1")"
	LC_ALL=C grep -q '[^ -~]' "$1" && atf_fail "not text: $(cat "$1")"
	return 0
}

# posternd_ends STATUS [option...]: within seconds; what it said is in "err".
posternd_ends() {
	want=$1
	got=0
	shift
	is_root || set -- -U "$@"
	timeout 20 posternd -f posternd.conf "$@" </dev/null >out 2>err ||
	    got=$?
	test $got -eq "$want" ||
	    atf_fail "status $got, not $want, with $*: $(cat err)"
}

# ---- at the start ------------------------------------------------------------

not_found() {
	posternd_ends 78 -n
	test ! -s out || atf_fail "it is OK, and it is not: $(cat out)"
	one_line err "^posternd: $1"
}

# The service has not begun, and nothing is left of it.
does_not_start() {
	launch_daemon
	status=0
	daemon_status || status=$?
	test $status -eq 78 || {
		show_log
		atf_fail "the start ended with status $status"
	}
	grep -e level=error -e '^posternd: ' daemon.log >err
	one_line err "\\(^posternd: \\|event=fatal detail=\"\\)$1"
	log_has event=ready && atf_fail "it was ready"
	listening "$port" && atf_fail "it listens"
	test ! -e posternd.pid || atf_fail "it has left its pid file"
	for pid in $(sed -n 's/.* pid=\([0-9]*\) .*/\1/p' daemon.log); do
		gone "$pid" || atf_fail "process $pid is left of it"
	done
}

# name_of FILE: as it is told.
name_of() {
	case $1 in
	/*) echo "$1" ;;
	*) echo "$PWD/$1" ;;
	esac
}

refused_at_start() {
	write_conf "$1=$2"
	not_found "$(name_of "$2"): $3"
	does_not_start "$(name_of "$2"): $3"
}

e2e_case start "A bad file ends the start, with one line that names it"
start_head() {
	atf_set descr "A bad file ends the start, with one line that names it"
	atf_set timeout 600
}
start_body() {
	make_files
	each_bad_file refused_at_start
	write_conf clients.crl=crl.pem
	start_daemon
	assert_echo
	stop_daemon
}

e2e_case configuration "The same of what is no configuration"
configuration_body() {
	make_files
	write_conf
	cp posternd.conf good
	for try in 'empty is empty' 'directory is a directory' \
	    'fifo is not a regular file' '/dev/zero is not a regular file' \
	    'large is larger than 16 MiB' 'zeros holds a NUL byte' \
	    'server.pem.der holds a NUL byte' 'ca.pem holds a certificate' \
	    'server.key holds a certificate or a key' \
	    'crl.pem.dos holds a certificate' \
	    'missing No such file or directory'; do
		rm -f posternd.conf
		ln -s "$(name_of "${try%% *}")" posternd.conf
		not_found "posternd.conf: ${try#* }"
		does_not_start "posternd.conf: ${try#* }"
	done
	rm posternd.conf
	half_of good >posternd.conf
	not_found "posternd.conf:[0-9]*: "
	does_not_start "posternd.conf:[0-9]*: "
	# Nothing of a key is shown, wherever in the file it is.
	cat good server.key >posternd.conf
	not_found "posternd.conf: holds a certificate or a key"
}

e2e_case terminal "The name of a file commands no terminal"
terminal_body() {
	make_pki
	escape=$(printf 'a\033[2J\rb')
	write_conf certificate="$escape"
	not_found '.*/a\\x1b\[2J\\x0db: No such file'
	does_not_start '.*/a\\\\\?x1b\[2J\\\\\?x0db: No such file'
	write_conf
	posternd_ends 66 --explain "$escape" --from 127.0.0.1
	one_line err '^posternd: a\\x1b\[2J\\x0db: No such file'
	write_conf clients.ca="$escape"
	posternd_ends 78 --explain client.pem --from 127.0.0.1
	one_line err '^posternd: .*/a\\x1b\[2J\\x0db: No such file'
}

# ---- line ends ---------------------------------------------------------------

e2e_case dos "DOS line ends are as good as others, in each file"
dos_body() {
	make_files
	write_conf clients.crl=crl.pem.dos clients.ca=ca.pem.dos \
	    key=server.key.dos certificate=server.pem.dos
	printf 'parents = 1\nuser = _postern\n' >>posternd.conf
	sed -e '/^parents = "/d' -e 's/$/\r/' posternd.conf >dos.conf
	mv dos.conf posternd.conf
	start_daemon
	assert_echo
	postern -R ca.pem -C other.pem -K other.key 127.0.0.1 "$port" \
	    </dev/null >out 2>err && atf_fail "anybody gets in"
	expect_log 'event=refused reason=untrusted '
	stop_daemon
	posternd_ends 0 --explain client.pem.dos --from 127.0.0.1
	grep -q -x allow out || atf_fail "$(cat out)"
}

# ---- on a reload -------------------------------------------------------------

refused_on_reload() {
	: >daemon.log
	write_conf "$1=$2" watch=0
	kill -HUP "$daemon_pid" || atf_fail "posternd has gone"
	expect_log 'process=supervisor event=reload detail="failed: '
	log_has "$(name_of "$2"): $3" || {
		show_log
		atf_fail "the log does not name $2: $3"
	}
	log_has 'event=reload result=ok' && atf_fail "$2 was taken"
	feed old 4 "after $2"
	assert_echo
}

e2e_case reload "On a reload a bad file changes nothing"
reload_head() {
	atf_set descr "On a reload a bad file changes nothing"
	atf_set timeout 600
}
reload_body() {
	make_files
	write_conf watch=0
	start_daemon
	hold old 4
	each_bad_file refused_on_reload
	: >daemon.log
	write_conf watch=0 clients.crl=crl.pem
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	assert_echo
	release old 4
	stop_daemon
}

# ---- --explain ---------------------------------------------------------------

# In the client's place (65, missing 66), or in the configuration (78).
not_explained() {
	case $1 in
	certificate)
		write_conf
		status=65
		test "$2" != missing || status=66
		cause="is a directory"
		test "$2" = directory || cause=$3
		posternd_ends $status --explain "$2" --from 127.0.0.1
		one_line err "^posternd: $2: $cause"
		;;
	clients.*)
		write_conf "$1=$2"
		posternd_ends 78 --explain client.pem --from 127.0.0.1
		one_line err "^posternd: $(name_of "$2"): "
		;;
	esac
	test ! -s out || atf_fail "and yet it finds: $(cat out)"
}

e2e_case explain "posternd --explain tells what is wrong with a file"
explain_body() {
	make_files
	each_bad_file not_explained
}

# ---- clients' certificates ---------------------------------------------------

come_in() {
	random_file in 10000
	postern -R ca.pem -C "$1.pem" -K "$1.key" 127.0.0.1 "$port" \
	    <in >out 2>err || {
		show_log
		atf_fail "$1 did not get in: $(cat err)"
	}
	cmp in out || atf_fail "$1 got something else"
}

one_more() {
	test "$(log_count "$1")" -gt "$2"
}

# stay_out NAME WORD: live, and by --explain from 127.0.0.1.
stay_out() {
	line="event=refused reason=$2 "
	refusals=$(log_count "$line")
	opens=$(log_count event=open)
	echo "let me in" >in
	postern -R ca.pem -C "$1.pem" -K "$1.key" 127.0.0.1 "$port" \
	    <in >out 2>err && atf_fail "$1 got in"
	test ! -s out || atf_fail "something came back to $1"
	expect_soon one_more "$line" "$refusals"
	test "$(log_count event=open)" -eq "$opens" || atf_fail "a session: $1"
	posternd_ends 77 --explain "$1.pem" --from 127.0.0.1
	grep -q -x "refuse $2" out || atf_fail "of $1 it says: $(cat out)"
}

# Every line is whole, short enough to be written at once, and text.
log_is_sound() {
	LC_ALL=C grep -q '[^ -~]' daemon.log && atf_fail "bytes of a peer"
	grep -v '^time=[^ ]* level=[a-z]* pid=[0-9]* process=[a-z]* event=' \
	    daemon.log && atf_fail "a line that is not ours"
	test "$(wc -L <daemon.log)" -lt 4096 || atf_fail "a line is too long"
}

e2e_case long_chain "A chain of 20 certificates is too long"
long_chain_body() {
	make_pki --pathlen 19
	write_conf clients.max-depth=10
	start_daemon
	above=ca
	set --
	for n in $(seq 19); do
		sign_ca "ca$n" $above
		above=ca$n
		set -- $above "$@"
		case $n in
		9 | 10 | 19)
			sign_client "below$n" $above
			chain "below$n" "$@"
			;;
		esac
	done
	test "$(grep -c BEGIN below19.pem)" -eq 20 || atf_fail "no 20"
	come_in below9
	stay_out below10 chain-too-long
	stay_out below19 chain-too-long
	log_has 'reason=chain-too-long .* subject="CN=below19" ' || {
		show_log
		atf_fail "it is not said whose chain"
	}
	# What leads nowhere is no chain, but more than 20 are not looked at.
	sign_client stranger other-ca
	chain stranger "$@"
	stay_out stranger untrusted
	chain stranger "$@" "$@"
	stay_out stranger chain-too-long
	assert_echo
	log_is_sound
	stop_daemon
}

# ---- NUL bytes in names ------------------------------------------------------

write_resign() {
	cat >resign.py <<-'END'
	# Each ~ in these texts, wherever a certificate has them, becomes a NUL
	# (what is random in it may have one too); then it is signed anew.
	import base64
	import subprocess
	import sys

	name, key, *texts = sys.argv[1:]

	def run(*command, **more):
	    return subprocess.run(command, stdout=subprocess.PIPE, check=True,
	        **more).stdout

	def value(at):
	    n, at = der[at + 1], at + 2
	    if n > 127:
	        n, at = int.from_bytes(der[at:at + n - 128], "big"), at + n - 128
	    return at, at + n

	def make(tag, content):
	    n = len(content).to_bytes(3, "big")
	    return bytes([tag, 0x83]) + n + content if len(content) > 65535 else \
	        bytes([tag, 0x82]) + n[1:] + content if len(content) > 255 else \
	        bytes([tag, 0x81]) + n[2:] + content if len(content) > 127 else \
	        bytes([tag]) + n[2:] + content

	pem = open(name).read().split("-----")[2]
	der = base64.b64decode(pem)
	tbs, _ = value(0)
	algorithm = value(tbs)[1]
	signature = value(algorithm)[1]
	body = der[tbs:algorithm]
	for text in texts:
	    body = body.replace(text.encode(), text.replace("~", "\0").encode())
	sig = run("openssl", "dgst", "-sha256", "-sign", key, input=body)
	new = make(0x30, body + der[algorithm:signature] + make(3, b"\0" + sig))
	with open(name, "w") as f:
	    f.write("-----BEGIN CERTIFICATE-----\n" +
	        base64.encodebytes(new).decode() + "-----END CERTIFICATE-----\n")
	END
}

# sign_nul NAME CN [SUBJECT-ALTERNATIVE-NAME]: by ca, with a NUL for each ~.
sign_nul() {
	sign_plain "$@"
	python3 resign.py "$1.pem" ca.key "$2" ${3:+"${3#*:}"} ||
	    atf_fail "resign.py"
}

sign_plain() {
	subject=/CN=$2
	sign "$1" ca "$usual_client${3:+
subjectAltName=$3}"
	subject=
}

e2e_case nul_allow "A name with a NUL fits no pattern, and is shown escaped"
nul_allow_body() {
	make_pki
	write_resign
	write_conf 'clients.allow={"cn:good", "cn:star*", "dns:good.example", '\
'"dns:*.star.example", "uri:spiffe://good.example/*", '\
'"email:*@good.example", "cn:client"}'
	start_daemon
	# The same without one is let in.
	sign_plain cn good
	sign_plain dns x DNS:good.example
	sign_plain uri x URI:spiffe://good.example/job
	sign_plain email x email:somebody@good.example
	for name in cn dns uri email; do
		come_in $name
	done
	n=0
	for common in 'good~' 'good~.evil.example' '~good' 'star~light' \
	    'x" peer=6.6.6.6 y="~'; do
		n=$((n + 1))
		sign_nul "cn$n" "$common"
		stay_out "cn$n" not-allowed
		grep -q '\\x00' out || atf_fail "not shown: $(cat out)"
	done
	for alternative in DNS:good.example~ 'DNS:good.example~.evil.example' \
	    DNS:evil.example~.star.example DNS:~good.example \
	    URI:spiffe://good.example/job~ 'URI:spiffe://good.example~x/job' \
	    email:somebody@good.example~ \
	    email:somebody@evil.example~@good.example; do
		n=$((n + 1))
		sign_nul "an$n" x "$alternative"
		stay_out "an$n" not-allowed
		grep -q "^names .*$(echo "$alternative" |
		    sed 's/~/\\\\x00/g')\$" out ||
		    atf_fail "not shown: $(cat out)"
	done
	log_has 'subject="CN=good\\x00.evil.example"' || {
		show_log
		atf_fail "no NUL in the log"
	}
	log_has 'names="DNS:good.example\\x00.evil.example"' || {
		show_log
		atf_fail "no NUL in the log"
	}
	log_is_sound
	sed -e 's/"\(\\.\|[^"\\]\)*"//g' daemon.log | grep -q -F 6.6.6.6 &&
	    atf_fail "a certificate has written a field"
	assert_echo
	stop_daemon
}

# from_127_1_1_1 NAME: "in" by a client at that address.
from_127_1_1_1() {
	socat -t 20 - "OPENSSL:127.0.0.1:$port,bind=127.1.1.1,verify=1,\
cafile=ca.pem,certificate=$1.pem,key=$1.key" <in >out 2>err
}

e2e_case nul_host "A name with a NUL is no host name that DNS confirms"
nul_host_head() {
	atf_set descr "A name with a NUL is no host name that DNS confirms"
	atf_set require.progs "nsd socat"
}
nul_host_body() {
	make_pki
	write_resign
	echo '1.1.1 PTR good.test.' | zone 127.in-addr.arpa
	echo 'good A 127.1.1.1' | zone test
	start_dns
	write_conf clients.host-check=name "resolver.servers={\"$dns\"}"
	start_daemon
	echo "let me in" >in
	sign_plain dns x DNS:good.test
	sign_plain cn good.test
	for name in dns cn; do
		from_127_1_1_1 $name
		cmp in out || {
			show_log
			atf_fail "$name did not get in: $(cat err)"
		}
	done
	opens=$(log_count event=open)
	n=0
	for alternative in 'DNS:good.test~' 'DNS:good.test~.evil.test' \
	    'DNS:~good.test' ''; do
		n=$((n + 1))
		sign_nul "nul$n" 'good.test~.evil.test' "$alternative"
		from_127_1_1_1 "nul$n"
		test ! -s out || atf_fail "it got in with $alternative"
		expect_soon log_counts 'reason=address-mismatch ' $n
		posternd_ends 77 --explain "nul$n.pem" --from 127.1.1.1
		grep -q -x "refuse address-mismatch" out ||
		    atf_fail "with $alternative: $(cat out)"
	done
	test "$(log_count event=open)" -eq "$opens" || atf_fail "a session"
	log_is_sound
	stop_daemon
}

log_counts() {
	test "$(log_count "$1")" -eq "$2"
}

# ---- large lists -------------------------------------------------------------

# list_entries DIGIT: 10,000, as openssl ca keeps them, from this number on.
list_entries() {
	seq 10000 | awk -v first="$1" '{
		printf "R\t401231000000Z\t260101000000Z\t%s%031X\tunknown\t/CN=x\n",
		    first, $1
	}'
}

e2e_case long_list "A revocation list of 20,000 entries works"
long_list_body() {
	make_pki
	issue client revoked ca --name revoked
	make_list ca
	mv ca.crl.pem short.pem
	put_on_list ca revoked
	{
		list_entries 7
		cat ca.index
		list_entries 6
	} >long.index
	mv long.index ca.index
	make_list ca
	test "$(openssl crl -in ca.crl.pem -noout -text |
	    grep -c 'Serial Number:')" -eq 20001 || atf_fail "not 20,001"
	write_conf clients.crl=short.pem
	start_daemon
	hold good 4
	hold bad 5 -C revoked.pem -K revoked.key
	# Parents that were confined with a short one read it, too.
	write_conf clients.crl=ca.crl.pem
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	expect_log 'event=close .* end=revoked '
	held_status bad 5 && atf_fail "its client was not told"
	feed good 4 "is still here"
	come_in client
	stay_out revoked revoked
	release good 4
	atf_check_equal 0 "$(log_count signal=)"
	stop_daemon
}
