#! /usr/bin/env atf-sh
#
# The start: in the background, under another posternd's nose, without root;
# and each reason not to start, in one line.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# What went wrong, in whatever way it was said: posternd's own words before
# the log is open, an error in the log after that.
complaints() {
	grep -e '^posternd: ' -e 'level=error' daemon.log
}

# no_start STATUS PATTERN [option...]: it must end with this status and one
# complaint like this.
no_start() {
	want=$1
	pattern=$2
	shift 2
	launch_daemon "$@"
	status=0
	daemon_status || status=$?
	test "$status" -eq "$want" || {
		show_log
		atf_fail "status $status, not $want: $pattern"
	}
	test "$(complaints | wc -l)" -eq 1 || {
		show_log
		atf_fail "not one clear line: $pattern"
	}
	complaints | grep -q -e "$pattern" || {
		show_log
		atf_fail "it does not say: $pattern"
	}
}

# run_b [option...]: posternd -b; its status in $status, the pid that it wrote
# in $daemon_pid.
run_b() {
	is_root || set -- -U "$@"
	: >daemon.log
	status=0
	posternd -b -f posternd.conf "$@" </dev/null >daemon.out \
	    2>>daemon.log || status=$?
	test $status -ne 0 || {
		daemon_pid=$(cat posternd.pid)
		# shellcheck disable=SC2046
		record "$daemon_pid" $(tree_of "$daemon_pid")
	}
}

# ---- in the background -------------------------------------------------------

e2e_case background "-b comes back when the service is ready"
background_body() {
	make_pki
	write_conf
	run_b
	atf_check_equal 0 $status
	log_has event=ready || atf_fail "it was not ready yet"
	atf_check_equal "posternd: supervisor" "$(title_of "$daemon_pid")"
	assert_echo
	# Its caller is not kept waiting by a descriptor of ours.
	for n in 0 1; do
		test ! -r "/proc/$daemon_pid/fd/$n" ||
		    atf_check_equal /dev/null \
			"$(readlink "/proc/$daemon_pid/fd/$n")"
	done
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	assert_echo
	kill -TERM "$daemon_pid"
	expect_soon gone "$daemon_pid"
	test ! -e posternd.pid || atf_fail "the pid file was left behind"
}

e2e_case output_ends "Who reads the output of posternd -b sees it end"
output_ends_body() {
	make_pki
	write_conf
	is_root || set -- -U
	# a pipe that ends only when nobody holds its other end
	said=$(posternd -b "$@" -f posternd.conf </dev/null 2>daemon.log)
	daemon_pid=$(cat posternd.pid)
	# shellcheck disable=SC2046
	record "$daemon_pid" $(tree_of "$daemon_pid")
	atf_check_equal "" "$said"
	assert_echo
	kill -TERM "$daemon_pid"
	expect_soon gone "$daemon_pid"
}

e2e_case second_instance "A second instance is refused, and harms nothing"
second_instance_body() {
	make_pki
	write_conf
	run_b
	atf_check_equal 0 $status
	first=$daemon_pid
	own=$port
	# the same pid file, another port
	port=$(free_port)
	write_conf
	run_b
	atf_check_equal 69 $status
	complaints | grep -q 'posternd.pid: another posternd runs' ||
	    atf_fail "it does not say so: $(cat daemon.log)"
	atf_check_equal "$first" "$(cat posternd.pid)"
	# the same port, another pid file
	port=$own
	write_conf pid-file=second.pid
	run_b
	atf_check_equal 69 $status
	complaints | grep -q "listen 127.0.0.1:$port: .*in use" ||
	    atf_fail "it does not say so: $(cat daemon.log)"
	test ! -e second.pid || atf_fail "it left its pid file behind"
	assert_echo
	# A dead one leaves its pid file, and is no hindrance.
	write_conf
	kill -KILL "$first"
	expect_soon gone "$first"
	run_b
	atf_check_equal 0 $status
	test "$daemon_pid" != "$first" || atf_fail "that is the dead one's pid"
	assert_echo
	kill -TERM "$daemon_pid"
	expect_soon gone "$daemon_pid"
}

e2e_case background_refusal "-b has the exit code of the start"
background_refusal_body() {
	make_pki
	write_conf key=other.key
	run_b
	atf_check_equal 78 $status
	complaints | grep -q 'the key does not match' ||
	    atf_fail "it does not say so: $(cat daemon.log)"
	test ! -e posternd.pid || atf_fail "it left its pid file behind"
	write_conf pid-file=no/such/directory/pid
	run_b
	atf_check_equal 73 $status
}

# ---- refusals ----------------------------------------------------------------

e2e_case bad_files "With bad files there is no start"
bad_files_body() {
	make_pki
	write_conf key=other.key
	no_start 78 'other.key: the key does not match the certificate'
	write_conf key=none.key
	no_start 78 'none.key: No such file or directory'
	cp server.key loose.key
	chmod 604 loose.key
	write_conf key=loose.key
	no_start 78 'loose.key: others may read the key: chmod 600'
	: >empty.pem
	write_conf clients.ca=empty.pem
	no_start 78 'empty.pem: is empty'
	echo nothing >words.pem
	write_conf clients.ca=words.pem
	no_start 78 'words.pem: '
	write_conf clients.ca=none.pem
	no_start 78 'none.pem: No such file or directory'
	write_conf clients.ca=.
	no_start 78 'is not a regular file'
	mkfifo fifo
	write_conf certificate=fifo
	no_start 78 'fifo: is not a regular file'
	issue server expired ca --host 127.0.0.1 \
	    --not-after "$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%SZ)"
	write_conf certificate=expired.pem key=expired.key
	no_start 78 'expired.pem: the certificate expired at 20'
	write_conf tls.ciphers=NONSENSE
	no_start 78 'tls: '
	# several parents do not say it several times
	write_conf key=other.key parents=4
	no_start 78 'other.key: the key does not match the certificate'
}

e2e_case bad_configuration "With a bad configuration there is no start"
bad_configuration_body() {
	make_pki
	write_conf parents=many
	no_start 78 'posternd.conf:[0-9]*: parents = "many": want a number'
	no_start 78 'none.conf: No such file or directory' -f none.conf
	mkfifo fifo.conf
	no_start 78 'fifo.conf: is not a regular file' -f fifo.conf
}

e2e_case port_taken "A port that is taken is named"
port_taken_body() {
	make_pki
	write_conf
	start_daemon
	first=$daemon_pid
	no_start 69 "listen 127.0.0.1:$port: Address already in use: another"
	daemon_pid=$first
	# An address that this machine does not have.
	write_conf "listen={\"192.0.2.1:$port\"}"
	no_start 69 "listen 192.0.2.1:$port: "
}

root_case users "The users must be there, four, and not root"
users_body() {
	make_pki
	write_conf user=nobody-by-that-name
	no_start 78 'posternd.conf: user: no such user; .*nobody-by-that-name'
	write_conf worker-user=nobody-by-that-name
	no_start 78 'worker-user: no such user; .*nobody-by-that-name'
	write_conf resolver-user=nobody-by-that-name
	no_start 78 'resolver-user: no such user; .*nobody-by-that-name'
	write_conf exporter-user=nobody-by-that-name
	no_start 78 'exporter-user: no such user; .*nobody-by-that-name'
	write_conf user=root
	no_start 78 'user: root is root'
	for same in user=_posternw worker-user=_posternr \
	    resolver-user=_postern exporter-user=_posternw; do
		write_conf "$same"
		no_start 78 'exporter-user and dialer-user must differ'
	done
}

root_case worker_missing "Without its worker program there is no start"
worker_missing_body() {
	make_pki
	write_conf
	mkdir bin
	cp "$(command -v posternd)" bin/
	PATH=$PWD/bin:$PATH
	no_start 69 'postern-worker is neither in .*/bin nor in .*; install it'
	# where an installation has it
	mkdir -p libexec/postern
	ln -s "$(command -v postern-worker)" libexec/postern/
	start_daemon
	assert_echo
	stop_daemon
}

# within COMMAND...: from now on posternd is run by it, with its arguments
# behind.
within() {
	mkdir -p within
	cat >within/posternd <<-EOF
	#!/bin/sh
	exec $* $(command -v posternd) "\$@"
	EOF
	chmod +x within/posternd
	PATH=$PWD/within:$PATH
}

# As far as it can tell: all calls of unshare(2) fail.
without_namespaces="$(atf_get_srcdir)/without_helper user-namespaces"

root_case namespaces_none "Where no user namespace may be made it says so"
namespaces_none_body() {
	make_pki
	write_conf
	# in a namespace of its own, of which all users are those outside
	cat >enter <<-'EOF'
	here=$(readlink /proc/$$/ns/user)
	{
		while test "$(readlink /proc/$$/ns/user)" = "$here"; do :; done
		echo 0 0 65536 >/proc/$$/gid_map
		echo 0 0 65536 >/proc/$$/uid_map
	} &
	exec unshare --user sh none "$@"
	EOF
	cat >none <<-'EOF'
	until test -n "$(cat /proc/self/uid_map)"; do :; done
	sh -c 'echo 0 >/proc/sys/user/max_user_namespaces'
	exec "$@"
	EOF
	within sh "$PWD/enter"
	no_start 71 ' namespaces are forbidden here (No space.*: sysctl user.max_user_namespaces is 0: set'
}

e2e_case namespaces_filtered "Where a filter forbids them it says so"
namespaces_filtered_body() {
	make_pki
	write_conf
	within "$without_namespaces"
	no_start 71 ' namespaces are forbidden here (Operation not permitted)'
	no_start 71 ': a chroot, a container.s filter or the service manager'
}

root_case namespaces_by_sysctl "Where a sysctl forbids them it names that"
namespaces_by_sysctl_body() {
	make_pki
	write_conf
	cat >other_kernel <<-EOF
	mount --bind '$PWD/kernel' /proc/sys/kernel || exit 1
	exec $without_namespaces "\$@"
	EOF
	within unshare --mount sh "$PWD/other_kernel"
	mkdir kernel
	echo 1 >kernel/apparmor_restrict_unprivileged_userns
	no_start 71 'AppArmor allows them to programs with a profile: install'
	no_start 71 'apparmor_parser -r /etc/apparmor.d/posternd$'
	echo 0 >kernel/apparmor_restrict_unprivileged_userns
	no_start 71 ': a chroot, a container'
	echo 0 >kernel/unprivileged_userns_clone
	no_start 71 'sysctl kernel.unprivileged_userns_clone is 0: set it to 1'
}

# As under each of our units (ProcSubset=pid).
root_case namespaces_unseen "Where it cannot see what forbids them it names all"
namespaces_unseen_body() {
	make_pki
	write_conf
	cat >other_proc <<-EOF
	mount -t proc -o subset=pid proc /proc || exit 1
	exec $without_namespaces "\$@"
	EOF
	within unshare --mount --pid --fork sh "$PWD/other_proc"
	no_start 71 'cannot be told from here, without /proc/sys'
	no_start 71 'apparmor_restrict_unprivileged_userns is 1: install the pack'
	no_start 71 'apparmor_parser -r /etc/apparmor.d/posternd'
	no_start 71 'kernel.unprivileged_userns_clone is 0: set it to 1'
	no_start 71 'or the service manager (systemd: RestrictNamespaces=)$'
}

root_case no_user "Where none can become the workers user it says so"
no_user_body() {
	make_pki
	write_conf
	for capability in setuid setgid; do
		(
			within setpriv --bounding-set "-$capability"
			no_start 71 'no process can become the workers. user'
			no_start 71 'CAP_SETUID or CAP_SETGID is missing'
		) || exit 1
	done
}

# A plan (make mutate) goes with the program that it is beside.
e2e_case worker_ends "Nor with one whose spawner ends at once"
worker_ends_body() {
	make_pki
	write_conf
	mkdir bin
	cp "$(command -v posternd)" bin/
	cp "$(dirname "$(command -v posternd)")/plan" bin/ 2>/dev/null
	cp /bin/true bin/postern-worker
	PATH=$PWD/bin:$PATH
	no_start 69 'the spawner ended before it was ready'
}

e2e_case usage "What the options say, and do not"
usage_body() {
	posternd -V >out || atf_fail "-V: status $?"
	grep -q '^posternd [0-9]' out || atf_fail "-V: $(cat out)"
	grep -q '^libtls .* on [A-Z]' out || atf_fail "-V: $(cat out)"
	grep -q '^libseccomp [0-9]*\.[0-9]*\.[0-9]*$' out ||
	    atf_fail "-V: $(cat out)"
	for wrong in -x '-f' 'word'; do
		status=0
		# shellcheck disable=SC2086
		posternd $wrong >out 2>err || status=$?
		atf_check_equal 64 $status
		grep -q '^usage: posternd \[-bnvV' err ||
		    atf_fail "$wrong: $(cat err)"
	done
}

# ---- what is left to us ------------------------------------------------------

e2e_case inherited "What was left open is closed, with a warning"
inherited_body() {
	make_pki
	write_conf
	: >left
	launch_daemon 7<left 9<left
	expect_log 'event=ready'
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	expect_log 'level=warning .* event=start detail="[0-9]* descriptors inh'
	for pid in $daemon_pid $(tree_of "$daemon_pid"); do
		for fd in "/proc/$pid/fd"/*; do
			test "$(readlink "$fd")" != "$PWD/left" ||
			    atf_fail "process $pid has it still"
		done
	done
	assert_echo
	stop_daemon
}

e2e_case standard_closed "It starts with nothing open at all"
standard_closed_body() {
	make_pki
	write_conf
	is_root || set -- -U
	: >daemon.log
	posternd -f posternd.conf "$@" <&- >&- 2>&- &
	daemon_pid=$!
	record $daemon_pid
	expect_soon listening "$port"
	assert_echo
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	stop_daemon
}

root_case environment "Nothing of the environment reaches a process"
environment_body() {
	make_pki
	write_conf
	export POSTERN_SECRET_OF_MINE=abracadabra
	start_daemon
	for pid in "$daemon_pid" $(tree_of "$daemon_pid"); do
		grep -a -q abracadabra "/proc/$pid/environ" &&
		    atf_fail "process $pid knows the environment"
	done
	stop_daemon
}

# ---- without root ------------------------------------------------------------

# As nobody: programs and files of its own, since not all directories above
# ours need let it in.
nobody="setpriv --reuid=nobody --regid=nogroup --clear-groups"

root_case not_root \
    "Without root it starts with -U only, and says what is weaker"
not_root_head() {
	atf_set descr "Without root it starts with -U only, and tells"
	atf_set require.user root
	atf_set require.progs "setpriv"
}
not_root_body() {
	make_pki
	write_conf
	for program in posternd postern-worker; do
		cp "$(command -v $program)" .
	done
	chown -R nobody . || atf_skip "there is no user nobody"
	# A key that its own group may read is no fault.
	chgrp nogroup server.key && chmod 640 server.key
	$nobody test -x posternd || atf_skip "nobody may not enter $PWD"
	status=0
	$nobody ./posternd -f posternd.conf 2>err || status=$?
	atf_check_equal 77 $status
	grep -q '^posternd: must be started as root; -U ' err ||
	    atf_fail "it does not say so: $(cat err)"

	: >daemon.log
	chown nobody daemon.log
	$nobody ./posternd -U -f posternd.conf </dev/null >daemon.out \
	    2>>daemon.log &
	daemon_pid=$!
	record $!
	expect_log event=ready
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
	log_has 'level=warning .*event=weaker .*one user for all' ||
	    atf_fail "it does not say what is weaker: $(cat daemon.log)"
	log_has 'event=weaker .*key' || atf_fail "nor that the key is"
	atf_check_equal 2 "$(log_count event=weaker)"
	own=$(readlink "/proc/$$/ns/user")
	hold one 4
	for pid in $daemon_pid $(tree_of "$daemon_pid"); do
		check_unprivileged
	done
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	feed one 4 "after a reload"
	release one 4
	assert_echo
	stop_daemon
}

check_unprivileged() {
	for line in "Seccomp:	2" "NoNewPrivs:	1" \
	    "CapEff:	0000000000000000" "CapPrm:	0000000000000000"; do
		grep -q -x "$line" "/proc/$pid/status" ||
		    atf_fail "$(title_of "$pid"): not $line"
	done
	case $(title_of "$pid") in
	postern-worker*|*parent*)
		test "$(readlink "/proc/$pid/ns/user")" != "$own" ||
		    atf_fail "$(title_of "$pid"): no user namespace"
		;;
	esac
	case $(title_of "$pid") in
	postern-worker*)
		test "$(readlink "/proc/$pid/ns/net")" != \
		    "$(readlink "/proc/$$/ns/net")" ||
		    atf_fail "$(title_of "$pid"): no network namespace"
		;;
	esac
	case $(title_of "$pid") in
	*echo*)
		atf_check_equal 3 "$(ls "/proc/$pid/fd" | xargs)"
		;;
	esac
}
