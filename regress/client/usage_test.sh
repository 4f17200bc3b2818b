#! /usr/bin/env atf-sh
#
# What our client says to wrong usage and unusable files, before it connects.

. "$(atf_get_srcdir)/../common.sh"

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
	refused 66 'short.key: holds no private key' \
	    -R ca.pem -C client.pem -K short.key 127.0.0.1 1
}
