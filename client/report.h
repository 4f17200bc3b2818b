/*
 * Results on standard output, for people or as one JSON document, from a
 * process that can do little more than write(2).
 */
#ifndef POSTERN_CLIENT_REPORT_H
#define POSTERN_CLIENT_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "client.h"

/*
 * Before confinement: standard output's buffer and jansson's seed, for which
 * both would ask the kernel at their first use.
 */
void report_prepare(void);

/* A string, or null for NULL; bytes that are no UTF-8 are escaped. */
json_t *report_text(const char *s);

/* Milliseconds, with three digits behind the point. */
json_t *report_ms(double microseconds);

/*
 * A document with what all commands tell of the connection (the caller's);
 * and its end: the verdict is added, all printed and freed.
 */
json_t *report_begin(const struct client *c);
void report_end(struct client *c, json_t *document);

/*
 * Flush standard output.  False if it has failed, ever; then that is the
 * verdict, if all was well so far.
 */
bool report_flush(struct client *c);

#endif
