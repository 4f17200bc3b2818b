#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# postern-audit explain: what it says of a call, and that the kernel agrees.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"

# verdict_of PROCESS ARG...
verdict_of() {
	process=$1
	shift
	audit explain "$@"
	sed -n "s/^$process: //p" out
}

# Each line of "calls", a name and six arguments, is made under the filters of
# each process.
ask_kernel() {
	processes_of_audit >processes
	while read -r name args; do
		number=$(postern-audit explain "$name" |
		    sed -n '1s/.*(\([0-9]*\)).*/\1/p')
		sed "s/\$/ $number $args/" processes
	done <calls | "$(atf_get_srcdir)/try_helper" ||
	    atf_fail "the helper failed"
}

ask_audit() {
	while read -r name args; do
		# shellcheck disable=SC2086
		audit explain "$name" $args --json
		json out '"\n".join("%s %d %s" % (p["process"], d["number"],
		    p["verdict"]) for p in d["processes"])'
	done <calls
}

e2e_case kernel "The kernel does what is said"
kernel_body() {
	cat >calls <<-'END'
	read 3 0 0 0 0 0
	read 0x100000003 0 0 0 0 0
	write 2 0 0 0 0 0
	mmap 0 0 1 0x22 -1 0
	mmap 0 0 4 0x22 -1 0
	openat -100 0 0 0 0 0
	openat -100 0 1 0 0 0
	socket 2 0x80801 0 0 0 0
	socket 2 0x80802 0 0 0 0
	prctl 15 0 0 0 0 0
	sendto 1 0 0 0 0 0
	sendto 1 0 0 0 1 0
	getppid 0 0 0 0 0 0
	ptrace 0x4206 0 0 0 0 0
	END
	ask_audit >said
	ask_kernel >kernel
	diff said kernel >&2 || atf_fail "the kernel does something else"
	grep -q killed kernel && grep -q allowed kernel || atf_fail "all alike"
	atf_check_equal $((14 * $(processes_of_audit | wc -l))) \
	    "$(wc -l <kernel)"
}

e2e_case verdicts "Allowed, killed, or under which limits"
verdicts_body() {
	atf_check_equal allowed "$(verdict_of echo read 3)"
	atf_check_equal allowed "$(verdict_of echo read 0x3 _ _)"
	atf_check_equal killed "$(verdict_of echo read 4)"
	atf_check_equal depends "$(verdict_of echo read)"
	atf_check_equal depends "$(verdict_of echo read _ 7)"
	atf_check_equal killed "$(verdict_of echo openat)"
	atf_check_equal allowed "$(verdict_of supervisor wait4 -1 _ 1)"
	atf_check_equal allowed "$(verdict_of echo 231)"
	atf_check_equal killed "$(verdict_of supervisor 123456)"
	atf_check_equal killed "$(verdict_of echo mmap _ _ PROT_EXEC)"
	# Names, and several of them.
	atf_check_equal allowed "$(verdict_of supervisor socket AF_INET \
	    'SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK' 0)"
	atf_check_equal killed "$(verdict_of supervisor socket AF_INET SOCK_RAW)"
}

# said PROCESS: what is said of it in "out", without indentation.
said() {
	awk -v process="$1" '/^[a-z]/ { at = index($0, process ": ") == 1 } at' \
	    out | sed 's/^ *//'
}

e2e_case reasons "The row of each table, and what it is there for"
reasons_body() {
	audit explain write 3
	said echo >about
	for line in 'echo: allowed' 'supervisor allows it, by' \
	    'spawner allows it, by' 'echo allows it, by' \
	    "echo: write if fd == 3: the client's bytes, back to it"; do
		grep -qx "$line" about || atf_fail "not said: $line"
	done
	# By a table beneath it.
	audit explain socketpair AF_INET
	said spawner >about
	grep -qx 'spawner: killed' about || atf_fail "not killed"
	grep -q '^supervisor kills it: not with these arguments, but' about ||
	    atf_fail "not by the supervisor: $(cat about)"
	# The nearest row is the one of which most holds.
	audit explain prctl PR_SET_DUMPABLE 2
	said supervisor >about
	grep -q 'prctl if option == PR_SET_DUMPABLE, arg2 == 0: ' about ||
	    atf_fail "the nearest row is not told"
	grep -q PR_SET_NAME about && atf_fail "another row is told"
	audit explain ptrace
	said parent >about
	grep -qx 'parent kills it: no row has it' about || atf_fail "no table"
}

e2e_case document "The same as a document"
document_body() {
	audit explain read 3 _ --json
	atf_check_equal True "$(json out 'd["call"] == "read" and
	    d["arguments"] == [3, None, None, None, None, None]')"
	atf_check_equal True "$(json out '[p for p in d["processes"]
	    if p["process"] == "echo"] == [{ "process": "echo",
	    "verdict": "allowed", "at_odds": False, "tables":
	    [p for p in d["processes"] if p["process"] == "echo"][0]["tables"]
	    }]')"
	atf_check_equal True "$(json out '{ "table": "echo",
	    "verdict": "allowed", "rows": [{ "group": "echo", "call": "read",
	    "limits": "fd == 3", "reason": "the client'\''s bytes" }] }
	    in [p for p in d["processes"] if p["process"] == "echo"]
	    [0]["tables"]')"
}

e2e_case bad_input "What is no call and no argument"
bad_input_body() {
	refused $EX_USAGE 'explain: a system call is missing' explain
	refused $EX_USAGE 'explain: nosuch: no such system call' explain nosuch
	refused $EX_USAGE 'no\x0asuch: no such system call' explain 'no
such'
	refused $EX_USAGE 'explain: : no such system call' explain ''
	refused $EX_USAGE 'explain: -1: a system call' explain -1
	refused $EX_USAGE 'a system call' explain 2147483648
	refused $EX_USAGE 'no such system call' explain 99999999999999999999
	refused $EX_USAGE "is another machine's system call" explain socketcall
	for bad in '' x 3x 0x 1e3 99999999999999999999 \
	    -99999999999999999999 'PROT_READ|' '|' PROT_NOSUCH; do
		refused $EX_USAGE "explain: $bad: is neither a number" \
		    explain mmap 0 0 "$bad"
	done
	refused $EX_USAGE 'at most six arguments' explain read 1 2 3 4 5 6 7
	refused $EX_USAGE 'explain: --bad: no such option' explain read --bad
	code=0
	postern-audit explain read >/dev/full 2>err || code=$?
	atf_check_equal $EX_IOERR "$code"
}
