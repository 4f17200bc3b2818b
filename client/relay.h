/*
 * Standard input to the server, the server's bytes to standard output.
 */
#ifndef POSTERN_CLIENT_RELAY_H
#define POSTERN_CLIENT_RELAY_H

#include <stdint.h>

#include "session.h"
#include "verdict.h"

/*
 * Relay until the server has ended and all its bytes are written, either side
 * fails, or nothing at all has moved for `idle_ms` (0: no such limit).  The end
 * of our input is passed on as close_notify, and the server's bytes still
 * taken.  Memory is bounded by one record in each direction besides the
 * session's buffers; a side that does not take its bytes stops only its own
 * direction.
 */
struct ending relay_run(struct session *s, int64_t idle_ms);

#endif
