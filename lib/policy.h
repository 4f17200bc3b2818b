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
	POLICY_SPAWNER,
	POLICY_INIT,
	POLICY_ECHO,
	POLICY_POOL,
	POLICY_CLIENT,
	POLICY_LOOKER,
	POLICY_EXPLAIN,
	POLICY_RESOLVER,
	POLICY_EXPORTER,
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

#define POLICY_LIMITS 3

struct policy_row {
	const char		*call;	/* by name: numbers differ by machine */
	struct policy_limit	 limit[POLICY_LIMITS];
	const char		*reason;
};

/* A group of rows that is there only where something needs it. */
enum group_when {
	WHEN_ALWAYS,
	WHEN_SANITIZED		/* built with -fsanitize (make asan) */
};

struct policy_group {
	const char			*name;
	enum group_when			 when;
	const struct policy_row		*rows;
	size_t				 count;
};

#define POLICY_GROUPS 20

struct policy {
	const char			*process;	/* = its title */
	const struct policy_group	*groups[POLICY_GROUPS];
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

/* Does this build need the group? */
bool policy_group_used(const struct policy_group *g);

#endif
