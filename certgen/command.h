/*
 * What postern-certgen can be asked to do: one row a subcommand.
 */
#ifndef POSTERN_CERTGEN_COMMAND_H
#define POSTERN_CERTGEN_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct command {
	const char	*name;
	const char	*synopsis;	/* of its own options */
	uint64_t	 allowed;	/* OPT() bits it knows */
	uint64_t	 required;	/* those it cannot do without */
	bool		 wildcard;	/* may a host be "*.example.org"? */
	bool		 operands;	/* takes files after its options */
	int		(*run)(const struct options *);	/* exit code */
};

/* Each makes one key and one certificate (make.c). */
int command_self_signed(const struct options *o);
int command_ca(const struct options *o);
int command_server(const struct options *o);
int command_client(const struct options *o);

/* For keys that are not ours to have (csr.c, sign.c, renew.c). */
int command_csr(const struct options *o);
int command_sign(const struct options *o);
int command_renew(const struct options *o);

/* Revocation lists (revoke.c). */
int command_revoke(const struct options *o);
int command_crl(const struct options *o);

/* Those that only look (inspect.c, pin.c, verify.c). */
int command_inspect(const struct options *o);
int command_pin(const struct options *o);
int command_verify(const struct options *o);

#endif
