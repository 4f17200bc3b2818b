/*
 * Running a piece of a test in a process of its own, because it confines
 * itself, is to be killed, or writes to the log.
 */
#ifndef REGRESS_CHILD_H
#define REGRESS_CHILD_H

#include <atf-c.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its wait status.  It has 20 seconds, and leaves no core file. */
static inline int
in_child(void (*run)(void *), void *arg)
{
	struct rlimit none = { 0, 0 };
	pid_t pid = fork();
	int status;

	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		setrlimit(RLIMIT_CORE, &none);
		alarm(20);
		run(arg);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == -1)
		ATF_REQUIRE_EQ(EINTR, errno);
	return status;
}

/* In a child: end it, and so the case, unless `ok`. */
#define MUST(ok) do { \
	if (!(ok)) { \
		dprintf(2, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, \
		    #ok, strerror(errno)); \
		_exit(99); \
	} \
} while (0)

static inline int
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -1;		/* its own */

	ATF_REQUIRE(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

#endif
