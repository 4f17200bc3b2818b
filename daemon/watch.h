/*
 * The supervisor's watch over its files.  It looks at what stat(2) tells of
 * them and never into them; when one has changed, and has stopped changing, it
 * starts a generation with the configuration in force.
 */
#ifndef POSTERN_WATCH_H
#define POSTERN_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "config.h"

/* What tells one state of a file from another. */
struct mark {
	int		error;		/* errno: it cannot be looked at */
	dev_t		dev;
	ino_t		ino;
	off_t		size;
	struct timespec	mtime, ctime;
};

/* All files of a configuration; one that it does not name is all zero. */
struct marks {
	struct mark	file[FILE_COUNT];
};

/* The mark of an open file, from fstat(2). */
struct mark mark_of(const struct stat *st);

bool marks_same(const struct marks *a, const struct marks *b);

/*
 * Look, if it is time to, and start a generation if there is reason to; not to
 * be called once the service is stopping.  Returns the ms until the next look,
 * or -1: not before something else has happened.
 */
int64_t watch_tick(void);

/* ---- what generation.c tells it ------------------------------------------ */

/* A generation serves, with the files as they were when it opened them. */
void watch_taken(const struct marks *m);

/*
 * One of the configuration in force could not start.  If what is in the files
 * is at fault they are not tried again before they change; else they are.
 */
void watch_failed(const struct marks *m, bool files_at_fault);

/* ---- and supervisor.c ---------------------------------------------------- */

/* HUP: what failed may be tried again. */
void watch_forget(void);

#endif
