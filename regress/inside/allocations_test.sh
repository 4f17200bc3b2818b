#! /usr/bin/env atf-sh
#
# How often memory is allocated for an echo, by the parent, by workers, and by
# all libraries in them.  Numbers, not times.  They may fall; who raises one
# must know why.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

# echoes.py PORT N PID...: N echoes, of a client's that had some before, and how
# often each of the processes has allocated for them: "PID NUMBER".
write_echoes() {
	cat >echoes.py <<-'END'
	import os, socket, ssl, subprocess, sys

	port, n = map(int, sys.argv[1:3])
	pids = sys.argv[3:]

	def symbol(exe):
	    for line in subprocess.check_output(["nm", exe], text=True
	            ).splitlines():
	        if line.endswith(" inside_allocations"):
	            return int(line.split()[0], 16)
	    sys.exit("nothing is counted in " + exe)

	# Where the program lies in its memory, and the number in the program.
	def place(pid):
	    exe = os.readlink("/proc/%s/exe" % pid)
	    name = "inside/" + os.path.basename(exe)
	    with open("/proc/%s/maps" % pid) as f:
	        for line in f:
	            if line.rstrip().endswith(os.path.basename(exe)):
	                return int(line.split("-")[0], 16) + symbol(name)
	    sys.exit("no place of " + exe)

	places = {pid: place(pid) for pid in pids}

	def allocations(pid):
	    with open("/proc/%s/mem" % pid, "rb", buffering=0) as f:
	        f.seek(places[pid])
	        return int.from_bytes(f.read(8), sys.byteorder)

	context = ssl.create_default_context(cafile="ca.pem")
	context.load_cert_chain("client.pem", "client.key")
	tls = context.wrap_socket(socket.create_connection(("127.0.0.1",
	    port)), server_hostname="127.0.0.1")
	tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

	def echo():
	    tls.sendall(b"x" * 64)
	    got = 0
	    while got < 64:
	        piece = tls.recv(64)
	        if not piece:
	            sys.exit("the server ended")
	        got += len(piece)

	for i in range(32):
	    echo()
	before = {pid: allocations(pid) for pid in pids}
	for i in range(n):
	    echo()
	for pid in pids:
	    print(pid, allocations(pid) - before[pid])
	END
}

ECHOES=200
# For each: a buffer to read into and one to write from, which go when it is
# idle, and four of 40 bytes about the record that is written, all libcrypto's.
PARENT_EACH=6
# Of what comes now and then: progress, a line of the log.
ONCE=20

# count_allocations [key=value...]: of parent and workers.
count_allocations() {
	use_inside "# nothing"
	make_pki
	write_conf "$@"
	start_daemon
	assert_echo
	write_echoes
	parent=$(process_titled "$daemon_pid" 'posternd: parent*')
	workers=$(process_titled "$daemon_pid" 'postern-worker: [ep]*')
	# shellcheck disable=SC2086
	python3 echoes.py "$port" $ECHOES $parent $workers >counts ||
	    atf_fail "echoes.py"
	cat counts
	while read -r pid n; do
		each=0 who="the worker"
		test "$pid" != "$parent" || each=$PARENT_EACH who="the parent"
		test "$n" -le $((each * ECHOES + ONCE)) ||
		    atf_fail "$who allocates $n times for $ECHOES echoes"
	done <counts
	# Were nothing counted, all would be well.
	test "$(awk -v pid="$parent" '$1 == pid { print $2 }' counts)" -ge \
	    $ECHOES || atf_fail "the parent's are not counted"
	stop_daemon
}

root_case connection "with a worker for each connection"
connection_body() {
	count_allocations
}

root_case pool "in the pool"
pool_body() {
	count_allocations isolation=pool
}
