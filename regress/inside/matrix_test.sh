#! /usr/bin/env atf-sh
#
# Every system call x each process, as it is when confined (matrix.c): exactly
# those that are declared survive.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../inside_verbs.sh"

matrix_helper() {
	"$(atf_get_srcdir)/matrix_helper" "$@" || {
		show_log
		atf_fail "matrix_helper $*"
	}
}

# expect_matrix PROCESS...: what each found is what its tables say.
expect_matrix() {
	for process; do
		expect_soon log_has "inside matrix $process limits:"
		matrix_helper report "$process" <daemon.log
	done
}

# expect_stack PROCESS TITLE: and by the filters it is really the same.
expect_stack() {
	pid=$(process_titled "$daemon_pid" "$2" | head -n 1)
	test -n "$pid" || atf_fail "nobody is $2"
	matrix_helper stack "$1" "$pid"
}

# A report goes out with the next worker's descriptor.
echoes_until_told() {
	process=$1
	shift
	assert_echo "$@"
	log_has "inside matrix $process limits:"
}

# start_slowly: until it is ready it has thousands of children to wait for.
start_slowly() {
	launch_daemon
	wait_for 120 daemon_ready_or_gone
	log_has event=ready || {
		show_log
		atf_fail "posternd did not start"
	}
}

# The programs that stand alone write to standard error as well.
expect_report_of() {
	matrix_helper report "$1" <"$2"
}

root_case service "Each process of posternd has the calls of its table"
service_body() {
	use_inside "supervisor matrix" "parent matrix" "resolver matrix"
	make_pki
	issue client local ca --name local --host localhost
	write_conf clients.host-check=name \
	    "resolver.servers={\"127.0.0.1:$(free_port)\"}"
	start_slowly
	expect_matrix supervisor parent resolver
	expect_stack supervisor 'posternd: supervisor'
	expect_stack parent 'posternd: parent 0'
	expect_stack resolver 'posternd: resolver*'
	stop_daemon
}

root_case exporter "So has the exporter, and who asks it"
exporter_body() {
	use_inside "exporter matrix" "status matrix"
	make_pki
	write_conf "metrics.listen=127.0.0.1:$(free_port)"
	start_slowly
	expect_matrix exporter
	expect_stack exporter 'posternd: exporter*'
	posternd -f posternd.conf --status >out 2>err || {
		cat err
		atf_fail "--status failed"
	}
	expect_report_of status err
	stop_daemon
}

root_case workers "So has each process of postern-worker"
workers_body() {
	use_inside "spawner matrix" "init matrix" "echo matrix"
	make_pki
	write_conf
	start_slowly
	expect_soon echoes_until_told echo
	expect_matrix spawner init echo
	expect_stack spawner 'postern-worker: spawner*'
	expect_stack init 'postern-worker: init*'
	expect_stack echo 'postern-worker: echo*'
	stop_daemon
}

root_case pool "So has a pool worker"
pool_body() {
	use_inside "pool matrix" "pool-spawner matrix"
	make_pki
	write_conf isolation=pool pool-workers=1
	start_slowly
	expect_soon echoes_until_told pool
	expect_matrix pool pool-spawner
	expect_stack pool-spawner 'postern-worker: pool-spawner'
	expect_stack pool 'postern-worker: pool'
	stop_daemon
}

root_case relay "So have a dialer and a relay worker"
relay_body() {
	# Under whose filter the dialer waits for its children.
	use_inside "dialer matrix" "relay matrix" "relay-spawner matrix" \
	    "dial-spawner add wait4" "dial-spawner add ppoll" \
	    "dial-spawner add rt_sigaction"
	make_pki
	app=$(free_port)
	write_conf worker=relay "relay.to=127.0.0.1:$app"
	run_in_background socat "TCP-LISTEN:$app,bind=127.0.0.1,fork,reuseaddr" \
	    EXEC:cat
	start_slowly
	expect_soon echoes_until_told relay
	expect_matrix dialer relay relay-spawner
	expect_stack relay-spawner 'postern-worker: relay-spawner'
	stop_daemon
	use_inside "dial-spawner matrix"
	for to in "127.0.0.1:$app" unix:app.sock; do
		write_conf worker=relay "relay.to=$to"
		start_slowly
		expect_stack dialer 'posternd: dialer'
		stop_daemon
	done
	expect_matrix dial-spawner
}

root_case noticed "A call too many would be noticed"
noticed_body() {
	use_inside "echo matrix" "spawner add getppid" "echo add getppid" \
	    "init matrix" "init add getppid"
	make_pki
	write_conf
	start_slowly
	expect_soon echoes_until_told echo
	for process in echo init; do
		"$(atf_get_srcdir)/matrix_helper" report $process <daemon.log &&
		    atf_fail "not noticed in $process"
	done
	log_has "inside matrix echo native:.* 110" || atf_fail "no getppid"
	pid=$(process_titled "$daemon_pid" 'postern-worker: echo*' | head -n 1)
	"$(atf_get_srcdir)/matrix_helper" stack echo "$pid" &&
	    atf_fail "its filter is not noticed"
	stop_daemon
}

e2e_case one_uid "Without root it is no different"
one_uid_body() {
	is_root && atf_skip "root needs no -U"
	use_inside "* matrix"
	make_pki
	write_conf
	start_slowly
	expect_soon echoes_until_told echo
	expect_matrix supervisor parent spawner init echo
	stop_daemon
}

e2e_case client "The client has the calls of its table"
client_body() {
	need_inside
	make_pki
	write_conf
	start_daemon
	use_inside "client matrix"
	assert_echo
	expect_report_of client echo.err
	stop_daemon
}

e2e_case explain "So has posternd --explain"
explain_body() {
	use_inside "explain matrix"
	make_pki
	write_conf
	posternd -f posternd.conf --explain client.pem --from 127.0.0.1 >out \
	    2>err || {
		cat err
		atf_fail "--explain failed"
	}
	expect_report_of explain err
}

e2e_case looker "So has postern-certgen when it looks at what others wrote"
looker_body() {
	use_inside "looker matrix"
	make_pki
	postern-certgen inspect client.pem >out 2>err || {
		cat err
		atf_fail "postern-certgen failed"
	}
	expect_report_of looker err
}
