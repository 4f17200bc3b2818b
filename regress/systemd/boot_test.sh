#! /usr/bin/env atf-sh
#
# The units, really started: by systemd as pid 1 of its own namespaces, from an
# installed tree, and with the journal.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"
. "$(atf_get_srcdir)/../systemd_verbs.sh"

# boot_case NAME DESCRIPTION
boot_case() {
	root_case "$@"
	eval "$1_head() {
		atf_set descr '$2'
		atf_set require.user root
		atf_set timeout 600
	}
	$1_cleanup() { end_all; end_machine; }"
}

# ---- verbs -------------------------------------------------------------------

# A machine with what make install installs, and certificates.
begin() {
	build=$(cd "$(atf_get_srcdir)/../.." && pwd)
	make -s -C "$source_dir" B="$build" DESTDIR="$PWD/installed" \
	    prefix=/usr sysconfdir=/etc install >make.out 2>&1 ||
	    atf_skip "cannot make install here: $(cat make.out)"
	make_pki
	etc=installed/etc/postern
	cp server.pem server.key ca.pem client.pem client.key other.pem \
	    other.key $etc
	cp ca.pem $etc/clients-ca.pem
	configure >$etc/posternd.conf
	start_machine "$PWD/installed"
	in_machine systemd-sysusers
}

# configure [line...]
configure() {
	printf '%s\n' 'parents = 2' "$@" 'clients { host-check = "no" }'
}

# put FILE <text: into the machine
put() {
	nsenter -t "$init" --all sh -c "cat >$1"
}

show_unit() {
	in_machine systemctl --no-pager -l status "$1" >&2
	in_machine journalctl --no-pager -n 50 >&2
}

# property UNIT NAME
property() {
	in_machine systemctl show --value -p "$2" "$1"
}

is_property() {
	test "$(property "$1" "$2")" = "$3"
}

start_unit() {
	in_machine systemctl start "$1" || {
		show_unit "$1"
		atf_fail "$1 does not start"
	}
}

client_in_machine() {
	echo "to and fro" | nsenter -t "$init" --all timeout 60 postern \
	    -R /etc/postern/ca.pem -C "/etc/postern/$1.pem" \
	    -K "/etc/postern/$1.key" 127.0.0.1 7443
}

echoes() {
	test "$(client_in_machine client 2>client.err)" = "to and fro" || {
		cat client.err >&2
		show_unit "$1"
		atf_fail "no echo from $1"
	}
}

# An entry of the journal with all these fields.
journal_has() {
	in_machine journalctl -q -o cat "$@" | grep -q .
}

expect_journal() {
	expect_soon journal_has "$@"
}

main_pid() {
	property "$1" MainPID
}

# ---- all three ---------------------------------------------------------------

# A unit's whole life, but for its start.
live_with() {
	unit=$1
	atf_check_equal active "$(property "$unit" ActiveState)"
	echoes "$unit"
	first=$(main_pid "$unit")
	# the files it holds, 2 of 3 of them in one piece
	nsenter -t "$init" --all posternd --status -f \
	    /etc/postern/posternd.conf >status.out 2>&1 ||
	    atf_fail "$(cat status.out)"
	in_machine postern-audit live >audit.out 2>&1 || {
		cat audit.out >&2
		atf_fail "postern-audit finds something in $unit"
	}
	grep -q 'around them [0-9]* of who started it' audit.out ||
	    atf_fail "systemd's filters are not there"
	in_machine systemctl reload "$unit" || atf_fail "reload"
	expect_soon is_property "$unit" StatusText \
	    "generation 2 serves, with 2 parents"
	expect_soon is_property "$unit" SubState running
	echoes "$unit"
	atf_check_equal "$first" "$(main_pid "$unit")"
	at=$(property "$unit" WatchdogTimestampMonotonic)
	test "$at" -gt 0 || atf_fail "no watchdog"
	petted() {
		test "$(property "$unit" WatchdogTimestampMonotonic)" -gt "$at"
	}
	wait_for 60 petted || atf_fail "the watchdog is not petted"
	expect_journal "_SYSTEMD_UNIT=$unit.service" POSTERN_EVENT=open
}

end_unit() {
	in_machine systemctl stop "$@" || atf_fail "stop $*"
	atf_check_equal success "$(property "$1" Result)"
	atf_check_equal inactive "$(property "$1" ActiveState)"
	expect_journal "_SYSTEMD_UNIT=${1%.service}.service" POSTERN_EVENT=stop
}

boot_case units "Each of the three units starts, serves, reloads and stops"
units_body() {
	begin
	start_unit posternd.service
	live_with posternd
	end_unit posternd.service
	# By their sockets: the first client starts them.
	start_unit posternd-nonetwork.socket
	echoes posternd-nonetwork
	expect_soon is_property posternd-nonetwork ActiveState active
	live_with posternd-nonetwork
	end_unit posternd-nonetwork.service posternd-nonetwork.socket
	configure 'key = "credential:server.key"' |
	    put /etc/postern/posternd.conf
	start_unit posternd-rootless.socket
	echoes posternd-rootless
	expect_soon is_property posternd-rootless ActiveState active
	uid=$(in_machine awk '/^Uid:/ { print $2 }' \
	    "/proc/$(main_pid posternd-rootless)/status")
	test "$uid" -gt 60000 || atf_fail "its uid is $uid"
	live_with posternd-rootless
	end_unit posternd-rootless.service posternd-rootless.socket
}

# ---- more of the first -------------------------------------------------------

boot_case restart "With a socket unit nobody is refused while it restarts"
restart_body() {
	begin
	start_unit posternd.socket
	start_unit posternd.service
	# One after the other, until told to end; all must come through.
	nsenter -t "$init" --all sh -c '
		n=0
		while ! test -e /run/enough; do
			echo "$n" | timeout 60 postern \
			    -R /etc/postern/ca.pem -C /etc/postern/client.pem \
			    -K /etc/postern/client.key 127.0.0.1 7443 \
			    >/run/out || { echo "client $n"; exit 1; }
			test "$(cat /run/out)" = "$n" || exit 1
			n=$((n + 1))
			echo $n >/run/count
		done' </dev/null >clients.out 2>&1 &
	clients=$!
	record $clients
	for round in 1 2 3; do
		before=$(in_machine cat /run/count 2>/dev/null || echo 0)
		in_machine systemctl restart posternd || atf_fail "restart"
		expect_soon eval 'test "$(in_machine cat /run/count)" -gt \
		    $((before + 3))'
	done
	in_machine touch /run/enough
	wait_for 60 gone $clients || atf_fail "a client hangs"
	wait $clients || atf_fail "lost: $(cat clients.out)"
	end_unit posternd.service posternd.socket
}

boot_case faults "A bad configuration is not started again; a killed one is"
faults_body() {
	begin
	echo 'nonsense = 1' | put /etc/postern/posternd.conf
	in_machine systemctl start posternd.service 2>/dev/null &&
	    atf_fail "it started"
	atf_check_equal 78 "$(property posternd ExecMainStatus)"
	atf_check_equal failed "$(property posternd ActiveState)"
	atf_check_equal 0 "$(property posternd NRestarts)"
	configure | put /etc/postern/posternd.conf
	start_unit posternd.service
	first=$(main_pid posternd)
	in_machine kill -KILL "$first"
	again() {
		test "$(main_pid posternd)" -ne 0 &&
		    test "$(main_pid posternd)" -ne "$first" &&
		    is_property posternd ActiveState active
	}
	expect_soon again
	echoes posternd
	end_unit posternd.service
}

# ProcSubset=pid hides from it what would tell which rule it is.
boot_case forbidden \
    "Where namespaces are forbidden the journal has all it may be"
forbidden_body() {
	begin
	in_machine mkdir -p /etc/systemd/system/posternd.service.d
	printf '[Service]\nRestrictNamespaces=yes\nRestart=no\n' |
	    put /etc/systemd/system/posternd.service.d/none.conf
	in_machine systemctl daemon-reload
	in_machine systemctl start posternd.service 2>/dev/null &&
	    atf_fail "it started"
	atf_check_equal 71 "$(property posternd ExecMainStatus)"
	said() {
		in_machine journalctl -q -o cat -u posternd >journal
		grep 'user namespaces are forbidden here' journal |
		    grep 'apparmor_parser -r /etc/apparmor.d/posternd' |
		    grep 'unprivileged_userns_clone is 0' |
		    grep -q 'RestrictNamespaces=)$'
	}
	wait_for 30 said || {
		cat journal >&2
		atf_fail "it says something else"
	}
}

# One that hangs, and the watchdog's time made short.
boot_case hangs "A supervisor that hangs is ended and started again by systemd"
hangs_body() {
	begin
	in_machine mkdir -p /etc/systemd/system/posternd.service.d
	printf '[Service]\nWatchdogSec=3s\n' |
	    put /etc/systemd/system/posternd.service.d/soon.conf
	in_machine systemctl daemon-reload
	start_unit posternd.service
	first=$(main_pid posternd)
	in_machine kill -STOP "$first"
	again() {
		test "$(main_pid posternd)" -ne 0 &&
		    test "$(main_pid posternd)" -ne "$first" &&
		    is_property posternd ActiveState active
	}
	wait_for 60 again || {
		show_unit posternd
		atf_fail "it hangs still"
	}
	echoes posternd
	end_unit posternd.service
}

# ---- the journal -------------------------------------------------------------

boot_case journal "Each key is a field of the journal, and nobody forges one"
journal_body() {
	begin
	subject=/CN=$(printf 'x\nPOSTERN_EVENT=open\nPRIORITY=0\n_UID=0\n"=é')
	sign_client hostile other-ca
	for kind in pem key; do
		put "/etc/postern/hostile.$kind" <"hostile.$kind"
	done
	start_unit posternd.service
	echoes posternd
	client_in_machine hostile >/dev/null 2>&1 && atf_fail "let in"
	expect_journal POSTERN_EVENT=refused POSTERN_REASON=untrusted \
	    _SYSTEMD_UNIT=posternd.service SYSLOG_IDENTIFIER=posternd
	in_machine journalctl -q -o json POSTERN_EVENT=refused >entry
	python3 - <<-'END' || atf_fail "$(cat entry)"
	import json
	e = json.loads(open("entry").readline())
	assert e["POSTERN_EVENT"] == "refused", e
	assert e["PRIORITY"] != "0" and e["_UID"] != "0", e
	assert e["POSTERN_PROCESS"] == "parent", e
	assert "\\x0aPOSTERN_EVENT=open\\x0a" in e["POSTERN_SUBJECT"], e
	assert e["POSTERN_PEER"].startswith("127.0.0.1:"), e
	assert e["MESSAGE"].startswith("process=parent event=refused "), e
	assert e["_TRANSPORT"] == "journal", e
	END
	atf_check_equal 1 "$(in_machine journalctl -q -o cat \
	    POSTERN_EVENT=refused | wc -l)"
	atf_check_equal 1 "$(in_machine journalctl -q -o cat \
	    POSTERN_EVENT=open | wc -l)"
	# Each process by itself, as the kernel says whose it is.
	expect_journal POSTERN_PROCESS=supervisor _UID=0 POSTERN_EVENT=ready
	expect_journal POSTERN_PROCESS=parent POSTERN_EVENT=canary
	in_machine journalctl -q -o json POSTERN_PROCESS=parent | head -n 1 |
	    grep -q '"_COMM":"posternd: paren"' || atf_fail "whose is it?"
	end_unit posternd.service
}

boot_case ways "Under the usual unit: pool, resolver, metrics, low port, relay"
ways_body() {
	begin
	issue client here ca --name here --host localhost
	for kind in pem key; do
		put "/etc/postern/here.$kind" <"here.$kind"
	done
	printf '%s\n' 'isolation = "pool"' 'listen = { "127.0.0.1:443" }' \
	    'metrics { listen = "unix:/run/postern/metrics.sock" }' \
	    'clients { host-check = "name" }' | put /etc/postern/posternd.conf
	start_unit posternd.service
	echo hello | nsenter -t "$init" --all timeout 60 postern \
	    -R /etc/postern/ca.pem -C /etc/postern/here.pem \
	    -K /etc/postern/here.key 127.0.0.1 443 >out 2>err
	test "$(cat out)" = hello || {
		cat err >&2
		show_unit posternd
		atf_fail "no echo"
	}
	in_machine curl -s --unix-socket /run/postern/metrics.sock \
	    http://localhost/metrics | grep -q '^postern_' ||
	    atf_fail "no metrics"
	in_machine postern-audit live >audit.out 2>&1 || {
		cat audit.out >&2
		atf_fail "postern-audit finds something"
	}
	for title in 'posternd: resolver' 'postern-worker: pool' \
	    'posternd: exporter'; do
		grep -q "^$title" audit.out || atf_fail "no $title"
	done
	configure 'worker = "relay"' 'relay { to = "unix:/run/app.sock" }' |
	    put /etc/postern/posternd.conf
	nsenter -t "$init" --all socat \
	    UNIX-LISTEN:/run/app.sock,fork,mode=666 EXEC:cat </dev/null \
	    >socat.out 2>&1 &
	record $!
	expect_soon in_machine test -S /run/app.sock
	in_machine systemctl restart posternd.service || {
		show_unit posternd
		atf_fail "no relay"
	}
	echoes posternd
	in_machine postern-audit live >audit.out 2>&1 || {
		cat audit.out >&2
		atf_fail "postern-audit finds something"
	}
	end_unit posternd.service
}

# ---- credentials -------------------------------------------------------------

boot_case credential \
    "A new key that is a credential is taken by a restart alone"
credential_body() {
	begin
	configure 'key = "credential:server.key"' |
	    put /etc/postern/posternd.conf
	start_unit posternd-rootless.service
	echoes posternd-rootless
	issue server renewed ca --host 127.0.0.1
	for kind in pem key; do
		put "/etc/postern/server.$kind" <"renewed.$kind"
	done
	in_machine systemctl reload posternd-rootless
	expect_soon eval 'property posternd-rootless StatusText |
	    grep -q "^generation 1 serves, .*the last reload failed"'
	echoes posternd-rootless
	in_machine systemctl restart posternd-rootless || atf_fail "restart"
	echoes posternd-rootless
	nsenter -t "$init" --all postern inspect -R /etc/postern/ca.pem \
	    -C /etc/postern/client.pem -K /etc/postern/client.key --json \
	    127.0.0.1 7443 </dev/null >inspect.out 2>&1
	serial=$(openssl x509 -in renewed.pem -noout -serial)
	grep -q -i "${serial#serial=}" inspect.out ||
	    atf_fail "not the new one: $(cat inspect.out)"
	end_unit posternd-rootless.service posternd-rootless.socket
}
