#! /usr/bin/env atf-sh
#
# posternd -n: a good configuration is told to be so, and of a bad one the
# file, the line and what would be right.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../cert_verbs.sh"

# ---- verbs -------------------------------------------------------------------

# judge [option...]: posternd -n; its status in $status.
judged_by=posternd
judge() {
	is_root || set -- -U "$@"
	status=0
	$judged_by -n -f posternd.conf "$@" >judge.out 2>judge.err || status=$?
}

# unlike PATTERN-OR-STATUS: the case has failed.
unlike() {
	{
		echo "posternd.conf:"
		head -c 2000 posternd.conf
		echo "it said:"
		cat judge.out judge.err
	} >&2
	atf_fail "status $status; expected: $1"
}

# The files are those of the case, made once.
good() {
	judge
	test $status -eq 0 || unlike 0
	atf_check_equal "configuration OK" "$(cat judge.out)"
	atf_check_equal "" "$(cat judge.err)"
}

# refused PATTERN: with status 78 and one line, "posternd: ..." like this.
refused() {
	judge
	test $status -eq 78 || unlike "78, $1"
	test ! -s judge.out || unlike "no OK"
	test "$(wc -l <judge.err)" -eq 1 || unlike "one line"
	grep -q -e "^posternd: $1" judge.err || unlike "$1"
}

# wrong LINE PATTERN [LINE-OF-TEXT...]: the file's mistake is on this line.
wrong() {
	at=$1
	pattern=$2
	shift 2
	printf '%s\n' "$@" >posternd.conf
	refused "posternd.conf:$at: $pattern"
}

# ---- what is right -----------------------------------------------------------

e2e_case usual "What the other tests write is right"
usual_body() {
	make_pki
	write_conf
	good
}

e2e_case everything "Every key, with comments and lists, is understood"
everything_body() {
	make_pki
	by_ca ca -gencrl -out crl.pem
	hex=$(printf %064d 0)
	cat >posternd.conf <<-EOF
	# a comment with "quotes" and { braces } and key = twice
	listen = { "127.0.0.1:1", "[::1]:65535",
	    "0.0.0.0:7443" }
	certificate = "server.pem"	// another kind of comment
	key = '$PWD/server.key'
	/* and one
	   parents = 3
	   on three lines */
	parents = 64
	isolation = pool
	pool-workers = 64
	busy-poll = 10000
	user = "_postern"
	worker-user = "_posternw"
	pid-file = /run/some.pid
	max-connections = 16
	max-connections-per-address = 100000
	max-handshakes = 100000
	accept-rate = 100000
	accept-burst = 100000
	address-prefix-ipv4 = 8
	address-prefix-ipv6 = 128
	resolver-user = "_posternr"
	exporter-user = "_posternx"
	status-socket = run/status.sock
	metrics {
	    listen = "unix:run/metrics.sock"
	}
	watch = 60s
	clients {
	    ca = ca.pem
	    crl = "crl.pem"
	    crl-policy = last-good
	    max-depth = 10
	    require-client-usage = no
	    pin = {"SHA256:$hex", "sha256:A$(echo "$hex" | cut -c 2-)"}
	    allow = {"cn:client *", "dns:*.example.org",
		"uri:spiffe://example.org/job-*", "email:*@example.org"}
	    host-check = either
	}
	proxy {
	    from = {"127.0.0.1", "192.0.2.0/24", "2001:db8::/32", "::1",
		"0.0.0.0/0", "::ffff:192.0.2.0/120"}
	}
	resolver {
	    servers = {"127.0.0.1:53", "[::1]:5353"}
	}
	tls {
	    versions = {"1.2", "1.3"}
	    ciphers = "TLSv1.2+ECDHE+AESGCM"
	    curves = "X25519:P-256"
	}
	timeouts {
	    handshake = 100ms
	    idle = 7d
	    session = 168h
	    drain = 30
	    resolve = 100ms
	    revoked = 7d
	}
	log {
	    level = "debug"
	    to = stderr
	}
	EOF
	good
	write_conf isolation=connection parents=0 log.level=error \
	    timeouts.idle=10080m max-connections-per-address=0 \
	    max-handshakes=0 accept-rate=0 accept-burst=1 \
	    address-prefix-ipv4=32 address-prefix-ipv6=16
	good
	for check in no address name either; do
		write_conf clients.host-check=$check clients.max-depth=0 \
		    clients.crl-policy=strict \
		    clients.require-client-usage=yes watch=0
		good
	done
	for at in 127.255.0.1:65535 '[::1]:1' "unix:/$(printf %0106d 0)"; do
		write_conf metrics.listen="$at" status-socket='""'
		good
	done
	write_conf watch=100ms timeouts.resolve=7d timeouts.revoked=100ms
	good
}

e2e_case elsewhere "Names are taken from where the configuration lies"
elsewhere_body() {
	mkdir etc
	cd etc || exit
	make_pki
	write_conf
	cd .. || exit
	is_root || set -- -U
	posternd -n "$@" -f etc/posternd.conf >out || atf_fail "not found"
	ln -s etc/posternd.conf link.conf
	posternd -n "$@" -f link.conf >out || atf_fail "not found by a link"
}

# That its values are the defaults, sample_test has looked at.
e2e_case sample "The sample needs the names of its files and nothing else"
sample_body() {
	make_pki
	sed -e 's|^#certificate = .*|certificate = "server.pem"|' \
	    -e 's|^#key = .*|key = "server.key"|' \
	    -e 's|^#\(.*ca = \).*|\1"ca.pem"|' \
	    "$(atf_get_srcdir)/../../../etc/posternd.conf" >posternd.conf
	test "$(grep -c -e '^certificate = "s' -e '^key = "s' \
	    -e '^	ca = "ca.pem"' posternd.conf)" -eq 3 ||
	    atf_fail "the names"
	good
}

# ---- what is wrong -----------------------------------------------------------

e2e_case unknown "A key or section that is not known is an error"
unknown_body() {
	wrong 2 ".*colour" 'parents = 1' 'colour = blue'
	wrong 3 ".*colour" 'parents = 1' 'log {' 'colour = blue' '}'
	wrong 1 ".*colours" 'colours {' '}'
	wrong 2 ".*idle" '' 'idle = 3s'
	wrong 1 ".*Parents" 'Parents = 1'
}

e2e_case repeated "A key or section that is given twice is an error"
repeated_body() {
	wrong 2 "parents is given twice" 'parents = 1' 'parents = 1'
	wrong 3 "listen is given twice" 'listen = {"127.0.0.1:1"}' '' \
	    'listen = {"127.0.0.1:2"}'
	wrong 3 "log is given twice" 'log { level = info }' 'parents = 1' \
	    'log { to = stderr }'
	wrong 3 "level is given twice" 'log {' 'level = info' 'level = info' '}'
	wrong 2 ".*+= is not known" 'listen = {"127.0.0.1:1"}' \
	    'listen += {"127.0.0.1:2"}'
	wrong 1 "parents is given twice" 'parents = 1 parents = 2'
	# whatever lies between
	wrong 3 "parents is given twice" 'parents = 1 user = a//b' 'log { }' \
	    'key = c//d parents = 2'
	wrong 2 "curves is given twice" 'tls { curves = "X25519"' \
	    'versions = {"1.3"} curves = "P-256" }'
}

# relay TEXT...: a configuration with these lines behind what it needs besides.
relay_conf() {
	write_conf worker=
	printf '%s\n' "$@" >>posternd.conf
}

e2e_case relay "What goes together with a relay"
relay_body() {
	make_pki
	for to in unix:/run/app.sock unix:app.sock 127.0.0.1:1 \
	    127.255.255.254:65535 '[::1]:8080'; do
		relay_conf 'worker = relay' "relay { to = \"$to\" }"
		good
	done
	relay_conf 'worker = relay' 'relay { to = "127.0.0.1:80"' \
	    'proxy = yes proxy-tlvs = { "tls", "certificate" } }' \
	    'timeouts { connect = 7d }' 'dialer-user = daemon'
	good
	relay_conf 'worker = echo'
	good
	relay_conf 'worker = relay'
	refused 'posternd.conf: worker = "relay" needs relay { to }'
	relay_conf 'worker = relay' 'isolation = pool' \
	    'relay { to = "127.0.0.1:80" }'
	refused 'posternd.conf: .*needs isolation = "connection"'
	relay_conf 'relay { to = "127.0.0.1:80" }'
	refused 'posternd.conf: relay { } is for worker = "relay"'
	relay_conf 'relay { proxy = yes }'
	refused 'posternd.conf: relay { } is for worker = "relay"'
	relay_conf 'worker = relay' 'relay { to = "127.0.0.1:80"' \
	    'proxy-tlvs = { "tls" } }'
	refused 'posternd.conf: relay { proxy-tlvs } needs proxy = "yes"'
	for to in 192.0.2.1:80 0.0.0.0:80 '[2001:db8::1]:80' '[::]:80' \
	    localhost:80 127.0.0.1:0 127.0.0.1 unix: 8080 \
	    "unix:/$(printf %0107d 0)"; do
		wrong 1 ".*to = \".*\": want a service of this machine: " \
		    "relay { to = \"$to\" }"
	done
	wrong 1 '.*worker = "both": want "echo" or "relay"' 'worker = both'
	wrong 1 '.*proxy = "1": want "yes" or "no"' 'relay { proxy = 1 }'
	wrong 1 '.*proxy-tlvs = "cn": want "tls" and "certificate"' \
	    'relay { proxy-tlvs = { "cn" } }'
	wrong 1 '.*connect = "99ms": want a time' 'timeouts { connect = 99ms }'
	wrong 1 '.*connect = "8d": want a time' 'timeouts { connect = 8d }'
	wrong 1 '.*dialer-user = "": want a user' 'dialer-user = ""'
}

root_case dialer_user "The user of a dialer is one of its own"
dialer_user_body() {
	make_pki
	relay_conf 'worker = relay' 'relay { to = "127.0.0.1:80" }' \
	    'dialer-user = nosuchuser'
	refused '.*dialer-user: no such user; make it'
	relay_conf 'worker = relay' 'relay { to = "127.0.0.1:80" }' \
	    'dialer-user = _posternr'
	refused '.*dialer-user must differ'
	relay_conf 'dialer-user = nosuchuser'
	good
}

e2e_case wrong_types "A value of the wrong kind is an error"
wrong_types_body() {
	wrong 1 ".*parents" 'parents = many'
	wrong 1 ".*parents" 'parents = -1'
	wrong 1 ".*parents" 'parents = 1.5'
	wrong 1 ".*parents" 'parents = 0x10'
	wrong 1 ".*parents" 'parents = ""'
	wrong 1 "" 'parents = {"1", "2"}'
	wrong 1 "" 'parents { }'
	wrong 1 "" 'log = stderr'
	wrong 1 ".*isolation = \"both\": want \"connection\" or \"pool\"" \
	    'isolation = both'
	wrong 2 ".*level = \"loud\": want \"error\"" 'log {' 'level = loud' '}'
	wrong 1 ".*to = \"file\": want \"stderr\" or \"syslog\"" \
	    'log { to = file }'
	wrong 1 ".*versions = \"1.1\"" 'tls { versions = {"1.1"} }'
	wrong 1 ".*ca" 'clients { ca = "" }'
	wrong 1 ".*idle = \"soon\": want a time" 'timeouts { idle = soon }'
	wrong 1 ".*idle = \"3 s\": want a time" 'timeouts { idle = "3 s" }'
	wrong 1 ".*idle = \"3S\": want a time" 'timeouts { idle = 3S }'
}

e2e_case out_of_range "A value out of range is an error, and says the range"
out_of_range_body() {
	wrong 1 ".*parents = \"65\": want .*0 .* to 64" 'parents = 65'
	wrong 1 ".*parents = \"99999999999999999999\"" \
	    'parents = 99999999999999999999'
	wrong 1 ".*pool-workers = \"0\": want" 'pool-workers = 0'
	wrong 1 ".*busy-poll = \"10001\": want .*0 .*10000" 'busy-poll = 10001'
	wrong 1 ".*max-connections = \"0\": want .*1 to 100000" \
	    'max-connections = 0'
	wrong 1 ".*max-connections = \"100001\"" 'max-connections = 100001'
	wrong 1 ".*max-connections-per-address = \"100001\": want .*0 .*100000" \
	    'max-connections-per-address = 100001'
	wrong 1 ".*max-connections-per-address = \"few\"" \
	    'max-connections-per-address = few'
	wrong 1 ".*max-handshakes = \"100001\": want .*0 .*100000" \
	    'max-handshakes = 100001'
	wrong 1 ".*max-handshakes = \"-1\"" 'max-handshakes = -1'
	wrong 1 ".*accept-rate = \"100001\": want .*0 .*100000" \
	    'accept-rate = 100001'
	wrong 1 ".*accept-rate = \"20/s\"" 'accept-rate = "20/s"'
	wrong 1 ".*accept-burst = \"0\": want .*1 to 100000" 'accept-burst = 0'
	wrong 1 ".*accept-burst = \"100001\"" 'accept-burst = 100001'
	wrong 1 ".*accept-burst = \"all\"" 'accept-burst = all'
	wrong 1 ".*address-prefix-ipv4 = \"7\": want .*8 to 32" \
	    'address-prefix-ipv4 = 7'
	wrong 1 ".*address-prefix-ipv4 = \"33\"" 'address-prefix-ipv4 = 33'
	wrong 1 ".*address-prefix-ipv4 = \"/24\"" 'address-prefix-ipv4 = "/24"'
	wrong 1 ".*address-prefix-ipv6 = \"15\": want .*16 to 128" \
	    'address-prefix-ipv6 = 15'
	wrong 1 ".*address-prefix-ipv6 = \"129\"" 'address-prefix-ipv6 = 129'
	wrong 1 ".*address-prefix-ipv6 = \"::\"" 'address-prefix-ipv6 = "::"'
	wrong 1 ".*idle = \"99ms\": want a time from 100ms to 7d" \
	    'timeouts { idle = 99ms }'
	wrong 1 ".*idle = \"8d\"" 'timeouts { idle = 8d }'
	wrong 1 ".*drain = \"0\"" 'timeouts { drain = 0 }'
	# what another reading takes for 8
	wrong 1 ".*parents = \"010\"" 'parents = 010'
	wrong 1 ".*idle = \"010s\"" 'timeouts { idle = 010s }'
	wrong 1 ".*user" "user = \"$(printf %0300d 0)\""
	wrong 1 ".*key" "key = \"$(printf %05000d 0)\""
}

# list N VALUE: so many, numbered where VALUE has an &, as in a list.
list() {
	seq 1 "$1" | sed "s|.*|\"$2\"|" | paste -s -d , -
}

e2e_case host_check "Whether addresses are looked at, nobody decides but you"
host_check_body() {
	make_pki
	write_conf clients.host-check=
	means='"no": .*"address": .*NAT.*"name": .*DNS.*"either": '
	refused "posternd.conf: clients { host-check } must be set: $means"
	printf 'parents = 1\n' >posternd.conf
	refused 'posternd.conf: clients { host-check } must be set: '
	words='"no", "address", "name" or "either"'
	for bad in yes '' No ADDRESS 'address ' both; do
		wrong 1 ".*host-check = \"$bad\": want $words" \
		    "clients { host-check = \"$bad\" }"
	done
	wrong 2 "host-check is given twice" \
	    'clients { host-check = no' 'host-check = either }'
}

e2e_case clients "Who may come in is said in these words and no others"
clients_body() {
	hex=$(printf %064d 0)
	pin='up to 256 of "SHA256:" and 64 hexadecimal digits, as postern-cert'
	for bad in '' "$hex" "SHA256:" "SHA256:${hex}0" "SHA1:$hex" \
	    "SHA256: $hex" "SHA256:$(echo "$hex" | tr 0 g)" "SHA256:0$hex" \
	    "SHA256$hex"; do
		wrong 2 ".*pin = \"$bad\": want $pin" \
		    'clients {' "pin = {\"$bad\"}" '}'
	done
	wrong 1 ".*pin = \"SHA256:.*\": want up to 256 of" \
	    "clients { pin = {$(list 257 "SHA256:$hex")} }"
	for bad in '' client ip:192.0.2.1 CN:client cn: dns: dns:.example \
	    dns:a..b uri:x 'uri:*:x' email:example email:a@b@c \
	    'dns:a b' "cn:$(printf %0260d 0)"; do
		like=$(echo "$bad" | cut -c 1-200 | sed 's/[*]/[*]/g')
		wrong 2 ".*allow = \"$like.*: want up to 64 patterns like" \
		    'clients {' "allow = {\"cn:client\", \"$bad\"}" '}'
	done
	wrong 1 ".*allow = \"cn:65\": want up to 64" \
	    "clients { allow = {$(list 65 'cn:&')} }"
	for bad in '' yes Strict last_good none; do
		wrong 1 ".*crl-policy = \"$bad\": want \"strict\" or \"last-good\"" \
		    "clients { crl-policy = \"$bad\" }"
	done
	for bad in '' -1 11 010 1.5 many; do
		wrong 1 ".*max-depth = \"$bad\": want a number from 0 to 10" \
		    "clients { max-depth = \"$bad\" }"
	done
	for bad in '' true on YES 1; do
		wrong 1 ".*require-client-usage = \"$bad\": want \"yes\" or \"no\"" \
		    "clients { require-client-usage = \"$bad\" }"
	done
	wrong 1 '.*crl = "": want a file name' 'clients { crl = "" }'
	# a rule that lets nobody in is not one that lets everybody in
	wrong 1 'pin is an empty list' 'clients { pin = {} }'
	wrong 1 'allow is an empty list' 'clients { allow = { } }'
	wrong 1 'from is an empty list' 'proxy { from = {} }'
	wrong 2 'allow is given twice' 'clients { allow = {"cn:a"}' \
	    'allow = {"cn:b"} }'
	make_pki
	write_conf "clients.pin={$(list 256 "SHA256:$hex")}" \
	    "clients.allow={$(list 64 'cn:&')}" \
	    "proxy.from={$(list 64 '10.0.0.&')}" \
	    "resolver.servers={$(list 8 '127.0.0.&:53')}"
	good
}

e2e_case around "Balancers, name servers and times are what they can be"
around_body() {
	for bad in '' localhost 192.0.2.1/33 192.0.2.1/24 192.0.2/24 \
	    192.0.2.0/ 192.0.2.0/-1 192.0.2.0/024 192.0.2.0:80 ::1/129 \
	    2001:db8::1/32 '[::1]' ::g/64 '*'; do
		like=$(echo "$bad" | sed 's/[][*]/[&]/g')
		wrong 1 ".*from = \"$like\": want up to 64 networks like .*bits" \
		    "proxy { from = {\"127.0.0.1\", \"$bad\"} }"
	done
	wrong 1 '.*from = "10.0.0.65": want up to 64' \
	    "proxy { from = {$(list 65 '10.0.0.&')} }"
	for bad in '' 127.0.0.1 dns.example:53 127.0.0.1:0 127.0.0.1:65536 \
	    ::1:53 '[::1]'; do
		like=$(echo "$bad" | sed 's/[][*]/[&]/g')
		wrong 1 ".*servers = \"$like\": want up to 8 numeric .*port" \
		    "resolver { servers = {\"$bad\"} }"
	done
	wrong 1 '.*servers = "127.0.0.9:53": want up to 8' \
	    "resolver { servers = {$(list 9 '127.0.0.&:53')} }"
	for bad in '' 99ms 8d soon 01s -1 00; do
		wrong 1 ".*watch = \"$bad\": want 0, or a time from 100ms to 7d" \
		    "watch = \"$bad\""
		for key in resolve revoked; do
			wrong 1 ".*$key = \"$bad\": want a time from 100ms to 7d" \
			    "timeouts { $key = \"$bad\" }"
		done
	done
	wrong 1 '.*resolve = "0": want a time' 'timeouts { resolve = 0 }'
	wrong 1 '.*resolver-user = "": want a user' 'resolver-user = ""'
	wrong 1 '.*exporter-user = "": want a user' 'exporter-user = ""'
	for bad in 0.0.0.0:9464 192.0.2.1:9464 '[::]:9464' '[2001:db8::1]:1' \
	    localhost:9464 127.0.0.1 127.0.0.1:0 127.0.0.1:65536 unix: '' \
	    "unix:/$(printf %0108d 0)"; do
		wrong 1 ".*listen = \".*\": want a loopback address" \
		    "metrics { listen = \"$bad\" }"
	done
	wrong 1 '.*status-socket = .*: want a file name of at most' \
	    "status-socket = \"/$(printf %0107d 0)\""
	# each key in its own section, and nowhere else
	wrong 1 '.*pin' 'pin = {"SHA256:00"}'
	wrong 1 '.*host-check' 'proxy { host-check = no }'
	wrong 1 '.*from' 'clients { from = {"127.0.0.1"} }'
}

e2e_case addresses "Addresses are numeric, whole and different"
addresses_body() {
	for address in localhost:7443 www.example:7443 127.0.0.1 :7443 \
	    127.0.0.1:0 127.0.0.1:65536 127.0.0.1:07443 127.1:7443 \
	    127.0.0.256:7443 ::1:7443 '[::1]' '[::1]7443' '[::g]:7443' \
	    '*:7443' '127.0.0.1:https' '127.0.0.1:7443 ' ''; do
		wrong 2 ".*listen = \"$(echo "$address" |
		    sed 's/[][*]/\\&/g')\": want .*numeric" 'parents = 1' \
		    "listen = {\"$address\"}"
	done
	wrong 1 ".*listen" 'listen = {"127.0.0.1:1", "127.0.0.1:1"}'
	many=$(for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		printf '"127.0.0.1:%d", ' "$n"
	done)
	wrong 1 ".*listen = \"127.0.0.1:17\": want up to 16" \
	    "listen = {$many\"127.0.0.1:17\"}"
}

e2e_case expansion "Nothing is taken from the environment"
expansion_body() {
	# shellcheck disable=SC2016
	wrong 2 ".*not expanded" 'parents = 1' 'key = "${HOME}/key"'
	# shellcheck disable=SC2016
	wrong 1 ".*not expanded" 'key = ${HOME}'
	# shellcheck disable=SC2016
	wrong 1 ".*not expanded" 'clients { ca = "${CA:-x}" }'
	# shellcheck disable=SC2016
	printf 'key = "${HOME}"' >posternd.conf
	refused "posternd.conf:1: .*not expanded"
	# shellcheck disable=SC2016
	wrong 1 ".*not expanded" 'key = x//${HOME}'
	# shellcheck disable=SC2016
	wrong 1 ".*not expanded" 'listen = {"${HOME}"}'
	make_pki
	write_conf
	# shellcheck disable=SC2016
	echo '# not even ${HOME} in a comment is meant' >>posternd.conf
	good
}

e2e_case inclusion "No other file is included"
inclusion_body() {
	echo 'parents = 1' >other.conf
	wrong 1 ".*include" 'include("other.conf")'
}

e2e_case unfinished "What does not end is an error"
unfinished_body() {
	wrong '[12]' "" 'key = "server.key'
	wrong '[12]' "" "key = 'server.key"
	wrong 1 "log { has no end" 'log {' 'level = info'
	wrong 2 "log { has no end" '' 'log { level = info' 'parents = 1'
	wrong 3 "tls { has no end" '' '' 'tls { versions = {"1.3"} '
	wrong '[12]' "" 'listen = {"127.0.0.1:1"'
	wrong '[12]' "" 'parents ='
	wrong '[12]' "" 'parents'
	wrong 2 "this comment has no end" 'parents = 1' '/* a comment' ''
	wrong 1 "" '}'
	wrong 1 "" '= 3'
}

# ---- what is no configuration ------------------------------------------------

e2e_case odd_files "What is not a text file is refused, and holds nobody up"
odd_files_body() {
	refused "posternd.conf: No such file or directory"
	mkdir posternd.conf
	refused "posternd.conf: is a directory"
	rmdir posternd.conf
	mkfifo posternd.conf
	refused "posternd.conf: is not a regular file"
	rm posternd.conf
	: >posternd.conf
	refused "posternd.conf: is empty"
	printf 'parents = 1\n\0parents = 2\n' >posternd.conf
	refused "posternd.conf: .*NUL"
	head -c 16777217 /dev/zero | tr '\0' '#' >posternd.conf
	refused "posternd.conf: is larger than 16 MiB"
	rm posternd.conf
	ln -s posternd.conf posternd.conf
	refused "posternd.conf: "
	rm posternd.conf
	head -c 100000 /dev/urandom | tr -d '\0' >posternd.conf
	refused "posternd.conf"
	# what a message repeats cannot command a terminal
	printf 'parents = "\033[2J\r"\n' >posternd.conf
	refused "posternd.conf:1: "
	LC_ALL=C grep -q '[^ -~]' judge.err && unlike "plain text"
	return 0
}

e2e_case unreadable "A file that is not ours to read is said to be so"
unreadable_body() {
	make_pki
	write_conf
	chmod 0 posternd.conf
	# Root may read everything; then nobody tries, with all of ours.
	if is_root; then
		cp "$(command -v posternd)" .
		chown -R nobody .
		judged_by="setpriv --reuid=nobody --regid=nogroup
		    --clear-groups ./posternd -U"
	fi
	refused "posternd.conf: Permission denied"
	chmod 600 posternd.conf
	chmod 0 ca.pem
	refused ".*ca.pem: Permission denied"
}

# ---- the files it names ------------------------------------------------------

e2e_case files_checked "-n judges the files too"
files_checked_body() {
	make_pki
	write_conf key=other.key
	refused ".*other.key: the key does not match the certificate .*"
	write_conf key=none.key
	refused ".*none.key: No such file or directory (key)"
	write_conf certificate=server.key
	refused ".*server.key: "
	: >empty.pem
	write_conf clients.ca=empty.pem
	refused ".*empty.pem: is empty"
	openssl ec -in server.key -aes256 -passout pass:secret \
	    -out locked.key 2>/dev/null
	chmod 600 locked.key
	write_conf key=locked.key
	refused ".*locked.key: the key is under a passphrase"
	chmod 640 server.key
	chgrp "$(id -g)" server.key
	write_conf
	good
	chmod 604 server.key
	refused ".*server.key: others may read the key"
}
