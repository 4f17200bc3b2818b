/*
 * What a supervisor tells a parent that has been retired, or that is to serve
 * on with a newer CRL: the files by which its sessions are to be judged again,
 * as descriptors.  One message each, CA
 * first; the CRL's completes it.  A newer CA may come instead, when what went
 * before is out of date already.
 */
#ifndef POSTERN_NEWS_H
#define POSTERN_NEWS_H

#include <event2/event.h>
#include <stdint.h>

enum news_type {
	NEWS_CA = 1,	/* with a descriptor */
	NEWS_CRL	/* with one, or without: there is no CRL (any more) */
};

struct news {
	uint32_t	type;		/* enum news_type */
	uint32_t	generation;	/* that has these files */
};

/* Serve the channel open at HANDOFF_NEWS in the event loop. */
void news_serve(struct event_base *base);

#endif
