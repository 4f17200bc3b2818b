#include "filters.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* ---- instruction by instruction ------------------------------------------ */

/* The first that differs. */
static size_t
first_difference(const struct sock_fprog *a, const struct sock_fprog *b)
{
	size_t i = 0;

	while (i < a->len && i < b->len && memcmp(&a->filter[i], &b->filter[i],
	    sizeof a->filter[i]) == 0)
		i++;
	return i;
}

static void
compare_one(struct subject *p, const struct sock_fprog *its,
    const struct sock_fprog *table, const char *name, size_t number)
{
	if (!same_program(its, table))
		note(p->finding, ASPECT_FILTERS, VERDICT_FAILED,
		    "filter %zu is not the table of %s: %u instructions, not "
		    "%u; the first that differs is %zu", number, name,
		    its->len, table->len, first_difference(its, table));
}

static void
tell_filters(struct subject *p, const enum policy_id *id,
    const struct sock_fprog *stack, size_t depth, size_t around)
{
	char text[160] = "";

	for (size_t i = 0; i < depth; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof text - used, "%s%s %u",
		    i == 0 ? "" : ", ", policy_get(id[i])->process,
		    stack[i].len);
	}
	if (around > 0)
		snprintf(text + strlen(text), sizeof text - strlen(text),
		    "; around them %zu of who started it", around);
	note(p->finding, ASPECT_FILTERS, VERDICT_PASSED, "as the tables, "
	    "instruction by instruction: %s", text);
}

/* ---- what they let through ----------------------------------------------- */

static bool
has_row(enum policy_id id, uint32_t nr)
{
	const struct policy *p = policy_get(id);

	for (size_t g = 0; g < POLICY_GROUPS && p->groups[g] != NULL; g++) {
		if (!policy_group_used(p->groups[g]))
			continue;
		for (size_t i = 0; i < p->groups[g]->count; i++)
			if (seccomp_syscall_resolve_name(
			    p->groups[g]->rows[i].call) == (int)nr)
				return true;
	}
	return false;
}

static bool
is_declared(const enum policy_id *id, size_t depth, uint32_t nr)
{
	for (size_t i = 0; i < depth; i++)
		if (!has_row(id[i], nr))
			return false;
	return true;
}

/* Some names, and how many more. */
struct names {
	char	text[200];
	size_t	count;
};

static void
add_name(struct names *n, const char *name)
{
	size_t used = strlen(n->text);

	if (used + strlen(name) + 3 < sizeof n->text)
		snprintf(n->text + used, sizeof n->text - used, "%s%s",
		    used == 0 ? "" : " ", name);
	n->count++;
}

static void
judge_call(const struct reach_call *c, const enum policy_id *id, size_t depth,
    struct names *wrong, struct names *unclear)
{
	if (c->verdict == BPF_UNCLEAR)
		add_name(unclear, c->name);
	else if (!c->unfiltered && (c->entry != 0 ||
	    !is_declared(id, depth, c->nr)))
		add_name(wrong, c->name);
}

/* `own` is what our filters let through; `p->reach`, with those around them. */
static void
check_reach(struct subject *p, const struct reach *own_reach,
    const enum policy_id *id, size_t depth)
{
	struct names wrong = { "", 0 }, unclear = { "", 0 }, lost = { "", 0 };
	size_t own = 0;

	for (size_t i = 0; i < p->reach->calls; i++) {
		judge_call(&p->reach->call[i], id, depth, &wrong, &unclear);
		own += p->reach->call[i].entry == 0 &&
		    !p->reach->call[i].unfiltered;
	}
	for (uint32_t nr = 0; nr < REACH_NUMBERS; nr++)
		if (is_declared(id, depth, nr) &&
		    reach_find(own_reach, nr) == NULL) {
			char *name = seccomp_syscall_resolve_num_arch(
			    SCMP_ARCH_NATIVE, (int)nr);

			add_name(&lost, name == NULL ? "?" : name);
			free(name);
		}
	if (wrong.count > 0)
		note(p->finding, ASPECT_REACH, VERDICT_FAILED,
		    "%zu calls that no table has: %s", wrong.count, wrong.text);
	if (unclear.count > 0)
		note(p->finding, ASPECT_REACH, VERDICT_FAILED, "of %zu calls "
		    "it is unclear: %s", unclear.count, unclear.text);
	if (lost.count > 0)
		note(p->finding, ASPECT_REACH, VERDICT_FAILED,
		    "%zu declared calls are refused: %s", lost.count,
		    lost.text);
	note(p->finding, ASPECT_REACH, VERDICT_PASSED,
	    "%zu calls, all declared; none as i386, x32 or unknown", own);
}

void
check_filters(struct service *s, struct subject *p,
    const struct sock_fprog *stack, size_t depth)
{
	enum policy_id id[POLICY_DEPTH];
	size_t want = policy_stack(p->declared->policy, id);
	size_t around;

	/*
	 * What lies around the supervisor lies around all: it can only forbid.
	 */
	if (p == s->all[0])
		s->filters_around = depth > want ? depth - want : 0;
	around = s->filters_around < depth ? s->filters_around : depth;
	if (p->status.seccomp != 2 || (size_t)p->status.filters != depth)
		note(p->finding, ASPECT_FILTERS, VERDICT_FAILED,
		    "status says mode %d and %d filters; %zu were read",
		    p->status.seccomp, p->status.filters, depth);
	p->reach = reach_of(stack, depth);
	stack += around;
	depth -= around;
	if (depth != want)
		note(p->finding, ASPECT_FILTERS, VERDICT_FAILED,
		    "%zu filters, not %zu", depth, want);
	for (size_t i = 0; i < depth && i < want; i++)
		compare_one(p, &stack[i], &s->table[id[i]],
		    policy_get(id[i])->process, around + i + 1);
	tell_filters(p, id, stack, depth < want ? depth : want, around);
	check_reach(p, reach_of(stack, depth), id, want);
}
