/*
 * What the workers do with bytes, and with their end, by themselves: no filter,
 * no parent.  A pool worker hears of what has come once; what came at the same
 * moment must not wait for an event that never comes.  Nor is anybody cut off
 * because the kernel has no memory for a while.
 */
#include <atf-c.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "worker.h"

#define CHUNK		((size_t)65536)	/* a worker's, at most */
#define LONGEST		((size_t)1 << 20)
#define PATIENCE_MS	20000

enum kind { ECHO, POOL };

static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 8192, 12288, CHUNK - 1,
    CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK, LONGEST };
#define SIZES (sizeof sizes / sizeof sizes[0])

static uint8_t	sent[LONGEST], got[LONGEST + 1];

/* ---- a kernel without memory --------------------------------------------- */

/* Of the worker's writes; shared with it. */
static struct starvation {
	_Atomic uint32_t	left;	/* so many more fail */
	_Atomic uint32_t	size;	/* those of so many bytes; 0: all */
	_Atomic uint32_t	tries;	/* so many have */
} *starvation;
static bool is_worker;

/* Instead of the C library's. */
ssize_t
write(int fd, const void *p, size_t len)
{
	struct starvation *s = starvation;

	if (is_worker && s != NULL && s->left > 0 &&
	    (s->size == 0 || s->size == len)) {
		s->left--;
		errno = s->tries++ % 2 == 0 ? ENOBUFS : ENOMEM;
		return -1;
	}
	return syscall(SYS_write, fd, p, len);
}

static void
may_starve(void)
{
	starvation = mmap(NULL, sizeof *starvation, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(starvation != MAP_FAILED);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* It tries again, and waits in between. */
static void
expect_patience(void)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	int64_t begun = now_ms();

	starvation->tries = 0;
	while (starvation->tries < 50) {
		ATF_REQUIRE_MSG(now_ms() - begun < PATIENCE_MS, "%u tries",
		    starvation->tries);
		nanosleep(&nap, NULL);
	}
	/* Of one, a second; of two, half. */
	ATF_CHECK_MSG(now_ms() - begun >= 400, "it spins");
}

/* ---- workers ------------------------------------------------------------- */

/* In the child: `fd` is at 3, and nothing else is there. */
static _Noreturn void
be_worker(enum kind kind, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = WORKER_FD };
	int set;

	is_worker = true;
	signal(SIGPIPE, SIG_IGN);
	dup2(fd, WORKER_FD);
	for (int i = WORKER_FD + 1; i < 64; i++)
		close(i);
	if (kind == ECHO)
		echo_main();
	set = epoll_create1(0);
	if (set != POOL_EPOLL_FD)
		_exit(1);
	epoll_ctl(set, EPOLL_CTL_ADD, WORKER_FD, &ev);
	pool_prepare(32);
	pool_main();
}

/* Start one; *channel is the way to it, or with ECHO its one connection. */
static pid_t
start(enum kind kind, int *channel)
{
	int pair[2];
	pid_t pid;

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, kind == ECHO ? SOCK_STREAM :
	    SOCK_SEQPACKET, 0, pair));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0)
		be_worker(kind, pair[1]);
	close(pair[1]);
	*channel = pair[0];
	return pid;
}

/* A connection's two ends, as a spawner makes them. */
static void
connection(int pair[2])
{
	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    pair));
}

static void
hand_over(int channel, int fd)
{
	ATF_REQUIRE(channel_send(channel, "", 1, fd));
	close(fd);
}

/* Send some more of these; then the end, once. */
static void
push(int fd, size_t len, size_t *done)
{
	ssize_t n;

	if (*done > len)
		return;
	n = *done == len ? 0 : send(fd, sent + *done, len - *done,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	ATF_REQUIRE(n != -1 || errno == EAGAIN);
	if (n > 0)
		*done += (size_t)n;
	if (*done == len) {
		shutdown(fd, SHUT_WR);
		(*done)++;
	}
}

/* All of it comes back, and then the end. */
static void
expect_echo(int fd, size_t len, size_t done)
{
	struct pollfd p = { .fd = fd };
	size_t have = 0;
	ssize_t n = 1;

	while (n != 0) {
		push(fd, len, &done);
		p.events = (short)(done > len ? POLLIN : POLLIN | POLLOUT);
		ATF_REQUIRE_MSG(poll(&p, 1, PATIENCE_MS) == 1,
		    "%zu bytes: %zu came, and no end", len, have);
		n = recv(fd, got + have, sizeof got - have, MSG_DONTWAIT);
		ATF_REQUIRE(n != -1 || errno == EAGAIN);
		if (n > 0)
			have += (size_t)n;
	}
	ATF_CHECK_EQ_MSG(len, have, "%zu of %zu bytes", have, len);
	ATF_CHECK(memcmp(sent, got, len) == 0);
	close(fd);
}

static void
expect_end(pid_t pid)
{
	int status;

	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
make_bytes(void)
{
	for (size_t i = 0; i < LONGEST; i++)
		sent[i] = (uint8_t)(i * 2654435761U >> 13);
}

ATF_TC_WITHOUT_HEAD(echo);
ATF_TC_BODY(echo, tc)
{
	make_bytes();
	for (size_t i = 0; i < SIZES; i++) {
		int fd;
		pid_t pid = start(ECHO, &fd);

		expect_echo(fd, sizes[i], 0);
		expect_end(pid);
	}
}

ATF_TC_WITHOUT_HEAD(pool);
ATF_TC_BODY(pool, tc)
{
	int channel, pair[2];
	pid_t pid = start(POOL, &channel);

	make_bytes();
	for (size_t i = 0; i < SIZES; i++) {
		connection(pair);
		hand_over(channel, pair[1]);
		expect_echo(pair[0], sizes[i], 0);
	}
	close(channel);
	expect_end(pid);
}

/* It is all there before the worker has the connection: one event for it. */
ATF_TC_WITHOUT_HEAD(pool_at_once);
ATF_TC_BODY(pool_at_once, tc)
{
	int channel, pair[2];
	pid_t pid = start(POOL, &channel);

	make_bytes();
	for (size_t i = 0; i < SIZES; i++) {
		size_t done = 0;

		connection(pair);
		push(pair[0], sizes[i], &done);
		hand_over(channel, pair[1]);
		expect_echo(pair[0], sizes[i], done);
	}
	close(channel);
	expect_end(pid);
}

/* More than is read at once, and no end behind it. */
ATF_TC_WITHOUT_HEAD(pool_more_at_once);
ATF_TC_BODY(pool_more_at_once, tc)
{
	int channel, pair[2];
	pid_t pid = start(POOL, &channel);
	struct pollfd p = { .events = POLLIN };

	make_bytes();
	connection(pair);
	p.fd = pair[0];
	ATF_REQUIRE_EQ(CHUNK + 100, (size_t)send(pair[0], sent, CHUNK + 100,
	    0));
	hand_over(channel, pair[1]);
	for (size_t have = 0; have < CHUNK + 100;) {
		ssize_t n;

		ATF_REQUIRE_MSG(poll(&p, 1, PATIENCE_MS) == 1, "%zu came",
		    have);
		n = recv(pair[0], got, sizeof got, 0);
		ATF_REQUIRE(n > 0);
		have += (size_t)n;
	}
	expect_echo(pair[0], 0, 0);
	close(channel);
	expect_end(pid);
}

/* Nobody reads what comes back, and meanwhile more is sent, and the end. */
ATF_TC_WITHOUT_HEAD(pool_deaf);
ATF_TC_BODY(pool_deaf, tc)
{
	int channel, pair[2], others[2];
	pid_t pid = start(POOL, &channel);
	struct pollfd p = { .events = POLLOUT };
	size_t done = 0;

	make_bytes();
	connection(pair);
	p.fd = pair[0];
	hand_over(channel, pair[1]);
	/* until neither side takes any more */
	while (done < LONGEST && poll(&p, 1, 500) == 1)
		push(pair[0], LONGEST, &done);
	ATF_REQUIRE(done < LONGEST);
	connection(others);
	hand_over(channel, others[1]);
	expect_echo(others[0], 100, 0);
	expect_echo(pair[0], LONGEST, done);
	close(channel);
	expect_end(pid);
}

ATF_TC_WITHOUT_HEAD(echo_starved);
ATF_TC_BODY(echo_starved, tc)
{
	int fd;
	pid_t pid;

	make_bytes();
	may_starve();
	starvation->left = 50;
	pid = start(ECHO, &fd);
	expect_echo(fd, 3 * CHUNK, 0);
	expect_end(pid);
	ATF_CHECK_EQ(50, starvation->tries);
	/* But it is not tried for ever. */
	starvation->left = UINT32_MAX;
	pid = start(ECHO, &fd);
	ATF_REQUIRE_EQ(1, send(fd, sent, 1, 0));
	expect_end(pid);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(pool_starved);
ATF_TC_BODY(pool_starved, tc)
{
	int channel, pair[2], gone[2], others[2];
	size_t done = 0, gone_done = 0;
	pid_t pid;

	make_bytes();
	may_starve();
	pid = start(POOL, &channel);
	connection(pair);
	hand_over(channel, pair[1]);
	connection(gone);
	hand_over(channel, gone[1]);
	starvation->size = 77;
	starvation->left = UINT32_MAX;
	push(pair[0], 77, &done);
	expect_patience();
	push(gone[0], 77, &gone_done);
	close(gone[0]);
	expect_patience();
	/* Others are not held up. */
	connection(others);
	hand_over(channel, others[1]);
	expect_echo(others[0], LONGEST, 0);
	starvation->left = 0;
	expect_echo(pair[0], 77, done);
	close(channel);
	expect_end(pid);
}

/* Both ways: at the client's end, and at the service's. */
ATF_TC_WITHOUT_HEAD(relay_starved);
ATF_TC_BODY(relay_starved, tc)
{
	int client[2], app[2];
	pid_t pid;

	make_bytes();
	may_starve();
	connection(client);
	connection(app);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		is_worker = true;
		if (dup2(app[1], 30) == -1 ||
		    dup2(client[1], WORKER_FD) == -1 ||
		    dup2(30, SERVICE_FD) == -1)
			_exit(99);
		for (int i = SERVICE_FD + 1; i < 64; i++)
			close(i);
		relay_main(PATIENCE_MS);
	}
	close(client[1]);
	close(app[1]);
	for (int i = 0; i < 2; i++) {
		int from = i == 0 ? client[0] : app[0];
		struct pollfd p = { .fd = i == 0 ? app[0] : client[0],
		    .events = POLLIN };

		starvation->left = UINT32_MAX;
		ATF_REQUIRE_EQ(100, send(from, sent, 100, 0));
		expect_patience();
		starvation->left = 0;
		ATF_REQUIRE_EQ(1, poll(&p, 1, PATIENCE_MS));
		ATF_CHECK_EQ(100, recv(p.fd, got, sizeof got, 0));
	}
	shutdown(client[0], SHUT_WR);
	shutdown(app[0], SHUT_WR);
	expect_end(pid);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, echo);
	ATF_TP_ADD_TC(tp, pool);
	ATF_TP_ADD_TC(tp, pool_at_once);
	ATF_TP_ADD_TC(tp, pool_more_at_once);
	ATF_TP_ADD_TC(tp, pool_deaf);
	ATF_TP_ADD_TC(tp, echo_starved);
	ATF_TP_ADD_TC(tp, pool_starved);
	ATF_TP_ADD_TC(tp, relay_starved);
	return atf_no_error();
}
