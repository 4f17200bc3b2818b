#! /usr/bin/env atf-sh
#
# What `make soak' does for half an hour, for a minute: the same, only faster.

. "$(atf_get_srcdir)/../common.sh"

root_case soak "load, reloads and kills: nothing else is lost, nothing grows"
soak_head() {
	atf_set descr \
	    "load, reloads and kills: nothing else is lost, nothing grows"
	atf_set require.user root
	atf_set timeout 900
}
soak_body() {
	test -z "${SANITIZE-}" || atf_skip "a sanitizer has memory of its own"
	run_in_background python3 "$(atf_get_srcdir)/soak.py" \
	    --build "$(dirname "$(command -v posternd)")" --where . \
	    --seconds 60 --reload 5 --kill 6 --every 10
	wait $! || atf_fail "it did not hold"
}
