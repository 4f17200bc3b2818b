/*
 * Moments on the monotonic clock, in milliseconds where nothing else is said.
 */
#ifndef POSTERN_CLIENT_DEADLINE_H
#define POSTERN_CLIENT_DEADLINE_H

#include <stdint.h>
#include <time.h>

/* The moment that never comes. */
#define DEADLINE_NEVER INT64_MAX

int64_t deadline_now(void);

/* The same moment in microseconds. */
int64_t deadline_now_us(void);

/*
 * The time left until `deadline` in *ts, for ppoll(2): `ts` itself, holding
 * zero if it has passed, or NULL (wait for ever) if it is DEADLINE_NEVER.
 */
struct timespec *deadline_left(int64_t deadline, struct timespec *ts);

#endif
