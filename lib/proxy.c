#include "proxy.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

/*
 * The fixed part: 12 bytes that no other protocol begins with, version and
 * command, family and transport, and the length of what follows.
 */
#define VERSION_AT	12
#define FAMILY_AT	13
#define LENGTH_AT	14
#define FIXED_SIZE	16

enum command { COMMAND_LOCAL, COMMAND_PROXY };

enum { TYPE_CRC32C = 0x03, TYPE_TLS = 0x20, SUBTYPE_VERSION = 0x21,
    SUBTYPE_CN = 0x22, SUBTYPE_CIPHER = 0x23 };
enum { CLIENT_TLS = 1, CLIENT_CERT_CONN = 2, CLIENT_CERT_SESS = 4 };
#define TLV_SIZE	3	/* type and length */
#define CRC_SIZE	4

static const uint8_t signature[VERSION_AT] = { '\r', '\n', '\r', '\n', 0, '\r',
    '\n', 'Q', 'U', 'I', 'T', '\n' };
static const uint8_t version1[6] = { 'P', 'R', 'O', 'X', 'Y', ' ' };

/* The two that we take: TCP over either IP; ports lie behind both addresses. */
static const struct form {
	uint8_t	 code;		/* family and transport */
	int	 family;
	size_t	 address;	/* size of one */
} forms[] = {
	{ 0x11, AF_INET, 4 },
	{ 0x21, AF_INET6, 16 },
};

static const struct form *
form_of_code(uint8_t code)
{
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (forms[i].code == code)
			return &forms[i];
	return NULL;
}

static const struct form *
form_of_family(int family)
{
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (forms[i].family == family)
			return &forms[i];
	return NULL;
}

/* Two addresses and two ports. */
static size_t
block_size(const struct form *f)
{
	return 2 * f->address + 4;
}

static size_t
get16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | (uint32_t)get16(p + 2);
}

/* ---- the checksum -------------------------------------------------------- */

/* CRC32C (RFC 3720, 12.1), bit by bit: a header is short, and comes once. */
static uint32_t
crc32c_add(uint32_t crc, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
	}
	return crc;
}

/* Of the whole header, with the checksum's own bytes taken as zero. */
static uint32_t
checksum(const uint8_t *p, size_t len, size_t at)
{
	static const uint8_t zero[CRC_SIZE];
	uint32_t crc = crc32c_add(UINT32_MAX, p, at);

	crc = crc32c_add(crc, zero, sizeof zero);
	return ~crc32c_add(crc, p + at + CRC_SIZE, len - at - CRC_SIZE);
}

/* ---- a header that came -------------------------------------------------- */

static enum proxy_status
verdict(struct proxy_header *h, enum proxy_status status, const char *why)
{
	h->why = why;
	return status;
}

static enum proxy_status
bad(struct proxy_header *h, const char *why)
{
	return verdict(h, PROXY_BAD, why);
}

/* Do the bytes that are there agree with what is looked for? */
static bool
begins_like(const uint8_t *p, size_t len, const uint8_t *what, size_t size)
{
	return memcmp(p, what, len < size ? len : size) == 0;
}

/* PROXY_MORE, too, if all is right and the signature is whole. */
static enum proxy_status
check_signature(const uint8_t *p, size_t len, struct proxy_header *h)
{
	if (begins_like(p, len, signature, sizeof signature))
		return PROXY_MORE;
	if (begins_like(p, len, version1, sizeof version1)) {
		if (len < sizeof version1)
			return PROXY_MORE;
		return bad(h, "it is of version 1: let the balancer send "
		    "version 2");
	}
	if (p[0] == signature[0])
		return bad(h, "its signature is wrong");
	return verdict(h, PROXY_ABSENT, "there is no PROXY header of version "
	    "2");
}

/* What the fixed part says, byte by byte as far as it is there. */
static enum proxy_status
check_fixed(const uint8_t *p, size_t len, struct proxy_header *h)
{
	const struct form *f = NULL;
	bool proxied;

	if (len <= VERSION_AT)
		return PROXY_MORE;
	if (p[VERSION_AT] >> 4 != 2)
		return bad(h, "its version is not 2");
	if ((p[VERSION_AT] & 15) > COMMAND_PROXY)
		return bad(h, "its command is neither LOCAL nor PROXY");
	proxied = (p[VERSION_AT] & 15) == COMMAND_PROXY;
	if (len <= FAMILY_AT)
		return PROXY_MORE;
	if (proxied && (f = form_of_code(p[FAMILY_AT])) == NULL)
		return bad(h, "it is not for TCP over IPv4 or IPv6");
	if (len < FIXED_SIZE)
		return PROXY_MORE;
	if (get16(p + LENGTH_AT) > PROXY_MAX - FIXED_SIZE)
		return bad(h, "it is longer than 8192 bytes");
	if (f != NULL && get16(p + LENGTH_AT) < block_size(f))
		return bad(h, "it is too short for its addresses");
	return PROXY_MORE;
}

_Static_assert(PROXY_MAX == 8192, "the words above say so");

/* The TLVs of a header of `len` bytes, from `at` on; NULL if they are right. */
static const char *
check_tlvs(const uint8_t *p, size_t len, size_t at)
{
	size_t size, crc_at = 0;

	for (; at < len; at += size) {
		uint8_t type = p[at];

		if (len - at < TLV_SIZE)
			return "its last TLV is cut short";
		size = get16(p + at + 1);
		at += TLV_SIZE;
		if (size > len - at)
			return "a TLV reaches past its end";
		if (type != TYPE_CRC32C)
			continue;
		if (size != CRC_SIZE)
			return "its CRC32C is not of 4 bytes";
		if (crc_at != 0)
			return "it has two CRC32Cs";
		crc_at = at;
	}
	if (crc_at != 0 && get32(p + crc_at) != checksum(p, len, crc_at))
		return "its CRC32C does not match";
	return NULL;
}

static void
get_address(struct sockaddr_storage *ss, const struct form *f,
    const uint8_t *address, const uint8_t *port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	ss->ss_family = (sa_family_t)f->family;
	if (f->family == AF_INET) {
		memcpy(&in->sin_addr, address, f->address);
		memcpy(&in->sin_port, port, 2);
	} else {
		memcpy(&in6->sin6_addr, address, f->address);
		memcpy(&in6->sin6_port, port, 2);
	}
}

enum proxy_status
proxy_parse(const uint8_t *p, size_t len, struct proxy_header *h)
{
	enum proxy_status status;
	const struct form *f;
	const uint8_t *ports;
	size_t whole;

	memset(h, 0, sizeof *h);
	status = check_signature(p, len, h);
	if (status == PROXY_MORE)
		status = check_fixed(p, len, h);
	if (status != PROXY_MORE || len < FIXED_SIZE)
		return status;
	whole = FIXED_SIZE + get16(p + LENGTH_AT);
	if (len < whole)
		return PROXY_MORE;
	h->length = whole;
	if ((p[VERSION_AT] & 15) == COMMAND_LOCAL)
		return PROXY_LOCAL;
	f = form_of_code(p[FAMILY_AT]);
	h->why = check_tlvs(p, whole, FIXED_SIZE + block_size(f));
	if (h->why != NULL)
		return PROXY_BAD;
	ports = p + FIXED_SIZE + 2 * f->address;
	get_address(&h->source, f, p + FIXED_SIZE, ports);
	get_address(&h->target, f, p + FIXED_SIZE + f->address, ports + 2);
	return PROXY_ADDRESS;
}

/* ---- a header to send ---------------------------------------------------- */

static void
put_address(uint8_t *address, uint8_t *port, const struct form *f,
    const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

	if (f->family == AF_INET) {
		memcpy(address, &in->sin_addr, f->address);
		memcpy(port, &in->sin_port, 2);
	} else {
		memcpy(address, &in6->sin6_addr, f->address);
		memcpy(port, &in6->sin6_port, 2);
	}
}

/* Where it is made.  What does not fit is not written, and remembered. */
struct page {
	uint8_t	*p;
	size_t	 len, size;
	bool	 full;
};

static uint8_t *
reserve(struct page *g, size_t n)
{
	uint8_t *at = g->p + g->len;

	if (g->full || n > g->size - g->len) {
		g->full = true;
		return NULL;
	}
	g->len += n;
	return at;
}

static void
put_bytes(struct page *g, const void *p, size_t n)
{
	uint8_t *at = reserve(g, n);

	if (at != NULL && n > 0)
		memcpy(at, p, n);
}

static void
put_tlv(struct page *g, uint8_t type, const void *p, size_t n)
{
	uint8_t head[TLV_SIZE] = { type };

	if (n > UINT16_MAX)
		g->full = true;
	put16(head + 1, n);
	put_bytes(g, head, sizeof head);
	put_bytes(g, p, n);
}

static void
put_text(struct page *g, uint8_t type, const char *s)
{
	if (s != NULL)
		put_tlv(g, type, s, strlen(s));
}

/*
 * Section 2.2.5: a client that speaks TLS, with a certificate in this
 * connection and session; 0 says that it was verified.
 */
static void
put_tls(struct page *g, const struct proxy_client *c)
{
	static const uint8_t fixed[] = { CLIENT_TLS | CLIENT_CERT_CONN |
	    CLIENT_CERT_SESS, 0, 0, 0, 0 };
	size_t begin = g->len;

	if (c->version == NULL || c->cipher == NULL)
		return;
	put_tlv(g, TYPE_TLS, fixed, sizeof fixed);
	put_text(g, SUBTYPE_VERSION, c->version);
	put_text(g, SUBTYPE_CN, c->cn);
	put_text(g, SUBTYPE_CIPHER, c->cipher);
	if (!g->full)
		put16(g->p + begin + 1, g->len - begin - TLV_SIZE);
}

static bool
put_fixed(struct page *g, const struct sockaddr_storage *source,
    const struct sockaddr_storage *target)
{
	const struct form *f = form_of_family(source->ss_family);
	uint8_t *p, *ports;

	if (f == NULL || target->ss_family != source->ss_family)
		return false;
	p = reserve(g, FIXED_SIZE + block_size(f));
	if (p == NULL)
		return false;
	memcpy(p, signature, sizeof signature);
	p[VERSION_AT] = 2 << 4 | COMMAND_PROXY;
	p[FAMILY_AT] = f->code;
	ports = p + FIXED_SIZE + 2 * f->address;
	put_address(p + FIXED_SIZE, ports, f, source);
	put_address(p + FIXED_SIZE + f->address, ports + 2, f, target);
	return true;
}

/* The length, and then the checksum, of what is there. */
static void
seal(struct page *g)
{
	static const uint8_t zero[CRC_SIZE];
	uint32_t crc;

	put_tlv(g, TYPE_CRC32C, zero, sizeof zero);
	if (g->full)
		return;
	put16(g->p + LENGTH_AT, g->len - FIXED_SIZE);
	crc = checksum(g->p, g->len, g->len - CRC_SIZE);
	put16(g->p + g->len - CRC_SIZE, crc >> 16);
	put16(g->p + g->len - CRC_SIZE + 2, crc & 0xffff);
}

size_t
proxy_introduce(uint8_t *dst, size_t size,
    const struct sockaddr_storage *source,
    const struct sockaddr_storage *target, const struct proxy_client *c)
{
	struct page g = { .p = dst, .size = size < PROXY_MAX ? size :
	    PROXY_MAX };

	if (!put_fixed(&g, source, target))
		return 0;
	put_tls(&g, c);
	put_text(&g, PROXY_TLV_SHA256, c->sha256);
	put_text(&g, PROXY_TLV_SUBJECT, c->subject);
	put_text(&g, PROXY_TLV_SERIAL, c->serial);
	seal(&g);
	return g.full ? 0 : g.len;
}

size_t
proxy_make(uint8_t *dst, const struct sockaddr_storage *source,
    const struct sockaddr_storage *target)
{
	static const struct proxy_client nothing;

	return proxy_introduce(dst, 64, source, target, &nothing);
}
