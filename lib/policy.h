/*
 * What each process may ask of the kernel, as data.  policy.c holds the
 * tables, filter.c turns one into a seccomp filter.
 */
#ifndef POSTERN_POLICY_H
#define POSTERN_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum policy_id {
	POLICY_SUPERVISOR,
	POLICY_PARENT,
	POLICY_RESOLVER,
	POLICY_DIALER,
	POLICY_DIAL_SPAWNER,
	POLICY_EXPORTER,
	POLICY_SPAWNER,
	POLICY_POOL_SPAWNER,	/* the spawner of a pool */
	POLICY_RELAY_SPAWNER,	/* and that of relay workers */
	POLICY_INIT,
	POLICY_ECHO,
	POLICY_POOL,
	POLICY_RELAY,
	POLICY_CLIENT,
	POLICY_LOOKER,
	POLICY_EXPLAIN,
	POLICY_STATUS,
	POLICY_COUNT
};

enum limit_op {
	LIMIT_NONE,
	LIMIT_EQ,		/* the whole 64-bit argument is `value` */
	LIMIT_MASK		/* argument & mask is `value` */
};

/* A row allows a call only if all its limits hold. */
struct policy_limit {
	uint8_t		arg;	/* 0..5 */
	uint8_t		op;	/* enum limit_op */
	uint64_t	value;
	uint64_t	mask;
};

#define POLICY_LIMITS 4

/*
 * Where the dialer has the one address that it may connect to.  A filter cannot
 * look at what a pointer points to, but it can insist on the pointer; and what
 * lies there is a page that nobody can write, nor replace, because the dialer's
 * table has no call for that.  A number that no mapping of ours comes near to.
 */
#define POLICY_DIAL_ADDRESS UINT64_C(0x70000000)

struct policy_row {
	const char		*call;	/* by name: numbers differ by machine */
	struct policy_limit	 limit[POLICY_LIMITS];
	const char		*reason;
};

/*
 * What a build must be for a group to count: all of these at once.  Where Linux
 * has two calls for one thing, an x86_64 C library makes the older, and every
 * later machine (aarch64, riscv64) has the newer alone.
 */
enum group_when {
	WHEN_ALWAYS = 0,
	WHEN_SANITIZED = 1,	/* built with -fsanitize (make asan) */
	WHEN_OLD_CALLS = 2,	/* x86_64 */
	WHEN_NEW_CALLS = 4	/* aarch64 and the like */
};

struct policy_group {
	const char			*name;
	unsigned int			 when;	/* enum group_when */
	const struct policy_row		*rows;
	size_t				 count;
};

/* At most so many groups in a table; the last is always NULL. */
#define POLICY_GROUPS 96

/*
 * A process's whole table: the groups of its own, and behind them what it must
 * leave to those it starts, as they are under its filter: theirs, and what they
 * do before they have one.  Each group is there once.
 */
struct policy {
	const char			*process;	/* = its log tag */
	const char			*title;		/* NULL: no daemon's */
	const struct policy_group	*groups[POLICY_GROUPS];
	size_t				 own;	/* so many groups */
};

const struct policy *policy_get(enum policy_id id);

/* At most so many filters lie on one process. */
#define POLICY_DEPTH 3

/*
 * A filter is inherited, so a process has one for each of those that it was
 * started under, and its own.  Fill `stack` with their tables, the outermost
 * first and `id` last; returns how many.
 */
size_t policy_stack(enum policy_id id, enum policy_id stack[POLICY_DEPTH]);

/*
 * What a process does between its start and its own filter: up to NULL.  The
 * filter that it was started under has these groups.
 */
const struct policy_group *const *policy_setup(enum policy_id id);

/*
 * Which process has this title, as in ps(1)?  A number may follow it
 * ("posternd: parent 0").  False if none of ours has.
 */
bool policy_of_title(const char *title, enum policy_id *id);

/* Does this build, on this machine, need the group? */
bool policy_group_used(const struct policy_group *g);

/* The same of a build for a machine that has the old calls, or has not. */
bool policy_group_used_on(const struct policy_group *g, bool old_calls);

/* Is it of the reserve: rows that no ordinary run uses? */
bool policy_group_reserve(const struct policy_group *g);

/* A capability (linux/capability.h) that the supervisor keeps as root. */
struct policy_capability {
	const char	*name;
	int		 number;
	const char	*reason;
};

/* All of them, by number; `*count` of them. */
const struct policy_capability *policy_capabilities(size_t *count);

/* The same as a set: bit n is capability n. */
uint64_t policy_capability_mask(void);

#endif
