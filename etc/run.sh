#!/bin/sh
# A service to try things with, in the foreground; `make run` calls it.  Its
# certificates are kept in BUILD/run for the next time.
# usage: run.sh BUILD

set -u
# make's jobserver is none of the service's business.
exec 3>&- 4>&- 5>&- 6>&-
build=$(cd "$1" && pwd) || exit 70
verbs=$(cd "$(dirname "$0")/../regress" && pwd)/common.sh
PATH=$build:$PATH
export PATH

atf_fail() {
	printf 'run: %s\n' "$*" >&2
	exit 1
}

# The verbs are those of the tests.
# shellcheck source=regress/common.sh
. "$verbs"

mkdir -p "$build/run" && cd "$build/run" || exit 73
test -e other.pem || {
	rm -f ./*.pem ./*.key	# half of them, if it was interrupted
# It takes options, and none are wanted.
# shellcheck disable=SC2119
	make_pki
}
port=7443
write_conf parents=
cat <<END
In another terminal:

    cd $PWD
    $build/postern -v -R ca.pem -C client.pem -K client.key 127.0.0.1 $port
    openssl s_client -quiet -CAfile ca.pem -cert client.pem -key client.key \\
        -connect 127.0.0.1:$port

Control-C ends it.

END
if is_root; then
	exec posternd -f posternd.conf
fi
exec posternd -U -f posternd.conf
