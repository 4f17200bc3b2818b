#! /usr/bin/env atf-sh
#
# The log, where standard error is the journal's: against a socket that is not
# journald's.  boot_test has the real one.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"
. "$(atf_get_srcdir)/../systemd_verbs.sh"

# In a mount namespace, with a /run of its own: a reader at journald's place,
# and posternd, whose standard error is a socket that JOURNAL_STREAM names.
journal_script() {
	cat <<-'END'
	import json, os, socket, subprocess, sys
	os.makedirs("/run/systemd/journal")
	j = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	j.bind("/run/systemd/journal/socket")
	os.chmod("/run/systemd/journal/socket", 0o666)
	mine, its = socket.socketpair()
	st = os.fstat(its.fileno())
	env = dict(os.environ, JOURNAL_STREAM="%d:%d" % (st.st_dev, st.st_ino))
	p = subprocess.Popen(["posternd"] + sys.argv[1:], stderr=its, env=env,
	    stdin=subprocess.DEVNULL)
	open("daemon.pid.new", "w").write("%d\n" % p.pid)
	os.rename("daemon.pid.new", "daemon.pid")
	its.close()
	out = open("entries", "w", buffering=1)
	while True:
	    d = j.recv(65536)
	    fields = []
	    while d:
	        n = min(i for i in (d.find(b"="), d.find(b"\n")) if i >= 0)
	        name = d[:n].decode()
	        if d[n:n + 1] == b"=":
	            value, _, d = d[n + 1:].partition(b"\n")
	        else:
	            size = int.from_bytes(d[n + 1:n + 9], "little")
	            value, d = d[n + 9:n + 9 + size], d[n + 10 + size:]
	        fields.append((name, value.decode("latin-1")))
	    out.write(json.dumps(fields) + "\n")
	END
}

start_with_journal() {
	journal_script >journal.py
	: >entries
	is_root || atf_skip "only root has a /run of its own"
	unshare --mount sh -c 'mount --make-rprivate / &&
	    mount -t tmpfs tmpfs /run && exec python3 journal.py -f "$0"' \
	    "$PWD/posternd.conf" >journal.out 2>&1 &
	record $!
	expect_soon test -e daemon.pid
	daemon_pid=$(cat daemon.pid)
	record "$daemon_pid"
	expect_soon grep -q '"POSTERN_EVENT", "ready"' entries
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
}

root_case hostile "A subject makes no field, and each process has its entries"
hostile_body() {
	make_pki
	subject=/CN=$(printf 'x\nPOSTERN_EVENT=open\nPRIORITY=0\n"\\\\y=\001')
	sign_client hostile other-ca
	write_conf
	start_with_journal
	assert_echo
	echo x | connect -C hostile.pem -K hostile.key >/dev/null 2>&1 &&
	    atf_fail "let in"
	expect_soon grep -q '"POSTERN_EVENT", "refused"' entries
	kill -TERM "$daemon_pid"
	expect_soon grep -q '"POSTERN_DETAIL", "status 0"' entries
	python3 - <<-'END' || atf_fail "$(cat entries)"
	import json
	events = {}
	for line in open("entries"):
	    fields = json.loads(line)
	    e = dict(fields)
	    assert len(e) == len(fields), fields
	    assert e["SYSLOG_IDENTIFIER"] == "posternd", e
	    assert e["PRIORITY"] in "3467", e
	    assert e["MESSAGE"].startswith("process=%s event=%s" % (
	        e["POSTERN_PROCESS"], e["POSTERN_EVENT"])), e
	    for name in e:
	        assert name in ("PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE") or \
	            name.startswith("POSTERN_"), e
	    # As the line says it, key by key.
	    for name, value in e.items():
	        if name.startswith("POSTERN_"):
	            key = name[8:].lower()
	            assert key + "=" in e["MESSAGE"].replace("-", "_"), e
	    events.setdefault(e["POSTERN_EVENT"], []).append(e)
	assert len(events["open"]) == 1 and len(events["refused"]) == 1
	r = events["refused"][0]
	assert r["POSTERN_REASON"] == "untrusted" and r["PRIORITY"] != "0", r
	assert "\\x0aPOSTERN_EVENT=open\\x0aPRIORITY=0\\x0a" in \
	    r["POSTERN_SUBJECT"], r
	assert {"ready", "start", "canary", "close", "stop"} <= set(events)
	END
}

root_case declared "postern-audit knows the socket at 2 as the log"
declared_body() {
	make_pki
	write_conf
	start_with_journal
	postern-audit live --pid "$daemon_pid" >live.out 2>&1 || {
		cat live.out >&2
		atf_fail "it finds something"
	}
	kill -TERM "$daemon_pid"
	expect_soon gone "$daemon_pid"
}
