/*
 * What posternd's log says of processes that were killed by a filter.
 */
#ifndef POSTERN_DIED_H
#define POSTERN_DIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum died_kind {
	DIED_NONE,		/* a line about something else */
	DIED_WORKER,		/* event=worker-died signal=SYS */
	DIED_PARENT,		/* event=parent-died signal=SYS */
	DIED_SESSION		/* event=close end=worker-died */
};

#define DIED_PEER 128

struct died {
	enum died_kind	kind;
	bool		timed;		/* the line has time= */
	int64_t		ms;		/* since 1970 */
	int64_t		pid;
	char		peer[DIED_PEER];	/* escaped; "": none is named */
};

/* One line of the log, without its newline; d->kind is also returned. */
enum died_kind died_read(const char *line, size_t len, struct died *d);

#endif
