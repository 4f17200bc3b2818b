/*
 * The process's title: what ps(1) shows as its command, and its first 15
 * bytes as its name.  Process name = file name = log tag = policy name.
 */
#ifndef POSTERN_TITLE_H
#define POSTERN_TITLE_H

/*
 * Remember where the kernel keeps argv, and empty the environment (nothing
 * here reads it, and the title may need its room).  Call once, first in main,
 * after the last look at environ.
 */
void title_init(int argc, char **argv);

/* Set the title, e.g. "posternd: supervisor".  argv is gone afterwards. */
void title_set(const char *title);

#endif
