#! /usr/bin/env atf-sh
#
# Other people's clients, each by TLS 1.3 and 1.2: with a good certificate it
# is echoed; with a bad one it is refused, and knows it; and a server that its
# CA has not vouched for it leaves.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"

# ---- verbs -------------------------------------------------------------------

fail_with_log() {
	show_log
	atf_fail "$*"
}

start_both_versions() {
	make_pki
	issue client revoked ca --name revoked
	put_on_list ca revoked
	make_list ca
	write_conf 'tls.versions={"1.2", "1.3"}' clients.crl=ca.crl.pem "$@"
	start_daemon
	random_file in 102400
}

# A CLIENT is called as: CLIENT VERSION CERTIFICATE CA <in >out; the names are
# without their .pem.

opened() {
	log_count event=open
}

one_more() {
	test "$(log_count "$1")" -gt "$2"
}

is_echoed() {
	before=$(opened)
	"$1" "$2" client ca <in >out 2>err ||
	    fail_with_log "$1 failed with TLS $2: $(cat err)"
	cmp in out || fail_with_log "$1 got something else with TLS $2"
	expect_soon one_more event=open "$before"
	grep event=open daemon.log | tail -n 1 |
	    grep -q " tls=TLSv$2 .* subject=\"CN=client\" " ||
	    fail_with_log "$1: no session by TLS $2 in the log"
}

# gets_nothing CLIENT VERSION CERTIFICATE CA: it fails, and nothing came back.
gets_nothing() {
	before=$(opened)
	"$@" <in >out 2>err && fail_with_log "it noticed nothing: $*"
	test ! -s out || fail_with_log "something came back: $*"
	test "$(opened)" -eq "$before" || fail_with_log "a session for: $*"
}

# is_refused CLIENT VERSION NAME WORD: whose certificate is NAME's.
is_refused() {
	line="event=refused reason=$4 .* subject=\"CN=$3\" "
	refusals=$(log_count "$line")
	gets_nothing "$1" "$2" "$3" ca
	expect_soon one_more "$line" "$refusals"
}

# Of a client that goes the server learns no more than its alert.
leaves_the_wrong_server() {
	line="event=refused reason=protocol peer="
	refusals=$(log_count "$line")
	gets_nothing "$1" "$2" client other-ca
	expect_soon one_more "$line" "$refusals"
}

interoperates() {
	for version in 1.3 1.2; do
		is_echoed "$1" $version
		is_refused "$1" $version other untrusted
		is_refused "$1" $version revoked revoked
		leaves_the_wrong_server "$1" $version
		is_echoed "$1" $version
	done
	stop_daemon
}

# program_case PROGRAM CASE DESCRIPTION: a case of somebody else's program.
program_case() {
	e2e_case "$2" "$3"
	eval "$2_head() {
		atf_set descr '$3'
		atf_set require.progs $1
		atf_set timeout 600
	}"
}

# ---- openssl -----------------------------------------------------------------

# It ends when the server's idle timeout does.
s_client() {
	openssl s_client -quiet -connect "127.0.0.1:$port" \
	    "-tls$(echo "$1" | tr . _)" -cert "$2.pem" -key "$2.key" \
	    -CAfile "$3.pem" -verify_return_error -verify_ip 127.0.0.1
}

program_case openssl openssl "openssl s_client, by TLS 1.3 and 1.2"
openssl_body() {
	start_both_versions timeouts.idle=1s
	interoperates s_client
}

program_case openssl resumption "openssl offers a session: none is resumed"
resumption_body() {
	start_both_versions timeouts.idle=500ms
	for version in 1_3 1_2; do
		set -- -connect "127.0.0.1:$port" -CAfile ca.pem \
		    -cert client.pem -key client.key -tls$version
		openssl s_client -quiet "$@" -sess_out session.pem \
		    <in >out 2>err
		cmp in out || fail_with_log "openssl: $(cat err)"
		test ! -s session.pem || {
			openssl s_client -quiet "$@" -sess_in session.pem \
			    <in >out 2>err
			cmp in out || fail_with_log "openssl: $(cat err)"
		}
		openssl s_client "$@" -reconnect -ign_eof </dev/null >out 2>err
		grep -q '^Reused' out && fail_with_log "a session was resumed"
		grep -q '^New, TLSv1' out || fail_with_log "openssl: $(cat err)"
	done
	stop_daemon
}

# ---- GnuTLS ------------------------------------------------------------------

# It leaves at the end of its input, so that must not come before the server's.
gnutls() {
	cat >input.bytes
	rm -f input
	mkfifo input
	exec 9<>input
	cat input.bytes >&9 &
	feeder=$!
	record $feeder
	gnutls_status=0
	gnutls-cli --priority="NORMAL:-VERS-ALL:+VERS-TLS$1" \
	    --x509certfile="$2.pem" --x509keyfile="$2.key" \
	    --x509cafile="$3.pem" --logfile=gnutls.log --port="$port" \
	    127.0.0.1 <input 9>&- || gnutls_status=$?
	kill $feeder 2>/dev/null
	wait $feeder
	exec 9>&-
	return $gnutls_status
}

program_case gnutls-cli gnutls "GnuTLS, by TLS 1.3 and 1.2"
gnutls_body() {
	start_both_versions timeouts.idle=1s
	interoperates gnutls
}

# ---- socat -------------------------------------------------------------------

# Refused by TLS 1.3 it may end with 0: then nothing came back.
socat_() {
	socat -t 20 - "OPENSSL:127.0.0.1:$port,verify=1,cafile=$3.pem,\
certificate=$2.pem,key=$2.key,openssl-min-proto-version=TLS$1,\
openssl-max-proto-version=TLS$1" >socat.out && test -s socat.out &&
	    cat socat.out
}

program_case socat socat "socat, by TLS 1.3 and 1.2"
socat_body() {
	start_both_versions
	interoperates socat_
}

# ---- Python ------------------------------------------------------------------

write_python_client() {
	cat >client.py <<-'END'
	import socket
	import ssl
	import sys

	port, version, own, ca = sys.argv[1:]
	context = ssl.create_default_context(cafile=ca + ".pem")
	context.load_cert_chain(own + ".pem", own + ".key")
	context.minimum_version = context.maximum_version = {
	    "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3
	}[version]
	with socket.create_connection(("127.0.0.1", int(port)), 60) as tcp:
	    with context.wrap_socket(tcp, server_hostname="127.0.0.1") as tls:
	        while chunk := sys.stdin.buffer.read(10000):
	            tls.sendall(chunk)
	            missing = len(chunk)
	            while missing > 0:
	                got = tls.recv(missing)
	                if not got:
	                    sys.exit("the server has ended")
	                sys.stdout.buffer.write(got)
	                missing -= len(got)
	        tls.unwrap()
	END
}

python() {
	python3 client.py "$port" "$@"
}

program_case python3 python "ssl of Python, by TLS 1.3 and 1.2"
python_body() {
	write_python_client
	start_both_versions
	interoperates python
}

# ---- Go ----------------------------------------------------------------------

write_go_client() {
	cat >client.go <<-'END'
	package main

	import (
		"crypto/tls"
		"crypto/x509"
		"fmt"
		"io"
		"os"
	)

	func check(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}

	func main() {
		version := uint16(tls.VersionTLS13)
		if os.Args[2] == "1.2" {
			version = tls.VersionTLS12
		}
		pem, err := os.ReadFile(os.Args[4] + ".pem")
		check(err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		own, err := tls.LoadX509KeyPair(os.Args[3]+".pem",
			os.Args[3]+".key")
		check(err)
		// Whatever CAs the server names, show this one.
		c, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[1], &tls.Config{
			MinVersion: version,
			MaxVersion: version,
			RootCAs:    roots,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (
				*tls.Certificate, error) {
				return &own, nil
			},
		})
		check(err)
		go func() {
			_, err := io.Copy(c, os.Stdin)
			check(err)
			check(c.CloseWrite())
		}()
		_, err = io.Copy(os.Stdout, c)
		check(err)
	}
	END
}

go_client() {
	./client "$port" "$@"
}

program_case go go "crypto/tls of Go, by TLS 1.3 and 1.2"
go_body() {
	write_go_client
	HOME=$PWD GOCACHE=$PWD/gocache GOPATH=$PWD/gopath GOFLAGS=-mod=mod \
	    GOPROXY=off CGO_ENABLED=0 go build -o client client.go \
	    >go.out 2>&1 || atf_fail "$(cat go.out)"
	start_both_versions
	interoperates go_client
}
