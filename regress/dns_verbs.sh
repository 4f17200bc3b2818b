# A DNS server of the test's own, nsd(8), on a loopback port.  Use after
# common.sh:
#
#	zone test <<EOF			names: a zone file's lines
#	good A 127.1.1.1
#	EOF
#	zone 127.in-addr.arpa <<EOF	addresses
#	1.1.1 PTR good.test.
#	EOF
#	start_dns			sets $dns to its address:port; $dns6
#					to the one by IPv6, if lo has that
#	start_bad_dns			in front of it, one that misbehaves (see
#					dns_helper.c); sets $bad_dns

# shellcheck shell=sh disable=SC2154

dns=
dns6=
dns_port=

loopback_has_ipv6() {
	grep -q ' lo$' /proc/net/if_inet6 2>/dev/null
}

zone() {
	{
		echo "\$ORIGIN $1."
		echo "@ 60 IN SOA ns.test. root.test. 1 60 60 60 60"
		echo "@ 60 IN NS ns.test."
		cat
	} >"$1.zone"
}

write_dns_conf() {
	cat <<-EOF
	server:
		server-count: 1
		ip-address: 127.0.0.1@$dns_port
		${dns6:+ip-address: ::1@$dns_port}
		username: ""
		zonesdir: "$PWD"
		database: ""
		pidfile: "$PWD/nsd.pid"
		logfile: "$PWD/nsd.log"
		xfrdfile: "$PWD/nsd.xfrd"
		xfrdir: "$PWD"
		zonelistfile: "$PWD/nsd.zones"
	remote-control:
		control-enable: no
	EOF
	for zone_ in *.zone; do
		printf 'zone:\n\tname: "%s"\n\tzonefile: "%s"\n' \
		    "${zone_%.zone}" "$zone_"
	done
}

# It can be ended and started again, on the same port.
start_dns() {
	test -n "$dns_port" || dns_port=$(free_port)
	dns=127.0.0.1:$dns_port
	! loopback_has_ipv6 || dns6="[::1]:$dns_port"
	write_dns_conf >nsd.conf
	nsd -d -c nsd.conf >/dev/null 2>&1 4>&- 5>&- &
	nsd_pid=$!
	record $nsd_pid
	wait_for 20 listening "$dns_port" || {
		cat nsd.log >&2
		atf_fail "nsd did not start"
	}
	# shellcheck disable=SC2046
	record $(tree_of $nsd_pid)
}

nsd_gone() {
	gone "$nsd_pid" && ! listening "$dns_port"
}

# Its children end with it, and so do those who still have its sockets.
stop_dns() {
	kill -TERM "$nsd_pid"
	expect_soon nsd_gone
}

udp_bound() {
	grep -q "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$1") " /proc/net/udp
}

start_bad_dns() {
	bad_port=$(free_port)
	bad_dns=127.0.0.1:$bad_port
	"$(atf_get_srcdir)/dns_helper" "$bad_dns" "$dns" >questions.log \
	    4>&- 5>&- &
	record $!
	expect_soon udp_bound "$bad_port"
}
