/*
 * What libtls does not tell of a certificate: its names as text, its
 * fingerprints, the certificates of a PEM file.  All text that is given is
 * printable ASCII, whatever is in the certificate.
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

/*
 * The serial number, lower-case hexadecimal, two digits a byte ("-" before a
 * negative one); cut with "..." where `size` ends.  The second is for the
 * entries of a revocation list.
 */
void x509_serial_text(X509 *cert, char *dst, size_t size);
void x509_integer_text(const ASN1_INTEGER *i, char *dst, size_t size);

/*
 * The subject alternative names (RFC 5280, 4.2.1.6): "DNS:a,IP:192.0.2.1,
 * URI:x:y,email:a@b" without the space, each escaped (text.h) and a comma
 * within one as \x2c; "" if there are none, "malformed" at the end if they
 * cannot be read; cut with "..." where `size` ends.  Costs no more than what
 * is shown, however many there are.
 */
void x509_names_text(X509 *cert, char *dst, size_t size);

/*
 * Call `each` with the text of one name after the other, as above but with
 * its commas, until it says false.  False if they cannot be read to the end.
 */
bool x509_each_name(X509 *cert, bool (*each)(const char *name, void *arg),
    void *arg);

/*
 * The extended key usages, "serverAuth,clientAuth", in the certificate's
 * order; those without a name as numbers with dots.  "" if the extension is
 * absent, "malformed" if it cannot be read; cut like the names.
 */
void x509_usages_text(X509 *cert, char *dst, size_t size);

/* Is the extension there, and the usage (NID_client_auth, ...) in it? */
bool x509_has_usage(X509 *cert, int nid);

/*
 * How many CAs may stand below this one (RFC 5280, 4.2.1.9), -1 for any
 * number; 0 if what it says is no number.  LibreSSL has no function for it.
 */
long x509_path_length(X509 *ca);

/* The kind of key: "EC P-256", "RSA 3072", "Ed25519"; "?" if unknown. */
void x509_key_text(X509 *cert, char *dst, size_t size);

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

/*
 * Is no block of the PEM text cut off, and no BEGIN or END line damaged?  (To
 * libcrypto what it cannot read as a beginning is the end of all.)
 */
bool x509_pem_is_whole(const uint8_t *pem, size_t len);

/* The time as "2026-11-23T10:00:00Z" (RFC 3339); "?" if it is malformed. */
void x509_time_text(const ASN1_TIME *t, char dst[24]);

#endif
