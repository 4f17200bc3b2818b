#include "preface.h"

#include <err.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include "proxy.h"

/* proxy_make's most. */
#define HEADER_MAX 64

static in_port_t
port_of(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)ss)->sin6_port :
	    ((const struct sockaddr_in *)ss)->sin_port;
}

static void
set_port(struct sockaddr_storage *ss, in_port_t port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = port;
	else
		((struct sockaddr_in *)ss)->sin_port = port;
}

static in_port_t
own_port(void)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	memset(&ss, 0, sizeof ss);
	if (getsockname(SESSION_FD, (struct sockaddr *)&ss, &len) == -1)
		err(EX_OSERR, "getsockname");
	return port_of(&ss);
}

/* An IPv4 address in IPv6's form (RFC 4291, 2.5.5.2). */
static void
map_to_v6(struct sockaddr_storage *ss)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;

	memcpy(&v4, ss, sizeof v4);
	memset(ss, 0, sizeof *ss);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = v4.sin_port;
	v6->sin6_addr.s6_addr[10] = v6->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&v6->sin6_addr.s6_addr[12], &v4.sin_addr, 4);
}

void
preface_queue(const struct options *o, struct session *s,
    const struct sockaddr_storage *peer)
{
	struct sockaddr_storage source = o->source, target = *peer;
	uint8_t header[HEADER_MAX];

	if (o->source_text == NULL)
		return;
	if (target.ss_family != source.ss_family)
		map_to_v6(&target);
	if (port_of(&source) == 0)
		set_port(&source, own_port());
	session_prepend(s, header, proxy_make(header, &source, &target));
}
