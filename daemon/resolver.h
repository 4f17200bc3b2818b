/*
 * posternd: resolver.  The only process that speaks DNS: it gives a parent
 * the host names of an address, each confirmed, and nothing else.  This is
 * all that the two say to each other: fixed-size messages on a SOCK_SEQPACKET
 * pair (channel.h), and neither believes the other.
 */
#ifndef POSTERN_RESOLVER_H
#define POSTERN_RESOLVER_H

#include <stdint.h>

#include "config.h"

/* So many names of an address are looked at, and no more. */
#define RESOLVER_NAMES		8
/* Room for the longest name (253 characters, RFC 1035 2.3.4) and its NUL. */
#define RESOLVER_NAME_SIZE	254
#define RESOLVER_SERVERS	CONFIG_SERVERS_MAX
/* The resolver's descriptor at its start; 2 is the log (log.h). */
#define RESOLVER_CHANNEL_FD	3

/* parent -> resolver, once, first */
struct resolver_setup {
	uint32_t size;		/* of this structure: one build */
	int32_t	 log_kind;
	int32_t	 log_level;
	uint32_t one_uid;	/* -U: there is no other user to become */
	uint32_t rehearsal;	/* its filter asks a tracer (filter.h) */
	uint32_t uid, gid;	/* to become, if not */
	int32_t	 parent;	/* pid whose death is ours */
	int64_t	 deadline_ms;	/* for all that one question takes */
	uint32_t servers;	/* 0: as resolv.conf(5) says */
	struct config_listen server[RESOLVER_SERVERS];
};

/* resolver -> parent, once, first: confined; its value is our setup's size */
typedef uint32_t resolver_ready;

/* parent -> resolver: who is this? */
struct resolver_query {
	uint64_t id;		/* comes back with the answer */
	int32_t	 family;	/* AF_INET, AF_INET6; AF_UNSPEC: well? */
	uint8_t	 address[16];	/* network byte order; the rest is zero */
};

enum resolver_status {
	RESOLVER_ANSWERED,	/* these are its names, perhaps none */
	RESOLVER_TIMEOUT,	/* the deadline came first */
	RESOLVER_FAILED		/* DNS could not say */
};

/* resolver -> parent, one for each query, in any order */
struct resolver_answer {
	uint64_t id;
	int32_t	 status;	/* enum resolver_status */
	uint32_t names;		/* 0 unless answered */
	uint32_t remembered;	/* 1: it asked nobody, but knew this */
	/* host names (RFC 1123), lower case, each with its NUL */
	char	 name[RESOLVER_NAMES][RESOLVER_NAME_SIZE];
	char	 detail[128];	/* how it came about, in words for people */
};

/* Serve the channel at RESOLVER_CHANNEL_FD until the parent is gone. */
_Noreturn void resolver_main(void);

#endif
