/*
 * The canary: before a parent is ready, and under all final filters, it takes a
 * worker through an echo as a session would, and puts a question to its
 * resolver.  (Its own handshakes are warmup.c's.)  What a new library or kernel
 * needs and no row of policy.c allows is then found before the first client
 * comes to grief over it.
 */
#ifndef POSTERN_CANARY_H
#define POSTERN_CANARY_H

/*
 * Prove it all, in the service's event loop, by the spawner's channel and the
 * resolver's (-1: there is none).  Returns when that is done, or when the
 * service has been told to go (service.accepting).  Otherwise it says what went
 * wrong, and ends the process with PARENT_EXIT_CANARY (handoff.h).
 */
void canary_run(int spawner, int resolver);

#endif
