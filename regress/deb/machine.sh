# A machine: a fresh Debian in namespaces of its own, systemd its pid 1.  What
# it writes lies in memory.  To be read by run.sh, which has $work and the $home
# of who follows README.

# shellcheck shell=sh disable=SC2154
# shellcheck source=regress/machine_verbs.sh
. "$here/../machine_verbs.sh"

machine_script() {
	cat <<-'END'
	set -eu
	r=$1/machine
	END
	places_script
	begin_script
}

# wait_until COMMAND...: at most two minutes.
wait_until() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		test $tries -lt 600 || die "still not so: $*"
		sleep 0.2
	done
}

# in_machine COMMAND...: as root, in that home.
in_machine() {
	nsenter -t "$init" --all env -i LANG=C HOME=/root TERM=dumb \
	    DEBIAN_FRONTEND=noninteractive \
	    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	    sh -c 'cd "$0" && exec "$@"' "$home" "$@"
}

in_machine_as_you() {
	in_machine setpriv --reuid 1000 --regid 1000 --clear-groups "$@"
}

start_machine() {
	rm -rf "$work/machine"
	mkdir "$work/machine"
	mount -t tmpfs -o mode=755 machine "$work/machine"
	mkdir "$work/machine/upper" "$work/machine/work"
	mount -t overlay overlay -o "lowerdir=$work/base,upperdir=$work/machine/\
upper,workdir=$work/machine/work" "$work/machine"
	mkdir -p "$work/machine$home/build/deb"
	head -c 300000 /dev/urandom >"$work/machine$home/in"
	chown -R 1000:1000 "$work/machine$home"
	# what a container has no use for, or must not have
	rm -f "$work/machine/etc/fstab"
	: >"$work/machine/etc/machine-id"
	launch_machine "$work" "$work"
	wait_until machine_runs
}

# Its init ends, and with it all that is in there; then its places are given up.
end_machine() {
	test -n "${enclosure-}" || return 0
	kill -KILL "${init:-$enclosure}" 2>/dev/null || :
	wait "$enclosure" 2>/dev/null || :
	enclosure= init=
	leave_machine "$work" || echo "its cgroups are left" >&2
	while umount "$work/machine" 2>/dev/null; do :; done
}
