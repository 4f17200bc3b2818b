#!/bin/sh
# Runs the suite with each program of ours, and whatever it starts, under
# strace(1), and has postern-audit compare what they did with the tables;
# `make trace' calls it.  What a program did is a file in BUILD/trace/log.
# usage: trace.sh BUILD [test-program[:case] ...]

set -u
build=$(cd "$1" && pwd) || exit 70
shift
trace=$build/trace
here=$(cd "$(dirname "$0")" && pwd)

die() {
	printf 'trace: %s\n' "$*" >&2
	exit 1
}

# make_stand_in NAME FILE: in place of a program the same, traced.  The tracer
# is nobody's child (-DDD) so that pids, process groups and ends are as they
# would be without it.  All arguments are numbers but for names.  A program that
# is traced already has no room for another tracer.
make_stand_in() {
	cat >"$trace/bin/$1" <<-END
	#!/bin/sh
	while read -r key value; do
		test "\$key" != TracerPid: || break
	done </proc/self/status
	test "\$value" = 0 || exec $2 "\$@"
	exec strace -DDD -f -q -s 64 -X raw \\
	    -e raw='!prctl,execve,seccomp' \\
	    -o $trace/log/$1.\$\$.\$(date +%s%N) \\
	    $2 "\$@"
	END
	chmod 755 "$trace/bin/$1"
}

make_stand_ins() {
	rm -rf "$trace"
	mkdir -p "$trace/bin" "$trace/log" || exit 73
	# Some cases start programs as other users.
	chmod 1777 "$trace/log"
	for program in posternd postern-worker postern postern-certgen \
	    postern-audit; do
		make_stand_in "$program" "$build/$program"
	done
	# So that the tracer of what root starts as somebody else is root's.
	make_stand_in setpriv "$(command -v setpriv)"
}

# Patterns, each up to a blank.
untraced() {
	sed -e '/^#/d' -e 's/[[:space:]].*//' "$here/untraced"
}

# All cases, or those of the command line, without those that cannot be traced.
cases() {
	HOME=$build/regress kyua --config=none \
	    --logfile="$trace/kyua.log" list \
	    --kyuafile="$build/regress/Kyuafile" "$@" |
	    sed 's/ .*//' | while read -r case_; do
		for pattern in $(untraced); do
			# shellcheck disable=SC2254
			case $case_ in
			$pattern) continue 2 ;;
			esac
		done
		echo "$case_"
	done
}

# A tracer writes its last lines after the last process has ended.
tracers_left() {
	ps -eo args= | grep -q "^strace .* -o $trace/log/"
}

wait_for_tracers() {
	for _ in $(seq 300); do
		tracers_left || return 0
		sleep 0.1
	done
}

command -v strace >/dev/null ||
    die "strace is not installed: ./bootstrap check installs it"
make_stand_ins
# Patterns are not for the shell's own directory.
set -f
cases "$@" >"$trace/cases"
set +f
test -s "$trace/cases" || die "no case is left"
# Some need more time than they have, and fail; what they did is recorded.
# shellcheck disable=SC2046
PROGRAMS=$trace/bin sh "$here/run.sh" "$build" $(cat "$trace/cases")
wait_for_tracers
# Of what was killed before it began there is nothing.
find "$trace/log" -empty -delete
printf 'left out, as regress/untraced says why:'
set -f
# shellcheck disable=SC2046
printf ' %s' $(untraced)
printf '\n\n'
exec "$build/postern-audit" coverage "$trace/log"
