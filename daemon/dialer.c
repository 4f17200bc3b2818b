/*
 * The dialer: waits for its parent's questions, and for the service to accept.
 *
 * It was executed before any key was in its parent's memory, and has no file,
 * no key and no client's bytes.  Whoever takes it over, by way of its parent,
 * can connect to the service, which clients can, too, and to nothing else: the
 * address lies where nobody can alter it (POLICY_DIAL_ADDRESS).
 */
#include "dialer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
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
#include "filter.h"
#include "log.h"

/*
 * A local socket whose queue is full has no event for room in it, nor has the
 * kernel where too many descriptors are on their way (ms).
 */
#define AGAIN_MS	20
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
	bool		 try;
	int64_t		 end;		/* ms, now(); unless it is decided */
	struct dialer_answer answer;
};

static struct dialer_setup	 setup;
static struct sock_fprog	 filter;
static struct dial		 dials[DIALER_DIALS];
static uint32_t			 under_way;
static const struct sockaddr	*service;
static socklen_t		 service_len;	/* unless it is local */

/* ---- its start ------------------------------------------------------------ */

static void
read_setup(void)
{
	int fd;

	if (channel_recv(DIALER_CHANNEL_FD, &setup, sizeof setup, &fd) != 1 ||
	    fd != -1 || setup.size != sizeof setup || setup.deadline_ms < 1 ||
	    setup.deadline_ms > INT32_MAX)
		fatal(EX_PROTOCOL, "this is started by posternd, not by hand");
	log_init("dialer", (enum log_kind)setup.log_kind, setup.log_level);
	if (setup.rehearsal)
		filter_ask_tracer();
}

static bool
is_local(void)
{
	return setup.to.ss.ss_family == AF_UNIX;
}

/*
 * A service that starts again makes a new socket, and often the directory that
 * it is in, too: no root that we could enter now would have it then.  So for a
 * local socket the root directory stays, and it is the address, which is looked
 * up anew each time, that leaves us this one name of all that is in there.
 */
static void
drop_root(void)
{
	const struct confine_heir heir = { .one_uid = setup.one_uid,
	    .uid = setup.uid, .gid = setup.gid, .parent = setup.parent,
	    .root = is_local() ? CONFINE_ROOT_KEPT : CONFINE_ROOT_EMPTY };

	confine_drop_root(&heir);
}

static void
bound(void)
{
	const struct bounds_for f = { .log_is_file = bounds_log_is_file() };

	filter_prepare(POLICY_DIALER, &filter);
	bounds_apply(POLICY_DIALER, &f);
}

/* The address goes where the filter wants it, for good. */
static void
place_address(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap((void *)(uintptr_t)POLICY_DIAL_ADDRESS, size,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED_NOREPLACE, -1, 0);

	_Static_assert(sizeof setup.to.ss <= 4096, "it is on one page");
	if (page == MAP_FAILED ||
	    (uintptr_t)page != (uintptr_t)POLICY_DIAL_ADDRESS)
		fatal(EX_OSERR, "no place for the service's address: %s",
		    strerror(errno));
	memcpy(page, &setup.to.ss, sizeof setup.to.ss);
	if (mprotect(page, size, PROT_READ) == -1)
		fatal(EX_OSERR, "mprotect: %s", strerror(errno));
	/* Tried, not believed: the kernel must not be able to write there. */
	if (prctl(PR_GET_PDEATHSIG, page, 0, 0, 0) != -1 || errno != EFAULT)
		fatal(EX_OSERR, "the service's address can be altered");
	service = page;
	service_len = setup.to.ss.ss_family == AF_INET ?
	    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static uint16_t
service_port(void)
{
	return ntohs(setup.to.ss.ss_family == AF_INET ?
	    ((const struct sockaddr_in *)&setup.to.ss)->sin_port :
	    ((const struct sockaddr_in6 *)&setup.to.ss)->sin6_port);
}

static void
confine(void)
{
	const uint16_t port = is_local() ? 0 : service_port();

	confine_check_dies_with_parent();
	confine_check_settled(setup.one_uid);
	confine_landlock_connect(&port, is_local() ? 0 : 1);
	filter_enter(POLICY_DIALER, &filter);
}

/* ---- answers ---------------------------------------------------------------- */

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
		finish(d, DIALER_FAILED, error);
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

/* ---- questions ---------------------------------------------------------------- */

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
	d->end = now() + (d->try ? TRY_MS : setup.deadline_ms);
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
	if (n == -1 || fd != -1 || q.wish >= DIALER_WISHES)
		fatal(EX_PROTOCOL, "the parent asked what is no question");
	if (q.wish == DIALER_CANCEL)
		cancel(q.id);
	else
		begin(&q);
}

/* ---- waiting ------------------------------------------------------------------- */

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

	p[0] = (struct pollfd){ .fd = DIALER_CHANNEL_FD, .events = POLLIN };
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
}

static _Noreturn void
serve(void)
{
	static struct pollfd p[1 + DIALER_DIALS];

	for (;;) {
		wait_for_news(p);
		for (int i = 0; i < DIALER_DIALS; i++)
			look_after(&dials[i], p[1 + i].revents != 0);
		if (p[0].revents != 0)
			hear();
	}
}

/* The order is explained in DESIGN, "The order of confinement". */
void
dialer_main(void)
{
	dialer_ready ready = sizeof setup;

	confine_check_descriptors(DIALER_CHANNEL_FD + 1);
	read_setup();
	confine_ignore_signals();
	drop_root();
	bound();
	place_address();
	confine();
	if (!channel_send(DIALER_CHANNEL_FD, &ready, sizeof ready, -1))
		_exit(EX_UNAVAILABLE);
	serve();
}
