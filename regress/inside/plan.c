#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "title.h"

static char		 text[4096];
static struct plan_line	 line[PLAN_LINES];
static size_t		 lines;
static char		 process[32];

void __real_title_set(const char *title);
void __wrap_title_set(const char *title);

static void
take_line(char *s)
{
	struct plan_line *l = &line[lines];
	char *rest = s;
	size_t n = 0;

	for (char *w; n < PLAN_WORDS && (w = strtok_r(rest, " \t", &rest)) !=
	    NULL; n++)
		l->word[n] = w;
	if (n >= 2 && l->word[0][0] != '#')
		lines++;
	else
		*l = (struct plan_line){ { NULL } };
}

/*
 * Only with calls that the supervisor's filter allows to what it starts, and
 * nothing that would use malloc or libcrypto before main does.
 */
static void
read_plan(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 8);
	char *rest = text;
	int fd;

	if (n <= 0)
		return;
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/plan");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	for (char *s; n > 0 && lines < PLAN_LINES &&
	    (s = strtok_r(rest, "\n", &rest)) != NULL;)
		take_line(s);
}

/* "posternd: parent 0" and "postern-worker: echo" say it. */
static void
name_by_title(const char *title)
{
	const char *role = strstr(title, ": ");
	size_t n = 0;

	if (role == NULL)
		return;
	role += 2;
	while (role[n] != '\0' && role[n] != ' ' && n < sizeof process - 1) {
		process[n] = role[n];
		n++;
	}
	process[n] = '\0';
}

static void
name_by_program(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/');

	base = base == NULL ? argv[0] : base + 1;
	strcpy(process, "supervisor");
	if (strcmp(base, "postern") == 0)
		strcpy(process, "client");
	else if (strcmp(base, "postern-certgen") == 0)
		strcpy(process, "looker");
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--explain", 9) == 0)
			strcpy(process, "explain");
		else if (strncmp(argv[i], "--status", 8) == 0)
			strcpy(process, "status");
	name_by_title(argv[0]);
}

void
__wrap_title_set(const char *title)
{
	name_by_title(title);
	__real_title_set(title);
}

const char *
inside_process(void)
{
	return process;
}

const struct plan_line *
plan_next(const char *name, const char *verb, size_t *at)
{
	while (*at < lines) {
		const struct plan_line *l = &line[(*at)++];

		if ((strcmp(l->word[0], name) == 0 ||
		    strcmp(l->word[0], "*") == 0) &&
		    strcmp(l->word[1], verb) == 0)
			return l;
	}
	return NULL;
}

bool
plan_has(const char *name, const char *verb, const char *arg)
{
	const struct plan_line *l;

	for (size_t at = 0; (l = plan_next(name, verb, &at)) != NULL;)
		if (arg == NULL || (l->word[2] != NULL &&
		    (strcmp(l->word[2], arg) == 0 ||
		    strcmp(l->word[2], "*") == 0)))
			return true;
	return false;
}

__attribute__((constructor)) static void
begin(int argc, char **argv)
{
	read_plan();
	name_by_program(argc, argv);
	for (size_t i = 0; i < lines; i++)
		if (strcmp(line[i].word[1], "attack") == 0) {
			attack_arm();
			return;
		}
}
