/*
 * The supervisor's loop.  Signals are blocked but while it waits, so that none
 * is missed; everything else it does is in generation.c.
 */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "activation.h"
#include "keeper.h"
#include "notify.h"
#include "rehearsal.h"
#include "rlimits.h"
#include "watch.h"

struct supervisor supervisor;

static volatile sig_atomic_t got_hup, got_term;
static sigset_t waiting;
static int64_t	kill_at;	/* when a stop's patience ends; 0: no stop */
static bool	reload_again;
static bool	reading;	/* the configuration, for a reload */
static uint32_t	failed_beside;	/* the generation that went on; 0: none did */

static void
on_signal(int sig)
{
	if (sig == SIGHUP)
		got_hup = 1;
	else if (sig == SIGTERM || sig == SIGINT)
		got_term++;
}

static void
set_signals(void)
{
	static const int ours[] = { SIGHUP, SIGTERM, SIGINT, SIGCHLD };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		sigaddset(&block, ours[i]);
		sigaction(ours[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigprocmask(SIG_SETMASK, &block, &waiting);
	sigdelset(&waiting, SIGHUP);
	sigdelset(&waiting, SIGTERM);
	sigdelset(&waiting, SIGINT);
	sigdelset(&waiting, SIGCHLD);
}

int64_t
supervisor_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
supervisor_sooner(int64_t a, int64_t b)
{
	return a == -1 || (b != -1 && b < a) ? b : a;
}

void
supervisor_reload_failed(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	failed_beside = generation_number();
	metric_add(&service_metrics->reloads_failed, 1);
	log_event(LOG_ERR, "reload", "failed: %s", text);
}

/*
 * What only a restart can change: the users were looked up before the filter.
 */
static const char *
needs_restart(const struct config *c)
{
	const struct config *old = generation_current();

	if (!supervisor.one_uid && (strcmp(c->user, supervisor.user) != 0 ||
	    strcmp(c->worker_user, supervisor.worker_user) != 0))
		return "user, worker-user: a change needs a restart";
	if (!supervisor.one_uid && config_resolves(c) &&
	    strcmp(c->resolver_user, supervisor.resolver_user) != 0)
		return "resolver-user: a change, or a host-check that is the "
		    "first to need it, needs a restart";
	if (!supervisor.one_uid && c->worker == WORKER_RELAY &&
	    strcmp(c->dialer_user, supervisor.dialer_user) != 0)
		return "dialer-user: a change, or a worker that is the first "
		    "to need it, needs a restart";
	if (old != NULL && (!config_same_listen(&old->metrics, &c->metrics) ||
	    !config_same_listen(&old->status, &c->status) ||
	    strcmp(old->exporter_user, c->exporter_user) != 0))
		return "metrics, status-socket, exporter-user: a change needs "
		    "a restart";
	if (old != NULL && old->log_syslog != c->log_syslog)
		return "log { to }: a change needs a restart";
	if (c->parents * SLOTS_PER_PARENT > supervisor.slots)
		return "parents: more than at the start needs a restart";
	return config_exceeds_limits(c);
}

/* By what is, not by how it came to be: so no reload stays unanswered. */
static enum notify_state
manager_state(void)
{
	static bool was_ready;
	bool again = reading || generation_starting() || reload_again;

	if (kill_at != 0)
		return NOTIFY_STOPPING;
	if (generation_current() == NULL)
		return NOTIFY_STARTING;
	if (was_ready && again)
		return NOTIFY_RELOADING;
	was_ready = true;
	return NOTIFY_READY;
}

static void
manager_status(enum notify_state state, char *to, size_t size)
{
	const struct config *c = generation_current();
	unsigned number = generation_number();

	switch (state) {
	case NOTIFY_STARTING:
		snprintf(to, size, "starting");
		break;
	case NOTIFY_READY:
		snprintf(to, size, "generation %u serves, with %u parents%s",
		    number, (unsigned)c->parents, failed_beside == number ?
		    "; the last reload failed: the log says why" : "");
		break;
	case NOTIFY_RELOADING:
		snprintf(to, size, "generation %u serves, another starts",
		    number);
		break;
	case NOTIFY_STOPPING:
		snprintf(to, size, "no more clients are taken; the last "
		    "sessions end");
		break;
	}
}

void
supervisor_tell_manager(void)
{
	enum notify_state state = manager_state();
	char status[256];

	manager_status(state, status, sizeof status);
	notify_state(state, status, kill_at - supervisor_now() + GRACE_MS);
}

static bool
may_reload(void)
{
	return !generation_starting() && generation_room();
}

static void
reload(void)
{
	static struct config c;
	const char *wrong;
	char why[1024];
	bool ok;

	if (!may_reload()) {
		reload_again = true;	/* when it may, from the files then */
		return;
	}
	/* Also where it is over in no time. */
	reading = true;
	supervisor_tell_manager();
	reading = false;
	failed_beside = 0;
	watch_forget();
	ok = config_read(supervisor.config_path, &c, why, sizeof why) &&
	    activation_resolve(&c, supervisor.config_path, why, sizeof why);
	if (ok && (wrong = needs_restart(&c)) != NULL) {
		supervisor_reload_failed("%s: %s; the old generation goes on",
		    supervisor.config_path, wrong);
		return;
	}
	if (ok) {
		log_level(supervisor.verbose ? LOG_DEBUG : c.log_level);
		if (supervisor.verbose)
			c.log_level = LOG_DEBUG;
		ok = generation_start(&c, false, why, sizeof why);
	}
	if (!ok)
		supervisor_reload_failed("%s; the old generation goes on",
		    why);
}

static void
stop(void)
{
	const struct config *c = generation_current();

	if (kill_at != 0 || c == NULL) {	/* the second: at once */
		kill_at = supervisor_now();
		generation_stop();
		generation_signal_all(SIGKILL);
		return;
	}
	log_event(LOG_INFO, "drain", "up to %lld.%03d s, then the end",
	    (long long)(c->drain_ms / 1000), (int)(c->drain_ms % 1000));
	generation_stop();
	/*
	 * Its parents take who is in the queue; a successor can have the port.
	 */
	listener_turn_away();
	listener_close_unused(NULL, NULL);
	activation_close();
	generation_signal_all(SIGTERM);
	kill_at = supervisor_now() + c->drain_ms + GRACE_MS;
}

static int
reap(void)
{
	int status, code = -1;
	pid_t pid;

	while (code == -1 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (rehearsal_reaped(pid))
			code = EX_SOFTWARE;
		else if (!keeper_reaped(pid, status))
			code = generation_reaped(pid, status);
	return code;
}

static int
act_on_signals(void)
{
	int terms = got_term;

	got_term -= terms;
	while (terms-- > 0)
		stop();
	if (got_hup) {
		got_hup = 0;
		reload();
	} else if (reload_again && may_reload()) {
		reload_again = false;
		reload();
	}
	return reap();
}

/* Kill what outlives a stop's patience; ms until then, or -1. */
static int64_t
stop_tick(void)
{
	int64_t left = kill_at - supervisor_now();

	if (kill_at == 0)
		return -1;
	if (left > 0)
		return left;
	generation_signal_all(SIGKILL);
	return 1000;
}

/* Do what is due; ms until something else is, or -1. */
static int64_t
tick(void)
{
	int64_t ms = -1;

	if (kill_at == 0)
		ms = watch_tick();
	ms = supervisor_sooner(ms, generation_tick());
	ms = supervisor_sooner(ms, stop_tick());
	ms = supervisor_sooner(ms, keeper_tick());
	supervisor_tell_manager();
	ms = supervisor_sooner(ms, notify_watchdog(generation_well()));
	return reload_again && may_reload() ? 0 : ms;
}

static void
wait_for_something(void)
{
	static struct pollfd p[CONFIG_PARENTS_MAX * SLOTS_PER_PARENT];
	int64_t ms = tick();
	int n = generation_poll(p, (int)(sizeof p / sizeof p[0])), heard;
	struct timespec tv = { .tv_sec = ms / 1000,
	    .tv_nsec = (long)(ms % 1000) * 1000000 };

	heard = ppoll(p, (nfds_t)n, ms == -1 ? NULL : &tv, &waiting);
	for (int i = 0; heard > 0 && i < n; i++)
		if (p[i].revents != 0)
			generation_heard(&p[i]);
}

/* Whoever started us does not see syslog. */
static void
tell_terminal(const char *what)
{
	if (supervisor.terminal != -1)
		dprintf(supervisor.terminal, "posternd: %s\n", what);
}

int
supervisor_run(const struct config *first)
{
	char why[1024];
	int code = -1;

	metric_set(&service_metrics->pid, (uint64_t)getpid());
	metric_set(&service_metrics->started_s, (uint64_t)time(NULL));
	metric_set(&service_metrics->slots, supervisor.slots);
	metric_set(&service_metrics->started_ms, (uint64_t)supervisor_now());
	set_signals();
	if (!generation_start(first, false, why, sizeof why)) {
		keeper_close();
		log_event(LOG_ERR, "fatal", "%s", why);
		tell_terminal(why);
		return strncmp(why, "listen ", 7) == 0 ? EX_UNAVAILABLE :
		    strncmp(why, "cannot ", 7) == 0 ? EX_OSERR : EX_CONFIG;
	}
	while (code == -1) {
		wait_for_something();
		code = act_on_signals();
		if (code != -1 && kill_at != 0)
			code = 0;	/* as asked, ready or not */
		if (kill_at != 0 && !generation_any())
			code = 0;
		if (code == -1 && got_term == 0 &&
		    generation_current() == NULL && !generation_any() &&
		    !rehearsal_running())
			code = EX_UNAVAILABLE;
	}
	keeper_close();
	log_left_out();
	log_event(LOG_INFO, "stop", "status %d", code);
	if (code != 0)
		tell_terminal("could not start: syslog says why");
	return code;
}
