/*
 * What only the kernel, or the process itself, can tell: it is stopped, once,
 * for as long as it takes to read its filters and to try a few calls in its
 * place.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confine.h"
#include "filters.h"
#include "service.h"
#include "tracee.h"
#include "twin.h"

/* One call in the place of the process; false once something went wrong. */
static bool
try(struct tracee *t, int64_t *result, long nr, uint64_t a, uint64_t b,
    uint64_t c, uint64_t d, uint64_t e)
{
	const uint64_t arg[6] = { a, b, c, d, e, 0 };

	return tracee_call(t, nr, arg, result);
}

/* ---- what it says of itself ---------------------------------------------- */

static bool
ask_dumpable(struct tracee *t, struct subject *p)
{
	int64_t r;

	if (!try(t, &r, SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0))
		return false;
	if (r == 0)
		note(p->finding, ASPECT_HIDDEN, VERDICT_PASSED,
		    "not dumpable, not traced");
	else
		note(p->finding, ASPECT_HIDDEN, VERDICT_FAILED,
		    "dumpable: its own user can look into it");
	return true;
}

/* Of what a parent has started this is half: check_death. */
static bool
ask_death(struct tracee *t, struct subject *p)
{
	int64_t r;
	int sig = 0;

	if (!tracee_write(t, &sig, sizeof sig) ||
	    !try(t, &r, SYS_prctl, PR_GET_PDEATHSIG, t->scratch, 0, 0, 0) ||
	    !tracee_read(t, &sig, sizeof sig))
		return false;
	if (!p->declared->dies_with_parent)
		return true;
	if (r == 0 && sig == SIGKILL)
		note(p->finding, ASPECT_DEATH, VERDICT_PASSED,
		    "is killed when its parent ends");
	else
		note(p->finding, ASPECT_DEATH, VERDICT_FAILED,
		    "would outlive its parent");
	return true;
}

/* True if the kernel does not have the layer, which is noted. */
static bool
is_absent(const struct service *s, struct subject *p, enum aspect a,
    enum layer l)
{
	if (!s->layer[l])
		note(p->finding, a, VERDICT_ABSENT, "absent: kernel (%s has "
		    "it)", layer_needs(l));
	return !s->layer[l];
}

static bool
ask_mdwe(struct tracee *t, const struct service *s, struct subject *p)
{
	int64_t r;

	if (is_absent(s, p, ASPECT_MDWE, LAYER_MDWE))
		return true;
	if (!try(t, &r, SYS_prctl, PR_GET_MDWE, 0, 0, 0, 0))
		return false;
	if (r >= 0 && (r & PR_MDWE_REFUSE_EXEC_GAIN) != 0)
		note(p->finding, ASPECT_MDWE, VERDICT_PASSED,
		    "no memory becomes executable");
	else
		note(p->finding, ASPECT_MDWE, VERDICT_FAILED,
		    "memory can become executable");
	return true;
}

/* ---- Landlock, by what it refuses ---------------------------------------- */

static void
not_refused(struct subject *p, enum aspect a, int64_t result, const char *what)
{
	if (result >= 0)
		note(p->finding, a, VERDICT_FAILED, "no Landlock: it may %s",
		    what);
	else
		note(p->finding, a, VERDICT_FAILED, "whether Landlock forbids "
		    "it to %s cannot be seen: %s", what,
		    strerror((int)-result));
}

static bool
try_signal(struct tracee *t, const struct service *s, struct subject *p,
    pid_t twin)
{
	int64_t r;

	if (is_absent(s, p, ASPECT_LOCK_SCOPE, LAYER_LANDLOCK_SCOPE))
		return true;
	if (!try(t, &r, SYS_kill, (uint64_t)twin, 0, 0, 0, 0))
		return false;
	if (r == -EPERM)
		note(p->finding, ASPECT_LOCK_SCOPE, VERDICT_PASSED,
		    "no signal to its like");
	else
		not_refused(p, ASPECT_LOCK_SCOPE, r, "signal its like");
	return true;
}

/* For a spawner and its workers it is init. */
static const struct subject *
neighbour_of(const struct service *s, const struct subject *p)
{
	const struct subject *spawner = p->declared->dies_with_parent ? p :
	    p->parent;

	for (size_t i = 0; i < s->count; i++) {
		const struct subject *o = s->all[i];

		if (o->parent == spawner && !o->gone && o->declared != NULL &&
		    o->declared->policy == POLICY_INIT)
			return o;
	}
	return NULL;
}

/*
 * The supervisor's domain is everybody's, and says nothing of their own.  But
 * of two that are in each other's reach, and neither in the other's domain, one
 * may signal the other unless it has a domain of its own.
 */
static bool
try_neighbour(struct tracee *t, const struct service *s, struct subject *p)
{
	const struct subject *other;
	pid_t pid;
	int64_t r;

	/* Init may end workers, and by its namespace nobody else. */
	if (p->declared->program != PROGRAM_WORKER ||
	    p->declared->policy == POLICY_INIT ||
	    !s->layer[LAYER_LANDLOCK_SCOPE])
		return true;
	other = neighbour_of(s, p);
	if (other == NULL) {
		note(p->finding, ASPECT_LOCK_SCOPE, VERDICT_FAILED, "there is "
		    "no process beside it to try it with");
		return true;
	}
	pid = proc_same_id(&other->ns[NS_PID], &p->ns[NS_PID]) ?
	    other->status.inner : other->pid;
	if (!try(t, &r, SYS_kill, (uint64_t)pid, 0, 0, 0, 0))
		return false;
	if (r != -EPERM)
		not_refused(p, ASPECT_LOCK_SCOPE, r, "signal the process "
		    "beside it, being in no domain of its own");
	return true;
}

/*
 * Whatever a domain forbids, it also forbids to look into what is outside of
 * it.  What may have no descriptor (EMFILE) is tried with its neighbour.
 */
static bool
try_files(struct tracee *t, struct subject *p, pid_t twin)
{
	int64_t look, r, closed;

	if (!try(t, &look, SYS_kcmp, (uint64_t)p->status.inner, (uint64_t)twin,
	    KCMP_VM, 0, 0) ||
	    !tracee_write(t, "/", 2) ||
	    !try(t, &r, SYS_openat, (uint64_t)AT_FDCWD, t->scratch,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0))
		return false;
	if (look != -EPERM)
		not_refused(p, ASPECT_LANDLOCK, look, "look into its like");
	if (r != -EACCES && r != -EMFILE)
		not_refused(p, ASPECT_LANDLOCK, r, "open its root directory");
	note(p->finding, ASPECT_LANDLOCK, VERDICT_PASSED, r == -EMFILE ?
	    "in a domain, and without a descriptor to open a file" :
	    "no file, no look into its like");
	return r < 0 || try(t, &closed, SYS_close, (uint64_t)r, 0, 0, 0, 0);
}

static bool
bind_port(struct tracee *t, int64_t fd, int64_t *result)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int64_t closed;

	return tracee_write(t, &any, sizeof any) &&
	    try(t, result, SYS_bind, (uint64_t)fd, t->scratch, sizeof any, 0,
	    0) &&
	    try(t, &closed, SYS_close, (uint64_t)fd, 0, 0, 0, 0);
}

static bool
try_net(struct tracee *t, const struct service *s, struct subject *p)
{
	int64_t fd, r = -EMFILE;

	if (is_absent(s, p, ASPECT_LOCK_NET, LAYER_LANDLOCK_NET))
		return true;
	if (!try(t, &fd, SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0,
	    0) || (fd >= 0 && !bind_port(t, fd, &r)))
		return false;
	if (fd == -EMFILE)
		note(p->finding, ASPECT_LOCK_NET, VERDICT_PASSED,
		    "in a domain, and without a descriptor to make a socket");
	else if (fd >= 0 && r == -EACCES)
		note(p->finding, ASPECT_LOCK_NET, VERDICT_PASSED,
		    "no TCP port");
	else
		not_refused(p, ASPECT_LOCK_NET, fd < 0 ? fd : r,
		    "bind a TCP port");
	return true;
}

static bool
try_landlock(struct tracee *t, const struct service *s, struct subject *p,
    pid_t twin)
{
	return try_signal(t, s, p, twin) &&
	    (p->declared->landlock != LOCK_ALL ||
	    (try_files(t, p, twin) && try_net(t, s, p) &&
	    try_neighbour(t, s, p)));
}

/* ---- the stop ------------------------------------------------------------ */

/* Where the kernel's own code is in it. */
static bool
find_vdso(int dir, uint64_t *start, uint64_t *end)
{
	struct proc_mapping *maps;
	size_t count;
	bool found = false;

	*start = *end = 0;
	if (proc_mappings(dir, &maps, &count))
		for (size_t i = 0; i < count && !found; i++)
			if (maps[i].ino == 0 &&
			    strcmp(maps[i].name, "[vdso]") == 0) {
				*start = maps[i].start;
				*end = maps[i].end;
				found = true;
			}
	free(maps);
	return found;
}

static void
failed(struct subject *p, const struct tracee *t, enum aspect a)
{
	if (!subject_ended(p))
		note(p->finding, a, VERDICT_FAILED, "%s", t->why);
}

/* Each of these has to have an answer, or has failed. */
static void
unanswered(struct subject *p, const struct tracee *t)
{
	static const enum aspect asked[] = { ASPECT_HIDDEN, ASPECT_DEATH,
	    ASPECT_MDWE, ASPECT_LANDLOCK, ASPECT_LOCK_NET, ASPECT_LOCK_SCOPE };

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
		failed(p, t, asked[i]);
}

static void
ask(struct tracee *t, const struct service *s, struct subject *p, pid_t twin,
    uint64_t vdso, uint64_t vdso_end)
{
	bool ok;

	if (!tracee_begin_calls(t, vdso, vdso_end)) {
		unanswered(p, t);
		return;
	}
	ok = ask_dumpable(t, p) && ask_death(t, p) && ask_mdwe(t, s, p) &&
	    (twin == 0 || try_landlock(t, s, p, twin));
	if (!tracee_end_calls(t) || !ok)
		unanswered(p, t);
}

static void
check_thread(struct service *s, struct subject *p, pid_t tid, pid_t twin)
{
	struct sock_fprog stack[TRACEE_FILTERS];
	size_t depth = 0;
	struct tracee t;
	uint64_t vdso, vdso_end;
	int64_t stopped;
	bool read;

	find_vdso(p->dir, &vdso, &vdso_end);
	if (!tracee_stop(&t, tid)) {
		failed(p, &t, ASPECT_FILTERS);
		unanswered(p, &t);
		return;
	}
	read = tracee_filters(&t, stack, &depth);
	if (!read)
		failed(p, &t, ASPECT_FILTERS);
	if (tid == p->pid)
		ask(&t, s, p, twin, vdso, vdso_end);
	stopped = tracee_release(&t);
	if (stopped > p->stopped)
		p->stopped = stopped;
	if (read)
		check_filters(s, p, stack, depth);
	while (depth > 0)
		free(stack[--depth].filter);
}

/* 0, and the failure is noted. */
static pid_t
find_twin(struct subject *p)
{
	char why[160] = "";
	pid_t twin;

	twin = twin_of(p->dir, &p->status, p->ns, why, sizeof why);
	if (twin == 0 && !subject_ended(p))
		note(p->finding, ASPECT_LOCK_SCOPE, VERDICT_FAILED, "%s", why);
	return twin;
}

void
check_stopped(struct service *s, struct subject *p)
{
	pid_t twin = find_twin(p);
	size_t count;
	int *tid;

	if (p->status.tracer != 0)
		note(p->finding, ASPECT_HIDDEN, VERDICT_FAILED,
		    "process %d traces it", (int)p->status.tracer);
	if (!proc_numbers(p->dir, "task", &tid, &count)) {
		note_unread(p, ASPECT_FILTERS, "its threads");
		return;
	}
	for (size_t i = 0; i < count; i++)
		check_thread(s, p, tid[i], twin);
	free(tid);
}
