/*
 * Listening sockets that whoever started us has made (sd_listen_fds(3)): taken
 * by the names that he gave them, once, at the start.  They are ours for our
 * life, whatever is reloaded, and his for longer: who connects meanwhile waits
 * in their queue for the next service.
 */
#ifndef POSTERN_ACTIVATION_H
#define POSTERN_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* So a configuration names one: listen = "fd:NAME". */
#define ACTIVATION_PREFIX	"fd:"
/* What is listened at where the configuration names nothing. */
#define ACTIVATION_DEFAULT	"postern"
#define ACTIVATION_MAX		32

/*
 * Take what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say is ours, before the
 * environment is emptied; each socket gets a number above `above`.  False
 * after `why`, if it is no socket that one can accept from.
 */
bool activation_take(int above, char *why, size_t why_size);

/*
 * How many were taken, and the number of each, in rising order; -1 if there is
 * none of that index.
 */
uint32_t activation_count(void);
int activation_number(uint32_t index);

/* Has one this name? */
bool activation_has(const char *name);

/* May a socket be named so? */
bool activation_is_name(const char *name);

/*
 * Put the sockets in the place of the names by which *c, read from `file`, has
 * them: of one name there may be several.  False after `why`, if there is none
 * of a name, or one that *c does not name: nobody would accept from it.
 */
bool activation_resolve(struct config *c, const char *file, char *why,
    size_t why_size);

/* The socket for a resolved one; it stays ours. */
int activation_get(const struct config_listen *l);

/* Accept no more: they are his alone again. */
void activation_close(void);

#endif
