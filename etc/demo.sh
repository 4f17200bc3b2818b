#!/bin/sh
# The main job, from certificates to an echoed file; `make demo` calls it.
# Everything is made below BUILD/demo; whatever fails, no process is left.
# usage: demo.sh BUILD

set -u
# make's jobserver is none of the service's business.
exec 3>&- 4>&- 5>&- 6>&-
build=$(cd "$1" && pwd) || exit 70
verbs=$(cd "$(dirname "$0")/../regress" && pwd)/common.sh
PATH=$build:$PATH:/usr/sbin:/sbin
export PATH
step=

atf_fail() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# The verbs are those of the tests.
# shellcheck source=regress/common.sh
. "$verbs"

# finish() shows the log, once.
show_log() {
	:
}

step() {
	step=$*
	printf '\n==> %s\n' "$*"
}

finish() {
	status=$?
	end_all
	test $status -ne 0 || return 0
	printf '\ndemo: failed at: %s\n' "$step" >&2
	test ! -s daemon.log || {
		echo "demo: the log's last lines ($PWD/daemon.log):" >&2
		tail -n 12 daemon.log >&2
	}
	exit $status
}

field() {
	sed -n "s/^$2:[[:space:]]*\\([^[:space:]]*\\).*/\\1/p" "/proc/$1/status"
}

holds() {
	case $1 in
	'posternd: supervisor') echo 'listening sockets; no key' ;;
	'posternd: parent'*) echo 'the key, all TLS' ;;
	'posternd: resolver') echo 'no key, no files; asks DNS' ;;
	'postern-worker: '*spawner) echo 'no key, no network; makes workers' ;;
	'postern-worker: init') echo 'nothing' ;;
	*) echo 'one client: descriptor 3 alone' ;;
	esac
}

# Only root may look, and then also at what has left it.
descriptors() {
	ls "/proc/$1/fd" >fds 2>/dev/null && xargs <fds
}

row() {
	printf '%7s %-10s %-7s %-7s %-16s %-24s %s\n' "$@"
}

show_process() {
	row "$1" "$(id -un "$(field "$1" Uid)")" "$(field "$1" Seccomp)" \
	    "$(field "$1" Seccomp_filters)" "$(field "$1" CapEff)" "$2" "$3"
}

# Workers that wait for a client are alike: they are counted.
show_tree() {
	spare=0
	row PID USER SECCOMP FILTERS CAPABILITIES PROCESS HOLDS
	for pid in $daemon_pid $(tree_of "$daemon_pid"); do
		title=$(title_of "$pid")
		case $title in
		'') ;;
		'postern-worker: echo')
			spare=$((spare + 1))
			test "$pid" != "$1" ||
			    show_process "$pid" "$title" "$(holds "$title")" ;;
		*) show_process "$pid" "$title" "$(holds "$title")" ;;
		esac
	done
	echo "...and $((spare - 1)) more echo workers, each ready for a client."
	echo 'Seccomp 2: a system call that is not in its table kills it.'
}

make_certificates() {
	step 'A certificate authority, a server and a client certificate'
	make_ca ca
	issue server server ca --host 127.0.0.1,::1,localhost
	issue client client ca --name client --host 127.0.0.1
	certgen crl --ca ca.pem --ca-key ca.key --crl clients.crl
	ls -l ca.pem clients.crl server.pem server.key client.pem client.key
}

start_service() {
	step 'The service'
	write_conf parents= watch=1s clients.host-check=either \
	    clients.crl=clients.crl
	cat posternd.conf
	echo
	is_root || echo '(not root: it runs with -U, under one user)'
	# shellcheck disable=SC2119
	start_daemon
	cat daemon.log
}

send_file() {
	step 'A file there and back: 4 MiB of random bytes'
	random_file sent 4194304
	connect -v <sent >back || atf_fail 'the client failed: see above'
	cmp sent back || atf_fail 'what came back is not what was sent'
	echo 'It came back byte for byte.'
}

refuse_stranger() {
	step 'A client without a certificate'
	echo 'let me in' |
	    postern -R ca.pem 127.0.0.1 "$port" >stranger
	status=$?
	test $status -eq 77 || atf_fail "it ended with $status, and not 77"
	test ! -s stranger || atf_fail 'it was answered'
	expect_log 'event=refused reason=no-certificate'
	grep 'event=refused' daemon.log
}

worker_of_client() {
	sed -n 's/.* event=open .* worker=\([0-9]*\).*/\1/p' daemon.log |
	    tail -n 1
}

# With a client at the other end, so that a worker is seen at work.
show_processes() {
	step 'The processes, while a client is connected'
	mkfifo hold
	connect <hold >held &
	client_pid=$!
	record $client_pid
	exec 9>hold
	echo 'still there?' >&9
	expect_soon test -s held
	worker=$(worker_of_client)
	show_tree "$worker"
	test "$(field "$worker" Seccomp)" = 2 ||
	    atf_fail "the worker $worker has no filter"
	fds=$(descriptors "$worker") &&
	    echo "Descriptors of the client's worker ($worker): $fds"
	test "${fds:-3}" = 3 || atf_fail 'it has more than its own'
	exec 9>&-
	wait $client_pid || atf_fail 'the client that was held open failed'
}

# The verdicts and what was counted; all of it is in the file.
audit() {
	step 'Is what the kernel enforces what is declared? postern-audit live'
	is_root || {
		echo '(not root: left out, only root may look into processes)'
		return 0
	}
	status=0
	postern-audit live --pid "$daemon_pid" >audited || status=$?
	sed -n '/^ *tree /,$p' audited
	test $status -eq 0 || {
		grep FAILED audited >&2
		atf_fail "it ended with $status, and not 0"
	}
	echo "What each process may ask of the kernel, and the rest: $PWD/audited"
}

explain() {
	step "Would the client get in from elsewhere? posternd --explain says why"
	status=0
	posternd --explain client.pem --from 198.51.100.9 -f posternd.conf \
	    >explained || status=$?
	cat explained
	test $status -eq 77 || atf_fail "it ended with $status, and not 77"
}

# Nothing is said to the service: it looks at its files by itself.
revoke_client() {
	step 'The client is revoked while its session is open'
	mkfifo revoked-in
	connect <revoked-in >revoked-out 2>revoked-err &
	client_pid=$!
	record $client_pid
	exec 9>revoked-in
	echo 'still there?' >&9
	expect_soon test -s revoked-out
	certgen revoke --ca ca.pem --ca-key ca.key --cert client.pem \
	    --crl clients.crl
	expect_log 'event=close .*end=revoked'
	exec 9>&-
	wait $client_pid
	connect <sent >back 2>revoked-err
	status=$?
	test $status -eq 77 || atf_fail "it ended with $status, and not 77"
	cat revoked-err
	grep -e event=changed -e end=revoked -e reason=revoked daemon.log
}

stop_service() {
	step 'The end'
	stop_daemon
	tail -n 3 daemon.log
}

summary() {
	cat <<-END

	All is well: a file went through mutual TLS and a confined worker and
	came back whole, a stranger was turned away, a client that was revoked
	lost its session, the service stopped with status 0. The files are in
	    $PWD
	\`make run\` keeps a service running, to try things with.
	END
}

rm -rf "$build/demo"
mkdir -p "$build/demo" && cd "$build/demo" || exit 73
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
make_certificates
start_service
send_file
refuse_stranger
show_processes
audit
explain
revoke_client
stop_service
summary
