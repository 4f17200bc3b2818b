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

e2e_case user_namespace "Where the parser knows the right, both programs have it"
user_namespace_body() {
	make_profile true
	profile=root/etc/apparmor.d/posternd
	atf_check_equal 2 "$(grep -c '^  userns,$' $profile)"
	grep -q '^abi <abi/4.0>,$' $profile || atf_fail "an abi without it"
	# but for that it is the same
	sed 's,^  userns,  #userns,; s,<abi/4.0>,<abi/3.0>,' $profile |
	    cmp - "$source/etc/apparmor.d/posternd" || atf_fail "more differs"
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
