/*
 * What comes before TLS: the PROXY header by which a balancer tells whose the
 * connection is (--proxy-v2).
 */
#ifndef POSTERN_CLIENT_PREFACE_H
#define POSTERN_CLIENT_PREFACE_H

#include <sys/socket.h>

#include "options.h"
#include "session.h"

/*
 * Queue the header, if one is asked for, as the first bytes of the connection
 * that is SESSION_FD now and leads to `peer`.  A source without a port gets
 * that of our own end.  An IPv4 source needs an IPv4 peer (options.h).
 */
void preface_queue(const struct options *o, struct session *s,
    const struct sockaddr_storage *peer);

#endif
