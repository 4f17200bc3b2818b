/*
 * What a certificate, a request or a revocation list says, as an object of
 * lower-case keys in a fixed order.  All text in it is printable ASCII.
 */
#ifndef POSTERN_CERTGEN_DESCRIBE_H
#define POSTERN_CERTGEN_DESCRIBE_H

#include <jansson.h>
#include <openssl/x509.h>

/* The caller's (json_decref).  They end the program if memory is short. */
json_t *describe_certificate(X509 *cert);
json_t *describe_request(X509_REQ *request);
json_t *describe_crl(X509_CRL *crl);

/* "SHA256:..." of the certificate's DER, and of its public key. */
json_t *describe_pin(X509 *cert);
json_t *describe_key_pin(X509 *cert);

#endif
