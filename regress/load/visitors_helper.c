/*
 * Clients of several kinds, and what became of each, counted exactly: whoever
 * was begun is waited for, and no time is left out.
 *
 *	visitors_helper [option...] ADDRESS PORT KIND...
 *
 *	-c N	so many at once (16)
 *	-n N	so many in all; or
 *	-t S	none is begun after S seconds, or after SIGTERM
 *	-r N	at most N are begun a second
 *	-i S	a line of figures each S seconds
 *	-w S	who hears nothing for so long is lost (60)
 *
 * A KIND is one argument, a name and words behind it, such as
 *
 *	"good weight=7 do=echo cert=client size=2000 from=127.0.1.1+50"
 *
 *	weight	how many of it there are beside others (1)
 *	do	echo	what is sent comes back, and all ends in order
 *		refused	TLS, and it is turned away without a byte of data
 *		alerted	the same, and an alert says so: no end by accident
 *		garbage	no TLS; it is turned away
 *		silent	says nothing until it is turned away
 *		local	a balancer's own check: a LOCAL header, and the end
 *	cert	NAME.pem and NAME.key; without it there is none to show
 *	size	a message has from 1 to so many bytes (64)
 *	pause	seconds between the first message and a second one (none); of
 *		"silent": after which it goes by itself
 *	from	its own address, and +N: N of them in turn
 *	for	a PROXY header of version 2 says that this is the client
 *
 * It trusts ca.pem.  Lines on standard output: "lost" for each that was, when
 * it was, and "so-far"; "kind" and "bytes" at the end.  A byte that differs
 * from what was sent ends it at once, with 76.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define KINDS_MAX	32
#define VISITS_MAX	10000		/* at once */
#define CHUNK		16384
#define PERIOD		65521		/* a prime: what is shifted is seen */

enum act { ACT_ECHO, ACT_REFUSED, ACT_ALERTED, ACT_GARBAGE, ACT_SILENT,
    ACT_LOCAL };

struct kind {
	const char	*name;
	enum act	 act;
	unsigned	 weight, size, pause_s, sources;
	uint32_t	 source;	/* 0: whichever the system takes */
	uint32_t	 client;	/* of the PROXY header; 0: no header */
	SSL_CTX		*tls;
	uint64_t	 begun, done, lost;
	unsigned	*took_us;	/* of those that are done */
	size_t		 took_room;
};

enum stage { STAGE_FREE, STAGE_CONNECT, STAGE_HANDSHAKE, STAGE_TALK,
    STAGE_PAUSE, STAGE_END, STAGE_TURNED_AWAY };

static const char *const stage_word[] = { "free", "connect", "handshake",
    "talk", "pause", "end", "turned-away" };

struct visit {
	enum stage	 stage;
	struct kind	*kind;
	int		 fd;
	SSL		*ssl;
	bool		 wants_room;
	struct sockaddr_in own;
	uint32_t	 start;		/* of its bytes in the pattern */
	uint64_t	 sent, received, target;
	bool		 second;	/* the message after the pause */
	int64_t		 begun, heard, resume;	/* us; the last 0: never */
};

static struct sockaddr_in server;
static struct kind	kinds[KINDS_MAX];
static unsigned		kind_count, weights;
static struct visit	visits[VISITS_MAX];
static unsigned		at_once = 16, rate, interval_s, patience_s = 60, busy;
static uint64_t		visits_max = UINT64_MAX, begun;
static int64_t		until = INT64_MAX;
static uint64_t		bytes_sent, bytes_received;
static uint8_t		pattern[PERIOD + CHUNK];
static int		set;		/* epoll */
static volatile sig_atomic_t enough;

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* As the log's times are, for whoever compares; a kill may be 0.2 ms away. */
static double
wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* xorshift64: the same visitors each time. */
static uint64_t
draw(void)
{
	static uint64_t x = UINT64_C(0x9e3779b97f4a7c15);

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x >> 16;
}

/* ---- what is asked for --------------------------------------------------- */

static unsigned
number(const char *s, unsigned min, unsigned max)
{
	char *rest;
	unsigned long n = strtoul(s, &rest, 10);

	if (*s == '\0' || *rest != '\0' || n < min || n > max)
		errx(EX_USAGE, "%s: want a number from %u to %u", s, min, max);
	return (unsigned)n;
}

static uint32_t
address(const char *s)
{
	struct in_addr a;

	if (inet_pton(AF_INET, s, &a) != 1)
		errx(EX_USAGE, "%s: no address", s);
	return ntohl(a.s_addr);
}

static enum act
act_named(const char *word)
{
	static const char *const words[] = { [ACT_ECHO] = "echo",
	    [ACT_REFUSED] = "refused", [ACT_ALERTED] = "alerted",
	    [ACT_GARBAGE] = "garbage", [ACT_SILENT] = "silent",
	    [ACT_LOCAL] = "local" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i], word) == 0)
			return (enum act)i;
	errx(EX_USAGE, "do=%s: what is that?", word);
}

/* A context for each kind: it has its certificate, and resumes nothing. */
static SSL_CTX *
context(const char *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char file[256];

	if (ctx == NULL ||
	    SSL_CTX_load_verify_locations(ctx, "ca.pem", NULL) != 1)
		errx(EX_NOINPUT, "ca.pem cannot be read");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if (cert == NULL)
		return ctx;
	snprintf(file, sizeof file, "%s.pem", cert);
	if (SSL_CTX_use_certificate_chain_file(ctx, file) != 1)
		errx(EX_NOINPUT, "%s cannot be read", file);
	snprintf(file, sizeof file, "%s.key", cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM) != 1)
		errx(EX_NOINPUT, "%s cannot be read", file);
	return ctx;
}

static void
set_source(struct kind *k, char *value)
{
	char *plus = strchr(value, '+');

	k->sources = 1;
	if (plus != NULL) {
		*plus = '\0';
		k->sources = number(plus + 1, 1, 65536);
	}
	k->source = address(value);
}

static void
parse_kind(char *text)
{
	struct kind *k = &kinds[kind_count++];
	const char *cert = NULL;
	char *word, *save = NULL;

	k->weight = 1;
	k->size = 64;
	k->name = strtok_r(text, " ", &save);
	if (k->name == NULL)
		errx(EX_USAGE, "a kind without a name");
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		char *value = strchr(word, '=');

		if (value == NULL)
			errx(EX_USAGE, "%s: want key=value", word);
		*value++ = '\0';
		if (strcmp(word, "weight") == 0)
			k->weight = number(value, 1, 100000);
		else if (strcmp(word, "do") == 0)
			k->act = act_named(value);
		else if (strcmp(word, "cert") == 0)
			cert = value;
		else if (strcmp(word, "size") == 0)
			k->size = number(value, 1, 1 << 30);
		else if (strcmp(word, "pause") == 0)
			k->pause_s = number(value, 1, 3600);
		else if (strcmp(word, "from") == 0)
			set_source(k, value);
		else if (strcmp(word, "for") == 0)
			k->client = address(value);
		else
			errx(EX_USAGE, "%s: no such key", word);
	}
	weights += k->weight;
	k->tls = context(cert);
}

static void
parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:i:n:r:t:w:")) != -1) {
		if (c == 'c')
			at_once = number(optarg, 1, VISITS_MAX);
		else if (c == 'i')
			interval_s = number(optarg, 1, 3600);
		else if (c == 'n')
			visits_max = number(optarg, 1, UINT32_MAX);
		else if (c == 'r')
			rate = number(optarg, 1, 1000000);
		else if (c == 't')
			until = now_us() + (int64_t)number(optarg, 1, 100000) *
			    1000000;
		else if (c == 'w')
			patience_s = number(optarg, 1, 3600);
		else
			exit(EX_USAGE);
	}
	argc -= optind;
	argv += optind;
	if (argc < 3 || argc - 2 > KINDS_MAX)
		errx(EX_USAGE, "usage: visitors_helper [option...] ADDRESS "
		    "PORT KIND...");
	server.sin_family = AF_INET;
	server.sin_addr.s_addr = htonl(address(argv[0]));
	server.sin_port = htons((uint16_t)number(argv[1], 1, 65535));
	for (int i = 2; i < argc; i++)
		parse_kind(argv[i]);
}

/* ---- how a visit ends ---------------------------------------------------- */

static void
leave(struct visit *v)
{
	SSL_free(v->ssl);
	v->ssl = NULL;
	close(v->fd);
	v->stage = STAGE_FREE;
	busy--;
}

static void
done(struct visit *v)
{
	struct kind *k = v->kind;

	if (k->done == k->took_room) {
		k->took_room = k->took_room * 2 + 1024;
		k->took_us = realloc(k->took_us,
		    k->took_room * sizeof k->took_us[0]);
		if (k->took_us == NULL)
			errx(EX_OSERR, "out of memory");
	}
	k->took_us[k->done++] = (unsigned)(now_us() - v->begun);
	leave(v);
}

static void
lost(struct visit *v, const char *why)
{
	char own[INET_ADDRSTRLEN];

	v->kind->lost++;
	inet_ntop(AF_INET, &v->own.sin_addr, own, sizeof own);
	printf("lost %s:%u %s %s at=%.6f after=%.3f sent=%" PRIu64
	    " received=%" PRIu64 " %s\n", own, ntohs(v->own.sin_port),
	    v->kind->name, stage_word[v->stage], wall_clock(),
	    (double)(now_us() - v->begun) / 1e6, v->sent, v->received, why);
	leave(v);
}

/* ---- how it begins ------------------------------------------------------- */

static void
watch(struct visit *v, bool room)
{
	struct epoll_event ev = { .events = EPOLLIN | (room ? EPOLLOUT : 0),
	    .data.ptr = v };

	if (room != v->wants_room &&
	    epoll_ctl(set, EPOLL_CTL_MOD, v->fd, &ev) == -1)
		err(EX_OSERR, "epoll_ctl");
	v->wants_room = room;
}

static struct kind *
draw_kind(void)
{
	unsigned at = (unsigned)(draw() % weights), i = 0;

	while (at >= kinds[i].weight)
		at -= kinds[i++].weight;
	return &kinds[i];
}

/* Its own address; which port is decided when it connects, by both ends. */
static void
take_address(struct visit *v)
{
	struct kind *k = v->kind;
	struct sockaddr_in from = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(k->source +
	    (uint32_t)(k->begun % (k->sources + !k->sources))) };
	int on = 1;

	setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(v->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (k->source != 0 &&
	    bind(v->fd, (struct sockaddr *)&from, sizeof from) == -1)
		err(EX_OSERR, "bind");
}

static void
begin(struct visit *v)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = v };
	socklen_t len = sizeof v->own;

	memset(v, 0, sizeof *v);
	v->kind = draw_kind();
	v->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (v->fd == -1)
		err(EX_OSERR, "socket");
	take_address(v);
	v->kind->begun++;
	begun++;
	busy++;
	v->stage = STAGE_CONNECT;
	v->wants_room = true;
	v->start = (uint32_t)(draw() % PERIOD);
	v->begun = v->heard = now_us();
	if (connect(v->fd, (struct sockaddr *)&server, sizeof server) == -1 &&
	    errno != EINPROGRESS) {
		lost(v, strerror(errno));
		return;
	}
	getsockname(v->fd, (struct sockaddr *)&v->own, &len);
	if (epoll_ctl(set, EPOLL_CTL_ADD, v->fd, &ev) == -1)
		err(EX_OSERR, "epoll_ctl");
}

/* The PROXY protocol, version 2: what the balancer would say. */
static void
send_header(const struct visit *v, bool local)
{
	uint8_t h[28] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
	uint32_t client = htonl(v->kind->client);
	size_t len = local ? 16 : sizeof h;

	memcpy(h + 16, &client, 4);
	memcpy(h + 20, &server.sin_addr, 4);
	memcpy(h + 24, &v->own.sin_port, 2);
	memcpy(h + 26, &server.sin_port, 2);
	if (local)
		memcpy(h + 12, "\x20\0\0", 4);
	if (send(v->fd, h, len, MSG_NOSIGNAL) != (ssize_t)len)
		warn("the header was not taken");
}

static void
connected(struct visit *v)
{
	static const char garbage[] = "GET / HTTP/1.0\r\n\r\n";
	socklen_t len = sizeof errno;
	int e = 0;

	if (getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1 || e != 0) {
		lost(v, strerror(e));
		return;
	}
	if (v->kind->client != 0 || v->kind->act == ACT_LOCAL)
		send_header(v, v->kind->act == ACT_LOCAL);
	v->stage = STAGE_HANDSHAKE;
	if (v->kind->act >= ACT_GARBAGE) {
		if (v->kind->act == ACT_GARBAGE)
			send(v->fd, garbage, sizeof garbage - 1, MSG_NOSIGNAL);
		if (v->kind->act == ACT_LOCAL)
			shutdown(v->fd, SHUT_WR);
		if (v->kind->act == ACT_SILENT && v->kind->pause_s != 0)
			v->resume = now_us() +
			    (int64_t)v->kind->pause_s * 1000000;
		v->stage = STAGE_TURNED_AWAY;
		watch(v, false);
		return;
	}
	v->ssl = SSL_new(v->kind->tls);
	if (v->ssl == NULL || SSL_set_fd(v->ssl, v->fd) != 1)
		errx(EX_SOFTWARE, "out of memory");
	SSL_set_connect_state(v->ssl);
}

/* ---- what it does -------------------------------------------------------- */

enum step { STEP_ON, STEP_WAIT, STEP_OVER };

static const char *
ssl_words(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	return s != NULL ? s : "unknown";
}

static bool
is_refused(const struct visit *v)
{
	return v->kind->act == ACT_REFUSED || v->kind->act == ACT_ALERTED;
}

/* Is it what a refusal looks like, and no connection that broke off? */
static bool
as_refused(const struct visit *v, int error)
{
	return v->kind->act == ACT_REFUSED || (error == SSL_ERROR_SSL &&
	    ERR_GET_REASON(ERR_peek_last_error()) > SSL_AD_REASON_OFFSET);
}

/* After a call that did not do: must it wait, or has this visit ended? */
static enum step
stopped_by(struct visit *v, int r, bool *room)
{
	int e = SSL_get_error(v->ssl, r);

	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		*room = *room || e == SSL_ERROR_WANT_WRITE;
		return STEP_WAIT;
	}
	if ((is_refused(v) && as_refused(v, e)) ||
	    (e == SSL_ERROR_ZERO_RETURN && v->stage == STAGE_END &&
	    v->received == v->sent))
		done(v);
	else if (e == SSL_ERROR_ZERO_RETURN)
		lost(v, "close_notify");
	else if (e == SSL_ERROR_SYSCALL)
		lost(v, errno != 0 ? strerror(errno) : "ended");
	else
		lost(v, ssl_words());
	return STEP_OVER;
}

static void
aim(struct visit *v)
{
	v->target += 1 + draw() % v->kind->size;
	v->stage = STAGE_TALK;
}

static enum step
shake(struct visit *v, bool *room)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(v->ssl);
	if (r != 1)
		return stopped_by(v, r, room);
	if (is_refused(v))
		v->stage = STAGE_TURNED_AWAY;
	else
		aim(v);
	return STEP_ON;
}

static enum step
push(struct visit *v, bool *room)
{
	uint64_t left = v->target - v->sent;
	int r;

	if (left == 0)
		return STEP_WAIT;
	ERR_clear_error();
	errno = 0;
	r = SSL_write(v->ssl, pattern + (v->start + v->sent) % PERIOD,
	    left < CHUNK ? (int)left : CHUNK);
	if (r <= 0)
		return stopped_by(v, r, room);
	v->sent += (uint64_t)r;
	bytes_sent += (uint64_t)r;
	return STEP_ON;
}

static enum step
pull(struct visit *v, bool *room)
{
	static uint8_t got[CHUNK];
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_read(v->ssl, got, sizeof got);
	if (r <= 0)
		return stopped_by(v, r, room);
	if (is_refused(v))
		errx(EX_PROTOCOL, "%s: was let in", v->kind->name);
	if ((uint64_t)r > v->sent - v->received ||
	    memcmp(got, pattern + (v->start + v->received) % PERIOD,
	    (size_t)r) != 0)
		errx(EX_PROTOCOL, "%s: what came back is not what was sent",
		    v->kind->name);
	v->received += (uint64_t)r;
	bytes_received += (uint64_t)r;
	return STEP_ON;
}

/* All is back: the next message, now or later, or the end. */
static void
message_back(struct visit *v)
{
	if (v->kind->pause_s != 0 && !v->second && !enough) {
		v->second = true;
		v->resume = now_us() + (int64_t)v->kind->pause_s * 1000000;
		v->stage = STAGE_PAUSE;
		return;
	}
	SSL_shutdown(v->ssl);
	v->stage = STAGE_END;
}

static void
talk(struct visit *v)
{
	enum step out = STEP_ON, in = STEP_ON;
	bool room = false;

	while (out == STEP_ON || in == STEP_ON) {
		out = v->stage == STAGE_TALK ? push(v, &room) : STEP_WAIT;
		if (out == STEP_OVER)
			return;
		in = pull(v, &room);
		if (in == STEP_OVER)
			return;
		if (v->stage == STAGE_TALK && v->received == v->target)
			message_back(v);
	}
	watch(v, room);
}

/* Without TLS: it has only to end. */
static void
hear_end(struct visit *v)
{
	char byte;
	ssize_t n = recv(v->fd, &byte, 1, 0);

	if (n == 0 || (n == -1 && errno == ECONNRESET))
		done(v);
	else if (n == -1 && errno != EAGAIN)
		lost(v, strerror(errno));
}

static void
turn(struct visit *v)
{
	bool room = false;

	v->heard = now_us();
	if (v->stage == STAGE_CONNECT)
		connected(v);
	if (v->stage == STAGE_FREE)
		return;
	if (v->ssl == NULL) {
		hear_end(v);
		return;
	}
	if (v->stage == STAGE_HANDSHAKE && shake(v, &room) != STEP_ON) {
		if (v->stage != STAGE_FREE)
			watch(v, room);
		return;
	}
	talk(v);
}

/* Its pause is over. */
static void
resume(struct visit *v)
{
	v->resume = 0;
	if (v->kind->act == ACT_SILENT) {
		done(v);
		return;
	}
	aim(v);
	v->heard = now_us();
	talk(v);
}

/* ---- all of them --------------------------------------------------------- */

static void
look_at_clock(void)
{
	int64_t now = now_us();

	for (unsigned i = 0; i < at_once; i++) {
		struct visit *v = &visits[i];

		if (v->stage == STAGE_FREE)
			continue;
		if (v->resume != 0) {
			if (now >= v->resume || enough)
				resume(v);
		} else if (now - v->heard > (int64_t)patience_s * 1000000) {
			lost(v, "nothing heard");
		}
	}
}

static bool
may_begin(int64_t first)
{
	int64_t now = now_us();

	if (now >= until)
		enough = 1;
	return !enough && begun < visits_max && busy < at_once &&
	    (rate == 0 || (double)begun <= (double)(now - first) / 1e6 * rate);
}

static void
begin_some(int64_t first)
{
	unsigned at = 0;

	while (may_begin(first)) {
		while (visits[at].stage != STAGE_FREE)
			at++;
		begin(&visits[at]);
	}
}

static int
by_size(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static double
quantile_ms(const struct kind *k, unsigned percent)
{
	uint64_t at;

	if (k->done == 0)
		return 0;
	at = (k->done - 1) * percent / 100;
	return k->took_us[at] / 1e3;
}

static void
tell(void)
{
	for (unsigned i = 0; i < kind_count; i++) {
		struct kind *k = &kinds[i];

		if (k->done > 0)
			qsort(k->took_us, k->done, sizeof k->took_us[0],
			    by_size);
		printf("kind %s begun=%" PRIu64 " done=%" PRIu64 " lost=%"
		    PRIu64 " p50=%.1fms p99=%.1fms max=%.1fms\n", k->name,
		    k->begun, k->done, k->lost, quantile_ms(k, 50),
		    quantile_ms(k, 99), quantile_ms(k, 100));
	}
	printf("bytes sent=%" PRIu64 " received=%" PRIu64 "\n", bytes_sent,
	    bytes_received);
}

static void
tell_so_far(void)
{
	uint64_t n = 0, gone = 0;

	for (unsigned i = 0; i < kind_count; i++) {
		n += kinds[i].done;
		gone += kinds[i].lost;
	}
	printf("so-far begun=%" PRIu64 " done=%" PRIu64 " lost=%" PRIu64
	    " now=%u bytes=%" PRIu64 "\n", begun, n, gone, busy,
	    bytes_received);
}

static void
run(void)
{
	int64_t first = now_us(), told = first;

	while (busy > 0 || (!enough && begun < visits_max)) {
		struct epoll_event ev[256];
		int n;

		begin_some(first);
		n = epoll_wait(set, ev, 256, 10);
		for (int i = 0; i < n; i++)
			turn(ev[i].data.ptr);
		look_at_clock();
		if (interval_s != 0 &&
		    now_us() - told >= (int64_t)interval_s * 1000000) {
			told += (int64_t)interval_s * 1000000;
			tell_so_far();
		}
	}
}

static void
on_term(int sig)
{
	(void)sig;
	enough = 1;
}

static void
prepare(void)
{
	struct rlimit r = { .rlim_cur = VISITS_MAX + 64,
	    .rlim_max = VISITS_MAX + 64 };
	struct sigaction sa = { .sa_handler = on_term };

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &sa, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (at_once > 512 && setrlimit(RLIMIT_NOFILE, &r) == -1)
		err(EX_OSERR, "descriptors");
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = i < PERIOD ? (uint8_t)draw() : pattern[i - PERIOD];
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set == -1)
		err(EX_OSERR, "epoll_create1");
}

int
main(int argc, char **argv)
{
	parse(argc, argv);
	prepare();
	run();
	tell();
	return 0;
}
