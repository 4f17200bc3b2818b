#! /usr/bin/env atf-sh
# shellcheck shell=sh
#
# The completions of postern-audit: they know what the program takes.

. "$(atf_get_srcdir)/../common.sh"
. "$(atf_get_srcdir)/../audit_verbs.sh"

# As they lie in the source: the build is below it.
completion=$(atf_get_srcdir)/../../../etc/completion

# bash_offers WORD...: into "out", for the last of them.
bash_offers() {
	bash -c 'set -u
	. "$1"
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_postern_audit
	printf "%s\n" "${COMPREPLY[@]-}"' \
	    bash "$completion/postern-audit.bash" postern-audit "$@" \
	    >out 2>err || atf_fail "bash: $(cat err)"
	test ! -s err || atf_fail "bash: $(cat err)"
}

# zsh_offers [COMMAND]: what zsh would be told of, into "told".
zsh_offers() {
	zsh -f -c '
	_arguments() { print -l -- "$@" }
	_describe() { print -l -- $names }
	words=(postern-audit "$@")
	CURRENT=$#words
	. "$0"' "$completion/_postern-audit" "$@" >told 2>err
	test ! -s err || atf_fail "zsh: $(cat err)"
}

# The options that --help shows of a command, sorted.
options_of() {
	postern-audit --help |
	    awk -v command="$1" '/postern-audit/ { at = 0 }
	    $0 ~ "postern-audit " command "( |$)" { at = 1 }
	    at' | grep -o -e '--[a-z][a-z-]*' | sort -u
}

e2e_case options "Each command is offered the options that it takes"
options_body() {
	commands_of_audit >commands
	test -s commands || atf_fail "no commands"
	while read -r command; do
		options_of "$command" >options
		bash_offers "$command" -
		sort out | diff options - >&2 ||
		    atf_fail "$command: bash offers others"
	done <commands
	bash_offers -
	atf_check -o inline:'--help\n--version\n' cat out
}

e2e_case words "Commands and processes where they belong"
words_body() {
	bash_offers ''
	commands_of_audit | sort >commands
	sort out | diff commands - >&2 || atf_fail "other commands"
	bash_offers policy ''
	mv out offered
	processes_of_audit | sort >processes
	sort offered | diff processes - >&2 || atf_fail "other processes"
	mkdir d
	touch d/a.log
	bash_offers kills --log d/
	atf_check -o inline:'d/a.log\n' cat out
	bash_offers kills ''
	atf_check -o inline:'\n' cat out
	bash_offers policy sup
	atf_check -o inline:'supervisor\n' cat out
}

e2e_case zsh "zsh offers what bash does"
zsh_head() {
	atf_set descr "zsh offers what bash does"
	atf_set require.progs zsh
}
zsh_body() {
	zsh -f -n "$completion/_postern-audit" || atf_fail "does not parse"
	commands_of_audit >commands
	zsh_offers ''
	sed 's/:.*//' told | diff commands - >&2 || atf_fail "other commands"
	while read -r command; do
		options_of "$command" >options
		zsh_offers "$command" -
		sed -n 's/^\(([^)]*)\)*\**\(--[a-z-]*\)\[.*/\2/p' told | sort |
		    diff options - >&2 ||
		    atf_fail "$command: zsh offers others"
	done <commands
	zsh_offers policy ''
	sed -n 's/^1:process:(\(.*\))$/\1/p' told | tr ' ' '\n' |
	    sort >offered
	processes_of_audit | sort | diff - offered >&2 ||
	    atf_fail "other processes"
}
