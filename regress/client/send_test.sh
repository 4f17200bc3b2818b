#! /usr/bin/env atf-sh
#
# postern send: files of all sizes and kinds there and back, and what differs.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../client_verbs.sh"

ours='-R ca.pem -C client.pem -K client.key'

# send STATUS FILE OPTION...
send()
{
	want=$1
	file=$2
	shift 2
	got=0
	postern send "$@" "$file" 127.0.0.1 "$port" </dev/null >out 2>err ||
	    got=$?
	test "$got" -eq "$want" && return 0
	cat err >&2
	show_log
	atf_fail "postern send $*: status $got, not $want"
}

e2e_case service "Our service gives files back"
service_body()
{
	make_pki
	write_conf
	start_daemon
	for size in 0 1 16384 16385 1048576 1048577 20000000; do
		random_file file $size
		send 0 file $ours
		atf_check test ! -s err
		shows "^file: $size bytes sent, $size echoed the same, [0-9.]* s"
		expect_log "event=close.* bytes_in=$size bytes_out=$size "
	done
	stop_daemon
}

e2e_case document "--json: one document"
document_body()
{
	make_pki
	random_file file 300000
	for version in '' 12; do
		serve echo server $version
		send 0 file -R ca.pem --json
		atf_check test ! -s err
		json 'd["command"] == "send" and d["file"] == "file"'
		json 'd["size"] == d["sent"] == d["echoed"] == 300000'
		json 'd["first_difference"] is None and d["time_ms"] > 0'
		json 'd["bytes_per_second"] > 0'
		json 'd["result"] == "ok" and d["exit"] == 0'
		server_says 'received 300000'
		server_says close_notify
	done
}

# with_memory BYTES COMMAND...; sanitizers map more than any limit would leave.
with_memory()
{
	bytes=$1
	shift
	test -n "${SANITIZE-}" || set -- prlimit --as="$bytes" "$@"
	"$@"
}

e2e_case sparse "A sparse file of 256 MiB, in less memory"
sparse_body()
{
	make_pki
	write_conf
	start_daemon
	truncate -s 256M big
	with_memory 100000000 postern send $ours --json big 127.0.0.1 "$port" \
	    >out 2>err || atf_fail "status $?: $(cat err)"
	json 'd["echoed"] == 1 << 28'
	stop_daemon
}

e2e_case streams "Standard input, FIFOs and devices are files, too"
streams_body()
{
	make_pki
	random_file file 300000
	serve echo
	atf_check -o match:'^-: 300000 bytes sent, 300000 echoed' \
	    sh -c "exec postern send -R ca.pem - 127.0.0.1 $port <file"
	# From where it stands, not from the file's beginning.
	serve echo
	( head -c 1 >/dev/null
	    exec postern send --json -R ca.pem - 127.0.0.1 "$port" ) \
	    <file >out 2>err || atf_fail "status $?: $(cat err)"
	json 'd["size"] == d["sent"]'
	serve echo
	cat file | postern send --json -R ca.pem - 127.0.0.1 "$port" >out \
	    2>err || atf_fail "status $?: $(cat err)"
	json 'd["size"] is None and d["echoed"] == 300000'
	mkfifo pipe
	serve echo
	# Opened for both, so that neither waits for the other.
	exec 9<>pipe
	postern send --json -R ca.pem pipe 127.0.0.1 "$port" 9>&- >out \
	    2>err &
	sender=$!
	record $sender
	cat file >&9
	exec 9>&-
	wait $sender || atf_fail "status $?: $(cat err)"
	json 'd["size"] is None and d["echoed"] == 300000'
	serve echo
	send 0 /dev/null -R ca.pem
	shows '^/dev/null: 0 bytes sent, 0 echoed'
}

# sent_while_changed OPTION...: as another program changes "file", to which
# change() does that once it is open and before anything of it is read.
sent_while_changed()
{
	serve echo
	server_pid=$!
	kill -STOP "$server_pid"
	postern send -v -R ca.pem "$@" file 127.0.0.1 "$port" </dev/null \
	    >out 2>err &
	sender=$!
	record $sender
	expect_soon grep -q 'connected to' err
	change
	kill -CONT "$server_pid"
	got=0
	wait $sender || got=$?
}

e2e_case shorter "A file that becomes shorter is not what was to be sent"
shorter_body()
{
	change() { truncate -s 1000 file; }
	make_pki
	random_file file 300000
	sent_while_changed
	atf_check_equal 74 "$got"
	says '^postern: file: became shorter while it was sent$'
	random_file file 300000
	sent_while_changed --json
	atf_check_equal 74 "$got"
	json 'd["result"] == "io" and d["size"] == 300000'
	json 'd["sent"] <= 1000'
}

e2e_case longer "Of a file that grows, what was there is sent"
longer_body()
{
	change() { random_file more 100000; cat more >>file; }
	make_pki
	for size in 300000 1048576; do
		random_file file $size
		sent_while_changed --json
		atf_check_equal 0 "$got"
		json "d['size'] == d['sent'] == d['echoed'] == $size"
	done
}

e2e_case no_size "A file that is said to be empty, and is not"
no_size_body()
{
	make_pki
	serve echo
	send 0 /proc/cpuinfo -R ca.pem --json
	json 'd["size"] is None and d["echoed"] == d["sent"] > 100'
}

e2e_case substitution "A descriptor that a shell has opened for us"
substitution_body()
{
	make_pki
	serve echo
	atf_check -o match:': 100000 bytes sent, 100000 echoed' bash -c \
	    "postern send -R ca.pem <(head -c 100000 /dev/zero) 127.0.0.1 $port"
}

e2e_case no_file "Files that cannot be sent"
no_file_body()
{
	make_pki
	port=1
	send 66 nothing -R ca.pem
	says '^postern: nothing: No such file or directory$'
	mkdir dir
	send 66 dir -R ca.pem
	says '^postern: dir: is a directory, not a file$'
	mkfifo pipe
	send 66 pipe -R ca.pem
	says '^postern: pipe: is a FIFO to which nobody writes: start the'
	python3 -c 'import socket
socket.socket(socket.AF_UNIX).bind("socket")'
	send 66 socket -R ca.pem
	says '^postern: socket: No such device'
	serve echo
	send 74 /proc/self/mem -R ca.pem
	says '^postern: /proc/self/mem: Input/output error$'
}

e2e_case refused "A server that refuses us: 77"
refused_body()
{
	make_pki
	random_file file 3000000
	write_conf
	start_daemon
	for file in file /dev/null; do
		send 77 $file -R ca.pem
		says 'refused us: alert: certificate required'
		send 77 $file -R ca.pem -C other.pem -K other.key --json
		json 'd["result"] == "refused" and d["echoed"] == 0'
	done
	stop_daemon
	for mode in cut reset; do
		for file in file /dev/null; do
			serve $mode
			send 77 $file -R ca.pem
			says 'refused us: it ended the connection'
		done
	done
}

e2e_case whole "A server that takes much before it gives anything back"
whole_body()
{
	make_pki
	random_file file 3000000
	# No ticket comes there, which would have us go on as well.
	serve whole server 12
	send 0 file -R ca.pem -w 5
}

e2e_case wrong_bytes "The first byte that differs is named"
wrong_bytes_body()
{
	make_pki
	random_file file 1000000
	serve corrupt
	send 76 file -R ca.pem
	says 'the echo differs at byte 130: it is 0x'
	shows ', 130 echoed the same,'
	serve corrupt
	send 76 file -R ca.pem --json
	json 'd["result"] == "mismatch" and d["first_difference"] == 130'
	head -c 100 file >short
	serve more
	send 76 short -R ca.pem
	says 'sent more than it was sent, after byte 100'
	serve stale
	send 76 file -R ca.pem
	says 'the echo differs at byte 163'
}

e2e_case ends "A server that ends the session before all is back"
ends_body()
{
	make_pki
	random_file file 100000
	serve some
	send 76 file -R ca.pem
	says 'ended the session, and [0-9]* bytes were not echoed'
	serve some-cut
	send 76 file -R ca.pem
	says 'was cut after 100 bytes'
	serve idle
	send 69 file -R ca.pem -w 1
	says 'nothing came back for 1 seconds'
	random_file large 20000000
	serve close
	send 76 large -R ca.pem
	says 'ended the session before it had taken all our input'
}

# terminal OPTION...: what it writes to a terminal.
terminal()
{
	script -qec "postern send $* file 127.0.0.1 $port" /dev/null \
	    </dev/null >out 2>err || atf_fail "it failed: $(cat out err)"
	# Each time the line begins anew, and what it wipes is gone.
	tr '\r' '\n' <out | sed "s/$(printf '\033')\[K//" >lines
	mv lines out
}

e2e_case progress "A bar on a terminal, and nowhere else"
progress_body()
{
	make_pki
	random_file file 1000000
	serve echo
	terminal -R ca.pem
	shows '^file *[0-9]*% \[=*> *\] .*/s .* left'
	shows '^file: 1000000 bytes sent, 1000000 echoed the same'
	for option in -q --json; do
		serve echo
		terminal -R ca.pem $option
		grep -q '%' out && atf_fail "a bar, in spite of $option"
	done
	json 'd["echoed"] == 1000000'
	serve echo
	send 0 file -R ca.pem
	atf_check test ! -s err
}

drawn_again()
{
	test "$(tr '\r' '\n' <out | grep -c '/s ')" -ge 4
}

# By terminal() in the background: what script(1) has started, and that.
sender_pid()
{
	for pid_ in $(tree_of "$script_pid"); do
		test "$(cat "/proc/$pid_/comm" 2>/dev/null)" = postern ||
		    continue
		sender=$pid_
		return 0
	done
	return 1
}

e2e_case stalled "The bar goes on while nothing does, and SIGINT wipes it"
stalled_body()
{
	make_pki
	random_file file 20000000
	serve idle
	script -qefc "postern send -R ca.pem file 127.0.0.1 $port" /dev/null \
	    </dev/null >out 2>err &
	script_pid=$!
	record $script_pid
	expect_soon drawn_again
	expect_soon sender_pid
	kill -INT "$sender"
	expect_soon gone "$script_pid"
	got=0
	wait "$script_pid" || got=$?
	atf_check_equal 130 "$got"
	printf '\r\033[K' >wiped
	tail -c 4 out | cmp - wiped || atf_fail "the line stays as it was"
}

server_done()
{
	grep -q -x "done" server.out
}

e2e_case unsent "As sent counts what left, and nothing that was to"
unsent_body()
{
	make_pki
	truncate -s 100M file
	serve pause
	server_pid=$!
	send 69 file --json -R ca.pem -w 1
	kill -CONT "$server_pid"
	expect_soon server_done
	json "d['sent'] == $(sed -n 's/^received //p' server.out)"
}

e2e_case output "Standard output that fails is told"
output_body()
{
	make_pki
	echo x >file
	for option in '' --json; do
		serve echo
		atf_check -s exit:74 -e match:'standard output: No space' \
		    sh -c "exec postern send $option -R ca.pem file \
		    127.0.0.1 $port >/dev/full"
	done
}
