# The verbs of the tests of postern-audit live.  Use after common.sh.

# shellcheck shell=sh disable=SC2154

# audit_live [option...]: of this case's service, into "live.out".
audit_live() {
	postern-audit live --pid "$daemon_pid" "$@" >live.out 2>live.err
}

# It must find nothing wrong.
expect_green() {
	audit_live "$@" || {
		status=$?
		cat live.out live.err >&2
		show_log
		atf_fail "the audit ended with $status:" \
		    "$(grep FAILED live.out)"
	}
	test ! -s live.err || atf_fail "it said $(cat live.err)"
}

# expect_shown PATTERN: a line of what it has found.
expect_shown() {
	grep -q -e "$1" live.out || {
		cat live.out >&2
		atf_fail "nothing shown like $1"
	}
}
