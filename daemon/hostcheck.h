/*
 * host-check: does a client come from where its certificate says it is?  The
 * same for a live client and for posternd --explain.
 */
#ifndef POSTERN_HOSTCHECK_H
#define POSTERN_HOSTCHECK_H

#include <sys/socket.h>

#include "judge.h"
#include "resolver.h"

/* Room for the words, with all names that a resolver gives. */
#define HOSTCHECK_TEXT 512

enum hostcheck { HOSTCHECK_HOLDS, HOSTCHECK_FAILS, HOSTCHECK_ASK };

/*
 * What can be said without asking: the address against the IP names.  `words`
 * (HOSTCHECK_TEXT bytes) say what was compared; *why is set if it FAILS.
 */
enum hostcheck hostcheck_address(const struct rules *r, X509 *leaf,
    const struct sockaddr_storage *from, enum reason *why, char *words);

/* With the resolver's answer: REASON_NONE if a name of it is the leaf's. */
enum reason hostcheck_names(X509 *leaf, const struct resolver_answer *a,
    char *words);

#endif
