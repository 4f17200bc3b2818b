/*
 * What a process may use: its rlimits, against the declared ones
 * (lib/bounds.h).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bounds.h"
#include "page.h"
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

/* Parents and spawners, which are started for so many connections. */
static bool
has_slot(const struct subject *p)
{
	return p->declared->policy == POLICY_PARENT || subject_is_spawner(p);
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
	else if (b == BOUND_FILES && has_slot(p) && r.rlim_max != most)
		note(p->finding, ASPECT_LIMITS, VERDICT_FAILED,
		    "%s is %llu, and it was started for %llu", bounds_name(b),
		    (unsigned long long)r.rlim_max, (unsigned long long)most);
}

void
check_limits(const struct service *s, struct subject *p)
{
	struct bounds_for f = { .pool = true,
	    .log_is_file = S_ISREG(s->log.st_mode) };
	struct bounds want;
	struct slot slot;
	char text[4096];

	if (!read_limits(p, text)) {
		note_unread(p, ASPECT_LIMITS, "its limits");
		return;
	}
	if (page_slot(s, p, &slot)) {
		f.max_connections = slot.max_connections;
		f.share = slot.share;
	} else if (p->declared->program == PROGRAM_WORKER ||
	    p->declared->policy == POLICY_PARENT) {
		if (!subject_ended(p))
			note(p->finding, ASPECT_LIMITS, VERDICT_FAILED,
			    "the supervisor does not say for how many "
			    "connections it was started");
		return;
	}
	want = bounds_of(p->declared->policy, &f);
	for (int i = 0; i < BOUND_COUNT; i++)
		compare(p, text, &want, (enum bound)i);
	note(p->finding, ASPECT_LIMITS, VERDICT_PASSED,
	    want.soft[BOUND_FILES] ? "all seven as declared, but descriptors "
	    "and memory can be raised, for those beneath" :
	    "all seven as declared");
}
