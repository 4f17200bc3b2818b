/*
 * The sample configuration: what it shows, commented out, is the default.
 */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

/* Those that have no default are shown with an example. */
static bool
has_default(const char *key)
{
	static const char *const none[] = { "crl", "pin", "allow", "from",
	    "servers", "proxy-tlvs" };
	size_t len = strcspn(key, " ");

	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		if (strlen(none[i]) == len && strncmp(none[i], key, len) == 0)
			return false;
	return true;
}

/* Comments have a space after their '#', keys and braces have none. */
static int
uncomment(FILE *sample, FILE *full)
{
	char *line = NULL;
	size_t size = 0;
	int keys = 0;

	while (getline(&line, &size, sample) != -1) {
		bool off = line[0] == '#' && line[1] != ' ';
		const char *text = off ? line + 1 : line;
		const char *key = text + strspn(text, "\t");

		if (off && strstr(key, " = ") != NULL) {
			/* these two within braces: of metrics and relay */
			if (!has_default(key) ||
			    strncmp(text, "\tlisten ", 8) == 0 ||
			    strncmp(text, "\tto = \"unix:", 12) == 0)
				continue;
			keys++;
		}
		fputs(text, full);
	}
	free(line);
	return keys;
}

static void
read_config(const char *path, struct config *c)
{
	char why[1024];

	ATF_REQUIRE_MSG(config_read(path, c, why, sizeof why), "%s", why);
}

/* Byte by byte: the whole was cleared before it was filled. */
static bool
same(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct config)) == 0;
}

ATF_TC_WITHOUT_HEAD(shows_defaults);
ATF_TC_BODY(shows_defaults, tc)
{
	static struct config sample, full, minimal;
	FILE *in, *out;
	char path[4096];

	snprintf(path, sizeof path, "%s/../../../etc/posternd.conf",
	    atf_tc_get_config_var(tc, "srcdir"));
	in = fopen(path, "r");
	out = fopen("full.conf", "w");
	ATF_REQUIRE_MSG(in != NULL && out != NULL, "%s", path);
	/* all of daemon/config.c but those without, and host-check */
	ATF_CHECK_EQ(40, uncomment(in, out));
	fclose(in);
	fclose(out);
	out = fopen("minimal.conf", "w");
	fputs("clients { host-check = either }\n", out);
	fclose(out);
	read_config(path, &sample);
	read_config("full.conf", &full);
	read_config("minimal.conf", &minimal);
	ATF_CHECK(same(&sample, &minimal));
	ATF_CHECK(same(&full, &minimal));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, shows_defaults);
	return atf_no_error();
}
