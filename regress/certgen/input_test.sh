#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# What postern-certgen refuses: with the right exit code, one line that says
# what is wrong, and no file made.

EX_USAGE=64
EX_DATAERR=65
EX_NOINPUT=66
EX_NOPERM=77

without_terminal=

# refused CODE WORDS ARG...: WORDS is a plain string that the line contains.
refused()
{
	want=$1
	words=$2
	shift 2
	: >files.after		# so that it is in both lists
	ls -A >files.before
	code=0
	said=$($without_terminal postern-certgen "$@" 2>&1 >/dev/null \
	    </dev/null) || code=$?
	[ "$code" = "$want" ] ||
	    atf_fail "$*: exit code $code, not $want: $said"
	case $said in
	*"
"*)	atf_fail "$*: more than one line: $said" ;;
	'postern-certgen: '*"$words"*) ;;
	*)	atf_fail "$*: '$said' is without '$words'" ;;
	esac
	ls -A >files.after
	cmp files.before files.after || atf_fail "$*: a file was made"
}

make_ca()
{
	atf_check postern-certgen ca --cert ca.pem --key ca.key --name CA "$@"
}

self_signed()
{
	code=$1
	words=$2
	shift 2
	refused "$code" "$words" self-signed --cert c.pem --key c.key "$@"
}

client()
{
	code=$1
	words=$2
	shift 2
	refused "$code" "$words" client --ca ca.pem --ca-key ca.key \
	    --cert c.pem --key c.key "$@"
}

# zeros N: a string of N characters
zeros()
{
	printf "%0$1d" 0
}

atf_test_case usage
usage_head()
{
	atf_set descr "Options that are unknown, missing, twice, misplaced"
}
usage_body()
{
	make_ca
	refused $EX_USAGE 'a subcommand is missing'
	refused $EX_USAGE 'no such subcommand' selfsigned
	refused $EX_USAGE 'no such subcommand' ''
	refused $EX_USAGE 'no such subcommand' --cert c.pem
	self_signed $EX_USAGE '--host is missing'
	self_signed $EX_USAGE 'its value is missing' --host
	self_signed $EX_USAGE 'no such option' --host a --bogus
	self_signed $EX_USAGE 'no such option' --host a -x
	self_signed $EX_USAGE 'short for several' --host a --not 2030-01-01
	self_signed $EX_USAGE 'takes no value' --host a --force=yes
	self_signed $EX_USAGE 'neither an option' --host a b
	self_signed $EX_USAGE 'neither an option' --host a -- b
	self_signed $EX_USAGE '--cert is given twice' --cert d.pem --host a
	self_signed $EX_USAGE '--uri does not belong here' --host a --uri x:y
	self_signed $EX_USAGE '--ca does not belong here' --host a --ca ca.pem
	refused $EX_USAGE '--name is missing' ca --cert c.pem --key c.key
	refused $EX_USAGE '--host does not belong here' ca --host a \
	    --cert c.pem --key c.key --name a
	refused $EX_USAGE '--key is missing' ca --cert c.pem --name a
	refused $EX_USAGE '--cert is missing' ca --key c.key --name a
	client $EX_USAGE '--name is missing'
	client $EX_USAGE '--name is given twice' --name a --name b
	refused $EX_USAGE '--ca-key is missing' client --ca ca.pem --name a \
	    --cert c.pem --key c.key
	refused $EX_USAGE '--email does not belong here' server --ca ca.pem \
	    --ca-key ca.key --cert c.pem --key c.key --host a --email a@b
	self_signed $EX_USAGE 'none of p256, p384' --host a --algorithm p521
	for f in cert key; do
		refused $EX_USAGE "--$f: the file's name is empty" ca --$f ''
	done
}

atf_test_case hosts
hosts_head()
{
	atf_set descr "Hosts that are none"
}
hosts_body()
{
	self_signed $EX_USAGE 'empty item' --host ''
	self_signed $EX_USAGE 'empty item' --host a,,b
	self_signed $EX_USAGE 'empty item' --host ,a
	self_signed $EX_USAGE 'empty item' --host a,
	self_signed $EX_USAGE 'spaces or control' --host 'a, b'
	self_signed $EX_USAGE '\x09' --host "$(printf 'a\tb')"
	self_signed $EX_USAGE '\x0a' --host "$(printf 'a\nb')"
	self_signed $EX_USAGE '\x1b' --host "$(printf '\033[2Jb')"
	self_signed $EX_USAGE '\x7f' --host "$(printf 'a\177b')"
	self_signed $EX_USAGE 'not ASCII' --host 'zoë.example'
	self_signed $EX_USAGE 'neither an IPv4 address' --host 1.2.3
	self_signed $EX_USAGE 'neither an IPv4 address' --host 1.2.3.4.5
	self_signed $EX_USAGE 'neither an IPv4 address' --host 192.0.2.256
	self_signed $EX_USAGE 'neither an IPv4 address' --host 010.1.2.3
	self_signed $EX_USAGE 'neither an IPv4 address' --host 12345
	self_signed $EX_USAGE 'not an IPv6 address' --host ::g
	self_signed $EX_USAGE 'not an IPv6 address' --host 1:2:3
	self_signed $EX_USAGE 'not an IPv6 address' --host '[::1]'
	self_signed $EX_USAGE 'not an IPv6 address' --host fe80::1%eth0
	self_signed $EX_USAGE 'not an IPv6 address' --host a.example:443
	self_signed $EX_USAGE 'write the IPv4 address' --host ::ffff:192.0.2.1
	self_signed $EX_USAGE 'ends in a dot' --host a.example.
	self_signed $EX_USAGE 'not a host name' --host a..b
	self_signed $EX_USAGE 'not a host name' --host .a
	self_signed $EX_USAGE 'not a host name' --host -a.b
	self_signed $EX_USAGE 'not a host name' --host a-.b
	self_signed $EX_USAGE 'not a host name' --host 'a/b'
	self_signed $EX_USAGE 'not a host name' --host "$(zeros 64).b"
	self_signed $EX_USAGE 'longer than 253' \
	    --host "$(zeros 63).$(zeros 63).$(zeros 63).$(zeros 60).b"
	# The longest that there may be.
	atf_check postern-certgen self-signed --cert l.pem --key l.key \
	    --host "$(zeros 63).$(zeros 63).$(zeros 63).$(zeros 59).b"
}

atf_test_case wildcards
wildcards_head()
{
	atf_set descr "Wildcards: for servers, as the whole first label"
}
wildcards_body()
{
	make_ca
	self_signed $EX_USAGE 'only a server' --host '*.a.example'
	client $EX_USAGE 'only a server' --name c --host '*.a.example'
	for host in '*' 'a*.b.example' '*a.b.example' 'a.*.example' \
	    '*.*.example' '**.b.example'; do
		refused $EX_USAGE '"*" elsewhere' server --ca ca.pem \
		    --ca-key ca.key --cert c.pem --key c.key --host "$host"
	done
	refused $EX_USAGE 'top-level domain' server --ca ca.pem \
	    --ca-key ca.key --cert c.pem --key c.key --host '*.example'
	refused $EX_USAGE 'neither an IPv4' server --ca ca.pem \
	    --ca-key ca.key --cert c.pem --key c.key --host '*.1.2'
}

atf_test_case common_names
common_names_head()
{
	atf_set descr "Names that cannot be a common name"
}
common_names_body()
{
	make_ca
	client $EX_USAGE 'is empty' --name ''
	client $EX_USAGE 'longer than 64' --name "$(zeros 65)"
	client $EX_USAGE 'control characters' --name "$(printf 'a\nCN=b')"
	client $EX_USAGE 'control characters' --name "$(printf 'a\033[2J')"
	client $EX_USAGE 'control characters' --name "$(printf 'a\302\205b')"
	client $EX_USAGE 'UTF-8' --name "$(printf 'a\377b')"
	client $EX_USAGE 'UTF-8' --name "$(printf 'a\303')"
	# 64 characters, though 128 bytes.
	atf_check postern-certgen client --ca ca.pem --ca-key ca.key \
	    --cert c.pem --key c.key --name "$(zeros 64 | sed 's/0/ë/g')"
}

atf_test_case uris
uris_head()
{
	atf_set descr "URIs that are none"
}
uris_body()
{
	make_ca
	client $EX_USAGE 'empty item' --name c --uri ''
	for uri in example/a /a //a/b :a a: 1a:b 'a_b:c'; do
		client $EX_USAGE 'with its scheme' --name c --uri "$uri"
	done
	for uri in 'x:a b' 'x:<a>' 'x:a"b' 'x:a\b' 'x:ë'; do
		client $EX_USAGE 'must escape' --name c --uri "$uri"
	done
	client $EX_USAGE 'must escape' --name c --uri "$(printf 'x:a\nb')"
	client $EX_USAGE 'hexadecimal' --name c --uri 'x:a%2'
	client $EX_USAGE 'hexadecimal' --name c --uri 'x:a%'
	client $EX_USAGE 'no host' --name c --uri https:///x
	client $EX_USAGE 'no host' --name c --uri https://
	client $EX_USAGE 'longer than 2048' --name c --uri "x:$(zeros 2047)"
	for uri in spiffe://Example/a spiffe://a:80/b SPIFFE://a@b/c; do
		client $EX_USAGE 'trust domain' --name c --uri $uri
	done
	client $EX_USAGE 'SPIFFE name' --name c --uri 'spiffe://a/b?c'
}

atf_test_case emails
emails_head()
{
	atf_set descr "E-mail addresses that are none"
}
emails_body()
{
	make_ca
	client $EX_USAGE 'empty item' --name c --email ''
	for email in a @b a@ a@b@c .a@b a.@b 'a b@c' 'a@b c' 'a@*.b.c' a@b. \
	    'Ann <a@b>' 'ë@b' "$(zeros 65)@b"; do
		client $EX_USAGE 'not an e-mail' --name c --email "$email"
	done
	client $EX_USAGE 'two dots' --name c --email a..b@c
}

atf_test_case times
times_head()
{
	atf_set descr "Days and times that are none, or contradict each other"
}
times_body()
{
	for days in 0 -1 +1 1.5 1d ' 1' '' 36501 99999999999999999999; do
		self_signed $EX_USAGE 'not a number from 1' --host a \
		    --days "$days"
	done
	for t in '' now 2030 2030-1-1 2030-01-01T00:00:00 2030-01-01Z \
	    '2030-01-01 00:00:00Z' 2030-13-01 2030-02-29 2030-04-31 \
	    2030-00-10 2030-01-00 2030-01-01T24:00:00Z 2030-01-01T00:60:00Z \
	    2030-01-01T00:00:60Z 1969-12-31 10000-01-01 \
	    2030-01-01T00:00:00+01:00; do
		self_signed $EX_USAGE 'not a time' --host a --not-after "$t"
		self_signed $EX_USAGE 'not a time' --host a --not-before "$t"
	done
	self_signed $EX_USAGE 'give one of them' --host a --days 1 \
	    --not-after 2030-01-01
	self_signed $EX_USAGE 'before it begins' --host a \
	    --not-before 2030-01-02 --not-after 2030-01-01
	self_signed $EX_USAGE 'year 9999' --host a --not-before 9999-12-01
}

atf_test_case ca_files
ca_files_head()
{
	atf_set descr "CA files that are missing, wrong, or do not fit"
	atf_set require.progs "openssl"
}
ca_files_body()
{
	make_ca
	atf_check postern-certgen ca --cert b.pem --key b.key --name CA
	atf_check postern-certgen client --ca ca.pem --ca-key ca.key \
	    --cert leaf.pem --key leaf.key --name leaf
	: >empty
	chmod 600 empty
	mkfifo fifo
	with_ca()
	{
		code=$1
		words=$2
		cert=$3
		key=$4
		refused "$code" "$words" client --name c --cert c.pem \
		    --key c.key --ca "$cert" --ca-key "$key"
	}
	with_ca $EX_NOINPUT 'none.pem: No such file' none.pem ca.key
	with_ca $EX_NOINPUT 'none.key: No such file' ca.pem none.key
	with_ca $EX_DATAERR '.: is a directory' . ca.key
	with_ca $EX_DATAERR '.: is a directory' ca.pem .
	with_ca $EX_DATAERR 'empty: is empty' empty ca.key
	with_ca $EX_DATAERR 'empty: is empty' ca.pem empty
	with_ca $EX_DATAERR 'fifo: is not a regular file' fifo ca.key
	with_ca $EX_DATAERR 'fifo: is not a regular file' ca.pem fifo
	with_ca $EX_DATAERR 'ca.key: holds no certificate' ca.key ca.key
	with_ca $EX_DATAERR 'ca.pem: holds no private key' ca.pem ca.pem
	with_ca $EX_DATAERR 'b.key: is not the key' ca.pem b.key
	with_ca $EX_DATAERR "leaf.pem: is not a CA's" leaf.pem leaf.key
	sed '3s/^..../@@@@/' ca.pem >torn.pem
	with_ca $EX_DATAERR 'torn.pem: ' torn.pem ca.key
	head -n 2 ca.key >torn.key
	chmod 600 torn.key
	with_ca $EX_DATAERR 'torn.key: the private key is damaged' ca.pem \
	    torn.key
	truncate -s 16777217 big
	with_ca $EX_DATAERR 'big: is larger' big ca.key
	cp ca.key open.key
	chmod 604 open.key
	with_ca $EX_NOPERM 'open.key: others may read' ca.pem open.key
	# A leaf that its own openssl.cnf made a CA without leave to sign.
	openssl req -x509 -key ca.key -subj /CN=x -out nosign.pem \
	    -addext keyUsage=critical,digitalSignature ||
	    atf_fail "openssl cannot make a certificate"
	with_ca $EX_DATAERR "nosign.pem: is not a CA's" nosign.pem ca.key
}

atf_test_case passphrase
passphrase_head()
{
	atf_set descr "A key under a passphrase, and nobody there to ask"
	atf_set require.progs "openssl"
}
passphrase_body()
{
	make_ca
	openssl pkey -in ca.key -aes128 -passout pass:secret -out new.key ||
	    atf_fail "openssl cannot encrypt a key"
	openssl ec -in ca.key -aes128 -passout pass:secret -out old.key ||
	    atf_fail "openssl cannot encrypt a key in the old form"
	chmod 600 new.key old.key
	without_terminal=setsid
	for f in new old; do
		refused $EX_DATAERR "$f.key: the key is under a passphrase" \
		    client --ca ca.pem --ca-key $f.key --name c \
		    --cert c.pem --key c.key
	done
}

atf_test_case weak_ca
weak_ca_head()
{
	atf_set descr "A CA whose key is too weak signs nothing"
	atf_set require.progs "openssl"
}
weak_ca_body()
{
	openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=weak \
	    -keyout ca.key -out ca.pem || atf_fail "openssl cannot make a CA"
	chmod 600 ca.key
	client $EX_DATAERR 'ca.key: is too weak' --name c
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:secp224r1 \
	    -nodes -subj /CN=weak -keyout ca.key -out ca.pem ||
	    atf_fail "openssl cannot make a CA"
	client $EX_DATAERR 'ca.key: is too weak' --name c
}

atf_test_case outlives_ca
outlives_ca_head()
{
	atf_set descr "Asked to outlive its CA, a certificate is refused"
}
outlives_ca_body()
{
	make_ca --not-after 2035-05-05
	client $EX_DATAERR 'the CA ends at 2035-05-05T00:00:00Z' --name c \
	    --not-after 2035-05-05T00:00:01Z
	client $EX_DATAERR 'the CA ends at 2035-05-05T00:00:00Z' --name c \
	    --days 36500
	atf_check postern-certgen client --ca ca.pem --ca-key ca.key \
	    --cert d.pem --key d.key --name d --not-after 2035-05-05
}

atf_test_case expired_ca
expired_ca_head()
{
	atf_set descr "A CA that has expired issues only what has expired too"
}
expired_ca_body()
{
	make_ca --not-after 2020-01-01
	client $EX_DATAERR 'ca.pem: the CA expired at 2020-01-01' --name c
	client $EX_DATAERR 'ca.pem: the CA expired at 2020-01-01' --name c \
	    --days 3
	client $EX_DATAERR 'ca.pem: the CA expired at 2020-01-01' --name c \
	    --not-after 2020-01-01T00:00:01Z
	atf_check postern-certgen client --ca ca.pem --ca-key ca.key \
	    --cert d.pem --key d.key --name d --not-after 2020-01-01
}

atf_init_test_cases()
{
	atf_add_test_case usage
	atf_add_test_case hosts
	atf_add_test_case wildcards
	atf_add_test_case common_names
	atf_add_test_case uris
	atf_add_test_case emails
	atf_add_test_case times
	atf_add_test_case ca_files
	atf_add_test_case passphrase
	atf_add_test_case weak_ca
	atf_add_test_case outlives_ca
	atf_add_test_case expired_ca
}
