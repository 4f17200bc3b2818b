/*
 * A TLS server that does what no decent one does, for one connection:
 *
 *	server_helper MODE CERT KEY [12]
 *
 * It picks a free port of 127.0.0.1 and says "port N" on standard output, then
 * what it saw of its client.  "12" is TLS 1.2 at most.  A client's certificate
 * is asked for, "client certificate" says that one came.
 */
#include <arpa/inet.h>
#include <err.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rekey.h"

#define CHUNK	16384
#define FLOOD	(1 << 20)
#define PUSH	(256 * 1024)

/* No test takes longer; nothing of it stays behind. */
#define LIFETIME_SECONDS 120

/* The byte that mode_corrupt changes; how much mode_some gives back. */
#define CORRUPT_AT	130
#define SOME		100

/* Messages that mode_three gives back. */
#define THREE		3

/* The first message of mode_whole. */
#define WHOLE		65536

/* A PROXY header (version 2) without what its length counts. */
#define PROXY_HEAD	16

struct client {
	int	  fd;
	SSL	 *ssl;
	char	**argv;
};

static int
accept_any(const struct sockaddr_in *sin, int sock)
{
	int fd;

	printf("port %u\n", (unsigned)ntohs(sin->sin_port));
	fd = accept(sock, NULL, NULL);
	if (fd == -1)
		err(1, "accept");
	close(sock);
	return fd;
}

static int
accept_one(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof sin;
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	if (sock == -1 || bind(sock, (struct sockaddr *)&sin, len) == -1 ||
	    listen(sock, 1) == -1 ||
	    getsockname(sock, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	return accept_any(&sin, sock);
}

static int
any_certificate(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	(void)ctx;
	return 1;
}

static SSL *
new_ssl(char **argv)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	if (ctx == NULL ||
	    SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, argv[3], SSL_FILETYPE_PEM) != 1)
		errx(1, "%s, %s: cannot be used", argv[2], argv[3]);
	if (argv[4] != NULL)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, any_certificate);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	return ssl;
}

/* False, and said, if the client does not complete it. */
static bool
handshake(struct client *c, char **argv)
{
	X509 *cert;

	c->ssl = new_ssl(argv);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_accept(c->ssl) != 1) {
		puts("no handshake");
		return false;
	}
	puts("handshake");
	if ((cert = SSL_get_peer_certificate(c->ssl)) != NULL)
		puts("client certificate");
	X509_free(cert);
	return true;
}

static void
send_all(struct client *c, const void *data, size_t len)
{
	if (SSL_write(c->ssl, data, (int)len) != (int)len)
		puts("not sent");
}

/* Read to the end, giving each piece back if `back`; say how it ended. */
static void
drain(struct client *c, bool back)
{
	static char buf[CHUNK];
	unsigned long long total = 0;
	int n;

	while ((n = SSL_read(c->ssl, buf, sizeof buf)) > 0) {
		total += (unsigned)n;
		if (back)
			send_all(c, buf, (size_t)n);
	}
	printf("received %llu\n", total);
	puts(SSL_get_error(c->ssl, n) == SSL_ERROR_ZERO_RETURN ?
	    "close_notify" : "cut");
}

/* The client has gone; until then nothing is read. */
static void
await_end(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	poll(&p, 1, -1);
}

/* ---- the modes ---- */

static void
mode_echo(struct client *c)
{
	drain(c, true);
	SSL_shutdown(c->ssl);
}

/* Says all only after it has heard all. */
static void
mode_late(struct client *c)
{
	drain(c, false);
	send_all(c, "late\n", 5);
	SSL_shutdown(c->ssl);
}

/* Sends much before it reads anything. */
static void
mode_flood(struct client *c)
{
	static char data[CHUNK];

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)('a' + i % 26);
	for (size_t sent = 0; sent < FLOOD; sent += sizeof data)
		send_all(c, data, sizeof data);
	drain(c, false);
	SSL_shutdown(c->ssl);
}

static void
mode_cut(struct client *c)
{
	(void)c;
}

static void
mode_cut_after(struct client *c)
{
	send_all(c, "partial\n", 8);
}

static void
mode_reset(struct client *c)
{
	struct linger hard = { 1, 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

/* Ends the session in good order, without a look at what comes. */
static void
mode_close(struct client *c)
{
	SSL_shutdown(c->ssl);
	drain(c, false);
}

static void
mode_count(struct client *c)
{
	drain(c, false);
}

static void
mode_idle(struct client *c)
{
	await_end(c);
}

/*
 * Sends more than a pipe and the client hold, but not than sockets do; first a
 * little, so that records do not fill the pipe evenly.
 */
static void
mode_push(struct client *c)
{
	static const char data[CHUNK];

	send_all(c, data, 100);
	for (int i = 0; i < PUSH / CHUNK; i++)
		send_all(c, data, sizeof data);
	drain(c, false);
	SSL_shutdown(c->ssl);
}

/* Rekeys and asks the client to, around what it sends. */
static void
mode_rekey(struct client *c)
{
	for (int i = 0; i < 20; i++) {
		if (!rekey(c->ssl)) {
			puts("cannot rekey");
			break;
		}
		send_all(c, "rekeyed\n", 8);
	}
	drain(c, false);
	SSL_shutdown(c->ssl);
}

/* One byte of it all is not what it was. */
static void
mode_corrupt(struct client *c)
{
	static char buf[CHUNK];
	int n, total = 0;

	while ((n = SSL_read(c->ssl, buf, sizeof buf)) > 0) {
		if (total <= CORRUPT_AT && CORRUPT_AT < total + n)
			buf[CORRUPT_AT - total] ^= 1;
		send_all(c, buf, (size_t)n);
		total += n;
	}
}

/* Gives back what came first, whatever comes. */
static void
mode_stale(struct client *c)
{
	static char first[CHUNK], buf[CHUNK];
	int n = SSL_read(c->ssl, first, sizeof first);

	while (n > 0) {
		send_all(c, first, (size_t)n);
		n = SSL_read(c->ssl, buf, sizeof buf);
	}
}

/* Gives back more than came. */
static void
mode_more(struct client *c)
{
	static char buf[CHUNK + 1];
	int n;

	while ((n = SSL_read(c->ssl, buf, CHUNK)) > 0)
		send_all(c, buf, (size_t)n < CHUNK ? (size_t)n + 1 : CHUNK);
}

static void
give_back_some(struct client *c)
{
	static char buf[CHUNK];
	int n, left = SOME;

	while (left > 0 && (n = SSL_read(c->ssl, buf, sizeof buf)) > 0) {
		if (n > left)
			n = left;
		send_all(c, buf, (size_t)n);
		left -= n;
	}
}

/* Gives back the beginning, and ends in good order. */
static void
mode_some(struct client *c)
{
	give_back_some(c);
	SSL_shutdown(c->ssl);
	drain(c, false);
}

/* The same, but the end is none that TLS knows. */
static void
mode_some_cut(struct client *c)
{
	give_back_some(c);
	shutdown(c->fd, SHUT_WR);
	drain(c, false);
}

/* Gives some messages back, and ends in good order. */
static void
mode_three(struct client *c)
{
	static char buf[CHUNK];
	int n;

	for (int i = 0; i < THREE; i++)
		if ((n = SSL_read(c->ssl, buf, sizeof buf)) > 0)
			send_all(c, buf, (size_t)n);
	SSL_shutdown(c->ssl);
	drain(c, false);
}

/* Reads nothing until it is told to go on (SIGCONT), then all. */
static void
mode_pause(struct client *c)
{
	raise(SIGSTOP);
	drain(c, false);
}

/* Gives nothing back before it has a whole message, of WHOLE bytes. */
static void
mode_whole(struct client *c)
{
	static char buf[WHOLE];
	int n;

	for (size_t have = 0; have < sizeof buf; have += (size_t)n)
		if ((n = SSL_read(c->ssl, buf + have,
		    (int)(sizeof buf - have))) <= 0)
			return;
	send_all(c, buf, sizeof buf);
	mode_echo(c);
}

/* Gives all back, and does not answer the client's end. */
static void
mode_stay(struct client *c)
{
	drain(c, true);
	await_end(c);
}

/* Speaks first, as a server of mail does. */
static void
mode_greet(struct client *c)
{
	send_all(c, "220 hello\r\n", 11);
	drain(c, false);
	SSL_shutdown(c->ssl);
}

/* ---- those without TLS ---- */

static void
read_whole(struct client *c, uint8_t *buf, size_t len)
{
	if (recv(c->fd, buf, len, MSG_WAITALL) != (ssize_t)len)
		errx(1, "no header");
}

/* Writes a PROXY header to the file "header"; then it is mode_echo. */
static void
raw_proxy(struct client *c)
{
	uint8_t header[PROXY_HEAD + 65536];
	FILE *file = fopen("header", "wb");
	size_t len;

	read_whole(c, header, PROXY_HEAD);
	len = (size_t)header[14] << 8 | header[15];
	read_whole(c, header + PROXY_HEAD, len);
	if (file == NULL || fwrite(header, PROXY_HEAD + len, 1, file) != 1 ||
	    fclose(file) != 0)
		err(1, "header");
	if (handshake(c, c->argv))
		mode_echo(c);
}

static void
raw_silent(struct client *c)
{
	await_end(c);
}

static void
raw_hang_up(struct client *c)
{
	char buf[4096];

	/* The ClientHello, unread, would make it a reset. */
	if (read(c->fd, buf, sizeof buf) <= 0)
		puts("nothing");
}

static void
raw_plain_text(struct client *c)
{
	static const char text[] = "220 mail.example ESMTP\r\n";

	if (write(c->fd, text, sizeof text - 1) == -1)
		warn("write");
	await_end(c);
}

/*
 * A ServerHello that chooses TLS 1.2, and in its random these last eight bytes
 * (RFC 8446, 4.1.3).  Says which alert the client answers with, or "no alert"
 * if it goes on: then the connection is simply ended.
 */
static void
server_hello(struct client *c, const char last[8])
{
	uint8_t hello[] = { 22, 3, 3, 0, 49,		/* handshake record */
	    2, 0, 0, 45, 3, 3,				/* ServerHello, 1.2 */
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	    20, 21, 22, 23, 24, 0, 0, 0, 0, 0, 0, 0, 0,	/* random */
	    0,						/* no session id */
	    0xc0, 0x2b, 0,	/* ECDHE-ECDSA-AES128-GCM-SHA256 */
	    0, 5, 0xff, 1, 0, 1, 0 };	/* secure renegotiation, as it must */
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	uint8_t buf[4096];

	memcpy(hello + 5 + 6 + 24, last, 8);
	if (read(c->fd, buf, sizeof buf) <= 0 ||
	    write(c->fd, hello, sizeof hello) != (ssize_t)sizeof hello)
		err(1, "hello");
	/*
	 * One that goes on waits for our certificate; give it a second to err.
	 */
	if (poll(&p, 1, 1000) == 1 && read(c->fd, buf, sizeof buf) >= 7 &&
	    buf[0] == 21)
		printf("alert %u\n", (unsigned)buf[6]);
	else
		puts("no alert");
}

static void
raw_sentinel12(struct client *c)
{
	server_hello(c, "DOWNGRD\001");
}

static void
raw_sentinel11(struct client *c)
{
	server_hello(c, "DOWNGRD\000");
}

static void
raw_no_sentinel(struct client *c)
{
	server_hello(c, "DOWNGRE\001");
}

static const struct {
	const char	*name;
	void		(*run)(struct client *);
	bool		 tls;
} modes[] = {
	{ "close", mode_close, true },
	{ "corrupt", mode_corrupt, true },
	{ "count", mode_count, true },
	{ "cut", mode_cut, true },
	{ "cut-after", mode_cut_after, true },
	{ "echo", mode_echo, true },
	{ "flood", mode_flood, true },
	{ "greet", mode_greet, true },
	{ "hang-up", raw_hang_up, false },
	{ "idle", mode_idle, true },
	{ "late", mode_late, true },
	{ "more", mode_more, true },
	{ "no-sentinel", raw_no_sentinel, false },
	{ "pause", mode_pause, true },
	{ "plain-text", raw_plain_text, false },
	{ "proxy", raw_proxy, false },
	{ "push", mode_push, true },
	{ "rekey", mode_rekey, true },
	{ "reset", mode_reset, true },
	{ "sentinel11", raw_sentinel11, false },
	{ "sentinel12", raw_sentinel12, false },
	{ "silent", raw_silent, false },
	{ "some", mode_some, true },
	{ "some-cut", mode_some_cut, true },
	{ "stale", mode_stale, true },
	{ "stay", mode_stay, true },
	{ "three", mode_three, true },
	{ "whole", mode_whole, true },
};

int
main(int argc, char **argv)
{
	struct client c = { .argv = argv };

	if (argc < 4)
		errx(64, "usage: server_helper mode cert key [12]");
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(LIFETIME_SECONDS);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		c.fd = accept_one();
		if (!modes[i].tls || handshake(&c, argv))
			modes[i].run(&c);
		close(c.fd);
		puts("done");
		return 0;
	}
	errx(64, "%s: no such mode", argv[1]);
}
