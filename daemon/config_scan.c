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
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
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
		s->p += 2;
		while (*s->p != '\0' && !(s->p[0] == '*' && s->p[1] == '/'))
			advance(s);
		if (*s->p != '\0')
			s->p += 2;
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

/* The mistake at an '=', '{' or '}', or NULL.  A list's braces follow '='. */
static const char *
mark(struct scan *s)
{
	switch (*s->p) {
	case '+':
		return "+= is not known here; give the whole list";
	case '=':
		if (repeated(s))
			return "is given twice; keep one";
		s->p++;
		while (isspace((unsigned char)*s->p) || skip_comment(s))
			if (isspace((unsigned char)*s->p))
				advance(s);
		if (*s->p == '{') {
			while (*s->p != '\0' && *s->p != '}')
				if (!skip_comment(s) && !skip_string(s))
					advance(s);
		}
		break;
	case '{':
		if (repeated(s))
			return "is given twice; keep one";
		snprintf(s->section, sizeof s->section, "%s", s->word);
		break;
	case '}':
		s->section[0] = '\0';
		break;
	default:
		break;
	}
	return NULL;
}

bool
config_scan(const char *file, const char *text, char *why, size_t why_size)
{
	static struct scan s;
	const char *wrong = NULL, *dollar = strstr(text, "${");

	memset(&s, 0, sizeof s);
	s.p = text;
	s.line = 1;
	while (*s.p != '\0' && wrong == NULL) {
		if (dollar != NULL && s.p >= dollar) {
			snprintf(why, why_size, "%s:%d: ${...} is not "
			    "expanded here; write the value", file, s.line);
			return false;
		}
		if (skip_comment(&s)) {
			if (dollar != NULL && dollar < s.p)
				dollar = strstr(s.p, "${");
			continue;
		}
		if (skip_string(&s))
			continue;
		if (is_word(*s.p)) {
			take_word(&s);
			continue;
		}
		wrong = mark(&s);
		if (wrong == NULL && *s.p != '\0' && strchr("\"'#/", *s.p) == NULL
		    && !is_word(*s.p))
			advance(&s);
	}
	if (wrong != NULL) {
		snprintf(why, why_size, "%s:%d: %s %s", file, s.line, s.word,
		    wrong);
		return false;
	}
	return true;
}
