/*
 * posternd: the supervisor's start, and by its first argument, which is then
 * its title, a parent's, a resolver's, a dialer's or an exporter's.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "activation.h"
#include "addr.h"
#include "board.h"
#include "bounds.h"
#include "confine.h"
#include "credentials.h"
#include "dialer.h"
#include "explain.h"
#include "exporter.h"
#include "filter.h"
#include "keeper.h"
#include "layers.h"
#include "notify.h"
#include "rlimits.h"
#include "parent.h"
#include "policy.h"
#include "rehearsal.h"
#include "resolver.h"
#include "status.h"
#include "supervisor.h"
#include "text.h"
#include "title.h"
#include "userns.h"

static struct options {
	const char	*file;
	bool		 background, canary, check, one_uid, verbose, json;
	bool		 reasons, status;
	struct question	 question;	/* --explain */
} options = { .file = CONFIG_DEFAULT_FILE };

static struct config	config;
static int		inherited;	/* descriptors that were left to us */
static bool		journal;	/* is where standard error goes */

static _Noreturn void die(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One line; a file's name or words may hold what commands a terminal. */
static _Noreturn void
die(int code, const char *fmt, ...)
{
	char text[2 * PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fputs("posternd: ", stderr);
	for (const char *p = text; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			fprintf(stderr, "\\x%02x", (unsigned char)*p);
		else
			fputc(*p, stderr);
	fputc('\n', stderr);
	exit(code);
}

static _Noreturn void
usage(FILE *to, int code)
{
	fputs("usage: posternd [-bnvVU] [-f file]\n"
	    "       posternd --explain cert --from address [--proxy address] "
	    "[--json] [-f file]\n"
	    "       posternd --canary [-U] [-f file]\n"
	    "       posternd --reasons [--json]\n"
	    "       posternd --status [--json] [-f file]\n"
	    "  -b       run in the background, with a pid file\n"
	    "  -f file  configuration (default " CONFIG_DEFAULT_FILE ")\n"
	    "  -n       check the configuration and its files, and exit\n"
	    "  -U       allow a start without root (weaker: one user for all)\n"
	    "  -v       more detail in the log\n"
	    "  -V       version\n"
	    "  --canary rehearse a start: is there a system call that a filter "
	    "lacks?\n"
	    "  --explain cert --from address\n"
	    "           would a client with this certificate, from this "
	    "address, be let in?\n"
	    "  --reasons\n"
	    "           all words for a refusal, and what they mean\n"
	    "  --status who is there, how close the limits are, what runs "
	    "out\n", to);
	exit(code);
}

static void
show_version(void)
{
	const struct scmp_version *s = seccomp_version();

	printf("posternd %s\nlibtls API %d on %s\nlibseccomp %u.%u.%u\n",
	    POSTERN_VERSION, TLS_API, OpenSSL_version(OPENSSL_VERSION),
	    s->major, s->minor, s->micro);
	exit(0);
}

/* "192.0.2.7", and a port or not. */
static void
parse_address(const char *option, const char *s, struct sockaddr_storage *ss)
{
	char safe[128];

	if (addr_parse_host(s, ss)) {
		addr_unmap(ss);		/* as for an accepted connection */
		return;
	}
	text_escape(safe, sizeof safe, s, strlen(s));
	die(EX_USAGE, "--%s %s: want a numeric address, like 192.0.2.7 or "
	    "2001:db8::7", option, safe);
}

static void
check_options(void)
{
	const struct question *q = &options.question;

	if (options.canary && (options.background || options.check))
		die(EX_USAGE, "--canary starts nothing that stays: without -b, "
		    "and without -n");
	if (q->file == NULL && (q->from.ss_family != 0 ||
	    q->proxy.ss_family != 0))
		die(EX_USAGE, "--from and --proxy go with --explain");
	if (q->file != NULL && q->from.ss_family == 0)
		die(EX_USAGE, "--explain wants --from with the address that "
		    "the client comes from");
	if (options.json && q->file == NULL && !options.reasons &&
	    !options.status)
		die(EX_USAGE, "--json goes with --explain, --reasons or "
		    "--status");
}

static void
parse_options(int argc, char **argv)
{
	enum { CANARY = 256, EXPLAIN, FROM, JSON, PROXY, REASONS, STATUS };
	static const struct option longs[] = {
		{ "canary", no_argument, NULL, CANARY },
		{ "explain", required_argument, NULL, EXPLAIN },
		{ "from", required_argument, NULL, FROM },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, JSON },
		{ "proxy", required_argument, NULL, PROXY },
		{ "reasons", no_argument, NULL, REASONS },
		{ "status", no_argument, NULL, STATUS },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "bf:hnUvV", longs, NULL)) != -1) {
		switch (c) {
		case 'b':
			options.background = true;
			break;
		case 'f':
			options.file = optarg;
			break;
		case 'n':
			options.check = true;
			break;
		case 'U':
			options.one_uid = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		case CANARY:
			options.canary = true;
			break;
		case EXPLAIN:
			options.question.file = optarg;
			break;
		case FROM:
			parse_address("from", optarg, &options.question.from);
			break;
		case JSON:
			options.json = true;
			break;
		case PROXY:
			parse_address("proxy", optarg,
			    &options.question.proxy);
			break;
		case REASONS:
			options.reasons = true;
			break;
		case STATUS:
			options.status = true;
			break;
		case 'V':
			show_version();
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, EX_USAGE);
		}
	}
	if (optind != argc)
		usage(stderr, EX_USAGE);
	check_options();
}

/* All but the sockets that were handed over. */
static void
close_others(void)
{
	unsigned int first = 3;

	for (uint32_t i = 0; i < activation_count(); i++) {
		unsigned int kept = (unsigned int)activation_number(i);

		if (first < kept)
			confine_close_range(first, kept - 1);
		first = kept + 1;
	}
	confine_close_from(first);
}

/*
 * What whoever started us left open is not ours to have, nor to pass on; the
 * sockets that he made for us are.
 */
static void
take_inherited(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	char why[512];
	int fd;

	while (d != NULL && (e = readdir(d)) != NULL)
		inherited += atoi(e->d_name) > 2 && atoi(e->d_name) != dirfd(d);
	if (d != NULL)
		closedir(d);
	if (!activation_take(NOTIFY_FD, why, sizeof why))
		die(EX_CONFIG, "%s", why);
	inherited -= (int)activation_count();
	close_others();
	/* Whatever we open must not become 0, 1 or 2. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd < 3);
	close(fd);
}

/* All that is ever wanted of the environment, which then is gone. */
static void
read_environment(void)
{
	journal = log_stderr_is_journal();
	notify_read_environment();
	config_read_environment();
}

static void
find_user(const char *key, const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL)
		die(EX_CONFIG, "%s: %s: no such user; make it (useradd "
		    "--system %s) or name another", options.file, key, name);
	if (pw->pw_uid == 0)
		die(EX_CONFIG, "%s: %s: %s is root, which is what it must not "
		    "be", options.file, key, name);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
}

static void
uids_differ(void)
{
	const uid_t uid[] = { supervisor.uid, supervisor.worker_uid,
	    supervisor.resolver_uid, supervisor.exporter_uid,
	    supervisor.dialer_uid };
	/* The last need not be there. */
	const size_t users = sizeof uid / sizeof uid[0] -
	    (supervisor.dialer_user[0] != '\0' ? 0 : 1);

	for (size_t i = 0; i < users; i++)
		for (size_t j = 0; j < i; j++)
			if (uid[i] == uid[j])
				die(EX_CONFIG, "%s: user, worker-user, "
				    "resolver-user, exporter-user and "
				    "dialer-user must differ: of two "
				    "processes of one user one could reach "
				    "into the other",
				    options.file);
}

/* Needed for relays alone; but if it is there a reload may turn to these. */
static void
find_dialer(void)
{
	if (config.worker != WORKER_RELAY &&
	    getpwnam(config.dialer_user) == NULL)
		return;
	find_user("dialer-user", config.dialer_user, &supervisor.dialer_uid,
	    &supervisor.dialer_gid);
	text_copy(supervisor.dialer_user, sizeof supervisor.dialer_user,
	    config.dialer_user);
}

static void
find_users(void)
{
	supervisor.one_uid = options.one_uid && geteuid() != 0;
	if (supervisor.one_uid)
		return;
	if (geteuid() != 0)
		die(EX_NOPERM, "must be started as root; -U allows a start "
		    "without, with weaker separation");
	find_user("user", config.user, &supervisor.uid, &supervisor.gid);
	find_user("worker-user", config.worker_user, &supervisor.worker_uid,
	    &supervisor.worker_gid);
	find_user("resolver-user", config.resolver_user,
	    &supervisor.resolver_uid, &supervisor.resolver_gid);
	find_user("exporter-user", config.exporter_user,
	    &supervisor.exporter_uid, &supervisor.exporter_gid);
	find_dialer();
	uids_differ();
	text_copy(supervisor.user, sizeof supervisor.user, config.user);
	text_copy(supervisor.worker_user, sizeof supervisor.worker_user,
	    config.worker_user);
	text_copy(supervisor.resolver_user, sizeof supervisor.resolver_user,
	    config.resolver_user);
}

static void
open_exporter_sockets(void)
{
	char why[1024];

	if (!keeper_open(&config, why, sizeof why))
		die(EX_UNAVAILABLE, "%s", why);
}

/* Or is only something asked, for which nobody makes sockets? */
static bool
is_start(void)
{
	return !options.check && !options.canary && !options.status &&
	    options.question.file == NULL;
}

static void
read_config(void)
{
	static char path[PATH_MAX];
	const char *wrong;
	char why[1024];

	if (!config_read(options.file, &config, why, sizeof why) ||
	    ((is_start() || activation_count() > 0) &&
	    !activation_resolve(&config, options.file, why, sizeof why)))
		die(EX_CONFIG, "%s", why);
	if (realpath(options.file, path) == NULL)
		die(EX_CONFIG, "%s: %s", options.file, strerror(errno));
	supervisor.config_path = path;
	supervisor.verbose = options.verbose;
	if (options.verbose)
		config.log_level = LOG_DEBUG;
	if (options.canary) {	/* it is told to whoever asks, and no more */
		config.log_syslog = false;
		config.log_level = LOG_ERR;
	}
	limits_raise();
	wrong = config_exceeds_limits(&config);
	if (wrong != NULL)
		die(EX_CONFIG, "%s: %s", options.file, wrong);
}

/* --explain needs no root, but with it goes the users' way. */
static _Noreturn void
explain(void)
{
	struct explain e = { .config = &config, .question = options.question,
	    .json = options.json, .one_uid = geteuid() != 0,
	    .exe = open("/proc/self/exe", O_PATH | O_CLOEXEC) };

	if (e.exe == -1)
		die(EX_OSERR, "/proc/self/exe: %s; is /proc mounted?",
		    strerror(errno));
	if (!e.one_uid)
		find_users();
	exit(explain_run(&e));
}

/* --status: root asks, and then is it no more. */
static _Noreturn void
status(void)
{
	const struct status s = { .config = &config, .json = options.json,
	    .one_uid = geteuid() != 0 };

	if (!s.one_uid)
		find_users();
	exit(status_run(&s));
}

/*
 * What a start would do with the files, by a child that gives up root and all
 * else between reading them and looking at them.
 */
static _Noreturn void
check_files(const int file[FILE_COUNT])
{
	struct credential_files files;
	struct credentials k;
	char why[1024];
	bool later;

	tzset();
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	if (!credentials_read(&config, file, &files, why, sizeof why))
		die(EX_CONFIG, "%s", why);
	explain_confine(supervisor.one_uid);
	if (!credentials_load(&config, &files, &k, &later, why, sizeof why))
		die(EX_CONFIG, "%s", why);
	credentials_free(&k);
	exit(0);
}

/* -n */
static _Noreturn void
check(void)
{
	int file[FILE_COUNT], status;
	char why[1024];
	pid_t pid;

	if (!generation_open_files(&config, file, why, sizeof why))
		die(EX_CONFIG, "%s", why);
	pid = fork();
	if (pid == 0)
		check_files(file);
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		die(EX_OSERR, "fork: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		exit(EX_CONFIG);
	puts("configuration OK");
	exit(0);
}

/*
 * The caller waits until the service is ready, so that its exit code is the
 * start's; in the child, supervisor.background is where to say so.
 */
static void
go_background(void)
{
	int pipe[2], status = EX_SOFTWARE;
	char c;
	pid_t pid;

	supervisor.background = -1;
	if (!options.background)
		return;
	if (pipe2(pipe, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		die(EX_OSERR, "fork: %s", strerror(errno));
	if (pid == 0) {
		close(pipe[0]);
		setsid();
		supervisor.background = pipe[1];
		return;
	}
	close(pipe[1]);
	if (read(pipe[0], &c, 1) == 1)
		_exit(0);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EX_SOFTWARE);
}

/* Whoever started us may wait for the end of what we could still print. */
static void
let_go_of_output(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1 ||
	    dup2(fd, STDOUT_FILENO) == -1)
		die(EX_OSERR, "/dev/null: %s", strerror(errno));
	close(fd);
}

/* Held locked for our life: a second instance finds it so. */
static void
write_pid_file(void)
{
	int fd;

	supervisor.pid_file = -1;
	if (!options.background)
		return;
	fd = open(config.pid_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0644);
	if (fd == -1)
		die(EX_CANTCREAT, "%s: %s (pid-file)", config.pid_file,
		    strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		die(EX_UNAVAILABLE, "%s: another posternd runs with this "
		    "pid-file", config.pid_file);
	/* For all to read, whatever the umask. */
	if (fchmod(fd, 0644) == -1 || ftruncate(fd, 0) == -1 ||
	    dprintf(fd, "%d\n", (int)getpid()) < 0)
		die(EX_IOERR, "%s: %s (pid-file)", config.pid_file,
		    strerror(errno));
	supervisor.pid_file = fd;
}

static void
try_namespaces(void)
{
	char why[USERNS_WHY];

	if (!userns_allowed(supervisor.worker_uid, supervisor.worker_gid, why,
	    sizeof why))
		die(EX_OSERR, "%s", why);
}

/* Our own program, and the worker's: from now on those and no others. */
static void
open_programs(void)
{
	static const char *const places[] = { "", "/../libexec/postern" };
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n <= 0)
		die(EX_OSERR, "/proc/self/exe: %s; is /proc mounted?",
		    strerror(errno));
	self[n] = '\0';
	supervisor.daemon_exe = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	*strrchr(self, '/') = '\0';
	supervisor.worker_exe = -1;
	for (size_t i = 0; supervisor.worker_exe == -1 && i < 2; i++) {
		snprintf(path, sizeof path, "%s%s/postern-worker", self,
		    places[i]);
		supervisor.worker_exe = open(path, O_PATH | O_CLOEXEC);
	}
	if (supervisor.daemon_exe == -1 || supervisor.worker_exe == -1)
		die(EX_UNAVAILABLE, "postern-worker is neither in %s nor in "
		    "%s/../libexec/postern; install it", self, self);
}

static void
make_board(void)
{
	struct board_service *place;
	char name[32];

	supervisor.slots = config.parents * SLOTS_PER_PARENT;
	supervisor.board = memfd_create("board", MFD_CLOEXEC);
	if (supervisor.board == -1 || ftruncate(supervisor.board,
	    (off_t)board_size(supervisor.slots)) == -1 ||
	    (place = board_map_service(supervisor.board, supervisor.slots)) ==
	    NULL)
		die(EX_OSERR, "shared memory: %s", strerror(errno));
	if (getrandom(supervisor.crowd_key, sizeof supervisor.crowd_key, 0) !=
	    (ssize_t)sizeof supervisor.crowd_key)
		die(EX_OSERR, "random numbers: %s", strerror(errno));
	service_metrics = &place->metrics;
	snprintf(name, sizeof name, "/proc/self/fd/%d", supervisor.board);
	supervisor.board_to_read = open(name, O_RDONLY | O_CLOEXEC);
	if (supervisor.board_to_read == -1)
		die(EX_OSERR, "shared memory: %s", strerror(errno));
}

/* As journald's streams are. */
static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void
open_log(void)
{
	int fd;

	supervisor.terminal = -1;
	supervisor.log_kind = journal ? LOG_KIND_JOURNAL : LOG_KIND_STREAM;
	if (config.log_syslog) {
		supervisor.log_kind = LOG_KIND_SYSLOG;
		if (!log_open_socket(LOG_SYSLOG_PATH, &fd))
			die(EX_UNAVAILABLE, "/dev/log: %s: no syslogd listens; "
			    "use log { to = stderr }", strerror(errno));
		supervisor.terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		dup2(fd, STDERR_FILENO);
		close(fd);
	} else if (journal && is_socket(STDERR_FILENO) &&
	    log_open_socket(LOG_JOURNAL_PATH, &fd)) {
		supervisor.log_kind = LOG_KIND_FIELDS;
		dup2(fd, STDERR_FILENO);
		close(fd);
	} else {
		log_reopen_stderr();
	}
	log_init("supervisor", supervisor.log_kind, config.log_level);
}

static void
tell_absent(void)
{
	for (enum layer l = 0; l < LAYER_COUNT; l++) {
		struct log_line line;

		if (layer_present(l))
			continue;
		log_begin(&line, LOG_WARNING, "absent");
		log_str(&line, "layer", layer_name(l));
		log_fmt(&line, "detail", "this kernel has it not; %s has",
		    layer_needs(l));
		log_end(&line);
	}
}

static void
tell_start(void)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "start");
	log_str(&l, "version", POSTERN_VERSION);
	log_num(&l, "parents", config.parents);
	log_str(&l, "isolation", config.isolation == 0 ? "connection" : "pool");
	log_str(&l, "worker", config.worker == WORKER_RELAY ? "relay" : "echo");
	log_end(&l);
	if (inherited > 0)
		log_event(LOG_WARNING, "start", "%d descriptors inherited from "
		    "whoever started us were closed", inherited);
	tell_absent();
	if (!supervisor.one_uid)
		return;
	log_event(LOG_WARNING, "weaker", "-U: one user for all processes: "
	    "parent and worker are kept apart by namespaces, seccomp and "
	    "Landlock alone");
	log_event(LOG_WARNING, "weaker", "-U: the key file is readable by the "
	    "user the service runs as");
}

/*
 * From before our filter (rehearsal.h).  A throw-away tells only what is bad.
 */
static void
rehearse(void)
{
	if (options.canary)
		rehearsal_now();
	else
		rehearsal_hold();
	if (!supervisor.rehearsal)
		return;
	config.log_level = LOG_ERR;
	log_init("supervisor", supervisor.log_kind, LOG_ERR);
}

static void
confine(void)
{
	const struct bounds_for bounds = { .max_connections = 0 };
	struct sock_fprog filter;

	if (supervisor.one_uid) {
		confine_drop_capabilities();
	} else {
		confine_drop_groups();
		confine_keep_capabilities(policy_capability_mask());
	}
	confine_hide();
	confine_no_new_privs();
	confine_no_new_code();
	confine_landlock_signals();
	confine_check_settled(supervisor.one_uid);
	filter_prepare(POLICY_SUPERVISOR, &filter);
	bounds_apply(POLICY_SUPERVISOR, &bounds);
	filter_enter(POLICY_SUPERVISOR, &filter);
}

/* A child of ours, executed by descriptor: its title is its whole argument. */
static void
take_role(int argc, char **argv)
{
	bool parent = strncmp(argv[0], "posternd: parent ", 17) == 0;
	bool resolver = strcmp(argv[0], "posternd: resolver") == 0;
	bool exporter = strcmp(argv[0], "posternd: exporter") == 0;
	bool dialer = strcmp(argv[0], "posternd: dial-spawner") == 0;
	char title[32];

	if (argc != 1 || (!parent && !resolver && !exporter && !dialer))
		return;
	text_copy(title, sizeof title, argv[0]);
	log_init(parent ? "parent" : exporter ? "exporter" : dialer ?
	    "dial-spawner" : "resolver", LOG_KIND_STREAM, LOG_INFO);
	confine_check_environment();
	title_init(argc, argv);
	title_set(title);
	if (parent)
		parent_main();
	if (exporter)
		exporter_main();
	if (dialer)
		dial_spawner_main();
	resolver_main();
}

int
main(int argc, char **argv)
{
	int code;

	/* A log that nobody reads must not end us, not even at the start. */
	signal(SIGPIPE, SIG_IGN);
	take_role(argc, argv);
	umask(077);
	take_inherited();
	read_environment();
	title_init(argc, argv);
	parse_options(argc, argv);
	if (options.reasons)
		return reasons_print(options.json);
	read_config();
	if (options.question.file != NULL)
		explain();
	if (options.status)
		status();
	find_users();
	if (confine_unavailable() != NULL)
		die(EX_OSERR, "%s", confine_unavailable());
	if (options.check)
		check();
	try_namespaces();
	if (!options.canary)
		notify_open(options.background);
	open_programs();
	make_board();
	if (!options.canary)
		open_exporter_sockets();
	go_background();
	let_go_of_output();
	write_pid_file();
	open_log();
	tell_start();
	notify_complain();
	keeper_tell();
	rehearse();
	title_set("posternd: supervisor");
	confine();
	code = supervisor_run(&config);
	if (options.background && !supervisor.rehearsal)
		unlink(config.pid_file);
	return code;
}
