#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# The index beside a CA: complete, whole at every moment, and believed only
# if it is.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../certgen_verbs.sh"

e2e_case issued "Whatever a CA issues is in its index, with its role and end"
issued_body() {
	make_ca ca
	atf_check -o inline:'postern-certgen index 1\n' head -n 1 ca.pem.index
	atf_check -o inline:'end 0\n' tail -n 1 ca.pem.index
	pin=$(openssl x509 -in ca.pem -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64)
	atf_check -o inline:"ca SHA256:$pin\n" sed -n 2p ca.pem.index
	atf_check_equal 640 "$(stat -c %a ca.pem.index)"
	issue server s ca --host s --not-after 2030-01-02T03:04:05Z
	issue client c ca --name 'a b "c" \d'
	certgen csr --key q.key --csr q.csr --name q
	by_ca sign --csr q.csr --cert q.pem --role client
	by_ca renew --cert q.pem
	{
		sed -n 1,3p ca.pem.index
		echo "$(serial_of s.pem) valid 2030-01-02T03:04:05Z" \
		    'server - - CN=s'
		sed -n 5,7p ca.pem.index
		echo end 4
	} | cmp - ca.pem.index || fail_showing ca.pem.index
	line=4
	for f in s.pem c.pem q.pem.old q.pem; do
		sed -n ${line}p ca.pem.index |
		    grep -q "^$(serial_of $f) valid " ||
		    fail_showing ca.pem.index "line $line: $f"
		line=$((line + 1))
	done
	# Only what makes use of a CA has one.
	certgen self-signed --cert t.pem --key t.key --host t
	test ! -e t.pem.index || atf_fail "an index of a self-signed one"
}

e2e_case link "A CA has one index, by whatever link it is called"
link_body() {
	mkdir a
	certgen ca --cert a/ca.pem --key a/ca.key --name ca
	ln -s a/ca.pem ca.pem
	cp a/ca.key ca.key
	issue client c ca --name c
	test ! -e ca.pem.index || atf_fail "an index beside the link"
	grep -q "^$(serial_of c.pem) valid" a/ca.pem.index ||
	    atf_fail "not in it"
}

e2e_case exists "ca does not replace the index of another"
exists_body() {
	make_ca ca
	issue client c ca --name c
	rm ca.pem ca.key
	refused $EX_CANTCREAT 'ca.pem.index: exists' ca --cert ca.pem \
	    --key ca.key --name ca
	certgen ca --cert ca.pem --key ca.key --name ca --force
	atf_check -o inline:'end 0\n' tail -n 1 ca.pem.index
}

# damaged WORDS: the index is refused, and nothing is made with it.
damaged() {
	refused_by_ca $EX_DATAERR "ca.pem.index: $1" crl --crl crl.pem
	refused_by_ca $EX_DATAERR "ca.pem.index: $1" client --name x \
	    --cert x.pem --key x.key
}

e2e_case damage "Every kind of damage is told with the line, none is passed"
damage_body() {
	make_ca ca
	issue client c ca --name c
	issue client d ca --name d
	by_ca revoke --cert c.pem --crl crl.pem
	cp ca.pem.index good
	: >ca.pem.index
	damaged 'line 1: the file ends without'
	echo nonsense >ca.pem.index
	damaged 'line 1: is not "postern-certgen index 1"'
	sed '$d' good >ca.pem.index
	damaged 'line 6: the file ends without its last line'
	sed 4d good >ca.pem.index
	damaged 'line 5: counts more or fewer lines than there are'
	sed 's/^end 2/end 3/' good >ca.pem.index
	damaged 'line 6: counts more'
	{ cat good; sed -n 5p good; } >ca.pem.index
	damaged 'line 6: is the last by its word, and more follow'
	sed 4p good | sed 's/^end 2/end 3/' >ca.pem.index
	damaged 'line 5: serial'
	sed '4s/^../xy/' good >ca.pem.index
	damaged 'line 4: does not begin with a serial'
	sed '4s/^.//' good >ca.pem.index
	damaged 'line 4: does not begin with a serial'
	sed '4s/ revoked / revoke /' good >ca.pem.index
	damaged 'line 4: is neither valid nor revoked'
	sed '4s/ 20[0-9]*-/ 20xx-/' good >ca.pem.index
	damaged 'line 4: has a time that is none'
	sed '4s/ - CN/ boredom CN/' good >ca.pem.index
	damaged 'line 4: has a reason that is none'
	sed '4s/ client .*//' good >ca.pem.index
	damaged 'line 4: has too few fields'
	sed '3s/crl 1/crl x/' good >ca.pem.index
	damaged 'line 3: is not the newest'
	sed '2s/SHA256:.*/SHA256:12/' good >ca.pem.index
	damaged "line 2: is not the CA's key"
	sed '4s/CN/\x01/' good >ca.pem.index
	damaged 'line 4: has a byte in it that is no text'
	sed '4s/CN/\x00/' good >ca.pem.index
	damaged 'line 4: has a NUL in it'
	truncate -s -1 good
	cp good ca.pem.index
	damaged 'line 6: is cut short'
	size=$(stat -c %s good)
	for cut in $(seq 1 17 $((size - 1))); do
		head -c "$cut" good >ca.pem.index
		damaged 'line '
	done
	truncate -s 65M ca.pem.index
	damaged 'is not a regular file of at most 64 MiB'
	rm ca.pem.index
	mkfifo ca.pem.index
	refused_by_ca $EX_CANTCREAT 'ca.pem.index: exists and is not' crl \
	    --crl crl.pem
}

e2e_case dos "An index that went through an editor for DOS is read"
dos_body() {
	make_ca ca
	issue client c ca --name c
	sed -i 's/$/\r/' ca.pem.index
	by_ca revoke --cert c.pem --crl crl.pem
	grep -q "^$(serial_of c.pem) revoked .* CN=c\$" ca.pem.index ||
	    fail_showing ca.pem.index
}

e2e_case another "The index of a CA with another key is not taken"
another_body() {
	make_ca ca
	make_ca b
	cp b.pem.index ca.pem.index
	damaged 'is the index of a CA with another key'
}

e2e_case at_once "Many runs at once: each is in the index, none is torn"
at_once_body() {
	make_ca ca
	issue client victim ca --name victim
	certgen csr --key q.key --csr q.csr --name q
	pids_=
	for i in 1 2 3 4 5 6; do
		postern-certgen client --ca ca.pem --ca-key ca.key \
		    --cert c$i.pem --key c$i.key --name c$i 2>c$i.err &
		pids_="$pids_ $!"
		postern-certgen sign --ca ca.pem --ca-key ca.key --csr q.csr \
		    --cert q$i.pem --role client 2>q$i.err &
		pids_="$pids_ $!"
		postern-certgen revoke --ca ca.pem --ca-key ca.key \
		    --cert victim.pem --crl crl.pem 2>v$i.err &
		pids_="$pids_ $!"
	done
	for p in $pids_; do
		wait "$p" || atf_fail "a run failed: $(cat ./*.err)"
	done
	atf_check -o inline:'end 13\n' tail -n 1 ca.pem.index
	for i in 1 2 3 4 5 6; do
		for f in c$i q$i; do
			grep -q "^$(serial_of $f.pem) valid " ca.pem.index ||
			    atf_fail "$f is missing"
		done
	done
	grep -q '^crl 6 ' ca.pem.index || atf_fail "$(sed -n 3p ca.pem.index)"
	atf_check_equal 6 "$(number_of crl.pem)"
}

e2e_case new_ca "Who waited for a CA that was replaced meanwhile says so"
new_ca_body() {
	make_ca ca
	# By a process that lives as long: else the lock is shown to nobody in
	# a pid namespace.
	mkfifo go
	flock ca.pem sh -c ': >held; read -r _ <go' &
	record $!
	expect_soon test -e held
	postern-certgen client --ca ca.pem --ca-key ca.key --cert c.pem \
	    --key c.key --name c 2>said &
	pid=$!
	record $pid
	waits() {
		grep -q "^[0-9]*: -> FLOCK.* $pid " /proc/locks
	}
	expect_soon waits
	cp ca.pem new.pem
	mv new.pem ca.pem
	echo >go
	code=0
	wait $pid || code=$?
	atf_check_equal $EX_UNAVAILABLE $code
	grep -q 'ca.pem: another run has replaced this CA' said ||
	    fail_showing said
	test ! -e c.pem || atf_fail "a certificate was made"
}

# interrupted CALL WHEN COMMAND...: killed at the WHENth such call.  Fails if
# there is none.
interrupted() {
	call=$1
	when=$2
	shift 2
	strace -qq -o trace -e trace="$call" \
	    -e inject="$call:signal=KILL:when=$when" postern-certgen "$@" \
	    >out 2>&1
	grep -q 'KILL' trace
}

index_is_whole() {
	cp ca.pem.index before
	by_ca crl --crl probe.pem --force
	mv before ca.pem.index
}

e2e_case killed "Killed at any step, index and list are whole"
killed_head() {
	atf_set descr "Killed at any step, index and list are whole"
	atf_set require.progs "strace"
}
killed_body() {
	make_ca ca
	issue client c ca --name c
	by_ca crl --crl crl.pem
	cp ca.pem.index good.index
	cp crl.pem good.crl
	for call in write fsync linkat renameat,renameat2 unlinkat; do
		for n in 1 2 3 4 5; do
			cp good.index ca.pem.index
			cp good.crl crl.pem
			interrupted $call $n revoke --ca ca.pem --ca-key \
			    ca.key --cert c.pem --crl crl.pem || break
			index_is_whole
			openssl crl -in crl.pem -noout || atf_fail "no list"
			# The list is never ahead of the index.
			if openssl crl -in crl.pem -noout -text |
			    grep -qi "$(serial_of c.pem)"; then
				grep -q ' revoked ' ca.pem.index ||
				    atf_fail "$call $n: the list is ahead"
			fi
		done
		test $n -gt 1 || atf_fail "$call: is never called"
		rm -f ./.postern-certgen.*
	done
}

e2e_case killed_issuing "Killed while issuing: what exists is in the index"
killed_issuing_head() {
	atf_set descr "Killed while issuing: what exists is in the index"
	atf_set require.progs "strace"
}
killed_issuing_body() {
	make_ca ca
	cp ca.pem.index good.index
	for call in write fsync linkat renameat,renameat2 unlinkat; do
		for n in 1 2 3 4 5 6; do
			rm -f c.pem c.key
			cp good.index ca.pem.index
			interrupted $call $n client --ca ca.pem --ca-key \
			    ca.key --cert c.pem --key c.key --name c || break
			index_is_whole
			test -e c.pem || continue
			grep -q "^$(serial_of c.pem) " ca.pem.index ||
			    atf_fail "$call $n: issued and not in the index"
		done
		test $n -gt 1 || atf_fail "$call: is never called"
		rm -f ./.postern-certgen.*
	done
}

e2e_case faults "Each step of writing fails in turn: all is as it was"
faults_head() {
	atf_set descr "Each step of writing fails in turn: all is as it was"
	atf_set require.progs "strace"
}
faults_body() {
	make_ca ca
	issue client c ca --name c
	by_ca crl --crl crl.pem
	for step in fsync:EIO:4 renameat,renameat2:ENOSPC:2; do
		call=${step%%:*}
		error=${step#*:}
		for n in $(seq "${step##*:}"); do
			listing >listing.before
			code=0
			strace -qq -o listing.trace -e trace="$call" -e \
			    inject="$call:error=${error%:*}:when=$n" \
			    postern-certgen revoke --ca ca.pem \
			    --ca-key ca.key --cert c.pem --crl crl.pem \
			    2>listing.said || code=$?
			grep -q INJECTED listing.trace ||
			    atf_fail "$call $n: is never called"
			case $code in
			"$EX_CANTCREAT"|"$EX_IOERR") ;;
			*) atf_fail "$call $n: exit code $code" ;;
			esac
			atf_check_equal 1 "$(wc -l <listing.said)"
			listing | cmp listing.before - ||
			    atf_fail "$call $n: files changed"
		done
	done
}
