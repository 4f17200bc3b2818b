/*
 * What only the kernel, or the process itself, can tell: it is stopped, once,
 * for as long as it takes to read its filters and to try a few calls in its
 * place.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "confine.h"
#include "filters.h"
#include "landlock.h"
#include "service.h"
#include "tracee.h"
#include "twin.h"

/* ---- what it says of itself ---------------------------------------------- */

static bool
ask_dumpable(struct tracee *t, struct subject *p)
{
	int64_t r;

	if (!tracee_try(t, &r, SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0))
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
	    !tracee_try(t, &r, SYS_prctl, PR_GET_PDEATHSIG, t->scratch, 0, 0, 0) ||
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

static bool
ask_mdwe(struct tracee *t, const struct service *s, struct subject *p)
{
	int64_t r;

	if (note_absent(s, p, ASPECT_MDWE, LAYER_MDWE))
		return true;
	if (!tracee_try(t, &r, SYS_prctl, PR_GET_MDWE, 0, 0, 0, 0))
		return false;
	if (r >= 0 && (r & PR_MDWE_REFUSE_EXEC_GAIN) != 0)
		note(p->finding, ASPECT_MDWE, VERDICT_PASSED,
		    "no memory becomes executable");
	else
		note(p->finding, ASPECT_MDWE, VERDICT_FAILED,
		    "memory can become executable");
	return true;
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
	    (twin == 0 || check_landlock(t, s, p, twin));
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
