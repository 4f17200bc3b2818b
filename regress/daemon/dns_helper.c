/*
 * A DNS server that cannot be trusted: it passes questions (UDP only) on to a
 * real one, but what is asked about some names it answers by itself, badly.
 *
 *	dns_helper [-t] address:port real-address:port
 *
 * With -t it also has TCP, where the answer to anything is 64 KiB of aliases
 * whose names are as long as will go; "huge" or 127.213.x.y sends one there.
 *
 * Each question's name and type is printed, a line each.  A name that holds
 * one of these words, or a reverse name with one of these numbers as the
 * address's second byte (127.201.x.y), gets the treatment of `treatments'.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "addr.h"

#define HEADER	12
#define FLOOD	64
#define CLIENTS	64		/* of TCP, at once */
#define LABELS	256		/* of the long name, each of 63 bytes */

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

/* Truncated, it says; and there is no TCP here, but for -t. */
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
	{ "huge", truncated }, { ".213.127.", truncated },
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

/* ---- TCP ----------------------------------------------------------------- */

static uint8_t	huge[2 + 65535];	/* with its length */
static size_t	huge_len;

static void
put_huge(const void *bytes, size_t len)
{
	memcpy(huge + huge_len, bytes, len);
	huge_len += len;
}

/* A record's head: of the name at offset `owner`, with `size` bytes of data. */
static void
put_head(size_t owner, uint8_t type, size_t size)
{
	const uint8_t head[] = { (uint8_t)(0xc0 | owner >> 8), (uint8_t)owner,
	    0, type, 0, 1, 0, 0, 0, 60, (uint8_t)(size >> 8), (uint8_t)size };

	put_huge(head, sizeof head);
}

/*
 * The question, a TXT record that is one name of LABELS labels, and aliases of
 * that name as many as there is room for.
 */
static void
make_huge(const uint8_t *question, size_t len)
{
	const uint8_t label[64] = { 63 }, root = 0;
	unsigned int records = 1;
	size_t name;

	huge_len = 2;
	put_huge(question, len);
	put_head(HEADER, 16, LABELS * sizeof label + 1);
	name = huge_len - 2;
	for (int i = 0; i < LABELS; i++)
		put_huge(label, sizeof label);
	put_huge(&root, 1);
	for (; sizeof huge - huge_len > 12; records++) {
		put_head(name, 5, 1);
		put_huge(&root, 1);
	}
	huge[0] = (uint8_t)((huge_len - 2) >> 8);
	huge[1] = (uint8_t)(huge_len - 2);
	huge[2 + 2] |= 0x80;
	huge[2 + 3] = 0x80;
	huge[2 + 6] = (uint8_t)(records >> 8);
	huge[2 + 7] = (uint8_t)records;
}

/* A question comes at once or not at all; false at its end. */
static bool
serve_tcp(int fd)
{
	uint8_t q[2 + 512];
	size_t len;

	if (recv(fd, q, 2, MSG_WAITALL) != 2)
		return false;
	len = (size_t)q[0] << 8 | q[1];
	if (len < HEADER || len > sizeof q - 2 ||
	    recv(fd, q + 2, len, MSG_WAITALL) != (ssize_t)len)
		return false;
	make_huge(q + 2, len);
	return send(fd, huge, huge_len, MSG_NOSIGNAL) == (ssize_t)huge_len;
}

/* ---- the two ------------------------------------------------------------- */

static int
open_socket(const char *s, int type,
    int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	if (!addr_parse(s, &ss, &len))
		errx(EX_USAGE, "%s: not an address and port", s);
	fd = socket(ss.ss_family, type, 0);
	if (fd == -1 || use(fd, (struct sockaddr *)&ss, len) == -1)
		err(EX_OSERR, "%s", s);
	return fd;
}

static void
take_datagram(int real)
{
	static struct packet p;
	ssize_t n;

	p.from_len = sizeof p.from;
	/* room is left for what is put behind a question */
	n = recvfrom(own, p.data, sizeof p.data - 256, 0,
	    (struct sockaddr *)&p.from, &p.from_len);
	p.len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		serve(real, &p);
}

static int
take_client(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd == -1)
		err(EX_OSERR, "accept");
	return fd;
}

int
main(int argc, char **argv)
{
	/* UDP, who listens (-1: nobody), its clients */
	static struct pollfd p[2 + CLIENTS];
	bool tcp = argc == 4 && strcmp(argv[1], "-t") == 0;
	int real;

	argv += tcp;
	if (argc != 3 + tcp)
		return EX_USAGE;
	for (int i = 0; i < 2 + CLIENTS; i++)
		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (tcp)
		p[1].fd = open_socket(argv[1], SOCK_STREAM, bind);
	if (tcp && listen(p[1].fd, CLIENTS) == -1)
		err(EX_OSERR, "listen");
	own = p[0].fd = open_socket(argv[1], SOCK_DGRAM, bind);
	real = open_socket(argv[2], SOCK_DGRAM, connect);
	while (poll(p, 2 + CLIENTS, -1) > 0) {
		if (p[0].revents != 0)
			take_datagram(real);
		for (int i = 2; i < 2 + CLIENTS; i++) {
			if (p[i].fd == -1 && p[1].revents != 0) {
				p[i].fd = take_client(p[1].fd);
				p[1].revents = 0;
			} else if (p[i].revents != 0 && !serve_tcp(p[i].fd)) {
				close(p[i].fd);
				p[i].fd = -1;
			}
		}
	}
	err(EX_OSERR, "poll");
}
