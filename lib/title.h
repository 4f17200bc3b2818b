/*
 * The process's title: what ps(1) shows as its command, and, cut, its name, by
 * which the kernel's log calls a process that was killed.  Process name = file
 * name = log tag = policy name.
 */
#ifndef POSTERN_TITLE_H
#define POSTERN_TITLE_H

/*
 * Remember where the kernel keeps argv, and empty the environment (nothing
 * here reads it, and the title may need its room).  Call once, first in main,
 * after the last look at environ.
 */
void title_init(int argc, char **argv);

/* The kernel's name of a process, NUL included (TASK_COMM_LEN). */
#define TITLE_NAME 16

/*
 * The name to a title: its first 15 bytes.  Where those do not do, without the
 * "postern-" that it begins with, or all workers had the same.
 */
void title_name(const char *title, char name[TITLE_NAME]);

/* Set the title, e.g. "posternd: supervisor".  argv is gone afterwards. */
void title_set(const char *title);

#endif
