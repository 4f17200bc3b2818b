/*
 * The supervisor's end of a parent's news (news.h): which files it has been
 * told of, and until when it must have heard.  One way only: nothing less
 * privileged says anything to the supervisor on it.
 */
#ifndef POSTERN_HERALD_H
#define POSTERN_HERALD_H

#include <stdbool.h>
#include <stdint.h>

/* After timeouts.revoked a retired parent has so long to take its news (ms). */
#define NEWS_GRACE_MS 10000

struct herald {
	int		sock;		/* ours, not blocking; -1: none */
	uint32_t	generation;	/* whose files it was last told of */
	uint32_t	next;		/* enum news_type still to send, or 0 */
	int64_t		until;		/* patience ends; 0: it has all taken */
};

/*
 * Make the channel.  The parent's end goes to *theirs: the caller's to close,
 * and good for receiving only.  False with errno set.
 */
bool herald_open(struct herald *h, int *theirs);

void herald_close(struct herald *h);

/*
 * Tell of a generation's CA and CRL (descriptors, copied; crl -1: none).  To be
 * called again with the newest until it returns -1: all was taken, which means
 * read by the parent.  Else the ms until the next call, or 0: it did not take
 * them within `patience` ms, and what came newer meanwhile gave it no more.
 */
int64_t herald_tell(struct herald *h, uint32_t generation, int ca, int crl,
    int64_t patience);

#endif
