/*
 * A line on a terminal that shows how far something is.
 */
#ifndef POSTERN_CLIENT_PROGRESS_H
#define POSTERN_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The widest line, with its NUL. */
#define PROGRESS_LINE 256

struct progress {
	bool		 shown;		/* false: nothing is ever written */
	size_t		 width;		/* the terminal's columns */
	char		 name[64];	/* printable */
	bool		 bounded;	/* `total` is known */
	uint64_t	 total;		/* bytes */
	int64_t		 start, next;	/* us */
};

/*
 * Ask the terminal on standard error, if there is one, for its width: before
 * confinement.  `name` may hold any bytes.
 */
void progress_prepare(struct progress *p, const char *name);

/* Now it begins. */
void progress_start(struct progress *p);

/*
 * Have SIGINT and SIGTERM wipe the line and end the program with 128 + their
 * number; before confinement, and only where the line is shown.
 */
void progress_catch_signals(void);

/* So many bytes are done; writes a few times in a second. */
void progress_show(struct progress *p, uint64_t done);

/* When it would write again (deadline.h); DEADLINE_NEVER if never. */
int64_t progress_next(const struct progress *p);

/* Wipe the line. */
void progress_end(struct progress *p);

/*
 * The line after `us` microseconds: name, percentage, bar, bytes, rate and
 * time left ("file 42% [===>   ] 1.2 MiB 3.4 MiB/s 0:02 left"), without a
 * percentage, bar and time left if the total is not known; no longer than
 * p->width - 1.
 */
void progress_line(const struct progress *p, uint64_t done, int64_t us,
    char dst[PROGRESS_LINE]);

/* "999 B", "1.5 KiB"...; `dst` holds 16 bytes. */
void progress_bytes(char dst[16], double bytes);

#endif
