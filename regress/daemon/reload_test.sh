#! /usr/bin/env atf-sh
#
# HUP, TERM and INT: what is new is taken, what is bad changes nothing, and no
# client is refused, lost or cut off on the way.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

hup() {
	kill -HUP "$daemon_pid" || atf_fail "posternd has gone"
}

# reload N: it must succeed, as generation N.
reload() {
	hup
	expect_log "event=reload result=ok generation=$1 "
}

# bad_reload TEXT...: it must fail; the log says each (a pattern), and all goes
# on as it was.
bad_reload() {
	: >daemon.log
	hup
	expect_log 'process=supervisor event=reload detail="failed: '
	for words; do
		log_has "$words" || {
			show_log
			atf_fail "the log does not say: $words"
		}
	done
	log_has 'event=reload result=ok' && atf_fail "it was taken"
	feed old 4 "after: $1"
	assert_echo
}

# The hash of the certificate that is served, as our client tells it.
served() {
	echo hello | connect -v 2>&1 >served.out |
	    grep -o -i '[0-9a-f]\{64\}' | head -n 1
}

hash_of() {
	openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -r |
	    cut -c 1-64
}

# ---- under load --------------------------------------------------------------

# One client after another until there is a file "enough"; then says how many.
# A client that fails leaves a file "failed".
clients() {
	echo "I am client $1" >"load$1.in"
	served_=0
	until test -e enough; do
		if connect -w 30 <"load$1.in" >"load$1.out" 2>"load$1.err" &&
		    cmp -s "load$1.in" "load$1.out"; then
			served_=$((served_ + 1))
			echo $served_ >"load$1.count"
		else
			echo "status $?: $(cat "load$1.err")" >>failed
		fi
	done
}

# at_least FILE N: the number in it
at_least() {
	test "$(cat "$1" 2>/dev/null || echo 0)" -ge "$2"
}

# load_is_on: each client has come once more since it was asked last.
load_is_on() {
	for n in 1 2 3; do
		now=$(cat "load$n.count" 2>/dev/null || echo 0)
		expect_soon at_least "load$n.count" $((now + 1))
	done
}

under_load() {
	make_pki
	write_conf "parents=$1"
	start_daemon
	hold old 4
	for n in 1 2 3; do
		without_feeds clients $n &
		record $!
		eval "load_pid$n=$!"
	done
	for generation in 2 3 4 5 6; do
		load_is_on
		reload $generation
		feed old 4 "after reload $generation"
	done
	load_is_on
	: >enough
	for n in 1 2 3; do
		eval "wait_for 60 gone \$load_pid$n"
	done
	test ! -e failed || {
		show_log
		atf_fail "clients were lost: $(cat failed)"
	}
	release old 4
	atf_check_equal 0 "$(log_count event=refused)"
	atf_check_equal 0 "$(log_count 'end=[^f]')"
	stop_daemon
}

e2e_case load_on_one "No client is lost while one parent is reloaded"
load_on_one_body() {
	under_load 1
}

e2e_case load_on_two "No client is lost while two parents are reloaded"
load_on_two_body() {
	under_load 2
}

# ---- generations -------------------------------------------------------------

e2e_case four_generations "The fifth generation ends the oldest, cleanly"
four_generations_body() {
	make_pki
	write_conf timeouts.drain=2s
	start_daemon
	hold first 4
	reload 2
	hold second 5
	reload 3
	hold third 6
	reload 4
	hold fourth 7
	# It is full now; the oldest still has much to echo.
	random_file much 1048576
	cat much >>first.in
	cat much >&4
	reload 5
	hold fifth 8
	expect_soon gone "$first_pid"
	release first 4
	expect_log 'event=close .* end=shutting-down bytes_in=1048590'
	feed second 5 "goes on"
	feed third 6 "goes on"
	feed fourth 7 "goes on"
	feed fifth 8 "goes on"
	reload 6
	expect_soon gone "$second_pid"
	release second 5
	release third 6
	release fourth 7
	release fifth 8
	stop_daemon
}

old_parents_gone() {
	test "$(process_titled "$daemon_pid" 'posternd: parent*' | wc -l)" -eq 1
}

e2e_case old_ones_go "A generation without sessions leaves nothing behind"
old_ones_go_body() {
	make_pki
	write_conf
	start_daemon
	# more often than there is room for generations or pages of the board
	for generation in 2 3 4 5 6 7 8 9; do
		reload $generation
		expect_soon old_parents_gone
	done
	assert_echo
	atf_check_equal 0 "$(log_count event=parent-died)"
	atf_check_equal 0 "$(log_count level=error)"
	stop_daemon
}

e2e_case impatient "HUP upon HUP: the last one counts"
impatient_body() {
	make_pki
	write_conf
	start_daemon
	issue server new ca --host 127.0.0.1
	for n in 1 2 3 4 5 6; do
		hup
	done
	cp new.pem server.pem
	cp new.key server.key
	hup
	expect_soon serves new.pem
	assert_echo
	stop_daemon
}

serves() {
	test "$(served)" = "$(hash_of "$1")"
}

# ---- what is new -------------------------------------------------------------

e2e_case new_files "A new certificate, key and CA are taken"
new_files_body() {
	make_pki
	write_conf
	start_daemon
	atf_check_equal "$(hash_of server.pem)" "$(served)"
	issue server new ca --host 127.0.0.1
	mv new.pem server.pem
	mv new.key server.key
	reload 2
	atf_check_equal "$(hash_of server.pem)" "$(served)"
	# Who was let in is not any more, and the other way round.
	write_conf clients.ca=other-ca.pem
	reload 3
	echo hello | connect 2>/dev/null && atf_fail "the old CA still counts"
	expect_log 'event=refused reason=untrusted'
	echo hello >in
	postern -R ca.pem -C other.pem -K other.key 127.0.0.1 "$port" \
	    <in >out ||
	    atf_fail "the new CA does not count"
	cmp in out || atf_fail "not what was sent"
	stop_daemon
}

not_listening() {
	! listening "$1"
}

e2e_case new_address "A new address is listened at, an old one let go"
new_address_body() {
	make_pki
	write_conf
	start_daemon
	hold old 4
	first=$port
	port=$(free_port)
	write_conf "listen={\"127.0.0.1:$first\", \"127.0.0.1:$port\"}"
	reload 2
	assert_echo
	port=$first
	assert_echo
	port=$(sed -n 's/.*, "127.0.0.1:\([0-9]*\)".*/\1/p' posternd.conf)
	write_conf
	reload 3
	assert_echo
	expect_soon not_listening "$first"
	feed old 4 "still here"
	release old 4
	stop_daemon
}

# ---- what is bad -------------------------------------------------------------

e2e_case bad_files "With bad files the old generation goes on"
bad_files_body() {
	make_pki
	cp server.pem good.pem
	cp server.key good.key
	cp ca.pem clients.pem
	write_conf clients.ca=clients.pem
	start_daemon
	hold old 4

	echo "no key" >server.key
	bad_reload 'process=parent .*server.key: holds no private key'
	cp other.key server.key
	bad_reload 'process=parent .*server.key: the key does not match'
	chmod 644 server.key
	bad_reload 'server.key: others may read the key'
	rm server.key
	bad_reload 'server.key: No such file or directory'
	mkfifo server.key
	bad_reload 'server.key: is not a regular file'
	rm server.key
	cp good.key server.key
	chmod 600 server.key

	: >server.pem
	bad_reload 'process=parent .*server.pem: is empty'
	echo "no certificate" >server.pem
	bad_reload 'process=parent .*server.pem: '
	issue server expired ca --host 127.0.0.1 \
	    --not-after "$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%SZ)"
	cp expired.pem server.pem
	cp expired.key server.key
	bad_reload 'process=parent .*server.pem: the certificate expired at 20'
	cp good.pem server.pem
	cp good.key server.key

	: >clients.pem
	bad_reload 'process=parent .*clients.pem: is empty'
	echo "no CA" >clients.pem
	bad_reload 'process=parent .*clients.pem: '
	cp ca.pem clients.pem

	: >daemon.log
	hup
	expect_log 'event=reload result=ok'
	feed old 4 "after a good one"
	release old 4
	stop_daemon
}

e2e_case bad_configuration "With a bad configuration the old one goes on"
bad_configuration_body() {
	make_pki
	write_conf
	start_daemon
	hold old 4

	write_conf colour=blue
	bad_reload 'failed: .*posternd.conf:[0-9]*: .*colour'
	write_conf parents=many
	bad_reload 'failed: .*posternd.conf:[0-9]*: parents = '
	echo 'parents = "1' >posternd.conf
	bad_reload 'failed: .*posternd.conf:[0-9]*: '
	write_conf parents=9
	bad_reload 'parents: more than at the start needs a restart'
	write_conf log.to=syslog
	bad_reload 'log { to }: a change needs a restart'
	if is_root; then
		write_conf user=nobody
		bad_reload 'user, worker-user: a change needs a restart'
	fi
	write_conf tls.ciphers=NONSENSE
	bad_reload 'process=parent .*tls: '
	# An address that is not ours to have.
	write_conf "listen={\"127.0.0.1:$port\", \"192.0.2.1:$port\"}"
	bad_reload 'listen 192.0.2.1'
	rm posternd.conf
	bad_reload 'posternd.conf: No such file'

	write_conf
	: >daemon.log
	hup
	expect_log 'event=reload result=ok'
	release old 4
	stop_daemon
}

# ---- the end -----------------------------------------------------------------

e2e_case term_drains "TERM: a session in flight finishes, then it ends with 0"
term_drains_body() {
	make_pki
	write_conf parents=2 timeouts.drain=50s
	start_daemon
	hold one 4
	kill -TERM "$daemon_pid"
	expect_log 'process=supervisor event=drain'
	expect_soon not_listening "$port"
	feed one 4 "in flight"
	release one 4
	daemon_status || atf_fail "it ended with status $?"
	log_has 'process=supervisor event=stop' || atf_fail "it did not say so"
	atf_check_equal 0 "$(log_count end=shutting-down)"
}

# connected N: so many clients have a connection to the service, as the kernel
# sees it.
connected() {
	test "$(grep -c "^ *[0-9]*: [0-9A-F:]* [0-9A-F]*:$(printf %04X "$port") 01 " \
	    /proc/net/tcp)" -eq "$1"
}

# one_client NAME: it has its echo, or leaves a file NAME.failed
one_client() {
	echo "I am $1" >"$1.in"
	connect -w 60 <"$1.in" >"$1.out" 2>"$1.err" &&
	    cmp -s "$1.in" "$1.out" || cp "$1.err" "$1.failed"
}

e2e_case queued "TERM: who waits in the queue is served, who is new is not"
queued_body() {
	make_pki
	write_conf timeouts.drain=50s timeouts.handshake=50s
	start_daemon
	parent=$(process_titled "$daemon_pid" 'posternd: parent*')
	kill -STOP "$parent"
	expect_soon is_stopped "$parent"
	# more than it takes at once
	for n in $(seq 24); do
		run_in_background one_client client$n
	done
	expect_soon connected 24
	kill -TERM "$daemon_pid"
	expect_log 'process=supervisor event=drain'
	one_client late
	grep -q 'Connection refused' late.failed ||
	    atf_fail "one that is new is in the queue: $(cat late.*)"
	kill -CONT "$parent"
	daemon_status || atf_fail "it ended with status $?"
	for n in $(seq 24); do
		test ! -e client$n.failed ||
		    atf_fail "client $n was lost: $(cat client$n.failed)"
	done
	atf_check_equal 24 "$(log_count 'event=close .*end=finished')"
	atf_check_equal 0 "$(log_count event=refused)"
}

e2e_case drain_has_an_end "When the drain has lasted, sessions end cleanly"
drain_has_an_end_body() {
	make_pki
	write_conf timeouts.drain=1s
	start_daemon
	hold one 4
	kill -INT "$daemon_pid"
	expect_soon gone "$one_pid"
	expect_log 'event=close .* end=shutting-down'
	daemon_status || atf_fail "it ended with status $?"
	# Without a word from us its client took that for a good end.
	release one 4
}

e2e_case second_term "A second TERM ends it at once"
second_term_body() {
	make_pki
	write_conf timeouts.drain=10m
	start_daemon
	hold one 4
	all=$(tree_of "$daemon_pid")
	kill -TERM "$daemon_pid"
	expect_log 'process=parent event=drain'
	kill -TERM "$daemon_pid"
	expect_soon gone "$daemon_pid"
	for pid in $all; do
		expect_soon gone "$pid"
	done
	held_status one 4 && atf_fail "its client was told all is well"
	daemon_status || atf_fail "it ended with status $?"
}

e2e_case term_after_reloads "TERM ends all generations"
term_after_reloads_body() {
	make_pki
	write_conf timeouts.drain=50s
	start_daemon
	hold one 4
	reload 2
	hold two 5
	reload 3
	kill -TERM "$daemon_pid"
	expect_log 'process=supervisor event=drain'
	feed one 4 "in flight"
	feed two 5 "in flight"
	release one 4
	release two 5
	daemon_status || atf_fail "it ended with status $?"
	atf_check_equal 0 "$(log_count event=parent-died)"
}
