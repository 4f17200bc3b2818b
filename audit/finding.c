#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *head;
} aspects[ASPECT_COUNT] = {
	[ASPECT_TREE] = { "tree", "tree" },
	[ASPECT_PROGRAM] = { "program", "prog" },
	[ASPECT_FILTERS] = { "filters", "filt" },
	[ASPECT_REACH] = { "reach", "reach" },
	[ASPECT_USER] = { "user", "user" },
	[ASPECT_CAPS] = { "capabilities", "caps" },
	[ASPECT_NNP] = { "no-new-privs", "nnp" },
	[ASPECT_NAMESPACES] = { "namespaces", "ns" },
	[ASPECT_ROOT] = { "root", "root" },
	[ASPECT_LANDLOCK] = { "landlock", "lock" },
	[ASPECT_LOCK_NET] = { "landlock-net", "net" },
	[ASPECT_LOCK_SCOPE] = { "landlock-scope", "sig" },
	[ASPECT_LIMITS] = { "limits", "lim" },
	[ASPECT_HIDDEN] = { "hidden", "hide" },
	[ASPECT_DEATH] = { "death", "death" },
	[ASPECT_FILES] = { "descriptors", "fds" },
	[ASPECT_ENVIRONMENT] = { "environment", "env" },
	[ASPECT_MEMORY] = { "memory", "mem" },
	[ASPECT_MDWE] = { "mdwe", "mdwe" },
	[ASPECT_KEY] = { "key", "key" },
};

static const char *const verdicts[VERDICT_COUNT] = { "none", "passed",
    "one uid", "absent", "failed" };

const char *
aspect_name(enum aspect a)
{
	return aspects[a].name;
}

const char *
aspect_head(enum aspect a)
{
	return aspects[a].head;
}

const char *
verdict_name(enum verdict v)
{
	return verdicts[v];
}

/* It holds as many as are kept. */
static bool
full(const char *text)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, "; ")) != NULL; p += 2)
		n++;
	return n >= 7;
}

void
note(struct finding f[ASPECT_COUNT], enum aspect a, enum verdict v,
    const char *fmt, ...)
{
	struct finding *to = &f[a];
	char text[768], *joined;
	va_list ap;

	if (v < to->verdict)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (v == to->verdict && to->text != NULL) {
		if (full(to->text))
			return;
		if (asprintf(&joined, "%s; %s", to->text, text) == -1)
			abort();
	} else {
		joined = strdup(text);
		if (joined == NULL)
			abort();
	}
	free(to->text);
	to->text = joined;
	to->verdict = v;
}

bool
findings_failed(const struct finding f[ASPECT_COUNT])
{
	for (int i = 0; i < ASPECT_COUNT; i++)
		if (f[i].verdict == VERDICT_FAILED)
			return true;
	return false;
}

bool
findings_equal(const struct finding a[ASPECT_COUNT],
    const struct finding b[ASPECT_COUNT])
{
	for (int i = 0; i < ASPECT_COUNT; i++)
		if (a[i].verdict != b[i].verdict ||
		    strcmp(a[i].text == NULL ? "" : a[i].text,
		    b[i].text == NULL ? "" : b[i].text) != 0)
			return false;
	return true;
}

void
findings_clear(struct finding f[ASPECT_COUNT])
{
	for (int i = 0; i < ASPECT_COUNT; i++) {
		free(f[i].text);
		f[i] = (struct finding){ VERDICT_NONE, NULL };
	}
}
