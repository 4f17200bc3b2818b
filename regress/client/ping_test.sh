#! /usr/bin/env atf-sh
#
# postern ping: echoes counted, timed and checked; and every way to fail.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../client_verbs.sh"

ours='-R ca.pem -C client.pem -K client.key'

e2e_case service "Our service echoes: a line each, then the figures"
service_body()
{
	make_pki
	write_conf
	start_daemon
	client 0 ping $ours -c 5 -i 0.01
	atf_check test ! -s err
	shows "^PING 127.0.0.1 (127.0.0.1:$port): 64 bytes, TLSv1.3\$"
	for seq in 1 2 3 4 5; do
		shows "^64 bytes from 127.0.0.1:$port: seq=$seq time=[0-9.]* ms"
	done
	atf_check_equal 5 "$(grep -c ' seq=' out)"
	shows "^--- 127.0.0.1 port $port ping statistics ---\$"
	shows '^5 sent, 5 echoed, 0 % lost, time [0-9]* ms$'
	number='[0-9]*\.[0-9][0-9][0-9]'
	shows "^rtt min/avg/max/mdev = $number/$number/$number/$number ms\$"
	expect_log 'event=close.* end=finished bytes_in=320 bytes_out=320 '
	client 0 ping $ours -c 2 -i 0.01 -q
	atf_check_equal 0 "$(grep -c ' seq=' out)"
	shows '^2 sent, 2 echoed, 0 % lost'
	stop_daemon
}

e2e_case sizes "Echoes from 1 byte to 65536"
sizes_body()
{
	make_pki
	write_conf
	start_daemon
	for size in 1 16384 16385 65535 65536; do
		client 0 ping $ours -c 20 -i 0.01 -s $size --json
		json "d['bytes'] == $size and d['echoed'] == 20"
	done
	serve echo server 12
	client 0 ping -R ca.pem -c 3 -i 0.01 -s 40000
	stop_daemon
}

e2e_case document "--json: one document with all figures"
document_body()
{
	make_pki
	serve echo
	client 0 ping -R ca.pem -c 4 -i 0.01 --json
	atf_check test ! -s err
	json 'd["command"] == "ping" and d["sent"] == d["echoed"] == 4'
	json 'd["lost_percent"] == 0 and d["time_ms"] >= 30'
	json '[e["seq"] for e in d["echoes"]] == [1, 2, 3, 4]'
	json 'd["rtt_ms"]["min"] == min(e["time_ms"] for e in d["echoes"])'
	json 'd["rtt_ms"]["max"] == max(e["time_ms"] for e in d["echoes"])'
	json 'abs(d["rtt_ms"]["avg"] -
	    sum(e["time_ms"] for e in d["echoes"]) / 4) < 0.002'
	json 'd["result"] == "ok" and d["exit"] == 0 and d["error"] is None'
	json 'd["protocol"] == "TLSv1.3"'
}

e2e_case pace "-i is the pace, whatever the echoes take"
pace_body()
{
	make_pki
	serve echo
	client 0 ping -R ca.pem -c 11 -i 0.1 -q --json
	json '1000 <= d["time_ms"] < 5000'
	serve echo
	client 0 ping -R ca.pem -c 3 -i .02 --json
	json '40 <= d["time_ms"] < 4000'
}

e2e_case refused "A server that refuses us: 77, and nothing came back"
refused_body()
{
	make_pki
	write_conf
	start_daemon
	client 77 ping -R ca.pem -c 3 -i 0.01
	says 'refused us: alert: certificate required'
	shows '^[123] sent, 0 echoed, 100 % lost'
	client 77 ping -R ca.pem -C other.pem -K other.key -c 3 --json
	json 'd["result"] == "refused" and d["exit"] == 77'
	json 'd["echoed"] == 0 and d["rtt_ms"] is None and d["echoes"] == []'
	stop_daemon
	# By a rule that is looked at after the handshake: no alert.
	for version in '' 12; do
		serve cut server $version
		client 77 ping -R ca.pem -c 3 -i 0.01
		says 'refused us: it ended the connection'
		serve reset server $version
		client 77 ping -R ca.pem -c 3 -i 0.01
		says 'refused us: it ended the connection'
	done
}

four_mismatches()
{
	test "$(log_count 'reason=address-mismatch')" -eq 4
}

e2e_case rule "A rule that comes after the handshake: 77 from each command"
rule_body()
{
	make_pki
	write_conf clients.host-check=address
	start_daemon
	client 77 ping $ours -c 3 -i 0.01
	says 'refused us: it ended the connection'
	shows '^[0-9]* sent, 0 echoed, 100 % lost'
	client 77 send $ours in
	says 'refused us: it ended the connection'
	client 77 inspect $ours
	says 'refused us: it ended the connection'
	shows '^outcome  *refused us with our certificate: ended the connection'
	client 77 $ours
	says 'refused us: it ended the connection'
	expect_soon four_mismatches
	stop_daemon
}

e2e_case whole "A server that gives an echo back when it has all of it"
whole_body()
{
	make_pki
	# No ticket comes there, which would have us go on as well.
	serve whole server 12
	client 0 ping -R ca.pem -c 3 -i 0.01 -s 65536 -w 5
}

e2e_case wrong_bytes "An echo with a wrong byte is none"
wrong_bytes_body()
{
	make_pki
	serve corrupt
	client 76 ping -R ca.pem -c 5 -i 0.01
	says 'echo 3 is wrong: byte 2 is 0x'
	shows '^[345] sent, 2 echoed, [3-6][0-9.]* % lost'
	serve corrupt
	client 76 ping -R ca.pem -c 5 -i 0.01 --json
	json 'd["result"] == "mismatch" and d["echoed"] == 2'
}

e2e_case stale_bytes "An echo of an earlier one is none, however short"
stale_bytes_body()
{
	make_pki
	for size in 1 64 1000; do
		serve stale
		client 76 ping -R ca.pem -c 5 -i 0.01 -s $size
		says 'echo 2 is wrong: byte 0 is 0x'
	done
}

e2e_case more_bytes "More than was sent is no echo"
more_bytes_body()
{
	make_pki
	serve more
	client 76 ping -R ca.pem -c 5 -i 20
	says 'more than it was sent, after echo 1'
	serve greet
	client 76 ping -R ca.pem -c 5 -i 20
}

e2e_case ends "A server that ends the session before all is back"
ends_body()
{
	make_pki
	serve some
	client 76 ping -R ca.pem -c 5 -i 0.01
	says 'ended the session after 1 of 5 echoes, and [0-9]* bytes were not'
	shows ' seq=1 '
	serve some-cut
	client 76 ping -R ca.pem -c 5 -i 0.01
	says 'was cut after 100 bytes'
}

e2e_case ends_in_order "A close_notify before all was asked for is no success"
ends_in_order_body()
{
	make_pki
	for version in '' 12; do
		serve three server $version
		client 76 ping -R ca.pem -c 10 -i 0.1
		says ': the server ended the session after 3 of 10 echoes$'
		shows '^3 sent, 3 echoed, 0 % lost'
		serve three server $version
		client 76 ping -R ca.pem -i 0.1
		says ': the server ended the session after 3 echoes$'
		serve three server $version
		client 76 ping -R ca.pem -c 10 -i 0.1 --json
		json 'd["result"] == "incomplete" and d["exit"] == 76'
		json 'd["echoed"] == 3 and "3 of 10" in d["error"]'
		# If it was all, it may.
		serve three server $version
		client 0 ping -R ca.pem -c 3 -i 0.1
	done
}

e2e_case silent "No echo in time is a loss, and the end"
silent_body()
{
	make_pki
	serve count
	client 69 ping -R ca.pem -c 3 -i 0.01 -w 1
	says 'nothing came back for 1 seconds'
	shows '^3 sent, 0 echoed, 100 % lost'
	serve idle
	client 69 ping -R ca.pem -c 3 -i 0.01 -w 1 -s 65536 --json
	json 'd["result"] == "timeout" and d["echoed"] == 0'
}

has_line()
{
	grep -q -e "$1" out
}

# interrupt SIGNAL: the ping in the background has seen its second echo.
interrupt()
{
	expect_soon has_line ' seq=2 '
	kill -"$1" "$ping_pid"
	expect_soon gone "$ping_pid"
	got=0
	wait "$ping_pid" || got=$?
}

ping_in_background()
{
	: >out
	postern ping "$@" 127.0.0.1 "$port" </dev/null >out 2>err &
	ping_pid=$!
	record $ping_pid
}

e2e_case endless "Without -c it ends by SIGINT, with its figures"
endless_body()
{
	make_pki
	for signal in INT TERM; do
		serve echo
		ping_in_background -R ca.pem -i 0.05
		interrupt $signal
		atf_check_equal 0 "$got"
		shows '^[0-9]* sent, [0-9]* echoed, 0 % lost'
		server_says close_notify
	done
	# One that waits for its next turn does not wait any longer.
	serve echo
	ping_in_background -R ca.pem -i 3600
	expect_soon has_line ' seq=1 '
	kill -INT "$ping_pid"
	expect_soon gone "$ping_pid"
	wait "$ping_pid" || atf_fail "status $?: $(cat err)"
	shows '^1 sent, 1 echoed, 0 % lost'
}

e2e_case interrupted "What is not back by then is lost"
interrupted_body()
{
	make_pki
	serve count
	ping_in_background -R ca.pem -i 3600
	server_says handshake
	kill -INT "$ping_pid"
	expect_soon gone "$ping_pid"
	got=0
	wait "$ping_pid" || got=$?
	atf_check_equal 69 "$got"
	says 'interrupted, and 64 bytes were not echoed'
	shows '^1 sent, 0 echoed, 100 % lost'
}

e2e_case interrupted_early "SIGINT ends a handshake that does not come"
interrupted_early_body()
{
	make_pki
	serve silent
	ping_in_background -v -R ca.pem
	expect_soon grep -q 'connected to' err
	kill -INT "$ping_pid"
	expect_soon gone "$ping_pid"
	got=0
	wait "$ping_pid" || got=$?
	atf_check_equal 130 "$got"
	atf_check test ! -s out
}

# Signalled again, as often as it takes: two that come at once are one.
ended_by()
{
	kill -"$1" "$ping_pid" 2>/dev/null
	gone "$ping_pid"
}

e2e_case writing "A second signal ends it while nobody reads what it writes"
writing_body()
{
	make_pki
	mkfifo pipe
	exec 9<>pipe
	python3 - <<-'END'
	import os
	fd = os.open("pipe", os.O_WRONLY | os.O_NONBLOCK)
	try:
	    while True:
	        os.write(fd, bytes(4096))
	except BlockingIOError:
	    pass
	END
	for signal in 'INT 130' 'TERM 143'; do
		serve echo
		postern ping -v -R ca.pem 127.0.0.1 "$port" </dev/null \
		    >pipe 2>err 9>&- &
		ping_pid=$!
		record $ping_pid
		# The last that is said before its first line is written.
		expect_soon grep -q 'public key:' err
		expect_soon ended_by ${signal% *}
		got=0
		wait "$ping_pid" || got=$?
		atf_check_equal "${signal#* }" "$got"
	done
}

e2e_case parting "A second signal ends it while a server does not part"
parting_body()
{
	make_pki
	serve stay
	ping_in_background -R ca.pem -c 1
	server_says close_notify
	expect_soon ended_by INT
	got=0
	wait "$ping_pid" || got=$?
	atf_check_equal 130 "$got"
}

e2e_case output "Standard output that fails ends it"
output_body()
{
	make_pki
	for option in '' --json; do
		serve echo
		atf_check -s exit:74 -e match:'standard output: No space' \
		    sh -c "exec postern ping $option -c 2 -i 0.01 -R ca.pem \
		    127.0.0.1 $port >/dev/full"
	done
	# One that nobody reads any more: endless as it is, it ends.
	serve echo
	mkfifo pipe
	head -n 2 <pipe >first &
	record $!
	got=0
	postern ping -i 0.01 -R ca.pem 127.0.0.1 "$port" >pipe 2>err || got=$?
	atf_check_equal 74 "$got"
	says 'standard output: Broken pipe'
}
