# The verbs of the tests that have a service manager: a small one of our own, or
# systemd itself in namespaces.  Use after common.sh.

# shellcheck shell=sh disable=SC2154
. "$(atf_get_srcdir)/../machine_verbs.sh"

source_dir=$(cd "$(atf_get_srcdir)" && while ! test -e regress/manager.py &&
    test "$PWD" != /; do cd ..; done && pwd)
units=$source_dir/etc/systemd

# ---- a small one (regress/manager.py) ----------------------------------------

# launch_managed [manager's option...] -- [posternd's option...]: start it, wait
# for nothing.  Sets $manager_pid; $daemon_pid once it is known.
launch_managed() {
	set_ "$@"
	: >daemon.log
	rm -f manager.pid
	# shellcheck disable=SC2086
	python3 "$source_dir/regress/manager.py" $managers -- posternd \
	    -f posternd.conf $daemons </dev/null >daemon.out 2>>daemon.log &
	manager_pid=$!
	record $manager_pid
	expect_soon test -e manager.pid
	daemon_pid=$(cat manager.pid)
	record "$daemon_pid"
}

# What is before and after "--", in $managers and $daemons: no word has a space.
set_() {
	managers='' daemons=''
	while test $# -gt 0 && test "$1" != --; do
		managers="$managers $1"
		shift
	done
	test $# -eq 0 || shift
	is_root || daemons=-U
	daemons="$daemons $*"
}

start_managed() {
	launch_managed "$@"
	wait_for 30 daemon_ready_or_gone
	if gone "$daemon_pid" || ! log_has 'event=ready'; then
		show_log
		atf_fail "posternd did not start"
	fi
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
}

# Its end; posternd's exit status.
managed_status() {
	wait_for 60 gone "$manager_pid" || {
		show_log
		atf_fail "posternd does not end"
	}
	wait "$manager_pid"
}

stop_managed() {
	kill -TERM "$daemon_pid" || atf_fail "posternd has gone by itself"
	managed_status || {
		status=$?
		show_log
		atf_fail "posternd ended with status $status"
	}
}

# must_refuse STATUS WORDS [launch_managed's options...]: it does not start, and
# says so in one line.
must_refuse() {
	want=$1
	words=$2
	shift 2
	launch_managed "$@"
	status=0
	managed_status || status=$?
	test "$status" -eq "$want" || {
		show_log
		atf_fail "status $status, not $want: $words"
	}
	grep -q -e "^posternd: .*$words" daemon.log || {
		show_log
		atf_fail "it does not say: $words"
	}
	atf_check_equal 1 "$(wc -l <daemon.log)"
}

# ---- what it has heard -------------------------------------------------------

heard() {
	grep -q -e "$1" heard
}

expect_heard() {
	expect_soon heard "$1"
}

heard_count() {
	grep -c -e "$1" heard
}

# ---- systemd itself, as pid 1 of namespaces of its own -----------------------

# What becomes of the machine: everything of this one to read, and what is
# written, beside it, in memory.  It has its own processes, network (of which lo
# is up), ipc, host name and cgroups; so systemctl and journalctl in it are the
# real ones, of the real thing, and end with it.
machine_script() {
	cat <<-'END'
	set -eu
	root=$1 installed=$2
	mount -t tmpfs -o mode=755 machine "$root"
	mkdir "$root/upper" "$root/work" "$root/r"
	mount -t overlay overlay -o \
	    "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/r"
	r=$root/r
	cp -a "$installed/." "$r/"
	END
	places_script
	cat <<-'END'
	# Nothing of this machine's starts there but the journal.
	rm -rf "$r/etc/systemd/system" "$r"/usr/lib/systemd/system/*.wants
	rm -f "$r/etc/fstab"
	mkdir -p "$r/etc/systemd/system" "$r/etc/systemd/journald.conf.d"
	printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' \
	    >"$r/etc/systemd/journald.conf.d/test.conf"
	echo 0123456789abcdef0123456789abcdef >"$r/etc/machine-id"
	printf '%s\n' '[Unit]' 'Description=the test' \
	    'Wants=systemd-journald.socket systemd-journald.service' \
	    >"$r/etc/systemd/system/default.target"
	mkdir -p "$r/var/log"
	END
	begin_script
}

# in_machine COMMAND...
in_machine() {
	nsenter -t "$init" --all env -i \
	    PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C "$@" </dev/null
}

# start_machine DIRECTORY: with what is in it laid over its root.
start_machine() {
	for tool in unshare nsenter ip; do
		command -v $tool >/dev/null || atf_skip "no $tool"
	done
	test -x /lib/systemd/systemd || atf_skip "no systemd"
	unshare --mount --pid --net --fork true 2>/dev/null ||
	    atf_skip "namespaces are forbidden here"
	mkdir root
	launch_machine "$PWD" "$PWD/root" "$1"
	record $enclosure
	wait_for 60 machine_runs || {
		cat machine.out >&2
		in_machine systemctl --no-pager --failed >&2
		atf_fail "systemd does not run"
	}
	record "$init"
}

# To be called by a case's cleanup, after end_all; if it fails so does the case.
end_machine() {
	leave_machine "$PWD"
}
