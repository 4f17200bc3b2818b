/*
 * Who a process is: whose child, which program, which user, which rights.
 */
#include <stdlib.h>

#include "service.h"

void
check_tree(const struct service *s, struct subject *p)
{
	(void)s;
	if (p->declared == NULL)
		note(p->finding, ASPECT_TREE, VERDICT_FAILED,
		    "nobody of ours: it calls itself \"%s\", and its parent is "
		    "\"%s\" (%d)", p->title, p->parent->title,
		    (int)p->parent->pid);
	else if (p->parent == NULL)
		note(p->finding, ASPECT_TREE, VERDICT_PASSED,
		    "the supervisor");
	else
		note(p->finding, ASPECT_TREE, VERDICT_PASSED, "child of %s",
		    p->parent->declared->title);
}

void
check_program(const struct service *s, struct subject *p)
{
	enum program which = p->declared->program;
	const struct stat *want = &s->program[which];
	static const char *const names[] = { "posternd", "postern-worker" };
	struct stat st;

	if (!proc_stat(p->dir, "exe", &st))
		note_unread(p, ASPECT_PROGRAM, "its program");
	else if (which == PROGRAM_WORKER && !s->has_worker)
		note(p->finding, ASPECT_PROGRAM, VERDICT_FAILED, "the "
		    "supervisor holds no postern-worker to compare it with");
	else if (st.st_dev != want->st_dev || st.st_ino != want->st_ino)
		note(p->finding, ASPECT_PROGRAM, VERDICT_FAILED, "it does not "
		    "execute the %s that the supervisor %s", names[which],
		    which == PROGRAM_DAEMON ? "is" : "holds");
	else
		note(p->finding, ASPECT_PROGRAM, VERDICT_PASSED, "%s",
		    names[which]);
}

/* ---- user ---------------------------------------------------------------- */

static bool
four_alike(const unsigned int id[4])
{
	return id[0] == id[1] && id[0] == id[2] && id[0] == id[3];
}

static void
check_ids(const struct service *s, struct subject *p,
    const struct proc_status *st)
{
	bool root = p->declared->owner == OWNER_ROOT && !s->one_uid;

	if (!four_alike(st->uid) || !four_alike(st->gid))
		note(p->finding, ASPECT_USER, VERDICT_FAILED, "it has "
		    "several: uid %u %u %u %u, gid %u %u %u %u", st->uid[0],
		    st->uid[1], st->uid[2], st->uid[3], st->gid[0], st->gid[1],
		    st->gid[2], st->gid[3]);
	else if (root != (st->uid[0] == 0) || (!root && st->gid[0] == 0))
		note(p->finding, ASPECT_USER, VERDICT_FAILED,
		    "uid %u, gid %u", st->uid[0], st->gid[0]);
	else if (st->groups != 0 && !root && !s->one_uid)
		note(p->finding, ASPECT_USER, VERDICT_FAILED,
		    "%u supplementary groups", st->groups);
	else
		note(p->finding, ASPECT_USER, s->one_uid ? VERDICT_ONE_UID :
		    VERDICT_PASSED, "uid %u, gid %u, no other", st->uid[0],
		    st->gid[0]);
}

/* ---- capabilities -------------------------------------------------------- */

static void
check_caps(const struct service *s, struct subject *p,
    const struct proc_status *st)
{
	static const char *const names[CAPS_COUNT] = { "inheritable",
	    "permitted", "effective", "bounding", "ambient" };
	bool root = p->declared->owner == OWNER_ROOT && !s->one_uid;
	enum verdict good = VERDICT_PASSED;

	for (int i = 0; i < CAPS_COUNT; i++) {
		/* What a service manager has taken, none of them has. */
		uint64_t want = root && i != CAPS_INH && i != CAPS_AMB ?
		    policy_capability_mask() & st->cap[CAPS_BND] : 0;

		if (st->cap[i] == want)
			continue;
		if (i == CAPS_BND && s->one_uid) {
			good = VERDICT_ONE_UID;
			continue;
		}
		note(p->finding, ASPECT_CAPS, VERDICT_FAILED,
		    "%s set %#llx, not %#llx", names[i],
		    (unsigned long long)st->cap[i], (unsigned long long)want);
	}
	if (good == VERDICT_ONE_UID)
		note(p->finding, ASPECT_CAPS, good, "none, but the bounding "
		    "set is as it was");
	else
		note(p->finding, ASPECT_CAPS, good, root ?
		    "those that are declared" : "none, in any of five sets");
}

static void
check_no_new_privs(struct subject *p, const struct proc_status *st)
{
	if (st->no_new_privs == 1)
		note(p->finding, ASPECT_NNP, VERDICT_PASSED, "set");
	else
		note(p->finding, ASPECT_NNP, VERDICT_FAILED, "not set");
}

/* A thread may differ from its process in all of these. */
void
check_user(const struct service *s, struct subject *p)
{
	size_t count;
	int *tid;

	if (!proc_numbers(p->dir, "task", &tid, &count)) {
		note_unread(p, ASPECT_USER, "its threads");
		return;
	}
	p->threads = count;
	for (size_t i = 0; i < count; i++) {
		struct proc_status st;

		if (!proc_thread_status(p->dir, tid[i], &st)) {
			note_unread(p, ASPECT_USER, "its thread's status");
			continue;
		}
		if (i > 0)
			note(p->finding, ASPECT_TREE, VERDICT_FAILED,
			    "a thread, %d: none has any", tid[i]);
		check_ids(s, p, &st);
		check_caps(s, p, &st);
		check_no_new_privs(p, &st);
	}
	free(tid);
}

void
check_uids_differ(struct service *s)
{
	uid_t uid[OWNER_COUNT] = { 0 };
	bool known[OWNER_COUNT] = { false };

	for (size_t i = 0; i < s->count && !s->one_uid; i++) {
		struct subject *p = s->all[i];
		enum owner own;

		if (p->gone || p->declared == NULL)
			continue;
		own = p->declared->owner;
		if (!known[own])
			uid[own] = p->status.uid[1];
		known[own] = true;
		for (int o = 0; o < OWNER_COUNT; o++) {
			bool same = known[o] && uid[o] == p->status.uid[1];

			if (o == (int)own && !same)
				note(p->finding, ASPECT_USER, VERDICT_FAILED,
				    "uid %u, and another of its kind has %u",
				    p->status.uid[1], uid[o]);
			else if (o != (int)own && same)
				note(p->finding, ASPECT_USER, VERDICT_FAILED,
				    "uid %u is also that of a process of "
				    "another kind", p->status.uid[1]);
		}
	}
}
