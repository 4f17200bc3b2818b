#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# CAs under CAs, the names that they may issue for, and keys under a
# passphrase.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../certgen_verbs.sh"

# make_sub NAME PARENT [option...]: NAME.pem by PARENT.pem
make_sub() {
	name=$1
	parent=$2
	shift 2
	certgen ca --cert "$name.pem" --key "$name.key" --name "$name" \
	    --parent "$parent.pem" --parent-key "$parent.key" "$@"
}

refused_sub() {
	code_=$1
	words_=$2
	parent=$3
	shift 3
	refused "$code_" "$words_" ca --cert x.pem --key x.key --name x \
	    --parent "$parent.pem" --parent-key "$parent.key" "$@"
}

certificates_in() {
	grep -c 'BEGIN CERTIFICATE' "$1"
}

e2e_case intermediate "A CA under a CA, and what it issues comes with it"
intermediate_body() {
	certgen ca --cert root.pem --key root.key --name root --pathlen 2
	make_sub mid root --pathlen 1
	make_sub low mid
	has_ext root.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:TRUE, pathlen:2'
	has_ext low.pem basicConstraints \
	    'X509v3 Basic Constraints: critical CA:TRUE, pathlen:0'
	atf_check_equal 1 "$(certificates_in mid.pem)"
	atf_check_equal 2 "$(certificates_in low.pem)"
	issue server s low --host s.example
	atf_check_equal 3 "$(certificates_in s.pem)"
	# As a server shows it, with the root alone on the other side.
	verifies root.pem -untrusted s.pem -purpose sslserver s.pem
	does_not_verify root.pem s.pem
	certgen csr --key c.key --csr c.csr --name c
	certgen sign --ca low.pem --ca-key low.key --csr c.csr --cert c.pem \
	    --role client
	verifies root.pem -untrusted c.pem -purpose sslclient c.pem
	issue server t root --host t
	atf_check_equal 1 "$(certificates_in t.pem)"
	grep -q "^$(serial_of mid.pem) valid .* ca - - CN=mid\$" \
	    root.pem.index || fail_showing root.pem.index
	test -s low.pem.index || atf_fail "no index of its own"
}

e2e_case pathlen "A CA makes CAs only as far as its path length goes"
pathlen_body() {
	make_ca ca
	refused_sub $EX_DATAERR 'ca.pem: this CA may issue no CAs' ca
	certgen ca --cert root.pem --key root.key --name root --pathlen 2
	for n in 2 3; do
		refused_sub $EX_DATAERR 'path length is 2' root --pathlen $n
	done
	make_sub mid root --pathlen 1
	for n in -1 101 x ''; do
		refused_sub $EX_USAGE '--pathlen' root --pathlen="$n"
	done
	refused $EX_USAGE '--parent-key is missing' ca --cert x.pem \
	    --key x.key --name x --parent root.pem
	refused $EX_USAGE '--parent is missing' ca --cert x.pem \
	    --key x.key --name x --parent-key root.key
}

e2e_case permit "A CA issues only for the names that are permitted"
permit_body() {
	certgen ca --cert ca.pem --key ca.key --name ca \
	    --permit dns:example.org,ip:10.0.0.0/8 \
	    --permit ip:2001:db8::/33,email:example.org,uri:.example.org
	has_ext ca.pem nameConstraints "X509v3 Name Constraints: critical \
Permitted: DNS:example.org IP:10.0.0.0/255.0.0.0 \
IP:2001:DB8:0:0:0:0:0:0/FFFF:FFFF:8000:0:0:0:0:0 email:example.org \
URI:.example.org"
	issue server good ca --host \
	    example.org,a.b.example.org,10.255.0.1,2001:db8:7fff::1 \
	    --uri spiffe://a.example.org/x
	verifies ca.pem good.pem
	for name in --host:example.com --host:notexample.org \
	    --host:11.0.0.1 --host:2001:db8:8000::1 \
	    --uri:spiffe://example.com/x --email:a@b.example.org; do
		refused_by_ca $EX_DATAERR 'ca.pem: this CA may not issue that' \
		    client --cert x.pem --key x.key --name x \
		    "${name%%:*}" "${name#*:}"
	done
	# So is what a request asks for.
	certgen csr --key q.key --csr q.csr --host www.example.com
	refused_by_ca $EX_DATAERR 'permitted subtree violation' sign \
	    --csr q.csr --cert q.pem --role server
	# And what a CA beneath it would be for.
	certgen ca --cert root.pem --key root.key --name root --pathlen 1 \
	    --permit dns:example.org
	make_sub sub root --permit dns:sub.example.org
	refused $EX_DATAERR 'permitted subtree' server --ca sub.pem \
	    --ca-key sub.key --cert x.pem --key x.key --host a.example.org
	issue server s sub --host a.sub.example.org
	verifies root.pem -untrusted s.pem s.pem
}

e2e_case not_permits "Constraints that are none"
not_permits_body() {
	for p in '' example.org dns: dns:.example.org 'dns:*.example.org' \
	    'dns:a b' ip:10.0.0.0/33 ip:10.0.0.1/8 ip:a ip: ip:10.0.0.0/ \
	    ip:10.0.0.0/255.0.0.0 email: email:@a email:a@ email:. uri: \
	    uri:spiffe://a 'dns:a,' ',dns:a' dns:a,,dns:b cn:a; do
		refused $EX_USAGE '--permit: "' ca --cert x.pem --key x.key \
		    --name x --permit "$p"
	done
	certgen ca --cert x.pem --key x.key --name x --permit \
	    'ip:192.0.2.1,IP:::1/128,DNS:a,email:a@b.example,email:.c,uri:d'
	has_ext x.pem nameConstraints "X509v3 Name Constraints: critical \
Permitted: IP:192.0.2.1/255.255.255.255 \
IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF DNS:a \
email:a@b.example email:.c URI:d"
}

# ---- passphrases -----------------------------------------------------------

# A terminal for postern-certgen, on which these lines are typed, each when it
# is asked for.  What is shown goes to tty.out; the exit code is the command's.
at_terminal() {
	python3 - "$@" <<-'END'
	import os, pty, select, sys
	lines = os.environ["TYPED"].split("\n")
	pid, tty = pty.fork()
	if pid == 0:
	    os.execvp(sys.argv[1], sys.argv[1:])
	shown = b""
	answered = 0
	while True:
	    ready, _, _ = select.select([tty], [], [], 20)
	    if not ready:
	        os.kill(pid, 9)
	        break
	    try:
	        data = os.read(tty, 4096)
	    except OSError:
	        break
	    if not data:
	        break
	    shown += data
	    while shown.count(b"key: ") > answered and lines:
	        os.write(tty, lines.pop(0).encode() + b"\n")
	        answered += 1
	open("tty.out", "wb").write(shown)
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

is_encrypted() {
	grep -q 'BEGIN ENCRYPTED PRIVATE KEY' "$1" ||
	    atf_fail "$1: is not encrypted"
}

e2e_case passphrase "A key is made under a passphrase, and read back with it"
passphrase_body() {
	echo 'a long secret' >pass
	chmod 600 pass
	certgen ca --cert ca.pem --key ca.key --name ca --passphrase-file pass
	is_encrypted ca.key
	openssl pkey -in ca.key -passin file:pass -noout ||
	    atf_fail "openssl cannot read it"
	openssl asn1parse -in ca.key >parsed
	grep -q ':PBKDF2' parsed && grep -q ':hmacWithSHA256' parsed &&
	    grep -q ':aes-256-cbc' parsed && grep -q ':0927C0' parsed ||
	    fail_showing parsed
	launcher=setsid
	refused_by_ca $EX_DATAERR 'there is no terminal to ask for it; give' \
	    client --cert c.pem --key c.key --name c
	by_ca client --cert c.pem --key c.key --name c --passphrase-file pass
	certgen csr --key q.key --csr q.csr --name q
	by_ca sign --csr q.csr --cert q.pem --role client \
	    --passphrase-file pass
	by_ca renew --cert c.pem --passphrase-file pass
	by_ca revoke --cert c.pem --crl crl.pem --passphrase-file pass
	by_ca crl --crl crl.pem --passphrase-file pass
	grep -q 'BEGIN PRIVATE KEY' c.key || atf_fail "the client's, too"
}

e2e_case passphrase_files "Files that are no passphrase, or not this one"
passphrase_files_body() {
	printf 'a long secret\r\nsecond line\n' >pass
	chmod 600 pass
	certgen ca --cert ca.pem --key ca.key --name ca --passphrase-file pass
	printf 'a long secret' >same
	chmod 600 same
	by_ca client --cert c.pem --key c.key --name c --passphrase-file same
	with_file() {
		refused_by_ca "$1" "$2" client --cert d.pem --key d.key \
		    --name d --passphrase-file "$3"
	}
	echo 'another secret' >wrong
	chmod 600 wrong
	with_file $EX_DATAERR "ca.key: the passphrase is not this key's" wrong
	with_file $EX_NOINPUT 'none: No such file' none
	: >empty
	with_file $EX_DATAERR 'empty: is empty' empty
	echo >blank
	chmod 600 blank
	with_file $EX_DATAERR 'blank: its first line is not' blank
	head -c 2000 /dev/zero | tr '\0' x >long
	chmod 600 long
	with_file $EX_DATAERR 'long: its first line is not' long
	cp pass open
	chmod 604 open
	with_file $EX_NOPERM 'open: others may read this passphrase' open
	with_file $EX_DATAERR '.: is a directory' .
	mkfifo fifo
	with_file $EX_DATAERR 'fifo: is not a regular file' fifo
	echo short >short
	chmod 600 short
	refused $EX_DATAERR 'short: a new passphrase has 8 bytes' ca \
	    --cert x.pem --key x.key --name x --passphrase-file short
}

e2e_case parent_passphrase "Both keys under passphrases of their own"
parent_passphrase_body() {
	echo 'the first secret' >first
	echo 'the second secret' >second
	chmod 600 first second
	certgen ca --cert root.pem --key root.key --name root --pathlen 1 \
	    --passphrase-file first
	make_sub sub root --parent-passphrase-file first \
	    --passphrase-file second
	openssl pkey -in sub.key -passin file:second -noout ||
	    atf_fail "not under the second"
	refused $EX_USAGE '--parent-passphrase-file is for' ca --cert x.pem \
	    --key x.key --name x --parent-passphrase-file first
}

e2e_case terminal "Typed twice for a new key, once for one that is there"
terminal_body() {
	TYPED='a long secret
a long secret' at_terminal postern-certgen ca --cert ca.pem --key ca.key \
	    --name ca --passphrase || fail_showing tty.out
	is_encrypted ca.key
	grep -q 'New passphrase for ca.key: ' tty.out || fail_showing tty.out
	grep -q secret tty.out && atf_fail "the passphrase is shown"
	TYPED='a long secret' at_terminal postern-certgen client --ca ca.pem \
	    --ca-key ca.key --cert c.pem --key c.key --name c ||
	    fail_showing tty.out
	verifies ca.pem c.pem
	code=0
	TYPED='a wrong secret' at_terminal postern-certgen client \
	    --ca ca.pem --ca-key ca.key --cert d.pem --key d.key --name d ||
	    code=$?
	atf_check_equal $EX_DATAERR $code
	grep -q "the passphrase is not this key's" tty.out ||
	    fail_showing tty.out
	for typed in 'a long secret
another secret' 'short
short' ''; do
		code=0
		TYPED=$typed at_terminal postern-certgen ca --cert x.pem \
		    --key x.key --name x --passphrase || code=$?
		atf_check_equal $EX_NOINPUT $code
		test ! -e x.key || atf_fail "a key was made: $typed"
	done
}

e2e_case interrupted "Who breaks off at the prompt gets his terminal back"
interrupted_body() {
	# A byte 3 is the interrupt key; what it was before is asked after.
	python3 - <<-'END' || atf_fail "see above"
	import os, pty, select, sys, termios
	main, side = pty.openpty()
	before = termios.tcgetattr(side)
	pid = os.fork()
	if pid == 0:
	    os.setsid()
	    import fcntl
	    fcntl.ioctl(side, termios.TIOCSCTTY, 0)
	    for fd in (0, 1, 2):
	        os.dup2(side, fd)
	    os.execvp("postern-certgen", ["postern-certgen", "ca", "--cert",
	        "x.pem", "--key", "x.key", "--name", "x", "--passphrase"])
	shown = b""
	while b"key: " not in shown:
	    ready, _, _ = select.select([main], [], [], 20)
	    if not ready:
	        sys.exit("no prompt: %r" % shown)
	    shown += os.read(main, 4096)
	if termios.tcgetattr(side)[3] & termios.ECHO:
	    sys.exit("what is typed would be shown")
	os.write(main, b"secr\x03")
	status = os.waitpid(pid, 0)[1]
	after = termios.tcgetattr(side)
	if status == 0:
	    sys.exit("it went on")
	if after != before:
	    sys.exit("the terminal is not as it was")
	END
	test ! -e x.key || atf_fail "a key was made"
}
