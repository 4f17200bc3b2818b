#! /usr/bin/env atf-sh
#
# The layers beside users and filters: limits, where the key lies, tracing, the
# end of a tree, and kernels that lack one of them.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

all_of() {
	echo "$1"
	tree_of "$1"
}

the_one() {
	process_titled "$daemon_pid" "$1" | head -n 1
}

# One of each kind that there is.
each_kind() {
	for title in 'posternd: supervisor' 'posternd: parent 0' \
	    'posternd: resolver*' 'postern-worker: spawner' \
	    'postern-worker: init*' 'postern-worker: echo*'; do
		the_one "$title"
	done
}

expect_tree() {
	process_titled "$daemon_pid" 'postern-worker: echo*' >/dev/null
}

# start_all_kinds [key=value...]: with a resolver, too.
start_all_kinds() {
	make_pki
	write_conf clients.host-check=name \
	    "resolver.servers={\"127.0.0.1:$(free_port)\"}" "$@"
	start_daemon
	expect_soon expect_tree
	each_kind >each
	atf_check_equal 6 "$(grep -c . each)"
}

# Without memory it runs no more: init of a namespace then waits until all that
# were in it are reaped, by whoever is our system's init.
runs() {
	grep -q '^VmSize:' "/proc/$1/status" 2>/dev/null
}

all_gone() {
	for pid_; do
		! runs "$pid_" || return 1
	done
}

expect_all_gone() {
	wait_for 20 all_gone "$@" && return 0
	for pid_; do
		! runs "$pid_" || cat "/proc/$pid_/status" >&2
	done
	atf_fail "somebody is left of $*"
}

# ---- limits ------------------------------------------------------------------

# limit PID NAME: "soft hard"
limit() {
	sed -n "s/^$2  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" "/proc/$1/limits"
}

# is_limited NAME SOFT HARD
is_limited() {
	test "$(limit "$pid" "$1")" = "$2 $3" ||
	    atf_fail "$(title_of "$pid"): $1 is $(limit "$pid" "$1")," \
	    "not $2 $3"
}

has_limits() {
	is_limited "Max core file size" 0 0
	is_limited "Max msgqueue size" "$3" "$3"
	is_limited "Max open files" "$1" "$1"
	test -n "${SANITIZE-}" || is_limited "Max data size" "$2" "$2"
}

starts_nobody() {
	is_limited "Max processes" 0 0
}

mib() {
	echo $(($1 * 1048576))
}

root_case limits "What each process may use is bounded, as lib/bounds.c says"
limits_body() {
	start_all_kinds max-connections=100
	for pid in $(cat each); do
		case $(title_of "$pid") in
		*supervisor*)
			is_limited "Max core file size" 0 0
			is_limited "Max msgqueue size" 0 0
			test -n "${SANITIZE-}" ||
			    is_limited "Max stack size" 8388608 8388608
			;;
		*parent*)
			has_limits 328 $((1073741824 + 100 * 786432)) 0
			starts_nobody
			;;
		*resolver*)
			has_limits 2064 "$(mib 64)" 0
			starts_nobody
			;;
		*spawner*)
			has_limits 164 "$(mib 4)" 0
			is_limited "Max processes" 228 228
			test -n "${SANITIZE-}" ||
			    is_limited "Max stack size" 262144 262144
			;;
		*init* | *echo*)
			# A handle on whom it is to end.
			files=0
			test "$(title_of "$pid")" != "postern-worker: init" ||
			    files=1
			has_limits $files "$(mib 4)" 0
			is_limited "Max file size" 0 0
			test -n "${SANITIZE-}" ||
			    is_limited "Max stack size" 262144 262144
			starts_nobody
			;;
		esac
	done
	# the log of this one is a file
	pid=$(the_one 'posternd: parent 0')
	is_limited "Max file size" unlimited unlimited
	stop_daemon
}

root_case limits_shared \
    "A parent may use memory for its share of the connections"
limits_shared_body() {
	make_pki
	write_conf max-connections=101 parents=2
	start_daemon
	for pid in $(process_titled "$daemon_pid" 'posternd: parent*'); do
		has_limits 330 $((1073741824 + 51 * 786432)) 0
	done
	stop_daemon
}

write_to_pipe() {
	: >daemon.log
	mkfifo pipe
	cat pipe >daemon.log &
	record $!
	posternd -f posternd.conf </dev/null >daemon.out 2>pipe &
	daemon_pid=$!
	record $daemon_pid
}

root_case no_files_written "Where the log is no file, nobody writes one"
no_files_written_body() {
	make_pki
	write_conf
	write_to_pipe
	expect_log event=ready
	assert_echo
	for pid in $(tree_of "$daemon_pid"); do
		is_limited "Max file size" 0 0
	done
	stop_daemon
}

# ---- where the key is --------------------------------------------------------

memory_of() {
	"$(atf_get_srcdir)/memory_helper" "$@"
}

# numbers_of KEYFILE: each secret number of the key, 31 bytes of it, in hex;
# its first may be a zero that is not kept.
numbers_of() {
	openssl pkey -in "$1" -noout -text | awk '
	function out() {
		if (n != "" && length(n) >= 64)
			print substr(n, 3, 62)
		n = ""
	}
	/^[a-zA-Z]/ {
		out()
		on = /^(priv|privateExponent|prime|exponent|coefficient)/
		next
	}
	on { gsub(/[ :]/, ""); n = n $0 }
	END { out() }'
}

# use_key ALGORITHM [option...]: server.key and server.pem anew, by openssl.
use_key() {
	openssl genpkey -algorithm "$@" -out server.key 2>/dev/null ||
	    atf_fail "openssl has no such key: $*"
	chmod 600 server.key
	openssl req -new -key server.key -subj /CN=localhost -out server.csr
	printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' \
	    >ext
	openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 \
	    -CAcreateserial -extfile ext -out server.pem 2>/dev/null ||
	    atf_fail "no certificate"
}

has_secret_memory() {
	grep -q ' /secretmem' "/proc/$1/maps"
}

# A session is open, others have been: is the key anywhere but there?
check_key_hidden() {
	start_daemon
	log_has 'event=absent layer=secret-memory' &&
	    atf_skip "this kernel has no secret memory"
	hold one 4
	for client in 1 2 3; do
		assert_echo
	done
	numbers=$(numbers_of server.key)
	test -n "$numbers" || atf_fail "what is the key's number?"
	parent=$(the_one 'posternd: parent 0')
	has_secret_memory "$parent" || atf_fail "there is no secret memory"
	for pid in $(all_of "$daemon_pid"); do
		test "$pid" = "$parent" || ! has_secret_memory "$pid" ||
		    atf_fail "$(title_of "$pid") has the parent's memory"
		status=0
		# shellcheck disable=SC2086
		memory_of "$pid" $numbers || status=$?
		test $status -eq 1 ||
		    atf_fail "$(title_of "$pid"): the search says $status"
	done
	release one 4
	stop_daemon
}

root_case key_hidden "The key is in no memory that anybody can read"
key_hidden_body() {
	make_pki
	write_conf
	check_key_hidden
	use_key EC -pkeyopt ec_paramgen_curve:P-384
	check_key_hidden
	use_key ED25519
	check_key_hidden
}

# libcrypto makes numbers of its own of the primes at the first signature.
root_case key_hidden_rsa "Nor are the primes of an RSA key"
key_hidden_rsa_body() {
	make_pki
	write_conf
	use_key RSA -pkeyopt rsa_keygen_bits:3072
	check_key_hidden
}

# The part of a process's map that has this address, by its flags.
flags_at() {
	awk -v at="$2" '
	/^[0-9a-f]+-[0-9a-f]+ / { split($1, r, "-"); here = r[1] == at }
	here && /^VmFlags:/ { print }' "/proc/$1/smaps"
}

without() {
	"$(atf_get_srcdir)/without_helper" "$@"
}

# start_without LAYER: the daemon, on a kernel that has it not.
start_without() {
	: >daemon.log
	set -- "$1" posternd -f posternd.conf
	is_root || set -- "$@" -U
	"$(atf_get_srcdir)/without_helper" "$@" </dev/null >daemon.out \
	    2>daemon.log &
	daemon_pid=$!
	record $daemon_pid
	expect_log event=ready
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	expect_log "event=absent layer=$layer .*has it not; Linux"
	assert_echo
}

# The same search as above finds it: so it does find.
root_case key_locked "Without secret memory it is locked and in no core file"
key_locked_body() {
	make_pki
	write_conf
	layer=secret-memory
	start_without secret-memory
	parent=$(the_one 'posternd: parent 0')
	memory_of "$parent" "$(numbers_of server.key)" ||
	    atf_fail "the search finds nothing"
	# of the pages that are locked there are no others
	locked=$(awk '
	/^[0-9a-f]+-[0-9a-f]+ / { at = $1 }
	/^VmFlags:/ && / lo( |$)/ && / dd( |$)/ { print at }' \
	    "/proc/$parent/smaps")
	test -n "$locked" || atf_fail "nothing is locked, and in no core file"
	grep -q '^VmLck:.* 512 kB' "/proc/$parent/status" ||
	    atf_fail "locked is $(grep VmLck "/proc/$parent/status")"
	stop_daemon
}

# Root raises the limit by itself, unless it may not.
root_case cannot_lock "Where nothing may be locked it does not start"
cannot_lock_body() {
	make_pki
	write_conf
	status=0
	sh -c 'ulimit -l 64; exec setpriv --bounding-set=-sys_resource \
	    posternd -f posternd.conf' >out 2>err || status=$?
	atf_check_equal 78 $status
	atf_check_equal 1 "$(wc -l <err)"
	grep -q 'key needs 2 MiB .*LimitMEMLOCK' err ||
	    atf_fail "it says $(cat err)"
	# in a container root may not be all that powerful
	sh -c 'ulimit -l 64; ulimit -l 4096' 2>/dev/null || return 0
	sh -c 'ulimit -l 64; exec posternd -f posternd.conf -n' >out ||
	    atf_fail "root does not raise it"
}

e2e_case no_mdwe "A kernel without MDWE is told of, and serves"
no_mdwe_body() {
	make_pki
	write_conf
	layer=mdwe
	start_without mdwe
	stop_daemon
}

e2e_case nothing_absent "What the kernel has is not told to be absent"
nothing_absent_body() {
	make_pki
	write_conf
	start_daemon
	log_has 'event=absent' &&
	    atf_skip "this kernel lacks: $(grep event=absent daemon.log)"
	stop_daemon
}

# ---- tracing -----------------------------------------------------------------

root_case untraceable "No process can be traced by its own user"
untraceable_body() {
	start_all_kinds
	cp "$(atf_get_srcdir)/poke_helper" .
	chmod 755 . poke_helper
	while read -r pid <&3; do
		uid=$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "/proc/$pid/status")
		test "$uid" -ne 0 || continue
		setpriv --reuid="$uid" --regid=nogroup --clear-groups \
		    "$PWD/poke_helper" trace "$pid" 2>err &&
		    atf_fail "$(title_of "$pid") lets itself be traced"
		grep -q 'cannot trace .*Operation not permitted' err ||
		    atf_fail "not tried: $(cat err)"
	done 3<each
	# as that user one may trace, only not these
	setpriv --reuid="$uid" --regid=nogroup --clear-groups sleep 60 &
	record $!
	expect_soon setpriv --reuid="$uid" --regid=nogroup --clear-groups \
	    "$PWD/poke_helper" trace $!
	stop_daemon
}

# ---- the end of a tree -------------------------------------------------------

# With this one all beneath it end, whoever goes on beside it.
ends_with() {
	start_daemon
	expect_soon expect_tree
	victim=$(the_one "$title")
	beneath=$(tree_of "$victim")
	test -n "$beneath" -o "$leaf" = yes ||
	    atf_fail "$title has nobody beneath it"
	kill -KILL "$victim"
	# shellcheck disable=SC2086
	expect_all_gone $beneath
}

e2e_case ends_with_supervisor "With the supervisor all end"
ends_with_supervisor_body() {
	make_pki
	write_conf
	leaf=no title='posternd: supervisor'
	ends_with
}

e2e_case ends_with_parent "With a parent all beneath it end"
ends_with_parent_body() {
	make_pki
	write_conf
	leaf=no title='posternd: parent 0'
	ends_with
	expect_soon expect_tree
	stop_daemon
}

e2e_case ends_with_spawner "With the spawner init and the workers end"
ends_with_spawner_body() {
	make_pki
	write_conf
	leaf=no title='postern-worker: spawner'
	ends_with
	expect_soon expect_tree
	stop_daemon
}

# Workers are the spawner's children, and in init's namespace.
e2e_case ends_with_init "With init all workers end"
ends_with_init_body() {
	make_pki
	write_conf
	start_daemon
	expect_soon expect_tree
	workers=$(process_titled "$daemon_pid" 'postern-worker: echo*')
	kill -KILL "$(the_one 'postern-worker: init*')"
	# shellcheck disable=SC2086
	expect_all_gone $workers
	expect_soon expect_tree
	stop_daemon
}

# Who is stopped does not notice anything by himself.
stop_all_beneath() {
	start_all_kinds
	while read -r pid <&3; do
		test "$pid" = "$daemon_pid" || kill -STOP "$pid"
	done 3<each
}

e2e_case ends_stopped "Even those that are stopped end with the supervisor"
ends_stopped_body() {
	stop_all_beneath
	beneath=$(tree_of "$daemon_pid")
	kill -KILL "$daemon_pid"
	# shellcheck disable=SC2086
	expect_all_gone $beneath
}

e2e_case ends_stopped_parent "Even those that are stopped end with their parent"
ends_stopped_parent_body() {
	stop_all_beneath
	parent=$(the_one 'posternd: parent 0')
	beneath=$(all_of "$parent")
	kill -KILL "$parent"
	# shellcheck disable=SC2086
	expect_all_gone $beneath
	expect_soon expect_tree
	stop_daemon
}

e2e_case ends_in_background "In the background, too"
ends_in_background_body() {
	make_pki
	write_conf
	set -- -b
	is_root || set -- -U "$@"
	posternd -f posternd.conf "$@" </dev/null >daemon.out 2>daemon.log ||
	    atf_fail "it did not start: $(cat daemon.log)"
	daemon_pid=$(cat posternd.pid)
	record "$daemon_pid"
	expect_soon expect_tree
	beneath=$(tree_of "$daemon_pid")
	test -n "$beneath" || atf_fail "nobody is there"
	# shellcheck disable=SC2086
	record $beneath
	kill -KILL "$daemon_pid"
	# shellcheck disable=SC2086
	expect_all_gone $beneath
}

# A tracer holds them, so that nothing but SIGKILL ends them: as if they had
# been taken over, and did not mind that their parent is gone.
root_case ends_unwilling "Who does not want to end with his parent is killed"
ends_unwilling_body() {
	start_all_kinds
	parent=$(the_one 'posternd: parent 0')
	beneath=$(all_of "$parent")
	"$(atf_get_srcdir)/poke_helper" hold \
	    "$(the_one 'postern-worker: spawner')" \
	    "$(the_one 'posternd: resolver*')" \
	    "$(process_titled "$daemon_pid" 'postern-worker: echo*' |
	    head -n 1)" >held &
	record $!
	expect_soon grep -q held held
	kill -KILL "$parent"
	# shellcheck disable=SC2086
	expect_all_gone $beneath
	expect_soon expect_tree
	stop_daemon
}

# ---- what no file of /proc shows ---------------------------------------------

# trace_of TITLE: of who took it, of those that were traced.
trace_of() {
	grep -l "PR_SET_NAME, \"$1" trace.* | head -n 1
}

root_case read_back "Each program reads back that no memory becomes code"
read_back_head() {
	atf_set descr "Each program reads back that no memory becomes code"
	atf_set require.user root
	atf_set require.progs strace
}
read_back_body() {
	make_pki
	write_conf clients.host-check=name \
	    "resolver.servers={\"127.0.0.1:$(free_port)\"}"
	: >daemon.log
	strace -ff -o trace -e trace=prctl,landlock_restrict_self \
	    posternd -f posternd.conf </dev/null >daemon.out 2>daemon.log &
	daemon_pid=$!
	record $!
	expect_log event=ready
	supervisor=$(the_one 'posternd: supervisor')
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	log_has 'event=absent' && atf_skip "$(grep event=absent daemon.log)"
	# The kernel keeps 15 characters of a name.
	for name in 'posternd: super' 'posternd: paren' 'posternd: resol' \
	    'worker: spawner'; do
		its=$(trace_of "$name")
		test -n "$its" || atf_fail "nobody is $name"
		grep -q '^prctl(\(0x42\|PR_GET_MDWE\).* = 1$' "$its" ||
		    atf_fail "$name did not read back that it has MDWE"
		grep -q '^landlock_restrict_self(.* = 0$' "$its" ||
		    atf_fail "$name is in no Landlock domain"
	done
	kill -TERM "$supervisor"
	daemon_status || atf_fail "posternd did not end well"
}

# How many filters were compiled: libseccomp hands each over in a file.
compiled() {
	cat trace.* | grep -c 'memfd_create("filter"'
}

root_case compiled_once \
    "Filters are compiled once, at a start, and not for a worker"
compiled_once_head() {
	atf_set descr "Filters are compiled once, at a start, and not for a worker"
	atf_set require.user root
	atf_set require.progs strace
}
compiled_once_body() {
	make_pki
	write_conf
	: >daemon.log
	strace -ff -o trace -e trace=memfd_create,seccomp \
	    posternd -f posternd.conf </dev/null >daemon.out 2>daemon.log &
	daemon_pid=$!
	record $!
	wait_for 60 log_has event=ready || atf_fail "not ready"
	supervisor=$(the_one 'posternd: supervisor')
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	# The exporter is not waited for.
	expect_soon ask_exporter
	n=$(compiled)
	# supervisor, parent, exporter; the spawner's three
	atf_check_equal 6 "$n"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		assert_echo
	done
	atf_check_equal "$n" "$(compiled)"
	workers=0
	for its in trace.*; do
		grep -q memfd_create "$its" ||
		    ! grep -q 'SECCOMP_SET_MODE_FILTER.* = 0$' "$its" ||
		    workers=$((workers + 1))
	done
	test $workers -ge 20 ||
	    atf_fail "only $workers with a filter that others compiled"
	kill -TERM "$supervisor"
	daemon_status || atf_fail "posternd did not end well"
}
ask_exporter() {
	posternd -f posternd.conf --status >status.out 2>status.err
}

# ---- -n ----------------------------------------------------------------------

root_case check_confined "What -n parses it parses confined"
check_confined_head() {
	atf_set descr "What -n parses it parses confined"
	atf_set require.user root
	atf_set require.progs strace
}
check_confined_body() {
	make_pki
	write_conf
	strace -f -o trace posternd -f posternd.conf -n >out ||
	    atf_fail "-n failed"
	atf_check_equal "configuration OK" "$(cat out)"
	child=$(awk '/setresuid/ { print $1; exit }' trace)
	test -n "$child" || atf_fail "no child has given up root"
	grep "^$child " trace >by_child
	grep -q 'landlock_restrict_self' by_child || atf_fail "no Landlock"
	# After its last filter nothing is opened.
	filter_at=$(awk '/SECCOMP_SET_MODE_FILTER, 0, \{/ { at = NR }
	    END { print at + 0 }' by_child)
	test "$filter_at" -gt 0 || atf_fail "no filter: $(tail by_child)"
	tail -n "+$filter_at" by_child | grep -E 'open|socket|execve' &&
	    atf_fail "it did that after its filter"
	return 0
}
