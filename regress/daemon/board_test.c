/*
 * The board as the exporter reads it: what honest parents write adds up, and
 * what others write hurts nobody.
 */
#include <arpa/inet.h>
#include <atf-c.h>
#include <event2/buffer.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board.h"
#include "prometheus.h"
#include "statement.h"
#include "tally.h"

#define SLOTS 3

static int			board;		/* memfd */
static uint8_t			*everything;	/* of it, to write */
static struct service_metrics	*service;

static void
make_board(void)
{
	board = memfd_create("board", MFD_CLOEXEC);
	ATF_REQUIRE(board != -1 &&
	    ftruncate(board, (off_t)board_size(SLOTS)) == 0);
	everything = mmap(NULL, board_size(SLOTS), PROT_READ | PROT_WRITE,
	    MAP_SHARED, board, 0);
	ATF_REQUIRE(everything != MAP_FAILED);
	service = &board_map_service(board, SLOTS)->metrics;
	board_map_to_read(board, SLOTS);
	statement_prepare();
}

static struct board_slot *
slot(uint32_t i)
{
	return (struct board_slot *)(void *)(everything +
	    i * sizeof(struct board_slot));
}

static void
set_state(uint32_t i, enum slot_state s)
{
	metric_set(&service->slot[i].state, s);
}

/* ---- what is said of it -------------------------------------------------- */

static char *
text_of(bool (*write)(struct evbuffer *))
{
	struct evbuffer *b = evbuffer_new();
	char *text;
	size_t len;

	ATF_REQUIRE(b != NULL && write(b));
	len = evbuffer_get_length(b);
	text = calloc(1, len + 1);
	ATF_REQUIRE(text != NULL &&
	    evbuffer_remove(b, text, len) == (int)len);
	evbuffer_free(b);
	for (size_t i = 0; i < len; i++)
		ATF_REQUIRE_MSG((text[i] >= ' ' && text[i] <= '~') ||
		    text[i] == '\n', "byte %#x", (unsigned char)text[i]);
	return text;
}

static bool
metrics_text(struct evbuffer *b)
{
	prometheus_text(b);
	return true;
}

/* Each sample's value is a number, and none of a histogram's goes down. */
static void
check_metrics(void)
{
	char *text = text_of(metrics_text), *next, *line;
	unsigned long long bucket = 0;

	for (next = text; (line = strsep(&next, "\n")) != NULL;) {
		const char *value = strrchr(line, ' ');

		if (line[0] == '#' || line[0] == '\0')
			continue;
		ATF_REQUIRE_MSG(value != NULL && value[1] != '\0' &&
		    value[1 + strspn(value + 1, "0123456789.")] == '\0',
		    "%s", line);
		if (strstr(line, "_bucket{") == NULL)
			continue;
		ATF_REQUIRE_MSG(strtoull(value, NULL, 10) >= bucket, "%s",
		    line);
		bucket = strtoull(value, NULL, 10);
	}
	free(text);
}

static json_t *
read_statement(void)
{
	char *text = text_of(statement_write);
	json_error_t e;
	json_t *j = json_loads(text, 0, &e);

	ATF_REQUIRE_MSG(json_is_object(j), "%s", e.text);
	free(text);
	return j;
}

static void
check_statement(void)
{
	json_t *j = read_statement();

	ATF_REQUIRE(json_array_size(json_object_get(j, "sessions")) <=
	    STATEMENT_ROWS);
	ATF_REQUIRE(json_array_size(json_object_get(j, "parents")) <= SLOTS);
	json_decref(j);
}

/* ---- honest parents ------------------------------------------------------ */

ATF_TC_WITHOUT_HEAD(counters_stay);
ATF_TC_BODY(counters_stay, tc)
{
	static struct metrics sum;

	make_board();
	board_map(board, 1, SLOTS);
	metric_add(&metrics->accepted, 5);
	metric_add(&metrics->refused[REASON_UNTRUSTED], 2);
	metric_set(&metrics->workers_ready, 7);
	set_state(1, SLOT_SERVING);
	tally(&sum);
	ATF_CHECK_EQ(5, metric_get(&sum.accepted));
	ATF_CHECK_EQ(7, metric_get(&sum.workers_ready));
	/* It is gone: what it had is not, what it counted stays. */
	set_state(1, SLOT_UNUSED);
	tally(&sum);
	ATF_CHECK_EQ(5, metric_get(&sum.accepted));
	ATF_CHECK_EQ(0, metric_get(&sum.workers_ready));
	/* Nor has one that has not begun its gauges yet. */
	set_state(1, SLOT_STARTING);
	tally(&sum);
	ATF_CHECK_EQ(0, metric_get(&sum.workers_ready));
	/* The slot's next parent goes on, and begins its gauges anew. */
	board_map(board, 1, SLOTS);
	set_state(1, SLOT_SERVING);
	metric_add(&metrics->accepted, 1);
	tally(&sum);
	ATF_CHECK_EQ(6, metric_get(&sum.accepted));
	ATF_CHECK_EQ(2, metric_get(&sum.refused[REASON_UNTRUSTED]));
	ATF_CHECK_EQ(0, metric_get(&sum.workers_ready));
	/* Another's are added. */
	board_map(board, 2, SLOTS);
	set_state(2, SLOT_LEAVING);
	metric_add(&metrics->accepted, 10);
	metric_set(&metrics->workers_ready, 3);
	tally(&sum);
	ATF_CHECK_EQ(16, metric_get(&sum.accepted));
	ATF_CHECK_EQ(3, metric_get(&sum.workers_ready));
}

ATF_TC_WITHOUT_HEAD(soonest);
ATF_TC_BODY(soonest, tc)
{
	static struct metrics sum;

	make_board();
	metric_set(&slot(0)->metrics.not_after[FILE_CA], 3000);
	metric_set(&slot(1)->metrics.not_after[FILE_CA], 2000);
	metric_set(&slot(2)->metrics.not_after[FILE_CA], 1000);
	set_state(0, SLOT_SERVING);
	set_state(1, SLOT_SERVING);
	/* It has older files. */
	set_state(2, SLOT_LEAVING);
	tally(&sum);
	ATF_CHECK_EQ(2000, metric_get(&sum.not_after[FILE_CA]));
	ATF_CHECK_EQ(0, metric_get(&sum.not_after[FILE_CRL]));
}

ATF_TC_WITHOUT_HEAD(handshakes);
ATF_TC_BODY(handshakes, tc)
{
	make_board();
	board_map(board, 0, SLOTS);
	metrics_handshake(500);
	metrics_handshake(501);
	metrics_handshake(10000000);
	metrics_handshake(10000001);
	ATF_CHECK_EQ(1, metric_get(&metrics->handshake[0]));
	ATF_CHECK_EQ(1, metric_get(&metrics->handshake[1]));
	ATF_CHECK_EQ(1, metric_get(&metrics->handshake[METRICS_BUCKETS - 1]));
	ATF_CHECK_EQ(1, metric_get(&metrics->handshake[METRICS_BUCKETS]));
	ATF_CHECK_EQ(20001002, metric_get(&metrics->handshake_us));
	check_metrics();
}

static struct sockaddr_storage
address(uint16_t port)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

	sin->sin_port = htons(port);
	sin->sin_addr.s_addr = htonl(0xc0000201);
	return ss;
}

ATF_TC_WITHOUT_HEAD(sessions);
ATF_TC_BODY(sessions, tc)
{
	struct sockaddr_storage from = address(7);
	struct roster_session s;
	char subject[300];
	uint64_t in, out;
	int row, other;
	json_t *j, *o;

	make_board();
	board_map(board, 0, SLOTS);
	set_state(0, SLOT_SERVING);
	memset(subject, 'x', sizeof subject - 1);
	subject[sizeof subject - 1] = '\0';
	row = roster_enter(&from, "CN=a", 123, 456);
	other = roster_enter(&from, subject, 124, 457);
	ATF_REQUIRE(row >= 0 && other >= 0 && row != other);
	roster_bytes(row, 8, 9);
	ATF_REQUIRE(roster_read(&slot(0)->roster, (uint32_t)row, &s, &in,
	    &out));
	ATF_CHECK(strcmp(s.subject, "CN=a") == 0 && s.worker == 123 &&
	    s.begun_ms == 456 && in == 8 && out == 9);
	j = read_statement();
	o = json_array_get(json_object_get(j, "sessions"), 0);
	ATF_CHECK_STREQ("192.0.2.1:7",
	    json_string_value(json_object_get(o, "address")));
	ATF_CHECK_STREQ("CN=a",
	    json_string_value(json_object_get(o, "subject")));
	o = json_array_get(json_object_get(j, "sessions"), 1);
	ATF_CHECK_EQ(ROSTER_SUBJECT,
	    json_string_length(json_object_get(o, "subject")));
	json_decref(j);
	roster_leave(row);
	ATF_CHECK(!roster_read(&slot(0)->roster, (uint32_t)row, &s, &in,
	    &out));
	/* One that is being written, or was left so, is nobody. */
	atomic_fetch_add(&slot(0)->roster.row[other].turn, 1);
	ATF_CHECK(!roster_read(&slot(0)->roster, (uint32_t)other, &s, &in,
	    &out));
	/* The next parent begins with none. */
	board_map(board, 0, SLOTS);
	ATF_CHECK(!roster_read(&slot(0)->roster, (uint32_t)other, &s, &in,
	    &out));
}

ATF_TC_WITHOUT_HEAD(no_room);
ATF_TC_BODY(no_room, tc)
{
	struct sockaddr_storage from = address(7);

	make_board();
	board_map(board, 0, SLOTS);
	for (int i = 0; i < ROSTER_ROWS; i++)
		ATF_REQUIRE(roster_enter(&from, "", 1, 1) >= 0);
	ATF_CHECK_EQ(-1, roster_enter(&from, "", 1, 1));
	roster_bytes(-1, 1, 1);
	roster_leave(-1);
	roster_leave(5);
	ATF_CHECK_EQ(5, roster_enter(&from, "", 1, 1));
}

/* ---- others -------------------------------------------------------------- */

/* Each byte of the slots; the supervisor's place with nonsense, too. */
static void
scribble(bool service_too)
{
	size_t size = service_too ? board_size(SLOTS) :
	    SLOTS * sizeof(struct board_slot);
	static uint8_t noise[65536];

	for (size_t at = 0; at < size; at += sizeof noise) {
		size_t n = size - at < sizeof noise ? size - at : sizeof noise;

		ATF_REQUIRE(getrandom(noise, sizeof noise, 0) ==
		    (ssize_t)sizeof noise);
		memcpy(everything + at, noise, n);
	}
}

/* A row that is taken for a session: random ones seldom have a family. */
static void
forge_rows(void)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		for (uint32_t row = 0; row < ROSTER_ROWS; row++) {
			struct roster_row *r = &slot(i)->roster.row[row];

			r->session.family = row % 2 ? AF_INET : AF_INET6;
			atomic_fetch_and(&r->turn, ~UINT64_C(1));
		}
}

ATF_TC_WITHOUT_HEAD(garbage);
ATF_TC_BODY(garbage, tc)
{
	make_board();
	for (int turn = 0; turn < 10; turn++) {
		scribble(turn % 2 == 1);
		forge_rows();
		for (uint32_t i = 0; i < SLOTS; i++)
			if (turn % 2 == 0)
				set_state(i, SLOT_SERVING);
		check_metrics();
		check_statement();
	}
}

ATF_TC_WITHOUT_HEAD(greatest);
ATF_TC_BODY(greatest, tc)
{
	static struct metrics sum;

	make_board();
	memset(everything, 0xff, SLOTS * sizeof(struct board_slot));
	for (uint32_t i = 0; i < SLOTS; i++)
		set_state(i, SLOT_SERVING);
	tally(&sum);
	ATF_CHECK_EQ(TALLY_MAX, metric_get(&sum.accepted));
	ATF_CHECK_EQ(TALLY_MAX, metric_get(&sum.workers_busy));
	ATF_CHECK_EQ(0, metric_get(&sum.not_after[FILE_CA]));
	check_metrics();
	check_statement();
}

/* Between two looks anything may change. */
ATF_TC_WITHOUT_HEAD(meanwhile);
ATF_TC_BODY(meanwhile, tc)
{
	pid_t pid;
	int status;

	make_board();
	for (uint32_t i = 0; i < SLOTS; i++)
		set_state(i, SLOT_SERVING);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	for (uint32_t n = 0; pid == 0; n++) {
		struct roster_row *r = &slot(n % SLOTS)->
		    roster.row[n % ROSTER_ROWS];

		memset((uint8_t *)r + 8, (int)n, sizeof *r - 8);
		r->session.family = AF_INET;
		atomic_fetch_add(&r->turn, 1 + n % 2);
		memset(&slot(n % SLOTS)->metrics, (int)n,
		    sizeof(struct metrics));
		if (getppid() == 1)
			_exit(0);
	}
	for (int turn = 0; turn < 30; turn++) {
		check_metrics();
		check_statement();
	}
	ATF_REQUIRE(kill(pid, SIGKILL) == 0);
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
}

/* ---- how many there are -------------------------------------------------- */

static void
set_shares(uint64_t each)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		metric_set(&service->slot[i].share, each);
		metric_set(&service->slot[i].share_waiting, each);
	}
}

ATF_TC_WITHOUT_HEAD(shares);
ATF_TC_BODY(shares, tc)
{
	make_board();
	board_map(board, 1, SLOTS);
	set_shares(4);
	board_limit(4, 4);
	atomic_store(&slot(0)->count.connections, 3);
	for (int i = 0; i < 4; i++)
		ATF_CHECK(!board_others_enter(8) && board_enter(8));
	/* One more place there is, and it is the other's, if that is there. */
	ATF_CHECK(!board_others_enter(8));
	set_state(0, SLOT_SERVING);
	ATF_CHECK(board_others_enter(8));
	ATF_CHECK(!board_enter(8));
	atomic_store(&slot(0)->count.connections, 4);
	ATF_CHECK(!board_others_enter(8));
	ATF_CHECK(!board_enter(8));
	board_leave();
	ATF_CHECK(board_enter(8));
}

ATF_TC_WITHOUT_HEAD(sum);
ATF_TC_BODY(sum, tc)
{
	make_board();
	board_map(board, 1, SLOTS);
	set_shares(4);
	board_limit(4, 4);
	/* One that is leaving has them still. */
	atomic_store(&slot(0)->count.connections, 4);
	atomic_store(&slot(2)->count.connections, 2);
	ATF_CHECK(board_enter(8) && board_enter(8));
	ATF_CHECK(!board_enter(8));
	atomic_store(&slot(2)->count.connections, 0);
	ATF_CHECK(board_enter(8));
}

ATF_TC_WITHOUT_HEAD(claims);
ATF_TC_BODY(claims, tc)
{
	make_board();
	board_map(board, 1, SLOTS);
	set_shares(4);
	board_limit(4, 4);
	/* It says that it has all there are, and more. */
	memset(slot(0), 0xff, sizeof *slot(0));
	for (int i = 0; i < 4; i++)
		ATF_CHECK(board_enter(8) && board_wait(8));
	ATF_CHECK(!board_enter(8) && !board_wait(8));
	/* Or none, and then takes none either. */
	memset(slot(0), 0, sizeof *slot(0));
	ATF_CHECK(!board_enter(8));
	/* In a slot that is nobody's no number counts. */
	metric_set(&service->slot[2].share, 0);
	memset(slot(2), 0xff, sizeof *slot(2));
	board_leave();
	ATF_CHECK(board_enter(8));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, counters_stay);
	ATF_TP_ADD_TC(tp, soonest);
	ATF_TP_ADD_TC(tp, handshakes);
	ATF_TP_ADD_TC(tp, sessions);
	ATF_TP_ADD_TC(tp, no_room);
	ATF_TP_ADD_TC(tp, garbage);
	ATF_TP_ADD_TC(tp, greatest);
	ATF_TP_ADD_TC(tp, meanwhile);
	ATF_TP_ADD_TC(tp, shares);
	ATF_TP_ADD_TC(tp, sum);
	ATF_TP_ADD_TC(tp, claims);
	return atf_no_error();
}
