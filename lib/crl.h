/*
 * Revocation lists as libcrypto is given them, so that it verifies the
 * signature of each once and not for each certificate that it judges.
 */
#ifndef POSTERN_CRL_H
#define POSTERN_CRL_H

#include <openssl/x509.h>

/*
 * The next list of PEM blocks, sorted, so that to look a serial number up
 * writes nothing; NULL, and libcrypto's error, at the end as well.
 * *for_verify, if asked for, is what X509_verify_cert and X509_CRL_verify are
 * to have in its place: the same in all but that its entries are found by
 * X509_CRL_get0_by_* alone, and that the key which was found to have signed
 * it last is not tried again.  Both are the caller's.
 */
X509_CRL *crl_read(BIO *pem, X509_CRL **for_verify);

#endif
