# The verbs of the end-to-end tests.  A test script begins with
#
#	. "$(atf_get_srcdir)/../common.sh"
#
# and declares each case just before its body:
#
#	e2e_case echoes "what is sent comes back"
#	echoes_body() {
#		make_pki
#		write_conf timeouts.idle=2s
#		start_daemon
#		echo hello >in
#		connect <in >out || atf_fail "the client failed"
#		cmp in out || atf_fail "not what was sent"
#		stop_daemon
#	}
#
# Everything is made in the case's own work directory, where Kyua starts it;
# whatever it starts is ended by its cleanup part, by process id.

# shellcheck shell=sh
# Variables that the tests use: $port, $daemon_pid.
port=
daemon_pid=
cases=

# ---- declaring cases ---------------------------------------------------------

# e2e_case NAME DESCRIPTION (without a quote in it): then define NAME_body.
e2e_case() {
	atf_test_case "$1" cleanup
	cases="$cases $1"
	eval "$1_head() { atf_set descr '$2'; }"
	eval "$1_cleanup() { end_all; }"
}

# The same for a case that only root can run.
root_case() {
	e2e_case "$1" "$2"
	eval "$1_head() {
		atf_set descr '$2'
		atf_set require.user root
	}"
}

atf_init_test_cases() {
	for case_ in $cases; do
		atf_add_test_case "$case_"
	done
}

is_root() {
	test "$(id -u)" -eq 0
}

# ---- waiting -----------------------------------------------------------------

# Seconds since boot, without a new process for it.
uptime_seconds() {
	read -r up _ </proc/uptime
	echo "${up%.*}"
}

# wait_for SECONDS COMMAND...: until it succeeds; fails if it does not in time.
# Sanitizers make everything slower, so they get more.
wait_for() {
	limit=$1
	shift
	test -z "${SANITIZE-}" || limit=$((limit * 4))
	until=$(($(uptime_seconds) + limit + 1))
	while ! "$@"; do
		test "$(uptime_seconds)" -lt "$until" || return 1
		sleep 0.02
	done
}

# expect_soon COMMAND...: the same within 20 seconds, or the case has failed.
expect_soon() {
	wait_for 20 "$@" || {
		show_log
		atf_fail "still not so: $*"
	}
}

# ---- processes ---------------------------------------------------------------

# When it was started, in clock ticks: with its pid, it names a process for
# good.  Empty if there is none, or only its remains.
birth_of() {
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	# The name, in parentheses, may hold anything; the rest is numbers.
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	test "$1" = Z || echo "${20}"
}

alive() {
	test -n "$(birth_of "$1")"
}

gone() {
	! alive "$1"
}

# is_stopped PID: SIGSTOP, which it was sent, has stopped it.  Under `make
# trace' it stands still at each call as well: then it must not have that before
# it.
is_stopped() {
	awk '/^State:\t[Tt]/ { stopped = 1 }
	    /^S[ih][gd]Pnd:.*[4-7c-f]....$/ { stopped = 0 }
	    END { exit !stopped }' "/proc/$1/status"
}

# Remember what this case has started, for end_all.
record() {
	for pid_; do
		echo "$pid_ $(birth_of "$pid_")" >>pids
	done
}

# All descendants of a process, nearest first.
tree_of() {
	cat "/proc/$1"/task/*/children 2>/dev/null | tr ' ' '\n' |
	    while read -r child_; do
		test -n "$child_" || continue
		echo "$child_"
		tree_of "$child_"
	done
}

title_of() {
	tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | head -n 1
}

# process_titled PID TITLE: those of PID and its descendants that have this
# title (a shell pattern), one a line.  Fails if there is none.
process_titled() {
	found=1
	for pid_ in $1 $(tree_of "$1"); do
		# shellcheck disable=SC2254
		case $(title_of "$pid_") in
		$2) echo "$pid_"; found=0 ;;
		esac
	done
	return $found
}

# End what the case has started and its descendants, by process id, unless
# the id is another process's by now.
end_all() {
	test -e pids || return 0
	while read -r pid_ birth_; do
		test -n "$birth_" || continue
		test "$(birth_of "$pid_")" = "$birth_" || continue
		# shellcheck disable=SC2046
		kill -KILL "$pid_" $(tree_of "$pid_") 2>/dev/null
	done <pids
	return 0
}

# run_in_background COMMAND...: remembered; its pid is $!
run_in_background() {
	"$@" &
	record $!
}

# as_nobody PROGRAM [argument...]: in the place of the shell.
as_nobody() {
	exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

# Whoever starts posternd as nobody needs this: a clone in /root is root's
# alone.  Where the case is lie copies, and the plan that `make mutate' has.
give_programs_to_nobody() {
	from=$(dirname "$(command -v posternd)")
	chmod 755 .
	install -D -m 755 -t bin "$from/posternd" "$from/postern-worker" ||
	    atf_fail "no copies of posternd and postern-worker"
	cp "$from/plan" bin/ 2>/dev/null
	PATH=$PWD/bin:$PATH
	(as_nobody test -x "$PWD/bin/postern-worker") ||
	    atf_fail "nobody cannot reach $PWD/bin"
}

# limit PID OPTION...: prlimit, as the user that it runs as, who may lower a
# soft limit and raise it again; root may not have the capability for others'.
limit() {
	pid=$1
	shift
	uid=$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")
	gid=$(awk '/^Gid:/ { print $2 }' "/proc/$pid/status")
	setpriv --reuid "$uid" --regid "$gid" --clear-groups \
	    prlimit --pid "$pid" "$@" || atf_fail "prlimit $*"
}

# ---- ports -------------------------------------------------------------------

port_in_use() {
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
	    grep -q "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$1") "
}

# The first port, and the number of them, that the kernel gives to no client;
# should it give all, some nevertheless.
ports_to_draw() {
	# read takes byte by byte, and the kernel gives this file at once.
	# shellcheck disable=SC2046
	set -- $(cat /proc/sys/net/ipv4/ip_local_port_range)
	if test "$1" -ge 12000; then
		echo 11000 $(($1 < 31000 ? $1 - 11000 : 20000))
	elif test "$2" -lt 64000; then
		echo $(($2 + 1)) $((65535 - $2))
	else
		echo 11000 20000
	fi
}

# Where each port that a case of any suite on this machine has drawn is a link,
# with the pid and birth of that case in place of a file.
drawn_ports=/tmp/postern-ports

# is_drawn PORT: the case that has drawn it goes on.
is_drawn() {
	drawn_by=$(readlink "$drawn_ports/$1") &&
	    test "${drawn_by#*-}" = "$(birth_of "${drawn_by%%-*}")"
}

# take_port PORT: unless it is in use, or drawn by a case that goes on.  What is
# left of another user's case cannot be replaced.
take_port() {
	(
		flock 9 && ! port_in_use "$1" && ! is_drawn "$1" &&
		    ln -sfn "$$-$(birth_of $$)" "$drawn_ports/$1" 2>/dev/null
	) 9<$drawn_ports
}

# A port that nothing uses, and that no other case gets while this one goes on:
# between drawing and use there is time.
free_port() {
	test -d $drawn_ports || mkdir -m 1777 $drawn_ports 2>/dev/null
	test -w $drawn_ports || atf_fail "$drawn_ports: not ours to write to"
	# shellcheck disable=SC2046
	set -- $(ports_to_draw)
	while :; do
		draw=$(od -An -N4 -tu4 /dev/urandom)
		draw=$((draw % $2 + $1))
		! take_port "$draw" || break
	done
	echo "$draw"
}

listening() {
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
	    grep -q "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$1") [0-9A-F:]* 0A "
}

# ---- certificates ------------------------------------------------------------

certgen() {
	postern-certgen "$@" >certgen.out 2>&1 || {
		cat certgen.out
		atf_fail "postern-certgen $*"
	}
}

# make_ca NAME [option...]
make_ca() {
	ca_=$1
	shift
	certgen ca --cert "$ca_.pem" --key "$ca_.key" --name "$ca_" "$@"
}

# issue KIND NAME [CA] [option...]: NAME.pem and NAME.key, by CA ("ca").
issue() {
	kind=$1
	name=$2
	by=${3:-ca}
	shift 2
	test $# -eq 0 || shift
	certgen "$kind" --ca "$by.pem" --ca-key "$by.key" \
	    --cert "$name.pem" --key "$name.key" "$@"
}

# make_pki [option...]: ca (with these options), server and client by it;
# other-ca, and the client "other" by that.
make_pki() {
	make_ca ca "$@"
	issue server server ca --host 127.0.0.1,::1,localhost
	issue client client ca --name client
	make_ca other-ca
	issue client other other-ca --name other
}

# ---- the daemon --------------------------------------------------------------

# write_conf [key=value...]: posternd.conf, with these instead of the usual;
# a section's key is section.key; lists are given as {"a", "b"}; an empty
# value leaves the key out.  Sets $port.  One parent, unless told otherwise.
write_conf() {
	test -n "$port" || port=$(free_port)
	printf '%s\n' "listen={\"127.0.0.1:$port\"}" certificate=server.pem \
	    key=server.key parents=1 pid-file=posternd.pid \
	    status-socket=status.sock \
	    clients.ca=ca.pem clients.host-check=no "$@" | awk '
	{
		at = index($0, "=")
		key = substr($0, 1, at - 1)
		if (!(key in value))
			order[++n] = key
		value[key] = substr($0, at + 1)
	}
	function line(name, v) {
		if (v !~ /^["{]/)
			v = "\"" v "\""
		return name " = " v "\n"
	}
	END {
		for (i = 1; i <= n; i++) {
			key = order[i]
			dot = index(key, ".")
			if (value[key] == "")
				continue
			if (dot == 0) {
				printf "%s", line(key, value[key])
				continue
			}
			section = substr(key, 1, dot - 1)
			body[section] = body[section] "\t" \
			    line(substr(key, dot + 1), value[key])
		}
		for (section in body)
			printf "%s {\n%s}\n", section, body[section]
	}' >posternd.conf
}

log_has() {
	grep -q -e "$1" daemon.log
}

# How many lines of the log match.
log_count() {
	grep -c -e "$1" daemon.log
}

expect_log() {
	expect_soon log_has "$1"
}

show_log() {
	test ! -e daemon.log || sed 's/^/daemon.log: /' daemon.log >&2
}

daemon_ready_or_gone() {
	log_has 'event=ready' || gone "$daemon_pid"
}

# launch_daemon [option...]: start it, wait for nothing.
launch_daemon() {
	is_root || set -- -U "$@"
	: >daemon.log
	posternd -f posternd.conf "$@" </dev/null >daemon.out 2>>daemon.log &
	daemon_pid=$!
	record $daemon_pid
}

# start_daemon [option...]: start it, wait until it is ready.
start_daemon() {
	launch_daemon "$@"
	wait_for 30 daemon_ready_or_gone
	if gone "$daemon_pid" || ! log_has 'event=ready'; then
		show_log
		atf_fail "posternd did not start"
	fi
	# shellcheck disable=SC2046
	record $(tree_of "$daemon_pid")
}

# daemon_status: wait for its end (at most 60 seconds); its exit status.
daemon_status() {
	wait_for 60 gone "$daemon_pid" || {
		show_log
		atf_fail "posternd does not end"
	}
	wait "$daemon_pid"
}

# Nobody may have been killed by a filter; a case in which somebody is to be
# sets this first.
filters_kill=

nobody_killed() {
	test -n "$filters_kill" || ! log_has 'signal=SYS'
}

# Ask it to end; it must, with status 0.
stop_daemon() {
	kill -TERM "$daemon_pid" || atf_fail "posternd has gone by itself"
	daemon_status || {
		status=$?
		show_log
		atf_fail "posternd ended with status $status"
	}
	nobody_killed || {
		show_log
		atf_fail "a filter has killed somebody"
	}
}

# ---- its clients -------------------------------------------------------------

# connect [option...]: our client with the good certificate, stdin to stdout.
connect() {
	postern -R ca.pem -C client.pem -K client.key "$@" 127.0.0.1 "$port"
}

# random_file NAME BYTES
random_file() {
	head -c "$2" /dev/urandom >"$1"
}

# The service works: something small comes back whole.
assert_echo() {
	echo "to and fro $port" >echo.in
	if ! connect "$@" <echo.in >echo.out 2>echo.err ||
	    ! cmp -s echo.in echo.out; then
		cat echo.err >&2
		show_log
		atf_fail "nothing was echoed"
	fi
}
