#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# What is in the certificates that postern-certgen makes, as openssl(1) reads
# it.

# Make something: nothing is said, nothing fails.
certgen()
{
	atf_check postern-certgen "$@"
}

make_ca()
{
	certgen ca --cert ca.pem --key ca.key --name "Test CA" "$@"
}

by_ca()
{
	kind=$1
	shift
	certgen "$kind" --ca ca.pem --ca-key ca.key "$@"
}

# One extension as openssl(1) shows it, in one line, without the indentation.
ext()
{
	openssl x509 -in "$1" -noout -ext "$2" 2>/dev/null | tr '\n' ' ' |
	    sed 's/  */ /g; s/ $//'
}

has_ext()
{
	found=$(ext "$1" "$2")
	[ "$found" = "$3" ] || atf_fail "$1: $2: '$found', not '$3'"
}

subject()
{
	openssl x509 -in "$1" -noout -subject -nameopt RFC2253,-esc_msb |
	    sed 's/^subject=//'
}

has_subject()
{
	found=$(subject "$1")
	[ "$found" = "$2" ] || atf_fail "$1: subject '$found', not '$2'"
}

has_text()
{
	openssl x509 -in "$1" -noout -text >text ||
	    atf_fail "$1: openssl cannot read it"
	grep -q -e "$2" text || { cat text; atf_fail "$1: without '$2'"; }
}

# The times of a certificate, as seconds since 1970.
not_before()
{
	date -d "$(openssl x509 -in "$1" -noout -startdate | sed s/.*=//)" +%s
}

not_after()
{
	date -d "$(openssl x509 -in "$1" -noout -enddate | sed s/.*=//)" +%s
}

# within NUMBER FROM TO WHAT
within()
{
	if [ "$1" -lt "$2" ] || [ "$1" -gt "$3" ]; then
		atf_fail "$4: $1 is not within $2 and $3"
	fi
}

belong_together()
{
	openssl pkey -in "$2" -pubout >of.key || atf_fail "$2: cannot be read"
	openssl x509 -in "$1" -noout -pubkey >of.cert ||
	    atf_fail "$1: cannot be read"
	cmp of.key of.cert || atf_fail "$2 is not the key of $1"
}

verifies()
{
	anchor=$1
	shift
	openssl verify -x509_strict -no-CApath -no-CAstore -CAfile "$anchor" \
	    "$@" || atf_fail "does not verify: $*"
}

does_not_verify()
{
	anchor=$1
	shift
	if openssl verify -no-CApath -no-CAstore -CAfile "$anchor" "$@"; then
		atf_fail "verifies, and must not: $*"
	fi
}

atf_test_case self_signed
self_signed_head()
{
	atf_set descr "self-signed: the tutorial's certificate"
	atf_set require.progs "openssl"
}
self_signed_body()
{
	certgen self-signed -cert c.pem -key c.key -host a.example,127.0.0.1,::1
	has_text c.pem 'Version: 3'
	has_text c.pem 'ASN1 OID: prime256v1'
	has_text c.pem 'Signature Algorithm: ecdsa-with-SHA256'
	has_subject c.pem 'CN=a.example'
	has_ext c.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:TRUE'
	has_ext c.pem keyUsage \
	    'X509v3 Key Usage: critical Digital Signature, Certificate Sign'
	has_ext c.pem extendedKeyUsage "X509v3 Extended Key Usage: \
TLS Web Server Authentication, TLS Web Client Authentication"
	has_ext c.pem subjectAltName "X509v3 Subject Alternative Name: \
DNS:a.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"
	belong_together c.pem c.key
	verifies c.pem -purpose sslserver -verify_hostname a.example c.pem
	verifies c.pem -purpose sslserver -verify_ip ::1 c.pem
	verifies c.pem -purpose sslclient c.pem
	does_not_verify c.pem -verify_hostname b.example c.pem
}

atf_test_case long_host
long_host_head()
{
	atf_set descr "A first host too long for a common name is no subject"
	atf_set require.progs "openssl"
}
long_host_body()
{
	make_ca
	label=$(printf %060d 0 | tr 0 a)
	host=$label.bcd			# 64 characters: just fits
	by_ca server --cert fits.pem --key fits.key --host "$host"
	has_subject fits.pem "CN=$host"
	host=$label.bcde		# 65: does not
	by_ca server --cert s.pem --key s.key --host "$host,b"
	certgen self-signed --cert c.pem --key c.key --host "$host"
	for f in s c; do
		serial=$(openssl x509 -in $f.pem -noout -serial | sed s/.*=//)
		has_subject $f.pem "serialNumber=$serial"
		has_text $f.pem "DNS:$host"
	done
	verifies ca.pem -verify_hostname "$host" s.pem
	verifies c.pem -verify_hostname "$host" c.pem
}

atf_test_case ca
ca_head()
{
	atf_set descr "ca: may sign certificates and lists, and nothing else"
	atf_set require.progs "openssl"
}
ca_body()
{
	make_ca
	has_subject ca.pem 'CN=Test CA'
	has_ext ca.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:TRUE, pathlen:0'
	has_ext ca.pem keyUsage \
	    'X509v3 Key Usage: critical Certificate Sign, CRL Sign'
	has_ext ca.pem extendedKeyUsage ''
	has_ext ca.pem subjectAltName ''
	key_id=$(ext ca.pem subjectKeyIdentifier | sed 's/.*: //')
	has_ext ca.pem authorityKeyIdentifier \
	    "X509v3 Authority Key Identifier: $key_id"
	belong_together ca.pem ca.key
	verifies ca.pem ca.pem
}

atf_test_case server
server_head()
{
	atf_set descr "server: issued by the CA, for servers only"
	atf_set require.progs "openssl"
}
server_body()
{
	make_ca
	by_ca server --cert s.pem --key s.key \
	    --host 'www.example,*.w.example,192.0.2.1' --host 2001:db8::1 \
	    --uri 'spiffe://example/a,https://www.example/x?y=%20'
	has_subject s.pem 'CN=www.example'
	has_ext s.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:FALSE'
	has_ext s.pem keyUsage \
	    'X509v3 Key Usage: critical Digital Signature'
	has_ext s.pem extendedKeyUsage \
	    'X509v3 Extended Key Usage: TLS Web Server Authentication'
	has_ext s.pem subjectAltName "X509v3 Subject Alternative Name: \
DNS:www.example, DNS:*.w.example, IP Address:192.0.2.1, \
IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://example/a, \
URI:https://www.example/x?y=%20"
	key_id=$(ext ca.pem subjectKeyIdentifier | sed 's/.*: //')
	has_ext s.pem authorityKeyIdentifier \
	    "X509v3 Authority Key Identifier: $key_id"
	[ -n "$(ext s.pem subjectKeyIdentifier)" ] || atf_fail "no key id"
	belong_together s.pem s.key
	verifies ca.pem -purpose sslserver -verify_hostname x.w.example s.pem
	verifies ca.pem -purpose sslserver -verify_ip 2001:db8::1 s.pem
	does_not_verify ca.pem -purpose sslclient s.pem
	by_ca server --cert n.pem --key n.key --host a --name 'A name'
	has_subject n.pem 'CN=A name'
}

atf_test_case client
client_head()
{
	atf_set descr "client: issued by the CA, for clients only"
	atf_set require.progs "openssl"
}
client_body()
{
	make_ca
	by_ca client --cert c.pem --key c.key --name 'Zoë, of "Example"'
	has_subject c.pem 'CN=Zoë\, of \"Example\"'
	has_ext c.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:FALSE'
	has_ext c.pem keyUsage \
	    'X509v3 Key Usage: critical Digital Signature'
	has_ext c.pem extendedKeyUsage \
	    'X509v3 Extended Key Usage: TLS Web Client Authentication'
	has_ext c.pem subjectAltName ''
	belong_together c.pem c.key
	verifies ca.pem -purpose sslclient c.pem
	does_not_verify ca.pem -purpose sslserver c.pem
	by_ca client --cert n.pem --key n.key --name n --host h,10.0.0.1 \
	    --uri spiffe://example/n --email n@example,o.p+q@mail.example
	has_ext n.pem subjectAltName "X509v3 Subject Alternative Name: \
DNS:h, IP Address:10.0.0.1, URI:spiffe://example/n, email:n@example, \
email:o.p+q@mail.example"
}

atf_test_case other_ca
other_ca_head()
{
	atf_set descr "A certificate by one CA does not verify by another"
	atf_set require.progs "openssl"
}
other_ca_body()
{
	make_ca
	by_ca client --cert c.pem --key c.key --name c
	certgen ca --cert other.pem --key other.key --name "Test CA"
	does_not_verify other.pem c.pem
}

atf_test_case algorithms
algorithms_head()
{
	atf_set descr "Each kind of key, made and signed with by each"
	atf_set require.progs "openssl"
}
algorithms_body()
{
	for by in p256 p384 ed25519 rsa3072; do
		rm -f ./*.pem ./*.key ./*.index
		make_ca --algorithm $by
		for a in p256 p384 ed25519 rsa3072; do
			by_ca server --cert $a.pem --key $a.key --host $a \
			    --algorithm $a
			belong_together $a.pem $a.key
			verifies ca.pem -purpose sslserver $a.pem
			atf_check -o inline:'-----BEGIN PRIVATE KEY-----\n' \
			    head -n 1 $a.key
		done
	done
	has_text p256.pem 'ASN1 OID: prime256v1'
	has_text p384.pem 'ASN1 OID: secp384r1'
	has_text ed25519.pem 'Public Key Algorithm: ED25519'
	has_text rsa3072.pem 'Public-Key: (3072 bit)'
	has_ext rsa3072.pem keyUsage \
	    'X509v3 Key Usage: critical Digital Signature, Key Encipherment'
	certgen ca --cert s.pem --key s.key --name s --algorithm p384
	has_text s.pem 'Signature Algorithm: ecdsa-with-SHA384'
	certgen self-signed --cert r.pem --key r.key --host r \
	    --algorithm rsa3072
	verifies r.pem r.pem
}

atf_test_case serials
serials_head()
{
	atf_set descr "Serials are positive, of 128 bits, and never the same"
	atf_set require.progs "openssl"
}
serials_body()
{
	make_ca
	for i in 1 2 3 4 5 6 7 8; do
		by_ca client --cert $i.pem --key $i.key --name same
		openssl x509 -in $i.pem -noout -serial | sed s/.*=// >>serials
	done
	atf_check -o inline:'8\n' sh -c 'sort -u serials | wc -l'
	# 96 bits or fewer come up once in four thousand million times.
	while read -r serial; do
		within ${#serial} 25 32 "digits of serial $serial"
	done <serials
	atf_check -o empty -s exit:1 grep -- - serials
}

atf_test_case validity
validity_head()
{
	atf_set descr "When certificates begin and end"
	atf_set require.progs "openssl"
}
validity_body()
{
	day=86400
	before=$(date +%s)
	make_ca
	by_ca server --cert s.pem --key s.key --host s
	by_ca client --cert c.pem --key c.key --name c --days 7
	after=$(date +%s)
	for f in ca s c; do
		t=$(not_before $f.pem)
		within "$t" $((before - 3600)) $((after - 3600)) \
		    "$f.pem: an hour ago"
	done
	for pair in ca:3650 s:365 c:7; do
		t=$(not_after ${pair%:*}.pem)
		days=${pair#*:}
		within "$t" $((before + days * day)) $((after + days * day)) \
		    "${pair%:*}.pem: end after $days days"
	done
	by_ca client --cert p.pem --key p.key --name p --not-after 2020-02-29
	atf_check_equal 1582934400 "$(not_after p.pem)"
	atf_check_equal 1582848000 "$(not_before p.pem)"
	does_not_verify ca.pem p.pem
	by_ca client --cert f.pem --key f.key --name f --days 2 \
	    --not-before 2030-01-01T00:00:00Z
	atf_check_equal 1893456000 "$(not_before f.pem)"
	atf_check_equal 1893628800 "$(not_after f.pem)"
	does_not_verify ca.pem f.pem
}

atf_test_case far_times
far_times_head()
{
	atf_set descr "Times before 1970, after 2049 and at the end of time"
	atf_set require.progs "openssl"
}
far_times_body()
{
	certgen ca --cert a.pem --key a.key --name a --not-after 1970-01-01
	atf_check_equal -86400 "$(not_before a.pem)"
	certgen ca --cert b.pem --key b.key --name b \
	    --not-before 2049-12-31T23:59:59Z --not-after 2050-01-01
	openssl asn1parse -in b.pem >parsed || atf_fail "asn1parse"
	grep -q 'UTCTIME *:491231235959Z' parsed || atf_fail "no UTCTime"
	grep -q 'GENERALIZEDTIME *:20500101000000Z' parsed ||
	    atf_fail "no GeneralizedTime"
	certgen ca --cert c.pem --key c.key --name c \
	    --not-after 9999-12-31T23:59:59Z
	has_text c.pem 'Not After : Dec 31 23:59:59 9999 GMT'
}

atf_test_case ends_with_ca
ends_with_ca_head()
{
	atf_set descr "By default a certificate ends with its CA at the latest"
	atf_set require.progs "openssl"
}
ends_with_ca_body()
{
	make_ca --days 10
	by_ca server --cert s.pem --key s.key --host s
	atf_check_equal "$(not_after ca.pem)" "$(not_after s.pem)"
	verifies ca.pem s.pem
	# A CA that is still to come: so is what it issues.
	certgen ca --cert f.pem --key f.key --name f --force \
	    --not-before 2040-01-01 --not-after 2041-01-01
	certgen server --ca f.pem --ca-key f.key --cert t.pem --key t.key \
	    --host t --days 1
	atf_check_equal "$(not_before f.pem)" "$(not_before t.pem)"
}

atf_test_case other_peoples_ca
other_peoples_ca_head()
{
	atf_set descr "openssl's CA: the old form of key, several in a file"
	atf_set require.progs "openssl"
}
other_peoples_ca_body()
{
	openssl ecparam -name prime256v1 -genkey -noout -out ca.key ||
	    atf_fail "openssl cannot make a key"
	openssl req -x509 -new -key ca.key -subj '/O=Other/CN=CA' \
	    -addext keyUsage=critical,keyCertSign -days 4000 -out only.pem ||
	    atf_fail "openssl cannot make a CA"
	grep -q 'BEGIN EC PRIVATE KEY' ca.key || atf_fail "not the old form"
	certgen ca --cert first.pem --key first.key --name first
	cat first.pem only.pem >ca.pem
	by_ca server --cert s.pem --key s.key --host s
	atf_check -o inline:'issuer=CN=CA,O=Other\n' \
	    openssl x509 -in s.pem -noout -issuer -nameopt RFC2253
	verifies only.pem -purpose sslserver s.pem
}

atf_test_case verbose
verbose_head()
{
	atf_set descr "-v says what was written, and the certificate's pin"
	atf_set require.progs "openssl"
}
verbose_body()
{
	certgen ca --cert ca.pem --key ca.key --name ca \
	    --not-after 2040-01-02
	atf_check -o save:said postern-certgen client --ca ca.pem \
	    --ca-key ca.key --cert c.pem --key c.key \
	    --name 'A "b"' --not-after 2039-01-02T03:04:05Z -v
	pin=$(openssl x509 -in c.pem -outform DER | openssl dgst -sha256 -r |
	    cut -c 1-64)
	cat >expected <<-EOF
	c.key: private key, p256
	c.pem: certificate, CN=A \\\\\\"b\\\\\\", until 2039-01-02T03:04:05Z, SHA256:$pin
	EOF
	atf_check cmp said expected
}

atf_test_case spelling
spelling_head()
{
	atf_set descr "Options with one dash or two, and with ="
	atf_set require.progs "openssl"
}
spelling_body()
{
	certgen ca -cert ca.pem --key=ca.key -name=ca -days 9
	certgen client -ca ca.pem -ca-key=ca.key --cert=c.pem -key c.key \
	    --name=c
	verifies ca.pem c.pem
	for word in -h --help -help; do
		atf_check -o match:'^usage: postern-certgen self-signed ' \
		    postern-certgen $word
		atf_check -o match:'^usage: ' postern-certgen client $word
	done
	for word in -V --version; do
		atf_check -o match:'^postern-certgen [0-9.]+$' \
		    postern-certgen $word
	done
}

atf_test_case settings
settings_head()
{
	atf_set descr "No openssl.cnf and no time zone changes what is made"
	atf_set require.progs "openssl"
}
settings_body()
{
	# With this, libcrypto would find no algorithm at all.
	cat >bad.cnf <<-'EOF'
	openssl_conf = init
	[init]
	alg_section = algorithms
	[algorithms]
	default_properties = fips=yes
	EOF
	atf_check env OPENSSL_CONF="$PWD/bad.cnf" TZ=Pacific/Kiritimati \
	    postern-certgen ca --cert ca.pem --key ca.key --name ca \
	    --not-before 2030-06-01 --not-after 2031-06-01
	has_text ca.pem 'Not Before: Jun  1 00:00:00 2030 GMT'
}

atf_init_test_cases()
{
	atf_add_test_case self_signed
	atf_add_test_case long_host
	atf_add_test_case ca
	atf_add_test_case server
	atf_add_test_case client
	atf_add_test_case other_ca
	atf_add_test_case algorithms
	atf_add_test_case serials
	atf_add_test_case validity
	atf_add_test_case far_times
	atf_add_test_case ends_with_ca
	atf_add_test_case other_peoples_ca
	atf_add_test_case verbose
	atf_add_test_case spelling
	atf_add_test_case settings
}
