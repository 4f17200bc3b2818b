/*
 * OpenSSL 3.0 decodes each client's public key by trying its decoders one
 * after the other, which takes a third of a handshake.  Where an ENGINE offers
 * a method for that kind of key it decodes in one step, as it always did
 * before, and verifies by that method.  Ours is a copy of the one that
 * libcrypto has: the same code judges the same keys, with nothing of ours in
 * it.  The interface is public and deprecated (ENGINE_register_pkey_meths,
 * EVP_PKEY_meth_copy).
 */
#ifndef POSTERN_EC_H
#define POSTERN_EC_H

#include <stdbool.h>

/*
 * Before the first key is read.  False where the library has no such thing:
 * then all is as before, and slower.
 */
bool ec_init(void);

#endif
