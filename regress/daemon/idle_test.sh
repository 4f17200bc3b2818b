#! /usr/bin/env atf-sh
#
# What a client costs in memory that has echoed 16 KiB and is silent.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../metrics_verbs.sh"

CLIENTS=200

# own_kib PID CONDITION: what only this process has, KiB, of the mappings that
# are so named.
own_kib() {
	awk '/^[0-9a-f]+-/ { here = $6 '"$2"' }
	    here && /^Private_Dirty:/ { kib += $2 }
	    END { print kib + 0 }' "/proc/$1/smaps"
}

all_have_echoed() {
	get_status
	test "$(status "sum(s['bytes_out'] >= 16384 for s in d['sessions'])")" \
	    -eq $CLIENTS
}

# Sets parent_each, KiB of its heap a client; the clients stay.
fill_with_idle() {
	test -z "${SANITIZE-}" || atf_skip "a sanitizer has memory of its own"
	make_pki
	write_conf isolation="$1"
	start_daemon
	parent=$(process_titled "$daemon_pid" 'posternd: parent*')
	test -n "$parent" || atf_fail "no parent"
	assert_echo
	before=$(own_kib "$parent" '== "[heap]"')
	run_in_background postern-bench -R ca.pem -C client.pem -K client.key \
	    -t 600 --idle $CLIENTS 127.0.0.1 "$port"
	expect_soon all_have_echoed
	after=$(own_kib "$parent" '== "[heap]"')
	parent_each=$(((after - before) / CLIENTS))
	echo "the parent has $parent_each KiB more for each of $CLIENTS clients"
	test $parent_each -le 24 || atf_fail "of the parent's that is too much"
}

e2e_case connection "With a worker for each: little of its own"
connection_body() {
	fill_with_idle connection
	for worker in $(process_titled "$daemon_pid" 'postern-worker: echo'); do
		own_kib "$worker" '!= "[stack]"'
	done | sort -n >own
	# Half of them, and more, have a client.
	each=$(tail -n $((CLIENTS / 2)) own | head -n 1)
	echo "a worker has $each KiB of its own, and its stack"
	test "$each" -le 8 || atf_fail "of a worker's that is too much"
	stop_daemon
}

e2e_case pool "In the pool"
pool_body() {
	fill_with_idle pool
	stop_daemon
}
