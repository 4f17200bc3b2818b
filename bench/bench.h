/*
 * postern-bench: what the parts of the load generator share.
 *
 * A run has clients of some kinds, spread over some processes; it sets all of
 * them up, waits until every one is, measures for some seconds, and reports.
 * Every byte that comes back is compared with what was sent; one that differs
 * ends the run (EX_PROTOCOL), whatever it has measured by then.
 */
#ifndef POSTERN_BENCH_H
#define POSTERN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "histogram.h"

/* What a client does again and again until the end. */
enum kind {
	KIND_SHAKER,	/* connect, handshake, one echo, an orderly end */
	KIND_PINGER,	/* send a message, wait until it is back */
	KIND_BULK,	/* keep eight chunks of 16 KiB under way */
	KIND_IDLE,	/* one echo of 16 KiB, as all have; then nothing */
	KIND_COUNT
};

struct plan {
	const char		*host, *port;
	struct sockaddr_storage	 address;
	socklen_t		 address_len;
	const char		*ca, *cert, *key;	/* NULL: plain TCP */
	uint32_t		 clients[KIND_COUNT];
	uint32_t		 size;		/* a message's, not an idle's */
	bool			 tls12;		/* the server has no better */
	bool			 p256;		/* the same; not X25519 */
	uint32_t		 processes;
	uint32_t		 seconds;
	const char		*cgroup;	/* of the server, or NULL */
};

/* What a process, or all of them, counted within the measured seconds. */
struct tally {
	uint64_t		done[KIND_COUNT];	/* handshakes, echoes */
	uint64_t		bytes;			/* of bulk, one way */
	uint64_t		cpu_ns;			/* of ours */
	struct histogram	took[KIND_COUNT];	/* ns each */
	uint64_t		ns;			/* measured */
};

/* ---- load.c -------------------------------------------------------------- */

/* What the server's cgroup has used between the first and the last echo. */
struct cost {
	bool		known;
	uint64_t	cpu_ns;
	int64_t		resident, kernel;	/* bytes more than before */
};

/* Run it; ends the program if a client fails or a byte differs. */
void load_run(const struct plan *p, struct tally *sum, struct cost *cost);

/* ---- crew.c: one process's clients --------------------------------------- */

/*
 * In a child: set up every `processes'th client, beginning with `first'; write
 * a byte to `ready`; at the first byte from `go` measure for plan.seconds, and
 * write the tally to `ready`.  Then hold everything open until `go` ends.
 */
_Noreturn void crew_main(const struct plan *p, uint32_t first, int ready,
    int go);

/* ---- cost.c -------------------------------------------------------------- */

/* CPU time of a cgroup, of processes that have ended too (ns). */
bool cost_cpu(const char *cgroup, uint64_t *ns);

/*
 * Memory of its processes (proportional set size) and of the kernel for them,
 * their TCP sockets included.
 */
bool cost_memory(const char *cgroup, int64_t *resident, int64_t *kernel);

/* ---- main.c -------------------------------------------------------------- */

_Noreturn void die(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

uint64_t now_ns(void);		/* CLOCK_MONOTONIC */

#endif
