/*
 * posternd.conf, read by libconfuse.  Every value is taken as text and judged
 * here, by one table: libconfuse's own numbers would read 010 as 8.
 */
#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "activation.h"
#include "addr.h"
#include "channel.h"
#include "config_scan.h"
#include "file.h"
#include "log.h"
#include "text.h"

static struct config	*target;	/* while libconfuse calls back */
static char		 directory[PATH_MAX];
static char		 credentials[PATH_MAX];	/* "": there are none */
static const char	*source;
static char		*message;
static size_t		 message_size;

/* The first mistake is the one that is told. */
static __attribute__((format(printf, 2, 0))) void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	size_t n;

	if (message[0] != '\0')
		return;
	snprintf(message, message_size, "%s:%d: ", source,
	    cfg != NULL ? cfg->line : 0);
	n = strlen(message);
	vsnprintf(message + n, message_size - n, fmt, ap);
}

/* ---- one value ----------------------------------------------------------- */

/* "30s", "500ms", "5m", "1h", "7d", "30" (seconds) to ms; -1 if none of them */
static int64_t
duration(const char *s)
{
	static const struct {
		const char	*unit;
		int64_t		 ms;
	} units[] = { { "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "m", 60000 },
	    { "h", 3600000 }, { "d", 86400000 } };
	int64_t v = 0;
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 9 || (s[0] == '0' && n > 1))
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (s[i] - '0');
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(s + n, units[i].unit) == 0)
			return v * units[i].ms;
	return -1;
}

static bool
set_duration(const char *s, int64_t *ms)
{
	int64_t v = duration(s);

	if (v < 100 || v > INT64_C(7) * 86400000)
		return false;
	*ms = v;
	return true;
}

/* How often to look, or "0" for never. */
static bool
set_watch(const char *s, struct config *c)
{
	c->watch_ms = 0;
	return strcmp(s, "0") == 0 || set_duration(s, &c->watch_ms);
}

static bool
set_number(const char *s, uint32_t min, uint32_t max, uint32_t *to)
{
	size_t n = strspn(s, "0123456789");
	unsigned long v;

	if (n == 0 || n > 7 || s[n] != '\0' || (s[0] == '0' && n > 1))
		return false;
	v = strtoul(s, NULL, 10);
	if (v < min || v > max)
		return false;
	*to = (uint32_t)v;
	return true;
}

static bool
set_path(const char *s, char to[PATH_MAX])
{
	int n;

	if (s[0] == '\0')
		return false;
	if (s[0] == '/')
		return text_copy(to, PATH_MAX, s);
	n = snprintf(to, PATH_MAX, "%s/%s", directory, s);
	return n > 0 && n < PATH_MAX;
}

/* One of a generation's, which a service manager may have put in place. */
static bool
set_file(const char *s, char to[PATH_MAX])
{
	const char *name = s + strlen(CREDENTIAL_PREFIX);
	int n;

	if (strncmp(s, CREDENTIAL_PREFIX, strlen(CREDENTIAL_PREFIX)) != 0)
		return set_path(s, to);
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
		return false;
	if (credentials[0] == '\0')	/* whoever opens it says so */
		return text_copy(to, PATH_MAX, s);
	n = snprintf(to, PATH_MAX, "%s/%s", credentials, name);
	return n > 0 && n < PATH_MAX;
}

/* Is it the name of a socket that whoever starts us makes? */
static bool
is_handed(const char *s)
{
	return strncmp(s, ACTIVATION_PREFIX, strlen(ACTIVATION_PREFIX)) == 0;
}

static bool
set_handed(const char *s, struct config_listen *l)
{
	memset(l, 0, sizeof *l);
	s += strlen(ACTIVATION_PREFIX);
	return activation_is_name(s) &&
	    text_copy(l->name, sizeof l->name, s);
}

static bool
set_listen(const char *s, struct config *c)
{
	struct config_listen *l = &c->listen[c->listens];

	if (c->listens == CONFIG_LISTEN_MAX || (is_handed(s) ?
	    !set_handed(s, l) : !addr_parse(s, &l->ss, &l->len) ||
	    strcmp(strrchr(s, ':'), ":0") == 0))	/* free, but which? */
		return false;
	for (uint32_t i = 0; i < c->listens; i++)
		if (config_same_listen(&c->listen[i], l))
			return false;
	c->listens++;
	return true;
}

static bool
set_version(const char *s, struct config *c)
{
	if (strcmp(s, "1.2") == 0)
		c->tls12 = true;
	else if (strcmp(s, "1.3") == 0)
		c->tls13 = true;
	else
		return false;
	return true;
}

static bool
set_log_level(const char *s, struct config *c)
{
	static const struct {
		const char	*word;
		int		 level;
	} levels[] = { { "error", LOG_ERR }, { "warning", LOG_WARNING },
	    { "info", LOG_INFO }, { "debug", LOG_DEBUG } };

	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (strcmp(s, levels[i].word) == 0) {
			c->log_level = levels[i].level;
			return true;
		}
	}
	return false;
}

/* One of two words; *second tells which. */
static bool
set_choice(const char *s, const char *no, const char *yes, bool *second)
{
	*second = strcmp(s, yes) == 0;
	return *second || strcmp(s, no) == 0;
}

/* ---- sockets of the exporter --------------------------------------------- */

static bool
set_socket(const char *s, struct config_listen *l)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char path[PATH_MAX];

	if (!set_path(s, path) ||
	    !text_copy(sun.sun_path, sizeof sun.sun_path, path))
		return false;
	memset(l, 0, sizeof *l);
	memcpy(&l->ss, &sun, sizeof sun);
	l->len = sizeof sun;
	return true;
}

/* Of this machine alone: "unix:/run/a.sock", "127.0.0.1:80", "[::1]:80". */
static bool
set_local(const char *s, struct config_listen *l)
{
	if (strncmp(s, "unix:", 5) == 0)
		return set_socket(s + 5, l);
	if (is_handed(s))
		return set_handed(s, l);
	return addr_parse(s, &l->ss, &l->len) && addr_is_loopback(&l->ss) &&
	    strcmp(strrchr(s, ':'), ":0") != 0;
}

/* ---- what workers do ----------------------------------------------------- */

static bool
set_worker(const char *s, struct config *c)
{
	bool relay;

	if (!set_choice(s, "echo", "relay", &relay))
		return false;
	c->worker = relay ? WORKER_RELAY : WORKER_ECHO;
	return true;
}

static bool
set_tlv(const char *s, struct config *c)
{
	if (strcmp(s, "tls") == 0)
		c->relay_tls = true;
	else if (strcmp(s, "certificate") == 0)
		c->relay_certificate = true;
	else
		return false;
	return true;
}

/* ---- who may come in ----------------------------------------------------- */

static bool
set_pin(const char *s, struct rules *r)
{
	return r->pins < RULES_PINS && text_parse_pin(s, r->pin[r->pins++]);
}

static bool
set_allow(const char *s, struct rules *r)
{
	return r->allows < RULES_ALLOWS && pattern_wrong(s) == NULL &&
	    text_copy(r->allow[r->allows++], PATTERN_SIZE, s);
}

static bool
set_crl_policy(const char *s, struct rules *r)
{
	bool last_good;

	if (!set_choice(s, "strict", "last-good", &last_good))
		return false;
	r->crl_policy = last_good ? CRL_LAST_GOOD : CRL_STRICT;
	return true;
}

static bool
set_host_check(const char *s, struct rules *r)
{
	static const char *const words[] = { [HOST_CHECK_NO] = "no",
	    [HOST_CHECK_ADDRESS] = "address", [HOST_CHECK_NAME] = "name",
	    [HOST_CHECK_EITHER] = "either" };

	for (int32_t i = HOST_CHECK_NO; i <= HOST_CHECK_EITHER; i++) {
		if (strcmp(words[i], s) == 0) {
			r->host_check = i;
			return true;
		}
	}
	return false;
}

static bool
set_proxy(const char *s, struct config *c)
{
	return c->proxy_froms < CONFIG_PROXY_MAX &&
	    addr_parse_cidr(s, &c->proxy_from[c->proxy_froms++]);
}

static bool
set_server(const char *s, struct config *c)
{
	struct config_listen *l = &c->server[c->servers];

	/* A link-local server's scope is no use to the resolver. */
	return c->servers < CONFIG_SERVERS_MAX && strchr(s, '%') == NULL &&
	    addr_parse(s, &l->ss, &l->len) &&
	    strcmp(strrchr(s, ':'), ":0") != 0 && ++c->servers > 0;
}

static bool
set_isolation(const char *s, struct config *c)
{
	bool pool;

	if (!set_choice(s, "connection", "pool", &pool))
		return false;
	c->isolation = pool ? ISOLATION_POOL : ISOLATION_CONNECTION;
	return true;
}

/* ---- the table ----------------------------------------------------------- */

enum key {
	KEY_LISTEN, KEY_CERTIFICATE, KEY_KEY, KEY_PARENTS, KEY_ISOLATION,
	KEY_POOL_WORKERS, KEY_USER, KEY_WORKER_USER, KEY_PID_FILE,
	KEY_MAX_CONNECTIONS, KEY_RESOLVER_USER, KEY_EXPORTER_USER, KEY_STATUS,
	KEY_METRICS, KEY_WATCH, KEY_CA, KEY_CRL,
	KEY_CRL_POLICY, KEY_MAX_DEPTH, KEY_CLIENT_USAGE, KEY_PIN, KEY_ALLOW,
	KEY_HOST_CHECK, KEY_PROXY_FROM, KEY_SERVERS, KEY_VERSIONS,
	KEY_CIPHERS, KEY_CURVES, KEY_HANDSHAKE, KEY_IDLE, KEY_SESSION,
	KEY_DRAIN, KEY_RESOLVE, KEY_REVOKED, KEY_LEVEL, KEY_TO,
	KEY_PER_ADDRESS, KEY_MAX_HANDSHAKES, KEY_ACCEPT_RATE,
	KEY_ACCEPT_BURST, KEY_PREFIX4, KEY_PREFIX6, KEY_WORKER,
	KEY_DIALER_USER, KEY_RELAY_TO, KEY_RELAY_PROXY, KEY_RELAY_TLVS,
	KEY_CONNECT, KEY_BUSY_POLL, KEY_COUNT
};

static const char *const sections[] = { "", "clients", "proxy", "resolver",
    "tls", "timeouts", "log", "metrics", "relay" };
#define SECTIONS (sizeof sections / sizeof sections[0])
#define FILE_NAME "a file name, or \"credential:NAME\" of a systemd unit"

static const struct {
	const char	*section, *name;
	bool		 list;
	const char	*right;		/* what would be right */
} keys[KEY_COUNT] = {
	[KEY_LISTEN] = { "", "listen", true, "up to 16 different numeric "
	    "addresses like \"192.0.2.1:7443\" or \"[2001:db8::1]:7443\"; "
	    "names are not looked up, but for \"fd:NAME\" of a socket unit" },
	[KEY_CERTIFICATE] = { "", "certificate", false, FILE_NAME },
	[KEY_KEY] = { "", "key", false, FILE_NAME },
	[KEY_PARENTS] = { "", "parents", false,
	    "a number from 0 (one per CPU) to 64" },
	[KEY_ISOLATION] = { "", "isolation", false,
	    "\"connection\" or \"pool\"" },
	[KEY_POOL_WORKERS] = { "", "pool-workers", false,
	    "a number from 1 to 64" },
	[KEY_BUSY_POLL] = { "", "busy-poll", false,
	    "a number from 0 (not at all) to 10000, of microseconds" },
	[KEY_USER] = { "", "user", false, "a user's name" },
	[KEY_WORKER_USER] = { "", "worker-user", false, "a user's name" },
	[KEY_PID_FILE] = { "", "pid-file", false, "a file name" },
	[KEY_MAX_CONNECTIONS] = { "", "max-connections", false,
	    "a number from 1 to 100000" },
	[KEY_PER_ADDRESS] = { "", "max-connections-per-address", false,
	    "a number from 0 (no limit but max-connections) to 100000" },
	[KEY_MAX_HANDSHAKES] = { "", "max-handshakes", false,
	    "a number from 0 (half of max-connections, or 64) to 100000" },
	[KEY_ACCEPT_RATE] = { "", "accept-rate", false,
	    "a number from 0 (any) to 100000, of connections a second" },
	[KEY_ACCEPT_BURST] = { "", "accept-burst", false,
	    "a number from 1 to 100000, of connections" },
	[KEY_PREFIX4] = { "", "address-prefix-ipv4", false,
	    "a number from 8 to 32, of bits" },
	[KEY_PREFIX6] = { "", "address-prefix-ipv6", false,
	    "a number from 16 to 128, of bits" },
	[KEY_RESOLVER_USER] = { "", "resolver-user", false, "a user's name" },
	[KEY_EXPORTER_USER] = { "", "exporter-user", false, "a user's name" },
	[KEY_DIALER_USER] = { "", "dialer-user", false, "a user's name" },
	[KEY_WORKER] = { "", "worker", false, "\"echo\" or \"relay\"" },
	[KEY_RELAY_TO] = { "relay", "to", false, "a service of this machine: "
	    "\"unix:/run/app.sock\", or a loopback address with port like "
	    "\"127.0.0.1:8080\" or \"[::1]:8080\"" },
	[KEY_RELAY_PROXY] = { "relay", "proxy", false, "\"yes\" or \"no\"" },
	[KEY_RELAY_TLVS] = { "relay", "proxy-tlvs", true, "\"tls\" and "
	    "\"certificate\"" },
	[KEY_CONNECT] = { "timeouts", "connect", false, NULL },
	[KEY_STATUS] = { "", "status-socket", false, "a file name of at most "
	    "107 bytes, or \"\" for none" },
	[KEY_METRICS] = { "metrics", "listen", false, "a loopback address like "
	    "\"127.0.0.1:9464\" or \"[::1]:9464\", "
	    "\"unix:/run/postern/metrics.sock\", or \"fd:NAME\" of a socket "
	    "unit: from elsewhere nobody may ask" },
	[KEY_WATCH] = { "", "watch", false, "0, or a time from 100ms to 7d, "
	    "like 60s" },
	[KEY_CA] = { "clients", "ca", false, FILE_NAME },
	[KEY_CRL] = { "clients", "crl", false, FILE_NAME },
	[KEY_CRL_POLICY] = { "clients", "crl-policy", false,
	    "\"strict\" or \"last-good\"" },
	[KEY_MAX_DEPTH] = { "clients", "max-depth", false,
	    "a number from 0 to 10" },
	[KEY_CLIENT_USAGE] = { "clients", "require-client-usage", false,
	    "\"yes\" or \"no\"" },
	[KEY_PIN] = { "clients", "pin", true, "up to 256 of \"SHA256:\" and 64 "
	    "hexadecimal digits, as postern-certgen pin prints them" },
	[KEY_ALLOW] = { "clients", "allow", true, "up to 64 patterns like "
	    "\"dns:*.example.org\", \"cn:...\", \"uri:...\" or "
	    "\"email:...\"; * stands for part of one label or segment" },
	[KEY_HOST_CHECK] = { "clients", "host-check", false, "\"no\", "
	    "\"address\", \"name\" or \"either\"" },
	[KEY_PROXY_FROM] = { "proxy", "from", true, "up to 64 networks like "
	    "\"192.0.2.0/24\" or \"2001:db8::1\", without bits set after the "
	    "prefix" },
	[KEY_SERVERS] = { "resolver", "servers", true, "up to 8 numeric "
	    "addresses with port, like \"127.0.0.1:53\"" },
	[KEY_VERSIONS] = { "tls", "versions", true, "\"1.2\" and \"1.3\"" },
	[KEY_CIPHERS] = { "tls", "ciphers", false,
	    "an OpenSSL cipher list of at most 511 bytes" },
	[KEY_CURVES] = { "tls", "curves", false,
	    "groups like \"X25519:P-256\", of at most 255 bytes" },
	[KEY_HANDSHAKE] = { "timeouts", "handshake", false, NULL },
	[KEY_IDLE] = { "timeouts", "idle", false, NULL },
	[KEY_SESSION] = { "timeouts", "session", false, NULL },
	[KEY_DRAIN] = { "timeouts", "drain", false, NULL },
	[KEY_RESOLVE] = { "timeouts", "resolve", false, NULL },
	[KEY_REVOKED] = { "timeouts", "revoked", false, NULL },
	[KEY_LEVEL] = { "log", "level", false,
	    "\"error\", \"warning\", \"info\" or \"debug\"" },
	[KEY_TO] = { "log", "to", false, "\"stderr\" or \"syslog\"" },
};

static bool
apply(enum key k, const char *s, struct config *c)
{
	switch (k) {
	case KEY_LISTEN:
		return set_listen(s, c);
	case KEY_CERTIFICATE:
		return set_file(s, c->file[FILE_CERTIFICATE]);
	case KEY_KEY:
		return set_file(s, c->file[FILE_KEY]);
	case KEY_CA:
		return set_file(s, c->file[FILE_CA]);
	case KEY_PARENTS:
		return set_number(s, 0, CONFIG_PARENTS_MAX, &c->parents);
	case KEY_ISOLATION:
		return set_isolation(s, c);
	case KEY_POOL_WORKERS:
		return set_number(s, 1, 64, &c->pool_workers);
	case KEY_BUSY_POLL:
		return set_number(s, 0, 10000, &c->busy_poll_us);
	case KEY_USER:
		return s[0] != '\0' && text_copy(c->user, CONFIG_NAME_MAX, s);
	case KEY_WORKER_USER:
		return s[0] != '\0' &&
		    text_copy(c->worker_user, CONFIG_NAME_MAX, s);
	case KEY_PID_FILE:
		return set_path(s, c->pid_file);
	case KEY_MAX_CONNECTIONS:
		return set_number(s, 1, 100000, &c->max_connections);
	case KEY_PER_ADDRESS:
		return set_number(s, 0, 100000,
		    &c->max_connections_per_address);
	case KEY_MAX_HANDSHAKES:
		return set_number(s, 0, 100000, &c->max_handshakes);
	case KEY_ACCEPT_RATE:
		return set_number(s, 0, 100000, &c->accept_rate);
	case KEY_ACCEPT_BURST:
		return set_number(s, 1, 100000, &c->accept_burst);
	case KEY_PREFIX4:
		return set_number(s, 8, 32, &c->prefix4);
	case KEY_PREFIX6:
		return set_number(s, 16, 128, &c->prefix6);
	case KEY_RESOLVER_USER:
		return s[0] != '\0' &&
		    text_copy(c->resolver_user, CONFIG_NAME_MAX, s);
	case KEY_EXPORTER_USER:
		return s[0] != '\0' &&
		    text_copy(c->exporter_user, CONFIG_NAME_MAX, s);
	case KEY_STATUS:
		c->status.len = 0;
		return s[0] == '\0' || set_socket(s, &c->status);
	case KEY_METRICS:
		return set_local(s, &c->metrics);
	case KEY_WORKER:
		return set_worker(s, c);
	case KEY_DIALER_USER:
		return s[0] != '\0' &&
		    text_copy(c->dialer_user, CONFIG_NAME_MAX, s);
	case KEY_RELAY_TO:
		return set_local(s, &c->relay_to);
	case KEY_RELAY_PROXY:
		return set_choice(s, "no", "yes", &c->relay_proxy);
	case KEY_RELAY_TLVS:
		return set_tlv(s, c);
	case KEY_CONNECT:
		return set_duration(s, &c->connect_ms);
	case KEY_WATCH:
		return set_watch(s, c);
	case KEY_CRL:
		return set_file(s, c->file[FILE_CRL]);
	case KEY_CRL_POLICY:
		return set_crl_policy(s, &c->rules);
	case KEY_MAX_DEPTH:
		return set_number(s, 0, 10, &c->rules.max_depth);
	case KEY_CLIENT_USAGE:
		return set_choice(s, "no", "yes", &c->rules.client_usage);
	case KEY_PIN:
		return set_pin(s, &c->rules);
	case KEY_ALLOW:
		return set_allow(s, &c->rules);
	case KEY_HOST_CHECK:
		return set_host_check(s, &c->rules);
	case KEY_PROXY_FROM:
		return set_proxy(s, c);
	case KEY_SERVERS:
		return set_server(s, c);
	case KEY_VERSIONS:
		return set_version(s, c);
	case KEY_CIPHERS:
		return s[0] != '\0' &&
		    text_copy(c->ciphers, sizeof c->ciphers, s);
	case KEY_CURVES:
		return s[0] != '\0' &&
		    text_copy(c->curves, sizeof c->curves, s);
	case KEY_HANDSHAKE:
		return set_duration(s, &c->handshake_ms);
	case KEY_IDLE:
		return set_duration(s, &c->idle_ms);
	case KEY_SESSION:
		return set_duration(s, &c->session_ms);
	case KEY_DRAIN:
		return set_duration(s, &c->drain_ms);
	case KEY_RESOLVE:
		return set_duration(s, &c->resolve_ms);
	case KEY_REVOKED:
		return set_duration(s, &c->revoked_ms);
	case KEY_LEVEL:
		return set_log_level(s, c);
	case KEY_TO:
		return set_choice(s, "stderr", "syslog", &c->log_syslog);
	case KEY_COUNT:
		break;
	}
	return false;
}

static const char *
right_value(enum key k)
{
	return keys[k].right != NULL ? keys[k].right :
	    "a time from 100ms to 7d, like 30s, 500ms, 5m or 1h";
}

/* libconfuse calls this for each value, at its line. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	enum key k;

	/* libconfuse calls what is in no section's braces "root". */
	for (k = 0; k < KEY_COUNT; k++)
		if (strcmp(keys[k].name, opt->name) == 0 &&
		    strcmp(keys[k].section[0] != '\0' ? keys[k].section :
		    "root", cfg->name) == 0)
			break;
	if (k == KEY_COUNT || !apply(k, value, target)) {
		char safe[256];

		text_escape(safe, sizeof safe, value, strlen(value));
		cfg_error(cfg, "%s = \"%s\": want %s", opt->name, safe,
		    k == KEY_COUNT ? "nothing" : right_value(k));
		return -1;
	}
	*(const char **)result = value;
	return 0;
}

/* If nothing is said: a few clients at once must never be too many. */
#define HANDSHAKES_LEAST 64

/* ---- defaults, and the whole --------------------------------------------- */

static void
set_defaults(struct config *c)
{
	memset(c, 0, sizeof *c);
	strcpy(c->file[FILE_CERTIFICATE], "/etc/postern/server.pem");
	strcpy(c->file[FILE_KEY], "/etc/postern/server.key");
	strcpy(c->file[FILE_CA], "/etc/postern/clients-ca.pem");
	strcpy(c->ciphers,
	    "TLSv1.2+ECDHE+AESGCM:TLSv1.2+ECDHE+CHACHA20");
	strcpy(c->curves, "X25519:P-256:P-384");
	strcpy(c->user, "_postern");
	strcpy(c->worker_user, "_posternw");
	strcpy(c->resolver_user, "_posternr");
	strcpy(c->exporter_user, "_posternx");
	strcpy(c->dialer_user, "_posternd");
	strcpy(c->pid_file, "/run/posternd.pid");
	set_socket("/run/postern/status.sock", &c->status);
	rules_default(&c->rules);
	c->watch_ms = 60000;
	c->isolation = ISOLATION_CONNECTION;
	c->pool_workers = 1;
	c->busy_poll_us = 50;
	c->max_connections = 1024;
	c->accept_rate = 500;
	c->accept_burst = 5000;
	c->prefix4 = 32;
	c->prefix6 = 64;
	c->handshake_ms = 10000;
	c->idle_ms = 300000;
	c->session_ms = 86400000;
	c->drain_ms = 10000;
	c->resolve_ms = 3000;
	c->connect_ms = 5000;
	c->revoked_ms = 10000;
	c->log_level = LOG_INFO;
}

/* What hangs on the rest of the file. */
static void
set_later_defaults(struct config *c)
{
	if (c->listens == 0)
		set_listen(activation_has(ACTIVATION_DEFAULT) ?
		    ACTIVATION_PREFIX ACTIVATION_DEFAULT : "127.0.0.1:7443",
		    c);
	if (!c->tls12 && !c->tls13)
		c->tls13 = true;
	if (c->max_handshakes == 0)
		c->max_handshakes = c->max_connections / 2 < HANDSHAKES_LEAST ?
		    HANDSHAKES_LEAST : c->max_connections / 2;
	if (c->parents == 0) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		c->parents = cpus < 1 ? 1 : cpus > CONFIG_PARENTS_MAX ?
		    CONFIG_PARENTS_MAX : (uint32_t)cpus;
	}
}

static cfg_t *
describe(void)
{
	static cfg_opt_t section[SECTIONS][KEY_COUNT + 1];
	size_t n[SECTIONS] = { 0 };
	static const cfg_opt_t end = CFG_END();

	for (enum key k = 0; k < KEY_COUNT; k++) {
		cfg_opt_t one = CFG_STR_CB(keys[k].name, NULL, CFGF_NODEFAULT,
		    on_value);
		cfg_opt_t many = CFG_STR_LIST_CB(keys[k].name, NULL,
		    CFGF_NODEFAULT, on_value);

		for (size_t s = 0; s < SECTIONS; s++)
			if (strcmp(sections[s], keys[k].section) == 0)
				section[s][n[s]++] = keys[k].list ? many : one;
	}
	for (size_t s = 1; s < SECTIONS; s++) {
		cfg_opt_t sec = CFG_SEC(sections[s], section[s], CFGF_NONE);

		section[s][n[s]] = end;
		section[0][n[0]++] = sec;
	}
	section[0][n[0]] = end;
	return cfg_init(section[0], CFGF_NONE);
}

/* What nobody can choose for the administrator. */
static bool
is_decided(void)
{
	if (target->rules.host_check != HOST_CHECK_UNSET)
		return true;
	snprintf(message, message_size, "%s: clients { host-check } must be "
	    "set: \"no\": a valid certificate is enough, from anywhere; "
	    "\"address\": it must also name the address that the client comes "
	    "from, which no client behind NAT has of its own; \"name\": it "
	    "must name a host name of that address, which reverse DNS gives "
	    "and a forward look-up confirms, so nobody gets in while DNS is "
	    "out; \"either\": one of the two, so that clients whose address "
	    "is named get in without DNS", source);
	return false;
}

/* Do keys that say how workers relay go together? */
static bool
is_consistent(void)
{
	const struct config *c = target;
	const char *what = NULL;

	if (c->worker == WORKER_RELAY && c->relay_to.len == 0)
		what = "worker = \"relay\" needs relay { to }: which service?";
	else if (c->worker == WORKER_RELAY && c->isolation == ISOLATION_POOL)
		what = "worker = \"relay\" needs isolation = \"connection\": "
		    "a relay worker is for one client";
	else if (c->worker != WORKER_RELAY && (c->relay_to.len != 0 ||
	    c->relay_proxy || c->relay_tls || c->relay_certificate))
		what = "relay { } is for worker = \"relay\", which is not set";
	else if (!c->relay_proxy && (c->relay_tls || c->relay_certificate))
		what = "relay { proxy-tlvs } needs proxy = \"yes\": it is part "
		    "of that header";
	if (what != NULL)
		snprintf(message, message_size, "%s: %s", source, what);
	return what == NULL;
}

static bool
parse(const char *text)
{
	cfg_t *cfg;
	int result;

	if (!config_scan(source, text, message, message_size))
		return false;
	cfg = describe();
	cfg_set_error_function(cfg, on_error);
	result = cfg_parse_buf(cfg, text);
	cfg_free(cfg);
	if (result == CFG_SUCCESS)
		return is_decided() && is_consistent();
	if (message[0] == '\0')
		snprintf(message, message_size, "%s: cannot be parsed", source);
	return false;
}

/*
 * NULL if it may be one.  What tells of a mistake must not show a key's text.
 */
static const char *
unfit(const char *text, size_t len)
{
	if (strlen(text) != len)
		return "holds a NUL byte";
	if (strncmp(text, "-----BEGIN ", 11) == 0 ||
	    strstr(text, "\n-----BEGIN ") != NULL)
		return "holds a certificate or a key, not a configuration";
	return NULL;
}

bool
config_read(const char *path, struct config *c, char *why, size_t why_size)
{
	char real[PATH_MAX];
	const char *what;
	uint8_t *text;
	size_t len;
	bool ok;
	int fd;

	source = path;
	target = c;
	message = why;
	message_size = why_size;
	why[0] = '\0';
	set_defaults(c);
	fd = realpath(path, real) == NULL ? -1 :
	    open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return false;
	}
	ok = file_read(fd, &text, &len, &what);
	close(fd);
	if (!ok) {
		snprintf(why, why_size, "%s: %s", path, what);
		return false;
	}
	*strrchr(real, '/') = '\0';
	strcpy(directory, real);
	what = unfit((char *)text, len);
	ok = what == NULL && parse((char *)text);
	if (what != NULL)
		snprintf(why, why_size, "%s: %s", path, what);
	file_wipe(text, len);
	if (ok)
		set_later_defaults(c);
	return ok;
}

void
config_read_environment(void)
{
	const char *s = getenv("CREDENTIALS_DIRECTORY");

	if (s != NULL && s[0] == '/')
		text_copy(credentials, sizeof credentials, s);
}

bool
config_is_balancer(const struct config *c,
    const struct sockaddr_storage *from)
{
	for (uint32_t i = 0; i < c->proxy_froms; i++)
		if (addr_in_cidr(&c->proxy_from[i], from))
			return true;
	return false;
}

bool
config_resolves(const struct config *c)
{
	return c->rules.host_check == HOST_CHECK_NAME ||
	    c->rules.host_check == HOST_CHECK_EITHER;
}

enum spawner_kind
config_spawner(const struct config *c)
{
	return c->worker == WORKER_RELAY ? SPAWNER_RELAY :
	    c->isolation == ISOLATION_POOL ? SPAWNER_POOL : SPAWNER_ECHO;
}

bool
config_same_listen(const struct config_listen *a,
    const struct config_listen *b)
{
	return a->len == b->len && memcmp(&a->ss, &b->ss, a->len) == 0 &&
	    strcmp(a->name, b->name) == 0;
}

const char *
config_file_word(enum config_file f)
{
	static const char *const words[FILE_COUNT] = { "certificate", "key",
	    "clients ca", "clients crl" };

	return words[f];
}
