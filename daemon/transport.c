#include "transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The turn at hand.  One thread, one turn at a time: `input` is either the
 * scratch buffer just received into or the connection's own pile.
 */
static struct {
	struct transport	*t;
	const uint8_t		*input;
	size_t			 input_len;
	bool			 from_pile;
	size_t			 gathered;
} turn;

static uint8_t scratch[RECEIVE_MAX];
static uint8_t gather[GATHER_MAX];

/* A record of the largest size with all that TLS 1.2 or 1.3 puts around it. */
#define RECORD_ROOM (RECORD_MAX + 512)

bool
pile_keep(struct pile *p, const uint8_t *data, size_t len)
{
	if (len == 0)
		return true;
	p->data = malloc(len);
	if (p->data == NULL)
		return false;
	memcpy(p->data, data, len);
	p->off = 0;
	p->len = (uint32_t)len;
	return true;
}

void
pile_take(struct pile *p, size_t n)
{
	p->off += (uint32_t)n;
	p->len -= (uint32_t)n;
	if (p->len == 0)
		pile_clear(p);
}

void
pile_clear(struct pile *p)
{
	free(p->data);
	memset(p, 0, sizeof *p);
}

static ssize_t
on_read(struct tls *tls, void *buf, size_t len, void *arg)
{
	(void)tls, (void)arg;
	if (turn.input_len == 0) {
		turn.t->eof_told = turn.t->eof;
		return turn.t->eof ? 0 : TLS_WANT_POLLIN;
	}
	if (len > turn.input_len)
		len = turn.input_len;
	memcpy(buf, turn.input, len);
	turn.input += len;
	turn.input_len -= len;
	if (turn.from_pile)
		pile_take(&turn.t->in, len);
	return (ssize_t)len;
}

static ssize_t
on_write(struct tls *tls, const void *buf, size_t len, void *arg)
{
	(void)tls, (void)arg;
	if (len > sizeof gather - turn.gathered)
		len = sizeof gather - turn.gathered;
	if (len == 0)
		return TLS_WANT_POLLOUT;
	memcpy(gather + turn.gathered, buf, len);
	turn.gathered += len;
	return (ssize_t)len;
}

void
transport_begin_plain(struct transport *t, int sock)
{
	memset(t, 0, sizeof *t);
	t->sock = sock;
	t->readable = true;
}

bool
transport_accept(struct transport *t, struct tls *server)
{
	return tls_accept_cbs(server, &t->tls, on_read, on_write, NULL) == 0;
}

void
transport_begin(struct transport *t)
{
	turn.t = t;
	turn.gathered = 0;
	turn.from_pile = t->in.len > 0;
	turn.input = turn.from_pile ? t->in.data + t->in.off : NULL;
	turn.input_len = t->in.len;
}

bool
transport_receive(struct transport *t)
{
	ssize_t n;

	if (turn.input_len > 0)
		return true;
	if (t->eof || !t->readable)
		return t->eof;
	do
		n = recv(t->sock, scratch, sizeof scratch, MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN) {
		t->readable = false;
		return false;
	}
	if (n <= 0) {
		t->eof = true;
		t->broken = n == -1;
		return true;
	}
	/* Less than asked for: there is no more, or the next edge tells. */
	if ((size_t)n < sizeof scratch && !t->hup)
		t->readable = false;
	turn.from_pile = false;
	turn.input = scratch;
	turn.input_len = (size_t)n;
	return true;
}

bool
transport_receive_more(struct transport *t)
{
	t->readable = true;
	return transport_receive(t);
}

size_t
transport_pending(void)
{
	return turn.input_len;
}

bool
transport_room(void)
{
	return sizeof gather - turn.gathered >=
	    (size_t)PLAIN_MAX / RECORD_MAX * RECORD_ROOM;
}

bool
transport_starves(int error)
{
	return error == ENOBUFS || error == ENOMEM;
}

/* Bytes the socket took of these; -1 if it is gone. */
static ssize_t
push(struct transport *t, const uint8_t *p, size_t len)
{
	ssize_t n;

	do
		n = send(t->sock, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && transport_starves(errno)) {
		t->starved = true;
		return 0;
	}
	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n == -1)
		t->broken = true;
	return n;
}

bool
transport_gone(const struct transport *t)
{
	uint8_t byte;
	ssize_t n;

	/* Of a reset behind unread bytes only sending tells. */
	if (send(t->sock, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL) == -1 &&
	    (errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT))
		return true;
	n = recv(t->sock, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	return (n == 0 && t->in.len == 0) || (n == -1 && errno == ECONNRESET);
}

bool
transport_flush(struct transport *t)
{
	ssize_t n;

	if (t->out.len == 0)
		return true;
	n = push(t, t->out.data + t->out.off, t->out.len);
	if (n > 0)
		pile_take(&t->out, (size_t)n);
	return n >= 0;
}

/* What was gathered goes behind what is kept, so that nothing overtakes. */
static bool
append_gathered(struct transport *t)
{
	size_t old = t->out.len;
	uint8_t *p = malloc(old + turn.gathered);

	if (p == NULL)
		return false;
	memcpy(p, t->out.data + t->out.off, old);
	memcpy(p + old, gather, turn.gathered);
	free(t->out.data);
	t->out.data = p;
	t->out.off = 0;
	t->out.len = (uint32_t)(old + turn.gathered);
	return true;
}

static bool
send_gathered(struct transport *t)
{
	ssize_t n;

	if (turn.gathered == 0)
		return true;
	if (t->out.len > 0)
		return append_gathered(t);
	n = push(t, gather, turn.gathered);
	return n >= 0 &&
	    pile_keep(&t->out, gather + n, turn.gathered - (size_t)n);
}

bool
transport_end(struct transport *t)
{
	bool ok = send_gathered(t);

	if (!turn.from_pile && turn.input_len > 0)
		ok = pile_keep(&t->in, turn.input, turn.input_len) && ok;
	turn.t = NULL;
	turn.input_len = 0;
	turn.gathered = 0;
	return ok;
}

void
transport_free(struct transport *t)
{
	tls_free(t->tls);
	t->tls = NULL;
	pile_clear(&t->in);
	pile_clear(&t->out);
}
