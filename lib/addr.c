#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A decimal number without sign or leading zero, at most `max`; -1 if not. */
static int64_t
decimal(const char *s, int64_t max)
{
	int64_t v = 0;

	if (*s == '\0' || (*s == '0' && s[1] != '\0'))
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s - '0');
		if (v > max)
			return -1;
	}
	return v;
}

static bool
parse_v6(char *host, int64_t port, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	char *percent = strchr(host, '%');

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	if (percent != NULL) {
		int64_t scope = decimal(percent + 1, UINT32_MAX);

		if (scope < 1)
			return false;
		in6->sin6_scope_id = (uint32_t)scope;
		*percent = '\0';
	}
	*len = sizeof *in6;
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
}

bool
addr_parse(const char *s, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	const char *colon = strrchr(s, ':');
	char host[ADDR_TEXT];
	int64_t port;

	memset(ss, 0, sizeof *ss);
	if (colon == NULL || (size_t)(colon - s) >= sizeof host)
		return false;
	port = decimal(colon + 1, 65535);
	if (port < 0)
		return false;
	memcpy(host, s, (size_t)(colon - s));
	host[colon - s] = '\0';
	if (host[0] == '[') {
		char *close = strchr(host, ']');

		if (close == NULL || close[1] != '\0')
			return false;
		*close = '\0';
		return parse_v6(host + 1, port, ss, len);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	*len = sizeof *in;
	return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

void
addr_text(const struct sockaddr_storage *ss, char dst[ADDR_TEXT])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	char host[INET6_ADDRSTRLEN];

	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(dst, ADDR_TEXT, "%s:%u", host,
		    (unsigned)ntohs(in->sin_port));
	} else if (ss->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host,
		    sizeof host);
		snprintf(dst, ADDR_TEXT, "%s:%u", host,
		    (unsigned)ntohs(in6->sin6_port));
	} else if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		if (in6->sin6_scope_id != 0)
			snprintf(dst, ADDR_TEXT, "[%s%%%u]:%u", host,
			    (unsigned)in6->sin6_scope_id,
			    (unsigned)ntohs(in6->sin6_port));
		else
			snprintf(dst, ADDR_TEXT, "[%s]:%u", host,
			    (unsigned)ntohs(in6->sin6_port));
	} else {
		snprintf(dst, ADDR_TEXT, "unknown");
	}
}
