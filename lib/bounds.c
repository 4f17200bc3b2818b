#include "bounds.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

#define KIB(n)	((rlim_t)(n) << 10)
#define MIB(n)	((rlim_t)(n) << 20)
#define OPEN	BOUNDS_OPEN

static const struct {
	const char	*name;
	int		 resource;
} names[BOUND_COUNT] = {
	[BOUND_FILES] = { "RLIMIT_NOFILE", RLIMIT_NOFILE },
	[BOUND_PROCESSES] = { "RLIMIT_NPROC", RLIMIT_NPROC },
	[BOUND_MEMORY] = { "RLIMIT_DATA", RLIMIT_DATA },
	[BOUND_STACK] = { "RLIMIT_STACK", RLIMIT_STACK },
	[BOUND_FILE_SIZE] = { "RLIMIT_FSIZE", RLIMIT_FSIZE },
	[BOUND_CORE] = { "RLIMIT_CORE", RLIMIT_CORE },
	[BOUND_QUEUES] = { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
};

/*
 * A bound is base + each * max-connections, or pooled in the pool mode, + own *
 * a parent's share of these.
 */
struct term {
	rlim_t	base, each, pooled, own;
};

/*
 * What is not named is 0.  A process that no longer opens anything still needs
 * as many descriptors as it gives to one poll(2).
 */
static const struct term table[POLICY_COUNT][BOUND_COUNT] = {
	/* Starts all others, and writes their handoffs and its pid file. */
	[POLICY_SUPERVISOR] = {
		[BOUND_FILES] = { .base = 4096 },
		[BOUND_PROCESSES] = { .base = OPEN },
		[BOUND_MEMORY] = { .base = MIB(64) },
		[BOUND_STACK] = { .base = MIB(8) },
		[BOUND_FILE_SIZE] = { .base = OPEN },
	},
	/*
	 * A connection has what DESIGN ("A connection's way") adds up to; the
	 * base is for CA file and CRL, each twice while newer ones are read: a
	 * CRL of 16 MiB, the largest that is taken, becomes 120 MiB.
	 */
	[POLICY_PARENT] = {
		[BOUND_FILES] = { .base = BOUNDS_PARENT_FILES, .each = 2 },
		[BOUND_MEMORY] = { .base = MIB(1024), .own = KIB(768) },
		[BOUND_STACK] = { .base = MIB(8) },
	},
	/*
	 * A worker a connection, those that wait, those not reaped yet.  What
	 * it needs no more of than they do is theirs: they have less to set.
	 */
	[POLICY_SPAWNER] = {
		[BOUND_FILES] = { .base = 64, .each = 1 },
		[BOUND_PROCESSES] = { .base = 128, .each = 1 },
		[BOUND_MEMORY] = { .base = MIB(4) },
		[BOUND_STACK] = { .base = KIB(256) },
	},
	/* The same, and what its pool's connections cannot take yet. */
	[POLICY_POOL_SPAWNER] = {
		[BOUND_FILES] = { .base = 64, .each = 1 },
		[BOUND_PROCESSES] = { .base = 128, .each = 1 },
		[BOUND_MEMORY] = { .base = MIB(4), .pooled = KIB(65) },
		[BOUND_STACK] = { .base = KIB(256) },
	},
	/* The same as without a pool. */
	[POLICY_RELAY_SPAWNER] = {
		[BOUND_FILES] = { .base = 64, .each = 1 },
		[BOUND_PROCESSES] = { .base = 128, .each = 1 },
		[BOUND_MEMORY] = { .base = MIB(4) },
		[BOUND_STACK] = { .base = MIB(8) },
	},
	/*
	 * It, and those after it, have what the spawner had mapped; and it a
	 * handle on a worker.
	 */
	[POLICY_INIT] = {
		[BOUND_FILES] = { .base = 1 },
		[BOUND_MEMORY] = { .base = MIB(4) },
		[BOUND_STACK] = { .base = KIB(256) },
	},
	[POLICY_ECHO] = {
		[BOUND_MEMORY] = { .base = MIB(4) },
		[BOUND_STACK] = { .base = KIB(256) },
	},
	[POLICY_POOL] = {
		[BOUND_FILES] = { .base = 64, .each = 1 },
		[BOUND_MEMORY] = { .base = MIB(4), .pooled = KIB(65) },
		[BOUND_STACK] = { .base = KIB(256) },
	},
	/* The same, and its service's connection. */
	[POLICY_RELAY] = {
		[BOUND_FILES] = { .base = 2 },
		[BOUND_MEMORY] = { .base = MIB(4) },
		[BOUND_STACK] = { .base = KIB(256) },
	},
	/* So many connections at once that have not come about yet. */
	[POLICY_DIALER] = {
		[BOUND_FILES] = { .base = BOUNDS_DIALER_FILES },
		[BOUND_MEMORY] = { .base = MIB(32) },
		[BOUND_STACK] = { .base = MIB(8) },
	},
	/*
	 * The same for its dialer, one at a time; and room in their user
	 * namespaces for who is there to look at them (audit/twin.c).
	 */
	[POLICY_DIAL_SPAWNER] = {
		[BOUND_FILES] = { .base = BOUNDS_DIALER_FILES },
		[BOUND_PROCESSES] = { .base = 16 },
		[BOUND_MEMORY] = { .base = MIB(32) },
		[BOUND_STACK] = { .base = MIB(8) },
	},
	[POLICY_RESOLVER] = {
		[BOUND_FILES] = { .base = BOUNDS_RESOLVER_FILES },
		[BOUND_MEMORY] = { .base = MIB(64) },
		[BOUND_STACK] = { .base = MIB(8) },
	},
	/* About 4 MiB; so many who ask at once, and a few of its own. */
	[POLICY_EXPORTER] = {
		[BOUND_FILES] = { .base = 32 },
		[BOUND_MEMORY] = { .base = MIB(64) },
		[BOUND_STACK] = { .base = MIB(8) },
	},
	/* What a user runs may have a file as its output. */
	[POLICY_CLIENT] = {
		[BOUND_FILES] = { .base = 8 },
		[BOUND_MEMORY] = { .base = MIB(512) },
		[BOUND_STACK] = { .base = MIB(8) },
		[BOUND_FILE_SIZE] = { .base = OPEN },
	},
	[POLICY_LOOKER] = {
		[BOUND_FILES] = { .base = 8 },
		[BOUND_MEMORY] = { .base = MIB(1024) },
		[BOUND_STACK] = { .base = MIB(8) },
		[BOUND_FILE_SIZE] = { .base = OPEN },
	},
	[POLICY_STATUS] = {
		[BOUND_FILES] = { .base = 8 },
		[BOUND_MEMORY] = { .base = MIB(512) },
		[BOUND_STACK] = { .base = MIB(8) },
		[BOUND_FILE_SIZE] = { .base = OPEN },
	},
	[POLICY_EXPLAIN] = {
		[BOUND_FILES] = { .base = 8 },
		[BOUND_MEMORY] = { .base = MIB(1024) },
		[BOUND_STACK] = { .base = MIB(8) },
		[BOUND_FILE_SIZE] = { .base = OPEN },
	},
};

int
bounds_resource(enum bound b)
{
	return names[b].resource;
}

const char *
bounds_name(enum bound b)
{
	return names[b].name;
}

bool
bounds_log_is_file(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

static bool
has_log(enum policy_id id)
{
	return id != POLICY_INIT && id != POLICY_ECHO && id != POLICY_POOL &&
	    id != POLICY_RELAY;
}

/* Has another process more than the supervisor, which starts them? */
static bool
others_need_more(int bound)
{
	const rlim_t own = table[POLICY_SUPERVISOR][bound].base;

	for (int id = 0; id < POLICY_COUNT; id++) {
		const struct term *t = &table[id][bound];

		if (t->base > own || t->each + t->pooled + t->own > 0)
			return true;
	}
	return false;
}

struct bounds
bounds_of(enum policy_id id, const struct bounds_for *f)
{
	struct bounds b;

	for (int i = 0; i < BOUND_COUNT; i++) {
		const struct term *t = &table[id][i];

		b.soft[i] = id == POLICY_SUPERVISOR && others_need_more(i);
		b.most[i] = t->base == OPEN ? OPEN : t->base +
		    (t->each + (f->pool ? t->pooled : 0)) *
		    f->max_connections + t->own * f->share;
	}
	if (f->log_is_file && has_log(id))
		b.most[BOUND_FILE_SIZE] = OPEN;
#ifdef POSTERN_SANITIZED
	b.most[BOUND_MEMORY] = OPEN;
	b.most[BOUND_STACK] = OPEN;
#endif
	return b;
}

static bool
set_one(int resource, rlim_t most, bool soft)
{
	struct rlimit r = { .rlim_max = most }, now;

	/* One that is lower already stays; none is lower than 0. */
	if ((most > 0 || soft) && getrlimit(resource, &r) == -1)
		return false;
	r.rlim_cur = most < r.rlim_max ? most : r.rlim_max;
	if (!soft)
		r.rlim_max = r.rlim_cur;
	return setrlimit(resource, &r) == 0 &&
	    getrlimit(resource, &now) == 0 && now.rlim_cur == r.rlim_cur &&
	    now.rlim_max == r.rlim_max;
}

/* All but those that are as `had` says: they are left as they are. */
static void
set_all(const struct bounds *b, const struct bounds *had)
{
	for (int i = 0; i < BOUND_COUNT; i++)
		if (b->most[i] != had->most[i] &&
		    !set_one(names[i].resource, b->most[i], b->soft[i]))
			fatal(EX_OSERR, "cannot set %s: %s", names[i].name,
			    strerror(errno));
}

void
bounds_apply(enum policy_id id, const struct bounds_for *f)
{
	struct bounds b = bounds_of(id, f), none;

	for (int i = 0; i < BOUND_COUNT; i++)
		none.most[i] = OPEN;
	set_all(&b, &none);
}

void
bounds_narrow(enum policy_id id, enum policy_id from,
    const struct bounds_for *f)
{
	struct bounds b = bounds_of(id, f), had = bounds_of(from, f);

	set_all(&b, &had);
}
