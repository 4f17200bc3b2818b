# Revocation lists by openssl(1), so that ours are not tried with ours alone.
# Use after common.sh:
#
#	serial_of client.pem | make_crl crl.pem ca
#				by ca.pem and ca.key, for the serial numbers
#				(hexadecimal, one a line) that it is given

# shellcheck shell=sh

serial_of() {
	for pem_; do
		openssl x509 -in "$pem_" -noout -serial | cut -d = -f 2
	done
}

make_crl() {
	awk '{ printf "R\t401231000000Z\t260101000000Z\t%s\tunknown\t/CN=x\n",
	    (length($0) % 2 ? "0" : "") $0 }' >crl.index
	echo unique_subject=no >crl.index.attr
	printf '[ca]\ndefault_ca=a\n[a]\ndatabase=crl.index\n' >crl.conf
	openssl ca -config crl.conf -gencrl -md sha256 -crldays 30 \
	    -cert "$2.pem" -keyfile "$2.key" -out "$1" 2>crl.out ||
	    atf_fail "$(cat crl.out)"
}
