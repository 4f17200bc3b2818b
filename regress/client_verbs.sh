# A server that does as it is told, and our client with what it says.  Use after
# common.sh:
#
#	make_pki
#	serve echo		server_helper, in this mode
#	client 0 -R ca.pem	our client: this status, or the case has failed
#	says 'words'		among what it said on standard error

# shellcheck shell=sh disable=SC2154

# serve MODE [NAME [12]]: server_helper with NAME.pem and NAME.key ("server"),
# for one connection to $port.
serve()
{
	mode=$1
	name=server
	test $# -lt 2 || { name=$2; shift; }
	shift
	: >server.out
	run_in_background "$(atf_get_srcdir)/server_helper" "$mode" \
	    "$name.pem" "$name.key" "$@" >server.out 2>&1
	expect_soon grep -q '^port ' server.out
	port=$(sed -n 's/^port //p' server.out)
}

openssl_listens()
{
	listening "$port" || gone "$!"
}

# serve_openssl OPTION...: openssl's own server, which gives back each line
# reversed.  Somebody else may take the port just drawn: then another.
serve_openssl()
{
	for attempt in 1 2 3 4 5; do
		port=$(free_port)
		run_in_background openssl s_server -accept "127.0.0.1:$port" \
		    -cert server.pem -key server.key -rev -naccept 1 "$@" \
		    </dev/null >server.out 2>&1
		expect_soon openssl_listens
		gone "$!" || return 0
	done
	cat server.out
	atf_fail "openssl s_server does not start ($attempt attempts)"
}

server_says()
{
	expect_soon grep -q -x -e "$1" server.out
}

# client STATUS OPTION...: from the file "in" to "out" and "err".
client()
{
	want=$1
	shift
	test -e in || echo something >in
	got=0
	postern "$@" 127.0.0.1 "$port" <in >out 2>err || got=$?
	test "$got" -eq "$want" && return 0
	cat err server.out >&2
	atf_fail "postern $*: status $got, not $want"
}

# The last client's words match.
says()
{
	grep -q -e "$1" err && return 0
	cat err >&2
	atf_fail "it does not say: $1"
}

# ---- certificates by openssl -------------------------------------------------

openssl_cert()
{
	name=$1
	shift
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$name.key" -out "$name.pem" -days 2 "$@" 2>openssl.err || {
		cat openssl.err
		atf_fail "openssl cannot make $name.pem"
	}
}

# leaf_only NAME: of a certificate file, nothing but the first is left.
leaf_only()
{
	openssl x509 -in "$1.pem" -out "$1.first" || atf_fail "no $1.pem"
	mv "$1.first" "$1.pem"
}

cert_pin()
{
	echo "SHA256:$(openssl x509 -in "$1" -outform DER |
	    openssl dgst -sha256 -r | cut -c 1-64)"
}

key_pin()
{
	echo "SHA256:$(openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform DER | openssl dgst -sha256 -r |
	    cut -c 1-64)"
}

# ---- what the client has written ---------------------------------------------

# The last client's output has a line like this.
shows()
{
	grep -q -e "$1" out && return 0
	cat out err >&2
	atf_fail "it does not show: $1"
}

# json EXPRESSION: of the document that "out" is, as `d`, this Python is true.
json()
{
	python3 -c 'import json, sys
d = json.load(open("out"))
if not eval("(" + sys.argv[1] + ")"):
	sys.exit("not so: " + sys.argv[1] + "\n" + json.dumps(d, indent=1))' \
	    "$1" || atf_fail "the document is not as it should be"
}
