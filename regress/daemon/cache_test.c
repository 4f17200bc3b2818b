/*
 * The resolver's memory: what it knows, for how long, and that it is bounded.
 */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"

static struct host_address
number(uint32_t n)
{
	struct host_address a;

	ATF_REQUIRE(host_address(&a, AF_INET, &n));
	return a;
}

static void
know(uint32_t n, int64_t until)
{
	static struct resolver_answer answer;
	struct host_address a = number(n);

	answer.status = RESOLVER_ANSWERED;
	answer.names = 1;
	snprintf(answer.name[0], sizeof answer.name[0], "host-%u",
	    (unsigned)n);
	cache_add(&a, until, &answer);
}

static bool
knows(uint32_t n, int64_t now)
{
	static struct resolver_answer answer;
	struct host_address a = number(n);
	char name[32];

	memset(&answer, 0, sizeof answer);
	answer.id = 77;
	if (!cache_find(&a, now, &answer))
		return false;
	snprintf(name, sizeof name, "host-%u", (unsigned)n);
	ATF_CHECK_STREQ(name, answer.name[0]);
	ATF_CHECK_EQ(1, answer.names);
	/* whose question it is does not change */
	ATF_CHECK_EQ(77, answer.id);
	return true;
}

ATF_TC_WITHOUT_HEAD(until);
ATF_TC_BODY(until, tc)
{
	cache_init();
	ATF_CHECK(!knows(1, 1));
	know(1, 100);
	ATF_CHECK(knows(1, 1));
	ATF_CHECK(knows(1, 99));
	ATF_CHECK(!knows(1, 100));
	ATF_CHECK(!knows(2, 1));
	know(1, 200);
	ATF_CHECK(knows(1, 150));
}

/* An address has one entry: an older answer does not come back. */
ATF_TC_WITHOUT_HEAD(replaced);
ATF_TC_BODY(replaced, tc)
{
	cache_init();
	for (int64_t t = 1000; t > 0; t--)
		know(1, t);
	ATF_CHECK(knows(1, 0));
	ATF_CHECK(!knows(1, 1));
}

ATF_TC_WITHOUT_HEAD(families);
ATF_TC_BODY(families, tc)
{
	static struct resolver_answer answer;
	const uint8_t bytes[16] = { 1, 2, 3, 4 };
	struct host_address four, six;

	cache_init();
	ATF_REQUIRE(host_address(&four, AF_INET, bytes));
	ATF_REQUIRE(host_address(&six, AF_INET6, bytes));
	cache_add(&four, 100, &answer);
	ATF_CHECK(cache_find(&four, 1, &answer));
	ATF_CHECK(!cache_find(&six, 1, &answer));
}

/* Full, it forgets first what it would forget first. */
ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	const uint32_t many = CACHE_ENTRIES * 4;
	uint32_t known = 0, late = 0;

	cache_init();
	for (uint32_t n = 0; n < many; n++)
		know(n, 1000 + n);
	for (uint32_t n = 0; n < many; n++) {
		if (!knows(n, 1))
			continue;
		known++;
		late += n >= many / 2;
	}
	/* a set that a seed leaves empty is as good as impossible */
	ATF_CHECK(known > CACHE_ENTRIES * 3 / 4 && known <= CACHE_ENTRIES);
	ATF_CHECK(late > known * 3 / 4);
	/* the last is there whatever its set holds */
	ATF_CHECK(knows(many - 1, 1));
}

/* Another seed each time: which ones push each other out is not foreseen. */
ATF_TC_WITHOUT_HEAD(seeded);
ATF_TC_BODY(seeded, tc)
{
	static bool first[CACHE_ENTRIES * 4];
	bool differs = false;

	for (int run = 0; run < 2; run++) {
		/* what the first has left is over, and makes room first */
		int64_t begun = run == 0 ? 100000 : 200000;

		cache_init();
		for (uint32_t n = 0; n < CACHE_ENTRIES * 4; n++)
			know(n, begun + 1 + n);
		for (uint32_t n = 0; n < CACHE_ENTRIES * 4; n++) {
			bool known = knows(n, begun);

			differs |= run == 1 && known != first[n];
			first[n] = known;
		}
	}
	ATF_CHECK(differs);
}

/* Of this process, in pages. */
static long
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all, pages;

	ATF_REQUIRE(f != NULL && fscanf(f, "%ld %ld", &all, &pages) == 2);
	fclose(f);
	return pages;
}

/* What it has not yet remembered takes no memory. */
ATF_TC_WITHOUT_HEAD(small);
ATF_TC_BODY(small, tc)
{
	const long whole = CACHE_ENTRIES *
	    (long)sizeof(struct resolver_answer) / sysconf(_SC_PAGESIZE);
	long before = resident();

	cache_init();
	ATF_CHECK(resident() - before < whole / 2);
	for (uint32_t n = 0; n < CACHE_ENTRIES * 4; n++)
		know(n, 1);
	ATF_CHECK(resident() - before > whole / 2);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, until);
	ATF_TP_ADD_TC(tp, replaced);
	ATF_TP_ADD_TC(tp, families);
	ATF_TP_ADD_TC(tp, bounded);
	ATF_TP_ADD_TC(tp, seeded);
	ATF_TP_ADD_TC(tp, small);
	return atf_no_error();
}
