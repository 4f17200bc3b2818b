#!/bin/sh
# Runs the suite that lies built in BUILD/regress; `make check` calls it.
# usage: run.sh BUILD [test-program[:case] ...]

set -u
build=$(cd "$1" && pwd) || exit 70
shift
tests=$build/regress
results=$tests/results.db

# PROGRAMS: what stands in for programs, if anything (trace.sh).
PATH=${PROGRAMS:+$PROGRAMS:}$build:$PATH:/usr/sbin:/sbin
export PATH SANITIZE

die() {
	printf 'check: %s\n' "$*" >&2
	exit 1
}

# Kyua, without whatever a user or the system has configured for it.
kyua_() {
	HOME=$tests/home kyua --config=none --logfile="$tests/kyua.log" \
	    --loglevel=warning "$@"
}

query() {
	kyua_ db-exec --no-headers --results-file="$results" "$1" | tr -d ' '
}

need_tools() {
	for tool in kyua atf-sh; do
		command -v "$tool" >/dev/null ||
		    die "$tool is not installed: ./bootstrap check installs it"
	done
}

# A test that is in no Kyuafile would never run and never be missed.
named_in() {
	sed -n 's/.*_test_program *{ *name *= *["'\'']\([^"'\'']*\).*/\1/p' \
	    "$1" 2>/dev/null | sort
}

existing_in() {
	for source in "$1"/*_test.c "$1"/*_test.sh; do
		test -e "$source" && basename "${source%.*}"
	done | sort
}

check_kyuafiles() {
	for dir in regress/*/; do
		dir=${dir%/}
		named=$(named_in "$dir/Kyuafile")
		existing=$(existing_in "$dir")
		test "$named" = "$existing" ||
		    die "$dir/Kyuafile names: $(echo "$named" | xargs);" \
		    "there is: $(echo "$existing" | xargs);" \
		    "each test must be named, once"
	done
}

# One by one: Kyua runs the others first, and then says so.
check_names() {
	unknown=
	for name; do
		kyua_ list --kyuafile="$tests/Kyuafile" "$name" 2>/dev/null |
		    grep -q . || unknown="$unknown $name"
	done
	test -z "$unknown" ||
	    die "no test is named:$unknown; a name is DIRECTORY," \
	    "DIRECTORY/PROGRAM or DIRECTORY/PROGRAM:CASE"
}

# Counted from the results: a case without a result (Kyua was stopped) failed,
# a skipped one has not passed.
count() {
	query "SELECT COUNT(*) FROM test_cases LEFT JOIN test_results
	    USING (test_case_id) WHERE $1"
}

# Failing cases with their output; the context and metadata help nobody.
report() {
	kyua_ report --verbose --results-file="$results" \
	    --results-filter=broken,failed |
	    sed -e '/^===> Execution context/,/^===> /{/^===> [a-z]/!d;}' \
		-e '/^Metadata:/,/^$/d' -e '/^===> Summary/,$d'
}

# Kyua's own closing count is left out: it takes skipped for passed.
run() {
	{
		kyua_ --variable=parallelism=2 test \
		    --kyuafile="$tests/Kyuafile" --results-file="$results" \
		    "$@" </dev/null
		echo $? >"$tests/status"
	} | sed '/^Results saved to/,$d'
	test -e "$results" ||
	    die "Kyua has left no results; see $tests/kyua.log"
}

need_tools
check_kyuafiles
mkdir -p "$tests/home" || exit 73
check_names "$@"
rm -f "$results" "$tests/kyua.log"
run "$@"

passed=$(count "result_type IN ('passed', 'expected_failure')")
skipped=$(count "result_type = 'skipped'")
failed=$(count "result_type IS NULL OR result_type NOT IN
    ('passed', 'expected_failure', 'skipped')")
test "$failed" -eq 0 || report
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
test "$failed" -eq 0 && test "$passed" -gt 0 &&
    test "$(cat "$tests/status")" -eq 0
