#! /usr/bin/env atf-sh

helper=$(atf_get_srcdir)/title_helper

atf_test_case title
title_body() {
	cat >want <<-'END'
	/proc/self/cmdline=posternd: parent 0
	/proc/self/comm=posternd: paren
	environment=empty
	END
	atf_check -o file:want "$helper" "posternd: parent 0"
	# Those of the workers differ in their names, too.
	for kind in spawner init echo pool; do
		atf_check -o match:"comm=worker: $kind\$" \
		    "$helper" "postern-worker: $kind"
	done
}

atf_test_case set_shorter
set_shorter_body() {
	cat >want <<-'END'
	/proc/self/cmdline=x
	/proc/self/comm=x
	environment=empty
	END
	atf_check -o file:want "$helper" x secret --password=secret
}

# Without an environment there is only the room of argv: here two bytes.
atf_test_case cut_to_its_room
cut_to_its_room_body() {
	cat >call.py <<-'END'
	import os, sys
	os.execve(sys.argv[1], ["h"], {})
	END
	cat >want <<-'END'
	/proc/self/cmdline=p
	/proc/self/comm=posternd: super
	environment=empty
	END
	atf_check -o file:want python3 call.py "$helper"
}

atf_init_test_cases() {
	atf_add_test_case title
	atf_add_test_case set_shorter
	atf_add_test_case cut_to_its_room
}
