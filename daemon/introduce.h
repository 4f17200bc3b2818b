/*
 * Who a client is, told to the service that it is passed on to: a PROXY header
 * (lib/proxy.h) ahead of its bytes.
 */
#ifndef POSTERN_INTRODUCE_H
#define POSTERN_INTRODUCE_H

#include <stdbool.h>

struct conn;

/*
 * Put it where the connection keeps what its worker is to have first.  False
 * if it cannot be made: out of memory, or an address cannot be told.
 */
bool introduce(struct conn *c);

#endif
