/*
 * Reading a file that somebody handed over, whole and bounded.
 */
#ifndef POSTERN_FILE_H
#define POSTERN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No certificate, key, CA or CRL file that we take is larger (bytes). */
#define FILE_MAX (16U << 20)

/*
 * Read the regular file open at `fd` from its beginning, whatever its offset
 * (which others may share).  On success *data (malloc'ed, the caller's,
 * followed by a NUL) and *len; else false and, in *why, words that fit after
 * "FILE: " (static).  Whoever reads a key wipes it with file_wipe.
 */
bool file_read(int fd, uint8_t **data, size_t *len, const char **why);

/* Wipe and free what file_read gave. */
void file_wipe(uint8_t *data, size_t len);

#endif
