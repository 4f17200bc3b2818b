#! /usr/bin/env atf-sh
#
# Other programs are put in the place of those that run: what is started
# afterwards is what the supervisor has held since its start.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# From now on posternd is a copy of its own, in bin/.
install_programs() {
	mkdir bin
	cp "$(command -v posternd)" "$(command -v postern-worker)" bin/
	PATH=$PWD/bin:$PATH
}

# As a package's files are replaced: by rename.
replace_by_garbage() {
	for program in posternd postern-worker; do
		printf '#!/bin/sh\ntouch "%s"\n' "$PWD/was-run" >garbage
		chmod 755 garbage
		mv garbage "bin/$program"
	done
}

# the_one TITLE: the pid of the process that has it.
the_one() {
	process_titled "$daemon_pid" "$1" | head -n 1
}

# another TITLE PID: there is a process with that title, and not that pid.
another() {
	now=$(the_one "$1")
	test -n "$now" && test "$now" != "$2"
}

# Ends the process of that title; another one, of the held programs, follows.
replaced() {
	old=$(the_one "$1")
	test -n "$old" || atf_fail "there is no $1"
	kill -KILL "$old"
	expect_soon another "$1" "$old"
}

# ---- cases -------------------------------------------------------------------

e2e_case programs_held "What is on the disk is not looked at while it runs"
programs_held_body() {
	make_ca ca
	issue server server ca --host 127.0.0.1
	# of whom DNS is asked
	issue client client ca --name client --host localhost
	install_programs
	write_conf clients.host-check=either
	start_daemon
	hold one 4
	replace_by_garbage
	assert_echo
	for title in 'posternd: parent 0' 'posternd: resolver' \
	    'posternd: exporter' 'postern-worker: spawner'; do
		replaced "$title"
		wait_for 20 connect </dev/null 2>/dev/null ||
		    atf_fail "$title: nobody serves"
		assert_echo
	done
	# until a parent has no more workers from before
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	for client in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		assert_echo
	done
	test ! -e was-run || atf_fail "what is on the disk was run"
	stop_daemon
	test ! -e was-run || atf_fail "what is on the disk was run at the end"
}
