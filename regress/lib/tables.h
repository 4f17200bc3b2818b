/*
 * What the policy tables say of a system call, worked out from the rows alone:
 * the other opinion that a compiled filter is compared with.
 */
#ifndef REGRESS_TABLES_H
#define REGRESS_TABLES_H

#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

struct call {
	int		nr;
	uint64_t	arg[6];
};

static inline bool
limit_holds(const struct policy_limit *l, const struct call *c)
{
	switch (l->op) {
	case LIMIT_EQ:
		return c->arg[l->arg] == l->value;
	case LIMIT_MASK:
		return (c->arg[l->arg] & l->mask) == l->value;
	default:
		return true;
	}
}

static inline bool
row_allows(const struct policy_row *row, const struct call *c)
{
	if (seccomp_syscall_resolve_name(row->call) != c->nr)
		return false;
	for (int i = 0; i < POLICY_LIMITS; i++)
		if (!limit_holds(&row->limit[i], c))
			return false;
	return true;
}

static inline bool
table_allows(const struct policy *p, const struct call *c)
{
	for (int g = 0; g < POLICY_GROUPS && p->groups[g] != NULL; g++) {
		if (!policy_group_used(p->groups[g]))
			continue;
		for (size_t i = 0; i < p->groups[g]->count; i++)
			if (row_allows(&p->groups[g]->rows[i], c))
				return true;
	}
	return false;
}

/*
 * A call that the row allows, its free arguments all ones.  False if the
 * machine (SCMP_ARCH_) does not have the call.
 */
static inline bool
call_for_arch(uint32_t arch, const struct policy_row *row, struct call *c)
{
	c->nr = seccomp_syscall_resolve_name_arch(arch, row->call);
	for (int i = 0; i < 6; i++)
		c->arg[i] = UINT64_MAX;
	for (int i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];

		if (l->op == LIMIT_EQ)
			c->arg[l->arg] = l->value;
		else if (l->op == LIMIT_MASK)
			c->arg[l->arg] &= ~l->mask | l->value;
	}
	return c->nr >= 0;
}

static inline bool
call_for(const struct policy_row *row, struct call *c)
{
	return call_for_arch(seccomp_arch_native(), row, c);
}

#endif
