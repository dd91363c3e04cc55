/* The large numeric values of a JSON document, scanned straight into arrays.
 *
 * Errors name the path of the offending value: "/instances/3/0". Kinds: ERR_INVALID
 * (grammar, a wrong type, a ragged row, no rows), ERR_RANGE (a number outside float32),
 * ERR_TOO_LARGE (over a limit), ERR_NO_MEMORY. */
#ifndef API_ROWS_H
#define API_ROWS_H

#include <stddef.h>

#include "api/cursor.h"
#include "engine/model.h"

/* A matrix of float32, (rows_n, columns_n) row-major, aligned to 64 bytes where it has
 * room for 4 KiB or more. Zero it first. */
struct rows {
    float *values; /* owned: rows_free */
    size_t rows_n, columns_n;
    size_t capacity; /* floats */
};
void rows_free(struct rows *rows);

enum { ROWS_FLOATS_MAX = 1 << 28 }; /* of rows_room: 1 GiB */

/* Room for `more` rows of columns_n floats behind rows_n; those are the caller's to write
 * and to count. ERR_TOO_LARGE over ROWS_FLOATS_MAX, ERR_NO_MEMORY. */
bool rows_room(struct rows *rows, size_t more, const char *path, struct err *e)
    __attribute__((warn_unused_result));

/* Scans an array of at least one array of at least one number, all of one length. Where
 * columns_n is not 0, that is the length each row must have.
 * Messages: "/instances/3/0: expected a number, got a string" (where and text apart),
 * "expected 4 numbers, got 3" at "/instances/3". */
bool rows_scan(struct cursor *c, size_t columns_n, const char *path, struct rows *rows,
               struct err *e) __attribute__((warn_unused_result));

/* The same for an array of at least one number, which is one row. Messages: at
 * "/instances/0" for a number, at "/instances" for the length. */
bool rows_scan_flat(struct cursor *c, size_t columns_n, const char *path,
                    struct rows *rows, struct err *e) __attribute__((warn_unused_result));

/* The targets column: m numbers, m strings, m booleans, or m rows of k numbers. Zero it.
 */
struct column {
    enum column_kind {
        COLUMN_NUMBERS,
        COLUMN_STRINGS,
        COLUMN_BOOLEANS,
        COLUMN_ROWS
    } kind;
    size_t n;              /* m */
    double *numbers;       /* (n): COLUMN_NUMBERS, COLUMN_BOOLEANS (0, 1); owned */
    int32_t *string_ids;   /* (n): index into strings; owned */
    struct labels strings; /* the distinct strings, in the order they came; owned */
    struct rows rows;      /* COLUMN_ROWS; owned */
};
void column_free(struct column *column);

enum { COLUMN_STRINGS_MAX = 65536, COLUMN_STRING_BYTES_MAX = 1024 };

/* The first element decides the kind; one of another kind is ERR_INVALID at its path.
 * At most COLUMN_STRINGS_MAX distinct strings of COLUMN_STRING_BYTES_MAX bytes. */
bool column_scan(struct cursor *c, const char *path, struct column *column, struct err *e)
    __attribute__((warn_unused_result));

#endif
