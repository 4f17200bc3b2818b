#include <arpa/inet.h>
#include <atf-c.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "proxy.h"

/*
 * TCP, 192.0.2.1:51000 to 198.51.100.2:443, with a CRC32C (spelt out: what
 * makes and what reads it could be wrong in the same way).
 */
static const uint8_t spelt[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51,
    0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0x00, 0x13, 192, 0, 2, 1, 198, 51, 100,
    2, 0xc7, 0x38, 0x01, 0xbb, 0x03, 0x00, 0x04, 0x9b, 0xb9, 0xb1, 0x02 };

/* ---- making headers by hand ---------------------------------------------- */

#define FIXED	16
#define PROXY4	0x21, 0x11
#define ROOM	(2 * PROXY_MAX)

struct draft {
	uint8_t	p[ROOM];
	size_t	n;
};

static void
put(struct draft *d, const void *src, size_t n)
{
	ATF_REQUIRE(d->n + n <= sizeof d->p);
	memcpy(d->p + d->n, src, n);
	d->n += n;
}

static void
set_length(struct draft *d, size_t n)
{
	d->p[14] = (uint8_t)(n >> 8);
	d->p[15] = (uint8_t)n;
}

/* The fixed part and `n` bytes of addresses, counted from 1. */
static void
begin(struct draft *d, uint8_t version, uint8_t family, size_t n)
{
	d->n = 0;
	put(d, spelt, 12);
	put(d, (uint8_t[]){ version, family, 0, 0 }, 4);
	for (size_t i = 0; i < n; i++)
		put(d, (uint8_t[]){ (uint8_t)(i + 1) }, 1);
	set_length(d, d->n - FIXED);
}

static void
add_tlv(struct draft *d, uint8_t type, const void *value, size_t n)
{
	put(d, (uint8_t[]){ type, (uint8_t)(n >> 8), (uint8_t)n }, 3);
	put(d, value, n);
	set_length(d, d->n - FIXED);
}

/*
 * CRC32C once more and otherwise: long division by the polynomial as it is
 * written, highest bit first, with bytes and result turned round.
 */
static uint32_t
reversed(uint32_t v, int bits)
{
	uint32_t r = 0;

	for (int i = 0; i < bits; i++)
		r |= (v >> i & 1) << (bits - 1 - i);
	return r;
}

static uint32_t
crc32c(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= reversed(p[i], 8) << 24;
		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 != 0 ? 0x1edc6f41 : 0);
	}
	return ~reversed(crc, 32);
}

/* Put the checksum into the four bytes at `at`, which are zero. */
static void
seal(struct draft *d, size_t at)
{
	uint32_t crc = htonl(crc32c(d->p, d->n));

	memcpy(d->p + at, &crc, 4);
}

static const uint8_t zero[4];

static enum proxy_status
parse(const struct draft *d, struct proxy_header *h)
{
	/* Of its own size, so that a sanitizer sees a byte read too many. */
	uint8_t *copy = malloc(d->n + 1);
	enum proxy_status status;

	ATF_REQUIRE(copy != NULL);
	memcpy(copy + 1, d->p, d->n);
	status = proxy_parse(copy + 1, d->n, h);
	free(copy);
	ATF_CHECK(h->length <= d->n);
	ATF_CHECK_EQ(status == PROXY_ABSENT || status == PROXY_BAD,
	    h->why != NULL);
	return status;
}

static void
check_bad(const struct draft *d, const char *why)
{
	struct proxy_header h;

	ATF_CHECK_EQ(PROXY_BAD, parse(d, &h));
	ATF_CHECK_MSG(h.why != NULL && strstr(h.why, why) != NULL,
	    "\"%s\", not \"%s\"", h.why, why);
}

static void
check_address(const char *want, const struct sockaddr_storage *ss)
{
	char text[ADDR_TEXT];

	addr_text(ss, text);
	ATF_CHECK_STREQ(want, text);
}

/* Each part of a good header is right as far as it goes, and says nothing. */
static void
check_prefixes(const struct draft *d)
{
	struct draft cut = *d;
	struct proxy_header h;

	for (cut.n = 0; cut.n < d->n; cut.n++) {
		ATF_CHECK_EQ_MSG(PROXY_MORE, parse(&cut, &h), "%zu", cut.n);
		ATF_CHECK_EQ(0, h.length);
		ATF_CHECK_EQ(0, h.source.ss_family);
	}
}

/* ---- good headers -------------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(spelt_out);
ATF_TC_BODY(spelt_out, tc)
{
	struct proxy_header h;
	struct draft d = { .n = 0 };

	ATF_REQUIRE_EQ(0xe3069283, crc32c((const uint8_t *)"123456789", 9));
	put(&d, spelt, sizeof spelt);
	ATF_REQUIRE_EQ(PROXY_ADDRESS, parse(&d, &h));
	ATF_CHECK_EQ(sizeof spelt, h.length);
	check_address("192.0.2.1:51000", &h.source);
	check_address("198.51.100.2:443", &h.target);
	check_prefixes(&d);
}

ATF_TC_WITHOUT_HEAD(addresses);
ATF_TC_BODY(addresses, tc)
{
	struct proxy_header h;
	struct draft d;

	begin(&d, PROXY4, 12);
	ATF_REQUIRE_EQ(PROXY_ADDRESS, parse(&d, &h));
	ATF_CHECK_EQ(28, h.length);
	check_address("1.2.3.4:2314", &h.source);
	check_address("5.6.7.8:2828", &h.target);
	check_prefixes(&d);
	begin(&d, 0x21, 0x21, 36);
	ATF_REQUIRE_EQ(PROXY_ADDRESS, parse(&d, &h));
	ATF_CHECK_EQ(52, h.length);
	check_address("[102:304:506:708:90a:b0c:d0e:f10]:8482", &h.source);
	check_address("[1112:1314:1516:1718:191a:1b1c:1d1e:1f20]:8996",
	    &h.target);
	check_prefixes(&d);
}

/* The bytes of TLS that came in the same packet are not the header's. */
ATF_TC_WITHOUT_HEAD(what_follows);
ATF_TC_BODY(what_follows, tc)
{
	static const uint8_t hello[] = { 0x16, 3, 1, 0, 200, 1, 0 };
	struct proxy_header h;
	struct draft d;

	begin(&d, PROXY4, 12);
	add_tlv(&d, 0x03, zero, 4);
	seal(&d, d.n - 4);
	for (size_t i = 0; i < 300; i++) {
		put(&d, hello, sizeof hello);
		ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
		ATF_CHECK_EQ(35, h.length);
	}
	begin(&d, 0x20, 0x00, 0);
	put(&d, hello, sizeof hello);
	ATF_CHECK_EQ(PROXY_LOCAL, parse(&d, &h));
	ATF_CHECK_EQ(FIXED, h.length);
}

/* Whatever the family, and whatever is where the addresses would be. */
ATF_TC_WITHOUT_HEAD(local);
ATF_TC_BODY(local, tc)
{
	struct proxy_header h;
	struct draft d;

	for (unsigned family = 0; family < 256; family++) {
		for (size_t n = 0; n < 40; n += 3) {
			begin(&d, 0x20, (uint8_t)family, n);
			ATF_CHECK_EQ(PROXY_LOCAL, parse(&d, &h));
			ATF_CHECK_EQ(FIXED + n, h.length);
			ATF_CHECK_EQ(0, h.source.ss_family);
		}
	}
	begin(&d, 0x20, 0x00, 0);
	add_tlv(&d, 0x04, "padding", 7);
	add_tlv(&d, 0x02, "example.org", 11);
	ATF_CHECK_EQ(PROXY_LOCAL, parse(&d, &h));
	ATF_CHECK_EQ(FIXED + 24, h.length);
	check_prefixes(&d);
}

ATF_TC_WITHOUT_HEAD(tlvs);
ATF_TC_BODY(tlvs, tc)
{
	struct proxy_header h;
	struct draft d;

	begin(&d, PROXY4, 12);
	add_tlv(&d, 0x04, "", 0);
	add_tlv(&d, 0x04, "padding", 7);
	add_tlv(&d, 0x01, "h2", 2);
	add_tlv(&d, 0xee, "unknown", 7);
	add_tlv(&d, 0x00, "", 0);
	ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
	ATF_CHECK_EQ(d.n, h.length);
	check_prefixes(&d);
}

/* Up to the last byte that we take, in one TLV and in as many as can be. */
ATF_TC_WITHOUT_HEAD(longest);
ATF_TC_BODY(longest, tc)
{
	static const uint8_t filling[PROXY_MAX];
	struct proxy_header h;
	struct draft d;

	begin(&d, PROXY4, 12);
	add_tlv(&d, 0x04, filling, PROXY_MAX - 28 - 3);
	ATF_REQUIRE_EQ(PROXY_MAX, d.n);
	ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
	ATF_CHECK_EQ(PROXY_MAX, h.length);
	begin(&d, PROXY4, 12);
	while (d.n + 3 <= PROXY_MAX)
		add_tlv(&d, 0x04, "", 0);
	ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
	ATF_CHECK_EQ(d.n, h.length);
}

/* ---- no header ----------------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(absent);
ATF_TC_BODY(absent, tc)
{
	static const char *const text[] = { "GET / HTTP/1.1\r\n", "hello", "Q",
	    "proxy TCP4 ", "PRINT", "PROXX", "PROXY\t", "PROXYTCP4", "POST /",
	    "QUIT\n", "\n\r\n", "\x16\x03\x01" };
	struct proxy_header h;
	struct draft d;

	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
		d.n = 0;
		put(&d, text[i], strlen(text[i]));
		ATF_CHECK_EQ_MSG(PROXY_ABSENT, parse(&d, &h), "%s", text[i]);
	}
	d.n = 1;
	for (unsigned c = 0; c < 256; c++) {
		d.p[0] = (uint8_t)c;
		ATF_CHECK_EQ(c == '\r' || c == 'P' ? PROXY_MORE : PROXY_ABSENT,
		    parse(&d, &h));
	}
}

ATF_TC_WITHOUT_HEAD(version_1);
ATF_TC_BODY(version_1, tc)
{
	static const char text[] = "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n";
	struct proxy_header h;
	struct draft d = { .n = 0 };

	for (size_t i = 0; i < sizeof text - 1; i++) {
		if (i < 6)
			ATF_CHECK_EQ(PROXY_MORE, parse(&d, &h));
		else
			check_bad(&d, "version 2");
		put(&d, text + i, 1);
	}
	d.n = 0;
	put(&d, "PROXY UNKNOWN\r\n", 15);
	check_bad(&d, "version 2");
}

/* ---- wrong headers ------------------------------------------------------- */

/* Each byte of it, every other value; and at once, not when all has come. */
ATF_TC_WITHOUT_HEAD(signature);
ATF_TC_BODY(signature, tc)
{
	struct proxy_header h;
	struct draft d;

	begin(&d, PROXY4, 12);
	for (size_t at = 0; at < 12; at++) {
		uint8_t right = d.p[at];

		for (unsigned c = 0; c < 256; c++) {
			if (c == right)
				continue;
			d.p[at] = (uint8_t)c;
			for (d.n = at + 1; d.n <= 28; d.n++) {
				if (at > 0)
					check_bad(&d, "signature");
				else if (c != 'P' || d.n > 1)
					ATF_CHECK_EQ(PROXY_ABSENT,
					    parse(&d, &h));
			}
		}
		d.p[at] = right;
	}
}

ATF_TC_WITHOUT_HEAD(version_and_command);
ATF_TC_BODY(version_and_command, tc)
{
	struct proxy_header h;
	struct draft d;

	for (unsigned c = 0; c < 256; c++) {
		begin(&d, (uint8_t)c, 0x11, 12);
		if (c == 0x21) {
			ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
			continue;
		}
		if (c == 0x20) {
			ATF_CHECK_EQ(PROXY_LOCAL, parse(&d, &h));
			continue;
		}
		check_bad(&d, c >> 4 == 2 ? "command" : "version");
		d.n = 13;
		check_bad(&d, c >> 4 == 2 ? "command" : "version");
	}
}

/* UNSPEC, UNIX, datagrams, and what nobody has defined. */
ATF_TC_WITHOUT_HEAD(family);
ATF_TC_BODY(family, tc)
{
	struct proxy_header h;
	struct draft d;

	for (unsigned c = 0; c < 256; c++) {
		begin(&d, 0x21, (uint8_t)c, 216);
		d.n = FIXED;
		set_length(&d, c == 0x21 ? 36 : 12);
		d.n += c == 0x21 ? 36 : 12;
		if (c == 0x11 || c == 0x21) {
			ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
			continue;
		}
		check_bad(&d, "TCP");
		d.n = 14;
		check_bad(&d, "TCP");
	}
}

ATF_TC_WITHOUT_HEAD(too_short);
ATF_TC_BODY(too_short, tc)
{
	struct draft d;

	for (size_t n = 0; n < 36; n++) {
		if (n < 12) {
			begin(&d, PROXY4, n);
			check_bad(&d, "too short");
			d.n = FIXED;
			check_bad(&d, "too short");
		}
		begin(&d, 0x21, 0x21, n);
		check_bad(&d, "too short");
		d.n = FIXED;
		check_bad(&d, "too short");
	}
}

/* Before the bytes are there: nobody is let fill our memory first. */
ATF_TC_WITHOUT_HEAD(too_long);
ATF_TC_BODY(too_long, tc)
{
	struct proxy_header h;
	struct draft d;

	for (unsigned version = 0x20; version <= 0x21; version++) {
		begin(&d, (uint8_t)version, 0x11, 0);
		set_length(&d, PROXY_MAX - FIXED);
		ATF_CHECK_EQ(PROXY_MORE, parse(&d, &h));
		set_length(&d, PROXY_MAX - FIXED + 1);
		check_bad(&d, "longer");
		set_length(&d, 0xffff);
		check_bad(&d, "longer");
		d.n--;
		ATF_CHECK_EQ(PROXY_MORE, parse(&d, &h));
	}
}

ATF_TC_WITHOUT_HEAD(broken_tlvs);
ATF_TC_BODY(broken_tlvs, tc)
{
	struct proxy_header h;
	struct draft d;

	for (size_t n = 1; n < 3; n++) {
		begin(&d, PROXY4, 12);
		add_tlv(&d, 0x04, "", 0);
		put(&d, zero, n);
		set_length(&d, d.n - FIXED);
		check_bad(&d, "cut short");
	}
	/* what follows the header does not make the TLV whole */
	for (size_t over = 1; over < 0xffff - 7; over *= 3) {
		begin(&d, PROXY4, 12);
		add_tlv(&d, 0x04, "padding", 7);
		d.p[29] = (uint8_t)((7 + over) >> 8);
		d.p[30] = (uint8_t)(7 + over);
		check_bad(&d, "past");
		put(&d, spelt, sizeof spelt);
		check_bad(&d, "past");
	}
	/* one that comes short by a byte is followed by a broken one */
	begin(&d, PROXY4, 12);
	add_tlv(&d, 0x04, "padding", 7);
	d.p[30]--;
	check_bad(&d, "cut short");
	d.p[30]++;
	ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
}

/* ---- the checksum -------------------------------------------------------- */

/* In the front, between others and behind them. */
ATF_TC_WITHOUT_HEAD(checksum);
ATF_TC_BODY(checksum, tc)
{
	struct proxy_header h;
	struct draft d;

	for (size_t place = 0; place < 3; place++) {
		size_t at = 0;

		begin(&d, PROXY4, 12);
		for (size_t i = 0; i < 3; i++) {
			if (i == place) {
				at = d.n + 3;
				add_tlv(&d, 0x03, zero, 4);
			} else {
				add_tlv(&d, 0x04, "padding", 7);
			}
		}
		seal(&d, at);
		ATF_CHECK_EQ(PROXY_ADDRESS, parse(&d, &h));
		ATF_CHECK_EQ(d.n, h.length);
		check_prefixes(&d);
		/* all of the header counts, and the checksum as well */
		for (size_t i = FIXED; i < d.n; i++) {
			if (i == at - 3)	/* then there is none */
				continue;
			for (unsigned bit = 0; bit < 8; bit++) {
				d.p[i] ^= (uint8_t)(1 << bit);
				ATF_CHECK_EQ_MSG(PROXY_BAD, parse(&d, &h),
				    "byte %zu bit %u", i, bit);
				d.p[i] ^= (uint8_t)(1 << bit);
			}
		}
		d.p[at] ^= 1;
		check_bad(&d, "match");
	}
}

ATF_TC_WITHOUT_HEAD(odd_checksums);
ATF_TC_BODY(odd_checksums, tc)
{
	struct draft d;

	for (size_t n = 0; n < 9; n++) {
		if (n == 4)
			continue;
		begin(&d, PROXY4, 12);
		add_tlv(&d, 0x03, "\0\0\0\0\0\0\0\0", n);
		check_bad(&d, "4 bytes");
	}
	begin(&d, PROXY4, 12);
	add_tlv(&d, 0x03, zero, 4);
	add_tlv(&d, 0x03, zero, 4);
	seal(&d, 31);
	check_bad(&d, "two");
}

/* ---- headers of our own -------------------------------------------------- */

static size_t
make(uint8_t *dst, const char *source, const char *target)
{
	struct sockaddr_storage from, to;

	ATF_REQUIRE(addr_parse_host(source, &from));
	ATF_REQUIRE(addr_parse_host(target, &to));
	return proxy_make(dst, &from, &to);
}

ATF_TC_WITHOUT_HEAD(made);
ATF_TC_BODY(made, tc)
{
	struct sockaddr_storage un = { .ss_family = AF_UNIX };
	struct draft d = { .n = 0 };
	struct proxy_header h;
	uint8_t p[64];

	ATF_REQUIRE_EQ(sizeof spelt, make(p, "192.0.2.1:51000",
	    "198.51.100.2:443"));
	ATF_CHECK_EQ(0, memcmp(spelt, p, sizeof spelt));
	d.n = make(d.p, "[2001:db8::1]:51000", "[::1]:443");
	ATF_CHECK_EQ(59, d.n);
	ATF_REQUIRE_EQ(PROXY_ADDRESS, parse(&d, &h));
	ATF_CHECK_EQ(d.n, h.length);
	check_address("[2001:db8::1]:51000", &h.source);
	check_address("[::1]:443", &h.target);
	check_prefixes(&d);
	ATF_CHECK_EQ(0, make(p, "192.0.2.1", "::1"));
	ATF_CHECK_EQ(0, make(p, "::1", "192.0.2.1"));
	ATF_CHECK_EQ(0, proxy_make(p, &un, &un));
}

/* ---- anything ------------------------------------------------------------ */

static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* A good header with some bytes changed, some cut off and some more. */
static void
mangle(struct draft *d, uint32_t *state)
{
	uint8_t versions[] = { 0x20, 0x21, 0x21, 0x21 };
	uint8_t family = next(state) % 2 == 0 ? 0x11 : 0x21;

	begin(d, versions[next(state) % 4], family, family == 0x11 ? 12 : 36);
	for (uint32_t i = next(state) % 4; i > 0; i--)
		add_tlv(d, (uint8_t)(next(state) % 6), "0123456789abcdef",
		    next(state) % 16);
	for (uint32_t i = next(state) % 4; i > 0; i--)
		d->p[next(state) % d->n] = (uint8_t)next(state);
	if (next(state) % 4 == 0)
		d->n = next(state) % (d->n + 1);
	if (next(state) % 4 == 0)
		put(d, "more and more", next(state) % 14);
}

/* ---- introductions ------------------------------------------------------ */

/* The TLV of this type among `len` bytes from `p` on: its value and length. */
static const uint8_t *
find_tlv(const uint8_t *p, size_t len, uint8_t type, size_t *n)
{
	for (size_t at = 0; at + 3 <= len; at += 3 + *n) {
		*n = (size_t)p[at + 1] << 8 | p[at + 2];
		ATF_REQUIRE(at + 3 + *n <= len);
		if (p[at] == type)
			return p + at + 3;
	}
	return NULL;
}

static void
check_tlv(const uint8_t *p, size_t len, uint8_t type, const char *want)
{
	size_t n;
	const uint8_t *v = find_tlv(p, len, type, &n);

	ATF_CHECK_MSG((v == NULL) == (want == NULL), "TLV %#x", type);
	if (v != NULL && want != NULL)
		ATF_CHECK_MSG(n == strlen(want) && memcmp(v, want, n) == 0,
		    "TLV %#x: %.*s", type, (int)n, (const char *)v);
}

static void
check_introduction(int family, const struct proxy_client *c)
{
	struct sockaddr_storage from, to;
	static uint8_t p[4096];
	struct proxy_header h;
	const uint8_t *tls;
	size_t len, at, n;

	ATF_REQUIRE(addr_parse_host(family == AF_INET ? "192.0.2.7:4711" :
	    "[2001:db8::7]:4711", &from));
	ATF_REQUIRE(addr_parse_host(family == AF_INET ? "192.0.2.8:443" :
	    "[2001:db8::8]:443", &to));
	len = proxy_introduce(p, sizeof p, &from, &to, c);
	ATF_REQUIRE(len > 0);
	ATF_CHECK_EQ(PROXY_ADDRESS, proxy_parse(p, len, &h));
	ATF_CHECK_EQ(len, h.length);
	ATF_CHECK_EQ(0, memcmp(&from, &h.source, sizeof from));
	ATF_CHECK_EQ(0, memcmp(&to, &h.target, sizeof to));
	at = FIXED + (family == AF_INET ? 12 : 36);
	check_tlv(p + at, len - at, PROXY_TLV_SHA256, c->sha256);
	check_tlv(p + at, len - at, PROXY_TLV_SUBJECT, c->subject);
	check_tlv(p + at, len - at, PROXY_TLV_SERIAL, c->serial);
	tls = find_tlv(p + at, len - at, 0x20, &n);
	ATF_REQUIRE_EQ(c->version != NULL, tls != NULL);
	if (tls == NULL)
		return;
	ATF_CHECK_EQ(0, memcmp(tls, "\7\0\0\0\0", 5));
	check_tlv(tls + 5, n - 5, 0x21, c->version);
	check_tlv(tls + 5, n - 5, 0x22, c->cn);
	check_tlv(tls + 5, n - 5, 0x23, c->cipher);
	/* whatever room there is less, it is not overrun */
	for (size_t room = 0; room < len; room++) {
		p[room] = 0xa5;
		ATF_REQUIRE_EQ(0, proxy_introduce(p, room, &from, &to, c));
		ATF_REQUIRE_EQ(0xa5, p[room]);
	}
	ATF_CHECK_EQ(len, proxy_introduce(p, len, &from, &to, c));
}

ATF_TC_WITHOUT_HEAD(introductions);
ATF_TC_BODY(introductions, tc)
{
	static char large[PROXY_MAX];
	struct proxy_client c = { .version = NULL };
	struct sockaddr_storage from, to;
	static uint8_t p[2 * PROXY_MAX];

	check_introduction(AF_INET, &c);
	c.sha256 = "00ff";
	c.serial = "";
	check_introduction(AF_INET6, &c);
	c.version = "TLSv1.3";
	c.cipher = "TLS_AES_256_GCM_SHA384";
	check_introduction(AF_INET, &c);
	/*
	 * bytes that mean something to a reader of the whole mean nothing here
	 */
	c.cn = "\r\n\r\n\x20\x03\x04\xff\xc3\xa4";
	c.subject = "CN=a\\0Ab,O=\x03";
	check_introduction(AF_INET, &c);
	check_introduction(AF_INET6, &c);
	memset(large, 'x', sizeof large - 1);
	c.subject = large;
	ATF_REQUIRE(addr_parse_host("192.0.2.7:1", &from));
	ATF_REQUIRE(addr_parse_host("192.0.2.8:2", &to));
	ATF_CHECK_EQ(0, proxy_introduce(p, sizeof p, &from, &to, &c));
	large[3000] = '\0';
	check_introduction(AF_INET6, &c);
	/* an address of each family is no connection */
	ATF_REQUIRE(addr_parse_host("[2001:db8::8]:2", &to));
	ATF_CHECK_EQ(0, proxy_introduce(p, sizeof p, &from, &to, &c));
}

ATF_TC_WITHOUT_HEAD(mangled);
ATF_TC_BODY(mangled, tc)
{
	size_t count[PROXY_BAD + 1] = { 0 };
	uint32_t state = 20240229;
	struct proxy_header h;
	struct draft d;

	for (int i = 0; i < 200000; i++) {
		enum proxy_status status;

		mangle(&d, &state);
		status = parse(&d, &h);
		ATF_REQUIRE(status <= PROXY_BAD);
		ATF_REQUIRE(h.length <= d.n);
		if (status == PROXY_ADDRESS || status == PROXY_LOCAL)
			ATF_REQUIRE(h.length >= FIXED);
		if (status == PROXY_ADDRESS)
			ATF_REQUIRE(h.source.ss_family == h.target.ss_family);
		count[status]++;
	}
	/* it was not all the same */
	for (size_t i = 0; i <= PROXY_BAD; i++)
		ATF_CHECK_MSG(count[i] > 1000, "%zu: %zu", i, count[i]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, spelt_out);
	ATF_TP_ADD_TC(tp, addresses);
	ATF_TP_ADD_TC(tp, what_follows);
	ATF_TP_ADD_TC(tp, local);
	ATF_TP_ADD_TC(tp, tlvs);
	ATF_TP_ADD_TC(tp, longest);
	ATF_TP_ADD_TC(tp, absent);
	ATF_TP_ADD_TC(tp, version_1);
	ATF_TP_ADD_TC(tp, signature);
	ATF_TP_ADD_TC(tp, version_and_command);
	ATF_TP_ADD_TC(tp, family);
	ATF_TP_ADD_TC(tp, too_short);
	ATF_TP_ADD_TC(tp, too_long);
	ATF_TP_ADD_TC(tp, broken_tlvs);
	ATF_TP_ADD_TC(tp, checksum);
	ATF_TP_ADD_TC(tp, odd_checksums);
	ATF_TP_ADD_TC(tp, made);
	ATF_TP_ADD_TC(tp, introductions);
	ATF_TP_ADD_TC(tp, mangled);
	return atf_no_error();
}
