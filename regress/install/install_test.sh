#! /usr/bin/env atf-sh
#
# make install: all that there is comes to its place, by prefix, sysconfdir and
# DESTDIR, and no configuration is overwritten.

. "$(atf_get_srcdir)/../common.sh"

source=$(atf_get_srcdir)/../../..

# ---- verbs -------------------------------------------------------------------

# make_install [VARIABLE=VALUE...]: into root/.  What is built is not looked at
# again, for with which flags that was is not known here.
make_install() {
	test -d b || {
		mkdir b
		ln -s "$(atf_get_srcdir)"/../../postern* b/
	}
	make --no-print-directory -C "$source" -o all install B="$PWD/b" \
	    DESTDIR="$PWD/root" "$@" >make.out 2>&1 ||
	    atf_fail "make install $*: $(cat make.out)"
}

# installed MODE FILE [SOURCE]: it is there, and a copy of that.
installed() {
	test -e "root$2" || atf_fail "there is no $2"
	atf_check_equal "$1 $2" "$(stat -c %a "root$2") $2"
	test $# -eq 2 || cmp "root$2" "$3" || atf_fail "$2 is not $3"
}

names() {
	for path; do
		basename "$path"
	done
}

# ---- cases -------------------------------------------------------------------

e2e_case everything "All comes to its place"
everything_body() {
	files=$(cd "$source" && find etc daemon worker client certgen audit \
	    -path 'etc/*/*' -type f -o -name '*.[1578]')
	make_install prefix=/usr sysconfdir=/etc
	for p in sbin/posternd sbin/postern-audit bin/postern \
	    bin/postern-certgen libexec/postern/postern-worker; do
		installed 755 "/usr/$p" "b/${p##*/}"
	done
	installed 644 /etc/postern/posternd.conf "$source/etc/posternd.conf"
	installed 644 /usr/share/man/man7/postern-policy.7
	found=0
	for file in $files; do
		name=${file##*/}
		from=$source/$file
		case $file in
		*.[1578]) to=/usr/share/man/man${name##*.}/$name ;;
		etc/completion/_*) to=/usr/share/zsh/site-functions/$name ;;
		etc/completion/*)
			to=/usr/share/bash-completion/completions
			to=$to/${name%.bash} ;;
		etc/sysusers.d/*) to=/usr/lib/sysusers.d/$name ;;
		etc/tmpfiles.d/*) to=/usr/lib/tmpfiles.d/$name ;;
		etc/systemd/*) to=/usr/lib/systemd/system/$name ;;
		etc/prometheus/*) to=/usr/share/doc/postern/$name ;;
		etc/apparmor.d/*) to=/etc/apparmor.d/$name from= ;;
		etc/debian/*) continue ;;	# what is not for make install
		*) to=/usr/share/doc/postern/$name ;;
		esac
		# shellcheck disable=SC2086
		installed 644 "$to" $from
		found=$((found + 1))
	done
	test $found -ge 15 || atf_fail "only $found files were found"
}

e2e_case places "prefix and sysconfdir are told to whoever must know"
places_body() {
	make_install
	installed 755 /usr/local/sbin/posternd
	installed 644 /etc/postern/posternd.conf
	for unit in "$source"/etc/systemd/*.service; do
		test -e "$unit" || break
		at=/usr/local/lib/systemd/system/$(basename "$unit")
		installed 644 "$at"
		grep -q '^ExecStart=/usr/local/sbin/posternd' "root$at" ||
		    atf_fail "$at: $(grep ExecStart "root$at")"
	done
	rm -r root
	make_install sysconfdir=/opt/etc prefix=/opt
	installed 755 /opt/libexec/postern/postern-worker
	installed 644 /opt/etc/postern/posternd.conf
	# all of it: nothing beside these two
	atf_check_equal opt "$(ls root)"
}

e2e_case kept "A configuration that is there stays"
kept_body() {
	make_install
	echo mine >root/etc/postern/posternd.conf
	make_install
	atf_check_equal mine "$(cat root/etc/postern/posternd.conf)"
}
