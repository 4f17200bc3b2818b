/*
 * The parent's start, in the one order that is safe: the spawner before any
 * key is in memory; root given up before anything is parsed; confined before
 * anything is accepted.
 */
#include "parent.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "board.h"
#include "bounds.h"
#include "canary.h"
#include "channel.h"
#include "confine.h"
#include "credentials.h"
#include "dial.h"
#include "ec.h"
#include "expiry.h"
#include "filter.h"
#include "handoff.h"
#include "log.h"
#include "lookup.h"
#include "process.h"
#include "resolver.h"
#include "secret.h"
#include "service.h"
#include "warmup.h"

static struct handoff	h;
static pid_t		spawner;
static struct helpers	helpers;
static struct credentials own;
static int		life[2];	/* workers' init has the other end */
static struct sock_fprog filter;

static void
read_handoff(void)
{
	if (pread(HANDOFF_FD, &h, sizeof h, 0) != (ssize_t)sizeof h ||
	    h.size != sizeof h)
		fatal(EX_PROTOCOL, "this is started by posternd, not by hand");
	confine_check_descriptors(HANDOFF_LISTEN + (int)h.config.listens);
	close(HANDOFF_FD);
	log_init("parent", (enum log_kind)h.log_kind, h.config.log_level);
	if (h.rehearsal)
		filter_ask_tracer();
}

/*
 * All that we start ends with us, even what is stopped or not ours any more:
 * prctl(2)'s parent-death signal is not sent to another user's process, but
 * this is.  When the kernel closes our end of the pipe, it sends SIGKILL to our
 * process group, which none of them can leave; the other end is init's.
 */
static void
make_life_line(void)
{
	const struct f_owner_ex us = { F_OWNER_PGRP, getpid() };
	struct f_owner_ex now = { 0 };

	if (setpgid(0, 0) == -1 || pipe2(life, O_CLOEXEC) == -1 ||
	    fcntl(life[0], F_SETSIG, SIGKILL) == -1 ||
	    fcntl(life[0], F_SETOWN_EX, &us) == -1 ||
	    fcntl(life[0], F_SETFL, O_ASYNC) == -1 ||
	    fcntl(life[0], F_GETOWN_EX, &now) == -1 ||
	    now.type != us.type || now.pid != us.pid ||
	    fcntl(life[0], F_GETSIG) != SIGKILL ||
	    (fcntl(life[0], F_GETFL) & O_ASYNC) == 0)
		fatal(EX_OSERR, "the workers' life line: %s", strerror(errno));
}

static int
start_spawner(void)
{
	const enum spawner_kind kind = config_spawner(&h.config);
	struct spawner_setup s = { .size = sizeof s, .log_kind = h.log_kind,
	    .log_level = h.config.log_level, .kind = kind,
	    .idle_ms = (int32_t)h.config.idle_ms,
	    .pool_workers = (int32_t)h.config.pool_workers,
	    .max_connections = (int32_t)h.config.max_connections,
	    .parent = (int32_t)getpid(),
	    .one_uid = (int32_t)h.one_uid,
	    .rehearsal = (int32_t)h.rehearsal, .uid = h.worker_uid,
	    .gid = h.worker_gid };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1 ||
	    dup2(pair[0], PARENT_CHANNEL_FD) == -1)
		fatal(EX_OSERR, "socketpair: %s", strerror(errno));
	make_life_line();
	spawner = fork_bare();
	if (spawner == -1)
		fatal(EX_OSERR, "fork: %s", strerror(errno));
	if (spawner == 0) {
		const struct placement place[] = {
			{ pair[1], SPAWNER_CHANNEL_FD },
			{ life[0], SPAWNER_LIFE_FD },
		};

		exec_program(HANDOFF_WORKER_EXE, spawner_title[kind], place, 2);
	}
	if (pair[0] != PARENT_CHANNEL_FD)
		close(pair[0]);
	close(pair[1]);
	close(life[0]);
	close(HANDOFF_WORKER_EXE);
	/* Who has ended already is missed in wait_for_spawner. */
	if (!channel_send(PARENT_CHANNEL_FD, &s, sizeof s, -1) &&
	    errno != EPIPE)
		fatal(EX_OSERR, "spawner: %s", strerror(errno));
	return PARENT_CHANNEL_FD;
}

/*
 * Where our own program was, hence the last to be started from it; returns the
 * channel, -1 if none is wanted.
 */
static int
start_dialer(void)
{
	const struct dialer_setup s = { .log_kind = h.log_kind,
	    .log_level = h.config.log_level, .one_uid = h.one_uid,
	    .rehearsal = h.rehearsal, .uid = h.dialer_uid, .gid = h.dialer_gid,
	    .deadline_ms = h.config.connect_ms, .to = h.config.relay_to };

	if (h.config.worker == WORKER_RELAY) {
		dial_start(&s, HANDOFF_DAEMON_EXE, PARENT_DIALER_FD);
		return PARENT_DIALER_FD;
	}
	close(HANDOFF_DAEMON_EXE);
	return -1;
}

/* Where the worker's program was; returns the channel, -1 if none is wanted. */
static int
start_resolver(void)
{
	struct resolver_setup s = { .size = sizeof s, .log_kind = h.log_kind,
	    .log_level = h.config.log_level, .one_uid = h.one_uid,
	    .rehearsal = h.rehearsal,
	    .uid = h.resolver_uid, .gid = h.resolver_gid,
	    .parent = (int32_t)getpid(), .deadline_ms = h.config.resolve_ms,
	    .servers = h.config.servers };
	int channel = config_resolves(&h.config) ? PARENT_RESOLVER_FD : -1;

	memcpy(s.server, h.config.server, sizeof s.server);
	if (channel != -1)
		lookup_start(&s, HANDOFF_DAEMON_EXE, channel);
	return channel;
}

static void
start_helpers(void)
{
	helpers.spawner = start_spawner();
	helpers.resolver = start_resolver();
	helpers.dialer = start_dialer();
}

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
	if (waitpid(spawner, &status, 0) != spawner)
		status = 0;
	parent_lost("spawner", status);
}

/* Each of them is confined, or we are not to go on. */
static void
wait_for_helpers(void)
{
	int status;

	wait_for_spawner(helpers.spawner);
	if (helpers.resolver != -1 && !lookup_wait(helpers.resolver, &status))
		parent_lost("resolver", status);
	if (helpers.dialer != -1 && !dial_wait(helpers.dialer, &status))
		parent_lost("dialer", status);
}

void
parent_lost(const char *who, int status)
{
	bool filtered = WIFSIGNALED(status) ? WTERMSIG(status) == SIGSYS :
	    WEXITSTATUS(status) == PARENT_EXIT_CANARY;

	if (!filtered && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	if (!filtered)
		fatal(EX_UNAVAILABLE, "the %s ended before it was ready", who);
	log_event(LOG_ERR, "canary", "the %s was killed by a filter before it "
	    "was ready", who);
	_exit(PARENT_EXIT_CANARY);
}

static void
drop_root(void)
{
	const struct confine_heir heir = { .one_uid = h.one_uid, .uid = h.uid,
	    .gid = h.gid, .parent = h.supervisor,
	    .root = CONFINE_ROOT_EMPTY };

	confine_drop_root(&heir);
}

/*
 * Before anything is parsed; the filter is compiled while a file may be made.
 */
static void
bound(void)
{
	const struct bounds_for f = {
	    .max_connections = h.config.max_connections,
	    .share = board_share(h.config.max_connections, h.config.parents),
	    .log_is_file = bounds_log_is_file() };

	filter_prepare(POLICY_PARENT, &filter);
	bounds_apply(POLICY_PARENT, &f);
}

/* CA and CRL stay open: newer ones will take their places (news.c). */
static void
load_credentials(void)
{
	struct credential_files files;
	int fd[FILE_COUNT];
	char why[1024];
	bool later = false;

	for (int i = 0; i < FILE_COUNT; i++)
		fd[i] = HANDOFF_FILE + i;
	if (h.config.file[FILE_CRL][0] == '\0')
		fd[FILE_CRL] = -1;
	if (!credentials_read(&h.config, fd, &files, why, sizeof why) ||
	    !credentials_load(&h.config, &files, &own, &later, why,
	    sizeof why))
		/* What the watch has found it may try again. */
		fatal(later && h.by_watch ? EX_TEMPFAIL : EX_CONFIG, "%s",
		    why);
	service.server = own.server;
	service.gate.rules = &h.config.rules;
	service.gate.authorities = own.authorities;
	close(fd[FILE_CERTIFICATE]);
	close(fd[FILE_KEY]);
	if (h.by_watch && fd[FILE_CRL] != -1 && !credentials_may_replace(
	    &h.config, &own, HANDOFF_OLD_CRL, &later, why, sizeof why))
		fatal(later ? EX_TEMPFAIL : EX_CONFIG, "%s", why);
	close(HANDOFF_OLD_CRL);
}

/* One parent of them all says what will run out. */
static void
watch_expiry(void)
{
	credentials_count(own.authorities, own.leaf);
	if (h.index == 0) {
		credentials_watch_expiry(&h.config, &own);
		expiry_start(service.base);
	}
	X509_free(own.leaf);
	own.leaf = NULL;
}

void
parent_new_crl(const struct authorities *a)
{
	credentials_count(a, NULL);
	if (h.index == 0)
		credentials_watch_crls(&h.config, a);
}

static void
join_crowd(void)
{
	static struct crowd_rules r;

	memcpy(r.key, h.crowd_key, sizeof r.key);
	r.bits4 = h.config.prefix4;
	r.bits6 = h.config.prefix6;
	r.rate = h.config.accept_rate;
	r.burst = h.config.accept_burst;
	crowd_start(board_own_crowd(), &r);
	board_limit(board_share(h.config.max_connections, h.config.parents),
	    board_share(h.config.max_handshakes, h.config.parents));
}

static void
confine(void)
{
	judge_prepare();
	confine_check_dies_with_parent();
	confine_check_settled(h.one_uid);
	confine_landlock();
	filter_enter(POLICY_PARENT, &filter);
}

/* Once the pipe is closed its number may be a client's. */
static bool	replaced;

void
parent_tell_progress(void)
{
	ssize_t n = replaced ? 0 : write(HANDOFF_PROGRESS, "", 1);

	(void)n;		/* a full pipe holds progress enough */
}

void
parent_replace_me(void)
{
	if (!replaced)
		close(HANDOFF_PROGRESS);
	replaced = true;
}

static _Noreturn void
end(void)
{
	conn_log_left_out();
	log_left_out();
	log_event(LOG_INFO, "stop", "parent %u of generation %u",
	    (unsigned)h.index, (unsigned)h.generation);
	_exit(0);
}

void
parent_main(void)
{
	read_handoff();
	/* No large block by mmap, hence no mremap: board.h wants it so. */
	mallopt(M_MMAP_MAX, 0);
	start_helpers();
	canary_prepare(&h.config);
	secret_init();
	drop_root();
	wait_for_helpers();
	bound();
	beneath_init();
	ec_init();
	load_credentials();
	warmup(service.server, &service.gate, &h.config);
	secret_settle();
	board_map(HANDOFF_BOARD, h.slot, h.slots);
	close(HANDOFF_BOARD);
	join_crowd();
	service_prepare(&h.config);
	watch_expiry();
	confine();
	/* again, as it will be */
	warmup(service.server, &service.gate, &h.config);
	canary_run(&helpers);
	if (h.rehearsal)
		_exit(0);
	service_run(&helpers, !h.trial);
	if (service.open == 0)
		tls_free(service.server);
	end();
}
