#! /usr/bin/env atf-sh
#
# Each process is taken over and tries what it can, after confinement and under
# the real filters.  After each attack the rest of the service must still serve,
# nobody else may have noticed, and nothing may be left over.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

# ---- who tries what, and how it ends -----------------------------------------
#
#	SYS	its filter kills it		SEGV	so does the kernel
#	no	refused by something else, or no harm done; the process goes on
#	-	not an attack there, because, in this order:
#		pool reads and writes its other connections: the mode's price
#		a spawner may put one more filter on itself
#		a resolver may send datagrams to anybody
#		what is sent by a call that the process has: see its own case
#
# Behind a colon: whom or what it aims at.

attacks='
#			echo	pool	init	spawner	resolver parent
end_by_init:sibling	SYS	SYS	SYS	no	SYS	SYS
end_by_init:above	SYS	SYS	SYS	no	SYS	SYS
open_file		SYS	SYS	SYS	SYS	SYS	SYS
own_memory		SYS	SYS	SYS	SYS	SYS	SYS
other_memory		SYS	SYS	SYS	SYS	SYS	SYS
execute			SYS	SYS	SYS	SYS	SYS	SYS
new_root		SYS	SYS	SYS	SYS	SYS	SYS
connect_tcp:port	SYS	SYS	SYS	SYS	no	SYS
connect_udp:port	SYS	SYS	SYS	SYS	-	SYS
connect_unix		SYS	SYS	SYS	SYS	SYS	SYS
bind_port		SYS	SYS	SYS	SYS	SYS	SYS
listen_again		SYS	SYS	SYS	SYS	SYS	SYS
trace:above		SYS	SYS	SYS	SYS	SYS	SYS
trace:sibling		SYS	SYS	SYS	SYS	SYS	SYS
kill_other:above	SYS	SYS	SYS	SYS	SYS	SYS
kill_other:sibling	SYS	SYS	SYS	SYS	SYS	SYS
kill_by_pidfd:sibling	SYS	SYS	SYS	SYS	SYS	SYS
read_memory_of:above	SYS	SYS	SYS	SYS	SYS	SYS
read_memory_of:sibling	SYS	SYS	SYS	SYS	SYS	SYS
take_descriptor_of:above SYS	SYS	SYS	SYS	SYS	SYS
fork_bomb		SYS	SYS	SYS	-	SYS	SYS
new_thread		SYS	SYS	SYS	SYS	SYS	SYS
new_user_namespace	SYS	SYS	SYS	SYS	SYS	SYS
join_namespace		SYS	SYS	SYS	SYS	SYS	SYS
write_execute		SYS	SYS	SYS	SYS	SYS	SYS
make_executable		SYS	SYS	SYS	SYS	SYS	SYS
memory_file		SYS	SYS	SYS	SYS	SYS	SYS
entry_i386		SYS	SYS	SYS	SYS	SYS	SYS
entry_x32		SYS	SYS	SYS	SYS	SYS	SYS
io_ring			SYS	SYS	SYS	SYS	SYS	SYS
fault_handler		SYS	SYS	SYS	SYS	SYS	SYS
keyring			SYS	SYS	SYS	SYS	SYS	SYS
kernel_program		SYS	SYS	SYS	SYS	SYS	SYS
performance_events	SYS	SYS	SYS	SYS	SYS	SYS
become_root		SYS	SYS	SYS	SYS	SYS	SYS
become_dumpable		SYS	SYS	SYS	SYS	SYS	SYS
another_filter		SYS	SYS	SYS	-	SYS	SYS
pass_descriptor		SYS	SYS	SYS	-	-	-
write_elsewhere		SYS	-	SYS	SYS	SYS	SYS
read_elsewhere		SYS	-	SYS	SYS	SYS	SYS
fill_stack		SEGV	SEGV	SEGV	SEGV	SEGV	SEGV
fill_memory		SYS	SYS	SYS	SYS	no	no
fill_log		SYS	no	SYS	no	no	no
garbage			SYS	SYS	SYS	-	-	-
flood			-	no	-	-	-	-
scribble_others		SYS	SYS	SYS	SYS	SYS	SYS
'

# attacks_of PROCESS: its column, as "ATTACK AIM OUTCOME".
attacks_of() {
	echo "$attacks" | awk -v process="$1" '
	/^#/ { for (i = 2; i <= NF; i++) if ($i == process) column = i }
	/^[a-z]/ && $column != "-" {
		split($1, name, ":")
		print name[1], name[2] == "" ? "-" : name[2], $column
	}'
}

# ---- the service and those who watch it --------------------------------------

# start_service [key=value...]: five parents; each client needs the resolver.
start_service() {
	use_inside "* attack *"
	make_pki
	issue client local ca --name local --host localhost
	write_conf parents=5 clients.host-check=name \
	    "resolver.servers={\"127.0.0.1:$(free_port)\"}" "$@"
	start_daemon
	watch_begins
}

# A session from before the attack: the bystander's.
watch_begins() {
	hold bystander 4 -C local.pem -K local.key
	by_line=$(grep 'event=open' daemon.log | tail -n 1)
	by_parent=$(echo "$by_line" | sed 's/.* pid=\([0-9]*\) .*/\1/')
	by_worker=${by_line##* worker=}
	: >theirs
	: >taken
	rounds=0
}

# What has died often waits longer and longer for its successor; a new
# generation begins anew.
start_anew() {
	release bystander 4
	log_has_no_more=$(log_count 'event=reload result=ok')
	kill -HUP "$daemon_pid"
	expect_soon reloaded_again
	rm -f bystander.*
	watch_begins
}

reloaded_again() {
	test "$(log_count 'event=reload result=ok')" -gt "$log_has_no_more"
}

tree() {
	"$(atf_get_srcdir)/attack_helper" tree "$1"
}

# All of the service but what is the bystander's, or of a parent that was
# attacked already: one line each, "pid above title".
others() {
	tree "$daemon_pid" | awk -v not="$by_parent $(xargs <taken)" '
	BEGIN {
		n = split(not, pid)
		for (i = 1; i <= n; i++)
			left_out[pid[i]]
	}
	NR == 1 { print; next }
	{ under[$1] = $2 }
	{
		for (p = $1; p in under; p = under[p])
			if (p in left_out)
				next
		print
	}'
}

# parent_of PID: the parent of posternd that it belongs to, or is.
parent_of() {
	awk -v pid="$1" '{ above[$1] = $2; title[$1] = $4 }
	END {
		while (pid in above && title[pid] != "parent")
			pid = above[pid]
		print pid
	}' others
}

# find_victim PROCESS: one that has nothing to do with the bystander, of a
# parent that is at work; sets $victim, $above, and $parent, that parent.
find_victim() {
	others >others
	for victim in $(awk -v name="$1" '$4 == name { print $1 }' \
	    others); do
		above=$(awk -v pid="$victim" '$1 == pid { print $2 }' others)
		parent=$(parent_of "$victim")
		! log_has "pid=$parent .*event=canary result=ok" || return 0
	done
	return 1
}

aim() {
	case $1 in
	above) echo "$above" ;;
	sibling) echo "$by_worker" ;;
	port) echo "$port" ;;
	-) echo 0 ;;
	esac
}

# ---- after an attack ---------------------------------------------------------

serves() {
	echo "somebody new" >new.in
	connect -w 5 -C local.pem -K local.key <new.in >new.out 2>new.err &&
	    cmp -s new.in new.out
}

# Nobody else has noticed, and who comes now is served.
unharmed() {
	feed bystander 4 "still here after $*"
	expect_soon serves
	alive "$daemon_pid" || atf_fail "the supervisor has gone"
}

news_has() {
	tail -n "+$((log_lines + 1))" daemon.log | grep -q -e "$1"
}

expect_news() {
	wait_for 20 news_has "$1" || {
		show_log
		atf_fail "after $told the log has no: $1"
	}
}

all_gone() {
	while read -r pid _; do
		gone "$pid" || return 1
	done <theirs
}

full_again() {
	test "$(tree "$daemon_pid" | grep -c ': parent ')" -ge 5
}

# Those that were attacked are replaced, and nothing of them is left.
expect_replaced() {
	wait_for 20 all_gone || {
		show_log
		atf_fail "something is left over: $(cat theirs)"
	}
	wait_for 20 full_again || {
		show_log
		atf_fail "there are not all parents again"
	}
	: >theirs
	: >taken
	rounds=$((rounds + 1))
	test $rounds -lt 3 || start_anew
}

# What the log must say of a process that was killed by SIGNAL.
expect_named() {
	case $1 in
	echo | pool)
		expect_news "event=worker-died worker=$victim signal=$2" ;;
	init)
		expect_news "process=spawner event=fatal .*init ended"
		expect_news "pid=$parent process=parent event=spawner-died"
		;;
	spawner) expect_news "pid=$parent process=parent event=spawner-died" ;;
	resolver) expect_news "pid=$parent process=parent event=resolver-died" ;;
	parent) expect_news "event=parent-died parent=$parent .*signal=$2" ;;
	esac
}

# tries PROCESS ATTACK AIM OUTCOME
tries() {
	told="$1: $2 $3"
	test "$(wc -l <taken)" -lt 4 || expect_replaced
	expect_soon find_victim "$1"
	tree "$parent" >tree
	log_lines=$(wc -l <daemon.log)
	attack "$victim" "$2" "$(aim "$3")"
	case $4 in
	no) atf_check_equal "$told: refused" "$told: $outcome" ;;
	*)
		atf_check_equal "$told: killed $4" "$told: $outcome"
		expect_named "$1" "$4"
		;;
	esac
	unharmed "$told"
	case $1:$4 in
	# A worker may not return from a signal's handler.
	pool:no) expect_named pool SYS ;;
	*:no) alive "$victim" || atf_fail "$told: it is gone" ;;
	echo:* | pool:*) expect_soon gone "$victim" ;;
	*)
		echo "$parent" >>taken
		cat tree >>theirs
		;;
	esac
}

try_all() {
	attacks_of "$1" >list
	test -s list || atf_fail "no attacks for $1"
	while read -r attack aim outcome_ <&3; do
		tries "$1" "$attack" "$aim" "$outcome_"
	done 3<list
	expect_replaced
	release bystander 4
	stop_daemon
}

root_case echo "An echo worker that was taken over"
echo_body() {
	start_service
	try_all echo
}

root_case pool "A pool worker that was taken over"
pool_body() {
	start_service isolation=pool pool-workers=1
	expect_soon serves
	try_all pool
}

root_case init "An init that was taken over"
init_body() {
	start_service
	try_all init
}

root_case spawner "A spawner that was taken over"
spawner_body() {
	start_service
	try_all spawner
}

root_case resolver "A resolver that was taken over"
resolver_body() {
	start_service
	try_all resolver
}

root_case parent "A parent that was taken over"
parent_body() {
	start_service
	try_all parent
}

# ---- who lies ----------------------------------------------------------------

# One of its workers dies, so that it is asked for another.
provoke_spawner() {
	kill -KILL "$(awk -v pid="$victim" '$2 == pid && $4 == "echo" {
		print $1; exit }' others)" 2>/dev/null
	news_has "$1"
}

# Clients come until one is the victim's parent's.
provoke_resolver() {
	serves
	news_has "$1"
}

provoke_parent() {
	news_has "$1"
}

# does PROCESS ATTACK [ARGUMENT]: it goes on, unless its parent's end is its
# own, and that is quick.
does() {
	told="$1: $2"
	test "$(wc -l <taken)" -lt 4 || expect_replaced
	expect_soon find_victim "$1"
	tree "$parent" >tree
	log_lines=$(wc -l <daemon.log)
	attack "$victim" "$2" "${3-}"
	case $outcome in
	refused | "killed KILL") ;;
	*) atf_fail "$told: $outcome" ;;
	esac
}

# lies PROCESS ATTACK [WHOSE]: its parent notices, says so, and is replaced.
lies() {
	does "$1" "$2"
	wait_for 60 "provoke_$1" \
	    "pid=$parent process=parent event=${3-$1}-died" || {
		show_log
		atf_fail "$told: not noticed"
	}
	unharmed "$told"
	echo "$parent" >>taken
	cat tree >>theirs
}

# harmless PROCESS ATTACK: nobody is any the worse for it, not even its parent.
harmless() {
	does "$1" "$2"
	unharmed "$told"
	alive "$victim" || atf_fail "$told: it is gone"
	alive "$parent" || atf_fail "$told: its parent is gone"
	! news_has "event=\(parent\|spawner\|resolver\)-died" ||
	    atf_fail "$told: somebody has died of it"
}

# of_victims EVENT: a client comes, perhaps the victim's parent's, and has that
# parent log this event.
of_victims() {
	echo "somebody new" >new.in
	connect -w 5 -C local.pem -K local.key <new.in >new.out 2>new.err
	news_has "pid=$parent process=parent event=$1"
}

end_service() {
	expect_replaced
	release bystander 4
	stop_daemon
}

root_case spawner_lies "A spawner that sends no, two or unasked descriptors"
spawner_lies_body() {
	start_service
	for lie in send_none send_two send_long send_unasked garbage \
	    pass_descriptor; do
		lies spawner $lie
	done
	end_service
}

root_case spawner_cheats "A spawner that sends something else than a worker"
spawner_cheats_body() {
	start_service
	for lie in send_file send_tcp; do
		lies spawner $lie
	done
	log_has "spawner-died detail=\"it sent what is no worker's end" ||
	    atf_fail "not for what it sent"
	end_service
}

root_case spawner_silent "A spawner that falls silent is missed"
spawner_silent_body() {
	start_service max-connections=8
	lies spawner send_nothing
	log_has 'spawner-died detail="it was asked, and is silent' ||
	    atf_fail "not for its silence"
	expect_replaced
	# So is one that cannot do anything any more, when its workers are used
	# up.
	expect_soon find_victim spawner
	tree "$parent" >tree
	log_lines=$(wc -l <daemon.log)
	kill -STOP "$victim"
	told="spawner: stopped"
	wait_for 60 of_victims spawner-died || {
		show_log
		atf_fail "$told: not noticed"
	}
	unharmed "$told"
	echo "$parent" >>taken
	cat tree >>theirs
	end_service
}

# Whose worker is nobody, or the spawner itself: that client gets nothing, and
# it is told.
root_case spawner_sends_dead "Clients whose spawner sends no worker are told so"
spawner_sends_dead_body() {
	start_service max-connections=40
	does spawner send_closed
	# What it sent before is used up first.
	wait_for 60 of_victims "close .*end=worker-died" || {
		show_log
		atf_fail "send_closed: nobody got that worker"
	}
	unharmed send_closed
	alive "$parent" || atf_fail "its parent is gone"
	echo "$parent" >>taken
	start_anew
	does spawner send_channel
	wait_for 60 of_victims "\(close .*end=worker-\|spawner-died\)" || {
		show_log
		atf_fail "send_channel: nobody got that worker"
	}
	unharmed send_channel
	release bystander 4
	stop_daemon
}

root_case spawner_slanders "A spawner that says a worker is dead that is well"
spawner_slanders_body() {
	start_service
	hold one 5 -C local.pem -K local.key
	line=$(grep 'event=open' daemon.log | tail -n 1)
	parent=$(echo "$line" | sed 's/.* pid=\([0-9]*\) .*/\1/')
	others >others
	victim=$(awk -v pid="$parent" '$2 == pid && $4 == "spawner" {
		print $1 }' others)
	test -n "$victim" || victim=$(tree "$parent" | awk '$4 == "spawner" {
		print $1 }')
	attack "$victim" send_dead "${line##* worker=}"
	atf_check_equal refused "$outcome"
	expect_log "event=worker-died worker=${line##* worker=} signal="
	feed one 5 "not dead at all"
	unharmed "spawner: send_dead"
	release one 5
	release bystander 4
	stop_daemon
}

root_case spawner_bomb "A spawner that forks all it can"
spawner_bomb_body() {
	start_service max-connections=40
	does spawner fork_bomb
	n=$(tree "$victim" | wc -l)
	echo "$n processes"
	# max-connections and 128
	test "$n" -gt 40 || atf_fail "it could not fork at all"
	test "$n" -le 170 || atf_fail "it has $n processes"
	unharmed "$told"
	# Whom it has forked ends with it all the same.
	tree "$parent" >theirs
	kill -KILL "$parent"
	end_service
}

root_case resolver_lies "A resolver that lies about lengths"
resolver_lies_body() {
	start_service
	for lie in answer_short answer_long answer_many_names \
	    answer_unending_name answer_wild garbage pass_descriptor; do
		lies resolver $lie
	done
	end_service
}

root_case resolver_rambles "A resolver that answers what was not asked"
resolver_rambles_body() {
	start_service timeouts.resolve=1s
	harmless resolver answer_twice
	does resolver answer_unasked
	wait_for 60 of_victims 'refused reason=resolver-timeout' || {
		show_log
		atf_fail "nobody waited for its answer in vain"
	}
	unharmed answer_unasked
	alive "$parent" || atf_fail "its parent is gone"
	log_has 'event=resolver-died' &&
	    atf_fail "a stray answer ended a parent"
	release bystander 4
	stop_daemon
}

# What it says to the supervisor is counted, not read; its own resolver and
# spawner end, and it is replaced.
root_case parent_garbage "A parent that sends garbage on each of its channels"
parent_garbage_body() {
	start_service
	harmless parent garbage_to_supervisor
	lies parent garbage spawner
	lies parent pass_descriptor spawner
	lies parent garbage_to_resolver resolver
	end_service
}

# No other parent has refused a client.
only_it_refused() {
	! tail -n "+$((log_lines + 1))" daemon.log | grep event=refused |
	    grep -v "pid=$parent " >&2
}

asks_exporter() {
	posternd -f posternd.conf --status --json >status.json &&
	    curl -sS --max-time 20 "http://127.0.0.1:$metrics_port/metrics" \
	    >metrics
}

root_case parent_scribbles \
    "A parent that writes nonsense into its slot of the board"
parent_scribbles_body() {
	metrics_port=$(free_port)
	start_service max-connections=60 max-connections-per-address=20 \
	    "metrics.listen=127.0.0.1:$metrics_port"
	does parent scribble
	served=0
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		! serves || served=$((served + 1))
	done
	echo "$served of 16 were served"
	only_it_refused || atf_fail "others believed it"
	test $served -gt 0 || atf_fail "nobody was served any more"
	unharmed "$told"
	expect_soon asks_exporter
	tree "$parent" >theirs
	kill -KILL "$parent"
	end_service
}

# ---- the exporter, and the supervisor ----------------------------------------

exporter_anew() {
	victim=$(process_titled "$daemon_pid" 'posternd: exporter') &&
	    posternd -f posternd.conf --status >status.out 2>&1
}

# Each time it waits longer for its successor: so these are few.
root_case exporter "An exporter that was taken over"
exporter_body() {
	start_service
	for try in open_file:- connect_tcp:port trace:above kill_other:above \
	    write_execute:- scribble_others:-; do
		wait_for 60 exporter_anew || atf_fail "no exporter before $try"
		above=$daemon_pid
		log_lines=$(wc -l <daemon.log)
		attack "$victim" "${try%:*}" "$(aim "${try#*:}")"
		atf_check_equal "$try: killed SYS" "$try: $outcome"
		told=$try
		expect_news "event=exporter-died exporter=$victim signal=SYS"
		unharmed "exporter: $try"
	done
	release bystander 4
	stop_daemon
}

# What its filter leaves is wide; this it does not leave.  With it all end, and
# the next start finds the port free.
root_case supervisor "A supervisor that was taken over"
supervisor_body() {
	use_inside "supervisor attack *"
	make_pki
	write_conf
	for try in own_memory execute trace kill_other read_memory_of \
	    take_descriptor_of new_thread write_execute make_executable \
	    become_dumpable entry_i386 io_ring kernel_program keyring; do
		start_daemon
		tree "$daemon_pid" >theirs
		attack "$daemon_pid" $try $$
		atf_check_equal "$try: killed SYS" "$try: $outcome"
		expect_soon all_gone
	done
}

# ---- workers -----------------------------------------------------------------

last_worker() {
	grep 'event=open' daemon.log | tail -n 1 | sed 's/.* worker=//'
}

# What its client got is, from the beginning, what it had sent.
got_its_own() {
	head -c "$(wc -c <"$1.out")" "$1.in" | cmp - "$1.out" ||
	    atf_fail "$1 got what it had not sent"
}

expect_cut_off() {
	expect_log "event=worker-lied worker=$worker peer="
	expect_log "event=close .*end=worker-lied .*worker=$worker"
	expect_soon gone "$worker"
}

root_case worker_floods "A worker that says more than its client is cut off"
worker_floods_body() {
	start_service
	hold talker 5 -C local.pem -K local.key
	worker=$(last_worker)
	attack "$worker" flood
	atf_check_equal refused "$outcome"
	expect_cut_off
	! held_status talker 5 || atf_fail "a client took that for a good end"
	got_its_own talker
	unharmed "a flood"
	stop_daemon
}

root_case worker_floods_late "The same when its client has gone"
worker_floods_late_body() {
	start_service
	hold leaver 5 -C local.pem -K local.key
	worker=$(last_worker)
	run_in_background without_feeds "$(atf_get_srcdir)/attack_helper" \
	    "$worker" flood 1 >outcome
	helper=$!
	# As many bytes as there were, whatever they are: no more can be seen.
	echo "now it is at it" >&5
	expect_soon grep -q '!!!!' leaver.out
	! held_status leaver 5 || atf_fail "a client took that for a good end"
	expect_cut_off
	wait_for 30 gone $helper
	atf_check_equal refused "$(cat outcome)"
	! grep -q f leaver.out || atf_fail "it got some of the flood"
	unharmed "a late flood"
	stop_daemon
}

is_running() {
	grep -q '^State:.*R' "/proc/$1/status"
}

# spin_and_leave NAME FD: its worker hangs, then it goes, and its worker must.
spin_and_leave() {
	hold "$1" "$2" -C local.pem -K local.key
	worker=$(last_worker)
	run_in_background without_feeds "$(atf_get_srcdir)/attack_helper" \
	    "$worker" spin >outcome
	helper=$!
	expect_soon is_running "$worker"
	eval "leaver_pid=\$${1}_pid"
	# shellcheck disable=SC2046
	kill -KILL $(tree_of "$leaver_pid") "$leaver_pid"
	expect_log "event=close .*worker=$worker"
	wait_for 20 gone "$worker" || {
		show_log
		atf_fail "it is there still"
	}
	wait_for 30 gone $helper
	atf_check_equal "killed KILL" "$(cat outcome)"
	expect_log "level=warning .*event=worker-overdue worker=$worker"
	log_has "event=worker-died" && atf_fail "that is said of a break-in"
	return 0
}

# Nothing that it is sent or told reaches it any more.  Who ends it must be able
# to go on: with that init all its workers would end, the bystander's too.
root_case worker_spins "A worker that hangs does not outlive its session"
worker_spins_body() {
	start_service parents=1
	init=$(process_titled "$daemon_pid" 'postern-worker: init')
	spin_and_leave first 5
	spin_and_leave second 6
	unharmed "two workers that hang"
	alive "$by_worker" || atf_fail "the bystander's worker has ended"
	alive "$init" || atf_fail "who ended them has ended, too"
	exec 5>&- 6>&-
	release bystander 4
	stop_daemon
}
