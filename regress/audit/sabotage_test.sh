#! /usr/bin/env atf-sh
#
# What postern-audit live notices: a service that is not as declared, in one
# way after the other.  The programs are those of regress/inside, which do
# wrong what their plan says, and do not notice it themselves.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"
. "$(atf_get_srcdir)/../live_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# sabotaged PLAN-LINE...: a service that runs so.
sabotaged() {
	use_inside "$@"
	make_pki
	write_conf
	start_daemon
}

# What failed, of which process: "PROCESS CHECK", sorted; nobody of ours is "?".
failures() {
	json live.out '"\n".join(sorted({str(g["process"] or "?") + " " + c
	    for g in d["groups"] for c in g["checks"]
	    if g["checks"][c]["verdict"] == "failed"}))'
}

# expect_red FAILURE...: these fail, and no others.
expect_red() {
	status=0
	audit_live --json || status=$?
	printf '%s\n' "$@" | sort >wanted
	failures >failed
	test $status -eq $EX_DATAERR || atf_fail "status $status: $(cat failed)"
	diff wanted failed >&2 || atf_fail "others failed: $(xargs <failed)"
}

# expect_failed FAILURE...: these fail, and what else is their consequence.
expect_failed() {
	status=0
	audit_live --json || status=$?
	failures >failed
	test $status -eq $EX_DATAERR || atf_fail "status $status: $(cat failed)"
	for failure; do
		grep -qx "$failure" failed ||
		    atf_fail "not noticed: $failure; but: $(xargs <failed)"
	done
}

# red NAME DESCRIPTION PLAN FAILURES: a case for that plan, in which exactly
# these fail; several of both have "," between them.
red() {
	root_case "$1" "$2"
	eval "$1_body() {
		red_case '$3' '$4'
	}"
}

# wide NAME DESCRIPTION PLAN FAILURES: the same for what takes a wider filter as
# well, or fails in more than one way: these are among what fails.
wide() {
	root_case "$1" "$2"
	eval "$1_body() {
		wide_case '$3' '$4'
	}"
}

# each WORDS COMMAND...: the command with all words behind it, "," between them.
each() {
	words_=$1
	shift
	set -f
	IFS=,
	# shellcheck disable=SC2086
	set -- "$@" $words_
	unset IFS
	set +f
	"$@"
}

red_case() {
	each "$1" sabotaged
	each "$2" expect_red
	assert_echo
}

wide_case() {
	each "$1" sabotaged
	each "$2" expect_failed
	assert_echo
}

# Without any plan the same programs are as declared: the others show something.
root_case control "the same programs, without sabotage"
control_body() {
	sabotaged '# nothing'
	expect_green
}

# ---- filters -----------------------------------------------------------------

red wider 'a row more in a table' \
    'echo add getppid' 'echo filters'
red narrower 'a row less in a table' \
    'parent remove reserve-date 0' 'parent filters,parent reach'
red loosened 'a limit less in a table' \
    'echo loosen echo 1 0' 'echo filters'
red no_filter 'a worker without its own filter' \
    'echo sabotage filter' 'echo filters,echo reach'
red any_filter 'a filter more, which allows all' \
    'echo sabotage any_filter' 'echo filters'

# Each worker is seen once, and gone when it would be looked at again; its
# spawner is halted, so that there are no others, and remains stay.
root_case short_lived "wrong workers that have ended since"
short_lived_body() {
	sabotaged 'echo add getppid'
	spawner=$(process_titled "$daemon_pid" 'postern-worker: spawner')
	kill -STOP "$spawner"
	run_in_background postern-audit live --json --pid "$daemon_pid" \
	    >live.out 2>live.err
	audit_pid=$!
	expect_soon pauses
	# shellcheck disable=SC2046
	kill -KILL $(process_titled "$daemon_pid" 'postern-worker: echo')
	status=0
	wait $audit_pid || status=$?
	kill -CONT "$spawner"
	failures >failed
	test $status -eq $EX_DATAERR || atf_fail "status $status: $(cat failed)"
	atf_check_equal "echo filters" "$(cat failed)"
	atf_check_equal True "$(json live.out 'all(g["ended"]
	    for g in d["groups"] if g["failed"])')"
	assert_echo
}

# A spawner that forks, now and then, somebody who is gone in a moment: without
# a filter of its own, as an orphan, as a second init; with one that allows all.
# One audit may come when there is none.
flits() {
	root_case "flits_$1" "$2"
	eval "flits_$1_body() {
		sabotaged 'spawner sabotage flit $1'
		wait_for 60 sees_red || atf_fail 'not noticed'
		grep -qx '$3' failed || atf_fail \"others: \$(xargs <failed)\"
		atf_check_equal True \"\$(json live.out 'all(g[\"ended\"]
		    for g in d[\"groups\"] if g[\"failed\"])')\"
		assert_echo
	}"
}

sees_red() {
	status=0
	audit_live --json || status=$?
	failures >failed
	test $status -eq $EX_DATAERR
}

flits worker "workers that never have a filter, and are soon gone" \
    'echo filters'
flits orphan "the same, left to init" '? filters'
flits init "the same, which call themselves init" '? filters'
flits filter "workers with a filter that allows all, and soon gone" \
    'echo filters'
flits stranger "the same, which call themselves nothing" '? tree'

# filters PID: how many it has.
filters() {
	awk '/^Seccomp_filters:/ { print $2 }' "/proc/$1/status" 2>/dev/null
}

# A worker that has no more than its spawner: in $fledgling.
find_fledgling() {
	spawner=$(process_titled "$daemon_pid" 'postern-worker: spawner') ||
	    return 1
	for fledgling in $(process_titled "$daemon_pid" \
	    'postern-worker: echo'); do
		test "$(filters "$fledgling")" != "$(filters "$spawner")" ||
		    return 0
	done
	return 1
}

is_followed() {
	find_fledgling &&
	    ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$fledgling/status"
}

# make_fledgling: one of the workers is ended, so that there will be another.
make_fledgling() {
	kill -KILL "$(process_titled "$daemon_pid" 'postern-worker: echo' |
	    head -n 1)"
	expect_soon find_fledgling
}

# Who is in the middle of its start is waited for, and is no failure; nor is
# one that is killed there because its parent has ended, its spawner with it.
root_case slow "workers that are slow to start are as declared"
slow_body() {
	sabotaged 'echo sabotage slow 3000'
	make_fledgling
	expect_green
	make_fledgling
	run_in_background postern-audit live --json --pid "$daemon_pid" \
	    >live.out 2>live.err
	audit_pid=$!
	expect_soon is_followed
	kill -KILL "$(process_titled "$daemon_pid" 'posternd: parent*')"
	wait $audit_pid || atf_fail "$(failures | xargs): $(cat live.err)"
	assert_echo
}

# come_and_go NUMBER: so many clients at a time, one after the other, each of
# whom takes a worker, for which another is made.
come_and_go() {
	for i_ in $(seq "$1"); do
		while test ! -e enough; do
			postern ping -R ca.pem -C client.pem -K client.key -q \
			    -c 1 127.0.0.1 "$port" >ping.out 2>ping.err ||
			    touch refused
		done &
	done
	wait
}

# So that audits meet some of these in the middle of their start, too.
root_case churn "workers that come and go are as declared"
churn_body() {
	sabotaged 'echo sabotage slow 20'
	run_in_background come_and_go 4
	comers_pid=$!
	for i in 1 2 3 4 5; do
		audit_live --json || atf_fail "$(failures | xargs): $(json \
		    live.out '[c["detail"] for g in d["groups"]
		    for c in g["checks"].values()
		    if c["verdict"] == "failed"]')"
	done
	touch enough
	wait $comers_pid
	test ! -e refused || atf_fail "a client failed: $(cat ping.err)"
}

# The audit waits, to look again.
pauses() {
	grep -q nanosleep "/proc/$audit_pid/wchan"
}

# ---- rights ------------------------------------------------------------------

red capability 'capabilities left in the namespace' \
    'spawner sabotage capability' \
    'spawner capabilities,echo capabilities'
# With -U it is the user namespace that lets it be emptied.
root_case one_uid_bounding "the same without root"
one_uid_bounding_body() {
	use_inside 'spawner sabotage bounding'
	make_pki
	write_conf
	chown -R nobody .
	give_programs_to_nobody
	posternd() {
		as_nobody posternd -U "$@"
	}
	start_daemon
	expect_red 'spawner capabilities' 'echo capabilities'
	assert_echo
}

red bounding 'capabilities left in the bounding set' \
    'spawner sabotage bounding' \
    'spawner capabilities,echo capabilities'
wide ambient 'an ambient capability' \
    'supervisor add prctl,spawner sabotage ambient' \
    'spawner capabilities,echo capabilities'
red no_new_privs 'no no_new_privs' \
    'supervisor sabotage no_new_privs' \
    'supervisor capabilities,supervisor no-new-privs'

root_case same_uid "the workers under the uid of their parent"
same_uid_body() {
	sabotaged "spawner sabotage same_uid $(id -u _postern)"
	expect_red 'spawner user' 'init user' 'echo user'
}

# started_with OPTION... -- PLAN-LINE: a service that setpriv(1) starts so.
started_with() {
	with_=
	while test "$1" != --; do
		with_="$with_ $1"
		shift
	done
	shift
	use_inside "$@"
	make_pki
	write_conf
	posternd() {
		# shellcheck disable=SC2086
		exec setpriv $with_ "$PWD/inside/posternd" "$@"
	}
	start_daemon
}

root_case groups "a supplementary group"
groups_body() {
	started_with --groups 4 -- '* sabotage groups'
	expect_failed 'supervisor user' 'parent user' 'spawner user' \
	    'echo user'
}

root_case supervisor_groups "supplementary groups of the supervisor alone"
supervisor_groups_body() {
	started_with --groups 4,42 -- 'supervisor sabotage groups'
	expect_red 'supervisor user'
}

root_case supervisor_gid "a supervisor that is in another group than root"
supervisor_gid_body() {
	started_with --regid 42 --clear-groups -- '# nothing'
	expect_red 'supervisor user'
}

red gid 'a parent of another group than its user has' \
    'parent sabotage gid 42' 'parent user'
red saved_gid 'a group to which a parent could come back' \
    'parent sabotage saved_gid 42' 'parent user'

root_case same_gid "an exporter in the group of the workers"
same_gid_body() {
	sabotaged "exporter sabotage gid $(id -g _posternw)"
	expect_failed 'exporter user' 'echo user'
}

# ---- places ------------------------------------------------------------------

red writable_root 'a root that can be written' \
    'spawner sabotage writable_root' 'spawner root,init root,echo root'
red system_root 'a parent in the root of the system' \
    'parent sabotage root' 'parent root'

wide namespace 'a namespace that is missing' \
    'supervisor add unshare,spawner sabotage namespace' \
    'spawner namespaces,init namespaces,echo namespaces'

# has_clocks: skip the case where no process can have a clock of its own.
has_clocks() {
	test -e /proc/self/ns/time ||
	    atf_skip "this kernel has no time namespaces"
	unshare -T true 2>unshare.err ||
	    atf_skip "no time namespace can be made: $(cat unshare.err)"
}

root_case clock "workers with a clock of their own"
clock_body() {
	has_clocks
	sabotaged 'supervisor add unshare' 'spawner sabotage clock'
	expect_failed 'spawner namespaces' 'init namespaces' 'echo namespaces'
	assert_echo
}

root_case clocks "a whole service with a clock of its own"
clocks_body() {
	has_clocks
	make_pki
	write_conf
	posternd() {
		exec unshare -T --boottime 100000 posternd "$@"
	}
	start_daemon
	expect_red 'supervisor namespaces'
}

red no_landlock 'a spawner and its workers without Landlock' \
    'spawner sabotage landlock' \
    'spawner landlock,spawner landlock-net,spawner landlock-scope,echo landlock-scope'
red parent_no_landlock 'a parent without Landlock' \
    'parent sabotage landlock' 'parent landlock,parent landlock-net,parent landlock-scope'
red exporter_no_landlock 'an exporter without Landlock' \
    'exporter sabotage landlock' 'exporter landlock,exporter landlock-net,exporter landlock-scope'
red supervisor_no_landlock 'a supervisor without Landlock' \
    'supervisor sabotage landlock' \
    'supervisor landlock-scope,init landlock-scope'

# Half of it: each must miss what is left out.
root_case weak_landlock "a domain that forbids little"
weak_landlock_body() {
	use_inside '* sabotage weak_landlock'
	make_pki
	issue client client ca --name client --host 127.0.0.1 --force
	write_conf clients.host-check=either
	start_daemon
	set --
	for name in parent resolver exporter spawner; do
		set -- "$@" "$name landlock" "$name landlock-net" \
		    "$name landlock-scope"
	done
	expect_red "$@"
	atf_check_equal True "$(json live.out 'all(it in c["detail"]
	    for g in d["groups"] for c in [g["checks"].get("landlock")]
	    if c and c["verdict"] == "failed"
	    for it in ("read a file", "write a file", "execute a file",
	    "make a file", "make a directory", "make a socket"))')"
	stop_daemon
	write_conf worker=relay "relay.to=127.0.0.1:$(free_port)"
	use_inside 'dialer sabotage weak_landlock'
	start_daemon
	expect_red 'dialer landlock' 'dialer landlock-net' \
	    'dialer landlock-scope'
}

root_case resolver_no_landlock "a resolver without Landlock"
resolver_no_landlock_body() {
	use_inside 'resolver sabotage landlock'
	make_pki
	issue client client ca --name client --host 127.0.0.1 --force
	write_conf clients.host-check=either
	start_daemon
	expect_red 'resolver landlock' 'resolver landlock-net' \
	    'resolver landlock-scope'
}

# ---- the process itself ------------------------------------------------------

red dumpable 'a supervisor that can be traced and dumped' \
    'supervisor sabotage dumpable' 'supervisor hidden'
red outlive 'a parent that would outlive the supervisor' \
    'parent sabotage outlive' 'parent death'
# What a parent has started is of another user, whom its signal does not reach.
red life_line 'a life line that sends no signal' \
    'parent sabotage life_line async' 'spawner death'
red life_line_signal 'a life line for a signal that does not kill' \
    'parent sabotage life_line signal' 'spawner death'
red life_line_owner 'a life line for the parent alone' \
    'parent sabotage life_line owner' 'spawner death'
red own_group 'a spawner in a process group of its own' \
    'spawner sabotage own_group' 'spawner death'

root_case outliving "a resolver that would outlive its parent"
outliving_body() {
	use_inside 'parent sabotage life_line async'
	make_pki
	issue client client ca --name client --host 127.0.0.1 --force
	write_conf clients.host-check=either
	start_daemon
	expect_red 'resolver death' 'spawner death'
}

red limits 'limits that are not set' \
    'echo sabotage limits' 'echo limits'
red soft 'limits that can be raised again' \
    'supervisor sabotage soft' 'supervisor limits'
red connections 'limits for more connections than it was started for' \
    '* sabotage connections' 'parent limits,spawner limits'
red core 'a core file is allowed' \
    'supervisor sabotage core' 'supervisor limits'
wide descriptor 'a descriptor more in a worker' \
    'supervisor add dup2,spawner add dup2,echo sabotage descriptor' \
    'echo descriptors'
red parent_descriptor 'a descriptor more in a parent' \
    'parent sabotage descriptor' 'parent descriptors'

# listeners NAME: a local socket of this abstract name, and a TCP port, which
# is in "listener.port"; nobody is accepted.
listeners() {
	run_in_background python3 -c 'import os, signal, socket, sys
local, tcp = socket.socket(socket.AF_UNIX), socket.socket()
local.bind("\0" + sys.argv[1])
tcp.bind(("127.0.0.1", 0))
local.listen()
tcp.listen()
with open("listener.new", "w") as f:
    f.write("%d" % tcp.getsockname()[1])
os.rename("listener.new", "listener.port")
signal.pause()' "$1"
	expect_soon test -e listener.port
}

# Of a kind that it has others of, which come from its clients or its workers.
root_case calls "a parent that has connected to somebody"
calls_body() {
	make_pki
	name=$(printf "postern%06d" $(($$ % 1000000)))
	listeners "$name"
	for plan in "call_port $(cat listener.port)" "call $name"; do
		for worker in echo "relay relay.to=127.0.0.1:$(free_port)"; do
			# shellcheck disable=SC2086
			write_conf worker=$worker
			use_inside "parent sabotage $plan"
			start_daemon
			expect_red 'parent descriptors'
			stop_daemon
		done
	done
	# Nor has a service that is a local socket such a name.
	chmod 755 .
	start_service "unix:$PWD/app.sock" greet hello
	write_conf worker=relay relay.to=unix:app.sock
	start_daemon
	expect_red 'parent descriptors'
	stop_daemon
}

# Only certificates, and of the supervisor keys, are files to be read.
root_case files "files that are open and do not belong to the service"
files_body() {
	make_pki
	write_conf
	for plan in 'supervisor sabotage open /etc/passwd' \
	    'parent sabotage swap_ca /etc/passwd' \
	    "parent sabotage swap_ca $PWD/server.key"; do
		use_inside "$plan"
		start_daemon
		expect_red "${plan%% *} descriptors"
		assert_echo
		stop_daemon
	done
	use_inside "parent sabotage swap_ca $PWD/other-ca.pem"
	start_daemon
	expect_green
	stop_daemon
}

red environment 'an environment that is left' \
    'spawner sabotage environment' \
    'spawner environment,init environment,echo environment'
red mdwe 'memory can become executable' \
    'supervisor sabotage mdwe' 'supervisor mdwe'
wide write_execute 'memory that is written and executed' \
    'supervisor add mmap,* sabotage mdwe,parent sabotage write_execute' \
    'parent memory'
wide shared_memory 'memory that is written together with others' \
    'supervisor add mmap,parent sabotage shared_memory' 'parent memory'
red board 'a parent that could write what is others on the board' \
    'parent sabotage board' 'parent memory'

# mapped PLAN MODE OWNER PROCESS...: that plan, with a file of that mode and
# owner for the FILE in it, fails in the memory of exactly these, or of none.
mapped() {
	plan=$1
	dd if=/dev/zero of=file bs=4096 count=1 2>dd.err
	chown "$3" file
	chmod "$2" file
	shift 3
	each "$(echo "$plan" | sed "s,FILE,$PWD/file,")" use_inside
	start_daemon
	if test $# -gt 0; then
		for process; do
			set -- "$@" "$process memory"
			shift
		done
		expect_red "$@"
	else
		expect_green
	fi
	assert_echo
	stop_daemon
}

# Whoever could write there would be obeyed; and what was mapped before the
# user was changed can be read for ever.
root_case mapped_code "code of files that others could write"
mapped_code_body() {
	make_pki
	write_conf
	mapped 'parent sabotage map_code FILE' 0755 root
	mapped 'parent sabotage map_code FILE' 0755 nobody parent
	mapped 'parent sabotage map_code FILE' 0757 root parent
	mapped 'parent sabotage map_code FILE' 0775 root:nogroup parent
	mapped 'spawner sabotage map_code FILE' 0755 root spawner init echo
	mapped 'parent sabotage own_code' 0600 root parent
	mapped 'spawner sabotage own_code' 0600 root spawner init echo
}

root_case mapped_file "files that are mapped and should not be"
mapped_file_body() {
	make_pki
	write_conf clients.host-check=either
	issue client client ca --name client --host 127.0.0.1 --force
	mapped 'parent sabotage map FILE' 0644 nobody
	mapped 'parent sabotage map FILE' 0640 root parent
	mapped 'spawner sabotage map FILE' 0644 root spawner init echo
	mapped 'resolver sabotage map_shared FILE' 0644 root resolver
}

# The parent's secret memory cannot be searched in anybody else.
wide thread 'a second thread' \
    'supervisor add clone,parent sabotage thread' 'parent tree'
wide stranger 'a foreign process in the tree' \
    'parent sabotage stranger' '? tree'
# It has all that a parent has, and ends with nobody.
root_case orphan "a process that is beneath no supervisor"
orphan_body() {
	sabotaged 'parent sabotage orphan'
	expect_failed '? tree'
	orphan=$(json live.out '[g["pids"] for g in d["groups"]
	    if not g["process"]][0][0]')
	record "$orphan"
	test "$(ps -o ppid= -p "$orphan")" -ne "$daemon_pid" ||
	    atf_fail "it is none"
	kill -KILL "$orphan"
	expect_soon gone "$orphan"
	expect_green
	assert_echo
}

wide title 'a worker that calls itself another' \
    'echo sabotage title' '? tree'

# What keeps a dialer from connecting elsewhere.
root_case address "a dialer whose address can be altered"
address_body() {
	use_inside 'dialer sabotage address'
	make_pki
	write_conf worker=relay "relay.to=127.0.0.1:$(free_port)"
	start_daemon
	expect_red 'dialer memory'
	stop_daemon
	use_inside 'dialer sabotage elsewhere'
	start_daemon
	expect_red 'dialer memory'
	grep -q 'may connect to 192.0.2.1:80, ' live.out || atf_fail "not said"
	stop_daemon
}

# The same with its root, its user and its domain.
root_case dialer "a dialer that is not confined"
dialer_body() {
	make_pki
	write_conf worker=relay "relay.to=127.0.0.1:$(free_port)"
	use_inside 'dial-spawner sabotage root'
	start_daemon
	expect_red 'dialer root'
	stop_daemon
	use_inside 'dialer sabotage landlock'
	start_daemon
	expect_red 'dialer landlock' 'dialer landlock-net' \
	    'dialer landlock-scope'
	stop_daemon
	use_inside "dial-spawner sabotage same_uid $(id -u _postern)"
	start_daemon
	expect_red 'dialer user'
	stop_daemon
}

# And of one whose root has the service's socket alone.
root_case local_dialer "a dialer of a local socket that is not confined"
local_dialer_body() {
	chmod 755 .
	start_service "unix:$PWD/app.sock" greet hello
	make_pki
	write_conf worker=relay relay.to=unix:app.sock
	use_inside 'dialer sabotage root'
	start_daemon
	expect_red 'dialer root'
	stop_daemon
	use_inside 'dialer sabotage writable_root'
	start_daemon
	expect_red 'dialer root'
	stop_daemon
	use_inside 'dialer sabotage mounts'
	start_daemon
	expect_red 'dialer root'
	stop_daemon
	use_inside 'dial-spawner sabotage limits'
	start_daemon
	expect_red 'dial-spawner limits'
	stop_daemon
}

root_case program "a program that is not the one declared"
program_body() {
	use_inside 'spawner sabotage program'
	cp inside/postern-worker inside/other
	make_pki
	write_conf
	start_daemon
	expect_failed 'spawner program' 'init program' 'echo program'
}

# As a number, as PEM, of RSA: in whatever form a worker may have it.
root_case key "a key in the memory of a worker"
key_body() {
	use_inside "spawner sabotage key $PWD/leak"
	make_pki
	write_conf
	openssl ec -in server.key -outform DER -out leak 2>openssl.err ||
	    openssl pkey -in server.key -outform DER -out leak
	start_daemon
	expect_red 'spawner key' 'init key' 'echo key'
	stop_daemon
	cp server.key leak
	start_daemon
	expect_red 'spawner key' 'init key' 'echo key'
	stop_daemon
	dd if=/dev/urandom of=leak bs=256 count=1 2>dd.err
	start_daemon
	expect_green
	stop_daemon
}

root_case rsa_key "an RSA key in the memory of a worker"
rsa_key_body() {
	use_inside "spawner sabotage key $PWD/leak"
	make_pki
	openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key \
	    -out server.pem -subj /CN=localhost -days 2 2>openssl.err ||
	    atf_fail "openssl: $(cat openssl.err)"
	chmod 600 server.key
	write_conf
	openssl rsa -in server.key -outform DER -out leak 2>openssl.err
	start_daemon
	expect_red 'spawner key' 'init key' 'echo key'
	stop_daemon
}

# new_key FILE: another key.
new_key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$1" 2>openssl.err || atf_fail "openssl: $(cat openssl.err)"
}

# What the file says since it was read is not the key that is in use.
root_case old_key "a key in the memory of a worker, whose file is another now"
old_key_body() {
	use_inside "spawner sabotage key $PWD/leak"
	make_pki
	cp server.key leak
	new_key other
	write_conf watch=0
	start_daemon
	cat other >server.key
	expect_red 'parent key'
	grep -q 'for none of the keys that the supervisor has open' live.out ||
	    atf_fail "not said"
	# Nor if its certificate was written over as well.
	cp server.pem old.pem
	issue server again ca --host 127.0.0.1,::1,localhost
	cat again.key >server.key
	cat again.pem >server.pem
	expect_red 'parent key'
	cat leak >server.key
	cat old.pem >server.pem
	expect_red 'spawner key' 'init key' 'echo key'
	stop_daemon
}

# Whatever the supervisor has open with a key in it, or cannot be looked into.
root_case unread_key "keys that are not searched for"
unread_key_body() {
	make_pki
	write_conf
	new_key one.key
	{ head -c 1048576 /dev/zero | tr '\\0' '#'; echo; cat one.key; } >long
	use_inside "supervisor sabotage open $PWD/long"
	start_daemon
	expect_red 'supervisor key' 'supervisor descriptors'
	grep -q 'with a key that has 1 MiB or more' live.out || atf_fail "1"
	stop_daemon
	{ echo '-----BEGIN PRIVATE KEY-----'; echo AAAA; } >broken
	use_inside "supervisor sabotage open $PWD/broken"
	start_daemon
	expect_red 'supervisor key'
	grep -q 'its private key cannot be parsed' live.out || atf_fail "2"
	stop_daemon
	use_inside 'supervisor sabotage open /proc/self/mem'
	start_daemon
	expect_failed 'supervisor key'
	grep -q 'cannot be read: Input/output error' live.out || atf_fail "3"
	stop_daemon
	set --
	for i in 1 2 3 4 5 6 7 8; do
		new_key "$i.key"
		set -- "$@" "supervisor sabotage open $PWD/$i.key"
	done
	use_inside "$@"
	start_daemon
	# The parent's is the ninth.
	expect_red 'supervisor key' 'parent key'
	grep -q 'one key more than the 8 that are searched for' live.out ||
	    atf_fail "4"
	stop_daemon
}

# A tracer of somebody else's: it sees all, and nobody else can look.
root_case traced "a worker under a tracer"
traced_body() {
	sabotaged '# nothing'
	worker=$(process_titled "$daemon_pid" 'postern-worker: echo' |
	    head -n 1)
	run_in_background strace -o strace.out -p "$worker"
	expect_soon grep -q '^TracerPid:[[:space:]]*[1-9]' \
	    "/proc/$worker/status"
	expect_failed 'echo hidden' 'echo filters'
}
