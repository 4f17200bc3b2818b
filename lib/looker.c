#include "looker.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "confine.h"
#include "filter.h"

/* The kernel's own "nobody", who owns no file and runs no service. */
#define NOBODY 65534

#define FIRST_FD 3

void
looker_prepare(void)
{
	static char buffer[16384];
	const char *why = confine_unavailable();

	if (why != NULL)
		errx(EX_OSERR, "cannot confine itself: %s", why);
	/* What would open a file or ask for one later is done now. */
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	if (setenv("TZ", "UTC0", 1) == -1)
		err(EX_OSERR, "setenv");
	tzset();
}

void
looker_confine(pid_t parent)
{
	const struct bounds_for bounds = { .max_connections = 0 };
	struct sock_fprog filter;

	confine_no_new_privs();
	if (geteuid() == 0 || getuid() == 0)
		confine_drop_user(NOBODY, NOBODY);
	/* After that: a change of user undoes both. */
	confine_hide();
	if (parent != 0)
		confine_die_with_parent(parent);
	confine_close_from(FIRST_FD);
	confine_no_new_code();
	confine_check_settled(geteuid() != NOBODY);
	filter_prepare(POLICY_LOOKER, &filter);
	confine_landlock();
	bounds_apply(POLICY_LOOKER, &bounds);
	filter_enter(POLICY_LOOKER, &filter);
}
