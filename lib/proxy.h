/*
 * The PROXY protocol, version 2 (haproxy's proxy-protocol.txt): a balancer
 * puts a header before a connection's bytes that says whose they are.
 */
#ifndef POSTERN_PROXY_H
#define POSTERN_PROXY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* The longest header that we take or make, with its TLVs (bytes). */
#define PROXY_MAX	8192

enum proxy_status {
	PROXY_MORE,		/* so far it is right; it is not all there */
	PROXY_ADDRESS,		/* `source` and `target` are what it carries */
	PROXY_LOCAL,		/* a health check of the balancer itself */
	PROXY_ABSENT,		/* this is no PROXY header at all */
	PROXY_BAD		/* it is one, and wrong: `why` */
};

struct proxy_header {
	struct sockaddr_storage	source, target;	/* if PROXY_ADDRESS */
	size_t			length;	/* of the header; 0: not all there */
	const char		*why;	/* static; if PROXY_ABSENT or _BAD */
};

/*
 * Look at the `len` bytes that came first on a connection.  What follows the
 * header is left alone.  Bytes that begin otherwise than a header are
 * PROXY_ABSENT; what begins like one is PROXY_BAD as soon as a byte shows it,
 * PROXY_MORE until then.  Version 1 is PROXY_BAD and its `why` names version 2.
 * Only TCP over IPv4 or IPv6 is taken.  A CRC32C is checked where there is one;
 * other TLVs are walked, and none may reach past the end.  What a LOCAL header
 * carries is skipped unseen, as section 2.2 asks.
 */
enum proxy_status proxy_parse(const uint8_t *p, size_t len,
    struct proxy_header *h);

/*
 * Make a header for a TCP connection from `source` to `target`, with a CRC32C;
 * returns its length.  `dst` holds 64 bytes.  Returns 0 if they are not both
 * IPv4 or both IPv6.
 */
size_t proxy_make(uint8_t *dst, const struct sockaddr_storage *source,
    const struct sockaddr_storage *target);

/* TLVs of ours, in the range that is left to applications (section 2.2.7). */
enum {
	PROXY_TLV_SHA256 = 0xe0,	/* of the certificate, hexadecimal */
	PROXY_TLV_SUBJECT,		/* as x509_name_text has it */
	PROXY_TLV_SERIAL		/* hexadecimal */
};

/* Whom TLS has found at the other end; what is NULL is left out. */
struct proxy_client {
	const char	*version, *cipher;	/* without: no TLV on TLS */
	const char	*cn;			/* UTF-8 */
	const char	*sha256, *subject, *serial;	/* ours */
};

/*
 * The same, with what is known of the client, whose certificate was verified.
 * Returns 0, too, if it takes more than `size` bytes, or PROXY_MAX.
 */
size_t proxy_introduce(uint8_t *dst, size_t size,
    const struct sockaddr_storage *source,
    const struct sockaddr_storage *target, const struct proxy_client *c);

#endif
