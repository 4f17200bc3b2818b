#include "strace.h"

#include <string.h>

/* What is left of a line. */
struct rest {
	const char	*at, *end;
};

static bool
take(struct rest *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static void
skip_blanks(struct rest *r)
{
	while (r->at < r->end && *r->at == ' ')
		r->at++;
}

/* ---- numbers and names --------------------------------------------------- */

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 99;
}

/* Without a sign, in 64 bits; false, and nothing is taken, if it is none. */
static bool
take_digits(struct rest *r, uint64_t *value)
{
	const char *at = r->at;
	int base = take(r, "0x") ? 16 : 10;
	const char *first = r->at;

	*value = 0;
	for (; r->at < r->end && digit(*r->at) < base; r->at++)
		if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
		    __builtin_add_overflow(*value, (uint64_t)digit(*r->at),
		    value))
			break;
	if (r->at > first && (r->at == r->end || digit(*r->at) >= base))
		return true;
	r->at = at;
	return false;
}

static bool
take_number(struct rest *r, uint64_t *value)
{
	bool negative = take(r, "-");

	if (!take_digits(r, value))
		return false;
	if (negative)
		*value = -*value;
	return true;
}

static bool
take_name(struct rest *r, char name[STRACE_NAME])
{
	size_t n = 0;

	/* It was killed before strace could see which. */
	if (take(r, "????") || take(r, "???")) {
		strcpy(name, "???");
		return true;
	}
	while (r->at < r->end && (digit(*r->at) < 16 || *r->at == '_' ||
	    (*r->at >= 'a' && *r->at <= 'z'))) {
		if (n == STRACE_NAME - 1)
			return false;
		name[n++] = *r->at++;
	}
	name[n] = '\0';
	return n > 0;
}

/* ---- arguments ----------------------------------------------------------- */

/* From behind a quotation mark to behind the next that is not escaped. */
static bool
skip_quoted(struct rest *r)
{
	while (r->at < r->end) {
		char c = *r->at++;

		if (c == '"')
			return true;
		if (c == '\\' && r->at < r->end)
			r->at++;
	}
	return false;
}

static bool
skip_remark(struct rest *r)
{
	while (r->at < r->end && !take(r, "*/"))
		r->at++;
	return r->at < r->end;
}

/* The rest is in another line, which may be of another pid. */
static bool
take_unfinished(struct rest *r)
{
	uint64_t pid;

	if (!take(r, "<pid changed to "))
		return take(r, "<unfinished ...>");
	return take_digits(r, &pid) && take(r, " ...>");
}

/* At the end of an argument: a comma, the call's, or that of what is there. */
static bool
at_argument_end(const struct rest *r, int depth)
{
	struct rest left = *r;

	return r->at == r->end || (depth == 0 && (*r->at == ',' ||
	    *r->at == ')' || (take(&left, " ") && take_unfinished(&left))));
}

/* Whatever it is: brackets, quotes, remarks; false if one is not closed. */
static bool
skip_argument(struct rest *r, struct strace_line *l)
{
	int depth = 0;

	while (!at_argument_end(r, depth)) {
		char c = *r->at++;

		if (c == '"') {
			const char *from = r->at;

			if (!skip_quoted(r))
				return false;
			if (l->text == NULL) {
				l->text = from;
				l->text_len = (size_t)(r->at - 1 - from);
				l->text_whole = !take(r, "...");
			}
		} else if (c == '/' && take(r, "*")) {
			if (!skip_remark(r))
				return false;
		} else if (c == '{' || c == '[' || c == '(') {
			if (depth == 0 && take(r, "len=") &&
			    !take_digits(r, &l->len))
				return false;
			depth++;
		} else if (c == '}' || c == ']' || c == ')') {
			depth--;
		}
	}
	return depth == 0;
}

enum arguments {
	ARGUMENTS_BAD,
	ARGUMENTS_ALL,
	ARGUMENTS_UNFINISHED,
	ARGUMENTS_LAST		/* what strace shows afterwards never came */
};

static enum arguments
read_arguments(struct rest *r, struct strace_line *l)
{
	for (int i = 0; ; i++) {
		skip_blanks(r);
		if (take(r, ")"))
			return ARGUMENTS_ALL;
		if (take_unfinished(r))
			return take(r, ")") ? ARGUMENTS_LAST :
			    ARGUMENTS_UNFINISHED;
		if (i == 6)
			return ARGUMENTS_BAD;
		if (take(r, "NULL")) {
			l->arg[i] = 0;
			l->known[i] = true;
		} else {
			l->known[i] = take_number(r, &l->arg[i]);
		}
		/* No number: a name, a structure; or a number among others. */
		if (!at_argument_end(r, 0)) {
			if (!skip_argument(r, l))
				return ARGUMENTS_BAD;
			l->known[i] = false;
		}
		if (r->at == r->end)
			return ARGUMENTS_BAD;
		take(r, ",");
	}
}

/*
 * "= 0x5", "= -1 ENOENT (...)"; "= ?": never; "= ? ERESTARTSYS (...)": it is
 * made again; "= -1 (errno 18446744073709551600)": it was killed meanwhile.
 */
static bool
read_result(struct rest *r, struct strace_line *l)
{
	uint64_t value;

	skip_blanks(r);
	if (!take(r, "= "))
		return false;
	l->done = true;
	if (take(r, "?")) {
		l->has_result = take(r, " ERESTART");
		l->result = -1;
		return true;
	}
	if (!take_number(r, &value) || (r->at < r->end && *r->at != ' '))
		return false;
	l->has_result = !take(r, " (errno ");
	l->result = (int64_t)value;
	return true;
}

/* ---- kinds of lines ------------------------------------------------------ */

static enum strace_kind
read_call(struct rest *r, struct strace_line *l)
{
	bool whole = false;

	if (!take_name(r, l->call) || !take(r, "("))
		return STRACE_BROKEN;
	switch (read_arguments(r, l)) {
	case ARGUMENTS_UNFINISHED:
		whole = r->at == r->end;
		break;
	case ARGUMENTS_ALL:
		whole = read_result(r, l);
		break;
	case ARGUMENTS_LAST:
		whole = read_result(r, l) && !l->has_result;
		break;
	case ARGUMENTS_BAD:
		break;
	}
	return whole ? STRACE_CALL : STRACE_BROKEN;
}

/* What comes between is the rest of its arguments. */
static enum strace_kind
read_resumed(struct rest *r, struct strace_line *l)
{
	if (!take_name(r, l->call) || !take(r, " resumed>"))
		return STRACE_BROKEN;
	for (const char *p = r->end; p > r->at + 1; p--)
		if (p[-1] == '=' && p[-2] == ' ') {
			r->at = p - 1;
			return read_result(r, l) ? STRACE_RESUMED :
			    STRACE_BROKEN;
		}
	return STRACE_BROKEN;
}

/* "superseded by execve in pid 4711 +++" */
static enum strace_kind
read_superseded(struct rest *r, struct strace_line *l)
{
	uint64_t pid;

	if (!take_digits(r, &pid) || pid == 0 || pid > INT32_MAX ||
	    !take(r, " +++"))
		return STRACE_BROKEN;
	l->thread = (pid_t)pid;
	return STRACE_SUPERSEDED;
}

/* "exited with 0 +++", "killed by SIGSYS (core dumped) +++" */
static enum strace_kind
read_end(struct rest *r, struct strace_line *l)
{
	size_t n = (size_t)(r->end - r->at);

	if (n < 4 || memcmp(r->end - 4, " +++", 4) != 0)
		return STRACE_BROKEN;
	if (take(r, "exited with "))
		return STRACE_ENDED;
	if (take(r, "superseded by execve in pid "))
		return read_superseded(r, l);
	if (!take(r, "killed by "))
		return STRACE_OTHER;
	l->by = take(r, "SIGSYS ") ? STRACE_BY_FILTER : STRACE_BY_SIGNAL;
	return STRACE_ENDED;
}

enum strace_kind
strace_read(const char *line, size_t n, struct strace_line *l)
{
	struct rest r = { line, line + n };
	uint64_t pid;

	*l = (struct strace_line){ .pid = 0 };
	if (!take_digits(&r, &pid) || pid == 0 || pid > INT32_MAX ||
	    !take(&r, " "))
		return STRACE_BROKEN;
	l->pid = (pid_t)pid;
	skip_blanks(&r);
	if (take(&r, "+++ "))
		return read_end(&r, l);
	if (take(&r, "<... "))
		return read_resumed(&r, l);
	if (take(&r, "--- "))
		return STRACE_OTHER;
	return read_call(&r, l);
}
