#! /usr/bin/env atf-sh
#
# The resolver process, against a real DNS server and against bad ones: which
# names it gives for an address, and what it is by what the kernel says.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../dns_verbs.sh"

# ---- verbs -------------------------------------------------------------------

label=$(printf 'a%.0s' $(seq 63))
# 253 characters; with its lengths 255 bytes, and no name is longer.
longest=$label.$label.$label.$(printf 'b%.0s' $(seq 56)).test

make_zones() {
	zone 127.in-addr.arpa <<-EOF
	1.1.1 PTR good.test.
	2.1.1 PTR wrong.test.
	3.1.1 PTR nowhere.test.
	5.1.1 PTR *.test.
	6.1.1 PTR \200\255x.test.
	7.1.1 PTR $longest.
	8.1.1 CNAME 8.sub.1.1
	8.sub.1.1 CNAME 8.classless/24.1.1
	8.classless/24.1.1 PTR chain.test.
	9.1.1 PTR *.test.
	9.1.1 PTR under_score.test.
	9.1.1 PTR a\.dot.test.
	9.1.1 PTR Among.TEST.
	9.1.1 PTR among.test.
	11.1.1 PTR alias.test.
	12.1.1 PTR 127.1.1.12.
	13.1.1 PTR silent.test.
	14.1.1 PTR silent.test.
	14.1.1 PTR half.test.
	15.1.1 PTR servfail.test.
	16.1.1 CNAME elsewhere.example.
	17.1.1 PTR .
	18.1.1 PTR good.test.
	$(for i in $(seq 40); do
		echo "10.1.1 PTR many-$i.a-rather-long-name.test."
	done)
	$(for i in $(seq 8); do
		echo "21.1.1 PTR huge-$i.test."
	done)
	EOF
	zone test <<-EOF
	ns A 127.0.0.1
	good A 127.9.9.9
	good A 127.1.1.1
	good A 127.1.1.18
	wrong A 127.1.1.99
	* A 127.1.1.5
	* A 127.1.1.6
	* A 127.1.1.9
	$longest. A 127.1.1.7
	chain A 127.1.1.8
	among A 127.1.1.9
	alias CNAME good11
	good11 A 127.1.1.11
	half A 127.1.1.14
	six AAAA 2001:db8::1
	four A 127.6.6.6
	$(for i in $(seq 40); do
		echo "many-$i.a-rather-long-name A 127.1.1.10"
	done)
	EOF
	zone 8.b.d.0.1.0.0.2.ip6.arpa <<-EOF
	1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.test.
	2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR four.test.
	EOF
}

# start_resolver [option...]: resolver_helper, and what it says in `answers`.
start_resolver() {
	mkfifo questions
	: >answers
	asked=0
	"$(atf_get_srcdir)/resolver_helper" "$@" <questions >answers \
	    2>resolver.log &
	helper_pid=$!
	record $helper_pid
	exec 4>questions
	expect_soon process_titled "$helper_pid" 'posternd: resolver*'
	resolver_pid=$(process_titled "$helper_pid" 'posternd: resolver*')
	record "$resolver_pid"
}

answered() {
	test "$(wc -l <answers)" -ge "$asked"
}

answered_or_gone() {
	answered || gone "$helper_pid"
}

# ask ADDRESS...: their answers, in `answers`; the last one in $answer.
ask() {
	echo "$*" >&4
	asked=$((asked + $#))
	wait_for 30 answered_or_gone
	answered || {
		cat resolver.log >&2
		atf_fail "no answer: $1 and $(($# - 1)) more"
	}
	answer=$(tail -n 1 answers)
}

# expect ADDRESS STATUS NAMES [DETAIL]: NAMES are split by commas, or "-";
# DETAIL is a shell pattern.
expect() {
	ask "$1"
	# shellcheck disable=SC2254
	case $answer in
	"$1 $2 $3 "${4-*}) ;;
	*) atf_fail "expected $*; got $answer" ;;
	esac
}

still_answers() {
	expect 127.1.1.1 answered good.test
}

# How often it was asked (type 12 is PTR, 1 is A).
count_questions() {
	grep -c -i -e "^$1\. $2\$" questions.log
}

dead_port() {
	echo "127.0.0.1:$(free_port)"
}

# ---- right answers -----------------------------------------------------------

e2e_case right "A name whose forward look-up gives the address is confirmed"
right_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	expect 127.1.1.1 answered good.test "confirmed by DNS"
	expect ::ffff:127.1.1.1 answered good.test
	expect 127.1.1.11 answered alias.test
	expect 2001:db8::1 answered six.test
}

e2e_case wrong "A name that has another address, or none, is not"
wrong_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	expect 127.1.1.2 answered - "*does not have this address: wrong.test"
	expect 127.1.1.3 answered - "*does not have this address: nowhere.test"
	# An IPv4 address of the name does not confirm an IPv6 one.
	expect 2001:db8::2 answered - "*does not have this address: four.test"
}

e2e_case none "An address without a PTR record has no name"
none_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	expect 127.1.1.4 answered - "the address has no PTR record"
	expect 127.2.2.2 answered - "the address has no PTR record"
	expect 127.1.1.16 answered - "the address has no PTR record"
}

e2e_case hostile "What is not a host name is dropped, and nothing else with it"
hostile_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	# The zone has a wildcard, so that these would be confirmed.
	expect 127.1.1.5 answered - "*not a host name"
	expect 127.1.1.6 answered - "*not a host name"
	expect 127.1.1.12 answered - "*not a host name"
	expect 127.1.1.17 answered - "*not a host name"
	expect 127.1.1.9 answered among.test
	expect 127.1.1.7 answered "$longest"
	expect 127.1.1.8 answered chain.test
}

e2e_case truncated "A long answer is fetched by TCP; eight of its names count"
truncated_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	ask 127.1.1.10
	case $answer in
	"127.1.1.10 answered many-"*) ;;
	*) atf_fail "got $answer" ;;
	esac
	atf_check_equal 8 "$(echo "$answer" | tr ',' '\n' | wc -l)"
	# Over UDP alone there is no such answer.
	start_bad_dns
	exec 4>&-
	rm questions
	start_resolver -d 1000 -s "$bad_dns"
	ask 127.1.1.10
	case $answer in
	"127.1.1.10 answered"*) atf_fail "without TCP: $answer" ;;
	esac
}

e2e_case all_at_once "Many are looked up at once, in any order"
all_at_once_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	# shellcheck disable=SC2046
	ask 127.1.1.1 127.1.1.2 127.1.1.7 127.1.1.8 127.1.1.9 2001:db8::1 \
	    $(seq -f 127.2.2.%g 100)
	atf_check_equal 106 "$(sort -u answers | wc -l)"
	atf_check_equal 101 "$(grep -c ' answered - ' answers)"
	atf_check_equal 1 "$(grep -c '^127.1.1.1 answered good.test' answers)"
}

# ---- servers that do not answer ----------------------------------------------

e2e_case refused "A server that refuses, or is not there, is told as such"
refused_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	expect 10.1.1.1 failed - "*(REFUSED)"
	still_answers
	exec 4>&-
	rm questions
	start_resolver -s "$(dead_port)"
	expect 127.1.1.1 failed - "*no DNS server can be reached"
}

e2e_case silent "One deadline for all of it, while others are answered"
silent_body() {
	make_zones
	start_dns
	start_bad_dns
	start_resolver -d 1000 -s "$bad_dns"
	before=$(date +%s%N)
	ask 127.201.1.1 127.1.1.1
	took=$((($(date +%s%N) - before) / 1000000))
	# The good one first, though it was asked later.
	sed -n 1p answers | grep -q '^127.1.1.1 answered good.test ' ||
	    atf_fail "the others had to wait: $(cat answers)"
	case $answer in
	"127.201.1.1 timeout - reverse look-up: no answer"*) ;;
	*) atf_fail "got $answer" ;;
	esac
	test "$took" -ge 1000 || atf_fail "it gave up after $took ms"
	test -n "${SANITIZE-}" || test "$took" -lt 2500 ||
	    atf_fail "it took $took ms"
	# The forward look-up alone is silent.
	expect 127.1.1.13 timeout - "forward look-up: no answer*"
	# What is confirmed counts, though another is silent.
	expect 127.1.1.14 answered half.test
	expect 127.1.1.15 failed - "forward look-up:*(SERVFAIL)"
}

e2e_case second_server "Where one server does not answer the next is asked"
second_server_body() {
	make_zones
	start_dns
	start_bad_dns
	start_resolver -s "$(dead_port)" -s "$dns"
	still_answers
	exec 4>&-
	rm questions
	# Silent, and refusing: the bad one passes on to none that is there.
	start_resolver -s "$bad_dns" -s "$dns"
	expect 127.201.1.1 answered - "the address has no PTR record"
	expect 127.202.1.1 answered - "the address has no PTR record"
}

e2e_case too_many "So many look-ups at once, and no more"
too_many_body() {
	make_zones
	start_dns
	start_bad_dns
	start_resolver -d 1500 -s "$bad_dns"
	# shellcheck disable=SC2046
	ask $(seq -f 127.201.1.%g 200)
	atf_check_equal 128 "$(grep -c ' timeout ' answers)"
	atf_check_equal 72 "$(grep -c ' failed - too many look-ups' answers)"
	still_answers
}

# ---- bad servers -------------------------------------------------------------

e2e_case malformed "Nothing that a server sends ends it, or counts as a name"
malformed_body() {
	make_zones
	start_dns
	start_bad_dns
	start_resolver -d 500 -s "$bad_dns"
	expect 127.202.1.1 failed - "*(SERVFAIL)"
	expect 127.203.1.1 timeout -
	expect 127.204.1.1 timeout -
	expect 127.205.1.1 failed - "*malformed"
	expect 127.206.1.1 failed - "*malformed"
	expect 127.207.1.1 failed - "*malformed"
	expect 127.208.1.1 answered - "*not a host name"
	ask 127.209.1.1
	case $answer in
	*" answered "*) atf_fail "an empty reply: $answer" ;;
	esac
	expect 127.210.1.1 failed - "*no DNS server can be reached"
	expect 127.211.1.1 timeout -
	expect 127.212.1.1 failed - "*(FORMERR)"
	still_answers
	alive "$resolver_pid" || atf_fail "the resolver has died"
}

# The highest that its resident size was, in KiB.
peak_kib() {
	status_of "$1" VmHWM | tr -dc 0-9
}

start_huge_dns() {
	bad_port=$(free_port)
	bad_dns=127.0.0.1:$bad_port
	"$(atf_get_srcdir)/dns_helper" -t "$bad_dns" "$dns" >questions.log \
	    4>&- 5>&- &
	record $!
	expect_soon udp_bound "$bad_port"
}

e2e_case huge "64 KiB of long aliases cost it neither memory nor time"
huge_body() {
	make_zones
	start_dns
	start_huge_dns
	start_resolver -d 3000 -s "$bad_dns"
	before=$(date +%s%N)
	ask 127.1.1.21 127.213.1.1 127.213.1.2 127.1.1.1 127.1.1.8
	took=$((($(date +%s%N) - before) / 1000000))
	test "$(grep -c -e '^127.1.1.1 answered good.test ' \
	    -e '^127.1.1.8 answered chain.test ' answers)" -eq 2 ||
	    atf_fail "others were not answered: $(tr '\n' ';' <answers)"
	test "$(grep -c -e '^127.1.1.21 failed - forward.*malformed' \
	    -e '^127.213.1.[12] failed - reverse.*malformed' answers)" -eq 3 ||
	    atf_fail "it was not refused: $(tr '\n' ';' <answers)"
	atf_check_equal 8 "$(grep -c '^huge-.*\. 1$' questions.log)"
	alive "$resolver_pid" || atf_fail "the resolver has died"
	test -n "${SANITIZE-}" && return
	test "$took" -lt 1000 || atf_fail "it took $took ms"
	test "$(peak_kib "$resolver_pid")" -lt 24576 ||
	    atf_fail "it had $(peak_kib "$resolver_pid") KiB"
}

# ---- what it remembers -------------------------------------------------------

e2e_case remembered "Answers are kept for a while, failures for a shorter one"
remembered_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	still_answers
	expect 127.1.1.4 answered -
	stop_dns
	still_answers
	expect 127.1.1.4 answered - "the address has no PTR record"
	expect 127.1.1.2 failed - "*no DNS server can be reached"
	start_dns
	# Still known as a failure; after five seconds it is asked again.
	expect 127.1.1.2 failed - "*no DNS server can be reached"
	begun=$(uptime_seconds)
	until ask 127.1.1.2 && answer_is "127.1.1.2 answered "; do
		test $(($(uptime_seconds) - begun)) -lt 20 ||
		    atf_fail "a failure is still remembered"
		sleep 0.1
	done
}

answer_is() {
	case $answer in
	"$1"*) return 0 ;;
	*) return 1 ;;
	esac
}

e2e_case asked_once "All who ask about an address share one look-up"
asked_once_body() {
	make_zones
	start_dns
	start_bad_dns
	start_resolver -s "$bad_dns"
	# shellcheck disable=SC2046
	ask $(yes 127.1.1.1 | head -n 50)
	atf_check_equal 50 "$(grep -c '^127.1.1.1 answered good.test' answers)"
	still_answers
	atf_check_equal 1 "$(count_questions 1.1.1.127.in-addr.arpa 12)"
	atf_check_equal 1 "$(count_questions good.test 1)"
}


e2e_case own_memory "What c-ares may remember is not used: it is asked again"
own_memory_body() {
	make_zones
	start_dns
	start_bad_dns
	start_resolver -s "$bad_dns"
	expect 127.1.1.1 answered good.test
	expect 127.1.1.18 answered good.test
	atf_check_equal 2 "$(count_questions good.test 1)"
}

root_case scoped "A link-local server of resolv.conf is left out, with a word"
scoped_body() {
	: >answers
	asked=0
	for server in fe80::1%lo fe80::1; do
		printf 'nameserver %s\nnameserver 127.99.99.99\n' "$server" \
		    >resolv.conf
		rm -f questions
		mkfifo questions
		unshare --mount sh -c 'mount --bind resolv.conf \
		    /etc/resolv.conf && exec "$@"' sh \
		    "$(atf_get_srcdir)/resolver_helper" <questions >>answers \
		    2>resolver.log &
		helper_pid=$!
		record $helper_pid
		exec 4>questions
		ask 127.1.1.1
		atf_check_equal 1 \
		    "$(grep -c 'event=dns .*link-local' resolver.log)"
		exec 4>&-
	done
	# Nothing is said where there is none.
	exec 4>&-
	make_zones
	start_dns
	rm questions
	start_resolver -s "$dns"
	still_answers
	grep -q link-local resolver.log && atf_fail "$(cat resolver.log)"
	return 0
}

root_case hosts_file "/etc/hosts counts, as it was at the start, before DNS"
hosts_file_body() {
	make_zones
	start_dns
	cat >hosts <<-EOF
	127.1.1.1	Here.test also-here.test bad_name # not.test
	::ffff:127.3.3.3 mapped.test
	2001:db8::77	six-here.test
	EOF
	mkfifo questions
	: >answers
	asked=0
	unshare --mount sh -c 'mount --bind hosts /etc/hosts && exec "$@"' sh \
	    "$(atf_get_srcdir)/resolver_helper" -s "$dns" <questions >answers \
	    2>resolver.log &
	helper_pid=$!
	record $helper_pid
	exec 4>questions
	expect 127.1.1.1 answered here.test,also-here.test "from /etc/hosts"
	expect 127.3.3.3 answered mapped.test "from /etc/hosts"
	expect 2001:db8::77 answered six-here.test "from /etc/hosts"
	expect 127.1.1.8 answered chain.test "confirmed by DNS"
	echo "127.1.1.4 new.test" >hosts
	expect 127.1.1.4 answered -
	expect 127.3.3.3 answered mapped.test
}

# ---- the process -------------------------------------------------------------

status_of() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

e2e_case confined "It is nobody, has one descriptor, and may do little"
confined_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	still_answers
	atf_check_equal 2 "$(status_of "$resolver_pid" Seccomp)"
	atf_check_equal 1 "$(status_of "$resolver_pid" NoNewPrivs)"
	# The supervisor's filter and its own.
	atf_check_equal 2 "$(status_of "$resolver_pid" Seccomp_filters)"
	for set in CapInh CapPrm CapEff CapAmb; do
		atf_check_equal 0000000000000000 \
		    "$(status_of "$resolver_pid" $set)"
	done
	test -n "${SANITIZE-}" || grep -q '^Max data size  *67108864 ' \
	    "/proc/$resolver_pid/limits" ||
	    atf_fail "$(grep data "/proc/$resolver_pid/limits")"
	# Not dumpable: its files in /proc are root's.
	atf_check_equal 0 "$(stat -c %u "/proc/$resolver_pid/mem")"
	if is_root; then
		atf_check_equal 0000000000000000 \
		    "$(status_of "$resolver_pid" CapBnd)"
		atf_check_equal "$(id -u nobody)" \
		    "$(status_of "$resolver_pid" Uid | cut -f 1)"
		atf_check_equal "" \
		    "$(status_of "$resolver_pid" Groups | tr -d ' ')"
		atf_check_equal "0 1 2 3" \
		    "$(ls "/proc/$resolver_pid/fd" | sort -n | xargs)"
	else
		test "$(readlink /proc/self/ns/user)" != \
		    "$(readlink "/proc/$resolver_pid/ns/user")" ||
		    atf_fail "it is in our user namespace"
	fi
}

e2e_case dies_with_parent "It does not outlive its parent"
dies_with_parent_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	still_answers
	kill -KILL "$helper_pid"
	expect_soon gone "$resolver_pid"
}

e2e_case lost "Its end is noticed, and nothing else can be asked"
lost_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	still_answers
	kill -KILL "$resolver_pid"
	expect 127.1.1.1 lost - -
}

e2e_case hostile_parent "What is no question ends it"
hostile_parent_body() {
	make_zones
	start_dns
	start_resolver -s "$dns"
	still_answers
	echo hostile >&4
	expect_soon gone "$resolver_pid"
	grep -q 'event=fatal .*is no question' resolver.log ||
	    atf_fail "it said: $(cat resolver.log)"
}
