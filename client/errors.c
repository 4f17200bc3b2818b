#include "errors.h"

#include <openssl/err.h>
#include <openssl/opensslv.h>

/* OpenSSL 3 has renamed it; LibreSSL (2 for ever) and 1.1 have the old name. */
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#define get_error(data, flags) ERR_get_error_all(NULL, NULL, NULL, data, flags)
#else
#define get_error(data, flags) ERR_get_error_line_data(NULL, NULL, data, flags)
#endif

unsigned long
errors_next(const char **data)
{
	int flags = 0;
	unsigned long e;

	*data = "";
	e = get_error(data, &flags);
	if ((flags & ERR_TXT_STRING) == 0)
		*data = "";
	return e;
}
