/* Raw instances in JSON, as rows of a model's inputs: arrays in the order of the columns,
 * or objects by their names, of numbers, texts, booleans and nulls (missing). A column
 * that the model does not take may hold any value.
 *
 * Dialects allow more, a bit each. Errors name the path: an unknown or missing column, a
 * cell that does not fit (ERR_INVALID), a number outside float32 (ERR_RANGE),
 * ERR_TOO_LARGE (rows.h), ERR_NO_MEMORY. Pure; any thread. */
#ifndef API_INSTANCES_H
#define API_INSTANCES_H

#include "api/columns.h"
#include "api/cursor.h"
#include "api/json_cell.h"
#include "api/rows.h"

/* Beside enum json_cell_allowed. */
enum instances_allowed {
    /* As tensors: INSTANCES_NESTED, and a row of one column may be its cell alone. Where
     * columns_counted, a member of any name may hold all of a row. All rows are alike:
     * arrays, or objects, or cells. */
    INSTANCES_TENSORS = 8,
    INSTANCES_OBJECTS_ONLY = 16,
    /* Where columns_counted, numbers may stand in lists within lists. */
    INSTANCES_NESTED = 32
};

struct instances_form {
    struct columns columns;
    unsigned allowed;
    const char *path;
    /* The list holds cells: one row, or where there is one column, a row each. */
    bool flat;
    /* Array rows: the column of each cell, (order_n); NULL: in their order. */
    const size_t *order;
    size_t order_n;
    /* An object of cells that all rows share, or NULL; at context_path. */
    const char *context, *context_end, *context_path;
};

/* Scans an array of at least one row: rows gets (m, inputs_n). On an error rows_free is
 * still the caller's. */
bool instances_scan(struct cursor *c, const struct instances_form *form,
                    struct rows *rows, struct err *e) __attribute__((warn_unused_result));

/* Scans the same by columns: an object of one array a column, all of one length, at least
 * 1; or, where columns_counted, of one array of rows under any name. */
bool instances_scan_columns(struct cursor *c, const struct instances_form *form,
                            struct rows *rows, struct err *e)
    __attribute__((warn_unused_result));

#endif
