#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

#ifdef LIBRESSL_VERSION_NUMBER

static char *first;	/* of our heap, when it held no key yet */

void
secret_init(void)
{
	first = sbrk(0);
}

void
secret_begin(void)
{
}

void
secret_end(void)
{
}

void
secret_settle(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	char *from = (char *)((uintptr_t)first & ~(page - 1));
	size_t size = (size_t)((char *)sbrk(0) - from);

	if (mlock(from, size) == -1 || madvise(from, size, MADV_DONTDUMP) == -1)
		fatal(EX_OSERR, "the key cannot be locked in memory: %s: raise "
		    "the limit (ulimit -l, LimitMEMLOCK=)", strerror(errno));
}

#else

/* A power of two; a key takes some KiB, a first handshake less than 100. */
#define SIZE		((size_t)512 << 10)
/* Larger than some bookkeeping of libcrypto's, small enough for any number. */
#define SMALLEST	32
/*
 * Once the key is read, blocks of a record's size are libssl's buffers for what
 * clients send and get: two of them for each message.  To wipe them would cost
 * a small one a tenth of its time, and our own buffers have the same in them.
 */
#define RECORD		16384

static char	*heap;		/* SIZE bytes */
static bool	 gathering;	/* between secret_begin and secret_end */
static bool	 settled;	/* nothing that the key was made of is left */

static bool
in_heap(const void *p)
{
	return heap != NULL && (uintptr_t)p - (uintptr_t)heap < SIZE;
}

/* As the library's own: nothing for no bytes. */
static void *
secret_malloc(size_t size, const char *file, int line)
{
	void *p = NULL;

	if (size == 0)
		return NULL;
	/* The other half is for what libcrypto knows to be secret itself. */
	if (gathering && size < SIZE / 2 &&
	    CRYPTO_secure_used() < SIZE / 2 - size) {
		gathering = false;	/* not for what that may ask for */
		p = CRYPTO_secure_malloc(size, file, line);
		gathering = true;
	}
	return p != NULL ? p : malloc(size);
}

static void
wiping_free(void *p, const char *file, int line)
{
	size_t size;

	if (in_heap(p)) {
		CRYPTO_secure_free(p, file, line);	/* wipes it */
		return;
	}
	size = p == NULL ? 0 : malloc_usable_size(p);
	if (size > 0 && (size < RECORD || !settled))
		explicit_bzero(p, size);
	free(p);
}

/* Never in place, or what is moved from would stay as it was. */
static void *
wiping_realloc(void *old, size_t size, const char *file, int line)
{
	size_t had = 0;
	void *p = secret_malloc(size, file, line);

	if (p == NULL && size > 0)
		return NULL;
	if (old != NULL)
		had = in_heap(old) ? CRYPTO_secure_actual_size(old) :
		    malloc_usable_size(old);
	if (p != NULL && old != NULL)
		memcpy(p, old, had < size ? had : size);
	wiping_free(old, file, line);
	return p;
}

/* All of the empty heap at once: where it begins. */
static char *
find_heap(void)
{
	char *p = OPENSSL_secure_malloc(SIZE);
	bool whole = p != NULL && CRYPTO_secure_actual_size(p) == SIZE &&
	    ((uintptr_t)p & ((uintptr_t)sysconf(_SC_PAGESIZE) - 1)) == 0;

	OPENSSL_secure_free(p);
	return whole ? p : NULL;
}

/* Tried, not believed: what has it in its own memory cannot read it there. */
static void
try_secret(void)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char c;

	if (fd == -1)
		fatal(EX_OSERR, "/proc/self/mem: %s", strerror(errno));
	if (pread(fd, &c, 1, (off_t)(uintptr_t)heap) != -1 || errno != EIO)
		fatal(EX_OSERR, "the key's memory can be read by others");
	close(fd);
}

/*
 * Other memory takes the heap's place, with what is in it (how it is divided).
 * False if the kernel has no such memory.
 */
static bool
replace_heap(void)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	char *held;

	if (fd == -1)
		return false;
	held = malloc(SIZE);
	if (held == NULL)
		fatal(EX_OSERR, "out of memory");
	memcpy(held, heap, SIZE);
	if (ftruncate(fd, (off_t)SIZE) == -1 || mmap(heap, SIZE, PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != heap)
		fatal(EX_OSERR, "memory for the key: %s: raise the limit "
		    "(ulimit -l, LimitMEMLOCK=)", strerror(errno));
	memcpy(heap, held, SIZE);
	free(held);
	close(fd);
	return true;
}

void
secret_init(void)
{
	int made;

	if (CRYPTO_set_mem_functions(secret_malloc, wiping_realloc,
	    wiping_free) != 1)
		fatal(EX_SOFTWARE, "libcrypto is in use already");
	made = CRYPTO_secure_malloc_init(SIZE, SMALLEST);
	/* 2: it is there, and not locked or in core files */
	if (made != 1)
		fatal(EX_OSERR, "the key cannot be locked in memory: raise "
		    "the limit (ulimit -l, LimitMEMLOCK=)");
	heap = find_heap();
	if (heap == NULL)
		fatal(EX_SOFTWARE, "libcrypto's secure heap is not as "
		    "expected");
	if (replace_heap())
		try_secret();
}

void
secret_begin(void)
{
	gathering = true;
}

void
secret_end(void)
{
	gathering = false;
}

void
secret_settle(void)
{
	settled = true;
}

#endif
