/* A table in memory, by columns: what a job on a dataset is made from.
 *
 * Filled row by row through a table_sink whose columns' kinds are known beforehand (a
 * profile found them). Numbers are kept in double, categories as codes into a dictionary;
 * missing cells are marked. One thread. */
#ifndef ENGINE_FRAME_H
#define ENGINE_FRAME_H

#include <stdint.h>

#include "engine/encoder.h"
#include "engine/table.h"

struct frame_column {
    char *name; /* owned */
    enum encoder_kind kind;
    bool skipped;      /* not kept: none of the arrays is there */
    double *numbers;   /* (rows_n): number, boolean; missing: NaN; owned */
    int32_t *codes;    /* (rows_n): category: index into dictionary; missing: -1; owned */
    char **dictionary; /* (dictionary_n): in the order they came; owned */
    size_t dictionary_n;
};

struct frame {
    struct frame_column *columns; /* (columns_n); owned */
    size_t columns_n, rows_n, rows_max;
    /* the builder's own, freed by frame_free */
    void *index;
};

/* Room for rows_max rows of the given columns (names are copied; numbers/codes are
 * allocated). false with ERR_NO_MEMORY, ERR_TOO_LARGE. frame_free in any case. */
bool frame_init(struct frame *f, const struct frame_column *columns, size_t columns_n,
                size_t rows_max, struct err *e) __attribute__((warn_unused_result));
void frame_free(struct frame *f);

/* The sink that fills the frame; errors: another number of columns, more rows than
 * rows_max, a cell that does not fit its column's kind (ERR_INVALID, where `line 17,
 * column "age"`). */
struct table_sink frame_sink(struct frame *f);

/* The cell of a row, as an encoder takes it; `row` < rows_n. Text points into the frame.
 */
struct cell frame_cell(const struct frame *f, size_t column, size_t row);

/* Learns an encoder for the columns picked[0..picked_n) from the given rows alone: means,
 * sorted categories that occur among those rows, whether any was missing.
 * `missing_refused`: a missing cell among ALL rows of the frame is ERR_INVALID naming
 * column and row. */
struct frame_learn {
    const size_t *picked;
    size_t picked_n;
    const uint32_t *rows;
    size_t rows_n;
    bool missing_refused, unseen_refused; /* copied to the encoder's columns */
};
bool frame_learn_encoder(const struct frame *f, const struct frame_learn *learn,
                         struct encoder *encoder, struct err *e)
    __attribute__((warn_unused_result));

/* X (rows_n, encoder->inputs_n) of the given rows, in their order, column by column. The
 * encoder's columns are found in the frame by name. */
bool frame_encode(const struct frame *f, const struct encoder *encoder,
                  const uint32_t *rows, size_t rows_n, float *X, struct err *e)
    __attribute__((warn_unused_result));

#endif
