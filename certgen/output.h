/*
 * Files that appear whole or not at all, and together: a certificate without
 * its key, or half a key, is worse than none.  Nothing that exists is
 * replaced unless that was asked for.
 */
#ifndef POSTERN_CERTGEN_OUTPUT_H
#define POSTERN_CERTGEN_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OUTPUT_FILES	6
#define OUTPUT_TEMP	40	/* ".postern-certgen." and 16 digits */

struct output_file {
	const char	*path;		/* not copied */
	const char	*base;		/* its last part, within path */
	int		 dir;		/* the directory that it is to be in */
	mode_t		 mode;		/* less what the umask takes */
	bool		 replace;	/* what is there already */
	bool		 placed;	/* it bears its own name */
	char		 temp[OUTPUT_TEMP];	/* "": not there */
	char		 backup[OUTPUT_TEMP];	/* what it replaced, or "" */
};

struct output {
	bool			force;
	size_t			count;
	struct output_file	file[OUTPUT_FILES];
};

/* What is to be in them, in the order of their naming. */
struct made {
	uint8_t		*data[OUTPUT_FILES];	/* malloc'ed */
	size_t		 len[OUTPUT_FILES];
	char		*said;		/* to be told when all is written */
	size_t		 said_len;
};

/* Wipe and free all of it. */
void made_free(struct made *m);

/*
 * Name a file to be written, in the order of writing; returns its number in
 * struct made.  Ends the program with one line and EX_CANTCREAT if its
 * directory is missing, if something of the name exists (with `force`:
 * something that is not a regular file), or if it is one that was named
 * before.
 */
size_t output_add(struct output *o, const char *path, mode_t mode);

/* The same for a file that is there to be replaced, whatever `force` says. */
size_t output_replace(struct output *o, const char *path, mode_t mode);

/*
 * End the program with EX_USAGE if a file to be written is this one (NULL:
 * none), which is to be read: `force` was not meant for that.  `what` is for
 * the line: "the request".
 */
void output_spare(const struct output *o, const char *path,
    const char *what);

/*
 * Write all files: 0, or an exit code after one line, and then everything is
 * as it was before.  Signals that end a program wait meanwhile.
 */
int output_write(struct output *o, const struct made *m);

/* The same, and say on standard output what there is to say of it. */
int output_write_and_tell(struct output *o, const struct made *m);

#endif
