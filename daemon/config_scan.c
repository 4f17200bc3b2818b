#include "config_scan.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SEEN_MAX 64
#define WORD_MAX 64

struct scan {
	const char	*p;
	int		 line;
	char		 section[WORD_MAX];	/* "" outside */
	char		 word[WORD_MAX];	/* the last word seen */
	char		 seen[SEEN_MAX][2 * WORD_MAX + 2];
	size_t		 count;
	int		 unclosed;	/* line of an endless comment, or 0 */
	int		 section_line;
};

/* What libconfuse takes into a word without quotes: a name, a path, a time. */
static bool
is_word(char c)
{
	return c != '\0' && strchr(" \t\r\n\"'={}()+,#*", c) == NULL;
}

static void
advance(struct scan *s)
{
	if (*s->p == '\n')
		s->line++;
	s->p++;
}

/* Past a comment if one begins here. */
static bool
skip_comment(struct scan *s)
{
	if (s->p[0] == '#' || (s->p[0] == '/' && s->p[1] == '/')) {
		while (*s->p != '\0' && *s->p != '\n')
			s->p++;
		return true;
	}
	if (s->p[0] == '/' && s->p[1] == '*') {
		int line = s->line;

		s->p += 2;
		while (*s->p != '\0' && !(s->p[0] == '*' && s->p[1] == '/'))
			advance(s);
		if (*s->p != '\0')
			s->p += 2;
		else
			s->unclosed = line;
		return true;
	}
	return false;
}

static bool
skip_string(struct scan *s)
{
	char quote = *s->p;

	if (quote != '"' && quote != '\'')
		return false;
	advance(s);
	while (*s->p != '\0' && *s->p != quote) {
		if (*s->p == '\\' && s->p[1] != '\0')
			advance(s);
		advance(s);
	}
	if (*s->p != '\0')
		advance(s);
	return true;
}

static void
take_word(struct scan *s)
{
	size_t n = 0;

	while (is_word(*s->p)) {
		if (n < WORD_MAX - 1)
			s->word[n++] = *s->p;
		s->p++;
	}
	s->word[n] = '\0';
}

/* True if this key (or section) has been there already. */
static bool
repeated(struct scan *s)
{
	char name[2 * WORD_MAX + 2];

	snprintf(name, sizeof name, "%s/%s", s->section, s->word);
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->seen[i], name) == 0)
			return true;
	if (s->count < SEEN_MAX)
		strcpy(s->seen[s->count++], name);
	return false;
}

/* Past the list, if it is one, that follows an '='; false if it is empty. */
static bool
skip_list(struct scan *s)
{
	bool empty = true;

	while (isspace((unsigned char)*s->p) || skip_comment(s))
		if (isspace((unsigned char)*s->p))
			advance(s);
	if (*s->p != '{')
		return true;
	advance(s);
	while (*s->p != '\0' && *s->p != '}') {
		if (skip_comment(s))
			continue;
		if (!isspace((unsigned char)*s->p))
			empty = false;
		if (!skip_string(s))
			advance(s);
	}
	if (*s->p == '}')
		advance(s);
	return !empty;
}

/*
 * Past what is neither comment, string nor word; it always moves on, unless
 * it returns the mistake.  A list's braces follow '=', a section's do not.
 */
static const char *
mark(struct scan *s)
{
	char c = *s->p;

	if (c == '+')
		return "+= is not known here; give the whole list";
	if ((c == '=' || c == '{') && repeated(s))
		return "is given twice; keep one";
	advance(s);
	if (c == '=' && !skip_list(s))
		return "is an empty list; leave it out for its default";
	if (c == '{') {
		snprintf(s->section, sizeof s->section, "%s", s->word);
		s->section_line = s->line;
	}
	if (c == '}')
		s->section[0] = '\0';
	return NULL;
}

/* What libconfuse lets pass: a file that was cut short. */
static bool
is_whole(const struct scan *s, const char *file, char *why, size_t why_size)
{
	if (s->unclosed != 0) {
		snprintf(why, why_size, "%s:%d: this comment has no end (*/)",
		    file, s->unclosed);
		return false;
	}
	if (s->section[0] != '\0') {
		snprintf(why, why_size, "%s:%d: %s { has no end (}); is the "
		    "file whole?", file, s->section_line, s->section);
		return false;
	}
	return true;
}

/* True at or past a "${" that is in no comment. */
static bool
passed_dollar(const struct scan *s, const char *dollar)
{
	return dollar != NULL && s->p >= dollar;
}

bool
config_scan(const char *file, const char *text, char *why, size_t why_size)
{
	static struct scan s;
	const char *wrong = NULL, *dollar = strstr(text, "${");

	memset(&s, 0, sizeof s);
	s.p = text;
	s.line = 1;
	while (*s.p != '\0' && wrong == NULL && !passed_dollar(&s, dollar)) {
		if (skip_comment(&s)) {
			while (dollar != NULL && dollar < s.p)
				dollar = strstr(dollar + 1, "${");
		} else if (is_word(*s.p)) {
			take_word(&s);
		} else if (!skip_string(&s)) {
			wrong = mark(&s);
		}
	}
	if (wrong != NULL) {
		snprintf(why, why_size, "%s:%d: %s %s", file, s.line, s.word,
		    wrong);
		return false;
	}
	if (passed_dollar(&s, dollar)) {
		snprintf(why, why_size, "%s:%d: ${...} is not expanded here; "
		    "write the value", file, s.line);
		return false;
	}
	return is_whole(&s, file, why, why_size);
}
