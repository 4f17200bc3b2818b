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
#include <sys/types.h>

#define OUTPUT_FILES	2
#define OUTPUT_TEMP	40	/* ".postern-certgen." and 16 digits */

struct output_file {
	const char	*path;		/* not copied */
	const char	*base;		/* its last part, within path */
	int		 dir;		/* the directory that it is to be in */
	mode_t		 mode;		/* less what the umask takes */
	bool		 placed;	/* it bears its own name */
	char		 temp[OUTPUT_TEMP];	/* "": not there */
	char		 backup[OUTPUT_TEMP];	/* what it replaced, or "" */
};

struct output {
	bool			force;
	size_t			count;
	struct output_file	file[OUTPUT_FILES];
};

/*
 * Name a file to be written, in the order of writing.  Ends the program with
 * one line and EX_CANTCREAT if its directory is missing, if something of the
 * name exists (with `force`: something that is not a regular file), or if
 * it is one that was named before.
 */
void output_add(struct output *o, const char *path, mode_t mode);

/*
 * End the program with EX_USAGE if a file to be written is this one, which
 * is to be read: `force` was not meant for that.
 */
void output_spare(const struct output *o, const char *path);

/*
 * Write all files: 0, or an exit code after one line, and then everything is
 * as it was before.  Signals that end a program wait meanwhile.
 */
int output_write(struct output *o, const void *const data[],
    const size_t len[]);

#endif
