# Completion of postern for bash: source it, or put it as "postern" into
# /usr/share/bash-completion/completions.

# Bash splits words at ':' and '=' too (COMP_WORDBREAKS).  Sets $words to what
# the user has written, up to the cursor; the last is the one to complete.
_postern_words()
{
	local rest=${COMP_LINE:0:COMP_POINT} word before='' i
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $i -eq 0 || $rest == [[:space:]]* ||
		    ( $word != [:=]* && $before != *[:=] ) ]]; then
			words+=('')
			rest=${rest#"${rest%%[![:space:]]*}"}
		fi
		# The last may go on behind the cursor.
		((${#word} <= ${#rest})) || word=$rest
		words[${#words[@]} - 1]+=$word
		rest=${rest#"$word"}
		before=$word
	done
}

# The words after the command line's command that are no options, before the
# word that is completed.  Sets $command and $operands.
_postern_look()
{
	local i word skip=
	command=
	operands=0
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
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

# Hosts, as the system knows them by itself.  compgen -W expands what it gets
# as a shell would, so nothing passes but what a name is made of.
_postern_hosts()
{
	[[ ! -r /etc/hosts ]] ||
	    sed -e 's/#.*//' -e 's/^[^[:space:]]*//' /etc/hosts |
	    tr -s '[:space:]' '\n' | LC_ALL=C grep -x -e '[A-Za-z0-9._:-]*'
}

# What compgen makes of these, for $current.  Only what comes after the last
# ':' or '=' in what the user has written is replaced by it.
_postern_reply()
{
	local kept=${words[${#words[@]} - 1]} i
	while [[ -n $kept && ! ( $kept == *[:=] &&
	    $COMP_WORDBREAKS == *"${kept: -1}"* ) ]]; do
		kept=${kept%?}
	done
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=$head${COMPREPLY[i]}
		COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
	done
}

# Only these are quoted as files have to be.
_postern_files()
{
	compopt -o filenames 2>/dev/null
	_postern_reply -f
}

_postern_pin()
{
	[[ $current != *:* ]] || return
	compopt -o nospace 2>/dev/null
	_postern_reply -W SHA256:
}

_postern_operand()
{
	local at=$operands hosts
	# Of send, the first is a file; then all is as for the others.
	[[ $command != send ]] || at=$((at - 1))
	case $at in
	-1) _postern_files ;;
	0)
		hosts=$(_postern_hosts)
		[[ -n $command ]] || hosts="connect inspect ping send $hosts"
		_postern_reply -W "$hosts" ;;
	esac
}

_postern()
{
	local words command operands
	_postern_words
	local current=${words[${#words[@]} - 1]} head=
	local before=${words[${#words[@]} - 2]}
	COMPREPLY=()
	_postern_look
	if [[ $current == --*=* ]]; then
		before=${current%%=*}
		current=${current#*=}
		head=$before=
	fi
	case $before in
	-C | -K | -R | --cert | --key | --ca) _postern_files ;;
	-H | --pin) _postern_pin ;;
	-c | -i | -s | -w | --count | --interval | --size | --timeout | \
	    --proxy-v2) ;;
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

complete -F _postern postern
