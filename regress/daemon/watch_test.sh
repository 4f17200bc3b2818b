#! /usr/bin/env atf-sh
#
# Files that change by themselves: what is whole is taken without a command,
# what is not changes nothing and is told of once, and who is let in no more
# does not stay in either.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# watch_conf [key=value...]: it looks ten times a second.
watch_conf() {
	write_conf watch=100ms "$@"
}

# put FILE...: each FILE.new takes its place at once, as rename(2) does.
put() {
	for name; do
		mv "$name.new" "$name"
	done
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

serves() {
	test "$(served)" = "$(hash_of "$1")"
}

# How often the supervisor has gone to sleep: at least once a look.
naps() {
	sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' \
	    "/proc/$daemon_pid/status"
}

napped() {
	test "$(naps)" -ge "$1"
}

# It has looked many times more, whatever it saw.
looks_go_by() {
	wait_for 30 napped $(($(naps) + 20)) ||
	    atf_fail "the supervisor does not look"
}

# told N TEXT: the log has so many lines like it.
told() {
	test "$(log_count "$2")" -eq "$1" || {
		show_log
		atf_fail "not $1 times in the log, but $(log_count "$2"): $2"
	}
}

failed_reload='process=supervisor event=reload detail="failed: '

# refuses FILE...: a change is not taken, told of once, and what was serves on.
refuses() {
	expect_log "$failed_reload"
	looks_go_by
	told 1 "$failed_reload"
	told 0 'event=reload result=ok'
	for name; do
		told 1 "event=changed file=[^ ]*/$name "
	done
	feed old 4 "after a bad $1"
	serves good.pem || atf_fail "another certificate is served"
	: >daemon.log
}

# takes FILE...: a change is taken, and what it was is told.
takes() {
	expect_log 'event=reload result=ok'
	for name; do
		log_has "event=changed file=[^ ]*/$name " || {
			show_log
			atf_fail "it is not told that $name has changed"
		}
	done
	: >daemon.log
}

# A service with a session, and another certificate to come: new.pem, new.key.
start_watched() {
	make_pki
	watch_conf "$@"
	cp server.pem good.pem
	cp server.key good.key
	issue server new ca --host 127.0.0.1
	start_daemon
	hold old 4
}

new_pair() {
	cp new.pem server.pem.new
	cp new.key server.key.new
}

# ---- certificates and keys ---------------------------------------------------

e2e_case renamed "A new certificate is served without a command"
renamed_body() {
	start_watched
	looks_go_by
	told 0 event=changed
	new_pair
	put server.key server.pem
	expect_soon serves new.pem
	told 1 'event=changed file=[^ ]*/server.pem what=certificate'
	told 1 'event=changed file=[^ ]*/server.key what=key'
	expect_log 'event=reload result=ok'
	looks_go_by
	told 1 'event=reload result=ok'
	feed old 4 "is still here"
	release old 4
	stop_daemon
}

e2e_case in_place "A file that is written over is taken as well"
in_place_body() {
	start_watched
	cat new.pem >server.pem
	cat new.key >server.key
	expect_soon serves new.pem
	release old 4
	stop_daemon
}

# As Kubernetes does it: the names are links through one that is replaced.
e2e_case links "A link that leads elsewhere now is a change"
links_body() {
	make_pki
	issue server new ca --host 127.0.0.1
	mkdir v1 v2
	mv server.pem server.key v1
	cp new.pem v2/server.pem
	cp new.key v2/server.key
	ln -s v1 current
	ln -s current/server.pem current/server.key .
	watch_conf
	start_daemon
	serves v1/server.pem || atf_fail "the first is not served"
	ln -s v2 next
	mv -T next current
	expect_soon serves v2/server.pem
	told 1 'event=changed file=[^ ]*/server.pem '
	told 1 'event=changed file=[^ ]*/server.key '
	stop_daemon
}

e2e_case half_written "Half a file is not taken, and told of once"
half_written_body() {
	start_watched
	head -c 100 good.key >server.key
	expect_log 'process=parent .*server.key: '
	refuses server.key
	# the rest of it comes
	cat good.key >server.key
	takes server.key
	release old 4
	stop_daemon
}

e2e_case mismatch "A certificate without its key is not taken"
mismatch_body() {
	start_watched
	new_pair
	put server.pem
	expect_log 'server.key: the key does not match'
	refuses server.pem
	put server.key
	expect_soon serves new.pem
	takes server.key
	release old 4
	stop_daemon
}

e2e_case missing "A file that is missing is told of once, and taken when back"
missing_body() {
	start_watched
	rm server.key
	expect_log 'server.key: No such file'
	refuses server.key
	chmod 644 new.key
	cp new.key server.key
	expect_log 'server.key: others may read the key'
	refuses server.key
	chmod 600 server.key
	cp new.pem server.pem
	expect_soon serves new.pem
	takes server.key server.pem
	release old 4
	stop_daemon
}

# It takes some writers long: no look between may take it for done.
e2e_case slow_writer "A file that goes on growing is left alone"
slow_writer_body() {
	start_watched watch=1s
	cp new.pem server.pem
	: >server.key
	while read -r line; do
		echo "$line" >>server.key
		told 0 event=changed
		before=$(naps)
		wait_for 20 napped $((before + 1))
	done <new.key
	expect_soon serves new.pem
	told 0 "$failed_reload"
	release old 4
	stop_daemon
}

# As when their file system was not there for a while: the same files again.
e2e_case put_back "Files that come back as they were are no matter any more"
put_back_body() {
	make_pki
	mkdir files
	mv server.pem server.key files
	cp files/server.pem good.pem
	watch_conf certificate=files/server.pem key=files/server.key
	start_daemon
	hold old 4
	for _ in 1 2; do
		mv files aside
		expect_log 'server.pem: No such file'
		refuses server.pem server.key
		mv aside files
		looks_go_by
		told 0 "$failed_reload"
		told 0 event=changed
	done
	# and it still looks
	issue server new ca --host 127.0.0.1
	cp new.pem files/server.pem
	cp new.key files/server.key
	expect_soon serves new.pem
	release old 4
	stop_daemon
}

# descriptors N: so many may the supervisor have
descriptors() {
	prlimit --pid "$daemon_pid" --nofile="$1:" || atf_fail "prlimit"
}

e2e_case short_of_descriptors "Lack of descriptors delays a change, no more"
short_of_descriptors_body() {
	start_watched
	descriptors 5
	touch server.pem
	expect_log "$failed_reload.*Too many open files"
	looks_go_by
	told 1 "$failed_reload"
	descriptors 4096
	takes server.pem
	release old 4
	stop_daemon
}

# It waits for so many parents; proc(5) says what it waits with, ppoll(2).
waits_for() {
	read -r _ _ waits_ _ <"/proc/$daemon_pid/syscall" &&
	    test "$waits_" = "0x$1"
}

# Not for a minute after its start would it show: then it is taken for one
# that never was ready, and killed.
root_case restarted_is_heard "A parent that was started again is heard"
restarted_is_heard_body() {
	make_pki
	watch_conf watch=0
	start_daemon
	# the second time it is a timer that starts the next one
	for _ in 1 2; do
		expect_soon waits_for 1
		: >daemon.log
		kill -KILL "$(process_titled "$daemon_pid" 'posternd: parent*')"
		expect_log event=parent-died
		assert_echo
	done
	expect_soon waits_for 1
	stop_daemon
}

# ---- with HUP, and without ---------------------------------------------------

e2e_case off "watch = 0: nothing happens, the supervisor does not look"
off_body() {
	start_watched watch=0
	new_pair
	put server.key server.pem
	assert_echo
	before=$(naps)
	# each parent says every two seconds that it goes on
	wait_for 3 napped $((before + 10)) &&
	    atf_fail "the supervisor is restless"
	told 0 event=changed
	serves good.pem || atf_fail "it was taken"
	# by the word of somebody it is, and then it may watch again
	watch_conf watch=100ms
	kill -HUP "$daemon_pid"
	expect_soon serves new.pem
	told 0 event=changed
	cp good.pem server.pem.new
	cp good.key server.key.new
	put server.key server.pem
	expect_soon serves good.pem
	release old 4
	stop_daemon
}

log_counts() {
	test "$(log_count "$2")" -eq "$1"
}

e2e_case hup_tries_again "HUP tries what was not taken, and once, too"
hup_tries_again_body() {
	start_watched
	: >server.key
	expect_log 'server.key: is empty'
	looks_go_by
	told 1 "$failed_reload"
	kill -HUP "$daemon_pid"
	expect_soon log_counts 2 "$failed_reload"
	looks_go_by
	told 2 "$failed_reload"
	told 1 event=changed
	release old 4
	stop_daemon
}

# What the administrator is writing is not read by anybody's leave but his.
e2e_case configuration_in_force "A change reads no configuration"
configuration_in_force_body() {
	start_watched
	cp posternd.conf whole.conf
	echo 'listen = {' >posternd.conf
	new_pair
	put server.key server.pem
	expect_soon serves new.pem
	# HUP finds it bad; the files are watched all the same
	kill -HUP "$daemon_pid"
	expect_log "$failed_reload.*posternd.conf:"
	cp good.pem server.pem.new
	cp good.key server.key.new
	put server.key server.pem
	expect_soon serves good.pem
	cp whole.conf posternd.conf
	release old 4
	stop_daemon
}

e2e_case both "HUPs and changes at once: the last one counts"
both_body() {
	start_watched parents=2
	for n in 1 2 3 4 5 6; do
		cp new.pem server.pem.new
		cp new.key server.key.new
		put server.pem
		kill -HUP "$daemon_pid"
		put server.key
		cp good.pem server.pem.new
		cp good.key server.key.new
		put server.key server.pem
		kill -HUP "$daemon_pid"
		assert_echo
	done
	new_pair
	put server.pem server.key
	expect_soon serves new.pem
	looks_go_by
	serves new.pem || atf_fail "something else was taken after it"
	assert_echo
	told 0 event=parent-died
	release old 4
	stop_daemon
}

# ---- who is in, and should not be --------------------------------------------

# By openssl ca, whose CRLs are as others publish them.
make_crl() {
	test -e ca.cnf || {
		: >index.txt
		echo 01 >crlnumber
		printf '%s\n' '[ca]' 'default_ca = here' '[here]' \
		    'database = index.txt' 'crlnumber = crlnumber' \
		    'default_md = sha256' 'crl_extensions = extensions' \
		    '[extensions]' 'authorityKeyIdentifier = keyid' >ca.cnf
	}
	openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl \
	    -crldays "${1:-60}" -out crl.pem.new 2>openssl.err || {
		cat openssl.err >&2
		atf_fail "openssl ca -gencrl"
	}
}

# revoke CERTIFICATE: crl.pem.new, with it and all before it
revoke() {
	openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key \
	    -revoke "$1" 2>openssl.err || {
		cat openssl.err >&2
		atf_fail "openssl ca -revoke"
	}
	make_crl
}

# line_time PATTERN: when the first such line was logged, in ms
line_time() {
	at=$(grep -e "$1" daemon.log | sed -n '1s/^time=\([^ ]*\).*/\1/p')
	date -d "$at" +%s%3N
}

# within MS FROM TO: patterns of two lines
within() {
	test -z "${SANITIZE-}" || set -- $(($1 * 4)) "$2" "$3"
	took=$(($(line_time "$3") - $(line_time "$2")))
	test "$took" -le "$1" || {
		show_log
		atf_fail "it took $took ms"
	}
}

hup_to() {
	kill -HUP "$daemon_pid"
	expect_log "event=reload result=ok generation=$1 "
}

# The pid of the parent that has session number N (1: the first).
parent_of() {
	open_line "$1" | sed 's/.* pid=\([0-9]*\) .*/\1/'
}

# A service with a CRL, and sessions of two clients in generation 1 of 3.
start_with_crl() {
	make_pki
	issue client friend ca --name friend
	make_crl
	put crl.pem
	watch_conf clients.crl=crl.pem timeouts.revoked=2s "$@"
	start_daemon
	hold bad 4
	hold good 5 -C friend.pem -K friend.key
	hup_to 2
	hup_to 3
	feed bad 4 "in generation 1"
	feed good 5 "in generation 1"
}

e2e_case revoked "A session ends when a CRL lists its certificate"
revoked_body() {
	start_with_crl
	revoke client.pem
	put crl.pem
	expect_soon gone "$bad_pid"
	expect_log 'event=close .* end=revoked'
	# its client knows that this was no orderly end
	code=0
	wait "$bad_pid" || code=$?
	atf_check_equal 76 $code
	grep -q 'without close_notify' bad.err || atf_fail "$(cat bad.err)"
	told 1 'event=changed file=[^ ]*/crl.pem '
	within 2500 'event=reload result=ok generation=4 ' 'end=revoked'
	grep 'end=revoked' daemon.log | grep -q " pid=$(parent_of 1) " ||
	    atf_fail "not by the parent it was with"
	# the other goes on; and back does not come the first
	feed good 5 "after the CRL"
	echo hello | connect 2>/dev/null && atf_fail "it came in again"
	expect_log 'event=refused reason=revoked'
	feed good 5 "after the refusal"
	release good 5
	stop_daemon
}

# From the CA's desk to the end of the session, and nobody at the server.
e2e_case published "postern-certgen revoke locks a client out, and ends it"
published_body() {
	make_pki
	issue client friend ca --name friend
	certgen crl --ca ca.pem --ca-key ca.key --crl crl.pem
	watch_conf clients.crl=crl.pem timeouts.revoked=2s
	start_daemon
	hold bad 4
	hold good 5 -C friend.pem -K friend.key
	certgen revoke --ca ca.pem --ca-key ca.key --cert client.pem \
	    --crl crl.pem
	expect_soon gone "$bad_pid"
	expect_log 'event=close .* end=revoked'
	echo hello | connect 2>/dev/null && atf_fail "it came in again"
	expect_log 'event=refused reason=revoked'
	feed good 5 "is not meant"
	release good 5
	told 1 event=changed
	stop_daemon
}

e2e_case revoked_with_pool "The same where pool workers serve"
revoked_with_pool_body() {
	start_with_crl isolation=pool parents=2
	revoke client.pem
	put crl.pem
	expect_soon gone "$bad_pid"
	expect_log 'event=close .* end=revoked'
	feed good 5 "after the CRL"
	release good 5
	stop_daemon
}

# What those in old generations are judged by is the newest, again and again.
e2e_case revoked_in_turn "One CRL after another, each ends its own"
revoked_in_turn_body() {
	start_with_crl
	issue client third ca --name third
	hold third 6 -C third.pem -K third.key
	revoke third.pem
	put crl.pem
	expect_soon gone "$third_pid"
	feed bad 4 "not yet"
	revoke client.pem
	put crl.pem
	expect_soon gone "$bad_pid"
	feed good 5 "never"
	expect_soon log_counts 2 'end=revoked'
	release good 5
	stop_daemon
}

e2e_case bad_crl "A CRL that cannot be read ends no session"
bad_crl_body() {
	start_with_crl
	revoke client.pem
	head -c 200 crl.pem.new >crl.pem
	expect_log "$failed_reload"
	looks_go_by
	told 1 "$failed_reload"
	feed bad 4 "half a CRL says nothing"
	put crl.pem
	expect_soon gone "$bad_pid"
	feed good 5 "after the whole"
	release good 5
	stop_daemon
}

# With HUP: the way is the same.
e2e_case crl_added "A CRL that a new configuration names counts for all"
crl_added_body() {
	make_pki
	issue client friend ca --name friend
	make_crl
	revoke client.pem
	put crl.pem
	watch_conf timeouts.revoked=2s
	start_daemon
	hold bad 4
	hold good 5 -C friend.pem -K friend.key
	watch_conf timeouts.revoked=2s clients.crl=crl.pem
	hup_to 2
	expect_soon gone "$bad_pid"
	expect_log 'event=close .* end=revoked'
	feed good 5 "is listed nowhere"
	# and without it again, nobody asks for one
	watch_conf timeouts.revoked=2s
	hup_to 3
	feed good 5 "without a CRL"
	assert_echo
	release good 5
	stop_daemon
}

e2e_case ca_swapped "A session ends when the new CA file does not trust it"
ca_swapped_body() {
	make_pki
	cat ca.pem other-ca.pem >clients.pem
	watch_conf clients.ca=clients.pem timeouts.revoked=2s
	start_daemon
	hold bad 4
	hold good 5 -C other.pem -K other.key
	hup_to 2
	hup_to 3
	cp other-ca.pem clients.pem.new
	put clients.pem
	expect_soon gone "$bad_pid"
	expect_log 'event=close .* end=untrusted'
	within 2500 'event=reload result=ok generation=4 ' 'end=untrusted'
	feed good 5 "is of the other CA"
	echo hello | connect 2>/dev/null && atf_fail "it came in again"
	release good 5
	stop_daemon
}

# A parent that hangs, or is not ours any more, keeps no session for anybody.
e2e_case deaf "A parent that takes no news is killed"
deaf_body() {
	start_with_crl timeouts.revoked=100ms
	kill -STOP "$(parent_of 1)"
	hold young 6 -C friend.pem -K friend.key
	revoke client.pem
	put crl.pem
	expect_log 'event=reload result=ok generation=4 '
	wait_for 30 gone "$(parent_of 1)" || atf_fail "it is still there"
	told 1 "event=parent-killed parent=$(parent_of 1) generation=1 "
	expect_soon gone "$bad_pid"
	# one that hears is not
	feed young 6 "goes on"
	told 1 event=parent-killed
	release young 6
	stop_daemon
}

# ---- a newer list, and nothing else ------------------------------------------

# A service with a list that names nobody, and a client "friend".
start_with_list() {
	make_pki
	issue client friend ca --name friend
	make_crl
	put crl.pem
	watch_conf clients.crl=crl.pem timeouts.revoked=2s "$@"
	start_daemon
}

friendly() {
	assert_echo -C friend.pem -K friend.key
}

# stays_out WORD: the client is refused by it, and its friend is not.
stays_out() {
	before=$(log_count "event=refused reason=$1 ")
	echo hello | connect >/dev/null 2>&1 && {
		show_log
		atf_fail "let in, and should be refused: $1"
	}
	expect_soon log_counts $((before + 1)) "event=refused reason=$1 "
	friendly
}

# Its certificate was judged while it was good; Finished comes afterwards.
e2e_case withheld "Who holds his Finished back until he is revoked is refused"
withheld_body() {
	start_with_list 'tls.versions={"1.2", "1.3"}'
	for minor in 2 3; do
		"$(atf_get_srcdir)/peer_helper" late "$port" $minor </dev/null \
		    >late.out || atf_fail "TLS 1.$minor"
		grep -q -x echoed late.out ||
		    atf_fail "the helper does not get in at all"
		open_held late$minor $((minor + 2)) \
		    "$(atf_get_srcdir)/peer_helper" late "$port" $minor
		expect_soon grep -q held late$minor.out
	done
	# What came before this client the only parent has read, and judged.
	friendly
	revoke client.pem
	put crl.pem
	expect_log 'process=parent event=news'
	told 0 event=refused
	for minor in 2 3; do
		held_status late$minor $((minor + 2)) ||
		    atf_fail "TLS 1.$minor: $(cat late$minor.err)"
		grep -q -x 'not echoed' late$minor.out || {
			show_log
			atf_fail "it came in by TLS 1.$minor"
		}
	done
	told 2 'event=refused reason=revoked .* detail="by newer files'
	told 3 event=open
	stop_daemon
}

# It reads nothing, so that only the deadline ends it, which is the first's.
e2e_case not_prolonged "List upon list gives who is revoked no longer"
not_prolonged_body() {
	start_with_list
	run_in_background "$(atf_get_srcdir)/peer_helper" deaf "$port" \
	    >deaf.out 2>deaf.err
	expect_soon grep -q 'all full' deaf.out
	revoke client.pem
	put crl.pem
	for n in 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		expect_log "event=news generation=$n "
		! log_has 'end=revoked' || break
		make_crl
		put crl.pem
	done
	log_has 'end=revoked' || atf_fail "it is still there"
	within 3500 'event=news generation=2 ' 'end=revoked'
	stop_daemon
}

# The pids of all that there are, in a line.
parents() {
	process_titled "$daemon_pid" 'posternd: parent*' | sort | xargs
}

# The parent that tried the list has gone.
only_parents() {
	test "$(parents)" = "$1"
}

# Each session was by one of these.
opened_by() {
	sed -n 's/.* pid=\([0-9]*\) .* event=open .*/\1/p' daemon.log |
	    sort -u |
	    while read -r pid; do
		case " $1 " in
		*" $pid "*) ;;
		*) echo "$pid" ;;
		esac
	done >others
	test ! -s others || {
		show_log
		atf_fail "sessions of the parent that tried a list: $1"
	}
}

e2e_case lists_in_a_row "Ten lists, one after another, move no parent"
lists_in_a_row_body() {
	start_with_list parents=2
	kept=$(parents)
	hold bad 4
	hold good 5 -C friend.pem -K friend.key
	for n in 2 3 4 5 6 7 8 9 10 11; do
		make_crl
		put crl.pem
		# clients come all the while
		until log_has "event=reload result=ok generation=$n "; do
			friendly
		done
		for pid in $kept; do
			expect_log " pid=$pid .* event=news generation=$n "
		done
	done
	feed good 5 "after ten lists"
	feed bad 4 "which do not name it"
	opened_by "$kept"
	revoke client.pem
	put crl.pem
	expect_soon gone "$bad_pid"
	expect_log 'event=close .* end=revoked'
	feed good 5 "after the eleventh"
	stays_out revoked
	expect_soon only_parents "$kept"
	for pid in $kept; do
		told 0 " pid=$pid .*event=drain"
	done
	told 0 event=parent-died
	release good 5
	stop_daemon
}

e2e_case list_kept "A parent that is started again has the newer list"
list_kept_body() {
	start_with_list
	hold good 4 -C friend.pem -K friend.key
	for n in 2 3; do
		revoke "$(test $n = 2 && echo other.pem || echo client.pem)"
		put crl.pem
		expect_log "event=reload result=ok generation=$n "
	done
	first=$(parent_of 1)
	expect_soon only_parents "$first"
	stays_out revoked
	kill -KILL "$first"
	expect_log "event=parent-died parent=$first "
	held_status good 4 && atf_fail "its client was told all is well"
	stays_out revoked
	second=$(parents)
	test "$second" != "$first" || atf_fail "the same parent"
	# it hears of lists too
	make_crl
	put crl.pem
	expect_log " pid=$second .* event=news generation=4 "
	stays_out revoked
	expect_soon only_parents "$second"
	told 0 " pid=$second .* event=drain"
	# what is more than a list makes a generation
	issue server new ca --host 127.0.0.1
	new_pair
	put server.key server.pem
	expect_log " pid=$second .* event=drain"
	expect_soon serves_friend new.pem
	stays_out revoked
	second=$(parents)
	cat other-ca.pem >>ca.pem
	expect_log "pid=$second .* event=drain"
	stays_out revoked
	stop_daemon
}

serves_friend() {
	echo hello | connect -v -C friend.pem -K friend.key 2>&1 >served.out |
	    grep -q -i "$(hash_of "$1")"
}

# ---- lists that nobody vouches for -------------------------------------------

utc() {
	date -u -d "$1" +%Y%m%d%H%M%SZ
}

# list_of CA NUMBER FROM TO: CA.crl.pem, with all that CA has revoked
list_of() {
	printf '%02x\n' "$2" >"$1.number"
	make_list "$1" -crl_lastupdate "$(utc "$3")" \
	    -crl_nextupdate "$(utc "$4")"
}

# Two CAs, and in force a list of each, the client's number 5 with its name.
start_in_force() {
	make_pki
	issue client friend other-ca --name friend
	cat ca.pem other-ca.pem >both.pem
	list_of other-ca 1 '-1 day' '60 days'
	list_of ca 4 '-1 day' '60 days'
	cat ca.crl.pem other-ca.crl.pem >lower.pem
	list_of ca 5 '-2 days' '60 days'
	cat ca.crl.pem other-ca.crl.pem >earlier.pem
	list_of ca 6 '-1 day' '-1 minute'
	cat ca.crl.pem other-ca.crl.pem >over.pem
	put_on_list ca client
	list_of ca 5 '-1 day' '60 days'
	cat ca.crl.pem other-ca.crl.pem >crl.pem
	cp crl.pem force.pem
	watch_conf clients.ca=both.pem clients.crl=crl.pem
	start_daemon
}

# not_taken FILE WORDS: of itself, but by a HUP
not_taken() {
	cp "$1" crl.pem.new
	put crl.pem
	expect_log "$failed_reload"
	looks_go_by
	told 1 "$failed_reload"
	told 1 "event=fatal .*/crl.pem: $2 CN=ca; a HUP takes it all the same"
	told 1 event=fatal
	told 0 'result=ok'
	stays_out revoked
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	: >daemon.log
}

in_force_again() {
	cp force.pem crl.pem.new
	put crl.pem
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	stays_out revoked
	: >daemon.log
}

e2e_case falls_back "A list from before is not taken, but for a HUP"
falls_back_body() {
	start_in_force
	stays_out revoked
	: >daemon.log
	older='is older than the list in force of'
	not_taken lower.pem "$older"
	assert_echo
	in_force_again
	not_taken earlier.pem "$older"
	assert_echo
	in_force_again
	not_taken over.pem 'has expired already, unlike the list in force of'
	stays_out crl-expired
	in_force_again
	not_taken other-ca.crl.pem 'holds no list any more of'
	stays_out crl-missing
	in_force_again
	stop_daemon
}

# With something else as well: then it is a generation, and no less looked at.
e2e_case falls_back_too "Nor beside a certificate that is new"
falls_back_too_body() {
	start_in_force
	cp server.pem good.pem
	issue server new ca --host 127.0.0.1
	new_pair
	cp lower.pem crl.pem.new
	put crl.pem server.key server.pem
	expect_log "$failed_reload"
	log_has 'crl.pem: is older' || atf_fail "why"
	serves_friend good.pem || atf_fail "a new certificate is served"
	stays_out revoked
	stop_daemon
}

# ---- what is good only in a while --------------------------------------------

e2e_case early_list "A list whose time will come is taken when it has come"
early_list_body() {
	make_pki
	issue client friend ca --name friend
	list_of ca 1 '-1 day' '60 days'
	cp ca.crl.pem crl.pem
	put_on_list ca client
	watch_conf clients.crl=crl.pem
	start_daemon
	list_of ca 2 '+5 seconds' '60 days'
	cp ca.crl.pem crl.pem.new
	put crl.pem
	expect_log 'crl.pem: its list is not valid before 20'
	expect_log "$failed_reload"
	log_has result=ok || assert_echo
	expect_log 'event=reload result=ok'
	stays_out revoked
	told 1 event=changed
	stop_daemon
}

e2e_case early_certificate "So is a certificate"
early_certificate_body() {
	start_watched
	certgen server --force --ca ca.pem --ca-key ca.key --cert new.pem \
	    --key new.key --host 127.0.0.1 --not-after "$(days_ahead 5)" \
	    --not-before "$(date -u -d '+5 seconds' +%Y-%m-%dT%H:%M:%SZ)"
	new_pair
	put server.key server.pem
	expect_log 'server.pem: the certificate is not valid before 20'
	expect_log "$failed_reload"
	log_has result=ok || serves good.pem || atf_fail "it is served already"
	expect_soon serves new.pem
	expect_log 'event=reload result=ok'
	release old 4
	stop_daemon
}

# ---- what runs out -----------------------------------------------------------

days_ahead() {
	date -u -d "$1 days" +%Y-%m-%dT%H:%M:%SZ
}

e2e_case expiry "What runs out soon is told, once, by one parent"
expiry_body() {
	certgen ca --cert ca.pem --key ca.key --name ca \
	    --not-before "$(days_ahead -30)" --not-after "$(days_ahead 20)"
	issue server server ca --host 127.0.0.1 \
	    --not-after "$(days_ahead 5)"
	issue client client ca --name client --not-after "$(days_ahead 5)"
	make_crl 3
	put crl.pem
	watch_conf clients.crl=crl.pem parents=2
	start_daemon
	expect_log "event=expiry what=ca file=[^ ]*/ca.pem subject=.* days=20$"
	# 5 days are not warned of at 7, nor 3, but for the day before they end
	assert_echo
	told 1 event=expiry
	certgen server --force --ca ca.pem --ca-key ca.key --cert server.pem \
	    --key server.key --host 127.0.0.1 \
	    --not-before "$(days_ahead -30)" --not-after "$(days_ahead 5)"
	expect_log 'event=expiry what=certificate .* days=5$'
	assert_echo
	told 1 'event=expiry what=certificate '
	told 2 'event=expiry what=ca '
	told 0 event=expired
	stop_daemon
}

# Without a strict policy it goes on counting, and says so loudly.
e2e_case expired "What has run out is told as an error"
expired_body() {
	make_pki
	: >index.txt
	make_crl
	openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl \
	    -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z \
	    -out crl.pem 2>openssl.err || {
		cat openssl.err >&2
		atf_fail "openssl ca -gencrl"
	}
	watch_conf clients.crl=crl.pem clients.crl-policy=last-good
	start_daemon
	expect_log 'level=error .* event=expired what=crl .* expires=2020-02'
	assert_echo
	stop_daemon
}
