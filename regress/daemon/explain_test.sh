#! /usr/bin/env atf-sh
#
# One word for each refusal: the log of a live connection, posternd --explain,
# its JSON and postern-certgen verify say the same of the same certificate,
# address and rules.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# The case has failed; what was said is shown first.
fail_with_log() {
	show_log
	for file_ in told told.err err openssl.err; do
		test ! -s $file_ || sed "s/^/$file_: /" $file_ >&2
	done
	atf_fail "$*"
}

# explain NAME OPTION...: to "told"; its status in $status.
explain() {
	file=$1
	shift
	status=0
	posternd --explain "$file.pem" -f posternd.conf "$@" >told 2>told.err ||
	    status=$?
	test ! -s told.err || fail_with_log "$file: it complains"
}

# explains WORD NAME OPTION...: in text, and as JSON with the same rules.
explains() {
	word=$1
	name=$2
	shift 2
	want="refuse $word"
	wanted=77
	test "$word" != allow || { want=allow; wanted=0; }
	explain "$name" "$@"
	test "$(tail -n 1 told)" = "$want" && test $status -eq $wanted ||
	    fail_with_log "$name: not $want, but $status"
	cp told told.text
	explain "$name" --json "$@"
	test $status -eq $wanted || fail_with_log "$name: --json: $status"
	python3 - "$word" <<-'END' || fail_with_log "$name: not the same"
	import json, re, sys
	d = json.load(open("told"))
	want = sys.argv[1]
	assert d["verdict"] == ("allow" if want == "allow" else "refuse"), d
	assert d["reason"] == (None if want == "allow" else want), d
	failed = [r["rule"] for r in d["rules"] if r["verdict"] == "fails"]
	assert failed[:1] == ([] if want == "allow" else [want]), failed
	lines = re.findall(r"^(holds|fails|off) +(\S+) +(.*)$",
	    open("told.text").read(), re.M)
	rules = [(r["verdict"], r["rule"], r["compared"]) for r in d["rules"]]
	assert lines == rules, (lines, rules)
	END
}

# last_word: of the newest refusal in the log.
last_word() {
	sed -n 's/.*event=refused reason=\([^ ]*\) .*/\1/p' daemon.log |
	    tail -n 1
}

events() {
	log_count 'event=refused\|event=open'
}

more_events_than() {
	test "$(events)" -gt "$1"
}

# logged COUNT WORD NAME: what has come to the log since it had COUNT events.
logged() {
	expect_soon more_events_than "$1"
	if test "$2" = allow; then
		tail -n +1 daemon.log | grep 'event=refused\|event=open' |
		    tail -n 1 | grep -q event=open ||
		    fail_with_log "$3: not let in"
		return
	fi
	test "$(last_word)" = "$2" ||
	    fail_with_log "$3: the log says $(last_word), not $2"
}

# lives WORD NAME [option...]: what happens to our client, and the log's word.
lives() {
	word=$1
	name=$2
	shift 2
	before=$(events)
	got=0
	echo "to be echoed to $name" >in
	postern -R ca.pem -C "$name.pem" -K "$name.key" "$@" \
	    "${host:-127.0.0.1}" "$port" <in >out 2>err || got=$?
	if test "$word" = allow; then
		test $got -eq 0 || fail_with_log "$name: $got"
		cmp in out || fail_with_log "$name: not echoed"
	else
		test $got -eq 77 || fail_with_log "$name: $got"
		test ! -s out || fail_with_log "$name: echoed"
	fi
	logged "$before" "$word" "$name"
}

# For what our client's own library would not show.
lives_by_openssl() {
	before=$(events)
	echo "to be echoed" | openssl s_client -quiet -CAfile ca.pem \
	    -connect "127.0.0.1:$port" -cipher DEFAULT@SECLEVEL=0 \
	    -cert "$2.pem" -key "$2.key" >out 2>err
	test ! -s out || fail_with_log "$2: echoed"
	logged "$before" "$1" "$2"
}

# verifies WORD NAME: so does postern-certgen, told by $rules what the server's
# are, by $authority whom it trusts.
rules=
authority=ca
verifies() {
	want="refuse $1"
	wanted=77
	test "$1" != allow || { want=allow; wanted=0; }
	status=0
	(
		set -f		# patterns are not for the shell
		# shellcheck disable=SC2086
		exec postern-certgen verify --cert "$2.pem" \
		    --ca $authority.pem $rules
	) >told 2>told.err || status=$?
	test "$(tail -n 1 told)" = "$want" && test $status -eq $wanted ||
	    fail_with_log "$2: not $want, but $status, from postern-certgen"
}

# agree WORD NAME [address]: the live service, --explain, postern-certgen.
agree() {
	lives "$1" "$2"
	explains "$1" "$2" --from "${3:-127.0.0.1}"
	verifies "$1" "$2"
}

agree_by_openssl() {
	lives_by_openssl "$1" "$2"
	explains "$1" "$2" --from 127.0.0.1
	verifies "$1" "$2"
}

# ---- certificates ------------------------------------------------------------

make_bad_clients() {
	issue client expired ca --name expired --not-before 2001-01-01 \
	    --not-after 2001-02-01
	issue client future ca --name future \
	    --not-before "$(date -u -d '+2 years' +%F)" \
	    --not-after "$(date -u -d '+3 years' +%F)"
	issue server wrong ca --host wrong.example
	sign none ca "basicConstraints=critical,CA:FALSE"
	mkdir -p false
	certgen ca --cert false/ca.pem --key false/ca.key --name ca
	issue client forged false/ca --name client
	tamper client tampered
	certgen self-signed --cert self.pem --key self.key --host self.example
	key_options="-algorithm RSA -pkeyopt rsa_keygen_bits:1024" \
	    sign_client small ca
	sign_client sha1 ca -sha1
}

e2e_case certificates "each bad certificate has the same word everywhere"
certificates_body() {
	make_pki
	make_bad_clients
	write_conf
	start_daemon
	agree allow client
	agree untrusted other
	agree untrusted self
	agree untrusted forged
	agree expired expired
	agree not-yet-valid future
	agree wrong-purpose wrong
	agree wrong-purpose none
	agree bad-signature tampered
	agree_by_openssl weak-crypto small
	agree_by_openssl weak-crypto sha1
	stop_daemon
}

e2e_case usage "without require-client-usage, other usages still forbid"
usage_body() {
	make_pki
	make_bad_clients
	write_conf clients.require-client-usage=no
	rules=--no-client-usage
	start_daemon
	agree allow client
	agree allow none
	agree wrong-purpose wrong
	stop_daemon
}

e2e_case chains "depth, path length and name constraints, the same everywhere"
chains_body() {
	make_pki --pathlen 9
	sign_ca one ca
	sign_ca two one
	sign_ca short ca 'basicConstraints=critical,CA:TRUE,pathlen:0'
	sign_ca below short
	sign_ca bound ca 'nameConstraints=critical,permitted;DNS:in.example'
	sign_client deep1 one
	sign_client deep2 two
	sign_client straight short
	sign_client toolong below
	sign inside bound "$usual_client
subjectAltName=DNS:a.in.example"
	sign outside bound "$usual_client
subjectAltName=DNS:a.in.example,DNS:out.example"
	sign_client lost one
	sign_client bent one
	tamper one one-bent
	chain deep1 one
	chain deep2 two one
	chain straight short
	chain toolong below short
	chain inside bound
	chain outside bound
	chain bent one-bent
	write_conf clients.max-depth=2
	rules="--max-depth 2"
	start_daemon
	agree allow client
	agree allow deep1
	agree chain-too-long deep2
	agree allow straight
	agree chain-too-long toolong
	agree allow inside
	agree name-constraint outside
	agree untrusted lost
	agree bad-signature bent
	stop_daemon
	# the intermediate CA alone is trusted, whatever is sent beside it
	write_conf clients.max-depth=1 clients.ca=one.pem
	rules="--max-depth 1"
	authority=one
	start_daemon
	agree allow deep1
	agree allow lost
	agree chain-too-long deep2
	agree untrusted client
	stop_daemon
}

# ---- revocation --------------------------------------------------------------

# CAs below ca: fine, whose list is good, stale, whose list has expired, bare,
# which has none, and fallen, which is revoked; of each a client, and of the
# first two and ca one that is revoked.
make_lists() {
	for tier in fine stale bare fallen; do
		sign_ca $tier ca
		sign_client $tier-good $tier
		sign_client $tier-bad $tier
	done
	issue client revoked ca --name revoked
	put_on_list ca revoked
	put_on_list ca fallen
	put_on_list fine fine-bad
	put_on_list stale stale-bad
	make_list ca
	make_list fine
	make_list fallen
	make_list stale -crl_lastupdate 20200101000000Z \
	    -crl_nextupdate 20200201000000Z
	cat ca.crl.pem fine.crl.pem fallen.crl.pem stale.crl.pem >crl.pem
	for tier in fine stale bare fallen; do
		chain $tier-good $tier
		chain $tier-bad $tier
	done
}

e2e_case crl_strict "revocation lists, strict: the same everywhere"
crl_strict_body() {
	make_pki --pathlen 9
	make_lists
	write_conf clients.crl=crl.pem
	rules="--crl crl.pem"
	start_daemon
	agree allow client
	agree allow fine-good
	agree revoked revoked
	agree revoked fine-bad
	agree revoked fallen-good
	agree crl-missing bare-good
	agree crl-expired stale-good
	agree crl-expired stale-bad
	agree untrusted other
	stop_daemon
}

e2e_case crl_last_good "revocation lists, last-good: the same everywhere"
crl_last_good_body() {
	make_pki --pathlen 9
	make_lists
	write_conf clients.crl=crl.pem clients.crl-policy=last-good
	rules="--crl crl.pem --crl-policy last-good"
	start_daemon
	agree allow client
	agree revoked revoked
	agree revoked fallen-good
	agree crl-missing bare-good
	agree allow stale-good
	agree revoked stale-bad
	explain stale-good --from 127.0.0.1
	grep -q '^holds  *crl-expired .*last-good' told ||
	    fail_with_log "the expired list is not told"
	stop_daemon
}

# ---- pins and names ----------------------------------------------------------

e2e_case pins "pins of certificates and of keys, the same everywhere"
pins_body() {
	make_pki
	issue client by-key ca --name by-key
	issue client neither ca --name neither
	sign_client again ca
	cp by-key.key again.key
	openssl req -new -key again.key -subj /CN=again -out again.csr
	openssl x509 -req -in again.csr -CA ca.pem -CAkey ca.key -days 2 \
	    -extfile again.ext -out again.pem 2>openssl.err ||
	    fail_with_log "openssl"
	by_key=$(key_hash_of by-key.pem | tr a-f A-F)
	rules="--pin SHA256:$(hash_of client.pem) --pin sha256:$by_key"
	write_conf \
	    "clients.pin={\"SHA256:$(hash_of client.pem)\", \"sha256:$by_key\"}"
	start_daemon
	agree allow client
	agree allow by-key
	agree allow again
	agree pin-mismatch neither
	agree untrusted other
	stop_daemon
}

# allow_case PATTERN GOOD BAD: these two certificates, by this pattern alone.
allow_case() {
	write_conf "clients.allow={\"$1\"}"
	rules="--allow $1"
	start_daemon
	agree allow "$2"
	agree not-allowed "$3"
	stop_daemon
}

e2e_case allow "patterns of each kind, the same everywhere"
allow_body() {
	make_pki
	sign named ca "$usual_client
subjectAltName=DNS:a.in.example,URI:spiffe://in.example/job-7,email:bob@in.example"
	sign misnamed ca "$usual_client
subjectAltName=DNS:a.b.in.example,URI:spiffe://in.example/job-7/x,email:bob@x.in.example"
	allow_case 'cn:nam*' named misnamed
	allow_case 'dns:*.in.example' named misnamed
	allow_case 'uri:spiffe://in.example/job-*' named misnamed
	allow_case 'email:*@in.example' named misnamed
	# any one of them is enough
	write_conf 'clients.allow={"cn:nobody", "cn:client", "dns:*.in.example"}'
	rules="--allow cn:nobody --allow cn:client --allow dns:*.in.example"
	start_daemon
	agree allow client
	agree allow named
	agree not-allowed misnamed
	stop_daemon
}

# ---- addresses ---------------------------------------------------------------

e2e_case addresses "the address of the client, the same everywhere"
addresses_body() {
	make_pki
	for n in 127.0.0.1 127.0.0.2 ::1; do
		sign "at-$n" ca "$usual_client
subjectAltName=IP:$n"
	done
	port=$(free_port)
	write_conf clients.host-check=address \
	    "listen={\"127.0.0.1:$port\", \"[::1]:$port\"}"
	start_daemon
	rules="--from 127.0.0.1"
	agree allow at-127.0.0.1
	agree address-mismatch at-127.0.0.2
	agree address-mismatch client
	host=::1
	rules="--from ::1"
	agree allow at-::1 ::1
	agree address-mismatch at-127.0.0.1 ::1
	# no address is compared of whom the chain does not let in
	agree untrusted other ::1
	explains allow at-127.0.0.1 --from ::ffff:127.0.0.1
	explains allow at-127.0.0.1 --from '[::ffff:127.0.0.1]:4711'
	explains address-mismatch at-127.0.0.1 --from ::127.0.0.1
	explains allow at-127.0.0.2 --from 127.0.0.2
	stop_daemon
}

# ---- several at once ---------------------------------------------------------

e2e_case order "of several faults, everybody names the first"
order_body() {
	make_pki --pathlen 9
	write_conf clients.host-check=address clients.max-depth=1 \
	    'clients.allow={"cn:nobody"}' clients.crl=crl.pem \
	    "clients.pin={\"SHA256:$(hash_of ca.pem)\"}"
	rules="--max-depth 1 --allow cn:nobody --crl crl.pem --from 127.0.0.1
	    --pin SHA256:$(hash_of ca.pem)"
	sign_ca bound ca 'nameConstraints=critical,permitted;DNS:in.example'
	old="--not-before 2001-01-01 --not-after 2001-02-01"
	# shellcheck disable=SC2086
	{
		issue client expired ca --name expired $old
		issue server wrong ca --host wrong.example $old
		issue client stranger other-ca --name stranger $old
	}
	issue client revoked ca --name revoked
	put_on_list ca revoked
	make_list ca
	cp ca.crl.pem crl.pem
	tamper wrong bent
	sign_client sha1 other-ca -sha1
	sign deep bound "subjectAltName=DNS:out.example"
	chain deep bound
	start_daemon
	agree bad-signature bent
	agree chain-too-long deep
	agree untrusted stranger
	agree untrusted other
	agree wrong-purpose wrong
	agree expired expired
	agree revoked revoked
	agree pin-mismatch client
	stop_daemon
	write_conf clients.host-check=address 'clients.allow={"cn:nobody"}'
	rules="--allow cn:nobody --from 127.0.0.1"
	start_daemon
	agree not-allowed client
	agree name-constraint deep
	stop_daemon
}

# ---- balancers ---------------------------------------------------------------

e2e_case balancers "what --explain says of a listed source"
balancers_body() {
	make_pki
	sign at ca "$usual_client
subjectAltName=IP:192.0.2.7"
	write_conf clients.host-check=address \
	    'proxy.from={"127.0.0.0/8", "2001:db8::/32"}'
	start_daemon
	lives allow at --proxy-v2 192.0.2.7
	explains allow at --from 192.0.2.7 --proxy 127.0.0.1
	lives address-mismatch at --proxy-v2 192.0.2.8
	explains address-mismatch at --from 192.0.2.8 --proxy 127.0.0.1
	lives proxy-required at
	explains proxy-required at --from 127.0.0.1
	explains proxy-required other --from 127.0.0.1
	explains allow at --from 192.0.2.7 --proxy ::ffff:127.0.0.1
	explains allow at --from 192.0.2.7 --proxy 2001:db8::1
	explains protocol at --from 192.0.2.7 --proxy 192.0.2.9
	explains protocol other --from 192.0.2.7 --proxy 192.0.2.9
	explains allow at --from 192.0.2.7
	stop_daemon
	write_conf
	start_daemon
	lives protocol client --proxy-v2 192.0.2.7
	explains protocol client --from 192.0.2.7 --proxy 127.0.0.1
	stop_daemon
}

# ---- what it takes and prints ------------------------------------------------

# complains STATUS PATTERN OPTION...: posternd says one line like this.
complains() {
	wanted=$1
	pattern=$2
	shift 2
	status=0
	posternd "$@" >told 2>told.err || status=$?
	test $status -eq "$wanted" ||
	    fail_with_log "status $status with $*"
	test ! -s told || fail_with_log "it prints, with $*"
	test "$(wc -l <told.err)" -eq 1 && grep -q "^posternd: $pattern" \
	    told.err || fail_with_log "with $*"
}

e2e_case options "the options of --explain go together"
options_body() {
	make_pki
	write_conf
	set -- -f posternd.conf --explain client.pem
	complains 64 "--explain wants --from" "$@"
	complains 64 "--from .*--explain" -f posternd.conf --from 127.0.0.1
	complains 64 "--from .*--explain" -f posternd.conf --proxy 127.0.0.1
	complains 64 "--json goes with" -f posternd.conf --json
	for address in '' localhost 127.1 127.0.0.256 ::g '[::1' 1.2.3.4/8 \
	    '127.0.0.1:x'; do
		complains 64 "--from .*want a numeric address" "$@" \
		    --from "$address"
		complains 64 "--proxy .*want a numeric address" "$@" \
		    --from 127.0.0.1 --proxy "$address"
	done
	escape=$(printf '\033[2J')
	complains 64 '--from \\x1b\[2J: want' "$@" --from "$escape"
	for address in 127.0.0.1 127.0.0.1:80 ::1 '[::1]' '[::1]:80' \
	    2001:db8::1; do
		explains allow client --from "$address"
	done
}

e2e_case files "what --explain cannot read, it says"
files_body() {
	make_pki
	write_conf
	at="-f posternd.conf --from 127.0.0.1 --explain"
	mkdir directory
	mkfifo fifo
	: >empty.pem
	openssl x509 -in client.pem -outform DER -out client.der
	head -n 5 client.pem >short.pem
	truncate -s 20M large.pem
	# shellcheck disable=SC2086
	{
		complains 66 'none.pem: No such file' $at none.pem
		complains 65 'directory: is a directory' $at directory
		complains 65 'fifo: is not a regular file' $at fifo
		complains 65 'empty.pem: is empty' $at empty.pem
		complains 65 'client.key: .*certificate' $at client.key
		complains 65 'client.der: .*PEM' $at client.der
		complains 65 'short.pem: ' $at short.pem
		complains 65 'large.pem: is larger than 16 MiB' $at large.pem
		complains 78 'none.conf: No such file' -f none.conf \
		    --from 127.0.0.1 --explain client.pem
		write_conf clients.ca=client.key
		complains 78 '.*/client.key: .*certificate' $at client.pem
		write_conf clients.crl=ca.pem
		complains 78 '.*/ca.pem: holds no revocation list' $at client.pem
		write_conf clients.crl=none.pem
		complains 78 '.*/none.pem: No such file' $at client.pem
	}
	# DOS line ends, and words before and behind, are no mistake
	write_conf
	{ echo something; sed 's/$/\r/' client.pem; cat client.key; } >dos.pem
	explains allow dos --from 127.0.0.1
	# what it prints is for somebody: it is not lost in silence
	status=0
	# shellcheck disable=SC2086
	posternd $at client.pem >/dev/full 2>told.err || status=$?
	test $status -eq 74 || atf_fail "a full disk: $status"
}

# A client that nobody has to let in, by ca: its names to the file $1.ext.
many_names() {
	seq 1 "$3" | sed "s/.*/DNS.& = n&$2/" >"$1.names"
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$1.key" 2>/dev/null
	{
		printf '[e]\nextendedKeyUsage=clientAuth\n'
		printf 'subjectAltName=@names\n[names]\n'
		cat "$1.names"
	} >"$1.ext"
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" &&
	    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days 2 \
	    -extfile "$1.ext" -extensions e -out "$1.pem" 2>openssl.err ||
	    fail_with_log "openssl"
}

e2e_case many_names \
    "ten thousand names are judged, and cut where they are shown"
many_names_body() {
	make_pki
	many_names many '' 10000
	many_names larger .some.example 10000
	write_conf 'clients.allow={"dns:n10000"}'
	rules="--allow dns:n10000"
	start_daemon
	# LibreSSL gives up beyond 2048.
	word=allow
	! posternd -V | grep -q LibreSSL || word=internal
	agree $word many
	explain many --from 127.0.0.1
	grep -q '^names  *DNS:n1,DNS:n2,.*\.\.\.$' told ||
	    fail_with_log "its names"
	# more than TLS takes in one message
	lives protocol larger
	explains protocol larger --from 127.0.0.1
	stop_daemon
	write_conf 'clients.allow={"dns:none", "uri:x:*", "cn:*.example"}'
	rules="--allow dns:none --allow uri:x:* --allow cn:*.example"
	start_daemon
	agree not-allowed many
	log_has "reason=not-allowed .* names=\"DNS:n1,DNS:n2,[^\"]*\.\.\.\"" ||
	    log_has "reason=not-allowed .* names=DNS:n1,DNS:n2,[^ ]*\.\.\. " ||
	    fail_with_log "its names in the log"
	stop_daemon
}

e2e_case hostile "what a certificate says cannot command a terminal"
hostile_body() {
	make_pki
	# the name of DNS: "a", NUL, "b"; ESC [ 2 J; quote, newline, "allow"
	names='DER:30:1b:82:03:61:00:62:82:04:1b:5b:32:4a:82:0e:22:0a:61:6c'
	names="$names:6c:6f:77:0a:6c:6f:77:2c:44:4e"
	subject="/O=$(printf 'x\033[2J"\nallow\n\302\233')/CN=hostile" \
	    sign hostile ca "$usual_client
subjectAltName=$names"
	write_conf 'clients.allow={"dns:a", "dns:b", "dns:allow"}'
	explains not-allowed hostile --from 127.0.0.1
	LC_ALL=C grep -q '[^ -~]' told && atf_fail "not escaped, in JSON"
	LC_ALL=C grep -q '[^ -~]' told.text && atf_fail "not escaped"
	grep -q -x allow told.text && atf_fail "it has written the verdict"
	grep -q -F 'a\x00b' told.text || fail_with_log "a NUL in a name"
}

# ---- the table of words ------------------------------------------------------

# Of the vocabulary, in DESIGN's order.
words='too-many-connections too-many-from-address too-many-handshakes too-fast
proxy-required proxy-bad protocol handshake-timeout
no-certificate bad-signature weak-crypto chain-too-long untrusted
name-constraint wrong-purpose not-yet-valid expired crl-missing crl-expired
revoked pin-mismatch not-allowed address-mismatch name-unconfirmed
resolver-timeout backend-unreachable shutting-down internal'

e2e_case reasons "--reasons prints each word once, in the order of the rules"
reasons_body() {
	# shellcheck disable=SC2086
	printf '%s\n' $words >words
	posternd --reasons >told 2>told.err || atf_fail "status $?"
	test ! -s told.err || fail_with_log "it complains"
	sed 1d told | cut -d ' ' -f 1 >printed
	diff words printed || atf_fail "not the words, or not in order"
	sed 1d told | grep -v -x -E \
	    '[a-z-]+ +(error|warning|info) +77 +[a-zA-Z].*[a-zA-Z0-9})]' &&
	    atf_fail "a line is not whole"
	posternd --reasons --json >told 2>told.err || atf_fail "status $?"
	python3 - <<-'END' || atf_fail "the document"
	import json
	d = json.load(open("told"))
	assert [r["word"] for r in d] == open("words").read().split(), d
	for r in d:
	    assert sorted(r) == ["exit", "explainable", "level", "text",
	        "word"], r
	    assert r["exit"] == 77, r
	    assert r["level"] in ("error", "warning", "info"), r
	    assert len(r["text"]) > 10 and r["text"][-1] != ".", r
	    assert isinstance(r["explainable"], bool), r
	END
	status=0
	posternd --reasons >/dev/full 2>told.err || status=$?
	test $status -eq 74 || atf_fail "a full disk: $status"
}

e2e_case undecidable "--explain lists exactly the words that it cannot give"
undecidable_body() {
	make_pki
	write_conf
	posternd --reasons --json >reasons.json || atf_fail "--reasons: $?"
	explain client --json --from 127.0.0.1
	python3 - <<-'END' || atf_fail "the lists"
	import json
	table = json.load(open("reasons.json"))
	d = json.load(open("told"))
	want = [r["word"] for r in table if not r["explainable"]]
	assert d["undecidable"] == want, (d["undecidable"], want)
	told = {r["rule"] for r in d["rules"]}
	assert told <= {r["word"] for r in table if r["explainable"]}, told
	END
	explain client --from 127.0.0.1
	grep -q '^not decidable without a connection: .* no-certificate' told ||
	    fail_with_log "its words"
}
