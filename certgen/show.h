/*
 * Objects for people and for programs, on standard output.
 */
#ifndef POSTERN_CERTGEN_SHOW_H
#define POSTERN_CERTGEN_SHOW_H

#include <jansson.h>

/*
 * As one JSON document; takes the object over.  Ends the program with
 * EX_IOERR if it cannot be written.
 */
void show_json(json_t *document);

/* For people: "FILE: KIND" and a line for each of its values. */
void show_text(const char *file, const json_t *object);

/* All is said: end the program with EX_IOERR if some of it got lost. */
void show_end(void);

/* A file's name, printable, in a string of JSON. */
json_t *show_file_name(const char *path);

#endif
