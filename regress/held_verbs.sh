# Sessions that stay open while the test does something else: each has a name
# (a word) and a descriptor of the test, 4 to 9, through which it is fed.
# Use after common.sh:
#
#	hold alice 4		open a session
#	feed alice 4 word	send something; wait until it is back
#	release alice 4		end it; it must end well, with all echoed

# shellcheck shell=sh disable=SC2154

# In the background only: no client, nor the shell that waits for it, may keep
# what feeds another, or that one would never end.
without_feeds() {
	exec 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
	"$@"
}

same_bytes() {
	cmp -s "$1" "$2"
}

# open_held NAME FD COMMAND...: the client is the command.
open_held() {
	held=$1
	feed_fd=$2
	shift 2
	rm -f "$held.fifo"
	mkfifo "$held.fifo"
	# What another of that name got is not there until its client is.
	: >"$held.in"
	: >"$held.out"
	without_feeds "$@" <"$held.fifo" >"$held.out" 2>"$held.err" &
	eval "${held}_pid=$!"
	record $!
	# Opened for both, a client that has gone does not end us by SIGPIPE.
	eval "exec $feed_fd<>$held.fifo"
}

hold() {
	held=$1
	feed_fd=$2
	shift 2
	open_held "$held" "$feed_fd" connect "$@"
	feed "$held" "$feed_fd" "$held is here"
}

feed() {
	echo "$3" >>"$1.in"
	eval "echo \"\$3\" >&$2"
	wait_for 20 same_bytes "$1.in" "$1.out" || {
		cat "$1.err" >&2
		show_log
		atf_fail "session $1: not echoed: $3"
	}
}

# held_status NAME FD: no more input; how its client ends (at most a minute).
held_status() {
	eval "exec $2>&-"
	eval "held_pid=\$${1}_pid"
	wait_for 60 gone "$held_pid" || {
		show_log
		atf_fail "session $1 does not end"
	}
	wait "$held_pid"
}

release() {
	held_status "$1" "$2" || {
		status=$?
		cat "$1.err" >&2
		show_log
		atf_fail "session $1 ended with status $status"
	}
	same_bytes "$1.in" "$1.out" || atf_fail "session $1 lost something"
}

# The line of the log that says how session number N (1: the first) was opened.
open_line() {
	grep 'event=open' daemon.log | sed -n "$1p"
}

# worker_of N: the pid of its worker.
worker_of() {
	open_line "$1" | sed 's/.* worker=//'
}
