#! /usr/bin/env atf-sh
# What the exporter says: metrics and status, and that nothing depends on it.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../metrics_verbs.sh"

the_exporter() {
	process_titled "$daemon_pid" 'posternd: exporter' | head -n 1
}

# ---- metrics -----------------------------------------------------------------

e2e_case format "Metrics are what Prometheus reads, by its rules and its tool"
format_body() {
	make_pki
	write_metrics_conf
	start_daemon
	get_metrics -D head
	grep -qi '^content-type: text/plain; version=0.0.4' head ||
	    atf_fail "$(cat head)"
	atf_check_equal 1 "$(metric postern_generation)"
	atf_check_equal 0 "$(metric postern_sessions_opened_total)"
	grep -q '^postern_build_info{version="[^"]*",tls="[^"]*",' metrics ||
	    atf_fail "no build information"
	assert_echo
	expect_soon metric_is postern_sessions_closed_total 1
	get_metrics
	atf_check_equal 1 "$(metric postern_handshake_duration_seconds_count)"
	# Not installed everywhere; then the strict reader has to do.
	! command -v promtool >/dev/null ||
	    promtool check metrics <metrics.text >lint 2>&1 ||
	    atf_fail "promtool: $(cat lint)"
	stop_daemon
}

e2e_case rules "The alerts are about metrics that there are"
rules_body() {
	rules=$(atf_get_srcdir)/../../../etc/prometheus/postern.rules.yml
	make_pki
	write_metrics_conf
	start_daemon
	get_metrics
	grep -o 'postern_[a-z_]*[a-z]' "$rules" | sort -u >named
	test "$(wc -l <named)" -ge 10 || atf_fail "too few: $(cat named)"
	while read -r name; do
		grep -q "^# TYPE $name " metrics.text || atf_fail "no $name"
	done <named
	! command -v promtool >/dev/null ||
	    promtool check rules "$rules" >lint 2>&1 ||
	    atf_fail "promtool: $(cat lint)"
	stop_daemon
}

# The log's own counts of what the metrics count.
refusals_agree() {
	for word in $(posternd --reasons | awk 'NR > 1 { print $1 }'); do
		logged=$(log_count "event=refused reason=$word ")
		atf_check_equal "$word $logged" "$word $(metric \
		    "postern_connections_refused_total{reason=\"$word\"}")"
	done
}

sum_of() {
	sed -n "s/.*event=close .* $1=\([0-9]*\) .*/\1/p" daemon.log |
	    awk '{ sum += $1 } END { print sum + 0 }'
}

metrics_agree() {
	get_metrics
	refusals_agree
	atf_check_equal "$(log_count event=open)" \
	    "$(metric postern_sessions_opened_total)"
	atf_check_equal "$(log_count event=close)" \
	    "$(metric postern_sessions_closed_total)"
	atf_check_equal "$(sum_of bytes_in)" \
	    "$(metric postern_echo_received_bytes_total)"
	atf_check_equal "$(sum_of bytes_out)" \
	    "$(metric postern_echo_sent_bytes_total)"
	atf_check_equal "$(log_count 'event=worker-died .*signal=')" \
	    "$(metric postern_workers_killed_total)"
	atf_check_equal "$(log_count event=worker-overdue)" \
	    "$(metric postern_workers_overdue_total)"
	atf_check_equal "$(log_count 'event=reload result=ok')" \
	    "$(metric 'postern_reloads_total{result="ok"}')"
	atf_check_equal "$(log_count 'event=reload detail="failed')" \
	    "$(metric 'postern_reloads_total{result="failed"}')"
	for process in parent spawner exporter; do
		atf_check_equal "$(log_count "event=$process-died")" "$(metric \
		    "postern_processes_died_total{process=\"$process\"}")"
	done
	# Each that was accepted has come to one end or is still there.
	atf_check_equal "$(metric postern_connections_accepted_total)" \
	    "$(awk '/^postern_connections_refused_total/ ||
		/^postern_connections_lost_total/ ||
		/^postern_health_checks_total/ ||
		/^postern_sessions_opened_total/ ||
		/^postern_connections{state="(proxy|handshake|checking)"}/ ||
		/^postern_connections{state="waiting"}/ { n += $NF }
		END { print n }' metrics)"
}

# Clients of all kinds, some of them more than once.
mixed_load() {
	for turn in 1 2 3; do
		assert_echo
		connect -C other.pem -K other.key <echo.in >out 2>&1 &&
		    atf_fail "a stranger came in"
		postern -R ca.pem 127.0.0.1 "$port" <echo.in >out 2>&1 &&
		    atf_fail "nobody came in"
		connect -C late.pem -K late.key <echo.in >out 2>&1 &&
		    atf_fail "one that has expired came in"
		echo garbage | socat -t 5 - "TCP:127.0.0.1:$port" >out 2>&1
	done
	# in silence, until its time is over
	socat -u "TCP:127.0.0.1:$port" OPEN:silent,creat 2>/dev/null
}

quiet() {
	metric_is 'postern_connections{state="open"}' "${1:-0}" &&
	    metric_is 'postern_connections{state="linger"}' 0 &&
	    metric_is 'postern_connections{state="flushing"}' 0 &&
	    metric_is 'postern_connections{state="handshake"}' 0 &&
	    metric_is 'postern_workers{state="busy"}' "${1:-0}"
}

e2e_case agree "Metrics and log agree, over reloads and deaths"
agree_head() {
	atf_set descr "Metrics and log agree, over reloads and deaths"
	atf_set timeout 600
}
agree_body() {
	make_pki
	issue client late ca --name late --not-before 2020-01-01T00:00:00Z \
	    --not-after 2021-01-01T00:00:00Z
	write_metrics_conf parents=2 timeouts.handshake=2s
	start_daemon
	mixed_load
	hold one 4
	worker=$(sed -n 's/.*event=open .*worker=\([0-9]*\)$/\1/p' daemon.log |
	    tail -n 1)
	kill -KILL "$worker"
	expect_log "event=close .*end=worker-died .*worker=$worker"
	held_status one 4 && atf_fail "its client was told all is well"
	expect_soon quiet
	metrics_agree
	test "$(metric postern_workers_killed_total)" -gt 0 ||
	    atf_fail "nothing was killed"
	test "$(log_count event=refused)" -ge 13 || atf_fail "no refusals"

	# Over reloads nothing that was counted is lost.
	hold two 5
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	mv server.pem kept.pem	# whoever has it open keeps it
	echo nonsense >server.pem
	kill -HUP "$daemon_pid"
	expect_log 'event=reload detail="failed'
	mv kept.pem server.pem
	mixed_load
	release two 5
	expect_soon quiet
	metrics_agree
	atf_check_equal 2 "$(metric postern_generation)"

	# Nor with a parent, or the exporter.
	before=$(metric postern_sessions_opened_total)
	parent=$(process_titled "$daemon_pid" 'posternd: parent 0' | head -n 1)
	kill -KILL "$parent"
	expect_log event=parent-died
	kill -KILL "$(the_exporter)"
	expect_log event=exporter-died
	expect_soon metric_is 'postern_parents{state="serving"}' 2
	mixed_load
	expect_soon quiet
	metrics_agree
	test "$(metric postern_sessions_opened_total)" -gt "$before" ||
	    atf_fail "counters went back"
	stop_daemon
}

e2e_case gauges "Gauges go with the parent that had them"
gauges_body() {
	make_pki
	write_metrics_conf
	start_daemon
	hold one 4
	hold two 5
	get_metrics
	atf_check_equal 2 "$(metric 'postern_connections{state="open"}')"
	atf_check_equal 2 "$(metric 'postern_workers{state="busy"}')"
	kill -KILL "$(process_titled "$daemon_pid" 'posternd: parent 0')"
	expect_log event=parent-died
	expect_soon metric_is 'postern_parents{state="serving"}' 1
	expect_soon quiet
	get_status
	atf_check_equal '0 2' "$(status 'str(len(d["sessions"])) + " " +
	    str(d["opened"])')"
	stop_daemon
}

e2e_case ends "When certificate, CA and CRL run out is told, also of new ones"
seconds_of() {
	date -u -d "$(openssl "$1" -in "$2" -noout "$3" | cut -d = -f 2)" +%s
}
ends_body() {
	make_pki
	certgen crl --ca ca.pem --ca-key ca.key --crl crl.pem --crl-days 30
	write_metrics_conf clients.crl=crl.pem watch=200ms
	start_daemon
	get_metrics
	for file in certificate:server.pem ca:ca.pem; do
		atf_check_equal "$(seconds_of x509 "${file#*:}" -enddate)" \
		    "$(metric "postern_not_after_timestamp_seconds{file=\"${file%:*}\"}")"
	done
	crl='postern_not_after_timestamp_seconds{file="crl"}'
	atf_check_equal "$(seconds_of crl crl.pem -nextupdate)" \
	    "$(metric "$crl")"
	# A list that is taken as news, too.
	certgen crl --ca ca.pem --ca-key ca.key --crl crl.pem --crl-days 60
	expect_soon metric_is "$crl" "$(seconds_of crl crl.pem -nextupdate)"
	stop_daemon
}

# ---- where and how it is asked -----------------------------------------------

e2e_case unix_socket "On a Unix socket, for whoever can reach it"
unix_socket_body() {
	make_pki
	write_conf metrics.listen=unix:metrics.sock
	metrics_at=localhost
	start_daemon
	get_metrics --unix-socket metrics.sock
	atf_check_equal 666 "$(stat -c %a metrics.sock)"
	atf_check_equal 600 "$(stat -c %a status.sock)"
	# One that was killed leaves them; the next takes them.
	kill -KILL "$daemon_pid"
	wait "$daemon_pid"
	test -S metrics.sock || atf_fail "this tests nothing"
	start_daemon
	get_metrics --unix-socket metrics.sock
	get_status
	# Another instance does not take them away.
	# shellcheck disable=SC2046
	posternd -f posternd.conf $(is_root || echo -U) >out 2>&1 </dev/null
	atf_check_equal 69 $?
	grep -q '^posternd: metrics { listen }.*Address already in use$' out ||
	    atf_fail "$(cat out)"
	get_metrics --unix-socket metrics.sock
	stop_daemon
	test ! -e metrics.sock && test ! -e status.sock ||
	    atf_fail "the sockets are still there"
}

e2e_case off "Unless they are asked for there are no metrics"
off_body() {
	make_pki
	write_conf
	start_daemon
	get_status
	atf_check_equal "" "$(ss -Hltnp 2>/dev/null | grep -F '"posternd: expo')"
	write_conf status-socket='""' metrics.listen=
	stop_daemon
	start_daemon
	process_titled "$daemon_pid" 'posternd: exporter' &&
	    atf_fail "an exporter that nobody can ask"
	ask_status >out 2>&1 && atf_fail "status, from nobody"
	atf_check_equal 78 "$(ask_status >out 2>&1; echo $?)"
	stop_daemon
}

e2e_case changed "Another address needs a restart, and says so"
changed_body() {
	make_pki
	write_metrics_conf
	start_daemon
	old=$metrics_at
	write_metrics_conf
	kill -HUP "$daemon_pid"
	expect_log 'event=reload detail="failed: .*metrics, status-socket, exporter-user: a change needs a restart'
	metrics_at=$old
	get_metrics
	atf_check_equal 1 "$(metric 'postern_reloads_total{result="failed"}')"
	stop_daemon
}

say() {
	timeout 20 socat -t 10 - "TCP:$metrics_at" >said 2>said.err
}

# answered CODE: by the first line of what came.
answered() {
	head -n 1 said | grep -q "^HTTP/1.[01] $1" ||
	    atf_fail "answered $(head -n 1 said), not $1"
}

e2e_case bad_requests "Whatever it is asked, it answers the next"
bad_requests_body() {
	make_pki
	write_metrics_conf
	start_daemon
	exporter=$(the_exporter)
	printf 'GET /metrics HTTP/1.0\r\n\r\n' | say
	answered 200
	printf 'GET /else HTTP/1.1\r\nHost: x\r\n\r\n' | say
	answered 404
	for host in localhost LocalHost:9464 127.0.0.1 192.0.2.1:80 '[::1]' \
	    '[2001:db8::1]:9464'; do
		printf 'GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n' $host | say
		answered 200
	done
	# What a browser's page could have got its name to mean.
	for host in x rebound.example:9464 127.0.0.1.rebound.example \
	    localhost.rebound.example 127.0.0.1:80.x ''; do
		printf 'GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n' $host | say
		answered 4
	done
	printf 'DELETE /metrics HTTP/1.1\r\n\r\n' | say
	answered '[45]'
	printf 'nonsense\r\n\r\n' | say
	answered 400
	# What has not been read when it closes may take the answer along.
	for request in \
	    'POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc' \
	    'GET /metrics HTTP/1.1\r\nContent-Length: 99999\r\n\r\nabc' \
	    'GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\nabc' \
	    'GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\na'
	do
		# shellcheck disable=SC2059
		printf "$request" | say
		grep -q '^HTTP/1.[01] [123]' said && atf_fail "$request"
	done
	head -c 100000 /dev/urandom | say
	{
		printf 'GET /metrics HTTP/1.1\r\nA: '
		head -c 100000 /dev/zero | tr '\0' a
	} | say
	grep -q '^HTTP/1.[01] [123]' said && atf_fail "a header too long"
	: | say
	get_metrics
	alive "$exporter" || atf_fail "it did not survive"
	stop_daemon
}

silent_ones() {
	python3 -c 'import socket, sys, time
c = []
for i in range(64):
	c.append(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
print("there", flush=True)
time.sleep(300)' "${metrics_at#*:}" >silent
}

e2e_case crowd "Who connects and says nothing goes, and the others are served"
crowd_body() {
	make_pki
	write_metrics_conf
	start_daemon
	exporter=$(the_exporter)
	run_in_background silent_ones
	expect_soon test -s silent
	# each has five seconds; the clients of the service notice nothing
	assert_echo
	wait_for 60 get_quietly || atf_fail "they keep the others out"
	alive "$exporter" || atf_fail "it did not survive"
	stop_daemon
}
# They come again when they have been sent away, and say a letter now and then.
many_slow_ones() {
	python3 -c 'import selectors, socket, sys, time
loop = selectors.DefaultSelector()
def come():
	s = socket.socket()
	s.setblocking(False)
	s.connect_ex(("127.0.0.1", int(sys.argv[1])))
	loop.register(s, selectors.EVENT_READ)
for i in range(100):
	come()
print("there", flush=True)
said = 0
while True:
	for key, what in loop.select(0.2):
		loop.unregister(key.fileobj)
		key.fileobj.close()
		come()
	if time.monotonic() - said < 1:
		continue
	said = time.monotonic()
	for key in list(loop.get_map().values()):
		try:
			key.fileobj.send(b"G")
		except OSError:
			pass' "${metrics_at#*:}" >slow
}

answers_status() {
	timeout 4 posternd -f posternd.conf --status >out 2>err
}

e2e_case status_first \
    "Whoever asks for metrics gives way to who asks for status"
status_first_body() {
	make_pki
	write_metrics_conf
	start_daemon
	exporter=$(the_exporter)
	run_in_background many_slow_ones
	expect_soon test -s slow
	for i in 1 2 3 4 5 6 7 8; do
		wait_for 20 answers_status || atf_fail "not told: $i"
	done
	alive "$exporter" || atf_fail "it did not survive"
	stop_daemon
}
get_quietly() {
	ask_metrics >metrics.text 2>/dev/null
}

# ---- status ------------------------------------------------------------------

e2e_case status "Status: who is there, since when, with how much"
status_body() {
	make_pki
	issue client odd ca --name 'a "b" \c'
	write_metrics_conf parents=2 max-connections=8 accept-rate=1 \
	    accept-burst=900
	start_daemon
	hold one 4
	feed one 4 "twelve more"
	hold two 5 -C odd.pem -K odd.key
	get_status
	atf_check_equal "2 True" "$(status 'str(len(d["sessions"])) + " " +
	    str(d["service"]["pid"] == int("'"$daemon_pid"'"))')"
	odd=$(sed -n 's/.*event=open .*subject="\(CN=a.*\)" sha256.*/\1/p' \
	    daemon.log)
	test -n "$odd" || atf_fail "the log has no such subject"
	status '"\n".join(sorted(s["subject"] for s in d["sessions"]))' >out
	printf '%s\n' "$odd" CN=client | diff - out >&2 || atf_fail "subjects"
	atf_check_equal "[(24, 24)]" "$(status '[(s["bytes_in"],
	    s["bytes_out"]) for s in d["sessions"]
	    if s["subject"] == "CN=client"]')"
	atf_check_equal "[2, 8]" "$(status '[[l["now"], l["max"]]
	    for l in d["limits"] if l["limit"] == "max-connections"][0]')"
	# both from one address; all are let in
	atf_check_equal "[['max-handshakes', 0, 64], \
['max-connections-per-address', 2, 0], ['accept-rate', None, 1], \
['accept-burst', True, 900]]" "$(status '[[l["limit"],
	    l.get("now") if l["limit"] != "accept-burst" else 0 <= l["now"] <= 2,
	    l["max"]] for l in d["limits"] if l["limit"] != "max-connections"]')"
	peer=$(sed -n 's/.*event=open peer=\([^ ]*\) .*CN=client.*/\1/p' \
	    daemon.log)
	ask_status >out || atf_fail "no status"
	grep -q "^$peer  *[0-9]*s  *24  *24  CN=client$" out ||
	    atf_fail "not there: $peer: $(cat out)"
	grep -q '^limit *max-connections 2 of 8 (25%)$' out ||
	    atf_fail "$(cat out)"
	grep -q '^limit *accept-rate 1 a second$' out || atf_fail "$(cat out)"
	grep -q '^limit *accept-burst [012] of 900 (0%)$' out ||
	    atf_fail "$(cat out)"
	expect_soon counted_as_fast
	grep -q '^parent *serving *pid' out || atf_fail "$(cat out)"
	grep -q '^expiry *certificate in [0-9]*d' out || atf_fail "$(cat out)"
	grep -q '[^ -~]' out && atf_fail "what is no text: $(cat -v out)"
	release one 4
	release two 5
	expect_soon no_sessions
	stop_daemon
}
# Each leaks away in a second: it is told of those that have just come.
counted_as_fast() {
	connect </dev/null >/dev/null && connect </dev/null >/dev/null &&
	    ask_status --json >status.json && test "$(status \
	    '[l["now"] for l in d["limits"] if l["limit"] == "accept-burst"][0]
	    ')" -ge 2
}

no_sessions() {
	ask_status --json >status.json && test "$(status \
	    'len(d["sessions"])')" -eq 0
}

e2e_case status_nobody "Where nobody answers, status says so, and why"
# refuses_status CODE PATTERN
refuses_status() {
	ask_status >out 2>err
	atf_check_equal "$1" $?
	test "$(wc -l <err)" -eq 1 && grep -q "^posternd: $2" err ||
	    atf_fail "$(cat err)"
}
status_nobody_body() {
	make_pki
	write_conf
	refuses_status 69 '.*status.sock: No such file or directory: no posternd runs'
	start_daemon
	# It hangs; then it is killed, and the next one answers.
	exporter=$(the_exporter)
	kill -STOP "$exporter"
	refuses_status 69 '.*status.sock: no answer: the exporter is down or'
	assert_echo
	kill -KILL "$exporter"
	expect_log "event=exporter-died exporter=$exporter signal=KILL"
	get_status
	exporter=$(the_exporter)
	kill -KILL "$daemon_pid"
	wait "$daemon_pid"
	expect_soon gone "$exporter"
	refuses_status 69 '.*status.sock: Connection refused: no posternd runs'
}

root_case status_rights "Status is for root; who asks is root no longer then"
status_rights_body() {
	make_pki
	write_conf
	start_daemon
	chmod 755 .
	setpriv --reuid nobody --regid nogroup --clear-groups \
	    "$(command -v posternd)" -f posternd.conf --status >out 2>err &&
	    atf_fail "anybody may ask"
	grep -q 'Permission denied' err || atf_fail "$(cat err)"
	# A liar on the socket: what it says is read by who can do nothing.
	stop_daemon
	socat UNIX-LISTEN:status.sock,fork \
	    SYSTEM:'head -c 100000 /dev/urandom' &
	record $!
	expect_soon test -S status.sock
	ask_status >out 2>err && atf_fail "it believed that"
	grep -q 'what it says is no answer' err || atf_fail "$(cat err)"
}

# ---- its life ----------------------------------------------------------------

e2e_case dies "Its death touches nothing; again and again it comes later"
dies_body() {
	make_pki
	write_metrics_conf
	start_daemon
	hold one 4
	for turn in 1 2 3; do
		expect_soon the_exporter_is_there
		kill -KILL "$(the_exporter)"
		expect_soon died_times $turn
		feed one 4 "still here"
	done
	expect_soon get_quietly
	get_metrics
	atf_check_equal 3 "$(metric \
	    'postern_processes_died_total{process="exporter"}')"
	release one 4
	atf_check_equal 0 "$(log_count event=parent-died)"
	stop_daemon
}
the_exporter_is_there() {
	test -n "$(the_exporter)"
}
died_times() {
	test "$(log_count event=exporter-died)" -eq "$1"
}
