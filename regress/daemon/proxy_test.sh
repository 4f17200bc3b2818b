#! /usr/bin/env atf-sh
#
# The PROXY protocol: from a listed source a header is required and believed,
# from all others none is.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"

# ---- a balancer --------------------------------------------------------------

# balancer.py PORT SOURCE HEADER WAY [NAME]: connect from SOURCE, send the
# header of that name, and go on in this way:
#
#	echo	TLS with the certificate NAME (-: none): "hello" must come back
#	joined	the same, header and ClientHello in one segment
#	bytes	the same, each byte of the header in a segment of its own
#	wait	until the server ends the connection
#	close	end it
write_balancer() {
	cat >balancer.py <<-'END'
	import fcntl, ipaddress, os, socket, ssl, struct, sys, termios

	SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"

	def tlv(kind, value):
	    return struct.pack("!BH", kind, len(value)) + value

	def addresses(source, target):
	    return (ipaddress.ip_address(source).packed +
	        ipaddress.ip_address(target).packed +
	        struct.pack("!HH", 4711, 443))

	V4 = addresses("192.0.2.7", "198.51.100.1")
	V6 = addresses("2001:db8::7", "2001:db8::1")
	MAPPED = addresses("::ffff:192.0.2.7", "2001:db8::1")

	def header(block=V4, command=0x21, family=0x11, length=None,
	    signature=SIGNATURE):
	    if length is None:
	        length = len(block)
	    return signature + struct.pack("!BBH", command, family,
	        length) + block

	def crc32c(data):
	    crc = 0xffffffff
	    for byte in data:
	        crc ^= byte
	        for bit in range(8):
	            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
	    return crc ^ 0xffffffff

	def summed(change=0):
	    block = V4 + tlv(4, b"??") + tlv(3, b"\0\0\0\0")
	    crc = crc32c(header(block)) ^ change
	    return header(block[:-4] + struct.pack("!I", crc))

	HEADERS = {
	    "none": b"",
	    "v4": header(),
	    "v6": header(V6, family=0x21),
	    "mapped": header(MAPPED, family=0x21),
	    "mapped-own": header(addresses("::ffff:127.0.0.1",
	        "2001:db8::1"), family=0x21),
	    "tlvs": header(V4 + tlv(1, b"h2") + tlv(5, b"x" * 128)),
	    "longest": header(V4 + tlv(4, b"\0" * (8192 - 16 - 12 - 3))),
	    "crc": summed(),
	    "twice": header() * 2,
	    "local": header(b"", command=0x20, family=0),
	    "local-address": header(V4, command=0x20),
	    "local-rubbish": header(b"\xff" * 99, command=0x20, family=0xff),
	    # each is wrong in one way
	    "signature": header(signature=SIGNATURE[:-1] + b"\r"),
	    "version-1": header(command=0x11),
	    "version-3": header(command=0x31),
	    "command": header(command=0x22),
	    "unspecified": header(b"", family=0),
	    "udp": header(family=0x12),
	    "unix": header(b"\0" * 216, family=0x31),
	    "short": header(V4[:-1]),
	    "short-6": header(V4, family=0x21),
	    "long": header(length=0xffff),
	    "longer": header(V4 + tlv(4, b"\0" * (8193 - 16 - 12 - 3))),
	    "tlv-past-end": header(V4 + b"\1\0\3h2"),
	    "tlv-cut": header(V4 + b"\1\0"),
	    "crc-wrong": summed(1),
	    "crc-size": header(V4 + tlv(3, b"\0\0\0")),
	    "crc-twice": header(V4 + tlv(3, b"\0" * 4) * 2),
	    "text": b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n",
	    "text-unknown": b"PROXY UNKNOWN\r\n",
	    "http": b"GET / HTTP/1.0\r\n\r\n",
	    "half": header()[:20],
	}

	def drained(s):
	    "All that was sent is the other system's: a segment has gone."
	    while struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ,
	        b"\0" * 4))[0]:
	        os.sched_yield()

	def connect(port, source):
	    s = socket.create_connection(("127.0.0.1", port), 20,
	        (source, 0))
	    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	    return s

	def ended(s):
	    try:
	        while s.recv(4096):
	            pass
	    except ConnectionResetError:
	        pass

	class Session:
	    "TLS of which no byte is sent but by us."
	    def __init__(self, s, name):
	        c = ssl.create_default_context(cafile="ca.pem")
	        if name != "-":
	            c.load_cert_chain(name + ".pem", name + ".key")
	        self.s, self.i, self.o = s, ssl.MemoryBIO(), ssl.MemoryBIO()
	        self.t = c.wrap_bio(self.i, self.o,
	            server_hostname="127.0.0.1")

	    def hello(self):
	        try:
	            self.t.do_handshake()
	        except ssl.SSLWantReadError:
	            return self.o.read()

	    def until_done(self, step):
	        while True:
	            try:
	                r = step()
	                self.s.sendall(self.o.read())
	                return r
	            except ssl.SSLWantReadError:
	                self.s.sendall(self.o.read())
	                got = self.s.recv(65536)
	                if not got:
	                    sys.exit("the server ended the connection")
	                self.i.write(got)

	    def echo(self):
	        self.until_done(self.t.do_handshake)
	        self.t.write(b"hello")
	        if self.until_done(lambda: self.t.read(5)) != b"hello":
	            sys.exit("something else was echoed")

	port, source, name, way = sys.argv[1:5]
	first = HEADERS[name]
	s = connect(int(port), source)
	if way == "wait":
	    s.sendall(first)
	    ended(s)
	elif way == "close":
	    s.sendall(first)
	else:
	    session = Session(s, sys.argv[5])
	    hello = session.hello()
	    if way == "joined":
	        s.sendall(first + hello)
	    elif way == "bytes":
	        for byte in first:
	            s.sendall(bytes([byte]))
	            drained(s)
	        s.sendall(hello)
	    else:
	        s.sendall(first)
	        drained(s)
	        s.sendall(hello)
	    session.echo()
	END
}

# The case has failed; what was said is shown first.
fail_with_log() {
	show_log
	cat out err >&2
	atf_fail "$*"
}

source=127.0.0.1
balancer() {
	python3 balancer.py "$port" "$source" "$@" >out 2>err
}

# echoed HEADER WAY NAME
echoed() {
	balancer "$@" || fail_with_log "$*"
}

lines_like() {
	test "$(log_count "$1")" -ge "$2"
}

# refuses WORD DETAIL HEADER WAY [NAME]: the log gains this refusal, of whom
# the balancer's own address is all that is known, and no session.
refuses() {
	line="event=refused reason=$1 peer=$source:[0-9]* \(proxy=.* \)\?detail=\"$2"
	n=$(($(log_count "$line") + 1))
	opened=$(log_count event=open)
	shift 2
	if balancer "$@"; then
		test "$2" != echo || fail_with_log "$*: echoed"
	else
		test "$2" = echo || fail_with_log "$*: not ended"
	fi
	expect_soon lines_like "$line" $n
	test "$(log_count event=open)" -eq "$opened" ||
	    fail_with_log "$*: a session"
}

# start_behind [key=value...]: 127.0.0.1 is a balancer; "at" is at 192.0.2.7.
start_behind() {
	make_pki
	write_balancer
	sign at ca "$usual_client
subjectAltName=IP:192.0.2.7"
	write_conf 'proxy.from={"127.0.0.1"}' "$@"
	start_daemon
}

# ---- what is believed --------------------------------------------------------

e2e_case carried \
    "the carried address is the client, in the log and for the rules"
carried_body() {
	start_behind clients.host-check=address
	for header in v4 tlvs crc longest mapped; do
		echoed $header echo at
	done
	test "$(log_count 'event=open peer=192.0.2.7:4711 proxy=127.0.0.1:[0-9]* ')" \
	    -eq 5 || fail_with_log "not as the client it is for"
	expect_soon lines_like \
	    'event=close peer=192.0.2.7:4711 proxy=127.0.0.1:[0-9]* ' 5
	balancer v6 echo at && fail_with_log "another address is let in"
	expect_log 'event=refused reason=address-mismatch peer=\[2001:db8::7\]:4711 proxy=127.0.0.1:[0-9]* subject="CN=at"'
	balancer v4 echo other && fail_with_log "another CA is let in"
	expect_log 'event=refused reason=untrusted peer=192.0.2.7:4711 proxy=127.0.0.1:[0-9]* subject="CN=other"'
	sign at6 ca "$usual_client
subjectAltName=IP:2001:db8::7"
	echoed v6 echo at6
	log_has 'event=open peer=\[2001:db8::7\]:4711 proxy=127.0.0.1:' ||
	    fail_with_log "IPv6"
	# the balancer's own address helps nobody
	sign near ca "$usual_client
subjectAltName=IP:127.0.0.1"
	balancer v4 echo near && fail_with_log "the balancer's address counts"
	expect_log 'event=refused reason=address-mismatch peer=192.0.2.7:4711 proxy=127.0.0.1:[0-9]* subject="CN=near"'
	stop_daemon
}

e2e_case mapped "of a mapped address the names are looked up as of any other"
mapped_body() {
	make_pki
	write_balancer
	sign local ca "$usual_client
subjectAltName=DNS:localhost"
	write_conf 'proxy.from={"127.0.0.1"}' clients.host-check=name
	start_daemon
	# by /etc/hosts
	echoed mapped-own echo local
	posternd --explain local.pem --from ::ffff:127.0.0.1 \
	    --proxy 127.0.0.1 -f posternd.conf >out 2>err ||
	    fail_with_log "--explain"
	stop_daemon
}

e2e_case pieces \
    "a header may come byte by byte, or with the handshake behind it"
pieces_body() {
	start_behind
	for header in v4 v6 crc local; do
		echoed $header bytes at
		echoed $header joined at
	done
	stop_daemon
}

e2e_case ours "our own client can stand in for a balancer"
ours_body() {
	start_behind clients.host-check=address
	echo hello >in
	postern -R ca.pem -C at.pem -K at.key --proxy-v2 192.0.2.7 127.0.0.1 \
	    "$port" <in >out 2>err || fail_with_log "our client"
	cmp in out || fail_with_log "nothing echoed"
	log_has 'event=open peer=192.0.2.7:[0-9]* proxy=127.0.0.1:' ||
	    fail_with_log "not as the client it is for"
	stop_daemon
}

# ---- what is not -------------------------------------------------------------

e2e_case required "from a listed source nobody comes in without a header"
required_body() {
	start_behind timeouts.handshake=500ms
	refuses proxy-required 'there is no PROXY header' none echo client
	refuses proxy-required 'there is no PROXY header' http wait
	refuses proxy-required 'no PROXY protocol header came' none wait
	refuses proxy-required 'no PROXY protocol header came' half wait
	refuses proxy-required 'the connection ended before' none close
	refuses proxy-bad 'the connection ended within' half close
	echoed v4 echo client
	stop_daemon
}

e2e_case bad "a header that is wrong in any way is refused, and says how"
bad_body() {
	start_behind
	while read -r header detail; do
		refuses proxy-bad "$detail" "$header" wait
	done <<-END
	signature its signature is wrong
	version-1 its version is not 2
	version-3 its version is not 2
	command its command is neither LOCAL nor PROXY
	unspecified it is not for TCP over IPv4 or IPv6
	udp it is not for TCP over IPv4 or IPv6
	unix it is not for TCP over IPv4 or IPv6
	short it is too short for its addresses
	short-6 it is too short for its addresses
	long it is longer than 8192 bytes
	longer it is longer than 8192 bytes
	tlv-past-end a TLV reaches past its end
	tlv-cut its last TLV is cut short
	crc-wrong its CRC32C does not match
	crc-size its CRC32C is not of 4 bytes
	crc-twice it has two CRC32Cs
	text it is of version 1: let the balancer send version 2
	text-unknown it is of version 1: let the balancer send version 2
	END
	refuses proxy-bad 'its CRC32C does not match' crc-wrong echo client
	echoed v4 echo client
	stop_daemon
}

e2e_case once "behind a header there is TLS, and no second header"
once_body() {
	start_behind
	balancer twice echo client && fail_with_log "two headers"
	expect_log 'event=refused reason=protocol peer=192.0.2.7:4711 proxy=127.0.0.1:'
	echoed v4 echo client
	stop_daemon
}

e2e_case unlisted "from all other sources a header is broken TLS"
unlisted_body() {
	make_pki
	write_balancer
	write_conf 'proxy.from={"127.0.0.2/31", "192.0.2.0/24"}'
	start_daemon
	refuses protocol '' v4 echo client
	refuses protocol '' local wait
	refuses protocol '' text wait
	log_has proxy= && fail_with_log "one was believed"
	assert_echo
	log_has 'event=open peer=127.0.0.1:[0-9]* tls=' ||
	    fail_with_log "a client without a balancer"
	for source in 127.0.0.2 127.0.0.3; do
		echoed v4 echo client
		log_has "event=open peer=192.0.2.7:4711 proxy=$source:" ||
		    fail_with_log "$source"
	done
	source=127.0.0.4
	refuses protocol '' v4 echo client
	stop_daemon
	# nobody is listed, unless somebody is
	source=127.0.0.1
	write_conf
	start_daemon
	refuses protocol '' v4 echo client
	assert_echo
	stop_daemon
}

# ---- the balancer's own checks -----------------------------------------------

e2e_case health_check "a health check is no refusal, and a client like others"
health_check_body() {
	start_behind log.level=debug timeouts.handshake=2s
	for header in local local-address local-rubbish; do
		n=$(log_count event=health-check)
		balancer $header close || fail_with_log "$header"
		expect_soon lines_like event=health-check $((n + 1))
	done
	log_has 'level=debug .* event=health-check peer=127.0.0.1:' ||
	    fail_with_log "its level"
	log_has event=refused && fail_with_log "it is told as a refusal"
	# with TLS it is the balancer's own address that counts
	echoed local echo client
	log_has 'event=open peer=\(127.0.0.1:[0-9]*\) proxy=\1 ' ||
	    fail_with_log "not the balancer itself"
	echoed local-address echo client
	log_has 'peer=192.0.2.7' && fail_with_log "LOCAL carried an address"
	balancer local echo other && fail_with_log "another CA is let in"
	expect_log 'event=refused reason=untrusted .*subject="CN=other"'
	# without a certificate it only looks whether TLS is there
	n=$(log_count event=health-check)
	balancer local echo - && fail_with_log "let in without a certificate"
	expect_soon lines_like event=health-check $((n + 1))
	log_has no-certificate && fail_with_log "it is told as a refusal"
	balancer v4 echo - && fail_with_log "let in without a certificate"
	expect_log 'event=refused reason=no-certificate peer=192.0.2.7:4711'
	stop_daemon
}

e2e_case ending "who has not sent a header when the service ends is told of"
ending_body() {
	start_behind timeouts.drain=100ms
	run_in_background python3 balancer.py "$port" 127.0.0.1 half wait
	waiter=$!
	expect_soon established
	stop_daemon
	log_has 'event=refused reason=shutting-down peer=127.0.0.1:' ||
	    fail_with_log "not told of"
	expect_soon gone "$waiter"
}

# The header's first half has come to the service.
established() {
	sockets=$(grep -c " 0100007F:$(printf %04X "$port") 0100007F:[0-9A-F]* 01 " \
	    /proc/net/tcp)
	test "$sockets" -eq 1
}
