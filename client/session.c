#include "session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "deadline.h"
#include "errors.h"
#include "text.h"

#define IN_SIZE		65536
#define OUT_SIZE	65536

/* A queue no fuller than this has room for a record and what surrounds it. */
#define OUT_HIGH	(OUT_SIZE - SESSION_CHUNK - 1024)

/* Ends of pieces that are remembered; if more are queued, they count as one. */
#define MARKS		64

/* libssl reports the alert N that it received as reason 1000 + N. */
#define ALERT_REASON	SSL_AD_REASON_OFFSET

/* ...and says so beside it; LibreSSL has that reason for one we send, too. */
#define ALERT_RECEIVED	"SSL alert number"

/* Once `sent` has come to `end`, so much data has left. */
struct mark {
	uint64_t	 end, data;
};

struct session {
	struct tls	*tls;
	struct beneath	 beneath;
	uint8_t		 in[IN_SIZE];	/* received, not yet decrypted */
	size_t		 in_at, in_end;
	uint64_t	 taken;		/* of it by libtls, in all */
	bool		 in_eof;
	int		 in_errno;
	uint8_t		 out[OUT_SIZE];	/* encrypted, not yet sent */
	size_t		 out_at, out_end;
	int		 out_errno;
	uint64_t	 sent;
	uint64_t	 data_end;	/* `sent` once all data is */
	uint64_t	 data_written, data_sent;
	struct mark	 marks[MARKS];	/* a ring, oldest at mark_at */
	size_t		 mark_at, mark_count;
	int		 alert;
	char		 why[512];
};

/* ---- between libtls and the socket ---- */

/*
 * errno and the end of file are kept here, because libtls keeps neither and
 * LibreSSL's takes an end of file for a close_notify.
 */
static void
fill(struct session *s)
{
	ssize_t n;

	do
		n = recv(SESSION_FD, s->in, sizeof s->in, 0);
	while (n == -1 && errno == EINTR);
	s->in_at = s->in_end = 0;
	if (n > 0)
		s->in_end = (size_t)n;
	else if (n == 0)
		s->in_eof = true;
	else if (errno != EAGAIN)
		s->in_errno = errno;
}

static ssize_t
read_cb(struct tls *tls, void *buf, size_t len, void *arg)
{
	struct session *s = arg;
	size_t have;

	(void)tls;
	if (s->in_at == s->in_end && !s->in_eof && s->in_errno == 0)
		fill(s);
	have = s->in_end - s->in_at;
	if (have == 0) {
		if (s->in_errno != 0)
			return -1;
		return s->in_eof ? 0 : TLS_WANT_POLLIN;
	}
	if (len > have)
		len = have;
	memcpy(buf, s->in + s->in_at, len);
	s->in_at += len;
	s->taken += len;
	return (ssize_t)len;
}

static ssize_t
write_cb(struct tls *tls, const void *buf, size_t len, void *arg)
{
	struct session *s = arg;
	size_t room;

	(void)tls;
	/*
	 * To fail here would end libtls's reading as well, and with it the
	 * chance to hear why the server has gone.
	 */
	if (s->out_errno != 0)
		return (ssize_t)len;
	if (s->out_at > 0) {
		memmove(s->out, s->out + s->out_at, s->out_end - s->out_at);
		s->out_end -= s->out_at;
		s->out_at = 0;
	}
	room = sizeof s->out - s->out_end;
	if (room == 0)
		return TLS_WANT_POLLOUT;
	if (len > room)
		len = room;
	memcpy(s->out + s->out_end, buf, len);
	s->out_end += len;
	return (ssize_t)len;
}

static void
data_written(struct session *s, size_t len)
{
	s->data_end = s->sent + session_queued(s);
	s->data_written += len;
	if (s->mark_count < MARKS)
		s->mark_count++;
	s->marks[(s->mark_at + s->mark_count - 1) % MARKS] =
	    (struct mark){ s->data_end, s->data_written };
}

static void
pass_marks(struct session *s)
{
	while (s->mark_count > 0 && s->marks[s->mark_at].end <= s->sent) {
		s->data_sent = s->marks[s->mark_at].data;
		s->mark_at = (s->mark_at + 1) % MARKS;
		s->mark_count--;
	}
}

void
session_flush(struct session *s)
{
	while (s->out_at < s->out_end) {
		ssize_t n = send(SESSION_FD, s->out + s->out_at,
		    s->out_end - s->out_at, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			s->out_errno = errno;
			break;
		}
		s->out_at += (size_t)n;
		s->sent += (uint64_t)n;
		pass_marks(s);
	}
	s->out_at = s->out_end = 0;
}

/* ---- what went wrong ---- */

static void
set_why(struct session *s, const char *words)
{
	text_escape(s->why, sizeof s->why, words, strlen(words));
}

/*
 * The library's reasons read "tlsv13 alert certificate required"; what comes
 * before the alert's name says nothing to anybody.
 */
static void
set_alert(struct session *s, unsigned long e)
{
	const char *text = ERR_reason_error_string(e), *at;
	char number[24];

	s->alert = ERR_GET_REASON(e) - ALERT_REASON;
	if (text == NULL) {
		snprintf(number, sizeof number, "number %d", s->alert);
		set_why(s, number);
		return;
	}
	if ((at = strstr(text, "alert ")) != NULL)
		text = at + strlen("alert ");
	else if ((at = strchr(text, ' ')) != NULL)
		text = at + 1;
	set_why(s, text);
}

/*
 * libtls leaves libssl's reasons in its error queue.  SESSION_OK: there are
 * none.
 */
static enum session_status
libssl_reason(struct session *s)
{
	enum session_status status = SESSION_OK;
	const char *data;
	unsigned long e;

	while ((e = errors_next(&data)) != 0) {
		int reason = ERR_GET_REASON(e);

		if (status == SESSION_OK)
			status = SESSION_BROKEN;
		if (ERR_GET_LIB(e) != ERR_LIB_SSL)
			continue;
		if (reason >= ALERT_REASON && reason < ALERT_REASON + 256 &&
		    strstr(data, ALERT_RECEIVED) != NULL) {
			set_alert(s, e);
			status = SESSION_REFUSED;
		} else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
			status = SESSION_UNTRUSTED;
		}
	}
	return status;
}

static enum session_status
failure(struct session *s)
{
	enum session_status status = libssl_reason(s);
	const char *words = tls_error(s->tls);

	if (status == SESSION_REFUSED)
		return status;
	if (status == SESSION_UNTRUSTED) {
		set_why(s, words != NULL ? words : "not trusted");
		return status;
	}
	if (s->in_errno == ECONNRESET || s->in_errno == EPIPE || s->in_eof)
		return SESSION_CUT;
	if (s->in_errno != 0) {
		set_why(s, strerror(s->in_errno));
		return SESSION_LOST;
	}
	set_why(s, words != NULL ? words : "TLS failed");
	return SESSION_BROKEN;
}

/* ---- the connection ---- */

struct session *
session_new(struct tls_config *config, const char *servername,
    const char **why)
{
	static char words[512];
	struct session *s = calloc(1, sizeof *s);

	*why = "out of memory";
	if (s == NULL || (s->tls = tls_client()) == NULL) {
		free(s);
		return NULL;
	}
	s->alert = -1;
	beneath_init();
	if (tls_configure(s->tls, config) == 0 && tls_connect_cbs(s->tls,
	    read_cb, write_cb, s, servername) == 0) {
		beneath_watch(&s->beneath);
		return s;
	}
	if (tls_error(s->tls) != NULL) {
		text_escape(words, sizeof words, tls_error(s->tls),
		    strlen(tls_error(s->tls)));
		*why = words;
	}
	session_free(s);
	return NULL;
}

void
session_free(struct session *s)
{
	tls_free(s->tls);
	beneath_free(&s->beneath);
	explicit_bzero(s, sizeof *s);
	free(s);
}

void
session_prepend(struct session *s, const uint8_t *bytes, size_t len)
{
	memcpy(s->out, bytes, len);
	s->out_end = len;
}

/* Wait for what libtls wants; false when the deadline has passed. */
static bool
wait_for_socket(const struct session *s, int wanted, int64_t deadline)
{
	struct pollfd p = { .fd = SESSION_FD };
	struct timespec ts;

	if (wanted == TLS_WANT_POLLIN)
		p.events |= POLLIN;
	if (session_queued(s) > 0)
		p.events |= POLLOUT;
	ppoll(&p, 1, deadline_left(deadline, &ts), NULL);
	return deadline_now() < deadline;
}

bool
session_wait(const struct session *s, int64_t deadline)
{
	return wait_for_socket(s, TLS_WANT_POLLIN, deadline);
}

/*
 * A wrong name is found by libtls once libssl is content and has queued our
 * last flight, which this server shall not have; in all other cases the queue
 * holds the alert that tells it why.
 */
static enum session_status
handshake_failure(struct session *s)
{
	bool libssl_content = ERR_peek_error() == 0 && s->in_errno == 0 &&
	    !s->in_eof;
	enum session_status status = failure(s);

	if (libssl_content)
		return SESSION_UNTRUSTED;
	session_flush(s);
	return status;
}

enum session_status
session_handshake(struct session *s, int64_t deadline)
{
	int r;

	while ((r = tls_handshake(s->tls)) != 0) {
		if (r != TLS_WANT_POLLIN && r != TLS_WANT_POLLOUT)
			return handshake_failure(s);
		session_flush(s);
		/*
		 * What is there already, and room made just now, need no wait.
		 */
		if (r == TLS_WANT_POLLIN ? s->in_at < s->in_end :
		    session_queued(s) == 0)
			continue;
		if (!wait_for_socket(s, r, deadline))
			return SESSION_TIMEOUT;
	}
	return SESSION_OK;
}

enum session_status
session_read(struct session *s, uint8_t *buf, size_t *len)
{
	uint64_t before;
	ssize_t n;

	/*
	 * A session ticket or key update is eaten without a byte for us while
	 * more records are waiting here: no event of the socket tells of them.
	 */
	do {
		before = s->taken;
		n = tls_read(s->tls, buf, SESSION_CHUNK);
	} while (n == TLS_WANT_POLLIN && s->in_at < s->in_end &&
	    s->taken != before);
	if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
		return SESSION_AGAIN;
	if (n > 0) {
		*len = (size_t)n;
		return SESSION_OK;
	}
	if (n == 0 && !s->in_eof)
		return SESSION_CLOSED;
	return failure(s);
}

enum session_status
session_write(struct session *s, const uint8_t *buf, size_t len)
{
	ssize_t n;

	if (s->out_errno != 0) {
		s->data_end = UINT64_MAX;
		return SESSION_OK;
	}
	if (session_queued(s) > OUT_HIGH)
		return SESSION_AGAIN;
	n = tls_write(s->tls, buf, len);
	if (n == (ssize_t)len) {
		data_written(s, len);
		return SESSION_OK;
	}
	if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
		return SESSION_AGAIN;
	return failure(s);
}

void
session_finish(struct session *s)
{
	/* Its result means nothing: an error may come with a sent notice. */
	tls_close(s->tls);
}

void
session_part(struct session *s, int64_t deadline)
{
	uint8_t rest[SESSION_CHUNK];
	enum session_status status;
	size_t len;

	session_finish(s);
	do {
		session_flush(s);
		status = session_read(s, rest, &len);
		if (status == SESSION_AGAIN)
			session_wait(s, deadline);
	} while ((status == SESSION_OK || status == SESSION_AGAIN) &&
	    deadline_now() < deadline);
}

size_t
session_queued(const struct session *s)
{
	return s->out_end - s->out_at;
}

uint64_t
session_sent(const struct session *s)
{
	return s->sent;
}

uint64_t
session_data_sent(const struct session *s)
{
	return s->data_sent;
}

bool
session_deaf(const struct session *s)
{
	return s->out_errno != 0;
}

bool
session_unsent(const struct session *s)
{
	return s->sent < s->data_end;
}

const char *
session_why(const struct session *s)
{
	return s->why;
}

int
session_alert(const struct session *s)
{
	return s->alert;
}

STACK_OF(X509) *
session_peer_chain(struct session *s)
{
	return beneath_chain(&s->beneath);
}

const char *
session_version(const struct session *s)
{
	return beneath_version(&s->beneath);
}

const char *
session_cipher(const struct session *s)
{
	return beneath_cipher(&s->beneath);
}

const char *
session_group(const struct session *s)
{
	return beneath_group(&s->beneath);
}

enum asked
session_asked(const struct session *s)
{
	return s->beneath.asked;
}

bool
session_peer_has_name(struct session *s, const char *name)
{
	return tls_peer_cert_contains_name(s->tls, name) == 1;
}
