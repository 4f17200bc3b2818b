#! /usr/bin/env atf-sh
#
# --proxy-v2: the header that goes out, read by somebody else's eyes.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../client_verbs.sh"

# header EXPRESSION: of the header that the server has got, taken apart by the
# specification, this Python is true.
header()
{
	python3 - "$1" "$port" <<-'END' || atf_fail "the header is wrong"
	import ipaddress, struct, sys
	port = int(sys.argv[2])
	h = open("header", "rb").read()
	assert h[:12] == b"\r\n\r\n\0\r\nQUIT\n", h
	assert h[12] == 0x21, "version 2, PROXY"
	size = {0x11: 4, 0x21: 16}[h[13]]
	assert len(h) == 16 + struct.unpack("!H", h[14:16])[0]
	source, target = (str(ipaddress.ip_address(h[i:i + size]))
	    for i in (16, 16 + size))
	ports = struct.unpack("!HH", h[16 + 2 * size:20 + 2 * size])
	def crc32c(data):
	    crc = 0xffffffff
	    for byte in data:
	        crc ^= byte
	        for _ in range(8):
	            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
	    return crc ^ 0xffffffff
	assert crc32c(b"123456789") == 0xe3069283
	at = 20 + 2 * size
	while at < len(h):
	    kind, n = struct.unpack("!BH", h[at:at + 3])
	    if kind == 3:
	        have = struct.unpack("!I", h[at + 3:at + 7])[0]
	        zeroed = h[:at + 3] + b"\0\0\0\0" + h[at + 7:]
	        assert n == 4 and have == crc32c(zeroed), "CRC32C"
	    at += 3 + n
	assert at == len(h)
	if not eval("(" + sys.argv[1] + ")"):
	    sys.exit("not so: %s %s %s" % (source, target, ports))
	END
}

e2e_case ipv4 "An IPv4 source, with a port and without, for each command"
ipv4_body()
{
	make_pki
	serve proxy
	client 0 --proxy-v2 192.0.2.7:4711 -R ca.pem
	cmp in out || atf_fail "not what was sent"
	header '(source, target, ports) ==
	    ("192.0.2.7", "127.0.0.1", (4711, port))'
	serve proxy
	client 0 --proxy-v2 192.0.2.8 -R ca.pem ping -c 2 -i 0.01
	header 'source == "192.0.2.8" and ports[0] >= 1024 and ports[1] == port'
	serve proxy
	client 0 inspect --proxy-v2=192.0.2.9 -R ca.pem
	header 'source == "192.0.2.9"'
	serve proxy
	client 0 send --proxy-v2=192.0.2.10 -R ca.pem in
	header 'source == "192.0.2.10"'
}

e2e_case ipv6 "An IPv6 source of an IPv4 connection"
ipv6_body()
{
	make_pki
	for source in 2001:db8::1 '[2001:db8::1]:4711'; do
		serve proxy server 12
		client 0 --proxy-v2 $source -R ca.pem
		header 'source == "2001:db8::1" and ports[1] == port'
		header 'ipaddress.ip_address(target).ipv4_mapped ==
		    ipaddress.ip_address("127.0.0.1")'
	done
	header 'ports[0] == 4711'
}

e2e_case other_family "An IPv4 source of an IPv6 connection is an error"
other_family_body()
{
	make_pki
	# Before anything is connected, or looked up.
	for line in '-6 none.invalid' '::1' '-6 ::1'; do
		atf_check -s exit:64 \
		    -e match:'--proxy-v2 192.0.2.7: .*connect by IPv4, or' \
		    postern --proxy-v2 192.0.2.7 -R ca.pem $line 1
	done
}

# with_hosts COMMAND...: both.test is ::1 and 127.0.0.1, whatever is so here.
with_hosts()
{
	printf '%s\n' '::1 both.test' '127.0.0.1 both.test' >hosts
	unshare --mount sh -c 'mount --bind hosts /etc/hosts && exec "$@"' \
	    sh "$@"
}

root_case same_family "The connection is of the family that the source is of"
same_family_body()
{
	make_pki
	# Whoever listens on ::1 is not asked with an IPv4 source...
	port=$(free_port)
	run_in_background socat "TCP6-LISTEN:$port,bind=[::1],fork" \
	    "EXEC:true"
	expect_soon listening "$port"
	got=0
	with_hosts postern --proxy-v2 192.0.2.7 -R ca.pem both.test "$port" \
	    2>err || got=$?
	atf_check_equal 69 "$got"
	says 'cannot connect to 127.0.0.1:'
	# ...and is with another.
	with_hosts postern -v --proxy-v2 2001:db8::1 -R ca.pem both.test \
	    "$port" </dev/null 2>err
	says "connected to \[::1\]:$port"
}

e2e_case bad_values "Only numeric addresses"
bad_values_body()
{
	for bad in '' localhost 192.0.2.7:x 192.0.2 fe80::1%1 192.0.2.7:70000
	do
		atf_check -s exit:64 -e match:'--proxy-v2 .*: must be a numeric' \
		    postern --proxy-v2 "$bad" localhost 1
	done
}

e2e_case plain "Without the option nothing comes before TLS"
plain_body()
{
	make_pki
	serve proxy
	client 69 -w 1 -R ca.pem
	server_says 'server_helper: no header'
}

e2e_case service "Our service takes the header, and logs whom it names"
service_body()
{
	make_pki
	write_conf 'proxy.from={"127.0.0.1/32"}'
	start_daemon
	client 0 ping --proxy-v2 192.0.2.7:4711 -R ca.pem -C client.pem \
	    -K client.key -c 2 -i 0.01
	expect_log 'event=close .*peer=192.0.2.7:4711 '
	client 0 inspect --proxy-v2 2001:db8::7 -R ca.pem -C client.pem \
	    -K client.key
	expect_log 'event=close .*peer=\[2001:db8::7\]:'
	# Without it, we are no balancer.
	client 77 ping -R ca.pem -C client.pem -K client.key -c 1
	expect_log 'event=refused .*reason=proxy-required'
	stop_daemon
}
