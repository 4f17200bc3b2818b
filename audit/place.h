/*
 * What there is to try Landlock with, that no user's rights and no namespace
 * keep anybody from: a directory of everybody's, and a local socket.
 */
#ifndef POSTERN_PLACE_H
#define POSTERN_PLACE_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PLACE_FILE	"file"		/* an empty one: no program */
#define PLACE_DIRECTORY	"directory"

/*
 * A directory with these two in it, which all may read, write and execute.  It
 * is on no disk and nobody finds it: it is gone when its last descriptor is
 * closed.  That, or -1 with errno set.
 */
int place_make(void);

/*
 * A socket that listens by a name without a file, in the network namespace
 * that is open as `net_ns`; or -1 with errno set.
 */
int place_listen(int net_ns, struct sockaddr_un *name, socklen_t *len);

#endif
