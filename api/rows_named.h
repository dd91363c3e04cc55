/* Rows of numbers as objects: the same keys in each, in the same order, which is how they
 * are nearly always sent. Pure; any thread. */
#ifndef API_ROWS_NAMED_H
#define API_ROWS_NAMED_H

#include "api/columns.h"
#include "api/rows.h"

enum { ROWS_NAMED_COLUMNS_MAX = 4096 };

/* Moves over an array of at least one object of at least one number each, and scans them
 * in the order of the keys. Two keys may be the same: rows_named_order says so. @return
 * false, the cursor as it was, for anything else, which may be an error, and where memory
 * runs out: rows hold nothing then. */
bool rows_named_scan(struct cursor *c, struct rows *rows)
    __attribute__((warn_unused_result));

/* Of such an array's text: order[i], of at most columns->names_n, is the column of the
 * i-th of *n keys. @return false when the keys are not those of the columns. */
bool rows_named_order(const char *from, const char *to, const struct columns *columns,
                      size_t *order, size_t *n) __attribute__((warn_unused_result));

#endif
