#! /usr/bin/env atf-sh
#
# What our client says to wrong usage and unusable files, before it connects.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../client_verbs.sh"

# refused STATUS WORDS ARGUMENT...
refused()
{
	status=$1
	words=$2
	shift 2
	atf_check -s "exit:$status" -e "match:$words" postern "$@"
}

pin=SHA256:$(printf %064d 0)

e2e_case help "Help and version are no errors"
help_body()
{
	for option in -h --help; do
		atf_check -o match:'^usage: postern ' -o match:'--servername' \
		    postern $option
	done
	for option in -V --version; do
		atf_check -o match:'^postern [0-9.]+$' postern $option
	done
	atf_check -s exit:74 -e match:'standard output: No space' \
	    sh -c 'exec postern --help >/dev/full'
}

e2e_case operands "A host and a port, and nothing else"
operands_body()
{
	refused 64 'a host and a port are needed'
	refused 64 'a host and a port are needed' -v localhost
	refused 64 'too many arguments' localhost 1 2
	for bad in 0 65536 http -1x 1x 99999999999999999999 '' ' 1'; do
		refused 64 'a port is a number from 1 to 65535' -- localhost \
		    "$bad"
	done
	refused 64 'neither a host name' '' 1
	refused 64 'neither a host name' '*.example' 1
	refused 64 'neither a host name' "$(printf 'a\nb')" 1
	refused 64 'too long' "$(printf %0300d 0)" 1
}

e2e_case options "Options that are unknown, incomplete or malformed"
options_body()
{
	refused 64 'usage:' -x localhost 1
	refused 64 'usage:' --nonsense localhost 1
	refused 64 'usage:' -R
	refused 64 'belong together' -C some.pem localhost 1
	refused 64 'belong together' --key some.key localhost 1
	for bad in '' SHA256: md5:00 "${pin}0" "${pin%0}" "${pin%0}g" \
	    "${pin#SHA256:}"; do
		refused 64 '64 hexadecimal digits' -H "$bad" localhost 1
	done
	for bad in '' 0 -1 1.5 1s 86401; do
		refused 64 'must be 1 to 86400 seconds' -w "$bad" localhost 1
	done
	refused 64 'neither a host name' -e '*.example' localhost 1
	refused 64 'neither a host name' -e '' localhost 1
}

e2e_case commands "Commands, and hosts that are called so"
commands_body()
{
	refused 64 'a host and a port are needed' ping
	refused 64 'a host and a port are needed' inspect 443
	refused 64 'a host of that name: postern connect inspect' inspect 443
	refused 64 'a file, a host and a port are needed' send localhost 1
	refused 64 'too many arguments: only a host' ping localhost 1 2
	refused 64 'too many arguments: only a host' connect localhost 1 2
	refused 64 'too many arguments: only a file' send a localhost 1 2
	refused 64 'too many arguments' a b c d e f g h i
	# Only the first is looked at.
	refused 64 'a port is a number' localhost ping
	for name in connect inspect ping send; do
		refused 64 'x: a port is a number' connect $name x
	done
	# A command after options and between them, as the options are.
	port=$(free_port)
	for line in "-H $pin -c 1 ping 127.0.0.1 $port" \
	    "ping 127.0.0.1 -c 1 $port -H $pin" \
	    "-H $pin ping -c1 --interval=0.5 --size 5 --quiet -- 127.0.0.1 $port"
	do
		# shellcheck disable=SC2086
		refused 69 'cannot connect' $line
		# shellcheck disable=SC2086
		POSIXLY_CORRECT=1 refused 69 'cannot connect' $line
	done
}

e2e_case special_options "Options of some commands only, and their values"
special_options_body()
{
	refused 64 '--json is for inspect, ping and send' --json localhost 1
	refused 64 '-c is for ping' -c 1 localhost 1
	refused 64 '-c is for ping' inspect --count 1 localhost 1
	refused 64 '-i is for ping' send -i 1 file localhost 1
	refused 64 '-s is for ping' inspect -s 1 localhost 1
	refused 64 '-q is for ping and send' inspect -q localhost 1
	for bad in '' 0 -1 1.5 x 1000000000; do
		refused 64 'must be 1 to 999999999 echoes' ping -c "$bad" \
		    localhost 1
	done
	for bad in '' 0 0.009 -1 x 86400.1 1e3 .; do
		refused 64 'must be 0.01 to 86400 seconds' ping -i "$bad" \
		    localhost 1
	done
	for bad in '' 0 -1 65537 1k; do
		refused 64 'must be 1 to 65536 bytes' ping -s "$bad" localhost 1
	done
}

e2e_case files "Files that cannot be read or are not what they should be"
files_body()
{
	make_pki
	: >empty.pem
	echo nonsense >text.pem
	head -c 300 ca.pem >short.pem
	mkfifo fifo.pem
	mkdir dir.pem
	refused 66 'none.pem: No such file' -R none.pem 127.0.0.1 1
	refused 66 'none.pem: No such file' -C none.pem -K none.pem \
	    -R ca.pem 127.0.0.1 1
	for bad in 'empty.pem: is empty' 'text.pem: holds no certificate' \
	    'short.pem: holds a certificate that is damaged' \
	    'fifo.pem: is not a regular file' 'dir.pem: is a directory' \
	    'client.key: holds no certificate'; do
		refused 66 "$bad" -R "${bad%%:*}" 127.0.0.1 1
		refused 66 "$bad" -R ca.pem -C "${bad%%:*}" -K client.key \
		    127.0.0.1 1
	done
	refused 66 'none.pem: No such file' -H "$pin" -R none.pem 127.0.0.1 1
	SSL_CERT_FILE=none.pem
	export SSL_CERT_FILE
	refused 66 'none.pem: No such file' 127.0.0.1 1
}

e2e_case keys "Keys that do not serve"
keys_body()
{
	make_pki
	refused 66 'other.key: is not the private key of .* client.pem' \
	    -R ca.pem -C client.pem -K other.key 127.0.0.1 1
	refused 66 'client.pem: holds no private key' \
	    -R ca.pem -C client.pem -K client.pem 127.0.0.1 1
	openssl pkey -in client.key -aes256 -passout pass:secret \
	    -out locked.key || atf_fail "openssl cannot encrypt the key"
	refused 66 'locked.key: is encrypted' \
	    -R ca.pem -C client.pem -K locked.key 127.0.0.1 1
	head -n 2 client.key >short.key
	refused 66 'short.key: .*is damaged' \
	    -R ca.pem -C client.pem -K short.key 127.0.0.1 1
}

# From here on: every file that a person can hand over.

# unusable FILE WORDS: as -R, as -C; the words are all that is said, on a line.
unusable()
{
	refused 66 "^postern: $1: $2\$" -R "$1" 127.0.0.1 1
	refused 66 "^postern: $1: $2\$" -R ca.pem -C "$1" -K client.key \
	    127.0.0.1 1
}

# usable OPTION...: all files are read, and only the connection fails.
usable()
{
	refused 69 'cannot connect' "$@" 127.0.0.1 "$port"
}

e2e_case bad_certificates "Files that are no certificates"
bad_certificates_body()
{
	make_pki
	: >empty
	openssl x509 -in ca.pem -outform DER -out der
	truncate -s 1G large
	mkfifo fifo
	mkdir dir
	head -c 300 ca.pem >short
	sed 's/^M/!/' ca.pem >garbled
	cat ca.pem short >second-short
	unusable none 'No such file or directory'
	unusable empty 'is empty'
	unusable der 'is in DER form, and PEM is wanted; .*'
	unusable large 'is larger than 16 MiB, .*'
	unusable fifo 'is not a regular file'
	unusable dir 'is a directory, not a file'
	for bad in short garbled second-short; do
		unusable $bad 'holds a certificate that is damaged or cut short'
	done
	unusable client.key 'holds no certificate in PEM form .*'
	unusable /dev/zero 'is not a regular file'
}

e2e_case bad_keys "Files that are no keys"
bad_keys_body()
{
	make_pki
	: >empty
	openssl pkey -in client.key -outform DER -out der
	truncate -s 1G large
	mkfifo fifo
	mkdir dir
	head -n 2 client.key >short
	cat client.key other.key >two
	for bad in 'none: No such file or directory' 'empty: is empty' \
	    'large: is larger than 16 MiB, .*' 'fifo: is not a regular file' \
	    'dir: is a directory, not a file' \
	    'der: holds no private key in PEM form .*' \
	    'short: .*is damaged.*' 'two: .*several.*' \
	    'client.pem: holds no .*'; do
		refused 66 "^postern: $bad\$" -R ca.pem -C client.pem \
		    -K "${bad%%:*}" 127.0.0.1 1
	done
}

e2e_case unusual_files "Files that are unusual, and good"
unusual_files_body()
{
	make_pki
	port=$(free_port)
	for file in ca.pem client.pem client.key; do
		sed 's/$/\r/' $file >dos-$file
	done
	usable -R dos-ca.pem -C dos-client.pem -K dos-client.key
	usable -R dos-client.pem
	{ echo "Subject: somebody"; cat client.pem; echo; } >chatty.pem
	printf '%s' "$(cat client.key)" >unfinished.key
	usable -R ca.pem -C chatty.pem -K unfinished.key
	cat client.key client.pem >both.pem
	usable -R ca.pem -C both.pem -K both.pem
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
		cat ca.pem
	done >nineteen.pem
	cat client.pem nineteen.pem >long.pem
	usable -R long.pem -C long.pem -K client.key
}

e2e_case pipes "Files that a shell makes of pipes"
pipes_body()
{
	make_pki
	port=$(free_port)
	pipes='-R <(cat ca.pem) -C <(cat client.pem) -K <(sleep 0.1;
	    cat client.key)'
	atf_check -s exit:69 -e match:'cannot connect' \
	    bash -c "postern $pipes 127.0.0.1 $port"
	atf_check -s exit:66 -e match:'holds no certificate' \
	    bash -c "postern -R <(cat client.key) 127.0.0.1 $port"
	atf_check -s exit:66 -e match:'a pipe with more than 1 MiB' \
	    bash -c "postern -R <(cat /dev/zero) 127.0.0.1 $port"
	atf_check -s exit:69 -e match:'cannot connect' \
	    bash -c "exec 3<ca.pem; postern -R /dev/fd/3 127.0.0.1 $port"
}

e2e_case many_names "A certificate with 10,000 names"
many_names_body()
{
	make_ca ca
	port=$(free_port)
	names=$(awk 'BEGIN { for (i = 0; i < 10000; i++)
		printf ",DNS:some-name-%d.example", i }')
	printf '[req]\ndistinguished_name=d\n[d]\n[x]\n%s\n' \
	    "subjectAltName=IP:127.0.0.1$names" >many.cnf
	openssl_cert many -subj /CN=many -config many.cnf -extensions x
	usable -R many.pem -C many.pem -K many.key
}
