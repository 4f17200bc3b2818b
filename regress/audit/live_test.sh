#! /usr/bin/env atf-sh
#
# postern-audit live on services that are as they should be, and on what is no
# service at all.  What it notices when they are not: sabotage_test.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"
. "$(atf_get_srcdir)/../live_verbs.sh"

# ---- cases -------------------------------------------------------------------

root_case connection "all is as declared: a worker a connection, with resolver"
connection_body() {
	make_pki
	issue client client ca --name client --host 127.0.0.1 --force
	write_conf parents=2 clients.host-check=either
	start_daemon
	expect_green
	for name in supervisor 'parent 0' 'parent 1' resolver spawner init \
	    'echo x'; do
		expect_shown "^$name.* ok  "
	done
	expect_shown ' 0 failed'
	expect_shown '^    read: fd == 3$'
	assert_echo
	stop_daemon
}

root_case pool "all is as declared: a pool"
pool_body() {
	make_pki
	write_conf isolation=pool pool-workers=2
	start_daemon
	assert_echo
	expect_green
	expect_shown '^pool.* ok  '
	assert_echo
	stop_daemon
}

root_case json "one document, with keys that do not change"
json_body() {
	make_pki
	write_conf
	start_daemon
	expect_green --json
	atf_check_equal "0 $daemon_pid False" "$(json live.out 'str(d["failed"]) +
	    " " + str(d["supervisor"]) + " " + str(d["one-uid"])')"
	atf_check_equal 'echo exporter init parent spawner supervisor' \
	    "$(json live.out '" ".join(sorted(set(g["process"]
	    for g in d["groups"])))')"
	atf_check_equal "passed exit_group" "$(json live.out '[
	    g["checks"]["filters"]["verdict"] + " " + " ".join(r["call"]
	    for r in g["reach"] if r["allowed"] == "free")
	    for g in d["groups"] if g["process"] == "echo"][0]')"
	atf_check_equal "read: fd == 3, write: fd == 3" "$(json live.out '[
	    ", ".join(r["call"] + ": " + r["limits"]
	    for r in g["reach"] if r["allowed"] == "limited")
	    for g in d["groups"] if g["process"] == "echo"][0]')"
	atf_check_equal "[]" "$(json live.out '[r for g in d["groups"]
	    for r in g["reach"] if r["entry"] not in ("x86_64", "aarch64")]')"
	stop_daemon
}

e2e_case nothing_there "what is no service is said in one line"
nothing_there_body() {
	refused $EX_USAGE 'want a process id' live --pid 0
	refused $EX_USAGE 'want a process id' live --pid 1x
	refused $EX_USAGE 'takes no operand' live all
	refused $EX_USAGE 'no such option' live --all
	is_root || {
		refused $EX_NOPERM 'only root' live
		return 0
	}
	refused $EX_USAGE 'not the supervisor of a posternd' live --pid $$
	sleep 0 &
	pid=$!
	wait $pid
	refused $EX_UNAVAILABLE 'no such process' live --pid $pid
}

# A filter of its own, or no right to look: one line, and no page of failures.
root_case no_right "without the rights it says so"
no_right_body() {
	command -v setpriv >/dev/null || atf_skip "there is no setpriv"
	make_pki
	write_conf
	start_daemon
	for drop in sys_admin sys_ptrace; do
		status=0
		setpriv --bounding-set=-$drop --inh-caps=-$drop \
		    postern-audit live --pid "$daemon_pid" >live.out \
		    2>live.err || status=$?
		test $status -ne 0 || atf_fail "without $drop all was well"
	done
	stop_daemon
}
