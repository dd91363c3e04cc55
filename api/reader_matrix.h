/* The numbers of npy and IDX files behind their headers, as they come: rows of a
 * row-major matrix, runs of a column-major one. Private to the reader. */
#ifndef API_READER_MATRIX_H
#define API_READER_MATRIX_H

#include <stdint.h>

#include "api/reader_private.h"
#include "api/text.h"

enum matrix_kind { MATRIX_BOOLEAN, MATRIX_SIGNED, MATRIX_UNSIGNED, MATRIX_FLOAT };

enum { MATRIX_DIMENSIONS_MAX = 32 };

struct matrix_shape {
    enum matrix_kind kind;
    size_t width; /* bytes of a number: 1, 2, 4, 8 */
    bool big_endian, fortran;
    uint64_t dimensions[MATRIX_DIMENSIONS_MAX];
    size_t dimensions_n; /* the first are the rows; the others are flattened */
};

/* Zero-initialise; reader_matrix_free. */
struct matrix_reader {
    struct reader_base *base; /* borrowed */
    struct matrix_shape shape;
    size_t rows_n, columns_n, row_bytes;
    size_t row;          /* of the next number */
    size_t place;        /* Fortran: the place of its column in the file */
    size_t *columns;     /* (columns_n): Fortran: which column that is; owned */
    struct cell *cells;  /* of a row or a run; owned */
    struct text pending; /* the beginning of a row or, in Fortran's order, of a number */
    uint64_t bytes_n;    /* that have come */
};

/* Checks the shape against the limits and tells the sink its columns. */
bool reader_matrix_open(struct matrix_reader *m, struct reader_base *base,
                        const struct matrix_shape *shape, struct err *e);
void reader_matrix_free(struct matrix_reader *m);
bool reader_matrix_feed(struct matrix_reader *m, const char *bytes, size_t n,
                        struct err *e);
bool reader_matrix_end(struct matrix_reader *m, struct err *e);

#endif
