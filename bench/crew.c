/*
 * One process's clients: an epoll loop, level-triggered, one turn for each
 * that has news.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* So many are set up at once: the listening queue is not what is measured. */
#define AT_ONCE		32
#define SETUP_NS	UINT64_C(120000000000)
#define STALL_NS	UINT64_C(30000000000)
#define CHUNK		16384	/* of bulk, and the first echo of all */
#define WINDOW_CHUNKS	8

/*
 * What is sent.  A prime period, so that bytes lost, doubled or of another
 * connection do not look right; once more behind it, so that every message is
 * in one piece.
 */
#define PERIOD		65521
#define MESSAGE_MAX	65536

enum state { STATE_NEW, STATE_CONNECTING, STATE_SHAKING, STATE_OPEN };

struct client {
	enum kind	 kind;
	enum state	 state;
	int		 fd;
	SSL		*ssl;		/* NULL: plain */
	uint32_t	 start;		/* of its bytes in the pattern */
	bool		 settled;	/* its first echo is back */
	bool		 busy;		/* with a message */
	bool		 wants_room;	/* EPOLLOUT is asked for */
	uint64_t	 sent, received, target;
	uint64_t	 begun;		/* the operation at hand (ns) */
};

static const struct plan *plan;
static uint8_t		 pattern[PERIOD + MESSAGE_MAX];
static SSL_CTX		*tls;
static struct client	*clients;
static uint32_t		 count, started, settled, settling;
static int		 set;		/* epoll */
static uint64_t		 until;		/* measured time's end; 0: before it */
static struct tally	 tally;

/* ---- set-up -------------------------------------------------------------- */

static void
make_pattern(void)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < PERIOD; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = (uint8_t)x;
	}
	memcpy(pattern + PERIOD, pattern, PERIOD);
	memcpy(pattern + 2 * (size_t)PERIOD, pattern, MESSAGE_MAX - PERIOD);
}

static const char *
ssl_words(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	return s != NULL ? s : "unknown error";
}

/* No resumption: each handshake is a full one. */
static void
make_tls(void)
{
	int version;

	if (plan->ca == NULL)
		return;
	tls = SSL_CTX_new(TLS_client_method());
	version = plan->tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
	if (tls == NULL || SSL_CTX_set_min_proto_version(tls, version) != 1 ||
	    SSL_CTX_set_max_proto_version(tls, version) != 1 ||
	    SSL_CTX_set_cipher_list(tls,
	    "ECDHE-ECDSA-AES256-GCM-SHA384") != 1 ||
	    SSL_CTX_set_ciphersuites(tls, "TLS_AES_256_GCM_SHA384") != 1 ||
	    SSL_CTX_set1_groups_list(tls, plan->p256 ? "P-256" : plan->tls12 ?
	    "X25519:P-256" : "X25519") != 1)
		die(EX_SOFTWARE, "tls: %s", ssl_words());
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_load_verify_locations(tls, plan->ca, NULL) != 1)
		die(EX_NOINPUT, "%s: %s", plan->ca, ssl_words());
	if (SSL_CTX_use_certificate_chain_file(tls, plan->cert) != 1)
		die(EX_NOINPUT, "%s: %s", plan->cert, ssl_words());
	if (SSL_CTX_use_PrivateKey_file(tls, plan->key, SSL_FILETYPE_PEM) != 1)
		die(EX_NOINPUT, "%s: %s", plan->key, ssl_words());
}

/* The first echo is as long for all, so that all have used their memory. */
static uint32_t
message_size(const struct client *c)
{
	return c->kind == KIND_SHAKER ||
	    (c->kind == KIND_PINGER && c->settled) ? plan->size : CHUNK;
}

/* Kinds in turn over all processes, so that each has its share. */
static void
make_clients(uint32_t first)
{
	uint32_t all = 0, n = 0;

	for (int k = 0; k < KIND_COUNT; k++)
		all += plan->clients[k];
	clients = calloc(all, sizeof *clients);
	if (clients == NULL)
		die(EX_OSERR, "out of memory");
	for (int k = 0; k < KIND_COUNT; k++) {
		for (uint32_t i = 0; i < plan->clients[k]; i++, n++) {
			if (n % plan->processes != first)
				continue;
			clients[count].kind = (enum kind)k;
			clients[count].fd = -1;
			clients[count].start = n * 7919 % PERIOD;
			count++;
		}
	}
}

/* ---- a connection -------------------------------------------------------- */

static void
watch(struct client *c, bool room)
{
	struct epoll_event ev = { .events = EPOLLIN | (room ? EPOLLOUT : 0),
	    .data.ptr = c };

	if (room == c->wants_room)
		return;
	c->wants_room = room;
	if (epoll_ctl(set, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		die(EX_OSERR, "epoll_ctl: %s", strerror(errno));
}

static void
begin(struct client *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
	int on = 1;

	c->begun = now_ns();
	c->sent = c->received = c->target = 0;
	c->busy = false;
	c->state = STATE_CONNECTING;
	c->wants_room = true;
	c->fd = socket(plan->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		die(EX_OSERR, "socket: %s", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(c->fd, (const struct sockaddr *)&plan->address,
	    plan->address_len) == -1 && errno != EINPROGRESS)
		die(EX_UNAVAILABLE, "connect: %s", strerror(errno));
	if (epoll_ctl(set, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die(EX_OSERR, "epoll_ctl: %s", strerror(errno));
}

static void
end(struct client *c)
{
	if (c->ssl != NULL) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	close(c->fd);
	c->fd = -1;
}

static void
connected(struct client *c)
{
	socklen_t len = sizeof errno;
	int e = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1 || e != 0)
		die(EX_UNAVAILABLE, "connect: %s",
		    strerror(e != 0 ? e : errno));
	c->state = tls == NULL ? STATE_OPEN : STATE_SHAKING;
	if (tls == NULL)
		return;
	c->ssl = SSL_new(tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		die(EX_SOFTWARE, "tls: %s", ssl_words());
	SSL_set_connect_state(c->ssl);
}

/* True if it would only have to wait; *room: for room to send. */
static bool
must_wait(struct client *c, int r, bool *room)
{
	int e;

	if (c->ssl == NULL) {
		if (r == 0)
			die(EX_UNAVAILABLE, "the server ended a connection");
		if (errno != EAGAIN && errno != EINTR)
			die(EX_UNAVAILABLE, "the connection broke: %s",
			    strerror(errno));
		return true;
	}
	e = SSL_get_error(c->ssl, r);
	if (e == SSL_ERROR_WANT_WRITE)
		*room = true;
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return true;
	if (e == SSL_ERROR_ZERO_RETURN)
		die(EX_UNAVAILABLE, "the server ended a connection");
	die(EX_UNAVAILABLE, "the connection broke: %s", e == SSL_ERROR_SYSCALL ?
	    strerror(errno) : ssl_words());
}

static void
shake(struct client *c)
{
	bool room = false;
	int r;

	ERR_clear_error();
	r = SSL_do_handshake(c->ssl);
	if (r == 1)
		c->state = STATE_OPEN;
	else
		must_wait(c, r, &room);
	watch(c, room);
}

/* ---- bytes --------------------------------------------------------------- */

static const uint8_t *
bytes_at(const struct client *c, uint64_t position)
{
	return pattern + (c->start + position) % PERIOD;
}

/* One message at most; true if it may go on. */
static bool
push(struct client *c, bool *room)
{
	uint64_t left = c->target - c->sent;
	size_t len = left < message_size(c) ? (size_t)left : message_size(c);
	ssize_t n;

	if (len == 0)
		return false;
	ERR_clear_error();
	n = c->ssl != NULL ? SSL_write(c->ssl, bytes_at(c, c->sent), (int)len) :
	    send(c->fd, bytes_at(c, c->sent), len, MSG_NOSIGNAL);
	if (n <= 0) {
		must_wait(c, (int)n, room);
		if (c->ssl == NULL)
			*room = true;
		return false;
	}
	c->sent += (uint64_t)n;
	return true;
}

static bool
pull(struct client *c, bool *room)
{
	static uint8_t buf[MESSAGE_MAX];
	ssize_t n;

	if (c->received == c->sent)
		return false;
	ERR_clear_error();
	n = c->ssl != NULL ? SSL_read(c->ssl, buf, sizeof buf) :
	    recv(c->fd, buf, sizeof buf, 0);
	if (n <= 0) {
		must_wait(c, (int)n, room);
		return false;
	}
	if ((uint64_t)n > c->sent - c->received ||
	    memcmp(buf, bytes_at(c, c->received), (size_t)n) != 0)
		die(EX_PROTOCOL, "what came back is not what was sent");
	c->received += (uint64_t)n;
	return true;
}

/* ---- operations ---------------------------------------------------------- */

static void
record(const struct client *c, uint64_t now)
{
	if (until == 0 || now > until)
		return;
	tally.done[c->kind]++;
	histogram_add(&tally.took[c->kind], now - c->begun);
}

/* What is to be sent next: at set-up and by turns one message, in bulk more. */
static void
aim(struct client *c)
{
	uint64_t now = now_ns();
	bool measuring = until != 0 && now < until;

	if (c->kind == KIND_BULK && c->settled) {
		if (measuring)
			c->target = c->received + (uint64_t)message_size(c) *
			    WINDOW_CHUNKS;
		return;
	}
	if (c->kind == KIND_SHAKER || c->received < c->target)
		return;
	if (c->busy && c->settled) {
		record(c, now);
	} else if (c->busy) {
		c->settled = true;
		settled++;
		settling--;
	}
	c->busy = !c->settled || (c->kind == KIND_PINGER && measuring);
	if (c->busy) {
		c->begun = now;
		c->target += message_size(c);
	}
}

static void
echo(struct client *c)
{
	uint64_t before = c->received;
	bool more = true, room = false;

	for (int i = 0; more && i < 4 * WINDOW_CHUNKS; i++) {
		aim(c);
		more = push(c, &room);
		more = pull(c, &room) || more;
	}
	/* What the library has is not in the socket any more. */
	while (c->ssl != NULL && SSL_has_pending(c->ssl) && pull(c, &room))
		continue;
	aim(c);
	if (c->kind == KIND_BULK && until != 0 && now_ns() <= until)
		tally.bytes += c->received - before;
	watch(c, room || c->sent < c->target);
}

static void
turn(struct client *c)
{
	if (c->state == STATE_CONNECTING)
		connected(c);
	if (c->state == STATE_SHAKING)
		shake(c);
	if (c->state != STATE_OPEN)
		return;
	if (c->kind != KIND_SHAKER) {
		echo(c);
		return;
	}
	if (c->target == 0)
		c->target = message_size(c);
	echo(c);
	if (c->received < c->target)
		return;
	record(c, now_ns());
	end(c);
	if (now_ns() < until)
		begin(c);
}

/* ---- the process's time -------------------------------------------------- */

static void
wait_for_news(int ms)
{
	struct epoll_event ev[256];
	int n = epoll_wait(set, ev, 256, ms);

	if (n == -1 && errno != EINTR)
		die(EX_OSERR, "epoll_wait: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		turn(ev[i].data.ptr);
}

static uint32_t
to_settle(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += clients[i].kind != KIND_SHAKER;
	return n;
}

static void
set_up(void)
{
	uint64_t limit = now_ns() + SETUP_NS;
	uint32_t all = to_settle();

	while (settled < all) {
		while (settling < AT_ONCE && started < count) {
			if (clients[started].kind != KIND_SHAKER) {
				begin(&clients[started]);
				settling++;
			}
			started++;
		}
		wait_for_news(1000);
		if (now_ns() > limit)
			die(EX_UNAVAILABLE, "of %u connections %u were served "
			    "within %u s", (unsigned)all, (unsigned)settled,
			    (unsigned)(SETUP_NS / 1000000000));
	}
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
measure(void)
{
	uint64_t from = now_ns(), cpu = cpu_ns(), now;

	until = from + (uint64_t)plan->seconds * 1000000000;
	for (uint32_t i = 0; i < count; i++) {
		if (clients[i].kind == KIND_SHAKER)
			begin(&clients[i]);
		else if (clients[i].kind != KIND_IDLE)
			turn(&clients[i]);
	}
	while ((now = now_ns()) < until)
		wait_for_news((int)((until - now) / 1000000 + 1));
	tally.ns = until - from;
	tally.cpu_ns = cpu_ns() - cpu;
}

/* A measured time in which nothing came back would be a figure, too. */
static void
drain(void)
{
	uint64_t limit = now_ns() + STALL_NS;

	for (uint32_t i = 0; i < count; i++) {
		struct client *c = &clients[i];

		if (c->kind == KIND_SHAKER)
			continue;
		while (c->received < c->sent) {
			wait_for_news(100);
			if (now_ns() > limit)
				die(EX_UNAVAILABLE, "what was sent has not "
				    "come back within %u s",
				    (unsigned)(STALL_NS / 1000000000));
		}
	}
}

static void
write_all(int fd, const void *p, size_t len)
{
	const char *at = p;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n <= 0)
			_exit(EX_SOFTWARE);	/* the first of us has gone */
		at += n;
		len -= (size_t)n;
	}
}

void
crew_main(const struct plan *p, uint32_t first, int ready, int go)
{
	char c;

	plan = p;
	make_pattern();
	make_tls();
	make_clients(first);
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set == -1)
		die(EX_OSERR, "epoll_create1: %s", strerror(errno));
	set_up();
	write_all(ready, "", 1);
	if (read(go, &c, 1) != 1)
		_exit(EX_SOFTWARE);
	measure();
	write_all(ready, "", 1);
	drain();
	write_all(ready, &tally, sizeof tally);
	while (read(go, &c, 1) > 0)
		continue;
	_exit(0);
}
