#!/bin/sh
# Debian packages of the tree as it is, without what git does not know; and what
# lintian says of them.  They come to lie in BUILD/deb; `make deb` calls it.
# usage: deb.sh BUILD VERSION

set -eu
version=$2
mkdir -p "$1"
out=$(cd "$1" && pwd)/deb
cd "$(dirname "$0")/.."
tree=$out/postern-$version
# What make was told is for this tree, not for the copy.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR
DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-} noautodbgsym"
export DEB_BUILD_OPTIONS

die() {
	printf 'deb: %s\n' "$*" >&2
	exit 1
}

need() {
	for tool; do
		command -v "$tool" >/dev/null ||
		    die "$tool is not installed: ./bootstrap deb installs it"
	done
}

# Each name with a NUL behind it.
files() {
	if test -e .git; then
		# those that are known and have not been removed
		{ git ls-files -z; git ls-files -dz; } | sort -z | uniq -zu
	else
		find . -path './build*' -prune -o -type f -print0
	fi
}

# Of the latest change, so that the same tree makes the same packages.
moment() {
	if test -n "${SOURCE_DATE_EPOCH-}"; then
		echo "$SOURCE_DATE_EPOCH"
	elif test -e .git; then
		git log -1 --format=%ct
	else
		stat -c %Y Makefile
	fi
}

write_changelog() {
	maintainer=$(sed -n 's/^Maintainer: //p' "$tree/debian/control")
	cat >"$tree/debian/changelog" <<-END
	postern ($version) unstable; urgency=medium

	  * Packaged from the source of postern $version.

	 -- $maintainer  $(date -u -R -d "@$1")
	END
}

lint() {
	command -v lintian >/dev/null || {
		echo 'deb: lintian is not installed: left out' >&2
		return 0
	}
	lintian --allow-root --tag-display-limit 0 \
	    --fail-on error,warning "$out"/*.changes
}

need dpkg-buildpackage dh dh_apparmor
rm -rf "$out"
mkdir -p "$tree"
files | tar --create --null --files-from=- | tar --extract --directory="$tree"
rm -rf "$tree/debian"	# from a source package
cp -R "$tree/etc/debian" "$tree/debian"
write_changelog "$(moment)"
(cd "$tree" && dpkg-buildpackage -us -uc -j"$(nproc)") >"$out/log" 2>&1 || {
	tail -n 40 "$out/log" >&2
	die "the build has failed; all that it said is in $out/log"
}
rm -rf "$tree"
lint
ls "$out"/*.deb
