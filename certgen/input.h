/*
 * Files that somebody hands over: opened and read, not yet looked into.
 */
#ifndef POSTERN_CERTGEN_INPUT_H
#define POSTERN_CERTGEN_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Read a file whole, as file_read does (file.h); `st` (NULL: unwanted) is
 * that of the open file.  Ends the program with one line: EX_NOINPUT if it
 * cannot be opened, EX_DATAERR if it is not a regular file of a size that can
 * be.  The bytes are the caller's, to be given back with file_wipe.
 */
void read_input(const char *path, uint8_t **data, size_t *len,
    struct stat *st);

/* The same, but opened and left open: its descriptor. */
int open_input(const char *path, uint8_t **data, size_t *len);

/* The files on a command line, all read before any is looked into. */
struct input {
	const char	*path;		/* not copied */
	uint8_t		*data;
	size_t		 len;
};

struct input *inputs_read(char *const *paths, int count);
void inputs_free(struct input *in, int count);

/* The same for one that need not exist: then *data is NULL, *len 0. */
void read_input_if_there(const char *path, uint8_t **data, size_t *len);

#endif
