/*
 * Finding the processes of the service.
 */
#include "service.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "filter.h"
#include "orphan.h"
#include "page.h"
#include "text.h"

/* What the kernel keeps of the supervisor's title. */
#define SUPERVISOR_NAME "posternd: super"

/* A name that was chosen by whoever is looked at. */
static void
escape(char *dst, size_t size, const char *src)
{
	text_escape(dst, size, src, strlen(src));
}

/* ---- the supervisor ------------------------------------------------------ */

static bool
ends_in(const char *path, const char *name)
{
	static const char deleted[] = " (deleted)";
	size_t n = strlen(path), m = strlen(name);
	size_t d = sizeof deleted - 1;

	if (n > d && strcmp(path + n - d, deleted) == 0)
		n -= d;
	return n > m && path[n - m - 1] == '/' &&
	    strncmp(path + n - m, name, m) == 0;
}

/* 1 if it is one, 0 if not, -1 with errno set if that cannot be seen. */
static int
is_supervisor(pid_t pid, char program[256])
{
	char name[32] = "", path[4096];
	int dir = proc_open(pid), is = -1, e;
	size_t len;

	program[0] = '\0';
	if (dir == -1)
		return -1;
	if (proc_link(dir, "exe", path, sizeof path)) {
		escape(program, 256, path);
		is = ends_in(path, "posternd") &&
		    proc_read(dir, "comm", name, sizeof name - 1, &len) &&
		    strncmp(name, SUPERVISOR_NAME,
		    sizeof SUPERVISOR_NAME - 1) == 0;
	}
	e = errno;
	close(dir);
	errno = e;
	return is;
}

bool
service_is_supervisor(pid_t pid)
{
	char program[256];

	return is_supervisor(pid, program) == 1;
}

static pid_t
check_wanted(pid_t pid)
{
	char program[256];

	switch (is_supervisor(pid, program)) {
	case 1:
		return pid;
	case 0:
		errx(EX_USAGE, "live: --pid %d: not the supervisor of a "
		    "posternd (its program is %s)", (int)pid, program);
	default:
		break;
	}
	if (proc_gone(errno))
		errx(EX_UNAVAILABLE, "live: --pid %d: there is no such process",
		    (int)pid);
	err(EX_NOPERM, "live: --pid %d: its program, /proc/%d/exe", (int)pid,
	    (int)pid);
}

static void
list_processes(int **pid, size_t *count)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc == -1 || !proc_numbers(proc, ".", pid, count))
		err(EX_OSERR, "live: /proc");
	close(proc);
}

pid_t
service_find(pid_t wanted)
{
	char program[256], found[256] = "";
	size_t count, supervisors = 0;
	pid_t one = 0;
	int *pid;

	if (wanted != 0)
		return check_wanted(wanted);
	list_processes(&pid, &count);
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(found);

		if (is_supervisor(pid[i], program) != 1)
			continue;
		one = pid[i];
		supervisors++;
		snprintf(found + used, sizeof found - used, " %d", pid[i]);
	}
	free(pid);
	if (supervisors == 0)
		errx(EX_UNAVAILABLE, "live: no posternd is running");
	if (supervisors > 1)
		errx(EX_USAGE, "live: several are running, choose one by "
		    "--pid:%s", found);
	return one;
}

/* ---- subjects ------------------------------------------------------------ */

/*
 * One that is on its way out has no memory any more, and does nothing.  But a
 * first thread that has gone while others stay is no end.
 */
bool
subject_is_over(const struct subject *p)
{
	struct proc_birth b;

	if (!proc_birth(p->dir, &b))
		return p->gone || proc_gone(errno);
	return p->gone || (b.exiting && b.threads <= 1);
}

bool
subject_ended(struct subject *p)
{
	p->gone = subject_is_over(p);
	return p->gone;
}

void
note_unread(struct subject *p, enum aspect a, const char *what)
{
	int e = errno;

	if (!subject_ended(p))
		note(p->finding, a, VERDICT_FAILED, "%s cannot be read: %s",
		    what, strerror(e));
}

bool
note_absent(const struct service *s, struct subject *p, enum aspect a,
    enum layer l)
{
	if (!s->layer[l])
		note(p->finding, a, VERDICT_ABSENT, "absent: kernel (%s has "
		    "it)", layer_needs(l));
	return !s->layer[l];
}

bool
subject_is_spawner(const struct subject *p)
{
	return p->declared != NULL && p->declared->program == PROGRAM_WORKER &&
	    p->declared->dies_with_parent;
}

const struct subject *
subject_spawner(const struct subject *p)
{
	const struct subject *q = p->parent;

	if (q != NULL && q->declared != NULL &&
	    q->declared->policy == POLICY_INIT)
		q = q->parent;
	return q != NULL && subject_is_spawner(q) && !subject_is_over(q) ?
	    q : NULL;
}

size_t
subject_filters(const struct service *s, const struct declared *d)
{
	enum policy_id id[POLICY_DEPTH];

	return s->filters_around + policy_stack(d->policy, id);
}

/* A worker has its title before its filter: after that no stranger starts. */
bool
subject_starting(const struct service *s, const struct subject *p)
{
	const struct subject *spawner;
	size_t filters = (size_t)p->status.filters;

	if (p->orphan)
		return false;
	if (p->declared != NULL)
		return filters < subject_filters(s, p->declared);
	spawner = subject_spawner(p);
	return spawner == NULL ||
	    filters <= subject_filters(s, spawner->declared);
}

static int
index_of(const struct subject *p)
{
	return p == NULL ? -1 : p->declared == NULL ? -2 :
	    (int)(p->declared - declared);
}

/* Init, or a worker, of whatever spawner. */
static const struct declared *
find_left(const struct subject *p)
{
	const struct declared *d = NULL;

	for (size_t i = 0; i < declared_count && d == NULL; i++)
		if (declared[i].program == PROGRAM_WORKER)
			d = declared_find(p->title, (int)i);
	return d;
}

/* Init is the first of its pid namespace, whatever others call themselves. */
static const struct declared *
find_declared(const struct subject *p)
{
	bool left = p->left || (p->parent != NULL && p->parent->left);
	const struct declared *d = p->orphan ? NULL : left ? find_left(p) :
	    declared_find(p->title, index_of(p->parent));

	return d != NULL && d->policy == POLICY_INIT && p->status.inner != 1 ?
	    NULL : d;
}

bool
subject_refresh(struct service *s, struct subject *p)
{
	struct proc_birth birth;

	findings_clear(p->finding);
	p->reach = NULL;
	/* Who ends has no title any more: so whether it does is asked last. */
	if (!proc_status(p->dir, &p->status) ||
	    p->status.state == 'Z' || p->status.state == 'X' ||
	    !proc_title(p->dir, p->title, sizeof p->title) || !proc_namespaces(p->dir, p->ns) ||
	    !proc_birth(p->dir, &birth) || subject_ended(p)) {
		note_unread(p, ASPECT_TREE, "/proc");
		return false;
	}
	p->start = birth.start;
	p->declared = p == s->all[0] ? &declared[0] : find_declared(p);
	return true;
}

static struct subject *
add(struct service *s, pid_t pid, const struct subject *parent,
    enum lineage lineage)
{
	struct subject *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	p->pid = pid;
	p->parent = parent;
	p->left = lineage == LINEAGE_LEFT;
	p->orphan = lineage == LINEAGE_ORPHAN ||
	    (parent != NULL && parent->orphan);
	p->dir = proc_open(pid);
	if (p->dir == -1 && !proc_gone(errno))
		err(EX_OSERR, "live: /proc/%d", (int)pid);
	/* Remains that nobody has fetched would be new in each pass. */
	if (p->dir == -1 || subject_ended(p)) {
		if (p->dir != -1)
			close(p->dir);
		free(p);
		return NULL;
	}
	s->all = reallocarray(s->all, s->count + 1, sizeof(struct subject *));
	if (s->all == NULL)
		abort();
	s->all[s->count++] = p;
	subject_refresh(s, p);
	return p;
}

/* ---- the service --------------------------------------------------------- */

bool
service_is_here(const struct service *s)
{
	struct stat its, ours;

	return proc_stat(s->all[0]->dir, "root", &its) &&
	    stat("/", &ours) == 0 && its.st_dev == ours.st_dev &&
	    its.st_ino == ours.st_ino;
}

static void
compile_tables(struct service *s)
{
	const char *why;

	for (int i = 0; i < POLICY_COUNT; i++)
		if (!filter_compile(policy_get((enum policy_id)i), &s->table[i],
		    &why))
			err(EX_SOFTWARE, "live: the table of %s: %s",
			    policy_get((enum policy_id)i)->process, why);
}

static bool
read_namespaces(pid_t pid, bool kernel, struct proc_id ns[NS_COUNT])
{
	int dir = proc_open(pid), e;
	struct proc_birth b;
	bool ok = dir != -1 && proc_birth(dir, &b) && b.kernel == kernel &&
	    proc_namespaces(dir, ns);

	e = errno;
	if (dir != -1)
		close(dir);
	errno = e;
	return ok;
}

/*
 * Where root may not look into init (in a virtual machine, say, whose owner
 * forbids it), the kernel's own first thread is in the same namespaces.
 */
static void
read_init(struct service *s)
{
	if (!read_namespaces(1, false, s->init_ns) &&
	    !read_namespaces(2, true, s->init_ns))
		err(EX_NOPERM, "live: the namespaces of init (process 1)");
}

/*
 * What the supervisor has open: the worker's program, which is what it holds
 * for execution and is not itself, and the board.
 */
static void
look_at_files(struct service *s, const struct subject *p)
{
	size_t count;
	int *fd;

	if (!proc_stat(p->dir, "exe", &s->program[PROGRAM_DAEMON]) ||
	    !proc_stat(p->dir, "fd/2", &s->log) ||
	    !proc_numbers(p->dir, "fd", &fd, &count)) {
		if (proc_gone(errno))
			errx(EX_UNAVAILABLE, "live: process %d ended "
			    "meanwhile", (int)p->pid);
		err(EX_NOPERM, "live: process %d", (int)p->pid);
	}
	for (size_t i = 0; i < count; i++) {
		char name[32], path[4096];
		struct stat st;

		snprintf(name, sizeof name, "fd/%d", fd[i]);
		if (!proc_link(p->dir, name, path, sizeof path))
			continue;
		if (s->board == -1 && strncmp(path, "/memfd:board", 12) == 0)
			page_open(s, p->dir, name);
		if (!ends_in(path, "postern-worker") ||
		    !proc_stat(p->dir, name, &st))
			continue;
		s->program[PROGRAM_WORKER] = st;
		s->has_worker = true;
	}
	free(fd);
}

void
service_open(struct service *s, pid_t supervisor)
{
	const struct subject *p;

	memset(s, 0, sizeof *s);
	p = add(s, supervisor, NULL, LINEAGE_NONE);
	if (p == NULL || p->gone)
		errx(EX_UNAVAILABLE, "live: process %d has ended",
		    (int)supervisor);
	s->one_uid = p->status.uid[1] != 0;
	for (int i = 0; i < LAYER_COUNT; i++)
		s->layer[i] = layer_present((enum layer)i);
	compile_tables(s);
	read_init(s);
	s->board = -1;
	look_at_files(s, p);
}

static struct subject *
find_alive(const struct service *s, pid_t pid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->all[i]->pid == pid && !s->all[i]->gone)
			return s->all[i];
	return NULL;
}

/* A known pid that another process has by now is a new one. */
static bool
is_known(const struct service *s, pid_t pid)
{
	struct subject *p = find_alive(s, pid);

	return p != NULL && !subject_ended(p);
}

static pid_t
parent_of(pid_t pid)
{
	struct proc_status st;
	int dir = proc_open(pid);
	bool ok = dir != -1 && proc_status(dir, &st);

	if (dir != -1)
		close(dir);
	return ok ? st.ppid : 0;
}

/* One pass over /proc finds the next generation; so until nothing is found. */
size_t
service_scan(struct service *s)
{
	size_t count, before = s->count, found;
	int *pid;

	list_processes(&pid, &count);
	do {
		found = s->count;
		for (size_t i = 0; i < count; i++) {
			const struct subject *parent;

			if (is_known(s, pid[i]))
				continue;
			parent = find_alive(s, parent_of(pid[i]));
			if (parent != NULL)
				add(s, pid[i], parent, LINEAGE_NONE);
		}
	} while (s->count > found);
	free(pid);
	return s->count - before;
}

void
service_find_orphans(struct service *s)
{
	size_t count;
	int *pid;

	list_processes(&pid, &count);
	for (size_t i = 0; i < 2 * count; i++) {
		const pid_t it = pid[i % count];
		const struct subject *parent;
		enum lineage l;

		if (is_known(s, it))
			continue;
		l = orphan_look(s, it, &parent);
		/* First who is left: in any order of pids, init at last. */
		if (l == LINEAGE_LEFT)
			add(s, it, parent, l);
		else if (l == LINEAGE_ORPHAN && i >= count)
			add(s, it, NULL, l);
	}
	free(pid);
}
