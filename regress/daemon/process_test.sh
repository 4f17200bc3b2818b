#! /usr/bin/env atf-sh
#
# The processes: what each may do as the kernel sees it, what is in its memory,
# and that the service survives the end of any of them.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

status_of() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

all_of() {
	echo "$1"
	tree_of "$1"
}

# the_one TITLE: the first process of the service that has it.
the_one() {
	process_titled "$daemon_pid" "$1" | head -n 1
}

count_titled() {
	process_titled "$daemon_pid" "$1" | wc -l
}

# A stash is full: 16 workers, or as many as there may be connections.
stash_has() {
	test "$(count_titled 'postern-worker: echo')" -ge "$1"
}

same() {
	test "$2" = "$3" ||
	    atf_fail "process $pid ($(title_of "$pid")): $1 is $2, not $3"
}

all_gone() {
	for pid; do
		gone "$pid" || return 1
	done
}

expect_gone() {
	expect_soon all_gone "$@"
}

# A new client is echoed, now or as soon as the service is back.
echoes() {
	echo "and again" >echoes.in
	connect -w 5 <echoes.in >echoes.out 2>echoes.err &&
	    cmp -s echoes.in echoes.out
}

expect_back() {
	expect_soon echoes
}

# ---- what the kernel says ----------------------------------------------------

check_everywhere() {
	same Seccomp "$(status_of "$pid" Seccomp)" 2
	same NoNewPrivs "$(status_of "$pid" NoNewPrivs)" 1
	same CapInh "$(status_of "$pid" CapInh)" 0000000000000000
	same CapAmb "$(status_of "$pid" CapAmb)" 0000000000000000
}

# Four ids and no supplementary group.
check_user() {
	want=$(id -u "$1")
	same Uid "$(status_of "$pid" Uid | tr '\t' ' ')" \
	    "$want $want $want $want"
	want=$(id -g "$1")
	same Gid "$(status_of "$pid" Gid | tr '\t' ' ')" \
	    "$want $want $want $want"
	same Groups "$(status_of "$pid" Groups | tr -d ' ')" ""
}

check_no_capabilities() {
	for set in CapPrm CapEff CapBnd; do
		same $set "$(status_of "$pid" $set)" 0000000000000000
	done
}

# The supervisor's own, by name in lib/policy.c: 2 5 6 7 8 10 18.
check_supervisor_capabilities() {
	for set in CapPrm CapEff CapBnd; do
		same $set "$(status_of "$pid" $set)" 00000000000405e4
	done
}

# check_namespaces NAME...: of these kinds it has another than we have.
check_namespaces() {
	for kind; do
		own=$(readlink "/proc/$$/ns/$kind")
		its=$(readlink "/proc/$pid/ns/$kind")
		test -n "$its" || atf_fail "process $pid: no $kind namespace"
		test "$its" != "$own" ||
		    atf_fail "process $pid ($(title_of "$pid")) is in our" \
		    "$kind namespace"
	done
}

# Its root directory holds nothing.
check_empty_root() {
	same "its root" "$(ls -A "/proc/$pid/root/")" ""
}

descriptors_of() {
	ls "/proc/$1/fd" | sort -n | xargs
}

check_no_terminal() {
	for n in 0 1; do
		same "descriptor $n" "$(readlink "/proc/$pid/fd/$n")" /dev/null
	done
}

# Each process, with what is right for one of its title; writes "titles".
check_each() {
	for pid in $(all_of "$daemon_pid"); do
		check_everywhere
		case $(title_of "$pid") in
		"posternd: supervisor")
			check_supervisor_capabilities
			check_no_terminal
			same Uid "$(status_of "$pid" Uid | tr '\t' ' ')" \
			    "0 0 0 0"
			;;
		"posternd: parent "[01])
			check_user _postern
			check_no_capabilities
			check_empty_root
			check_no_terminal
			;;
		"posternd: resolver"*)
			check_resolver
			check_user _posternr
			check_no_capabilities
			;;
		"posternd: exporter"*)
			check_exporter
			check_user _posternx
			check_no_capabilities
			check_empty_root
			;;
		"postern-worker: spawner"*)
			check_user _posternw
			check_no_capabilities
			check_namespaces user net ipc mnt uts cgroup \
			    pid_for_children
			check_empty_root
			check_no_terminal
			same descriptors "$(descriptors_of "$pid")" "0 1 2 3 4"
			;;
		"postern-worker: init"* | "postern-worker: echo"*)
			check_user _posternw
			check_no_capabilities
			check_namespaces user net ipc mnt uts cgroup pid
			check_empty_root
			held=3
			test "$(title_of "$pid")" != "postern-worker: init" ||
			    held="3 4"
			same descriptors "$(descriptors_of "$pid")" "$held"
			;;
		*)
			atf_fail "what is $pid, $(title_of "$pid")?"
			;;
		esac
		title_of "$pid" >>titles
	done
}

# Its own filter and the supervisor's; no socket but its parent's, until asked.
check_resolver() {
	same filters "$(status_of "$pid" Seccomp_filters)" 2
	# Without root nobody may look: it is not dumpable.
	is_root || return 0
	same descriptors "$(descriptors_of "$pid")" "0 1 2 3"
	check_no_terminal
}

# Its own filter and the supervisor's; the log, an epoll set, libevent's pipe,
# and the sockets where it is asked, of which metrics is off here.
check_exporter() {
	same filters "$(status_of "$pid" Seccomp_filters)" 2
	same descriptors "$(descriptors_of "$pid")" "0 1 2 3 4 5 6 7"
	check_no_terminal
}

root_case confined "Each process has its user, filter and namespaces"
confined_body() {
	make_pki
	write_conf parents=2
	start_daemon
	hold one 4
	expect_soon stash_has 32
	check_each
	for title in "posternd: supervisor" "posternd: parent 0" \
	    "posternd: parent 1"; do
		atf_check_equal 1 "$(grep -c "^$title *$" titles)"
	done
	atf_check_equal 2 "$(grep -c "^postern-worker: spawner *$" titles)"
	atf_check_equal 2 "$(grep -c "^postern-worker: init *$" titles)"
	atf_check_equal 0 "$(grep -c resolver titles)"
	release one 4
	stop_daemon
}

# A service that asks DNS; who comes from here /etc/hosts knows.
start_with_resolver() {
	make_pki
	issue client local ca --name local --host localhost
	write_conf clients.host-check=name "$@" \
	    "resolver.servers={\"127.0.0.1:$(free_port)\"}"
	start_daemon
}

root_case resolver_confined "Where DNS is asked, so has each resolver"
resolver_confined_body() {
	start_with_resolver parents=2
	hold one 4 -C local.pem -K local.key
	expect_soon stash_has 32
	check_each
	atf_check_equal 2 "$(grep -c "^posternd: resolver *$" titles)"
	# with their parent all go, and it is missed
	parent=$(open_line 1 | sed 's/.* pid=\([0-9]*\) .*/\1/')
	old=$(all_of "$parent")
	test "$(echo "$old" | wc -l)" -ge 20 ||
	    atf_fail "the parent has not all its children: $old"
	kill -KILL "$parent"
	# shellcheck disable=SC2086
	expect_gone $old
	held_status one 4 && atf_fail "its client was told all is well"
	expect_soon four_again
	assert_echo -C local.pem -K local.key
	stop_daemon
}

four_again() {
	test "$(count_titled 'posternd: resolver*')" -eq 2 &&
	    test "$(count_titled 'posternd: parent*')" -eq 2
}

root_case pool_confined "In the pool mode too"
pool_confined_body() {
	make_pki
	write_conf isolation=pool pool-workers=2
	start_daemon
	hold one 4
	hold two 5
	expect_soon process_titled "$daemon_pid" 'postern-worker: pool'
	for pid in $(all_of "$daemon_pid"); do
		check_everywhere
	done
	for pid in $(process_titled "$daemon_pid" 'postern-worker: pool'); do
		check_user _posternw
		check_no_capabilities
		check_namespaces user net ipc mnt uts cgroup pid
		check_empty_root
	done
	# One of them dies: its sessions end, and a new client is served.
	victim=$(worker_of 1)
	same "the worker's title" "$(title_of "$victim" | tr -d ' ')" \
	    postern-worker:pool
	kill -KILL "$victim"
	expect_log "event=worker-died worker=$victim signal=KILL"
	expect_log "event=close .* end=worker-died .* worker=$victim"
	held_status one 4 && atf_fail "a session outlived its worker"
	feed two 5 "in the other worker"
	release two 5
	expect_back
	stop_daemon
}

e2e_case titled "Each process has its title and its filter, root or not"
titled_body() {
	make_pki
	write_conf
	start_daemon
	assert_echo
	for title in 'posternd: supervisor' 'posternd: parent 0' \
	    'posternd: exporter' \
	    'postern-worker: spawner' 'postern-worker: init*' \
	    'postern-worker: echo*'; do
		process_titled "$daemon_pid" "$title" >/dev/null ||
		    atf_fail "no process is titled $title"
	done
	check_each_child
	stop_daemon
}

check_each_child() {
	for pid in $(tree_of "$daemon_pid"); do
		check_everywhere
		check_no_capabilities_effective
		is_root || continue
		test "$(status_of "$pid" Uid | cut -f 1)" -ne 0 ||
		    atf_fail "$(title_of "$pid") is root"
	done
}

e2e_case resolver_titled "So has a resolver, and it ends with its parent"
resolver_titled_body() {
	start_with_resolver
	assert_echo -C local.pem -K local.key
	pid=$(the_one 'posternd: resolver*')
	test -n "$pid" || atf_fail "there is no resolver"
	check_resolver
	check_each_child
	# shellcheck disable=SC2046
	set -- $(all_of "$(the_one 'posternd: parent 0')")
	kill -KILL "$1"
	expect_gone "$@"
	stop_daemon
}

# Without root the bounding set stays, and is worth nothing.
check_no_capabilities_effective() {
	for set in CapPrm CapEff; do
		same $set "$(status_of "$pid" $set)" 0000000000000000
	done
}

# ---- memory ------------------------------------------------------------------

memory_of() {
	"$(atf_get_srcdir)/memory_helper" "$@"
}

# The private number of a P-256 key, in hexadecimal.
scalar_of() {
	openssl pkey -in "$1" -noout -text | awk '
	/^priv:/ { on = 1; next }
	/^pub:/ { on = 0 }
	on { gsub(/[ :]/, ""); printf "%s", $0 }' | tail -c 64
}

# The X of a P-256 key's public point, in hexadecimal.
public_half() {
	openssl pkey -in "$1" -pubout -outform DER | tail -c 64 | head -c 32 |
	    od -An -v -tx1 | tr -d ' \n'
}

# The base64 of a PEM file's middle, as its bytes in hexadecimal.
pem_bytes() {
	sed -n 2p "$1" | tr -d '\n' | od -An -v -tx1 | tr -d ' \n'
}

root_case key_only_in_parent "No process but the parent holds the key"
key_only_in_parent_body() {
	make_pki
	write_conf
	start_daemon
	hold one 4
	scalar=$(scalar_of server.key)
	atf_check_equal 64 "${#scalar}"
	text=$(pem_bytes server.key)
	parent=$(the_one 'posternd: parent 0')
	memory_of "$parent" "$(public_half server.key)" ||
	    atf_fail "not even the public half: the search finds nothing"
	# Secret memory is not to be searched (layers_test).
	grep -q " /secretmem" "/proc/$parent/maps" ||
	    memory_of "$parent" "$scalar" ||
	    atf_fail "the parent has no key"
	# What was read from the file is gone from the parent as well.
	memory_of "$parent" "$text" && atf_fail "the parent keeps the file"
	for pid in $(all_of "$daemon_pid"); do
		test "$pid" != "$parent" || continue
		status=0
		memory_of "$pid" "$scalar" "$text" || status=$?
		same "the search's result" "$status" 1
	done
	release one 4
	stop_daemon
}

# Each secret that openssl's client wrote down.
secrets_in() {
	grep -v '^#' "$1" | awk '{ print $3 }'
}

# secrets_forgotten_by VERSION: before the session ends the parent has some of
# its secrets; soon after, none.
secrets_forgotten_by() {
	rm -f keylog
	open_held "$2" 4 openssl s_client -connect "127.0.0.1:$port" \
	    -CAfile ca.pem -cert client.pem -key client.key "$1" -quiet \
	    -no_ign_eof -keylogfile keylog
	feed "$2" 4 "not a secret"
	secrets=$(secrets_in keylog)
	test "$(echo "$secrets" | wc -l)" -ge "$3" ||
	    atf_fail "openssl wrote down too few secrets: $(cat keylog)"
	# shellcheck disable=SC2086
	memory_of "$parent" $secrets ||
	    atf_fail "no secret while it is open: the search finds nothing"
	held_status "$2" 4 || atf_fail "openssl failed: $(cat "$2.err")"
	expect_soon closed_sessions "$4"
	# shellcheck disable=SC2086
	memory_of "$parent" $secrets &&
	    atf_fail "a secret of $1 is still in the parent's memory"
	return 0
}

closed_sessions() {
	test "$(log_count event=close)" -ge "$1"
}

root_case secrets_forgotten "The secrets of a session go with it"
secrets_forgotten_body() {
	make_pki
	write_conf 'tls.versions={"1.2", "1.3"}'
	start_daemon
	parent=$(the_one 'posternd: parent 0')
	secrets_forgotten_by -tls1_3 new 5 1
	secrets_forgotten_by -tls1_2 old 1 2
	stop_daemon
}

root_case key_unread "The supervisor opens the key and never reads it"
key_unread_head() {
	atf_set descr "The supervisor opens the key and never reads it"
	atf_set require.user root
	atf_set require.progs strace
}
key_unread_body() {
	make_pki
	write_conf
	: >daemon.log
	strace -f -y -o trace -e trace=%desc,%file,%process \
	    posternd -f posternd.conf </dev/null >daemon.out 2>daemon.log &
	daemon_pid=$!
	record $!
	expect_log event=ready
	supervisor=$(the_one 'posternd: supervisor')
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	assert_echo
	kill -HUP "$supervisor"
	expect_log 'event=reload result=ok'
	kill -TERM "$supervisor"
	daemon_status || atf_fail "posternd did not end well"
	grep "^$supervisor .*/server\.key" trace >by_supervisor
	grep -q 'openat(.*server\.key"' by_supervisor ||
	    atf_fail "it did not open the key: $(cat by_supervisor)"
	grep -v -e 'openat(.*server\.key"' -e ' fstat(' -e ' newfstatat(' \
	    -e ' close(' -e ' fcntl(' by_supervisor &&
	    atf_fail "it did that with the key"
	# The trace would show it: some other process does read.
	grep -v "^$supervisor " trace | grep -q 'read.*/server\.key>' ||
	    atf_fail "nobody reads the key: the trace shows nothing"
}

# ---- each in turn is killed --------------------------------------------------

e2e_case kill_idle_worker "A worker that dies unused is replaced"
kill_idle_worker_body() {
	make_pki
	write_conf
	start_daemon
	expect_soon stash_has 16
	for pid in $(process_titled "$daemon_pid" 'postern-worker: echo*'); do
		kill -KILL "$pid"
		expect_log "event=worker-died worker=$pid signal=KILL"
	done
	expect_soon stash_has 16
	for client in 1 2 3 4 5; do
		assert_echo
	done
	atf_check_equal 0 "$(log_count end=worker-died)"
	stop_daemon
}

e2e_case kill_session_worker "The end of a worker is that of its session only"
kill_session_worker_body() {
	make_pki
	write_conf
	start_daemon
	hold one 4
	hold two 5
	victim=$(worker_of 1)
	kill -KILL "$victim"
	expect_log "event=worker-died worker=$victim signal=KILL"
	expect_log "event=close .* end=worker-died .* worker=$victim"
	held_status one 4 && atf_fail "its client was told all is well"
	feed two 5 "still here"
	expect_back
	release two 5
	stop_daemon
}

e2e_case kill_init "When the init of the workers dies, all is made anew"
kill_init_body() {
	make_pki
	write_conf
	start_daemon
	old=$(all_of "$(the_one 'posternd: parent 0')")
	hold one 4
	kill -KILL "$(the_one 'postern-worker: init*')"
	expect_log "event=close .* end=worker-died"
	held_status one 4 && atf_fail "its client was told all is well"
	expect_log "process=spawner event=fatal .*init ended"
	expect_log "process=parent event=spawner-died"
	expect_back
	# shellcheck disable=SC2086
	expect_gone $old
	stop_daemon
}

# watch_end PID NAME: how it ends will be in NAME.
watch_end() {
	run_in_background "$(atf_get_srcdir)/poke_helper" end "$1" >"$2"
	expect_soon grep -q watched "$2"
}

# expect_end NAME HOW: plain text.
expect_end() {
	expect_soon grep -q -e '^ended\|^killed' "$1"
	atf_check_equal "$1 $2" "$1 $(tail -n 1 "$1")"
}

# By exit_group(2), and not because a filter has kept it from that.
root_case ends_itself "A spawner without its init ends by itself, in both modes"
ends_itself_body() {
	make_pki
	for isolation in connection pool; do
		write_conf isolation=$isolation
		start_daemon
		watch_end "$(the_one 'postern-worker: *spawner')" spawner
		kill -KILL "$(the_one 'postern-worker: init*')"
		expect_log "process=[a-z-]*spawner event=fatal .*init ended"
		expect_end spawner "ended 69"
		expect_log "process=parent event=spawner-died"
		expect_back
		stop_daemon
	done
}

e2e_case kill_spawner "Without its spawner a parent drains and is replaced"
kill_spawner_body() {
	make_pki
	write_conf timeouts.drain=50s
	start_daemon
	hold one 4
	old=$(the_one 'posternd: parent 0')
	kill -KILL "$(the_one 'postern-worker: spawner')"
	expect_log "event=spawner-died"
	expect_back
	feed one 4 "still here"
	alive "$old" || atf_fail "the parent did not drain"
	release one 4
	expect_gone "$old"
	atf_check_equal 0 "$(log_count event=parent-died)"
	stop_daemon
}

e2e_case kill_parent "A parent that dies is replaced"
kill_parent_body() {
	make_pki
	write_conf
	start_daemon
	hold one 4
	parent=$(the_one 'posternd: parent 0')
	old=$(all_of "$parent")
	kill -KILL "$parent"
	expect_log "process=supervisor event=parent-died parent=$parent\
 generation=1 signal=KILL"
	expect_back
	held_status one 4 && atf_fail "its client was told all is well"
	# shellcheck disable=SC2086
	expect_gone $old
	stop_daemon
}

e2e_case kill_supervisor "With the supervisor all end; a restart binds at once"
kill_supervisor_body() {
	make_pki
	write_conf parents=2
	start_daemon
	for turn in 1 2 3; do
		hold one 4
		old=$(tree_of "$daemon_pid")
		kill -KILL "$daemon_pid"
		wait "$daemon_pid"
		start_daemon
		# shellcheck disable=SC2086
		expect_gone $old
		held_status one 4 && atf_fail "its client was told all is well"
		assert_echo
	done
	stop_daemon
}

# ---- stopped, and traced -----------------------------------------------------

in_state() {
	test "$(status_of "$1" State | cut -c 1)" = "$2"
}

# One of each kind; the echo workers: of the session, and one that waits.
one_of_each() {
	echo "$daemon_pid"
	the_one 'posternd: parent 0'
	the_one 'postern-worker: spawner'
	the_one 'postern-worker: init*'
	worker_of 1
	process_titled "$daemon_pid" 'postern-worker: echo*' |
	    grep -v -x "$(worker_of 1)" | head -n 1
}

still_well() {
	feed one 4 "after process $pid ($(title_of "$pid"))"
	assert_echo
	alive "$pid" || atf_fail "process $pid has died of it"
}

start_with_one() {
	make_pki
	write_conf
	start_daemon
	hold one 4
	expect_soon stash_has 16
	one_of_each >each
	atf_check_equal 6 "$(sort -u each | wc -l)"
}

end_with_one() {
	atf_check_equal 0 "$(log_count -e '-died')"
	release one 4
	stop_daemon
}

e2e_case stopped "Each process is stopped and continued, and goes on"
stopped_body() {
	start_with_one
	while read -r pid; do
		kill -STOP "$pid"
		expect_soon is_stopped "$pid"
		kill -CONT "$pid"
		expect_soon in_state "$pid" S
	done <each
	while read -r pid <&3; do
		alive "$pid" || atf_fail "process $pid has died of it"
	done 3<each
	pid=$daemon_pid
	still_well
	end_with_one
}

e2e_case overdue "A worker that hangs does not outlive its session"
overdue_body() {
	make_pki
	write_conf
	start_daemon
	hold one 4
	worker=$(worker_of 1)
	kill -STOP "$worker"
	expect_soon is_stopped "$worker"
	# shellcheck disable=SC2046,SC2154
	kill -KILL $(tree_of "$one_pid") "$one_pid"
	expect_log "event=close .*worker=$worker"
	expect_gone "$worker"
	expect_log "event=worker-overdue worker=$worker"
	assert_echo
	stop_daemon
}

# `resolve' and a second it waits itself; to flush takes no time.
e2e_case resolver_stopped "A resolver that hangs keeps no client waiting"
resolver_stopped_body() {
	start_with_resolver timeouts.resolve=1s timeouts.drain=90s
	kill -STOP "$(the_one 'posternd: resolver*')"
	echo hello >in
	run_in_background connect -w 120 -C local.pem -K local.key <in >out \
	    2>err
	client=$!
	wait_for 15 gone $client || {
		show_log
		atf_fail "the client waits still"
	}
	status=0
	wait $client || status=$?
	atf_check_equal 77 $status
	expect_log 'event=refused reason=resolver-timeout .*did not answer in time'
	test ! -s out || atf_fail "echoed"
	kill -CONT "$(the_one 'posternd: resolver*')"
	assert_echo -C local.pem -K local.key
	stop_daemon
}

root_case traced "Each process is looked at by a debugger, and goes on"
traced_body() {
	start_with_one
	while read -r pid <&3; do
		"$(atf_get_srcdir)/poke_helper" trace "$pid" ||
		    atf_fail "cannot trace $(title_of "$pid")"
		expect_soon in_state "$pid" S
		alive "$pid" || atf_fail "process $pid has died of it"
	done 3<each
	pid=$daemon_pid
	still_well
	end_with_one
}

root_case straced "strace may come and go while the service works"
straced_head() {
	atf_set descr "strace may come and go while the service works"
	atf_set require.user root
	atf_set require.progs strace
}
straced_body() {
	start_with_one
	pid=$(the_one 'posternd: parent 0')
	strace -f -p "$pid" -o trace 2>strace.err &
	strace_pid=$!
	record $!
	expect_soon grep -q attached strace.err
	still_well
	test -s trace || atf_fail "strace has seen nothing"
	kill -INT $strace_pid
	wait $strace_pid
	still_well
	end_with_one
}

# ---- one that breaks its filter ----------------------------------------------

# break_filter PID: make it do what it must not.
break_filter() {
	status=0
	"$(atf_get_srcdir)/poke_helper" poke "$1" || status=$?
	test $status -ne 3 || atf_skip "registers are known on x86_64 only"
	test $status -eq 0 || atf_fail "cannot misdirect process $1"
}

root_case filter_broken "Who breaks its filter is killed, and named in the log"
filter_broken_body() {
	filters_kill=yes
	start_with_one
	# of the session
	pid=$(worker_of 1)
	break_filter "$pid"
	expect_log "process=parent event=worker-died worker=$pid signal=SYS"
	expect_log "event=close .* end=worker-died .* worker=$pid"
	held_status one 4 && atf_fail "its client was told all is well"
	# one that waits
	pid=$(sed -n 6p each)
	break_filter "$pid"
	expect_log "process=parent event=worker-died worker=$pid signal=SYS"
	assert_echo
	# the spawner: an end like any other of it
	pid=$(the_one 'postern-worker: spawner')
	break_filter "$pid"
	expect_log "process=parent event=spawner-died"
	expect_gone "$pid"
	expect_back
	# the parent
	pid=$(the_one 'posternd: parent 0')
	break_filter "$pid"
	expect_log "process=supervisor event=parent-died parent=$pid .*\
signal=SYS"
	expect_back
	stop_daemon
}
