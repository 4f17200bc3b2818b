/*
 * The processes of a trace: who was started by whom, what they are called, and
 * which filters lie on them.
 */
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "coverage.h"
#include "title.h"
#include "whose.h"

struct process {
	pid_t			 pid;		/* 0: nobody */
	bool			 alive;
	bool			 filtered;	/* `id` is whose filter */
	enum policy_id		 id;
	enum phase		 phase;
	char			 name[TITLE_NAME];	/* "": not known */
	struct strace_line	 call;		/* the latest */
	size_t			 line;		/* it began there */
	enum {
		CALL_RETURNED,
		CALL_BEGUN,	/* a line with its end follows */
		CALL_LAST	/* it does not return */
	}			 state;
};

/* What clone(2) has returned, in the order in which the calls began. */
struct birth {
	size_t		line;
	pid_t		child;		/* 0: it has failed */
	bool		untold;		/* or its parent was killed in it */
};

/* A child of which nothing was seen yet, as its parent was at that time. */
struct unborn {
	pid_t		child;		/* 0: it is not told if there is one */
	struct process	as;
};

struct trace {
	struct coverage	*c;
	struct source	 text;
	struct process	*process;	/* by pid; a hash table */
	size_t		 count, room;
	struct birth	*birth;
	size_t		 births, birth_room, next_birth;
	struct unborn	*unborn;
	size_t		 unborns, unborn_room;
	bool		 failed;
};

#define FAIL(t, ...) do { \
	coverage_fault((t)->c, (t)->text.name, __VA_ARGS__); \
	(t)->failed = true; \
} while (0)

static bool
makes_process(const char *call)
{
	return strcmp(call, "clone") == 0 || strcmp(call, "fork") == 0 ||
	    strcmp(call, "vfork") == 0 || strcmp(call, "clone3") == 0;
}

/* ---- processes by pid ---------------------------------------------------- */

/* Whose place it is, or that of nobody where it would be. */
static struct process *
place_of(const struct trace *t, pid_t pid)
{
	size_t at = (size_t)pid * 2654435761U;

	for (;; at++) {
		struct process *p = &t->process[at & (t->room - 1)];

		if (p->pid == pid || p->pid == 0)
			return p;
	}
}

static void
enlarge(struct trace *t)
{
	struct process *old = t->process;
	size_t n = t->room, ignored = 0;

	if (n > 0 && t->count < n / 2)
		return;
	t->room = n == 0 ? 64 : 2 * n;
	t->process = coverage_grow(NULL, 0, &ignored, t->room * sizeof *old);
	memset(t->process, 0, t->room * sizeof *old);
	for (size_t i = 0; i < n; i++)
		if (old[i].pid != 0)
			*place_of(t, old[i].pid) = old[i];
	free(old);
}

static struct process *
be_born(struct trace *t, pid_t pid, const struct process *as)
{
	struct process *p;

	enlarge(t);
	p = place_of(t, pid);
	t->count += p->pid == 0;
	*p = *as;
	p->pid = pid;
	p->alive = true;
	p->state = CALL_RETURNED;
	/* It has its parent's filter, but is not whom that was made for. */
	p->phase = PHASE_SETUP;
	return p;
}

static bool
are_alike(const struct process *a, const struct process *b)
{
	return a->filtered == b->filtered && strcmp(a->name, b->name) == 0 &&
	    (!a->filtered || a->id == b->id);
}

/*
 * The place of a child among the unborn.  One that nobody has named is of a
 * parent who was killed before he was told; of which, if there are more, must
 * make no difference.
 */
static size_t
place_unborn(const struct trace *t, pid_t pid)
{
	size_t untold = t->unborns;

	for (size_t i = 0; i < t->unborns; i++)
		if (t->unborn[i].child == pid)
			return i;
	for (size_t i = 0; i < t->unborns; i++) {
		if (t->unborn[i].child != 0)
			continue;
		if (untold != t->unborns && !are_alike(&t->unborn[i].as,
		    &t->unborn[untold].as))
			return t->unborns;
		untold = i;
	}
	return untold;
}

/* The process of a line; NULL if nobody has started it. */
static struct process *
process_of(struct trace *t, pid_t pid)
{
	static const struct process first = { .pid = 0 };
	struct process *p = t->room > 0 ? place_of(t, pid) : NULL;
	size_t i;

	if (p != NULL && p->alive)
		return p;
	if (t->count == 0)
		return be_born(t, pid, &first);
	i = place_unborn(t, pid);
	if (i == t->unborns)
		return NULL;
	p = be_born(t, pid, &t->unborn[i].as);
	memmove(&t->unborn[i], &t->unborn[i + 1],
	    (--t->unborns - i) * sizeof *t->unborn);
	return p;
}

/* ---- what a call that succeeds changes ----------------------------------- */

static void
set_name(struct process *p, const char *from, size_t n)
{
	if (n >= sizeof p->name)
		n = sizeof p->name - 1;
	for (size_t i = 0; i < n; i++)
		p->name[i] = from[i];
	p->name[n] = '\0';
}

/* Who has a filter, and then another name, becomes somebody else under it. */
static void
rename_process(struct process *p)
{
	set_name(p, p->call.text, p->call.text_len);
	if (p->filtered && !whose_name(p->id, p->name))
		p->phase = PHASE_SETUP;
}

/* The kernel calls it like the file; by descriptor, like no file of ours. */
static void
executed(struct process *p)
{
	const char *slash = p->call.text == NULL ? NULL :
	    memrchr(p->call.text, '/', p->call.text_len);

	if (p->call.text == NULL || !p->call.text_whole)
		p->name[0] = '\0';
	else if (slash == NULL)
		set_name(p, p->call.text, p->call.text_len);
	else
		set_name(p, slash + 1, (size_t)(p->call.text +
		    p->call.text_len - slash) - 1);
}

/* Whose filter is it, by its length and the process's name? */
static void
confined(struct trace *t, struct process *p)
{
	size_t found = 0;

	for (enum policy_id id = 0; id < POLICY_COUNT; id++) {
		if (t->c->length[id] != p->call.len ||
		    (p->name[0] != '\0' && !whose_name(id, p->name)))
			continue;
		p->id = id;
		found++;
	}
	p->filtered = true;
	p->phase = PHASE_OWN;
	t->c->processes++;
	if (found == 1)
		return;
	FAIL(t, "line %zu: a filter of %llu instructions on \"%s\" is %s",
	    p->line, (unsigned long long)p->call.len, p->name, found == 0 ?
	    "of no table: recorded with another build?" :
	    "of more than one table");
}

static void
succeeded(struct trace *t, struct process *p)
{
	const char *call = p->call.call;

	if (strcmp(call, "execve") == 0 || strcmp(call, "execveat") == 0)
		executed(p);
	else if (strcmp(call, "prctl") == 0 && p->call.arg[0] == PR_SET_NAME)
		rename_process(p);
	else if (strcmp(call, "seccomp") == 0 &&
	    p->call.arg[0] == SECCOMP_SET_MODE_FILTER)
		confined(t, p);
}

/* ---- line by line -------------------------------------------------------- */

/* Its child inherits what it is at this moment. */
static void
bear(struct trace *t, struct process *p, size_t line)
{
	const struct birth *b = &t->birth[t->next_birth];

	if (t->next_birth == t->births || b->line != line)
		return;
	t->next_birth++;
	if (b->child == 0 && !b->untold)
		return;
	t->unborn = coverage_grow(t->unborn, t->unborns, &t->unborn_room,
	    sizeof *t->unborn);
	t->unborn[t->unborns++] = (struct unborn){ b->child, *p };
}

static void
judge(struct trace *t, const struct process *p)
{
	struct spot at = { t->text.name, p->line };

	if (p->filtered && !uses_note(t->c, p->id, p->phase, &p->call, &at))
		FAIL(t, "line %zu: an argument of %s is no number; record it "
		    "with -X raw", p->line, p->call.call);
}

static void
end_call(struct trace *t, struct process *p, const struct strace_line *l)
{
	p->state = l->has_result ? CALL_RETURNED : CALL_LAST;
	if (!l->has_result)
		return;
	judge(t, p);
	if (l->result == 0)
		succeeded(t, p);
}

static void
begin_call(struct trace *t, struct process *p, const struct strace_line *l,
    size_t line)
{
	p->call = *l;
	p->line = line;
	p->state = CALL_BEGUN;
	if (makes_process(l->call))
		bear(t, p, line);
	if (l->done)
		end_call(t, p, l);
}

static void
resume_call(struct trace *t, struct process *p, const struct strace_line *l,
    size_t line)
{
	if (p->state != CALL_BEGUN || strcmp(p->call.call, l->call) != 0)
		FAIL(t, "line %zu: %s goes on that has not begun", line,
		    l->call);
	else
		end_call(t, p, l);
}

/*
 * Of a process that is killed in a call strace may have read another's
 * registers for it; unless it is that call which killed it.
 */
static void
end(struct trace *t, struct process *p, const struct strace_line *l)
{
	struct spot at = { t->text.name, p->line };

	p->alive = false;
	if (p->state == CALL_RETURNED)
		return;
	if (l->by == STRACE_BY_ITSELF)
		judge(t, p);
	if (l->by == STRACE_BY_FILTER && p->filtered)
		uses_note_kill(t->c, p->id, p->phase, &p->call, &at);
}

/* A thread executes something: it has the first one's pid, and is alone. */
static void
supersede(struct trace *t, struct process *p, const struct strace_line *l,
    size_t line)
{
	struct process *thread = place_of(t, l->thread);

	if (!thread->alive) {
		FAIL(t, "line %zu: nobody has started process %d", line,
		    (int)l->thread);
		return;
	}
	thread->alive = false;
	*p = *thread;
	p->pid = l->pid;
	p->alive = true;
}

static void
take_line(struct trace *t, enum strace_kind kind, const struct strace_line *l,
    size_t line)
{
	struct process *p = process_of(t, l->pid);

	if (p == NULL) {
		FAIL(t, "line %zu: nobody has started process %d", line,
		    (int)l->pid);
		return;
	}
	if (kind == STRACE_CALL)
		begin_call(t, p, l, line);
	else if (kind == STRACE_RESUMED)
		resume_call(t, p, l, line);
	else if (kind == STRACE_ENDED)
		end(t, p, l);
	else if (kind == STRACE_SUPERSEDED)
		supersede(t, p, l, line);
}

/* ---- twice through the text ---------------------------------------------- */

/* Who waits for what clone(2) returns: few at a time. */
struct waiting {
	pid_t	pid;
	size_t	birth;
};

static void
note_birth(struct trace *t, struct waiting **w, size_t *n, size_t *room,
    enum strace_kind kind, const struct strace_line *l, size_t line)
{
	struct birth b = { .line = line, .untold = l->done && !l->has_result };

	if (l->has_result && l->result > 0 && l->result <= INT32_MAX)
		b.child = (pid_t)l->result;
	if (kind == STRACE_CALL) {
		t->birth = coverage_grow(t->birth, t->births, &t->birth_room,
		    sizeof *t->birth);
		t->birth[t->births++] = b;
		if (l->done)
			return;
		*w = coverage_grow(*w, *n, room, sizeof **w);
		(*w)[(*n)++] = (struct waiting){ l->pid, t->births - 1 };
		return;
	}
	for (size_t i = *n; i-- > 0; )
		if ((*w)[i].pid == l->pid) {
			b.line = t->birth[(*w)[i].birth].line;
			t->birth[(*w)[i].birth] = b;
			(*w)[i] = (*w)[--*n];
			return;
		}
}

/*
 * First who is whose child, for a child's first lines may come before its
 * parent is told of it.  Also finds whatever is no line of a trace.
 */
static void
look_for_births(struct trace *t)
{
	size_t at = 0, len, number = 0, n = 0, room = 0;
	struct waiting *w = NULL;
	const char *line;
	bool whole = true;

	while (!t->failed && source_line(&t->text, &at, &line, &len, &whole)) {
		struct strace_line l;
		enum strace_kind kind;

		number++;
		if (!whole) {
			FAIL(t, "line %zu: cut short", number);
			break;
		}
		kind = strace_read(line, len, &l);
		if (kind == STRACE_BROKEN)
			FAIL(t, "line %zu: cut short, or not strace's",
			    number);
		else if ((kind == STRACE_CALL || kind == STRACE_RESUMED) &&
		    makes_process(l.call))
			note_birth(t, &w, &n, &room, kind, &l, number);
	}
	free(w);
}

static void
look_at_calls(struct trace *t)
{
	size_t at = 0, len, number = 0;
	const char *line;
	bool whole;

	while (!t->failed && source_line(&t->text, &at, &line, &len, &whole)) {
		struct strace_line l;
		enum strace_kind kind = strace_read(line, len, &l);

		take_line(t, kind, &l, ++number);
	}
}

/*
 * When the init of a pid namespace ends, the kernel kills all that are in it:
 * a tracer, too, which then does not see the end of anybody.
 */
static bool
took_tracer_along(const struct trace *t)
{
	const struct process *init = place_of(t, 1);

	return init->alive && init->state == CALL_LAST &&
	    strcmp(init->call.call, "exit_group") == 0;
}

/* Whoever has begun must have ended. */
static void
look_at_ends(struct trace *t)
{
	size_t left = 0;
	pid_t one = 0;

	if (took_tracer_along(t))
		return;
	for (size_t i = 0; i < t->unborns; i++)
		if (t->unborn[i].child != 0) {
			one = t->unborn[i].child;
			left++;
		}
	for (size_t i = 0; i < t->room; i++)
		if (t->process[i].alive) {
			one = t->process[i].pid;
			left++;
		}
	if (left > 0)
		FAIL(t, "cut short: process %d has no end (%zu in all)",
		    (int)one, left);
}

void
follow(struct coverage *c, const struct source *trace)
{
	struct trace t = { .c = c, .text = *trace };

	look_for_births(&t);
	look_at_calls(&t);
	if (!t.failed && t.count == 0)
		FAIL(&t, "cut short: there is nothing in it");
	if (!t.failed)
		look_at_ends(&t);
	c->whole += !t.failed;
	free(t.process);
	free(t.birth);
	free(t.unborn);
}
