#include "wipe.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#ifdef LIBRESSL_VERSION_NUMBER

bool
wipe_init(void)
{
	return true;
}

#else

static void
wiping_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* As the library's own: nothing for no bytes. */
static void *
plain_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size == 0 ? NULL : malloc(size);
}

/* Never in place, or what is moved from would stay as it was. */
static void *
wiping_realloc(void *old, size_t size, const char *file, int line)
{
	size_t had = old == NULL ? 0 : malloc_usable_size(old);
	void *p = plain_malloc(size, file, line);

	if (p == NULL && size > 0)
		return NULL;
	if (p != NULL && old != NULL)
		memcpy(p, old, had < size ? had : size);
	wiping_free(old, file, line);
	return p;
}

bool
wipe_init(void)
{
	return CRYPTO_set_mem_functions(plain_malloc, wiping_realloc,
	    wiping_free) == 1;
}

#endif
