#! /usr/bin/env atf-sh
#
# The canary at start: a row that is missing from a table is found before the
# service is ready, and the start refused.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../dns_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

# ---- verbs --------------------------------------------------------------------

# without PROCESS GROUP CALL: the lines of a plan in which no row of the group
# has that call; the last row first, as those behind it move up.
without() {
	postern-audit policy "$1" | awk -v group="$2" -v call="$3" '
	/^  [a-z]/ { n = 0; there = $1 == group }
	/^    [a-z]/ {
		if (there && $1 == call)
			line[++lines] = n
		n++
	}
	END {
		for (; lines > 0; lines--)
			print line[lines]
	}' | while read -r row; do
		echo "$1 remove $2 $row"
	done
}

# lacks PROCESS GROUP CALL...: of these calls, that the process may need by the
# library's choice, it has none.
lacks() {
	process=$1
	group=$2
	shift 2
	for call; do
		without "$process" "$group" "$call"
	done >plan.lines
	test -s plan.lines || atf_fail "$process, $group: no row for $*"
	use_inside "$(cat plan.lines)"
}

# It ends by itself, with this code, and no client would ever have got in.
assert_refused() {
	launch_daemon
	status=0
	daemon_status || status=$?
	test "$status" -eq "$1" || {
		show_log
		atf_fail "status $status, not $1"
	}
	log_has event=ready && {
		show_log
		atf_fail "it was ready"
	}
	log_has event=canary || {
		show_log
		atf_fail "the canary did not say why"
	}
}

# ---- the cases -------------------------------------------------------------------

e2e_case parent "A parent that lacks a call is not ready"
parent_body() {
	need_inside
	make_pki
	write_conf
	for call in accept4 recvfrom sendto shutdown epoll_ctl setsockopt; do
		lacks parent parent $call
		assert_refused 70
	done
}

e2e_case echo "Nor one whose echo workers do"
echo_body() {
	need_inside
	make_pki
	write_conf
	for call in read write exit_group; do
		lacks echo echo $call
		assert_refused 70
		log_has "event=canary worker=[0-9]* signal=SYS" ||
		    atf_fail "not for its worker: $(cat daemon.log)"
	done
}

e2e_case pool "Nor one whose pool workers do"
pool_body() {
	need_inside
	make_pki
	write_conf isolation=pool
	for call in read write close recvmsg epoll_ctl; do
		lacks pool pool $call
		assert_refused 70
	done
}

e2e_case spawner "Nor one whose spawner does"
spawner_body() {
	need_inside
	make_pki
	write_conf
	for call in clone sendmsg socketpair wait4; do
		lacks spawner spawner $call
		assert_refused 70
	done
	lacks spawner fledge close_range
	assert_refused 70
}

e2e_case resolver "Nor one whose resolver does"
resolver_body() {
	need_inside
	start_dns
	make_pki
	write_conf clients.host-check=name "resolver.servers={\"$dns\"}"
	for call in socket connect sendto recvmsg sendmsg close; do
		lacks resolver resolver $call
		assert_refused 70
	done
}

e2e_case lives "With all rows there is one line, and clients are served"
lives_body() {
	need_inside
	make_pki
	write_conf
	use_inside "parent attack none"
	start_daemon
	atf_check_equal 1 "$(log_count 'process=parent event=canary result=ok')"
	assert_echo
	stop_daemon
	write_conf isolation=pool pool-workers=3
	start_daemon
	log_has 'event=canary result=ok workers=4 ' || {
		show_log
		atf_fail "not each pool worker, and one once more"
	}
	assert_echo
	stop_daemon
}
