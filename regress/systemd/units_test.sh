#! /usr/bin/env atf-sh
#
# The units as they are written: what systemd says of them.  That they run is
# for boot_test.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../systemd_verbs.sh"

need_systemd() {
	command -v systemd-analyze >/dev/null || atf_skip "no systemd-analyze"
}

# scores UNIT TENTHS: no more than that; the figure that posternd(8) has.
scores() {
	systemd-analyze security --offline=true --threshold="$2" "$units/$1" \
	    >score.out 2>score.err || {
		cat score.out score.err >&2
		atf_fail "$1 is worse than $2 tenths"
	}
	figure=$(sed -n 's/.*exposure level for [^ ]* \([0-9.]*\) .*/\1/p' \
	    score.out)
	grep -q -e "^\.It Li ${1%.service} Ta $figure Ta" \
	    "$source_dir/daemon/posternd.8" ||
	    atf_fail "posternd(8) does not say $figure of $1"
}

e2e_case scores "Each unit is as hardened as it says"
scores_body() {
	need_systemd
	scores posternd.service 30
	scores posternd-nonetwork.service 22
	scores posternd-rootless.service 10
}

# value KEY UNIT
value() {
	sed -n "s/^$1=//p" "$units/$2"
}

e2e_case sized "The limits do for the default of max-connections"
sized_body() {
	n=$(sed -n 's/^#max-connections = //p' "$source_dir/etc/posternd.conf")
	for unit in "$units"/*.service; do
		unit=$(basename "$unit")
		test "$(value LimitNOFILE "$unit")" -ge $((2 * n + 128)) ||
		    atf_fail "$unit: LimitNOFILE"
		# 16 parents, and five generations of them
		test "$(value TasksMax "$unit")" -ge $((n + 16 * 20 * 5 + 8)) ||
		    atf_fail "$unit: TasksMax"
		atf_check_equal 78 "$(value RestartPreventExitStatus "$unit")"
	done
}

e2e_case verified "systemd finds no mistake in them"
verified_body() {
	need_systemd
	mkdir bin
	for unit in "$units"/*; do
		# It looks for the program, which need not be installed here.
		sed "s,/usr/sbin/posternd,$(command -v posternd)," "$unit" \
		    >"bin/$(basename "$unit")"
	done
	for unit in bin/*; do
		systemd-analyze verify --man=no "$PWD/$unit" >out 2>&1
		grep -e "$(basename "${unit%.*}")" out &&
		    atf_fail "$unit: see above"
	done
	return 0
}

e2e_case installed "make install puts them in place, with the right program"
installed_body() {
	build=$(cd "$(atf_get_srcdir)/../.." && pwd)
	make -s -C "$source_dir" B="$build" DESTDIR="$PWD/root" \
	    prefix=/opt/x unitdir=/units install >make.out 2>&1 ||
	    atf_skip "cannot make install here: $(cat make.out)"
	for unit in "$units"/*; do
		test -e "root/units/$(basename "$unit")" ||
		    atf_fail "$unit is not installed"
	done
	grep -q '^ExecStart=/opt/x/sbin/posternd$' root/units/posternd.service
	grep -r /usr/sbin root/units && atf_fail "this is elsewhere"
	test -e root/opt/x/lib/sysusers.d/postern.conf
	test -e root/opt/x/lib/tmpfiles.d/postern.conf
	if command -v systemd-tmpfiles >/dev/null && is_root; then
		rm -rf root/etc/postern
		systemd-tmpfiles --root="$PWD/root" --create \
		    "$PWD/root/opt/x/lib/tmpfiles.d/postern.conf" ||
		    atf_fail "systemd-tmpfiles"
		test -d root/etc/postern && test -d root/run/postern
	fi
}
