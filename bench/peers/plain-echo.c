/*
 * A plain TCP echo server, as small and quick as one thread can be: what the
 * TLS proxies among the peers have behind them, and, asked directly, what
 * this machine's loopback would allow.
 * usage: plain-echo PORT
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define CHUNK	65536
#define FDS_MAX	65536
#define EVENTS	256

/* What a connection could not take yet; while there is any nothing is read. */
static struct pending {
	uint8_t		*data;
	size_t		 off, len;
} pending[FDS_MAX];

static uint8_t	chunk[CHUNK];
static int	set;

static void
die(const char *what)
{
	fprintf(stderr, "plain-echo: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

static void
watch(int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(set, op, fd, &ev) == -1)
		die("epoll_ctl");
}

static void
let_go(int fd)
{
	free(pending[fd].data);
	memset(&pending[fd], 0, sizeof pending[fd]);
	close(fd);
}

/* How many of these it did not take; -1 if the other end is gone. */
static ssize_t
give(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return (ssize_t)len;
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
	p->off += p->len - (size_t)left;
	p->len = (size_t)left;
	if (left == 0) {
		free(p->data);
		p->data = NULL;
		watch(EPOLL_CTL_MOD, fd, EPOLLIN);
	}
}

static void
turn(int fd)
{
	struct pending *p = &pending[fd];
	ssize_t n, left;

	if (p->len > 0) {
		resume(fd);
		return;
	}
	n = recv(fd, chunk, sizeof chunk, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	left = n <= 0 ? -1 : give(fd, chunk, (size_t)n);
	if (left == -1) {
		let_go(fd);
	} else if (left > 0) {
		p->data = malloc((size_t)left);
		if (p->data == NULL)
			die("malloc");
		memcpy(p->data, chunk + (n - left), (size_t)left);
		p->off = 0;
		p->len = (size_t)left;
		watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
	}
}

static void
greet(int listener)
{
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK |
	    SOCK_CLOEXEC);

	if (fd == -1)
		return;
	if (fd >= FDS_MAX) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	watch(EPOLL_CTL_ADD, fd, EPOLLIN);
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof on) == -1 || bind(fd, (struct sockaddr *)&in, sizeof in) ==
	    -1 || listen(fd, 1024) == -1)
		die("listen");
	return fd;
}

int
main(int argc, char **argv)
{
	static struct epoll_event ev[EVENTS];
	struct rlimit files = { FDS_MAX, FDS_MAX };
	int listener;

	if (argc != 2 || atoi(argv[1]) <= 0 || atoi(argv[1]) > 65535) {
		fputs("usage: plain-echo PORT\n", stderr);
		return EX_USAGE;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	set = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_on((uint16_t)atoi(argv[1]));
	watch(EPOLL_CTL_ADD, listener, EPOLLIN);
	for (;;) {
		int n = epoll_wait(set, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == listener)
				greet(listener);
			else
				turn(ev[i].data.fd);
		}
	}
}
