#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# postern-audit policy: the tables as they are declared, all of them.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"

e2e_case text "Each row of a table with its limits and its reason"
text_body() {
	audit policy echo
	cat >expected <<-'END'
	echo
	  filters: supervisor, spawner, echo
	  echo
	    exit_group               it ends when its client has
	    read                     the client's bytes
	      if fd == 3
	    write                    the client's bytes, back to it
	      if fd == 3
	END
	head -n 8 out | diff expected - >&2 || atf_fail "not the table"
}

e2e_case all "Without a process all of them, as in the document"
all_body() {
	processes_of_audit >processes
	test "$(wc -l <processes)" -ge 10 || atf_fail "too few processes"
	audit policy
	grep '^[a-z]' out | diff processes - >&2 || atf_fail "others"
	while read -r process; do
		audit policy "$process" --json
		mv out one.json
		atf_check_equal "$process" "$(json one.json \
		    '" ".join(p["process"] for p in d["processes"])')"
		audit policy "$process"
		atf_check_equal "$(json one.json 'sum(len(g["rows"])
		    for g in d["processes"][0]["groups"])')" \
		    "$(grep -c '^    [a-z]' out)"
	done <processes
}

e2e_case limits "Limits are told by names, and as numbers in the document"
limits_body() {
	audit policy --json
	# All that tables limit has a name, but for what prctl(2) has none for.
	atf_check_equal "" "$(json out '" ".join(r["call"]
	    for p in d["processes"] for g in p["groups"] for r in g["rows"]
	    for l in r["limits"] if l["name"][:3] == "arg" and
	    l["name"][3:].isdigit() and r["call"] != "prctl")')"
	audit policy parent
	for limit in \
	    'prot == PROT_READ|PROT_WRITE, flags == MAP_PRIVATE|MAP_ANONYMOUS' \
	    'op == FUTEX_WAKE_PRIVATE' 'advice == MADV_DONTNEED' \
	    'level == IPPROTO_TCP, optname == TCP_NODELAY' \
	    'flags == SOCK_CLOEXEC|SOCK_NONBLOCK' 'how == SHUT_WR' \
	    'flags == MSG_PEEK|MSG_DONTWAIT, addr == NULL'; do
		grep -qxF "      if $limit" out || atf_fail "not there: $limit"
	done
	audit policy supervisor
	for limit in 'flags == SIGCHLD' 'pid == -1, options == WNOHANG' \
	    'mode == 0700' \
	    '(prot & PROT_EXEC) == 0, (flags & MAP_SHARED) == 0' \
	    'level == IPPROTO_IPV6, optname == IPV6_V6ONLY' \
	    '(flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY'; do
		grep -qxF "      if $limit" out || atf_fail "not there: $limit"
	done
	audit policy echo --json
	atf_check_equal True "$(json out '[r for g in
	    d["processes"][0]["groups"] for r in g["rows"]
	    if r["call"] == "read"][0]["limits"] == [{ "argument": 0,
	    "name": "fd", "mask": None, "value": 3, "text": "fd == 3" }]')"
}

e2e_case bad_input "A wrong command line is one line and a code"
bad_input_body() {
	refused $EX_USAGE 'a command is missing'
	refused $EX_USAGE 'no\x1bsuch: no such command' "$(printf 'no\033such')"
	refused $EX_USAGE 'policy: nobody: no such process' policy nobody
	refused $EX_USAGE 'policy: echo: one process at a time' \
	    policy parent echo
	refused $EX_USAGE 'policy: --bad: no such option' policy --bad
	refused $EX_USAGE 'policy: -x: no such option' policy -x
	refused $EX_USAGE 'one of --json, --man and --pfc is enough' \
	    policy --json --pfc
	refused $EX_USAGE 'policy: --json=yes: takes no value' \
	    policy --json=yes
	code=0
	postern-audit policy >/dev/full 2>err || code=$?
	atf_check_equal $EX_IOERR "$code"
	grep -q '^postern-audit: standard output: ' err || atf_fail "no line"
}

e2e_case version "Help and version"
version_body() {
	audit --version
	grep -qx 'postern-audit [0-9.]*' out || atf_fail "no version"
	audit --help
	grep -q '^usage: postern-audit [a-z]' out || atf_fail "no usage"
}

e2e_case pfc "What libseccomp makes of a table"
pfc_body() {
	audit policy echo --pfc
	atf_check_equal '# echo' "$(head -n 1 out)"
	# Three calls, and what does not fit dies, whatever its architecture.
	grep 'filter for syscall' out | sed 's/.*"\(.*\)".*/\1/' | sort >calls
	test -n "${SANITIZE-}" ||
	    atf_check -o inline:'exit_group\nread\nwrite\n' cat calls
	atf_check_equal 2 "$(grep -c 'action KILL_PROCESS' out)"
	grep -q 'a0.lo32 == 3' out || atf_fail "no limit"
	audit policy --pfc
	processes_of_audit | sed 's/^/# /' >expected
	grep '^# [a-z-]*$' out | diff expected - >&2 || atf_fail "not all"
	code=0
	postern-audit policy --pfc >/dev/full 2>err || code=$?
	atf_check_equal $EX_IOERR "$code"
}

# page_source: the page as it is built, and so installed, without its date.
page_source() {
	sed 1d "$(atf_get_srcdir)/../../postern-policy.7"
}

e2e_case man "The manual page has every row, and is the one installed"
man_body() {
	audit policy --man
	sed 1d out >page
	page_source | cmp page || atf_fail "not what is built"
	audit policy --json
	mv out all.json
	# Each group once, with all its rows.
	json all.json '"\n".join(sorted({ g["group"]: 0
	    for p in d["processes"] for g in p["groups"] }))' >groups
	sed -n 's/^\.Ss //p' page | sort | diff groups - >&2 ||
	    atf_fail "not each group once"
	json all.json '"\n".join(sorted(".It Ic " + r["call"] +
	    (" Pq Li \"" + ", ".join(l["text"] for l in r["limits"]) + "\""
	    if r["limits"] else "") for g in { g["group"]: g
	    for p in d["processes"] for g in p["groups"] }.values()
	    for r in g["rows"]))' >rows
	grep '^\.It Ic ' page | sort | diff rows - >&2 ||
	    atf_fail "not all rows"
	# For the tests' own prefix, as elsewhere.
	make -n -C "$(atf_get_srcdir)/../../.." B="$PWD/b" DESTDIR=/nowhere \
	    install >plan 2>&1 || atf_fail "make: $(tail -n 3 plan)"
	grep -q 'postern-policy\.7' plan || atf_fail "it is not installed"
}

e2e_case man_lint "The manual page has no mistake in its form"
man_lint_head() {
	atf_set descr "The manual page has no mistake in its form"
	atf_set require.progs mandoc
}
man_lint_body() {
	SOURCE_DATE_EPOCH=0 postern-audit policy --man >page.7 ||
	    atf_fail "failed"
	atf_check_equal '.Dd January 1, 1970' "$(head -n 1 page.7)"
	mandoc -Tlint -Wstyle page.7 >said 2>&1
	grep -v -e 'referenced manual not found' -e 'mandoc.db' said >bad
	test ! -s bad || atf_fail "$(cat bad)"
	mandoc -Tascii page.7 >shown
	grep -q 'malloc' shown || atf_fail "no reasons"
}

e2e_case reserve "What an ordinary run does not use is marked"
reserve_body() {
	audit policy parent
	grep -q '^  reserve-clock (not used in an ordinary run: ' out ||
	    atf_fail "not marked"
	audit policy parent --json
	atf_check_equal True "$(json out 'all(g["group"].startswith("reserve-")
	    == g["reserve"] for g in d["processes"][0]["groups"])')"
	audit policy echo --json
	atf_check_equal "" "$(json out '" ".join(g["group"] for g in
	    d["processes"][0]["groups"] if g["reserve"])')"
}

e2e_case capabilities "The capabilities of the supervisor, each with its reason"
capabilities_body() {
	audit policy --json
	json out '"\n".join(c["capability"] + " " + c["reason"]
	    for p in d["processes"] if p["process"] == "supervisor"
	    for c in p["capabilities"])' >declared
	grep -qx 'CAP_SETUID .*' declared || atf_fail "not there"
	atf_check_equal 0 "$(json out 'sum(len(p["capabilities"])
	    for p in d["processes"] if p["process"] != "supervisor")')"
	# All have a reason, and are told in each of the forms.
	grep -v '^CAP_[A-Z_]* .....*' declared && atf_fail "without a reason"
	audit policy supervisor
	mv out text
	audit policy --man
	while read -r name reason; do
		grep -q "^    $name  *" text || atf_fail "$name is not in text"
		grep -qx ".It Dv $name" out ||
		    atf_fail "$name is not in the page"
	done <declared
	grep -c '^    CAP_' text >shown
	atf_check_equal "$(wc -l <declared)" "$(cat shown)"
	audit policy parent
	grep CAP_ out && atf_fail "a parent has none"
	return 0
}
