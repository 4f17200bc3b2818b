/*
 * The crowd: what an address has, summed over all parents, whatever one of them
 * claims, and whatever the clock does.
 */
#include <arpa/inet.h>
#include <atf-c.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addr.h"
#include "board.h"
#include "crowd.h"
#include "siphash.h"

#define PARENTS	3

static int		board = -1;
static uint32_t		parent;
static struct crowd_rules rules;
static int64_t		present = 1000;	/* for those who only count */

/* From now on we are this parent. */
static void
be(uint32_t n)
{
	parent = n;
	board_map(board, n, PARENTS);
	crowd_start(board_own_crowd(), &rules);
}

static void
begin(uint32_t rate, uint32_t burst)
{
	memset(&rules, 0, sizeof rules);
	memset(rules.key, 7, sizeof rules.key);
	rules.bits4 = 32;
	rules.bits6 = 64;
	rules.rate = rate;
	rules.burst = burst;
	board = memfd_create("board", MFD_CLOEXEC);
	ATF_REQUIRE(board != -1);
	ATF_REQUIRE_EQ(0, ftruncate(board, (off_t)board_size(PARENTS)));
	be(0);
}

/* As the supervisor does when parent n has gone. */
static void
end(uint32_t n)
{
	ATF_REQUIRE_EQ(0, fallocate(board, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, (off_t)(n * sizeof(struct board_slot)),
	    BOARD_COUNTED));
}

static struct crowd_place
at(const char *address)
{
	struct sockaddr_storage ss;

	ATF_REQUIRE_MSG(addr_parse_host(address, &ss), "%s", address);
	return crowd_find(&ss);
}

static struct crowd_place
number(uint32_t n)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(n);
	return crowd_find(&ss);
}

static bool
same(const char *a, const char *b)
{
	struct crowd_place p = at(a), q = at(b);

	return memcmp(&p, &q, sizeof p) == 0;
}

/* One that is over the limit goes away again. */
static bool
enters(const struct crowd_place *p, uint32_t max)
{
	if (crowd_enter(p, max, present))
		return true;
	crowd_waited(p);
	crowd_leave(p);
	return false;
}

static void
leaves(const struct crowd_place *p)
{
	crowd_waited(p);
	crowd_leave(p);
}

/* ---- which cells --------------------------------------------------------- */

/* The examples of the paper's appendix A and its reference implementation. */
ATF_TC_WITHOUT_HEAD(vectors);
ATF_TC_BODY(vectors, tc)
{
	uint8_t key[SIPHASH_KEY], data[15];

	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	ATF_CHECK_EQ(UINT64_C(0xa129ca6149be45e5),
	    siphash(key, data, sizeof data));
	ATF_CHECK_EQ(UINT64_C(0x726fdb47dd0e0e31), siphash(key, data, 0));
	ATF_CHECK_EQ(UINT64_C(0x93f5f5799a932462), siphash(key, data, 8));
}

ATF_TC_WITHOUT_HEAD(prefixes);
ATF_TC_BODY(prefixes, tc)
{
	begin(0, 0);
	ATF_CHECK(same("192.0.2.1", "192.0.2.1"));
	ATF_CHECK(same("192.0.2.1", "::ffff:192.0.2.1"));
	ATF_CHECK(!same("192.0.2.1", "192.0.2.2"));
	ATF_CHECK(same("2001:db8::1", "2001:db8::ffff:0:0:1"));
	ATF_CHECK(!same("2001:db8::1", "2001:db8:0:1::1"));
	/* An IPv4 address is none of IPv6 that has the same bytes. */
	ATF_CHECK(!same("32.1.13.184", "2001:db8::"));
	rules.bits4 = 25;
	rules.bits6 = 49;
	ATF_CHECK(same("192.0.2.0", "192.0.2.127"));
	ATF_CHECK(!same("192.0.2.127", "192.0.2.128"));
	ATF_CHECK(same("2001:db8:0:7fff::1", "2001:db8::"));
	ATF_CHECK(!same("2001:db8:0:8000::1", "2001:db8::"));
	rules.bits6 = 128;
	ATF_CHECK(!same("2001:db8::1", "2001:db8::2"));
	rules.bits4 = 8;
	rules.bits6 = 16;
	ATF_CHECK(same("10.1.2.3", "10.255.255.255"));
	ATF_CHECK(same("2001:db8::1", "2001:ffff::1"));
	ATF_CHECK(!same("2001:db8::1", "2002:db8::1"));
}

/* Who does not know the key cannot tell who shares a cell with whom. */
ATF_TC_WITHOUT_HEAD(keyed);
ATF_TC_BODY(keyed, tc)
{
	int together = 0, still = 0;
	struct crowd_place one;

	begin(0, 0);
	one = number(0);
	for (uint32_t n = 1; n < 1000000; n++) {
		struct crowd_place p = number(n);

		if (p.cell[0] != one.cell[0])
			continue;
		together++;
		rules.key[3] ^= 1;
		p = number(n);
		still += p.cell[0] == number(0).cell[0];
		rules.key[3] ^= 1;
	}
	/* 61 of a million are to be expected, and none of these again */
	ATF_CHECK_MSG(together > 20 && together < 120, "%d", together);
	ATF_CHECK_MSG(still < 5, "%d", still);
}

/* ---- connections --------------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(counted);
ATF_TC_BODY(counted, tc)
{
	struct crowd_place a, b;

	begin(0, 0);
	a = at("192.0.2.1");
	b = at("192.0.2.2");
	for (uint32_t n = 0; n < 4; n++) {
		be(n % 2);
		ATF_CHECK(enters(&a, 4));
	}
	for (uint32_t n = 0; n < 2; n++) {
		be(n);
		ATF_CHECK(!enters(&a, 4));
		ATF_CHECK(enters(&b, 4));
	}
	/* none of those refused has left anything */
	be(0);
	leaves(&a);
	be(1);
	ATF_CHECK(enters(&a, 4));
	ATF_CHECK(!enters(&a, 4));
	ATF_CHECK(enters(&a, 0));
}

/* A parent that was killed has nobody any more. */
ATF_TC_WITHOUT_HEAD(cleared);
ATF_TC_BODY(cleared, tc)
{
	struct crowd_place a;

	begin(0, 0);
	a = at("192.0.2.1");
	for (uint32_t n = 0; n < 4; n++) {
		be(n / 2);
		ATF_CHECK(enters(&a, 4));
	}
	be(0);
	ATF_CHECK(!enters(&a, 4));
	end(1);
	ATF_CHECK(enters(&a, 4));
	ATF_CHECK(enters(&a, 4));
	ATF_CHECK(!enters(&a, 4));
}

ATF_TC_WITHOUT_HEAD(waiting);
ATF_TC_BODY(waiting, tc)
{
	struct crowd_place a;

	begin(0, 0);
	a = at("2001:db8::1");
	ATF_CHECK_EQ(0, crowd_waiting(&a));
	ATF_CHECK(enters(&a, 0));
	be(1);
	ATF_CHECK(enters(&a, 0));
	ATF_CHECK_EQ(2, crowd_waiting(&a));
	crowd_waited(&a);
	ATF_CHECK_EQ(1, crowd_waiting(&a));
	/* who waits no more is there all the same */
	ATF_CHECK(!enters(&a, 2));
	crowd_leave(&a);
	ATF_CHECK(enters(&a, 2));
}

/* Ten thousand others are hardly noticed, and never make it fewer. */
ATF_TC_WITHOUT_HEAD(shared);
ATF_TC_BODY(shared, tc)
{
	uint32_t worst = 0;

	begin(0, 0);
	for (uint32_t n = 0; n < 10000; n++) {
		struct crowd_place p = number(n);

		ATF_REQUIRE(crowd_enter(&p, 0, 1000));
	}
	for (uint32_t n = 0; n < 10000; n++) {
		struct crowd_place p = number(n);

		ATF_CHECK(crowd_waiting(&p) >= 1);
	}
	for (uint32_t n = 1000000; n < 1010000; n++) {
		struct crowd_place p = number(n);
		uint32_t has = crowd_waiting(&p);

		worst = has > worst ? has : worst;
	}
	ATF_CHECK_MSG(worst <= 3, "%u", worst);
}

/* ---- the bucket ---------------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(bucket);
ATF_TC_BODY(bucket, tc)
{
	struct crowd_place a, b;

	begin(20, 5);
	a = at("192.0.2.1");
	b = at("192.0.2.2");
	for (uint32_t n = 0; n < 5; n++) {
		be(n % PARENTS);
		ATF_CHECK(crowd_pass(&a, 1000));
	}
	for (uint32_t n = 0; n < 2 * PARENTS; n++) {
		be(n % PARENTS);
		ATF_CHECK(!crowd_pass(&a, 1000));
	}
	ATF_CHECK(crowd_pass(&b, 1000));
	/* 20 a second: the next in 50 ms, and not before */
	ATF_CHECK(!crowd_pass(&a, 1049));
	ATF_CHECK(crowd_pass(&a, 1050));
	be(0);
	ATF_CHECK(!crowd_pass(&a, 1050));
	ATF_CHECK(crowd_pass(&a, 1100));
	/* and no more than a burst after any rest */
	for (int n = 0; n < 5; n++)
		ATF_CHECK(crowd_pass(&a, 100000));
	ATF_CHECK(!crowd_pass(&a, 100000));
}

/* A bucket of one owner, as it is in books. */
struct plain {
	int64_t	level, at;
};

static bool
plain_pass(struct plain *p, int64_t now)
{
	p->level -= (now - p->at) * rules.rate;
	if (p->level < 0)
		p->level = 0;
	p->at = now;
	if (p->level + 1000 > (int64_t)rules.burst * 1000)
		return false;
	p->level += 1000;
	return true;
}

/* Whoever asks, and whenever: the parents together are that one bucket. */
ATF_TC_WITHOUT_HEAD(as_one);
ATF_TC_BODY(as_one, tc)
{
	struct plain plain = { 0 };
	struct crowd_place a;
	int64_t now = 1;
	int passed = 0;

	srandom(1);
	begin(50, 8);
	a = at("192.0.2.1");
	for (int n = 0; n < 20000; n++) {
		bool want = plain_pass(&plain, now);

		if (random() % 10 == 0)
			be((uint32_t)(random() % PARENTS));
		ATF_REQUIRE_EQ_MSG(want, crowd_pass(&a, now), "%d, at %lld", n,
		    (long long)now);
		passed += want;
		now += random() % 4 * (random() % 100 == 0 ? 100 : 5);
	}
	ATF_CHECK_MSG(passed > 1000 && passed < 19000, "%d", passed);
}

/* A child, as a parent of its own, tries so often; how often it may. */
static void
try(uint32_t n, const struct crowd_place *p, int times, int out)
{
	int passed = 0;

	be(n);
	for (int i = 0; i < times; i++)
		passed += crowd_pass(p, 1000);
	if (write(out, &passed, sizeof passed) != (ssize_t)sizeof passed)
		_exit(1);
	_exit(0);
}

/* At the same moment, and yet never one more than a burst. */
ATF_TC_WITHOUT_HEAD(at_once);
ATF_TC_BODY(at_once, tc)
{
	int out[2], passed, all = 0;
	struct crowd_place a;

	begin(1, 20000);
	a = at("192.0.2.1");
	ATF_REQUIRE_EQ(0, pipe(out));
	for (uint32_t n = 0; n < PARENTS; n++)
		if (fork() == 0)
			try(n, &a, 20000, out[1]);
	for (int n = 0; n < PARENTS; n++) {
		ATF_REQUIRE_EQ((ssize_t)sizeof passed,
		    read(out[0], &passed, sizeof passed));
		all += passed;
		ATF_REQUIRE(wait(NULL) > 0);
	}
	ATF_CHECK_MSG(all <= 20000, "%d", all);
	ATF_CHECK_MSG(all > 20000 - 2 * PARENTS, "%d", all);
}

/* What one that is gone had let pass is forgotten, and no more than that. */
ATF_TC_WITHOUT_HEAD(forgotten);
ATF_TC_BODY(forgotten, tc)
{
	struct crowd_place a;
	int passed = 0;

	begin(1, 10);
	a = at("192.0.2.1");
	for (uint32_t n = 0; n < 20; n++) {
		be(n % 2);
		passed += crowd_pass(&a, 1000);
	}
	ATF_CHECK_EQ(10, passed);
	be(0);
	end(1);
	for (passed = 0; crowd_pass(&a, 1000) && passed < 100; passed++)
		continue;
	ATF_CHECK_MSG(passed <= 10, "%d", passed);
}

/* ---- clocks, and parents gone bad ---------------------------------------- */

ATF_TC_WITHOUT_HEAD(clock);
ATF_TC_BODY(clock, tc)
{
	const int64_t year = INT64_C(366) * 86400 * 1000;
	struct crowd_place a;
	int64_t now = 0;

	begin(100000, 3);
	a = at("192.0.2.1");
	/* from the machine's first moment on */
	for (int64_t jump = 0; jump < 200 * year; jump += 40 * year) {
		now += jump;
		for (int n = 0; n < 3; n++)
			ATF_CHECK(crowd_pass(&a, now));
		ATF_CHECK(!crowd_pass(&a, now));
	}
	/* Back: it begins afresh, and shuts nobody out until that time. */
	for (now = year; now > 0; now -= year / 3) {
		for (int n = 0; n < 3; n++)
			ATF_CHECK(crowd_pass(&a, now));
		ATF_CHECK(!crowd_pass(&a, now));
	}
}

/* A reload has changed the rate: others reckon in other units. */
ATF_TC_WITHOUT_HEAD(new_rate);
ATF_TC_BODY(new_rate, tc)
{
	struct crowd_place a;

	for (uint32_t rate = 1; rate <= 1000; rate += 333) {
		begin(334, 4);
		a = at("192.0.2.1");
		for (int64_t now = 1; now < 10000; now += 7)
			crowd_pass(&a, now);
		rules.rate = rate;
		be(1);
		for (int n = 0; n < 4 && rate != 334; n++)
			ATF_CHECK(crowd_pass(&a, 10000));
		ATF_CHECK(rate == 334 || !crowd_pass(&a, 10000));
	}
}

/* From now on another parent has that slot. */
static void
succeed(uint32_t n)
{
	static struct board_service *service;
	static uint64_t pid;

	service = board_map_service(board, PARENTS);
	ATF_REQUIRE(service != NULL);
	metric_set(&service->metrics.slot[n].pid, ++pid);
}

static void
claim(uint32_t n, int byte)
{
	static uint8_t page[BOARD_COUNTED];

	for (size_t i = 0; i < sizeof page; i++)
		page[i] = byte == -1 ? (uint8_t)random() : (uint8_t)byte;
	ATF_REQUIRE_EQ((ssize_t)sizeof page, pwrite(board, page, sizeof page,
	    (off_t)(n * sizeof(struct board_slot))));
}

/* Of our rate, so that its numbers count. */
static void
claim_rate(uint32_t n)
{
	ATF_REQUIRE_EQ(4, pwrite(board, &rules.rate, 4,
	    (off_t)(n * sizeof(struct board_slot) +
	    offsetof(struct board_slot, crowd))));
}

/* Whatever a page says, that nobody may come is not believed of it. */
ATF_TC_WITHOUT_HEAD(hostile);
ATF_TC_BODY(hostile, tc)
{
	static const int bytes[] = { 0xff, 0x7f, 0x80, -1 };
	struct crowd_place a;

	for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
		present += 10000;
		begin(10, 3);
		succeed(2);
		a = at("192.0.2.1");
		for (int n = 0; n < 2; n++) {
			ATF_CHECK(enters(&a, 3));
			ATF_CHECK(crowd_pass(&a, present));
		}
		claim(2, bytes[i]);
		claim_rate(2);
		ATF_CHECK(enters(&a, 3));
		ATF_CHECK(!enters(&a, 3));
		ATF_CHECK_EQ(3, crowd_waiting(&a));
		ATF_CHECK(crowd_pass(&a, present));
		ATF_CHECK(!crowd_pass(&a, present));
		crowd_pass(&a, INT64_MAX / 1000);
		/* Its successor is believed. */
		end(2);
		succeed(2);
		be(2);
		enters(&a, 0);
		be(0);
		ATF_CHECK_EQ(4, crowd_waiting(&a));
	}
}

/* In that part of its cells slot 2 says this number, and nothing else. */
static void
slander(size_t member, uint64_t number, size_t size, double part)
{
	static struct crowd c;
	uint64_t drawn = 88172645463325252U;

	memset(&c, 0, sizeof c);
	atomic_store(&c.rate, rules.rate);
	for (int row = 0; row < CROWD_ROWS; row++)
		for (int cell = 0; cell < CROWD_CELLS; cell++) {
			drawn ^= drawn << 13;
			drawn ^= drawn >> 7;
			drawn ^= drawn << 17;
			if ((double)(drawn >> 11) < part * 0x1p53)
				memcpy((uint8_t *)&c.row[row][cell] + member,
				    &number, size);
		}
	ATF_REQUIRE_EQ((ssize_t)sizeof c, pwrite(board, &c, sizeof c,
	    (off_t)(2 * sizeof(struct board_slot) +
	    offsetof(struct board_slot, crowd))));
}

static void
begin_slandered(void)
{
	present += 100000;
	begin(10, 3);
	succeed(2);
	be(2);
	be(0);
}

ATF_TC_WITHOUT_HEAD(slandered);
ATF_TC_BODY(slandered, tc)
{
	const size_t connections = offsetof(struct crowd_cell, connections);
	const size_t taken = offsetof(struct crowd_cell, taken);
	struct crowd_place a = { { 0 } };

	begin_slandered();
	slander(connections, 3, 4, 1);
	ATF_CHECK(enters(&a, 3));
	/* as many as it may have, in each bucket */
	begin_slandered();
	slander(taken, (uint64_t)present * 10 + 3000, 8, 1);
	ATF_CHECK(crowd_pass(&a, present));
}

/* What it can do unnoticed: few addresses in a hundred. */
ATF_TC_WITHOUT_HEAD(few);
ATF_TC_BODY(few, tc)
{
	int refused = 0;

	for (int percent = 10; percent <= 90; percent += 20) {
		begin_slandered();
		slander(offsetof(struct crowd_cell, connections), 3, 4,
		    percent / 100.0);
		refused = 0;
		for (uint32_t n = 0; n < 1000; n++) {
			struct crowd_place p = number(n * 7919);

			present += 1001;
			refused += !enters(&p, 3);
		}
		printf("%d%% of the cells: %d of 1000\n", percent, refused);
		ATF_CHECK(refused <= 200);
	}
}

/* Nor does it let anybody in whom the honest would not. */
ATF_TC_WITHOUT_HEAD(no_help);
ATF_TC_BODY(no_help, tc)
{
	struct crowd_place a;
	int passed = 0;

	begin(10, 3);
	a = at("192.0.2.1");
	for (int n = 0; n < 200; n++) {
		claim(2, -1);
		ATF_REQUIRE_EQ(4, pwrite(board, &rules.rate, 4,
		    (off_t)(2 * sizeof(struct board_slot) +
		    offsetof(struct board_slot, crowd))));
		passed += crowd_pass(&a, 1000);
		end(2);
		passed += crowd_pass(&a, 1000);
	}
	ATF_CHECK_EQ(3, passed);
}

/* What the exporter tells of buckets, of all parents and at any time. */
ATF_TC_WITHOUT_HEAD(fastest);
ATF_TC_BODY(fastest, tc)
{
	struct crowd_place a, b;

	begin(10, 5);
	a = at("192.0.2.1");
	b = at("192.0.2.2");
	ATF_CHECK_EQ(0, crowd_fastest(10, 1000));
	for (int i = 0; i < 2; i++)
		ATF_CHECK(crowd_pass(&a, 1000));
	ATF_CHECK(crowd_pass(&b, 1000));
	be(1);
	ATF_CHECK(crowd_pass(&a, 1000));
	ATF_CHECK_EQ(3, crowd_fastest(10, 1000));
	ATF_CHECK_EQ(3, crowd_fastest(10, 1050));
	ATF_CHECK_EQ(2, crowd_fastest(10, 1100));
	ATF_CHECK_EQ(0, crowd_fastest(10, 1300));
	/* As full as it may be, and not of what has been refused. */
	for (int i = 0; i < 9; i++)
		crowd_pass(&b, 60000);
	ATF_CHECK_EQ(5, crowd_fastest(10, 60000));
	ATF_CHECK_EQ(0, crowd_fastest(10, 61000));
	/* Another generation's count by another rate. */
	ATF_CHECK_EQ(0, crowd_fastest(11, 60000));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, vectors);
	ATF_TP_ADD_TC(tp, prefixes);
	ATF_TP_ADD_TC(tp, keyed);
	ATF_TP_ADD_TC(tp, counted);
	ATF_TP_ADD_TC(tp, cleared);
	ATF_TP_ADD_TC(tp, waiting);
	ATF_TP_ADD_TC(tp, shared);
	ATF_TP_ADD_TC(tp, bucket);
	ATF_TP_ADD_TC(tp, as_one);
	ATF_TP_ADD_TC(tp, at_once);
	ATF_TP_ADD_TC(tp, forgotten);
	ATF_TP_ADD_TC(tp, clock);
	ATF_TP_ADD_TC(tp, new_rate);
	ATF_TP_ADD_TC(tp, hostile);
	ATF_TP_ADD_TC(tp, slandered);
	ATF_TP_ADD_TC(tp, few);
	ATF_TP_ADD_TC(tp, no_help);
	ATF_TP_ADD_TC(tp, fastest);
	return atf_no_error();
}
