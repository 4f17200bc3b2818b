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

enum { TYPE_CRC32C = 0x03 };
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

size_t
proxy_make(uint8_t *dst, const struct sockaddr_storage *source,
    const struct sockaddr_storage *target)
{
	const struct form *f = form_of_family(source->ss_family);
	uint8_t *ports, *tlv;
	size_t len;
	uint32_t crc;

	if (f == NULL || target->ss_family != source->ss_family)
		return 0;
	len = FIXED_SIZE + block_size(f) + TLV_SIZE + CRC_SIZE;
	memcpy(dst, signature, sizeof signature);
	dst[VERSION_AT] = 2 << 4 | COMMAND_PROXY;
	dst[FAMILY_AT] = f->code;
	put16(dst + LENGTH_AT, len - FIXED_SIZE);
	ports = dst + FIXED_SIZE + 2 * f->address;
	put_address(dst + FIXED_SIZE, ports, f, source);
	put_address(dst + FIXED_SIZE + f->address, ports + 2, f, target);
	tlv = dst + FIXED_SIZE + block_size(f);
	tlv[0] = TYPE_CRC32C;
	put16(tlv + 1, CRC_SIZE);
	crc = checksum(dst, len, len - CRC_SIZE);
	put16(tlv + TLV_SIZE, crc >> 16);
	put16(tlv + TLV_SIZE + 2, crc & 0xffff);
	return len;
}
