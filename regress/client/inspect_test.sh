#! /usr/bin/env atf-sh
#
# postern inspect: what it shows of servers, trusted or not, and what it says
# they did with us.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../client_verbs.sh"

e2e_case service "Our service: all of it, with a certificate and without"
service_body()
{
	make_pki
	write_conf
	start_daemon
	client 0 inspect -R ca.pem
	atf_check test ! -s err
	shows "^address  *127.0.0.1:$port\$"
	shows '^protocol  *TLSv1.3$'
	shows '^cipher  *TLS_[A-Z0-9_]*$'
	shows '^group  *[XP][-0-9]*$'
	shows '^trusted  *yes$'
	shows '^asked  *yes$'
	shows '^outcome  *refused us without a certificate: certificate req'
	shows '^subject  *CN=127.0.0.1$'
	shows '^issuer  *CN=ca$'
	shows '^names  *IP:127.0.0.1,IP:::1,DNS:localhost$'
	shows '^valid  *20[0-9-]*T[0-9:]*Z to 20[0-9-]*T[0-9:]*Z$'
	shows '^usages  *serverAuth$'
	shows "^certificate  *$(cert_pin server.pem)\$"
	shows "^public key  *$(key_pin server.pem)\$"
	expect_log 'event=refused reason=no-certificate'
	client 0 inspect -R ca.pem -C client.pem -K client.key
	shows '^outcome  *let us in with our certificate$'
	client 77 inspect -R ca.pem -C other.pem -K other.key
	shows '^outcome  *refused us with our certificate: unknown ca$'
	says 'refused us: alert: unknown ca'
	stop_daemon
}

e2e_case service_json "The same as a document"
service_json_body()
{
	make_pki
	write_conf
	start_daemon
	client 0 inspect --json -R ca.pem
	json 'd["command"] == "inspect" and d["host"] == "127.0.0.1"'
	json "d['port'] == $port and d['address'] == '127.0.0.1:$port'"
	json 'd["protocol"] == "TLSv1.3" and d["cipher"].startswith("TLS_")'
	json 'd["group"] in ("X25519", "P-256", "P-384")'
	json 'd["trusted"] is True and d["distrust"] is None'
	json 'd["certificate_asked"] is True'
	json 'd["certificate_given"] is False'
	json 'd["outcome"] == "refused"'
	json 'd["outcome_detail"] == "certificate required"'
	json 'd["result"] == "ok" and d["exit"] == 0 and d["error"] is None'
	json 'd["chain"][0]["subject"] == "CN=127.0.0.1"'
	json 'd["chain"][0]["issuer"] == "CN=ca"'
	json 'd["chain"][0]["names"] ==
	    ["IP:127.0.0.1", "IP:::1", "DNS:localhost"]'
	json 'd["chain"][0]["usages"] == ["serverAuth"]'
	json "d['chain'][0]['pin'] == '$(cert_pin server.pem)'"
	json "d['chain'][0]['public_key_pin'] == '$(key_pin server.pem)'"
	serial=$(openssl x509 -in server.pem -noout -serial | cut -d = -f 2 |
	    tr A-F a-f)
	json "d['chain'][0]['serial'] == '$serial'"
	client 77 --json -R ca.pem -C other.pem -K other.key inspect
	json 'd["result"] == "refused" and d["exit"] == 77'
	json 'd["outcome"] == "refused" and "unknown ca" in d["error"]'
	client 0 inspect --json -R ca.pem -C client.pem -K client.key
	json 'd["outcome"] == "let-in" and d["certificate_given"] is True'
	stop_daemon
}

e2e_case untrusted "Of a server that is not trusted it shows what it can"
untrusted_body()
{
	make_pki
	for version in '' 12; do
		# By libtls within the handshake, and by us after it.
		serve count server $version
		client 76 inspect -R other-ca.pem -C client.pem -K client.key
		says 'is not who it should be: certificate verification failed'
		shows '^trusted  *no: certificate verification failed'
		shows '^outcome  *not known'
		shows '^subject  *CN=127.0.0.1$'
		shows '^protocol  *TLSv1\.[23]$'
		shows "^public key  *$(key_pin server.pem)\$"
		serve count server $version
		client 76 inspect --json -R ca.pem -e www.example
		json 'd["trusted"] is False and "www.example" in d["distrust"]'
		json 'd["outcome"] is None and d["result"] == "untrusted"'
		json 'd["chain"][0]["subject"] == "CN=127.0.0.1"'
		server_says 'done'
		grep -q -x 'received [1-9].*' server.out &&
		    atf_fail "the server was told something"
	done
	serve count
	client 76 inspect --json -H "SHA256:$(printf %064d 0)"
	json 'd["trusted"] is False and d["certificate_asked"] is True'
	json "d['chain'][0]['pin'] == '$(cert_pin server.pem)'"
}

e2e_case tls12 "TLS 1.2: the group, and a refusal within the handshake"
tls12_body()
{
	make_pki
	serve echo server 12
	client 0 inspect --json -R ca.pem
	json 'd["protocol"] == "TLSv1.2" and d["outcome"] == "let-in"'
	json 'd["group"] in ("X25519", "P-256", "P-384")'
	json 'd["certificate_asked"] is True'
	serve_openssl -tls1_2 -Verify 1 -verify_return_error -CAfile ca.pem
	client 77 inspect --json -R ca.pem
	json 'd["outcome"] == "refused" and d["trusted"] is None'
	json 'd["certificate_asked"] is True'
	json 'd["outcome_detail"] == "handshake failure"'
	json 'd["chain"][0]["subject"] == "CN=127.0.0.1"'
}

e2e_case groups "The group is the one that the server insists on"
groups_body()
{
	make_pki
	for version in -tls1_2 -tls1_3; do
		for group in P-256 P-384 X25519; do
			serve_openssl $version -groups $group
			client 0 inspect --json -R ca.pem
			json "d['group'] == '$group'"
		done
	done
}

e2e_case not_asked "A server that asks for no certificate"
not_asked_body()
{
	make_pki
	for version in -tls1_2 -tls1_3; do
		serve_openssl $version
		client 0 inspect -R ca.pem
		shows '^asked  *no$'
		shows '^outcome  *let us in without a certificate$'
		# Nor does one that we have, and do not show, change that.
		serve_openssl $version
		client 0 inspect -R ca.pem -C client.pem -K client.key
		shows '^outcome  *let us in without a certificate$'
		serve_openssl $version
		client 0 inspect --json -R ca.pem -C client.pem -K client.key
		json 'd["certificate_given"] is False'
		serve_openssl $version
		client 76 inspect --json -R other-ca.pem
		case $version in
		# What was asked comes after the certificate there.
		*2) json 'd["certificate_asked"] is None' ;;
		*3) json 'd["certificate_asked"] is False' ;;
		esac
	done
}

e2e_case ends "What a server does then: greets, cuts, resets, says nothing"
ends_body()
{
	make_pki
	serve greet
	client 0 inspect -R ca.pem
	shows '^outcome  *let us in without a certificate$'
	for mode in cut reset; do
		serve $mode
		client 0 inspect -R ca.pem
		shows '^outcome  *refused us without a certificate: ended the'
		serve $mode
		client 77 inspect -R ca.pem -C client.pem -K client.key
		shows '^outcome  *refused us with our certificate: ended the'
	done
	serve idle
	client 69 inspect --json -w 1 -R ca.pem
	json 'd["outcome"] == "silent" and d["trusted"] is True'
	serve hang-up
	client 77 inspect --json -R ca.pem
	json 'd["outcome"] == "refused" and d["chain"] == []'
	json 'd["protocol"] is None and d["group"] is None'
	serve plain-text
	client 76 inspect --json -R ca.pem
	json 'd["result"] == "protocol" and d["outcome"] is None'
	port=$(free_port)
	client 69 inspect --json -R ca.pem
	json 'd["result"] == "unreachable" and d["address"] is None'
	client 69 inspect -R ca.pem
	atf_check test ! -s out
}

e2e_case chain "All that the server sends is shown, in its order"
chain_body()
{
	certgen ca --cert ca.pem --key ca.key --name ca --pathlen 1
	openssl_cert middle -subj /CN=middle -CA ca.pem -CAkey ca.key \
	    -addext basicConstraints=critical,CA:TRUE
	issue server server middle --host 127.0.0.1
	leaf_only server
	cat server.pem middle.pem ca.pem >chain.pem
	cp server.key chain.key
	for trusted in ca.pem middle.pem chain.pem; do
		serve echo chain
		client 0 inspect --json -R $trusted
		json '[c["subject"] for c in d["chain"]] ==
		    ["CN=127.0.0.1", "CN=middle", "CN=ca"]'
	done
	make_ca other
	serve echo chain
	client 76 inspect --json -R other.pem
	json '[c["subject"] for c in d["chain"]] ==
	    ["CN=127.0.0.1", "CN=middle", "CN=ca"]'
}

e2e_case hostile_names "Names are shown harmlessly, trusted or not"
hostile_names_body()
{
	make_ca ca
	esc=$(printf '\033')
	openssl_cert ss -subj "/O=Some \"Org\"/CN=a${esc}[31m" \
	    -addext subjectAltName=IP:127.0.0.1,URI:x:${esc}[2J
	for ca in ss.pem ca.pem; do
		for json in '' --json; do
			serve echo ss
			case $ca in
			ss.pem) client 0 inspect $json -R $ca ;;
			*) client 76 inspect $json -R $ca ;;
			esac
			grep -q "$esc" out err &&
			    atf_fail "an escape came through"
			shows '[\\]x1b\[2J'
		done
	done
}

# Subject "CN=127.0.0.1<NUL>.evil", signed anew with its own key.
nul_in_name()
{
	openssl_cert nul -subj '/CN=127.0.0.1X.evil' "$@"
	openssl x509 -in nul.pem -outform DER -out nul.der
	python3 - <<-'END' || atf_fail "cannot make the certificate"
	import base64, subprocess
	def tlv(tag, body):
	    n = len(body)
	    size = bytes([n]) if n < 128 else b"\x82" + n.to_bytes(2, "big")
	    return bytes([tag]) + size + body
	def parts(der):
	    at = 0
	    while at < len(der):
	        n, head = der[at + 1], 2
	        if n & 128:
	            head = 2 + (n & 127)
	            n = int.from_bytes(der[at + 2:at + head], "big")
	        yield der[at:at + head + n], der[at + head:at + head + n]
	        at += head + n
	whole = open("nul.der", "rb").read()
	tbs, algorithm, _ = parts(next(parts(whole))[1])
	tbs = tbs[0].replace(b"127.0.0.1X.evil", b"127.0.0.1\0.evil")
	open("tbs", "wb").write(tbs)
	signature = subprocess.check_output(["openssl", "dgst", "-sha256",
	    "-sign", "nul.key", "tbs"])
	der = tlv(0x30, tbs + algorithm[0] + tlv(3, b"\0" + signature))
	open("nul.pem", "w").write("-----BEGIN CERTIFICATE-----\n" +
	    base64.encodebytes(der).decode() + "-----END CERTIFICATE-----\n")
	END
	openssl verify -CAfile nul.pem nul.pem >openssl.err 2>&1 ||
	    atf_fail "the certificate is not good: $(cat openssl.err)"
}

e2e_case nul "A NUL in a name ends no comparison, and is shown"
nul_body()
{
	nul_in_name -addext basicConstraints=critical,CA:TRUE
	serve count nul
	client 76 inspect -R nul.pem
	shows '^subject  *CN=127.0.0.1[\\]*x*00.evil$'
	serve count nul
	client 76 -R nul.pem
	# SAN: DNS "localhost<NUL>.evil"
	openssl_cert san -subj /CN=x -addext basicConstraints=critical,CA:TRUE \
	    -addext subjectAltName=DER:3011820f6c6f63616c686f7374002e6576696c
	serve count san
	client 76 inspect -R san.pem -e localhost
	shows '^names  *DNS:localhost[\\]x00.evil$'
	serve echo san
	client 0 inspect -H "$(cert_pin san.pem)"
	shows '^names  *DNS:localhost[\\]x00.evil$'
}

e2e_case many_names "A certificate with 10,000 names, and one that is too long"
many_names_body()
{
	make_ca ca
	names=$(awk 'BEGIN { for (i = 0; i < 10000; i++)
		printf ",DNS:a%d", i }')
	printf '[req]\ndistinguished_name=d\n[d]\n[x]\n%s\n' \
	    "subjectAltName=IP:127.0.0.1$names" >many.cnf
	openssl_cert many -subj /CN=many -config many.cnf -extensions x
	serve echo many
	client 0 inspect --json -R many.pem
	json 'len(d["chain"][0]["names"]) == 10001'
	json 'd["chain"][0]["names"][-1] == "DNS:a9999"'
	serve echo many
	client 0 inspect -R many.pem
	shows '^names .*DNS:a99,.*\.\.\.$'
	serve echo many
	client 0 -R many.pem
	cmp in out || atf_fail "not what was sent"
	# Beyond what OpenSSL takes (100 KB); LibreSSL takes more.
	sed 's/DNS:a/DNS:some-long-name-/g' many.cnf >huge.cnf
	openssl_cert huge -subj /CN=huge -config huge.cnf -extensions x
	serve echo huge
	got=0
	postern inspect -R huge.pem 127.0.0.1 "$port" >out 2>err || got=$?
	test $got -eq 0 || {
		atf_check_equal 76 $got
		says 'broke the protocol: .*excessive message size'
	}
}

e2e_case long_chain "A chain of 20 certificates is shown, if not believed"
long_chain_body()
{
	make_ca ca0
	cat ca0.pem >all.pem
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
		openssl_cert ca$i -subj /CN=ca$i -CA ca$((i - 1)).pem \
		    -CAkey ca$((i - 1)).key \
		    -addext basicConstraints=critical,CA:TRUE
		cat ca$i.pem all.pem >more.pem
		mv more.pem all.pem
	done
	issue server server ca18 --host 127.0.0.1
	leaf_only server
	cat server.pem all.pem >long.pem
	cp server.key long.key
	atf_check_equal 20 "$(grep -c BEGIN long.pem)"
	for ca in ca0.pem ca18.pem; do
		serve echo long
		case $ca in
		ca0.pem) client 76 inspect --json -R $ca ;;
		*) client 0 inspect --json -R $ca ;;
		esac
		json 'len(d["chain"]) == 20'
		json 'd["chain"][19]["subject"] == "CN=ca0"'
	done
}

e2e_case output "Standard output that fails is told"
output_body()
{
	make_pki
	for json in '' --json; do
		serve echo
		atf_check -s exit:74 -e match:'standard output: No space' \
		    sh -c "exec postern inspect $json -R ca.pem \
		    127.0.0.1 $port >/dev/full"
	done
}
