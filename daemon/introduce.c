#include "introduce.h"

#include <netinet/in.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "proxy.h"
#include "text.h"
#include "x509text.h"

/* Longer ones are left out: what is cut may be another's name. */
#define CN_MAX		256
#define SUBJECT_MAX	1024
#define HEADER_MAX	2048

struct words {
	char	cn[CN_MAX + 1], sha256[65];
	/*
	 * One that is cut off, and has "..." there, is longer than it may be.
	 */
	char	subject[SUBJECT_MAX + 8];
	char	serial[64];
};

/*
 * Could this be taken for an end or a line?  The controls of ASCII, those of
 * U+0080 to U+009F, and Unicode's own ends of line, U+2028 and U+2029.
 */
static bool
steers(const uint8_t *p, int left)
{
	return p[0] < ' ' || p[0] == 0x7f ||
	    (left > 1 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) ||
	    (left > 2 && p[0] == 0xe2 && p[1] == 0x80 &&
	    (p[2] == 0xa8 || p[2] == 0xa9));
}

/*
 * The last, which is the most specific.  As it is, since the protocol says
 * UTF-8, and only if nothing in it could be taken for an end or a line.
 */
static const char *
common_name(X509 *leaf, char dst[CN_MAX + 1])
{
	X509_NAME *name = X509_get_subject_name(leaf);
	int at = -1, next, n;
	uint8_t *utf8;
	bool fits;

	while ((next = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >
	    -1)
		at = next;
	if (at == -1)
		return NULL;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(name, at)));
	if (n < 0)
		return NULL;
	fits = n > 0 && n <= CN_MAX;
	for (int i = 0; fits && i < n; i++)
		fits = !steers(utf8 + i, n - i);
	if (fits)
		memcpy(dst, utf8, (size_t)n);
	dst[fits ? n : 0] = '\0';
	OPENSSL_free(utf8);
	return fits ? dst : NULL;
}

static void
describe(struct proxy_client *p, struct words *w, X509 *leaf)
{
	uint8_t hash[32];

	if (x509_sha256(leaf, hash)) {
		text_hex(w->sha256, hash, sizeof hash);
		p->sha256 = w->sha256;
	}
	x509_name_text(X509_get_subject_name(leaf), w->subject,
	    sizeof w->subject);
	if (strlen(w->subject) < SUBJECT_MAX)
		p->subject = w->subject;
	x509_serial_text(leaf, w->serial, sizeof w->serial);
	if (strlen(w->serial) < sizeof w->serial - 1)
		p->serial = w->serial;
}

/* Where it came to: by the balancer's word, or by the socket itself. */
static bool
find_target(const struct conn *c, struct sockaddr_storage *target)
{
	socklen_t len = sizeof *target;

	*target = c->target;
	if (target->ss_family == AF_UNSPEC && getsockname(c->t.sock,
	    (struct sockaddr *)target, &len) == -1)
		return false;
	return true;
}

/* The other way round: as an IPv6 address says it. */
static void
map(struct sockaddr_storage *ss)
{
	const struct sockaddr_in in = *(const struct sockaddr_in *)ss;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
	    .sin6_port = in.sin_port };

	in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&in6.sin6_addr.s6_addr[12], &in.sin_addr, 4);
	memset(ss, 0, sizeof *ss);
	memcpy(ss, &in6, sizeof in6);
}

/* A header has one family.  Of a balancer's one of the two may be mapped. */
static void
make_alike(struct sockaddr_storage *a, struct sockaddr_storage *b)
{
	addr_unmap(a);
	addr_unmap(b);
	if (a->ss_family == AF_INET && b->ss_family == AF_INET6)
		map(a);
	else if (b->ss_family == AF_INET && a->ss_family == AF_INET6)
		map(b);
}

bool
introduce(struct conn *c)
{
	const struct config *g = service.config;
	struct proxy_client p = { .version = NULL };
	static uint8_t header[HEADER_MAX];
	struct sockaddr_storage source = c->address, target;
	X509 *leaf = beneath_leaf(&c->verdict);
	static struct words w;
	size_t len = 0;

	if (leaf != NULL && g->relay_tls) {
		p.version = tls_conn_version(c->t.tls);
		p.cipher = tls_conn_cipher(c->t.tls);
		p.cn = common_name(leaf, w.cn);
	}
	if (leaf != NULL && g->relay_certificate)
		describe(&p, &w, leaf);
	if (leaf != NULL && find_target(c, &target)) {
		make_alike(&source, &target);
		len = proxy_introduce(header, sizeof header, &source, &target,
		    &p);
	}
	X509_free(leaf);
	return len > 0 && pile_keep(&c->plain, header, len);
}
