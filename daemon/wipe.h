/*
 * What libcrypto and libssl free is wiped.
 *
 * OpenSSL 3.0's SSL_free(3) leaves a TLS 1.3 session's traffic secrets in the
 * memory it returns; whoever could read it later (an over-read is enough)
 * would decrypt what had been recorded of that session.
 */
#ifndef POSTERN_WIPE_H
#define POSTERN_WIPE_H

#include <stdbool.h>

/*
 * Call before anything of libcrypto, or it returns false and nothing changes
 * (CRYPTO_set_mem_functions(3)).  LibreSSL wipes its secrets by itself.
 */
bool wipe_init(void);

#endif
