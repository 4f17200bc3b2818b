#! /usr/bin/env atf-sh
#
# Hundreds of addresses keep every place for a handshake taken, and others come
# meanwhile: how many of these get in, and how long it takes.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../net_verbs.sh"

# shellcheck disable=SC2154

visitors=$(atf_get_srcdir)/visitors_helper

# come NAME N: so many good clients from addresses of their own; the line about
# them in NAME
come() {
	in_net clients "$visitors" -c 4 -n "$2" -w 120 10.0.0.1 "$port" \
	    "good do=echo cert=client size=1000 from=10.0.3.1+20" \
	    >"$1" 2>"$1.err" || atf_fail "$(cat "$1" "$1.err")"
	sed -n "s/^kind good/$1:/p" "$1"
}

# So many are under way, as the flood's own generator sees them.
under_way() {
	test "$(sed -n 's/^so-far .* now=\([0-9]*\) .*/\1/p' flood |
	    tail -n 1)" -ge "$1" 2>/dev/null
}

# flood_from N: while so many addresses flood the service, 100 others come; sets
# $in to how many of these got in.  There are 400 places.
flood_from() {
	make_pki
	make_net service clients
	join service 10.0.0.1 clients 10.0.0.2
	in_net service ip route add 10.0.0.0/16 via 10.0.0.2
	for net in 1 2 3; do
		in_net clients ip route add local 10.0.$net.0/24 dev lo
	done
	port=7443
	write_conf 'listen={"10.0.0.1:7443"}' parents=2 max-connections=1200 \
	    max-handshakes=400 timeouts.handshake=1m
	start_in_net service "$(command -v posternd)" -f posternd.conf \
	    </dev/null >daemon.out 2>daemon.log
	daemon_pid=$!
	expect_log event=ready
	come calm 100
	# more than there are places, and each comes again as soon as it is
	# turned away
	start_in_net clients "$visitors" -c 900 -t 600 -i 1 -w 600 10.0.0.1 \
	    "$port" "silent do=silent from=10.0.1.1+$1" \
	    "garbage do=garbage from=10.0.1.1+$1" >flood 2>flood.err
	flood_pid=$!
	expect_soon log_has 'reason=too-many-handshakes'
	expect_soon under_way 400
	come flooded 100
	alive $flood_pid || atf_fail "there was no flood: $(cat flood.err)"
	kill -KILL $flood_pid
	tail -n 1 flood
	grep '^lost' flooded
	in=$(sed -n 's/^kind good .*done=\([0-9]*\).*/\1/p' flooded)
	echo "from $1 addresses: $in of 100 got in"
	kill -TERM "$daemon_pid"
	daemon_status || atf_fail "it ended with status $?"
}

root_case some \
    "100 addresses leave handshakes lying about, and all others get in"
some_body() {
	flood_from 100
	test "$in" -eq 100 || atf_fail "$in of 100 got in"
}

# With nearly as many addresses as places a flood has one or two in each place,
# and by chance none of those looked at has more than a newcomer.
root_case many "300 addresses, for 400 places: nearly all others get in"
many_body() {
	flood_from 300
	test "$in" -ge 90 || atf_fail "$in of 100 got in"
}
