/* The rows of inline data that hold more than numbers: arrays of one length, or objects
 * of the same keys, of numbers, texts, booleans and nulls.
 *
 * They are checked here, where an error can name the path of the value, and kept as the
 * text that they are; a reader reads them from it as it does a dataset's file. Pure; any
 * thread. */
#ifndef API_INLINE_ROWS_H
#define API_INLINE_ROWS_H

#include <stddef.h>

#include "api/cursor.h"

enum { INLINE_COLUMNS_MAX = 1 << 16 };

struct inline_rows {
    const char *from, *to; /* an array of rows in JSON; borrowed from the body */
    size_t rows_n, columns_n;
};

/* Moves over an array of at least one row. Errors name the path ("/data/features/3/0",
 * "/data/features/3/age"): ERR_INVALID for a row of another length or form, a value that
 * is no scalar, a key that is missing, given twice or none of the first row's; ERR_RANGE
 * for a number outside float32; ERR_TOO_LARGE over INLINE_COLUMNS_MAX; ERR_NO_MEMORY.
 * Grammar errors say line and column. */
bool inline_rows_scan(struct cursor *c, const char *path, struct inline_rows *rows,
                      struct err *e) __attribute__((warn_unused_result));

#endif
