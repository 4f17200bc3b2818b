/*
 * The figures of many round trips, as ping(8) sums them up.
 */
#ifndef POSTERN_CLIENT_ROUNDTRIPS_H
#define POSTERN_CLIENT_ROUNDTRIPS_H

#include <stdint.h>

/* All zero at first; microseconds. */
struct roundtrips {
	uint64_t	count;
	int64_t		min, max;
	double		mean;
	double		squares;	/* of the distances from the mean */
};

void roundtrips_add(struct roundtrips *r, int64_t us);

/* The standard deviation over all of them; 0 if there are none. */
double roundtrips_mdev(const struct roundtrips *r);

#endif
