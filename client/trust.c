#include "trust.h"

#include <err.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "credentials.h"
#include "file.h"
#include "x509text.h"

/* As libtls's own limit on a chain. */
#define DEPTH_MAX 6

/* OpenSSL's level 1: no MD5, no SHA-1, no RSA under 1024 bits, in a chain. */
#define AUTH_LEVEL 1

/* ---- before the handshake ---- */

/*
 * Where systems keep all their authorities in one file.  A directory of
 * hashed names would have to be read during the handshake, confined.
 */
static const char *
system_authorities(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt",	/* Debian, Arch */
		"/etc/pki/tls/certs/ca-bundle.crt",	/* Fedora */
		"/etc/ssl/ca-bundle.pem",		/* SUSE */
		"/etc/ssl/cert.pem",			/* Alpine */
	};
	const char *path = secure_getenv("SSL_CERT_FILE");

	if (path != NULL && *path != '\0')
		return path;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	path = tls_default_ca_cert_file();
	if (path == NULL || access(path, R_OK) == -1)
		errx(EX_NOINPUT, "this system has no file of CA certificates: "
		    "install ca-certificates, or name the server's CA with -R "
		    "or its certificate with -H");
	return path;
}

static bool
is_root_authority(X509 *cert)
{
	return X509_check_ca(cert) == 1 &&
	    X509_check_issued(cert, cert) == X509_V_OK;
}

static bool
all_root_authorities(STACK_OF(X509) *all)
{
	for (int i = 0; i < sk_X509_num(all); i++)
		if (!is_root_authority(sk_X509_value(all, i)))
			return false;
	return true;
}

static void
load_authorities(struct trust *t, struct tls_config *config,
    const char *ca_file)
{
	const char *path = ca_file != NULL ? ca_file : system_authorities();
	const char *why;
	size_t len;
	uint8_t *pem = credentials_read(path, &len);
	STACK_OF(X509) *all = x509_read_pem(pem, len, &why);

	if (all == NULL)
		errx(EX_NOINPUT, "%s: %s", path, why);
	/* What else the system's file may hold is no pin of the user's. */
	if (ca_file == NULL || all_root_authorities(all)) {
		t->way = TRUST_LIBTLS;
		if (tls_config_set_ca_mem(config, pem, len) != 0)
			errx(EX_NOINPUT, "%s: %s", path,
			    tls_config_error(config));
		sk_X509_pop_free(all, X509_free);
	} else {
		t->way = TRUST_FILE;
		t->anchors = all;
	}
	file_wipe(pem, len);
}

void
trust_load(struct trust *t, struct tls_config *config, const char *ca_file,
    const uint8_t (*pins)[32], size_t pin_count, const char *name)
{
	*t = (struct trust){ .way = TRUST_PIN, .pins = pins,
	    .pin_count = pin_count, .name = name };
	if (ca_file != NULL || pin_count == 0)
		load_authorities(t, config, ca_file);
	if (t->way != TRUST_LIBTLS) {
		tls_config_insecure_noverifycert(config);
		tls_config_insecure_noverifyname(config);
	}
}

/* ---- after it ---- */

static bool
within_validity(X509 *leaf, char *why, size_t size)
{
	const ASN1_TIME *from = X509_get0_notBefore(leaf);
	const ASN1_TIME *to = X509_get0_notAfter(leaf);
	char text[24];

	/* 0 is a malformed time: neither before nor after anything. */
	if (X509_cmp_current_time(from) >= 0) {
		x509_time_text(from, text);
		snprintf(why, size, "its certificate is not valid before %s",
		    text);
		return false;
	}
	if (X509_cmp_current_time(to) <= 0) {
		x509_time_text(to, text);
		snprintf(why, size, "its certificate has expired on %s", text);
		return false;
	}
	return true;
}

static bool
is_pinned(const struct trust *t, X509 *leaf)
{
	uint8_t cert[32], key[32];

	if (!x509_sha256(leaf, cert) || !x509_spki_sha256(leaf, key))
		return false;
	for (size_t i = 0; i < t->pin_count; i++)
		if (memcmp(t->pins[i], cert, 32) == 0 ||
		    memcmp(t->pins[i], key, 32) == 0)
			return true;
	return false;
}

static bool
is_in_file(const struct trust *t, X509 *leaf)
{
	uint8_t want[32], have[32];

	if (!x509_sha256(leaf, want))
		return false;
	for (int i = 0; i < sk_X509_num(t->anchors); i++)
		if (x509_sha256(sk_X509_value(t->anchors, i), have) &&
		    memcmp(want, have, 32) == 0)
			return true;
	return false;
}

static X509_STORE *
make_store(STACK_OF(X509) *anchors)
{
	X509_STORE *store = X509_STORE_new();

	for (int i = 0; store != NULL && i < sk_X509_num(anchors); i++) {
		/* Refused is only what is there already. */
		X509_STORE_add_cert(store, sk_X509_value(anchors, i));
		ERR_clear_error();
	}
	return store;
}

/* Does a chain, made of what the server sent, lead to any of the anchors? */
static bool
leads_to_anchor(STACK_OF(X509) *anchors, STACK_OF(X509) *chain, char *why,
    size_t size)
{
	X509_STORE *store = make_store(anchors);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	bool ok = false;

	snprintf(why, size, "out of memory");
	if (store != NULL && ctx != NULL && X509_STORE_CTX_init(ctx, store,
	    sk_X509_value(chain, 0), chain) == 1) {
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
		X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
		ok = X509_verify_cert(ctx) == 1;
		if (!ok)
			snprintf(why, size, "certificate verification failed: "
			    "%s", X509_verify_cert_error_string(
			    X509_STORE_CTX_get_error(ctx)));
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return ok;
}

static bool
trusted_by_file(const struct trust *t, struct session *s,
    STACK_OF(X509) *chain, char *why, size_t size)
{
	if (!is_in_file(t, sk_X509_value(chain, 0)) &&
	    !leads_to_anchor(t->anchors, chain, why, size))
		return false;
	if (!session_peer_has_name(s, t->name)) {
		snprintf(why, size, "its certificate is not for the name %s",
		    t->name);
		return false;
	}
	return true;
}

bool
trust_check(const struct trust *t, struct session *s, STACK_OF(X509) *chain,
    char *why, size_t size)
{
	X509 *leaf = chain != NULL ? sk_X509_value(chain, 0) : NULL;

	if (leaf == NULL) {
		snprintf(why, size, "it has shown no certificate");
		return false;
	}
	if (!within_validity(leaf, why, size))
		return false;
	if (t->way == TRUST_FILE && !trusted_by_file(t, s, chain, why, size))
		return false;
	if (t->pin_count > 0 && !is_pinned(t, leaf)) {
		snprintf(why, size, "its certificate and key match no pin "
		    "given with -H");
		return false;
	}
	return true;
}

void
trust_free(struct trust *t)
{
	sk_X509_pop_free(t->anchors, X509_free);
	t->anchors = NULL;
}
