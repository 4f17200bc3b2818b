#include "match.h"

#include <seccomp.h>

bool
match_call(const struct policy_row *row, const struct call *c)
{
	return seccomp_syscall_resolve_name(row->call) == c->nr;
}

/* A limit is about some bits of an argument, most about all. */
static uint64_t
bits_of(const struct policy_limit *l)
{
	return l->op == LIMIT_MASK ? l->mask : UINT64_MAX;
}

enum match
match_limits(const struct policy_row *row, const struct call *c)
{
	enum match m = MATCH_YES;

	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];
		uint64_t bits = bits_of(l);

		if (l->op == LIMIT_NONE)
			continue;
		if ((c->arg[l->arg] ^ l->value) & bits & c->known[l->arg])
			return MATCH_NO;
		if (bits & ~c->known[l->arg])
			m = MATCH_PERHAPS;
	}
	return m;
}

unsigned int
match_held(const struct policy_row *row, const struct call *c)
{
	unsigned int held = 0;

	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];

		held += l->op != LIMIT_NONE &&
		    (bits_of(l) & ~c->known[l->arg]) == 0 &&
		    ((c->arg[l->arg] ^ l->value) & bits_of(l)) == 0;
	}
	return held;
}

bool
match_narrow(struct call *c, const struct policy_row *row)
{
	if (match_limits(row, c) == MATCH_NO)
		return false;
	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];

		if (l->op == LIMIT_NONE)
			continue;
		c->arg[l->arg] = (c->arg[l->arg] & ~bits_of(l)) | l->value;
		c->known[l->arg] |= bits_of(l);
	}
	return true;
}

enum match
match_table(enum policy_id table, const struct call *c)
{
	struct cursor at = { 0, 0 };
	enum match best = MATCH_NO;
	struct place p;

	while (match_next(table, &at, &p))
		if (match_call(p.row, c) && match_limits(p.row, c) > best)
			best = match_limits(p.row, c);
	return best;
}

enum match
match_process(enum policy_id id, const struct call *c)
{
	enum policy_id stack[POLICY_DEPTH];
	size_t n = policy_stack(id, stack);
	enum match strictest = MATCH_YES;

	for (size_t i = 0; i < n; i++) {
		enum match m = match_table(stack[i], c);

		if (m < strictest)
			strictest = m;
	}
	return strictest;
}

bool
match_next(enum policy_id table, struct cursor *at, struct place *p)
{
	const struct policy *t = policy_get(table);

	for (; t->groups[at->group] != NULL; at->group++, at->row = 0) {
		const struct policy_group *g = t->groups[at->group];

		if (!policy_group_used(g) || at->row >= g->count)
			continue;
		p->group = g;
		p->row = &g->rows[at->row++];
		return true;
	}
	return false;
}
