/*
 * How the service is, for posternd --status: one JSON object.
 *
 *	{ "service": { "version", "pid", "generation", "uptime", "reloads",
 *	    "failed_reloads" },			uptime in seconds
 *	  "parents": [ { "pid", "index", "generation", "state", "uptime" } ],
 *	  "limits": [ { "limit", "now", "max" } ],	max 0: there is none
 *	  "connections": { STATE: n, ... }, "accepted", "lost",
 *	  "refused": { REASON: n, ... },	those that there were
 *	  "workers": { "ready", "busy", "killed", "failed" },
 *	  "expiry": [ { "file", "at", "left" } ],	s since 1970; s
 *	  "opened", "closed",			sessions, counted
 *	  "sessions": [ { "address", "subject", "age", "bytes_in",
 *	    "bytes_out", "worker", "parent" } ] }	at most STATEMENT_ROWS
 */
#ifndef POSTERN_STATEMENT_H
#define POSTERN_STATEMENT_H

#include <event2/buffer.h>
#include <stdbool.h>

#define STATEMENT_ROWS 1000

/* What would otherwise want a file; before confinement. */
void statement_prepare(void);

/* Append it, as the board says now; false without memory. */
bool statement_write(struct evbuffer *b);

#endif
