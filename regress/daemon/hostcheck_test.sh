#! /usr/bin/env atf-sh
#
# host-check against a real DNS server: which client gets in from which
# address, by which word the others are refused, and that posternd --explain
# says the same.  Addresses are told by a PROXY header, so that they can be
# any, but where it matters that a socket has them.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"
. "$(atf_get_srcdir)/../dns_verbs.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"

# ---- verbs -------------------------------------------------------------------

label=$(printf 'a%.0s' $(seq 63))
longest=$label.$label.$label.$(printf 'b%.0s' $(seq 56)).test

make_zones() {
	zone 127.in-addr.arpa <<-EOF
	1.1.1 PTR good.test.
	2.1.1 PTR wrong.test.
	3.1.1 PTR nowhere.test.
	5.1.1 PTR *.in.test.
	6.1.1 PTR \200\255x.in.test.
	7.1.1 PTR $longest.
	8.1.1 CNAME 8.sub.1.1
	8.sub.1.1 CNAME 8.classless/24.1.1
	8.classless/24.1.1 PTR good.test.
	9.1.1 PTR *.test.
	9.1.1 PTR Good.TEST.
	11.1.1 PTR other.test.
	11.1.1 PTR good.test.
	12.1.1 PTR silent.test.
	14.1.1 PTR host.in.test.
	13.1.1 PTR servfail.test.
	$(for i in $(seq 40); do
		echo "10.1.1 PTR many-$i.a-rather-long-name.test."
	done)
	EOF
	zone test <<-EOF
	ns A 127.0.0.1
	good A 127.1.1.1
	good A 127.1.1.8
	good A 127.1.1.9
	good A 127.1.1.11
	other A 127.1.1.11
	wrong A 127.1.1.99
	*.in A 127.1.1.5
	*.in A 127.1.1.6
	host.in A 127.1.1.14
	$longest. A 127.1.1.7
	six AAAA 2001:db8::1
	$(for i in $(seq 40); do
		echo "many-$i.a-rather-long-name A 127.1.1.10"
	done)
	EOF
	zone 8.b.d.0.1.0.0.2.ip6.arpa <<-EOF
	1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.test.
	EOF
}

# names NAME SAN...: NAME.pem, for a client with these alternative names.
names() {
	name=$1
	shift
	sign "$name" ca "$usual_client
subjectAltName=$(echo "$*" | tr ' ' ',')"
}

make_clients() {
	make_pki
	names good DNS:good.test
	names wild DNS:*.in.test
	names number IP:127.1.1.2 DNS:else.test
}

# with_dns VALUE SERVER [key=value...]: the service, its host-check so.
with_dns() {
	value=$1
	server=$2
	shift 2
	write_conf clients.host-check="$value" \
	    'proxy.from={"127.0.0.1", "::1"}' "resolver.servers={\"$server\"}" \
	    timeouts.resolve=1s "$@"
	start_daemon
}

events() {
	log_count 'event=refused\|event=open'
}

more_events_than() {
	test "$(events)" -gt "$1"
}

newest_event() {
	grep 'event=refused\|event=open' daemon.log | tail -n 1
}

fail_with_log() {
	show_log
	atf_fail "$*"
}

# live WORD NAME ADDRESS: what comes of it, and what the log says.
live() {
	before=$(events)
	got=0
	echo "to be echoed to $2" >in
	postern -R ca.pem -C "$2.pem" -K "$2.key" --proxy-v2 "$3" 127.0.0.1 \
	    "$port" <in >out 2>err || got=$?
	expect_soon more_events_than "$before"
	if test "$1" = allow; then
		test $got -eq 0 && cmp -s in out ||
		    fail_with_log "$2 from $3: $got: $(cat err)"
		newest_event | grep -q event=open ||
		    fail_with_log "$2 from $3: $(newest_event)"
	else
		test $got -eq 77 && test ! -s out ||
		    fail_with_log "$2 from $3: $got"
		newest_event | grep -q "event=refused reason=$1 " ||
		    fail_with_log "$2 from $3: not $1: $(newest_event)"
	fi
}

explained() {
	got=0
	posternd --explain "$2.pem" -f posternd.conf --from "$3" \
	    --proxy 127.0.0.1 >told 2>told.err || got=$?
	if test "$1" = allow; then
		test $got -eq 0 && test "$(tail -n 1 told)" = allow
	else
		test $got -eq 77 && test "$(tail -n 1 told)" = "refuse $1"
	fi || fail_with_log "explain $2 from $3: $got: $(cat told told.err)"
}

# agree WORD NAME ADDRESS
agree() {
	live "$@"
	explained "$@"
}

# ---- names -------------------------------------------------------------------

e2e_case by_name "A name that DNS confirms, and the certificate has, lets in"
by_name_body() {
	make_clients
	names six DNS:six.test
	sign_client good.test ca
	make_zones
	start_dns
	with_dns name "$dns"
	agree allow good 127.1.1.1
	agree allow good ::ffff:127.1.1.1
	agree allow wild 127.1.1.14
	agree address-mismatch wild 127.1.1.1
	agree allow six 2001:db8::1
	# Of two names the second is the certificate's.
	agree allow good 127.1.1.11
	# Without alternative names the common name counts, and only then.
	agree allow good.test 127.1.1.1
	subject=/CN=good.test names elsewhere DNS:else.test
	agree address-mismatch elsewhere 127.1.1.1
	# Its address is of no use where the name is asked for.
	agree name-unconfirmed number 127.1.1.2
	stop_daemon
}

e2e_case not_confirmed "A name that only reverse DNS gives does not count"
not_confirmed_body() {
	make_clients
	names wrong DNS:wrong.test
	make_zones
	start_dns
	with_dns name "$dns"
	agree address-mismatch client 127.1.1.1
	agree name-unconfirmed wrong 127.1.1.2
	agree name-unconfirmed wild 127.1.1.3
	agree name-unconfirmed good 127.1.1.4
	stop_daemon
}

e2e_case hostile_names "What is no host name lets nobody in"
hostile_names_body() {
	make_clients
	names longest "DNS:$longest"
	make_zones
	start_dns
	with_dns name "$dns"
	# "*.in.test" of the PTR record would be a name of this certificate.
	agree name-unconfirmed wild 127.1.1.5
	agree name-unconfirmed wild 127.1.1.6
	agree allow good 127.1.1.9
	agree allow good 127.1.1.8
	agree allow longest 127.1.1.7
	stop_daemon
}

e2e_case long_answer "Names that come by TCP count as well, eight of them"
long_answer_body() {
	make_clients
	names many DNS:*.a-rather-long-name.test
	make_zones
	start_dns
	with_dns name "$dns"
	agree allow many 127.1.1.10
	agree address-mismatch good 127.1.1.10
	stop_daemon
}

e2e_case server_by_ipv6 "A DNS server is asked by IPv6 as well, by UDP and TCP"
server_by_ipv6_body() {
	loopback_has_ipv6 || atf_skip "there is no IPv6"
	make_clients
	names many DNS:*.a-rather-long-name.test
	make_zones
	start_dns
	with_dns name "$dns6"
	agree allow good 127.1.1.1
	agree allow many 127.1.1.10
	stop_daemon
}

root_case no_server "Without a DNS server to ask there is no start, and why"
no_server_body() {
	make_pki
	write_conf clients.host-check=name
	echo "nameserver fe80::1" >resolv.conf
	posternd_file=$(command -v posternd)
	posternd() {
		exec unshare --mount sh -c 'mount --bind resolv.conf \
		    /etc/resolv.conf && exec "$@"' sh "$posternd_file" "$@"
	}
	launch_daemon
	status=0
	daemon_status || status=$?
	atf_check_equal 78 "$status"
	log_has 'process=resolver event=fatal .*no DNS server is known' ||
	    fail_with_log "no word of it"
}

# ---- either ------------------------------------------------------------------

e2e_case either "The address or a name: either lets in"
either_body() {
	make_clients
	make_zones
	start_dns
	with_dns either "$dns"
	agree allow number 127.1.1.2
	agree allow number ::ffff:127.1.1.2
	agree allow good 127.1.1.1
	agree name-unconfirmed good 127.1.1.2
	agree address-mismatch number 127.1.1.1
	stop_daemon
}

e2e_case without_dns "While DNS is out, those whose address is named get in"
without_dns_body() {
	make_clients
	make_zones
	start_dns
	stop_dns
	with_dns either "$dns"
	agree allow number 127.1.1.2
	agree resolver-timeout good 127.1.1.1
	log_has 'reason=resolver-timeout .*no DNS server can be reached' ||
	    fail_with_log "it does not say why"
	stop_daemon
}

# ---- servers that do not answer ----------------------------------------------

e2e_case no_answer "Silence and failure are told from a missing name"
no_answer_body() {
	make_clients
	make_zones
	start_dns
	start_bad_dns
	with_dns name "$bad_dns"
	agree resolver-timeout good 127.201.1.1
	agree resolver-timeout good 127.202.1.1
	agree resolver-timeout good 127.1.1.12
	agree resolver-timeout good 127.1.1.13
	# A server that has not this zone refuses.
	agree resolver-timeout good 10.1.1.1
	log_has 'reason=resolver-timeout .*(REFUSED)' ||
	    fail_with_log "it does not say why"
	stop_daemon
}

e2e_case meanwhile "Who waits for DNS keeps nobody else waiting"
meanwhile_body() {
	make_clients
	make_zones
	start_dns
	start_bad_dns
	with_dns name "$bad_dns" timeouts.resolve=20s timeouts.drain=1s
	open_held slow 4 postern -R ca.pem -C good.pem -K good.key \
	    --proxy-v2 127.201.1.1 127.0.0.1 "$port"
	expect_soon grep -q '^1.1.201.127.in-addr.arpa. 12' questions.log
	live allow good 127.1.1.1
	live allow good 127.1.1.8
	log_has 'event=refused' && fail_with_log "the slow one was done first"
	# And it can still be ended.
	stop_daemon
}

e2e_case goes_away "A client that leaves while DNS is asked leaves nothing"
goes_away_body() {
	make_clients
	make_zones
	start_dns
	start_bad_dns
	with_dns name "$bad_dns" max-connections=1
	open_held slow 4 postern -R ca.pem -C good.pem -K good.key \
	    --proxy-v2 127.201.1.1 127.0.0.1 "$port"
	expect_soon grep -q '^1.1.201.127.in-addr.arpa. 12' questions.log
	kill -KILL "$slow_pid"
	expect_soon let_in
	stop_daemon
}

let_in() {
	echo hello | postern -R ca.pem -C good.pem -K good.key \
	    --proxy-v2 127.1.1.1 127.0.0.1 "$port" >out 2>err
}

# ---- the process -------------------------------------------------------------

e2e_case only_if_needed "There is a resolver where a name is asked for"
only_if_needed_body() {
	make_clients
	make_zones
	start_dns
	for value in no address name either; do
		with_dns $value "$dns" parents=2
		number=$(process_titled "$daemon_pid" 'posternd: resolver*' |
		    wc -l)
		case $value:$number in
		no:0 | address:0 | name:2 | either:2) ;;
		*) fail_with_log "$value: $number resolvers" ;;
		esac
		stop_daemon
	done
}

e2e_case replaced "A resolver that dies is replaced, and its parent with it"
replaced_body() {
	make_clients
	make_zones
	start_dns
	with_dns name "$dns"
	open_held early 4 postern -R ca.pem -C good.pem -K good.key \
	    --proxy-v2 127.1.1.1 127.0.0.1 "$port"
	feed early 4 "before"
	victim=$(process_titled "$daemon_pid" 'posternd: resolver*')
	kill -KILL "$victim"
	expect_log 'event=resolver-died'
	# Others at once, while who was there already has time to finish.
	expect_soon let_in
	feed early 4 "after"
	process_titled "$daemon_pid" 'posternd: resolver*' >now ||
	    fail_with_log "no resolver"
	grep -q -x "$victim" now && fail_with_log "the same resolver"
	live address-mismatch client 127.1.1.1
	release early 4
	stop_daemon
}

root_case hosts_reloaded "/etc/hosts counts as it was at the last reload"
hosts_reloaded_body() {
	make_clients
	make_zones
	start_dns
	echo "127.1.1.4 good.test" >hosts
	# In a mount namespace of its own the file is ours.
	posternd_file=$(command -v posternd)
	posternd() {
		exec unshare --mount sh -c 'mount --bind hosts /etc/hosts &&
		    exec "$@"' sh "$posternd_file" "$@"
	}
	with_dns name "$dns"
	live allow good 127.1.1.4
	live name-unconfirmed good 127.1.1.3
	echo "127.1.1.3 good.test" >hosts
	live allow good 127.1.1.4
	live name-unconfirmed good 127.1.1.3
	kill -HUP "$daemon_pid"
	expect_log 'event=reload result=ok'
	live allow good 127.1.1.3
	live name-unconfirmed good 127.1.1.4
	stop_daemon
}

# ---- without a balancer ------------------------------------------------------

e2e_case by_socket "The address of the connection itself"
by_socket_head() {
	atf_set descr "The address of the connection itself"
	atf_set require.progs socat
}
by_socket_body() {
	make_clients
	make_zones
	start_dns
	with_dns name "$dns" proxy.from=
	echo "to be echoed" >in
	for address in 127.1.1.1 127.1.1.2; do
		socat -t 20 - "OPENSSL:127.0.0.1:$port,bind=$address,\
verify=1,cafile=ca.pem,certificate=good.pem,key=good.key" <in >"$address" \
		    2>err
	done
	cmp in 127.1.1.1 || fail_with_log "not let in: $(cat err)"
	test ! -s 127.1.1.2 || fail_with_log "let in"
	expect_log 'event=refused reason=name-unconfirmed .*peer=127.1.1.2:'
	stop_daemon
}
