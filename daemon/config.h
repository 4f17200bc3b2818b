/*
 * The configuration, as one piece of memory without a pointer: the supervisor
 * reads it, and hands it to each parent whole.
 */
#ifndef POSTERN_CONFIG_H
#define POSTERN_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "addr.h"
#include "channel.h"
#include "judge.h"

#define CONFIG_LISTEN_MAX	16
#define CONFIG_PARENTS_MAX	64
#define CONFIG_NAME_MAX		64
#define CONFIG_PROXY_MAX	64
#define CONFIG_SERVERS_MAX	8
#define CONFIG_DEFAULT_FILE	"/etc/postern/posternd.conf"

/*
 * An address; or the name of a socket that was handed over, and then its
 * address once that is known (activation.h).
 */
struct config_listen {
	struct sockaddr_storage	ss;
	socklen_t		len;
	char			name[CONFIG_NAME_MAX];	/* "": none was */
};

/*
 * The files of a generation, opened once by the supervisor.  There need not be
 * a CRL: then its name is empty.
 */
enum config_file { FILE_CERTIFICATE, FILE_KEY, FILE_CA, FILE_CRL, FILE_COUNT };

struct config {
	struct config_listen	listen[CONFIG_LISTEN_MAX];
	uint32_t		listens;
	char			file[FILE_COUNT][PATH_MAX];
	int64_t			watch_ms;	/* look at them; 0: never */
	struct rules		rules;		/* who may come in */
	struct cidr		proxy_from[CONFIG_PROXY_MAX];
	uint32_t		proxy_froms;	/* balancers */
	struct config_listen	server[CONFIG_SERVERS_MAX];	/* of DNS */
	uint32_t		servers;	/* 0: as resolv.conf(5) says */
	bool			tls12, tls13;
	char			ciphers[512];	/* of TLS 1.2 */
	char			curves[256];
	uint32_t		parents;	/* 0: one per online CPU */
	int32_t			isolation;	/* enum isolation */
	int32_t			worker;		/* enum worker_kind */
	struct config_listen	relay_to;	/* if relay; len 0: not set */
	bool			relay_proxy;	/* a PROXY header ahead, */
	bool			relay_tls;	/* with what TLS found, */
	bool			relay_certificate;	/* and whose it is */
	uint32_t		pool_workers;
	uint32_t		busy_poll_us;	/* 0: not at all */
	char			user[CONFIG_NAME_MAX];
	char			worker_user[CONFIG_NAME_MAX];
	char			resolver_user[CONFIG_NAME_MAX];
	char			dialer_user[CONFIG_NAME_MAX];
	char			exporter_user[CONFIG_NAME_MAX];
	struct config_listen	metrics, status;	/* len 0: none */
	char			pid_file[PATH_MAX];
	uint32_t		max_connections;
	uint32_t		max_connections_per_address;	/* 0: as many */
	uint32_t		max_handshakes;
	/* Of an address, a second and at once; 0: any. */
	uint32_t		accept_rate, accept_burst;
	uint32_t		prefix4, prefix6;	/* one address */
	int64_t			handshake_ms, idle_ms, session_ms, drain_ms;
	int64_t			resolve_ms, revoked_ms, connect_ms;
	int32_t			log_level;	/* syslog(3)'s */
	bool			log_syslog;
};

/*
 * Read the file into *c, defaults where it is silent.  Relative names in it
 * are taken from its own directory.  False after one line about the first
 * mistake ("FILE:LINE: what, and what would be right") in `why`.
 */
bool config_read(const char *path, struct config *c, char *why,
    size_t why_size);

/* A file that systemd's LoadCredential= gives to the service. */
#define CREDENTIAL_PREFIX	"credential:"

/*
 * Where they are: to be called before the environment is emptied.  Where there
 * are none, such a name stays as it is, and is no file's.
 */
void config_read_environment(void);

/* Must a connection from here begin with a PROXY protocol header? */
bool config_is_balancer(const struct config *c,
    const struct sockaddr_storage *from);

/* Do the rules need a resolver? */
bool config_resolves(const struct config *c);

/* What a parent's spawner has to make. */
enum spawner_kind config_spawner(const struct config *c);

/* The same address, and the same name? */
bool config_same_listen(const struct config_listen *a,
    const struct config_listen *b);

/* Words for where a file of the configuration is named ("key"). */
const char *config_file_word(enum config_file f);

#endif
