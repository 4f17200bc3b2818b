/*
 * A TLS client that does what ours would not, against 127.0.0.1:
 *
 *	peer_helper MODE PORT [NUMBER]
 *
 * It trusts ca.pem and shows client.pem (client.key), all three from the
 * current directory, and says on standard output what it saw.  NUMBER is how
 * many connections "many" and "deaf" make, and of "late" the minor version of
 * TLS.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../client/rekey.h"

#define CHUNK		16384
#define SMALL		1000
#define HALF		(192 * 1024)
#define UPDATES		7
#define ROUNDS		12
#define PEERS_MAX	1024

/* No test takes longer; nothing of it stays behind. */
#define LIFETIME_SECONDS 240

/* A connection that takes nothing for so long is full. */
#define FULL_MS 1000

struct peer {
	int		 fd;
	SSL		*ssl;
	uint64_t	 sent, seen;	/* states of what it says and hears */
};

static uint16_t port;

/* ---- connections --------------------------------------------------------- */

static int
dial(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof sin) == -1)
		err(1, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static SSL_CTX *
context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL ||
	    SSL_CTX_load_verify_locations(ctx, "ca.pem", NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(ctx, "client.pem") != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, "client.key",
	    SSL_FILETYPE_PEM) != 1)
		errx(1, "ca.pem, client.pem or client.key");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

static struct peer
meet(SSL_CTX *ctx)
{
	struct peer p = { .fd = dial(), .ssl = SSL_new(ctx) };

	if (p.ssl == NULL || SSL_set_fd(p.ssl, p.fd) != 1 ||
	    SSL_connect(p.ssl) != 1)
		errx(1, "handshake");
	return p;
}

static void
part(struct peer *p)
{
	SSL_free(p->ssl);
	close(p->fd);
}

static void
say(struct peer *p, const uint8_t *data, int len)
{
	if (SSL_write(p->ssl, data, len) != len)
		errx(1, "cannot send");
}

static void
hear(struct peer *p, uint8_t *data, int len)
{
	for (int have = 0, n; have < len; have += n)
		if ((n = SSL_read(p->ssl, data + have, len - have)) <= 0)
			errx(1, "ended after %d of %d bytes", have, len);
}

/* How the server ends the connection, once it has nothing more to say. */
static const char *
ending(struct peer *p)
{
	uint8_t byte;
	int n = SSL_read(p->ssl, &byte, 1);

	if (n > 0)
		return "data";
	return SSL_get_error(p->ssl, n) == SSL_ERROR_ZERO_RETURN ?
	    "close_notify" : "cut";
}

/* Wait, reading nothing from TLS, until TCP says that the server is gone. */
static void
wait_for_hangup(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	while (poll(&p, 1, -1) == -1)
		if (errno != EINTR)
			err(1, "poll");
}

/* ---- many at once -------------------------------------------------------- */

/* xorshift64*: each seed a stream of its own. */
static void
fill(uint64_t *state, uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*state ^= *state >> 12;
		*state ^= *state << 25;
		*state ^= *state >> 27;
		data[i] = (uint8_t)(*state * UINT64_C(2685821657736338717)
		    >> 56);
	}
}

static void
say_round(struct peer *peers, int n)
{
	uint8_t data[CHUNK];

	for (int i = 0; i < n; i++) {
		fill(&peers[i].sent, data, sizeof data);
		say(&peers[i], data, sizeof data);
	}
}

static void
hear_round(struct peer *peers, int n)
{
	uint8_t want[CHUNK], got[CHUNK];

	for (int i = n - 1; i >= 0; i--) {
		fill(&peers[i].seen, want, sizeof want);
		hear(&peers[i], got, sizeof got);
		if (memcmp(want, got, sizeof want) != 0)
			errx(1, "connection %d got another's bytes", i);
	}
}

/* All are connected before the first speaks; then each has its own stream. */
static void
many(int n)
{
	static struct peer peers[PEERS_MAX];
	SSL_CTX *ctx = context();

	for (int i = 0; i < n; i++) {
		peers[i] = meet(ctx);
		peers[i].sent = peers[i].seen = (uint64_t)i + 1;
	}
	for (int round = 0; round < ROUNDS; round++) {
		say_round(peers, n);
		hear_round(peers, n);
	}
	for (int i = 0; i < n; i++) {
		SSL_shutdown(peers[i].ssl);
		if (strcmp(ending(&peers[i]), "close_notify") != 0)
			errx(1, "connection %d was cut", i);
		part(&peers[i]);
	}
	printf("%d at once\n", n);
	SSL_CTX_free(ctx);
}

/* ---- those that do not read ---------------------------------------------- */

/* Send as much as is taken now. */
static void
push(struct peer *p)
{
	static const uint8_t data[CHUNK];
	int n;

	while ((n = SSL_write(p->ssl, data, sizeof data)) > 0)
		p->sent += (unsigned)n;
	if (SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_WRITE)
		errx(1, "ended after %llu bytes", (unsigned long long)p->sent);
}

/* Fill them all, side by side, until nobody takes any more. */
static void
fill_up(struct peer *peers, int n)
{
	static struct pollfd full[PEERS_MAX];

	for (int i = 0; i < n; i++) {
		fcntl(peers[i].fd, F_SETFL, O_NONBLOCK);
		full[i].fd = peers[i].fd;
		full[i].events = POLLOUT;
	}
	while (poll(full, (nfds_t)n, FULL_MS) > 0)
		for (int i = 0; i < n; i++)
			if (full[i].revents != 0)
				push(&peers[i]);
}

static void
deaf(int n)
{
	static struct peer peers[PEERS_MAX];
	SSL_CTX *ctx = context();

	for (int i = 0; i < n; i++)
		peers[i] = meet(ctx);
	fill_up(peers, n);
	for (int i = 0; i < n; i++)
		printf("full after %llu\n", (unsigned long long)peers[i].sent);
	printf("all full\n");
	for (int i = 0; i < n; i++) {
		wait_for_hangup(peers[i].fd);
		part(&peers[i]);
	}
	printf("all ended\n");
	SSL_CTX_free(ctx);
}

/* ---- one client, one way to end ------------------------------------------ */

/* Sends all, ends its side, and only then reads. */
static void
half(struct peer *p)
{
	static uint8_t want[HALF], got[HALF];
	uint64_t state = 1;

	fill(&state, want, sizeof want);
	for (int at = 0; at < HALF; at += CHUNK)
		say(p, want + at, CHUNK);
	SSL_shutdown(p->ssl);
	hear(p, got, sizeof got);
	printf("%s, then %s\n", memcmp(want, got, sizeof want) == 0 ?
	    "all came back" : "garbled", ending(p));
}

static void
to_and_fro(struct peer *p)
{
	uint8_t want[SMALL], got[SMALL];
	uint64_t state = 1;

	fill(&state, want, sizeof want);
	say(p, want, sizeof want);
	hear(p, got, sizeof got);
	if (memcmp(want, got, sizeof want) != 0)
		errx(1, "garbled");
}

/* TCP ends, TLS does not (RFC 8446, 6.1: a truncation). */
static void
truncate_(struct peer *p)
{
	to_and_fro(p);
	shutdown(p->fd, SHUT_WR);
	wait_for_hangup(p->fd);
	printf("the server ended it\n");
}

static void
reset(struct peer *p)
{
	struct linger at_once = { .l_onoff = 1 };

	to_and_fro(p);
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	printf("reset\n");
}

/* A record that is none, in the middle of a session. */
static void
garble(struct peer *p)
{
	static const char junk[] = "\x17\x03\x03\x00\x40" "this is not what "
	    "the keys would have made of it, whatever the bytes are......";

	to_and_fro(p);
	if (send(p->fd, junk, sizeof junk - 1, 0) == -1)
		err(1, "send");
	wait_for_hangup(p->fd);
	printf("the server ended it\n");
}

/* RFC 8446, 4.6.3: any number of key updates may come, also at once. */
#ifdef LIBRESSL_VERSION_NUMBER
static void
rekeys(struct peer *p)
{
	(void)p;
	printf("no key updates by this library\n");
	exit(0);
}
#else
static void
rekeys(struct peer *p)
{
	uint8_t got[SMALL] = { 0 };
	BIO *direct = SSL_get_wbio(p->ssl), *held = BIO_new(BIO_s_mem());
	char *bytes;
	long n;

	to_and_fro(p);
	BIO_up_ref(direct);
	SSL_set0_wbio(p->ssl, held);
	for (int i = 0; i < UPDATES; i++) {
		if (!rekey(p->ssl)) {
			printf("no key updates by this library\n");
			exit(0);
		}
		SSL_do_handshake(p->ssl);
	}
	SSL_write(p->ssl, got, sizeof got);
	n = BIO_get_mem_data(held, &bytes);
	if (send(p->fd, bytes, (size_t)n, 0) != n)
		err(1, "send");
	SSL_set0_wbio(p->ssl, direct);
	hear(p, got, sizeof got);
	printf("came back after %d key updates\n", UPDATES);
}
#endif

/*
 * Half a record and a reset, both there before the server looks: standard
 * input ends when it may (and when it has been stopped, before that).
 */
static void
half_reset(struct peer *p)
{
	struct linger at_once = { .l_onoff = 1 };
	char c;

	to_and_fro(p);
	printf("ready\n");
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
	if (send(p->fd, "\x17\x03\x03\x01\x00half", 9, 0) == -1)
		err(1, "send");
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(p->fd);
	printf("reset\n");
	exit(0);
}

static void
mute(struct peer *p)
{
	to_and_fro(p);
	printf("ended by %s\n", ending(p));
}

/* ---- one that keeps the end of its handshake ----------------------------- */

/*
 * Where the last of these records begins (RFC 8446, 5.1: type, version,
 * length).
 */
static size_t
last_record(const uint8_t *p, size_t len)
{
	size_t last = 0;

	for (size_t at = 0; at + 5 <= len;
	    at += 5 + ((size_t)p[at + 3] << 8 | p[at + 4]))
		last = at;
	return last;
}

static void
send_all(int fd, const uint8_t *data, size_t len)
{
	if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(1, "send");
}

/* Our first flight goes out, and all that is answered comes in. */
static void
shake_in_memory(struct peer *p, BIO *in, BIO *out)
{
	uint8_t data[CHUNK];
	ssize_t n;

	SSL_do_handshake(p->ssl);
	n = BIO_read(out, data, sizeof data);
	if (n <= 0)
		errx(1, "no hello");
	send_all(p->fd, data, (size_t)n);
	while (BIO_pending(out) == 0) {
		n = recv(p->fd, data, sizeof data, 0);
		if (n <= 0)
			errx(1, "ended within the handshake");
		BIO_write(in, data, (int)n);
		SSL_do_handshake(p->ssl);
	}
}

static void
let_go(struct peer *p, const uint8_t *rest, size_t len)
{
	uint8_t word[] = "hello", got[sizeof word];
	int n = 0;

	while (read(STDIN_FILENO, got, 1) > 0)
		continue;
	send_all(p->fd, rest, len);
	if (SSL_set_fd(p->ssl, p->fd) == 1 && SSL_do_handshake(p->ssl) == 1 &&
	    SSL_write(p->ssl, word, sizeof word) == (int)sizeof word)
		n = SSL_read(p->ssl, got, sizeof got);
	printf("%s\n", n > 0 ? "echoed" : "not echoed");
}

/* The record with Finished waits until standard input ends; TLS 1.`minor`. */
static void
late(int minor)
{
	int version = minor == 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL_CTX *ctx = context();
	struct peer p = { .fd = dial() };
	uint8_t flight[CHUNK];
	size_t last;
	int n;

	if (SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, version) != 1 ||
	    (p.ssl = SSL_new(ctx)) == NULL)
		errx(1, "TLS 1.%d", minor);
	SSL_set_bio(p.ssl, in, out);
	SSL_set_connect_state(p.ssl);
	shake_in_memory(&p, in, out);
	n = BIO_read(out, flight, sizeof flight);
	last = last_record(flight, n > 0 ? (size_t)n : 0);
	if (last == 0)
		errx(1, "a flight of one record");
	send_all(p.fd, flight, last);
	printf("held\n");
	let_go(&p, flight + last, (size_t)n - last);
	part(&p);
	SSL_CTX_free(ctx);
}

/* ---- without TLS --------------------------------------------------------- */

static void
silent(void)
{
	int fd = dial();

	wait_for_hangup(fd);
	printf("the server ended it\n");
	close(fd);
}

/* Standard input as it is, for what no TLS library would send. */
static void
raw(void)
{
	uint8_t data[CHUNK];
	int fd = dial();
	ssize_t n;

	while ((n = read(STDIN_FILENO, data, sizeof data)) > 0)
		if (send(fd, data, (size_t)n, MSG_NOSIGNAL) == -1)
			break;
	wait_for_hangup(fd);
	printf("the server ended it\n");
	close(fd);
}

/* -------------------------------------------------------------------------- */

static const struct {
	const char	*word;
	void		(*tls)(struct peer *);
	void		(*counted)(int);
	void		(*plain)(void);
} modes[] = {
	{ .word = "many", .counted = many },
	{ .word = "deaf", .counted = deaf },
	{ .word = "late", .counted = late },
	{ .word = "half", .tls = half },
	{ .word = "truncate", .tls = truncate_ },
	{ .word = "reset", .tls = reset },
	{ .word = "garble", .tls = garble },
	{ .word = "rekey", .tls = rekeys },
	{ .word = "half_reset", .tls = half_reset },
	{ .word = "mute", .tls = mute },
	{ .word = "silent", .plain = silent },
	{ .word = "raw", .plain = raw },
};

static void
run_tls(void (*mode)(struct peer *))
{
	SSL_CTX *ctx = context();
	struct peer p = meet(ctx);

	mode(&p);
	part(&p);
	SSL_CTX_free(ctx);
}

int
main(int argc, char **argv)
{
	int n = argc > 3 ? atoi(argv[3]) : 1;

	if (argc < 3 || n < 1 || n > PEERS_MAX)
		errx(64, "usage: peer_helper MODE PORT [NUMBER]");
	port = (uint16_t)atoi(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(LIFETIME_SECONDS);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (strcmp(argv[1], modes[i].word) != 0)
			continue;
		if (modes[i].tls != NULL)
			run_tls(modes[i].tls);
		else if (modes[i].counted != NULL)
			modes[i].counted(n);
		else
			modes[i].plain();
		return 0;
	}
	errx(64, "%s: no such mode", argv[1]);
}
