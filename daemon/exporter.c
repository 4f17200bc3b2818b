/*
 * The exporter: what speaks HTTP, and what reads the pages that parents write,
 * in a process that has nothing else.  Whoever takes it over, by a request that
 * libevent misread or a page that we did, can lie about numbers.
 */
#include "exporter.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "board.h"
#include "bounds.h"
#include "confine.h"
#include "filter.h"
#include "log.h"
#include "prometheus.h"
#include "statement.h"

/* What a request may be, and for how long (bytes, s). */
#define HEADER_MAX	8192
#define PATIENCE_S	5
#define HTTP_MISDIRECTED 421	/* RFC 9110 15.5.20 */

/*
 * With no descriptor left a listener rests for so long; the one for status is
 * back first.
 */
static const struct timeval rest_time = { .tv_usec = 100000 };
static const struct timeval short_rest = { .tv_usec = 10000 };

static struct exporter_setup	setup;
static struct event_base	*base;
static struct evhttp		*http;		/* NULL: no metrics */
static struct sock_fprog	filter;

/* A listening socket that rests when no more can be accepted. */
struct door {
	struct evconnlistener	*listener;
	struct event		 rested;
};
static struct door metrics_door, status_door;

/* ---- its start ----------------------------------------------------------- */

static void
read_setup(void)
{
	if (pread(EXPORTER_SETUP_FD, &setup, sizeof setup, 0) !=
	    (ssize_t)sizeof setup || setup.size != sizeof setup)
		fatal(EX_PROTOCOL, "this is started by posternd, not by hand");
	close(EXPORTER_SETUP_FD);
	log_init("exporter", (enum log_kind)setup.log_kind, setup.log_level);
}

static void
drop_root(void)
{
	const struct confine_heir heir = { .one_uid = setup.one_uid,
	    .uid = setup.uid, .gid = setup.gid, .parent = setup.supervisor,
	    .root = CONFINE_ROOT_EMPTY };

	confine_drop_root(&heir);
}

/* Before anything is read; the filter is compiled while a file may be made. */
static void
bound(void)
{
	const struct bounds_for f = { .log_is_file = bounds_log_is_file() };

	filter_prepare(POLICY_EXPORTER, &filter);
	bounds_apply(POLICY_EXPORTER, &f);
}

static void
confine(void)
{
	tzset();	/* later it would open a file */
	confine_check_dies_with_parent();
	confine_check_settled(setup.one_uid);
	confine_landlock();
	filter_enter(POLICY_EXPORTER, &filter);
}

/* ---- listening sockets --------------------------------------------------- */

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	const struct door *d = arg;

	(void)fd, (void)what;
	evconnlistener_enable(d->listener);
}

static void
on_error(struct evconnlistener *l, void *arg)
{
	struct door *d = l == metrics_door.listener ? &metrics_door :
	    &status_door;

	(void)arg;
	evconnlistener_disable(l);
	event_add(&d->rested, l == metrics_door.listener ? &rest_time :
	    &short_rest);
}

static void
open_door(struct door *d, int fd, evconnlistener_cb cb,
    evconnlistener_errorcb on_no_room)
{
	/* The supervisor's sockets listen already: hence the backlog of 0. */
	d->listener = evconnlistener_new(base, cb, NULL,
	    LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (d->listener == NULL)
		fatal(EX_OSERR, "libevent: a listening socket");
	evconnlistener_set_error_cb(d->listener, on_no_room);
	event_assign(&d->rested, base, -1, 0, on_rested, d);
}

/* ---- metrics, by HTTP ---------------------------------------------------- */

static void
put_header(struct evhttp_request *r, const char *key, const char *value)
{
	if (evhttp_add_header(evhttp_request_get_output_headers(r), key,
	    value) == -1)
		fatal(EX_OSERR, "out of memory");
}

/*
 * A page in a browser of this machine can ask a name of its own, which its DNS
 * says is 127.0.0.1, and may read the answer.  So a name is no address of ours,
 * but for the one that everybody has.
 */
static bool
is_ours(const char *host)
{
	struct sockaddr_storage ss;

	return host == NULL || strcasecmp(host, "localhost") == 0 ||
	    addr_parse_host(host, &ss);
}

static void
on_metrics(struct evhttp_request *r, void *arg)
{
	struct evbuffer *b;

	(void)arg;
	if (!is_ours(evhttp_request_get_host(r))) {
		put_header(r, "Connection", "close");
		evhttp_send_error(r, HTTP_MISDIRECTED,
		    "ask by address, or as localhost");
		return;
	}
	b = evbuffer_new();
	if (b == NULL)
		fatal(EX_OSERR, "out of memory");
	prometheus_text(b);
	put_header(r, "Content-Type", PROMETHEUS_TYPE);
	/* A place for the next: there are few. */
	put_header(r, "Connection", "close");
	evhttp_send_reply(r, HTTP_OK, "OK", b);
	evbuffer_free(b);
}

static void
on_other(struct evhttp_request *r, void *arg)
{
	(void)arg;
	put_header(r, "Connection", "close");
	evhttp_send_error(r, HTTP_NOTFOUND, "it is /metrics");
}

static void
serve_metrics(void)
{
	http = evhttp_new(base);
	if (http == NULL)
		fatal(EX_OSERR, "libevent: HTTP");
	evhttp_set_max_headers_size(http, HEADER_MAX);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_timeout(http, PATIENCE_S);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET);
	evhttp_set_gencb(http, on_other, NULL);
	if (evhttp_set_cb(http, "/metrics", on_metrics, NULL) != 0)
		fatal(EX_OSERR, "libevent: HTTP");
	open_door(&metrics_door, EXPORTER_METRICS_FD, NULL, on_error);
	if (evhttp_bind_listener(http, metrics_door.listener) == NULL)
		fatal(EX_OSERR, "libevent: HTTP");
}

/*
 * Who asks for status is root, or whom root lets; so who asks for metrics,
 * which anybody may, gives way where there are no more descriptors.
 */
static void
on_status_error(struct evconnlistener *l, void *arg)
{
	if (http != NULL) {
		event_del(&metrics_door.rested);
		evhttp_free(http);	/* the socket stays open */
		serve_metrics();
		evconnlistener_disable(metrics_door.listener);
		event_add(&metrics_door.rested, &rest_time);
	}
	on_error(l, arg);
}

/* ---- status: whoever connects is told, and is not listened to ------------ */

static void
on_event(struct bufferevent *b, short what, void *arg)
{
	(void)what, (void)arg;
	bufferevent_free(b);
}

static void
on_written(struct bufferevent *b, void *arg)
{
	(void)arg;
	bufferevent_free(b);
}

static void
on_status(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from,
    int len, void *arg)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct bufferevent *b = bufferevent_socket_new(base, fd,
	    BEV_OPT_CLOSE_ON_FREE);

	(void)l, (void)from, (void)len, (void)arg;
	if (b == NULL)
		fatal(EX_OSERR, "out of memory");
	bufferevent_setcb(b, NULL, on_written, on_event, NULL);
	bufferevent_set_timeouts(b, NULL, &patience);
	if (!statement_write(bufferevent_get_output(b)))
		fatal(EX_OSERR, "out of memory");
}

/* ---- the whole ----------------------------------------------------------- */

static void
prepare(void)
{
	struct event_config *ec = event_config_new();

	if (ec == NULL || event_config_set_flag(ec, EVENT_BASE_FLAG_NOLOCK |
	    EVENT_BASE_FLAG_IGNORE_ENV) == -1 ||
	    (base = event_base_new_with_config(ec)) == NULL)
		fatal(EX_OSERR, "libevent: no epoll");
	event_config_free(ec);
	if (setup.metrics != 0)
		serve_metrics();
	if (setup.status != 0)
		open_door(&status_door, EXPORTER_STATUS_FD, on_status,
		    on_status_error);
	statement_prepare();
}

/* The order is explained in DESIGN, "The order of confinement". */
void
exporter_main(void)
{
	/* No large block by mmap, hence no mremap, which it may not call. */
	mallopt(M_MMAP_MAX, 0);
	confine_check_descriptors(EXPORTER_FD_END);
	read_setup();
	confine_ignore_signals();
	drop_root();
	bound();
	board_map_to_read(EXPORTER_BOARD_FD, setup.slots);
	close(EXPORTER_BOARD_FD);
	prepare();
	confine();
	event_base_dispatch(base);
	fatal(EX_OSERR, "libevent: the loop failed");
}
