/* A whole store into another, empty one, of either kind. */
#ifndef SERVER_STORE_COPY_H
#define SERVER_STORE_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/err.h"
#include "server/store.h"

/* Of each table when it is done and verified. */
struct store_copied {
    const char *table;
    int64_t rows, bytes;
    char sha256[STORE_SHA256_TEXT]; /* of all its values, in the order of its key */
};
typedef void store_copy_told(void *context, const struct store_copied *copied);

/* Copies all there is of `from`, as it is at one moment, into `into`, in one transaction:
 * all of it or nothing. Before it ends, what was written is read again, and each table
 * compared with its origin by the number of its rows and the hash of its values.
 * ERR_CONFLICT when there is something in `into` already. ERR_STORAGE when they differ.
 */
bool store_copy(struct store *from, struct store *into, store_copy_told *told,
                void *context, struct err *e) __attribute__((warn_unused_result));

/* The same by URLs, with a line for each table and one for all of it to `to`. A file to
 * copy from must be there: ERR_NOT_FOUND. */
bool store_copy_run(const char *from, const char *into, FILE *to, struct err *e)
    __attribute__((warn_unused_result));

/* The tables that are copied, and how many columns each has; NULL behind the last. */
const char *store_copy_table(size_t i, size_t *columns_n);

#endif
