/* A table's cells and rows, as readers give them and encoders take them.
 *
 * A cell is what stood in the source: nothing, a number, true or false, or a text. Where
 * the source was text, a number keeps its spelling, so that a column of codes ("007") can
 * turn out to be categories. Plain data; the texts are borrowed for the duration of a
 * call. */
#ifndef ENGINE_TABLE_H
#define ENGINE_TABLE_H

#include <stddef.h>

#include "engine/err.h"

enum cell_kind { CELL_MISSING, CELL_NUMBER, CELL_BOOLEAN, CELL_TEXT };

struct cell {
    enum cell_kind kind;
    double number; /* CELL_NUMBER: finite; CELL_BOOLEAN: 0 or 1 */
    const char
        *text; /* CELL_TEXT: valid UTF-8; CELL_NUMBER, CELL_BOOLEAN: the spelling, or
                  NULL where the source had none (npy, IDX); not NUL-terminated */
    size_t text_n;
};

/* Where rows go. Each returns false with *e to end the reading. */
struct table_sink {
    /* Once, before the first row. names[columns_n], or NULL when the source has no names.
     */
    bool (*columns)(void *context, const char *const *names, size_t columns_n,
                    struct err *e);
    /* Each row; `line` counts lines of the source from 1 (0: it has no lines). */
    bool (*row)(void *context, const struct cell *cells, size_t columns_n, size_t line,
                struct err *e);
    void *context;
    /* Instead of rows, from a source that has one column behind the other, without lines:
     * once how many rows there are, then the columns in any order, each from its first
     * cell on in runs of n. NULL: such a source is refused. */
    bool (*rows)(void *context, size_t rows_n, struct err *e);
    bool (*run)(void *context, size_t column, size_t row, const struct cell *cells,
                size_t n, struct err *e);
};

#endif
