#include "status.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "confine.h"
#include "filter.h"
#include "log.h"
#include "supervisor.h"
#include "text.h"

/* The connection to the exporter; policy.c says so, too. */
#define STATUS_FD	3
/* Who asks waits so long (ms) for the next part of an answer of at most... */
#define PATIENCE_MS	5000
#define ANSWER_MAX	(4U << 20)
/* A screen has room for so many sessions; --json has them all. */
#define ROWS		20

static const struct status	*asked;
static const char		*path;		/* the socket's */

/* ---- asking -------------------------------------------------------------- */

static int
connect_to_exporter(const struct config *c)
{
	int fd;

	path = ((const struct sockaddr_un *)&c->status.ss)->sun_path;
	if (c->status.len == 0)
		errx(EX_CONFIG, "status-socket is \"\": there is none to ask");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, (const struct sockaddr *)&c->status.ss,
	    c->status.len) == -1)
		errx(errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE, "%s: %s: %s",
		    path, strerror(errno), errno == EACCES ? "status is for "
		    "root, or whom the service runs as (-U)" :
		    "no posternd runs with this configuration");
	if (fd != STATUS_FD && dup3(fd, STATUS_FD, O_CLOEXEC) == -1)
		err(EX_OSERR, "dup3");
	return STATUS_FD;
}

/* From here on it can read the answer, and write what it says. */
static void
confine(void)
{
	static char buffer[16384];
	const struct bounds_for bounds = { .max_connections = 0 };
	struct sock_fprog filter;

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);	/* asks nothing */
	tzset();
	json_object_seed(0);	/* jansson's would open a file */
	confine_no_new_privs();
	confine_no_new_code();
	if (!asked->one_uid)
		confine_drop_user(supervisor.exporter_uid,
		    supervisor.exporter_gid);
	confine_hide();
	confine_check_settled(asked->one_uid);
	filter_prepare(POLICY_STATUS, &filter);
	confine_landlock();
	bounds_apply(POLICY_STATUS, &bounds);
	filter_enter(POLICY_STATUS, &filter);
}

static _Noreturn void
no_answer(const char *why)
{
	errx(EX_UNAVAILABLE, "%s: %s: the exporter is down or hangs; the log "
	    "says why (event=exporter-died)", path, why);
}

static json_t *
read_answer(int fd)
{
	static char text[ANSWER_MAX];
	size_t len = 0;
	json_t *j;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		const struct timespec t = { .tv_sec = PATIENCE_MS / 1000 };
		ssize_t n;

		if (ppoll(&p, 1, &t, NULL) != 1)
			no_answer("no answer");
		n = recv(fd, text + len, sizeof text - len, 0);
		if (n == 0)
			break;
		if (n == -1)
			no_answer(strerror(errno));
		len += (size_t)n;
		if (len == sizeof text)
			no_answer("an answer without end");
	}
	j = json_loadb(text, len, 0, NULL);
	if (!json_is_object(j))
		no_answer(len == 0 ? "no answer" : "what it says is no answer");
	return j;
}

/* ---- what is in it ------------------------------------------------------- */

static long long
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* A text is ours, or a client's: as the exporter gave it, or escaped. */
static const char *
text(const json_t *o, const char *key, char to[512])
{
	const char *s = json_string_value(json_object_get(o, key));
	size_t len = s != NULL ? strlen(s) : 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < ' ' || s[i] > '~') {
			text_escape(to, 512, s, len);
			return to;
		}
	}
	return s != NULL ? s : "?";
}

/* "12s", "34m", "5h", "6d": the two largest units. */
static const char *
span(long long s, char to[64])
{
	const char *sign = s < 0 ? "-" : "";

	if (s < 0)
		s = s == LLONG_MIN ? LLONG_MAX : -s;
	if (s < 60)
		snprintf(to, 64, "%s%llds", sign, s);
	else if (s < 3600)
		snprintf(to, 64, "%s%lldm%llds", sign, s / 60, s % 60);
	else if (s < 86400)
		snprintf(to, 64, "%s%lldh%lldm", sign, s / 3600,
		    s % 3600 / 60);
	else
		snprintf(to, 64, "%s%lldd%lldh", sign, s / 86400,
		    s % 86400 / 3600);
	return to;
}

static const char *
bytes(long long n, char to[64])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB",
	    "PiB" };
	double v = (double)n;
	int unit = -1;

	while (v >= 1024 && unit < 4) {
		v /= 1024;
		unit++;
	}
	if (unit == -1)
		snprintf(to, 64, "%lld", n);
	else
		snprintf(to, 64, "%.1f %s", v, units[unit]);
	return to;
}

/* ---- the screen ---------------------------------------------------------- */

static void
print_service(const json_t *all)
{
	const json_t *s = json_object_get(all, "service");
	char version[512], up[64];

	printf("posternd %s, pid %lld, up %s, generation %lld; reloads: %lld, "
	    "failed: %lld\n", text(s, "version", version), number(s, "pid"),
	    span(number(s, "uptime"), up), number(s, "generation"),
	    number(s, "reloads"), number(s, "failed_reloads"));
}

static void
print_parents(const json_t *all)
{
	const json_t *parents = json_object_get(all, "parents"), *p;
	size_t i;

	json_array_foreach(parents, i, p) {
		char state[512], up[64];

		printf("parent      %-9s pid %lld, number %lld, generation "
		    "%lld, up %s\n", text(p, "state", state), number(p, "pid"),
		    number(p, "index"), number(p, "generation"),
		    span(number(p, "uptime"), up));
	}
}

static void
print_limits(const json_t *all)
{
	const json_t *limits = json_object_get(all, "limits"), *l;
	size_t i;

	json_array_foreach(limits, i, l) {
		bool rate = json_object_get(l, "now") == NULL;
		long long now = number(l, "now"), max = number(l, "max");
		char name[512];

		printf("limit       %s", text(l, "limit", name));
		if (!rate)
			printf(" %lld", now);
		if (max <= 0)
			puts(", without a limit");
		else if (rate)
			printf(" %lld a second\n", max);
		else
			printf(" of %lld (%.0f%%)\n", max,
			    100.0 * (double)now / (double)max);
	}
}

/* "name n, name n": those that are not zero. */
static void
print_counts(const char *title, const json_t *counts)
{
	const char *sep = "";
	const char *key;
	json_t *n;

	printf("%-11s", title);
	json_object_foreach((json_t *)(uintptr_t)counts, key, n) {
		char safe[128];

		if (json_integer_value(n) == 0)
			continue;
		text_escape(safe, sizeof safe, key, strlen(key));
		printf("%s %s %lld", sep, safe, (long long)
		    json_integer_value(n));
		sep = ",";
	}
	puts(sep[0] == '\0' ? " none" : "");
}

static void
print_expiry(const json_t *all)
{
	const json_t *files = json_object_get(all, "expiry"), *f;
	size_t i;

	json_array_foreach(files, i, f) {
		long long left = number(f, "left");
		char name[512], when[64];

		printf("expiry      %s %s%s\n", text(f, "file", name),
		    left < 0 ? "has expired, by " : "in ", span(left, when));
	}
}

static void
print_sessions(const json_t *all)
{
	const json_t *sessions = json_object_get(all, "sessions"), *s;
	long long open = number(all, "opened") - number(all, "closed");
	size_t i;

	printf("\n%lld sessions, %lld since the start\n", open,
	    number(all, "opened"));
	if (json_array_size(sessions) > 0)
		printf("%-24s %8s %10s %10s  %s\n", "ADDRESS", "AGE", "IN",
		    "OUT", "SUBJECT");
	json_array_foreach(sessions, i, s) {
		char address[512], subject[512], old[64], in[64], out[64];

		if (i == ROWS)
			break;
		printf("%-24s %8s %10s %10s  %s\n", text(s, "address", address),
		    span(number(s, "age"), old), bytes(number(s, "bytes_in"),
		    in), bytes(number(s, "bytes_out"), out),
		    text(s, "subject", subject));
	}
	if (json_array_size(sessions) > ROWS)
		printf("... and more: --json has up to 1000\n");
}

static void
print_screen(const json_t *all)
{
	print_service(all);
	print_parents(all);
	print_limits(all);
	print_counts("connections", json_object_get(all, "connections"));
	print_counts("refused", json_object_get(all, "refused"));
	print_counts("workers", json_object_get(all, "workers"));
	print_expiry(all);
	print_sessions(all);
}

int
status_run(const struct status *s)
{
	json_t *all;
	bool ok = true;

	asked = s;
	log_init("status", LOG_KIND_STREAM, LOG_ERR);
	confine_close_from(3);
	connect_to_exporter(s->config);
	confine();
	all = read_answer(STATUS_FD);
	if (s->json)
		ok = json_dumpf(all, stdout,
		    JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0 &&
		    putchar('\n') != EOF;
	else
		print_screen(all);
	json_decref(all);
	if (fflush(stdout) == EOF || !ok)
		err(EX_IOERR, "standard output");
	return 0;
}
