/*
 * The rehearsal: the same start once more, by a throw-away, when a filter has
 * kept the first from being ready.  Its filters have the same rows, and what no
 * row allows goes to a tracer (filter.h) instead of killing: so it can be
 * named, whichever process calls and whatever that process may do itself.  The
 * tracer lets it pass, so that all are found in one go.
 *
 * A filter is inherited and its answer "kill" counts more than any other.  So
 * whoever rehearses must come from before the supervisor's filter: a process
 * that is held until the service is ready, and then is gone.
 *
 * The throw-away has no listener, takes no client, and ends when its one parent
 * is through with the canary.
 */
#ifndef POSTERN_REHEARSAL_H
#define POSTERN_REHEARSAL_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Hold one ready, before confinement.  Returns in the supervisor; and in the
 * throw-away, if it comes to that, with supervisor.rehearsal set.
 */
void rehearsal_hold(void);

/*
 * Now it is wanted; false if none is held.  Its lines go to the log.  Its end
 * is that of a child: see rehearsal_reaped.
 */
bool rehearsal_begin(void);

/* Between rehearsal_begin and its end? */
bool rehearsal_running(void);

/* A child ended: was it the one that rehearsed? */
bool rehearsal_reaped(pid_t pid);

/* It is not wanted any more; when this returns it has ended. */
void rehearsal_dismiss(void);

/*
 * posternd --canary: rehearse at once, without a start before.  Returns in the
 * throw-away; otherwise it ends the process.
 */
void rehearsal_now(void);

#endif
