/* A body that is one array of numbers, and an answer that is one: an npy file ("A simple
 * file format for NumPy arrays", NEP 1), or float32 as little-endian bytes, row by row,
 * without a header. Pure; any thread. */
#ifndef API_ARRAY_H
#define API_ARRAY_H

#include "api/tensor_rows.h"
#include "api/text.h"

/* Zero it first. */
struct array {
    struct tensor tensor; /* its data is borrowed from the body, or is `turned` */
    bool raw;             /* how long a row is, is for the model to say */
    void *turned; /* owned: little-endian in C order, where the file is otherwise */
};
void array_free(struct array *array);

/* An npy file: what reader.h reads of them, of at most TENSOR_DIMS_MAX dimensions.
 * ERR_INVALID, ERR_TOO_LARGE, ERR_NO_MEMORY. */
bool array_decode_npy(const char *bytes, size_t n, struct array *array, struct err *e)
    __attribute__((warn_unused_result));

/* Whether a body that is called bytes is an npy file all the same. */
bool array_is_npy(const char *bytes, size_t n);

/* Bytes without a header. */
void array_decode_raw(const char *bytes, size_t n, struct array *array);

/* The next of them, where they come in pieces: borrowed until the next one; the places of
 * array_rows' errors count from the first piece on. And the bytes of a row of that model.
 */
void array_decode_piece(const struct tensor_piece *piece, struct array *array);
size_t array_row_bytes(const struct model *model);

/* As the inputs of a model: shapes are tensor_rows.h's, but an array's columns are the
 * model's, in their order, of whatever kind. NaN is a missing cell. The place of an error
 * is the element's: "/3/1". */
bool array_rows(struct array *array, const struct model *model, struct tensor_rows *rows,
                struct err *e) __attribute__((warn_unused_result));

/* What a prediction's Y (m, outputs) says as one array: (m, classes) probabilities, (m,
 * labels) probabilities, (m, values), or (m) of one value. Errors as predict_encode. */
enum array_form { ARRAY_NPY, ARRAY_RAW };
bool array_encode(enum array_form form, const struct model *model, const float *Y,
                  size_t m, struct text *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
