/*
 * The tables themselves: well-formed, and what DESIGN says of them.
 */
#include <atf-c.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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
		ATF_CHECK(p->own > 0 && p->groups[p->own - 1] != NULL);
		for (enum policy_id other = 0; other < id; other++)
			ATF_CHECK(strcmp(p->process,
			    policy_get(other)->process) != 0);
		for (size_t g = 0; p->groups[g] != NULL; g++)
			ATF_CHECK(strlen(p->groups[g]->name) > 0 &&
			    p->groups[g]->count > 0);
	}
}

/* On every machine on which the row counts. */
static void
has_call(const struct policy *p, const struct policy_group *g,
    const struct policy_row *row, const struct policy_row *before)
{
	(void)before;
	ATF_CHECK_MSG(!policy_group_used_on(g, true) ||
	    seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, row->call) >=
	    0, "%s, %s: %s: not on x86_64", p->process, g->name, row->call);
	ATF_CHECK_MSG(!policy_group_used_on(g, false) ||
	    seccomp_syscall_resolve_name_arch(SCMP_ARCH_AARCH64, row->call) >=
	    0, "%s, %s: %s: not on aarch64", p->process, g->name, row->call);
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

/*
 * A command shows a row by itself: its reason may not go on from another's, or
 * be about what only another names.  A question may begin with "which".
 */
static bool
goes_on(const char *reason)
{
	static const char *const words[] = { "and ", "as well", "but ", "into ",
	    "one ", "ones ", "or ", "so ", "such ", "that ", "the same ",
	    "then ", "these ", "they ", "this ", "those ", "to ", "which " };
	size_t n = strlen(reason);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strncmp(reason, words[i], strlen(words[i])) == 0)
			return strcmp(words[i], "which ") != 0 ||
			    reason[n - 1] != '?';
	return false;
}

static void
stands_alone(const struct policy *p, const struct policy_group *g,
    const struct policy_row *row, const struct policy_row *before)
{
	(void)before;
	ATF_CHECK_MSG(!goes_on(row->reason), "%s, %s: %s: \"%s\"", p->process,
	    g->name, row->call, row->reason);
}

ATF_TC_WITHOUT_HEAD(reasons_alone);
ATF_TC_BODY(reasons_alone, tc)
{
	size_t n;
	const struct policy_capability *c = policy_capabilities(&n);

	ATF_CHECK(goes_on("which is removed"));
	ATF_CHECK(!goes_on("which capabilities could it get?"));
	each_row(stands_alone);
	for (size_t i = 0; i < n; i++)
		ATF_CHECK_MSG(!goes_on(c[i].reason), "%s", c[i].reason);
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

/* Does `wide` allow all that `narrow` does?  For limits of the same shape. */
static bool
limit_within(const struct policy_limit *narrow, const struct policy_limit *wide)
{
	uint64_t mask = wide->op == LIMIT_EQ ? UINT64_MAX : wide->mask;

	if (wide->op == LIMIT_NONE)
		return true;
	if (narrow->op == LIMIT_NONE || narrow->arg != wide->arg ||
	    (narrow->op == LIMIT_MASK && (narrow->mask & mask) != mask))
		return false;
	return (narrow->value & mask) == wide->value;
}

static bool
row_within(const struct policy_row *narrow, const struct policy_row *wide)
{
	if (strcmp(narrow->call, wide->call) != 0)
		return false;
	for (size_t w = 0; w < POLICY_LIMITS; w++) {
		bool held = false;

		for (size_t n = 0; n < POLICY_LIMITS; n++)
			held |= limit_within(&narrow->limit[n],
			    &wide->limit[w]);
		if (!held)
			return false;
	}
	return true;
}

static void
alone_in_group(const struct policy *p, const struct policy_row *row,
    const struct policy_group *g)
{
	for (size_t i = 0; i < g->count; i++)
		ATF_CHECK_MSG(row == &g->rows[i] ||
		    !row_within(row, &g->rows[i]), "%s: %s is in the table "
		    "already, in %s (\"%s\")", p->process, row->call, g->name,
		    row->reason);
}

/* No row of a process's own says what another of them says already. */
ATF_TC_WITHOUT_HEAD(no_row_twice);
ATF_TC_BODY(no_row_twice, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = policy_get(id);

		for (size_t i = 0; i < p->own * p->own; i++) {
			const struct policy_group *a = p->groups[i / p->own];
			const struct policy_group *b = p->groups[i % p->own];

			/* A sanitizer's are its own business. */
			if ((a->when | b->when) & WHEN_SANITIZED)
				continue;
			for (size_t r = 0; r < a->count; r++)
				alone_in_group(p, &a->rows[r], b);
		}
	}
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
	ATF_CHECK_EQ(3, policy_stack(POLICY_POOL, stack));
	ATF_CHECK_EQ(POLICY_POOL_SPAWNER, stack[1]);
	ATF_CHECK_EQ(3, policy_stack(POLICY_RELAY, stack));
	ATF_CHECK_EQ(POLICY_RELAY_SPAWNER, stack[1]);
	ATF_CHECK_EQ(3, policy_stack(POLICY_DIALER, stack));
	ATF_CHECK_EQ(POLICY_DIAL_SPAWNER, stack[1]);
	ATF_CHECK_EQ(1, policy_stack(POLICY_CLIENT, stack));
}

static bool
has_group(const struct policy *p, const char *name)
{
	for (size_t g = 0; p->groups[g] != NULL; g++)
		if (strcmp(p->groups[g]->name, name) == 0)
			return true;
	return false;
}

/* What a pool needs only its spawner has, and the supervisor beneath. */
ATF_TC_WITHOUT_HEAD(pool_apart);
ATF_TC_BODY(pool_apart, tc)
{
	static const char *const names[] = { "pool", "pooling", "fledge-pool" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		ATF_CHECK(has_group(policy_get(POLICY_POOL_SPAWNER), names[i]));
		ATF_CHECK(has_group(policy_get(POLICY_SUPERVISOR), names[i]));
		ATF_CHECK(!has_group(policy_get(POLICY_SPAWNER), names[i]));
	}
	ATF_CHECK(!has_group(policy_get(POLICY_POOL_SPAWNER), "echo"));
}

/* Nor does who makes echo workers have what relay workers need. */
ATF_TC_WITHOUT_HEAD(relay_apart);
ATF_TC_BODY(relay_apart, tc)
{
	static const char *const names[] = { "relay", "relaying",
	    "fledge-relay" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		ATF_CHECK(has_group(policy_get(POLICY_RELAY_SPAWNER),
		    names[i]));
		ATF_CHECK(has_group(policy_get(POLICY_SUPERVISOR), names[i]));
		ATF_CHECK(!has_group(policy_get(POLICY_SPAWNER), names[i]));
		ATF_CHECK(!has_group(policy_get(POLICY_POOL_SPAWNER),
		    names[i]));
	}
	ATF_CHECK(!has_group(policy_get(POLICY_RELAY_SPAWNER), "echo"));
}

static bool
has_row(enum policy_id id, const char *call)
{
	const struct policy *p = policy_get(id);

	for (size_t g = 0; p->groups[g] != NULL; g++)
		for (size_t i = 0; policy_group_used_on(p->groups[g], true) &&
		    (p->groups[g]->when & WHEN_SANITIZED) == 0 &&
		    i < p->groups[g]->count; i++)
			if (strcmp(p->groups[g]->rows[i].call, call) == 0)
				return true;
	return false;
}

/*
 * A dialer connects to what lies at one place in its memory: every row for that
 * says so, and none is for anything that could change what lies there.
 */
ATF_TC_WITHOUT_HEAD(dialer_connects_to_one);
ATF_TC_BODY(dialer_connects_to_one, tc)
{
	static const char *const never[] = { "mmap", "munmap", "mremap",
	    "mprotect", "pkey_mprotect", "madvise", "process_madvise",
	    "remap_file_pages", "shmat", "userfaultfd", "ptrace",
	    "process_vm_writev", "openat", "open", "clone", "bind", "listen",
	    "accept4", "prctl", "io_uring_setup" };
	struct call c = { .nr = SYS_connect, .arg = { 5, POLICY_DIAL_ADDRESS,
	    110 } };

	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
		ATF_CHECK_MSG(!has_row(POLICY_DIALER, never[i]), "%s",
		    never[i]);
	ATF_CHECK(table_allows(policy_get(POLICY_DIALER), &c));
	/* Of a local socket's name a shorter one. */
	for (uint64_t len = 0; len < 128; len++) {
		c.arg[2] = len;
		ATF_CHECK_EQ(len == 110, table_allows(policy_get(POLICY_DIALER),
		    &c));
	}
	c.arg[2] = 110;
	c.arg[1]++;
	ATF_CHECK(!table_allows(policy_get(POLICY_DIALER), &c));
	c.arg[1] = POLICY_DIAL_ADDRESS | UINT64_C(1) << 32;
	ATF_CHECK(!table_allows(policy_get(POLICY_DIALER), &c));
}

/* Six calls, each for its two descriptors alone. */
ATF_TC_WITHOUT_HEAD(relay_has_six);
ATF_TC_BODY(relay_has_six, tc)
{
	static const char *const six[] = { "exit_group", "ppoll", "read",
	    "read", "setsockopt", "shutdown", "shutdown", "write", "write" };
	const struct policy *p = policy_get(POLICY_RELAY);

	ATF_REQUIRE_EQ(sizeof six / sizeof six[0], p->groups[0]->count);
	for (size_t i = 0; i < p->groups[0]->count; i++) {
		const struct policy_row *row = &p->groups[0]->rows[i];

		ATF_CHECK_STREQ(six[i], row->call);
		ATF_CHECK(i < 2 || (row->limit[0].op == LIMIT_EQ &&
		    row->limit[0].arg == 0 && (row->limit[0].value == 3 ||
		    row->limit[0].value == 4)));
	}
	for (size_t g = 1; p->groups[g] != NULL; g++)
		ATF_CHECK((p->groups[g]->when & WHEN_SANITIZED) != 0);
}

ATF_TC_WITHOUT_HEAD(titles);
ATF_TC_BODY(titles, tc)
{
	enum policy_id id;

	ATF_CHECK(policy_of_title("posternd: supervisor", &id));
	ATF_CHECK_EQ(POLICY_SUPERVISOR, id);
	ATF_CHECK(policy_of_title("posternd: parent 12", &id));
	ATF_CHECK_EQ(POLICY_PARENT, id);
	ATF_CHECK(policy_of_title("postern-worker: spawner", &id));
	ATF_CHECK_EQ(POLICY_SPAWNER, id);
	ATF_CHECK(policy_of_title("postern-worker: pool-spawner", &id));
	ATF_CHECK_EQ(POLICY_POOL_SPAWNER, id);
	ATF_CHECK(policy_of_title("postern-worker: pool", &id));
	ATF_CHECK_EQ(POLICY_POOL, id);
	ATF_CHECK(!policy_of_title("posternd: parent ", &id));
	ATF_CHECK(!policy_of_title("posternd: parent x", &id));
	ATF_CHECK(!policy_of_title("posternd: parents", &id));
	ATF_CHECK(!policy_of_title("posternd", &id));
	ATF_CHECK(!policy_of_title("", &id));
	for (id = 0; id < POLICY_COUNT; id++) {
		const char *title = policy_get(id)->title;
		enum policy_id found;

		ATF_CHECK(title == NULL || (policy_of_title(title, &found) &&
		    found == id));
	}
}

/*
 * Nobody sends a signal by number, to another's process, a group or all; the
 * supervisor alone has handles on what it has started, and no call that makes
 * one of a number.
 */
ATF_TC_WITHOUT_HEAD(signals_by_handle);
ATF_TC_BODY(signals_by_handle, tc)
{
	static const char *const by_number[] = { "kill", "tkill", "tgkill",
	    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open" };

	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = policy_get(id);
		struct call c = { .nr = SYS_pidfd_send_signal,
		    .arg = { 5, SIGTERM, 0, 0 } };

		ATF_CHECK_EQ(id == POLICY_SUPERVISOR, table_allows(p, &c));
		c.arg[1] = SIGSTOP;
		ATF_CHECK(!table_allows(p, &c));
		for (size_t i = 0; i < sizeof by_number / sizeof by_number[0];
		    i++) {
			c = (struct call){ .nr = seccomp_syscall_resolve_name(
			    by_number[i]), .arg = { 1, SIGTERM } };
			ATF_CHECK_MSG(!table_allows(p, &c), "%s: %s",
			    p->process, by_number[i]);
		}
	}
}

/* Who can be traced by its user is not apart from it; nobody may become so. */
ATF_TC_WITHOUT_HEAD(never_dumpable);
ATF_TC_BODY(never_dumpable, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		for (uint64_t to = 1; to <= 3; to++)
			ATF_CHECK_MSG(!table_allows(policy_get(id),
			    &(struct call){ .nr = SYS_prctl,
			    .arg = { PR_SET_DUMPABLE, to } }), "%s",
			    policy_get(id)->process);
}

/* All that root keeps, and each with its reason. */
ATF_TC_WITHOUT_HEAD(capabilities);
ATF_TC_BODY(capabilities, tc)
{
	size_t count;
	const struct policy_capability *c = policy_capabilities(&count);
	uint64_t mask = 0;

	for (size_t i = 0; i < count; i++) {
		ATF_CHECK(strncmp(c[i].name, "CAP_", 4) == 0);
		ATF_CHECK(strlen(c[i].reason) > 3);
		ATF_CHECK(i == 0 || c[i - 1].number < c[i].number);
		mask |= UINT64_C(1) << c[i].number;
	}
	ATF_CHECK_EQ(7, count);
	ATF_CHECK_EQ(mask, policy_capability_mask());
	/* neither may any file be written, nor any process be traced */
	ATF_CHECK_EQ(0, mask & (1 << 1 | 1 << 19 | 1 << 21));
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
	const struct policy_group both = { .when = WHEN_SANITIZED |
	    WHEN_OLD_CALLS };
	const struct policy_group old = { .when = WHEN_OLD_CALLS };
	const struct policy_group new = { .when = WHEN_NEW_CALLS };

	ATF_CHECK(policy_group_used(&always));
	ATF_CHECK(policy_group_used(&old) != policy_group_used(&new));
	ATF_CHECK(policy_group_used_on(&old, true));
	ATF_CHECK(!policy_group_used_on(&old, false));
	ATF_CHECK(!policy_group_used_on(&new, true));
	ATF_CHECK(policy_group_used_on(&new, false));
	ATF_CHECK(!policy_group_used_on(&both, false));
#ifdef POSTERN_SANITIZED
	ATF_CHECK(policy_group_used(&sanitized));
#else
	ATF_CHECK(!policy_group_used(&sanitized));
#endif
}

/* "nest-new", and "nest-old" in the same table: for the same, elsewhere. */
static bool
has_like(const struct policy *p, const struct policy_group *new)
{
	size_t n = strlen(new->name) - strlen("new");

	for (size_t g = 0; p->groups[g] != NULL; g++) {
		const struct policy_group *old = p->groups[g];

		if (old->when == WHEN_OLD_CALLS &&
		    strncmp(old->name, new->name, n) == 0 &&
		    strcmp(old->name + n, "old") == 0)
			return true;
	}
	return false;
}

/* What make mutate cannot try on this machine, it tries in another form. */
ATF_TC_WITHOUT_HEAD(groups_alike);
ATF_TC_BODY(groups_alike, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = policy_get(id);

		for (size_t g = 0; p->groups[g] != NULL; g++)
			ATF_CHECK_MSG(p->groups[g]->when != WHEN_NEW_CALLS ||
			    has_like(p, p->groups[g]), "%s: %s", p->process,
			    p->groups[g]->name);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, policies);
	ATF_TP_ADD_TC(tp, calls_exist);
	ATF_TP_ADD_TC(tp, reasons);
	ATF_TP_ADD_TC(tp, reasons_alone);
	ATF_TP_ADD_TC(tp, sorted);
	ATF_TP_ADD_TC(tp, no_row_twice);
	ATF_TP_ADD_TC(tp, groups_alike);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, inherited);
	ATF_TP_ADD_TC(tp, stacks);
	ATF_TP_ADD_TC(tp, pool_apart);
	ATF_TP_ADD_TC(tp, relay_apart);
	ATF_TP_ADD_TC(tp, dialer_connects_to_one);
	ATF_TP_ADD_TC(tp, relay_has_six);
	ATF_TP_ADD_TC(tp, titles);
	ATF_TP_ADD_TC(tp, signals_by_handle);
	ATF_TP_ADD_TC(tp, never_dumpable);
	ATF_TP_ADD_TC(tp, capabilities);
	ATF_TP_ADD_TC(tp, echo_has_three);
	ATF_TP_ADD_TC(tp, groups_used);
	return atf_no_error();
}
