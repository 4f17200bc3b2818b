#! /usr/bin/env atf-sh
#
# The AppArmor profile: its syntax, what it names, and the right to a user
# namespace, where the parser has a word for it.

. "$(atf_get_srcdir)/../common.sh"

source=$(atf_get_srcdir)/../../..

# Installed as with a parser that knows the word, or does not.
make_profile() {
	mkdir -p b
	touch b/postern-policy.7
	for program in posternd postern-worker postern postern-certgen \
	    postern-audit; do
		touch "b/$program"
	done
	make --no-print-directory -C "$source" -o all install B="$PWD/b" \
	    DESTDIR="$PWD/root" userns_known="$1" >make.out 2>&1 ||
	    atf_fail "make install: $(cat make.out)"
}

parse() {
	apparmor_parser --skip-kernel-load --skip-cache "$@" >parse.out 2>&1
}

e2e_case syntax "The profile is one, as it lies there and as installed"
syntax_body() {
	parse "$source/etc/apparmor.d/posternd" || atf_fail "$(cat parse.out)"
	make_profile false
	cmp "$source/etc/apparmor.d/posternd" root/etc/apparmor.d/posternd ||
	    atf_fail "it was changed for a parser that knows no userns"
	# it is looked at: a mistake is noticed
	sed 's/capability kill,/capability of_none,/' \
	    root/etc/apparmor.d/posternd >wrong
	parse wrong && atf_fail "a mistake was not noticed"
	# what this machine's parser is given
	rm -r root
	echo 'profile p { userns, }' >userns
	parse userns && knows=true || knows=false
	make_profile $knows
	parse root/etc/apparmor.d/posternd || atf_fail "$(cat parse.out)"
}

e2e_case user_namespace \
    "Where the parser knows the right, both programs have it"
user_namespace_body() {
	make_profile true
	profile=root/etc/apparmor.d/posternd
	atf_check_equal 2 "$(grep -c '^  userns,$' $profile)"
	grep -q '^abi <abi/4.0>,$' $profile || atf_fail "an abi without it"
	# but for that it is the same
	sed 's,^  userns,  #userns,; s,<abi/4.0>,<abi/3.0>,' $profile |
	    cmp - "$source/etc/apparmor.d/posternd" || atf_fail "more differs"
}

# may WHAT PATH...: has the profile of posternd a rule of its own that allows
# it?
may() {
	python3 - "$source/etc/apparmor.d/posternd" "$@" <<-'END'
	import re
	import sys

	def expression(glob):
	    glob = glob.replace("@{run}", "{/run,/var/run}")
	    glob = glob.replace("@{PROC}", "/proc").replace("@{pid}", "[0-9]+")
	    parts = {"**": ".*", "*": "[^/]*", "{": "(", "}": ")", ",": "|"}
	    return re.sub(r"\*\*|[*{},.]",
	                  lambda m: parts.get(m[0], "[.]"), glob)

	profile, access, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
	text = open(profile).read().split("profile postern-worker")[0]
	rules = re.findall(r"^  (?:owner )?([/@]\S*) ([a-z]+)[, ]", text, re.M)
	assert len(rules) > 10, rules
	for path in paths:
	    fit = [r for r in rules if set(access) <= set(r[1])
	           and re.fullmatch(expression(r[0]), path)]
	    print(path, fit)
	    if not fit:
	        sys.exit(1)
	END
}

e2e_case files "It has the files of postern, and of nobody else"
files_body() {
	may r /etc/postern/server.key /etc/postern/posternd.conf \
	    /run/credentials/posternd.service/server.key ||
	    atf_fail "it lacks what it needs"
	may w /run/postern/status.sock /run/systemd/notify /run/posternd.pid \
	    /var/log/posternd.log || atf_fail "it lacks what it needs"
	for file in /etc/ssl/private/web.key /etc/nginx/server.pem \
	    /etc/letsencrypt/live/a/privkey.pem /root/id.pem /etc/shadow \
	    /etc/mysql/my.conf /srv/server.crt; do
		may r "$file" && atf_fail "it may read $file"
	done
	for socket in /run/docker.sock /var/run/docker.sock \
	    /run/containerd/containerd.sock /run/dbus/system.socket; do
		may w "$socket" && atf_fail "it may write to $socket"
	done
	:
}

e2e_case capabilities "It has each capability that the supervisor keeps"
capabilities_body() {
	postern-audit policy supervisor >policy || atf_fail "postern-audit"
	sed -n 's/^    \(CAP_[A-Z_]*\) .*/\1/p' policy >kept
	test "$(wc -l <kept)" -ge 7 || atf_fail "it keeps: $(cat kept)"
	while read -r capability; do
		word=$(echo "${capability#CAP_}" | tr 'A-Z' 'a-z')
		grep -q "^  capability $word,$" \
		    "$source/etc/apparmor.d/posternd" ||
		    atf_fail "the profile lacks $word"
	done <kept
}
