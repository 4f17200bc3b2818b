/*
 * What the user asks for: the command line, parsed and checked.
 */
#ifndef POSTERN_CLIENT_OPTIONS_H
#define POSTERN_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A host name is at most 253 bytes (RFC 1035, 2.3.4), an address shorter. */
#define SERVERNAME_MAX 256

enum command { COMMAND_CONNECT, COMMAND_INSPECT, COMMAND_PING, COMMAND_SEND };

/* As it is written on the command line; static. */
const char *options_command(enum command command);

/* Most bytes of one echo of `ping`. */
#define PING_SIZE_MAX 65536

struct options {
	enum command	 command;
	int		 family;	/* AF_UNSPEC, AF_INET, AF_INET6; the
					 * one that `source` needs */
	bool		 verbose;
	const char	*cert_file;	/* both or neither */
	const char	*key_file;
	const char	*ca_file;	/* NULL: the system's */
	uint8_t		(*pins)[32];	/* `pin_count` of them */
	size_t		 pin_count;
	int		 seconds;	/* of -w; 0: not given */
	const char	*host;
	const char	*port;		/* decimal, 1 to 65535 */
	char		 servername[SERVERNAME_MAX];	/* name or address */
	const char	*source_text;	/* of --proxy-v2, or NULL */
	struct sockaddr_storage	source;	/* the same; its port may be 0 */
	bool		 json;
	bool		 quiet;
	const char	*file;		/* send: "-" is standard input */
	uint64_t	 count;		/* ping: 0: without end */
	int64_t		 interval_us;	/* ping */
	size_t		 size;		/* ping: 1 to PING_SIZE_MAX bytes */
};

/*
 * Parse argv, whose strings `o` then points to.  Ends the program on --help
 * and --version (0) and on anything wrong (EX_USAGE, with words).
 */
void options_parse(struct options *o, int argc, char **argv);

#endif
