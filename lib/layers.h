/*
 * The layers that not every kernel has.  Without one the service runs, says so
 * in its log, and nobody counts it as there.
 */
#ifndef POSTERN_LAYERS_H
#define POSTERN_LAYERS_H

#include <stdbool.h>

enum layer {
	LAYER_MDWE,		/* no memory becomes executable */
	LAYER_LANDLOCK_NET,	/* no TCP port */
	LAYER_LANDLOCK_SCOPE,	/* no signal, no abstract socket, to outside */
	LAYER_SECRET_MEMORY,	/* the key where not even the kernel reads it */
	LAYER_COUNT
};

/* A word that never changes ("mdwe"). */
const char *layer_name(enum layer l);

/* What would have it ("Linux 6.3"). */
const char *layer_needs(enum layer l);

/* Does this kernel have it?  Asked anew each time, before a filter. */
bool layer_present(enum layer l);

#endif
