/*
 * The command line, taken apart and checked: what comes out of here is
 * well-formed, though files may still be missing or not fit each other.
 */
#ifndef POSTERN_CERTGEN_OPTIONS_H
#define POSTERN_CERTGEN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "constraints.h"
#include "index.h"
#include "judge.h"
#include "key.h"
#include "moment.h"
#include "names.h"
#include "role.h"
#include "validity.h"

enum option_id {
	OPT_ALGORITHM,
	OPT_ALLOW,
	OPT_CA,
	OPT_CA_KEY,
	OPT_CERT,
	OPT_CRL,
	OPT_CRL_DAYS,
	OPT_CRL_POLICY,
	OPT_CSR,
	OPT_DAYS,
	OPT_EMAIL,
	OPT_FORCE,
	OPT_FROM,
	OPT_HELP,
	OPT_HOST,
	OPT_JSON,
	OPT_KEY,
	OPT_MAX_DEPTH,
	OPT_NAME,
	OPT_NEW_KEY,
	OPT_NO_CLIENT_USAGE,
	OPT_NOT_AFTER,
	OPT_NOT_BEFORE,
	OPT_PARENT,
	OPT_PARENT_KEY,
	OPT_PARENT_PASSPHRASE_FILE,
	OPT_PASSPHRASE,
	OPT_PASSPHRASE_FILE,
	OPT_PATHLEN,
	OPT_PERMIT,
	OPT_PIN,
	OPT_PURPOSE,
	OPT_REASON,
	OPT_ROLE,
	OPT_SERIAL,
	OPT_URI,
	OPT_VERBOSE,
	OPT_COUNT
};

#define OPT(id) (UINT64_C(1) << OPT_##id)

struct options {
	const char		*cert, *key;	/* of the subject */
	const char		*csr, *crl;
	const char		*ca, *ca_key;	/* to be read; NULL: none */
	const char		*name;		/* common name; NULL: none */
	const char		*passphrase_file, *parent_passphrase_file;
	char			*const *files;	/* operands */
	int			 file_count;
	struct names		 names;		/* subject alternative names */
	struct constraints	 permit;
	struct period		 period;
	enum key_algorithm	 algorithm;
	enum role		 role;		/* if has_role */
	int			 pathlen;	/* if has_pathlen */
	int			 crl_days;	/* 0: not said */
	int			 reason;	/* or UNKNOWN (index.h) */
	char			 serial[SERIAL_SIZE];	/* "": not said */
	struct rules		 rules;		/* of verify */
	struct sockaddr_storage	 from;		/* if has_from */
	bool			 has_role, has_pathlen, has_from;
	bool			 force, verbose, help, json, new_key;
	bool			 passphrase;	/* the new key gets one */
};

struct command;

/*
 * Take apart argv (argv[0] is the subcommand's name) by the options that
 * `c` knows.  What is wrong ends the program with one line and EX_USAGE.
 * Strings are argv's own; what else there is is freed with options_free.
 */
void options_parse(struct options *o, const struct command *c, int argc,
    char **argv);
void options_free(struct options *o);

#endif
