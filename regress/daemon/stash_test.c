/*
 * Workers whose sessions are over: the spawner, which is this test, is told of
 * each, however many there are, and of nobody who has a session.
 */
#include <atf-c.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "handoff.h"
#include "metrics.h"
#include "service.h"

#define LEAST		4096		/* may be over at once, and more */
#define FIRST		100		/* pid */
#define PIDS		65536
#define PATIENCE_S	20

static struct config	config;
static int		channel;	/* the spawner's end */
static uint32_t		told[PIDS];	/* so often, by pid */
static uint32_t		all_told;

/* ---- the spawner --------------------------------------------------------- */

static void
hear(void)
{
	struct spawner_want want;
	int fd;

	while (channel_recv(channel, &want, sizeof want, &fd) == 1) {
		ATF_REQUIRE(fd == -1 && want.over <= SPAWNER_OVER_MAX);
		for (uint32_t i = 0; i < want.over; i++) {
			ATF_REQUIRE(want.pid[i] > 0 && want.pid[i] < PIDS);
			told[want.pid[i]]++;
			all_told++;
		}
	}
	ATF_REQUIRE_EQ(EAGAIN, errno);
}

static void
send_death(pid_t pid, int signal)
{
	const struct spawner_event e = { .type = SPAWNER_DIED, .pid = pid,
	    .signal = signal };

	ATF_REQUIRE(channel_send(channel, &e, sizeof e, -1));
}

static void
send_worker(pid_t pid)
{
	const struct spawner_event e = { .type = SPAWNER_WORKER, .pid = pid };
	int pair[2];

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ATF_REQUIRE(channel_send(channel, &e, sizeof e, pair[0]));
	close(pair[0]);		/* its own is there as long as we are */
}

/* ---- the parent ---------------------------------------------------------- */

static void
start(uint32_t max_connections)
{
	int pair[2];

	/* Where a parent's loop is to be is then the lowest that is free. */
	while (open("/dev/null", O_WRONLY) < HANDOFF_PROGRESS)
		continue;
	config.isolation = ISOLATION_CONNECTION;
	config.max_connections = max_connections;
	service_prepare(&config);
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
	    0, pair));
	channel = pair[1];
	stash_start(pair[0]);
	hear();			/* what it wants to begin with */
}

static void
nothing(evutil_socket_t sock, short what, void *arg)
{
	(void)sock, (void)what, (void)arg;
}

static void
run_until(uint32_t n)
{
	const struct timeval tick = { .tv_usec = 50000 };
	struct event *ticks = event_new(service.base, -1, EV_PERSIST, nothing,
	    NULL);
	time_t until = time(NULL) + PATIENCE_S;

	event_add(ticks, &tick);
	while (all_told < n && time(NULL) < until) {
		event_base_loop(service.base, EVLOOP_ONCE);
		hear();
	}
	event_free(ticks);
	ATF_REQUIRE_EQ_MSG(n, all_told, "%u of %u were told", all_told, n);
}

static void
end(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		stash_over((pid_t)(FIRST + i));
}

static void
expect_each(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ATF_CHECK_EQ_MSG(1, told[FIRST + i], "pid %u: %u times",
		    FIRST + i, told[FIRST + i]);
}

/* ---- the cases ----------------------------------------------------------- */

/* He whose worker is his, and his next sessions, do not drive it out. */
ATF_TC_WITHOUT_HEAD(none_forgotten);
ATF_TC_BODY(none_forgotten, tc)
{
	start(16);
	end(LEAST + 1000);
	run_until(LEAST + 1000);
	expect_each(LEAST + 1000);
}

/* All who may be there can have a moment to notice. */
ATF_TC_WITHOUT_HEAD(all_at_once);
ATF_TC_BODY(all_at_once, tc)
{
	start(20000);
	end(20000);
	hear();
	ATF_CHECK_EQ(0, all_told);
	run_until(20000);	/* more than the channel takes at once */
	expect_each(20000);
}

/* Whoever has the pid now has a session before him. */
ATF_TC_WITHOUT_HEAD(used_again);
ATF_TC_BODY(used_again, tc)
{
	start(16);
	end(3);
	send_worker(FIRST + 1);
	ATF_REQUIRE_EQ(0, event_base_loop(service.base, EVLOOP_ONCE));
	ATF_REQUIRE_EQ(1, metric_get(&metrics->workers_ready));
	run_until(2);
	ATF_CHECK_EQ(1, told[FIRST]);
	ATF_CHECK_EQ(0, told[FIRST + 1]);
	ATF_CHECK_EQ(1, told[FIRST + 2]);
}

static void
expect_counts(uint64_t killed, uint64_t overdue)
{
	ATF_REQUIRE_EQ(0, event_base_loop(service.base, EVLOOP_ONCE));
	ATF_CHECK_EQ(killed, metric_get(&metrics->workers_killed));
	ATF_CHECK_EQ(overdue, metric_get(&metrics->workers_overdue));
}

/* Who is killed because we told of him, and nobody else, was overdue. */
ATF_TC_WITHOUT_HEAD(overdue);
ATF_TC_BODY(overdue, tc)
{
	start(16);
	end(3);
	send_death(FIRST, SIGKILL);
	expect_counts(1, 0);	/* it was not told of yet */
	run_until(3);
	send_death(FIRST + 1, SIGKILL);
	expect_counts(1, 1);
	send_death(FIRST, SIGSYS);
	expect_counts(2, 1);
	send_worker(FIRST + 2);
	send_death(FIRST + 2, SIGKILL);
	expect_counts(3, 1);	/* another, that had that pid */
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, none_forgotten);
	ATF_TP_ADD_TC(tp, all_at_once);
	ATF_TP_ADD_TC(tp, used_again);
	ATF_TP_ADD_TC(tp, overdue);
	return atf_no_error();
}
