#! /usr/bin/env atf-sh
#
# The completions for bash and zsh: that they know what the program knows.

. "$(atf_get_srcdir)/../common.sh"

# As they lie in the source: the build is below it.
completion=$(atf_get_srcdir)/../../../etc/completion

# bash_offers WORD...: into "out", for the last of them; and to "how", what it
# wants done with it.  Bash itself takes words apart at each : and =.
bash_offers()
{
	: >how
	bash -c 'set -u
	. "$1"
	shift
	compopt() { echo "$*" >>how; }
	COMP_LINE="$*"
	COMP_POINT=${#COMP_LINE}
	COMP_WORDBREAKS=" =:"
	COMP_WORDS=()
	for word; do
		mapfile -t parts < <(sed "s/[:=][:=]*/\n&\n/g" <<<"$word" |
		    sed "/^$/d")
		COMP_WORDS+=("${parts[@]:-}")
	done
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_postern
	printf "%s\n" "${COMPREPLY[@]-}"' \
	    bash "$completion/postern.bash" postern "$@" >out 2>err ||
	    atf_fail "bash: $(cat err)"
	atf_check test ! -s err
}

offers()
{
	for word; do
		grep -q -x -e "$word" out ||
		    atf_fail "$word is not among: $(xargs <out)"
	done
}

offers_not()
{
	for word; do
		grep -q -x -e "$word" out &&
		    atf_fail "$word is among: $(xargs <out)"
	done
	return 0
}

# What --help names, a word a line.
long_options()
{
	postern --help | grep -o -e '--[a-z][a-z0-9-]*' | sort -u
}

e2e_case all_options "Each option of the program is completed in both"
all_options_body()
{
	long_options >options
	test "$(wc -l <options)" -ge 15 || atf_fail "too few: $(cat options)"
	for command in connect inspect ping send; do
		bash_offers $command -
		cat out
	done | sort -u >offered
	while read -r option; do
		grep -q -x -e "$option" offered ||
		    atf_fail "bash does not know $option"
		grep -q -e "[{,']${option}[]},['] *" "$completion/_postern" ||
		    atf_fail "zsh does not know $option"
	done <options
	# Nor do they know any that the program does not.
	grep -e '^--' offered >ours
	atf_check -o empty comm -23 ours options
}

e2e_case options_taken "What is offered, its command takes"
options_taken_body()
{
	for command in connect inspect ping send; do
		bash_offers $command -
		sort -u out >offered
		while read -r option; do
			case $option in
			-C | -K | --cert | --key | -h | -V | --help | \
			    --version)
				continue ;;
			-H | --pin) value=SHA256:$(printf %064d 0) ;;
			--proxy-v2) value=127.0.0.1 ;;
			-R | --ca | -e | --servername) value=none ;;
			-[cisw] | --count | --interval | --size | --timeout)
				value=1 ;;
			*) value= ;;
			esac
			# Nothing is asked for but what is missing: operands.
			atf_check -s exit:64 -e match:'are needed' \
			    -e not-match:' is for ' \
			    postern $command $option $value
		done <offered
	done
}

e2e_case words "Commands, files and hosts where they belong"
words_body()
{
	mkdir work
	cd work || atf_fail "no directory"
	touch file.pem 'with space.pem'
	bash_offers ''
	offers connect inspect ping send
	bash_offers pi
	offers ping
	offers_not connect send
	bash_offers -v i
	offers inspect
	for option in -C -K -R --ca; do
		bash_offers $option ''
		offers file.pem 'with space.pem'
		offers_not ping
	done
	bash_offers -R file.pem ''
	offers ping
	offers_not file.pem
	bash_offers send ''
	offers file.pem 'with space.pem'
	bash_offers send file.pem ''
	offers_not file.pem
	bash_offers ping ''
	offers_not file.pem ping
	bash_offers localhost ''
	offers_not ping file.pem
	bash_offers -H ''
	offers SHA256:
	atf_check -o inline:'-o nospace\n' cat how
	bash_offers -R ''
	atf_check -o inline:'-o filenames\n' cat how
	bash_offers inspect -
	offers --json
	offers_not --count --quiet
	bash_offers localhost 1 --j
	offers_not --json
}

e2e_case breaks "Words that bash takes apart, at a colon or an equals sign"
breaks_body()
{
	mkdir work
	cd work || atf_fail "no directory"
	touch file.pem a:file.pem
	for pin in SHA256:00 SHA256: --pin=SHA256:00; do
		case $pin in
		-*) set -- "$pin" ;;
		*) set -- -H "$pin" ;;
		esac
		bash_offers "$@" pi
		offers ping
		bash_offers ping "$@" localh
		offers localhost
		bash_offers "$@" send ''
		offers file.pem
		bash_offers "$@" ping -
		offers --count
	done
	# What is written already is not offered again.
	bash_offers -H SHA256:0
	atf_check_equal '' "$(cat out)"
	for option in --ca --cert --key; do
		bash_offers ping $option=
		offers file.pem
		bash_offers ping $option=fi
		offers file.pem
		bash_offers ping $option=file.pem --coun
		offers --count
	done
	bash_offers --pin=
	offers SHA256:
	bash_offers --servername=localh
	offers localhost
	# Behind the colon, only what comes behind it.
	bash_offers -R a:f
	atf_check_equal file.pem "$(cat out)"
	bash_offers --ca=a:f
	atf_check_equal file.pem "$(cat out)"
	bash_offers --proxy-v2 192.0.2.7:4711 ins
	offers inspect
}

e2e_case hostile_hosts "A name that a shell would expand is not a name"
hostile_hosts_body()
{
	cat >hosts <<-'END'
	127.0.0.1 localhost good.example $(touch${IFS}expanded) `id` $HOME
	::1 ip6-name # comment
	END
	sed "s,/etc/hosts,$PWD/hosts,g" "$completion/postern.bash" \
	    >postern.bash
	completion=.
	bash_offers ping ''
	offers localhost good.example ip6-name
	atf_check_equal 3 "$(wc -l <out)"
	atf_check test ! -e expanded
}

e2e_case host_names "Hosts are those of /etc/hosts"
host_names_body()
{
	grep -q '^[^#]*[[:space:]]localhost' /etc/hosts ||
	    atf_fail "this system's /etc/hosts has no localhost"
	bash_offers ping localh
	offers localhost
	bash_offers -e localh
	offers localhost
}

# zsh_offers COMMAND: the options that zsh would be told of.
zsh_offers()
{
	zsh -f -c '
	_arguments() { print -l -- "$@" }
	_describe() { :; }
	_hosts() { :; }
	words=(postern '"$1"' -)
	CURRENT=$#words
	. "$1"' zsh "$completion/_postern" >told 2>err ||
	    test ! -s err || atf_fail "zsh: $(cat err)"
	sed -n -e 's/^\(([^)]*)\)*\**\(--*[A-Za-z0-9-]*\)\[.*/\2/p' told | sort
}

e2e_case zsh "zsh offers what bash does"
zsh_head()
{
	atf_set descr 'zsh offers what bash does'
	atf_set require.progs zsh
}
zsh_body()
{
	for command in connect inspect ping send '-R inspect ping' \
	    '-c 3 ping' '--json inspect'; do
		# shellcheck disable=SC2086
		bash_offers $command -
		sort out >bash.options
		zsh_offers "$command" >zsh.options
		atf_check diff bash.options zsh.options
	done
}
