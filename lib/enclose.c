#include "enclose.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

/* A directory that there always is.  What is mounted there becomes the root. */
#define PLACE	"/proc"
#define FLAGS	(MS_NOSUID | MS_NODEV | MS_NOEXEC)

static void
must(int result, const char *what)
{
	if (result == -1)
		fatal(EX_OSERR, "cannot make an empty root: %s: %s", what,
		    strerror(errno));
}

static bool
same_socket(const struct stat *a, const struct stat *b)
{
	return S_ISSOCK(a->st_mode) && a->st_dev == b->st_dev &&
	    a->st_ino == b->st_ino;
}

static void
mount_empty(void)
{
	must(mount("empty", PLACE, "tmpfs", FLAGS,
	    "size=4k,nr_inodes=1,mode=0555"), "tmpfs");
}

/*
 * A socket can be mounted on a file alone, and nobody can make one where no
 * user is mapped.  Here is one from the start, and no other: each instance of
 * devpts has its own ptmx, which nobody may open, and is otherwise empty.
 */
static void
mount_file(void)
{
	must(mount("empty", PLACE, "devpts", FLAGS, NULL), "devpts");
}

/*
 * Where anybody else can write above it, it may be another thing each time that
 * it is looked at: what counts is what was mounted.
 */
static int
take_in(const char *socket)
{
	struct stat before, mounted;

	if (stat(socket, &before) == -1)
		return errno;
	if (!S_ISSOCK(before.st_mode))
		return ECONNREFUSED;
	mount_file();
	if (mount(socket, PLACE ENCLOSE_SOCKET, NULL, MS_BIND, NULL) == -1)
		return errno;
	must(mount(NULL, PLACE ENCLOSE_SOCKET, NULL, MS_REMOUNT | MS_BIND |
	    MS_RDONLY | FLAGS, NULL), "the socket read-only");
	must(stat(PLACE ENCLOSE_SOCKET, &mounted), "the socket");
	return same_socket(&mounted, &before) ? 0 : ECONNREFUSED;
}

/* Tried, not believed: nothing can be made in it. */
static void
try_root(void)
{
	if (mkdir("/x", 0700) != -1 || errno != EROFS)
		fatal(EX_OSERR, "the empty root is not read-only");
}

/*
 * What was mounted becomes the root, and the old root is let go of.
 * pivot_root(".", ".") stacks the one on the other (pivot_root(2)).
 */
int
enclose(const char *socket)
{
	int absent = 0;

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	if (socket != NULL)
		absent = take_in(socket);
	if (socket == NULL || absent != 0)
		mount_empty();	/* over what may be there now */
	must(chdir(PLACE), "chdir");
	must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount");
	must(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | FLAGS,
	    NULL), "read-only");
	must(chdir("/"), "chdir");
	try_root();
	return absent;
}
