# A machine: namespaces of its own with systemd as pid 1, whatever its root is.
# What the tests under systemd (systemd_verbs.sh: this machine's files) and
# those of the packages (deb/machine.sh: a fresh Debian) have in common.  The
# latter have no common.sh.  Expects `in_machine', which runs a command in it,
# and `machine_script', which makes its root, with the two parts below.

# shellcheck shell=sh disable=SC2154
init=

# enclosure.sh GROUPS GROUP SCRIPT [ARGUMENT...], in a mount namespace of its
# own: the script runs in new namespaces, and all in a cgroup, so that it can be
# found and taken away.
enclosure_script() {
	cat <<-'END'
	set -eu
	groups=$1 group=$2
	shift 2
	mount --make-rprivate /
	mkdir -p "$groups"
	mount -t cgroup2 cgroup2 "$groups"
	mkdir "$groups/$group"
	echo $$ >"$groups/$group/cgroup.procs"
	umount "$groups"
	exec unshare --pid --net --ipc --uts --cgroup --fork sh "$@"
	END
}

# In such a script, what the kernel gives a machine: below $r, its root.
places_script() {
	cat <<-'END'
	mount -t proc proc "$r/proc"
	mount -t sysfs -o ro sysfs "$r/sys"
	mkdir -p "$r/sys/fs/cgroup"
	mount -t cgroup2 cgroup2 "$r/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 tmpfs "$r/run"
	mount -t tmpfs -o mode=755 tmpfs "$r/dev"
	for d in null zero full random urandom tty; do
		: >"$r/dev/$d"
		mount --bind "/dev/$d" "$r/dev/$d"
	done
	mkdir "$r/dev/pts" "$r/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$r/dev/pts"
	ln -s pts/ptmx "$r/dev/ptmx"
	mount -t tmpfs -o mode=1777 tmpfs "$r/dev/shm"
	ln -s /proc/self/fd "$r/dev/fd"
	END
}

# The last of it: that is its root now, and systemd begins.
begin_script() {
	cat <<-'END'
	ip link set lo up
	cd "$r"
	mkdir -p old
	pivot_root . old
	exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c '
		umount -l /old
		# As it is where systemd is the first to be there.
		mount --make-rshared /
		exec /lib/systemd/systemd --log-target=journal --show-status=0'
	END
}

# launch_machine DIRECTORY [ARGUMENT...]: machine_script is run with these; all
# that is written about it lies there.  $enclosure is its creator.
launch_machine() {
	lies_in=$1
	shift
	echo "postern-machine-$$" >"$lies_in/machine.group"
	machine_script >"$lies_in/machine.sh"
	enclosure_script >"$lies_in/enclosure.sh"
	unshare --mount sh "$lies_in/enclosure.sh" "$lies_in/groups" \
	    "postern-machine-$$" "$lies_in/machine.sh" "$@" </dev/null \
	    >"$lies_in/machine.out" 2>&1 &
	enclosure=$!
}

# Has it an init, and does that say that it is up?
machine_runs() {
	init=$(cat "/proc/$enclosure/task/$enclosure/children" 2>/dev/null)
	init=${init%% *}
	test -n "$init" && test "$(in_machine systemctl is-system-running \
	    2>/dev/null)" = running
}

# leave_machine DIRECTORY: it has ended, or does; its cgroups go.  Fails if they
# are still there after a minute.
leave_machine() {
	test -e "$1/machine.group" || return 0
	unshare --mount sh -c '
		mount --make-rprivate /
		mount -t cgroup2 cgroup2 "$0/groups" || exit 0
		group=$0/groups/$(cat "$0/machine.group")
		tries=0
		while test -e "$group" && test $tries -lt 300; do
			find "$group" -depth -type d -exec rmdir {} + \
			    2>/dev/null || sleep 0.2
			tries=$((tries + 1))
		done
		test ! -e "$group"' "$1"
}
