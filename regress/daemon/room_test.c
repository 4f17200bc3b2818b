/*
 * When a parent leaves the next client to others: while they say that they have
 * room, and no longer than is told, whatever they say.
 */
#include <atf-c.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board.h"
#include "config.h"
#include "room.h"
#include "service.h"

/* We have slot 0, the other parent slot 1, and each this share of both. */
#define SHARE	4
#define OURS	0
#define OTHERS	1

static struct config		 config;
static struct board_slot	*slots;		/* to write */
static struct service_metrics	*page;
static int64_t			 now;		/* ms; of a clock of our own */

static void
begin(void)
{
	int board = memfd_create("board", MFD_CLOEXEC);

	ATF_REQUIRE(board != -1 &&
	    ftruncate(board, (off_t)board_size(2)) == 0);
	slots = mmap(NULL, 2 * sizeof *slots, PROT_READ | PROT_WRITE,
	    MAP_SHARED, board, 0);
	ATF_REQUIRE(slots != MAP_FAILED);
	page = &board_map_service(board, 2)->metrics;
	for (int i = 0; i < 2; i++) {
		metric_set(&page->slot[i].state, SLOT_SERVING);
		metric_set(&page->slot[i].share, SHARE);
		metric_set(&page->slot[i].share_waiting, SHARE);
	}
	board_map(board, OURS, 2);
	board_limit(SHARE, SHARE);
	config.max_connections = config.max_handshakes = 2 * SHARE;
	service.config = &config;
	now = 1234567;
}

/* What a parent has, or says. */
static void
set(_Atomic uint32_t *number, uint32_t n)
{
	atomic_store(number, n);
}

/* One look as the listeners do it: it rests, or takes a client in 1 ms. */
static bool
rests(void)
{
	bool elsewhere = room_is_elsewhere(now);

	now += elsewhere ? SERVICE_REST_MS : 1;
	return elsewhere;
}

/* For so many ms, looks that rest; `meanwhile` happens before each. */
static int64_t
rested(int64_t ms, void (*meanwhile)(void))
{
	int64_t sum = 0, end = now + ms;

	while (now < end) {
		if (meanwhile != NULL)
			meanwhile();
		if (rests())
			sum += SERVICE_REST_MS;
	}
	return sum;
}

static void
flip_ours(void)
{
	set(&slots[OURS].count.waiting, SHARE - (uint32_t)(random() % 2));
}

static void
flip_theirs(void)
{
	set(&slots[OTHERS].count.waiting, random() % 2 == 0 ? 0 : SHARE);
}

static void
flip_both(void)
{
	flip_ours();
	flip_theirs();
}

ATF_TC_WITHOUT_HEAD(room_of_our_own);
ATF_TC_BODY(room_of_our_own, tc)
{
	begin();
	set(&slots[OURS].count.waiting, SHARE - 1);
	set(&slots[OURS].count.connections, SHARE - 1);
	ATF_CHECK_EQ(0, rested(1000, NULL));
}

/* Nobody is left a client who has his share, or takes none. */
ATF_TC_WITHOUT_HEAD(nobody_elsewhere);
ATF_TC_BODY(nobody_elsewhere, tc)
{
	begin();
	set(&slots[OURS].count.waiting, SHARE);
	set(&slots[OTHERS].count.waiting, SHARE);
	ATF_CHECK_EQ(0, rested(1000, NULL));
	set(&slots[OTHERS].count.waiting, 0);
	metric_set(&page->slot[OTHERS].state, SLOT_LEAVING);
	ATF_CHECK_EQ(0, rested(1000, NULL));
}

/* They hang: a second in ten, from the first on. */
ATF_TC_WITHOUT_HEAD(one_second_in_ten);
ATF_TC_BODY(one_second_in_ten, tc)
{
	begin();
	set(&slots[OURS].count.waiting, SHARE);
	ATF_CHECK_EQ(1000, rested(1000, NULL));
	ATF_CHECK_EQ(0, rested(9000, NULL));
	ATF_CHECK_EQ(1000, rested(1000, NULL));
}

/* They lie, now and then, and their clients make our own number dip. */
ATF_TC_WITHOUT_HEAD(whatever_is_seen);
ATF_TC_BODY(whatever_is_seen, tc)
{
	void (*const seen[])(void) = { flip_ours, flip_theirs, flip_both };

	begin();
	for (int i = 0; i < 3; i++) {
		int64_t sum;

		set(&slots[OURS].count.waiting, SHARE);
		set(&slots[OTHERS].count.waiting, 0);
		sum = rested(100000, seen[i]);
		ATF_CHECK_MSG(sum > 0 && sum <= 11000,
		    "%d: %lld ms of 100 s", i, (long long)sum);
	}
}

/* With no place for anybody: a second, and anew when there was one. */
ATF_TC_WITHOUT_HEAD(no_place);
ATF_TC_BODY(no_place, tc)
{
	begin();
	for (int i = 0; i < 2; i++) {
		set(&slots[OURS].count.connections, SHARE);
		ATF_CHECK_EQ(1000, rested(20000, NULL));
		set(&slots[OURS].count.connections, SHARE - 1);
		ATF_CHECK(!rests());
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, room_of_our_own);
	ATF_TP_ADD_TC(tp, nobody_elsewhere);
	ATF_TP_ADD_TC(tp, one_second_in_ten);
	ATF_TP_ADD_TC(tp, whatever_is_seen);
	ATF_TP_ADD_TC(tp, no_place);
	return atf_no_error();
}
