/* Tensors of a request: a name, a datatype, a shape, and data that is either JSON (nested
 * or flat) or little-endian bytes. The Open Inference Protocol's inputs, and the columns
 * of TensorFlow Serving's columnar form.
 *
 * Data stays where it came from; JSON numbers are rounded to float32 in the one pass that
 * reads them, straight into a block that all tensors of a request share. Errors name the
 * element: "/inputs/0/data/3/1". Pure; any thread; one thread a request. */
#ifndef API_TENSOR_H
#define API_TENSOR_H

#include "api/cursor.h"
#include "api/datatype.h"
#include "engine/encoder.h"

enum {
    TENSOR_DIMS_MAX = 8,
    TENSOR_ELEMENTS_MAX = 1 << 28 /* 1 GiB of float32 */
};

/* Row-major. */
struct tensor_shape {
    size_t dims[TENSOR_DIMS_MAX], n;
};

/* The product of the dimensions. false over TENSOR_ELEMENTS_MAX. */
bool tensor_shape_elements(const struct tensor_shape *shape, size_t *elements)
    __attribute__((warn_unused_result));

/* "[2,784]", for messages. */
enum { TENSOR_SHAPE_TEXT = 24 * TENSOR_DIMS_MAX };
const char *tensor_shape_text(const struct tensor_shape *shape,
                              char text[TENSOR_SHAPE_TEXT]);

struct tensor {
    const char *name;  /* borrowed; NULL: it has none */
    const char *place; /* of the tensor and of its data, for errors; borrowed */
    const char *path;
    enum datatype type;
    struct tensor_shape shape;
    bool flat; /* whatever the shape, the text is one array of all elements */
    size_t elements_n;
    size_t first; /* the number of its first row, where it is a piece of more; or 0 */
    /* One of the two; borrowed from the body. */
    const char *text, *text_end;         /* the JSON array */
    const unsigned char *bytes, *behind; /* the elements */
    /* Of text that is numbers within float32 throughout: rounded to it, (elements_n) from
     * here in the block. */
    bool rounded;
    size_t rounded_at;
};

/* Whole rows of little-endian float32, out of more that come one after the other. */
struct tensor_piece {
    const char *bytes;
    size_t n, first; /* the number of the first row */
};

/* Where the rounded numbers of all tensors of a request go. */
struct tensor_block {
    float *values; /* aligned as those of struct rows (rows.h); owned */
    size_t n, capacity;
};
/* Room for every number of a JSON text of so many bytes. What is not written to is never
 * touched. ERR_NO_MEMORY. */
bool tensor_block_open(struct tensor_block *block, size_t text_bytes, struct err *e)
    __attribute__((warn_unused_result));
void tensor_block_free(struct tensor_block *block); /* a zeroed one is allowed */

/* The JSON data at the cursor, an array of scalars or of arrays like itself: sets text,
 * shape (as it is nested), elements_n and rounded; the cursor stands behind it.
 * ERR_INVALID: the grammar, a ragged array, an object, more than TENSOR_DIMS_MAX levels.
 * The block was opened for the whole text. */
bool tensor_scan(struct cursor *c, const char *path, struct tensor_block *block,
                 struct tensor *t, struct err *e) __attribute__((warn_unused_result));

/* The shape that the request states for scanned data, which must be flat or nested just
 * so. ERR_INVALID at t->path. */
bool tensor_reshape(struct tensor *t, const struct tensor_shape *shape, struct err *e)
    __attribute__((warn_unused_result));

/* Data in the binary form for t->type and t->shape: checks that the n bytes are just
 * that. ERR_INVALID at t->path. */
bool tensor_take_bytes(struct tensor *t, const void *bytes, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* The place of element i: "/inputs/0/data/3/1"; "/inputs/0/data/7" where they are flat.
 */
void tensor_where(const struct tensor *t, size_t i, char where[ERR_WHERE_MAX]);

/* The elements where they are, if they are finite float32 in memory and aligned as such;
 * else NULL. */
const float *tensor_borrow(const struct tensor *t, const struct tensor_block *block);

/* Where numbers go: element i to row i / width, column i % width of `out`, whose rows are
 * `stride` floats apart. */
struct tensor_place {
    float *out;
    size_t stride, width;
    /* (width), or NULL. With them an element may be missing (null; NaN of a binary
     * float): their mean, unless they refuse it. */
    const struct encoder_column *columns;
};
/* All elements as numbers, each rounded to float32 once; true and false are 1 and 0.
 * ERR_INVALID: not of t->type, or missing; ERR_RANGE: outside the type, or float32. */
bool tensor_floats(const struct tensor *t, const struct tensor_block *block,
                   const struct tensor_place *to, struct err *e)
    __attribute__((warn_unused_result));

/* The elements one after the other, as cells that an encoder takes. Zero it and set
 * `tensor`. */
enum { TENSOR_TEXT_MAX = 1 << 20 };
struct tensor_cells {
    const struct tensor *tensor;
    size_t next;
    const char *at; /* in the data */
    char *owned;    /* the text of the last cell; tensor_cells_free */
    char digits[24];
};
/* The next of elements_n; cells->next then counts it. The cell's text lasts until the
 * next call. ERR_INVALID: not of the tensor's type, or no UTF-8; ERR_RANGE;
 * ERR_TOO_LARGE: a text of more than TENSOR_TEXT_MAX bytes; ERR_NO_MEMORY. */
bool tensor_cells_next(struct tensor_cells *cells, struct cell *cell, struct err *e)
    __attribute__((warn_unused_result));
void tensor_cells_free(struct tensor_cells *cells);

#endif
