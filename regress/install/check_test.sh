#! /usr/bin/env atf-sh
#
# make check: which tests are run, and what is said of a name that none has.

. "$(atf_get_srcdir)/../common.sh"

source=$(atf_get_srcdir)/../../..

# A suite of two programs, built elsewhere.
make_suite() {
	mkdir -p b/regress/lib
	cp "$(atf_get_srcdir)/../Kyuafile" b/regress
	cp "$(atf_get_srcdir)/../lib/text_test" \
	    "$(atf_get_srcdir)/../lib/addr_test" b/regress/lib
	printf '%s\n' 'syntax(2)' "test_suite('postern')" \
	    "atf_test_program{name='text_test'}" \
	    "atf_test_program{name='addr_test'}" >b/regress/lib/Kyuafile
}

# check NAME...: its status is in $status, what it said in out and err.
check() {
	status=0
	build=$PWD/b
	(cd "$source" && exec sh regress/run.sh "$build" "$@") >out 2>err ||
	    status=$?
}

e2e_case names "Those that are named are run"
names_body() {
	make_suite
	check lib/text_test
	atf_check_equal 0 $status
	grep -q '^lib/text_test:' out || atf_fail "$(cat out err)"
	grep -q '^lib/addr_test:' out && atf_fail "more was run"
	grep -q '^[1-9][0-9]* passed, 0 failed, 0 skipped$' out ||
	    atf_fail "$(cat out err)"
}

e2e_case no_name "A name that no test has is told before any is run"
no_name_body() {
	make_suite
	check lib/text_test lib/no_test lib lib/addr_test:none web
	atf_check_equal 1 $status
	atf_check_equal "" "$(cat out)"
	atf_check_equal 1 "$(wc -l <err)"
	grep -q '^check: no test is named: lib/no_test lib/addr_test:none web;' \
	    err || atf_fail "$(cat err)"
}
