#include "validity.h"

#include <err.h>
#include <sysexits.h>

#include "moment.h"
#include "x509text.h"

#define DAY		86400
#define BACKDATE	3600	/* seconds; a verifier's clock may be slow */
#define LAST		253402300799	/* 9999-12-31T23:59:59Z: all there is */

static time_t
to_time(const ASN1_TIME *t, const char *path)
{
	time_t seconds;

	if (!moment_of(t, &seconds))
		errx(EX_DATAERR, "%s: its validity is malformed", path);
	return seconds;
}

/* A certificate that outlives its issuer says more than it can keep. */
static void
fit_to_issuer(struct validity *v, const struct period *p, time_t now,
    const X509 *issuer, const char *path)
{
	const ASN1_TIME *end = X509_get0_notAfter(issuer);
	time_t last = to_time(end, path);
	bool asked = p->has_not_after || p->days != 0;
	char text[24];

	x509_time_text(end, text);
	if (p->has_not_after && v->not_after <= last)
		return;		/* also of one that has expired: for tests */
	if (last < now)
		errx(EX_DATAERR, "%s: the CA expired at %s; make a new one",
		    path, text);
	if (asked && v->not_after > last)
		errx(EX_DATAERR, "%s: the CA ends at %s, before the "
		    "certificate would; ask for less with --days or "
		    "--not-after", path, text);
	if (v->not_after > last)
		v->not_after = last;
}

struct validity
validity_choose(const struct period *p, int days, const X509 *issuer,
    const char *path)
{
	time_t now = time(NULL), from = now - BACKDATE;
	struct validity v;

	if (issuer != NULL &&
	    to_time(X509_get0_notBefore(issuer), path) > now)
		from = to_time(X509_get0_notBefore(issuer), path);
	if (p->has_not_after && p->not_after <= from)
		from = p->not_after - DAY;
	if (p->has_not_before)
		from = p->not_before;
	v.not_before = from;
	v.not_after = p->has_not_after ? p->not_after :
	    (from > now ? from : now) + (time_t)DAY *
	    (p->days != 0 ? p->days : days);
	if (issuer != NULL)
		fit_to_issuer(&v, p, now, issuer, path);
	if (v.not_after > LAST)
		errx(EX_USAGE, "the certificate would end after the year "
		    "9999; see --not-before and --days");
	if (v.not_after < v.not_before)
		errx(EX_USAGE, "the certificate would end before it begins; "
		    "see --not-before, --not-after and --days");
	return v;
}
