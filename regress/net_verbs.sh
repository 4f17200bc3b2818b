# Network namespaces of the test's own, which end with it.  Only for root; use
# after common.sh:
#
#	make_net lb one		two of them, each with its loopback
#	join lb 10.1.1.1 one 10.1.1.2	a wire between, /24 at both ends
#	in_net one COMMAND...	there; start_in_net: in the background
#	address one 10.1.1.3	one address more, on its wire

# shellcheck shell=sh disable=SC2154

own_net() {
	test "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)"
}

make_net() {
	for net_; do
		unshare -n sleep 3600 </dev/null >/dev/null 2>&1 &
		eval "net_$net_=$!"
		record $!
		wait_for 20 own_net $! || atf_skip "no network namespaces here"
		in_net "$net_" ip link set lo up
	done
}

in_net() {
	eval "net_pid_=\$net_$1"
	shift
	nsenter -t "$net_pid_" -n "$@"
}

# start_in_net NAME COMMAND...: remembered; its pid is $!
start_in_net() {
	eval "net_pid_=\$net_$1"
	shift
	nsenter -t "$net_pid_" -n "$@" &
	record $!
}

# The wire is called after whoever is at its other end.
join() {
	eval "net_pid_=\$net_$3"
	in_net "$1" ip link add "to-$3" type veth peer name "to-$1" \
	    netns "$net_pid_" 2>veth.err ||
	    atf_skip "no veth here: $(cat veth.err)"
	in_net "$1" ip addr add "$2/24" dev "to-$3"
	in_net "$1" ip link set "to-$3" up
	in_net "$3" ip addr add "$4/24" dev "to-$1"
	in_net "$3" ip link set "to-$1" up
	eval "wire_$3=to-$1"
}

address() {
	eval "wire_=\$wire_$1"
	in_net "$1" ip addr add "$2/24" dev "$wire_"
}
