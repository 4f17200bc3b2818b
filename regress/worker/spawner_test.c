/*
 * The spawner, confined as ever, with a parent that is this test: does it tell
 * of every end?
 */
#include <atf-c.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "log.h"
#include "worker.h"

#define NOBODY		65534
#define PATIENCE_MS	20000

static pid_t	spawner;
static int	channel;
static pid_t	worker[4096];	/* in the order in which they came */
static uint32_t	workers;
static pid_t	told[4];	/* whose ends were told */
static uint32_t	ends;

static _Noreturn void
be_spawner(int sock, int life)
{
	if (dup2(sock, 20) == -1 || dup2(life, 21) == -1 ||
	    dup2(20, SPAWNER_CHANNEL_FD) == -1 ||
	    dup2(21, SPAWNER_LIFE_FD) == -1 ||
	    syscall(SYS_close_range, SPAWNER_FD_END, ~0U, 0U) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		_exit(99);
	log_init("spawner", LOG_KIND_STREAM, LOG_INFO);
	spawner_main(SPAWNER_ECHO);
}

static void
start(void)
{
	const struct spawner_setup s = { .size = sizeof s,
	    .log_kind = LOG_KIND_STREAM, .log_level = LOG_INFO,
	    .kind = SPAWNER_ECHO, .idle_ms = 60000, .pool_workers = 1,
	    .max_connections = 4000, .parent = getpid(), .uid = NOBODY,
	    .gid = NOBODY };
	int pair[2], life[2];
	struct spawner_event e;
	int fd;

	ATF_REQUIRE_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	ATF_REQUIRE_EQ(0, pipe(life));
	spawner = fork();
	ATF_REQUIRE(spawner != -1);
	if (spawner == 0)
		be_spawner(pair[1], life[0]);
	close(pair[1]);
	close(life[0]);		/* the other end goes with us */
	channel = pair[0];
	ATF_REQUIRE(channel_send(channel, &s, sizeof s, -1));
	ATF_REQUIRE_EQ(1, channel_recv(channel, &e, sizeof e, &fd));
	ATF_REQUIRE_EQ(SPAWNER_READY, e.type);
}

static void
wish(void)
{
	const struct spawner_want want = { .count = 1 };

	ATF_REQUIRE(channel_send(channel, &want, sizeof want, -1));
}

/* A worker, whose other end stays open here; or somebody's end. */
static void
hear(void)
{
	struct spawner_event e;
	int fd;

	ATF_REQUIRE_EQ(1, channel_recv(channel, &e, sizeof e, &fd));
	if (e.type == SPAWNER_WORKER) {
		ATF_REQUIRE(fd != -1 && workers < 4096);
		worker[workers++] = e.pid;
	} else {
		ATF_REQUIRE_EQ(SPAWNER_DIED, e.type);
		ATF_REQUIRE(ends < 4);
		told[ends++] = e.pid;
	}
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
is_dead(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	ATF_REQUIRE(f != NULL);
	ATF_REQUIRE_EQ(1, fscanf(f, "%*d (%*[^)]) %c", &state));
	fclose(f);
	return state == 'Z';
}

/* Both at once, as the spawner sees it: one signal tells of both. */
static void
kill_both(pid_t one, pid_t other)
{
	const struct timespec t = { .tv_nsec = 10000000 };
	int status;

	ATF_REQUIRE_EQ(0, kill(spawner, SIGSTOP));
	ATF_REQUIRE_EQ(spawner, waitpid(spawner, &status, WUNTRACED));
	ATF_REQUIRE_EQ(0, kill(one, SIGKILL));
	ATF_REQUIRE_EQ(0, kill(other, SIGKILL));
	while (!is_dead(one) || !is_dead(other))
		nanosleep(&t, NULL);
	ATF_REQUIRE_EQ(0, kill(spawner, SIGCONT));
}

/* There is always a wish for it, so that it has never a moment's rest. */
ATF_TC(busy);
ATF_TC_HEAD(busy, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(busy, tc)
{
	struct pollfd p = { .events = POLLIN };
	int64_t until;

	start();
	p.fd = channel;
	wish();
	wish();
	while (workers < 2)
		hear();
	kill_both(worker[0], worker[1]);
	until = now_ms() + PATIENCE_MS;
	while (ends < 2 && now_ms() < until) {
		wish();
		while (poll(&p, 1, 25) == 1)
			hear();
	}
	ATF_REQUIRE_EQ_MSG(2, ends, "%u ends were told", ends);
	ATF_CHECK(told[0] != told[1]);
	ATF_CHECK(told[0] == worker[0] || told[0] == worker[1]);
	ATF_CHECK(told[1] == worker[0] || told[1] == worker[1]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, busy);
	return atf_no_error();
}
