/*
 * What Landlock must refuse to a process, tried in its place.
 */
#ifndef POSTERN_AUDIT_LANDLOCK_H
#define POSTERN_AUDIT_LANDLOCK_H

#include "service.h"
#include "tracee.h"

/* Against `twin` (twin.h); false once a call could not be made. */
bool check_landlock(struct tracee *t, const struct service *s,
    struct subject *p, pid_t twin);

#endif
