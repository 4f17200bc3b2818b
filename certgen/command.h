/*
 * What postern-certgen can be asked to do: one row a subcommand.
 */
#ifndef POSTERN_CERTGEN_COMMAND_H
#define POSTERN_CERTGEN_COMMAND_H

#include "options.h"

struct command {
	const char	*name;
	const char	*synopsis;	/* of its own options */
	unsigned int	 allowed;	/* OPT() bits it knows */
	unsigned int	 required;	/* those it cannot do without */
	bool		 wildcard;	/* may a host be "*.example.org"? */
	int		(*run)(const struct options *);	/* exit code */
};

/* Each makes one key and one certificate (make.c). */
int command_self_signed(const struct options *o);
int command_ca(const struct options *o);
int command_server(const struct options *o);
int command_client(const struct options *o);

#endif
