#include "passphrase.h"

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "file.h"
#include "input.h"
#include "terminal.h"
#include "text.h"

#define SIZE	1024		/* with its NUL */
#define LEAST	8		/* for a new one */

static char *
from_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	size_t len, n;
	char *line;

	read_input(path, &data, &len, &st);
	if ((st.st_mode & S_IRWXO) != 0)
		errx(EX_NOPERM, "%s: others may read this passphrase or write "
		    "it; \"chmod o= FILE\"", path);
	n = strcspn((const char *)data, "\r\n");
	if (n == 0 || n >= SIZE)
		errx(EX_DATAERR, "%s: its first line is not a passphrase of 1 "
		    "to %d bytes", path, SIZE - 1);
	if ((line = strndup((const char *)data, n)) == NULL)
		err(EX_OSERR, "%s", path);
	file_wipe(data, len);
	return line;
}

static bool
ask(int tty, const char *what, const char *key_path, char line[SIZE])
{
	char shown[128], prompt[192];

	text_escape(shown, sizeof shown, key_path, strlen(key_path));
	snprintf(prompt, sizeof prompt, "%s %s: ", what, shown);
	return terminal_ask(tty, prompt, line, SIZE);
}

static char *
new_line(void)
{
	char *line = calloc(1, SIZE);

	if (line == NULL)
		err(EX_OSERR, "passphrase");
	return line;
}

static int
open_terminal(const char *key_path)
{
	int tty = terminal_open();

	if (tty == -1)
		errx(EX_DATAERR, "%s: the key is under a passphrase, and there "
		    "is no terminal to ask for it; give --passphrase-file",
		    key_path);
	return tty;
}

static char *
from_terminal(const char *key_path)
{
	int tty = open_terminal(key_path);
	char *line = new_line();

	if (!ask(tty, "Passphrase for", key_path, line) || *line == '\0')
		errx(EX_NOINPUT, "%s: no passphrase was typed", key_path);
	close(tty);
	return line;
}

static char *
from_terminal_twice(const char *key_path)
{
	int tty = open_terminal(key_path);
	char *line = new_line(), *again = new_line();

	if (!ask(tty, "New passphrase for", key_path, line) ||
	    strlen(line) < LEAST)
		errx(EX_NOINPUT, "%s: no passphrase of %d characters or more "
		    "was typed", key_path, LEAST);
	if (!ask(tty, "Again, the passphrase for", key_path, again) ||
	    strcmp(line, again) != 0)
		errx(EX_NOINPUT, "%s: not the same passphrase was typed twice",
		    key_path);
	passphrase_free(again);
	close(tty);
	return line;
}

char *
passphrase_for(const char *key_path, const char *file)
{
	return file != NULL ? from_file(file) : from_terminal(key_path);
}

char *
passphrase_for_new(const char *key_path, const char *file)
{
	char *passphrase;

	if (file == NULL)
		return from_terminal_twice(key_path);
	passphrase = from_file(file);
	if (strlen(passphrase) < LEAST)
		errx(EX_DATAERR, "%s: a new passphrase has %d bytes or more",
		    file, LEAST);
	return passphrase;
}

void
passphrase_free(char *passphrase)
{
	if (passphrase != NULL)
		explicit_bzero(passphrase, strlen(passphrase));
	free(passphrase);
}
