#define OPENSSL_SUPPRESS_DEPRECATED	/* it is, and works */
#include "ec.h"

#include <openssl/opensslv.h>

#if defined(LIBRESSL_VERSION_NUMBER) || defined(OPENSSL_NO_ENGINE) || \
    OPENSSL_VERSION_NUMBER < 0x30000000L

bool
ec_init(void)
{
	return false;
}

#else

#include <openssl/engine.h>
#include <openssl/evp.h>

static EVP_PKEY_METHOD *method;

static int
methods(ENGINE *e, EVP_PKEY_METHOD **m, const int **nids, int nid)
{
	static const int ec[] = { EVP_PKEY_EC };

	(void)e;
	if (m == NULL) {
		*nids = ec;
		return 1;
	}
	*m = nid == EVP_PKEY_EC ? method : NULL;
	return *m != NULL;
}

bool
ec_init(void)
{
	const EVP_PKEY_METHOD *own = EVP_PKEY_meth_find(EVP_PKEY_EC);
	ENGINE *e = ENGINE_new();
	int flags = 0;

	if (own != NULL)
		EVP_PKEY_meth_get0_info(NULL, &flags, own);
	method = EVP_PKEY_meth_new(EVP_PKEY_EC, flags);
	if (own != NULL && e != NULL && method != NULL) {
		EVP_PKEY_meth_copy(method, own);
		if (ENGINE_set_id(e, "ec") == 1 &&
		    ENGINE_set_name(e, "libcrypto's own EC") == 1 &&
		    ENGINE_set_pkey_meths(e, methods) == 1 &&
		    ENGINE_register_pkey_meths(e) == 1)
			return true;	/* it has both for ever */
	}
	EVP_PKEY_meth_free(method);
	ENGINE_free(e);
	return false;
}

#endif
