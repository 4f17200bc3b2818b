/*
 * For whom the parent's loop looks on instead of sleeping, and how long.
 */
#include <atf-c.h>

#include "busypoll.h"
#include "conn.h"

#define LONG	10000		/* us */
#define MANY	1000		/* turns */

static int one, other;

static bool
after_turns_of(const void *who)
{
	for (int i = 0; i < MANY; i++)
		if (busypoll_again(who))
			return true;
	return false;
}

ATF_TC_WITHOUT_HEAD(lone);
ATF_TC_BODY(lone, tc)
{
	busypoll_start(LONG);
	ATF_CHECK(!busypoll_again(&one));
	ATF_CHECK(after_turns_of(&one));
	ATF_CHECK(busypoll_again(NULL));
	ATF_CHECK(busypoll_again(&one));
}

/* What is in vain ends by itself, and has to be earned anew. */
ATF_TC_WITHOUT_HEAD(in_vain);
ATF_TC_BODY(in_vain, tc)
{
	busypoll_start(LONG);
	ATF_REQUIRE(after_turns_of(&one));
	while (busypoll_again(NULL))
		continue;
	ATF_CHECK(!busypoll_again(NULL));
	ATF_CHECK(!busypoll_again(&one));
	ATF_CHECK(!busypoll_again(NULL));
	ATF_CHECK(after_turns_of(&one));
}

ATF_TC_WITHOUT_HEAD(several);
ATF_TC_BODY(several, tc)
{
	busypoll_start(LONG);
	ATF_REQUIRE(after_turns_of(&one));
	for (int i = 0; i < MANY; i++) {
		ATF_CHECK(!busypoll_again(&other));
		ATF_CHECK(!busypoll_again(&one));
		ATF_CHECK(!busypoll_again(NULL));
	}
}

ATF_TC_WITHOUT_HEAD(never);
ATF_TC_BODY(never, tc)
{
	busypoll_start(0);
	ATF_CHECK(!after_turns_of(&one));
	ATF_CHECK(!busypoll_again(NULL));
}

/* Whoever has not been let in yet is nobody. */
ATF_TC_WITHOUT_HEAD(stranger);
ATF_TC_BODY(stranger, tc)
{
	static struct conn c = { .state = STATE_WAITING };
	const struct conn *lone;

	conn_queue(&c);
	conn_run(&lone);
	ATF_CHECK(lone == NULL);
	c.opened = true;
	conn_queue(&c);
	conn_run(&lone);
	ATF_CHECK(lone == &c);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, lone);
	ATF_TP_ADD_TC(tp, in_vain);
	ATF_TP_ADD_TC(tp, several);
	ATF_TP_ADD_TC(tp, never);
	ATF_TP_ADD_TC(tp, stranger);
	return atf_no_error();
}
