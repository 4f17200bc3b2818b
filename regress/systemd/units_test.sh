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
		test "$(value TasksMax "$unit")" -ge $((n + 16 * 21 * 5 + 8)) ||
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
	grep -q '^ExecStart=/opt/x/sbin/posternd$' \
	    root/units/posternd.service || atf_fail "it starts another"
	grep -r /usr/sbin root/units && atf_fail "this is elsewhere"
	for kind in sysusers tmpfiles; do
		test -e root/opt/x/lib/$kind.d/postern.conf ||
		    atf_fail "no $kind.d"
	done
	if command -v systemd-tmpfiles >/dev/null && is_root; then
		rm -rf root/etc/postern
		systemd-tmpfiles --root="$PWD/root" --create \
		    "$PWD/root/opt/x/lib/tmpfiles.d/postern.conf" ||
		    atf_fail "systemd-tmpfiles"
		test -d root/etc/postern && test -d root/run/postern ||
		    atf_fail "they are not made"
	fi
}

# What a unit forbids fails in silence, or nearly so: nothing may be missed that
# the tables allow to anybody, but for what the unit says it leaves out.
e2e_case calls "No unit forbids a system call that a table allows"
calls_body() {
	need_systemd
	systemd-analyze syscall-filter >sets || atf_skip "it tells no sets"
	postern-audit policy --json >tables
	cat >calls.py <<-'END'
	import json, sys
	sets, name = {}, None
	for line in open("sets"):
	    line = line.rstrip()
	    if line.startswith("@"):
	        name = line
	        sets[name] = set()
	    elif not line.strip():
	        name = None
	    elif name and line.startswith("    ") and not line.lstrip().startswith("#"):
	        sets[name].add(line.strip())
	def expand(word):
	    if not word.startswith("@"):
	        return {word}
	    return set().union(*(expand(w) for w in sets[word]))
	allowed = set()
	for line in open(sys.argv[1]):
	    if line.startswith("SystemCallFilter="):
	        words = line.strip().split("=", 1)[1]
	        take = words.startswith("~")
	        for w in words.lstrip("~").split():
	            allowed = allowed - expand(w) if take else \
	                allowed | expand(w)
	wanted = set()
	for p in json.load(open("tables"))["processes"]:
	    if p["process"] == "supervisor":
	        for g in p["groups"]:
	            if g["used"]:
	                wanted |= {r["call"] for r in g["rows"]}
	assert len(wanted) > 80, wanted
	missing = wanted - allowed - set(sys.argv[2:])
	assert not missing, missing
	END
	for unit in posternd posternd-nonetwork; do
		python3 calls.py "$units/$unit.service" || atf_fail $unit
	done
	# The workers' turns, which only make it faster.
	python3 calls.py "$units/posternd-rootless.service" \
	    sched_setscheduler || atf_fail posternd-rootless
	# It does see what is missing.
	sed 's/ pivot_root//' "$units/posternd.service" >less
	python3 calls.py less 2>/dev/null && atf_fail "nothing is seen"
	return 0
}
