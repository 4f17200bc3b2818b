/*
 * title_helper [TITLE [padding]]: takes the title (one of its own without), and
 * says what others see of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "title.h"

static void
show(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text);

	/* the title is followed by NULs up to the end of its room */
	while (n > 0 && (text[n - 1] == '\0' || text[n - 1] == '\n'))
		n--;
	printf("%s=", path);
	for (ssize_t i = 0; i < n; i++)
		putchar(text[i] == '\0' ? '|' : text[i]);
	putchar('\n');
}

int
main(int argc, char **argv)
{
	char title[256];

	snprintf(title, sizeof title, "%s", argc > 1 ? argv[1] :
	    "posternd: supervisor");
	title_init(argc, argv);
	title_set(title);
	show("/proc/self/cmdline");
	show("/proc/self/comm");
	printf("environment=%s\n", getenv("PATH") == NULL && environ == NULL ?
	    "empty" : "there");
	return 0;
}
