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

/* Room for what roundtrips_lost says. */
#define ROUNDTRIPS_LOST 16

/*
 * How much of `sent` is lost if `back` are back, in percent with up to three
 * digits: "0" only if nothing is lost, "100" only if nothing is back.
 */
void roundtrips_lost(char dst[ROUNDTRIPS_LOST], uint64_t sent,
    uint64_t back);

#endif
