# Completion of postern-audit for bash: source it, or put it as
# "postern-audit" into /usr/share/bash-completion/completions.

# What a command takes.
_postern_audit_options()
{
	case $1 in
	coverage | explain) echo --json ;;
	kills) echo --all --file --json --log ;;
	live) echo --json --pid ;;
	policy) echo --json --man --pfc ;;
	*) echo --help --version ;;
	esac
}

_postern_audit_processes()
{
	echo supervisor parent resolver dialer dial-spawner exporter spawner \
	    pool-spawner relay-spawner init echo pool relay client looker \
	    explain status
}

# What compgen makes of these, for the word that is completed.
_postern_audit_reply()
{
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
}

_postern_audit()
{
	local current=${COMP_WORDS[COMP_CWORD]} command=''
	local before=${COMP_WORDS[COMP_CWORD - 1]}
	((COMP_CWORD < 2)) || command=${COMP_WORDS[1]}
	COMPREPLY=()
	if [[ $before == --file || $before == --log ]]; then
		_postern_audit_reply -f
		return
	fi
	if [[ $current == -* ]]; then
		_postern_audit_reply -W "$(_postern_audit_options "$command")"
		return
	fi
	case $command in
	'') _postern_audit_reply -W "coverage explain kills live policy" ;;
	coverage) _postern_audit_reply -f ;;
	policy) _postern_audit_reply -W "$(_postern_audit_processes)" ;;
	esac
}

complete -F _postern_audit postern-audit
