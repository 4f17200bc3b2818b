/*
 * Where a process is: its namespaces, and its root directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "enclose.h"
#include "service.h"

#define TMPFS 0x01021994
#define DEVPTS 0x1cd1

/* ---- namespaces ---------------------------------------------------------- */

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
	    p->parent->declared->own_ns == 0 || p->declared->alone)
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

/*
 * Other clocks are of no use to a service: who is where init is has init's.  A
 * container, whose pids are its own, may have its own as well.
 */
static bool
has_others_clock(const struct service *s, const struct subject *p,
    enum proc_ns ns)
{
	return (ns == NS_TIME || ns == NS_TIME_CHILDREN) &&
	    p == s->all[0] &&
	    proc_same_id(&p->ns[NS_PID], &s->init_ns[NS_PID]) &&
	    !proc_same_id(&p->ns[ns], &s->init_ns[ns]);
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
	} else if (has_others_clock(s, p, ns)) {
		note(p->finding, ASPECT_NAMESPACES, VERDICT_FAILED,
		    "another %s namespace than init's", name);
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

/* ---- root ---------------------------------------------------------------- */

/*
 * How many names are in it, -1 if that cannot be read; the last one of them in
 * `name'.
 */
static int
count_names(int dir, char name[NAME_MAX + 1])
{
	int fd = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int n = 0;

	name[0] = '\0';
	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((errno = 0, e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, NAME_MAX + 1, "%s", e->d_name);
		n++;
	}
	if (errno != 0)
		n = -1;
	closedir(d);
	return n;
}

static bool
is_empty(int dir)
{
	char name[NAME_MAX + 1];

	return count_names(dir, name) == 0;
}

/* Is one socket, by the name that it is to have, all that is there? */
static bool
has_one_socket(int dir)
{
	char name[NAME_MAX + 1];
	struct stat st;

	return count_names(dir, name) == 1 &&
	    strcmp(name, &ENCLOSE_SOCKET[1]) == 0 &&
	    fstatat(dir, "root" ENCLOSE_SOCKET, &st, AT_SYMLINK_NOFOLLOW) ==
	    0 && S_ISSOCK(st.st_mode);
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
sees_mounts(int dir, size_t most)
{
	char text[8192];
	size_t len, lines = 0;

	if (!proc_read(dir, "mountinfo", text, sizeof text, &len) || len == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines == most;
}

static void
check_mount(struct subject *p, bool may_have_socket)
{
	int fd = openat(p->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool socket = may_have_socket && has_one_socket(p->dir);
	struct statfs fs;
	struct statvfs flags;

	if (fd == -1 || fstatfs(fd, &fs) == -1 || fstatvfs(fd, &flags) == -1)
		note_unread(p, ASPECT_ROOT, "its root");
	else if ((flags.f_flag & ST_RDONLY) == 0)
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "its root can be written");
	else if (socket ? fs.f_type != DEVPTS :
	    fs.f_type != TMPFS || !is_empty(p->dir))
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "its root is not an empty tmpfs%s", may_have_socket ?
		    ", nor a devpts with nothing but a socket in it" : "");
	else if (!sees_mounts(p->dir, socket ? 2 : 1))
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "it sees another mount besides its root");
	else
		note(p->finding, ASPECT_ROOT, VERDICT_PASSED, "%s, "
		    "read-only, and no other mount", socket ? "the service's "
		    "socket, mounted in an otherwise empty devpts" :
		    "an empty tmpfs");
	if (fd != -1)
		close(fd);
}

/* Whoever started the service may have put all of it elsewhere. */
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
		note(p->finding, ASPECT_ROOT, VERDICT_PASSED, service_is_here(s)
		    ? "the system's" : "not the system's: that of who started "
		    "the service");
}

/* A current directory outside of the root would be a way out of it. */
void
check_root(const struct service *s, struct subject *p)
{
	enum home home = p->declared->home;
	struct stat root, cwd;

	if (!proc_stat(p->dir, "root", &root) ||
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
		check_mount(p, home == HOME_SOCKET);
	if (root.st_dev != cwd.st_dev || root.st_ino != cwd.st_ino)
		note(p->finding, ASPECT_ROOT, VERDICT_FAILED,
		    "its current directory is outside of its root");
}
