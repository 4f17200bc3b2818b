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
#include <sys/utsname.h>
#include <sysexits.h>
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

/* /proc/net/tcp: marks who listens, or counts whose port is so marked. */
static int64_t
look_at_sockets(const char *path, uint8_t listens[65536], bool mark)
{
	enum { ESTABLISHED = 0x01, LISTEN = 0x0a };
	char line[256];
	int64_t n = 0;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return 0;		/* without IPv6 there is no tcp6 */
	while (fgets(line, sizeof line, f) != NULL) {
		unsigned int port, state;

		if (sscanf(line, " %*u: %*[0-9A-F]:%4x %*[0-9A-F]:%*x %2x",
		    &port, &state) != 2)
			continue;
		if (mark && state == LISTEN)
			listens[port] = 1;
		if (!mark && state == ESTABLISHED)
			n += listens[port];
	}
	fclose(f);
	return n;
}

/* What one object of a slab takes, the rest of the slab shared; 0: unknown. */
static int64_t
object_size(const char *slab)
{
	char line[512];
	int64_t size = 0;
	FILE *f = fopen("/proc/slabinfo", "re");

	if (f == NULL)
		return 0;
	while (size == 0 && fgets(line, sizeof line, f) != NULL) {
		char name[128];
		long each, pages;

		if (sscanf(line, "%127s %*u %*u %*u %ld %ld", name, &each,
		    &pages) == 3 && strcmp(name, slab) == 0 && each > 0)
			size = pages * sysconf(_SC_PAGESIZE) / each;
	}
	fclose(f);
	return size;
}

/*
 * An accepted connection's struct tcp_sock is made when its SYN is answered, in
 * an interrupt, which is nobody's.  Linux charges it to who accepts it since
 * 6.12, and in version 2 alone (__inet_accept).  One that is made by socket(2)
 * is charged everywhere.
 */
static bool
accepted_are_charged(bool old)
{
	struct utsname u;
	unsigned int major, minor;

	return !old && uname(&u) == 0 &&
	    sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	    (major > 6 || (major == 6 && minor >= 12));
}

/*
 * Of all accepted connections of this network namespace: the difference of two
 * is the server's, and its backend's, where nobody else has any.
 */
static bool
accepted_memory(int64_t *bytes)
{
	static uint8_t listens[65536];
	int64_t n, n6;
	int64_t size = object_size("TCP"), size6 = object_size("TCPv6");

	memset(listens, 0, sizeof listens);
	look_at_sockets("/proc/net/tcp", listens, true);
	look_at_sockets("/proc/net/tcp6", listens, true);
	n = look_at_sockets("/proc/net/tcp", listens, false);
	n6 = look_at_sockets("/proc/net/tcp6", listens, false);
	*bytes = n * size + n6 * size6;
	return size != 0 && (n6 == 0 || size6 != 0);
}

static bool
kernel_memory(const char *cgroup, int64_t *bytes)
{
	static const struct place v1[] = {
	    { "/memory", "memory.kmem.usage_in_bytes" } };
	static const struct place v2[] = { { "", "memory.stat" } };
	FILE *f = open_first(cgroup, v1, 1);
	bool ok, old = f != NULL;
	int64_t accepted = 0;

	if (f == NULL)
		f = open_first(cgroup, v2, 1);
	if (f == NULL)
		return false;
	ok = find_number(f, old ? NULL : "kernel", old ? NULL : "sock", bytes);
	fclose(f);
	if (ok && !accepted_are_charged(old) && !accepted_memory(&accepted))
		die(EX_NOINPUT, "/proc/slabinfo does not tell the size of a "
		    "TCP socket, which no cgroup has: what memory costs is "
		    "read as root");
	*bytes += accepted;
	return ok;
}

bool
cost_memory(const char *cgroup, int64_t *resident, int64_t *kernel)
{
	static const struct place procs[] = { { "/memory", "cgroup.procs" },
	    { "", "cgroup.procs" }, { "/unified", "cgroup.procs" } };
	FILE *f = open_first(cgroup, procs, 3);
	long pid;

	if (f == NULL)
		return false;
	*resident = 0;
	while (fscanf(f, "%ld", &pid) == 1)
		*resident += resident_of(pid);
	fclose(f);
	return kernel_memory(cgroup, kernel);
}
