#include "moment.h"

#include <string.h>

/* Does each 0 of `form` stand for a digit, and all else for itself? */
static bool
has_form(const char *s, const char *form)
{
	for (; *form != '\0'; s++, form++)
		if (*form == '0' ? *s < '0' || *s > '9' : *s != *form)
			return false;
	return *s == '\0';
}

bool
moment_parse(const char *s, time_t *t)
{
	struct tm tm, again;
	bool day = has_form(s, "0000-00-00");

	if (!day && !has_form(s, "0000-00-00T00:00:00Z"))
		return false;
	memset(&tm, 0, sizeof tm);
	if (strptime(s, day ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL ||
	    tm.tm_year < 70)
		return false;
	again = tm;
	*t = timegm(&again);
	/* timegm takes the 31st of April for the 1st of May: we do not. */
	return again.tm_mday == tm.tm_mday && again.tm_sec == tm.tm_sec;
}

void
moment_text(time_t t, char dst[MOMENT_TEXT])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(dst, MOMENT_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(dst, "?");
}

bool
moment_of(const ASN1_TIME *t, time_t *seconds)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*seconds = timegm(&tm);
	return true;
}
