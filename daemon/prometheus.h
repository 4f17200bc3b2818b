/*
 * The metrics as Prometheus reads them: text format, version 0.0.4.
 */
#ifndef POSTERN_PROMETHEUS_H
#define POSTERN_PROMETHEUS_H

#include <event2/buffer.h>

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Append all of them, as the board says now (board_map_to_read). */
void prometheus_text(struct evbuffer *b);

/* The words for the states of a connection, and for the files with an end. */
extern const char *const prometheus_states[];
extern const char *const prometheus_queries[];

#endif
