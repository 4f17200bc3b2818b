#include <err.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "coverage.h"
#include "filter.h"

/* ---- the rows ------------------------------------------------------------ */

static void
add_group(struct uses *u, size_t *room, const struct policy_group *g)
{
	if (!policy_group_used(g))
		return;
	for (size_t i = 0; i < u->count; i++)
		if (u->use[i].place.group == g)
			return;
	for (size_t i = 0; i < g->count; i++) {
		u->use = coverage_grow(u->use, u->count, room,
		    sizeof *u->use);
		u->use[u->count++] = (struct use){ .place = { g, &g->rows[i] },
		    .nr = seccomp_syscall_resolve_name(g->rows[i].call) };
	}
}

static void
add_own(struct uses *u, enum policy_id id)
{
	const struct policy *p = policy_get(id);
	size_t room = 0;

	for (size_t i = 0; i < p->own; i++)
		add_group(u, &room, p->groups[i]);
}

/* Whose filter is next to this process's own?  POLICY_COUNT: nobody's. */
static enum policy_id
under(enum policy_id id)
{
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);

	return n < 2 ? POLICY_COUNT : stack[n - 2];
}

static void
add_setup(struct uses *u, enum policy_id id)
{
	size_t room = 0;

	for (enum policy_id other = 0; other < POLICY_COUNT; other++) {
		const struct policy_group *const *g = policy_setup(other);

		for (; under(other) == id && *g != NULL; g++)
			add_group(u, &room, *g);
	}
}

static unsigned short
length_of(enum policy_id id)
{
	struct sock_fprog prog;
	const char *why;

	if (!filter_compile(policy_get(id), &prog, &why))
		err(EX_OSERR, "coverage: cannot compile the table of %s: %s",
		    policy_get(id)->process, why);
	free(prog.filter);
	return prog.len;
}

void
uses_begin(struct coverage *c)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		add_own(&c->uses[id][PHASE_OWN], id);
		add_setup(&c->uses[id][PHASE_SETUP], id);
		c->length[id] = length_of(id);
	}
}

size_t
coverage_unused(const struct coverage *c)
{
	size_t n = 0;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		for (enum phase p = PHASE_OWN; p <= PHASE_SETUP; p++)
			for (size_t i = 0; i < c->uses[id][p].count; i++)
				n += c->uses[id][p].use[i].count == 0 &&
				    !policy_group_reserve(
				    c->uses[id][p].use[i].place.group);
	return n;
}

/* ---- calls --------------------------------------------------------------- */

#define NAMES 1024	/* a power of two, above the number of calls */

/* libseccomp looks a name up in a list; there are millions of calls. */
static int
number_of(const char *name)
{
	static struct {
		char	name[STRACE_NAME];
		int	nr;
	} known[NAMES];
	uint32_t at = 0;

	for (const char *p = name; *p != '\0'; p++)
		at = at * 31 + (unsigned char)*p;
	/* After a few that are others' it is looked up each time. */
	for (int i = 0; i < 8; i++) {
		size_t slot = (at + (uint32_t)i) & (NAMES - 1);

		if (known[slot].name[0] == '\0') {
			strcpy(known[slot].name, name);
			known[slot].nr = seccomp_syscall_resolve_name(name);
		}
		if (strcmp(known[slot].name, name) == 0)
			return known[slot].nr;
	}
	return seccomp_syscall_resolve_name(name);
}

static struct call
as_call(const struct strace_line *l)
{
	struct call c = { .nr = number_of(l->call) };

	for (int i = 0; i < 6; i++) {
		c.arg[i] = l->arg[i];
		c.known[i] = l->known[i] ? UINT64_MAX : 0;
	}
	return c;
}

static bool
allows(const struct policy_group *g, const struct call *call)
{
	for (size_t i = 0; policy_group_used(g) && i < g->count; i++)
		if (match_call(&g->rows[i], call) &&
		    match_limits(&g->rows[i], call) == MATCH_YES)
			return true;
	return false;
}

/*
 * A process of this filter has its own groups.  One that is set up beneath has
 * all that is behind them: also what it needs once more when it is set up.
 */
static const struct policy_group *
allowing_group(enum policy_id id, enum phase phase, bool its_own,
    const struct call *call)
{
	const struct policy *p = policy_get(id);

	for (size_t i = 0; p->groups[i] != NULL; i++)
		if ((i < p->own) == ((phase == PHASE_OWN) == its_own) &&
		    allows(p->groups[i], call))
			return p->groups[i];
	return NULL;
}

static void
note_odd(struct coverage *c, const struct odd *o)
{
	size_t alike = 0;

	for (size_t i = 0; i < c->odds; i++) {
		struct odd *old = &c->odd[i];

		if (old->id != o->id || old->phase != o->phase ||
		    strcmp(old->call.call, o->call.call) != 0)
			continue;
		if (++alike == ODD_EACH || (memcmp(old->call.arg, o->call.arg,
		    sizeof old->call.arg) == 0)) {
			old->count++;
			return;
		}
	}
	c->odd = coverage_grow(c->odd, c->odds, &c->odd_room, sizeof *c->odd);
	c->odd[c->odds] = *o;
	c->odd[c->odds].call.text = NULL;
	c->odd[c->odds++].count = 1;
}

bool
uses_note(struct coverage *c, enum policy_id id, enum phase phase,
    const struct strace_line *line, const struct spot *at)
{
	const struct uses *u = &c->uses[id][phase];
	struct call call = as_call(line);
	enum match best = MATCH_NO;
	struct odd o = { .id = id, .phase = phase, .call = *line,
	    .file = at->file, .line = at->line };

	c->calls++;
	for (size_t i = 0; i < u->count; i++) {
		enum match m;

		if (u->use[i].nr != call.nr)
			continue;
		m = match_limits(u->use[i].place.row, &call);
		u->use[i].count += m == MATCH_YES;
		if (m > best)
			best = m;
	}
	if (best != MATCH_NO)
		return best == MATCH_YES;
	if (allowing_group(id, phase, true, &call) != NULL)
		return true;
	o.other = allowing_group(id, phase, false, &call);
	note_odd(c, &o);
	return true;
}

void
uses_note_kill(struct coverage *c, enum policy_id id, enum phase phase,
    const struct strace_line *line, const struct spot *at)
{
	struct odd o = { .id = id, .phase = phase, .call = *line,
	    .file = at->file, .line = at->line };

	note_odd(c, &o);
}
