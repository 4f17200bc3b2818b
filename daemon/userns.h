#ifndef POSTERN_USERNS_H
#define POSTERN_USERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * May a process of this user have the namespaces that workers are confined by?
 * Tried by a child, which becomes the user first (with 0 it stays what we are).
 * If not, `why` says what forbids them (or that one cannot become the user) and
 * what to do, and the result is false; USERNS_WHY bytes are enough.
 */
#define USERNS_WHY 1024
bool userns_allowed(uid_t uid, gid_t gid, char *why, size_t why_size);

#endif
