/*
 * Which warnings are given before something runs out, and how often.
 */
#include <atf-c.h>
#include <fcntl.h>
#include <unistd.h>

#include "expiry.h"

#define DAY INT64_C(86400)
#define HOUR INT64_C(3600)

/* Far from zero, as clocks are. */
static const int64_t end = INT64_C(1800000000);

/* So near the end, of something that is good for `days` in all. */
static enum expiry
near(int64_t days, int64_t left)
{
	return expiry_nearness(end - days * DAY, end, end - left);
}

ATF_TC_WITHOUT_HEAD(thresholds);
ATF_TC_BODY(thresholds, tc)
{
	ATF_CHECK_EQ(EXPIRY_FAR, near(365, 365 * DAY));
	ATF_CHECK_EQ(EXPIRY_FAR, near(365, 30 * DAY + 1));
	ATF_CHECK_EQ(EXPIRY_MONTH, near(365, 30 * DAY));
	ATF_CHECK_EQ(EXPIRY_MONTH, near(365, 7 * DAY + 1));
	ATF_CHECK_EQ(EXPIRY_WEEK, near(365, 7 * DAY));
	ATF_CHECK_EQ(EXPIRY_WEEK, near(365, DAY + 1));
	ATF_CHECK_EQ(EXPIRY_DAY, near(365, DAY));
	ATF_CHECK_EQ(EXPIRY_DAY, near(365, 1));
	ATF_CHECK_EQ(EXPIRY_OVER, near(365, 0));
	ATF_CHECK_EQ(EXPIRY_OVER, near(365, -1));
	ATF_CHECK_EQ(EXPIRY_OVER, near(365, -365 * DAY));
}

/* A threshold as long as the whole validity would warn from the first day. */
ATF_TC_WITHOUT_HEAD(short_validity);
ATF_TC_BODY(short_validity, tc)
{
	ATF_CHECK_EQ(EXPIRY_MONTH, near(31, 30 * DAY));
	ATF_CHECK_EQ(EXPIRY_FAR, near(30, 30 * DAY));
	ATF_CHECK_EQ(EXPIRY_FAR, near(30, 7 * DAY + 1));
	ATF_CHECK_EQ(EXPIRY_WEEK, near(30, 7 * DAY));
	ATF_CHECK_EQ(EXPIRY_FAR, near(7, 7 * DAY));
	ATF_CHECK_EQ(EXPIRY_FAR, near(7, DAY + 1));
	ATF_CHECK_EQ(EXPIRY_DAY, near(7, DAY));
	ATF_CHECK_EQ(EXPIRY_FAR, near(1, DAY));
	ATF_CHECK_EQ(EXPIRY_FAR, near(1, 1));
	ATF_CHECK_EQ(EXPIRY_OVER, near(1, 0));
	ATF_CHECK_EQ(EXPIRY_OVER, near(0, 0));
}

/* Looked at every hour from `from` days before the end to `to` before it. */
static int
warnings(int64_t from, int64_t to, struct expiry_told *told)
{
	int n = 0;

	for (int64_t left = from * DAY; left >= to * DAY; left -= HOUR)
		n += expiry_is_news(near(365, left), end - left, told);
	return n;
}

ATF_TC_WITHOUT_HEAD(once_each);
ATF_TC_BODY(once_each, tc)
{
	struct expiry_told told = { 0 };

	ATF_CHECK_EQ(0, warnings(100, 31, &told));
	ATF_CHECK_EQ(1, warnings(31, 8, &told));
	ATF_CHECK_EQ(EXPIRY_MONTH, told.near);
	ATF_CHECK_EQ(1, warnings(8, 2, &told));
	ATF_CHECK_EQ(EXPIRY_WEEK, told.near);
	ATF_CHECK_EQ(1, warnings(2, 1, &told));
	ATF_CHECK_EQ(EXPIRY_DAY, told.near);
	/* at the end itself, and once a day from then on */
	ATF_CHECK_EQ(1, warnings(1, 0, &told));
	ATF_CHECK_EQ(EXPIRY_OVER, told.near);
	ATF_CHECK_EQ(0, expiry_is_news(EXPIRY_OVER, end + DAY - 1, &told));
	ATF_CHECK_EQ(1, expiry_is_news(EXPIRY_OVER, end + DAY, &told));
	ATF_CHECK_EQ(0, expiry_is_news(EXPIRY_OVER, end + DAY + 1, &told));
	ATF_CHECK_EQ(9, warnings(-2, -10, &told));
}

/* At the start the nearest one alone, not all that have been passed. */
ATF_TC_WITHOUT_HEAD(at_start);
ATF_TC_BODY(at_start, tc)
{
	struct expiry_told told = { 0 };

	ATF_CHECK_EQ(1, warnings(5, 4, &told));
	ATF_CHECK_EQ(EXPIRY_WEEK, told.near);
	told = (struct expiry_told){ 0 };
	ATF_CHECK_EQ(1, warnings(-3, -3, &told));
	ATF_CHECK_EQ(EXPIRY_OVER, told.near);
}

ATF_TC_WITHOUT_HEAD(clock_jumps);
ATF_TC_BODY(clock_jumps, tc)
{
	struct expiry_told told = { 0 };

	/* forward over two thresholds: the nearest, once */
	ATF_CHECK_EQ(1, warnings(20, 20, &told));
	ATF_CHECK_EQ(1, warnings(1, 1, &told));
	/* back: nothing new, but all may pass again */
	ATF_CHECK_EQ(0, warnings(20, 8, &told));
	ATF_CHECK_EQ(1, warnings(7, 7, &told));
	/* over, and back within what is over */
	ATF_CHECK_EQ(1, warnings(-50, -50, &told));
	ATF_CHECK_EQ(1, warnings(-3, -3, &told));
	ATF_CHECK_EQ(0, warnings(-3, -3, &told));
	/* over, back before the end, over again */
	ATF_CHECK_EQ(0, warnings(100, 100, &told));
	ATF_CHECK_EQ(1, warnings(-3, -3, &told));
}

ATF_TC_WITHOUT_HEAD(days);
ATF_TC_BODY(days, tc)
{
	ATF_CHECK_EQ(30, expiry_days(end, end - 30 * DAY));
	ATF_CHECK_EQ(30, expiry_days(end, end - 30 * DAY + HOUR));
	ATF_CHECK_EQ(1, expiry_days(end, end - 1));
	ATF_CHECK_EQ(2, expiry_days(end, end - DAY - 1));
}

/* The only event is gone, and with it whatever would be told. */
ATF_TC_WITHOUT_HEAD(stopped);
ATF_TC_BODY(stopped, tc)
{
	struct event_base *base = event_base_new();

	ATF_REQUIRE(base != NULL);
	expiry_stop();
	expiry_add("ca", "ca.pem", "CN=ca", 0, 1);
	expiry_start(base);
	ATF_CHECK_EQ(1, event_base_get_num_events(base,
	    EVENT_BASE_COUNT_ADDED));
	expiry_stop();
	ATF_CHECK_EQ(0, event_base_get_num_events(base,
	    EVENT_BASE_COUNT_ADDED));
	event_base_free(base);
}

/* A newer list takes the place of those before: they are not told of. */
ATF_TC_WITHOUT_HEAD(forgotten);
ATF_TC_BODY(forgotten, tc)
{
	struct event_base *base = event_base_new();
	int log = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ATF_REQUIRE(base != NULL && log != -1);
	ATF_REQUIRE(dup2(log, STDERR_FILENO) != -1);
	expiry_forget("crl");
	expiry_add("crl", "first.pem", "CN=a", 0, 1);
	expiry_add("ca", "ca.pem", "CN=a", 0, 1);
	expiry_add("crl", "second.pem", "CN=b", 0, 1);
	expiry_forget("crl");
	expiry_add("crl", "third.pem", "CN=c", 0, 1);
	expiry_start(base);
	event_base_loop(base, EVLOOP_ONCE);
	expiry_stop();
	event_base_free(base);
	ATF_CHECK(atf_utils_grep_file("event=expired what=ca file=ca.pem ",
	    "log"));
	ATF_CHECK(atf_utils_grep_file("what=crl file=third.pem ", "log"));
	ATF_CHECK(!atf_utils_grep_file("first.pem", "log"));
	ATF_CHECK(!atf_utils_grep_file("second.pem", "log"));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, thresholds);
	ATF_TP_ADD_TC(tp, short_validity);
	ATF_TP_ADD_TC(tp, once_each);
	ATF_TP_ADD_TC(tp, at_start);
	ATF_TP_ADD_TC(tp, clock_jumps);
	ATF_TP_ADD_TC(tp, days);
	ATF_TP_ADD_TC(tp, stopped);
	ATF_TP_ADD_TC(tp, forgotten);
	return atf_no_error();
}
