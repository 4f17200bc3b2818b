#include "busypoll.h"

#include <sched.h>
#include <stddef.h>
#include <time.h>

/* So many turns in a row must be one client's, soon after each other. */
#define ENOUGH	16
/* How soon, in times of what is looked for: sleep and work are in it. */
#define SOON	4

static int64_t		window;		/* ns */
static const void	*last;		/* whose turn it was */
static int64_t		since;		/* its end */
static int		credit;

void
busypoll_start(uint32_t us)
{
	window = us * INT64_C(1000);
}

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static bool
look_on(void)
{
	if (credit < ENOUGH)
		return false;
	if (now() - since < window) {
		sched_yield();
		return true;
	}
	credit = 0;
	return false;
}

bool
busypoll_again(const void *who)
{
	int64_t t;

	if (window == 0)
		return false;
	if (who == NULL)
		return look_on();
	if (who != last) {
		last = who;
		credit = 0;
		return false;
	}
	t = now();
	if (t - since > SOON * window)
		credit = 0;
	else if (credit < ENOUGH)
		credit++;
	since = t;
	return credit == ENOUGH;
}
