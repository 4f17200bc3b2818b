/*
 * Warnings before the server's certificate, a CA or a CRL runs out.  Given by
 * one parent of a generation, for it is the parents that read them.
 */
#ifndef POSTERN_EXPIRY_H
#define POSTERN_EXPIRY_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* How near the end is; the first four in the order of time. */
enum expiry {
	EXPIRY_FAR,
	EXPIRY_MONTH,		/* 30 days or less */
	EXPIRY_WEEK,		/* 7 */
	EXPIRY_DAY,		/* 1 */
	EXPIRY_OVER
};

/* What was told last: all zero at first. */
struct expiry_told {
	enum expiry	 near;
	int64_t		 at;
};

/*
 * Add what is to be watched: `what` is "certificate", "ca" or "crl" (static),
 * `subject` whose it is (a CRL: its issuer), escaped already (text.h).  Both
 * texts are copied.  Times are seconds since 1970: the first and last at which
 * it is good.
 */
void expiry_add(const char *what, const char *file, const char *subject,
    int64_t not_before, int64_t not_after);

/* Forget all of this kind: others will be added in their place. */
void expiry_forget(const char *what);

/*
 * Look as soon as the loop runs and every hour from then on.  What is past a
 * threshold is told once for each (a threshold counts if the whole validity is
 * longer by a day), what has run out once a day.
 */
void expiry_start(struct event_base *base);

/* No more: another generation's files are in force, and it looks after them. */
void expiry_stop(void);

/* The next three decide; all times are seconds since 1970. */
enum expiry expiry_nearness(int64_t not_before, int64_t not_after,
    int64_t now);

/*
 * Is this to be told now, after what was told before?  *told is brought up to
 * date.  A clock that was put back is believed, too.
 */
bool expiry_is_news(enum expiry near, int64_t now, struct expiry_told *told);

/* Days left, a begun one counted whole. */
int64_t expiry_days(int64_t not_after, int64_t now);

#endif
