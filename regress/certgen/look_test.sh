#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# The subcommands that only look: what they show, and what they cannot do.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../certgen_verbs.sh"

pin_of() {
	echo "SHA256:$(openssl x509 -in "$1" -outform DER | sha256sum |
	    cut -c 1-64)"
}

key_pin_of() {
	echo "SHA256:$(openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64)"
}

inspect() {
	postern-certgen inspect "$@" >shown 2>said ||
	    fail_showing said "inspect $*"
}

e2e_case inspect "A certificate, for people"
inspect_body() {
	make_ca ca
	issue server s ca --host s.example,192.0.2.1,2001:db8::1 \
	    --uri x:y --not-after 2035-01-02T03:04:05Z
	inspect s.pem
	cat >expected <<-END
	s.pem: certificate
	    subject         CN=s.example
	    issuer          CN=ca
	    serial          $(serial_of s.pem)
	END
	head -n 4 shown | cmp - expected || fail_showing shown
	for line in 'not after       2035-01-02T03:04:05Z' \
	    'key             EC P-256' 'signature       ecdsa-with-SHA256' \
	    'names           DNS:s.example' '                IP:192.0.2.1' \
	    '                IP:2001:db8::1' '                URI:x:y' \
	    'key usage       digitalSignature' 'usages          serverAuth' \
	    'ca              no' "pin             $(pin_of s.pem)" \
	    "public key pin  $(key_pin_of s.pem)"; do
		grep -qxF "    $line" shown || fail_showing shown "$line"
	done
}

e2e_case json "The same for programs, as one document"
json_body() {
	certgen ca --cert ca.pem --key ca.key --name ca --pathlen 3 \
	    --permit dns:example.org,ip:10.0.0.0/8 --algorithm rsa3072
	issue client c ca --name 'a "b", c' --host a.example.org \
	    --email a@b.example --days 9 --algorithm ed25519
	inspect --json c.pem ca.pem
	c="d['objects'][0]"
	a="d['objects'][1]"
	is() {
		found=$(json shown "$1")
		test "$found" = "$2" || atf_fail "$1: '$found', not '$2'"
	}
	is "len(d['objects'])" 2
	is "${c}['file']" c.pem
	is "${c}['kind']" certificate
	is "${c}['subject']" 'CN=a \\\"b\\\"\\, c'
	is "${c}['serial']" "$(serial_of c.pem)"
	is "${c}['days_left'] in (8, 9)" True
	is "${c}['key']" Ed25519
	is "${c}['names']" "['DNS:a.example.org', 'email:a@b.example']"
	is "${c}['usages']" "['clientAuth']"
	is "${c}['key_usage']" "['digitalSignature']"
	is "${c}['ca']" False
	is "${c}['pin']" "$(pin_of c.pem)"
	is "${c}['public_key_pin']" "$(key_pin_of c.pem)"
	is "${a}['ca']" True
	is "${a}['pathlen']" 3
	is "${a}['key']" 'RSA 3072'
	is "${a}['key_usage']" "['keyCertSign', 'cRLSign']"
	is "${a}['permitted']" "['DNS:example.org', 'IP:10.0.0.0/8']"
	is "${a}['excluded']" '[]'
	is "sorted(k for k in ${c} if k != k.lower())" '[]'
}

e2e_case days "How many days are left, and how long ago the end was"
days_body() {
	make_ca ca
	for pair in 1:'+1 day +1 hour' 0:'+1 hour' -1:'-1 hour' \
	    -11:'-10 days -1 hour'; do
		t=$(date -u -d "now ${pair#*:}" +%Y-%m-%dT%H:%M:%SZ)
		rm -f c.pem c.key
		issue client c ca --name c --not-after "$t"
		inspect --json c.pem
		atf_check_equal "${pair%%:*}" \
		    "$(json shown "d['objects'][0]['days_left']")"
	done
}

e2e_case others "Requests, revocation lists, and all that is in a file"
others_body() {
	make_ca ca
	certgen csr --key c.key --csr c.csr --name c --host h
	by_ca sign --csr c.csr --cert c.pem --role client
	by_ca revoke --cert c.pem --crl crl.pem --reason keyCompromise
	cat c.key ca.pem c.csr crl.pem c.pem >all.pem
	inspect --json all.pem
	atf_check_equal "['certificate', 'request', 'crl', 'certificate']" \
	    "$(json shown "[o['kind'] for o in d['objects']]")"
	atf_check_equal "['DNS:h']" \
	    "$(json shown "d['objects'][1]['names']")"
	atf_check_equal True \
	    "$(json shown "d['objects'][1]['signature_valid']")"
	atf_check_equal "1 keyCompromise $(serial_of c.pem)" \
	    "$(json shown "str(d['objects'][2]['number']) + ' ' +
d['objects'][2]['revoked'][0]['reason'] + ' ' +
d['objects'][2]['revoked'][0]['serial']")"
	grep -q 'PRIVATE' shown && atf_fail "the key is shown"
	inspect all.pem
	grep -q '^    revoked .* keyCompromise$' shown || fail_showing shown
	# A request whose signature is another's is shown, and said to be so.
	certgen csr --key d.key --csr d.csr --name c --host h
	python3 - <<-'END'
	import base64
	text = open("c.csr").read().split("\n")
	der = bytearray(base64.b64decode("".join(text[1:-2])))
	der[-1] ^= 1
	open("bad.csr", "w").write(text[0] + "\n" +
	    base64.encodebytes(der).decode() + text[-2] + "\n")
	END
	inspect bad.csr
	grep -q '^    signature valid no$' shown || fail_showing shown
}

e2e_case hostile "Nothing in a certificate gets at the terminal"
hostile_body() {
	san=30:10:82:0e:67:1b:5b:32:4a:00:0a:2c:44:4e:53:3a:65:76
	openssl_req -x509 -keyout h.key -out h.pem -utf8 \
	    -subj "/CN=$(printf 'a\033[2Jb\nc')/O=é" \
	    -addext subjectAltName=DER:$san
	for json_ in '' --json; do
		# shellcheck disable=SC2086 # none, or one word
		inspect $json_ h.pem
		LC_ALL=C grep -q '[^ -~]' shown && fail_showing shown
		grep -qF '\x1b[2J' shown || fail_showing shown
		grep -qF 'evil' shown && atf_fail "not from this file"
	done
	inspect h.pem
	grep -qxF '    names           DNS:g\x1b[2J\x00\x0a,DNS:ev' shown ||
	    fail_showing shown
	cp h.pem "$(printf 'x\033\n.pem')"
	inspect "$(printf 'x\033\n.pem')"
	LC_ALL=C grep -q '[^ -~]' shown && fail_showing shown
	true
}

e2e_case pin "Both pins, as the daemon and the client take them"
pin_body() {
	make_ca ca
	issue client c ca --name c
	cat c.pem ca.pem >chain.pem
	atf_check -o inline:"$(pin_of c.pem)  certificate  chain.pem
$(key_pin_of c.pem)  public key   chain.pem
" postern-certgen pin chain.pem
	postern-certgen pin --json c.pem ca.pem >shown || atf_fail pin
	atf_check_equal "$(pin_of c.pem) $(key_pin_of ca.pem) ca.pem" \
	    "$(json shown "d['pins'][0]['certificate'] + ' ' +
d['pins'][1]['public_key'] + ' ' + d['pins'][1]['file']")"
	for p in $(postern-certgen pin c.pem | cut -d ' ' -f 1); do
		atf_check -o match:'^holds  pin-mismatch' -o match:'^allow$' \
		    postern-certgen verify --ca ca.pem --cert c.pem --pin "$p"
	done
	refused $EX_USAGE 'pin: a file is missing' pin
	refused $EX_USAGE 'inspect: a file is missing' inspect --json
}

# ---- verify ----------------------------------------------------------------

# verdict WORD ARG...: "allow", or the word of the refusal, in both forms.
verdict() {
	word=$1
	shift
	code=0
	postern-certgen verify "$@" >shown 2>said || code=$?
	test ! -s said || fail_showing said
	postern-certgen verify --json "$@" >shown.json 2>said
	atf_check_equal $code $?
	if [ "$word" = allow ]; then
		atf_check_equal 0 $code
		atf_check_equal allow "$(tail -n 1 shown)"
		atf_check_equal 'allow None' "$(json shown.json \
		    "d['verdict'] + ' ' + str(d['reason'])")"
		return
	fi
	atf_check_equal $EX_NOPERM $code
	atf_check_equal "refuse $word" "$(tail -n 1 shown)"
	atf_check_equal "refuse $word" "$(json shown.json \
	    "d['verdict'] + ' ' + d['reason']")"
	grep -q "^fails  $word " shown || fail_showing shown
	atf_check_equal fails "$(json shown.json "[r['verdict']
for r in d['rules'] if r['rule'] == '$word'][0]")"
}

e2e_case verify "Each rule by its word"
verify_body() {
	make_ca ca
	make_ca other
	issue client c ca --name c --host 192.0.2.7,c.example \
	    --uri spiffe://example/c
	issue server s ca --host s.example
	issue client old ca --name old --not-after 2020-01-01
	issue client new ca --name new --not-before 2035-01-01 --days 9
	issue client r ca --name r
	by_ca revoke --cert r.pem --crl crl.pem
	verdict allow --ca ca.pem --cert c.pem
	verdict allow --ca ca.pem --cert c.pem --crl crl.pem
	verdict untrusted --ca other.pem --cert c.pem
	verdict wrong-purpose --ca ca.pem --cert s.pem
	verdict allow --ca ca.pem --cert s.pem --purpose server
	verdict wrong-purpose --ca ca.pem --cert c.pem --purpose server
	verdict expired --ca ca.pem --cert old.pem
	verdict not-yet-valid --ca ca.pem --cert new.pem
	verdict revoked --ca ca.pem --cert r.pem --crl crl.pem
	verdict allow --ca ca.pem --cert r.pem
	verdict pin-mismatch --ca ca.pem --cert c.pem --pin \
	    "$(pin_of r.pem)"
	verdict allow --ca ca.pem --cert c.pem --pin "$(pin_of r.pem)" \
	    --pin "$(key_pin_of c.pem)"
	verdict not-allowed --ca ca.pem --cert c.pem --allow 'cn:d'
	verdict allow --ca ca.pem --cert c.pem --allow cn:d \
	    --allow 'uri:spiffe://example/*'
	verdict allow --ca ca.pem --cert c.pem --from 192.0.2.7
	verdict address-mismatch --ca ca.pem --cert c.pem --from 192.0.2.8
	verdict allow --ca ca.pem --cert c.pem --from ::ffff:192.0.2.7
}

e2e_case verify_crl "Lists that are missing or over"
verify_crl_body() {
	make_ca ca
	make_ca other
	issue client c ca --name c
	certgen crl --ca other.pem --ca-key other.key --crl other.crl
	cat ca.pem other.pem >both.pem
	verdict crl-missing --ca both.pem --cert c.pem --crl other.crl
	refused $EX_DATAERR 'other.crl: holds no revocation list of a CA in' \
	    verify --ca ca.pem --cert c.pem --crl other.crl
	: >index.txt
	echo 'default_ca = a
[a]
database = index.txt' >a.cnf
	openssl ca -config a.cnf -gencrl -cert ca.pem -keyfile ca.key \
	    -md sha256 -crl_lastupdate 200101000000Z \
	    -crl_nextupdate 200201000000Z -out old.crl 2>/dev/null ||
	    atf_fail "openssl cannot make a list"
	verdict crl-expired --ca ca.pem --cert c.pem --crl old.crl
	verdict allow --ca ca.pem --cert c.pem --crl old.crl \
	    --crl-policy last-good
}

e2e_case verify_chain "Chains: how long, and what is sent beside the leaf"
verify_chain_body() {
	certgen ca --cert ca.pem --key ca.key --name ca --pathlen 3
	certgen ca --cert mid.pem --key mid.key --name mid --pathlen 1 \
	    --parent ca.pem --parent-key ca.key
	certgen ca --cert low.pem --key low.key --name low --parent mid.pem \
	    --parent-key mid.key
	issue client c low --name c
	verdict allow --ca ca.pem --cert c.pem --max-depth 3
	verdict chain-too-long --ca ca.pem --cert c.pem --max-depth 2
	openssl x509 -in c.pem -out leaf.pem
	verdict untrusted --ca ca.pem --cert leaf.pem
	openssl_req -keyout n.key -out n.csr -subj /CN=n
	openssl x509 -req -in n.csr -CA ca.pem -CAkey ca.key -days 9 \
	    -out n.pem 2>/dev/null || atf_fail "openssl cannot sign"
	verdict wrong-purpose --ca ca.pem --cert n.pem
	verdict allow --ca ca.pem --cert n.pem --no-client-usage
	certgen ca --cert p.pem --key p.key --name p --permit dns:example.org
	openssl_req -keyout q.key -out q.csr -subj /CN=q
	printf 'subjectAltName=DNS:a.example.com\nextendedKeyUsage=clientAuth' \
	    >q.ext
	openssl x509 -req -in q.csr -CA p.pem -CAkey p.key -days 9 \
	    -extfile q.ext -out q.pem 2>/dev/null ||
	    atf_fail "openssl cannot sign"
	verdict name-constraint --ca p.pem --cert q.pem
}

e2e_case verify_usage "Rules that are none"
verify_usage_body() {
	make_ca ca
	issue client c ca --name c
	bad_rule() {
		refused $EX_USAGE "$1" verify --ca ca.pem --cert c.pem "$2" \
		    "$3"
	}
	bad_rule 'not SHA256: and 64' --pin SHA256:12
	bad_rule '--allow: "x"' --allow x
	bad_rule 'neither strict nor last-good' --crl-policy lax
	bad_rule 'neither client nor server' --purpose both
	bad_rule 'not a numeric address' --from localhost
	bad_rule 'not a number from 0' --max-depth 99
	refused $EX_USAGE '--ca is missing' verify --cert c.pem
	refused $EX_USAGE '--cert is missing' verify --ca ca.pem
	refused $EX_USAGE 'neither an option' verify --ca ca.pem \
	    --cert c.pem c.pem
	refused $EX_DATAERR 'ca.key: holds no certificate' verify \
	    --ca ca.key --cert c.pem
	refused $EX_DATAERR 'ca.key: holds no certificate' verify \
	    --ca ca.pem --cert ca.key
	refused $EX_DATAERR 'c.pem: holds no revocation list' verify \
	    --ca ca.pem --cert c.pem --crl c.pem
}

# ---- confinement -----------------------------------------------------------

# The installation of a filter, and not a question about it; where strace is
# not of root it shows an address only.
installs='seccomp(SECCOMP_SET_MODE_FILTER, 0, [{0]'

# Of a trace, the calls after the (last) filter is there.
after_filter() {
	awk '/seccomp\(SECCOMP_SET_MODE_FILTER, 0, [{0]/ { n = NR }
	    { line[NR] = $0 }
	    END { for (i = n + 1; n > 0 && i <= NR; i++) print line[i] }' \
	    "$1"
}

# confined TRACE: root, files and all other calls were given up, in order.
confined() {
	for step in 'prctl(PR_SET_NO_NEW_PRIVS, 1' 'close_range(3' \
	    'landlock_restrict_self(' "$installs"; do
		grep -q "$step" "$1" || atf_fail "never: $step"
	done
	if is_root; then
		grep -q 'setresuid(65534, 65534, 65534) *= 0' "$1" ||
		    atf_fail "root is kept"
		grep -q 'setgroups(0, ' "$1" || atf_fail "root's groups"
	fi
	after_filter "$1" >free
	grep -qF 'exit_group' free || fail_showing free "it did not end so"
	# A sanitizer's run time puts its own stack away.
	test -z "${SANITIZE-}" || sed -i '/^1 sigaltstack/d' free
	grep -v -e '^1 \(write\|brk\|mmap\|munmap\|mremap\|madvise\)(' \
	    -e '^1 \(exit_group\|futex\|getrandom\|getpid\|sysinfo\)(' \
	    -e '^1 \(+++\|---\)' free >others
	test ! -s others || fail_showing others "other calls"
}

e2e_case confined "Whoever looks at a file of others has given up all else"
confined_head() {
	atf_set descr "Whoever looks at a file of others has given up all else"
	atf_set require.progs "strace"
}
confined_body() {
	make_ca ca
	issue client c ca --name c
	certgen csr --key q.key --csr q.csr --name q --host h
	by_ca crl --crl crl.pem
	for what in "inspect c.pem q.csr crl.pem" "inspect --json c.pem" \
	    "pin c.pem" "pin --json c.pem" \
	    "verify --ca ca.pem --crl crl.pem --cert c.pem" \
	    "verify --ca ca.pem --crl crl.pem --cert c.pem --json"; do
		rm -f trace trace.*
		# shellcheck disable=SC2086 # several words
		strace -qq -ff -o trace postern-certgen $what >out 2>&1 ||
		    fail_showing out "$what"
		sed 's/^/1 /' trace.* >one
		confined one
		# Nothing of the file was printed before.
		sed "/$installs/,\$d" one |
		    grep '^1 write(1' && atf_fail "$what: printed before"
	done
	true
}

e2e_case confined_child "So has the child that reads requests and lists"
confined_child_head() {
	atf_set descr "So has the child that reads requests and lists"
	atf_set require.progs "strace"
}
confined_child_body() {
	make_ca ca
	issue client c ca --name c
	certgen csr --key q.key --csr q.csr --name q --host h
	ca="--ca ca.pem --ca-key ca.key"
	for what in "sign $ca --csr q.csr --cert q.pem --role client" \
	    "renew $ca --cert c.pem" \
	    "revoke $ca --cert c.pem --crl crl.pem" \
	    "crl $ca --crl crl.pem"; do
		rm -f trace trace.*
		# shellcheck disable=SC2086 # several words
		strace -qq -ff -o trace postern-certgen $what >out 2>&1 ||
		    fail_showing out "$what"
		atf_check_equal 2 "$(ls trace.* | wc -l)"
		child=$(grep -l SECCOMP_SET_MODE_FILTER trace.*)
		atf_check_equal 1 "$(echo "$child" | wc -l)"
		sed 's/^/1 /' "$child" >one
		confined one
		grep -qF 'PR_SET_PDEATHSIG, SIGKILL' one ||
		    atf_fail "$what: it may outlive its parent"
		# Every file that is written is the other's work.
		grep -q 'O_CREAT\|renameat\|linkat' one &&
		    atf_fail "$what: the child writes files"
	done
	true
}

e2e_case child_dies "A child that is killed ends the run, and changes nothing"
child_dies_head() {
	atf_set descr "A child that is killed ends the run, and changes nothing"
	atf_set require.progs "strace"
}
child_dies_body() {
	make_ca ca
	certgen csr --key q.key --csr q.csr --name q
	cp ca.pem.index before
	code=0
	# In the child alone there is a close_range.
	strace -f -qq -o trace -e trace=close_range \
	    -e inject=close_range:signal=KILL postern-certgen sign \
	    --ca ca.pem --ca-key ca.key --csr q.csr --cert q.pem \
	    --role client 2>said || code=$?
	atf_check_equal 70 $code
	grep -q 'the confined child was killed by signal 9' said ||
	    fail_showing said
	test ! -e q.pem || atf_fail "a certificate was made"
	cmp before ca.pem.index || atf_fail "the index has changed"
}

e2e_case full "Where nothing can be shown, that is an error"
full_body() {
	make_ca ca
	for what in "inspect ca.pem" "inspect --json ca.pem" "pin ca.pem" \
	    "verify --ca ca.pem --cert ca.pem" \
	    "verify --json --ca ca.pem --cert ca.pem"; do
		code=0
		# shellcheck disable=SC2086 # several words
		postern-certgen $what >/dev/full 2>said || code=$?
		atf_check_equal "$EX_IOERR" $code
		grep -q '^postern-certgen: standard output: No space' said ||
		    fail_showing said "$what"
	done
}
