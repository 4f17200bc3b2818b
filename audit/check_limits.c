/*
 * What a process may use: its rlimits, against the declared ones
 * (lib/bounds.h).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bounds.h"
#include "service.h"

/* As /proc/PID/limits calls them. */
static const char *const lines[BOUND_COUNT] = {
	[BOUND_FILES] = "Max open files",
	[BOUND_PROCESSES] = "Max processes",
	[BOUND_MEMORY] = "Max data size",
	[BOUND_STACK] = "Max stack size",
	[BOUND_FILE_SIZE] = "Max file size",
	[BOUND_CORE] = "Max core file size",
	[BOUND_QUEUES] = "Max msgqueue size",
};

/* A name, and two numbers or "unlimited". */
static bool
parse_limit(const char *text, enum bound b, struct rlimit *r)
{
	const char *p = strstr(text, lines[b]);
	rlim_t v[2];
	char *end;

	if (p == NULL)
		return false;
	p += strlen(lines[b]);
	for (int i = 0; i < 2; i++) {
		p += strspn(p, " ");
		if (strncmp(p, "unlimited", 9) == 0) {
			v[i] = RLIM_INFINITY;
			p += 9;
			continue;
		}
		v[i] = strtoull(p, &end, 10);
		if (end == p)
			return false;
		p = end;
	}
	*r = (struct rlimit){ v[0], v[1] };
	return true;
}

static bool
read_limits(const struct subject *p, char text[4096])
{
	size_t len;

	if (!proc_read(p->dir, "limits", text, 4095, &len))
		return false;
	text[len] = '\0';
	return true;
}

/*
 * max-connections is in no file that we read.  A parent's and its spawner's
 * limits of descriptors follow from it, each in its own way.
 */
static bool
connections_of(const struct subject *p, uint32_t *n)
{
	char text[4096];
	struct rlimit r;

	while (p != NULL && p->declared != NULL &&
	    p->declared->policy != POLICY_PARENT)
		p = p->parent;
	if (p == NULL || p->declared == NULL || !read_limits(p, text) ||
	    !parse_limit(text, BOUND_FILES, &r) ||
	    r.rlim_max < BOUNDS_PARENT_FILES || r.rlim_max > UINT32_MAX)
		return false;
	*n = (uint32_t)(r.rlim_max - BOUNDS_PARENT_FILES) / 2;
	return true;
}

static void
compare(struct subject *p, const char *text, const struct bounds *want,
    enum bound b)
{
	rlim_t most = want->most[b];
	struct rlimit r;

	if (!parse_limit(text, b, &r))
		note(p->finding, ASPECT_LIMITS, VERDICT_FAILED,
		    "%s cannot be read", bounds_name(b));
	else if (r.rlim_cur > most || (r.rlim_max > most && !want->soft[b]))
		note(p->finding, ASPECT_LIMITS, VERDICT_FAILED,
		    "%s is %llu, up to %llu, not %llu", bounds_name(b),
		    (unsigned long long)r.rlim_cur,
		    (unsigned long long)r.rlim_max, (unsigned long long)most);
	else if (b == BOUND_FILES && p->declared->parent >= 0 &&
	    p->declared->dies_with_parent &&
	    p->declared->program == PROGRAM_WORKER && r.rlim_max != most)
		note(p->finding, ASPECT_LIMITS, VERDICT_FAILED,
		    "%s is %llu, and its parent's is for %llu", bounds_name(b),
		    (unsigned long long)r.rlim_max, (unsigned long long)most);
}

void
check_limits(const struct service *s, struct subject *p)
{
	struct bounds_for f = { .pool = true,
	    .log_is_file = S_ISREG(s->log.st_mode) };
	struct bounds want;
	char text[4096];

	if (!read_limits(p, text)) {
		note_unread(p, ASPECT_LIMITS, "its limits");
		return;
	}
	if (p->declared->program == PROGRAM_WORKER &&
	    !connections_of(p, &f.max_connections)) {
		note_unread(p, ASPECT_LIMITS, "its parent's limits");
		return;
	}
	/* How many share them is told nowhere: a parent alone has the most. */
	if (p->declared->policy == POLICY_PARENT &&
	    connections_of(p, &f.max_connections))
		f.share = f.max_connections;
	want = bounds_of(p->declared->policy, &f);
	for (int i = 0; i < BOUND_COUNT; i++)
		compare(p, text, &want, (enum bound)i);
	note(p->finding, ASPECT_LIMITS, VERDICT_PASSED,
	    want.soft[BOUND_FILES] ? "all seven as declared, but descriptors "
	    "and memory can be raised, for those beneath" :
	    "all seven as declared");
}
