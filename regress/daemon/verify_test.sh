#! /usr/bin/env atf-sh
#
# Who gets in: TLS versions, certificates good and bad; and that a certificate
# cannot write the log.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"

# ---- verbs -------------------------------------------------------------------

fail_with_log() {
	show_log
	atf_fail "$*"
}

# How many were let in, whatever is in other fields.
sessions() {
	log_count '^time=[^ ]* level=info pid=[0-9]* process=parent event=open '
}

refused_with() {
	test "$(log_count "event=refused reason=$1 ")" -eq "$2"
}

# refused REASON COMMAND...: COMMAND, an openssl s_client, say, gets no echo of
# "in", fails, and the log gains this reason and no session.
refused() {
	reason=$1
	shift
	before=$(log_count "event=refused reason=$reason ")
	opened=$(sessions)
	"$@" <in >out 2>err && fail_with_log "not refused: $*"
	expect_soon refused_with "$reason" $((before + 1))
	test "$(sessions)" -eq "$opened" ||
	    fail_with_log "a session for: $*"
	grep -q "$(cat in)" out && fail_with_log "echoed: $*"
	return 0
}

# ours REASON [option...]: the same by our client, which must say 77.
ours() {
	why=$1
	shift
	got=0
	before=$(log_count "event=refused reason=$why ")
	opened=$(sessions)
	postern -R ca.pem "$@" 127.0.0.1 "$port" <in >out 2>err || got=$?
	test $got -eq 77 ||
	    fail_with_log "status $got with $*, not 77: $(cat err)"
	test ! -s out || fail_with_log "echoed with $*"
	expect_soon refused_with "$why" $((before + 1))
	test "$(sessions)" -eq "$opened" ||
	    fail_with_log "a session with $*"
}

# With the certificate NAME.
s_client() {
	name=$1
	shift
	openssl s_client -quiet -connect "127.0.0.1:$port" -CAfile ca.pem \
	    -verify_return_error -cert "$name.pem" -key "$name.key" "$@"
}

# Ends when the server's idle timeout does.
s_client_is_echoed() {
	s_client "$@" <in >out 2>err ||
	    fail_with_log "openssl failed with $*: $(cat err)"
	cmp in out || fail_with_log "nothing echoed to openssl with $*"
}

# ---- versions ----------------------------------------------------------------

e2e_case versions_default "only TLS 1.3, unless told otherwise"
versions_default_body() {
	make_pki
	write_conf timeouts.idle=500ms
	start_daemon
	echo "to be echoed" >in
	s_client_is_echoed client -tls1_3
	refused protocol s_client client -tls1_2
	refused protocol s_client client -tls1_1 -cipher ALL@SECLEVEL=0
	log_has 'event=open.* tls=TLSv1.3 ' || fail_with_log "no TLS 1.3"
	assert_echo
	stop_daemon
}

e2e_case versions_12 "TLS 1.2 if told, with forward secrecy and AEAD; no 1.1"
versions_12_body() {
	make_pki
	issue server server ca --host 127.0.0.1 --algorithm rsa3072 --force
	write_conf 'tls.versions={"1.2", "1.3"}' timeouts.idle=500ms
	start_daemon
	echo "to be echoed" >in
	s_client_is_echoed client -tls1_3
	for cipher in ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 \
	    ECDHE-RSA-CHACHA20-POLY1305; do
		s_client_is_echoed client -tls1_2 -cipher $cipher
		log_has "event=open.* tls=TLSv1.2 cipher=$cipher " ||
		    fail_with_log "no $cipher"
	done
	for cipher in AES128-GCM-SHA256 AES256-SHA ECDHE-RSA-AES128-SHA \
	    ECDHE-RSA-AES128-SHA256 NULL-SHA256; do
		refused protocol s_client client -tls1_2 \
		    -cipher $cipher:@SECLEVEL=0
	done
	refused protocol s_client client -tls1_1 -cipher ALL@SECLEVEL=0
	assert_echo
	stop_daemon
}

e2e_case versions_only_12 "TLS 1.2 alone, and the same reasons"
versions_only_12_body() {
	make_pki
	write_conf 'tls.versions={"1.2"}'
	start_daemon
	echo "to be echoed" >in
	assert_echo
	log_has 'event=open.* tls=TLSv1.2 ' || fail_with_log "no TLS 1.2"
	refused protocol s_client client -tls1_3
	make_bad_clients
	refuses_bad_clients
	stop_daemon
}

# ---- certificates ------------------------------------------------------------

make_bad_clients() {
	issue client expired ca --name expired --not-before 2001-01-01 \
	    --not-after 2001-02-01
	issue client future ca --name future \
	    --not-before "$(date -u -d '+2 years' +%F)" \
	    --not-after "$(date -u -d '+3 years' +%F)"
	issue server wrong ca --host wrong.example
	# signed by a CA of the same name with another key
	mkdir -p false
	certgen ca --cert false/ca.pem --key false/ca.key --name ca
	issue client forged false/ca --name client
	tamper client tampered
	certgen self-signed --cert self.pem --key self.key --host self.example
}

# The log also says whose certificate it was.
names_subject() {
	grep "event=refused reason=$1 " daemon.log | tail -n 1 |
	    grep -q "subject=.*$2.* sha256=$(hash_of "$3")" ||
	    fail_with_log "no subject $2 with reason $1"
}

refuses_bad_clients() {
	ours no-certificate
	ours untrusted -C other.pem -K other.key
	names_subject untrusted other other.pem
	ours untrusted -C self.pem -K self.key
	ours expired -C expired.pem -K expired.key
	names_subject expired expired expired.pem
	ours not-yet-valid -C future.pem -K future.key
	names_subject not-yet-valid future future.pem
	ours wrong-purpose -C wrong.pem -K wrong.key
	names_subject wrong-purpose wrong.example wrong.pem
	ours untrusted -C forged.pem -K forged.key
	names_subject untrusted client forged.pem
	ours bad-signature -C tampered.pem -K tampered.key
	names_subject bad-signature client tampered.pem
	assert_echo
}

e2e_case certificates "each bad certificate is refused by its own word"
certificates_body() {
	make_pki
	make_bad_clients
	write_conf
	start_daemon
	echo "to be echoed" >in
	refuses_bad_clients
	# by openssl, which sees the alert only when it reads
	refused no-certificate openssl s_client -quiet -CAfile ca.pem \
	    -connect "127.0.0.1:$port"
	for pair in untrusted:other untrusted:self expired:expired \
	    not-yet-valid:future wrong-purpose:wrong; do
		refused "${pair%:*}" s_client "${pair#*:}"
	done
	stop_daemon
}

e2e_case order "of several faults, the first in the vocabulary is named"
order_body() {
	make_pki
	write_conf
	start_daemon
	echo "to be echoed" >in
	set -- --not-before 2001-01-01 --not-after 2001-02-01
	issue server wrong-expired ca --host wrong.example "$@"
	issue client other-expired other-ca --name other "$@"
	issue client expired ca --name expired "$@"
	tamper expired tampered-expired
	ours wrong-purpose -C wrong-expired.pem -K wrong-expired.key
	ours untrusted -C other-expired.pem -K other-expired.key
	ours bad-signature -C tampered-expired.pem -K tampered-expired.key
	stop_daemon
}

e2e_case algorithms "client keys of every kind we make are taken"
algorithms_body() {
	make_pki
	write_conf
	start_daemon
	algorithms="p256 p384 rsa3072"
	# LibreSSL's TLS does not know it.
	posternd -V | grep -q LibreSSL || algorithms="$algorithms ed25519"
	for algorithm in $algorithms; do
		issue client $algorithm ca --name $algorithm \
		    --algorithm $algorithm
		echo $algorithm >in
		postern -R ca.pem -C $algorithm.pem -K $algorithm.key \
		    127.0.0.1 "$port" <in >out 2>err ||
		    fail_with_log "$algorithm: $(cat err)"
		cmp in out || fail_with_log "$algorithm: nothing echoed"
		grep -q "event=open.* subject=\"CN=$algorithm\"\
 sha256=$(hash_of $algorithm.pem) " daemon.log ||
		    fail_with_log "the log does not name $algorithm"
	done
	stop_daemon
}

e2e_case many_sent "more than 20 certificates are not looked at"
many_sent_body() {
	make_pki --pathlen 1
	sign_ca inter ca
	sign_client deep inter
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
		chain deep ca
	done
	chain deep inter
	write_conf
	start_daemon
	echo "to be echoed" >in
	postern -R ca.pem -C deep.pem -K deep.key 127.0.0.1 "$port" <in >out \
	    2>err || fail_with_log "20 certificates: $(cat err)"
	cmp in out || fail_with_log "20 certificates: nothing echoed"
	chain deep inter
	ours chain-too-long -C deep.pem -K deep.key
	assert_echo
	stop_daemon
}

# ---- who was refused ---------------------------------------------------------

# names_all REASON NAME NAMES [CLIENT]: the last refusal tells all of NAME.pem,
# its subject alternative names ("": none), and whose client came with it.
names_all() {
	line=$(grep "event=refused reason=$1 " daemon.log | tail -n 1)
	about=" subject=\"CN=$2\" sha256=$(hash_of "$2.pem")"
	about="$about serial=$(hex_serial_of "$2.pem")"
	test -z "$3" || about="$about names=$3"
	test $# -eq 3 || about="$about client=\"CN=$4\""
	case $line in
	*"$about detail=\""*\") ;;
	*) fail_with_log "not$about detail=...: $line" ;;
	esac
}

e2e_case at_fault \
    "the log tells all of the certificate at fault, not of another"
at_fault_body() {
	make_pki --pathlen 9
	sign_ca fallen ca
	sign below fallen "$usual_client
subjectAltName=DNS:below.example"
	issue client revoked ca --name revoked --host a.example,192.0.2.1 \
	    --email bob@a.example --uri spiffe://a.example/b
	sign_ca bare ca
	sign_client nowhere bare
	put_on_list ca fallen
	put_on_list ca revoked
	make_list ca
	make_list fallen
	cat ca.crl.pem fallen.crl.pem >crl.pem
	chain below fallen
	chain nowhere bare
	write_conf clients.crl=crl.pem \
	    'clients.allow={"cn:client", "cn:below", "cn:nowhere", "cn:revoked"}'
	start_daemon
	echo "to be echoed" >in
	ours revoked -C below.pem -K below.key
	names_all revoked fallen '' below
	ours revoked -C revoked.pem -K revoked.key
	names_all revoked revoked "DNS:a.example,IP:192.0.2.1,email:bob@a.example,URI:spiffe://a.example/b"
	ours crl-missing -C nowhere.pem -K nowhere.key
	names_all crl-missing nowhere ''
	issue client barred ca --name barred
	ours not-allowed -C barred.pem -K barred.key
	names_all not-allowed barred ''
	stop_daemon
	# rules that are looked at when the handshake is done
	sign elsewhere ca "$usual_client
subjectAltName=IP:192.0.2.1"
	write_conf clients.host-check=address
	start_daemon
	ours address-mismatch -C elsewhere.pem -K elsewhere.key
	names_all address-mismatch elsewhere IP:192.0.2.1
	log_has 'detail="127.0.0.1 is none of its IP names"' ||
	    fail_with_log "what was compared"
	stop_daemon
}

# ---- what is in a certificate ------------------------------------------------

# Every line is one of ours, in printable ASCII, and says nothing that the
# certificate made up.
log_is_sound() {
	grep -v '^time=[^ ]* level=[a-z]* pid=[0-9]* process=[a-z]* event=' \
	    daemon.log && fail_with_log "a line that is not ours"
	LC_ALL=C grep -n '[^ -~]' daemon.log &&
	    fail_with_log "bytes of a peer that are not escaped"
	# What is in quotes, escapes included, taken away, its words are gone,
	# and no quote is left over.
	sed -e 's/"\(\\.\|[^"\\]\)*"//g' daemon.log | grep -i -F -e 6.6.6.6 \
	    -e mallory -e forged -e '"' &&
	    fail_with_log "a certificate has written a field"
	return 0
}

e2e_case hostile_subject "a subject cannot forge a line or a field of the log"
hostile_subject_body() {
	make_pki
	write_conf
	start_daemon
	newline='
time=2026-01-01T00:00:00.000Z event=forged subject=mallory'
	quote='a" event=forged peer=6.6.6.6:6 x="mallory'
	backslash='mallory\\\\" event=forged peer=6.6.6.6:6 x="'
	escape=$(printf 'mallory\033[2J\033]0;forged\007\177\r')
	unicode=$(printf 'mallory\342\200\256forged\302\233')
	long=$(printf '/OU=forged %050d' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 \
	    16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 \
	    37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 \
	    58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78)
	echo "to be echoed" >in
	for by in ca other-ca; do
		for kind in newline quote backslash escape unicode long; do
			eval "subject=\$$kind"
			case $kind in
			long) subject=/CN=mallory$subject ;;
			*) subject=/O=$subject/CN=$kind ;;
			esac
			sign_client $kind-$by $by
		done
	done
	for kind in newline quote backslash escape unicode long; do
		postern -R ca.pem -C $kind-ca.pem -K $kind-ca.key 127.0.0.1 \
		    "$port" <in >out 2>err || fail_with_log "$kind: $(cat err)"
		cmp in out || fail_with_log "$kind: nothing echoed"
		# Whatever the subject, the log says which certificate it was.
		log_has "event=open.* sha256=$(hash_of $kind-ca.pem) " ||
		    fail_with_log "$kind: its certificate is not in the log"
		ours untrusted -C $kind-other-ca.pem -K $kind-other-ca.key
		log_has "event=refused.* sha256=$(hash_of $kind-other-ca.pem) " ||
		    fail_with_log "$kind: refused, but not in the log"
	done
	log_is_sound
	# Parts of a name are told apart from what looks like one.
	subject='/O=Acme\/CN=client/CN=mallory' sign_client slash ca
	subject='/O=Acme,CN=client/CN=mallory' sign_client comma ca
	for kind in slash comma; do
		postern -R ca.pem -C $kind.pem -K $kind.key 127.0.0.1 "$port" \
		    <in >out 2>err || fail_with_log "$kind: $(cat err)"
	done
	log_has 'event=open.* subject="CN=mallory,O=Acme/CN=client"' ||
	    fail_with_log "a slash in a name"
	log_has 'event=open.* subject="CN=mallory,O=Acme\\*,CN=client"' ||
	    fail_with_log "a comma in a name"
	log_has 'subject="CN=mallory,O=Acme,CN=client"' &&
	    fail_with_log "a comma in a name looks like another name"
	test "$(log_count event=open)" -eq 8 || fail_with_log "sessions"
	stop_daemon
}

# der_names NAME...: a SubjectAltName of DNS names with any bytes, as printf
# writes them; all below 128 bytes long, each and together.
der_names() {
	for name_; do
		# shellcheck disable=SC2059
		printf "$name_" >one.name
		# shellcheck disable=SC2046
		printf ':82:%02x%s' "$(stat -c %s one.name)" \
		    "$(od -An -v -tx1 one.name | tr -d '\n' | tr ' ' :)"
	done >all.names
	printf 'DER:30:%02x' $(($(stat -c %s all.names) / 3))
	cat all.names
}

e2e_case hostile_names "names of a certificate cannot forge anything either"
hostile_names_body() {
	make_pki
	write_conf 'clients.allow={"dns:good.example", "cn:nobody"}'
	start_daemon
	echo "to be echoed" >in
	n=0
	for names in 'good.example\0.mallory' \
	    'mallory" event=open peer=6.6.6.6:6' \
	    'mallory\nevent=open forged' 'mallory\\' 'mallory\\" forged="' \
	    '\033[2Jmallory' 'a,DNS:good.example' '*' '' \
	    'mallory\302\233\177\377\r'; do
		n=$((n + 1))
		sign hostile$n ca "$usual_client
subjectAltName=$(der_names "$names" x)"
		ours not-allowed -C hostile$n.pem -K hostile$n.key
		log_has "reason=not-allowed .* sha256=$(hash_of hostile$n.pem) " ||
		    fail_with_log "not in the log: $names"
	done
	log_has 'names="DNS:good.example\\x00.mallory,DNS:x"' ||
	    fail_with_log "a NUL in a name"
	log_has 'names="DNS:a\\x2cDNS:good.example,DNS:x"' ||
	    fail_with_log "a comma in a name"
	# the longest that is shown is cut, and never within an escape
	quotes=$(printf %0600d 0 | sed 's/0/\\"/g')	# openssl takes \ off
	for n in 1 2 3 4; do
		sign long$n ca "$usual_client
subjectAltName=@names
[names]
DNS.1=$(printf %0${n}d 0)$quotes"
		ours not-allowed -C long$n.pem -K long$n.key
	done
	log_has 'subject="CN=long1" .* names="DNS:0\(\\"\)*\.\.\."' ||
	    fail_with_log "quotes in a name"
	log_is_sound
	test "$(sessions)" -eq 0 || fail_with_log "one was let in"
	stop_daemon
}
