# The verbs of postern-certgen's tests, besides those of common.sh.

# shellcheck shell=sh
EX_USAGE=64
EX_DATAERR=65
EX_NOINPUT=66
EX_UNAVAILABLE=69
EX_CANTCREAT=73
EX_IOERR=74
EX_NOPERM=77

# What a command is started by, if anything: setsid, so that it has no
# terminal.
launcher=

# listing: all files but those of this verb, and what is in them.
listing() {
	find . -type f ! -name 'listing.*' -size -5000k -exec cksum {} + |
	    sort -k 3
	find . ! -type f | sort
}

# refused CODE WORDS ARG...: postern-certgen ends with this code and one line,
# which contains the plain string WORDS, and leaves every file as it was.
refused() {
	want=$1
	words=$2
	shift 2
	listing >listing.before
	code=0
	said=$($launcher timeout 20 postern-certgen "$@" 2>&1 >/dev/null \
	    </dev/null) || code=$?
	test "$code" = "$want" ||
	    atf_fail "$*: exit code $code, not $want: $said"
	case $said in
	*"
"*)	atf_fail "$*: more than one line: $said" ;;
	'postern-certgen: '*"$words"*) ;;
	*)	atf_fail "$*: '$said' is without '$words'" ;;
	esac
	listing >listing.after
	cmp -s listing.before listing.after ||
	    atf_fail "$*: files changed: $(diff listing.before listing.after)"
}

# fail_showing FILE [WORDS]: it is not what it should be.
fail_showing() {
	cat -v "$1" >&2
	atf_fail "${2:-is not as expected}: see $1 below"
}

# by_ca SUBCOMMAND ARG...: with ca.pem and ca.key.
by_ca() {
	sub=$1
	shift
	certgen "$sub" --ca ca.pem --ca-key ca.key "$@"
}

refused_by_ca() {
	code_=$1
	words_=$2
	sub=$3
	shift 3
	refused "$code_" "$words_" "$sub" --ca ca.pem --ca-key ca.key "$@"
}

serial_of() {
	openssl x509 -in "$1" -noout -serial | sed 's/.*=//' |
	    tr '[:upper:]' '[:lower:]'
}

# The number of a revocation list, decimal.
number_of() {
	echo $(($(openssl crl -in "$1" -noout -crlnumber | sed 's/.*=//')))
}

# One extension as openssl(1) shows it, in one line, without the indentation.
ext() {
	openssl x509 -in "$1" -noout -ext "$2" 2>/dev/null | tr '\n' ' ' |
	    sed 's/  */ /g; s/ $//'
}

has_ext() {
	found=$(ext "$1" "$2")
	test "$found" = "$3" || atf_fail "$1: $2: '$found', not '$3'"
}

# openssl_req ARG...: a request or a self-signed certificate, by a new key.
openssl_req() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    "$@" 2>openssl.err || {
		cat openssl.err
		atf_fail "openssl req $*"
	}
}

same_key() {
	test "$(openssl x509 -in "$1" -noout -pubkey)" = \
	    "$(openssl x509 -in "$2" -noout -pubkey)"
}

# verifies ANCHOR ARG...: as openssl(1) sees it.
verifies() {
	anchor=$1
	shift
	openssl verify -x509_strict -no-CApath -no-CAstore -CAfile "$anchor" \
	    "$@" >openssl.out 2>&1 || {
		cat openssl.out
		atf_fail "does not verify: $*"
	}
}

does_not_verify() {
	anchor=$1
	shift
	if openssl verify -no-CApath -no-CAstore -CAfile "$anchor" "$@" \
	    >openssl.out 2>&1; then
		atf_fail "verifies, and must not: $*"
	fi
}

# json FILE PYTHON-EXPRESSION: of the document d.
json() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(eval("(" + sys.argv[2] + ")"))' "$1" "$2" ||
	    atf_fail "$1: no such JSON: $2"
}
