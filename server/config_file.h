/* The configuration's file: lines of "key = value". */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

struct config_line {
    const char *key, *value; /* in the text that config_file_read returns */
    size_t number;           /* from 1 */
};

typedef bool config_line_take(void *context, const struct config_line *line,
                              struct err *e);

/* Hands each line to `take` (false ends it with *e). White space around key and value is
 * no part of them; what follows a # at the start of a line, or behind white space, is a
 * comment. @return the text that the lines point into, free() it; NULL with ERR_INVALID
 * that names the line, or ERR_UNAVAILABLE when the file cannot be read. */
char *config_file_read(const char *path, config_line_take *take, void *context,
                       struct err *e) __attribute__((warn_unused_result));

#endif
