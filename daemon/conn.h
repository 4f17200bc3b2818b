/*
 * A connection from within: what conn.c (its states), entry.c (until it is let
 * in), echo.c (its data) and conn_log.c share.
 */
#ifndef POSTERN_CONN_H
#define POSTERN_CONN_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "addr.h"
#include "beneath.h"
#include "room.h"
#include "metrics.h"
#include "service.h"
#include "transport.h"

enum state {
	STATE_PROXY,		/* the balancer's header */
	STATE_HANDSHAKE,	/* TLS, and with it the certificate's rules */
	STATE_CHECKING,		/* host-check: the resolver is asked */
	STATE_DIALING,		/* relay: the dialer connects to the service */
	STATE_WAITING,		/* authorised; no worker is ready */
	STATE_OPEN,		/* echo, or relay */
	STATE_ENDING,		/* nothing more is taken; the rest is echoed */
	STATE_FLUSHING,		/* our close_notify, or alert, is on its way */
	STATE_LINGER,		/* sent; input is thrown away until it ends */
	STATE_GONE
};
_Static_assert(STATE_GONE == METRICS_STATES, "each has its gauge");

struct conn {
	TAILQ_ENTRY(conn)	 all, run, ask;
	TAILQ_ENTRY(conn)	 retry;		/* while `retries` */
	LIST_ENTRY(conn)	 by_pid;	/* while worker is not -1 */
	struct room		 room;		/* taken of the limits */
	bool			 queued, retries;
	enum state		 state;
	struct transport	 t;
	int			 service;	/* relay: owned until the */
						/* spawner has it; else -1 */
	int			 worker;	/* ours; -1 before STATE_OPEN */
	pid_t			 worker_pid;
	bool			 worker_readable, worker_hup;
	bool			 worker_shut;	/* it was told of the end */
	bool			 worker_done;	/* relay: and so has it us */
	enum word		 word;		/* relay */
	bool			 tls_owes;	/* libtls could not write all */
	bool			 finished;	/* by its close_notify */
	bool			 opened;	/* event=open was logged */
	bool			 refused;	/* event=refused was */
	int			 row;		/* of the roster; -1 */
	bool			 health_check;	/* the balancer's own (LOCAL) */
	struct pile		 plain;		/* for the worker */
	struct event		 on_sock, on_worker, on_room, on_time;
	int64_t			 begun, last, entered;	/* ms, service_now */
	int64_t			 hello_us;	/* the handshake could begin */
	int64_t			 evict_at;	/* not to outlive this; 0 */
	uint32_t		 since, judged_by;	/* conn_news(): when */
						/* it began; judged last */
	uint64_t		 asked;		/* the number of its question */
						/* to another process; 0 */
	bool			 asks_again;	/* the dialer, another one */
	uint64_t		 bytes_in, bytes_out;
	const char		*end;		/* how it ended; static */
	char			 detail[160];	/* libtls's words, or "" */
	struct verdict		 verdict;
	struct sockaddr_storage	 address;	/* the client's */
	struct sockaddr_storage	 target;	/* by the balancer's header: */
						/* where it came to; or 0 */
	char			 peer[ADDR_TEXT];
	char			 proxy[ADDR_TEXT];	/* balancer, or "" */
};

/* ---- conn.c -------------------------------------------------------------- */

/* The only way from one state to the next. */
void conn_enter(struct conn *c, enum state s);

/* A turn for it, when the others had theirs. */
void conn_queue(struct conn *c);

/* The connection is lost, or not worth a word: at once. */
void conn_abort(struct conn *c, const char *end);

/* It makes room for another before it is let in: at once. */
void conn_give_way(struct conn *c);

/* Refused: what libtls gathered (its alert) still goes out, then no more. */
void conn_refuse(struct conn *c, enum reason why, const char *detail);

/* So often the files by which clients are judged have changed. */
uint32_t conn_news(void);

/* A number for a question, that no other has. */
uint64_t conn_question(void);

/*
 * The connection in this state (from CHECKING to WAITING) that asked this;
 * NULL: it is gone.
 */
struct conn *conn_asking(enum state s, uint64_t asked);

/* It has this worker now; `fd` is its own from here on. */
void conn_take_worker(struct conn *c, int fd, pid_t pid);

/* Close the worker's end, and forget what it had not taken. */
void conn_drop_worker(struct conn *c);

/* ---- entry.c ------------------------------------------------------------- */

/* The first state's beginning. */
void entry_begin(struct conn *c);

void entry_proxy_turn(struct conn *c);
void entry_handshake_turn(struct conn *c);

/* It waits for a worker: one that is ready, or of its own. */
void entry_give_worker(struct conn *c);

/* ---- echo.c -------------------------------------------------------------- */

void echo_turn(struct conn *c);

/* ---- conn_log.c: the log, and what is counted with its lines ------------- */

void conn_log_accept(const struct conn *c);
void conn_log_refused(struct conn *c, enum reason why,
    const char *detail);
void conn_log_open(struct conn *c);
void conn_log_close(const struct conn *c);
void conn_log_health_check(const struct conn *c);

#endif
