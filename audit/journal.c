#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOURNALCTL	"/usr/bin/journalctl"

/* How the child says that there is none. */
#define NOT_THERE	127

/*
 * In the child: no environment, no input, and whatever it has to say beside
 * the records is not for us.  The program is named whole: no PATH is asked.
 */
static _Noreturn void
become_journalctl(int out)
{
	static char name[] = "journalctl", as[] = "--output=json",
	    pager[] = "--no-pager", quiet[] = "--quiet",
	    fields[] = "--output-fields=MESSAGE,_TRANSPORT,SYSLOG_FACILITY,"
	    "_AUDIT_TYPE,_AUDIT_ID,_SOURCE_REALTIME_TIMESTAMP",
	    lines[] = "--lines=" JOURNAL_LINES, audit[] = "_TRANSPORT=audit",
	    or[] = "+", kernel[] = "_TRANSPORT=kernel";
	char *argv[] = { name, as, pager, quiet, fields, lines, audit, or,
	    kernel, NULL };
	char *nothing[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 || dup2(null, STDERR_FILENO) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) == -1)
		_exit(NOT_THERE - 1);
	execve(JOURNALCTL, argv, nothing);
	_exit(errno == ENOENT ? NOT_THERE : NOT_THERE - 1);
}

static bool
ended_well(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) == -1)
		if (errno != EINTR)
			return false;
	return WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
}

/* Where it has read nothing it may be that there is nothing to read. */
static enum journal
judge(const struct source *s, int status, char *why, size_t size)
{
	if (WIFEXITED(status) && (WEXITSTATUS(status) == NOT_THERE ||
	    (WEXITSTATUS(status) == 1 && s->len == 0)))
		return JOURNAL_NONE;
	if (WIFEXITED(status))
		snprintf(why, size, "it ended with %d", WEXITSTATUS(status));
	else
		snprintf(why, size, "it was killed by signal %d",
		    WTERMSIG(status));
	return JOURNAL_FAILED;
}

enum journal
journal_read(struct source *s, char *why, size_t size)
{
	int out[2], status = 0;
	pid_t pid = -1;
	bool whole;

	*s = (struct source){ .name = JOURNALCTL };
	if (pipe2(out, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		snprintf(why, size, "%s", strerror(errno));
		return JOURNAL_FAILED;
	}
	if (pid == 0)
		become_journalctl(out[1]);
	close(out[1]);
	whole = source_read_from(out[0], s);
	if (!whole)
		snprintf(why, size, "%s", errno == EFBIG ? "there is more than "
		    "the 64 MiB that are read; give a part of it (--file)" :
		    strerror(errno));
	close(out[0]);
	if (!ended_well(pid, &status) && whole) {
		enum journal j = judge(s, status, why, size);

		free(s->data);
		return j;
	}
	return whole ? JOURNAL_READ : JOURNAL_FAILED;
}
