/*
 * Key, certificate and client CAs: the one place that reaches the key.
 */
#ifndef POSTERN_CREDENTIALS_H
#define POSTERN_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <tls.h>

#include "config.h"

/*
 * Read the three files from their descriptors, judge them, and configure a
 * libtls server with them.  The key's bytes are wiped before this returns;
 * what remains of it is in the context alone.  NULL after one line in `why`
 * that names the file and says what would be right.
 */
struct tls *credentials_load(const struct config *c,
    const int fd[FILE_COUNT], char *why, size_t why_size);

/* Protocols, ciphers and curves of the configuration; false: see tls_config. */
bool credentials_set_protocol(struct tls_config *tc, const struct config *c);

#endif
