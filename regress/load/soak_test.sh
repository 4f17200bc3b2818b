#! /usr/bin/env atf-sh
#
# What `make soak' does for half an hour, for a minute: the same, only faster.

. "$(atf_get_srcdir)/../common.sh"

root_case soak "load, reloads and kills: nothing else is lost, nothing grows"
soak_head() {
	atf_set descr \
	    "load, reloads and kills: nothing else is lost, nothing grows"
	atf_set require.user root
	atf_set timeout 900
}
soak_body() {
	test -z "${SANITIZE-}" || atf_skip "a sanitizer has memory of its own"
	run_in_background python3 "$(atf_get_srcdir)/soak.py" \
	    --build "$(dirname "$(command -v posternd)")" --where . \
	    --seconds 60 --reload 5 --kill 6 --every 10
	wait $! || atf_fail "it did not hold"
}

# A loss is one kill's for as long as that may take to be noticed, no longer.
e2e_case excused "who is lost long after a kill is not lost by it"
excused_body() {
	python3 - "$(atf_get_srcdir)" <<-'EOF' || atf_fail "see above"
	import sys
	sys.dont_write_bytecode = True
	sys.path.insert(0, sys.argv[1])
	import soak

	class Log:
	    def whose(self, peer, at):
	        return 10, 20

	def is_excused(kind, pid, of, after):
	    s = soak.Service.__new__(soak.Service)
	    s.log, s.killed = Log(), [(1000.0, kind, pid, of)]
	    s.lost, s.excused = [], 0
	    s.judge("127.0.0.1:1 echo talk at=%f" % (1000 + after))
	    return s.excused == 1

	for kind, pid, of in ("parent", 10, 10), ("spawner", 11, 10), \
	        ("worker", 20, 10):
	    assert is_excused(kind, pid, of, 1)
	    assert not is_excused(kind, pid, of, -1)
	    assert not is_excused(kind, pid, of, 100)
	assert is_excused("spawner", 11, 10, soak.DRAIN_S)
	assert not is_excused("parent", 10, 10, soak.DRAIN_S)
	assert not is_excused("worker", 21, 10, 1)
	EOF
}

# Of a process that nobody reloads.
e2e_case grown "a process that has grown is told"
grown_body() {
	python3 - "$(atf_get_srcdir)" <<-'EOF' || atf_fail "see above"
	import sys
	sys.dont_write_bytecode = True
	sys.path.insert(0, sys.argv[1])
	import soak

	class Sum:
	    def __init__(self, memory, descriptors, pid=1):
	        p = soak.Process.__new__(soak.Process)
	        p.kind, p.memory = "posternd: parent", memory
	        p.descriptors = descriptors
	        self.each = {pid: p}

	def wrong(before, after):
	    return len(soak.compare_each(Sum(1, 30), before, after))
	mib = soak.MIB
	assert wrong(Sum(3 * mib, 28), Sum(3 * mib, 30)) == 0
	assert wrong(Sum(3 * mib, 28), Sum(4 * mib, 30)) == 1
	assert wrong(Sum(3 * mib, 28), Sum(3 * mib, 31)) == 1
	assert wrong(Sum(3 * mib, 28), Sum(3 * mib, 28, 2)) == 1
	EOF
}

# One for each that was killed, and no more; and who was slow.
e2e_case told "workers that somebody else has killed are told, and slowness"
told_body() {
	python3 - "$(atf_get_srcdir)" <<-'EOF' || atf_fail "see above"
	import sys
	sys.dont_write_bytecode = True
	sys.path.insert(0, sys.argv[1])
	import soak

	open("log", "w").close()
	log = soak.Log("log")

	def wrong(killed, took=10.0):
	    s = soak.Service.__new__(soak.Service)
	    s.isolation, s.log, s.lost, s.excused = "connection", log, [], 0
	    s.killed, s.figures = [(1.0, k, 1, 1) for k in killed], {
	        "kind echo": {"begun": 1, "done": 1, "lost": 0, "p99": took}}
	    return soak.verdict(s)
	line = "time=2026-01-01T00:00:00Z level=error pid=1 process=parent " \
	    "event=worker-died worker=2 signal=KILL"
	log.take(line)
	assert wrong(["worker"]) == []
	log.take(line)
	assert wrong(["worker", "parent"]) == []
	assert len(wrong(["worker", "spawner"])) == 1
	assert len(wrong(["worker", "parent"], took=30e3)) == 1
	EOF
}

# Who is cut off by a server that has died was not refused.
e2e_case broken_off "who is cut off has not been turned away by an alert"
broken_off_body() {
	make_pki
	port=$(free_port)
	cat >closes.py <<-'EOF'
	import socket, sys
	s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
	while True:
	    c = s.accept()[0]
	    c.recv(4096)
	    c.close()
	EOF
	run_in_background python3 closes.py "$port"
	expect_soon port_in_use "$port"
	"$(atf_get_srcdir)/visitors_helper" -n 20 127.0.0.1 "$port" \
	    "refused do=refused" "alerted do=alerted" >visits 2>err
	grep -q "^kind refused begun=\([0-9]*\) done=\1 lost=0 " visits &&
	    grep -q "^kind alerted begun=\([1-9][0-9]*\) done=0 lost=\1 " visits || {
		cat visits err >&2
		atf_fail "it counts otherwise"
	}
}
