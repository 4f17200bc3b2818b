#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# The matrix of layers in SECURITY is what a running service has: counted from
# /proc, and by what postern-audit live has found to hold.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# A layer counts if it holds, or would if this kernel had it.
cat_rows() {
	cat <<-'END'
	import json, os, pwd, sys
	def yes(c, *names):
	    return "+" if all(c.get(n, {}).get("verdict") in
	        ("passed", "absent") for n in names) else "-"
	def status(pid, key):
	    for line in open("/proc/%d/status" % pid):
	        if line.startswith(key + ":"):
	            return line.split()[1]
	def namespaces(pid, of):
	    return sum(os.readlink("/proc/%d/ns/%s" % (pid, n)) !=
	        os.readlink("/proc/%d/ns/%s" % (of, n)) for n in
	        ("user", "mnt", "net", "ipc", "uts", "cgroup", "pid"))
	d = json.load(open("live.json"))
	for g in d["groups"]:
	    pid, c = g["pids"][0], g["checks"]
	    print(g["process"], pwd.getpwuid(int(status(pid, "Uid"))).pw_name,
	        bin(int(status(pid, "CapPrm"), 16)).count("1"),
	        yes(c, "capabilities", "no-new-privs"),
	        status(pid, "Seccomp_filters"),
	        namespaces(pid, d["supervisor"]),
	        {"": "empty", "ptmx": "socket"}.get(" ".join(os.listdir(
	        "/proc/%d/root" % pid)), "host"),
	        yes(c, "landlock"), yes(c, "landlock-net"),
	        yes(c, "landlock-scope"), yes(c, "mdwe", "memory"),
	        yes(c, "limits"), yes(c, "hidden"), yes(c, "death"),
	        yes(c, "descriptors", "environment"),
	        "-" if c["key"]["detail"] == "not in its memory" else "+")
	END
}

# look: the rows of the service that runs, into "rows".
look() {
	postern-audit live --pid "$daemon_pid" --json >live.json 2>err || {
		cat err >&2
		atf_fail "live is not green: $(json live.json \
		    '[g["title"] for g in d["groups"] if g["failed"]]')"
	}
	cat_rows >rows.py
	python3 rows.py >>rows || atf_fail "no rows"
}

security_rows() {
	sed -n '/^Layers$/,/^    user /p' \
	    "$(atf_get_srcdir)/../../../SECURITY" |
	    grep '^  [a-z-]* *[_a-z]*  *[0-9]' | sed 's/  */ /g; s/^ //'
}

root_case layers "SECURITY has the layers of a running service"
layers_body() {
	make_pki
	issue client client ca --name client --host 127.0.0.1 --force
	write_conf parents=1 clients.host-check=either
	start_daemon
	assert_echo
	look
	stop_daemon
	write_conf isolation=pool pool-workers=1 parents=1
	start_daemon
	assert_echo
	look
	stop_daemon
	app=$(free_port)
	chmod 755 .
	start_service "127.0.0.1:$app" echo
	start_service "unix:$PWD/app.sock" echo
	for to in "127.0.0.1:$app" unix:app.sock; do
		write_conf worker=relay "relay.to=$to" parents=1
		start_daemon
		rm -f feed
		mkfifo feed
		connect <feed >out 2>err &
		record $!
		exec 9>feed
		expect_log event=open
		look
		exec 9>&-
		stop_daemon
	done
	# A row each, a dialer's two; others are the same several times.
	sort -u rows >found
	security_rows | sort >said
	diff said found >&2 ||
	    atf_fail "SECURITY (<) has not the layers that there are (>)"
	for process in supervisor parent resolver exporter spawner init echo \
	    pool pool-spawner dialer dial-spawner relay relay-spawner; do
		grep -q "^$process " said || atf_fail "no row of $process"
	done
}
