/*
 * A parent without clients: starts a resolver, as posternd does and under the
 * supervisor's filter, and asks it what is on its standard input.
 *
 *	resolver_helper [-d ms] [-s address:port]...
 *
 * Each line holds addresses, which are asked for at once; a line is printed
 * for each answer, in the order in which they come:
 *
 *	ADDRESS STATUS NAME,NAME... DETAIL
 *
 * STATUS is answered, timeout, failed or lost; no name is "-".  The line
 * "hostile" sends what is no question.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "addr.h"
#include "channel.h"
#include "confine.h"
#include "filter.h"
#include "handoff.h"
#include "log.h"
#include "lookup.h"
#include "title.h"

#define CHANNEL		PARENT_RESOLVER_FD	/* the filter knows it */
#define ASKED_MAX	512

static struct resolver_setup setup = { .log_level = LOG_DEBUG,
    .deadline_ms = 3000 };

static void
add_server(const char *s)
{
	struct config_listen *l = &setup.server[setup.servers];

	if (setup.servers == RESOLVER_SERVERS || !addr_parse(s, &l->ss,
	    &l->len))
		errx(EX_USAGE, "%s: not a server", s);
	setup.servers++;
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "d:s:")) != -1) {
		if (c == 'd')
			setup.deadline_ms = atoi(optarg);
		else if (c == 's')
			add_server(optarg);
		else
			exit(EX_USAGE);
	}
}

/* As root it becomes somebody; else it does as with -U. */
static void
choose_user(void)
{
	const struct passwd *pw = getpwnam("nobody");

	setup.one_uid = geteuid() != 0;
	if (!setup.one_uid && pw == NULL)
		errx(EX_NOUSER, "nobody: no such user");
	setup.uid = pw != NULL ? pw->pw_uid : 0;
	setup.gid = pw != NULL ? pw->pw_gid : 0;
}

static void
start(void)
{
	struct sock_fprog filter;
	int exe = open("/proc/self/exe", O_PATH | O_CLOEXEC), status;

	if (exe == -1)
		err(EX_OSERR, "/proc/self/exe");
	confine_no_new_privs();
	filter_prepare(POLICY_SUPERVISOR, &filter);
	filter_enter(POLICY_SUPERVISOR, &filter);
	lookup_start(&setup, exe, CHANNEL);
	if (!lookup_wait(CHANNEL, &status))
		errx(WIFEXITED(status) ? WEXITSTATUS(status) : EX_UNAVAILABLE,
		    "no resolver");
}

static bool
parse_address(const char *s, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof *ss);
	ss->ss_family = strchr(s, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(ss->ss_family, s, ss->ss_family == AF_INET ?
	    (void *)&in->sin_addr : (void *)&in6->sin6_addr) == 1;
}

static void
show(const char *address, const struct resolver_answer *a)
{
	static const char *const words[] = { "answered", "timeout", "failed" };

	printf("%s %s ", address, words[a->status]);
	for (uint32_t i = 0; i < a->names; i++)
		printf("%s%s", i > 0 ? "," : "", a->name[i]);
	printf("%s %s\n", a->names > 0 ? "" : "-", a->detail);
	fflush(stdout);
}

static void
ask_one(const char *address)
{
	struct sockaddr_storage ss;
	struct resolver_answer a;

	if (!parse_address(address, &ss))
		errx(EX_USAGE, "%s: not an address", address);
	if (lookup_once(CHANNEL, &ss, setup.deadline_ms + 2000, &a)) {
		show(address, &a);
	} else {
		printf("%s lost - -\n", address);
		fflush(stdout);
	}
}

/* The bare channel: many questions, then their answers as they come. */
static void
ask_many(char **address, uint32_t n)
{
	static struct resolver_answer a;

	for (uint32_t i = 0; i < n; i++) {
		struct resolver_query q = { .id = i };

		q.family = strchr(address[i], ':') != NULL ? AF_INET6 :
		    AF_INET;
		if (inet_pton(q.family, address[i], q.address) != 1)
			errx(EX_USAGE, "%s: not an address", address[i]);
		if (!channel_send(CHANNEL, &q, sizeof q, -1))
			err(EX_OSERR, "question %u", (unsigned)i);
	}
	for (uint32_t left = n; left > 0;) {
		struct pollfd p = { .fd = CHANNEL, .events = POLLIN };
		struct timespec t = { .tv_sec = 30 };
		int fd;

		if (ppoll(&p, 1, &t, NULL) != 1 ||
		    channel_recv(CHANNEL, &a, sizeof a, &fd) != 1 || a.id >= n)
			errx(EX_PROTOCOL, "%u answers are missing",
			    (unsigned)left);
		show(address[a.id], &a);
		left--;
	}
}

static void
be_hostile(void)
{
	struct resolver_query q = { .family = AF_UNIX };

	channel_send(CHANNEL, &q, sizeof q, -1);
}

static void
serve_line(char *line)
{
	static char *address[ASKED_MAX];
	char *rest, *word;
	uint32_t n = 0;

	for (word = strtok_r(line, " \n", &rest); word != NULL && n < ASKED_MAX;
	    word = strtok_r(NULL, " \n", &rest))
		address[n++] = word;
	if (n == 1 && strcmp(address[0], "hostile") == 0)
		be_hostile();
	else if (n == 1)
		ask_one(address[0]);
	else
		ask_many(address, n);
}

int
main(int argc, char **argv)
{
	static char line[65536];

	if (argc == 1 && strcmp(argv[0], "posternd: resolver") == 0) {
		title_init(argc, argv);
		title_set("posternd: resolver");
		resolver_main();
	}
	parse_options(argc, argv);
	choose_user();
	signal(SIGPIPE, SIG_IGN);
	log_init("helper", LOG_KIND_STREAM, LOG_DEBUG);
	start();
	while (fgets(line, sizeof line, stdin) != NULL)
		serve_line(line);
	return 0;
}
