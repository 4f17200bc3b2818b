#! /usr/bin/env atf-sh
#
# What an echo and a handshake cost in system calls, by process.  Numbers, not
# times: they are the same on a busy machine.  They may fall; who raises one
# must know why.

. "$(atf_get_srcdir)/../common.sh"

# count_calls SECONDS OPTION...: what postern-bench makes the service's
# processes do; calls are left in the file counts, as "NUMBER PROCESS CALL".
count_calls() {
	: >names
	for pid in $(tree_of "$daemon_pid"); do
		echo "$pid $(title_of "$pid" | sed 's/.*: //; s/ .*//')" >>names
	done
	run_in_background strace -f -o trace \
	    -p "$(cut -d ' ' -f 1 names | tr '\n' ' ')" 2>strace.err
	strace_pid=$!
	expect_soon attached
	postern-bench -R ca.pem -C client.pem -K client.key "$@" 127.0.0.1 \
	    "$port" >report || atf_fail "postern-bench $*"
	kill -INT $strace_pid
	wait $strace_pid
	# A worker that is new has its title from its spawner.
	awk 'NR == FNR { name[$1] = $2; next }
	    $2 ~ /^[a-z0-9_]+\(/ {
		sub(/\(.*/, "", $2)
		n[($1 in name ? name[$1] : "worker") " " $2]++
	    }
	    END { for (i in n) print n[i], i }' names trace | sort -k 2 >counts
}

attached() {
	test "$(grep -c attached strace.err)" -ge "$(wc -l <names)"
}

# at_most NUMBER PROCESS [CALL|-CALL...]: calls for each echo or handshake, on
# average, but for some at the beginning and the end; -CALL is left out, if how
# often it is made depends on who runs when.
at_most() {
	awk -v max="$1" -v process="$2" -v call="${3-}" -v ops="$ops" \
	    -v but=" $* " '
	    $2 == process && index(but, " -" $3 " ") == 0 &&
	    (call ~ /^-/ || call == "" || $3 == call) { n += $1 }
	    END {
		printf "%s %s: %d calls for %d: %.2f each, %s recorded\n",
		    process, call, n, ops, n / ops, max
		exit !(n > 0 && n <= max * ops + 60)
	    }' counts || {
		cat counts
		atf_fail "$2 makes more system calls than is recorded"
	}
}

operations() {
	ops=$(sed -n "s/.*\"$1\":{[^}]*\"count\":\\([0-9]*\\).*/\\1/p" report)
	test "$ops" -ge 20 || atf_fail "only $ops $1 in the time there was"
}

# Without looks in vain, which are as many as there is time for.
begin() {
	make_pki
	write_conf busy-poll=0 "$@"
	start_daemon
}

root_case echo_connection "an echo, with a worker for each connection"
echo_connection_body() {
	begin
	count_calls --echoes 1 -t 3
	operations echoes
	at_most 2 parent epoll_wait
	at_most 2 parent recvfrom
	at_most 2 parent sendto
	at_most 6 parent
	at_most 2 echo
	stop_daemon
}

root_case echo_pool "an echo, in the pool"
echo_pool_body() {
	begin isolation=pool
	count_calls --echoes 1 -t 3
	operations echoes
	at_most 6 parent
	at_most 3 pool
	stop_daemon
}

root_case handshakes "a connection from its beginning to its end"
handshakes_body() {
	begin
	count_calls --handshakes 1 -t 8
	operations handshakes
	at_most 26 parent -epoll_wait -accept4 -recvmsg
	at_most 40 parent
	at_most 9 spawner
	at_most 1.2 spawner wait4
	at_most 16 worker
	stop_daemon
}

root_case accepts "Who comes alone is accepted by one call"
accepts_body() {
	begin parents=1
	count_calls --handshakes 1 -t 8
	operations handshakes
	at_most 1.1 parent accept4
	stop_daemon
}

# sleeps: how often the parent has slept so far.
sleeps() {
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' \
	    "/proc/$parent_pid/status"
}

# lone_client OPTION...: the parent's sleeps while one client has its echoes.
lone_client() {
	begin "$@"
	parent_pid=$(process_titled "$daemon_pid" 'posternd: parent*')
	before=$(sleeps)
	postern-bench -R ca.pem -C client.pem -K client.key --echoes 1 -t 2 \
	    127.0.0.1 "$port" >report || atf_fail "postern-bench"
	operations echoes
	slept=$(($(sleeps) - before))
	echo "slept $slept times for $ops echoes"
}

asleep() {
	grep -q '^State:.S' "/proc/$parent_pid/status"
}

e2e_case lone_client_polled \
    "The parent does not sleep between the messages of a lone client"
lone_client_polled_body() {
	lone_client busy-poll=10000
	test "$slept" -lt $((ops / 2)) || atf_fail "it sleeps all the same"
	expect_soon asleep
	stop_daemon
}

e2e_case lone_client_not_polled "It sleeps, where it is to"
lone_client_not_polled_body() {
	lone_client busy-poll=0
	test "$slept" -ge "$ops" || atf_fail "it looks on all the same"
	stop_daemon
}
