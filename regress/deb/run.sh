#!/bin/sh
# The packages in a fresh Debian, with systemd as its pid 1: README's page for
# the administrator, line by line; an upgrade while clients come; removal.  As
# root, with debootstrap and a mirror of Debian's; `make check-deb` calls it.
#
# Everything is made in BUILD/check-deb.  The fresh system (base) is made once a
# week; what is installed and written lies over it, in memory.
# usage: run.sh BUILD VERSION

set -eu
version=${2:?}
mkdir -p "$1/check-deb"
work=$(cd "$1/check-deb" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
newer=$version+1
users=$(awk '$1 == "u" { print $2 }' "$source/etc/sysusers.d/postern.conf")
suite=bookworm
passed=0

die() {
	printf 'check-deb: %s\n' "$*" >&2
	exit 1
}

ok() {
	passed=$((passed + 1))
	printf '%s  ->  passed\n' "$*"
}

home=/home/you
# shellcheck source=regress/deb/machine.sh
. "$here/machine.sh"
# shellcheck source=regress/deb/readme.sh
. "$here/readme.sh"

# ---- packages ----------------------------------------------------------------

# build_deb NAME VERSION
build_deb() {
	rm -rf "${work:?}/$1"
	sh "$source/etc/deb.sh" "$work/$1" "$2" >"$work/$1.out" 2>&1 ||
	    die "make deb: $(cat "$work/$1.out")"
}

# The same by nobody, who has no git, in another place.
build_as_nobody() {
	nobody=$(mktemp -d /var/tmp/postern.XXXXXX)
	tar -C "$nobody" -xf "$work/first/deb/postern_$version.tar.xz"
	chown -R nobody: "$nobody"
	setpriv --reuid nobody --regid nogroup --clear-groups env -i \
	    PATH="$PATH" HOME="$nobody" \
	    SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
	    sh "$nobody/postern-$version/etc/deb.sh" "$nobody/out" "$version" \
	    >"$work/nobody.out" 2>&1 || {
		rm -rf "$nobody"
		die "make deb as nobody: $(cat "$work/nobody.out")"
	}
	mkdir -p "$work/nobody"
	mv "$nobody/out/deb" "$work/nobody/"
	rm -rf "$nobody"
}

packages() {
	rm -rf "$work/nobody"
	# of both: a commit may come between them
	SOURCE_DATE_EPOCH=$(cd "$source" && git log -1 --format=%ct 2>/dev/null) ||
	    SOURCE_DATE_EPOCH=$(stat -c %Y "$source/Makefile")
	export SOURCE_DATE_EPOCH
	build_deb first "$version"
	ok "packages are built, and lintian has nothing to say"
	build_as_nobody
	for deb in "$work"/first/deb/*.deb; do
		cmp "$deb" "$work/nobody/deb/${deb##*/}" ||
		    die "${deb##*/}: nobody's differs"
	done
	ok "nobody's, made elsewhere, are the same byte by byte"
	build_deb second "$newer"
}

# ---- a fresh system ----------------------------------------------------------

mirror() {
	sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .* main.*/\2/p' \
	    /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources \
	    2>/dev/null | grep '/debian/*$' | head -n 1
}

in_base() {
	chroot "$work/base" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	    DEBIAN_FRONTEND=noninteractive "$@" </dev/null \
	    >>"$work/base.log" 2>&1
}

# What README's reader has, and what our packages want from the mirror, which is
# out of reach of the machine below: downloaded, not installed.
base() {
	if test -n "$(find "$work/base.made" -mtime -7 2>/dev/null)"; then
		return
	fi
	from=$(mirror)
	rm -rf "$work/base"
	debootstrap --variant=minbase \
	    --include=systemd,systemd-sysv,iproute2,openssl,apparmor \
	    $suite "$work/base" "${from:-http://deb.debian.org/debian}" \
	    >"$work/base.log" 2>&1 ||
	    die "debootstrap: $(tail -n 5 "$work/base.log")"
	mkdir "$work/base/debs"
	cp "$work"/first/deb/*.deb "$work/base/debs"
	cp /etc/resolv.conf "$work/base/etc/resolv.conf"
	if ! in_base apt-get update || ! in_base sh -c \
	    'apt-get -y --download-only install /debs/*.deb'; then
		die "apt-get: $(tail -n 5 "$work/base.log")"
	fi
	rm -r "$work/base/debs"
	# The machine has loopback alone, and DNS nowhere.
	echo 'APT::Get::Assume-Yes "true";' >"$work/base/etc/apt/apt.conf.d/yes"
	: >"$work/base/etc/resolv.conf"
	echo '127.0.0.1 localhost' >"$work/base/etc/hosts"
	touch "$work/base.made"
}

# ---- what must hold ----------------------------------------------------------

# Nothing has been started, and nothing has failed.
installed() {
	for unit in posternd posternd-nonetwork posternd-rootless; do
		for type in service socket; do
			test "$(in_machine systemctl is-enabled \
			    $unit.$type || :)" = disabled ||
			    die "$unit.$type is enabled, without a certificate"
			test "$(in_machine systemctl is-active \
			    $unit.$type || :)" = inactive ||
			    die "$unit.$type: something was started"
		done
	done
	for user in $users; do
		in_machine id "$user" >/dev/null || die "there is no $user"
	done
	in_machine systemctl is-system-running >/dev/null ||
	    die "$(in_machine systemctl --failed)"
}

serving_version() {
	in_machine journalctl -o cat --unit posternd |
	    sed -n 's/.*event=start .*version=\([^ ]*\).*/\1/p' | tail -n 1
}

# A session that stays, and clients that come one after the other, until told
# to end: none may be refused.
load_begins() {
	cat >"$work/machine$home/hold" <<-'END'
	postern="postern -R ca.pem -C client.pem -K client.key localhost 7443"
	mkfifo feed
	{
		$postern <feed >back
		echo $? >held
	} &
	exec 3>feed
	echo before >&3
	until grep -q before back; do sleep 0.1; done
	until test -e upgrading; do sleep 0.1; done
	echo meanwhile >&3
	until grep -q meanwhile back; do sleep 0.1; done
	exec 3>&-
	wait
	END
	cat >"$work/machine$home/come" <<-'END'
	postern="timeout 100 postern -R ca.pem -C client.pem -K client.key"
	n=0
	until test -e enough; do
		echo "client $n" >sent
		$postern localhost 7443 <sent >got || {
			echo "client $n: $?"
			exit 1
		}
		cmp sent got || exit 1
		n=$((n + 1))
		echo $n >count
	done
	END
	in_machine_as_you timeout 300 sh hold >"$work/held.out" 2>&1 &
	holder=$!
	in_machine_as_you timeout 300 sh come >"$work/clients.out" 2>&1 &
	clients=$!
	wait_until in_machine_as_you grep -qs before back
	more_clients
}

count() {
	in_machine_as_you cat count 2>/dev/null || echo 0
}

more_than() {
	test "$(count)" -gt "$1"
}

more_clients() {
	kill -0 $clients 2>/dev/null || die "$(cat "$work/clients.out")"
	wait_until more_than $(($(count) + 3))
}

load_ends() {
	more_clients
	in_machine_as_you touch enough
	wait $clients || die "a client was lost: $(cat "$work/clients.out")"
	wait $holder || die "the session: $(cat "$work/held.out")"
	test "$(in_machine_as_you cat held)" = 0 ||
	    die "the session that was open did not end well"
	test "$(in_machine_as_you cat back | xargs)" = "before meanwhile" ||
	    die "the session that was open lost something"
}

# The same for as long as the socket was not closed.
socket_since() {
	in_machine systemctl show --value -p InvocationID posternd.socket
}

# Stopping, it lets sessions go on; the session says something in that time.
upgrade() {
	test "$(serving_version)" = "$version" ||
	    die "not $version serves, but $(serving_version)"
	rm -f "$work/machine$home"/build/deb/*
	cp "$work"/second/deb/*.deb "$work/machine$home/build/deb"
	load_begins
	socket=$(socket_since)
	steps Upgrade >"$work/upgrade.steps"
	run_steps <"$work/upgrade.steps" &
	upgrading=$!
	wait_until in_machine sh -c \
	    'systemctl is-active posternd | grep -q deactivating'
	in_machine_as_you touch upgrading
	wait $upgrading || die "the upgrade has failed"
	test "$(serving_version)" = "$newer" ||
	    die "after the upgrade $(serving_version) serves"
	load_ends
	{ test -n "$socket" && test "$(socket_since)" = "$socket"; } ||
	    die "the socket was made anew"
	in_machine grep -q 'drain = 60s' /etc/postern/posternd.conf ||
	    die "the configuration was not kept"
	ok "an upgrade under load: $(count) clients, none refused, none lost"
}

there() {
	for file; do
		in_machine test -e "$file" || die "$file has gone"
	done
}

not_there() {
	for file; do
		! in_machine test -e "$file" || die "$file has been left"
	done
}

kept="/etc/postern/server.key /etc/postern/server.pem /etc/postern/clients-ca.pem"

removed() {
	# shellcheck disable=SC2086
	there $kept /etc/postern/posternd.conf /etc/apparmor.d/posternd
	not_there /usr/sbin/posternd /usr/libexec/postern \
	    /lib/systemd/system/posternd.service /run/postern/status.sock
	! in_machine sh -c 'cat /proc/[0-9]*/cmdline' | tr '\0' '\n' |
	    grep -q '^posternd: ' || die "it still runs"
}

purged() {
	# shellcheck disable=SC2086
	there $kept
	not_there /etc/postern/posternd.conf /etc/apparmor.d/posternd \
	    /etc/apparmor.d/local/posternd
	left=$(in_machine find /etc /usr /lib/systemd /var/lib/systemd \
	    -name '*postern*' ! -name 'postern*.1.gz' \
	    ! -path '/usr/share/doc/postern*' ! -path '/usr/bin/*' \
	    ! -path '*completion*' ! -path /etc/postern)
	test -z "$left" || die "purge has left: $left"
	in_machine id _postern >/dev/null || die "a user has gone"
}

# Where only the service is named, its sockets are systemd's as well.
sockets_by_default() {
	in_machine systemctl --quiet disable posternd.socket posternd.service
	in_machine systemctl --quiet enable --now posternd ||
	    die "it does not start by itself"
	for unit in posternd.socket posternd.service; do
		in_machine systemctl --quiet is-active $unit ||
		    die "$unit is not there"
		in_machine systemctl --quiet is-enabled $unit ||
		    die "$unit is not enabled"
	done
	in_machine_as_you postern ping -c 1 -R ca.pem -C client.pem \
	    -K client.key localhost 7443 >"$work/step.out" 2>&1 ||
	    die "$(cat "$work/step.out")"
	ok "the service alone brings its socket along"
}

# ---- as a package, with systemd ----------------------------------------------

by_package() {
	start_machine
	cp "$work"/first/deb/*.deb "$work/machine$home/build/deb"
	follow 'Install the packages'
	installed
	# there is time to look at a session that goes on while it stops
	in_machine sh -c \
	    'echo "timeouts { drain = 60s }" >>/etc/postern/posternd.conf'
	follow 'First certificates' Check Start Connect 'The log' Reload \
	    'See how it is'
	upgrade
	follow Stop
	test "$(in_machine systemctl is-active posternd.socket || :)" = \
	    inactive || die "its socket is still there"
	# what runs is ended by removal, a socket too
	sockets_by_default
	steps Remove | head -n 1 | run_steps
	removed
	steps Remove | tail -n 1 | run_steps
	purged
	ok "README: Remove"
	end_machine
}

# ---- from source, without systemd --------------------------------------------

from_source() {
	start_machine
	make -s -C "$source" B="$(cd "$work/.." && pwd)" \
	    DESTDIR="$work/machine" install >"$work/install.out" 2>&1 ||
	    die "make install: $(cat "$work/install.out")"
	in_machine sh -c 'apt-get -qq -y --no-install-recommends install \
	    libtls26 libconfuse2 libevent-extra-2.1-7 libc-ares2 libjansson4' \
	    >"$work/install.out" 2>&1 || die "$(cat "$work/install.out")"
	steps 'Install from source' | grep -v useradd | run_steps
	# the other way to the same
	for user in $users; do
		in_machine userdel "$user" || die "there is no $user"
	done
	steps 'Install from source' | grep useradd | run_steps
	ok "README: Install from source"
	follow 'First certificates' Check \
	    'Start without systemd' Connect 'Reload without systemd' \
	    'See how it is' 'Stop without systemd'
	wait_until in_machine test ! -e /run/posternd.pid
	end_machine
}

# ---- main --------------------------------------------------------------------

test "$(id -u)" -eq 0 || die "only root can make a system"
for tool in debootstrap dpkg-buildpackage lintian unshare nsenter setpriv; do
	command -v $tool >/dev/null ||
	    die "$tool is not installed: ./bootstrap check-deb installs it"
done
trap 'end_machine' EXIT
packages
base
by_package
from_source
printf '%s passed, 0 failed\n' $passed
