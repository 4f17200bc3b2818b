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

# What changes nothing must pass every test: that it does is a mistake of
# whoever would believe otherwise.
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

# mutate_python: a program that has the driver's files at hand, and cases whose
# verdicts it decides: `cases(VERDICT...)' is a judge whose next trials end so.
mutate_python() {
	command -v python3 >/dev/null || atf_skip "there is no python3"
	{
		cat <<-'EOF'
		import sys
		sys.dont_write_bytecode = True
		sys.path.insert(0, sys.argv[1])
		import judge, tables, trial
		mutant = tables.NoMutant("parent")
		class Cases:
		    def __init__(self, verdicts, text=""):
		        self.left = [trial.Trial(v, "", text) for v in verdicts]
		    def run(self, case, plan):
		        return self.left.pop(0)
		def cases(*verdicts, text=""):
		    j = judge.Judge.__new__(judge.Judge)
		    j.controls = "."
		    j.place = Cases(verdicts, text)
		    return j
		EOF
		cat
	} >mutate.py
	python3 mutate.py "$source/regress/mutate" || atf_fail "see above"
}

# By turns with the mutant and without it; the first with it has failed already.
e2e_case evidence "What may be the load of the machine alone is no evidence"
evidence_body() {
	mutate_python <<-'EOF'
	failed = trial.Trial("failed", "", "")
	def how(*verdicts):
	    return cases(*verdicts).how(mutant, "a/b:c", failed)
	assert how("passed", "failed", "passed") == "failed"
	assert how("failed") is None
	assert how("passed", "passed") is None
	assert how("passed", "failed", "failed") is None
	assert how("passed", "hung") is None
	assert not trial.Trial("hung", "", "").noticed()
	EOF
}

e2e_case named "The start names the call, and who lacks it"
named_body() {
	mutate_python <<-'EOF'
	def how(process, of, lacks="nothing"):
	    said = "event=canary lacks=%s of=%s arguments=" % (lacks, of)
	    return cases("failed").how(tables.NoMutant(process), "a/b:c",
	                               trial.Trial("failed", "", said))
	assert how("parent", "parent") == "at the start"
	assert how("parent", "parent", "nothing_else") is None
	assert how("parent", "echo") is None
	assert how("spawner", "echo") == "at the start"
	assert how("supervisor", "resolver") == "at the start"
	EOF
}

e2e_case typo "What no mutant is named is told"
typo_body() {
	for only in "typo" "echo: write;typo"; do
		status=0
		mutate --only "$only" || status=$?
		atf_check_equal "64 mutate: no mutant has this in its \
name: typo" "$status $(cat out)"
	done
}

e2e_case table "MUTATION has each row that there is, and who misses it"
table_body() {
	test "$(uname -m)" = x86_64 ||
	    atf_skip "made where the older calls are"
	mutate --check "$source/MUTATION" || {
		cat out >&2
		atf_fail "MUTATION is not about these tables"
	}
	# One that was not noticed is told, too.
	sed 's/^\(        removed: \)daemon.*/\1NOT NOTICED: by 3 cases/' \
	    "$source/MUTATION" >survivors
	mutate --check survivors && atf_fail "survivors are not told"
	grep -q '^not noticed: echo: write if fd == 3: removed$' out || {
		cat out >&2
		atf_fail "it is not named"
	}
	# So is a group that was not tried, and of which it is not said.
	sed 's/ exec-new,//' "$source/MUTATION" >silent
	mutate --check silent && atf_fail "what was left out is not told"
	grep -q '^not said to be left out, .* exec-new$' out || {
		cat out >&2
		atf_fail "exec-new is not named"
	}
}
