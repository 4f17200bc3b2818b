/*
 * The stash: workers the spawner has made in advance, so that no client waits
 * for a fork.  The spawner is believed only so far: a message must have the
 * agreed length, and a descriptor is used with socket calls that do not block.
 *
 * Relay workers are made when they are wanted, each with the connection that it
 * is for: so they need no call to be given one.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "channel.h"
#include "conn.h"
#include "log.h"
#include "metrics.h"
#include "parent.h"
#include "service.h"

#define STASH_MAX 32

/*
 * A spawner that was asked and says nothing for so many seconds hangs, or is
 * not ours any more.  They are counted one by one: to those who were stopped
 * along with it no more than one has passed.
 */
#define SILENCE_MAX 10

struct ready {
	int	fd;
	pid_t	pid;
};

static struct ready	stash[STASH_MAX];
static uint32_t		stashed;
static uint32_t		asked;		/* for, and not yet here */
static int		channel = -1;
static struct event	channel_event;
static bool		starved;	/* there was no room for the last one */
static bool		resting;	/* until it is tried again */
static struct event	rest_timer;
static const struct timeval rest_time = { .tv_usec = 100000 };
static uint32_t		silence;	/* seconds, while any is asked for */
static struct event	every_second;	/* while there is something to watch */
static const struct timeval second = { .tv_sec = 1 };
static bool		complained;	/* to the log; maybe not of all */
static bool		leaving;	/* it was told that this is the end */
static bool		last_second;	/* for that, and it has passed */

/*
 * Workers whose sessions are over, and who may not have noticed.  Those that
 * were there a second ago are told of, and all if there is no room for more:
 * none is forgotten, or an attacker could have the one forgotten that is his.
 */
#define OVER_LEAST 4096		/* fewer would cut off who is well */
static pid_t		*over;
static uint32_t		over_max, over_count, over_ripe;

/*
 * Of those with this pid, by its last bits, the last that was told of, until a
 * new worker has that pid.  Most had ended, and nothing more is heard of them.
 */
#define TOLD_MAX 65536
static pid_t		told_pid[TOLD_MAX];

static uint32_t
stash_size(void)
{
	uint32_t max = service_relays() ? 0 : service.config->max_connections;

	return max < STASH_MAX / 2 ? max : STASH_MAX / 2;
}

static void
lose_spawner(const char *why)
{
	if (channel == -1)
		return;
	event_del(&channel_event);
	event_del(&every_second);
	close(channel);
	channel = -1;
	if (leaving)
		return;
	metric_add(&metrics->spawners_died, 1);
	log_event(LOG_ERR, "spawner-died", "%s; draining, to be replaced", why);
	parent_replace_me();
	service_drain(service.config->drain_ms, "spawner-died");
}

/* ---- each second, while there is something to watch ---------------------- */

static void
watch(void)
{
	if (channel != -1 && !event_pending(&every_second, EV_TIMEOUT, NULL))
		event_add(&every_second, &second);
}

static pid_t *
told_of(pid_t pid)
{
	return &told_pid[(uint32_t)pid % TOLD_MAX];
}

static void
tell_over(void)
{
	struct spawner_want want = { 0 };

	while (over_ripe > 0) {
		want.over = over_ripe < SPAWNER_OVER_MAX ? over_ripe :
		    SPAWNER_OVER_MAX;
		memcpy(want.pid, over, want.over * sizeof over[0]);
		if (!channel_send(channel, &want, sizeof want, -1))
			return;		/* the next time */
		for (uint32_t i = 0; i < want.over; i++)
			*told_of(over[i]) = over[i];
		over_ripe -= want.over;
		over_count -= want.over;
		memmove(over, over + want.over, over_count * sizeof over[0]);
	}
	over_ripe = over_count;
}

static void
on_second(evutil_socket_t sock, short what, void *arg)
{
	(void)sock, (void)what, (void)arg;
	if (leaving) {
		last_second = true;
		return;
	}
	tell_over();
	if (asked == 0 && over_count == 0)
		event_del(&every_second);
	else if (asked > 0 && ++silence >= SILENCE_MAX)
		lose_spawner("it was asked, and is silent");
}

void
stash_over(pid_t pid)
{
	/* A pool worker has others to serve. */
	if (channel == -1 || service.config->isolation == ISOLATION_POOL)
		return;
	if (over_count == over_max) {
		over_ripe = over_count;
		tell_over();
	}
	if (over_count == over_max) {
		lose_spawner("it does not hear whose sessions are over");
		return;
	}
	over[over_count++] = pid;
	watch();
}

/* A new worker's pid: whoever had it before is gone, told of or not. */
static void
not_over(pid_t pid)
{
	uint32_t i = 0;

	if (*told_of(pid) == pid)
		*told_of(pid) = 0;
	while (i < over_count && over[i] != pid)
		i++;
	if (i == over_count)
		return;
	memmove(over + i, over + i + 1, (--over_count - i) * sizeof over[0]);
	over_ripe -= i < over_ripe;
}

/* From now on an answer is due. */
static void
expect_answer(void)
{
	if (asked == 0)
		silence = 0;
	watch();
}

/*
 * A wish could not be sent.  If there was no room for it, what is there to be
 * answered has us try again; if there was no memory, or too many descriptors
 * are on their way, only time has.
 */
static void
not_sent(void)
{
	if (errno == EAGAIN)
		return;
	if (channel_passes(errno))
		resting = event_add(&rest_timer, &rest_time) == 0;
	else
		lose_spawner("its channel is closed");
}

static void
ask(void)
{
	struct spawner_want want = { 0 };

	if (channel == -1 || resting || stashed + asked >= stash_size())
		return;		/* of relay workers none is kept ready */
	want.count = starved ? 1 : stash_size() - stashed - asked;
	if (channel_send(channel, &want, sizeof want, -1)) {
		expect_answer();
		asked += want.count;
	} else {
		not_sent();
	}
}

/*
 * A socket to somebody who has said nothing yet, if it is not for a service
 * that may speak first; a file is none.
 */
static bool
is_worker(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return n == 0 || (n == 1 && service_relays()) ||
	    (n == -1 && errno == EAGAIN);
}

static void
on_rested(evutil_socket_t sock, short what, void *arg)
{
	(void)sock, (void)what, (void)arg;
	resting = false;
	ask();
	if (service_relays())
		conn_worker_ready();
}

/*
 * A worker came, and we had no descriptor for it; it has ended by now.  One is
 * asked for at a time, and not at once, until there is room again.
 */
static void
lose_worker(const struct spawner_event *e)
{
	static struct log_limit told;

	if (asked == 0) {
		lose_spawner("it sent what was not asked for");
		return;
	}
	asked--;
	if (service_relays()) {
		conn_hired(e->id, -1, 0);
		conn_worker_ready();	/* there is room for a wish */
		return;
	}
	starved = true;
	resting = event_add(&rest_timer, &rest_time) == 0;
	log_event_limited(LOG_ERR, "worker-lost", &told, service_now(),
	    "%s; another is asked for", strerror(EMFILE));
}

/* A relay worker without its other end is lost, and that is no lie. */
static void
on_worker(const struct spawner_event *e, int fd)
{
	if (fd == -1 && service_relays()) {
		lose_worker(e);
		return;
	}
	if (fd == -1 || asked == 0 || !is_worker(fd)) {
		lose_spawner(asked == 0 ? "it sent what was not asked for" :
		    "it sent what is no worker's end");
		if (fd != -1)
			close(fd);
		return;
	}
	asked--;
	starved = false;
	not_over(e->pid);
	if (service_relays()) {
		conn_hired(e->id, fd, e->pid);
		conn_worker_ready();
		return;
	}
	stash[stashed].fd = fd;
	stash[stashed++].pid = e->pid;
	metric_set(&metrics->workers_ready, stashed);
	service_ready();
	conn_worker_ready();
}

/* A worker that died unused must not be given to a client. */
static void
forget(pid_t pid)
{
	for (uint32_t i = 0; i < stashed; i++) {
		if (stash[i].pid == pid) {
			close(stash[i].fd);
			stash[i--] = stash[--stashed];
		}
	}
	metric_set(&metrics->workers_ready, stashed);
}

/* By itself, and not because of an error of ours? */
static bool
relay_ended(const struct spawner_event *e)
{
	bool lost = e->type == SPAWNER_DIED && e->signal == 0 &&
	    e->status == RELAY_EXIT_LOST;

	if (!service_relays() || (!lost && e->type != SPAWNER_ENDED))
		return false;
	conn_worker_ended(e->pid, lost ? WORD_LOST : WORD_ORDERLY);
	return true;
}

/*
 * Killed because we told of it?  That is no sign of a break-in by itself: on a
 * machine with too much to do it can be a worker that was not let run.
 */
static bool
was_overdue(const struct spawner_event *e)
{
	struct log_line l;

	if (e->signal != SIGKILL || *told_of(e->pid) != e->pid)
		return false;
	metric_add(&metrics->workers_overdue, 1);
	log_begin(&l, LOG_WARNING, "worker-overdue");
	log_num(&l, "worker", e->pid);
	log_end(&l);
	return true;
}

static void
on_event(const struct spawner_event *e, int fd)
{
	if (e->type == SPAWNER_WORKER) {
		on_worker(e, fd);
		return;
	}
	if (fd != -1)
		close(fd);
	complained |= e->type == SPAWNER_BUSY;
	if (fd == -1 && (e->type == SPAWNER_BUSY || relay_ended(e)))
		return;
	if (e->type != SPAWNER_DIED || fd != -1) {
		lose_spawner("it sent an unknown message");
		return;
	}
	forget(e->pid);
	if (!was_overdue(e))
		conn_worker_died(e->pid, e->signal, e->status);
	ask();
}

static void
on_channel(evutil_socket_t sock, short what, void *arg)
{
	(void)sock, (void)what, (void)arg;
	for (int turns = 0; turns < STASH_MAX && channel != -1; turns++) {
		struct spawner_event e;
		int fd, n = channel_recv(channel, &e, sizeof e, &fd);

		silence = 0;
		if (n == 1)
			on_event(&e, fd);
		else if (n == 0)
			lose_spawner("it ended");
		else if (errno == EAGAIN)
			return;
		else if (errno == EMFILE)
			lose_worker(&e);
		else
			lose_spawner(strerror(errno));
	}
}

void
stash_start(int fd)
{
	channel = fd;
	over_max = service.config->max_connections > OVER_LEAST ?
	    service.config->max_connections : OVER_LEAST;
	over = calloc(over_max, sizeof over[0]);
	if (over == NULL)
		fatal(EX_OSERR, "out of memory");
	event_assign(&rest_timer, service.base, -1, 0, on_rested, NULL);
	event_assign(&every_second, service.base, -1, EV_PERSIST, on_second,
	    NULL);
	event_assign(&channel_event, service.base, channel,
	    EV_READ | EV_PERSIST, on_channel, NULL);
	if (event_add(&channel_event, NULL) == -1)
		fatal(EX_OSERR, "event_add: spawner's channel");
	ask();
	if (service_relays())
		service_ready();
}

bool
stash_hire(uint64_t id, int sock)
{
	const struct spawner_want want = { .count = 1, .id = id };

	if (channel == -1 || asked >= SPAWNER_WISHES)
		return false;
	if (channel_send(channel, &want, sizeof want, sock)) {
		asked++;
		expect_answer();
		return true;
	}
	not_sent();
	return false;
}

bool
stash_take(int *fd, pid_t *pid)
{
	if (stashed == 0) {
		ask();
		return false;
	}
	*fd = stash[--stashed].fd;
	*pid = stash[stashed].pid;
	metric_set(&metrics->workers_ready, stashed);
	if (stashed <= stash_size() / 2)	/* several: fewer calls */
		ask();
	return true;
}

bool
stash_leaves(void)
{
	const struct spawner_want want = { .last = 1 };

	if (channel == -1 || !complained || last_second)
		return false;
	if (!leaving) {
		leaving = true;
		event_del(&every_second);
		if (!channel_send(channel, &want, sizeof want, -1) ||
		    event_add(&every_second, &second) == -1)
			return false;
	}
	return true;
}
