/*
 * Who a process is: whose child, which program, which user, which rights.
 */
#include <pwd.h>
#include <stdlib.h>

#include "service.h"

void
check_tree(const struct service *s, struct subject *p)
{
	(void)s;
	if (p->orphan)
		note(p->finding, ASPECT_TREE, VERDICT_FAILED,
		    "an orphan: it executes a program of the service, calls "
		    "itself \"%s\", and is beneath no supervisor", p->title);
	else if (p->left)
		note(p->finding, ASPECT_TREE, VERDICT_PASSED, "its spawner has "
		    "ended; what sessions there are end with their parent");
	else if (p->declared == NULL)
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

/*
 * The one that the service has set, or root has by itself.  Who started it with
 * -U has theirs, and a service elsewhere has other users: of those it is only
 * seen that they differ.  Thousands of workers ask for the same one.
 */
static bool
is_own_group(const struct service *s, uid_t uid, gid_t gid)
{
	static struct { uid_t uid; gid_t gid; bool known; } last;
	const struct passwd *pw;

	if (s->one_uid || !service_is_here(s))
		return true;
	if (last.known && last.uid == uid)
		return last.gid == gid;
	pw = getpwuid(uid);
	if (pw == NULL)
		return false;
	last.known = true;
	last.uid = uid;
	last.gid = pw->pw_gid;
	return last.gid == gid;
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
	else if (root != (st->uid[0] == 0) || root != (st->gid[0] == 0))
		note(p->finding, ASPECT_USER, VERDICT_FAILED,
		    "uid %u, gid %u", st->uid[0], st->gid[0]);
	else if (!is_own_group(s, st->uid[0], st->gid[0]))
		note(p->finding, ASPECT_USER, VERDICT_FAILED, "gid %u is not "
		    "the group of its user, uid %u", st->gid[0], st->uid[0]);
	else if (st->groups != 0 && !s->one_uid)
		note(p->finding, ASPECT_USER, VERDICT_FAILED,
		    "%u supplementary groups", st->groups);
	else if (s->one_uid)
		note(p->finding, ASPECT_USER, VERDICT_ONE_UID, "uid %u, gid "
		    "%u, those of all; %u supplementary groups", st->uid[0],
		    st->gid[0], st->groups);
	else
		note(p->finding, ASPECT_USER, VERDICT_PASSED,
		    "uid %u, gid %u, no other", st->uid[0], st->gid[0]);
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
		/* All but the supervisor have a user namespace to do it in. */
		if (i == CAPS_BND && s->one_uid &&
		    p->declared->owner == OWNER_ROOT) {
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

/* Of a kind that has been met: which are its. */
struct ids {
	unsigned int	id[2];		/* uid, gid */
	bool		known;
};

static void
compare_id(struct subject *p, const struct ids kind[OWNER_COUNT], int which,
    unsigned int its)
{
	static const char *const names[] = { "uid", "gid" };
	int own = (int)p->declared->owner;

	for (int o = 0; o < OWNER_COUNT; o++) {
		bool same = kind[o].known && kind[o].id[which] == its;

		if (o == own && !same)
			note(p->finding, ASPECT_USER, VERDICT_FAILED,
			    "%s %u, and another of its kind has %u",
			    names[which], its, kind[o].id[which]);
		else if (o != own && same)
			note(p->finding, ASPECT_USER, VERDICT_FAILED,
			    "%s %u is also that of a process of another kind",
			    names[which], its);
	}
}

void
check_users_differ(struct service *s)
{
	struct ids kind[OWNER_COUNT] = { { .known = false } };

	for (size_t i = 0; i < s->count && !s->one_uid; i++) {
		struct subject *p = s->all[i];
		struct ids *own;

		if (p->gone || p->declared == NULL)
			continue;
		own = &kind[p->declared->owner];
		if (!own->known)
			*own = (struct ids){ { p->status.uid[1],
			    p->status.gid[1] }, true };
		compare_id(p, kind, 0, p->status.uid[1]);
		compare_id(p, kind, 1, p->status.gid[1]);
	}
}
