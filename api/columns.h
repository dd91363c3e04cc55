/* The columns of a model as requests name them: its encoder's, or, where that has none,
 * numbers under their places, "0", "1", ... Behind them, by name alone, those of the
 * training's table that the model does not take: rows may have them, and whatever stands
 * in them is not looked at. Pure; any thread. */
#ifndef API_COLUMNS_H
#define API_COLUMNS_H

#include "engine/encoder.h"
#include "engine/model.h"

struct columns {
    const struct encoder *encoder; /* columns_n 0: they have no names */
    size_t n;                      /* that the model takes; all must be given */
    size_t names_n;                /* n and those that it does not take */
    size_t inputs_n;               /* floats of a row */
};

struct columns columns_of(const struct encoder *encoder, size_t inputs_n);
struct columns columns_of_model(const struct model *model);

bool columns_named(const struct columns *columns);

/* Whether all are numbers that have no names, or are called by their places: "0", "1",
 * ... as the columns of inline rows are that a worker has split. */
bool columns_counted(const struct columns *columns);

/* A column's name, i < names_n; `number` is room for one that has none. */
enum { COLUMNS_NUMBER_BYTES = 24 };
const char *columns_name(const struct columns *columns, size_t i,
                         char number[COLUMNS_NUMBER_BYTES]);

/* The column of that name, from columns->n on one that the model does not take;
 * columns->names_n when there is none. */
size_t columns_find(const struct columns *columns, const char *name, size_t name_n);

/* Whether column i, i < names_n, takes a number; *input is which of the row's it makes.
 */
bool columns_number(const struct columns *columns, size_t i, size_t *input);

/* One cell of column i, i < names_n, into its inputs of `row` (inputs_n floats). Errors
 * as encoder_cell; a column without a name takes finite float32 numbers alone. A number
 * is the float32 nearest to its text, where it has one. */
bool columns_cell(const struct columns *columns, size_t i, const struct cell *cell,
                  float *row, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* The names of a header. */
struct columns_header {
    const char *const *names; /* (n) */
    size_t n;
    const char *where; /* the place of all of them */
    /* Prints the place of names[i]. */
    void (*place)(const struct columns_header *header, size_t i,
                  char where[ERR_WHERE_MAX]);
};

/* order[i], of at most names_n, is the column that names[i] means: by name, or else by
 * place, whatever they are called. ERR_INVALID for a name that is unknown, given twice or
 * missing, or for another number of them; ERR_NO_MEMORY. */
bool columns_match(const struct columns *columns, const struct columns_header *header,
                   size_t *order, struct err *e) __attribute__((warn_unused_result));

#endif
