/*
 * Does it end with its parent?  The signal that a process asks for (prctl(2))
 * is sent with the rights of who dies, and none reaches another user's: what a
 * parent has started ends by the parent's life line (daemon/parent.c).  That
 * is a pipe, to whose file a process group belongs, and it is init's.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "service.h"

/* The posternd: parent that started it, or who did; NULL: none. */
static const struct subject *
parent_above(const struct subject *p)
{
	while ((p = p->parent) != NULL)
		if (p->declared != NULL &&
		    p->declared->policy == POLICY_PARENT)
			break;
	return p;
}

static const struct subject *
init_of(const struct service *s, const struct subject *parent)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *o = s->all[i];

		if (o->declared != NULL && !o->gone &&
		    o->declared->policy == POLICY_INIT &&
		    parent_above(o) == parent)
			return o;
	}
	return NULL;
}

/* A copy of its descriptor, whose file is the same; -1 with errno set. */
static int
copy_line(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1;

	if (pidfd != -1) {
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0);
		close(pidfd);
	}
	return fd;
}

/* Has the parent the other end of that pipe? */
static bool
has_other_end(const struct subject *parent, const struct stat *pipe)
{
	bool found = false;
	size_t count;
	int *fd;

	if (!proc_numbers(parent->dir, "fd", &fd, &count))
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		struct stat st, link;
		char name[32];

		snprintf(name, sizeof name, "fd/%d", fd[i]);
		found = proc_stat(parent->dir, name, &st) &&
		    st.st_dev == pipe->st_dev && st.st_ino == pipe->st_ino &&
		    fstatat(parent->dir, name, &link, AT_SYMLINK_NOFOLLOW) ==
		    0 && (link.st_mode & S_IWUSR) != 0;
	}
	free(fd);
	return found;
}

/* NULL, or why the parent's end would not end its group. */
static const char *
line_is_wrong(int fd, const struct subject *parent)
{
	struct f_owner_ex owner = { .type = F_OWNER_TID };
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    !has_other_end(parent, &st))
		return "init has no pipe whose other end is the parent's";
	if (fcntl(fd, F_GETSIG) != SIGKILL)
		return "the life line is for another signal than SIGKILL";
	if (fcntl(fd, F_GETOWN_EX, &owner) == -1 ||
	    owner.type != F_OWNER_PGRP || owner.pid != parent->pid)
		return "the life line is not for the parent's process group";
	if ((fcntl(fd, F_GETFL) & O_ASYNC) == 0)
		return "the life line sends no signal: it is without O_ASYNC";
	return NULL;
}

static void
check_line(struct subject *p, const struct subject *parent,
    const struct subject *init)
{
	int fd = init == NULL ? -1 : copy_line(init->pid);
	const char *why = init == NULL ? "its parent has no init, which has "
	    "the life line" : fd == -1 ? "init has no life line" :
	    line_is_wrong(fd, parent);

	if (fd != -1)
		close(fd);
	if (why != NULL && !subject_ended(p))
		note(p->finding, ASPECT_DEATH, VERDICT_FAILED,
		    "would outlive its parent: %s", why);
}

void
check_death(const struct service *s, struct subject *p)
{
	const struct subject *parent = parent_above(p);
	struct proc_birth birth;

	if (p->left && p->declared->policy == POLICY_INIT)
		check_line(p, parent, p);
	if (parent == NULL || !p->declared->dies_with_parent)
		return;
	if (!proc_birth(p->dir, &birth))
		note_unread(p, ASPECT_DEATH, "its process group");
	else if (birth.group != parent->pid)
		note(p->finding, ASPECT_DEATH, VERDICT_FAILED, "would outlive "
		    "its parent: it is in process group %d, not %d",
		    (int)birth.group, (int)parent->pid);
	check_line(p, parent, init_of(s, parent));
}
