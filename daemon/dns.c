#include "dns.h"

/* From 1.28 on c-ares would rather have calls that 1.18 does not know. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* Records of one reply that are looked at. */
#define RECORDS_MAX	128
#define DNS_PORT	53
/* A server has at least so long (ms) before the next is asked. */
#define ROUND_MIN	50

/* RFC 1035, 4.1: the fixed parts of a message. */
#define HEADER_SIZE	12
#define QUESTION_SIZE	4	/* type, class */
#define RECORD_SIZE	10	/* type, class, time to live, length */
/* 2.3.4: the longest name, and the longest label. */
#define NAME_SIZE	255
#define LABEL_MAX	63
/* 4.1.4: what a pointer begins with.  No name has more labels than this. */
#define POINTER		0xc0
#define POINTERS_MAX	127

enum state {
	STATE_FREE,
	STATE_REVERSE,		/* its PTR records are asked for */
	STATE_FORWARD		/* each name's addresses are */
};

struct candidate {
	struct lookup	*of;
	bool		 confirmed;
};

struct lookup {
	enum state		 state;
	ares_channel		 channel;	/* for its life */
	struct host_address	 who;
	int64_t			 deadline;
	uint32_t		 pending;	/* queries not yet answered */
	int			 trouble;	/* why not; an ARES_E... */
	int			 rcode;		/* of a server that would not */
	uint32_t		 names, dropped;
	char			 name[RESOLVER_NAMES][RESOLVER_NAME_SIZE];
	struct candidate	 candidate[RESOLVER_NAMES];
};

static struct lookup	lookups[DNS_LOOKUPS];
static struct lookup	*waits[DNS_SOCKETS];	/* whose socket, as polled */
static int		deadline_ms;

int64_t
dns_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- sockets, for c-ares ------------------------------------------------- */

/*
 * Ours, so that each has the flags that the policy names, none is given an
 * option, and we see what a server says that c-ares only counts as trouble.
 */

static ares_socket_t
open_socket(int family, int type, int protocol, void *arg)
{
	(void)arg;
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int
close_socket(ares_socket_t fd, void *arg)
{
	(void)arg;
	return close(fd);
}

static int
connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len,
    void *arg)
{
	(void)arg;
	return connect(fd, to, len);
}

static ares_ssize_t
receive(ares_socket_t fd, void *buf, size_t size, int flags,
    struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	ssize_t n = recvfrom(fd, buf, size, flags, from, from_len);
	struct lookup *l = arg;

	/* With `from' it is a datagram; the low half of byte 3 is its RCODE. */
	if (from != NULL && n >= HEADER_SIZE)
		l->rcode = ((const uint8_t *)buf)[3] & 15;
	return n;
}

/* Part of what there is will do: c-ares sends the rest itself. */
static ares_ssize_t
transmit(ares_socket_t fd, const struct iovec *iov, int count, void *arg)
{
	(void)count, (void)arg;
	return send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
}

static const struct ares_socket_functions sockets = {
	.asocket = open_socket, .aclose = close_socket,
	.aconnect = connect_socket, .arecvfrom = receive, .asendv = transmit
};

/* ---- channels ------------------------------------------------------------ */

static void
must(int status, const char *what)
{
	if (status != ARES_SUCCESS)
		fatal(EX_OSERR, "resolver: %s: %s", what,
		    ares_strerror(status));
}

static struct ares_addr_port_node
node_of(const struct config_listen *l)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&l->ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&l->ss;
	struct ares_addr_port_node n = { .family = l->ss.ss_family };

	if (n.family == AF_INET) {
		n.addr.addr4 = in->sin_addr;
		n.udp_port = n.tcp_port = ntohs(in->sin_port);
	} else {
		if (in6->sin6_scope_id != 0)
			fatal(EX_CONFIG, "resolver { servers }: an address "
			    "with a scope cannot be asked: name another");
		memcpy(&n.addr.addr6, &in6->sin6_addr, sizeof n.addr.addr6);
		n.udp_port = n.tcp_port = ntohs(in6->sin6_port);
	}
	return n;
}

static bool
is_link_local(const struct ares_addr_port_node *f)
{
	struct in6_addr a;

	if (f->family != AF_INET6)
		return false;
	memcpy(&a, &f->addr.addr6, sizeof a);
	return IN6_IS_ADDR_LINKLOCAL(&a);
}

/* Some c-ares pass over what has a scope: has the file such a server? */
static bool
names_a_scope(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256], address[64];
	bool found = false;

	if (f == NULL)
		return false;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, " nameserver %63s", address) == 1)
			found |= strchr(address, '%') != NULL;
	fclose(f);
	return found;
}

/*
 * What resolv.conf(5) names, or c-ares where it names none.  A link-local one
 * cannot be asked without its scope, which c-ares does not tell.
 */
static uint32_t
system_servers(struct ares_addr_port_node node[RESOLVER_SERVERS])
{
	bool left_out = names_a_scope("/etc/resolv.conf");
	struct ares_addr_port_node *found, *f;
	ares_channel channel;
	uint32_t n = 0;

	must(ares_init(&channel), "/etc/resolv.conf");
	must(ares_get_servers_ports(channel, &found), "its servers");
	for (f = found; f != NULL && n < RESOLVER_SERVERS; f = f->next) {
		if (is_link_local(f)) {
			left_out = true;
			continue;
		}
		node[n] = *f;
		if (f->tcp_port == 0)	/* c-ares' way to say 53 */
			node[n].udp_port = node[n].tcp_port = DNS_PORT;
		n++;
	}
	ares_free_data(found);
	ares_destroy(channel);
	if (left_out)
		log_event(LOG_WARNING, "dns", "/etc/resolv.conf: a link-local "
		    "server cannot be asked and is left out: name another");
	return n;
}

/* The servers to ask, linked; returns their number. */
static uint32_t
find_servers(const struct resolver_setup *s,
    struct ares_addr_port_node node[RESOLVER_SERVERS])
{
	uint32_t n = s->servers;

	for (uint32_t i = 0; i < n; i++)
		node[i] = node_of(&s->server[i]);
	if (n == 0)
		n = system_servers(node);
	for (uint32_t i = 0; i < n; i++)
		node[i].next = i + 1 < n ? &node[i + 1] : NULL;
	return n;
}

/*
 * One channel, from which the others are made: no search list, no files, three
 * rounds over all servers before the deadline.
 */
static void
first_channel(uint32_t servers)
{
	char lookup[] = "b";		/* from DNS alone */
	struct ares_options o = { .flags = ARES_FLAG_NOSEARCH |
	    ARES_FLAG_NOALIASES, .tries = 4, .ndots = 1, .lookups = lookup };
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_NDOTS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS |
	    ARES_OPT_NOROTATE;

	/* doubled each round: 1 + 2 + 4 is just beyond the deadline */
	o.timeout = deadline_ms / (6 * (int)servers);
	if (o.timeout < ROUND_MIN)
		o.timeout = ROUND_MIN;
#ifdef ARES_OPT_QUERY_CACHE	/* 1.31: cache.c says how long what is known */
	mask |= ARES_OPT_QUERY_CACHE;
	o.qcache_max_ttl = 0;
#endif
	must(ares_init_options(&lookups[0].channel, &o, mask), "c-ares");
}

uint32_t
dns_prepare(const struct resolver_setup *s, uint16_t port[RESOLVER_SERVERS])
{
	struct ares_addr_port_node node[RESOLVER_SERVERS];
	uint32_t n;

	deadline_ms = (int)s->deadline_ms;
	must(ares_library_init(ARES_LIB_INIT_ALL), "c-ares");
	n = find_servers(s, node);
	if (n == 0)
		fatal(EX_CONFIG, "resolver: no DNS server is known; name one "
		    "in /etc/resolv.conf or as resolver { servers }");
	for (uint32_t i = 0; i < n; i++)
		port[i] = (uint16_t)node[i].tcp_port;
	first_channel(n);
	must(ares_set_servers_ports(lookups[0].channel, node), "its servers");
	/* One each: a port and a seed for what it asks of its own. */
	for (int i = 1; i < DNS_LOOKUPS; i++)
		must(ares_dup(&lookups[i].channel, lookups[0].channel),
		    "c-ares");
	for (int i = 0; i < DNS_LOOKUPS; i++)
		ares_set_socket_functions(lookups[i].channel, &sockets,
		    &lookups[i]);
	return n;
}

/* ---- replies ------------------------------------------------------------- */

/*
 * Read by us: c-ares 1.18 takes names of any length, and keeps one for each
 * CNAME, so that one reply of 64 KiB would cost hundreds of MiB.  Here nothing
 * is allocated, and what is read of a reply is bounded.
 */

/* A message, and where in it we are. */
struct reader {
	const unsigned char	*msg, *at, *end;
};

/* A name without pointers: labels, each with its length, and the last 0. */
struct name {
	size_t	len;
	uint8_t	wire[NAME_SIZE];
};

struct record {
	struct name		 owner;
	unsigned int		 type, class, size;
	const unsigned char	*data;	/* `size` bytes of the message */
};

/* Use a record that answers the question; false if it is malformed. */
typedef bool record_user(const struct reader *r, const struct record *rec,
    void *arg);

static unsigned int
get16(const unsigned char *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* Add the label at `at`; its size with its length, 0 if it is malformed. */
static size_t
add_label(const struct reader *r, const unsigned char *at, struct name *n)
{
	size_t size;

	if (at >= r->end || *at > LABEL_MAX)
		return 0;
	size = 1U + *at;
	if ((size_t)(r->end - at) < size || sizeof n->wire - n->len < size)
		return 0;
	memcpy(n->wire + n->len, at, size);
	n->len += size;
	return size;
}

/*
 * Read the name at `at`; returns what is behind it, NULL if it is malformed.
 * A pointer leads before the labels that it continues, so that none leads in
 * a circle.
 */
static const unsigned char *
read_name(const struct reader *r, const unsigned char *at, struct name *n)
{
	const unsigned char *behind = NULL, *run = at;
	int pointers = 0;
	size_t size = 0;

	for (n->len = 0; size != 1; at += size) {
		while (r->end - at >= 2 && *at >= POINTER) {
			if (behind == NULL)
				behind = at + 2;
			at = r->msg + (get16(at) & 0x3fff);
			if (at >= run || ++pointers > POINTERS_MAX)
				return NULL;
			run = at;
		}
		if ((size = add_label(r, at, n)) == 0)
			return NULL;
	}
	return behind != NULL ? behind : at;
}

/* Lengths are no letters, and are compared with the rest. */
static bool
same_name(const struct name *a, const struct name *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (tolower(a->wire[i]) != tolower(b->wire[i]))
			return false;
	return true;
}

/*
 * With dots, but for the last.  A dot or a NUL inside a label would end it;
 * with a backslash instead it is no host name.
 */
static void
name_text(const struct name *n, char dst[RESOLVER_NAME_SIZE])
{
	for (size_t i = 0; n->wire[i] != 0;) {
		size_t len = n->wire[i++];

		memcpy(dst, n->wire + i, len);
		for (; len > 0; len--, i++, dst++)
			if (*dst == '.' || *dst == '\0')
				*dst = '\\';
		if (n->wire[i] != 0)
			*dst++ = '.';
	}
	*dst = '\0';
}

/* The only question's name; then the records follow. */
static bool
take_question(struct reader *r, struct name *n)
{
	if (r->end - r->msg < HEADER_SIZE || get16(r->msg + 4) != 1)
		return false;
	r->at = read_name(r, r->msg + HEADER_SIZE, n);
	if (r->at == NULL || r->end - r->at < QUESTION_SIZE)
		return false;
	r->at += QUESTION_SIZE;
	return true;
}

static bool
take_record(struct reader *r, struct record *rec)
{
	const unsigned char *p = read_name(r, r->at, &rec->owner);

	if (p == NULL || r->end - p < RECORD_SIZE)
		return false;
	rec->type = get16(p);
	rec->class = get16(p + 2);
	rec->size = get16(p + 8);
	rec->data = p + RECORD_SIZE;
	if (r->end - rec->data < (long)rec->size)
		return false;
	r->at = rec->data + rec->size;
	return true;
}

/* The name that is a record's data, all of it. */
static bool
data_name(const struct reader *r, const struct record *rec, struct name *n)
{
	return read_name(r, rec->data, n) == rec->data + rec->size;
}

/*
 * Use the records of the type that are of the question's name.  What a CNAME
 * of it names is looked for from there on instead.
 */
static bool
read_reply(const unsigned char *msg, int len, unsigned int type,
    record_user *use, void *arg)
{
	struct reader r = { msg, msg, msg + len };
	struct name sought;
	struct record rec;
	unsigned int records;

	if (!take_question(&r, &sought))
		return false;
	records = get16(msg + 6);
	for (unsigned int i = 0; i < records && i < RECORDS_MAX; i++) {
		if (!take_record(&r, &rec))
			return false;
		if (rec.class != ns_c_in || !same_name(&rec.owner, &sought))
			continue;
		if (rec.type == ns_t_cname && !data_name(&r, &rec, &sought))
			return false;
		if (rec.type == type && !use(&r, &rec, arg))
			return false;
	}
	return true;
}

struct ptr_names {
	char		(*name)[RESOLVER_NAME_SIZE];
	uint32_t	 *names, *dropped;
};

static bool
use_ptr(const struct reader *r, const struct record *rec, void *arg)
{
	char text[RESOLVER_NAME_SIZE];
	struct ptr_names *to = arg;
	struct name n;

	if (!data_name(r, rec, &n))
		return false;
	name_text(&n, text);
	if (!hosts_add_name(to->name, to->names, text))
		++*to->dropped;
	return true;
}

bool
dns_read_ptr(const unsigned char *msg, int len,
    char name[RESOLVER_NAMES][RESOLVER_NAME_SIZE], uint32_t *names,
    uint32_t *dropped)
{
	struct ptr_names to = { name, names, dropped };

	*names = *dropped = 0;
	if (read_reply(msg, len, ns_t_ptr, use_ptr, &to))
		return true;
	*names = 0;
	return false;
}

struct sought_address {
	const uint8_t	*byte;
	size_t		 size;
	bool		 found;
};

static bool
use_address(const struct reader *r, const struct record *rec, void *arg)
{
	struct sought_address *s = arg;

	(void)r;
	if (rec->size != s->size)
		return false;
	s->found |= memcmp(rec->data, s->byte, s->size) == 0;
	return true;
}

static unsigned int
address_type(const struct host_address *who)
{
	return who->family == AF_INET ? ns_t_a : ns_t_aaaa;
}

bool
dns_read_address(const unsigned char *msg, int len,
    const struct host_address *who, bool *found)
{
	struct sought_address s = { .byte = who->byte, .size =
	    who->family == AF_INET ? sizeof(struct in_addr) :
	    sizeof(struct in6_addr) };
	bool ok = read_reply(msg, len, address_type(who), use_address, &s);

	*found = ok && s.found;
	return ok;
}

/* ---- a look-up ----------------------------------------------------------- */

/* One that timed out weighs more: to try again may help. */
static void
note_trouble(struct lookup *l, int status)
{
	if (status == ARES_ECANCELLED)		/* by our deadline */
		status = ARES_ETIMEOUT;
	if (l->trouble == ARES_SUCCESS || status == ARES_ETIMEOUT)
		l->trouble = status;
}

static bool
is_absence(int status)
{
	return status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

static void
on_reverse(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct lookup *l = arg;

	(void)timeouts;
	l->pending--;
	if (status == ARES_SUCCESS &&
	    !dns_read_ptr(msg, len, l->name, &l->names, &l->dropped))
		status = ARES_EBADRESP;
	if (status != ARES_SUCCESS && !is_absence(status))
		note_trouble(l, status);
}

static void
on_forward(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct candidate *c = arg;

	(void)timeouts;
	c->of->pending--;
	if (status == ARES_SUCCESS &&
	    !dns_read_address(msg, len, &c->of->who, &c->confirmed))
		status = ARES_EBADRESP;
	if (status != ARES_SUCCESS && !is_absence(status))
		note_trouble(c->of, status);
}

/* RFC 1035, 3.5; RFC 3596, 2.5: the last byte, or half byte, comes first. */
static void
reverse_name(const struct host_address *who, char dst[80])
{
	const uint8_t *b = who->byte;

	if (who->family == AF_INET) {
		snprintf(dst, 80, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1],
		    b[0]);
		return;
	}
	for (int i = 15; i >= 0; i--, dst += 4)
		snprintf(dst, 5, "%x.%x.", b[i] & 15U, b[i] >> 4U);
	strcpy(dst, "ip6.arpa");
}

/* A step of questions is asked at once; its sockets are opened for it. */
static void
begin_reverse(struct lookup *l)
{
	char name[80];

	reverse_name(&l->who, name);
	l->state = STATE_REVERSE;
	l->pending = 1;
	ares_query(l->channel, name, ns_c_in, ns_t_ptr, on_reverse, l);
}

static void
begin_forward(struct lookup *l)
{
	l->state = STATE_FORWARD;
	l->pending = l->names;
	l->rcode = 0;
	for (uint32_t i = 0; i < l->names; i++) {
		l->candidate[i] = (struct candidate){ .of = l };
		ares_query(l->channel, l->name[i], ns_c_in,
		    (int)address_type(&l->who), on_forward, &l->candidate[i]);
	}
}

/* ---- its answer ---------------------------------------------------------- */

static const char *
words_for_trouble(const struct lookup *l)
{
	static const struct {
		int		 status, rcode;
		const char	*words;
	} known[] = {
		{ ARES_ESERVFAIL, ns_r_servfail,
		    "the DNS server failed (SERVFAIL)" },
		{ ARES_EREFUSED, ns_r_refused,
		    "the DNS server refused (REFUSED)" },
		{ ARES_ENOTIMP, ns_r_notimpl,
		    "the DNS server cannot do that (NOTIMP)" },
		{ ARES_EFORMERR, ns_r_formerr,
		    "the DNS server did not understand (FORMERR)" },
		{ ARES_ECONNREFUSED, -1, "no DNS server can be reached" },
		{ ARES_EBADRESP, -1, "the DNS server's answer is malformed" },
	};

	/* c-ares 1.18 forgets what the last server has said. */
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (l->trouble == known[i].status ||
		    (l->trouble == ARES_ECONNREFUSED && l->rcode > 0 &&
		    l->rcode == known[i].rcode))
			return known[i].words;
	return ares_strerror(l->trouble);
}

static __attribute__((format(printf, 3, 4))) void
settle(struct resolver_answer *a, enum resolver_status status,
    const char *fmt, ...)
{
	va_list ap;

	a->status = (int32_t)status;
	va_start(ap, fmt);
	vsnprintf(a->detail, sizeof a->detail, fmt, ap);
	va_end(ap);
}

static void
judge_lookup(const struct lookup *l, struct resolver_answer *a)
{
	const char *step = l->state == STATE_REVERSE ? "reverse" : "forward";

	if (a->names > 0)
		settle(a, RESOLVER_ANSWERED, "confirmed by DNS");
	else if (l->trouble == ARES_ETIMEOUT)
		settle(a, RESOLVER_TIMEOUT, "%s look-up: no answer from DNS "
		    "within %d ms", step, deadline_ms);
	else if (l->trouble != ARES_SUCCESS)
		settle(a, RESOLVER_FAILED, "%s look-up: %s", step,
		    words_for_trouble(l));
	else if (l->names > 0)
		settle(a, RESOLVER_ANSWERED, "the PTR record's name does not "
		    "have this address: %.60s%s", l->name[0],
		    l->names > 1 ? ", ..." : "");
	else if (l->dropped > 0)
		settle(a, RESOLVER_ANSWERED, "what the PTR record names is "
		    "not a host name");
	else
		settle(a, RESOLVER_ANSWERED, "the address has no PTR record");
}

static void
finish(struct lookup *l)
{
	static struct resolver_answer a;

	memset(&a, 0, sizeof a);
	for (uint32_t i = 0; l->state == STATE_FORWARD && i < l->names; i++)
		if (l->candidate[i].confirmed)
			memcpy(a.name[a.names++], l->name[i],
			    sizeof a.name[0]);
	judge_lookup(l, &a);
	l->state = STATE_FREE;
	resolver_done((int)(l - lookups), &l->who, &a,
	    l->trouble == ARES_SUCCESS);
}

/* Go from one state to the next, if nothing is waited for any more. */
static void
advance(struct lookup *l)
{
	if (l->pending > 0)
		return;
	if (l->state == STATE_REVERSE && l->names > 0)
		begin_forward(l);
	else
		finish(l);
}

/* ---- the loop's side ----------------------------------------------------- */

int
dns_find(const struct host_address *who, int64_t deadline)
{
	for (int i = 0; i < DNS_LOOKUPS; i++)
		if (lookups[i].state != STATE_FREE &&
		    lookups[i].deadline >= deadline &&
		    host_address_equal(&lookups[i].who, who))
			return i;
	return -1;
}

int
dns_begin(const struct host_address *who, int64_t deadline)
{
	for (int i = 0; i < DNS_LOOKUPS; i++) {
		struct lookup *l = &lookups[i];

		if (l->state != STATE_FREE)
			continue;
		l->who = *who;
		l->deadline = deadline;
		l->trouble = ARES_SUCCESS;
		l->rcode = 0;
		l->names = l->dropped = 0;
		begin_reverse(l);
		return i;
	}
	return -1;
}

/* How long it can wait, in ms. */
static int
patience(const struct lookup *l, int64_t now)
{
	struct timeval most, tv;
	int64_t left = l->pending > 0 ? l->deadline - now : 0;

	if (left <= 0)
		return 0;
	most.tv_sec = (time_t)(left / 1000);
	most.tv_usec = (suseconds_t)(left % 1000 * 1000);
	tv = *ares_timeout(l->channel, &most, &tv);
	return (int)(tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000);
}

static int
poll_sockets(struct lookup *l, struct pollfd *p, struct lookup **whose)
{
	ares_socket_t fd[ARES_GETSOCK_MAXNUM];
	/* c-ares' own macros shift an int into its sign */
	unsigned int bits = (unsigned int)ares_getsock(l->channel, fd,
	    ARES_GETSOCK_MAXNUM);
	int n = 0;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = 0;

		if (bits & 1U << i)
			events |= POLLIN;
		if (bits & 1U << (i + ARES_GETSOCK_MAXNUM))
			events |= POLLOUT;
		if (events == 0)
			continue;
		p[n] = (struct pollfd){ .fd = fd[i], .events = events };
		whose[n++] = l;
	}
	return n;
}

int
dns_poll(struct pollfd *p, int *wait)
{
	int64_t now = dns_now();
	int n = 0;

	*wait = -1;
	for (int i = 0; i < DNS_LOOKUPS; i++) {
		struct lookup *l = &lookups[i];
		int ms;

		if (l->state == STATE_FREE)
			continue;
		ms = patience(l, now);
		if (*wait == -1 || ms < *wait)
			*wait = ms;
		n += poll_sockets(l, p + n, waits + n);
	}
	return n;
}

void
dns_turn(const struct pollfd *p, int n)
{
	int64_t now = dns_now();

	for (int i = 0; i < n; i++)
		if (p[i].revents != 0)
			ares_process_fd(waits[i]->channel,
			    p[i].revents & ~POLLOUT ? p[i].fd :
			    ARES_SOCKET_BAD, p[i].revents & POLLOUT ?
			    p[i].fd : ARES_SOCKET_BAD);
	for (int i = 0; i < DNS_LOOKUPS; i++) {
		struct lookup *l = &lookups[i];

		if (l->state == STATE_FREE)
			continue;
		ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		if (now >= l->deadline)
			ares_cancel(l->channel);
		advance(l);
	}
}
