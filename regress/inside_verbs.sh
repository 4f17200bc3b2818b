# The test-only programs that play a compromised or broken postern, from inside
# (regress/inside/plan.h).  Use after common.sh:
#
#	need_inside			skip the case where they are not built
#	use_inside LINE...		start_daemon starts these from now on,
#					with that plan
#	attack PID NAME [ARGUMENT]	the process does it; sets $outcome
#	expect_outcome PID NAME OUTCOME [ARGUMENT]
#
# An attack's outcome is "killed SYS" (by a filter, or "killed" with another
# signal), "refused" (the process goes on), "ended N" or, never, "through".

# shellcheck shell=sh disable=SC2034,SC2154
# What `attack' has seen: for its callers.
outcome=

inside_dir() {
	echo "$(atf_get_srcdir)/../../inside"
}

need_inside() {
	test -x "$(inside_dir)/posternd" ||
	    atf_skip "not built with sanitizers, whose run time makes calls" \
	    "of its own and handles signals"
}

# Programs and plan lie in a directory that each user may enter.  While mutants
# are tried (make mutate) the one that it is about is in each plan.
use_inside() {
	need_inside
	filters_kill=yes
	test -d inside || {
		mkdir inside
		cp "$(inside_dir)"/postern* inside/
		PATH=$PWD/inside:$PATH
	}
	printf '%s\n' "$@" >inside/plan
	test -z "${MUTANT-}" || cat "$MUTANT" >>inside/plan
}

attack() {
	outcome=$("$(atf_get_srcdir)/attack_helper" "$@") ||
	    atf_fail "attack_helper $*: $outcome"
}

expect_outcome() {
	attack "$1" "$2" $4
	test "$outcome" = "$3" || {
		show_log
		atf_fail "$2 in process $1: $outcome, not: $3"
	}
}
