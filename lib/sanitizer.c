/*
 * Options of the sanitizers' run time (make asan).  They are compiled in,
 * because our programs empty their environment and are often not dumpable.
 * Linked only into sanitized programs; nothing but their run time calls it.
 *
 * No look for leaks: LeakSanitizer stops the process with ptrace(2) from a
 * clone, which no policy allows.  A report ends with _exit(86), because
 * abort(3) raises a signal, which would look like a death by the filter.
 */

/* The names are theirs.  NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*) */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

/* These would start a program and talk to it. */
#define SYMBOLS	"symbolize=0:color=never:"

const char *
__asan_default_options(void)
{
	return SYMBOLS "detect_leaks=0:abort_on_error=0:exitcode=86:"
	    "disable_coredump=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:"
	    "handle_sigill=0:handle_abort=0:allocator_may_return_null=1";
}

const char *
__ubsan_default_options(void)
{
	return SYMBOLS "print_stacktrace=1:halt_on_error=1:abort_on_error=0:"
	    "exitcode=86";
}
