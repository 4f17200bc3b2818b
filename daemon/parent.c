/*
 * The parent's start, in the one order that is safe: the spawner before any
 * key is in memory; root given up before anything is parsed; confined before
 * anything is accepted.
 */
#include "parent.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "board.h"
#include "channel.h"
#include "confine.h"
#include "credentials.h"
#include "filter.h"
#include "handoff.h"
#include "limits.h"
#include "log.h"
#include "process.h"
#include "service.h"
#include "warmup.h"
#include "wipe.h"

static struct handoff	h;
static pid_t		spawner;
static int		life[2];	/* the workers' init reads the other end */

static void
read_handoff(void)
{
	if (pread(HANDOFF_FD, &h, sizeof h, 0) != (ssize_t)sizeof h ||
	    h.size != sizeof h)
		fatal(EX_PROTOCOL, "this is started by posternd, not by hand");
	close(HANDOFF_FD);
	log_init("parent", (enum log_kind)h.log_kind, h.config.log_level);
}

static int
start_spawner(void)
{
	struct spawner_setup s = { .size = sizeof s, .log_kind = h.log_kind,
	    .log_level = h.config.log_level, .isolation = h.config.isolation,
	    .pool_workers = (int32_t)h.config.pool_workers,
	    .max_connections = (int32_t)h.config.max_connections,
	    .one_uid = (int32_t)h.one_uid, .uid = h.worker_uid,
	    .gid = h.worker_gid };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1 ||
	    dup2(pair[0], PARENT_CHANNEL_FD) == -1 ||
	    pipe2(life, O_CLOEXEC) == -1)
		fatal(EX_OSERR, "socketpair: %s", strerror(errno));
	spawner = fork_bare();
	if (spawner == -1)
		fatal(EX_OSERR, "fork: %s", strerror(errno));
	if (spawner == 0) {
		const struct placement place[] = {
			{ pair[1], SPAWNER_CHANNEL_FD },
			{ life[0], SPAWNER_LIFE_FD },
		};

		exec_program(HANDOFF_WORKER_EXE, "postern-worker: spawner",
		    place, 2);
	}
	if (pair[0] != PARENT_CHANNEL_FD)
		close(pair[0]);
	close(pair[1]);
	close(life[0]);
	close(HANDOFF_WORKER_EXE);
	if (!channel_send(PARENT_CHANNEL_FD, &s, sizeof s, -1))
		fatal(EX_OSERR, "spawner: %s", strerror(errno));
	return PARENT_CHANNEL_FD;
}

/* Its own words are in the log already; its exit code becomes ours. */
static void
wait_for_spawner(int channel)
{
	struct spawner_event e;
	int fd, status;

	if (channel_recv(channel, &e, sizeof e, &fd) == 1 &&
	    e.type == SPAWNER_READY && fd == -1) {
		if (fcntl(channel, F_SETFL, O_NONBLOCK) == -1)
			fatal(EX_OSERR, "fcntl: %s", strerror(errno));
		return;
	}
	if (waitpid(spawner, &status, 0) == spawner && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	fatal(EX_UNAVAILABLE, "the spawner ended before it was ready");
}

/* Give up root, or with -U what little there is instead of it. */
static void
drop_root(void)
{
	if (h.one_uid) {
		if (unshare(CLONE_NEWUSER) == -1)
			fatal(EX_OSERR, "cannot make a user namespace: %s",
			    strerror(errno));
		confine_empty_root();
		confine_drop_capabilities();
	} else {
		confine_empty_root();
		confine_drop_user(h.uid, h.gid);
	}
	confine_die_with_parent(h.supervisor);
	confine_hide();
}

static struct tls *
load_credentials(void)
{
	int fd[FILE_COUNT];
	char why[1024];
	struct tls *server;

	for (int i = 0; i < FILE_COUNT; i++)
		fd[i] = HANDOFF_FILE + i;
	server = credentials_load(&h.config, fd, why, sizeof why);
	if (server == NULL)
		fatal(EX_CONFIG, "%s", why);
	for (int i = 0; i < FILE_COUNT; i++)
		close(fd[i]);
	return server;
}

static void
confine(void)
{
	/* two for each connection, and what the rest of us needs */
	confine_limits((uint64_t)h.config.max_connections * 2 +
	    PARENT_DESCRIPTORS);
	confine_landlock();
	filter_apply(POLICY_PARENT);
}

void
parent_tell_progress(void)
{
	ssize_t n = write(HANDOFF_PROGRESS, "", 1);

	(void)n;		/* a full pipe holds progress enough */
}

void
parent_replace_me(void)
{
	static bool told;

	if (!told)
		close(HANDOFF_PROGRESS);
	told = true;
}

void
parent_exit(int code)
{
	log_event(LOG_INFO, "stop", "parent %u of generation %u",
	    (unsigned)h.index, (unsigned)h.generation);
	_exit(code);
}

void
parent_main(void)
{
	struct tls *server;
	int channel;

	log_init("parent", LOG_KIND_STREAM, LOG_INFO);
	read_handoff();
	/* No large block by mmap, hence no mremap: board.h wants it so. */
	mallopt(M_MMAP_MAX, 0);
	if (!wipe_init())
		fatal(EX_SOFTWARE, "libcrypto is in use already");
	channel = start_spawner();
	drop_root();
	wait_for_spawner(channel);
	beneath_init();
	server = load_credentials();
	warmup(server, &h.config);
	board_map(HANDOFF_BOARD, h.slot, h.slots);
	close(HANDOFF_BOARD);
	service_prepare(&h.config);
	confine();
	warmup(server, &h.config);	/* again, as it will be */
	service_run(server, channel);
	tls_free(server);
	parent_exit(0);
}
