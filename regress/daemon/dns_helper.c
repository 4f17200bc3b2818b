/*
 * A DNS server that cannot be trusted: it passes questions (UDP only) on to a
 * real one, but what is asked about some names it answers by itself, badly.
 *
 *	dns_helper address:port real-address:port
 *
 * Each question's name and type is printed, a line each.  A name that holds
 * one of these words, or a reverse name with one of these numbers as the
 * address's second byte (127.201.x.y), gets the treatment of `treatments'.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "addr.h"

#define HEADER	12
#define FLOOD	64

struct packet {
	uint8_t			data[4096];
	size_t			len;
	struct sockaddr_storage	from;
	socklen_t		from_len;
};

static int own;

static void
reply(const struct packet *p)
{
	sendto(own, p->data, p->len, 0, (const struct sockaddr *)&p->from,
	    p->from_len);
}

/* The question becomes an answer with this code and count of records. */
static void
begin(struct packet *p, uint8_t rcode, uint8_t records)
{
	p->data[2] |= 0x80;
	p->data[3] = (uint8_t)(0x80 | rcode);
	p->data[7] = records;
}

static void
put(struct packet *p, const void *bytes, size_t len)
{
	memcpy(p->data + p->len, bytes, len);
	p->len += len;
}

/* A PTR record of the question's name, with this as its data. */
static void
put_ptr(struct packet *p, const void *name, uint8_t len)
{
	const uint8_t fixed[] = { 0xc0, HEADER, 0, 12, 0, 1, 0, 0, 0, 60, 0,
	    len };

	put(p, fixed, sizeof fixed);
	put(p, name, len);
}

static const uint8_t good[] = "\4good\4test";
static const uint8_t with_nul[] = "\4good\4test\1\0\4evil";

static void
silent(struct packet *p)
{
	p->len = 0;
}

static void
servfail(struct packet *p)
{
	begin(p, 2, 0);
	reply(p);
}

static void
formerr(struct packet *p)
{
	begin(p, 1, 0);
	reply(p);
}

static void
other_id(struct packet *p)
{
	begin(p, 0, 1);
	put_ptr(p, good, sizeof good);
	p->data[0] ^= 1;
	reply(p);
}

static void
other_question(struct packet *p)
{
	begin(p, 0, 1);
	put_ptr(p, good, sizeof good);
	p->data[HEADER + 1] ^= 1;
	reply(p);
}

/* A name that is a pointer to itself. */
static void
loop(struct packet *p)
{
	const uint8_t itself[] = { 0xc0, (uint8_t)(p->len + 12) };

	begin(p, 0, 1);
	put_ptr(p, itself, sizeof itself);
	reply(p);
}

/* Records that are promised and not there. */
static void
missing(struct packet *p)
{
	begin(p, 0, 200);
	reply(p);
}

/* A record that ends beyond the message. */
static void
beyond(struct packet *p)
{
	begin(p, 0, 1);
	put_ptr(p, good, sizeof good);
	p->len -= 4;
	reply(p);
}

/* A label of one NUL: where C ends, "good.test" has been read. */
static void
nul(struct packet *p)
{
	begin(p, 0, 1);
	put_ptr(p, with_nul, sizeof with_nul);
	reply(p);
}

static void
empty(struct packet *p)
{
	p->len = 0;
	reply(p);
}

/* Truncated, it says; and there is no TCP here. */
static void
truncated(struct packet *p)
{
	begin(p, 0, 0);
	p->data[2] |= 2;
	reply(p);
}

/* All ids but the right one: what somebody who cannot see questions sends. */
static void
flood(struct packet *p)
{
	uint8_t id = p->data[1];

	begin(p, 0, 1);
	put_ptr(p, good, sizeof good);
	for (int i = 1; i < FLOOD; i++) {
		p->data[1] = (uint8_t)(id + i);
		reply(p);
	}
}

static const struct {
	const char	*word;
	void		(*treat)(struct packet *);
} treatments[] = {
	{ "silent", silent }, { ".201.127.", silent },
	{ "servfail", servfail }, { ".202.127.", servfail },
	{ ".203.127.", other_id },
	{ ".204.127.", other_question },
	{ ".205.127.", loop },
	{ ".206.127.", missing },
	{ ".207.127.", beyond },
	{ ".208.127.", nul },
	{ ".209.127.", empty },
	{ ".210.127.", truncated },
	{ ".211.127.", flood },
	{ ".212.127.", formerr },
};

/* The question's name with dots; false if it is none. */
static bool
question_name(const struct packet *p, char *dst, size_t size)
{
	size_t at = HEADER, n = 0;

	while (at < p->len && p->data[at] != 0) {
		size_t len = p->data[at++];

		if (len > 63 || at + len >= p->len || n + len + 2 > size)
			return false;
		memcpy(dst + n, p->data + at, len);
		n += len;
		dst[n++] = '.';
		at += len;
	}
	dst[n] = '\0';
	return n > 0 && at + 4 < p->len;
}

/* Ask the real server, which is near and answers at once. */
static void
pass_on(int real, struct packet *p)
{
	struct pollfd wait = { .fd = real, .events = POLLIN };

	if (send(real, p->data, p->len, 0) == -1 || poll(&wait, 1, 2000) != 1)
		return;
	p->len = (size_t)recv(real, p->data, sizeof p->data, 0);
	if (p->len <= sizeof p->data)
		reply(p);
}

static void
serve(int real, struct packet *p)
{
	char name[256];

	if (!question_name(p, name, sizeof name))
		return;
	printf("%s %d\n", name, p->data[HEADER + strlen(name) + 2]);
	fflush(stdout);
	for (size_t i = 0; i < sizeof treatments / sizeof treatments[0]; i++) {
		if (strstr(name, treatments[i].word) != NULL) {
			treatments[i].treat(p);
			return;
		}
	}
	pass_on(real, p);
}

static int
open_socket(const char *s, int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	if (!addr_parse(s, &ss, &len))
		errx(EX_USAGE, "%s: not an address and port", s);
	fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	if (fd == -1 || use(fd, (struct sockaddr *)&ss, len) == -1)
		err(EX_OSERR, "%s", s);
	return fd;
}

int
main(int argc, char **argv)
{
	static struct packet p;
	int real;

	if (argc != 3)
		return EX_USAGE;
	own = open_socket(argv[1], bind);
	real = open_socket(argv[2], connect);
	for (;;) {
		ssize_t n;

		p.from_len = sizeof p.from;
		/* room is left for what is put behind a question */
		n = recvfrom(own, p.data, sizeof p.data - 256, 0,
		    (struct sockaddr *)&p.from, &p.from_len);
		p.len = n > 0 ? (size_t)n : 0;
		if (n > 0)
			serve(real, &p);
	}
}
