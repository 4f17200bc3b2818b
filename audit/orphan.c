/*
 * Who executes one of our programs under one of our titles, or in a parent's
 * process group, and is beneath no supervisor?  A process that forks twice
 * leaves somebody whom a walk down the tree does not meet.
 *
 * Some are as they should be: a spawner that has died leaves init and workers,
 * whose sessions go on until the parent ends.  Whose they are says the process
 * group, which is the parent's and which none of ours can leave; so others'
 * services, whose parents live, are told from this one.
 */
#include "orphan.h"

#include <fcntl.h>
#include <unistd.h>

#include "service.h"

/* Deeper is no tree of processes that anybody has. */
#define DEEP	64

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool
executes_ours(const struct service *s, int dir)
{
	struct stat st;

	return proc_stat(dir, "exe", &st) &&
	    (same_file(&st, &s->program[PROGRAM_DAEMON]) || (s->has_worker &&
	    same_file(&st, &s->program[PROGRAM_WORKER])));
}

/* Of which group, and whose child; 0, 0 if it has ended. */
static void
place_of(pid_t pid, pid_t *group, pid_t *parent)
{
	struct proc_birth b;
	struct proc_status st;
	int dir = proc_open(pid);

	*group = *parent = 0;
	if (dir == -1)
		return;
	if (proc_birth(dir, &b) && !b.exiting && proc_status(dir, &st)) {
		*group = b.group;
		*parent = st.ppid;
	}
	close(dir);
}

static bool
pid_executes_ours(const struct service *s, pid_t pid)
{
	int dir = proc_open(pid);
	bool is = dir != -1 && executes_ours(s, dir);

	if (dir != -1)
		close(dir);
	return is;
}

/* Itself counts: it may be another service's. */
static bool
has_supervisor(pid_t pid)
{
	pid_t group;

	for (int i = 0; i < DEEP && pid > 0; i++) {
		if (service_is_supervisor(pid))
			return true;
		place_of(pid, &group, &pid);
	}
	return false;
}

static const struct subject *
parent_of_group(const struct service *s, pid_t group)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *p = s->all[i];

		if (p->pid == group && !p->gone && p->declared != NULL &&
		    p->declared->policy == POLICY_PARENT)
			return p;
	}
	return NULL;
}

/* In a group that is neither the supervisor's nor its own, and has a leader. */
static bool
is_others(const struct service *s, pid_t pid, pid_t group)
{
	pid_t supervisors, leaders, above;

	place_of(s->all[0]->pid, &supervisors, &above);
	place_of(group, &leaders, &above);
	return group != supervisors && group != pid && leaders != 0;
}

/* The one of that pid namespace, among those whom `parent' is above. */
static const struct subject *
init_of(const struct service *s, const struct subject *parent,
    const struct proc_id *pid_ns)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *p = s->all[i], *above = p->parent;

		if (p->gone || p->declared == NULL ||
		    p->declared->policy != POLICY_INIT ||
		    !proc_same_id(&p->ns[NS_PID], pid_ns))
			continue;
		while (above != NULL && above != parent)
			above = above->parent;
		if (above == parent)
			return p;
	}
	return NULL;
}

/* Init's *parent is the service's one; a worker's is init, if that is known. */
static enum lineage
look_in_group(const struct service *s, int dir, pid_t inner,
    const struct subject **parent)
{
	struct proc_id ns[NS_COUNT];

	if (inner == 1)
		return LINEAGE_LEFT;
	if (!proc_namespaces(dir, ns))
		return LINEAGE_NONE;
	*parent = init_of(s, *parent, &ns[NS_PID]);
	return *parent == NULL ? LINEAGE_ORPHAN : LINEAGE_LEFT;
}

static enum lineage
look(const struct service *s, pid_t pid, int dir, const struct subject **parent)
{
	struct proc_status st;
	pid_t group, above;
	char title[128];

	place_of(pid, &group, &above);
	if (group == 0 || !proc_status(dir, &st) ||
	    !proc_title(dir, title, sizeof title) ||
	    pid_executes_ours(s, above))
		return LINEAGE_NONE;
	*parent = parent_of_group(s, group);
	if (*parent != NULL)
		return look_in_group(s, dir, st.inner, parent);
	return !declared_is_title(title) || has_supervisor(pid) ||
	    is_others(s, pid, group) ? LINEAGE_NONE : LINEAGE_ORPHAN;
}

enum lineage
orphan_look(const struct service *s, pid_t pid, const struct subject **parent)
{
	int dir = proc_open(pid);
	enum lineage l = LINEAGE_NONE;

	*parent = NULL;
	if (dir == -1)
		return l;
	if (executes_ours(s, dir))
		l = look(s, pid, dir, parent);
	close(dir);
	return l;
}
