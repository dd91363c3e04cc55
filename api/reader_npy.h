/* The header of an npy file: a Python dict, read strictly. Private to the reader. */
#ifndef API_READER_NPY_H
#define API_READER_NPY_H

#include "api/reader_matrix.h"

/* header[0..n) is the dict with the blanks behind it. */
bool reader_npy_header_decode(const char *header, size_t n, struct matrix_shape *shape,
                              struct err *e) __attribute__((warn_unused_result));

#endif
