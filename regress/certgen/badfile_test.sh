#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# Files as people hand them over: each is taken, or refused with one line that
# names it and says why; none is waited for.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../certgen_verbs.sh"

# What is no file of ours at all, whatever it is given for.
make_non_files() {
	: >empty
	chmod 600 empty
	mkdir -p directory
	mkfifo fifo
	truncate -s 1G sparse
	chmod 600 sparse
	echo 'some text' >text
	chmod 600 text
}

# refuses_non_files WHAT COMMAND...: with each of them at the end.
refuses_non_files() {
	what=$1
	shift
	refused $EX_NOINPUT 'nowhere: No such file' "$@" nowhere
	refused $EX_NOINPUT 'ca.pem/x: Not a directory' "$@" ca.pem/x
	refused $EX_DATAERR 'empty: is empty' "$@" empty
	refused $EX_DATAERR 'directory: is a directory' "$@" directory
	refused $EX_DATAERR 'fifo: is not a regular file' "$@" fifo
	refused $EX_DATAERR '/dev/null: is not a regular file' "$@" /dev/null
	refused $EX_DATAERR 'sparse: is larger than 16 MiB' "$@" sparse
	refused $EX_DATAERR "text: holds no $what" "$@" text
}

e2e_case non_files "Empty, a directory, a FIFO, 1 GB, text: for every option"
non_files_body() {
	make_ca ca
	issue client c ca --name c
	certgen csr --key q.key --csr q.csr --name q
	by_ca crl --crl crl.pem
	make_non_files
	ca="--ca ca.pem --ca-key ca.key"
	refuses_non_files certificate inspect
	refuses_non_files certificate pin
	refuses_non_files certificate verify --ca ca.pem --cert
	refuses_non_files certificate verify --cert c.pem --ca
	refuses_non_files 'revocation list' verify --ca ca.pem --cert c.pem \
	    --crl
	# shellcheck disable=SC2086 # several words
	refuses_non_files certificate renew $ca --cert
	# shellcheck disable=SC2086 # several words
	refuses_non_files certificate revoke $ca --crl new.pem --cert
	# shellcheck disable=SC2086 # several words
	refuses_non_files 'certificate request' sign $ca --cert x.pem \
	    --role client --csr
	refuses_non_files certificate client --cert x.pem --key x.key \
	    --name x --ca-key ca.key --ca
	refuses_non_files 'private key' client --cert x.pem --key x.key \
	    --name x --ca ca.pem --ca-key
	refuses_non_files certificate crl --crl new.pem --ca-key ca.key --ca
	refuses_non_files 'private key' ca --cert x.pem --key x.key --name x \
	    --parent ca.pem --parent-key
	# What is there is taken for the key, and not replaced.
	for f in empty directory fifo sparse text; do
		refused $EX_DATAERR "$f: " csr --csr x.csr --name x --key $f
	done
	# What would be replaced is looked at first.
	refused_by_ca $EX_CANTCREAT 'fifo: exists and is not a regular' crl \
	    --crl fifo
	refused_by_ca $EX_DATAERR 'sparse: is larger' crl --crl sparse
	refused_by_ca $EX_DATAERR 'text: exists and is no' crl --crl text
}

e2e_case unreadable "A file that may not be read"
unreadable_body() {
	make_ca ca
	# Without the right to overrule a mode, which root has.
	! is_root || launcher="setpriv --bounding-set=-all --inh-caps=-all"
	cp ca.pem closed
	chmod 0 closed
	refused $EX_NOINPUT 'closed: Permission denied' inspect closed
	refused $EX_NOINPUT 'closed: Permission denied' verify --ca closed \
	    --cert ca.pem
}

dos() {
	sed 's/$/\r/' "$1" >"$2"
	chmod 600 "$2"
}

e2e_case dos_line_ends "Files with DOS line ends are as good as others"
dos_line_ends_body() {
	make_ca ca
	issue client c ca --name c
	certgen csr --key q.key --csr q.csr --name q
	by_ca crl --crl crl.pem
	for f in ca.pem ca.key c.pem q.csr q.key crl.pem; do
		dos $f dos-$f
	done
	cp ca.pem.index dos-ca.pem.index
	postern-certgen inspect dos-ca.pem dos-c.pem dos-q.csr dos-crl.pem \
	    >shown || atf_fail inspect
	postern-certgen inspect ca.pem c.pem q.csr crl.pem |
	    sed 's/^\([^ ]*: \)/dos-\1/' | cmp - shown ||
	    atf_fail "another content"
	atf_check -o match:'^allow$' postern-certgen verify --ca dos-ca.pem \
	    --crl dos-crl.pem --cert dos-c.pem
	certgen sign --ca dos-ca.pem --ca-key dos-ca.key --csr dos-q.csr \
	    --cert q.pem --role client
	verifies ca.pem q.pem
	certgen renew --ca dos-ca.pem --ca-key dos-ca.key --cert dos-c.pem
	certgen revoke --ca dos-ca.pem --ca-key dos-ca.key --cert q.pem \
	    --crl dos-crl.pem
	certgen csr --key dos-q.key --csr r.csr --name r
}

e2e_case der "DER instead of PEM is said to be that"
der_body() {
	make_ca ca
	issue client c ca --name c
	certgen csr --key q.key --csr q.csr --name q
	by_ca crl --crl crl.pem
	openssl x509 -in c.pem -outform DER -out c.der
	openssl req -in q.csr -outform DER -out q.der
	openssl crl -in crl.pem -outform DER -out crl.der
	openssl pkey -in ca.key -outform DER -out key.der
	chmod 600 key.der
	for f in c.der q.der crl.der; do
		refused $EX_DATAERR "$f: is in DER form" inspect $f
	done
	refused $EX_DATAERR 'c.der: is in DER form' pin c.der
	refused $EX_DATAERR 'c.der: is in DER form' verify --ca ca.pem \
	    --cert c.der
	refused $EX_DATAERR 'c.der: is in DER form' verify --ca c.der \
	    --cert c.pem
	refused $EX_DATAERR 'crl.der: ' verify --ca ca.pem --cert c.pem \
	    --crl crl.der
	refused_by_ca $EX_DATAERR 'q.der: is in DER form' sign --csr q.der \
	    --cert x.pem --role client
	refused_by_ca $EX_DATAERR 'c.der: is in DER form' renew --cert c.der
	refused $EX_DATAERR 'key.der: holds no private key in PEM form' \
	    client --ca ca.pem --ca-key key.der --cert x.pem --key x.key \
	    --name x
}

e2e_case two "Two where one is meant"
two_body() {
	make_ca ca
	make_ca b
	certgen csr --key q.key --csr q.csr --name q
	cat ca.key b.key >keys
	cat q.csr q.csr >csrs
	chmod 600 keys
	refused $EX_DATAERR 'keys: holds several private keys' client \
	    --ca ca.pem --ca-key keys --cert x.pem --key x.key --name x
	refused $EX_DATAERR 'keys: holds several private keys' csr \
	    --key keys --csr x.csr --name x
	refused_by_ca $EX_DATAERR 'csrs: holds several certificate requests' \
	    sign --csr csrs --cert x.pem --role client
	# A certificate and its key in one file are no contradiction.
	cat ca.pem ca.key >both
	chmod 600 both
	certgen client --ca both --ca-key both --cert c.pem --key c.key \
	    --name c
	verifies ca.pem c.pem
}

e2e_case truncated "Cut short anywhere, nothing is taken for the whole"
truncated_body() {
	make_ca ca
	issue client c ca --name c
	certgen csr --key q.key --csr q.csr --name q
	by_ca revoke --cert c.pem --crl crl.pem
	cat ca.pem c.pem >two.pem
	for f in two.pem q.csr crl.pem; do
		size=$(stat -c %s $f)
		for cut in $((size - 3)) $((size - 30)) $((size * 3 / 4)); do
			head -c $cut $f >cut.pem
			refused $EX_DATAERR 'cut.pem: ' inspect cut.pem
		done
	done
	head -c $(($(stat -c %s crl.pem) - 30)) crl.pem >cut.pem
	refused $EX_DATAERR 'cut.pem: holds a revocation list that is damaged' \
	    verify --ca ca.pem --cert c.pem --crl cut.pem
	refused_by_ca $EX_DATAERR 'cut.pem: exists and is damaged' crl \
	    --crl cut.pem
	head -c $(($(stat -c %s two.pem) - 30)) two.pem >cut.pem
	refused $EX_DATAERR 'cut.pem: holds a certificate that is damaged' \
	    verify --ca cut.pem --cert c.pem
	refused $EX_DATAERR 'cut.pem: holds a certificate that is damaged' \
	    pin cut.pem
	refused $EX_DATAERR 'cut.pem: holds a certificate that is damaged' \
	    client --ca cut.pem --ca-key ca.key --cert x.pem --key x.key \
	    --name x
	head -c $(($(stat -c %s ca.key) - 30)) ca.key >cut.pem
	chmod 600 cut.pem
	refused $EX_DATAERR 'cut.pem: the private key is damaged' client \
	    --ca ca.pem --ca-key cut.pem --cert x.pem --key x.key --name x
	# More in the block than the certificate: not to be seen, so not taken.
	{
		echo '-----BEGIN CERTIFICATE-----'
		{ openssl x509 -in c.pem -outform DER; printf 'more'; } |
		    base64
		echo '-----END CERTIFICATE-----'
	} >more.pem
	refused $EX_DATAERR 'more.pem: what it holds is damaged' inspect \
	    more.pem
}

e2e_case nul "A NUL in a name is shown, judged, and never its end"
nul_body() {
	make_ca ca
	# good.example\0.evil
	nul=DER:30:14:82:12:67:6f:6f:64:2e:65:78:61:6d:70:6c:65
	nul=$nul:00:2e:65:76:69:6c
	openssl_req -keyout n.key -out n.csr -subj /CN=n
	printf 'subjectAltName=%s\nextendedKeyUsage=clientAuth' $nul >n.ext
	openssl x509 -req -in n.csr -CA ca.pem -CAkey ca.key -days 9 \
	    -extfile n.ext -out n.pem 2>/dev/null ||
	    atf_fail "openssl cannot sign"
	postern-certgen inspect n.pem >shown || atf_fail inspect
	grep -qxF '    names           DNS:good.example\x00.evil' shown ||
	    fail_showing shown
	atf_check -s exit:$EX_NOPERM -o match:'^refuse not-allowed$' \
	    postern-certgen verify --ca ca.pem --cert n.pem \
	    --allow dns:good.example
	by_ca revoke --cert n.pem --crl crl.pem
	openssl_req -keyout n.key -out n.csr -subj /CN=n \
	    -addext subjectAltName=$nul
	refused_by_ca $EX_DATAERR 'has a NUL in it' sign --csr n.csr \
	    --cert x.pem --role server
}

e2e_case chain_of_20 "A chain of twenty certificates"
chain_of_20_body() {
	certgen ca --cert 0.pem --key 0.key --name 0 --pathlen 30
	for i in $(seq 19); do
		certgen ca --cert $i.pem --key $i.key --name $i --parent \
		    $((i - 1)).pem --parent-key $((i - 1)).key \
		    --pathlen $((30 - i))
	done
	issue client c 19 --name c
	atf_check_equal 20 "$(grep -c BEGIN c.pem)"
	verifies 0.pem -untrusted c.pem -verify_depth 30 c.pem
	postern-certgen inspect c.pem >shown || atf_fail inspect
	atf_check_equal 20 "$(grep -c '^c.pem: certificate$' shown)"
	atf_check -s exit:$EX_NOPERM -o match:'^refuse chain-too-long$' \
	    postern-certgen verify --ca 0.pem --cert c.pem
	certgen renew --ca 19.pem --ca-key 19.key --cert c.pem
	verifies 0.pem -untrusted c.pem -verify_depth 30 c.pem
}

e2e_case many_names "Ten thousand names"
many_names_body() {
	make_ca ca
	{
		printf '[req]\ndistinguished_name=dn\n[dn]\n[e]\n'
		printf 'extendedKeyUsage=clientAuth\nsubjectAltName=@n\n[n]\n'
		seq -w 10000 | sed 's/.*/DNS.&=host-&.example/'
	} >n.cnf
	openssl_req -keyout n.key -out n.csr -subj /CN=n -config n.cnf \
	    -reqexts e
	openssl x509 -req -in n.csr -CA ca.pem -CAkey ca.key -days 9 \
	    -extfile n.cnf -extensions e -out n.pem 2>/dev/null ||
	    atf_fail "openssl cannot sign"
	postern-certgen inspect --json n.pem n.csr >shown || atf_fail inspect
	for i in 0 1; do
		atf_check_equal '10000 DNS:host-10000.example' "$(json shown \
		    "str(len(d['objects'][$i]['names'])) + ' ' +
d['objects'][$i]['names'][9999]")"
	done
	atf_check -o match:'^names .*\.\.\.$' -o match:'^allow$' \
	    postern-certgen verify --ca ca.pem --cert n.pem \
	    --allow dns:host-09999.example
	by_ca sign --csr n.csr --cert s.pem --role client -v
	atf_check_equal 10000 "$(openssl x509 -in s.pem -noout -ext \
	    subjectAltName | tr ',' '\n' | grep -c DNS:)"
	by_ca renew --cert s.pem
	by_ca revoke --cert s.pem --crl crl.pem
}
