/*
 * postern: standard input and output, over TLS, to a server that proves who
 * it is; and the same way a look at it, echoes timed, a file echoed.
 *
 * Files are read, names looked up and the connection made first; what the
 * server sends is looked at only when the process can do nothing any more but
 * read its input, write its output and use that one connection.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "bounds.h"
#include "client.h"
#include "confine.h"
#include "credentials.h"
#include "deadline.h"
#include "describe.h"
#include "dial.h"
#include "filter.h"
#include "options.h"
#include "preface.h"
#include "relay.h"
#include "report.h"
#include "session.h"
#include "trust.h"
#include "verdict.h"

#define CIPHERS "TLSv1.2+ECDHE+AESGCM:TLSv1.2+ECDHE+CHACHA20"

/* To connect and shake hands, without -w. */
#define CONNECT_SECONDS 60

/*
 * A descriptor that is closed would be taken by the next file we open: a key
 * read as input, output written to the server.  In its place, input gives end
 * of file, and output fails as a closed descriptor does.
 */
static void
hold_standard_descriptors(void)
{
	static const int mode[] = { O_RDONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", mode[fd]) != fd)
			_exit(EX_OSERR);
}

static void
prepare_process(void)
{
	const char *why = confine_unavailable();

	if (why != NULL)
		errx(EX_OSERR, "cannot confine itself: %s", why);
	signal(SIGPIPE, SIG_IGN);
	confine_hide();		/* a private key will be in its memory */
	report_prepare();
	tzset();		/* a handshake's first look at the clock */
	if (tls_init() != 0)
		errx(EX_SOFTWARE, "libtls: cannot be initialised");
}

/* All that we read of files, in one session yet to be connected. */
static struct session *
prepare_session(const struct options *o, struct trust *trust)
{
	struct tls_config *config = tls_config_new();
	struct session *s;
	const char *why;

	if (config == NULL)
		errx(EX_OSERR, "out of memory");
	if (tls_config_set_protocols(config,
	    TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3) != 0 ||
	    tls_config_set_ciphers(config, CIPHERS) != 0)
		errx(EX_SOFTWARE, "libtls: %s", tls_config_error(config));
	trust_load(trust, config, o->ca_file,
	    (const uint8_t (*)[32])o->pins, o->pin_count, o->servername);
	credentials_load(config, o->cert_file, o->key_file);
	s = session_new(config, o->servername, &why);
	if (s == NULL)
		errx(EX_NOINPUT, "cannot use these certificates: %s", why);
	tls_config_clear_keys(config);
	tls_config_free(config);
	return s;
}

/* The connection ends up as SESSION_FD, and nothing else stays open. */
static bool
connect_server(struct client *c, int64_t deadline)
{
	const struct options *o = c->o;
	struct sockaddr_storage peer;
	struct dial_error e;
	int fd = dial(o->host, o->port, o->family, o->source.ss_family,
	    deadline, &peer, &e);

	if (fd == -1) {
		verdict_dial(&c->verdict, &e);
		return false;
	}
	if (fd != SESSION_FD && dup3(fd, SESSION_FD, O_CLOEXEC) == -1)
		err(EX_OSERR, "dup3");
	confine_close_from(SESSION_FD + 1);
	addr_text(&peer, c->peer);
	if (o->verbose)
		warnx("connected to %s", c->peer);
	preface_queue(o, c->session, &peer);
	return true;
}

static void
confine_process(void)
{
	const struct bounds_for bounds = { .max_connections = 0 };
	struct sock_fprog filter;

	confine_no_new_privs();
	confine_no_new_code();
	confine_check_settled(true);	/* groups are the user's */
	filter_prepare(POLICY_CLIENT, &filter);
	confine_landlock();
	bounds_apply(POLICY_CLIENT, &bounds);
	filter_enter(POLICY_CLIENT, &filter);
}

/* Is this the server?  We have not yet said a word to it. */
static bool
meet_server(struct client *c, const struct trust *trust, int64_t deadline)
{
	enum session_status status = session_handshake(c->session, deadline);
	STACK_OF(X509) *chain = session_peer_chain(c->session);
	char why[sizeof c->distrust];

	if (status == SESSION_OK) {
		if (c->o->verbose && chain != NULL)
			describe_server(c->session, sk_X509_value(chain, 0));
		if (trust_check(trust, c->session, chain, why, sizeof why))
			return true;
		verdict_untrusted(&c->verdict, &c->context, why);
		memcpy(c->distrust, why, sizeof why);
		return false;
	}
	verdict_handshake(&c->verdict, &c->context, c->session, status);
	if (status == SESSION_UNTRUSTED)
		snprintf(c->distrust, sizeof c->distrust, "%s",
		    session_why(c->session));
	return false;
}

static void
run_relay(struct client *c)
{
	struct ending e = relay_run(c->session,
	    (int64_t)c->o->seconds * 1000);

	verdict_ending(&c->verdict, &c->context, c->session, &e);
}

static const struct task relay_task = { NULL, run_relay, NULL };

static const struct task *const tasks[] = {
	[COMMAND_CONNECT] = &relay_task,
	[COMMAND_INSPECT] = &inspect_task,
	[COMMAND_PING] = &ping_task,
	[COMMAND_SEND] = &send_task,
};

static void
run_task(struct client *c, const struct task *task, const struct trust *trust)
{
	int64_t deadline = deadline_now() + (int64_t)c->context.seconds * 1000;

	if (connect_server(c, deadline)) {
		confine_process();
		if (meet_server(c, trust, deadline))
			task->run(c);
	}
	if (task->report != NULL)
		task->report(c);
	if (c->verdict.text[0] != '\0')
		warnx("%s", c->verdict.text);
}

int
main(int argc, char **argv)
{
	struct options o;
	struct trust trust;
	struct client c = { .o = &o };
	const struct task *task;

	hold_standard_descriptors();
	options_parse(&o, argc, argv);
	c.context.host = o.host;
	c.context.with_certificate = o.cert_file != NULL;
	c.context.seconds = o.seconds > 0 ? o.seconds : CONNECT_SECONDS;
	verdict_good(&c.verdict);
	task = tasks[o.command];

	if (task->prepare != NULL)
		task->prepare(&c);
	prepare_process();
	c.session = prepare_session(&o, &trust);
	/* Only now, as any file so far may have been a descriptor of ours. */
	confine_close_from(SESSION_FD);
	run_task(&c, task, &trust);

	session_free(c.session);
	trust_free(&trust);
	free(o.pins);
	return c.verdict.code;
}
