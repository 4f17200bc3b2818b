/*
 * The run as a whole: the processes, their common beginning, the sum.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench.h"

#define PROCESSES_MAX 64

struct crew {
	pid_t	pid;
	int	ready, go;
};

static struct crew
start_crew(const struct plan *p, uint32_t first, const struct crew *others)
{
	int ready[2], go[2];
	struct crew c;

	if (pipe(ready) == -1 || pipe(go) == -1)
		die(EX_OSERR, "pipe: %s", strerror(errno));
	c.pid = fork();
	if (c.pid == -1)
		die(EX_OSERR, "fork: %s", strerror(errno));
	if (c.pid == 0) {
		close(ready[0]);
		close(go[1]);
		/* its end is what the others wait for */
		for (uint32_t i = 0; i < first; i++)
			close(others[i].go);
		crew_main(p, first, ready[1], go[0]);
	}
	close(ready[1]);
	close(go[0]);
	c.ready = ready[0];
	c.go = go[1];
	return c;
}

static bool
read_all(int fd, void *p, size_t len)
{
	char *at = p;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * It has said why itself.  Others may fail because it did: what counts is that
 * a byte differed, whoever saw it.
 */
static _Noreturn void
give_up(struct crew *crew, uint32_t n)
{
	int code = EX_SOFTWARE;

	for (uint32_t i = 0; i < n; i++) {
		int status;

		close(crew[i].go);
		kill(crew[i].pid, SIGTERM);
		if (waitpid(crew[i].pid, &status, 0) == crew[i].pid &&
		    WIFEXITED(status) && WEXITSTATUS(status) != 0 &&
		    code != EX_PROTOCOL)
			code = WEXITSTATUS(status);
	}
	exit(code);
}

static void
add(struct tally *sum, const struct tally *t)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		sum->done[k] += t->done[k];
		histogram_merge(&sum->took[k], &t->took[k]);
	}
	sum->bytes += t->bytes;
	sum->cpu_ns += t->cpu_ns;
	if (t->ns > sum->ns)
		sum->ns = t->ns;
}

static void
all_ready(struct crew *crew, uint32_t n)
{
	char c;

	for (uint32_t i = 0; i < n; i++)
		if (!read_all(crew[i].ready, &c, 1))
			give_up(crew, n);
}

static void
measure(const struct plan *p, struct crew *crew, struct tally *sum,
    struct cost *cost)
{
	static struct tally t;
	uint64_t before = 0, after = 0;

	cost->known = p->cgroup != NULL && cost_cpu(p->cgroup, &before);
	for (uint32_t i = 0; i < p->processes; i++)
		if (write(crew[i].go, "", 1) != 1)
			give_up(crew, p->processes);
	all_ready(crew, p->processes);		/* the measured time is over */
	if (cost->known)
		cost->known = cost_cpu(p->cgroup, &after);
	cost->cpu_ns = after - before;
	for (uint32_t i = 0; i < p->processes; i++) {
		if (!read_all(crew[i].ready, &t, sizeof t))
			give_up(crew, p->processes);
		add(sum, &t);
	}
}

void
load_run(const struct plan *p, struct tally *sum, struct cost *cost)
{
	static struct crew crew[PROCESSES_MAX];
	int64_t resident = 0, kernel = 0;

	if (p->processes > PROCESSES_MAX)
		die(EX_USAGE, "at most %d processes", PROCESSES_MAX);
	if (p->cgroup != NULL && !cost_memory(p->cgroup, &resident, &kernel))
		die(EX_NOINPUT, "%s: no such cgroup, or not to be read: the "
		    "server's processes must be in it", p->cgroup);
	for (uint32_t i = 0; i < p->processes; i++)
		crew[i] = start_crew(p, i, crew);
	all_ready(crew, p->processes);
	if (p->cgroup != NULL && cost_memory(p->cgroup, &cost->resident,
	    &cost->kernel)) {
		cost->resident -= resident;
		cost->kernel -= kernel;
	}
	measure(p, crew, sum, cost);
	for (uint32_t i = 0; i < p->processes; i++) {
		int status;

		close(crew[i].go);
		close(crew[i].ready);
		if (waitpid(crew[i].pid, &status, 0) == -1 || status != 0)
			exit(WIFEXITED(status) ? WEXITSTATUS(status) :
			    EX_SOFTWARE);
	}
}
