#include "deadline.h"

#include <stddef.h>

int64_t
deadline_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
deadline_now(void)
{
	return deadline_now_us() / 1000;
}

struct timespec *
deadline_left(int64_t deadline, struct timespec *ts)
{
	int64_t left;

	if (deadline == DEADLINE_NEVER)
		return NULL;
	left = deadline - deadline_now();
	if (left < 0)
		left = 0;
	ts->tv_sec = (time_t)(left / 1000);
	ts->tv_nsec = (long)(left % 1000) * 1000000;
	return ts;
}
