#! /usr/bin/env atf-sh
#
# make check: which tests are run, what is said of a name that none has, and
# what ports they get.

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

# draw PORTS COUNT NAME: by another case, which then goes on; in drawn.NAME.
draw() {
	cat >case.sh <<-'END'
	. "$1/common.sh"
	ports_to_draw() { echo "$ports"; }
	ports=$2
	for _ in $(seq "$3"); do free_port; done
	echo all
	exec sleep 600
	END
	run_in_background sh case.sh "$(atf_get_srcdir)/.." "$1" "$2" \
	    >"drawn.$3"
}

e2e_case ports "Cases at once have no port in common; who ends gives his"
ports_body() {
	draw "11000 100" 40 one
	one=$!
	draw "11000 100" 40 two
	expect_soon grep -qx all drawn.one
	expect_soon grep -qx all drawn.two
	atf_check_equal 81 "$(cat drawn.* | sort -u | wc -l)"
	kill -KILL $one $!
	draw "11000 100" 40 three
	expect_soon grep -qx all drawn.three
}

root_case client_ports "No port is drawn that the kernel may give to a client"
client_ports_body() {
	# Of all it gives, some are drawn nevertheless.
	for range in "32768 60999" "20000 60999" "10000 40000" "1024 65535"; do
		unshare -n sh -c '
			. "$1/common.sh"
			echo "$2" >/proc/sys/net/ipv4/ip_local_port_range &&
			    for _ in 1 2 3 4 5 6 7 8; do free_port; done' \
		    sh "$(atf_get_srcdir)/.." "$range" >drawn 2>err ||
		    atf_skip "no network of its own can be had: $(cat err)"
		atf_check_equal "$range: 8" "$range: $(awk -v range="$range" '
		    BEGIN { split(range, given, " ") }
		    $1 >= 1024 && $1 <= 65535 && (given[1] == 1024 ||
			$1 < given[1] || $1 > given[2])' drawn | wc -l)"
		test ! -s err || atf_fail "$(cat err)"
	done
}
