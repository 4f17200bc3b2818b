/*
 * The progress line: what stands in it, and that it fits.
 */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "progress.h"

static struct progress
progress(size_t width, uint64_t total)
{
	struct progress p = { .width = width, .name = "file",
	    .bounded = total > 0, .total = total };

	return p;
}

ATF_TC_WITHOUT_HEAD(bytes);
ATF_TC_BODY(bytes, tc)
{
	static const struct { double n; const char *text; } some[] = {
		{ 0, "0 B" }, { 999, "999 B" }, { 1000, "1.0 KiB" },
		{ 1536, "1.5 KiB" }, { 1048576, "1.0 MiB" },
		{ 1e18, "888.2 PiB" },
	};
	char text[16];

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		progress_bytes(text, some[i].n);
		ATF_CHECK_STREQ(some[i].text, text);
	}
}

ATF_TC_WITHOUT_HEAD(half);
ATF_TC_BODY(half, tc)
{
	struct progress p = progress(60, 4 << 20);
	char line[PROGRESS_LINE];

	progress_line(&p, 2 << 20, 2000000, line);
	ATF_CHECK_STREQ("file  50% [=========>         ] "
	    "2.0 MiB 1.0 MiB/s 0:02 left", line);
}

ATF_TC_WITHOUT_HEAD(ends);
ATF_TC_BODY(ends, tc)
{
	struct progress p = progress(60, 4 << 20);
	char line[PROGRESS_LINE];

	progress_line(&p, 0, 0, line);
	ATF_CHECK(strstr(line, "  0% [>") != NULL);
	ATF_CHECK(strstr(line, " 0 B/s -:-- left") != NULL);
	progress_line(&p, 4 << 20, 4000000, line);
	ATF_CHECK(strstr(line, "100% [=") != NULL);
	ATF_CHECK(strstr(line, ">") == NULL);
	ATF_CHECK(strstr(line, " 0:00 left") != NULL);
	/* A file that has grown since. */
	progress_line(&p, 5 << 20, 4000000, line);
	ATF_CHECK(strstr(line, "100% [=") != NULL);
}

ATF_TC_WITHOUT_HEAD(unbounded);
ATF_TC_BODY(unbounded, tc)
{
	struct progress p = progress(60, 0);
	char line[PROGRESS_LINE];

	progress_line(&p, 3 << 20, 3723000000, line);
	ATF_CHECK_STREQ("file 3.0 MiB 845 B/s 1:02:03", line);
}

/* A line that wraps would leave its beginning behind at each step. */
ATF_TC_WITHOUT_HEAD(fits);
ATF_TC_BODY(fits, tc)
{
	char line[PROGRESS_LINE];

	for (size_t width = 1; width <= PROGRESS_LINE; width++) {
		struct progress p = progress(width, UINT64_MAX);

		memset(p.name, 'n', sizeof p.name - 1);
		for (uint64_t done = 0; done < UINT64_MAX / 5 * 4;
		    done += UINT64_MAX / 5) {
			progress_line(&p, done, 1 + (int64_t)(done >> 8), line);
			ATF_CHECK(strlen(line) < width);
		}
	}
}

ATF_TC_WITHOUT_HEAD(hostile_name);
ATF_TC_BODY(hostile_name, tc)
{
	struct progress p = { 0 };

	progress_prepare(&p, "a\033[31m\nb");
	ATF_CHECK_STREQ("a\\x1b[31m\\x0ab", p.name);
	ATF_CHECK(p.width > 0 && p.width <= PROGRESS_LINE);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, bytes);
	ATF_TP_ADD_TC(tp, half);
	ATF_TP_ADD_TC(tp, ends);
	ATF_TP_ADD_TC(tp, unbounded);
	ATF_TP_ADD_TC(tp, fits);
	ATF_TP_ADD_TC(tp, hostile_name);
	return atf_no_error();
}
