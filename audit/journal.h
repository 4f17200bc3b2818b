/*
 * The journal's share of the kernel's records, by journalctl(1).
 */
#ifndef POSTERN_JOURNAL_H
#define POSTERN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "source.h"

/* So many of its lines are read, the newest. */
#define JOURNAL_LINES	"100000"

enum journal {
	JOURNAL_READ,
	JOURNAL_NONE,		/* no journal on this system, or ours */
	JOURNAL_FAILED		/* with words in `why` */
};

/* What was read, in JSON, is s->data, malloc'ed, and may be empty. */
enum journal journal_read(struct source *s, char *why, size_t size);

#endif
