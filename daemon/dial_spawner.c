/*
 * The dial-spawner: starts the dialer of a local socket, and another when that
 * has ended because the service may have made its socket anew.
 *
 * A root that has that socket alone must be made where the name can be looked
 * up, and by who has the right to mount; a dialer has neither any more.  So
 * there is somebody beside it who keeps the system's root, and whom nobody can
 * tell anything: it hears how its child ends, and of no more than one end in a
 * second.  Whoever serves over TCP is at one address for good: then it becomes
 * the dialer itself.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "channel.h"
#include "confine.h"
#include "dialer.h"
#include "filter.h"
#include "handoff.h"
#include "log.h"
#include "process.h"
#include "title.h"

/* From one dialer's start to the next one's, at least (ms). */
#define BETWEEN_MS 1000

static struct dialer_setup	setup;
static struct sock_fprog	filter, dialer_filter;

static void
take_name(const char *name)
{
	char title[32] = "posternd: ";

	strcat(title, name);
	title_set(title);
	log_init(name, (enum log_kind)setup.log_kind, setup.log_level);
}

static void
read_setup(void)
{
	int fd;

	if (channel_recv(DIALER_CHANNEL_FD, &setup, sizeof setup, &fd) != 1 ||
	    fd != -1 || setup.size != sizeof setup || setup.deadline_ms < 1 ||
	    setup.deadline_ms > INT32_MAX)
		fatal(EX_PROTOCOL, "this is started by posternd, not by hand");
	take_name("dial-spawner");
	if (setup.rehearsal)
		filter_ask_tracer();
}

static void
drop_root(bool local)
{
	const struct confine_heir heir = { .one_uid = setup.one_uid,
	    .uid = setup.uid, .gid = setup.gid, .parent = setup.parent,
	    .root = local ? CONFINE_ROOT_KEPT : CONFINE_ROOT_EMPTY,
	    .own_users = local };

	confine_drop_root(&heir);
}

/*
 * Its filter is on each dialer, too; over TCP it is there before the dialer's,
 * so that these are under the same.
 */
static void
confine(bool local)
{
	const struct bounds_for f = { .log_is_file = bounds_log_is_file() };

	filter_prepare(POLICY_DIALER, &dialer_filter);
	filter_prepare(POLICY_DIAL_SPAWNER, &filter);
	if (local)
		bounds_apply(POLICY_DIAL_SPAWNER, &f);
	confine_check_dies_with_parent();
	confine_check_settled(setup.one_uid);
	filter_enter(POLICY_DIAL_SPAWNER, &filter);
}

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
wait_until(int64_t when)
{
	int64_t ms;

	while ((ms = when - now()) > 0)
		ppoll(NULL, 0, &(struct timespec){
		    .tv_sec = (time_t)(ms / 1000),
		    .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

/* A dialer that ends otherwise is not replaced: its parent is. */
static void
await_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		_exit(WTERMSIG(status) == SIGSYS ? PARENT_EXIT_CANARY :
		    EX_UNAVAILABLE);
	if (WEXITSTATUS(status) != DIALER_EXIT_STALE)
		_exit(WEXITSTATUS(status));
}

/*
 * In each dialer this returns: true in the first.  That there is no process to
 * be had passes; meanwhile clients wait, as long as they may.
 */
static bool
start_dialers(void)
{
	static struct log_limit told;

	for (bool first = true;; first = false) {
		int64_t began = now();
		pid_t pid = fork_bare();

		if (pid == 0)
			return first;
		if (pid == -1 && first)
			fatal(EX_OSERR, "fork: %s", strerror(errno));
		if (pid == -1)
			log_event_limited(LOG_ERR, "spawn-failed", &told,
			    began, "%s; it is tried again", strerror(errno));
		else
			await_end(pid);
		wait_until(began + BETWEEN_MS);
	}
}

/* The order is explained in DESIGN, "The order of confinement". */
void
dial_spawner_main(void)
{
	const pid_t self = getpid();
	bool first = true, local;

	confine_check_descriptors(DIALER_CHANNEL_FD + 1);
	read_setup();
	local = dialer_is_local(&setup);
	confine_ignore_signals();
	drop_root(local);
	confine(local);
	if (local)
		first = start_dialers();
	take_name("dialer");
	dialer_main(&setup, &dialer_filter, self, first);
}
