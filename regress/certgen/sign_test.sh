#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# Requests, what is signed of them and what is not, and certificates renewed.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../certgen_verbs.sh"

e2e_case csr "A key and a request are made, and signed by role"
csr_body() {
	make_ca ca
	certgen csr --key s.key --csr s.csr --host www.example,192.0.2.1 \
	    --host 2001:db8::1
	atf_check_equal 600 "$(stat -c %a s.key)"
	openssl req -in s.csr -noout -verify -subject >out 2>&1 ||
	    atf_fail "openssl cannot read the request"
	grep -q 'CN = www.example' out || fail_showing out
	by_ca sign --csr s.csr --cert s.pem --role server
	verifies ca.pem -purpose sslserver -verify_hostname www.example s.pem
	verifies ca.pem -verify_ip 2001:db8::1 s.pem
	does_not_verify ca.pem -purpose sslclient s.pem
	has_ext s.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:FALSE'
	has_ext s.pem keyUsage \
	    'X509v3 Key Usage: critical Digital Signature'
	openssl pkey -in s.key -pubout >of.key
	openssl x509 -in s.pem -noout -pubkey | cmp - of.key ||
	    atf_fail "not the request's key"
}

e2e_case csr_key "A key that is there is used, and never replaced"
csr_key_body() {
	certgen csr --key a.key --csr 1.csr --name a --algorithm p384
	cp a.key copy.key
	certgen csr --key a.key --csr 2.csr --name b
	cmp a.key copy.key || atf_fail "the key has changed"
	refused $EX_CANTCREAT '2.csr: exists' csr --key a.key --csr 2.csr \
	    --name c
	certgen csr --key a.key --csr 2.csr --name c --force
	cmp a.key copy.key || atf_fail "the key has changed"
	refused $EX_USAGE 'cannot be the same file' csr --key n --csr n --name n
	refused $EX_USAGE 'would replace the key' csr --key a.key \
	    --csr a.key --name n --force
	refused $EX_USAGE 'there is no name' csr --key n.key --csr n.csr
	openssl genrsa -out weak.key 1024 2>/dev/null
	refused $EX_DATAERR 'weak.key: is too weak' csr --key weak.key \
	    --csr n.csr --name n
}

e2e_case csr_says "csr and sign say what they have done"
csr_says_body() {
	make_ca ca
	atf_check -o inline:'c.key: private key, p256
c.csr: certificate request
' postern-certgen csr --key c.key --csr c.csr --name 'c d' --uri x:y -v
	atf_check -o match:'^c.pem: names URI:x:y$' \
	    -o match:'^c.pem: certificate, CN=c d, until .*, SHA256:' \
	    postern-certgen sign --ca ca.pem --ca-key ca.key --csr c.csr \
	    --cert c.pem --role client -v
}

e2e_case client "A client by request, with all kinds of names"
client_body() {
	make_ca ca
	certgen csr --key c.key --csr c.csr --name 'Zoë' --host h,10.0.0.1 \
	    --uri spiffe://example/n --email n@example
	by_ca sign --csr c.csr --cert c.pem --role client --days 7
	has_ext c.pem subjectAltName "X509v3 Subject Alternative Name: \
DNS:h, IP Address:10.0.0.1, URI:spiffe://example/n, email:n@example"
	has_ext c.pem extendedKeyUsage \
	    'X509v3 Extended Key Usage: TLS Web Client Authentication'
	openssl x509 -in c.pem -noout -subject -nameopt utf8 | grep -q 'Zoë' ||
	    atf_fail "another subject"
	openssl x509 -in c.pem -noout -checkend 691200 >out &&
	    atf_fail "longer than seven days"
	verifies ca.pem -purpose sslclient c.pem
}

e2e_case override "Names given to sign take the place of all asked for"
override_body() {
	make_ca ca
	certgen csr --key c.key --csr c.csr --name asked --host asked.example
	by_ca sign --csr c.csr --cert c.pem --role client --name given
	has_ext c.pem subjectAltName \
	    'X509v3 Subject Alternative Name: DNS:asked.example'
	openssl x509 -in c.pem -noout -subject | grep -q 'CN = given$' ||
	    atf_fail "another subject"
	by_ca sign --csr c.csr --cert d.pem --role server \
	    --host given.example --uri x:y
	has_ext d.pem subjectAltName \
	    'X509v3 Subject Alternative Name: DNS:given.example, URI:x:y'
}

e2e_case only_names "Nothing but names and key comes from the request"
only_names_body() {
	make_ca ca
	openssl_req -keyout c.key -out c.csr -subj '/O=Evil/CN=c/OU=Root' \
	    -addext extendedKeyUsage=serverAuth,codeSigning \
	    -addext keyUsage=keyAgreement,keyEncipherment \
	    -addext certificatePolicies=1.2.3 \
	    -addext subjectAltName=DNS:c.example
	by_ca sign --csr c.csr --cert c.pem --role client
	openssl x509 -in c.pem -noout -subject | grep -qx 'subject=CN = c' ||
	    atf_fail "more of the subject than its common name"
	has_ext c.pem extendedKeyUsage \
	    'X509v3 Extended Key Usage: TLS Web Client Authentication'
	has_ext c.pem keyUsage \
	    'X509v3 Key Usage: critical Digital Signature'
	openssl x509 -in c.pem -noout -text | grep -q Policies &&
	    atf_fail "the request's policies"
	true
}

refused_csr() {
	refused_by_ca $EX_DATAERR "$1" sign --csr c.csr --cert c.pem \
	    --role "${2:-client}"
}

e2e_case asks_ca "A request to be a CA is refused"
asks_ca_body() {
	make_ca ca
	for e in basicConstraints=CA:TRUE basicConstraints=critical,CA:TRUE \
	    keyUsage=keyCertSign keyUsage=digitalSignature,cRLSign; do
		openssl_req -keyout c.key -out c.csr -subj /CN=c -addext $e
		refused_csr 'c.csr: asks to be a CA'
	done
	openssl_req -keyout c.key -out c.csr -subj /CN=c \
	    -addext basicConstraints=DER:30:03:01:01
	refused_csr 'c.csr: asks for a malformed X509v3 Basic Constraints'
	openssl_req -keyout c.key -out c.csr -subj /CN=c \
	    -addext basicConstraints=CA:FALSE
	by_ca sign --csr c.csr --cert c.pem --role client
}

e2e_case bad_keys "Keys that are weak or malformed, signatures by others"
bad_keys_body() {
	make_ca ca
	openssl req -newkey rsa:1024 -nodes -keyout c.key -out c.csr \
	    -subj /CN=c 2>/dev/null
	refused_csr 'c.csr: its public key is too weak'
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:secp224r1 -nodes \
	    -keyout c.key -out c.csr -subj /CN=c 2>/dev/null
	refused_csr 'c.csr: its public key is too weak'
	openssl req -key ca.key -new -out c.csr -subj /CN=c
	refused_csr "c.csr: its key is the CA's own"
	# A byte of the point is another: no point of the curve any more.
	openssl_req -keyout k.key -out good.csr -subj /CN=c -outform DER
	at=$(grep -obUa "$(printf '\003\102\001\004')" good.csr |
	    head -n 1 | cut -d : -f 1)
	test -z "$at" && at=$(python3 -c 'import sys
print(open("good.csr", "rb").read().index(b"\x03\x42\x00\x04"))')
	python3 - "$at" <<-'END'
	import base64, sys
	der = bytearray(open("good.csr", "rb").read())
	der[int(sys.argv[1]) + 20] ^= 1
	text = base64.encodebytes(der).decode()
	open("c.csr", "w").write("-----BEGIN CERTIFICATE REQUEST-----\n" +
	    text + "-----END CERTIFICATE REQUEST-----\n")
	END
	refused_csr 'c.csr: its public key is malformed'
	# The last byte of the signature is another.
	python3 - <<-'END'
	import base64
	der = bytearray(open("good.csr", "rb").read())
	der[-1] ^= 1
	text = base64.encodebytes(der).decode()
	open("c.csr", "w").write("-----BEGIN CERTIFICATE REQUEST-----\n" +
	    text + "-----END CERTIFICATE REQUEST-----\n")
	END
	refused_csr 'c.csr: its signature is not by its own key'
}

e2e_case bad_names "Names that no certificate of ours may have"
bad_names_body() {
	make_ca ca
	bad_name() {
		openssl_req -keyout c.key -out c.csr -subj "${3:-/CN=c}" \
		    ${1:+-addext} ${1:+"subjectAltName=$1"}
		refused_csr "$2" "${4:-server}"
	}
	bad_name 'DNS:*.example' 'c.csr: "*.example": would match a whole'
	bad_name 'DNS:*.a.example' 'is a wildcard' /CN=c client
	bad_name 'DNS:a b.example' 'has spaces or control characters'
	bad_name 'DNS:192.0.2.1' 'is neither an IPv4 address nor'
	bad_name 'URI:nonsense' 'is not a URI'
	bad_name 'email:nonsense' 'is not an e-mail address'
	bad_name 'IP:::ffff:192.0.2.1' "in IPv6's clothes"
	bad_name 'otherName:1.2.3.4;UTF8:a' 'c.csr: asks for a name that'
	# good\0.evil; an address of three bytes; a name cut short
	bad_name DER:30:0c:82:0a:67:6f:6f:64:00:2e:65:76:69:6c \
	    'c.csr: "good\x00.evil": has a NUL in it'
	bad_name DER:30:05:87:03:01:02:03 'is an address of no length'
	bad_name DER:30:05:82:09:61:62:63 'malformed X509v3 Subject Alt'
	bad_name '' 'asks for no host'
	bad_name '' 'has several common names' /CN=a/CN=b client
	bad_name '' 'asks for no name at all' /O=a client
	openssl_req -keyout c.key -out c.csr -subj "/CN=$(printf 'a\tb')"
	refused_csr 'c.csr: "a\x09b": has control characters in it'
	refused_by_ca $EX_USAGE 'a wildcard is only for' sign --csr c.csr \
	    --cert c.pem --role client --host '*.a.example'
	refused_by_ca $EX_USAGE 'neither server nor client' sign --csr c.csr \
	    --cert c.pem --role ca
	openssl_req -keyout c.key -out c.csr -subj /CN=c \
	    -addext 'subjectAltName=DNS:*.a.example'
	by_ca sign --csr c.csr --cert c.pem --role server
}

e2e_case spared "sign replaces neither files of the CA nor the request"
spared_body() {
	make_ca ca
	certgen csr --key c.key --csr c.csr --name c
	for pair in "ca.pem:a file of the CA" "ca.key:a file of the CA" \
	    "c.csr:the request"; do
		refused_by_ca $EX_USAGE "would replace ${pair#*:}" sign \
		    --csr c.csr --cert "${pair%%:*}" --role client --force
	done
	refused_by_ca $EX_USAGE 'cannot be the same file' sign --csr c.csr \
	    --cert ca.pem.index --role client --force
	touch c.pem
	refused_by_ca $EX_CANTCREAT 'c.pem: exists' sign --csr c.csr \
	    --cert c.pem --role client
}

# ---- renew -----------------------------------------------------------------

# The names and extensions of a certificate, without what renewing changes.
body_of() {
	openssl x509 -in "$1" -noout -subject -ext \
	    subjectAltName,basicConstraints,keyUsage,extendedKeyUsage \
	    2>/dev/null
}

e2e_case renew "The same subject, names, role and key for another while"
renew_body() {
	make_ca ca
	issue server s ca --host s.example,192.0.2.1 --uri x:y --days 30
	issue client c ca --name c --email a@b --days 9
	for f in s c; do
		cp $f.pem before.pem
		chmod 640 $f.pem
		by_ca renew --cert $f.pem
		cmp before.pem $f.pem.old || atf_fail "the old is not kept"
		test "$(body_of before.pem)" = "$(body_of $f.pem)" ||
		    atf_fail "$f: another: $(body_of $f.pem)"
		same_key before.pem $f.pem || atf_fail "another key"
		test "$(serial_of before.pem)" != "$(serial_of $f.pem)" ||
		    atf_fail "the same serial"
		verifies ca.pem $f.pem
		atf_check_equal 640 "$(stat -c %a $f.pem)"
		grep -q "^$(serial_of $f.pem) valid " ca.pem.index ||
		    atf_fail "not in the index"
	done
	# As many days as it had.
	openssl x509 -in s.pem -noout -checkend $((29 * 86400)) >out ||
	    atf_fail "fewer days"
	openssl x509 -in s.pem -noout -checkend $((31 * 86400)) >out &&
	    atf_fail "more days"
	by_ca renew --cert s.pem --days 3
	openssl x509 -in s.pem -noout -checkend $((4 * 86400)) >out &&
	    atf_fail "--days was not honoured"
	true
}

e2e_case renew_expired "One that has expired is renewed; it kept its key"
renew_expired_body() {
	make_ca ca
	issue client c ca --name c --not-after 2020-01-01
	by_ca renew --cert c.pem --days 9
	verifies ca.pem c.pem
}

e2e_case renew_key "A new key goes with its certificate, the old is kept"
renew_key_body() {
	make_ca ca
	issue client c ca --name c
	cp c.pem c0.pem
	cp c.key c0.key
	by_ca renew --cert c.pem --key c.key
	same_key c0.pem c.pem || atf_fail "another key without --new-key"
	cmp c.key c0.key || atf_fail "the key has changed without --new-key"
	test ! -e c.key.old || atf_fail "an old key without a new one"
	by_ca renew --cert c.pem --key c.key --new-key --algorithm p384
	cmp c0.key c.key.old || atf_fail "the old key is not kept"
	openssl pkey -in c.key -pubout >of.key
	openssl x509 -in c.pem -noout -pubkey | cmp - of.key ||
	    atf_fail "certificate and key do not fit each other"
	same_key c0.pem c.pem && atf_fail "the same key"
	atf_check_equal 600 "$(stat -c %a c.key)"
	atf_check_equal 600 "$(stat -c %a c.key.old)"
	certgen csr --key other.key --csr other.csr --name o
	refused_by_ca $EX_DATAERR 'other.key: is not the key' renew \
	    --cert c.pem --key other.key
	refused_by_ca $EX_USAGE '--new-key replaces the key' renew \
	    --cert c.pem --new-key
}

e2e_case renew_refused "What cannot be renewed"
renew_refused_body() {
	make_ca ca
	make_ca other
	issue client c ca --name c
	issue client o other --name o
	refused_by_ca $EX_DATAERR 'o.pem: was not issued by the CA' renew \
	    --cert o.pem
	cp ca.pem copy.pem
	refused_by_ca $EX_DATAERR 'copy.pem: is the CA itself' renew \
	    --cert copy.pem
	refused_by_ca $EX_USAGE "would replace a file of the CA's" renew \
	    --cert ca.pem
	by_ca revoke --cert c.pem --crl crl.pem
	refused_by_ca $EX_DATAERR 'c.pem: was revoked at 20' renew --cert c.pem
	openssl_req -keyout b.key -out b.csr -subj /CN=b
	openssl x509 -req -in b.csr -CA ca.pem -CAkey ca.key -days 9 \
	    -out b.pem 2>/dev/null || atf_fail "openssl cannot sign"
	refused_by_ca $EX_DATAERR 'b.pem: is not for servers alone' renew \
	    --cert b.pem
	by_ca renew --cert b.pem --role client
	verifies ca.pem -purpose sslclient b.pem
}

e2e_case renew_ca "An intermediate CA keeps its key, limits and constraints"
renew_ca_body() {
	certgen ca --cert ca.pem --key ca.key --name root --pathlen 2
	certgen ca --cert mid.pem --key mid.key --name mid --pathlen 1 \
	    --permit dns:example.org --parent ca.pem --parent-key ca.key
	issue server s mid --host a.example.org
	cp mid.pem before.pem
	by_ca renew --cert mid.pem --days 99
	has_ext mid.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:TRUE, pathlen:1'
	test "$(ext mid.pem nameConstraints)" = \
	    "$(ext before.pem nameConstraints)" || atf_fail "constraints"
	verifies ca.pem -untrusted mid.pem s.pem
	issue server t mid --host b.example.org
	refused_by_ca $EX_DATAERR "is a CA's" renew --cert mid.pem \
	    --key mid.key --new-key
	refused_by_ca $EX_DATAERR "is a CA's; it stays one" renew \
	    --cert mid.pem --role client
}
