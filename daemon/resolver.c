/*
 * The resolver: waits for its parent's questions, and for DNS.
 *
 * It was executed before any key was in its parent's memory, and has no file,
 * no key and no client.  Whoever takes it over, by a reply that c-ares or we
 * misread, can ask DNS servers and lie about names; what a certificate must
 * have besides is not for it to say.
 */
#include "resolver.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/queue.h>
#include <sysexits.h>
#include <unistd.h>

#include "bounds.h"
#include "cache.h"
#include "channel.h"
#include "confine.h"
#include "dns.h"
#include "filter.h"
#include "hosts.h"
#include "log.h"

/* How long an answer is remembered, and for how long a failure (ms). */
#define REMEMBER_ANSWER		60000
#define REMEMBER_FAILURE	5000
/* What the canary waits for DNS (ms). */
#define TRY_MS			50
/* So many questions at once, over all look-ups. */
#define WAITERS_MAX		4096
/* The channel, the log, what else the C library may have. */
_Static_assert(BOUNDS_RESOLVER_FILES == DNS_SOCKETS + 16,
    "the resolver's bound, in lib/bounds.h");

/* A question that waits for a look-up. */
struct waiter {
	uint64_t		 id;
	SLIST_ENTRY(waiter)	 next;
};
SLIST_HEAD(waiters, waiter);

static struct resolver_setup	setup;
static struct sock_fprog	filter;
static struct hosts		*hosts;
static struct waiter		waiter[WAITERS_MAX];
static struct waiters		unused = SLIST_HEAD_INITIALIZER(unused);
static struct waiters		waiting[DNS_LOOKUPS];	/* by look-up */

static void
read_setup(void)
{
	int fd;

	if (channel_recv(RESOLVER_CHANNEL_FD, &setup, sizeof setup, &fd) != 1 ||
	    fd != -1 || setup.size != sizeof setup ||
	    setup.servers > RESOLVER_SERVERS || setup.deadline_ms < 1 ||
	    setup.deadline_ms > INT32_MAX)
		fatal(EX_PROTOCOL, "this is started by posternd, not by hand");
	log_init("resolver", (enum log_kind)setup.log_kind, setup.log_level);
	if (setup.rehearsal)
		filter_ask_tracer();
}

/* It keeps the root directory: of what is in it, DNS is configured. */
static void
drop_root(void)
{
	const struct confine_heir heir = { .one_uid = setup.one_uid,
	    .uid = setup.uid, .gid = setup.gid, .parent = setup.parent,
	    .root = CONFINE_ROOT_KEPT };

	confine_drop_root(&heir);
}

static void
read_hosts(void)
{
	const char *why;

	hosts = hosts_read("/etc/hosts", &why);
	if (why != NULL)
		log_event(LOG_WARNING, "hosts", "/etc/hosts: %s", why);
}

static void
prepare_waiters(void)
{
	for (int i = 0; i < WAITERS_MAX; i++)
		SLIST_INSERT_HEAD(&unused, &waiter[i], next);
	for (int i = 0; i < DNS_LOOKUPS; i++)
		SLIST_INIT(&waiting[i]);
}

/*
 * Before anything is parsed; the filter is compiled while a file may be made.
 */
static void
bound(void)
{
	const struct bounds_for f = { .log_is_file = bounds_log_is_file() };

	filter_prepare(POLICY_RESOLVER, &filter);
	bounds_apply(POLICY_RESOLVER, &f);
}

static void
confine(const uint16_t *port, uint32_t servers)
{
	confine_check_dies_with_parent();
	confine_check_settled(setup.one_uid);
	confine_landlock_connect(port, servers);
	filter_enter(POLICY_RESOLVER, &filter);
}

/* ---- answers ------------------------------------------------------------- */

static void
answer(struct resolver_answer *a, uint64_t id)
{
	a->id = id;
	/* Waits while the parent has no time; fails when it is gone. */
	if (!channel_send(RESOLVER_CHANNEL_FD, a, sizeof *a, -1))
		_exit(0);
}

void
resolver_done(int lookup, const struct host_address *who,
    const struct resolver_answer *a, bool whole)
{
	static struct resolver_answer copy;
	struct waiter *w;

	copy = *a;
	cache_add(who, dns_now() + (whole ? REMEMBER_ANSWER :
	    REMEMBER_FAILURE), a);
	while ((w = SLIST_FIRST(&waiting[lookup])) != NULL) {
		SLIST_REMOVE_HEAD(&waiting[lookup], next);
		answer(&copy, w->id);
		SLIST_INSERT_HEAD(&unused, w, next);
	}
}

/* ---- questions ----------------------------------------------------------- */

/* What is known without asking: from the file, or from last time. */
static bool
answer_at_once(const struct host_address *who, uint64_t id)
{
	static struct resolver_answer a;

	memset(&a, 0, sizeof a);
	a.names = hosts_find(hosts, who, a.name);
	if (a.names > 0) {
		a.status = RESOLVER_ANSWERED;
		strcpy(a.detail, "from /etc/hosts");
	} else if (!cache_find(who, dns_now(), &a)) {
		return false;
	} else {
		a.remembered = 1;
	}
	answer(&a, id);
	return true;
}

/*
 * One look-up for all who ask about the same address meanwhile.  Half of the
 * time must be left, so that nobody fails for having come late: hence there
 * may be two.
 */
static bool
wait_for_dns(const struct host_address *who, uint64_t id, int64_t ms)
{
	struct waiter *w = SLIST_FIRST(&unused);
	int64_t now = dns_now();
	int lookup;

	if (w == NULL)
		return false;
	lookup = dns_find(who, now + ms / 2);
	if (lookup == -1)
		lookup = dns_begin(who, now + ms);
	if (lookup == -1)
		lookup = dns_find(who, now);
	if (lookup == -1)
		return false;
	SLIST_REMOVE_HEAD(&unused, next);
	w->id = id;
	SLIST_INSERT_HEAD(&waiting[lookup], w, next);
	return true;
}

static void
refuse(uint64_t id)
{
	static struct resolver_answer a = { .status = RESOLVER_FAILED,
	    .detail = "too many look-ups at once" };

	answer(&a, id);
}

/*
 * Our parent's canary: a look-up, which needs all that any needs, and is over
 * soon whether anybody answers or not.  DNS servers answer for this network by
 * themselves and pass nothing on (RFC 6303, 4.1 and 4.3).
 */
static void
try_dns(uint64_t id)
{
	static const uint8_t nobody[16] = { 192, 0, 2, 1 };
	struct host_address who;

	if (!host_address(&who, AF_INET, nobody) ||
	    !wait_for_dns(&who, id, TRY_MS))
		refuse(id);
}

static void
hear(void)
{
	struct resolver_query q;
	struct host_address who;
	int fd, n = channel_recv(RESOLVER_CHANNEL_FD, &q, sizeof q, &fd);

	if (n == 0)
		_exit(0);		/* the parent is gone */
	if (n == 1 && fd == -1 && q.family == AF_UNSPEC) {
		try_dns(q.id);
		return;
	}
	if (n == -1 || fd != -1 || !host_address(&who, q.family, q.address))
		fatal(EX_PROTOCOL, "the parent asked what is no question");
	if (!answer_at_once(&who, q.id) && !wait_for_dns(&who, q.id,
	    setup.deadline_ms))
		refuse(q.id);
}

static _Noreturn void
serve(void)
{
	static struct pollfd p[1 + DNS_SOCKETS];

	for (;;) {
		int wait, n;

		p[0] = (struct pollfd){ .fd = RESOLVER_CHANNEL_FD,
		    .events = POLLIN };
		n = dns_poll(p + 1, &wait);
		if (ppoll(p, (nfds_t)n + 1, wait == -1 ? NULL :
		    &(struct timespec){ .tv_sec = wait / 1000,
		    .tv_nsec = (long)(wait % 1000) * 1000000 }, NULL) == -1)
			continue;	/* interrupted */
		dns_turn(p + 1, n);
		if (p[0].revents != 0)
			hear();
	}
}

/* The order is explained in DESIGN, "The order of confinement". */
void
resolver_main(void)
{
	resolver_ready ready = sizeof setup;
	uint16_t port[RESOLVER_SERVERS];
	uint32_t servers;

	/* No large block by mmap, hence no mremap, which it may not call. */
	mallopt(M_MMAP_MAX, 0);
	confine_check_descriptors(RESOLVER_CHANNEL_FD + 1);
	read_setup();
	confine_ignore_signals();
	drop_root();
	bound();
	read_hosts();
	servers = dns_prepare(&setup, port);
	cache_init();
	prepare_waiters();
	confine(port, servers);
	if (!channel_send(RESOLVER_CHANNEL_FD, &ready, sizeof ready, -1))
		_exit(EX_UNAVAILABLE);
	serve();
}
