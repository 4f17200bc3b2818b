/*
 * The commands of postern-audit, and what they share.
 */
#ifndef POSTERN_AUDIT_H
#define POSTERN_AUDIT_H

#include <getopt.h>
#include <jansson.h>

#include "policy.h"

/*
 * One each, in the file of its name: argv[0] is the command.  Returns how the
 * program exits (sysexits(3)); what is wrong with the command line ends it.
 */
int audit_coverage(int argc, char **argv);
int audit_explain(int argc, char **argv);
int audit_kills(int argc, char **argv);
int audit_live(int argc, char **argv);
int audit_policy(int argc, char **argv);

/*
 * The next option, as getopt_long(3) gives it: only long ones, before and
 * between the operands.  Ends the program, with one line, at one that is not
 * in `options`, or that lacks its value or has one too many.
 */
int audit_option(int argc, char **argv, const struct option *options);

/* "postern-audit: COMMAND: WHAT: WHY", with WHAT escaped; ends the program. */
_Noreturn void audit_reject(int code, const char *command, const char *what,
    const char *why);

/* The same line, and the program goes on. */
void audit_warn(const char *command, const char *what, const char *why);

/* The process of this title's table, or the program ends. */
enum policy_id audit_process(const char *command, const char *name);

/* What is special about a group of rows, in words, or NULL. */
const char *audit_group_note(const struct policy_group *g);

/* Print a document, which is then freed. */
void audit_print(json_t *doc);

/* Has all that was said got out?  EX_OK, or the program ends. */
int audit_said(void);

#endif
