#! /usr/bin/env atf-sh
#
# Three posternd behind a real HAProxy, each in a network of its own, by the
# example that is installed: who the client is is known behind it; a reload, a
# stop and an upgrade of one of them lose nobody, and a kill only those it had.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../net_verbs.sh"
. "$(atf_get_srcdir)/../metrics_verbs.sh"

# shellcheck disable=SC2154

example=$(atf_get_srcdir)/../../../etc/haproxy/posterns.cfg
all='one two three'

need_haproxy() {
	PATH=$PATH:/usr/sbin
	command -v haproxy >/dev/null || atf_skip "haproxy is not installed"
}

# ---- the networks ------------------------------------------------------------

# 10.0.0.10 to .19 are clients, 10.1.N.2 is the Nth posternd.
make_networks() {
	make_net lb clients one two three
	join lb 10.0.0.1 clients 10.0.0.10
	for n in 11 12 13 14 15 16 17 18 19; do
		address clients 10.0.0.$n
	done
	join lb 10.1.1.1 one 10.1.1.2
	join lb 10.1.2.1 two 10.1.2.2
	join lb 10.1.3.1 three 10.1.3.2
}

number_of() {
	case $1 in
	one) echo 1 ;;
	two) echo 2 ;;
	three) echo 3 ;;
	esac
}

# ---- one of them -------------------------------------------------------------

# install NAME: the programs are its own, so that they can be replaced.
install_() {
	mkdir -p "$1/bin"
	for program in posternd postern-worker; do
		cp "$(command -v $program)" "$1/bin/$program.new"
		# another file than the last, in every way
		date +%s%N >>"$1/bin/$program.new"
		mv "$1/bin/$program.new" "$1/bin/$program"
	done
}

# configure NAME
configure() {
	name=$1
	n=$(number_of "$1")
	port=7443
	write_conf "listen={\"10.1.$n.2:7443\"}" certificate=../server.pem \
	    key=../server.key clients.ca=../ca.pem parents=2 \
	    clients.host-check=address "proxy.from={\"10.1.$n.1\"}" \
	    timeouts.drain=3m timeouts.handshake=3m log.level=debug \
	    metrics.listen=unix:metrics.sock
	mkdir -p "$name"
	mv posternd.conf "$name/posternd.conf"
}

# start NAME: it is ready.  Its pid is in NAME/pid.
start() {
	: >"$1/daemon.log"
	start_in_net "$1" "$PWD/$1/bin/posternd" -f "$1/posternd.conf" \
	    </dev/null >"$1/daemon.out" 2>>"$1/daemon.log"
	echo $! >"$1/pid"
	wait_for 60 grep -q event=ready "$1/daemon.log" || fail "$1: not ready"
}

pid() {
	cat "$1/pid"
}

# stop NAME: in order, with status 0.
stop() {
	kill -TERM "$(pid "$1")" || fail "$1 has gone by itself"
	wait_for 60 gone "$(pid "$1")" || fail "$1 does not end"
	wait "$(pid "$1")" || fail "$1 ended with status $?"
	cat "$1/daemon.log" >>"$1/daemon.logs"
}

start_all() {
	make_ca ca
	issue server server ca --host 10.0.0.1
	# the clients, the balancer, and nobody else
	issue client client ca --name client --host "10.0.0.10,10.0.0.11,\
10.0.0.12,10.0.0.13,10.0.0.14,10.0.0.15,10.0.0.16"
	issue client elsewhere ca --name elsewhere --host "10.1.1.1,10.1.2.1,\
10.1.3.1,10.0.0.99"
	for name in $all; do
		install_ $name
		configure $name
		start $name
	done
}

fail() {
	for name in $all; do
		tail -n 20 $name/daemon.log | sed "s/^/$name: /"
	done >&2
	tail -n 40 haproxy.log >&2
	atf_fail "$*"
}

# ---- HAProxy -----------------------------------------------------------------

# The example, but for addresses, the log, its socket, and how many descriptors
# there may be here.
write_haproxy() {
	sed -e 's/192\.0\.2\.2\([123]\):/10.1.\1.2:/' \
	    -e 's|log /dev/log local0|log stdout format raw local0|' \
	    -e "s|/run/haproxy/admin.sock|$PWD/admin.sock|" \
	    -e 's/maxconn 20000/maxconn 2000/' "$example" >haproxy.cfg
	test "$(grep -c '10\.1\..\.2:7443' haproxy.cfg)" -eq 3 ||
	    atf_fail "the example is not what is known of it"
}

start_haproxy() {
	start_in_net lb haproxy -db -f haproxy.cfg >haproxy.log 2>haproxy.err
	haproxy_pid=$!
	wait_for 20 test -S admin.sock ||
	    atf_fail "haproxy does not start: $(cat haproxy.err)"
	for name in $all; do
		expect_soon is_status $name UP
	done
}

stat_of() {
	echo 'show stat' | socat -t 5 - UNIX:admin.sock 2>/dev/null |
	    awk -F, -v name="$1" '$1 == "posterns" && $2 == name { print $18 }'
}

# is_status NAME UP|DOWN: as HAProxy sees it
is_status() {
	case $(stat_of "$1") in
	"$2"*) ;;
	*) return 1 ;;
	esac
}

# ---- clients -----------------------------------------------------------------

visitors=$(atf_get_srcdir)/visitors_helper

start_load() {
	start_in_net clients "$visitors" -c 300 -t 10000 -r 50 -i 1 \
	    10.0.0.1 7443 \
	    "echo do=echo weight=40 cert=client size=2000 from=10.0.0.10+7" \
	    "bulk do=echo weight=3 cert=client size=500000 from=10.0.0.10+7" \
	    "idle do=echo weight=10 cert=client size=200 pause=4 from=10.0.0.10+7" \
	    "nobody do=refused weight=5 from=10.0.0.10+7" \
	    "elsewhere do=refused weight=5 cert=elsewhere from=10.0.0.17+3" \
	    >visits 2>visits.err
	visitors_pid=$!
	load_goes_on
}

begun() {
	sed -n 's/^so-far begun=\([0-9]*\) .*/\1/p' visits | tail -n 1
}

begun_at_least() {
	test "$(begun)" -ge "$1" 2>/dev/null
}

# Some more have come since.
load_goes_on() {
	n=$(begun)
	wait_for 60 begun_at_least $((${n:-0} + 200)) || fail "nobody comes"
}

end_load() {
	load_goes_on
	kill -TERM $visitors_pid
	wait_for 120 gone $visitors_pid || fail "they do not end"
	wait $visitors_pid || fail "status $?: $(cat visits.err)"
	grep '^kind' visits
	log_of_all >all.log
	test "$(grep -c event=open all.log)" -gt 0 || fail "nobody was there"
}

log_of_all() {
	for name in $all; do
		cat $name/daemon.logs $name/daemon.log 2>/dev/null
	done
}

nobody_lost() {
	grep '^lost' visits >lost && fail "lost: $(cat lost)"
}

# ---- the example -------------------------------------------------------------

e2e_case example "the example is one for HAProxy"
example_body() {
	need_haproxy
	haproxy -c -f "$example" >out 2>&1 || atf_fail "$(cat out)"
	grep -qi warning out && atf_fail "$(cat out)"
	sed 's/ check-ssl / check-sll /' "$example" >wrong.cfg
	haproxy -c -f wrong.cfg >out 2>&1 && atf_fail "it checks nothing"
	true
}

# ---- who the client is -------------------------------------------------------

# opened NAME: it has let somebody in.
opened() {
	grep -q event=open "$1/daemon.log"
}

checked() {
	test "$(grep -c event=health-check "$1/daemon.log")" -ge "$2"
}

root_case addresses "host-check judges the client behind it, and not HAProxy"
addresses_body() {
	need_haproxy
	make_networks
	start_all
	write_haproxy
	sed -i 's/balance leastconn/balance roundrobin/' haproxy.cfg
	start_haproxy
	in_net clients "$visitors" -c 4 -n 60 10.0.0.1 7443 \
	    "named do=echo weight=2 cert=client size=500 from=10.0.0.10+7" \
	    "elsewhere do=refused weight=1 cert=elsewhere from=10.0.0.17+3" \
	    >visits 2>visits.err || fail "$(cat visits visits.err)"
	nobody_lost
	named=$(sed -n 's/^kind named .*done=\([0-9]*\).*/\1/p' visits)
	other=$(sed -n 's/^kind elsewhere .*done=\([0-9]*\).*/\1/p' visits)
	test "$named" -gt 0 && test "$other" -gt 0 || fail "$(cat visits)"
	log_of_all >all.log
	for name in $all; do
		opened $name || fail "$name was never asked"
		n=$(number_of $name)
		grep event=open $name/daemon.log | grep -v \
		    " peer=10\.0\.0\.1[0-6]:[0-9]* proxy=10\.1\.$n\.1:" &&
		    fail "$name: not as the client it is for"
		true
	done
	atf_check_equal "$named" "$(grep -c event=open all.log)"
	# The balancer's address in the certificate helps nobody behind it.
	atf_check_equal "$other" "$(grep -c \
	    'reason=address-mismatch peer=10\.0\.0\.1[789]:' all.log)"
	atf_check_equal "$other" "$(grep -c event=refused all.log)"
}

# ---- its checks --------------------------------------------------------------

root_case checks \
    "its health checks fill no log, are no refusals, and find who hangs"
checks_body() {
	need_haproxy
	make_networks
	start_all
	# The three ways: a connection alone, TLS, TLS with a certificate.
	cat client.pem client.key >both.pem
	issue client balancer ca --name balancer --host 10.1.3.1
	cat balancer.pem balancer.key >both.pem
	write_haproxy
	sed -i -e '/server one/s/$/ no-check-ssl/' \
	    -e "/server three/s|\$| crt $PWD/both.pem|" haproxy.cfg
	start_haproxy
	for name in one two; do
		expect_soon checked $name 6
	done
	expect_soon opened three
	for name in $all; do
		grep event=refused $name/daemon.log && fail "$name: a refusal"
		metrics_at=localhost
		get_metrics --unix-socket $name/metrics.sock
		refused=$(awk '/^postern_connections_(refused|lost)_total/ {
		    n += $2 } END { print n }' metrics)
		atf_check_equal "$name 0" "$name $refused"
		# at the level that is there unless asked, nothing of it is
		# logged
		grep event=health-check $name/daemon.log |
		    grep -v level=debug && fail "$name: fills the log"
		true
	done
	# A kernel still takes connections for parents that hang.
	for name in one two; do
		for parent in $(process_titled "$(pid $name)" \
		    'posternd: parent*'); do
			kill -STOP "$parent"
		done
	done
	expect_soon is_status two DOWN
	is_status one UP || fail "that a connection alone finds it is news"
	for name in one two; do
		for parent in $(process_titled "$(pid $name)" \
		    'posternd: parent*'); do
			kill -CONT "$parent"
		done
	done
	expect_soon is_status two UP
}

# ---- under load --------------------------------------------------------------

begin_under_load() {
	need_haproxy
	make_networks
	start_all
	write_haproxy
	start_haproxy
	start_load
}

reloaded() {
	grep -q "event=reload result=ok generation=$2 " "$1/daemon.log"
}

root_case reload "a reload of each of them, under load, loses nobody"
reload_body() {
	begin_under_load
	for generation in 2 3; do
		for name in $all; do
			kill -HUP "$(pid $name)"
			expect_soon reloaded $name $generation
		done
		load_goes_on
	done
	end_load
	nobody_lost
	grep -v -e address-mismatch -e no-certificate all.log |
	    grep event=refused && fail "another was refused"
	true
}

root_case upgrade \
    "a stop, new programs and a start, of one after the other: nobody is lost"
upgrade_body() {
	begin_under_load
	for name in $all; do
		before=$(sha256sum <$name/bin/posternd)
		stop $name
		load_goes_on
		expect_soon is_status $name DOWN
		install_ $name
		test "$before" != "$(sha256sum <$name/bin/posternd)" ||
		    fail "it is the same program"
		start $name
		expect_soon is_status $name UP
		load_goes_on
		expect_soon opened $name
	done
	end_load
	nobody_lost
	grep 'end=[^f]' all.log && fail "sessions were cut off"
	grep -v -e address-mismatch -e no-certificate all.log |
	    grep event=refused && fail "another was refused"
	true
}

root_case killed "of one that is killed its own sessions alone are lost"
killed_body() {
	begin_under_load
	kill -KILL "$(pid one)"
	load_goes_on
	expect_soon is_status one DOWN
	load_goes_on
	cat one/daemon.log >>one/daemon.logs
	start one
	expect_soon is_status one UP
	load_goes_on
	expect_soon opened one
	end_load
	grep '^lost' visits >lost
	echo "$(wc -l <lost) were lost"
	test -s lost || fail "it had nobody: this shows nothing"
	# HAProxy says of each at which server it was when it ended.
	kill -TERM $haproxy_pid
	wait_for 20 gone $haproxy_pid
	while read -r _ client rest; do
		grep -q "^$client .* posterns/one " haproxy.log ||
		    fail "not one's: $client $rest: $(grep "^$client " \
		    haproxy.log)"
	done <lost
}
