#! /usr/bin/env atf-sh
#
# The programs that stand alone are taken over by what they read: the client by
# its server, and those that look at what somebody else wrote by that.  Each
# tries what it can, as it is then.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

# ---- what they try, and how it ends: attack_test has the same words ----------

attacks='
open_file		SYS
own_memory		SYS
other_memory		SYS
execute			SYS
new_root		SYS
connect_tcp		SYS
connect_udp		SYS
connect_unix		SYS
bind_port		SYS
listen_again		SYS
trace			SYS
kill_other		SYS
kill_by_pidfd		SYS
read_memory_of		SYS
take_descriptor_of	SYS
fork_bomb		SYS
new_thread		SYS
new_user_namespace	SYS
write_execute		SYS
make_executable		SYS
memory_file		SYS
entry_i386		SYS
entry_x32		SYS
io_ring			SYS
kernel_program		SYS
become_root		SYS
become_dumpable		SYS
another_filter		SYS
pass_descriptor		SYS
write_elsewhere		SYS
read_elsewhere		SYS
fill_stack		SEGV
fill_memory		no
'

# It aims at this shell, or at the port.
aim() {
	case $1 in
	connect_*) echo "$port" ;;
	*) echo $$ ;;
	esac
}

# try_all COMMAND...: that starts one, and sets $victim.
try_all() {
	echo "$attacks" | grep . >list
	while read -r name outcome_ <&3; do
		"$@"
		attack "$victim" "$name" "$(aim "$name")"
		case $outcome_ in
		no)
			atf_check_equal "$name: refused" "$name: $outcome"
			kill -KILL "$victim"
			;;
		*) atf_check_equal "$name: killed $outcome_" \
		    "$name: $outcome" ;;
		esac
		expect_soon gone "$victim"
	done 3<list
}

is_confined() {
	grep -q '^Seccomp:[[:space:]]*2' "/proc/$victim/status" 2>/dev/null
}

# ---- those that look: their output goes into a pipe that takes no more -------

# stuck COMMAND...: sets $victim, which has read what it was to, and is
# confined.
stuck() {
	exec 7>&-
	rm -f pipe
	mkfifo pipe
	exec 7<>pipe
	head -c 65536 /dev/zero >&7
	run_in_background sh -c 'exec "$@" 7>&-' sh "$@" >pipe 2>&1
	victim=$!
	expect_soon is_confined
}

# ---- the client --------------------------------------------------------------

begin_clients() {
	use_inside "client attack *"
	make_pki
	write_conf
	start_daemon
	hold bystander 4
}

# find_client NAME: the process of a session that is held; sets $victim.
find_client() {
	eval "held_pid=\$${1}_pid"
	case $(title_of "$held_pid") in
	postern) victim=$held_pid ;;
	*) victim=$(tree_of "$held_pid" | head -n 1) ;;
	esac
	test -n "$victim" && is_confined
}

a_client() {
	test ! -e victim.fifo || exec 5>&-
	hold victim 5
	expect_soon find_client victim
}

root_case client "A client that its server has taken over"
client_body() {
	begin_clients
	try_all a_client
	feed bystander 4 "all the same"
	release bystander 4
	assert_echo
	stop_daemon
}

root_case looker "A postern-certgen taken over by the certificate that it shows"
looker_body() {
	use_inside "looker attack *"
	make_pki
	try_all stuck postern-certgen inspect client.pem
}

root_case explain "A posternd --explain taken over by the certificate"
explain_body() {
	use_inside "explain attack *"
	make_pki
	write_conf
	try_all stuck posternd -f posternd.conf --explain client.pem \
	    --from 127.0.0.1
}

root_case status "A posternd --status taken over by the exporter"
status_body() {
	use_inside "status attack *"
	make_pki
	write_conf
	start_daemon
	hold bystander 4
	try_all stuck posternd -f posternd.conf --status
	feed bystander 4 "all the same"
	release bystander 4
	stop_daemon
}

# ---- their layers ------------------------------------------------------------

status_of() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$victim/status"
}

# is_limited NAME MOST: as in limits(5) of /proc, both limits.
is_limited() {
	awk -v name="$1 " -v most="$2" 'index($0, name) == 1 {
		found = 1
		rest = substr($0, 27)
		split(rest, n, " +")
		if (n[1] != most || n[2] != most) {
			print "limit: " $0
			exit 1
		}
	}
	END { exit !found }' "/proc/$victim/limits" ||
	    atf_fail "limit of $1, not $2"
}

# expect_layers USER FILES MEMORY: as the running process has them.
expect_layers() {
	atf_check_equal "uid $1" "uid $(status_of Uid)"
	atf_check_equal "nnp 1" "nnp $(status_of NoNewPrivs)"
	atf_check_equal "threads 1" "threads $(status_of Threads)"
	test "$(status_of Seccomp_filters)" -ge 1 || atf_fail "no filter"
	is_limited 'Max open files' "$2"
	is_limited 'Max data size' "$3"
	is_limited 'Max processes' 0
	is_limited 'Max core file size' 0
	is_limited 'Max msgqueue size' 0
	is_limited 'Max stack size' 8388608
	for fd in "/proc/$victim/fd/"*; do
		case ${fd##*/} in
		0 | 1 | 2) ;;
		3) test -n "$4" || atf_fail "descriptor 3 is open" ;;
		*) atf_fail "descriptor ${fd##*/} is open" ;;
		esac
	done
}

# Of a process that has given root up /proc is root's only if it is hidden.
expect_hidden() {
	atf_check_equal 0 "$(stat -c %u "/proc/$victim/environ")"
}

expect_no_capabilities() {
	for set in Inh Prm Eff Bnd Amb; do
		atf_check_equal "$set 0000000000000000" \
		    "$set $(status_of "Cap$set")"
	done
}

# traced COMMAND...: that it asks for each in order, and is granted it.
traced() {
	strace -f -o trace -e trace=prctl,landlock_restrict_self,seccomp \
	    "$@" >out 2>err </dev/null || {
		cat err
		atf_fail "$*"
	}
	awk '
	/PR_SET_NO_NEW_PRIVS, 1.* = 0$/ { nnp = NR }
	/PR_SET_DUMPABLE, (0|SUID_DUMP_DISABLE).* = 0$/ { hidden = NR }
	/PR_GET_DUMPABLE.* = 0/ { read_back = NR }
	/landlock_restrict_self.* = 0$/ { landlock = NR }
	/seccomp\(SECCOMP_SET_MODE_FILTER.* = 0$/ { filter = NR }
	END {
		if (!nnp) print "no no_new_privs"
		if (!hidden || read_back < hidden) print "dumpable"
		if (!landlock) print "no Landlock domain"
		if (filter < landlock || filter < hidden) print "no filter"
	}' trace >missing
	test ! -s missing || atf_fail "$1: $(cat missing)"
}

root_case client_layers "What lies on the client"
client_layers_head() {
	atf_set descr "What lies on the client"
	atf_set require.user root
	atf_set require.progs strace
}
client_layers_body() {
	make_pki
	write_conf
	start_daemon
	hold one 4
	expect_soon find_client one
	expect_layers "$(id -u)" 8 $((512 << 20)) socket
	release one 4
	traced postern -R ca.pem -C client.pem -K client.key 127.0.0.1 "$port"
	stop_daemon
}

root_case looker_layers "What lies on those that look"
looker_layers_head() {
	atf_set descr "What lies on those that look"
	atf_set require.user root
	atf_set require.progs strace
}
looker_layers_body() {
	make_pki
	write_conf
	start_daemon
	stuck postern-certgen inspect client.pem
	expect_layers 65534 8 $((1024 << 20)) ''
	expect_no_capabilities
	expect_hidden
	stuck posternd -f posternd.conf --explain client.pem --from 127.0.0.1
	expect_layers "$(id -u _postern)" 8 $((1024 << 20)) ''
	expect_no_capabilities
	expect_hidden
	stuck posternd -f posternd.conf --status
	expect_layers "$(id -u _posternx)" 8 $((512 << 20)) socket
	expect_no_capabilities
	expect_hidden
	traced postern-certgen inspect client.pem
	traced posternd -f posternd.conf --explain client.pem --from 127.0.0.1
	traced posternd -f posternd.conf --status
	stop_daemon
}
