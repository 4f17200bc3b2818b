/*
 * postern-audit live: is what runs what is declared?
 */
#include <err.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "live.h"
#include "tracee.h"
#include "twin.h"

/*
 * A process that is not confined yet, or has just been handed a descriptor, is
 * looked at again (ms).
 */
#define AGAIN_EVERY	200
#define AGAIN_FOR	2000
/* One that has fewer filters than it will have is starting. */
#define START_FOR	10000

/* Workers come and go: after so many passes there are only strangers left. */
#define PASSES		20

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- one process --------------------------------------------------------- */

/* What is declared has to have an answer: no answer is no pass. */
static void
require_answers(struct subject *p)
{
	const struct declared *d = p->declared;

	for (int a = 0; a < ASPECT_COUNT; a++) {
		bool asked = a != ASPECT_KEY &&
		    ((a != ASPECT_LANDLOCK && a != ASPECT_LOCK_NET) ||
		    d->landlock == LOCK_ALL) &&
		    (a != ASPECT_DEATH || d->dies_with_parent) &&
		    (a != ASPECT_REACH ||
		    p->finding[ASPECT_FILTERS].verdict != VERDICT_FAILED);

		if (asked && p->finding[a].verdict == VERDICT_NONE)
			note(p->finding, (enum aspect)a, VERDICT_FAILED,
			    "there is no answer");
	}
}

static void
look_at(struct service *s, struct subject *p)
{
	p->audited = true;
	if (!check_start(s, p) || !subject_refresh(s, p))
		return;
	if (p->unfledged)
		note(p->finding, ASPECT_FILTERS, VERDICT_FAILED, "as long as "
		    "it was followed it had no filter of its own");
	check_tree(s, p);
	if (p->declared == NULL)
		return;
	/* First: who is quick has ended by the time of the others. */
	check_stopped(s, p);
	check_program(s, p);
	check_user(s, p);
	check_namespaces(s, p);
	check_root(s, p);
	check_limits(s, p);
	check_files(s, p);
	check_environment(s, p);
	check_memory(s, p);
	check_death(s, p);
	if (!subject_ended(p))
		require_answers(p);
}

/*
 * Is it wrong in what no moment between two states excuses, once all filters
 * are there?  What runs the worker's program has by then all descriptors that
 * it starts with; a parent is handed some, and closes some before it ends.
 */
static bool
is_wrong(const struct service *s, const struct subject *p)
{
	const struct finding *f = p->finding;

	/* Whose supervisor, or parent, has just ended is about to. */
	if (p->orphan || subject_starting(s, p))
		return false;
	if (p->declared == NULL)
		return f[ASPECT_TREE].verdict == VERDICT_FAILED;
	return f[ASPECT_FILTERS].verdict == VERDICT_FAILED ||
	    f[ASPECT_USER].verdict == VERDICT_FAILED ||
	    (p->declared->program == PROGRAM_WORKER &&
	    f[ASPECT_FILES].verdict == VERDICT_FAILED);
}

/*
 * What was seen wrong, and ends meanwhile, or before it is looked at again,
 * stays so: else a spawner that was taken over would only have to be quick.
 */
static void
audit_one(struct service *s, struct subject *p)
{
	struct subject before = *p;

	memset(p->finding, 0, sizeof p->finding);
	look_at(s, p);
	p->wrong = p->unfledged || is_wrong(s, p);
	if (subject_ended(p) && before.wrong) {
		findings_clear(p->finding);
		*p = before;
		p->gone = true;
		return;
	}
	findings_clear(before.finding);
}

/* ---- all of them --------------------------------------------------------- */

static void
audit_new(struct service *s)
{
	service_scan(s);
	service_find_orphans(s);
	for (int pass = 0; pass < PASSES; pass++) {
		service_scan(s);
		for (size_t i = 0; i < s->count; i++)
			if (!s->all[i]->gone && !s->all[i]->audited)
				audit_one(s, s->all[i]);
	}
}

/* Some failures are a moment between two states.  Those pass. */
static void
audit_again(struct service *s)
{
	const struct timespec pause = { .tv_nsec = AGAIN_EVERY * 1000000L };
	int64_t begin = now_ms();
	bool again = true;

	while (again) {
		int64_t past = now_ms() - begin;

		again = false;
		for (size_t i = 0; i < s->count; i++) {
			struct subject *p = s->all[i];

			if (subject_ended(p) || !findings_failed(p->finding) ||
			    past > (subject_starting(s, p) ? START_FOR :
			    AGAIN_FOR))
				continue;
			audit_one(s, p);
			again |= findings_failed(p->finding);
		}
		if (again) {
			nanosleep(&pause, NULL);
			audit_new(s);
		}
	}
}

static pid_t
parse_pid(const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || pid < 1 ||
	    pid > INT32_MAX)
		audit_reject(EX_USAGE, "live", text, "want a process id");
	return (pid_t)pid;
}

static const char *
parse(int argc, char **argv, pid_t *pid, bool *json)
{
	enum { JSON = 1, PID };
	static const struct option options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "pid", required_argument, NULL, PID },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = audit_option(argc, argv, options)) != -1)
		if (c == JSON)
			*json = true;
		else
			*pid = parse_pid(optarg);
	return argv[optind];
}

/* What it cannot do without, and what for. */
static const struct {
	int		 number;
	const char	*name, *what;
} wanted[] = {
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "no process of another user can be "
	    "looked into" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "no filter can be read" },
};

static void
check_capabilities(void)
{
	struct proc_status own;
	int dir = proc_open(getpid());

	if (dir == -1 || !proc_status(dir, &own))
		err(EX_OSERR, "live: /proc");
	close(dir);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (!(own.cap[CAPS_EFF] & (UINT64_C(1) << wanted[i].number)))
			errx(EX_NOPERM, "live: %s is missing: %s",
			    wanted[i].name, wanted[i].what);
}

/* What all of it needs is asked once, not failed by each process. */
static void
check_means(void)
{
	char why[160];

	if (geteuid() != 0)
		errx(EX_NOPERM, "live: only root can look into the processes "
		    "of a service");
	check_capabilities();
	if (!tracee_available(why, sizeof why))
		errx(EX_OSERR, "live: %s", why);
}

/*
 * Whom a worker's parent takes along when it ends, with its spawner, may be in
 * the middle of its start.
 */
static void
excuse_killed(struct service *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->all[i]->killed && subject_spawner(s->all[i]) == NULL)
			s->all[i]->wrong = false;
}

static int
exit_code(const struct service *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (subject_counts(s->all[i]) &&
		    findings_failed(s->all[i]->finding))
			return EX_DATAERR;
	return EX_OK;
}

int
audit_live(int argc, char **argv)
{
	struct service s;
	bool json = false;
	pid_t pid = 0;
	const char *extra = parse(argc, argv, &pid, &json);
	int code;

	if (extra != NULL)
		audit_reject(EX_USAGE, "live", extra, "takes no operand");
	check_means();
	service_open(&s, service_find(pid));
	audit_new(&s);
	audit_again(&s);
	twin_end_all();
	check_users_differ(&s);
	check_keys(&s);
	excuse_killed(&s);
	if (subject_ended(s.all[0]))
		errx(EX_UNAVAILABLE, "live: process %d ended meanwhile",
		    (int)s.all[0]->pid);
	if (json)
		audit_print(live_json(&s));
	else
		live_show(&s);
	code = audit_said();
	return code != EX_OK ? code : exit_code(&s);
}
