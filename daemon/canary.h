/*
 * The canary: before a parent is ready, and under all final filters, it takes a
 * worker through an echo as a session would (a relay worker with a service of
 * its own making), and puts a question to resolver and dialer.  (Its own
 * handshakes are warmup.c's.)  What a new library or kernel needs and no row of
 * policy.c allows is then found before the first client comes to grief over it.
 */
#ifndef POSTERN_CANARY_H
#define POSTERN_CANARY_H

#include "config.h"

struct helpers;

/* What must be had before confinement: relay workers want a service. */
void canary_prepare(const struct config *c);

/*
 * Prove it all, in the service's event loop (service.h).  Returns when that is
 * done, or when the service has been told to go (service.accepting).  Otherwise
 * it says what went wrong, and ends the process with PARENT_EXIT_CANARY
 * (handoff.h).
 */
void canary_run(const struct helpers *h);

#endif
