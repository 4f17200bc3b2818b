# Completion of postern-certgen for bash: source it, or put it as
# "postern-certgen" into /usr/share/bash-completion/completions.

# What a subcommand takes, besides --verbose and --help.
# shellcheck disable=SC2086 # lists of words
_postern_certgen_options()
{
	local period="--days --not-before --not-after"
	local names="--name --host --uri --email"
	local ca="--ca --ca-key --passphrase-file"
	local pair="--cert --key"
	local make="$pair $period --algorithm --force"
	case $1 in
	self-signed) echo $make --host ;;
	ca)
		echo $make --name --pathlen --permit --passphrase \
		    --passphrase-file --parent --parent-key \
		    --parent-passphrase-file ;;
	server) echo $make $ca --host --name --uri ;;
	client) echo $make $ca $names ;;
	csr) echo --key --csr $names --algorithm --passphrase-file --force ;;
	sign) echo $ca --csr --cert --role $names $period --force ;;
	renew) echo $ca $pair --new-key --algorithm --role $period ;;
	revoke)
		echo $ca --cert --serial --reason --crl --crl-days --force ;;
	crl) echo $ca --crl --crl-days --force ;;
	inspect | pin) echo --json ;;
	verify)
		echo --ca --cert --crl --crl-policy --purpose --max-depth \
		    --no-client-usage --pin --allow --from --json ;;
	*) echo --version ;;
	esac
	[[ -z $1 ]] || echo --verbose
	echo --help
}

# What compgen makes of these, for the word that is completed.
_postern_certgen_reply()
{
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
}

_postern_certgen_operand()
{
	case $command in
	'')
		_postern_certgen_reply -W "self-signed ca server client csr
		    sign renew revoke crl inspect pin verify" ;;
	inspect | pin) _postern_certgen_reply -f ;;
	*) COMPREPLY=() ;;
	esac
}

_postern_certgen()
{
	local current=${COMP_WORDS[COMP_CWORD]} before='' command=''
	if ((COMP_CWORD > 1)); then
		command=${COMP_WORDS[1]}
		before=${COMP_WORDS[COMP_CWORD - 1]/#--/-}
	fi
	case $before in
	-ca | -ca-key | -cert | -crl | -csr | -key | -parent | -parent-key | \
	    -passphrase-file | -parent-passphrase-file)
		_postern_certgen_reply -f ;;
	-algorithm)
		_postern_certgen_reply -W "p256 p384 ed25519 rsa3072" ;;
	-role | -purpose) _postern_certgen_reply -W "server client" ;;
	-crl-policy) _postern_certgen_reply -W "strict last-good" ;;
	-pin) _postern_certgen_reply -W SHA256: ;;
	-reason)
		_postern_certgen_reply -W "unspecified keyCompromise
		    CACompromise affiliationChanged superseded
		    cessationOfOperation privilegeWithdrawn AACompromise" ;;
	-allow | -crl-days | -days | -email | -from | -host | -max-depth | \
	    -name | -not-after | -not-before | -pathlen | -permit | \
	    -serial | -uri)
		COMPREPLY=() ;;
	*)
		if [[ $current == -* ]]; then
			_postern_certgen_reply -W \
			    "$(_postern_certgen_options "$command")"
		else
			_postern_certgen_operand
		fi ;;
	esac
}

complete -o filenames -F _postern_certgen postern-certgen
