#include "title.h"

#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char *area;		/* argv[0]; argv and environ lie in one piece */
static size_t area_size;

void
title_init(int argc, char **argv)
{
	char *end = argc > 0 ? argv[0] : NULL;

	for (int i = 0; i < argc; i++)
		if (argv[i] == end)
			end = argv[i] + strlen(argv[i]) + 1;
	for (char **e = environ; e != NULL && *e != NULL; e++)
		if (*e == end)
			end = *e + strlen(*e) + 1;
	area = argc > 0 ? argv[0] : NULL;
	area_size = (size_t)(end - area);
	/* What was in it is nothing for /proc/PID/environ, nor for us. */
	if (environ != NULL && *environ != NULL && *environ < end)
		memset(*environ, 0, (size_t)(end - *environ));
	environ = NULL;
}

void
title_name(const char *title, char name[TITLE_NAME])
{
	size_t n = strlen(title);

	if (n >= TITLE_NAME && strncmp(title, "postern-", 8) == 0) {
		title += 8;
		n -= 8;
	}
	if (n >= TITLE_NAME)
		n = TITLE_NAME - 1;
	memcpy(name, title, n);
	name[n] = '\0';
}

void
title_set(const char *title)
{
	size_t n = strlen(title);
	char name[TITLE_NAME];

	title_name(title, name);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (area == NULL || area_size == 0)
		return;
	if (n > area_size - 1)
		n = area_size - 1;
	memset(area, 0, area_size);	/* of which the last stays */
	memcpy(area, title, n);		/* NOLINT(bugprone-not-null*) */
}
