#include "room.h"

#include "board.h"
#include "conn.h"
#include "service.h"

/* So many of those that wait are looked at when there is no room. */
#define LOOK_MAX 16
/* For so long others are trusted to take whom we have no room for (ms), */
#define ELSEWHERE_MS 1000
/* and no longer in each such time, where we could make room. */
#define ELSEWHERE_EVERY_MS 10000

/* Not let in yet. */
static TAILQ_HEAD(, conn) waiting = TAILQ_HEAD_INITIALIZER(waiting);

/*
 * Whoever's address has the most that wait, and more than the newcomer's, gives
 * way.  So he who lets handshakes lie about shuts out himself, and not those
 * who come from elsewhere.  Only some are looked at, others each time: where
 * one address has many waiting, one of them is among these.
 */
static struct conn *
who_gives_way(uint32_t newcomers)
{
	struct conn *c, *most = NULL;
	uint32_t n, greatest = newcomers;

	for (int i = 0; i < LOOK_MAX && !TAILQ_EMPTY(&waiting); i++) {
		c = TAILQ_FIRST(&waiting);
		TAILQ_REMOVE(&waiting, c, room.waits);
		TAILQ_INSERT_TAIL(&waiting, c, room.waits);
		n = c->room.known ? crowd_waiting(&c->room.place) : 0;
		if (n > greatest) {
			greatest = n;
			most = c;
		}
	}
	return most;
}

static enum reason
address_limits(const struct room *r, bool full, struct conn **gives_way)
{
	const struct config *g = service.config;

	if (r->known && !crowd_enter(&r->place,
	    g->max_connections_per_address, service_now()))
		return REASON_TOO_MANY_FROM_ADDRESS;
	if (full && (*gives_way = who_gives_way(r->known ?
	    crowd_waiting(&r->place) : 1)) == NULL)
		return REASON_TOO_MANY_HANDSHAKES;
	if (r->known && !crowd_pass(&r->place, service_now()))
		return REASON_TOO_FAST;
	return REASON_NONE;
}

enum reason
room_enter(struct room *r, const struct sockaddr_storage *from)
{
	struct conn *gives_way = NULL;
	enum reason why;
	bool full;

	if (!board_enter(service.config->max_connections))
		return REASON_TOO_MANY_CONNECTIONS;
	full = !board_wait(service.config->max_handshakes);
	r->waiting = true;
	r->known = from != NULL;
	if (r->known)
		r->place = crowd_find(from);
	why = address_limits(r, full, &gives_way);
	if (why != REASON_NONE)
		room_give_back(r);
	else if (gives_way != NULL)
		conn_give_way(gives_way);
	return why;
}

/*
 * With our share of connections we can but refuse, until one ends: what a lie
 * costs then is that its place is empty until the rest is over.
 */
static bool
entering_is_theirs(int64_t now)
{
	static int64_t since;		/* 0: it was not, just now */

	if (!board_others_enter(service.config->max_connections)) {
		since = 0;
		return false;
	}
	if (since == 0)
		since = now;
	return now - since < ELSEWHERE_MS;
}

/*
 * With our share of handshakes one can give way, and a rest keeps clients out
 * whom we could serve.  So what is seen between two rests makes no new time for
 * them: by a lie that comes and goes, or a client of the liar's that does the
 * same here, we would rest for ever.
 */
static bool
waiting_is_theirs(int64_t now)
{
	static int64_t begun, rested;	/* since then, so much */

	if (!board_others_wait(service.config->max_handshakes))
		return false;
	if (now - begun >= ELSEWHERE_EVERY_MS) {
		begun = now;
		rested = 0;
	}
	if (rested >= ELSEWHERE_MS)
		return false;
	rested += SERVICE_REST_MS;
	return true;
}

bool
room_is_elsewhere(int64_t now)
{
	return entering_is_theirs(now) || waiting_is_theirs(now);
}

void
room_keep(struct conn *c, const struct room *r)
{
	c->room = *r;
	TAILQ_INSERT_TAIL(&waiting, c, room.waits);
}

enum reason
room_name(struct conn *c, const struct sockaddr_storage *client)
{
	struct conn *gives_way;

	c->room.known = true;
	c->room.place = crowd_find(client);
	/* It was counted as one that waits when it came. */
	return address_limits(&c->room, false, &gives_way);
}

static void
waited(const struct room *r)
{
	if (!r->waiting)
		return;
	board_waited();
	if (r->known)
		crowd_waited(&r->place);
}

void
room_give_back(const struct room *r)
{
	waited(r);
	if (r->known)
		crowd_leave(&r->place);
	board_leave();
}

void
room_let_in(struct conn *c)
{
	waited(&c->room);
	c->room.waiting = false;
	TAILQ_REMOVE(&waiting, c, room.waits);
}

void
room_leave(struct conn *c)
{
	if (c->room.waiting)
		TAILQ_REMOVE(&waiting, c, room.waits);
	room_give_back(&c->room);
}
