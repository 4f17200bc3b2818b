#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A file system in memory that is mounted nowhere; its end is ours. */
static int
make_mount(void)
{
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), dir = -1;

	if (fs == -1)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0777", 0)
	    != -1 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != -1)
		dir = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return dir;
}

/* Our umask must not take anything away. */
static bool
furnish(int dir)
{
	int fd = openat(dir, PLACE_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	bool ok = fd != -1 && fchmod(fd, 0777) == 0 &&
	    mkdirat(dir, PLACE_DIRECTORY, 0700) == 0 &&
	    fchmodat(dir, PLACE_DIRECTORY, 0777, 0) == 0;

	if (fd != -1)
		close(fd);
	return ok;
}

int
place_make(void)
{
	int dir = make_mount();

	if (dir != -1 && !furnish(dir)) {
		close(dir);
		dir = -1;
	}
	return dir;
}

static int
listen_here(struct sockaddr_un *name, socklen_t *len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*len = sizeof *name;
	/* Nothing but the family: the kernel finds a name that nobody has. */
	if (fd != -1 && (bind(fd, (const struct sockaddr *)name,
	    sizeof name->sun_family) == -1 || listen(fd, 1) == -1 ||
	    getsockname(fd, (struct sockaddr *)name, len) == -1)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int
place_listen(int net_ns, struct sockaddr_un *name, socklen_t *len)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd = -1;

	if (own != -1 && setns(net_ns, CLONE_NEWNET) == 0) {
		fd = listen_here(name, len);
		if (setns(own, CLONE_NEWNET) == -1 && fd != -1) {
			close(fd);
			fd = -1;
		}
	}
	if (own != -1)
		close(own);
	return fd;
}
