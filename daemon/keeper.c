#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "activation.h"
#include "exporter.h"
#include "process.h"
#include "supervisor.h"

/* Back-off of restarts (ms); one that lived this long was well. */
#define BACKOFF_FIRST	100
#define BACKOFF_LAST	30000
#define WELL_MS		60000
/* A supervisor that was just killed leaves an exporter that is dying. */
#define BIND_TRIES	25

/* A listening socket, and its name if that is a file of ours. */
struct outlet {
	int	fd;
	char	path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static struct outlet	metrics_outlet = { .fd = -1 };
static struct outlet	status_outlet = { .fd = -1 };
static char		no_status[256];		/* why, or "" */
static pid_t		exporter;		/* 0: there is none */
static int		handle;			/* on it, for signals */
static int64_t		started, due;
static int		backoff;

/* ---- sockets ------------------------------------------------------------- */

/* A socket that nobody answers at was left by one that was killed. */
static bool
is_left_over(const struct config_listen *at)
{
	const struct timespec tick = { .tv_nsec = 20000000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), e = 0;

	for (int i = 0; i < BIND_TRIES && e == 0; i++) {
		e = connect(fd, (const struct sockaddr *)&at->ss, at->len) ==
		    -1 ? errno : 0;
		if (e == 0)
			ppoll(NULL, 0, &tick, NULL);
	}
	close(fd);
	errno = EADDRINUSE;
	return e == ECONNREFUSED;
}

/* /run/postern, say: whatever made /run empty. */
static void
make_directory(const char *path)
{
	char directory[sizeof status_outlet.path];
	char *end;

	strcpy(directory, path);
	end = strrchr(directory, '/');
	if (end == directory || end == NULL)
		return;
	*end = '\0';
	if (mkdir(directory, 0755) == 0)
		chmod(directory, 0755);		/* whatever the umask */
}

static int
bind_unix(const struct config_listen *at, const char *path, mode_t mode)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr *sa = (const struct sockaddr *)&at->ss;
	int e;

	if (fd == -1)
		return -1;
	make_directory(path);
	if ((bind(fd, sa, at->len) == 0 || (errno == EADDRINUSE &&
	    is_left_over(at) && unlink(path) == 0 &&
	    bind(fd, sa, at->len) == 0)) && chmod(path, mode) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

static bool
open_outlet(struct outlet *o, const struct config_listen *at, mode_t mode)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&at->ss;

	if (at->name[0] != '\0') {
		o->fd = fcntl(activation_get(at), F_DUPFD_CLOEXEC, 0);
		return o->fd != -1;
	}
	if (at->ss.ss_family != AF_UNIX) {
		o->fd = listener_open(at);
		return o->fd != -1;
	}
	o->fd = bind_unix(at, sun->sun_path, mode);
	if (o->fd != -1)
		strcpy(o->path, sun->sun_path);
	return o->fd != -1;
}

bool
keeper_open(const struct config *c, char *why, size_t why_size)
{
	const struct sockaddr_un *sun =
	    (const struct sockaddr_un *)&c->status.ss;
	char at[ADDR_TEXT];

	/* Whoever can reach it may read it: there is no client in it. */
	if (c->metrics.len > 0 &&
	    !open_outlet(&metrics_outlet, &c->metrics, 0666)) {
		int e = errno;

		if (c->metrics.ss.ss_family != AF_UNIX)
			addr_text(&c->metrics.ss, at);
		snprintf(why, why_size, "metrics { listen } %s: %s",
		    c->metrics.ss.ss_family == AF_UNIX ?
		    ((const struct sockaddr_un *)&c->metrics.ss)->sun_path :
		    at, strerror(e));
		return false;
	}
	if (c->status.len > 0 && !open_outlet(&status_outlet, &c->status, 0600))
		snprintf(no_status, sizeof no_status, "%s: %s: posternd "
		    "--status will find nobody", sun->sun_path,
		    strerror(errno));
	return true;
}

void
keeper_tell(void)
{
	if (no_status[0] != '\0')
		log_event(LOG_WARNING, "status", "%s", no_status);
}

static void
close_outlet(struct outlet *o)
{
	if (o->fd == -1)
		return;
	close(o->fd);
	if (o->path[0] != '\0')
		unlink(o->path);
	o->fd = -1;
}

void
keeper_let_go(void)
{
	metrics_outlet.path[0] = status_outlet.path[0] = '\0';
	close_outlet(&metrics_outlet);
	close_outlet(&status_outlet);
}

/* ---- the process --------------------------------------------------------- */

static int
make_setup(void)
{
	const struct config *c = generation_current();
	struct exporter_setup s = { .size = sizeof s,
	    .log_kind = supervisor.log_kind,
	    .log_level = c != NULL ? c->log_level : LOG_INFO,
	    .one_uid = supervisor.one_uid, .uid = supervisor.exporter_uid,
	    .gid = supervisor.exporter_gid, .supervisor = getpid(),
	    .slots = supervisor.slots, .metrics = metrics_outlet.fd != -1,
	    .status = status_outlet.fd != -1 };
	int fd = memfd_create("setup", MFD_CLOEXEC);

	if (fd != -1 && write(fd, &s, sizeof s) != (ssize_t)sizeof s) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static _Noreturn void
become_exporter(int setup)
{
	const struct placement place[] = {
		{ setup, EXPORTER_SETUP_FD },
		{ supervisor.board_to_read, EXPORTER_BOARD_FD },
		{ metrics_outlet.fd != -1 ? metrics_outlet.fd : STDIN_FILENO,
		    EXPORTER_METRICS_FD },
		{ status_outlet.fd != -1 ? status_outlet.fd : STDIN_FILENO,
		    EXPORTER_STATUS_FD },
	};

	exec_program(supervisor.daemon_exe, "posternd: exporter", place,
	    sizeof place / sizeof place[0]);
}

static void
start_later(int64_t lived)
{
	backoff = backoff == 0 || lived >= WELL_MS ? BACKOFF_FIRST :
	    backoff * 2;
	if (backoff > BACKOFF_LAST)
		backoff = BACKOFF_LAST;
	/* One that was well is missed at once. */
	due = supervisor_now() + (backoff == BACKOFF_FIRST ? 0 : backoff);
}

static void
start(void)
{
	int setup = make_setup();

	started = supervisor_now();
	exporter = setup == -1 ? -1 : fork_held(&handle);
	if (exporter == 0)
		become_exporter(setup);
	if (setup != -1)
		close(setup);
	if (exporter != -1)
		return;
	exporter = 0;
	start_later(0);
}

int64_t
keeper_tick(void)
{
	int64_t now = supervisor_now();

	if (exporter != 0 || (metrics_outlet.fd == -1 &&
	    status_outlet.fd == -1))
		return -1;
	if (due <= now)
		start();
	return exporter != 0 ? -1 : due - now;
}

bool
keeper_reaped(pid_t pid, int status)
{
	struct log_line l;

	if (exporter == 0 || pid != exporter)
		return false;
	exporter = 0;
	close(handle);
	metric_add(&service_metrics->exporters_died, 1);
	log_begin(&l, LOG_ERR, "exporter-died");
	log_num(&l, "exporter", pid);
	if (WIFSIGNALED(status))
		log_fmt(&l, "signal", "%s", sigabbrev_np(WTERMSIG(status)));
	else
		log_num(&l, "status", WEXITSTATUS(status));
	log_end(&l);
	start_later(supervisor_now() - started);
	return true;
}

void
keeper_close(void)
{
	if (exporter != 0)
		signal_held(handle, SIGKILL);
	while (exporter != 0) {
		pid_t pid = waitpid(-1, NULL, 0);

		if (pid == exporter || (pid == -1 && errno != EINTR))
			exporter = 0;
	}
	close_outlet(&metrics_outlet);
	close_outlet(&status_outlet);
}
