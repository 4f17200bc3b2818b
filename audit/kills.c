/*
 * postern-audit kills: whom the kernel has killed, for which call.
 *
 * Whoever gets itself killed has chosen parts of what is read here, and this
 * is run by root: so it is read first, whole, and looked into only when this
 * process can do nothing any more but write down what it finds.
 */
#include "kills.h"

#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "audit.h"
#include "journal.h"
#include "looker.h"
#include "source.h"
#include "whose.h"

#define KMSG	"/dev/kmsg"
#define AUDITD	"/var/log/audit/audit.log"
#define LOGGED	"/proc/sys/kernel/seccomp/actions_logged"

#define SOURCES	8

/* The log's line and the kernel's record of one death are that near (ms). */
#define NEAR	60000

/* x32 has x86_64's mark and a bit in the number. */
#define X32_BIT	0x40000000

struct list {
	struct source	source[SOURCES];
	size_t		count;
};

static struct {
	bool		 json, all;
	const char	*file[SOURCES], *log[SOURCES];
	size_t		 files, logs;
} given;

/* Of the kernel: what is given, or the system's three. */
static struct list	 kernel, logs;
static bool		 systems;	/* of whose three one may be empty */
static struct kill	*kills;
static size_t		 kill_count, kill_room;
static struct died	*deaths;
static size_t		 death_count, death_room;
static struct remarks	 remarks;
static int		 status;	/* our exit, if nothing worse is said */

/* ---- the command line --------------------------------------------------- */

static void
add_name(const char *command, const char *option, const char **names,
    size_t *count)
{
	if (*count == SOURCES)
		audit_reject(EX_USAGE, command, option,
		    "8 of them at most");
	names[(*count)++] = optarg;
}

static void
parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "file", required_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "log", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = audit_option(argc, argv, options)) != -1) {
		if (c == 'a')
			given.all = true;
		else if (c == 'f')
			add_name(argv[0], "--file", given.file, &given.files);
		else if (c == 'j')
			given.json = true;
		else
			add_name(argv[0], "--log", given.log, &given.logs);
	}
	if (optind < argc)
		audit_reject(EX_USAGE, argv[0], argv[optind], "what is this?");
}

/* ---- reading, which looks at nothing ------------------------------------ */

static void
complain(int code, const char *what, const char *why)
{
	audit_warn("kills", what, why);
	if (status == EX_OK)
		status = code;
}

static void
read_source(struct list *l, const char *name)
{
	if (source_read(name, &l->source[l->count])) {
		l->count++;
		return;
	}
	audit_reject(errno == EACCES || errno == EPERM ? EX_NOPERM :
	    errno == EFBIG ? EX_DATAERR : EX_NOINPUT, "kills",
	    strcmp(name, "-") == 0 ? "standard input" : name,
	    errno == EFBIG ? "has more than the 64 MiB that are read; give a "
	    "part of it" : strerror(errno));
}

/* A kernel that is told not to log a kill leaves nothing to be read. */
static void
check_logged(void)
{
	struct source s;
	char *word, *rest;

	if (!source_read(LOGGED, &s)) {
		complain(EX_UNAVAILABLE, LOGGED, strerror(errno));
		return;
	}
	if (s.len > 0)
		s.data[s.len - 1] = '\0';
	rest = s.len > 0 ? s.data : NULL;
	while ((word = strsep(&rest, " ")) != NULL)
		if (strcmp(word, "kill_process") == 0)
			break;
	if (word == NULL)
		complain(EX_UNAVAILABLE, LOGGED, "is without kill_process: the "
		    "kernel does not log whom it kills");
	free(s.data);
}

/* As far as it goes back; false if there is none. */
static bool
read_journal(void)
{
	char why[128];

	switch (journal_read(&kernel.source[kernel.count], why, sizeof why)) {
	case JOURNAL_READ:
		/* An empty one has none of the kernel's. */
		if (kernel.source[kernel.count].len == 0)
			return false;
		kernel.count++;
		return true;
	case JOURNAL_FAILED:
		complain(EX_UNAVAILABLE, "journalctl", why);
		break;
	case JOURNAL_NONE:
		break;
	}
	return false;
}

static bool
read_auditd(void)
{
	if (source_read(AUDITD, &kernel.source[kernel.count])) {
		kernel.count++;
		return true;
	}
	if (errno != ENOENT)
		complain(errno == EFBIG ? EX_DATAERR : EX_NOPERM, AUDITD,
		    errno == EFBIG ? "has more than the 64 MiB that are read; "
		    "give a part of it (--file)" : strerror(errno));
	return false;
}

/*
 * Where the kernel's records are: with auditd it has them, else the kernel,
 * which forgets, and the journal, which has more of them.
 */
static void
read_system(void)
{
	bool some;
	const char *why;

	systems = true;
	check_logged();
	some = read_auditd();
	some |= read_journal();
	if (source_read(KMSG, &kernel.source[kernel.count])) {
		kernel.count++;
		return;
	}
	why = strerror(errno);
	if (errno == EPERM || errno == EACCES)
		audit_reject(EX_NOPERM, "kills", KMSG, "only root may read the "
		    "kernel's log; or give what it has written (--file)");
	if (!some)
		errx(EX_UNAVAILABLE, "kills: there is no %s, nothing of the "
		    "kernel in a journal, and %s: %s; give records (--file)",
		    AUDITD, KMSG, why);
}

static void
read_all(void)
{
	for (size_t i = 0; i < given.files; i++)
		read_source(&kernel, given.file[i]);
	for (size_t i = 0; i < given.logs; i++)
		read_source(&logs, given.log[i]);
	if (given.files == 0 && source_is_given())
		read_source(&kernel, "-");
	else if (given.files == 0)
		read_system();
}

/* ---- looking ------------------------------------------------------------ */

static void *
one_more(void *array, size_t count, size_t *room, size_t size)
{
	void *more = array;

	if (count == *room) {
		*room = *room == 0 ? 64 : 2 * *room;
		more = reallocarray(array, *room, size);
		if (more == NULL)
			err(EX_OSERR, "kills: memory");
	}
	return more;
}

static void
take(const struct record *r)
{
	kills = one_more(kills, kill_count, &kill_room, sizeof *kills);
	kills[kill_count++] = (struct kill){ .r = *r };
}

/* Whoever has not one line of the kernel's in it does not know of any kill. */
static void
complain_of_none(const struct source *s)
{
	if (strcmp(s->name, "-") != 0)
		complain(EX_DATAERR, s->name, "holds no record of the "
		    "kernel's log");
	else if (given.files > 0)
		complain(EX_DATAERR, "standard input", "holds no record of "
		    "the kernel's log");
	else
		complain(EX_DATAERR, "standard input", "holds no record of "
		    "the kernel's log; with </dev/null this system's is read");
}

/* Returns how many of its lines are the kernel's. */
static size_t
look_at_kernel(const struct source *s)
{
	size_t at = 0, len, number = 0, broken = 0, first = 0, kernels = 0;
	const char *line;
	char why[128];
	bool whole;

	while (source_line(s, &at, &line, &len, &whole)) {
		struct record r;
		enum record_kind kind = record_read(line, len, &r);

		number++;
		kernels += kind != RECORD_FOREIGN && kind != RECORD_FORGED &&
		    kind != RECORD_BROKEN;
		if (kind == RECORD_KILL)
			take(&r);
		remarks.forged += kind == RECORD_FORGED;
		remarks.some_lost |= kind == RECORD_LOST;
		remarks.lost += kind == RECORD_LOST ? r.lost : 0;
		/* Without an end it may have lost what it was about. */
		if ((kind == RECORD_BROKEN || !whole) && broken++ == 0)
			first = number;
	}
	if (broken == 0 && kernels == 0 && !systems)
		complain_of_none(s);
	if (broken > 0) {
		snprintf(why, sizeof why, "line %zu: a record cut short, or "
		    "malformed (%zu in all)", first, broken);
		complain(EX_DATAERR, s->name, why);
	}
	return kernels;
}

/* Records of the kernel's are numbered: what was overwritten is missing. */
static void
look_at_beginning(const struct source *s)
{
	const char *comma = memchr(s->data, ',', s->len);

	remarks.overwritten = s->overrun || (comma != NULL &&
	    comma + 2 < s->data + s->len && (comma[1] != '0' ||
	    comma[2] != ','));
}

static void
look_at_log(const struct source *s)
{
	size_t at = 0, len;
	const char *line;
	bool whole;

	while (source_line(s, &at, &line, &len, &whole)) {
		struct died d;

		if (died_read(line, len, &d) == DIED_NONE)
			continue;
		deaths = one_more(deaths, death_count, &death_room,
		    sizeof *deaths);
		deaths[death_count++] = d;
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct record *x = &((const struct kill *)a)->r;
	const struct record *y = &((const struct kill *)b)->r;

	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	if (x->serial != y->serial)
		return x->serial < y->serial ? -1 : 1;
	/* Of the same record the one that is the kernel's for sure. */
	return (int)y->attested - (int)x->attested;
}

/* The same record may be in several sources. */
static void
sort(void)
{
	size_t kept = 0;

	if (kill_count > 0)
		qsort(kills, kill_count, sizeof *kills, by_time);
	for (size_t i = 0; i < kill_count; i++) {
		if (kept > 0 && kills[kept - 1].r.ms == kills[i].r.ms &&
		    kills[kept - 1].r.serial == kills[i].r.serial &&
		    kills[kept - 1].r.pid == kills[i].r.pid)
			continue;
		kills[kept++] = kills[i];
	}
	kill_count = kept;
}

/* ---- whose record is it? ------------------------------------------------ */

static size_t
count(const bool may_be[POLICY_COUNT])
{
	size_t n = 0;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		n += may_be[id];
	return n;
}

static void
know_by_name(struct kill *k)
{
	const char *slash = strrchr(k->r.exe, '/');
	const char *file = slash != NULL ? slash + 1 : k->r.comm;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		k->may_be[id] = whose_name(id, k->r.comm) &&
		    (slash == NULL || whose_program(id, file));
	if (count(k->may_be) > 0) {
		k->known = KNOWN_NAME;
		return;
	}
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		k->may_be[id] = whose_program(id, file);
	if (count(k->may_be) > 0)
		k->known = KNOWN_PROGRAM;
}

static bool
is_of(const struct died *d, const struct record *r)
{
	return d->pid == r->pid && (!d->timed ||
	    (d->ms - r->ms < NEAR && r->ms - d->ms < NEAR));
}

static void
know_by_log(struct kill *k)
{
	k->session = logs.count == 0 ? SESSION_NO_LOG : SESSION_UNKNOWN;
	for (size_t i = 0; i < death_count; i++) {
		const struct died *d = &deaths[i];

		if (!is_of(d, &k->r))
			continue;
		if (d->peer[0] != '\0') {
			k->session = SESSION_KNOWN;
			k->peer = d->peer;
		} else if (k->session == SESSION_UNKNOWN) {
			k->session = SESSION_NONE;
		}
		if (k->known == KNOWN_NAME)
			continue;
		k->known = KNOWN_LOG;
		for (enum policy_id id = 0; id < POLICY_COUNT; id++)
			k->may_be[id] = d->kind == DIED_PARENT ?
			    id == POLICY_PARENT : id == POLICY_ECHO ||
			    id == POLICY_POOL || id == POLICY_RELAY;
	}
}

/* A process whose tables allow the call, whatever its arguments, was not it. */
static void
know_by_policy(struct kill *k)
{
	bool left[POLICY_COUNT];

	if (!k->native)
		return;
	for (enum policy_id id = 0; id < POLICY_COUNT; id++)
		left[id] = k->may_be[id] &&
		    match_process(id, &k->call) != MATCH_YES;
	if (count(left) == 0)
		return;
	if (count(left) == 1 && count(k->may_be) > 1 &&
	    k->known != KNOWN_NAME)
		k->known = KNOWN_POLICY;
	memcpy(k->may_be, left, sizeof left);
}

static void
know(struct kill *k)
{
	k->native = k->r.arch == seccomp_arch_native() && k->r.nr >= 0 &&
	    (k->r.arch != AUDIT_ARCH_X86_64 || !(k->r.nr & X32_BIT));
	k->call.nr = k->native ? (int)k->r.nr : -1;
	know_by_name(k);
	know_by_log(k);
	if (k->known != KNOWN_NOT)
		know_by_policy(k);
}

/* Those of others are left out, unless all are wanted. */
static void
know_all(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < kill_count; i++) {
		know(&kills[i]);
		if (kills[i].known == KNOWN_NOT && !given.all) {
			remarks.others++;
			continue;
		}
		kills[kept++] = kills[i];
	}
	kill_count = kept;
}

/* False if nothing of all that was read is the kernel's. */
static bool
look(void)
{
	size_t kernels = 0;

	for (size_t i = 0; i < kernel.count; i++) {
		kernels += look_at_kernel(&kernel.source[i]);
		if (strcmp(kernel.source[i].name, KMSG) == 0)
			look_at_beginning(&kernel.source[i]);
	}
	for (size_t i = 0; i < logs.count; i++)
		look_at_log(&logs.source[i]);
	sort();
	know_all();
	if (kernels == 0 && systems && status == EX_OK)
		complain(EX_DATAERR, "this system", "what it has of the "
		    "kernel's log is empty; give records (--file)");
	return kernels > 0;
}

int
audit_kills(int argc, char **argv)
{
	parse(argc, argv);
	looker_prepare();
	json_object_seed(0);	/* jansson's would open a file */
	read_all();
	looker_confine(0);
	if (!look())
		return status;
	if (given.json) {
		kills_print(kills, kill_count, &remarks);
	} else {
		for (size_t i = 0; i < kill_count; i++)
			kills_tell(&kills[i]);
		kills_remark(&remarks, kill_count);
	}
	audit_said();
	return status;
}
