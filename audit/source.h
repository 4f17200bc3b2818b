/*
 * Text that somebody else wrote, read whole before anything looks into it.
 */
#ifndef POSTERN_SOURCE_H
#define POSTERN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

/* The most that is read of one. */
#define SOURCE_MAX (64U << 20)

struct source {
	const char	*name;		/* as it was given */
	char		*data;		/* malloc'ed */
	size_t		 len;
	bool		 overrun;	/* the kernel was faster than we read */
};

/*
 * Read the file, or standard input for "-", to its end; a device, to what it
 * has by now.  False with errno set: EFBIG if there is more than SOURCE_MAX.
 */
bool source_read(const char *name, struct source *s);

/* The same of what is open already, into what is empty but for its name. */
bool source_read_from(int fd, struct source *s);

/* Has standard input been given: a pipe or a file, no terminal, no device? */
bool source_is_given(void);

/*
 * The next line, from *at, which begins as 0: *line and its length, without
 * the newline.  *whole: it had one.  False at the end.
 */
bool source_line(const struct source *s, size_t *at, const char **line,
    size_t *len, bool *whole);

#endif
