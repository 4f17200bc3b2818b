/*
 * postern-bench: loads an echo server, by TLS with certificates on both sides
 * or (plain) without, and says what it gave and what that cost it.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define CLIENTS_MAX	100000
#define SIZE_MAX_BYTES	65536
#define SECONDS_MAX	3600

static const char *const kind_word[KIND_COUNT] = {
	[KIND_SHAKER] = "handshakes",
	[KIND_PINGER] = "echoes",
	[KIND_BULK] = "bulk",
	[KIND_IDLE] = "idle",
};

void
die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("postern-bench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(code);
}

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static _Noreturn void
usage(FILE *to, int code)
{
	fputs("usage: postern-bench [-R ca -C cert -K key] [-g cgroup] [-p n] "
	    "[-t s] [-s size] [-2] [-P]\n"
	    "       [--handshakes n] [--echoes n] [--bulk n] [--idle n] "
	    "host port\n"
	    "  -R -C -K      the server's CA, our certificate and key; "
	    "without, plain TCP\n"
	    "  -g cgroup     of all the server's processes: what do they "
	    "cost?\n"
	    "  -p n          processes of ours (1)\n"
	    "  -t seconds    measured (5)\n"
	    "  -s bytes      of a message (64)\n"
	    "  -2            TLS 1.2, for a server that has no 1.3\n"
	    "  -P            P-256, for a server that has no X25519\n"
	    "  --handshakes  clients that connect, echo one message, and end\n"
	    "  --echoes      clients that send a message and wait for it\n"
	    "  --bulk        clients that keep 8 times 16 KiB under way\n"
	    "  --idle        clients that have echoed 16 KiB and are silent\n"
	    "Prints one line of JSON.  Every byte is compared; one that "
	    "differs ends it (76).\n", to);
	exit(code);
}

static uint32_t
number(const char *what, const char *s, unsigned long min, unsigned long max)
{
	unsigned long n;
	char *rest;

	errno = 0;
	n = strtoul(s, &rest, 10);
	if (errno != 0 || *rest != '\0' || s[0] < '0' || s[0] > '9' ||
	    n < min || n > max)
		die(EX_USAGE, "%s %s: want a number from %lu to %lu", what, s,
		    min, max);
	return (uint32_t)n;
}

static void
parse(int argc, char **argv, struct plan *p)
{
	enum { FIRST_KIND = 256 };
	static const struct option longs[] = {
		{ "handshakes", required_argument, NULL,
		    FIRST_KIND + KIND_SHAKER },
		{ "echoes", required_argument, NULL, FIRST_KIND + KIND_PINGER },
		{ "bulk", required_argument, NULL, FIRST_KIND + KIND_BULK },
		{ "idle", required_argument, NULL, FIRST_KIND + KIND_IDLE },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	uint32_t all = 0;
	int c;

	while ((c = getopt_long(argc, argv, "2C:g:hK:Pp:R:s:t:", longs,
	    NULL)) != -1) {
		switch (c) {
		case '2':
			p->tls12 = true;
			break;
		case 'P':
			p->p256 = true;
			break;
		case 'C':
			p->cert = optarg;
			break;
		case 'g':
			p->cgroup = optarg;
			break;
		case 'h':
			usage(stdout, 0);
		case 'K':
			p->key = optarg;
			break;
		case 'p':
			p->processes = number("-p", optarg, 1, 64);
			break;
		case 'R':
			p->ca = optarg;
			break;
		case 's':
			p->size = number("-s", optarg, 1, SIZE_MAX_BYTES);
			break;
		case 't':
			p->seconds = number("-t", optarg, 1, SECONDS_MAX);
			break;
		default:
			if (c < FIRST_KIND)
				usage(stderr, EX_USAGE);
			p->clients[c - FIRST_KIND] = number("clients", optarg,
			    0, CLIENTS_MAX);
		}
	}
	for (int k = 0; k < KIND_COUNT; k++)
		all += p->clients[k];
	if (argc - optind != 2 || all == 0)
		usage(stderr, EX_USAGE);
	if ((p->ca == NULL) != (p->cert == NULL) ||
	    (p->ca == NULL) != (p->key == NULL))
		die(EX_USAGE, "-R, -C and -K go together");
	p->host = argv[optind];
	p->port = argv[optind + 1];
}

static void
look_up(struct plan *p)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	int e = getaddrinfo(p->host, p->port, &hints, &ai);

	if (e != 0)
		die(EX_NOHOST, "%s port %s: %s", p->host, p->port,
		    gai_strerror(e));
	memcpy(&p->address, ai->ai_addr, ai->ai_addrlen);
	p->address_len = ai->ai_addrlen;
	freeaddrinfo(ai);
}

static void
raise_limit(const struct plan *p)
{
	struct rlimit r;
	rlim_t need = 64;

	for (int k = 0; k < KIND_COUNT; k++)
		need += p->clients[k];
	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur >= need)
		return;
	r.rlim_cur = need;
	if (r.rlim_max < need)
		r.rlim_max = need;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		die(EX_OSERR, "%lu descriptors are needed: ulimit -n",
		    (unsigned long)need);
}

static void
add_latency(json_t *o, const struct histogram *h)
{
	json_object_set_new(o, "p50_us",
	    json_real((double)histogram_quantile(h, 0.5) / 1e3));
	json_object_set_new(o, "p99_us",
	    json_real((double)histogram_quantile(h, 0.99) / 1e3));
	json_object_set_new(o, "p999_us",
	    json_real((double)histogram_quantile(h, 0.999) / 1e3));
}

static json_t *
kind_report(const struct plan *p, const struct tally *t, enum kind k)
{
	json_t *o = json_object();
	double s = (double)t->ns / 1e9;

	json_object_set_new(o, "clients", json_integer(p->clients[k]));
	if (k == KIND_BULK) {
		json_object_set_new(o, "bytes", json_integer((json_int_t)
		    t->bytes));
		json_object_set_new(o, "mb_per_s",
		    json_real((double)t->bytes / s / 1e6));
	} else if (k != KIND_IDLE) {
		json_object_set_new(o, "count",
		    json_integer((json_int_t)t->done[k]));
		json_object_set_new(o, "per_s",
		    json_real((double)t->done[k] / s));
		add_latency(o, &t->took[k]);
	}
	return o;
}

/* Shared among all that was done; of one kind alone it is that one's. */
static json_t *
cost_report(const struct tally *t, const struct cost *cost)
{
	json_t *o = json_object();
	uint64_t done = t->done[KIND_SHAKER] + t->done[KIND_PINGER];

	json_object_set_new(o, "cpu_us",
	    json_real((double)cost->cpu_ns / 1e3));
	if (done > 0)
		json_object_set_new(o, "us_each",
		    json_real((double)cost->cpu_ns / 1e3 / (double)done));
	if (t->bytes > 0)
		json_object_set_new(o, "ns_per_byte",
		    json_real((double)cost->cpu_ns / (double)t->bytes));
	json_object_set_new(o, "resident", json_integer(cost->resident));
	json_object_set_new(o, "kernel", json_integer(cost->kernel));
	return o;
}

/* What the load itself took of the same processors. */
static json_t *
load_report(const struct tally *t)
{
	json_t *o = json_object();

	json_object_set_new(o, "cpu_us", json_real((double)t->cpu_ns / 1e3));
	if (t->bytes > 0)
		json_object_set_new(o, "ns_per_byte",
		    json_real((double)t->cpu_ns / (double)t->bytes));
	return o;
}

static void
report(const struct plan *p, const struct tally *t, const struct cost *cost)
{
	json_t *o = json_object();

	json_object_set_new(o, "size", json_integer(p->size));
	json_object_set_new(o, "seconds", json_real((double)t->ns / 1e9));
	for (int k = 0; k < KIND_COUNT; k++)
		if (p->clients[k] > 0)
			json_object_set_new(o, kind_word[k],
			    kind_report(p, t, (enum kind)k));
	json_object_set_new(o, "load", load_report(t));
	if (cost->known)
		json_object_set_new(o, "server", cost_report(t, cost));
	if (json_dumpf(o, stdout,
	    JSON_COMPACT | JSON_REAL_PRECISION(6)) == -1 ||
	    putchar('\n') == EOF || fflush(stdout) == EOF)
		die(EX_IOERR, "standard output: %s", strerror(errno));
	json_decref(o);
}

int
main(int argc, char **argv)
{
	static struct plan plan = { .size = 64, .processes = 1, .seconds = 5 };
	static struct tally sum;
	struct cost cost = { .known = false };

	signal(SIGPIPE, SIG_IGN);
	parse(argc, argv, &plan);
	look_up(&plan);
	raise_limit(&plan);
	load_run(&plan, &sum, &cost);
	report(&plan, &sum, &cost);
	return 0;
}
