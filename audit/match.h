/*
 * What the tables say of a system call of which not all arguments need be
 * known: worked out from the rows.
 */
#ifndef POSTERN_MATCH_H
#define POSTERN_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

/* A call: of each argument, the bits that are known, and what they are. */
struct call {
	int		nr;		/* this machine's number */
	uint64_t	known[6];
	uint64_t	arg[6];
};

enum match {
	MATCH_NO,
	MATCH_PERHAPS,		/* if unknown arguments are right */
	MATCH_YES
};

/* A row of a table. */
struct place {
	const struct policy_group	*group;
	const struct policy_row		*row;
};

/* Is the row about this call at all? */
bool match_call(const struct policy_row *row, const struct call *c);

/* Do the row's limits hold? */
enum match match_limits(const struct policy_row *row, const struct call *c);

/* How many of the row's limits hold for sure. */
unsigned int match_held(const struct policy_row *row, const struct call *c);

/* What one table says of the call. */
enum match match_table(enum policy_id table, const struct call *c);

/* What the tables on a process say, each for itself: the strictest. */
enum match match_process(enum policy_id id, const struct call *c);

/* Narrow the call to what the row allows; false if nothing is left of it. */
bool match_narrow(struct call *c, const struct policy_row *row);

/*
 * Each row of the table's, of groups that are in this build: start with *at
 * zeroed; false after the last.
 */
struct cursor {
	size_t	group, row;
};
bool match_next(enum policy_id table, struct cursor *at, struct place *p);

#endif
