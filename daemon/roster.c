#include "roster.h"

#include <netinet/in.h>
#include <string.h>

/* So often a reader tries to find a row at rest. */
#define TRIES 8

static struct roster	*roster;
static uint16_t		 unused[ROSTER_ROWS];	/* rows, the next one last */
static uint32_t		 count;			/* of these */

void
roster_take(struct roster *pages)
{
	roster = pages;
	count = 0;
	for (uint32_t i = ROSTER_ROWS; i-- > 0;)
		unused[count++] = (uint16_t)i;
	for (uint32_t i = 0; i < ROSTER_ROWS; i++)
		if (pages->row[i].session.family != 0 ||
		    atomic_load(&pages->row[i].turn) != 0)
			memset(&pages->row[i], 0, sizeof pages->row[i]);
}

static void
write_row(struct roster_row *r, const struct roster_session *s)
{
	uint64_t turn = atomic_load_explicit(&r->turn, memory_order_relaxed);

	atomic_store_explicit(&r->turn, turn | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	r->session = *s;
	atomic_store_explicit(&r->turn, (turn | 1) + 1, memory_order_release);
}

static void
set_address(struct roster_session *s, const struct sockaddr_storage *from)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

	s->family = from->ss_family;
	if (s->family == AF_INET) {
		memcpy(s->address, &in->sin_addr, sizeof in->sin_addr);
		s->port = in->sin_port;
	} else {
		memcpy(s->address, &in6->sin6_addr, sizeof in6->sin6_addr);
		s->port = in6->sin6_port;
	}
}

int
roster_enter(const struct sockaddr_storage *from, const char *subject,
    int32_t worker, int64_t begun_ms)
{
	struct roster_session s = { .begun_ms = begun_ms, .worker = worker };
	int row;

	if (roster == NULL || count == 0)
		return -1;
	set_address(&s, from);
	memcpy(s.subject, subject, strnlen(subject, sizeof s.subject));
	row = unused[--count];
	roster_bytes(row, 0, 0);
	write_row(&roster->row[row], &s);
	return row;
}

void
roster_bytes(int row, uint64_t in, uint64_t out)
{
	if (row == -1)
		return;
	atomic_store_explicit(&roster->row[row].bytes_in, in,
	    memory_order_relaxed);
	atomic_store_explicit(&roster->row[row].bytes_out, out,
	    memory_order_relaxed);
}

void
roster_leave(int row)
{
	const struct roster_session none = { 0 };

	if (row == -1)
		return;
	write_row(&roster->row[row], &none);
	unused[count++] = (uint16_t)row;
}

bool
roster_read(const struct roster *pages, uint32_t row,
    struct roster_session *session, uint64_t *in, uint64_t *out)
{
	const struct roster_row *r = &pages->row[row];

	for (int i = 0; i < TRIES; i++) {
		uint64_t turn = atomic_load_explicit(&r->turn,
		    memory_order_acquire);

		memcpy(session, &r->session, sizeof *session);
		*in = atomic_load_explicit(&r->bytes_in, memory_order_relaxed);
		*out = atomic_load_explicit(&r->bytes_out,
		    memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if ((turn & 1) == 0 && atomic_load_explicit(&r->turn,
		    memory_order_relaxed) == turn)
			return session->family == AF_INET ||
			    session->family == AF_INET6;
	}
	return false;
}
