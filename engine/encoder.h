/* From a table's raw columns to the network's inputs, and what was learnt for it.
 *
 * A number column is one input (missing: the training mean); a boolean one input, 0 or 1
 * (missing: the training mean); a category one input a known value (one-hot), then one
 * for missing where training had missing cells. An unseen category sets none of them, or
 * is refused. What is learnt comes from the training rows alone, and travels in the
 * model. Scaling is transform's, behind this; one-hot inputs are not scaled. */
#ifndef ENGINE_ENCODER_H
#define ENGINE_ENCODER_H

#include "engine/table.h"

enum encoder_kind { ENCODER_NUMBER, ENCODER_BOOLEAN, ENCODER_CATEGORY };

struct encoder_column {
    char *name; /* owned */
    enum encoder_kind kind;
    double mean; /* number, boolean: of the training cells that were there, or 0 */
    bool missing_refused; /* a missing cell is ERR_INVALID ("missing_values":"error") */
    bool unseen_refused; /* category: encoder_cell_asked ("unknown_categories":"error") */
    bool missing_category; /* category: training had missing cells */
    char **categories;     /* (categories_n), sorted by bytes; owned */
    size_t categories_n;
    size_t input_at; /* first of its inputs */
    size_t inputs_n;
};

/* Zero-initialise. */
struct encoder {
    struct encoder_column *columns; /* (columns_n); owned */
    size_t columns_n;
    size_t inputs_n; /* n[0] of the network */
    /* (columns_n), sorted by name; encoder_layout's; owned */
    const struct encoder_column **by_name;
    /* (unused_n) the names of the table's columns that it does not take: the target, and
     * those that were left out. Sorted by bytes; encoder_leave_out's; owned. */
    char **unused;
    size_t unused_n;
};

/* Sets input_at and inputs_n of the columns, the total and the names' order: once the
 * columns are complete, and again if they move. ERR_TOO_LARGE over NET_UNITS_MAX,
 * ERR_NO_MEMORY. */
bool encoder_layout(struct encoder *enc, struct err *e)
    __attribute__((warn_unused_result));

/* After encoder_layout: the unused columns become those of the names that are none of its
 * own. They are copied; one that comes twice is one. ERR_NO_MEMORY. */
bool encoder_leave_out(struct encoder *enc, const char *const *names, size_t n,
                       struct err *e) __attribute__((warn_unused_result));

/* After encoder_layout: the column of that name; columns_n when there is none. */
size_t encoder_find(const struct encoder *enc, const char *name, size_t name_n);

/* The place among `unused`; unused_n when it is none of them. */
size_t encoder_find_unused(const struct encoder *enc, const char *name, size_t name_n);

/* The place of a text among a column's categories; categories_n when it is none of them.
 * Its spelling counts ("007" is not "7"), but what is not found as it is spelt is looked
 * for without the spaces around it, and a whole number as "3" and as "3.0": who sends 3.0
 * for a column of 3 means that. */
size_t encoder_category(const struct encoder_column *column, const char *text, size_t n);

/* One cell of column `c` into its inputs of `row` (inputs_n floats, this column's part is
 * written whole). ERR_INVALID: a text or a boolean in a number column, anything but true,
 * false, 0 and 1 in a boolean one, a number that has no spelling and is not whole in a
 * category, a refused missing cell; ERR_RANGE: outside float32. `where` is the place. */
bool encoder_cell(const struct encoder *enc, size_t c, const struct cell *cell,
                  float *row, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* The same for a row that is to be predicted: ERR_INVALID too for an unseen category of a
 * column that refuses those. */
bool encoder_cell_asked(const struct encoder *enc, size_t c, const struct cell *cell,
                        float *row, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* Whether a text that is none of a column's categories stands for a missing cell: where
 * those are refused it is an unseen one. */
bool encoder_category_missing(const struct encoder_column *column, const char *text,
                              size_t n);

/* Whether each column is a number: an encoder without columns takes numbers too. */
bool encoder_takes_numbers(const struct encoder *enc);

/* scaled (inputs_n): 1 for inputs that are numbers, 0 for one-hot and boolean ones. */
void encoder_scaled(const struct encoder *enc, unsigned char *scaled);

void encoder_free(struct encoder *enc);

#endif
