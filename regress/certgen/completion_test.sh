#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# The completions for bash and zsh: they know what the program takes, for each
# subcommand, and no more.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../certgen_verbs.sh"

# As they lie in the source: the build is below it.
completion=$(atf_get_srcdir)/../../../etc/completion

# The subcommands that --help shows.
subcommands() {
	postern-certgen --help |
	    sed -n 's/.*postern-certgen \([a-z-]*\) [[-].*/\1/p'
}

# The options that a subcommand takes, as it says itself when asked.  Those of
# the manual are asked for: it has all of them, or the first case fails.
options_of() {
	while read -r option; do
		said=$(postern-certgen "$1" "--$option=" 2>&1 </dev/null)
		case $said in
		*'takes no value'*)
			said=$(postern-certgen "$1" "--$option" 2>&1 \
			    </dev/null) ;;
		esac
		case $said in
		*'does not belong here'*|*'no such option'*) ;;
		*) echo "--$option" ;;
		esac
	done <all
}

list_options() {
	completion_words=$(sed -n '/^option=(/,/^)/s/^	\([a-z-]*\).*/\1/p' \
	    "$completion/_postern-certgen")
	echo "$completion_words" | grep -vx version >all
	test "$(wc -l <all)" -ge 37 || atf_fail "too few: $(xargs <all)"
}

# bash_offers WORD...: into "out", for the last of them.
bash_offers() {
	bash -c 'set -u
	. "$1"
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_postern_certgen
	printf "%s\n" "${COMPREPLY[@]-}"' \
	    bash "$completion/postern-certgen.bash" postern-certgen "$@" \
	    >out 2>err || fail_showing err
	test ! -s err || fail_showing err
}

e2e_case options "Each subcommand is offered the options that it takes"
options_body() {
	list_options
	subcommands >subs
	atf_check_equal 12 "$(wc -l <subs)"
	while read -r sub; do
		options_of "$sub" | sort >taken
		bash_offers "$sub" -
		sort out >offered
		diff taken offered >&2 || atf_fail "$sub: bash offers others"
	done <subs
	# Whatever a message names as an option is known to both.
	postern-certgen --help | grep -o -e '--[a-z][a-z-]*' | sort -u >named
	while read -r option; do
		grep -qx -e "${option#--}" all || atf_fail "$option is unknown"
	done <named
}

e2e_case words "Subcommands, files and words where they belong"
words_body() {
	mkdir d
	touch d/a.pem 'd/with space.pem'
	bash_offers ''
	subcommands | sort >subs
	sort out | diff subs - >&2 || atf_fail "other subcommands"
	bash_offers re
	atf_check -o inline:'renew\nrevoke\n' cat out
	for option in --ca -ca --cert --crl --csr --key --parent; do
		bash_offers client $option d/
		atf_check -o inline:'d/a.pem\nd/with space.pem\n' sort out
	done
	bash_offers inspect d/
	atf_check -o inline:'d/a.pem\nd/with space.pem\n' sort out
	bash_offers client ''
	atf_check -o inline:'\n' cat out
	bash_offers client --name ''
	atf_check -o inline:'\n' cat out
	for pair in role:'server client' purpose:'server client' \
	    algorithm:'p256 p384 ed25519 rsa3072' \
	    crl-policy:'strict last-good'; do
		bash_offers sign "--${pair%%:*}" ''
		atf_check_equal "${pair#*:}" "$(xargs <out)"
	done
	# The reasons are those that revoke takes.
	bash_offers revoke --reason ''
	while read -r reason; do
		refused $EX_USAGE '--ca is missing' revoke --reason "$reason"
	done <out
	atf_check_equal 8 "$(wc -l <out)"
}

# zsh_offers SUBCOMMAND: the options that zsh would be told of.
zsh_offers() {
	zsh -f -c '
	_arguments() { print -l -- "$@" }
	_describe() { :; }
	words=(postern-certgen '"$1"' -)
	CURRENT=$#words
	. "$1"' zsh "$completion/_postern-certgen" >told 2>err
	test ! -s err || fail_showing err
	sed -n -e 's/^\**\(--[A-Za-z0-9-]*\)\[.*/\1/p' told | sort
}

e2e_case zsh "zsh offers what bash does"
zsh_head() {
	atf_set descr "zsh offers what bash does"
	atf_set require.progs zsh
}
zsh_body() {
	subcommands >subs
	while read -r sub; do
		bash_offers "$sub" -
		sort out >bash.options
		zsh_offers "$sub" >zsh.options
		test -s zsh.options || atf_fail "$sub: nothing is offered"
		diff bash.options zsh.options >&2 ||
		    atf_fail "$sub: zsh offers others"
	done <subs
	zsh -f -n "$completion/_postern-certgen" || atf_fail "does not parse"
}
