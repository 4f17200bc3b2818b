#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A decimal number without sign or leading zero, at most `max`; -1 if not. */
static int64_t
decimal(const char *s, int64_t max)
{
	int64_t v = 0;

	if (*s == '\0' || (*s == '0' && s[1] != '\0'))
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s - '0');
		if (v > max)
			return -1;
	}
	return v;
}

static bool
parse_v6(char *host, int64_t port, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	char *percent = strchr(host, '%');

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	if (percent != NULL) {
		int64_t scope = decimal(percent + 1, UINT32_MAX);

		if (scope < 1)
			return false;
		in6->sin6_scope_id = (uint32_t)scope;
		*percent = '\0';
	}
	*len = sizeof *in6;
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
}

bool
addr_parse(const char *s, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	const char *colon = strrchr(s, ':');
	char host[ADDR_TEXT];
	int64_t port;

	memset(ss, 0, sizeof *ss);
	if (colon == NULL || (size_t)(colon - s) >= sizeof host)
		return false;
	port = decimal(colon + 1, 65535);
	if (port < 0)
		return false;
	memcpy(host, s, (size_t)(colon - s));
	host[colon - s] = '\0';
	if (host[0] == '[') {
		char *close = strchr(host, ']');

		if (close == NULL || close[1] != '\0')
			return false;
		*close = '\0';
		return parse_v6(host + 1, port, ss, len);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	*len = sizeof *in;
	return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

bool
addr_parse_host(const char *s, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	char host[ADDR_TEXT];
	size_t n = strlen(s);
	socklen_t len;

	if (addr_parse(s, ss, &len))
		return true;
	memset(ss, 0, sizeof *ss);
	if (n >= sizeof host)
		return false;
	memcpy(host, s, n + 1);
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		return parse_v6(host + 1, 0, ss, &len);
	}
	if (strchr(host, ':') != NULL)
		return parse_v6(host, 0, ss, &len);
	in->sin_family = AF_INET;
	return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

void
addr_text(const struct sockaddr_storage *ss, char dst[ADDR_TEXT])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	char host[INET6_ADDRSTRLEN];

	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(dst, ADDR_TEXT, "%s:%u", host,
		    (unsigned)ntohs(in->sin_port));
	} else if (ss->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host,
		    sizeof host);
		snprintf(dst, ADDR_TEXT, "%s:%u", host,
		    (unsigned)ntohs(in6->sin6_port));
	} else if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		if (in6->sin6_scope_id != 0)
			snprintf(dst, ADDR_TEXT, "[%s%%%u]:%u", host,
			    (unsigned)in6->sin6_scope_id,
			    (unsigned)ntohs(in6->sin6_port));
		else
			snprintf(dst, ADDR_TEXT, "[%s]:%u", host,
			    (unsigned)ntohs(in6->sin6_port));
	} else {
		snprintf(dst, ADDR_TEXT, "unknown");
	}
}

void
addr_host_text(const struct sockaddr_storage *ss, char dst[ADDR_TEXT])
{
	char *port;

	addr_text(ss, dst);
	if ((port = strrchr(dst, ':')) != NULL)
		*port = '\0';
}

void
addr_unmap(struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (ss->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return;
	in.sin_port = in6->sin6_port;
	memcpy(&in.sin_addr, &in6->sin6_addr.s6_addr[12], 4);
	memset(ss, 0, sizeof *ss);
	memcpy(ss, &in, sizeof in);
}

/* The address's bytes in network order, and how many; 0: no such family. */
static size_t
bytes_of(const struct sockaddr_storage *ss, uint8_t dst[16])
{
	if (ss->ss_family == AF_INET) {
		memcpy(dst, &((const struct sockaddr_in *)ss)->sin_addr, 4);
		return 4;
	}
	if (ss->ss_family == AF_INET6) {
		memcpy(dst, &((const struct sockaddr_in6 *)ss)->sin6_addr, 16);
		return 16;
	}
	return 0;
}

/* Are the first `bits` of both the same? */
static bool
same_prefix(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 ||
	    (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* Is any bit set that a prefix of that length leaves to the hosts? */
static bool
has_host_bits(const uint8_t *address, size_t size, uint32_t bits)
{
	for (uint32_t i = bits; i < size * 8; i++)
		if ((address[i / 8] & (0x80 >> i % 8)) != 0)
			return true;
	return false;
}

/* The mapped network as IPv4, since that is what clients are compared as. */
static void
unmap_cidr(struct cidr *c)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (c->family != AF_INET6 || c->bits < 96 ||
	    memcmp(c->address, mapped, sizeof mapped) != 0)
		return;
	c->family = AF_INET;
	c->bits -= 96;
	memmove(c->address, c->address + 12, 4);
	memset(c->address + 4, 0, 12);
}

bool
addr_parse_cidr(const char *s, struct cidr *c)
{
	const char *slash = strchr(s, '/');
	size_t n = slash == NULL ? strlen(s) : (size_t)(slash - s), size;
	char host[INET6_ADDRSTRLEN];
	int64_t bits;

	memset(c, 0, sizeof *c);
	if (n >= sizeof host)
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	c->family = strchr(host, ':') == NULL ? AF_INET : AF_INET6;
	size = c->family == AF_INET ? 4 : 16;
	bits = slash == NULL ? (int64_t)size * 8 :
	    decimal(slash + 1, (int64_t)size * 8);
	if (bits < 0 || inet_pton(c->family, host, c->address) != 1 ||
	    has_host_bits(c->address, size, (uint32_t)bits))
		return false;
	c->bits = (uint32_t)bits;
	unmap_cidr(c);
	return true;
}

bool
addr_in_cidr(const struct cidr *c, const struct sockaddr_storage *ss)
{
	struct sockaddr_storage plain = *ss;
	uint8_t address[16];

	addr_unmap(&plain);
	return plain.ss_family == c->family && bytes_of(&plain, address) > 0 &&
	    same_prefix(address, c->address, c->bits);
}

bool
addr_is_loopback(const struct sockaddr_storage *ss)
{
	struct cidr c;

	return (addr_parse_cidr("127.0.0.0/8", &c) && addr_in_cidr(&c, ss)) ||
	    (addr_parse_cidr("::1/128", &c) && addr_in_cidr(&c, ss));
}
