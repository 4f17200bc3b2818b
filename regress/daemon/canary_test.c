/*
 * The canary against spawners and workers that are not well: each is found out,
 * within its time, and said in one line.
 */
#include <atf-c.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "canary.h"
#include "channel.h"
#include "handoff.h"
#include "log.h"
#include "service.h"
#include "../lib/child.h"

#define PID 4711

/* What is wrong with whoever is at the other end of the channel. */
enum kind { WELL, DUMB, GONE, RUBBISH, NO_WORKER, DEAF, SHORT, WRONG, KILLED,
    KILLED_LATE, NO_END };

static struct config	config;
static int		channel;	/* the spawner's end */

/* ---- a spawner, and its worker ------------------------------------------- */

static void
tell(uint32_t type, int signal, int fd)
{
	struct spawner_event e = { .type = type, .pid = PID,
	    .signal = signal };

	MUST(channel_send(channel, &e, sizeof e, fd));
}

static bool
hear(void)
{
	struct spawner_want want;
	int fd;

	return channel_recv(channel, &want, sizeof want, &fd) == 1 &&
	    want.count == 1;
}

static void
echo(int fd, enum kind kind)
{
	static char block[65536];
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) > 0) {
		if (kind == WRONG)
			block[n / 2] ^= 1;
		for (ssize_t at = 0, m; at < n; at += m)
			if ((m = write(fd, block + at, (size_t)(n - at))) <= 0)
				return;
		if (kind == SHORT)
			return;
	}
}

/* One worker, which is this process too. */
static void
work(enum kind kind)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	tell(SPAWNER_WORKER, 0, pair[0]);
	close(pair[0]);
	if (kind == DEAF)
		pause();
	if (kind != KILLED)
		echo(pair[1], kind);
	close(pair[1]);
}

static _Noreturn void
play(enum kind kind)
{
	signal(SIGPIPE, SIG_IGN);
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
	MUST(hear());
	if (kind == DUMB)
		pause();
	if (kind == RUBBISH)
		MUST(send(channel, "rubbish", 7, 0) == 7);
	if (kind == NO_WORKER)
		tell(SPAWNER_WORKER, 0, -1);
	if (kind != GONE && kind != RUBBISH && kind != NO_WORKER)
		work(kind);
	if (kind == KILLED || kind == KILLED_LATE)
		tell(SPAWNER_DIED, SIGSYS, -1);
	else if (kind != NO_END && kind != GONE)
		tell(SPAWNER_ENDED, 0, -1);
	/* its end is its parent's */
	for (char c; kind != GONE && read(channel, &c, 1) > 0;)
		continue;
	_exit(0);
}

/* ---- the parent ---------------------------------------------------------- */

static void
run(void *arg)
{
	enum kind kind = *(enum kind *)arg;
	int pair[2], log = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	MUST(log != -1 && dup2(log, STDERR_FILENO) != -1);
	log_init("parent", LOG_KIND_STREAM, LOG_INFO);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	channel = pair[1];
	switch (fork()) {
	case -1:
		MUST(false);
		break;
	case 0:
		close(pair[0]);
		play(kind);
	default:
		close(pair[1]);
	}
	MUST(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
	config.isolation = ISOLATION_CONNECTION;
	service.config = &config;
	service.base = event_base_new();
	service.accepting = true;
	canary_run(&(const struct helpers){ pair[0], -1, -1 });
}

static bool
log_has(const char *words)
{
	static char text[8192];
	FILE *f = fopen("log", "r");
	size_t n;

	ATF_REQUIRE(f != NULL);
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	printf("%s", text);
	return strstr(text, words) != NULL;
}

static void
check_fails(enum kind kind, const char *words)
{
	int status = in_child(run, &kind);

	ATF_CHECK_MSG(WIFEXITED(status) &&
	    WEXITSTATUS(status) == PARENT_EXIT_CANARY, "kind %d: status %#x",
	    (int)kind, (unsigned)status);
	ATF_CHECK_MSG(log_has(words), "kind %d: not said: %s", (int)kind,
	    words);
	ATF_CHECK(log_has("process=parent event=canary "));
}

/* ---- the cases ----------------------------------------------------------- */

ATF_TC_WITHOUT_HEAD(well);
ATF_TC_BODY(well, tc)
{
	enum kind kind = WELL;

	ATF_CHECK_EQ(0, in_child(run, &kind));
	ATF_CHECK(log_has("event=canary result=ok workers=1 "));
}

ATF_TC_WITHOUT_HEAD(bad_spawner);
ATF_TC_BODY(bad_spawner, tc)
{
	check_fails(GONE, "the spawner ended");
	check_fails(RUBBISH, "the spawner: ");
	check_fails(NO_WORKER, "the spawner sent what was not asked for");
}

ATF_TC_WITHOUT_HEAD(bad_worker);
ATF_TC_BODY(bad_worker, tc)
{
	check_fails(SHORT, "did not live through an echo");
	check_fails(WRONG, "returned something else than it got");
	check_fails(KILLED, "worker=4711 signal=SYS ");
	check_fails(KILLED_LATE, "worker=4711 signal=SYS ");
}

/* Whoever says nothing does not hold the start up for ever. */
ATF_TC_WITHOUT_HEAD(no_spawner_answers);
ATF_TC_BODY(no_spawner_answers, tc)
{
	check_fails(DUMB, "no worker came from the spawner within ");
}

ATF_TC_WITHOUT_HEAD(no_worker_answers);
ATF_TC_BODY(no_worker_answers, tc)
{
	check_fails(DEAF, "a worker did not echo within ");
}

ATF_TC_WITHOUT_HEAD(no_end_is_told);
ATF_TC_BODY(no_end_is_told, tc)
{
	check_fails(NO_END, "nothing was heard of a worker's end within ");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, well);
	ATF_TP_ADD_TC(tp, bad_spawner);
	ATF_TP_ADD_TC(tp, bad_worker);
	ATF_TP_ADD_TC(tp, no_spawner_answers);
	ATF_TP_ADD_TC(tp, no_worker_answers);
	ATF_TP_ADD_TC(tp, no_end_is_told);
	return atf_no_error();
}
