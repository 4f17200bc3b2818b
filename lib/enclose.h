/*
 * A root directory that is empty but for one socket, if even that: in a mount
 * namespace of the process's own, an empty tmpfs, or the socket in an otherwise
 * empty devpts; read-only.
 */
#ifndef POSTERN_ENCLOSE_H
#define POSTERN_ENCLOSE_H

/* The one name in it: the file that a devpts has by itself. */
#define ENCLOSE_SOCKET "/ptmx"

/*
 * Enter it.  `socket` is the name of a local socket, which is followed as
 * connect(2) would, or NULL; only what is a socket is taken in, as
 * ENCLOSE_SOCKET, and it stays that one whatever its name comes to mean.
 * To be called in a mount namespace that is the process's own, with
 * CAP_SYS_ADMIN over it; no user need be mapped.  Returns 0, or, of a socket
 * that is not there, the errno by which connect(2) would say so.  Ends the
 * process if it cannot.
 */
int enclose(const char *socket);

#endif
