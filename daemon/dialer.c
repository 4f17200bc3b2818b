/*
 * The dialer: waits for its parent's questions, and for the service to accept.
 *
 * Its program was executed before any key was in its parent's memory, and has
 * no file, no key and no client's bytes.  Whoever takes it over, by way of its
 * parent, can connect to the service, which clients can, too, and to nothing
 * else: the address lies where nobody can alter it (POLICY_DIAL_ADDRESS).
 *
 * A local socket is the one thing in its root, and stays that one.  When that
 * does not answer any more, the service may have made another, which it cannot
 * see: it ends, and the next looks (dial_spawner.c).
 */
#include "dialer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "channel.h"
#include "confine.h"
#include "enclose.h"
#include "filter.h"
#include "log.h"
#include "title.h"

/*
 * A local socket whose queue is full has no event for room in it, nor has the
 * kernel where too many descriptors are on their way (ms).
 */
#define AGAIN_MS	20
/* One that takes nobody for so long may have been replaced by another (ms). */
#define FULL_MS		1000
/* What the canary waits for the service (ms). */
#define TRY_MS		50
/* The log, the channel, what else the C library may have. */
_Static_assert(BOUNDS_DIALER_FILES == DIALER_DIALS * CONFIG_PARENTS_MAX + 16,
    "the dialer's bound, in lib/bounds.h");

enum dial_state {
	DIAL_NONE,
	DIAL_CONNECTING,	/* the socket tells when it is decided */
	DIAL_AGAIN,		/* the service's queue is full */
	DIAL_DECIDED		/* the answer could not be sent yet */
};

struct dial {
	enum dial_state	 state;
	int		 fd;		/* ours until it is handed over */
	bool		 try, again;
	int64_t		 begun, end;	/* ms, now(); unless it is decided */
	struct dialer_answer answer;
};

static const struct dialer_setup *setup;
static struct dial		 dials[DIALER_DIALS];
static uint32_t			 under_way;
static const struct sockaddr	*service;
static socklen_t		 service_len;	/* unless it is local */
static int			 absent;	/* why its socket is; or 0 */
static bool			 leaving;	/* nothing more is taken */

/* ---- its start ----------------------------------------------------------- */

bool
dialer_is_local(const struct dialer_setup *s)
{
	return s->to.ss.ss_family == AF_UNIX;
}

static bool
is_local(void)
{
	return dialer_is_local(setup);
}

/* From the spawner's: a root that is the service's socket, or empty. */
static void
leave_root(pid_t spawner)
{
	const struct sockaddr_un *sun =
	    (const struct sockaddr_un *)&setup->to.ss;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		fatal(EX_OSERR, "cannot make a mount namespace: %s",
		    strerror(errno));
	absent = enclose(sun->sun_path);
	confine_drop_capabilities();
	confine_die_with_parent(spawner);
	confine_hide();
}

/* As it is named in here. */
static struct sockaddr_storage
address(void)
{
	struct sockaddr_storage ss = setup->to.ss;
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = ENCLOSE_SOCKET };

	if (is_local()) {
		memset(&ss, 0, sizeof ss);
		memcpy(&ss, &sun, sizeof sun);
	}
	return ss;
}

/* The address goes where the filter wants it, for good. */
static void
place_address(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	const struct sockaddr_storage to = address();
	void *page = mmap((void *)(uintptr_t)POLICY_DIAL_ADDRESS, size,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED_NOREPLACE, -1, 0);

	_Static_assert(sizeof to <= 4096, "it is on one page");
	if (page == MAP_FAILED ||
	    (uintptr_t)page != (uintptr_t)POLICY_DIAL_ADDRESS)
		fatal(EX_OSERR, "no place for the service's address: %s",
		    strerror(errno));
	memcpy(page, &to, sizeof to);
	if (mprotect(page, size, PROT_READ) == -1)
		fatal(EX_OSERR, "mprotect: %s", strerror(errno));
	/* Tried, not believed: the kernel must not be able to write there. */
	if (prctl(PR_GET_PDEATHSIG, page, 0, 0, 0) != -1 || errno != EFAULT)
		fatal(EX_OSERR, "the service's address can be altered");
	service = page;
	service_len = to.ss_family == AF_INET ?
	    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static uint16_t
service_port(void)
{
	return ntohs(setup->to.ss.ss_family == AF_INET ?
	    ((const struct sockaddr_in *)&setup->to.ss)->sin_port :
	    ((const struct sockaddr_in6 *)&setup->to.ss)->sin6_port);
}

static void
confine(struct sock_fprog *filter)
{
	const struct bounds_for f = { .log_is_file = bounds_log_is_file() };
	const uint16_t port = is_local() ? 0 : service_port();

	bounds_apply(POLICY_DIALER, &f);
	confine_check_dies_with_parent();
	confine_check_settled(setup->one_uid);
	confine_landlock_connect(&port, is_local() ? 0 : 1);
	filter_enter(POLICY_DIALER, filter);
}

/* ---- answers ------------------------------------------------------------- */

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * Tell, and hand the socket over, or not; waits while the parent has no time.
 * It may be that another parent has not received what other dialers have sent,
 * and the kernel takes no more descriptors of our user: that passes.
 */
static void
deliver(struct dial *d)
{
	if (!channel_send(DIALER_CHANNEL_FD, &d->answer, sizeof d->answer,
	    d->answer.status == DIALER_CONNECTED && !d->try ? d->fd : -1)) {
		if (channel_passes(errno))
			return;
		_exit(0);		/* the parent is gone */
	}
	if (d->fd != -1)
		close(d->fd);
	d->state = DIAL_NONE;
	under_way--;
}

/* It is over. */
static void
finish(struct dial *d, enum dialer_status status, int error)
{
	d->state = DIAL_DECIDED;
	d->answer.status = status;
	d->answer.error = error;
	deliver(d);
}

/*
 * TCP picks our port among those that a service may have, too; where nobody
 * listens it can pick the very one, and then the two ends are one socket.
 */
static bool
is_itself(int fd)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof own;

	memset(&own, 0, sizeof own);
	return !is_local() &&
	    getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
	    len == service_len && memcmp(&own, service, len) == 0;
}

static void
connected(struct dial *d)
{
	const int on = 1;

	if (is_itself(d->fd)) {
		finish(d, DIALER_FAILED, ECONNREFUSED);
		return;
	}
	if (!is_local())
		setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	finish(d, DIALER_CONNECTED, 0);
}

/*
 * There may be another socket now under the service's name.  Who was asked for
 * is asked for again, of the next dialer.
 */
static void
leave(void)
{
	leaving = true;
	for (int i = 0; i < DIALER_DIALS; i++)
		if (dials[i].state == DIAL_AGAIN && !dials[i].try)
			finish(&dials[i], DIALER_STALE, 0);
}

/* Who asks again has an answer of what was there when it had asked already. */
static void
refused(struct dial *d, int error)
{
	if (!is_local() || d->try || d->again ||
	    (error != ENOENT && error != ECONNREFUSED)) {
		finish(d, DIALER_FAILED, error == ENOENT && absent != 0 ?
		    absent : error);
		return;
	}
	finish(d, DIALER_STALE, 0);
	leave();
}

static void
try_connect(struct dial *d)
{
	/* Of any family: the filter lets no other length pass. */
	int error = connect(d->fd, service, sizeof(struct sockaddr_un)) == 0 ?
	    0 : errno;

	if (error == 0)
		connected(d);
	else if (error == EINPROGRESS)
		d->state = DIAL_CONNECTING;
	else if (error == EAGAIN)
		d->state = DIAL_AGAIN;
	else
		refused(d, error);
}

static void
decided(struct dial *d)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0)
		connected(d);
	else
		finish(d, DIALER_FAILED, error);
}

/* ---- questions ----------------------------------------------------------- */

static struct dial *
free_dial(void)
{
	for (int i = 0; i < DIALER_DIALS; i++)
		if (dials[i].state == DIAL_NONE)
			return &dials[i];
	fatal(EX_PROTOCOL, "the parent asked for more than it may");
}

static void
begin(const struct dialer_query *q)
{
	struct dial *d = free_dial();

	d->answer = (struct dialer_answer){ .id = q->id };
	d->try = q->wish == DIALER_TRY;
	d->again = q->again == 1;
	d->begun = now();
	d->end = d->begun + (d->try ? TRY_MS : q->ms);
	d->state = DIAL_CONNECTING;
	under_way++;
	d->fd = socket(service->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (d->fd == -1)
		finish(d, DIALER_FAILED, errno);
	else
		try_connect(d);
}

/*
 * It may be that its answer is on the way already: then there is nothing to do.
 */
static void
cancel(uint64_t id)
{
	for (int i = 0; i < DIALER_DIALS; i++)
		if (dials[i].state != DIAL_NONE && dials[i].answer.id == id)
			finish(&dials[i], DIALER_CANCELLED, 0);
}

static void
hear(void)
{
	struct dialer_query q;
	int fd, n = channel_recv(DIALER_CHANNEL_FD, &q, sizeof q, &fd);

	if (n == 0)
		_exit(0);		/* the parent is gone */
	if (n == -1 || fd != -1 || q.wish >= DIALER_WISHES || q.again > 1 ||
	    q.ms < 0 || q.ms > setup->deadline_ms)
		fatal(EX_PROTOCOL, "the parent asked what is no question");
	if (q.wish == DIALER_CANCEL)
		cancel(q.id);
	else
		begin(&q);
}

/* ---- waiting ------------------------------------------------------------- */

/* Until the first of them has to be looked at (ms); -1: none. */
static int64_t
patience(void)
{
	int64_t least = -1, t = now();

	for (int i = 0; i < DIALER_DIALS; i++) {
		const struct dial *d = &dials[i];
		int64_t left = d->end > t ? d->end - t : 0;

		if (d->state == DIAL_NONE)
			continue;
		if (d->state == DIAL_DECIDED || (d->state == DIAL_AGAIN &&
		    left > AGAIN_MS))
			left = AGAIN_MS;
		if (least == -1 || left < least)
			least = left;
	}
	return least;
}

static void
wait_for_news(struct pollfd p[1 + DIALER_DIALS])
{
	int64_t ms = under_way == 0 ? -1 : patience();

	p[0] = (struct pollfd){ .fd = leaving ? -1 : DIALER_CHANNEL_FD,
	    .events = POLLIN };
	for (int i = 0; i < DIALER_DIALS; i++)
		p[1 + i] = (struct pollfd){ .fd = dials[i].state ==
		    DIAL_CONNECTING ? dials[i].fd : -1, .events = POLLOUT };
	if (ppoll(p, 1 + DIALER_DIALS, ms == -1 ? NULL :
	    &(struct timespec){ .tv_sec = (time_t)(ms / 1000),
	    .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL) == -1)
		for (int i = 0; i <= DIALER_DIALS; i++)
			p[i].revents = 0;	/* interrupted */
}

static void
look_after(struct dial *d, bool has_news)
{
	if (d->state == DIAL_DECIDED)
		deliver(d);
	else if (has_news)
		decided(d);
	else if (d->state == DIAL_AGAIN)
		try_connect(d);
	if ((d->state == DIAL_CONNECTING || d->state == DIAL_AGAIN) &&
	    d->end <= now())
		finish(d, DIALER_TIMEOUT, 0);
	if (d->state == DIAL_AGAIN && is_local() && now() - d->begun >= FULL_MS)
		leave();
}

static _Noreturn void
serve(void)
{
	static struct pollfd p[1 + DIALER_DIALS];

	for (;;) {
		wait_for_news(p);
		for (int i = 0; i < DIALER_DIALS; i++)
			look_after(&dials[i], p[1 + i].revents != 0);
		if (p[0].revents != 0 && !leaving)
			hear();
		if (leaving && under_way == 0)
			_exit(DIALER_EXIT_STALE);
	}
}

/* The order is explained in DESIGN, "The order of confinement". */
void
dialer_main(const struct dialer_setup *s, struct sock_fprog *filter,
    pid_t spawner, bool first)
{
	dialer_ready ready = sizeof *s;

	setup = s;
	if (is_local())
		leave_root(spawner);
	place_address();
	confine(filter);
	if (first && !channel_send(DIALER_CHANNEL_FD, &ready, sizeof ready, -1))
		_exit(EX_UNAVAILABLE);
	serve();
}
