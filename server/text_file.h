/* A small file of text, read whole. */
#ifndef SERVER_TEXT_FILE_H
#define SERVER_TEXT_FILE_H

#include <stddef.h>

#include "engine/err.h"

enum { TEXT_FILE_BYTES_MAX = 1 << 20 };

/* @return the text of *n bytes, ended by a NUL and without one inside; free() it. NULL
 * with ERR_UNAVAILABLE when the file cannot be read, ERR_INVALID when it is no text or
 * over TEXT_FILE_BYTES_MAX, both at `where` and naming the path. */
char *text_file_read(const char *path, const char *where, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

#endif
