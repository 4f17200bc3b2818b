/*
 * Where a process is: its namespaces, and its root directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "service.h"

#define TMPFS 0x01021994

/* ---- namespaces ---------------------------------------------------------------- */

/*
 * With -U the parent and the resolver get their rights from one of their own.
 */
static bool
is_own(const struct service *s, const struct declared *d, enum proc_ns ns)
{
	if (s->one_uid && ns == NS_USER && d->owner != OWNER_ROOT)
		return true;
	return (d->own_ns >> ns & 1) != 0;
}

/* A spawner's children are where it is, but for their pids. */
static const struct proc_id *
siblings_place(const struct subject *p, enum proc_ns ns)
{
	if (p->parent == NULL || p->parent->declared == NULL ||
	    p->parent->declared->own_ns == 0)
		return NULL;
	return &p->parent->ns[ns == NS_PID ? NS_PID_CHILDREN : ns];
}

/*
 * A service manager may have made these for the whole service, and then forbid
 * others (worker/nest.c): if that of ipc and of uts is not the system's.
 */
static bool
is_managers(const struct service *s, enum proc_ns ns)
{
	return (ns == NS_IPC || ns == NS_UTS || ns == NS_CGROUP) &&
	    !proc_same_id(&s->all[0]->ns[NS_IPC], &s->init_ns[NS_IPC]) &&
	    !proc_same_id(&s->all[0]->ns[NS_UTS], &s->init_ns[NS_UTS]);
}

static void
check_namespace(const struct service *s, struct subject *p, enum proc_ns ns)
{
	const struct proc_id *outer = &s->all[0]->ns[ns];
	const struct proc_id *its = &p->ns[ns], *same = siblings_place(p, ns);
	const char *name = proc_ns_name(ns);

	if (is_own(s, p->declared, ns)) {
		if (is_managers(s, ns) && proc_same_id(its, outer))
			return;
		if (proc_same_id(its, outer) ||
		    proc_same_id(its, &s->init_ns[ns]))
			note(p->finding, ASPECT_NAMESPACES, VERDICT_FAILED,
			    "no %s namespace of its own", name);
		else if (same != NULL && !proc_same_id(its, same))
			note(p->finding, ASPECT_NAMESPACES, VERDICT_FAILED,
			    "another %s namespace than its parent's", name);
	} else if (!proc_same_id(its, outer)) {
		note(p->finding, ASPECT_NAMESPACES, VERDICT_FAILED,
		    "another %s namespace than the supervisor's", name);
	}
}

static void
tell_namespaces(const struct service *s, struct subject *p)
{
	char text[128] = "";

	for (int i = 0; i < NS_COUNT; i++) {
		size_t used = strlen(text);

		if (!proc_same_id(&p->ns[i], &s->init_ns[i]))
			snprintf(text + used, sizeof text - used, "%s%s",
			    used == 0 ? "" : " ", proc_ns_name(i));
	}
	note(p->finding, ASPECT_NAMESPACES, VERDICT_PASSED, text[0] == '\0' ?
	    "init's%s" : "not init's: %s", text);
}

void
check_namespaces(const struct service *s, struct subject *p)
{
	for (int i = 0; i < NS_COUNT; i++)
		check_namespace(s, p, (enum proc_ns)i);
	tell_namespaces(s, p);
}

/* ---- root ------------------------------------------------------------------------ */

static bool
is_empty(int dir)
{
	int fd = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool empty = d != NULL;

	while (d != NULL && (errno = 0, e = readdir(d)) != NULL)
		empty &= strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0;
	empty &= errno == 0;
	if (d != NULL)
		closedir(d);
	return empty;
}

static void
check_removed(struct subject *p, const struct stat *root)
{
	if (root->st_nlink != 0)
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED, "its root is a "
		    "directory that exists, where others can put something");
	else if (!is_empty(p->dir))
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "its root is not empty");
	else
		note(p->finding, ASPECT_ROOT, VERDICT_PASSED, "empty, and "
		    "removed: nothing can be made in it");
}

/* One line for each mount that it can see. */
static bool
only_mount(int dir)
{
	char text[8192];
	size_t len;

	return proc_read(dir, "mountinfo", text, sizeof text, &len) &&
	    len > 0 && memchr(text, '\n', len - 1) == NULL;
}

static void
check_mount(struct subject *p)
{
	int fd = openat(p->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct statvfs flags;

	if (fd == -1 || fstatfs(fd, &fs) == -1 || fstatvfs(fd, &flags) == -1)
		note_unread(p, ASPECT_ROOT, "its root");
	else if ((flags.f_flag & ST_RDONLY) == 0)
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "its root can be written");
	else if (fs.f_type != TMPFS || !is_empty(p->dir))
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "its root is not an empty tmpfs");
	else if (!only_mount(p->dir))
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "it sees another mount besides its root");
	else
		note(p->finding, ASPECT_ROOT, VERDICT_PASSED, "an empty tmpfs, "
		    "read-only, and no other mount");
	if (fd != -1)
		close(fd);
}

static void
check_system_root(const struct service *s, struct subject *p,
    const struct stat *root)
{
	struct stat outer;

	if (!proc_stat(s->all[0]->dir, "root", &outer))
		note_unread(p, ASPECT_ROOT, "the supervisor's root");
	else if (root->st_dev != outer.st_dev || root->st_ino != outer.st_ino)
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "another root than the supervisor's");
	else
		note(p->finding, ASPECT_ROOT, VERDICT_PASSED, "the system's");
}

/*
 * Of a dialer: is what it may connect to a local socket?  -1: cannot be read.
 */
static int
dials_local(int dir)
{
	int memory = openat(dir, "mem", O_RDONLY | O_CLOEXEC);
	sa_family_t family;
	ssize_t n = memory == -1 ? -1 : pread(memory, &family, sizeof family,
	    (off_t)POLICY_DIAL_ADDRESS + (off_t)offsetof(struct sockaddr,
	    sa_family));

	if (memory != -1)
		close(memory);
	return n != (ssize_t)sizeof family ? -1 : family == AF_UNIX;
}

/* The same as what is declared, but for a dialer, of which it depends. */
static enum home
home_of(const struct subject *p, int local)
{
	if (p->declared->home != HOME_DIALER)
		return p->declared->home;
	return local ? HOME_SYSTEM : HOME_REMOVED;
}

/* A current directory outside of the root would be a way out of it. */
void
check_root(const struct service *s, struct subject *p)
{
	int local = p->declared->home == HOME_DIALER ? dials_local(p->dir) : 0;
	enum home home = home_of(p, local);
	struct stat root, cwd;

	if (local == -1 || !proc_stat(p->dir, "root", &root) ||
	    !proc_stat(p->dir, "cwd", &cwd)) {
		note_unread(p, ASPECT_ROOT, "its root");
		return;
	}
	if (home == HOME_SYSTEM) {
		check_system_root(s, p, &root);
		return;
	}
	if (home == HOME_REMOVED)
		check_removed(p, &root);
	else
		check_mount(p);
	if (root.st_dev != cwd.st_dev || root.st_ino != cwd.st_ino)
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "its current directory is outside of its root");
}
