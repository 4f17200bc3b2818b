#include "rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "activation.h"
#include "confine.h"
#include "filter.h"
#include "keeper.h"
#include "log.h"
#include "notify.h"
#include "policy.h"
#include "supervisor.h"
#include "title.h"

/* For all of it (s); then it is killed. */
#define PATIENCE 40
/* So many calls are named, and no more. */
#define NAMED_MAX 32

/* The throw-away and all that it starts is ours, and ends with us. */
#define OPTIONS (PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | \
	PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	PTRACE_O_TRACEEXEC)

/* The supervisor's side of it. */
static enum { HELD_NONE, HELD_WAITING, HELD_RUNNING } held;
static pid_t	held_pid;
static int	command = -1;	/* a byte: begin; end of file: go */
static int	life = -1;	/* end of file: it has gone */

/* ---- what is missing ----------------------------------------------------- */

static struct {
	enum policy_id	whose;
	uint64_t	nr;
} named[NAMED_MAX];
static size_t names;

static bool
is_new(enum policy_id whose, uint64_t nr)
{
	for (size_t i = 0; i < names; i++)
		if (named[i].whose == whose && named[i].nr == nr)
			return false;
	if (names == NAMED_MAX)
		return false;
	named[names].whose = whose;
	named[names++].nr = nr;
	return true;
}

/* By its title: "posternd: parent 0" is "parent". */
static void
process_word(pid_t pid, char *word, size_t size)
{
	char path[32], title[64] = "";
	const char *at;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	if (f != NULL) {
		size_t n = fread(title, 1, sizeof title - 1, f);

		title[n] = '\0';
		fclose(f);
	}
	at = strstr(title, ": ");
	at = at == NULL ? "?" : at + 2;
	snprintf(word, size, "%.*s", (int)strcspn(at, " "), at);
}

/*
 * Where a row would go.  Under its own filter it is the process's own group;
 * before it has that, one of those of the set-up.
 */
static const char *
group_for(enum policy_id whose, const char *process)
{
	if (strcmp(policy_get(whose)->process, process) == 0)
		return policy_get(whose)->groups[0]->name;
	return whose == POLICY_SPAWNER ? "fledge" : "program";
}

/* Is the call there, with other arguments? */
static bool
has_call(const struct policy *p, int nr)
{
	for (size_t g = 0; g < POLICY_GROUPS && p->groups[g] != NULL; g++)
		for (size_t i = 0; i < p->groups[g]->count; i++)
			if (seccomp_syscall_resolve_name(
			    p->groups[g]->rows[i].call) == nr)
				return true;
	return false;
}

/* Whoever started us does not see syslog. */
static void
tell_terminal(const char *process, const char *call, const char *group)
{
	if (supervisor.terminal != -1)
		dprintf(supervisor.terminal, "posternd: %s may not call %s: "
		    "lib/policy.c has no row for it in group %s\n", process,
		    call, group);
}

static void
name_call(pid_t pid, enum policy_id whose,
    const struct __ptrace_syscall_info *info)
{
	const __uint64_t *a = info->seccomp.args;
	char *found = seccomp_syscall_resolve_num_arch(info->arch,
	    (int)info->seccomp.nr);
	char process[32], call[64];
	const char *group;
	struct log_line l;

	process_word(pid, process, sizeof process);
	group = group_for(whose, process);
	if (found != NULL)
		snprintf(call, sizeof call, "%s", found);
	else
		snprintf(call, sizeof call, "%llu",
		    (unsigned long long)info->seccomp.nr);
	free(found);
	log_begin(&l, LOG_ERR, "canary");
	log_str(&l, "lacks", call);
	log_str(&l, "of", process);
	log_fmt(&l, "arguments", "%#llx %#llx %#llx %#llx %#llx %#llx",
	    (unsigned long long)a[0], (unsigned long long)a[1],
	    (unsigned long long)a[2], (unsigned long long)a[3],
	    (unsigned long long)a[4], (unsigned long long)a[5]);
	log_str(&l, "group", group);
	log_fmt(&l, "row", "{ \"%s\", { {0} }, \"what the %s needs it for\" },",
	    call, process);
	log_str(&l, "detail", has_call(policy_get(whose),
	    (int)info->seccomp.nr) ? "the rows that there are for it in "
	    "lib/policy.c do not allow these arguments" : "lib/policy.c has no "
	    "row for it: add one, with its reason and limits, or go back to "
	    "the library or kernel of before");
	log_end(&l);
	tell_terminal(process, call, group);
}

/* Stopped at a call that no row allows; the filter says whose table that is. */
static void
missing(pid_t pid)
{
	struct __ptrace_syscall_info info;
	enum policy_id whose;

	memset(&info, 0, sizeof info);
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_SECCOMP)
		return;
	whose = (enum policy_id)info.seccomp.ret_data;
	if (whose < POLICY_COUNT && is_new(whose, info.seccomp.nr))
		name_call(pid, whose, &info);
}

/* ---- the tracer ---------------------------------------------------------- */

static _Noreturn void
on_alarm(int sig)
{
	(void)sig;
	_exit(EX_SOFTWARE);	/* and what we trace is killed */
}

/* The signal to go on with, after this stop. */
static int
stopped(pid_t pid, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);

	if (event == PTRACE_EVENT_SECCOMP)
		missing(pid);
	/* A process that begins under us begins with SIGSTOP (ptrace(2)). */
	return event != 0 || sig == SIGSTOP ? 0 : sig;
}

/* Until the throw-away ends; returns its wait status. */
static int
trace(pid_t throw_away)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) != -1) {
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, pid, NULL,
			    (void *)(intptr_t)stopped(pid, status));
		else if (pid == throw_away)
			return status;
	}
	return EX_OSERR << 8;
}

/* Our end, once all is told. */
static _Noreturn void
conclude(int status)
{
	if (names > 0)
		_exit(EX_SOFTWARE);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_event(LOG_INFO, "canary", "a start would succeed: no call "
		    "was missing");
	else
		log_event(LOG_ERR, "canary", "no call was missing: it is not "
		    "for a filter's sake");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

static _Noreturn void
cannot_trace(void)
{
	log_event(LOG_ERR, "canary", "cannot trace a throw-away to name the "
	    "call: %s; the kernel's log has its number (type=1326, syscall=)",
	    strerror(errno));
	_exit(EX_SOFTWARE);
}

/* Returns in the throw-away, which is traced. */
static void
rehearse(void)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			cannot_trace();
		raise(SIGSTOP);
		supervisor.rehearsal = true;
		filter_ask_tracer();
		return;
	}
	signal(SIGALRM, on_alarm);
	alarm(PATIENCE);
	if (pid == -1 || waitpid(pid, &status, __WALL) != pid)
		cannot_trace();
	if (!WIFSTOPPED(status))
		_exit(EX_SOFTWARE);	/* it has said why */
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)OPTIONS) == -1 ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL) == -1)
		cannot_trace();
	conclude(trace(pid));
}

void
rehearsal_now(void)
{
	log_init("rehearsal", LOG_KIND_STREAM, LOG_INFO);
	rehearse();
}

/* ---- one that is held ---------------------------------------------------- */

static void
close_if(int fd)
{
	if (fd != -1)
		close(fd);
}

/* Whoever waits for the service's own end must not wait for ours. */
static void
stand_by(pid_t parent, int order)
{
	char c;

	title_set("posternd: rehearsal");
	log_init("rehearsal", supervisor.log_kind, LOG_INFO);
	confine_die_with_parent(parent);
	confine_hide();
	close_if(supervisor.background);
	close_if(supervisor.pid_file);
	supervisor.background = supervisor.pid_file = -1;
	keeper_let_go();
	notify_let_go();
	activation_close();
	if (read(order, &c, 1) != 1)
		_exit(0);
	close(order);
	rehearse();
}

void
rehearsal_hold(void)
{
	pid_t parent = getpid();
	int order[2], end[2];

	if (supervisor.rehearsal)
		return;
	if (pipe2(order, O_CLOEXEC) == -1 || pipe2(end, O_CLOEXEC) == -1 ||
	    (held_pid = fork()) == -1)
		fatal(EX_OSERR, "cannot hold a rehearsal ready: %s",
		    strerror(errno));
	if (held_pid == 0) {
		close(order[1]);
		close(end[0]);
		stand_by(parent, order[0]);
		close(end[1]);	/* the throw-away has its tracer's to end it */
		return;
	}
	close(order[0]);
	close(end[1]);
	command = order[1];
	life = end[0];
	held = HELD_WAITING;
}

bool
rehearsal_begin(void)
{
	if (held != HELD_WAITING || write(command, "", 1) != 1)
		return false;
	held = HELD_RUNNING;
	return true;
}

bool
rehearsal_running(void)
{
	return held == HELD_RUNNING;
}

bool
rehearsal_reaped(pid_t pid)
{
	bool ran = held == HELD_RUNNING;

	if (held == HELD_NONE || pid != held_pid)
		return false;
	close(command);
	close(life);
	held = HELD_NONE;
	return ran;
}

void
rehearsal_dismiss(void)
{
	const struct timespec patience = { .tv_sec = 5 };
	struct pollfd p = { .fd = life };

	if (held != HELD_WAITING)
		return;
	close(command);
	/* Unfiltered as it is, the service does not begin beside it. */
	ppoll(&p, 1, &patience, NULL);
	close(life);
	held = HELD_NONE;
}
