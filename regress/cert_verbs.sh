# Certificates and revocation lists that postern-certgen does not make, by
# openssl.  Use after common.sh:
#
#	sign deep inter "extendedKeyUsage=clientAuth"	deep.pem, deep.key
#	sign_ca inter ca "nameConstraints=permitted;DNS:in.example"
#	chain deep inter ...		deep.pem gets those CAs behind it
#	put_on_list ca deep		to be revoked by ca
#	make_list ca			ca.crl.pem; more options of openssl ca

# shellcheck shell=sh

usual_client='basicConstraints=critical,CA:FALSE
extendedKeyUsage=clientAuth'

# sign NAME CA EXTENSIONS [option of openssl x509...]; $subject and
# $key_options instead of "/CN=NAME" and a P-256 key.
sign() {
	name=$1
	by=$2
	echo "$3" >"$name.ext"
	shift 3
	# shellcheck disable=SC2086
	openssl genpkey ${key_options:--algorithm EC -pkeyopt \
	    ec_paramgen_curve:P-256} -out "$name.key" 2>openssl.err &&
	    openssl req -new -key "$name.key" -out "$name.csr" \
	    -subj "${subject:-/CN=$name}" 2>openssl.err &&
	    openssl x509 -req -in "$name.csr" -CA "$by.pem" -CAkey "$by.key" \
	    -set_serial "0x$(openssl rand -hex 8)" -days 30 -sha256 \
	    -extfile "$name.ext" -out "$name.pem" "$@" 2>openssl.err || {
		cat openssl.err >&2
		atf_fail "openssl cannot make $name.pem"
	}
}

# sign_client NAME CA [option...]: with the usual extensions.
sign_client() {
	name=$1
	by=$2
	shift 2
	sign "$name" "$by" "$usual_client" "$@"
}

# sign_ca NAME CA [EXTENSION [option...]]
sign_ca() {
	name=$1
	by=$2
	more=${3-}
	shift 2
	test $# -eq 0 || shift
	sign "$name" "$by" "basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
$more" "$@"
}

chain() {
	first=$1
	shift
	for ca_; do
		openssl x509 -in "$ca_.pem" >>"$first.pem" ||
		    atf_fail "$ca_.pem"
	done
}

# tamper FROM TO: the last byte of the signature is another.
tamper() {
	openssl x509 -in "$1.pem" -outform DER -out tampered.der
	last=$(($(stat -c %s tampered.der) - 1))
	byte=$(od -An -tu1 -j "$last" tampered.der)
	head -c "$last" tampered.der >tampered.new
	printf "\\$(printf %03o $((byte ^ 1)))" >>tampered.new
	openssl x509 -in tampered.new -inform DER -out "$2.pem"
	cp "$1.key" "$2.key"
}

# by_ca CA OPTION...: openssl ca, with what CA has revoked so far.
by_ca() {
	by=$1
	shift
	test -e "$by.index" || : >"$by.index"
	test -e "$by.number" || echo 01 >"$by.number"
	cat >"$by.conf" <<-END
	[ca]
	default_ca = it
	[it]
	database = $by.index
	crlnumber = $by.number
	default_md = sha256
	default_crl_days = 30
	unique_subject = no
	crl_extensions = list
	[list]
	authorityKeyIdentifier = keyid
	END
	openssl ca -config "$by.conf" -cert "$by.pem" -keyfile "$by.key" \
	    "$@" 2>openssl.err || {
		cat openssl.err >&2
		atf_fail "openssl ca for $by: $*"
	}
}

put_on_list() {
	by_ca "$1" -revoke "$2.pem"
}

make_list() {
	list=$1
	shift
	by_ca "$list" -gencrl -out "$list.crl.pem" "$@"
}

# hash_of FILE: of its certificate, the first, in DER.
hash_of() {
	openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -r |
	    cut -c 1-64
}

key_hash_of() {
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin \
	    -outform DER | openssl dgst -sha256 -r | cut -c 1-64
}

hex_serial_of() {
	openssl x509 -in "$1" -noout -serial | cut -d = -f 2 |
	    tr '[:upper:]' '[:lower:]'
}
