#include "cache.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include "log.h"

#define SETS (CACHE_ENTRIES / CACHE_WAYS)

struct entry {
	struct host_address	 who;
	int64_t			 until;		/* 0: empty */
	struct resolver_answer	 answer;
};

static struct entry	entries[SETS][CACHE_WAYS];
static uint64_t		seed[2];

_Static_assert(SETS > 0 && (SETS & (SETS - 1)) == 0,
    "a set's number is some bits of a hash");

void
cache_init(void)
{
	/* The table is empty: to clear it would make all of it resident. */
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		fatal(EX_OSERR, "getrandom: %s", strerror(errno));
}

/* ---- which set ----------------------------------------------------------- */

static uint64_t
rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static void
sip_rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012) of the family and the address,
 * without the length that it would end with, which is always the same.
 */
static struct entry *
set_of(const struct host_address *who)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575,
	    seed[1] ^ 0x646f72616e646f6d, seed[0] ^ 0x6c7967656e657261,
	    seed[1] ^ 0x7465646279746573 };
	uint64_t word[3] = { (uint64_t)who->family };

	memcpy(&word[1], who->byte, sizeof who->byte);
	for (int i = 0; i < 3; i++) {
		v[3] ^= word[i];
		sip_rounds(v, 2);
		v[0] ^= word[i];
	}
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return entries[(v[0] ^ v[1] ^ v[2] ^ v[3]) % SETS];
}

/* ---- what is known ------------------------------------------------------- */

bool
cache_find(const struct host_address *who, int64_t now,
    struct resolver_answer *a)
{
	const struct entry *set = set_of(who);

	for (int i = 0; i < CACHE_WAYS; i++) {
		if (set[i].until > now &&
		    host_address_equal(&set[i].who, who)) {
			uint64_t id = a->id;

			*a = set[i].answer;
			a->id = id;
			return true;
		}
	}
	return false;
}

void
cache_add(const struct host_address *who, int64_t until,
    const struct resolver_answer *a)
{
	struct entry *set = set_of(who), *to = &set[0];

	for (int i = 0; i < CACHE_WAYS; i++) {
		if (host_address_equal(&set[i].who, who)) {
			to = &set[i];
			break;
		}
		if (set[i].until < to->until)
			to = &set[i];
	}
	to->who = *who;
	to->until = until;
	to->answer = *a;
}
