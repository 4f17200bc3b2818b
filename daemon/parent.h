/*
 * posternd: parent.  The process that holds the key and performs TLS.
 */
#ifndef POSTERN_PARENT_H
#define POSTERN_PARENT_H

#include "judge.h"

/* Start from the supervisor's handoff (handoff.h); never returns. */
_Noreturn void parent_main(void);

/* A byte for the supervisor: ready, or still alive. */
void parent_tell_progress(void);

/* End of file for the supervisor: start another in our place. */
void parent_replace_me(void);

/* Clients are judged by newer CRLs from now on. */
void parent_new_crl(const struct authorities *a);

/*
 * The `who' of ours ended before it was ready, with this wait status: leave as
 * it did.  Its own words, if it had time for any, are in the log already.
 */
_Noreturn void parent_lost(const char *who, int status);

#endif
