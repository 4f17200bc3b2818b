/*
 * The walk through filters, on programs that are written out here and on those
 * that the tables compile to.
 */
#include <atf-c.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "bpf.h"
#include "filter.h"
#include "machine.h"
#include "reach.h"

#define ALLOW	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define LOAD(o)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (o))
#define ARG(n)	(16 + 8 * (n))

static struct bpf_reach reach;

static void
walk(const struct sock_filter *code, size_t len, uint32_t nr)
{
	struct sock_filter copy[64];
	struct sock_fprog p = { (unsigned short)len, copy };

	memcpy(copy, code, len * sizeof *code);
	bpf_walk(&p, 1, machine_entries[0].arch, nr, &reach);
}

#define WALK(code, nr) walk((code), sizeof(code) / sizeof((code)[0]), (nr))

static void
says(const char *call, const char *want)
{
	char text[512];

	bpf_describe(&reach, call, text, sizeof text);
	ATF_CHECK_STREQ(want, text);
}

ATF_TC_WITHOUT_HEAD(number_alone);
ATF_TC_BODY(number_alone, tc)
{
	static const struct sock_filter code[] = {
		LOAD(0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 100, 1, 0),
		ALLOW,
		KILL,
	};

	(void)tc;
	WALK(code, 99);
	ATF_CHECK_EQ(BPF_FREE, reach.verdict);
	says("read", "");
	WALK(code, 100);
	ATF_CHECK_EQ(BPF_REFUSED, reach.verdict);
	WALK(code, 0x80000000U);
	ATF_CHECK_EQ(BPF_REFUSED, reach.verdict);
}

ATF_TC_WITHOUT_HEAD(argument);
ATF_TC_BODY(argument, tc)
{
	static const struct sock_filter code[] = {
		LOAD(ARG(0) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 1),
		ALLOW,
		KILL,
	};

	(void)tc;
	WALK(code, SYS_write);
	ATF_CHECK_EQ(BPF_LIMITED, reach.verdict);
	ATF_CHECK_EQ(2, reach.ways);
	says("write", "fd == 3 || fd == 4");
}

/* Only the low half: what the upper one is, is open. */
ATF_TC_WITHOUT_HEAD(half_an_argument);
ATF_TC_BODY(half_an_argument, tc)
{
	static const struct sock_filter code[] = {
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 1),
		ALLOW,
		KILL,
	};

	(void)tc;
	WALK(code, SYS_write);
	ATF_CHECK_EQ(BPF_LIMITED, reach.verdict);
	ATF_CHECK_EQ(1, reach.way[0].count);
	ATF_CHECK_EQ(UINT32_MAX, reach.way[0].test[0].mask);
}

ATF_TC_WITHOUT_HEAD(masked);
ATF_TC_BODY(masked, tc)
{
	static const struct sock_filter code[] = {
		LOAD(ARG(2)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		ALLOW,
		KILL,
	};
	static const struct sock_filter set[] = {
		LOAD(ARG(2)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 1, 0),
		ALLOW,
		KILL,
	};

	(void)tc;
	WALK(code, SYS_mmap);
	says("mmap", "(prot & PROT_EXEC) == 0");
	WALK(set, SYS_mmap);
	says("mmap", "(prot & PROT_EXEC) == 0");
}

/* A branch that what was compared before rules out is not followed. */
ATF_TC_WITHOUT_HEAD(contradiction);
ATF_TC_BODY(contradiction, tc)
{
	static const struct sock_filter code[] = {
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 3),
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 1),
		ALLOW,
		KILL,
	};

	(void)tc;
	WALK(code, SYS_write);
	ATF_CHECK_EQ(BPF_REFUSED, reach.verdict);
}

/* "3, or not 3 and ..." is "anything and ...": no word for what is the same. */
ATF_TC_WITHOUT_HEAD(in_few_words);
ATF_TC_BODY(in_few_words, tc)
{
	static const struct sock_filter code[] = {
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 2, 0),
		LOAD(ARG(1)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 1),
		ALLOW,
		KILL,
	};

	(void)tc;
	WALK(code, SYS_dup2);
	ATF_CHECK_EQ(2, reach.ways);
	for (size_t i = 0; i < reach.ways; i++)
		ATF_CHECK_EQ(1, reach.way[i].count);
}

/* All filters of a stack must allow; what one says the next does not undo. */
ATF_TC_WITHOUT_HEAD(stacked);
ATF_TC_BODY(stacked, tc)
{
	struct sock_filter any[] = { ALLOW };
	struct sock_filter three[] = {
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 1),
		ALLOW,
		KILL,
	};
	struct sock_filter not_three[] = {
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 1, 0),
		ALLOW,
		KILL,
	};
	const struct sock_fprog open[] = { { 1, any }, { 4, three } };
	const struct sock_fprog shut[] = { { 4, three }, { 4, not_three } };

	(void)tc;
	bpf_walk(open, 2, 0, 0, &reach);
	ATF_CHECK_EQ(BPF_LIMITED, reach.verdict);
	bpf_walk(shut, 2, 0, 0, &reach);
	ATF_CHECK_EQ(BPF_REFUSED, reach.verdict);
	bpf_walk(NULL, 0, 0, 0, &reach);
	ATF_CHECK_EQ(BPF_FREE, reach.verdict);
}

/* An errno is no way through; a tracer's or another's decision is one. */
ATF_TC_WITHOUT_HEAD(actions);
ATF_TC_BODY(actions, tc)
{
	static const struct {
		uint32_t		action;
		enum bpf_verdict	want;
	} a[] = {
		{ SECCOMP_RET_ALLOW, BPF_FREE },
		{ SECCOMP_RET_LOG, BPF_FREE },
		{ SECCOMP_RET_TRACE | 1, BPF_FREE },
		{ SECCOMP_RET_USER_NOTIF, BPF_FREE },
		{ SECCOMP_RET_ERRNO | 1, BPF_REFUSED },
		{ SECCOMP_RET_TRAP, BPF_REFUSED },
		{ SECCOMP_RET_KILL_THREAD, BPF_REFUSED },
		{ SECCOMP_RET_KILL_PROCESS, BPF_REFUSED },
	};

	(void)tc;
	for (size_t i = 0; i < sizeof a / sizeof a[0]; i++) {
		const struct sock_filter code[] = {
			BPF_STMT(BPF_RET | BPF_K, a[i].action) };

		WALK(code, 0);
		ATF_CHECK_EQ_MSG(a[i].want, reach.verdict, "%#x",
		    a[i].action);
	}
}

/* What cannot be followed is never "refused". */
ATF_TC_WITHOUT_HEAD(unclear);
ATF_TC_BODY(unclear, tc)
{
	static const struct sock_filter sum[] = {
		LOAD(ARG(0)),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 1),
		ALLOW,
		KILL,
	};
	static const struct sock_filter returned[] = {
		LOAD(ARG(0)),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	static const struct sock_filter endless[] = { LOAD(0) };
	struct sock_filter many[64];

	(void)tc;
	WALK(sum, 0);
	ATF_CHECK_EQ(BPF_UNCLEAR, reach.verdict);
	WALK(returned, 0);
	ATF_CHECK_EQ(BPF_UNCLEAR, reach.verdict);
	WALK(endless, 0);
	ATF_CHECK_EQ(BPF_UNCLEAR, reach.verdict);
	/* 2^31 ways: each of 31 bits may be set or not */
	for (size_t i = 0; i < 31; i++) {
		many[2 * i] = (struct sock_filter)LOAD(ARG(1));
		many[2 * i + 1] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JSET | BPF_K, 1U << i, 0, 0);
	}
	many[62] = (struct sock_filter)ALLOW;
	walk(many, 63, 0);
	ATF_CHECK_EQ(BPF_UNCLEAR, reach.verdict);
	many[62] = (struct sock_filter)KILL;
	walk(many, 63, 0);
	ATF_CHECK_EQ(BPF_UNCLEAR, reach.verdict);
}

ATF_TC_WITHOUT_HEAD(scratch_memory);
ATF_TC_BODY(scratch_memory, tc)
{
	static const struct sock_filter code[] = {
		LOAD(ARG(0)),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LD | BPF_IMM, 9),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		ALLOW,
		KILL,
	};

	(void)tc;
	WALK(code, SYS_close);
	ATF_CHECK_EQ(BPF_LIMITED, reach.verdict);
	ATF_CHECK_EQ(9, reach.way[0].test[0].value);
}

/* ---- the tables ---------------------------------------------------------- */

static struct sock_fprog
compiled(enum policy_id id)
{
	struct sock_fprog p;
	const char *why;

	ATF_REQUIRE_MSG(filter_compile(policy_get(id), &p, &why), "%s", why);
	return p;
}

/* Each stack: nothing as another machine, nothing unclear, and not nothing. */
ATF_TC_WITHOUT_HEAD(tables);
ATF_TC_BODY(tables, tc)
{
	(void)tc;
	for (int i = 0; i < POLICY_COUNT; i++) {
		enum policy_id id[POLICY_DEPTH];
		size_t depth = policy_stack((enum policy_id)i, id);
		struct sock_fprog stack[POLICY_DEPTH];
		const struct reach *r;

		for (size_t d = 0; d < depth; d++)
			stack[d] = compiled(id[d]);
		r = reach_of(stack, depth);
		ATF_CHECK(reach_find(r, SYS_exit_group) != NULL);
		ATF_CHECK(reach_find(r, SYS_ptrace) == NULL);
		for (size_t c = 0; c < r->calls; c++) {
			ATF_CHECK_EQ_MSG(0, r->call[c].entry, "%s: %s as %s",
			    policy_get((enum policy_id)i)->process,
			    r->call[c].name,
			    machine_entries[r->call[c].entry].name);
			ATF_CHECK(r->call[c].verdict != BPF_UNCLEAR);
		}
		ATF_CHECK(reach_of(stack, depth) == r);
		for (size_t d = 0; d < depth; d++)
			free(stack[d].filter);
	}
}

ATF_TC_WITHOUT_HEAD(echo_worker);
ATF_TC_BODY(echo_worker, tc)
{
	struct sock_fprog p = compiled(POLICY_ECHO);

	(void)tc;
	bpf_walk(&p, 1, machine_entries[0].arch, SYS_read, &reach);
	says("read", "fd == 3");
	bpf_walk(&p, 1, machine_entries[0].arch, SYS_openat, &reach);
	ATF_CHECK_EQ(BPF_REFUSED, reach.verdict);
	free(p.filter);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, number_alone);
	ATF_TP_ADD_TC(tp, argument);
	ATF_TP_ADD_TC(tp, half_an_argument);
	ATF_TP_ADD_TC(tp, masked);
	ATF_TP_ADD_TC(tp, contradiction);
	ATF_TP_ADD_TC(tp, in_few_words);
	ATF_TP_ADD_TC(tp, stacked);
	ATF_TP_ADD_TC(tp, actions);
	ATF_TP_ADD_TC(tp, unclear);
	ATF_TP_ADD_TC(tp, scratch_memory);
	ATF_TP_ADD_TC(tp, tables);
	ATF_TP_ADD_TC(tp, echo_worker);
	return atf_no_error();
}
