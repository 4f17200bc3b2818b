/*
 * The passphrase of a private key: from a file, or from whoever sits there.
 */
#ifndef POSTERN_CERTGEN_PASSPHRASE_H
#define POSTERN_CERTGEN_PASSPHRASE_H

/*
 * That of the key in `key_path`: the first line of `file`, or, if that is
 * NULL, what is typed at the terminal.  Ends the program with one line:
 * EX_DATAERR if there is neither, or the file is empty; EX_NOINPUT if the
 * file cannot be opened, or nothing was typed; EX_NOPERM if others may read
 * the file.  To be given back with passphrase_free, which wipes it.
 */
char *passphrase_for(const char *key_path, const char *file);

/* The same for a key to be made: of 8 bytes at least, and typed twice. */
char *passphrase_for_new(const char *key_path, const char *file);

void passphrase_free(char *passphrase);

#endif
