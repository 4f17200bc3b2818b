/*
 * Runs after root was given up: what is parsed here may have been written by
 * anybody.  libtls takes an empty CA file for "the system's CAs" and an
 * expired certificate in silence, so each file is judged with libcrypto first.
 */
#include "credentials.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "expiry.h"
#include "file.h"
#include "metrics.h"
#include "privkey.h"
#include "secret.h"
#include "x509text.h"

static bool
wrong(char *why, size_t size, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool
wrong(char *why, size_t size, const char *file, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(why, size, "%s: ", file);

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < size)
		vsnprintf(why + n, size - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static bool
judge_key(const struct config *c, const struct blob *key, X509 *leaf,
    char *why, size_t size)
{
	const char *name = c->file[FILE_KEY];
	const char *what;
	EVP_PKEY *k;
	bool match;

	switch (privkey_parse(key->data, key->len, NULL, &k, &what)) {
	case PRIVKEY_OK:
		break;
	case PRIVKEY_ENCRYPTED:		/* a daemon cannot ask */
		return wrong(why, size, name, "the key is under a passphrase; "
		    "take it off (openssl pkey -in OLD -out NEW)");
	default:
		return wrong(why, size, name, "%s", what);
	}
	match = X509_check_private_key(leaf, k) == 1;
	EVP_PKEY_free(k);
	ERR_clear_error();
	if (!match)
		return wrong(why, size, name,
		    "the key does not match the certificate %s",
		    c->file[FILE_CERTIFICATE]);
	return true;
}

/* The key first: what is wrong with it time does not mend. */
static bool
judge_certificate(const struct config *c, X509 *leaf, bool *later, char *why,
    size_t size)
{
	const char *name = c->file[FILE_CERTIFICATE];
	char when[24];

	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
		x509_time_text(X509_get0_notAfter(leaf), when);
		return wrong(why, size, name,
		    "the certificate expired at %s; issue a new one", when);
	}
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
		*later = true;
		x509_time_text(X509_get0_notBefore(leaf), when);
		return wrong(why, size, name,
		    "the certificate is not valid before %s", when);
	}
	return true;
}

static bool
judge_own(const struct config *c, const struct blob b[FILE_COUNT],
    X509 **leaf, bool *later, char *why, size_t size)
{
	const struct blob *own = &b[FILE_CERTIFICATE];
	const char *what;
	STACK_OF(X509) *chain = x509_read_pem(own->data, own->len, &what);
	bool ok;

	if (chain == NULL)
		return wrong(why, size, c->file[FILE_CERTIFICATE], "%s", what);
	secret_begin();
	ok = judge_key(c, &b[FILE_KEY], sk_X509_value(chain, 0), why, size);
	secret_end();
	ok = ok &&
	    judge_certificate(c, sk_X509_value(chain, 0), later, why, size);
	if (ok)
		*leaf = sk_X509_shift(chain);
	sk_X509_pop_free(chain, X509_free);
	return ok;
}

static struct authorities *
read_authorities(const struct config *c, const struct blob *ca,
    const struct blob *crl, char *why, size_t size)
{
	struct authorities *a;
	const char *what;
	bool in_crl;

	a = authorities_read(ca->data, ca->len, crl->data, crl->len, &what,
	    &in_crl);
	if (a == NULL)
		wrong(why, size, c->file[in_crl ? FILE_CRL : FILE_CA], "%s",
		    what);
	return a;
}

bool
credentials_set_protocol(struct tls_config *tc, const struct config *c)
{
	uint32_t versions = (c->tls12 ? TLS_PROTOCOL_TLSv1_2 : 0) |
	    (c->tls13 ? TLS_PROTOCOL_TLSv1_3 : 0);

	/* Never a session lifetime: a resumed session is not verified. */
	return tls_config_set_protocols(tc, versions) == 0 &&
	    tls_config_set_ciphers(tc, c->ciphers) == 0 &&
	    tls_config_set_ecdhecurves(tc, c->curves) == 0;
}

static struct tls *
configure(const struct config *c, const struct blob b[FILE_COUNT], char *why,
    size_t size)
{
	struct tls_config *tc = tls_config_new();
	struct tls *server = tls_server();
	bool ok;

	if (tc == NULL || server == NULL) {
		snprintf(why, size, "libtls: out of memory");
		tls_free(server);
		tls_config_free(tc);
		return NULL;
	}
	ok = credentials_set_protocol(tc, c) &&
	    tls_config_set_keypair_mem(tc, b[FILE_CERTIFICATE].data,
	    b[FILE_CERTIFICATE].len, b[FILE_KEY].data, b[FILE_KEY].len) == 0 &&
	    tls_config_set_ca_mem(tc, b[FILE_CA].data, b[FILE_CA].len) == 0;
	if (!ok)
		snprintf(why, size, "tls: %s", tls_config_error(tc));
	tls_config_verify_client(tc);
	if (ok && tls_configure(server, tc) == -1) {
		snprintf(why, size, "tls: %s", tls_error(server));
		ok = false;
	}
	tls_config_clear_keys(tc);
	tls_config_free(tc);
	if (!ok) {
		tls_free(server);
		server = NULL;
	}
	return server;
}

static bool
read_files(const struct config *c, const int *fd, enum config_file first,
    struct blob b[FILE_COUNT], char *why, size_t size)
{
	const char *what;

	for (int i = first; i < FILE_COUNT; i++)
		if ((i != FILE_CRL || fd[i] != -1) &&
		    !file_read(fd[i], &b[i].data, &b[i].len, &what))
			return wrong(why, size, c->file[i], "%s", what);
	return true;
}

static void
wipe_files(struct blob b[FILE_COUNT])
{
	for (int i = 0; i < FILE_COUNT; i++)
		file_wipe(b[i].data, b[i].len);
}

bool
credentials_read(const struct config *c, const int fd[FILE_COUNT],
    struct credential_files *f, char *why, size_t size)
{
	memset(f, 0, sizeof *f);
	return read_files(c, fd, FILE_CERTIFICATE, f->blob, why, size);
}

bool
credentials_load(const struct config *c, struct credential_files *f,
    struct credentials *k, bool *later, char *why, size_t size)
{
	struct blob *b = f->blob;

	memset(k, 0, sizeof *k);
	*later = false;
	if (judge_own(c, b, &k->leaf, later, why, size) && (k->authorities =
	    read_authorities(c, &b[FILE_CA], &b[FILE_CRL], why, size)) != NULL)
		k->server = configure(c, b, why, size);
	wipe_files(b);
	if (k->server != NULL)
		return true;
	credentials_free(k);
	return false;
}

void
credentials_free(struct credentials *k)
{
	tls_free(k->server);
	authorities_free(k->authorities);
	X509_free(k->leaf);
	memset(k, 0, sizeof *k);
}

static bool
is_too_early(const struct config *c, const struct credentials *k, char *why,
    size_t size)
{
	const X509_CRL *crl = authorities_too_early(k->authorities);
	char when[24];

	if (crl == NULL)
		return false;
	x509_time_text(X509_CRL_get0_lastUpdate(crl), when);
	wrong(why, size, c->file[FILE_CRL], "its list is not valid before %s",
	    when);
	return true;
}

bool
credentials_may_replace(const struct config *c, const struct credentials *k,
    int old, bool *later, char *why, size_t size)
{
	const char *what = NULL, *unread;
	char issuer[256];
	uint8_t *data;
	size_t len;

	*later = is_too_early(c, k, why, size);
	if (*later)
		return false;
	if (old == -1 || !file_read(old, &data, &len, &unread))
		return true;		/* with what is it to be compared? */
	what = authorities_fall_back(k->authorities, data, len, issuer,
	    sizeof issuer);
	file_wipe(data, len);
	return what == NULL || wrong(why, size, c->file[FILE_CRL], "%s %s; "
	    "a HUP takes it all the same", what, issuer);
}

/* Seconds since 1970; `otherwise` if it is absent or malformed. */
static int64_t
seconds(const ASN1_TIME *t, int64_t otherwise)
{
	struct tm tm;

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ?
	    (int64_t)timegm(&tm) : otherwise;
}

static void
watch(const char *what, const char *file, const X509_NAME *name,
    const ASN1_TIME *from, const ASN1_TIME *to)
{
	char subject[256];

	if (to == NULL)
		return;		/* a CRL that never runs out */
	x509_name_text(name, subject, sizeof subject);
	expiry_add(what, file, subject, seconds(from, 0), seconds(to, 0));
}

void
credentials_watch_crls(const struct config *c, const struct authorities *a)
{
	STACK_OF(X509_CRL) *crls = authorities_crls(a);

	expiry_forget("crl");
	for (int i = 0; crls != NULL && i < sk_X509_CRL_num(crls); i++) {
		const X509_CRL *crl = sk_X509_CRL_value(crls, i);

		watch("crl", c->file[FILE_CRL], X509_CRL_get_issuer(crl),
		    X509_CRL_get0_lastUpdate(crl),
		    X509_CRL_get0_nextUpdate(crl));
	}
}

void
credentials_watch_expiry(const struct config *c, const struct credentials *k)
{
	STACK_OF(X509) *certs = authorities_certs(k->authorities);

	watch("certificate", c->file[FILE_CERTIFICATE],
	    X509_get_subject_name(k->leaf), X509_get0_notBefore(k->leaf),
	    X509_get0_notAfter(k->leaf));
	for (int i = 0; i < sk_X509_num(certs); i++) {
		const X509 *ca = sk_X509_value(certs, i);

		watch("ca", c->file[FILE_CA], X509_get_subject_name(ca),
		    X509_get0_notBefore(ca), X509_get0_notAfter(ca));
	}
	credentials_watch_crls(c, k->authorities);
}

/* The earliest of two times, of which 0 is none. */
static void
sooner(uint64_t *at, const ASN1_TIME *t)
{
	int64_t s = seconds(t, 0);

	if (s > 0 && (*at == 0 || (uint64_t)s < *at))
		*at = (uint64_t)s;
}

void
credentials_count(const struct authorities *a, X509 *leaf)
{
	STACK_OF(X509) *certs = authorities_certs(a);
	STACK_OF(X509_CRL) *crls = authorities_crls(a);
	uint64_t own = 0, ca = 0, crl = 0;

	for (int i = 0; i < sk_X509_num(certs); i++)
		sooner(&ca, X509_get0_notAfter(sk_X509_value(certs, i)));
	for (int i = 0; crls != NULL && i < sk_X509_CRL_num(crls); i++)
		sooner(&crl, X509_CRL_get0_nextUpdate(
		    sk_X509_CRL_value(crls, i)));
	metric_set(&metrics->not_after[FILE_CA], ca);
	metric_set(&metrics->not_after[FILE_CRL], crl);
	if (leaf == NULL)
		return;
	sooner(&own, X509_get0_notAfter(leaf));
	metric_set(&metrics->not_after[FILE_CERTIFICATE], own);
}

struct authorities *
credentials_authorities(const struct config *c, const int fd[FILE_COUNT],
    char *why, size_t size)
{
	struct blob b[FILE_COUNT] = { { NULL, 0 } };
	struct authorities *a = NULL;

	if (read_files(c, fd, FILE_CA, b, why, size))
		a = read_authorities(c, &b[FILE_CA], &b[FILE_CRL], why, size);
	wipe_files(b);
	return a;
}
