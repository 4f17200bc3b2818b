/*
 * postern: standard input and output, over TLS, to a server that proves who
 * it is.
 *
 * Files are read, names looked up and the connection made first; what the
 * server sends is looked at only when the process can do nothing any more but
 * read its input, write its output and use that one connection.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "confine.h"
#include "credentials.h"
#include "deadline.h"
#include "describe.h"
#include "dial.h"
#include "filter.h"
#include "options.h"
#include "relay.h"
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
	confine_close_from(SESSION_FD);
	confine_hide();		/* a private key will be in its memory */
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
static void
connect_server(const struct options *o, int64_t deadline)
{
	char peer[ADDR_TEXT];
	struct dial_error e;
	int fd = dial(o->host, o->port, o->family, deadline, peer, &e);

	if (fd == -1)
		errx(e.code, "%s", e.text);
	if (fd != SESSION_FD && dup3(fd, SESSION_FD, O_CLOEXEC) == -1)
		err(EX_OSERR, "dup3");
	confine_close_from(SESSION_FD + 1);
	if (o->verbose)
		warnx("connected to %s", peer);
}

static void
confine_process(void)
{
	confine_no_new_privs();
	confine_landlock();
	filter_apply(POLICY_CLIENT);
}

/* EX_OK if this is the server, and we have not yet said a word to it. */
static int
meet_server(struct session *s, const struct options *o,
    const struct trust *trust, const struct verdict_context *c,
    int64_t deadline)
{
	enum session_status status = session_handshake(s, deadline);
	STACK_OF(X509) *chain;
	char why[512];
	int code = EX_OK;

	if (status != SESSION_OK)
		return verdict_handshake(c, s, status);
	chain = session_peer_chain(s);
	if (o->verbose && chain != NULL)
		describe_server(s, sk_X509_value(chain, 0));
	if (!trust_check(trust, s, chain, why, sizeof why))
		code = verdict_untrusted(c, why);
	sk_X509_pop_free(chain, X509_free);
	return code;
}

static int
exchange(struct session *s, const struct options *o,
    const struct verdict_context *c)
{
	struct relay_end end = relay_run(s, (int64_t)o->seconds * 1000);

	return verdict_relay(c, s, &end);
}

int
main(int argc, char **argv)
{
	struct options o;
	struct trust trust;
	struct verdict_context c;
	struct session *s;
	int64_t deadline;
	int code;

	hold_standard_descriptors();
	options_parse(&o, argc, argv);
	c.host = o.host;
	c.with_certificate = o.cert_file != NULL;
	c.seconds = o.seconds > 0 ? o.seconds : CONNECT_SECONDS;

	prepare_process();
	s = prepare_session(&o, &trust);
	deadline = deadline_now() + (int64_t)c.seconds * 1000;
	connect_server(&o, deadline);
	confine_process();

	code = meet_server(s, &o, &trust, &c, deadline);
	if (code == EX_OK)
		code = exchange(s, &o, &c);
	session_free(s);
	trust_free(&trust);
	free(o.pins);
	return code;
}
