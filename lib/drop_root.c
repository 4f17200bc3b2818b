/*
 * How posternd's children give root up.  It is apart from the steps themselves,
 * so that tests can have each of these go wrong (regress/inside/sabotage.c).
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>

#include "confine.h"
#include "log.h"

void
confine_ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
}

void
confine_drop_root(const struct confine_heir *h)
{
	confine_no_new_privs();
	if (h->one_uid && h->own_users)
		confine_own_users();
	else if (h->one_uid && unshare(CLONE_NEWUSER) == -1)
		fatal(EX_OSERR, "cannot make a user namespace: %s",
		    strerror(errno));
	if (h->root == CONFINE_ROOT_EMPTY)
		confine_empty_root();
	if (h->one_uid)
		confine_drop_capabilities();
	else if (h->own_users)
		confine_drop_user_mapped(h->uid, h->gid);
	else
		confine_drop_user(h->uid, h->gid);
	confine_die_with_parent(h->parent);
	confine_hide();
	confine_no_new_code();
}
