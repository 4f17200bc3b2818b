/*
 * The pool worker: many connections, one process.  It takes connections by
 * recvmsg(2) and can make none.  A client that takes this process over reaches
 * the other clients of the same worker; that is the price of the mode.
 *
 * One read a turn: no connection starves another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "channel.h"
#include "log.h"
#include "worker.h"

#define CHUNK	65536
#define EVENTS	256

/* Once for what has come: the set does not look again at who was read. */
#define INPUT	(EPOLLIN | EPOLLRDHUP | EPOLLET)

/*
 * What a connection could not take yet.  While there is any its input is not
 * read, so one chunk is all there ever is; it lies where the descriptor's
 * number says, in memory that exists only where it was touched.
 */
struct pending {
	uint32_t	off, len;
	bool		starved;	/* it had room, the kernel no memory */
	int		next;		/* of these; -1 */
	uint8_t		data[CHUNK];
};

static struct pending	*pending;
static uint32_t		 slots;		/* descriptors that have a place */
static uint32_t		 held;		/* connections open */
static uint8_t		 chunk[CHUNK];
static int		 orphan;	/* the spawner is gone */
static int		 starved = -1;	/* the first of these; -1 */
static bool		 no_memory;	/* give() left some for want of it */

/* After so long at the latest these are tried again (ms). */
#define RETRY_MS	20

void
pool_prepare(uint32_t connections)
{
	slots = connections + POOL_EPOLL_FD + 1;
	pending = mmap(NULL, (size_t)slots * sizeof *pending,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1, 0);
	if (pending == MAP_FAILED)
		fatal(EX_OSERR, "no address space for %u connections",
		    (unsigned)slots);
}

static bool
watch(int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(POOL_EPOLL_FD, op, fd, &ev) == 0;
}

static void
let_go(int fd)
{
	pending[fd].len = 0;
	pending[fd].starved = false;
	close(fd);		/* leaves the set by itself */
	held--;
}

/* Write as much as goes; returns what is left, or -1 when the end is gone. */
static ssize_t
give(int fd, const uint8_t *p, size_t len)
{
	no_memory = false;
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1 && is_starved(errno)) {
			no_memory = true;
			break;
		}
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return (ssize_t)len;
}

/*
 * Some is left: wait for room, or where there is room and no memory for a
 * while, as the event for room would come at once, each time.  So would that of
 * its end, were the set asked anew.
 */
static bool
wait_to_give(int fd)
{
	struct pending *p = &pending[fd];
	bool was_starved = p->starved;

	p->starved = no_memory;
	if (!(p->starved && was_starved) &&
	    !watch(EPOLL_CTL_MOD, fd, p->starved ? EPOLLET : EPOLLOUT))
		return false;
	if (p->starved) {
		p->next = starved;
		starved = fd;
	}
	return true;
}

static void
resume(int fd)
{
	struct pending *p = &pending[fd];
	ssize_t left = give(fd, p->data + p->off, p->len);

	if (left == -1) {
		let_go(fd);
		return;
	}
	p->off += p->len - (uint32_t)left;
	p->len = (uint32_t)left;
	if (left > 0) {
		if (!wait_to_give(fd))
			let_go(fd);
		return;
	}
	p->starved = false;
	/* The set is asked anew: what came meanwhile has an event. */
	if (!watch(EPOLL_CTL_MOD, fd, INPUT))
		let_go(fd);
}

/*
 * Those that are in the list now; whoever is starved again is put there anew.
 */
static void
resume_starved(void)
{
	int fd = starved, next;

	for (starved = -1; fd != -1; fd = next) {
		next = pending[fd].next;
		resume(fd);
	}
}

static void
turn(int fd, uint32_t events)
{
	struct pending *p = &pending[fd];
	ssize_t n, left;

	if (p->len > 0) {
		if (!p->starved)	/* its end is seen at the next try */
			resume(fd);
		return;
	}
	n = read(fd, chunk, sizeof chunk);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	left = n <= 0 ? -1 : give(fd, chunk, (size_t)n);
	if (left > 0) {
		memcpy(p->data, chunk + (n - left), (size_t)left);
		p->off = 0;
		p->len = (uint32_t)left;
	}
	/* There may be more, or the end: no event of its own would tell. */
	if (left == 0 && ((size_t)n == sizeof chunk || events != EPOLLIN) &&
	    !watch(EPOLL_CTL_MOD, fd, INPUT))
		left = -1;
	if (left == -1 || (left > 0 && !wait_to_give(fd)))
		let_go(fd);
}

static void
take(void)
{
	char c;
	int fd, n = channel_recv(WORKER_FD, &c, sizeof c, &fd);

	if (n == 0) {
		orphan = 1;
		close(WORKER_FD);
	}
	if (n != 1 || fd == -1)
		return;
	if ((uint32_t)fd >= slots ||
	    !watch(EPOLL_CTL_ADD, fd, INPUT)) {
		close(fd);
		return;
	}
	held++;
}

void
pool_main(void)
{
	static struct epoll_event ev[EVENTS];

	while (!orphan || held > 0) {
		int n = epoll_wait(POOL_EPOLL_FD, ev, EVENTS,
		    starved == -1 ? -1 : RETRY_MS);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == WORKER_FD)
				take();
			else
				turn(ev[i].data.fd, ev[i].events);
		}
		resume_starved();
	}
	_exit(0);
}
