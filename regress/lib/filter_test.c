/*
 * The filters as compiled, against the tables: what no row allows kills, what
 * a row allows does not.  The first is tried with the kernel itself, in one
 * child a call; the second, and what a real program cannot ask for, with an
 * interpreter of the compiled program.  The tables are read, not repeated.
 */
#include <atf-c.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "confine.h"
#include "filter.h"
#include "policy.h"
#include "tables.h"

/* Beyond the last call that any kernel has today (about 470). */
#define CALLS 512

static struct sock_fprog prog;

static const struct policy *
compiled(enum policy_id id)
{
	const char *why;

	ATF_REQUIRE_MSG(filter_compile(policy_get(id), &prog, &why), "%s", why);
	ATF_REQUIRE(prog.len > 0);
	return policy_get(id);
}

/* ---- the kernel's own opinion -------------------------------------------- */

static void
make_call(void *arg)
{
	const struct call *c = arg;

	confine_no_new_privs();
	if (!filter_install(&prog))
		_exit(99);
	syscall(c->nr, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4],
	    c->arg[5]);
	/* still here; and not by exit(2), which may be denied as well */
	__builtin_trap();
}

static void
must_die(const struct policy *p, const struct call *c)
{
	int status = in_child(make_call, (void *)(uintptr_t)c);

	ATF_CHECK_MSG(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
	    "%s: call %d (%#llx, %#llx, %#llx, ...): status %#x", p->process,
	    c->nr, (unsigned long long)c->arg[0],
	    (unsigned long long)c->arg[1], (unsigned long long)c->arg[2],
	    (unsigned)status);
}

static bool
call_in_table(const struct policy *p, int nr)
{
	for (size_t g = 0; p->groups[g] != NULL; g++) {
		if (!policy_group_used(p->groups[g]))
			continue;
		for (size_t i = 0; i < p->groups[g]->count; i++)
			if (seccomp_syscall_resolve_name(
			    p->groups[g]->rows[i].call) == nr)
				return true;
	}
	return false;
}

/*
 * x86_64's uretprobe and uprobe: Linux lets them past every filter since 6.14
 * (seccomp_uprobe_exception in kernel/seccomp.c), because a tracer's probe
 * would kill what it looks at.  They act only when called from the page that
 * the kernel itself mapped for a probe, and do nothing for anybody else.
 */
static bool
never_filtered(int nr)
{
#ifdef __x86_64__
	return nr == 335 || nr == 336;
#else
	(void)nr;
	return false;
#endif
}

/* Every call that has no row. */
static void
calls_without_row(const struct policy *p)
{
	int died = 0;

	for (int nr = 0; nr < CALLS; nr++) {
		/* all ones: harmless to nearly every call, should it pass */
		struct call c = { nr, { UINT64_MAX, UINT64_MAX, UINT64_MAX,
		    UINT64_MAX, UINT64_MAX, UINT64_MAX } };

		if (call_in_table(p, nr) || never_filtered(nr))
			continue;
		must_die(p, &c);
		died++;
	}
	ATF_CHECK(died > CALLS / 2);
}

/* `row` with one limit missed by one bit, unless another row allows that. */
static void
miss_limit(const struct policy *p, const struct policy_row *row,
    const struct policy_limit *l, uint64_t bit)
{
	struct call c;

	if (l->op == LIMIT_MASK && !(l->mask & bit))
		return;
	if (!call_for(row, &c))
		return;
	c.arg[l->arg] ^= bit;
	if (!table_allows(p, &c))
		must_die(p, &c);
}

/* Every limit of every row: low bits, and the upper half of the argument. */
static void
limits_missed(const struct policy *p)
{
	static const uint64_t bits[] = { 1, 2, 4, 1ULL << 8, 1ULL << 31,
	    1ULL << 32, 1ULL << 63 };

	for (size_t g = 0; p->groups[g] != NULL; g++) {
		const struct policy_group *group = p->groups[g];

		if (!policy_group_used(group))
			continue;
		for (size_t i = 0; i < group->count * POLICY_LIMITS; i++) {
			const struct policy_row *row =
			    &group->rows[i / POLICY_LIMITS];
			const struct policy_limit *l =
			    &row->limit[i % POLICY_LIMITS];

			if (l->op == LIMIT_NONE)
				continue;
			for (size_t b = 0; b < sizeof bits / sizeof bits[0];
			    b++)
				miss_limit(p, row, l, bits[b]);
		}
	}
}

static void
denied(enum policy_id id)
{
	const struct policy *p = compiled(id);

	calls_without_row(p);
	limits_missed(p);
	free(prog.filter);
}

#define DENIED(name, id) \
	ATF_TC_WITHOUT_HEAD(denied_##name); \
	ATF_TC_BODY(denied_##name, tc) { denied(id); }

DENIED(supervisor, POLICY_SUPERVISOR)
DENIED(parent, POLICY_PARENT)
DENIED(spawner, POLICY_SPAWNER)
DENIED(pool_spawner, POLICY_POOL_SPAWNER)
DENIED(init, POLICY_INIT)
DENIED(echo, POLICY_ECHO)
DENIED(pool, POLICY_POOL)
DENIED(client, POLICY_CLIENT)
DENIED(looker, POLICY_LOOKER)
DENIED(resolver, POLICY_RESOLVER)
DENIED(explain, POLICY_EXPLAIN)
DENIED(exporter, POLICY_EXPORTER)
DENIED(status, POLICY_STATUS)
DENIED(dialer, POLICY_DIALER)
DENIED(dial_spawner, POLICY_DIAL_SPAWNER)
DENIED(relay_spawner, POLICY_RELAY_SPAWNER)
DENIED(relay, POLICY_RELAY)

/* A policy that is added must be added above. */
_Static_assert(POLICY_COUNT == 17, "every policy has its denied case");

/* ---- the compiled program, interpreted ----------------------------------- */

static uint32_t
load(const struct seccomp_data *d, uint32_t at)
{
	uint32_t v;

	ATF_REQUIRE(at % 4 == 0 && at + 4 <= sizeof *d);
	memcpy(&v, (const char *)d + at, sizeof v);
	return v;
}

static bool
jump_taken(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGT:
		return a > f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return (a & f->k) != 0;
	default:
		atf_tc_fail("jump %#x", f->code);
	}
}

/* What the program returns for a call; only what libseccomp makes use of. */
static uint32_t
interpret(const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < prog.len; pc++) {
		const struct sock_filter *f = &prog.filter[pc];

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			a = load(d, f->k);
			break;
		case BPF_ALU:
			ATF_REQUIRE_EQ(BPF_AND, BPF_OP(f->code));
			a &= f->k;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA)
				pc += f->k;
			else
				pc += jump_taken(f, a) ? f->jt : f->jf;
			break;
		case BPF_RET:
			return f->k;
		default:
			atf_tc_fail("instruction %#x", f->code);
		}
	}
	atf_tc_fail("the program has no end");
}

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define NATIVE AUDIT_ARCH_RISCV64
#else
#error "which AUDIT_ARCH_ is this machine?"
#endif

static uint32_t
verdict(const struct call *c, uint32_t arch, uint32_t nr_bits)
{
	struct seccomp_data d = { .nr = (int)((uint32_t)c->nr | nr_bits),
	    .arch = arch };

	for (int i = 0; i < 6; i++)
		d.args[i] = c->arg[i];
	return interpret(&d);
}

/* For each row: allowed here, killed by any other machine's entry. */
static void
row_by_row(const struct policy *p, const struct policy_row *row)
{
	static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM,
	    AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, AUDIT_ARCH_PPC64, 0,
	    0xffffffff };
	struct call c;

	if (!call_for(row, &c))
		return;
	ATF_CHECK_MSG(verdict(&c, NATIVE, 0) == SECCOMP_RET_ALLOW,
	    "%s: %s is not allowed", p->process, row->call);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (others[i] != NATIVE)
			ATF_CHECK_EQ(SECCOMP_RET_KILL_PROCESS,
			    verdict(&c, others[i], 0));
#ifdef __x86_64__
	ATF_CHECK_EQ(SECCOMP_RET_KILL_PROCESS, verdict(&c, NATIVE, 1U << 30));
#endif
}

ATF_TC_WITHOUT_HEAD(allowed);
ATF_TC_BODY(allowed, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = compiled(id);

		for (size_t g = 0; p->groups[g] != NULL; g++)
			for (size_t i = 0; i < p->groups[g]->count &&
			    policy_group_used(p->groups[g]); i++)
				row_by_row(p, &p->groups[g]->rows[i]);
		free(prog.filter);
	}
}

/* Table and program agree on every call with many arguments. */
ATF_TC_WITHOUT_HEAD(agree);
ATF_TC_BODY(agree, tc)
{
	static const uint64_t some[] = { 0, 1, 2, 3, 4, 7, 17, 0xffffffff,
	    0x100000002, 0x100000003, UINT64_MAX };
	const size_t n = sizeof some / sizeof some[0];

	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = compiled(id);

		for (size_t i = 0; i < CALLS * n * n; i++) {
			struct call c = { (int)(i / n / n), { some[i % n],
			    some[i / n % n], some[i % n], some[i / n % n],
			    some[i % n], some[i % n] } };
			uint32_t want = table_allows(p, &c) ?
			    SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;

			ATF_REQUIRE_EQ_MSG(want, verdict(&c, NATIVE, 0),
			    "%s: call %d", p->process, c.nr);
		}
		free(prog.filter);
	}
}

/* ---- the same for another machine ---------------------------------------- */

static const struct machine {
	uint32_t	scmp, audit;
	bool		old_calls;
} machines[] = {
	{ SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, true },
	{ SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, false },
};

static void
row_on(const struct machine *m, const struct policy *p,
    const struct policy_row *row, bool has[CALLS])
{
	struct call c;

	ATF_REQUIRE_MSG(call_for_arch(m->scmp, row, &c) && c.nr < CALLS,
	    "%s: %s: the machine lacks it", p->process, row->call);
	has[c.nr] = true;
	ATF_CHECK_MSG(verdict(&c, m->audit, 0) == SECCOMP_RET_ALLOW,
	    "%s: %s is not allowed", p->process, row->call);
	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
		if (machines[i].audit != m->audit)
			ATF_CHECK_EQ(SECCOMP_RET_KILL_PROCESS,
			    verdict(&c, machines[i].audit, 0));
	ATF_CHECK_EQ(SECCOMP_RET_KILL_PROCESS, verdict(&c, AUDIT_ARCH_I386, 0));
	ATF_CHECK_EQ(SECCOMP_RET_KILL_PROCESS, verdict(&c, AUDIT_ARCH_ARM, 0));
	ATF_CHECK_EQ(SECCOMP_RET_KILL_PROCESS, verdict(&c, 0, 0));
}

/* What each row allows, and nothing that has none. */
static void
table_on(const struct machine *m, const struct policy *p)
{
	bool has[CALLS] = { false };
	const char *why;

	ATF_REQUIRE_MSG(filter_compile_for(p, m->scmp, &prog, &why), "%s: %s",
	    p->process, why);
	for (size_t g = 0; p->groups[g] != NULL; g++)
		for (size_t i = 0; i < p->groups[g]->count &&
		    policy_group_used_on(p->groups[g], m->old_calls); i++)
			row_on(m, p, &p->groups[g]->rows[i], has);
	for (int nr = 0; nr < CALLS; nr++) {
		struct call c = { nr, { 0 } };

		if (!has[nr])
			ATF_CHECK_EQ_MSG(SECCOMP_RET_KILL_PROCESS,
			    verdict(&c, m->audit, 0), "%s: call %d",
			    p->process, nr);
	}
	free(prog.filter);
}

ATF_TC_WITHOUT_HEAD(machines);
ATF_TC_BODY(machines, tc)
{
	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
		for (enum policy_id id = 0; id < POLICY_COUNT; id++)
			table_on(&machines[i], policy_get(id));
}

/* ---- the other entries to the kernel ------------------------------------- */

#ifdef __x86_64__
/* i386's getpid by int 0x80; its number is x86_64's writev. */
static void
call_i386(void *arg)
{
	int nr = *(int *)arg, result;

	if (prog.filter != NULL) {
		confine_no_new_privs();
		if (!filter_install(&prog))
			_exit(99);
	}
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(3), "c"(0),
	    "d"(0) : "memory", "r8", "r9", "r10", "r11");
	(void)result;
	if (prog.filter == NULL)
		_exit(0);
	__builtin_trap();
}

ATF_TC_WITHOUT_HEAD(i386_entry);
ATF_TC_BODY(i386_entry, tc)
{
	int getpid_i386 = 20;

	prog.filter = NULL;
	if (in_child(call_i386, &getpid_i386) != 0)
		atf_tc_skip("this kernel has no i386 entry");
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		compiled(id);
		for (int nr = 0; nr < CALLS; nr += id == POLICY_ECHO ? 1 : 16) {
			int status = in_child(call_i386, &nr);

			ATF_CHECK_MSG(WIFSIGNALED(status) &&
			    WTERMSIG(status) == SIGSYS, "%s: i386 call %d: %#x",
			    policy_get(id)->process, nr, (unsigned)status);
		}
		free(prog.filter);
	}
}

ATF_TC_WITHOUT_HEAD(x32_entry);
ATF_TC_BODY(x32_entry, tc)
{
	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		const struct policy *p = compiled(id);

		for (int nr = 0; nr < CALLS; nr += id == POLICY_ECHO ? 1 : 16) {
			struct call c = { nr | 1 << 30, { 3, 0, 0, 0, 0, 0 } };

			must_die(p, &c);
		}
		free(prog.filter);
	}
}
#endif

/* ---- making filters ------------------------------------------------------ */

static const struct policy_row misspelt_rows[] = {
	{ "raed", { { 0 } }, "no such call" },
};
static const struct policy_group misspelt_group = {
	.name = "misspelt", .rows = misspelt_rows, .count = 1 };
static const struct policy misspelt = {
	.process = "misspelt", .groups = { &misspelt_group } };

/* A row that cannot be had is no row left out. */
ATF_TC_WITHOUT_HEAD(misspelt_row);
ATF_TC_BODY(misspelt_row, tc)
{
	const char *why = NULL;

	ATF_CHECK(!filter_compile(&misspelt, &prog, &why));
	ATF_CHECK_STREQ("raed", why);
}

static const struct policy nothing = { .process = "nothing" };

ATF_TC_WITHOUT_HEAD(no_rows);
ATF_TC_BODY(no_rows, tc)
{
	struct call c = { SYS_exit_group, { 0 } };
	const char *why;

	ATF_REQUIRE(filter_compile(&nothing, &prog, &why));
	must_die(&nothing, &c);
}

static void
install_without_no_new_privs(void *arg)
{
	(void)arg;
	MUST(getuid() == 0 ? setresuid(65534, 65534, 65534) == 0 : 1);
	MUST(!filter_install(&prog));
}

ATF_TC_WITHOUT_HEAD(needs_no_new_privs);
ATF_TC_BODY(needs_no_new_privs, tc)
{
	compiled(POLICY_ECHO);
	ATF_CHECK_EQ(0, in_child(install_without_no_new_privs, NULL));
}

ATF_TC_WITHOUT_HEAD(available);
ATF_TC_BODY(available, tc)
{
	ATF_CHECK(filter_unavailable() == NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, denied_supervisor);
	ATF_TP_ADD_TC(tp, denied_parent);
	ATF_TP_ADD_TC(tp, denied_spawner);
	ATF_TP_ADD_TC(tp, denied_pool_spawner);
	ATF_TP_ADD_TC(tp, denied_init);
	ATF_TP_ADD_TC(tp, denied_echo);
	ATF_TP_ADD_TC(tp, denied_pool);
	ATF_TP_ADD_TC(tp, denied_client);
	ATF_TP_ADD_TC(tp, denied_looker);
	ATF_TP_ADD_TC(tp, denied_resolver);
	ATF_TP_ADD_TC(tp, denied_explain);
	ATF_TP_ADD_TC(tp, denied_exporter);
	ATF_TP_ADD_TC(tp, denied_status);
	ATF_TP_ADD_TC(tp, denied_dialer);
	ATF_TP_ADD_TC(tp, denied_dial_spawner);
	ATF_TP_ADD_TC(tp, denied_relay_spawner);
	ATF_TP_ADD_TC(tp, denied_relay);
	ATF_TP_ADD_TC(tp, allowed);
	ATF_TP_ADD_TC(tp, agree);
	ATF_TP_ADD_TC(tp, machines);
#ifdef __x86_64__
	ATF_TP_ADD_TC(tp, i386_entry);
	ATF_TP_ADD_TC(tp, x32_entry);
#endif
	ATF_TP_ADD_TC(tp, misspelt_row);
	ATF_TP_ADD_TC(tp, no_rows);
	ATF_TP_ADD_TC(tp, needs_no_new_privs);
	ATF_TP_ADD_TC(tp, available);
	return atf_no_error();
}
