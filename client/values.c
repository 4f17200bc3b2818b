#include "values.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

#define DAY_SECONDS 86400

static const char digits[] = "0123456789";

int
value_number(const char *s, int min, int max)
{
	size_t n = strlen(s);
	long v;

	if (n == 0 || n > 9 || strspn(s, digits) != n)
		return -1;
	v = strtol(s, NULL, 10);
	return v < min || v > max ? -1 : (int)v;
}

int64_t
value_microseconds(const char *s)
{
	size_t whole = strspn(s, digits), parts = 0;
	int64_t us;

	if (whole > 5)
		return -1;
	us = strtol(s, NULL, 10);
	s += whole;
	if (*s == '.') {
		s++;
		parts = strspn(s, digits);
		if (parts == 0 || parts > 6)
			return -1;
	}
	if (s[parts] != '\0' || whole + parts == 0)
		return -1;
	for (size_t i = 0; i < 6; i++)
		us = us * 10 + (i < parts ? s[i] - '0' : 0);
	return us > (int64_t)DAY_SECONDS * 1000000 ? -1 : us;
}

bool
value_address(const char *s, struct sockaddr_storage *ss)
{
	return strchr(s, '%') == NULL && addr_parse_host(s, ss);
}
