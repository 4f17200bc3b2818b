/*
 * A twin: a process of ours with the user, the group and the namespaces of
 * one that is audited, no capability, and nothing to hide.  What has the same
 * rights may signal it and look into it, unless Landlock forbids.  No file in
 * /proc tells of Landlock, so this is how it is noticed from outside.
 */
#ifndef POSTERN_TWIN_H
#define POSTERN_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proc.h"

/*
 * The twin of the process at `dir`, made anew or one that serves others like
 * it: its pid in that process's pid namespace.  It was tried that a second
 * twin may indeed signal and look into it.  0 with words in `why` if not.
 * Call it before secrets are in our memory, of which the twin has a copy.
 */
pid_t twin_of(int dir, const struct proc_status *s,
    const struct proc_id ns[NS_COUNT], char *why, size_t why_size);

/* End all twins. */
void twin_end_all(void);

#endif
