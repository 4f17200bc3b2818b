#! /usr/bin/env atf-sh
#
# Each process is taken over and tries what it can, after confinement and under
# the real filters.  After each attack the rest of the service must still serve,
# nobody else may have noticed, and nothing may be left over.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../held_verbs.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"
. "$(atf_get_srcdir)/../service_verbs.sh"

# ---- who tries what, and how it ends ---------------------------------------
#
#	SYS	its filter kills it
#	SEGV	so does the kernel
#	no	refused by something else, or no harm done; it goes on
#	-	not an attack there, because, in this order:
#		a dial-spawner looks names up in the system's root, as nobody
#		UDP is a resolver's, to ask by
#		a spawner may fork, and a dial-spawner: see their own case
#		a spawner may put one more filter on itself
#		what is sent by a call that the process has: see its own case
#		pool reads and writes its other connections: the mode's price;
#		by construction its spawner may as well
#		a relay-spawner that reads where nothing comes is as silent as
#		one that is stopped: see its own case
#		a relay worker may say to its client whatever the service could
#
# Behind a colon: whom or what it aims at.  `all' is each process, but for those
# that stand behind; `spawners' are all that start workers.  A supervisor's are
# in a case of their own.

attacks='
#			all	but
end_by_init:sibling	SYS	spawner=no relay-spawner=no
end_by_init:above	SYS	spawner=no relay-spawner=no
open_file		SYS	dial-spawner=-
own_memory		SYS
other_memory		SYS	dial-spawner=no
execute			SYS
execute_by_name		SYS
new_root		SYS
connect_tcp:port	SYS	resolver=no
connect_udp:port	SYS	resolver=-
connect_unix		SYS
bind_port		SYS
listen_again		SYS
trace:above		SYS
trace:sibling		SYS
kill_other:above	SYS
kill_other:sibling	SYS
kill_by_pidfd:sibling	SYS
read_memory_of:above	SYS
read_memory_of:sibling	SYS
take_descriptor_of:above SYS
fork_bomb		SYS	spawners=- dial-spawner=-
new_thread		SYS
new_user_namespace	SYS
join_namespace		SYS
write_execute		SYS
make_executable		SYS
memory_file		SYS
entry_i386		SYS
entry_x32		SYS
io_ring			SYS
fault_handler		SYS
keyring			SYS
kernel_program		SYS
performance_events	SYS
become_root		SYS
become_dumpable		SYS
another_filter		SYS	spawners=- dial-spawner=-
pass_descriptor		SYS	spawners=- dial-spawner=- dialer=-
				resolver=- parent=-
write_elsewhere		SYS	pool=- pool-spawner=-
read_elsewhere		SYS	pool=- pool-spawner=- relay-spawner=-
fill_stack		SEGV
fill_memory		SYS	resolver=no parent=no exporter=no
fill_log		SYS	pool=no spawners=no dial-spawner=no dialer=no
				resolver=no parent=no exporter=no
garbage			SYS	spawners=- dial-spawner=- dialer=-
				resolver=- parent=-
flood			-	pool=no
scribble_others		SYS
'

# attacks_of PROCESS: its own, as "ATTACK AIM OUTCOME".
attacks_of() {
	echo "$attacks" | awk -v process="$1" '
	function is(name) {
		return name == process || (name == "spawners" &&
		    process ~ /^(pool-|relay-)?spawner$/)
	}
	function tell() {
		n = split(entry, word)
		outcome = word[2]
		for (i = 3; i <= n; i++)
			if (split(word[i], but, "=") == 2 && is(but[1]))
				outcome = but[2]
		split(word[1], name, ":")
		if (n > 0 && outcome != "-")
			print name[1], name[2] == "" ? "-" : name[2], outcome
	}
	/^[a-z]/ { tell(); entry = $0 }
	/^\t/ { entry = entry $0 }
	END { tell() }'
}

# ---- the service and those who watch it --------------------------------------

parents=5

# start_watched [key=value...]: $parents; each client needs the resolver.
start_watched() {
	use_inside "* attack *"
	make_pki
	issue client local ca --name local --host localhost
	write_conf "parents=$parents" clients.host-check=name \
	    "resolver.servers={\"127.0.0.1:$(free_port)\"}" "$@"
	start_daemon
	watch_begins
}

# start_relaying [key=value...]: the same, with a service to relay to by TCP.
start_relaying() {
	app=$(free_port)
	start_service "127.0.0.1:$app" echo
	start_watched worker=relay "relay.to=127.0.0.1:$app" "$@"
}

# The same by a local socket, for which there are dial-spawners.
start_relaying_locally() {
	mkdir run
	chmod 755 . run
	start_service "unix:$PWD/run/app.sock" echo
	start_watched worker=relay relay.to=unix:run/app.sock "$@"
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

# find_relay: a relay worker is there for a client only, a victim as well.
find_relay() {
	hold client 5 -C local.pem -K local.key
	line=$(grep 'event=open' daemon.log | tail -n 1)
	victim=${line##* worker=}
	parent=$(echo "$line" | sed 's/.* pid=\([0-9]*\) .*/\1/')
	above=$(sed -n 's/^PPid:\t//p' "/proc/$victim/status")
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
	test "$(tree "$daemon_pid" | grep -c ': parent ')" -ge "$parents"
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

# what_died PROCESS: its parent's word for it.
what_died() {
	case $1 in
	dial-spawner) echo dialer ;;
	*-spawner) echo spawner ;;
	*) echo "$1" ;;
	esac
}

# What the log must say of a process that was killed by SIGNAL.
expect_named() {
	case $1 in
	echo | pool | relay)
		expect_news "event=worker-died worker=$victim signal=$2" ;;
	init)
		expect_news "process=spawner event=fatal .*init ended"
		expect_news "pid=$parent process=parent event=spawner-died"
		;;
	*-spawner | spawner | resolver | dialer)
		expect_news \
		    "pid=$parent process=parent event=$(what_died "$1")-died" ;;
	exporter)
		expect_news "event=exporter-died exporter=$victim signal=$2" ;;
	parent) expect_news "event=parent-died parent=$parent .*signal=$2" ;;
	esac
}

# choose PROCESS: sets $victim, $above, $parent, and what of the log is old.
choose() {
	case $1 in
	relay) find_relay ;;
	exporter)
		wait_for 60 exporter_there || atf_fail "no exporter for $told"
		above=$daemon_pid
		;;
	*)
		test "$(wc -l <taken)" -lt 4 || expect_replaced
		expect_soon find_victim "$1"
		tree "$parent" >tree
		;;
	esac
	log_lines=$(wc -l <daemon.log)
}

exporter_there() {
	victim=$(process_titled "$daemon_pid" 'posternd: exporter') &&
	    posternd -f posternd.conf --status >status.out 2>&1
}

# tries PROCESS ATTACK AIM OUTCOME
tries() {
	told="$1: $2 $3"
	choose "$1"
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
	relay:*)
		expect_soon gone "$victim"
		! held_status client 5 ||
		    atf_fail "$told: a good end to its client"
		;;
	echo:* | pool:*) expect_soon gone "$victim" ;;
	exporter:*) hurry_exporter ;;
	*)
		echo "$parent" >>taken
		cat tree >>theirs
		;;
	esac
}

# It waits longer and longer for its successor; one of a new start does not.
hurry_exporter() {
	rounds=$((rounds + 1))
	test $rounds -ge 4 || return 0
	release bystander 4
	stop_daemon
	start_daemon
	watch_begins
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
	start_watched
	try_all echo
}

root_case pool "A pool worker that was taken over"
pool_body() {
	start_watched isolation=pool pool-workers=1
	expect_soon serves
	try_all pool
}

root_case init "An init that was taken over"
init_body() {
	start_watched
	try_all init
}

root_case spawner "A spawner that was taken over"
spawner_body() {
	start_watched
	try_all spawner
}

root_case pool_spawner "A spawner of a pool that was taken over"
pool_spawner_body() {
	start_watched isolation=pool pool-workers=1
	try_all pool-spawner
}

root_case relay_spawner "A spawner of relay workers that was taken over"
relay_spawner_body() {
	start_relaying
	try_all relay-spawner
}

root_case relay "A relay worker that was taken over"
relay_body() {
	start_relaying
	try_all relay
}

root_case dialer "A dialer that was taken over"
dialer_body() {
	start_relaying
	try_all dialer
}

root_case dial_spawner "A dial-spawner that was taken over"
dial_spawner_body() {
	start_relaying_locally
	try_all dial-spawner
}

root_case exporter "An exporter that was taken over"
exporter_body() {
	parents=2
	start_watched
	try_all exporter
}

root_case resolver "A resolver that was taken over"
resolver_body() {
	start_watched
	try_all resolver
}

root_case parent "A parent that was taken over"
parent_body() {
	start_watched
	try_all parent
}

# ---- who lies ----------------------------------------------------------------

# provoke PROCESS EVENT: it is asked for something, by its parent, until the log
# has that.  A spawner's worker that waits dies; else clients come until one is
# the victim's parent's.
provoke() {
	case $1 in
	parent) ;;
	spawner)
		kill -KILL "$(awk -v pid="$victim" \
		    '$2 == pid && $4 == "echo" { print $1; exit }' others)" \
		    2>/dev/null
		;;
	*) serves ;;
	esac
	news_has "$2"
}

# does PROCESS ATTACK [ARGUMENT]: it goes on, unless its parent's end is its
# own, and that is quick.
does() {
	told="$1: $2"
	choose "$1"
	attack "$victim" "$2" "${3-}"
	case $outcome in
	refused | "killed KILL") ;;
	*) atf_fail "$told: $outcome" ;;
	esac
}

# lies PROCESS ATTACK [WHOSE]: its parent notices, says so, and is replaced.
lies() {
	does "$1" "$2"
	wait_for 60 provoke "$1" \
	    "pid=$parent process=parent event=${3-$(what_died "$1")}-died" || {
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
	! news_has "event=\(parent\|spawner\|resolver\|dialer\)-died" ||
	    atf_fail "$told: somebody has died of it"
}

# of_victims EVENT: a client comes, perhaps the victim's parent's, and has that
# parent log this event.
of_victims() {
	echo "somebody new" >new.in
	connect -w 5 -C local.pem -K local.key <new.in >new.out 2>new.err
	news_has "pid=$parent process=parent event=$1"
}

end_watched() {
	expect_replaced
	release bystander 4
	stop_daemon
}

# spawner_lies PROCESS LIE...: two or unasked descriptors, or none; too long a
# message, or nonsense.
spawner_lies() {
	liar=$1
	shift
	for lie in "$@" send_two send_long send_unasked garbage \
	    pass_descriptor; do
		lies "$liar" "$lie"
	done
	end_watched
}

spawner_cheats() {
	for lie in send_file send_tcp; do
		lies "$1" $lie
		news_has "died detail=\"it sent what is no worker's end" ||
		    atf_fail "$lie: not for what it sent"
	done
	end_watched
}

root_case spawner_lies "A spawner that sends no, two or unasked descriptors"
spawner_lies_body() {
	start_watched
	spawner_lies spawner send_none
}

root_case pool_spawner_lies "The same of a pool"
pool_spawner_lies_body() {
	start_watched isolation=pool
	spawner_lies pool-spawner send_none
}

# A parent that has no room for a descriptor gets none, either: its client alone
# is refused.
root_case relay_spawner_lies "The same of relay workers"
relay_spawner_lies_body() {
	start_relaying
	does relay-spawner send_none
	wait_for 60 of_victims "refused reason=internal" || {
		show_log
		atf_fail "send_none: nobody got that worker"
	}
	unharmed send_none
	alive "$parent" || atf_fail "its parent is gone"
	echo "$parent" >>taken
	spawner_lies relay-spawner
}

root_case spawner_cheats "A spawner that sends something else than a worker"
spawner_cheats_body() {
	start_watched
	spawner_cheats spawner
}

root_case pool_spawner_cheats "The same of a pool"
pool_spawner_cheats_body() {
	start_watched isolation=pool
	spawner_cheats pool-spawner
}

root_case relay_spawner_cheats "The same of relay workers"
relay_spawner_cheats_body() {
	start_relaying
	spawner_cheats relay-spawner
}

root_case spawner_silent "A spawner that falls silent is missed"
spawner_silent_body() {
	start_watched max-connections=8
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
	end_watched
}

# Whose worker is nobody, or the spawner itself: that client gets nothing, and
# it is told.
root_case spawner_sends_dead "Clients whose spawner sends no worker are told so"
spawner_sends_dead_body() {
	start_watched max-connections=40
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
	start_watched
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

# bomb PROCESS LEAST MOST: it forks all it can.
bomb() {
	does "$1" fork_bomb
	n=$(tree "$victim" | wc -l)
	echo "$n processes"
	test "$n" -ge "$2" || atf_fail "it could not fork at all"
	test "$n" -le "$3" || atf_fail "it has $n processes"
	unharmed "$told"
	# Whom it has forked ends with it all the same.
	tree "$parent" >theirs
	kill -KILL "$parent"
	end_watched
}

# max-connections and 128
root_case spawner_bomb "A spawner that forks all it can"
spawner_bomb_body() {
	start_watched max-connections=40
	bomb spawner 40 170
}

root_case pool_spawner_bomb "The same of a pool"
pool_spawner_bomb_body() {
	start_watched isolation=pool max-connections=40
	bomb pool-spawner 40 170
}

root_case relay_spawner_bomb "The same of relay workers"
relay_spawner_bomb_body() {
	start_relaying max-connections=40
	bomb relay-spawner 40 170
}

root_case dial_spawner_bomb "A dial-spawner that forks all it can"
dial_spawner_bomb_body() {
	start_relaying_locally
	bomb dial-spawner 8 18
}

root_case resolver_lies "A resolver that lies about lengths"
resolver_lies_body() {
	start_watched
	for lie in answer_short answer_long answer_many_names \
	    answer_unending_name answer_wild garbage pass_descriptor; do
		lies resolver $lie
	done
	end_watched
}

root_case resolver_rambles "A resolver that answers what was not asked"
resolver_rambles_body() {
	start_watched timeouts.resolve=1s
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
	start_watched
	harmless parent garbage_to_supervisor
	lies parent garbage spawner
	lies parent pass_descriptor spawner
	lies parent garbage_to_resolver resolver
	end_watched
}

root_case relaying_parent_garbage "The same to those that a relay needs"
relaying_parent_garbage_body() {
	start_relaying
	lies parent garbage spawner
	lies parent pass_descriptor spawner
	lies parent garbage_to_dialer dialer
	end_watched
}

# Of a local socket: with its dialer who starts that ends as well.
root_case local_dialer_garbage "The same to the dialer of a local socket"
local_dialer_garbage_body() {
	start_relaying_locally
	lies parent garbage_to_dialer dialer
	end_watched
}

# What else it hands over than a connection: relay_test.
root_case dialer_garbage "A dialer that sends what is no answer"
dialer_garbage_body() {
	start_relaying
	lies dialer garbage
	lies dialer pass_descriptor
	end_watched
}

# It hears nothing, but has its dialers' channel.
root_case dial_spawner_lies "A dial-spawner that speaks for its dialer"
dial_spawner_lies_body() {
	start_relaying_locally
	lies dial-spawner garbage
	lies dial-spawner pass_descriptor
	end_watched
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
	start_watched max-connections=60 max-connections-per-address=20 \
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
	end_watched
}

# ---- the supervisor ----------------------------------------------------------

# What its filter leaves is wide; this it does not leave.  With it all end, and
# the next start finds the port free.
root_case supervisor "A supervisor that was taken over"
supervisor_body() {
	use_inside "supervisor attack *"
	make_pki
	write_conf
	for try in own_memory execute trace kill_other read_memory_of \
	    take_descriptor_of new_thread write_execute make_executable \
	    memory_file become_dumpable join_namespace entry_i386 entry_x32 \
	    io_ring fault_handler kernel_program performance_events keyring; do
		ends_all $try "killed SYS"
	done
	# That it cannot be kept from: SECURITY says so.
	ends_all execute_by_name "ended 0"
}

# ends_all ATTACK OUTCOME
ends_all() {
	start_daemon
	tree "$daemon_pid" >theirs
	attack "$daemon_pid" "$1" $$
	atf_check_equal "$1: $2" "$1: $outcome"
	expect_soon all_gone
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
	start_watched
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
	start_watched
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
	start_watched parents=1
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
