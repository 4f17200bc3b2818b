#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# What SECURITY says of the size of the code is what `make tcb` counts.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"

source=$(atf_get_srcdir)/../../..

# The table in SECURITY: process, lines as root, in all, key, libraries.
security_rows() {
	sed -n '/^How much code/,/^For the same/p' "$source/SECURITY" |
	    grep '^    [a-z-]*  *[0-9][0-9]*  *[0-9]' |
	    sed -e 's/^  *//' -e 's/  */ /g'
}

# What is counted, in the same form: libraries without their numbers.
counted_rows() {
	sed -e 1d -e 's/ [0-9]*,/,/g' \
	    -e '/ none$/!s/ [0-9]*$//' -e 's/  */ /g' counted
}

# near SAID COUNTED: within a fifth, or within 10 lines.
near() {
	difference=$(($1 - $2))
	difference=${difference#-}
	test $difference -le 10 || test $((difference * 5)) -le "$2"
}

e2e_case security "SECURITY has the figures of make tcb"
security_head() {
	atf_set descr "SECURITY has the figures of make tcb"
	atf_set require.progs "make readelf python3"
}
security_body() {
	test -z "${SANITIZE-}" || atf_skip "counted without sanitizers"
	# In a build of its own: the tests' must not change under them.
	make -s -C "$source" B="$PWD/b" tcb >counted 2>err ||
	    atf_fail "make tcb: $(tail -n 1 err)"
	counted_rows >counted.rows
	security_rows >said.rows
	cut -d ' ' -f 1,4- counted.rows >counted.words
	cut -d ' ' -f 1,4- said.rows >said.words
	diff said.words counted.words >&2 ||
	    atf_fail "SECURITY (<) is not what make tcb says (>)"
	while read -r process root all rest <&3 &&
	    read -r _ counted_root counted_all rest <&4; do
		near "$root" "$counted_root" && near "$all" "$counted_all" ||
		    atf_fail "$process: SECURITY says $root and $all, \
make tcb $counted_root and $counted_all"
	done 3<said.rows 4<counted.rows
	# Whoever has a table has a row, but for what users run; whatever its
	# workers are, a spawner is the same program.
	postern-audit policy --json >policy.json
	for process in $(json policy.json \
	    '" ".join(p["process"] for p in d["processes"])'); do
		case $process in
		client | looker) continue ;;
		*-spawner) process=spawner ;;
		explain | status) process=--$process ;;
		esac
		grep -q -e "^$process " said.rows ||
		    atf_fail "no size of $process is there"
	done
	# None of these can be: who never is root, who has next to nothing.
	atf_check -o inline:'echo 0\ninit 0\npool 0\nrelay 0\n' \
	    sh -c "awk '\$2 == 0 { print \$1, \$2 }' counted.rows | sort"
	# A function more that is called as root is counted.
	mkdir tree
	for part in "$source"/*; do
		test "${part##*/}" = daemon ||
		    ln -s "$(realpath "$part")" tree/
	done
	cp -a "$source/daemon" tree/ || atf_fail "cp"
	lines=$(seq 100 | sed 's/.*/	puts("&");/')
	awk -v lines="$lines" '/^generation_/ && !done { name = 1 }
	    /^{/ && name && !done { print; print lines; done = 1; next } 1' \
	    "$source/daemon/generation.c" >tree/daemon/generation.c
	make -s -C tree B="$PWD/b" tcb >grown 2>err ||
	    atf_fail "make tcb: $(tail -n 1 err)"
	before=$(awk '$1 == "supervisor" { print $2 }' counted)
	after=$(awk '$1 == "supervisor" { print $2 }' grown)
	atf_check_equal $((before + 100)) "$after"
}
