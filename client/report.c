#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "text.h"

void
report_prepare(void)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	json_object_seed(0);
}

json_t *
report_text(const char *s)
{
	char safe[1024];
	json_t *j;

	if (s == NULL)
		return json_null();
	if ((j = json_string(s)) != NULL)
		return j;
	text_escape(safe, sizeof safe, s, strlen(s));
	return json_string(safe);
}

json_t *
report_ms(double microseconds)
{
	return json_real((double)(int64_t)(microseconds + 0.5) / 1000);
}

json_t *
report_begin(const struct client *c)
{
	const struct options *o = c->o;
	json_t *d = json_object();

	json_object_set_new(d, "command",
	    report_text(options_command(o->command)));
	json_object_set_new(d, "host", report_text(o->host));
	json_object_set_new(d, "port", json_integer(atoi(o->port)));
	json_object_set_new(d, "address",
	    report_text(c->peer[0] != '\0' ? c->peer : NULL));
	json_object_set_new(d, "protocol",
	    report_text(session_version(c->session)));
	json_object_set_new(d, "cipher",
	    report_text(session_cipher(c->session)));
	json_object_set_new(d, "group",
	    report_text(session_group(c->session)));
	return d;
}

/* What people are told on standard error stands in the document too. */
static void
add_verdict(json_t *d, const struct verdict *v)
{
	json_object_set_new(d, "result", report_text(v->result));
	json_object_set_new(d, "exit", json_integer(v->code));
	json_object_set_new(d, "error",
	    report_text(v->text[0] != '\0' ? v->text : NULL));
}

void
report_end(struct client *c, json_t *document)
{
	char *text;

	add_verdict(document, &c->verdict);
	text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	if (text != NULL)
		puts(text);
	else
		verdict_memory(&c->verdict);
	free(text);
	json_decref(document);
	report_flush(c);
}

bool
report_flush(struct client *c)
{
	errno = EIO;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	if (c->verdict.code == EX_OK)
		verdict_output(&c->verdict, errno);
	return false;
}
