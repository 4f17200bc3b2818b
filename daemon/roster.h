/*
 * A parent's sessions, as posternd --status shows them: rows of one size on
 * pages of the parent's slot of the board.  There is room for some, not for
 * all; how many there are the metrics tell.
 */
#ifndef POSTERN_ROSTER_H
#define POSTERN_ROSTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ROSTER_ROWS	1024
#define ROSTER_SUBJECT	192

/* What does not change in a session's time. */
struct roster_session {
	int64_t		begun_ms;	/* monotonic */
	int32_t		worker;		/* pid */
	uint16_t	family;		/* AF_INET, AF_INET6; 0: no session */
	uint16_t	port;		/* network byte order, as the address */
	uint8_t		address[16];
	char		subject[ROSTER_SUBJECT];	/* if cut, no NUL */
};

/*
 * `turn` is odd while `session` is written: who reads it looks at `turn` before
 * and after.
 */
struct roster_row {
	_Atomic uint64_t	turn;
	_Atomic uint64_t	bytes_in, bytes_out;
	struct roster_session	session;
	uint64_t		unused;
};
_Static_assert(4096 % sizeof(struct roster_row) == 0, "rows fill pages");

struct roster {
	struct roster_row	row[ROSTER_ROWS];
};

/* ---- for its one writer ---- */

/* Take these pages, and empty them. */
void roster_take(struct roster *pages);

/* A row for a session, ours from now on; -1: there is no room. */
int roster_enter(const struct sockaddr_storage *from, const char *subject,
    int32_t worker, int64_t begun_ms);

/* Its bytes until now.  These two take -1, too. */
void roster_bytes(int row, uint64_t in, uint64_t out);
void roster_leave(int row);

/* ---- for its readers ---- */

/*
 * Copy a row: false if it has no session, or it could not be had whole.  What
 * was read is as hostile as the page: `family` alone has been looked at.
 */
bool roster_read(const struct roster *pages, uint32_t row,
    struct roster_session *session, uint64_t *in, uint64_t *out);

#endif
