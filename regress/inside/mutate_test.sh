#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# make mutate sees what is noticed, by whom, and what is not.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

source=$(atf_get_srcdir)/../../..
build=$(atf_get_srcdir)/../..

mutate() {
	need_inside
	command -v python3 >/dev/null || atf_skip "there is no python3"
	python3 "$source/regress/mutate/main.py" "$build" --no-search \
	    "$@" >out 2>&1
}

# expect_noticed MUTANT HOW: both plain text.
expect_noticed() {
	grep -F -e "$1" out | grep -q -F -e " $2" || {
		cat out >&2
		atf_fail "not noticed by $2: $1"
	}
}

root_case noticed "One of each kind is noticed, by whom it should be"
noticed_body() {
	only="parent: accept4 if flags == SOCK_CLOEXEC|SOCK_NONBLOCK: "
	only="$only;echo: write if fd == 3: removed;client: write if fd == 1: "
	only="$only;resolver: clock_gettime: removed"
	mutate --only "$only" || {
		cat out >&2
		atf_fail "not all noticed"
	}
	expect_noticed 'parent: accept4' 'daemon/session_test:half_close'
	expect_noticed 'NONBLOCK: flags loosened' audit/live_test:connection
	expect_noticed 'echo: write' 'daemon/session_test:half_close'
	expect_noticed 'client: write if fd == 1: removed' client/client_test:
	expect_noticed 'fd == 1: fd loosened' inside/matrix_test:client
	expect_noticed resolver: lib/reserve_test:each_row
	atf_check_equal 6 "$(sed -n 's/^\([0-9]*\) mutants, 0 of.*/\1/p' out)"
}

# What changes nothing must pass every test: that it does is a mistake of whoever
# would believe otherwise.
root_case survivor "A mutant that nobody notices is told"
survivor_body() {
	mutate --no-mutant echo && {
		cat out >&2
		atf_fail "noticed, where there is nothing"
	}
	grep -q '^not noticed: echo: nothing: removed$' out || {
		cat out >&2
		atf_fail "it is not told"
	}
}
e2e_case table "MUTATION has each row that there is"
table_body() {
	test "$(uname -m)" = x86_64 ||
	    atf_skip "made where the older calls are"
	mutate --check "$source/MUTATION" || {
		cat out >&2
		atf_fail "MUTATION is not about these tables"
	}
}
