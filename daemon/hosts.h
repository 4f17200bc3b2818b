/*
 * /etc/hosts as it was when the resolver started: its names count as
 * confirmed.
 */
#ifndef POSTERN_HOSTS_H
#define POSTERN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resolver.h"

/* So much of the file is looked at (bytes). */
#define HOSTS_MAX (1U << 20)

/* An address in the one form in which addresses are compared. */
struct host_address {
	int32_t	 family;	/* AF_INET or AF_INET6 */
	uint8_t	 byte[16];	/* of which IPv4 has 4, and zeros */
};

/*
 * Make one of the bytes of an in_addr or in6_addr (IPv4-mapped becomes IPv4).
 * False if it is another family.
 */
bool host_address(struct host_address *to, int family, const void *bytes);
bool host_address_equal(const struct host_address *a,
    const struct host_address *b);

struct hosts;

/*
 * Read the file.  NULL if there is none.  *why is NULL, or words (static) for
 * what is left out.  The caller frees with hosts_free.
 */
struct hosts *hosts_read(const char *path, const char **why);

/* The same of a text, which is copied; NULL if there is no memory. */
struct hosts *hosts_parse(const char *text, size_t len);
void hosts_free(struct hosts *h);

/*
 * The address's names, in the file's order: at most RESOLVER_NAMES, host names
 * (RFC 1123) in lower case, none twice.  Returns their number; 0 if `h` is
 * NULL.
 */
uint32_t hosts_find(const struct hosts *h, const struct host_address *who,
    char name[RESOLVER_NAMES][RESOLVER_NAME_SIZE]);

/*
 * Add a name to a list of those if it is a host name, not there yet, and there
 * is room; in lower case.  False if it was left out.
 */
bool hosts_add_name(char list[RESOLVER_NAMES][RESOLVER_NAME_SIZE],
    uint32_t *count, const char *name);

#endif
