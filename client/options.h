/*
 * What the user asks for: the command line, parsed and checked.
 */
#ifndef POSTERN_CLIENT_OPTIONS_H
#define POSTERN_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A host name is at most 253 bytes (RFC 1035, 2.3.4), an address shorter. */
#define SERVERNAME_MAX 256

struct options {
	int		 family;	/* AF_UNSPEC, AF_INET, AF_INET6 */
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
};

/*
 * Parse argv, whose strings `o` then points to.  Ends the program on --help
 * and --version (0) and on anything wrong (EX_USAGE, with words).
 */
void options_parse(struct options *o, int argc, char **argv);

#endif
