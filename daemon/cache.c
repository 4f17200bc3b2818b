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
static uint64_t		seed[6];

_Static_assert(SETS > 0 && (SETS & (SETS - 1)) == 0,
    "a set's number is some bits of a hash");

void
cache_init(void)
{
	memset(entries, 0, sizeof entries);
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		fatal(EX_OSERR, "getrandom: %s", strerror(errno));
}

/*
 * Multilinear hashing over 32-bit words: for two addresses that an attacker
 * may choose, but who does not know the seed, no more than one chance in SETS
 * (Lemire and Kaser, "Strongly universal string hashing is fast", 2014).
 */
static struct entry *
set_of(const struct host_address *who)
{
	uint64_t sum = seed[0] + seed[1] * (uint32_t)who->family;
	uint32_t word[4];

	memcpy(word, who->byte, sizeof word);
	for (int i = 0; i < 4; i++)
		sum += seed[i + 2] * word[i];
	return entries[(sum >> 32) % SETS];
}

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
