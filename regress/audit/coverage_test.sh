#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# postern-audit coverage: traces that are made here of the tables themselves,
# with a row unused, a call too many, or an end that is missing; and a real one.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"

# A process that does nothing: the least trace there is.
idle='7 execve("/bin/true", ["true"], 0x7ffc /* 3 vars */) = 0
7 +++ exited with 0 +++'

# covered CODE FILE...: postern-audit coverage --json ends so; it is in "out".
covered() {
	want=$1
	shift
	code=0
	postern-audit coverage --json "$@" >out 2>err || code=$?
	test "$code" = "$want" ||
	    atf_fail "$*: exit code $code, not $want: $(cat err)"
}

# whole_trace [LEFT-OUT]: in "trace", processes that use each row once, but for
# the one of this number, whose process and call are said.
whole_trace() {
	test -e empty.json || {
		echo "$idle" >idle
		covered "$EX_DATAERR" idle
		mv out empty.json
		postern-audit policy --json >policy.json || atf_fail policy
	}
	python3 - "${1--1}" <<-'END' >trace || atf_fail "no trace was made"
	import json, sys
	covered = json.load(open("empty.json"))
	values = {}
	for p in json.load(open("policy.json"))["processes"]:
	    for g in p["groups"]:
	        for r in g["rows"]:
	            text = ", ".join(l["text"] for l in r["limits"])
	            values[g["group"], r["call"], text] = r["limits"]
	files = {"client": "postern", "looker": "postern-certgen",
	    "explain": "posternd", "status": "posternd"}
	out, pid, seen = [], 100, {}
	def say(pid, what):
	    out.append("%d %s" % (pid, what))
	def begin(process):
	    global pid
	    pid += 1
	    say(100, "clone(0x11, 0, 0, 0, 0) = 0x%x" % pid)
	    say(pid, 'execve("/x/%s", ["x"], 0x7f /* 1 var */) = 0' %
	        files.get(process, "x"))
	    if process not in files:
	        title = "posternd: " + process
	        if process in ("init", "echo", "pool", "relay") or \
	            process.endswith("spawner") and process != "dial-spawner":
	            title = "worker: " + process
	        say(pid, 'prctl(0xf, "%s"%s) = 0' % (title[:15],
	            "..." if len(title) > 15 else ""))
	    say(pid, "seccomp(0x1, 0, {len=%d, filter=0x55} <unfinished ...>" %
	        covered["filters"][process])
	    say(pid, "<... seccomp resumed>) = 0")
	    return pid
	left = int(sys.argv[1])
	say(100, 'execve("/bin/sh", ["sh"], 0x7f /* 1 var */) = 0')
	for number, row in enumerate([r for r in covered["rows"]
	    if not r["reserve"]]):
	    args = [0] * 6
	    for l in values[row["group"], row["call"], row["limits"]]:
	        args[l["argument"]] |= l["value"] & (2 ** 64 - 1)
	        # Without one of them: with the other, or it is any row's.
	        if l["name"] == "prot" and l["mask"] in (2, 4):
	            args[l["argument"]] |= 6 - l["mask"]
	    if number == left:
	        print("%(process)s %(setup)s %(call)s" % row, file=sys.stderr)
	        continue
	    who = (row["process"], row["setup"])
	    if who not in seen:
	        seen[who] = begin(row["process"])
	        if row["setup"]:
	            parent, pid = pid, pid + 1
	            seen[who] = pid
	            say(parent, "clone(%s, 0, 0, 0, 0 <unfinished ...>" %
	                ("0x1011" if row["process"] == "supervisor" else "0x11"))
	            say(pid, "getpid( <unfinished ...>")
	            say(parent, "<... clone resumed>) = 0x%x" % pid)
	            say(parent, "--- SIGCHLD {si_signo=SIGCHLD} ---")
	            say(pid, "<... getpid resumed>) = 0x7")
	            say(parent, "+++ killed by SIGKILL +++")
	    say(seen[who], "%s(%s) = -1 EINVAL (Not now)" % (row["call"],
	        ", ".join(hex(a) for a in args)))
	for pid in [100] + list(seen.values()):
	    say(pid, "+++ exited with 0 +++")
	print("\n".join(out))
	END
}

# A row's process may be one that has no getpid(2); this one is the kernel's.
without_getpid() {
	sed -i -e '/getpid( </d' -e '/getpid resumed/d' trace
}

e2e_case all "Each row is used, and each call has a row"
all_body() {
	whole_trace
	without_getpid
	covered 0 trace
	atf_check_equal "0 0 0" "$(json out '"%d %d %d" % (d["unused"],
	    len(d["unlisted"]), len(d["faults"]))')"
	audit coverage trace
	tail -n 1 out >last
	grep -q ': 0 rows unused, 0 calls not listed$' last ||
	    atf_fail "$(cat last)"
	# Each alone in its file, in a directory, is the same.
	mkdir dir
	cp trace dir/one
	echo "$idle" >dir/two
	covered 0 dir
	atf_check_equal 2 "$(json out 'd["traces"]')"
}

e2e_case unused "A row that is not used is named, with its reason"
unused_body() {
	whole_trace
	# Some of those that no other row of the process covers as well.
	json empty.json '"\n".join(str(i) for i, r in enumerate(
	    [r for r in d["rows"] if not r["reserve"]]) if
	    [o["call"] for o in d["rows"] if o["process"] == r["process"] and
	    o["setup"] == r["setup"]].count(r["call"]) == 1 and
	    r["call"] not in ("clone", "getpid"))' | awk 'NR % 8 == 1' >numbers
	for number in $(cat numbers); do
		whole_trace "$number" 2>missing
		without_getpid
		covered "$EX_DATAERR" trace
		json out '"\n".join("%(process)s %(setup)s %(call)s" % r
		    for r in d["rows"] if r["used"] == 0 and
		    not r["reserve"])' >unused
		diff missing unused >unlike ||
		    atf_fail "$number: $(head -n 1 unlike)"
	done
	code=0
	postern-audit coverage trace >out || code=$?
	atf_check_equal "$EX_DATAERR" "$code"
	grep -q '^Rows that nobody has used:$' out || atf_fail "not said"
	grep -q ': 1 rows unused, 0 calls not listed$' out || atf_fail "no sum"
}

# worker LINE...: an echo worker of pid 7 that does this, in "trace".
worker() {
	test -e empty.json || whole_trace
	n=$(json empty.json 'd["filters"]["echo"]')
	cat >trace <<-END
	7 execve("/x/postern-worker", ["x"], 0x7f /* 0 vars */) = 0
	7 prctl(0xf, "worker: echo")            = 0
	7 getppid()                             = 0x1
	7 seccomp(0x1, 0, {len=$n, filter=0x55}) = 0
	END
	printf '%s\n' "$@" >>trace
}

e2e_case unlisted "A call that no row has is named, where and how often"
unlisted_body() {
	worker '7 read(0x3, 0x7f, 0x400) = 0x5' '7 getppid() = 0x1' \
	    '7 read(0x4, 0x7f, 0x400) = 0x5' '7 getppid() = 0x1' \
	    '7 syscall_0x1ff(0x1, 0, 0, 0, 0, 0) = -1 ENOSYS (No such call)' \
	    '7 exit_group(0) = ?' '7 +++ exited with 0 +++'
	covered "$EX_DATAERR" trace
	json out '"\n".join("%(process)s %(call)s(%(arguments)s) %(line)d " \
	    "%(count)d" % o for o in d["unlisted"])' >unlisted
	cat >expected <<-END
	echo getppid() 6 2
	echo read(0x4, 0x7f, 0x400) 7 1
	echo syscall_0x1ff(0x1, 0x0, 0x0, 0x0, 0x0, 0x0) 9 1
	END
	diff expected unlisted >&2 || atf_fail "not those"
	atf_check_equal "1 0 1" "$(json out '"%d %d %d" % tuple(
	    r["used"] for r in d["rows"] if r["process"] == "echo" and
	    not r["setup"] and r["call"] in ("read", "write", "exit_group"))' |
	    awk '{ print $2, $3, $1 }')"
	# One that the tables know of, but the kernel killed it.
	worker '7 write(0x3, 0x7f, 0x5) = ?' \
	    '7 +++ killed by SIGSYS (core dumped) +++'
	covered "$EX_DATAERR" trace
	atf_check_equal "write" "$(json out '" ".join(o["call"]
	    for o in d["unlisted"])')"
}

e2e_case others "A row that is there for others alone does not count"
others_body() {
	whole_trace
	n=$(json empty.json 'd["filters"]["spawner"]')
	# A worker, set up beneath a spawner, does what only spawners may.
	cat >trace <<-END
	7 execve("/x/postern-worker", ["x"], 0x7f /* 0 vars */) = 0
	7 prctl(0xf, "worker: spawner"...) = 0
	7 seccomp(0x1, 0, {len=$n, filter=0x55}) = 0
	7 clone(0x11, 0, 0, 0, 0) = 0x8
	8 wait4(0xffffffff, 0x7f, 0x1, 0) = -1 ECHILD (No child processes)
	8 exit_group(0) = ?
	8 +++ exited with 0 +++
	7 read(0x3, 0x7f, 0x5) = 0
	7 +++ exited with 0 +++
	END
	covered "$EX_DATAERR" trace
	json out '"\n".join("%(process)s %(setup)s %(call)s %(listed)s" % o
	    for o in d["unlisted"])' >unlisted
	cat >expected <<-END
	spawner True wait4 spawner
	spawner False read echo
	END
	diff expected unlisted >&2 || atf_fail "not those"
	postern-audit coverage trace >out
	grep -q 'is listed for others alone, in group spawner' out ||
	    atf_fail "not said"
}

# faulty WORDS: one line about "trace", with these, and EX_DATAERR.
faulty() {
	covered "$EX_DATAERR" trace
	test "$(wc -l <err)" -eq 1 || atf_fail "not one line: $(cat err)"
	case $(cat err) in
	'postern-audit: coverage: trace: '*"$1"*) ;;
	*) atf_fail "without '$1': $(cat err)" ;;
	esac
	json out 'd["faults"][0]["why"]' >/dev/null
}

e2e_case cut "A trace that is cut short is one line and a code"
cut_body() {
	worker '7 read(0x3, 0x7f, 0x400 <unfinished ...>' \
	    '7 <... read resumed>) = 0x5' '7 +++ exited with 0 +++'
	cp trace whole
	for size in $(seq 0 7 $(($(wc -c <whole) - 1))); do
		head -c "$size" whole >trace
		faulty "cut short"
	done
	for lines in $(seq 0 $(($(wc -l <whole) - 1))); do
		head -n "$lines" whole >trace
		faulty "cut short"
	done
	# Where none was read to its end, no row is said to be unused.
	: >empty
	refused $EX_DATAERR 'empty: cut short: there is nothing' coverage empty
	refused $EX_DATAERR 'passwd: line 1: cut short, or not' coverage \
	    /etc/passwd
	code=0
	postern-audit coverage empty whole >out 2>err || code=$?
	atf_check_equal "$EX_DATAERR" "$code"
	grep -q '^Rows that nobody has used:$' out || atf_fail "not said"
	# Its beginning, or a line in between, is missing.
	sed '/unfinished/d' whole >trace
	faulty 'line 5: read goes on that has not begun'
	sed '3s/^7/8/' whole >trace
	faulty 'line 3: nobody has started process 8'
}

# sound: there is nothing to be said about "trace" but what is not used.
sound() {
	covered "$EX_DATAERR" trace
	test ! -s err || atf_fail "$(cat err)"
}

# spawner PID: in "trace", one that does nothing yet.
spawner() {
	test -e empty.json || whole_trace
	n=$(json empty.json 'd["filters"]["spawner"]')
	cat >trace <<-END
	$1 execve("/x/postern-worker", ["x"], 0x7f /* 0 vars */) = 0
	$1 prctl(0xf, "worker: spawner"...) = 0
	$1 seccomp(0x1, 0, {len=$n, filter=0x55}) = 0
	END
}

e2e_case untold "Who is killed in clone(2) may have a child yet"
untold_body() {
	spawner 7
	cat >>trace <<-'END'
	7 clone(0x11, 0, 0, 0, 0 <unfinished ...>
	8 prctl(0xf, "worker: echo") = 0
	7 <... clone resumed>) = ?
	7 +++ killed by SIGKILL +++
	8 +++ killed by SIGKILL +++
	END
	sound
	# It was set up beneath that spawner.
	atf_check_equal 1 "$(json out 'sum(r["used"] for r in d["rows"]
	    if r["process"] == "spawner" and r["setup"])')"
	cp trace whole
	sed -e '/^8 p/d' -e '/^8 +/d' whole >trace
	sound
	# It has one at most, and that one has an end as well.
	echo '9 +++ killed by SIGKILL +++' >>trace
	sound
	echo '10 +++ killed by SIGKILL +++' >>trace
	faulty 'line 8: nobody has started process 10'
	sed '/^8 +/d' whole >trace
	faulty 'cut short: process 8 has no end'
	# Who was told that there is none has none.
	sed 's/^\(7 <.*\)?/\1-1 EAGAIN (Not now)/' whole >trace
	faulty 'line 5: nobody has started process 8'
	# Of two whose children differ, whose is it?
	cat >trace <<-'END'
	6 execve("/bin/sh", ["sh"], 0x7f /* 0 vars */) = 0
	6 clone(0x11, 0, 0, 0, 0) = 0x7
	6 clone(0x11, 0, 0, 0, 0) = ?
	6 +++ killed by SIGKILL +++
	END
	cat whole >>trace
	faulty 'line 9: nobody has started process 8'
	sed -i '/^6 clone.*?/d' trace
	sound
}

e2e_case killed "Who is killed in a call has ended in it, whatever strace shows"
killed_body() {
	cat >whole <<-'END'
	12660 execve("/x/postern", ["x"], 0x7f /* 1 var */) = 0
	12660 seccomp(0x3, 0,  <unfinished ...>) = ?
	12660 +++ killed by SIGKILL +++
	END
	cp whole trace
	sound
	# What is really cut short is so yet.
	for size in $(seq 0 5 $(($(wc -c <whole) - 1))); do
		head -c "$size" whole >trace
		faulty "cut short"
	done
	for wrong in 's/) = ?$/)/' 's/?$//' 's/= ?$/= 0/'; do
		sed "2$wrong" whole >trace
		faulty "line 2: cut short, or not strace"
	done
	# All that strace shows of a call that never returns.
	test -e empty.json || whole_trace
	for line in 'write(0x3, 0x7f, 0x5) = ?' \
	    'write(0x3, 0x7f, 0x5) = ? <unavailable>' \
	    'write(0x3, 0x7f, 0x5 <unfinished ...>' \
	    'write(0x3, 0x7f, 0x5 <unfinished ...>) = ?' \
	    '????( <unfinished ...>' '--- stopped by SIGSTOP ---'; do
		for end in 'exited with 0' 'killed by SIGKILL'; do
			worker "7 $line" "7 +++ $end +++"
			sound
			case $line$end in
			write*exited*) used=1 ;;
			*) used=0 ;;
			esac
			atf_check_equal "$used $line" "$(json out 'sum(
			    r["used"] for r in d["rows"] if r["process"] ==
			    "echo" and not r["setup"] and
			    r["call"] == "write")') $line"
		done
	done
	worker '7 write(0x3, 0x7f, 0x5 <unfinished ...>' \
	    '7 <... write resumed> <unfinished ...>) = ?' \
	    '7 +++ killed by SIGKILL +++'
	sound
	# Who lets go of a process does not see its end.
	worker '7 write(0x3, 0x7f, 0x5 <detached ...>'
	faulty 'line 5: cut short, or not strace'
}

e2e_case threads "By execve(2) a thread becomes the process, and the only one"
threads_body() {
	cat >whole <<-'END'
	6 execve("/bin/sh", ["sh"], 0x7f /* 0 vars */) = 0
	6 clone(0x11, 0, 0, 0, 0) = 0x8
	6 clone(0x11, 0, 0, 0, 0) = 0x7
	6 ppoll(0x7f, 0x1, 0, 0, 0x8 <unfinished ...>
	7 execve("/x/posternd", ["x"], 0x7f /* 0 vars */ <unfinished ...>
	6 <... ppoll resumed> <unfinished ...>) = ?
	6 +++ superseded by execve in pid 7 +++
	6 <... execve resumed>) = 0
	8 +++ exited with 0 +++
	6 +++ exited with 0 +++
	END
	cp whole trace
	sound
	sed 8d whole >trace
	sound
	sed 10d whole >trace
	faulty 'cut short: process 6 has no end'
	sed 7d whole >trace
	faulty 'line 7: execve goes on that has not begun'
	sed '7s/pid 7/pid 9/' whole >trace
	faulty 'line 7: nobody has started process 9'
	sed '7s/ +++$//' whole >trace
	faulty 'line 7: cut short'
	# If the first made no call there is no line between.
	sed -e '5s/<un.*/<pid changed to 6 ...>/' -e 4d -e 6d whole >trace
	sound
	sed -e '5s/<un.*/<pid changed to 6/' -e 4d -e 6d whole >trace
	faulty 'line 4: cut short'
}

e2e_case init "With the first process of a namespace its tracer ends, too"
init_body() {
	whole_trace
	cat >trace <<-'END'
	1 execve("/x/posternd", ["x"], 0x7f /* 0 vars */) = 0
	1 clone(0x11, 0, 0, 0, 0) = 0x7
	7 getpid() = 0x7
	1 exit_group(0) = ?
	END
	sound
	cp trace whole
	for lines in 1 2 3; do
		head -n "$lines" whole >trace
		faulty "cut short: process"
	done
	sed '4s/) .*/ <unfinished ...>/' whole >trace
	faulty "cut short: process"
	# Whom somebody else has ended, and any other process, leave the tracer.
	sed '4s/.*/1 read(0, 0x7f, 1) = ?/' whole >trace
	faulty "cut short: process"
	sed -e 's/^1 /2 /' whole >trace
	faulty "cut short: process"
}

e2e_case wrong "What is no trace, or of another build"
wrong_body() {
	worker '7 +++ exited with 0 +++'
	cp trace whole
	sed 's/len=[0-9]*/len=9/' whole >trace
	faulty 'a filter of 9 instructions on "worker: echo" is of no table'
	sed 's/worker: echo/worker: pool/' whole >trace
	faulty 'on "worker: pool" is of no table'
	worker '7 read(AT_FDCWD, "x", 0x400) = 0x5' '7 +++ exited with 0 +++'
	faulty 'line 5: an argument of read is no number'
	for line in 'x' '7' '7 ' '0 exit_group(0) = ?' '7 exit_group(0' \
	    '7 exit_group(0) =' '7 exit_group(0) = x' '7 exit_group 0 = 0' \
	    '99999999999999999999 exit_group(0) = 0' '7 <... resumed>) = 0' \
	    '7 <... read resumed>)' '7 read(0x10000000000000000, "' \
	    '7 read(1, 2, 3, 4, 5, 6, 7) = 0' '7 read({1, 2) = 0' '7 +++ ' \
	    "7 $(printf 'a%.0s' $(seq 99))(0) = 0" '7 read(/* ) = 0'; do
		worker "$line" '7 +++ exited with 0 +++'
		faulty 'line 5: cut short, or not strace'
	done
	refused "$EX_NOINPUT" 'no.such: No such file' coverage no.such
	refused "$EX_NOINPUT" '/dev/null: is neither a file' coverage /dev/null
	refused "$EX_USAGE" 'a trace, or a directory' coverage
	refused "$EX_USAGE" '--what: no such option' coverage --what trace
	test ! -e /dev/full || {
		code=0
		postern-audit coverage whole >/dev/full 2>err || code=$?
		atf_check_equal "$EX_IOERR" "$code"
	}
}

# real: a service that echoes is traced as the manual says.
root_case real "A service that is traced, from its start to its end"
real_head() {
	atf_set descr "A service that is traced, from its start to its end"
	atf_set require.user root
	atf_set require.progs strace
}
real_body() {
	test -z "${SANITIZE-}" || atf_skip "a sanitizer wants no tracer"
	make_pki
	write_conf
	posternd_=$(command -v posternd)
	posternd() {
		exec strace -DDD -f -q -s 64 -X raw \
		    -e raw='!prctl,execve,seccomp' -o trace "$posternd_" "$@"
	}
	start_daemon
	assert_echo
	stop_daemon
	ended() {
		covered "$EX_DATAERR" trace
		test ! -s err
	}
	expect_soon ended
	atf_check_equal "[]" "$(json out 'd["unlisted"]')"
	atf_check_equal "set()" "$(json out '
	    {"supervisor", "parent", "spawner", "init", "echo"} -
	    {r["process"] for r in d["rows"] if r["used"] and
	    not r["setup"]}')"
	atf_check_equal "True" "$(json out 'all(r["used"] for r in d["rows"]
	    if r["process"] == "echo" and not r["reserve"])')"
	# There was no pool.
	atf_check_equal "set()" "$(json out '{"pool"} &
	    {r["process"] for r in d["rows"] if r["used"]}')"
}
