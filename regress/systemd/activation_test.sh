#! /usr/bin/env atf-sh
#
# Sockets that a service manager hands over, and files that it gives.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../systemd_verbs.sh"

# In place of the usual address; and a port for it.
begin() {
	make_pki
	port=$(free_port)
	write_conf "$@"
}

handed() {
	echo "--socket $1=tcp:127.0.0.1:$port"
}

# ---- good ones ---------------------------------------------------------------

e2e_case named "A socket is taken by its name, and outlives generations"
named_body() {
	begin 'listen={"fd:web"}'
	# shellcheck disable=SC2046
	start_managed $(handed web)
	assert_echo
	hold one 4
	for n in 2 3; do
		kill -HUP "$daemon_pid"
		expect_log "event=reload result=ok generation=$n "
		assert_echo
	done
	feed one 4 "still there"
	release one 4
	stop_managed
	atf_check_equal 0 "$(log_count 'descriptors inherited')"
}

e2e_case default "Without listen it is the one named postern"
default_body() {
	begin 'listen='
	# shellcheck disable=SC2046
	start_managed $(handed postern)
	assert_echo
	stop_managed
}

e2e_case several "Several of one name, IPv6, and an address of our own"
several_body() {
	make_pki
	a=$(free_port) b=$(free_port) c=$(free_port) d=$(free_port)
	write_conf "listen={\"127.0.0.1:$c\", \"fd:x\", \"fd:six\"}"
	start_managed --socket "x=tcp:127.0.0.1:$a" \
	    --socket "six=tcp:[::1]:$b" --socket "x=tcp:127.0.0.1:$d"
	for at in "127.0.0.1 $a" "::1 $b" "127.0.0.1 $d" "127.0.0.1 $c"; do
		# shellcheck disable=SC2086
		echo "$at" | postern -R ca.pem -C client.pem -K client.key \
		    $at >out 2>err || atf_fail "$at: $(cat err)"
		atf_check_equal "$at" "$(cat out)"
	done
	stop_managed
}

# What waits in the queue is the next one's.
e2e_case waits "Whoever connects while there is no service waits for the next"
waits_body() {
	begin 'listen='
	# shellcheck disable=SC2016,SC2046
	python3 "$source_dir/regress/manager.py" --socket \
	    "postern=tcp:127.0.0.1:$port" -- sh -c '
		while ! test -e over; do
			sh -c "LISTEN_PID=\$\$ exec posternd \"\$@\"" sh "$@"
		done' sh -f posternd.conf $(is_root || echo -U) \
	    >daemon.log 2>&1 &
	record $!
	launcher=$!
	ready_times() {
		test "$(log_count event=ready)" -ge "$1"
	}
	expect_soon ready_times 1
	for round in 2 3; do
		first=$(process_titled "$launcher" 'posternd: supervisor')
		kill -TERM "$first"
		expect_soon gone "$first"
		# There is none, and there is no refusal either.
		assert_echo
		expect_soon ready_times $round
	done
	touch over
	kill -TERM "$(process_titled "$launcher" 'posternd: supervisor')"
	wait_for 60 gone "$launcher" || atf_fail "it does not end"
}

e2e_case metrics "Metrics by a local socket, and by one of TCP"
metrics_body() {
	begin 'metrics.listen=fd:numbers'
	start_managed --socket "numbers=unix:$PWD/numbers.sock"
	curl -s --unix-socket numbers.sock http://localhost/metrics |
	    grep -q ^postern_ || atf_fail "no metrics"
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok generation=2 '
	curl -s --unix-socket numbers.sock http://localhost/metrics |
	    grep -q ^postern_ || atf_fail "no metrics"
	stop_managed
	test -e numbers.sock || atf_fail "it is not ours to remove"
	m=$(free_port)
	start_managed --socket "numbers=tcp:127.0.0.1:$m"
	curl -s "http://127.0.0.1:$m/metrics" | grep -q ^postern_ ||
	    atf_fail "no metrics"
	stop_managed
}

e2e_case checked "-n does not want them, and looks at those there are"
checked_body() {
	begin 'listen={"fd:web"}' 'metrics.listen=fd:numbers'
	set --
	is_root || set -- -U
	posternd -n "$@" -f posternd.conf >out 2>&1 || atf_fail "$(cat out)"
	# shellcheck disable=SC2046
	must_refuse 78 '"fd:numbers": no socket of that name' \
	    $(handed web) -- -n
}

# ---- bad ones ----------------------------------------------------------------

e2e_case missing "One that is named and not there"
missing_body() {
	begin 'listen={"fd:web"}'
	must_refuse 78 'posternd.conf: listen = "fd:web": no socket of that name'
	# shellcheck disable=SC2046
	must_refuse 78 'listen = "fd:web": no socket of that name' \
	    $(handed postern)
	write_conf 'metrics.listen=fd:m'
	must_refuse 78 'metrics { listen } = "fd:m": no socket of that name'
}

e2e_case unwanted "One that nothing names"
unwanted_body() {
	begin
	p=$(free_port)
	must_refuse 78 'a socket "postern" was handed over, and nothing names' \
	    --socket "postern=tcp:127.0.0.1:$p"
	# Nor may a reload leave one alone.
	write_conf "listen={\"fd:web\", \"127.0.0.1:$port\"}"
	start_managed --socket "web=tcp:127.0.0.1:$p"
	write_conf
	kill -HUP "$daemon_pid"
	expect_log 'event=reload .*a socket \\"web\\" was handed over'
	assert_echo
	stop_managed
}

e2e_case useless "One that nobody can be accepted from"
useless_body() {
	begin 'listen={"fd:x"}'
	must_refuse 78 'descriptor 3, "x", is no stream socket that listens' \
	    --socket x=udp:
	must_refuse 78 'descriptor 3, "x", is no stream socket that listens' \
	    --socket x=connected:
	must_refuse 78 'descriptor 3, "x", is no stream socket that listens' \
	    --socket "x=bound:$(free_port)"
	must_refuse 78 'descriptor 3, "x", is not open' --socket x=none:
	must_refuse 78 'clients come by TCP, and that is a local socket' \
	    --socket "x=unix:$PWD/x.sock"
	write_conf 'metrics.listen=fd:x'
	must_refuse 78 'from elsewhere nobody may ask' \
	    --socket "x=tcp:0.0.0.0:$(free_port)"
}

e2e_case many "More than there may be"
many_body() {
	begin 'listen={"fd:x"}'
	# shellcheck disable=SC2046
	must_refuse 78 'more sockets than the 16' $(
		for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
			echo "--socket x=tcp:127.0.0.$n:$port"
		done)
}

e2e_case hostile "Values that cannot be"
hostile_body() {
	begin 'listen={"fd:x"}'
	s=$(handed x)
	for bad in 0 -1 x 33 4294967297 99999999999999999999 ''; do
		# shellcheck disable=SC2086
		must_refuse 78 "LISTEN_FDS=$bad: want a number" $s \
		    --set "LISTEN_FDS=$bad"
	done
	# More than there are
	# shellcheck disable=SC2086
	must_refuse 78 'descriptor 4, "y", is not open' $s \
	    --set LISTEN_FDS=2 --set LISTEN_FDNAMES=x:y
	long=$(head -c 3000 /dev/zero | tr '\0' n)
	for names in '' : "$long" 'x"y' 'é'; do
		# shellcheck disable=SC2086
		must_refuse 78 'LISTEN_FDNAMES: want 1 names' $s \
		    --set "LISTEN_FDNAMES=$names"
	done
	# Those of another process are nobody's.
	for pid in 1 x '' 99999999999999; do
		# shellcheck disable=SC2086
		must_refuse 78 'no socket of that name' $s \
		    --set "LISTEN_PID=$pid"
	done
	# Without names they are all "unknown".
	write_conf 'listen={"fd:unknown"}'
	# shellcheck disable=SC2046
	start_managed $(handed x) --set LISTEN_FDNAMES=-
	assert_echo
	stop_managed
}

e2e_case names_in_file "Names that a configuration cannot have"
names_in_file_body() {
	make_pki
	for bad in '"fd:"' '"fd:a b"' '"fd:a:b"' '"fd:x", "fd:x"'; do
		write_conf "listen={$bad}"
		set --
		is_root || set -- -U
		posternd -n "$@" -f posternd.conf >out 2>&1 &&
		    atf_fail "taken: $bad"
		grep -q 'posternd.conf:1: listen = ' out ||
		    atf_fail "$(cat out)"
	done
}

# ---- credentials -------------------------------------------------------------

e2e_case credentials "Files that are given as credentials"
credentials_body() {
	begin key=credential:the.key certificate=credential:cert \
	    clients.ca=credential:ca
	mkdir given
	cp server.key given/the.key
	cp server.pem given/cert
	cp ca.pem given/ca
	chmod 600 given/the.key
	start_managed --set "CREDENTIALS_DIRECTORY=$PWD/given"
	assert_echo
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok generation=2 '
	assert_echo
	stop_managed
}

e2e_case no_credentials "Where there are none, the start says what is lacking"
no_credentials_body() {
	begin key=credential:the.key
	status=0
	launch_managed
	managed_status || status=$?
	atf_check_equal 78 "$status"
	log_has 'credential:the.key: CREDENTIALS_DIRECTORY is not set' || {
		show_log
		atf_fail "it does not say so"
	}
	mkdir given
	launch_managed --set "CREDENTIALS_DIRECTORY=$PWD/given"
	status=0
	managed_status || status=$?
	atf_check_equal 78 "$status"
	log_has 'given/the.key: No such file' || atf_fail "nor that"
	for bad in credential: credential:a/b credential:.. credential:../x; do
		write_conf "key=$bad"
		must_refuse 78 'posternd.conf:3: key = .*want a file name' \
		    --set "CREDENTIALS_DIRECTORY=$PWD/given"
	done
}
