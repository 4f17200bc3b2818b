#! /usr/bin/env atf-sh
#
# The test-only programs do what their plan says; the real ones know no plan.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

one_titled() {
	process_titled "$daemon_pid" "$1" | head -n 1
}

e2e_case no_plan "Without a plan they do what the real ones do"
no_plan_body() {
	use_inside
	make_pki
	write_conf
	start_daemon
	assert_echo
	# Nobody but root sees what a process is that cannot be traced.
	case $(readlink "/proc/$daemon_pid/exe" || command -v posternd) in
	"$PWD/inside/posternd") ;;
	*) atf_fail "these are not the programs meant" ;;
	esac
	stop_daemon
}

root_case told "What the plan allows is done when told, and nothing else"
told_body() {
	use_inside "echo attack open_file" "parent attack open_file"
	make_pki
	write_conf
	start_daemon
	assert_echo
	worker=$(one_titled 'postern-worker: echo*')
	expect_outcome "$worker" open_file "killed SYS"
	expect_log "event=worker-died worker=$worker signal=SYS"
	# Not in the plan: returning from the signal's handler is its end.
	worker=$(one_titled 'postern-worker: echo*')
	attack "$worker" spin
	atf_check_equal "killed SYS" "$outcome"
	parent=$(one_titled 'posternd: parent*')
	kill -USR2 "$parent"
	assert_echo
	expect_outcome "$parent" open_file "killed SYS"
	expect_log "event=parent-died parent=$parent .*signal=SYS"
	expect_soon assert_echo -w 5
	stop_daemon
}

e2e_case mutated "A row that the plan removes is missed"
mutated_body() {
	use_inside "parent remove parent 0"
	make_pki
	write_conf
	launch_daemon
	status=0
	daemon_status || status=$?
	atf_check_equal 70 "$status"
	log_has "event=parent-died .*signal=SYS" ||
	    atf_fail "not missed: $(cat daemon.log)"
}

e2e_case no_such_row "A plan for rows that are not there is refused"
no_such_row_body() {
	make_pki
	write_conf
	for line in "parent remove parent 1000" "parent remove nothing 0" \
	    "parent loosen exit 0 0"; do
		use_inside "$line"
		launch_daemon
		status=0
		daemon_status || status=$?
		atf_check_equal 78 "$status"
		expect_log "event=fatal .*there is no such row"
	done
}

# ---- the installed programs --------------------------------------------------

# The Makefile of these programs: the build directory is in, or beside, its own.
source_of() {
	dir=$1
	while test "$dir" != / && ! test -e "$dir/regress/regress.mk"; do
		dir=$(dirname "$dir")
	done
	echo "$dir"
}

# Of these words the test-only programs are full.
assert_innocent() {
	for word in /plan attack_ __wrap_ inside_process plan_has; do
		grep -a -q -e "$word" "$1" && atf_fail "$1 has $word"
	done
	return 0
}

e2e_case not_installed "None of this is in the installed programs"
not_installed_body() {
	need_inside
	build=$(cd "$(atf_get_srcdir)/../.." && pwd)
	make -s -C "$(source_of "$build")" B="$build" DESTDIR="$PWD/root" \
	    prefix=/usr sysconfdir=/etc install >make.out 2>&1 ||
	    atf_skip "cannot make install here: $(cat make.out)"
	programs=$(find root -name 'postern*' -type f -perm -100)
	test "$(echo "$programs" | wc -l)" -ge 5 ||
	    atf_fail "not all is installed: $programs"
	for program in $programs; do
		assert_innocent "$program"
	done
	for program in posternd postern-worker postern postern-certgen; do
		grep -a -q attack_ "$build/inside/$program" ||
		    atf_fail "the search finds nothing in ours either"
	done
	find root | grep -e inside -e attack -e plan &&
	    atf_fail "this is installed"
	# Beside them a plan changes nothing.
	for at in usr/sbin usr/libexec/postern; do
		printf '%s\n' "* attack *" "parent remove parent 0" \
		    >root/$at/plan
	done
	PATH=$PWD/root/usr/sbin:$PATH
	make_pki
	write_conf
	start_daemon
	assert_echo
	# No handler: the signal does what it does by itself.
	worker=$(one_titled 'postern-worker: echo*')
	kill -USR2 "$worker"
	expect_log "event=worker-died worker=$worker signal=USR2"
	stop_daemon
}
