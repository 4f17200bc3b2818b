/*
 * What libtls does not tell of a certificate: its names as text, its
 * fingerprints, the certificates of a PEM file.
 */
#ifndef POSTERN_X509TEXT_H
#define POSTERN_X509TEXT_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define X509_NAME_TEXT 1024

/*
 * A name in RFC 2253's form ("CN=a,O=b"), one printable ASCII line whatever
 * is in it (text.h); cut with "..." where `size` ends.
 */
void x509_name_text(const X509_NAME *name, char *dst, size_t size);

/* One field of a name (e.g. NID_organizationName), escaped; "" if absent. */
void x509_name_field(const X509_NAME *name, int nid, char *dst, size_t size);

/* SHA-256 of the certificate's DER, and of its SubjectPublicKeyInfo. */
bool x509_sha256(X509 *cert, uint8_t hash[32]);
bool x509_spki_sha256(X509 *cert, uint8_t hash[32]);

/*
 * All certificates of a PEM text, in order; NULL if there is none or one is
 * malformed, with words for it in *why (static).  Other kinds of PEM blocks
 * are passed over.  The caller frees with sk_X509_pop_free(.., X509_free).
 */
STACK_OF(X509) *x509_read_pem(const uint8_t *pem, size_t len,
    const char **why);

/* The time as "2026-11-23T10:00:00Z" (RFC 3339); "?" if it is malformed. */
void x509_time_text(const ASN1_TIME *t, char dst[24]);

#endif
