#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# Revocation lists: what is on them, and for how long.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../certgen_verbs.sh"

# The serials on a list, lower case, one a line, sorted.
listed() {
	openssl crl -in "$1" -noout -text | sed -n 's/.*Serial Number: *//p' |
	    tr '[:upper:]' '[:lower:]' | sort
}

is_listed() {
	listed "$1" | grep -qx "$2"
}

# check_list FILE CA: its signature is the CA's, and openssl takes it.
check_list() {
	openssl crl -in "$1" -noout -CAfile "$2" >openssl.out 2>&1
	grep -q 'verify OK' openssl.out || fail_showing openssl.out "$1"
}

# revoked_by_openssl FILE: as a verifier sees it, with crl.pem.
revoked_by_openssl() {
	openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem "$1" \
	    >openssl.out 2>&1 && return 1
	grep -q 'certificate revoked' openssl.out ||
	    fail_showing openssl.out
}

not_revoked_by_openssl() {
	openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem "$1" \
	    >openssl.out 2>&1 || fail_showing openssl.out
}

e2e_case revoke "One is revoked, and the list says so at once"
revoke_body() {
	make_ca ca
	issue client c ca --name c
	issue client d ca --name d
	by_ca revoke --cert c.pem --crl crl.pem --reason keyCompromise
	check_list crl.pem ca.pem
	revoked_by_openssl c.pem || atf_fail "c is not revoked"
	not_revoked_by_openssl d.pem
	openssl crl -in crl.pem -noout -text >text
	grep -q 'Version 2' text || atf_fail "no list of version 2"
	grep -q 'Key Compromise' text || atf_fail "no reason"
	grep -q 'X509v3 CRL Number' text || atf_fail "no number"
	grep -q "$(ext ca.pem subjectKeyIdentifier | sed 's/.*: //')" text ||
	    atf_fail "not the key's identifier"
	grep -q "^$(serial_of c.pem) revoked .* keyCompromise CN=c\$" \
	    ca.pem.index || fail_showing ca.pem.index
	grep -q "^$(serial_of d.pem) valid " ca.pem.index ||
	    fail_showing ca.pem.index
	by_ca revoke --cert d.pem --crl crl.pem
	revoked_by_openssl d.pem || atf_fail "d is not revoked"
	revoked_by_openssl c.pem || atf_fail "c is forgotten"
	atf_check_equal 2 "$(number_of crl.pem)"
	atf_check_equal 644 "$(stat -c %a crl.pem)"
}

e2e_case serial "By serial, in any of the usual ways of writing it"
serial_body() {
	make_ca ca
	n=0
	for form in cat 'tr a-f A-F' "sed s/../&:/g;s/:\$//"; do
		n=$((n + 1))
		issue client c$n ca --name c$n
		by_ca revoke --crl crl.pem --serial "$(serial_of c$n.pem |
		    $form)"
		revoked_by_openssl c$n.pem || atf_fail "$form: not revoked"
	done
	issue client z ca --name z
	refused_by_ca $EX_DATAERR 'ca.pem.index: lists no serial 0abc' revoke \
	    --serial ABC --crl crl.pem
	by_ca revoke --serial ABC --crl crl.pem --force
	is_listed crl.pem 0abc || atf_fail "--force does not list it"
	for s in '' xyz 12g '1 2' -5; do
		refused_by_ca $EX_USAGE 'not a serial number' revoke \
		    --serial="$s" --crl crl.pem
	done
	refused_by_ca $EX_USAGE 'not a serial number' revoke \
	    --serial "$(printf %066d 1)" --crl crl.pem
}

e2e_case crl "A new list has a higher number and its own time"
crl_body() {
	make_ca ca
	by_ca crl --crl crl.pem
	check_list crl.pem ca.pem
	atf_check_equal '' "$(listed crl.pem)"
	atf_check_equal 1 "$(number_of crl.pem)"
	issue client c ca --name c
	by_ca revoke --cert c.pem --crl crl.pem
	for n in 3 4 5; do
		by_ca crl --crl crl.pem --crl-days $n
		atf_check_equal $n "$(number_of crl.pem)"
		is_listed crl.pem "$(serial_of c.pem)" || atf_fail "forgotten"
		next=$(date -d "$(openssl crl -in crl.pem -noout -nextupdate |
		    sed 's/.*=//')" +%s)
		left=$((next - $(date +%s)))
		test $left -gt $((n * 86400 - 300)) -a \
		    $left -le $((n * 86400)) || atf_fail "$n days: $left"
	done
	by_ca crl --crl crl.pem
	openssl crl -in crl.pem -noout -nextupdate | grep -q \
	    "$(date -u -d '+30 days' '+%b %e')" || atf_fail "not 30 days"
	grep -q '^crl 6 20' ca.pem.index || fail_showing ca.pem.index
	refused_by_ca $EX_USAGE '--crl-days' crl --crl crl.pem --crl-days 0
	refused_by_ca $EX_USAGE '--crl is missing' crl
}

e2e_case again "To revoke twice changes nothing but the reason"
again_body() {
	make_ca ca
	issue client c ca --name c
	by_ca revoke --cert c.pem --crl crl.pem
	was=$(grep revoked ca.pem.index)
	by_ca revoke --cert c.pem --crl crl.pem
	test "$was" = "$(grep revoked ca.pem.index)" ||
	    fail_showing ca.pem.index "another time"
	by_ca revoke --cert c.pem --crl crl.pem --reason superseded
	test "$(echo "$was" | sed 's/ - CN/ superseded CN/')" = \
	    "$(grep revoked ca.pem.index)" || fail_showing ca.pem.index
	atf_check_equal 1 "$(listed crl.pem | wc -l)"
}

e2e_case reasons "All reasons, and those that are none"
reasons_body() {
	make_ca ca
	n=0
	for r in unspecified keyCompromise CACompromise affiliationChanged \
	    superseded cessationOfOperation privilegeWithdrawn \
	    AACompromise; do
		n=$((n + 1))
		issue client c$n ca --name c$n
		by_ca revoke --cert c$n.pem --crl crl.pem --reason $r
		postern-certgen inspect --json crl.pem >out.json ||
		    atf_fail inspect
		atf_check_equal $r "$(json out.json "[e['reason'] for e in
d['objects'][0]['revoked'] if e['serial'] ==
'$(serial_of c$n.pem)'][0]")"
	done
	check_list crl.pem ca.pem
	for r in '' certificateHold removeFromCRL keycompromise 1; do
		refused_by_ca $EX_USAGE 'none of unspecified' revoke \
		    --cert c1.pem --crl crl.pem --reason="$r"
	done
}

e2e_case expired "One that has expired stays until a list after that had it"
expired_body() {
	make_ca ca
	issue client old ca --name old --not-after 2020-01-01
	issue client c ca --name c
	# Its first list names it, though it is long over.
	by_ca revoke --cert old.pem --crl crl.pem
	is_listed crl.pem "$(serial_of old.pem)" || atf_fail "never listed"
	by_ca revoke --cert c.pem --crl crl.pem
	is_listed crl.pem "$(serial_of old.pem)" && atf_fail "listed for ever"
	is_listed crl.pem "$(serial_of c.pem)" || atf_fail "c is missing"
	by_ca crl --crl crl.pem
	is_listed crl.pem "$(serial_of c.pem)" || atf_fail "c is missing"
	grep -q "^$(serial_of old.pem) revoked" ca.pem.index ||
	    atf_fail "gone from the index"
}

e2e_case no_index "A CA older than its index: what it has signed is revoked"
no_index_body() {
	make_ca ca
	issue client c ca --name c
	issue server s ca --host s
	rm ca.pem.index
	by_ca revoke --cert c.pem --crl crl.pem
	revoked_by_openssl c.pem || atf_fail "c is not revoked"
	grep -q "^$(serial_of c.pem) revoked .* client .* CN=c\$" \
	    ca.pem.index || fail_showing ca.pem.index
	not_revoked_by_openssl s.pem
}

e2e_case lost_index "An index that was lost does not shorten the list"
lost_index_body() {
	make_ca ca
	issue client c ca --name c
	issue client d ca --name d
	by_ca revoke --cert c.pem --crl crl.pem --reason superseded
	by_ca crl --crl crl.pem
	cp ca.pem.index backup
	by_ca revoke --cert d.pem --crl crl.pem
	# Put back from a backup: it does not know of d any more.
	cp backup ca.pem.index
	by_ca crl --crl crl.pem
	atf_check_equal 4 "$(number_of crl.pem)"
	revoked_by_openssl c.pem && revoked_by_openssl d.pem ||
	    atf_fail "who was revoked comes in again"
	# Gone altogether.
	rm ca.pem.index
	by_ca crl --crl crl.pem
	atf_check_equal 5 "$(number_of crl.pem)"
	revoked_by_openssl c.pem && revoked_by_openssl d.pem ||
	    atf_fail "who was revoked comes in again"
	openssl crl -in crl.pem -noout -text | grep -q Superseded ||
	    atf_fail "the reason is lost"
	check_list crl.pem ca.pem
}

e2e_case not_ours "What this CA has not issued, it does not revoke"
not_ours_body() {
	make_ca ca
	make_ca other
	certgen ca --cert twin.pem --key twin.key --name ca
	issue client o other --name o
	issue client t twin --name t
	cp ca.pem copy.pem
	for f in o t; do
		refused_by_ca $EX_DATAERR "$f.pem: was not issued by the CA" \
		    revoke --cert $f.pem --crl crl.pem
	done
	refused_by_ca $EX_DATAERR 'copy.pem: is the CA itself' revoke \
	    --cert copy.pem --crl crl.pem
	refused_by_ca $EX_USAGE 'either --cert or --serial' revoke \
	    --crl crl.pem
	refused_by_ca $EX_USAGE 'either --cert or --serial' revoke \
	    --cert o.pem --serial 01 --crl crl.pem
	# A CA by its key usage without leave to sign lists.
	openssl req -x509 -key ca.key -subj /CN=x -out nolist.pem \
	    -addext keyUsage=critical,keyCertSign
	refused $EX_DATAERR 'nolist.pem: this CA may not sign' crl \
	    --ca nolist.pem --ca-key ca.key --crl crl.pem
}

e2e_case replaced "Only a list of this CA is replaced by another"
replaced_body() {
	make_ca ca
	make_ca other
	issue client c ca --name c
	certgen crl --ca other.pem --ca-key other.key --crl other.crl
	refused_by_ca $EX_DATAERR "other.crl: exists and is another CA's" \
	    crl --crl other.crl
	refused_by_ca $EX_DATAERR 'c.pem: exists and holds more than one' \
	    crl --crl c.pem
	echo precious >text
	refused_by_ca $EX_DATAERR 'text: exists and is no revocation list' \
	    crl --crl text
	by_ca crl --crl crl.pem
	head -n 4 crl.pem >cut.pem
	refused_by_ca $EX_DATAERR 'cut.pem: exists and is damaged' crl \
	    --crl cut.pem
	cat crl.pem crl.pem >two.pem
	refused_by_ca $EX_DATAERR 'two.pem: exists and holds more than one' \
	    crl --crl two.pem
	for f in ca.pem ca.key; do
		refused_by_ca $EX_USAGE "would replace a file of the CA's" \
		    crl --crl $f --force
	done
	refused_by_ca $EX_USAGE 'would replace the certificate' revoke \
	    --cert c.pem --crl c.pem --force
	by_ca crl --crl cut.pem --force
	check_list cut.pem ca.pem
	mkdir dir
	refused_by_ca $EX_CANTCREAT 'dir: exists and is not a regular file' \
	    crl --crl dir
	refused_by_ca $EX_CANTCREAT 'none/crl: cannot be made in' \
	    crl --crl none/crl
}

e2e_case says "-v says who was revoked, and which list this is"
says_body() {
	make_ca ca
	issue client c ca --name 'a "b"'
	serial=$(serial_of c.pem)
	atf_check -o match:"^$serial: revoked at 20.*Z, CN=a " \
	    -o match:'^crl.pem: revocation list, number 1, the next before ' \
	    postern-certgen revoke --ca ca.pem --ca-key ca.key \
	    --cert c.pem --crl crl.pem -v
	atf_check postern-certgen crl --ca ca.pem --ca-key ca.key \
	    --crl crl.pem
}

e2e_case many "A list of five hundred, made in the confined child"
many_body() {
	make_ca ca
	{
		sed -n 1,3p ca.pem.index
		for i in $(seq 100 599); do
			echo "0$i revoked 2099-01-01T00:00:00Z client" \
			    "2026-01-01T00:00:00Z - CN=$i"
		done
		echo end 500
	} >new
	mv new ca.pem.index
	by_ca crl --crl crl.pem
	atf_check_equal 500 "$(listed crl.pem | wc -l)"
	by_ca crl --crl crl.pem
	atf_check_equal 500 "$(listed crl.pem | wc -l)"
	check_list crl.pem ca.pem
}
