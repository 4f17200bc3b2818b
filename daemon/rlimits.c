#include "rlimits.h"

#include <stddef.h>
#include <sys/resource.h>

#include "bounds.h"
#include "secret.h"

/* Enough for the largest max-connections there can be. */
#define MOST (100000U * 2 + BOUNDS_PARENT_FILES)

static void
raise_locked(void)
{
	struct rlimit r, more = { SECRET_LOCK_MAX, SECRET_LOCK_MAX };

	if (getrlimit(RLIMIT_MEMLOCK, &r) == 0 && r.rlim_max <
	    SECRET_LOCK_MAX && setrlimit(RLIMIT_MEMLOCK, &more) == 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &r);
}

void
limits_raise(void)
{
	struct rlimit r;

	raise_locked();
	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	if (r.rlim_max < MOST) {
		struct rlimit more = { MOST, MOST };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

const char *
config_exceeds_limits(const struct config *c)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max <
	    (rlim_t)c->max_connections * 2 + BOUNDS_PARENT_FILES)
		return "max-connections needs twice as many descriptors, and "
		    "128: raise the limit (ulimit -n, LimitNOFILE=) or lower "
		    "max-connections";
	if (getrlimit(RLIMIT_MEMLOCK, &r) == 0 &&
	    r.rlim_max < SECRET_LOCK_MIN)
		return "the key needs 2 MiB that can be locked in memory: "
		    "raise the limit (ulimit -l, LimitMEMLOCK=)";
	return NULL;
}
