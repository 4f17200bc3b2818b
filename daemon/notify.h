/*
 * What the service manager hears of the service: sd_notify(3)'s protocol, which
 * is a few lines in a datagram, by hand.  libsystemd would bring a library and
 * an environment into a process of root's that has neither; DESIGN says more.
 *
 * The socket is connected before confinement, and then one number, NOTIFY_FD,
 * is all that the supervisor may send to.  Nothing ever comes from it.
 */
#ifndef POSTERN_NOTIFY_H
#define POSTERN_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* policy.c says so, too.  /dev/null where there is nobody to tell. */
#define NOTIFY_FD 3

/* In the order in which they come about. */
enum notify_state { NOTIFY_STARTING, NOTIFY_READY, NOTIFY_RELOADING,
    NOTIFY_STOPPING };

/*
 * What of it is wanted of the environment, which is emptied then:
 * NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
 */
void notify_read_environment(void);

/*
 * Connect to whoever started us, if he wants to hear: NOTIFY_FD is ours from
 * now on.  `main_pid`: also tell him that we are the service (-b).  What is
 * wrong with what he gave us is told by notify_complain, once there is a log.
 */
void notify_open(bool main_pid);
void notify_complain(void);

/* A process that has other business tells nothing. */
void notify_let_go(void);

/*
 * Things are so, and `status` says it in words for people; told if that is new,
 * and again at the next call if it could not be told.  `stop_ms`: of STOPPING,
 * how long that may take from now.
 */
void notify_state(enum notify_state state, const char *status,
    int64_t stop_ms);

/*
 * If it is time, and all is well, say so: without that we are killed.  Returns
 * ms until it is to be called again, or -1 if there is nobody who waits for it.
 */
int64_t notify_watchdog(bool well);

#endif
