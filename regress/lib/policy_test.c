/*
 * The tables themselves: well-formed, and what DESIGN says of them.
 */
#include <atf-c.h>
#include <seccomp.h>
#include <string.h>

#include "policy.h"
#include "tables.h"

typedef void row_check(const struct policy *, const struct policy_group *,
    const struct policy_row *, const struct policy_row *before);

static void
each_row(row_check *check)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = policy_get(id);

		for (size_t g = 0; g < POLICY_GROUPS && p->groups[g]; g++) {
			const struct policy_group *group = p->groups[g];

			for (size_t i = 0; i < group->count; i++)
				check(p, group, &group->rows[i], i == 0 ? NULL :
				    &group->rows[i - 1]);
		}
	}
}

ATF_TC_WITHOUT_HEAD(policies);
ATF_TC_BODY(policies, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = policy_get(id);

		ATF_REQUIRE(p != NULL && p->process != NULL);
		ATF_CHECK(strlen(p->process) > 0);
		ATF_CHECK(p->groups[0] != NULL);
		/* room for one more: a list that is full may be cut */
		ATF_CHECK(p->groups[POLICY_GROUPS - 1] == NULL);
		for (enum policy_id other = 0; other < id; other++)
			ATF_CHECK(strcmp(p->process,
			    policy_get(other)->process) != 0);
		for (size_t g = 0; p->groups[g] != NULL; g++)
			ATF_CHECK(strlen(p->groups[g]->name) > 0 &&
			    p->groups[g]->count > 0);
	}
}

static void
has_call(const struct policy *p, const struct policy_group *g,
    const struct policy_row *row, const struct policy_row *before)
{
	(void)before;
	ATF_CHECK_MSG(seccomp_syscall_resolve_name(row->call) !=
	    __NR_SCMP_ERROR, "%s, %s: %s: no such call", p->process, g->name,
	    row->call);
}

ATF_TC_WITHOUT_HEAD(calls_exist);
ATF_TC_BODY(calls_exist, tc)
{
	each_row(has_call);
}

static void
has_reason(const struct policy *p, const struct policy_group *g,
    const struct policy_row *row, const struct policy_row *before)
{
	(void)before;
	ATF_CHECK_MSG(row->reason != NULL && strlen(row->reason) > 3,
	    "%s, %s: %s: no reason", p->process, g->name, row->call);
}

ATF_TC_WITHOUT_HEAD(reasons);
ATF_TC_BODY(reasons, tc)
{
	each_row(has_reason);
}

static bool
same_limits(const struct policy_row *a, const struct policy_row *b)
{
	for (size_t i = 0; i < POLICY_LIMITS; i++)
		if (a->limit[i].arg != b->limit[i].arg ||
		    a->limit[i].op != b->limit[i].op ||
		    a->limit[i].value != b->limit[i].value ||
		    a->limit[i].mask != b->limit[i].mask)
			return false;
	return true;
}

static bool
has_limit(const struct policy_row *row)
{
	for (size_t i = 0; i < POLICY_LIMITS; i++)
		if (row->limit[i].op != LIMIT_NONE)
			return true;
	return false;
}

/*
 * Sorted by call; a call stands twice only with limits, and different ones (an
 * unlimited row beside a limited one would make the limit a lie).
 */
static void
in_order(const struct policy *p, const struct policy_group *g,
    const struct policy_row *row, const struct policy_row *before)
{
	int order = before == NULL ? -1 : strcmp(before->call, row->call);

	ATF_CHECK_MSG(order <= 0, "%s, %s: %s stands after %s", p->process,
	    g->name, row->call, before == NULL ? "" : before->call);
	ATF_CHECK_MSG(order != 0 || (has_limit(row) && has_limit(before) &&
	    !same_limits(row, before)), "%s, %s: %s stands there twice",
	    p->process, g->name, row->call);
}

ATF_TC_WITHOUT_HEAD(sorted);
ATF_TC_BODY(sorted, tc)
{
	each_row(in_order);
}

static void
sound_limits(const struct policy *p, const struct policy_group *g,
    const struct policy_row *row, const struct policy_row *before)
{
	(void)before;
	for (size_t i = 0; i < POLICY_LIMITS; i++) {
		const struct policy_limit *l = &row->limit[i];

		ATF_CHECK(l->op <= LIMIT_MASK);
		ATF_CHECK(l->arg <= 5);
		/* one that could never hold, or always holds, is a mistake */
		ATF_CHECK_MSG(l->op != LIMIT_MASK || (l->mask != 0 &&
		    (l->value & ~l->mask) == 0), "%s, %s: %s: mask",
		    p->process, g->name, row->call);
	}
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	each_row(sound_limits);
}

/*
 * A filter is inherited: what a process allows to itself must be allowed by
 * all that it was started under, or its first use of it is its death.
 */
static void
within(enum policy_id inner, enum policy_id outer)
{
	const struct policy *p = policy_get(inner);

	for (size_t g = 0; p->groups[g] != NULL; g++) {
		if (!policy_group_used(p->groups[g]))
			continue;
		for (size_t i = 0; i < p->groups[g]->count; i++) {
			const struct policy_row *row = &p->groups[g]->rows[i];
			struct call c;

			if (!call_for(row, &c))
				continue;
			ATF_CHECK_MSG(table_allows(policy_get(outer), &c),
			    "%s allows itself %s, %s does not", p->process,
			    row->call, policy_get(outer)->process);
		}
	}
}

ATF_TC_WITHOUT_HEAD(inherited);
ATF_TC_BODY(inherited, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		enum policy_id stack[POLICY_DEPTH];
		size_t n = policy_stack(id, stack);

		ATF_REQUIRE(n >= 1 && n <= POLICY_DEPTH);
		ATF_CHECK_EQ(id, stack[n - 1]);
		for (size_t i = 0; i + 1 < n; i++)
			within(id, stack[i]);
	}
}

/* Who lies under whom is what the processes do (DESIGN, Processes). */
ATF_TC_WITHOUT_HEAD(stacks);
ATF_TC_BODY(stacks, tc)
{
	enum policy_id stack[POLICY_DEPTH];

	ATF_CHECK_EQ(1, policy_stack(POLICY_SUPERVISOR, stack));
	ATF_CHECK_EQ(2, policy_stack(POLICY_PARENT, stack));
	ATF_CHECK_EQ(2, policy_stack(POLICY_INIT, stack));
	ATF_CHECK_EQ(3, policy_stack(POLICY_ECHO, stack));
	ATF_CHECK_EQ(POLICY_SUPERVISOR, stack[0]);
	ATF_CHECK_EQ(POLICY_SPAWNER, stack[1]);
	ATF_CHECK_EQ(1, policy_stack(POLICY_CLIENT, stack));
}

/* read(3), write(3), exit_group: nothing else, in an ordinary build. */
ATF_TC_WITHOUT_HEAD(echo_has_three);
ATF_TC_BODY(echo_has_three, tc)
{
	static const char *const three[] = { "exit_group", "read", "write" };
	const struct policy *p = policy_get(POLICY_ECHO);
	size_t n = 0;

	for (size_t g = 0; p->groups[g] != NULL; g++) {
		if (p->groups[g]->when != WHEN_ALWAYS)
			continue;
		for (size_t i = 0; i < p->groups[g]->count; i++, n++) {
			const struct policy_row *row = &p->groups[g]->rows[i];

			ATF_REQUIRE(n < 3);
			ATF_CHECK_STREQ(three[n], row->call);
			if (n == 0)
				continue;
			ATF_CHECK_EQ(LIMIT_EQ, row->limit[0].op);
			ATF_CHECK_EQ(0, row->limit[0].arg);
			ATF_CHECK_EQ(3, row->limit[0].value);
		}
	}
	ATF_CHECK_EQ(3, n);
}

ATF_TC_WITHOUT_HEAD(groups_used);
ATF_TC_BODY(groups_used, tc)
{
	const struct policy_group always = { .when = WHEN_ALWAYS };
	const struct policy_group sanitized = { .when = WHEN_SANITIZED };

	ATF_CHECK(policy_group_used(&always));
#ifdef POSTERN_SANITIZED
	ATF_CHECK(policy_group_used(&sanitized));
#else
	ATF_CHECK(!policy_group_used(&sanitized));
#endif
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, policies);
	ATF_TP_ADD_TC(tp, calls_exist);
	ATF_TP_ADD_TC(tp, reasons);
	ATF_TP_ADD_TC(tp, sorted);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, inherited);
	ATF_TP_ADD_TC(tp, stacks);
	ATF_TP_ADD_TC(tp, echo_has_three);
	ATF_TP_ADD_TC(tp, groups_used);
	return atf_no_error();
}
