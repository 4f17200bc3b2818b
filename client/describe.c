#include "describe.h"

#include <err.h>
#include <openssl/objects.h>

#include "text.h"
#include "x509text.h"

static void
describe_names(X509 *leaf)
{
	const X509_NAME *issuer = X509_get_issuer_name(leaf);
	char text[X509_NAME_TEXT];

	x509_name_field(issuer, NID_organizationName, text, sizeof text);
	if (text[0] == '\0')
		x509_name_text(issuer, text, sizeof text);
	warnx("issuer: %s", text);
	x509_name_text(X509_get_subject_name(leaf), text, sizeof text);
	warnx("subject: %s", text);
}

static void
describe_hashes(X509 *leaf)
{
	uint8_t hash[32];
	char hex[2 * sizeof hash + 1];

	if (x509_sha256(leaf, hash)) {
		text_hex(hex, hash, sizeof hash);
		warnx("certificate: SHA256:%s", hex);
	}
	if (x509_spki_sha256(leaf, hash)) {
		text_hex(hex, hash, sizeof hash);
		warnx("public key: SHA256:%s", hex);
	}
}

void
describe_server(const struct session *s, X509 *leaf)
{
	char from[24], to[24];

	warnx("tls: %s %s", session_version(s), session_cipher(s));
	describe_names(leaf);
	x509_time_text(X509_get0_notBefore(leaf), from);
	x509_time_text(X509_get0_notAfter(leaf), to);
	warnx("valid: %s to %s", from, to);
	describe_hashes(leaf);
}
