/*
 * Generations: one reading of the configuration, its files and its parents.
 * A new one starts beside the old one; when all its parents are ready the old
 * one accepts no more and its sessions run on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "board.h"
#include "handoff.h"
#include "herald.h"
#include "rlimits.h"
#include "process.h"
#include "rehearsal.h"
#include "supervisor.h"
#include "watch.h"

/* Four that serve sessions, some that are ending, one that starts. */
#define ALIVE_MAX	(GENERATIONS_MAX + 3)
#define MEMBERS_MAX	(CONFIG_PARENTS_MAX * SLOTS_PER_PARENT)

/* Back-off of restarts (ms); a parent that lived this long was well. */
#define BACKOFF_FIRST	100
#define BACKOFF_LAST	30000
#define WELL_MS		60000
/* A parent that is not ready by then never will be (ms). */
#define START_MS	60000

struct member {
	pid_t		 pid;		/* 0: free */
	int		 handle;	/* on the process, for signals */
	int		 pipe;		/* -1 once it is closed */
	struct herald	 herald;
	uint32_t	 index;
	uint32_t	 slot;
	uint32_t	 number;	/* whose files it began with */
	bool		 ready, replaced;
	uint32_t	 silent;	/* looks since it was last heard */
	int64_t		 started;
	int64_t		 kill_at;	/* patience with its end; 0: none yet */
	struct generation *of;
};

struct generation {
	enum generation_state	 state;
	uint32_t		 number;
	struct config		 config;
	int			 file[FILE_COUNT];	/* -1: there is none */
	struct marks		 marks;		/* of these, when opened */
	int64_t			 due[CONFIG_PARENTS_MAX];	/* restart; 0 */
	int			 backoff[CONFIG_PARENTS_MAX];
	bool			 told_to_end;
	bool			 by_watch;	/* nobody asked for it: files */
						/* may be none to go back to */
	bool			 trial;		/* of a CRL: it serves nobody */
};

static struct generation	generations[ALIVE_MAX];
static struct member		members[MEMBERS_MAX];
static struct generation	*current;	/* serving, or NULL */
static uint32_t			 last_number;
static bool			 stopping;

/* ---- files --------------------------------------------------------------- */

static const char *
unfit_key(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "the key belongs to another user, who may read and "
		    "change it: chown root";
	if (st->st_mode & S_IRWXO)
		return "others may read the key: chmod 600";
	if ((st->st_mode & S_IRWXG) && st->st_gid != 0 &&
	    st->st_gid != getegid())
		return "its group may read the key: chmod 600";
	return NULL;
}

static void
close_files(int file[FILE_COUNT])
{
	for (int i = 0; i < FILE_COUNT; i++)
		if (file[i] != -1)
			close(file[i]);
}

bool
generation_open_files(const struct config *c, int file[FILE_COUNT], char *why,
    size_t why_size)
{
	for (int i = 0; i < FILE_COUNT; i++)
		file[i] = -1;
	for (int i = 0; i < FILE_COUNT; i++) {
		const char *wrong = NULL;
		struct stat st;

		if (c->file[i][0] == '\0')
			continue;
		/* O_NONBLOCK: a FIFO must not hold us up */
		file[i] = open(c->file[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK |
		    O_NOCTTY);
		if (file[i] == -1 && c->file[i][0] != '/')
			wrong = "CREDENTIALS_DIRECTORY is not set: that is "
			    "for a systemd unit with LoadCredential=";
		else if (file[i] == -1 || fstat(file[i], &st) == -1)
			wrong = strerror(errno);
		else if (!S_ISREG(st.st_mode))
			wrong = "is not a regular file";
		else if (i == FILE_KEY)
			wrong = unfit_key(&st);
		if (wrong == NULL)
			continue;
		snprintf(why, why_size, "%s: %s (%s)", c->file[i], wrong,
		    config_file_word((enum config_file)i));
		close_files(file);
		return false;
	}
	return true;
}

static void
mark_files(struct generation *g)
{
	memset(&g->marks, 0, sizeof g->marks);
	for (int i = 0; i < FILE_COUNT; i++) {
		struct stat st;

		if (g->file[i] != -1 && fstat(g->file[i], &st) == 0)
			g->marks.file[i] = mark_of(&st);
	}
}

/* ---- members ------------------------------------------------------------- */

static struct member *
free_member(void)
{
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (members[i].pid == 0)
			return &members[i];
	return NULL;
}

/* The first page of the board that no living parent writes; -1 if none. */
static int
free_slot(void)
{
	for (uint32_t slot = 0; slot < supervisor.slots; slot++) {
		bool used = false;

		for (uint32_t i = 0; i < MEMBERS_MAX; i++)
			used |= members[i].pid != 0 && members[i].slot == slot;
		if (!used)
			return (int)slot;
	}
	return -1;
}

/* A parent that is gone counts for nothing any more (board.h). */
static void
clear_slot(uint32_t slot)
{
	/* A hole reads as zero, and gives the memory back. */
	if (fallocate(supervisor.board, FALLOC_FL_PUNCH_HOLE |
	    FALLOC_FL_KEEP_SIZE, (off_t)(slot * sizeof(struct board_slot)),
	    BOARD_COUNTED) == -1)
		log_event(LOG_ERR, "fatal", "the board cannot be cleared: %s",
		    strerror(errno));
}

static int
make_handoff(const struct generation *g, const struct member *m)
{
	static struct handoff h;
	int fd = memfd_create("handoff", MFD_CLOEXEC);

	memset(&h, 0, sizeof h);
	h.size = sizeof h;
	h.generation = g->number;
	h.index = m->index;
	h.slot = m->slot;
	h.slots = supervisor.slots;
	h.supervisor = getpid();
	h.log_kind = supervisor.log_kind;
	h.one_uid = supervisor.one_uid;
	h.uid = supervisor.uid;
	h.gid = supervisor.gid;
	h.worker_uid = supervisor.worker_uid;
	h.worker_gid = supervisor.worker_gid;
	h.resolver_uid = supervisor.resolver_uid;
	h.resolver_gid = supervisor.resolver_gid;
	h.dialer_uid = supervisor.dialer_uid;
	h.dialer_gid = supervisor.dialer_gid;
	memcpy(h.crowd_key, supervisor.crowd_key, sizeof h.crowd_key);
	h.by_watch = g->by_watch;
	h.trial = g->trial;
	h.rehearsal = supervisor.rehearsal;
	h.config = g->config;
	if (fd != -1 && write(fd, &h, sizeof h) != (ssize_t)sizeof h) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The CRL in force, against which one that nobody vouched for is held. */
static int
old_crl(const struct generation *g)
{
	return g->by_watch && current != NULL &&
	    current->file[FILE_CRL] != -1 ? current->file[FILE_CRL] :
	    STDIN_FILENO;
}

static _Noreturn void
become_parent(const struct generation *g, const struct member *m, int handoff,
    int pipe, int news)
{
	struct placement place[PLACEMENTS_MAX];
	char title[32];
	int n = 0;

	place[n++] = (struct placement){ handoff, HANDOFF_FD };
	place[n++] = (struct placement){ pipe, HANDOFF_PROGRESS };
	place[n++] = (struct placement){ supervisor.board, HANDOFF_BOARD };
	place[n++] = (struct placement){ supervisor.worker_exe,
	    HANDOFF_WORKER_EXE };
	for (int i = 0; i < FILE_COUNT; i++)
		/* no CRL: /dev/null, so that its number is nothing else's */
		place[n++] = (struct placement){ g->file[i] == -1 ?
		    STDIN_FILENO : g->file[i], HANDOFF_FILE + i };
	place[n++] = (struct placement){ news, HANDOFF_NEWS };
	place[n++] = (struct placement){ supervisor.daemon_exe,
	    HANDOFF_DAEMON_EXE };
	place[n++] = (struct placement){ old_crl(g), HANDOFF_OLD_CRL };
	for (uint32_t i = 0; i < g->config.listens; i++)
		place[n++] = (struct placement){ supervisor.rehearsal ?
		    STDIN_FILENO : listener_get(&g->config.listen[i]),
		    HANDOFF_LISTEN + (int)i };
	snprintf(title, sizeof title, "posternd: parent %u",
	    (unsigned)m->index);
	/*
	 * What we ignore it would inherit: one retired before it can mind the
	 * signal must end, not accept for ever under old files.
	 */
	signal(SIGUSR1, SIG_DFL);
	exec_program(supervisor.daemon_exe, title, place, n);
}

/* More of what it says that it has nobody believes. */
static void
set_share(const struct member *m)
{
	struct service_slot *s = &service_metrics->slot[m->slot];
	const struct config *c = &m->of->config;

	metric_set(&s->max_connections, c->max_connections);
	metric_set(&s->share, board_share(c->max_connections, c->parents));
	metric_set(&s->share_waiting,
	    board_share(c->max_handshakes, c->parents));
}

/* Start a parent; false with errno set (a full table, no memory). */
static bool
start_member(struct generation *g, uint32_t index)
{
	struct member *m = free_member();
	int slot = free_slot(), pipe[2], news, handoff;

	if (m == NULL || slot == -1) {
		errno = EAGAIN;
		return false;
	}
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		return false;
	*m = (struct member){ .pipe = pipe[0], .index = index,
	    .slot = (uint32_t)slot, .number = g->number, .of = g,
	    .started = supervisor_now() };
	if (!herald_open(&m->herald, &news)) {
		close(pipe[0]);
		close(pipe[1]);
		return false;
	}
	clear_slot(m->slot);
	set_share(m);
	handoff = make_handoff(g, m);
	m->pid = handoff == -1 ? -1 : fork_held(&m->handle);
	if (m->pid == 0)
		become_parent(g, m, handoff, pipe[1], news);
	close(pipe[1]);
	close(news);
	if (handoff != -1)
		close(handoff);
	if (m->pid != -1)
		return true;
	m->pid = 0;
	close(pipe[0]);
	herald_close(&m->herald);
	return false;
}

static void
restart_later(struct generation *g, uint32_t index, int64_t lived)
{
	int *b = &g->backoff[index];

	if (stopping || g->state != GENERATION_SERVING || g->due[index] != 0)
		return;
	*b = *b == 0 || lived >= WELL_MS ? BACKOFF_FIRST : *b * 2;
	if (*b > BACKOFF_LAST)
		*b = BACKOFF_LAST;
	/* One that was well is missed at once. */
	g->due[index] = supervisor_now() + (*b == BACKOFF_FIRST ? 0 : *b);
}

static uint32_t
living(const struct generation *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		n += members[i].pid != 0 && members[i].of == g;
	return n;
}

/*
 * A parent that was told to go has so long; a signal is a request, and one
 * that hangs, or is not ours any more, must not keep its sockets and key.
 */
static void
expect_end(struct member *m, int64_t ms)
{
	int64_t at = supervisor_now() + ms + m->of->config.drain_ms + GRACE_MS;

	if (m->kill_at == 0 || at < m->kill_at)
		m->kill_at = at;
}

/* SIGUSR1: its sessions run on; SIGTERM: until the drain's deadline. */
static void
signal_member(struct member *m, int sig)
{
	signal_held(m->handle, sig);
	expect_end(m, sig == SIGUSR1 ? m->of->config.session_ms : 0);
}

static void
signal_members(const struct generation *g, int sig)
{
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (members[i].pid != 0 && members[i].of == g)
			signal_member(&members[i], sig);
}

/*
 * A parent whose sessions came in by older files hears of the newest.  One that
 * takes no notice must not keep alive what has been revoked.  Returns the ms
 * until it is to be seen to again, or -1.
 */
static int64_t
tell_news(struct member *m)
{
	struct log_line l;
	int64_t left;

	if (!m->ready || current == NULL || (m->of == current &&
	    m->number == current->number) ||
	    m->of->state == GENERATION_STARTING)
		return -1;
	left = herald_tell(&m->herald, current->number, current->file[FILE_CA],
	    current->file[FILE_CRL], m->of->config.revoked_ms + NEWS_GRACE_MS);
	if (left != 0)
		return left;
	log_begin(&l, LOG_ERR, "parent-killed");
	log_num(&l, "parent", m->pid);
	log_num(&l, "generation", m->of->number);
	log_str(&l, "detail", "it did not take the news of a CA or CRL, by "
	    "which its sessions may have to end");
	log_end(&l);
	signal_held(m->handle, SIGKILL);
	m->herald.until = supervisor_now() + GRACE_MS;
	return GRACE_MS;
}

/* ---- progress ------------------------------------------------------------ */

/* It has no pipe any more when it was told to go, or has told so itself. */
static bool
tells_progress(const struct member *m)
{
	return m->pid != 0 && m->ready && m->pipe != -1;
}

/* Its sessions stand still as well: a new one is better than patience. */
static void
end_hung(const struct member *m)
{
	struct log_line l;

	log_begin(&l, LOG_ERR, "parent-killed");
	log_num(&l, "parent", m->pid);
	log_num(&l, "generation", m->of->number);
	log_fmt(&l, "detail", "it hangs: its loop has made no turn for %d s",
	    PROGRESS_HUNG_MS / 1000);
	log_end(&l);
	signal_held(m->handle, SIGKILL);
}

/*
 * Time is counted by our own looks, so that nobody is killed because we were
 * stopped ourselves, or the whole machine; ms until the next.
 */
static int64_t
look_for_progress(void)
{
	static int64_t next;
	int64_t now = supervisor_now();

	if (now < next)
		return next - now;
	next = now + PROGRESS_MS;
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (tells_progress(&members[i]) &&
		    ++members[i].silent == PROGRESS_HUNG_LOOKS)
			end_hung(&members[i]);
	return PROGRESS_MS;
}

bool
generation_well(void)
{
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (tells_progress(&members[i]) &&
		    members[i].silent >= PROGRESS_LATE_LOOKS)
			return false;
	return true;
}

/* ---- generations --------------------------------------------------------- */

static void
forget_if_empty(struct generation *g)
{
	if (g->state == GENERATION_SERVING || g->state == GENERATION_NONE ||
	    living(g) > 0)
		return;
	close_files(g->file);
	g->state = GENERATION_NONE;
}

/* Accept no more; sessions run on. */
static void
retire(struct generation *g)
{
	g->state = GENERATION_LEAVING;
	signal_members(g, SIGUSR1);
	for (uint32_t i = 0; i < CONFIG_PARENTS_MAX; i++)
		g->due[i] = 0;
	forget_if_empty(g);
}

/* Too many with sessions: the oldest ends cleanly now. */
static void
end_oldest(void)
{
	struct generation *oldest = NULL;
	int leaving = 0;

	for (int i = 0; i < ALIVE_MAX; i++) {
		struct generation *g = &generations[i];

		if (g->state != GENERATION_LEAVING)
			continue;
		leaving++;
		if (!g->told_to_end &&
		    (oldest == NULL || g->number < oldest->number))
			oldest = g;
	}
	if (leaving < GENERATIONS_MAX || oldest == NULL)
		return;
	oldest->told_to_end = true;
	signal_members(oldest, SIGTERM);
}

static bool
all_ready(const struct generation *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		n += members[i].pid != 0 && members[i].of == g &&
		    members[i].ready && !members[i].replaced;
	return n >= g->config.parents;
}

static void
tell_ready(const struct generation *g)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, g->number == 1 ? "ready" : "reload");
	if (g->number > 1)
		log_str(&l, "result", "ok");
	log_num(&l, "generation", g->number);
	log_num(&l, "parents", g->config.parents);
	log_end(&l);
	metric_add(&service_metrics->reloads_ok, g->number > 1);
	metric_set(&service_metrics->generation_s, (uint64_t)time(NULL));
	/* First: with -b the process that the manager started ends by this. */
	supervisor_tell_manager();
	if (supervisor.background != -1) {
		ssize_t n = write(supervisor.background, "", 1);

		(void)n;
		close(supervisor.background);
		supervisor.background = -1;
	}
}

static void
take_over(struct generation *g)
{
	struct generation *old = current;

	g->state = GENERATION_SERVING;
	g->by_watch = false;
	current = g;
	rehearsal_dismiss();
	tell_ready(g);
	watch_taken(&g->marks);
	listener_close_unused(&g->config, NULL);
	if (old != NULL)
		retire(old);
	end_oldest();
}

/* Zeroed before they are filled (config_read), so that equal bytes say it. */
static bool
same_config(const struct config *a, const struct config *b)
{
	const void *one = a, *other = b;

	return memcmp(one, other, sizeof *a) == 0;
}

/* By a filter, before it was ready: its own, or that of one it started. */
static bool
filtered(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGSYS :
	    WEXITSTATUS(status) == PARENT_EXIT_CANARY;
}

/*
 * Beside a service that runs there is nobody any more who could rehearse
 * (rehearsal.h), so whoever reads the log is told how to.
 */
static void
rehearsal_command(char *dst, size_t size)
{
	snprintf(dst, size, "posternd --canary%s -f %s",
	    supervisor.one_uid ? " -U" : "", supervisor.config_path);
}

static void
tell_failed(int status)
{
	char command[PATH_MAX + 64];

	rehearsal_command(command, sizeof command);
	if (filtered(status))
		supervisor_reload_failed("a filter was in the way, not the "
		    "files; %s names the call that it lacks; generation %u "
		    "goes on", command, (unsigned)current->number);
	else
		supervisor_reload_failed("the new configuration or files are "
		    "bad, see above; generation %u goes on",
		    (unsigned)current->number);
}

/*
 * The starting generation cannot be: the old one, if any, goes on.  `status` is
 * the wait status of its parent that failed, or 0.
 */
static void
give_up(struct generation *g, int status)
{
	bool files = WIFEXITED(status) && (WEXITSTATUS(status) == EX_CONFIG ||
	    WEXITSTATUS(status) == EX_DATAERR ||
	    WEXITSTATUS(status) == EX_NOINPUT);

	g->state = GENERATION_LEAVING;
	g->told_to_end = true;
	/* One that is ready may have a client already. */
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (members[i].pid != 0 && members[i].of == g)
			signal_member(&members[i],
			    members[i].ready ? SIGTERM : SIGKILL);
	if (current != NULL && !stopping) {
		tell_failed(status);
		listener_close_unused(&current->config, NULL);
		/* Of another configuration's failure the files are innocent. */
		if (same_config(&g->config, &current->config))
			watch_failed(&g->marks, files);
	}
	forget_if_empty(g);
}

static bool
only_crl_differs(const struct generation *g)
{
	struct marks m;

	if (current == NULL || g->file[FILE_CRL] == -1 ||
	    current->file[FILE_CRL] == -1 ||
	    !same_config(&g->config, &current->config))
		return false;
	m = g->marks;
	m.file[FILE_CRL] = current->marks.file[FILE_CRL];
	return marks_same(&m, &current->marks);
}

static bool
open_listeners(const struct config *c, char *why, size_t why_size)
{
	for (uint32_t i = 0; !supervisor.rehearsal && i < c->listens; i++) {
		char at[ADDR_TEXT];

		if (listener_get(&c->listen[i]) != -1)
			continue;
		addr_text(&c->listen[i].ss, at);
		snprintf(why, why_size, "listen %s: %s%s", at, strerror(errno),
		    errno == EADDRINUSE ? ": another program (or another "
		    "posternd) has that port" : "");
		return false;
	}
	return true;
}

static bool
start_members(struct generation *g, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		if (!start_member(g, i))
			return false;
	return true;
}

/*
 * The first parent alone: if the files are bad, one process says so.  The
 * others follow once it is ready.
 */
bool
generation_start(const struct config *c, bool by_watch, char *why,
    size_t why_size)
{
	struct generation *g = NULL;

	for (int i = 0; g == NULL && i < ALIVE_MAX; i++)
		if (generations[i].state == GENERATION_NONE)
			g = &generations[i];
	if (g == NULL) {
		snprintf(why, why_size, "%d generations still have sessions; "
		    "the oldest is ending: try again in a moment",
		    GENERATIONS_MAX);
		return false;
	}
	memset(g, 0, sizeof *g);
	if (!generation_open_files(c, g->file, why, why_size))
		return false;
	mark_files(g);
	memcpy(&g->config, c, sizeof g->config);
	if (!open_listeners(c, why, why_size)) {
		close_files(g->file);
		listener_close_unused(current != NULL ? &current->config : NULL,
		    NULL);
		return false;
	}
	g->by_watch = by_watch;
	g->trial = by_watch && only_crl_differs(g);
	g->number = ++last_number;
	g->state = GENERATION_STARTING;
	if (start_members(g, 0, 1))
		return true;
	snprintf(why, why_size, "cannot start a parent: %s", strerror(errno));
	give_up(g, 0);
	return false;
}

static void
log_died(const struct member *m, int status)
{
	struct log_line l;

	metric_add(&service_metrics->parents_died, 1);
	log_begin(&l, LOG_ERR, "parent-died");
	log_num(&l, "parent", m->pid);
	log_num(&l, "generation", m->of->number);
	if (WIFSIGNALED(status))
		log_fmt(&l, "signal", "%s", sigabbrev_np(WTERMSIG(status)));
	else
		log_num(&l, "status", WEXITSTATUS(status));
	log_end(&l);
}

/*
 * What was it that the filter did not allow?  True if that is being found out:
 * the service then ends when it is.
 */
static bool
name_call(const struct member *m)
{
	bool now = current == NULL && rehearsal_begin();
	char command[PATH_MAX + 64];

	rehearsal_command(command, sizeof command);
	log_event(LOG_ERR, "canary", "parent %u of generation %u cannot serve: "
	    "a filter has ended it, or one of its own, before it was ready; %s "
	    "%s the call", (unsigned)m->index, (unsigned)m->of->number,
	    now ? "a rehearsal" : command, now ? "is to name" : "names");
	return now;
}

/* Retired before it could mind the signal: as it should be. */
static bool
retired_young(const struct member *m, int status)
{
	return !m->ready && m->of->state == GENERATION_LEAVING &&
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1;
}

int
generation_reaped(pid_t pid, int status)
{
	struct member *m = NULL;
	struct generation *g;
	bool orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	for (uint32_t i = 0; m == NULL && i < MEMBERS_MAX; i++)
		if (members[i].pid == pid)
			m = &members[i];
	if (m == NULL)
		return -1;
	g = m->of;
	/* One that cannot start has said why, unless it was killed. */
	if (!orderly && !g->told_to_end && !retired_young(m, status) &&
	    (g->state != GENERATION_STARTING || WIFSIGNALED(status)))
		log_died(m, status);
	m->pid = 0;
	close(m->handle);
	if (m->pipe != -1)
		close(m->pipe);
	herald_close(&m->herald);
	clear_slot(m->slot);
	if (g->state == GENERATION_STARTING) {
		give_up(g, status);
		if (supervisor.rehearsal && orderly)
			return 0;
		if (filtered(status) && !stopping && name_call(m))
			return -1;
		if (current == NULL)
			return WIFEXITED(status) && !orderly &&
			    !filtered(status) ? WEXITSTATUS(status) :
			    EX_SOFTWARE;
	} else if (g->state == GENERATION_SERVING && !m->replaced) {
		restart_later(g, m->index, supervisor_now() - m->started);
	}
	forget_if_empty(g);
	return -1;
}

/* ---- the loop's questions ------------------------------------------------ */

int
generation_poll(struct pollfd *p, int max)
{
	int n = 0;

	for (uint32_t i = 0; i < MEMBERS_MAX && n < max; i++)
		if (members[i].pid != 0 && members[i].pipe != -1)
			/*
			 * Once it was heard only its end matters, POLLHUP,
			 * until the next look: it cannot keep us busy.
			 */
			p[n++] = (struct pollfd){ .fd = members[i].pipe,
			    .events = members[i].ready &&
			    members[i].silent == 0 ? 0 : POLLIN };
	return n;
}

/*
 * A new CRL alone, and its first parent finds it good: those that serve get it
 * as news.  If each were a generation, sessions would last no longer than a
 * few lists do.
 */
static void
adopt_crl(struct generation *g)
{
	int old = current->file[FILE_CRL];

	current->file[FILE_CRL] = g->file[FILE_CRL];
	g->file[FILE_CRL] = old;
	current->marks = g->marks;
	current->number = g->number;
	tell_ready(current);
	watch_taken(&current->marks);
	retire(g);
}

static void
member_ready(struct member *m)
{
	struct generation *g = m->of;

	/* Retired while it started, perhaps before it minded the signal. */
	if (g->state == GENERATION_LEAVING)
		signal_member(m, g->told_to_end ? SIGTERM : SIGUSR1);
	if (g->state != GENERATION_STARTING || stopping)
		return;
	if (g->trial) {
		adopt_crl(g);
		return;
	}
	if (m->index == 0 && !start_members(g, 1, g->config.parents)) {
		log_event(LOG_ERR, "fatal", "cannot start a parent: %s",
		    strerror(errno));
		give_up(g, 0);
	} else if (all_ready(g)) {
		take_over(g);
	}
}

void
generation_heard(const struct pollfd *p)
{
	struct member *m = NULL;
	char bytes[64];
	ssize_t n;

	for (uint32_t i = 0; m == NULL && i < MEMBERS_MAX; i++)
		if (members[i].pid != 0 && members[i].pipe == p->fd)
			m = &members[i];
	if (m == NULL)
		return;
	n = read(m->pipe, bytes, sizeof bytes);	/* what they are is no matter */
	m->silent = 0;
	if (n > 0 && !m->ready) {
		m->ready = true;
		member_ready(m);
	}
	if (n == 0) {
		close(m->pipe);
		m->pipe = -1;
		m->replaced = true;
		expect_end(m, m->of->config.session_ms);
		restart_later(m->of, m->index, supervisor_now() - m->started);
	}
}

static void
complain(void)
{
	static struct log_limit told;

	log_event_limited(LOG_ERR, "restart-failed", &told, supervisor_now(),
	    "a parent cannot be started: %s; it is tried again",
	    strerror(errno));
}

/* Start again what is due; ms until the next is. */
static int64_t
restart_due(void)
{
	int64_t now = supervisor_now(), next = -1;

	for (uint32_t i = 0; current != NULL && !stopping &&
	    i < current->config.parents; i++) {
		if (current->due[i] != 0 && current->due[i] <= now) {
			current->due[i] = 0;
			if (!start_member(current, i)) {
				complain();
				restart_later(current, i, 0);
			}
		}
		if (current->due[i] != 0)
			next = supervisor_sooner(next, current->due[i] - now);
	}
	return next;
}

/* Kill a parent that is out of time; ms until it is, or was told its news. */
static int64_t
see_to(struct member *m)
{
	int64_t now = supervisor_now(), left;

	if (m->ready && m->kill_at == 0)
		return tell_news(m);
	left = (m->ready ? m->kill_at : m->started + START_MS) - now;
	if (left <= 0) {
		signal_held(m->handle, SIGKILL);
		m->kill_at = now + GRACE_MS;
		left = GRACE_MS;
	}
	return supervisor_sooner(left, tell_news(m));
}

static enum slot_state
state_of(const struct member *m)
{
	if (!m->ready)
		return SLOT_STARTING;
	return m->of == current && !m->replaced ? SLOT_SERVING : SLOT_LEAVING;
}

/* Whose is each slot of the board?  The exporter shows the living alone. */
static void
publish(void)
{
	static enum slot_state state[METRICS_SLOTS];
	struct service_metrics *s = service_metrics;

	memset(state, SLOT_UNUSED, sizeof state);
	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		const struct member *m = &members[i];
		struct service_slot *slot = &s->slot[m->slot];

		if (m->pid == 0)
			continue;
		state[m->slot] = state_of(m);
		metric_set(&slot->pid, (uint64_t)m->pid);
		metric_set(&slot->generation, m->of->number);
		metric_set(&slot->index, m->index);
		metric_set(&slot->started_ms, (uint64_t)m->started);
	}
	for (uint32_t i = 0; i < supervisor.slots; i++)
		metric_set(&s->slot[i].state, state[i]);
	if (current == NULL)
		return;
	metric_set(&s->generation, current->number);
	metric_set(&s->parents, current->config.parents);
	metric_set(&s->max_connections, current->config.max_connections);
	metric_set(&s->max_per_address,
	    current->config.max_connections_per_address);
	metric_set(&s->max_handshakes, current->config.max_handshakes);
	metric_set(&s->accept_rate, current->config.accept_rate);
	metric_set(&s->accept_burst, current->config.accept_burst);
}

int64_t
generation_tick(void)
{
	/* First: what it starts has its own time, and its pipe (poll). */
	int64_t next = restart_due();

	publish();
	next = supervisor_sooner(next, look_for_progress());
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (members[i].pid != 0)
			next = supervisor_sooner(next, see_to(&members[i]));
	return next;
}

void
generation_signal_all(int sig)
{
	for (int i = 0; i < ALIVE_MAX; i++) {
		if (generations[i].state == GENERATION_NONE)
			continue;
		generations[i].told_to_end = true;
		signal_members(&generations[i], sig);
	}
}

bool
generation_any(void)
{
	for (uint32_t i = 0; i < MEMBERS_MAX; i++)
		if (members[i].pid != 0)
			return true;
	return false;
}

bool
generation_room(void)
{
	for (int i = 0; i < ALIVE_MAX; i++)
		if (generations[i].state == GENERATION_NONE)
			return true;
	return false;
}

bool
generation_starting(void)
{
	for (int i = 0; i < ALIVE_MAX; i++)
		if (generations[i].state == GENERATION_STARTING)
			return true;
	return false;
}

void
generation_stop(void)
{
	stopping = true;
}

uint32_t
generation_number(void)
{
	return current != NULL ? current->number : 0;
}

const struct config *
generation_current(void)
{
	return current != NULL ? &current->config : NULL;
}
