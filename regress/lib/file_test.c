#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static int
made(const char *name, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(0, ftruncate(fd, size));
	return fd;
}

static void
refused(int fd, const char *words)
{
	const char *why = NULL;
	uint8_t *data;
	size_t len;

	ATF_REQUIRE(fd != -1);
	ATF_CHECK(!file_read(fd, &data, &len, &why));
	ATF_REQUIRE(why != NULL);
	ATF_CHECK_MSG(strstr(why, words) != NULL, "said: %s", why);
	close(fd);
}

/* Whole, from the beginning, whatever the shared offset, which stays. */
ATF_TC_WITHOUT_HEAD(whole);
ATF_TC_BODY(whole, tc)
{
	int fd = made("file", 0);
	const char *why;
	uint8_t *data;
	size_t len;

	ATF_REQUIRE_EQ(6, write(fd, "ab\0cd\n", 6));
	ATF_REQUIRE(file_read(fd, &data, &len, &why));
	ATF_CHECK_EQ(6, len);
	ATF_CHECK_EQ(0, memcmp(data, "ab\0cd\n", 7));
	ATF_CHECK_EQ(6, lseek(fd, 0, SEEK_CUR));
	file_wipe(data, len);
}

ATF_TC_WITHOUT_HEAD(largest);
ATF_TC_BODY(largest, tc)
{
	const char *why;
	uint8_t *data;
	size_t len;

	ATF_REQUIRE(file_read(made("file", FILE_MAX), &data, &len, &why));
	ATF_CHECK_EQ(FILE_MAX, len);
	ATF_CHECK_EQ(0, data[FILE_MAX]);
	file_wipe(data, len);
	refused(made("larger", FILE_MAX + 1), "larger");
}

ATF_TC_WITHOUT_HEAD(empty);
ATF_TC_BODY(empty, tc)
{
	refused(made("file", 0), "empty");
}

ATF_TC_WITHOUT_HEAD(directory);
ATF_TC_BODY(directory, tc)
{
	refused(open(".", O_RDONLY), "directory");
}

ATF_TC_WITHOUT_HEAD(fifo);
ATF_TC_BODY(fifo, tc)
{
	ATF_REQUIRE_EQ(0, mkfifo("fifo", 0600));
	refused(open("fifo", O_RDONLY | O_NONBLOCK), "regular");
}

ATF_TC_WITHOUT_HEAD(device);
ATF_TC_BODY(device, tc)
{
	refused(open("/dev/zero", O_RDONLY), "regular");
}

ATF_TC_WITHOUT_HEAD(bad_descriptor);
ATF_TC_BODY(bad_descriptor, tc)
{
	int fd = made("file", 1);
	const char *why = NULL;
	uint8_t *data;
	size_t len;

	close(fd);
	ATF_CHECK(!file_read(fd, &data, &len, &why));
	ATF_CHECK_STREQ(strerror(EBADF), why);
}

ATF_TC_WITHOUT_HEAD(write_only);
ATF_TC_BODY(write_only, tc)
{
	close(made("file", 10));
	refused(open("file", O_WRONLY), strerror(EBADF));
}

/* sysfs says 4096 bytes and gives fewer: as a file that shrinks meanwhile. */
ATF_TC_WITHOUT_HEAD(shrinking);
ATF_TC_BODY(shrinking, tc)
{
	int fd = open("/sys/kernel/uevent_seqnum", O_RDONLY);

	if (fd == -1)
		atf_tc_skip("no sysfs here");
	refused(fd, "shorter");
}

ATF_TC_WITHOUT_HEAD(wipe_nothing);
ATF_TC_BODY(wipe_nothing, tc)
{
	file_wipe(NULL, 10);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, whole);
	ATF_TP_ADD_TC(tp, largest);
	ATF_TP_ADD_TC(tp, empty);
	ATF_TP_ADD_TC(tp, directory);
	ATF_TP_ADD_TC(tp, fifo);
	ATF_TP_ADD_TC(tp, device);
	ATF_TP_ADD_TC(tp, bad_descriptor);
	ATF_TP_ADD_TC(tp, write_only);
	ATF_TP_ADD_TC(tp, shrinking);
	ATF_TP_ADD_TC(tp, wipe_nothing);
	return atf_no_error();
}
