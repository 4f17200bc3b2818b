#include "show.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "text.h"

#define PATH_TEXT	4096
#define LABEL_WIDTH	16

json_t *
show_file_name(const char *path)
{
	char text[PATH_TEXT];

	text_escape(text, sizeof text, path, strlen(path));
	return json_string(text);
}

void
show_end(void)
{
	if (ferror(stdout) || fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
}

void
show_json(json_t *document)
{
	if (document == NULL || json_dumpf(document, stdout, JSON_INDENT(2)) ==
	    -1 || putchar('\n') == EOF)
		err(EX_IOERR, "standard output");
	json_decref(document);
	show_end();
}

static void
print_scalar(const json_t *v)
{
	if (json_is_string(v))
		printf("%s", json_string_value(v));
	else if (json_is_integer(v))
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_boolean(v))
		printf("%s", json_is_true(v) ? "yes" : "no");
	else
		printf("-");
}

/* The values of an object in one line: an entry of a list. */
static void
print_value(const json_t *v)
{
	const char *key, *between = "";
	json_t *member;

	if (!json_is_object(v)) {
		print_scalar(v);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, member) {
		printf("%s", between);
		print_scalar(member);
		between = " ";
	}
}

/* "not_after" as "not after", in a column. */
static void
print_label(const char *key)
{
	char label[32];

	text_copy(label, sizeof label, key);
	for (char *p = label; *p != '\0'; p++)
		if (*p == '_')
			*p = ' ';
	printf("    %-*s", LABEL_WIDTH, label);
}

static void
print_member(const char *key, const json_t *v)
{
	size_t i;
	json_t *one;

	if (!json_is_array(v)) {
		print_label(key);
		print_value(v);
		putchar('\n');
		return;
	}
	if (json_array_size(v) == 0) {
		print_label(key);
		printf("-\n");
	}
	json_array_foreach(v, i, one) {
		print_label(i == 0 ? key : "");
		print_value(one);
		putchar('\n');
	}
}

void
show_text(const char *file, const json_t *object)
{
	const char *key;
	json_t *member;
	char name[PATH_TEXT];

	text_escape(name, sizeof name, file, strlen(file));
	printf("%s: %s\n", name,
	    json_string_value(json_object_get(object, "kind")));
	json_object_foreach((json_t *)(uintptr_t)object, key, member)
		if (strcmp(key, "kind") != 0)
			print_member(key, member);
}
