# Completion of postern for bash: source it, or put it as "postern" into
# /usr/share/bash-completion/completions.

# The words after the command line's command that are no options, before the
# word that is completed.  Sets $command and $operands.
_postern_look()
{
	local i word skip=
	command=
	operands=0
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n $skip ]]; then
			skip=
			continue
		fi
		case $word in
		-C | -H | -K | -R | -c | -e | -i | -s | -w | --ca | --cert | \
		    --count | --interval | --key | --pin | --proxy-v2 | \
		    --servername | --size | --timeout)
			skip=yes ;;
		-*) ;;
		connect | inspect | ping | send)
			if [[ -z $command && $operands -eq 0 ]]; then
				command=$word
			else
				operands=$((operands + 1))
			fi ;;
		*) operands=$((operands + 1)) ;;
		esac
	done
}

_postern_options()
{
	echo -4 -6 -C --cert -K --key -R --ca -H --pin -e --servername \
	    -w --timeout -v --verbose --proxy-v2 -h --help -V --version
	case $1 in
	inspect) echo --json ;;
	ping) echo --json -q --quiet -c --count -i --interval -s --size ;;
	send) echo --json -q --quiet ;;
	esac
}

# Hosts, as the system knows them by itself.
_postern_hosts()
{
	[[ ! -r /etc/hosts ]] ||
	    sed -e 's/#.*//' -e 's/^[^[:space:]]*//' /etc/hosts
}

# What compgen makes of these, for the word that is completed.
_postern_reply()
{
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
}

_postern_operand()
{
	local at=$operands
	# Of send, the first is a file; then all is as for the others.
	[[ $command != send ]] || at=$((at - 1))
	case $at in
	-1) _postern_reply -f ;;
	0)
		local words
		words=$(_postern_hosts)
		[[ -n $command ]] || words="connect inspect ping send $words"
		_postern_reply -W "$words" ;;
	*) COMPREPLY=() ;;
	esac
}

_postern()
{
	local command operands
	local current=${COMP_WORDS[COMP_CWORD]} before=
	((COMP_CWORD > 0)) && before=${COMP_WORDS[COMP_CWORD - 1]}
	_postern_look
	case $before in
	-C | -K | -R | --cert | --key | --ca) _postern_reply -f ;;
	-H | --pin) _postern_reply -W SHA256: ;;
	-c | -i | -s | -w | --count | --interval | --size | --timeout | \
	    --proxy-v2)
		COMPREPLY=() ;;
	-e | --servername)
		_postern_reply -W "$(_postern_hosts)" ;;
	*)
		if [[ $current == -* ]]; then
			_postern_reply -W "$(_postern_options "$command")"
		else
			_postern_operand
		fi ;;
	esac
}

complete -o filenames -F _postern postern
