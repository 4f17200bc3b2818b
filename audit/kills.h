/*
 * Processes that their filters have killed: kills.c finds them, kills_tell.c
 * tells of them.
 */
#ifndef POSTERN_KILLS_H
#define POSTERN_KILLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "died.h"
#include "match.h"
#include "record.h"

/* How it is known whose record it is. */
enum known {
	KNOWN_NOT,		/* nobody's of ours */
	KNOWN_PROGRAM,		/* the program, which has several processes */
	KNOWN_POLICY,		/* all others of the program allow the call */
	KNOWN_LOG,		/* by posternd's log */
	KNOWN_NAME		/* by the name it had */
};

/* Is it known which connection it served? */
enum session {
	SESSION_NO_LOG,		/* no log was given */
	SESSION_UNKNOWN,	/* the log has nothing of it */
	SESSION_NONE,		/* it waited for one, or serves none */
	SESSION_KNOWN
};

struct kill {
	struct record	 r;
	enum known	 known;
	bool		 may_be[POLICY_COUNT];	/* these processes */
	enum session	 session;
	const char	*peer;			/* SESSION_KNOWN; a death's */
	bool		 native;	/* by this machine's own entry */
	struct call	 call;
};

/* What else is to be told. */
struct remarks {
	uint64_t	others;		/* kills of others, not shown */
	uint64_t	forged;
	bool		some_lost;	/* the kernel has left some out */
	uint64_t	lost;		/* so many that it told */
	bool		overwritten;	/* the log's beginning is gone */
};

void kills_tell(const struct kill *k);
void kills_remark(const struct remarks *r, size_t shown);

/* The same as one document. */
void kills_print(const struct kill *k, size_t count, const struct remarks *r);

#endif
