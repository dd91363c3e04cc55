/* One cell of a table in JSON, scanned without a tree. Any thread. */
#ifndef API_JSON_CELL_H
#define API_JSON_CELL_H

#include "api/cursor.h"
#include "engine/table.h"

/* What may stand for a cell beside a number, a text and a boolean; bits of a set. */
enum json_cell_allowed {
    JSON_CELL_MISSING = 1, /* null: not known */
    JSON_CELL_LIST = 2,    /* a list of one cell, or of a list of one, ... */
    JSON_CELL_BASE64 = 4,  /* {"b64": "aGVsbG8="}: the bytes of a text */
    JSON_CELL_NAN = 32 /* NaN: not known. Behind the bits of instances.h, which takes it
                          where columns have names. */
};

enum { JSON_CELL_LISTS_MAX = 8 };

struct json_cell {
    struct cell cell;
    char *text; /* owned: free() it; NULL where the cell borrows the source */
};

/* Moves over one cell, with white space before it. Errors are ERR_INVALID (ERR_RANGE for
 * a number outside float64) without a place, which is the caller's to add. Free
 * cell->text in any case. */
bool json_cell_scan(struct cursor *c, unsigned allowed, struct json_cell *cell,
                    struct err *e) __attribute__((warn_unused_result));

/* Whether an object whose first key is "b64" begins at the cursor. */
bool json_base64_stands(const struct cursor *c);

/* Behind a value: true and *more for a comma, true and not *more for `close`. */
bool json_next_take(struct cursor *c, char close, bool *more, struct err *e)
    __attribute__((warn_unused_result));

#endif
