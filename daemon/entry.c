/*
 * How a connection is let in: the balancer's header, the handshake, in which
 * its certificate is judged, where it comes from, and a worker.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "dial.h"
#include "hostcheck.h"
#include "introduce.h"
#include "log.h"
#include "lookup.h"
#include "proxy.h"

/* ---- a worker ------------------------------------------------------------ */

static void
on_worker(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	c->worker_readable = true;
	if (what & EV_CLOSED)
		c->worker_hup = true;
	conn_queue(c);
}

static void
on_room(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	conn_queue(arg);
}

/* With this worker, whose descriptor is the connection's from here on. */
static void
begin_session(struct conn *c, int fd, pid_t pid)
{
	conn_take_worker(c, fd, pid);
	event_assign(&c->on_worker, service.base, c->worker,
	    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_worker, c);
	event_assign(&c->on_room, service.base, c->worker, EV_WRITE | EV_ET,
	    on_room, c);
	if (event_add(&c->on_worker, NULL) == -1 ||
	    (service.config->relay_proxy && !introduce(c))) {
		conn_log_refused(c, REASON_INTERNAL, "out of memory");
		conn_enter(c, STATE_GONE);
		return;
	}
	c->last = service_now();
	c->opened = true;
	conn_enter(c, STATE_OPEN);
	conn_log_open(c);
	conn_queue(c);
}

/* A relay worker of its own, which gets its connection to the service. */
static void
hire(struct conn *c)
{
	if (c->state != STATE_WAITING || c->service == -1)
		return;			/* gone, or its worker comes */
	c->asked = conn_question();
	if (!stash_hire(c->asked, c->service))
		return;			/* not now */
	close(c->service);
	c->service = -1;
}

void
conn_hired(uint64_t id, int fd, pid_t pid)
{
	struct conn *c = conn_asking(STATE_WAITING, id);

	if (c == NULL || c->service != -1) {
		if (fd != -1)
			close(fd);	/* it did not wait */
	} else if (fd == -1) {
		conn_refuse(c, REASON_INTERNAL, "no descriptor is left for "
		    "its worker");
	} else {
		begin_session(c, fd, pid);
	}
}

void
entry_give_worker(struct conn *c)
{
	pid_t pid;
	int fd;

	if (c->state != STATE_WAITING && service_relays())
		conn_enter(c, STATE_WAITING);
	if (service_relays())
		hire(c);
	else if (stash_take(&fd, &pid))
		begin_session(c, fd, pid);
	else if (c->state != STATE_WAITING)
		conn_enter(c, STATE_WAITING);
}

/* ---- the service --------------------------------------------------------- */

void
conn_dialed(uint64_t id, int fd, const char *why)
{
	struct conn *c = conn_asking(STATE_DIALING, id);

	if (c != NULL)
		c->asked = 0;		/* it has its answer */
	if (c == NULL) {
		if (fd != -1)
			close(fd);	/* it did not wait */
	} else if (fd == -1) {
		conn_refuse(c, REASON_BACKEND_UNREACHABLE, why);
	} else {
		c->service = fd;
		entry_give_worker(c);
	}
}

/* It may come in. */
static void
welcome(struct conn *c)
{
	if (!service_relays()) {
		entry_give_worker(c);
		return;
	}
	c->asked = 0;
	conn_enter(c, STATE_DIALING);
	if (!dial_more() && c->state == STATE_DIALING)
		conn_refuse(c, REASON_BACKEND_UNREACHABLE, "the dialer has "
		    "died");
}

/* ---- host-check ---------------------------------------------------------- */

/* False if that is to be later. */
static bool
ask_resolver(struct conn *c)
{
	c->asked = conn_question();
	switch (lookup_ask(c->asked, &c->address)) {
	case LOOKUP_ASKED:
		return true;
	case LOOKUP_LATER:
		c->asked = 0;
		return false;
	case LOOKUP_NOT:
		break;
	}
	conn_refuse(c, REASON_RESOLVER_TIMEOUT, "the resolver takes no more "
	    "questions");
	return true;
}

void
conn_look_up(void)
{
	struct conn *c;

	while ((c = conn_asking(STATE_CHECKING, 0)) != NULL)
		if (!ask_resolver(c))
			return;
}

static void
check_host(struct conn *c)
{
	X509 *leaf = beneath_leaf(&c->verdict);
	char words[HOSTCHECK_TEXT];
	enum reason why;

	if (leaf == NULL) {
		conn_refuse(c, REASON_INTERNAL, "its certificate is gone");
		return;
	}
	switch (hostcheck_address(service.gate.rules, leaf, &c->address, &why,
	    words)) {
	case HOSTCHECK_HOLDS:
		welcome(c);
		break;
	case HOSTCHECK_FAILS:
		conn_refuse(c, why, words);
		break;
	case HOSTCHECK_ASK:
		conn_enter(c, STATE_CHECKING);
		if (c->state == STATE_CHECKING)
			ask_resolver(c);
		break;
	}
	X509_free(leaf);
}

void
conn_resolved(const struct resolver_answer *a)
{
	struct conn *c = conn_asking(STATE_CHECKING, a->id);
	char words[HOSTCHECK_TEXT];
	enum reason why;
	X509 *leaf;

	if (c == NULL)
		return;			/* it did not wait */
	leaf = beneath_leaf(&c->verdict);
	why = leaf == NULL ? REASON_INTERNAL :
	    hostcheck_names(leaf, a, words);
	X509_free(leaf);
	if (why == REASON_NONE)
		welcome(c);
	else
		conn_refuse(c, why, why == REASON_INTERNAL ? NULL : words);
}

/* ---- the handshake ------------------------------------------------------- */

/* Finer than service_now(): most handshakes take less than its step. */
static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/*
 * The handshake is good.  That the client was judged is libssl's doing, by a
 * callback of ours: believe nobody who was not.
 */
static void
admit(struct conn *c)
{
	enum reason why = REASON_NONE;

	metrics_handshake((uint64_t)(now_us() - c->hello_us));
	if (!c->verdict.judged || c->verdict.why != REASON_NONE) {
		conn_refuse(c, REASON_INTERNAL, "it was never judged");
		return;
	}
	/* It may have waited with the handshake's end until it was revoked. */
	if (c->since != conn_news())
		why = beneath_judge_again(&c->verdict);
	if (why != REASON_NONE) {
		conn_refuse(c, why, "by newer files than those it began with");
		return;
	}
	beneath_share(&c->verdict);
	room_let_in(c);
	check_host(c);
}

static void
handshake_failed(struct conn *c)
{
	const char *detail;
	enum reason why;

	why = beneath_reason(&c->verdict, tls_error(c->t.tls), &detail);
	if (c->health_check && (c->t.eof_told ||
	    why == REASON_NO_CERTIFICATE)) {
		conn_log_health_check(c);
		conn_enter(c, STATE_FLUSHING);
		conn_queue(c);
		return;
	}
	if (c->t.eof_told) {
		conn_log_refused(c, REASON_PROTOCOL, "the client closed the "
		    "connection before the handshake was done");
		conn_enter(c, STATE_GONE);
		return;
	}
	conn_refuse(c, why, detail);
}

void
entry_handshake_turn(struct conn *c)
{
	bool alive, more;
	int r;

	alive = transport_flush(&c->t);
	transport_begin(&c->t);
	do {
		size_t before = transport_pending();

		r = tls_handshake(c->t.tls);
		if (r != TLS_WANT_POLLIN)
			break;
		if (transport_pending() > 0)
			more = transport_pending() < before;
		else if (before > 0)
			more = transport_receive_more(&c->t);
		else
			more = transport_receive(&c->t);
	} while (more && !c->t.eof_told);
	alive = transport_end(&c->t) && alive;
	if (r == -1)
		handshake_failed(c);
	else if (!alive)
		conn_abort(c, "reset");
	else if (r == 0)
		admit(c);
}

/* ---- the balancer's header ----------------------------------------------- */

/* TLS begins: here is the first thing that costs more than the socket. */
static void
greet(struct conn *c)
{
	int on = 1;

	if (!transport_accept(&c->t, service.server) ||
	    !beneath_watch(&c->verdict, &service.gate)) {
		conn_log_refused(c, REASON_INTERNAL, "out of memory");
		conn_enter(c, STATE_GONE);
		return;
	}
	/* Without it tickets and the reply wait for delayed ACKs. */
	setsockopt(c->t.sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	conn_log_accept(c);
	c->hello_us = now_us();
	conn_enter(c, STATE_HANDSHAKE);
}

void
entry_begin(struct conn *c)
{
	if (c->room.known) {
		greet(c);
		return;
	}
	memcpy(c->proxy, c->peer, sizeof c->proxy);
	conn_enter(c, STATE_PROXY);
}

static void
refuse_header(struct conn *c, enum reason why, const char *detail)
{
	conn_log_refused(c, why, detail);
	conn_enter(c, STATE_GONE);
}

/* The header says whose connection it is: now that client's limits count. */
static bool
name_client(struct conn *c, const struct proxy_header *h)
{
	enum reason why;

	c->address = h->source;
	c->target = h->target;
	addr_unmap(&c->address);
	addr_text(&c->address, c->peer);
	why = room_name(c, &c->address);
	if (why != REASON_NONE)
		refuse_header(c, why, NULL);
	return why == REASON_NONE;
}

/* Take the header away, and go on with what comes behind it. */
static void
behind_header(struct conn *c, const struct proxy_header *h, uint8_t *buf)
{
	if (recv(c->t.sock, buf, h->length, MSG_DONTWAIT) !=
	    (ssize_t)h->length) {
		refuse_header(c, REASON_INTERNAL, "its header cannot be read");
		return;
	}
	c->t.readable = true;
	greet(c);
	conn_queue(c);
}

/* Only looked at, until it is whole: so nothing has to be kept. */
void
entry_proxy_turn(struct conn *c)
{
	static uint8_t buf[PROXY_MAX];
	struct proxy_header h;
	ssize_t n;

	do
		n = recv(c->t.sock, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		refuse_header(c, REASON_PROXY_REQUIRED, "the connection ended "
		    "before a PROXY protocol header came");
		return;
	}
	switch (proxy_parse(buf, (size_t)n, &h)) {
	case PROXY_MORE:
		if (c->t.hup)
			refuse_header(c, REASON_PROXY_BAD, "the connection "
			    "ended within its PROXY protocol header");
		break;
	case PROXY_ADDRESS:
		if (name_client(c, &h))
			behind_header(c, &h, buf);
		break;
	case PROXY_LOCAL:
		c->health_check = true;
		behind_header(c, &h, buf);
		break;
	case PROXY_ABSENT:
		refuse_header(c, REASON_PROXY_REQUIRED, h.why);
		break;
	case PROXY_BAD:
		refuse_header(c, REASON_PROXY_BAD, h.why);
		break;
	}
}
