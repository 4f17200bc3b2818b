# A service of this machine, to which relay workers pass clients on.  Use after
# common.sh:
#
#	start_service AT MODE [ARGUMENT]	sets $service_pid
#	stop_service
#
# AT is "127.0.0.1:8080", "[::1]:8080" or "unix:PATH".  MODE is what is done
# with each connection:
#
#	echo		give back what comes, until its end
#	digest		at its end: how many bytes came, and their SHA-256
#	greet WORD	WORD first, and then like echo
#	give N		N bytes and the end; then like digest, but into
#			service.log
#	later		the end at once; then the same, once there is a file
#			`go'
#	header		take a PROXY header, and put what it says into
#			service.log as a line of JSON; then like echo
#	close		close it at once
#	reset		at the first byte break it off
#	mute		keep it, and neither read nor write
#	full		accept none, of a queue of one

# shellcheck shell=sh disable=SC2154
service_pid=

write_service() {
	cat >service.py <<-'END'
	import hashlib, ipaddress, json, os, signal, socket, struct, sys
	import threading, time

	at, mode = sys.argv[1:3]
	argument = sys.argv[3] if len(sys.argv) > 3 else ""

	def listener():
	    if at.startswith("unix:"):
	        path = at[5:]
	        if os.path.exists(path):
	            os.unlink(path)
	        s = socket.socket(socket.AF_UNIX)
	        s.bind(path)
	        os.chmod(path, 0o666)
	        return s
	    host, port = at.rsplit(":", 1)
	    host = host.strip("[]")
	    s = socket.socket(socket.AF_INET6 if ":" in host else
	        socket.AF_INET)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    s.bind((host, int(port)))
	    return s

	def log(line):
	    with open("service.log", "a") as f:
	        f.write(line + "\n")

	def pieces(c):
	    while True:
	        piece = c.recv(65536)
	        if not piece:
	            return
	        yield piece

	def echo(c):
	    for piece in pieces(c):
	        c.sendall(piece)

	def digest(c):
	    n, h = 0, hashlib.sha256()
	    for piece in pieces(c):
	        n += len(piece)
	        h.update(piece)
	    return "%d %s" % (n, h.hexdigest())

	def exactly(c, n):
	    data = b""
	    while len(data) < n:
	        piece = c.recv(n - len(data))
	        if not piece:
	            raise EOFError
	        data += piece
	    return data

	def tlvs(data):
	    found = {}
	    while data:
	        kind, n = struct.unpack("!BH", data[:3])
	        value, data = data[3:3 + n], data[3 + n:]
	        assert len(value) == n
	        if kind == 0x20:
	            found["client"], found["verify"] = struct.unpack("!BI",
	                value[:5])
	            found.update(tlvs(value[5:]))
	        elif kind != 3:
	            found["%02x" % kind] = value.decode()
	    return found

	def header(c):
	    head = exactly(c, 16)
	    assert head[:13] == b"\r\n\r\n\0\r\nQUIT\n\x21"
	    size = {0x11: 4, 0x21: 16}[head[13]]
	    rest = exactly(c, struct.unpack("!H", head[14:])[0])
	    ports = struct.unpack("!HH", rest[2 * size:2 * size + 4])
	    found = tlvs(rest[2 * size + 4:])
	    found["source"] = "%s %d" % (ipaddress.ip_address(rest[:size]),
	        ports[0])
	    found["target"] = "%s %d" % (ipaddress.ip_address(
	        rest[size:2 * size]), ports[1])
	    log(json.dumps(found))
	    echo(c)

	def serve(c):
	    if mode == "echo":
	        echo(c)
	    elif mode == "digest":
	        c.sendall(digest(c).encode() + b"\n")
	    elif mode == "greet":
	        c.sendall(argument.encode() + b"\n")
	        echo(c)
	    elif mode == "give":
	        c.sendall(bytes(i % 251 for i in range(int(argument))))
	        c.shutdown(socket.SHUT_WR)
	        log(digest(c))
	    elif mode == "later":
	        c.shutdown(socket.SHUT_WR)
	        while not os.path.exists("go"):
	            time.sleep(0.05)
	        log(digest(c))
	    elif mode == "header":
	        header(c)
	    elif mode == "reset":
	        c.recv(1)
	        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
	            struct.pack("ii", 1, 0))
	    elif mode == "mute":
	        threading.Event().wait()
	    c.close()

	def attempt(c):
	    try:
	        serve(c)
	    except (OSError, EOFError, AssertionError, KeyError) as e:
	        log("error: %r" % e)
	        c.close()

	s = listener()
	s.listen(0 if mode == "full" else 1000)
	open("service.ready", "w").close()
	while mode == "full":
	    signal.pause()
	while True:
	    c, _ = s.accept()
	    threading.Thread(target=attempt, args=(c,), daemon=True).start()
	END
}

start_service() {
	test -e service.py || write_service
	rm -f service.ready
	run_in_background python3 service.py "$@" 2>>service.err
	service_pid=$!
	expect_soon test -e service.ready
}

stop_service() {
	kill "$service_pid"
	expect_soon gone "$service_pid"
}
