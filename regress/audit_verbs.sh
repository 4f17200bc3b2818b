# The verbs of postern-audit's tests, besides those of common.sh.

# shellcheck shell=sh
EX_USAGE=64
EX_DATAERR=65
EX_NOINPUT=66
EX_UNAVAILABLE=69
EX_OSERR=71
EX_IOERR=74
EX_NOPERM=77

# audit ARG...: it must succeed and say nothing on standard error; its output
# is in "out".
audit() {
	postern-audit "$@" >out 2>err </dev/null || {
		cat err >&2
		atf_fail "postern-audit $* failed"
	}
	test ! -s err || {
		cat err >&2
		atf_fail "postern-audit $*: a complaint"
	}
}

# refused CODE WORDS ARG...: postern-audit ends with this code and one line,
# which contains the plain string WORDS, and prints nothing.  Standard input
# is passed on.
refused() {
	want=$1
	words=$2
	shift 2
	code=0
	postern-audit "$@" >out 2>err || code=$?
	test "$code" = "$want" ||
	    atf_fail "$*: exit code $code, not $want: $(cat err)"
	test ! -s out || atf_fail "$*: printed: $(head -n 3 out)"
	test "$(wc -l <err)" -eq 1 || atf_fail "$*: not one line: $(cat err)"
	case $(cat err) in
	'postern-audit: '*"$words"*) ;;
	*)	atf_fail "$*: '$(cat err)' is without '$words'" ;;
	esac
}

# json FILE PYTHON-EXPRESSION: of the document d.
json() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(eval("(" + sys.argv[2] + ")"))' "$1" "$2" ||
	    atf_fail "$1: no such JSON: $2"
}

# The commands that --help shows.
commands_of_audit() {
	postern-audit --help |
	    sed -n 's/.*postern-audit \([a-z][a-z]*\).*/\1/p'
}

# The processes that have a table.
processes_of_audit() {
	postern-audit policy --json >processes.json
	json processes.json \
	    '"\n".join(p["process"] for p in d["processes"])'
}
