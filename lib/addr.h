/*
 * Numeric addresses, in and out.  Never a look-up.
 */
#ifndef POSTERN_ADDR_H
#define POSTERN_ADDR_H

#include <stdbool.h>
#include <sys/socket.h>

/* Room for "[v6%4294967295]:65535" and its NUL. */
#define ADDR_TEXT 72

/*
 * Parse "192.0.2.1:443" or "[2001:db8::1]:443" ("[fe80::1%2]:443" with a
 * numeric scope).  False for everything else, host names included.
 */
bool addr_parse(const char *s, struct sockaddr_storage *ss, socklen_t *len);

/* The same text back; IPv4-mapped IPv6 addresses are shown as IPv4. */
void addr_text(const struct sockaddr_storage *ss, char dst[ADDR_TEXT]);

#endif
