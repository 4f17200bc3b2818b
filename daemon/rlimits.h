#ifndef POSTERN_RLIMITS_H
#define POSTERN_RLIMITS_H
#include "config.h"

/* After the drain's deadline parents have so long to echo the rest (ms). */
#define GRACE_MS 8000

/* Raise our descriptor limit as far as it goes (as root: as far as needed). */
void limits_raise(void);

/* Why this configuration cannot be served under our limits, or NULL. */
const char *config_exceeds_limits(const struct config *c);

#endif
