#include "explain.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "confine.h"
#include "file.h"
#include "filter.h"
#include "handoff.h"
#include "hostcheck.h"
#include "log.h"
#include "lookup.h"
#include "supervisor.h"
#include "text.h"
#include "x509text.h"

/* The resolver keeps its deadline; this is for one that does not (ms). */
#define GRACE_MS	1000

enum outcome { HOLDS, FAILS, OFF };

static const char *const outcomes[] = { "holds", "fails", "off" };

static const struct explain	*e;
static enum reason		 verdict;	/* of all rules so far */
static json_t			*doc, *rules;	/* --json */

/* ---- files: read by whoever asks, parsed by who can do no harm ----------- */

struct blob {
	uint8_t	*data;
	size_t	 len;
};

static struct blob client, ca, crl;

static _Noreturn void
reject(int code, const char *path, const char *why)
{
	char safe[PATH_MAX];

	text_escape(safe, sizeof safe, path, strlen(path));
	errx(code, "%s: %s", safe, why);
}

/* `absent` and `bad`: how the process then exits. */
static void
read_file(const char *path, struct blob *b, int absent, int bad)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *why;

	if (fd == -1)
		reject(absent, path, strerror(errno));
	if (!file_read(fd, &b->data, &b->len, &why))
		reject(bad, path, why);
	close(fd);
}

/* An error is told with the file's name, and with what is wrong in it. */
static STACK_OF(X509) *
parse_client(void)
{
	const char *why;
	STACK_OF(X509) *chain = x509_read_pem(client.data, client.len, &why);

	if (chain == NULL)
		reject(EX_DATAERR, e->question.file, why);
	return chain;
}

static struct authorities *
parse_authorities(void)
{
	const char *why;
	bool in_crl;
	struct authorities *a = authorities_read(ca.data, ca.len, crl.data,
	    crl.len, &why, &in_crl);

	if (a == NULL)
		reject(EX_CONFIG,
		    e->config->file[in_crl ? FILE_CRL : FILE_CA], why);
	return a;
}

/* ---- one line each ------------------------------------------------------- */

/* In the order in which a connection meets the rules: the first decides. */
static void
tell(enum reason why, enum outcome outcome, const char *words)
{
	if (outcome == FAILS && verdict == REASON_NONE)
		verdict = why;
	if (e->json)
		json_array_append_new(rules, json_pack("{ssssss}", "rule",
		    reason_word(why), "verdict", outcomes[outcome],
		    "compared", words));
	else
		printf("%-6s %-18s %s\n", outcomes[outcome], reason_word(why),
		    words);
}

static void
tell_client(X509 *leaf)
{
	char subject[512], names[512], serial[64], hex[65] = "?";
	uint8_t hash[32];

	x509_name_text(X509_get_subject_name(leaf), subject, sizeof subject);
	x509_names_text(leaf, names, sizeof names);
	x509_serial_text(leaf, serial, sizeof serial);
	if (x509_sha256(leaf, hash))
		text_hex(hex, hash, sizeof hash);
	if (e->json)
		json_object_set_new(doc, "certificate", json_pack(
		    "{ssssssss}", "subject", subject, "names", names,
		    "serial", serial, "sha256", hex));
	else
		printf("certificate %s\nnames       %s\nserial      %s\n"
		    "sha256      %s\n", subject,
		    names[0] != '\0' ? names : "none", serial, hex);
}

static void
tell_addresses(void)
{
	char from[ADDR_TEXT], proxy[ADDR_TEXT] = "";

	addr_host_text(&e->question.from, from);
	if (e->question.proxy.ss_family != 0)
		addr_host_text(&e->question.proxy, proxy);
	if (e->json) {
		json_object_set_new(doc, "from", json_string(from));
		json_object_set_new(doc, "proxy", proxy[0] != '\0' ?
		    json_string(proxy) : json_null());
		return;
	}
	printf("from        %s%s%s\n\n", from, proxy[0] != '\0' ?
	    " by the balancer " : "", proxy);
}

/* ---- the rules, in their order ------------------------------------------- */

static void
judge_proxy(void)
{
	const struct question *q = &e->question;
	const struct sockaddr_storage *at = q->proxy.ss_family != 0 ?
	    &q->proxy : &q->from;
	bool listed = config_is_balancer(e->config, at);
	char words[JUDGE_TEXT], host[ADDR_TEXT];

	addr_host_text(at, host);
	snprintf(words, sizeof words, "%s is %s proxy { from }", host,
	    listed ? "in" : "not in");
	if (q->proxy.ss_family == 0) {
		if (listed)
			strcat(words, ": it must send a header (--proxy)");
		tell(REASON_PROXY_REQUIRED, listed ? FAILS :
		    e->config->proxy_froms == 0 ? OFF : HOLDS, words);
	} else if (listed) {
		tell(REASON_PROXY_REQUIRED, HOLDS, words);
	} else {
		strcat(words, ": its header would be taken for broken TLS");
		tell(REASON_PROTOCOL, FAILS, words);
	}
}

/* What libssl takes of a chain, in its message (RFC 8446, 4.4.2). */
static void
judge_size(STACK_OF(X509) *sent)
{
	char words[JUDGE_TEXT];
	long size = 4;

	for (int i = 0; i < sk_X509_num(sent); i++)
		size += 5 + i2d_X509(sk_X509_value(sent, i), NULL);
	if (size <= SSL_MAX_CERT_LIST_DEFAULT)
		return;
	snprintf(words, sizeof words, "with its chain it is %ld bytes, and "
	    "TLS takes %ld here", size, (long)SSL_MAX_CERT_LIST_DEFAULT);
	tell(REASON_PROTOCOL, FAILS, words);
}

static void
judge_certificate(const struct authorities *a, X509 *leaf,
    STACK_OF(X509) *sent)
{
	const struct rules *r = &e->config->rules;
	char words[JUDGE_TEXT];
	struct judgement j;

	judge(a, r, leaf, sent, &j);
	for (enum reason w = REASON_NO_CERTIFICATE + 1;
	    w < REASON_ADDRESS_MISMATCH; w++) {
		bool asked = judge_tell(&j, a, r, leaf, w, words,
		    sizeof words);

		tell(w, !asked ? OFF : j.failed & (UINT32_C(1) << w) ? FAILS :
		    HOLDS, asked ? words : "not configured");
	}
	if (j.failed & (UINT32_C(1) << REASON_INTERNAL))
		tell(REASON_INTERNAL, FAILS, "it cannot be judged");
	judgement_free(&j);
}

static void
judge_host(X509 *leaf, int resolver)
{
	const struct rules *r = &e->config->rules;
	char words[HOSTCHECK_TEXT], safe[JUDGE_TEXT];
	struct resolver_answer answer;
	enum reason why;

	switch (hostcheck_address(r, leaf, &e->question.from, &why, words)) {
	case HOSTCHECK_HOLDS:
		tell(REASON_ADDRESS_MISMATCH,
		    r->host_check == HOST_CHECK_NO ? OFF : HOLDS, words);
		return;
	case HOSTCHECK_FAILS:
		tell(why, FAILS, words);
		return;
	case HOSTCHECK_ASK:
		break;
	}
	if (!lookup_once(resolver, &e->question.from,
	    e->config->resolve_ms + GRACE_MS, &answer)) {
		tell(REASON_RESOLVER_TIMEOUT, FAILS,
		    "the resolver did not answer");
		return;
	}
	why = hostcheck_names(leaf, &answer, words);
	text_escape(safe, sizeof safe, words, strlen(words));
	tell(why == REASON_NONE ? REASON_ADDRESS_MISMATCH : why,
	    why == REASON_NONE ? HOLDS : FAILS, safe);
}

static void
tell_undecidable(void)
{
	json_t *words = e->json ? json_array() : NULL;

	if (!e->json)
		printf("\nnot decidable without a connection:");
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		if (reason_row(r)->seen != SEEN_LIVE)
			continue;
		if (e->json)
			json_array_append_new(words,
			    json_string(reason_word(r)));
		else
			printf(" %s", reason_word(r));
	}
	if (e->json)
		json_object_set_new(doc, "undecidable", words);
	else
		printf("\n\n");
}

static bool
print_json(json_t *j)
{
	bool ok = json_dumpf(j, stdout, JSON_INDENT(2)) == 0 &&
	    putchar('\n') != EOF;

	json_decref(j);
	return ok;
}

static int
tell_verdict(void)
{
	bool ok = true;

	if (e->json) {
		json_object_set_new(doc, "rules", rules);
		json_object_set_new(doc, "verdict", json_string(
		    verdict == REASON_NONE ? "allow" : "refuse"));
		json_object_set_new(doc, "reason", verdict == REASON_NONE ?
		    json_null() : json_string(reason_word(verdict)));
		ok = print_json(doc);
	} else if (verdict == REASON_NONE) {
		puts("allow");
	} else {
		printf("refuse %s\n", reason_word(verdict));
	}
	if (fflush(stdout) == EOF || !ok)
		err(EX_IOERR, "standard output");
	return verdict == REASON_NONE ? EX_OK : EX_NOPERM;
}

/* ---- the process --------------------------------------------------------- */

/* As a parent does it, with the same descriptor. */
static int
start_resolver(void)
{
	struct resolver_setup s = { .log_kind = LOG_KIND_STREAM,
	    .log_level = LOG_ERR, .one_uid = e->one_uid,
	    .uid = supervisor.resolver_uid, .gid = supervisor.resolver_gid,
	    .deadline_ms = e->config->resolve_ms,
	    .servers = e->config->servers };
	int status;

	if (!config_resolves(e->config)) {
		close(e->exe);
		return -1;
	}
	memcpy(s.server, e->config->server, sizeof s.server);
	lookup_start(&s, e->exe, PARENT_RESOLVER_FD);
	if (e->exe != PARENT_RESOLVER_FD)
		close(e->exe);
	if (!lookup_wait(PARENT_RESOLVER_FD, &status)) {
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
			exit(WEXITSTATUS(status));
		errx(EX_UNAVAILABLE, "the resolver ended before it was ready");
	}
	return PARENT_RESOLVER_FD;
}

static void
read_files(void)
{
	read_file(e->question.file, &client, EX_NOINPUT, EX_DATAERR);
	read_file(e->config->file[FILE_CA], &ca, EX_CONFIG, EX_CONFIG);
	if (e->config->file[FILE_CRL][0] != '\0')
		read_file(e->config->file[FILE_CRL], &crl, EX_CONFIG,
		    EX_CONFIG);
}

void
explain_confine(bool one_uid)
{
	const struct bounds_for bounds = { .max_connections = 0 };
	struct sock_fprog filter;

	judge_prepare();
	confine_no_new_privs();
	confine_no_new_code();
	if (!one_uid)
		confine_drop_user(supervisor.uid, supervisor.gid);
	confine_hide();
	confine_check_settled(one_uid);
	filter_prepare(POLICY_EXPLAIN, &filter);
	confine_landlock();
	bounds_apply(POLICY_EXPLAIN, &bounds);
	filter_enter(POLICY_EXPLAIN, &filter);
}

/* From here on it can write what it finds, and ask the resolver. */
static void
confine(void)
{
	static char buffer[16384];

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);	/* asks nothing */
	tzset();
	json_object_seed(0);	/* jansson's would open a file */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	explain_confine(e->one_uid);
}

int
explain_run(const struct explain *question)
{
	struct authorities *a;
	STACK_OF(X509) *sent;
	X509 *leaf;
	int resolver;

	e = question;
	log_init("explain", LOG_KIND_STREAM, LOG_ERR);
	resolver = start_resolver();
	read_files();
	confine();

	sent = parse_client();
	leaf = sk_X509_value(sent, 0);
	a = parse_authorities();
	doc = json_object();
	rules = json_array();
	tell_client(leaf);
	tell_addresses();
	judge_proxy();
	judge_size(sent);
	judge_certificate(a, leaf, sent);
	judge_host(leaf, resolver);
	tell_undecidable();
	authorities_free(a);
	sk_X509_pop_free(sent, X509_free);
	return tell_verdict();
}
