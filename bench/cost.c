/*
 * What a server costs, all its processes together, by their cgroup: a worker
 * that has ended since has been counted, and a backend in the same group is.
 * Both hierarchies are known: version 2's, and version 1's of several mounts.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

struct place {
	const char	*hierarchy, *file;
};

/* The first of these files that there is, open; NULL if there is none. */
static FILE *
open_first(const char *cgroup, const struct place place[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char path[PATH_MAX];
		FILE *f;

		snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s/%s",
		    place[i].hierarchy, cgroup, place[i].file);
		f = fopen(path, "re");
		if (f != NULL)
			return f;
	}
	return NULL;
}

/* A number on a line of its own, or behind one of two words. */
static bool
find_number(FILE *f, const char *word, const char *other, int64_t *sum)
{
	char line[256];
	bool found = false;

	*sum = 0;
	while (fgets(line, sizeof line, f) != NULL) {
		char name[128];
		int64_t v;

		if (word == NULL ? sscanf(line, "%" SCNd64, &v) == 1 :
		    sscanf(line, "%127s %" SCNd64, name, &v) == 2 &&
		    (strcmp(name, word) == 0 || (other != NULL &&
		    strcmp(name, other) == 0))) {
			*sum += v;
			found = true;
		}
	}
	return found;
}

bool
cost_cpu(const char *cgroup, uint64_t *ns)
{
	static const struct place v1[] = { { "/cpuacct", "cpuacct.usage" } };
	static const struct place v2[] = { { "", "cpu.stat" },
	    { "/unified", "cpu.stat" } };
	FILE *f = open_first(cgroup, v1, 1);
	bool ok, old = f != NULL;
	int64_t n;

	if (f == NULL)
		f = open_first(cgroup, v2, 2);
	if (f == NULL)
		return false;
	ok = find_number(f, old ? NULL : "usage_usec", NULL, &n);
	*ns = (uint64_t)n * (old ? 1 : 1000);
	fclose(f);
	return ok;
}

/* One that has ended meanwhile has no memory. */
static int64_t
resident_of(long pid)
{
	char path[64];
	int64_t kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	find_number(f, "Pss:", NULL, &kib);
	fclose(f);
	return kib * 1024;
}

bool
cost_memory(const char *cgroup, int64_t *resident, int64_t *kernel)
{
	static const struct place procs[] = { { "/memory", "cgroup.procs" },
	    { "", "cgroup.procs" }, { "/unified", "cgroup.procs" } };
	static const struct place v1[] = {
	    { "/memory", "memory.kmem.usage_in_bytes" } };
	static const struct place v2[] = { { "", "memory.stat" } };
	FILE *f = open_first(cgroup, procs, 3);
	bool ok, old;
	long pid;

	if (f == NULL)
		return false;
	*resident = 0;
	while (fscanf(f, "%ld", &pid) == 1)
		*resident += resident_of(pid);
	fclose(f);
	f = open_first(cgroup, v1, 1);
	old = f != NULL;
	if (f == NULL)
		f = open_first(cgroup, v2, 1);
	if (f == NULL)
		return false;
	ok = find_number(f, old ? NULL : "kernel", old ? NULL : "sock", kernel);
	fclose(f);
	return ok;
}
