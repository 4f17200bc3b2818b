#! /usr/bin/env atf-sh
#
# After ten thousand connections of all kinds, with reloads among them, three
# count alike: who made them, the log, and the metrics.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../metrics_verbs.sh"

# shellcheck disable=SC2154

# So many in all; fewer where a sanitizer makes each of them dear.
visits=${VISITS:-$(test -n "${SANITIZE-}" && echo 2000 || echo 10000)}

# ---- who comes ---------------------------------------------------------------

# visit OPTION... KIND...: whoever is refused has the word for it as his name.
at=127.0.1.1+20
visit() {
	"$(atf_get_srcdir)/visitors_helper" "$@" \
	    "good do=echo weight=120 cert=client size=2000 from=$at" \
	    "bulk do=echo weight=6 cert=client size=400000 from=$at" \
	    "carried do=echo weight=30 cert=client size=500 from=127.0.3.1 for=192.0.2.7" \
	    "probe do=local weight=10 from=127.0.3.1" \
	    "no-certificate do=refused weight=12 from=$at" \
	    "untrusted do=refused weight=12 cert=other from=$at" \
	    "revoked do=refused weight=12 cert=revoked from=$at" \
	    "expired do=refused weight=12 cert=expired from=$at" \
	    "not-yet-valid do=refused weight=6 cert=early from=$at" \
	    "wrong-purpose do=refused weight=6 cert=server from=$at" \
	    "not-allowed do=refused weight=6 cert=unwelcome from=$at" \
	    "address-mismatch do=refused weight=12 cert=client from=127.0.2.1+9" \
	    "protocol do=garbage weight=12 from=$at" \
	    "proxy-required do=garbage weight=6 from=127.0.3.1" \
	    "handshake-timeout do=silent weight=1 from=$at"
}

names() {
	prefix=$1
	first=$2
	last=$3
	while test "$first" -le "$last"; do
		printf '%s%s,' "$prefix" "$first"
		first=$((first + 1))
	done
}

make_clients() {
	make_ca ca
	make_ca other-ca
	issue server server ca --host 127.0.0.1
	issue client client ca --name client-1 \
	    --host "$(names 127.0.1. 1 20)192.0.2.7"
	issue client revoked ca --name client-2
	issue client expired ca --name client-3 \
	    --not-before 2020-01-01T00:00:00Z --not-after 2021-01-01T00:00:00Z
	issue client early ca --name client-4 \
	    --not-before "$(date -u -d '+10 days' +%Y-%m-%dT%H:%M:%SZ)"
	issue client unwelcome ca --name somebody
	issue client other other-ca --name client-5
	certgen revoke --ca ca.pem --ca-key ca.key --cert revoked.pem \
	    --crl ca.crl
}

# ---- who counts --------------------------------------------------------------

# made KIND WORD: of the generator's line about this kind.
made() {
	sed -n "s/^kind $1 .*$2=\\([0-9]*\\).*/\\1/p" visits
}

# Of a word: its lines, and those that were left out.
logged() {
	lines=$(log_count "event=refused reason=$1 ")
	left=$(sed -n "s/.*event=refused-left-out reason=$1 lines=//p" \
	    daemon.log | awk '{ n += $1 } END { print n + 0 }')
	echo $((lines + left))
}

sum_in_log() {
	sed -n "s/.*event=close .* $1=\([0-9]*\) .*/\1/p" daemon.log |
	    awk '{ sum += $1 } END { printf "%d\n", sum }'
}

# agree WHAT MADE LOGGED METRIC
agree() {
	echo "$1: $2 made, $3 logged, $4 in the metrics"
	test "$2 $3" = "$3 $4" || {
		echo "$1: $2 made, $3 logged, $4 in the metrics" >>differ
	}
}

refusals_agree() {
	for word in $(posternd --reasons | awk 'NR > 1 { print $1 }'); do
		made=$(made "$word" begun)
		agree "$word" "${made:-0}" "$(logged "$word")" "$(metric \
		    "postern_connections_refused_total{reason=\"$word\"}")"
	done
}

sessions_agree() {
	served=$(($(made good 'done') + $(made bulk 'done') + \
	    $(made carried 'done')))
	agree opened $served "$(log_count event=open)" \
	    "$(metric postern_sessions_opened_total)"
	agree closed $served "$(log_count 'event=close .*end=finished')" \
	    "$(metric postern_sessions_closed_total)"
	agree probes "$(made probe 'done')" "$(log_count event=health-check)" \
	    "$(metric postern_health_checks_total)"
	agree 'bytes in' "$(sed -n 's/^bytes sent=\([0-9]*\) .*/\1/p' visits)" \
	    "$(sum_in_log bytes_in)" \
	    "$(metric postern_echo_received_bytes_total)"
	agree 'bytes out' "$(sed -n 's/^bytes .*received=//p' visits)" \
	    "$(sum_in_log bytes_out)" \
	    "$(metric postern_echo_sent_bytes_total)"
}

nobody_left() {
	for state in proxy handshake checking waiting open ending flushing \
	    linger; do
		metric_is "postern_connections{state=\"$state\"}" 0 || return 1
	done
}

begun_at_least() {
	test "$(sed -n 's/^so-far begun=\([0-9]*\) .*/\1/p' visits |
	    tail -n 1)" -ge "$1" 2>/dev/null || gone $visitors_pid
}

# ---- the case ----------------------------------------------------------------

e2e_case exact "ten thousand: generator, log and metrics count alike"
exact_head() {
	atf_set descr "ten thousand: generator, log and metrics count alike"
	atf_set timeout 900
}
exact_body() {
	make_clients
	# what is said of each connection is needed, and so is each health check
	write_metrics_conf parents=2 log.level=debug clients.crl=ca.crl \
	    clients.host-check=address 'clients.allow={"cn:client-*"}' \
	    'proxy.from={"127.0.3.1"}' timeouts.handshake=20s
	start_daemon
	run_in_background visit -c 128 -n "$visits" -i 1 127.0.0.1 "$port" \
	    >visits 2>visits.err
	visitors_pid=$!
	for part in 1 2 3; do
		wait_for 300 begun_at_least $((visits * part / 4))
		kill -HUP "$daemon_pid"
		expect_log "event=reload result=ok generation=$((part + 1)) "
	done
	wait_for 600 gone $visitors_pid || atf_fail "they do not end"
	wait $visitors_pid || atf_fail "status $?: $(cat visits.err)"
	grep '^kind' visits
	grep '^lost' visits && atf_fail "some were lost"
	expect_soon nobody_left
	get_metrics
	stop_daemon
	refusals_agree
	sessions_agree
	agree accepted "$visits" "$(($(log_count event=open) + \
	    $(awk '/^postern_connections_refused_total/ { n += $2 }
	    END { print n }' metrics) + $(log_count event=health-check)))" \
	    "$(metric postern_connections_accepted_total)"
	test ! -e differ || atf_fail "not alike: $(cat differ)"
	test "$(log_count event=log-dropped)" -eq 0 ||
	    atf_fail "lines were dropped"
}
