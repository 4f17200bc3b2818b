/*
 * Processes of the service that are beneath no supervisor.
 */
#ifndef POSTERN_ORPHAN_H
#define POSTERN_ORPHAN_H

#include <sys/types.h>

struct service;
struct subject;

enum lineage {
	LINEAGE_NONE,		/* nobody of ours, or not the topmost */
	LINEAGE_LEFT,		/* init or a worker, whose spawner has ended */
	LINEAGE_ORPHAN		/* who should not be */
};

/*
 * One that is not known yet, and that no known one has started.  Of who is left
 * *parent is whom it is taken to be beneath: an init must be known before its
 * workers.
 */
enum lineage orphan_look(const struct service *s, pid_t pid,
    const struct subject **parent);

#endif
