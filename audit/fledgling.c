/*
 * The start of a worker, from its fork to its filter, call by call.
 *
 * Whom a spawner forks has, by inheritance, as many filters as the spawner; its
 * own comes some calls later.  Met before that and left alone, it may be gone
 * by the next look, and nobody could say whether it would ever have had one: a
 * spawner that was taken over would only have to be quick.
 */
#include <signal.h>
#include <sys/wait.h>

#include "service.h"
#include "tracee.h"

/* Beginnings and ends of calls: a relay worker makes 40 calls or so. */
#define STEPS_MAX 400

/* Has such a one of that spawner been found?  It may have a thousand more. */
static bool
is_known(const struct service *s, const struct subject *spawner)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct subject *p = s->all[i];

		if (p->unfledged && subject_spawner(p) == spawner)
			return true;
	}
	return false;
}

/*
 * The filters that whoever its spawner forks now inherits; 0 if no spawner has
 * forked it, or none that has its own filter by now.
 */
static int
inherited(const struct service *s, const struct subject *p)
{
	const struct subject *spawner = subject_spawner(p);
	struct proc_status st;

	return spawner != NULL && proc_status(spawner->dir, &st) &&
	    (size_t)st.filters == subject_filters(s, spawner->declared) &&
	    !is_known(s, spawner) ? st.filters : 0;
}

/*
 * Has it those alone?  So has init, which is older than its spawner's filter.
 * One that somebody has stopped is not set going.
 */
static bool
is_fledgling(const struct subject *p, int filters)
{
	struct proc_status st;

	return filters > 0 && proc_status(p->dir, &st) &&
	    st.filters == filters && st.inner != 1 && st.state != 'T';
}

static void
tell_end(struct subject *p, int end)
{
	p->gone = true;
	p->killed = WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL;
	if (WIFSIGNALED(end))
		note(p->finding, ASPECT_FILTERS, VERDICT_FAILED, "it never had "
		    "a filter of its own: signal %d ended it", WTERMSIG(end));
	else
		note(p->finding, ASPECT_FILTERS, VERDICT_FAILED, "it never had "
		    "a filter of its own: it ended by itself, with status %d",
		    WEXITSTATUS(end));
}

bool
check_start(const struct service *s, struct subject *p)
{
	int filters = inherited(s, p), steps = 0, end = 0;
	bool young;
	struct tracee t;

	if (!is_fledgling(p, filters) || !tracee_stop(&t, p->pid))
		return true;
	while ((young = is_fledgling(p, filters)) && steps < STEPS_MAX &&
	    tracee_step(&t, &end))
		steps++;
	tracee_release(&t);
	p->unfledged = young;
	if (young && t.gone)
		tell_end(p, end);
	return !(young && t.gone);
}
