/*
 * Numeric addresses, in and out.  Never a look-up.
 */
#ifndef POSTERN_ADDR_H
#define POSTERN_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Room for "[v6%4294967295]:65535" and its NUL. */
#define ADDR_TEXT 72

/*
 * Parse "192.0.2.1:443" or "[2001:db8::1]:443" ("[fe80::1%2]:443" with a
 * numeric scope).  False for everything else, host names included.
 */
bool addr_parse(const char *s, struct sockaddr_storage *ss, socklen_t *len);

/*
 * The same without a port, which is then 0, or with one: "192.0.2.1",
 * "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443".  What could be both, as
 * "::1:80", is an address without a port.
 */
bool addr_parse_host(const char *s, struct sockaddr_storage *ss);

/* As below, but without the port: "192.0.2.1", "[2001:db8::1]". */
void addr_host_text(const struct sockaddr_storage *ss, char dst[ADDR_TEXT]);

/* The same text back; IPv4-mapped IPv6 addresses are shown as IPv4. */
void addr_text(const struct sockaddr_storage *ss, char dst[ADDR_TEXT]);

/*
 * "::ffff:192.0.2.1", as a socket for both families says it, becomes 192.0.2.1
 * with the same port; all else stays as it is.
 */
void addr_unmap(struct sockaddr_storage *ss);

/* 127.0.0.0/8 or ::1? */
bool addr_is_loopback(const struct sockaddr_storage *ss);

/* A network, as in RFC 4632, 3.1.  No pointer, part of the configuration. */
struct cidr {
	int32_t		family;		/* AF_INET or AF_INET6 */
	uint32_t	bits;		/* of the prefix */
	uint8_t		address[16];	/* network order; IPv4: the first 4 */
};

/*
 * Parse "192.0.2.0/24" or "2001:db8::/32"; without a length it is the one
 * address.  An IPv4-mapped network becomes the IPv4 one.  False for everything
 * else, also if a bit behind the prefix is set: then the length or the address
 * is not what was meant.
 */
bool addr_parse_cidr(const char *s, struct cidr *c);

/* Is the address in it?  An IPv4-mapped one is taken as IPv4. */
bool addr_in_cidr(const struct cidr *c, const struct sockaddr_storage *ss);

#endif
