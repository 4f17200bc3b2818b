/*
 * The supervisor's side of the exporter: its sockets, its start, and its next
 * one.  The service does not depend on any of it once it has begun.
 */
#ifndef POSTERN_KEEPER_H
#define POSTERN_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"

/*
 * Make the sockets that the configuration names; while we may.  False after
 * `why` if metrics were asked for and cannot be given.  Where status cannot,
 * keeper_tell says so to the log later.
 */
bool keeper_open(const struct config *c, char *why, size_t why_size);
void keeper_tell(void);

/* In a process that is to have no exporter: the sockets are another's. */
void keeper_let_go(void);

/* Start an exporter if one is due; ms until it is, or -1. */
int64_t keeper_tick(void);

/* Was this child it?  Then its end is logged, and another is due. */
bool keeper_reaped(pid_t pid, int status);

/* At our end: it ends, and the sockets' names go. */
void keeper_close(void);

#endif
