/* What one cell says: its truth, its text as a category, and how a message repeats it.
 * Shared by those who take cells, so that a table and a request read them alike. Pure;
 * any thread. */
#ifndef ENGINE_CELL_H
#define ENGINE_CELL_H

#include "engine/table.h"

enum {
    CELL_QUOTE_BYTES = 40, /* of a text that a message repeats, at most */
    CELL_DIGITS_BYTES = 24
};

/* How much of text[0..n) a message repeats: no character is cut. */
int cell_quote_bytes(const char *text, size_t n);

/* The place of a cell, `line 17, column "age"`, of a long name its beginning; `unit` is
 * "line" or "row", `number` counts from 1. */
void cell_where(char where[ERR_WHERE_MAX], const char *unit, size_t number,
                const char *column);

/* Sets ERR_INVALID `expected ..., got ...`. @return false always. */
bool cell_refuse(const struct cell *cell, const char *expected, const char *where,
                 struct err *e);

/* true, false, 1 and 0, and the words in any case; *value is 1 or 0. @return false for
 * anything else. */
bool cell_boolean(const struct cell *cell, int *value)
    __attribute__((warn_unused_result));

/* Whether a text is how a table's file spells a missing cell: nothing, "?", "NA", "NaN",
 * "null", ... */
bool cell_spells_missing(const char *text, size_t n);

/* The text by which a cell that is not missing is a category. A number without spelling
 * has one when it is whole and float64 holds its neighbours; it is then written to
 * `digits`.
 * @return NULL when there is none; not NUL-terminated, borrowed from cell or digits. */
const char *cell_text(const struct cell *cell, char digits[CELL_DIGITS_BYTES], size_t *n);

#endif
