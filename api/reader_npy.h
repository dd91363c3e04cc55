/* The beginning of an npy file ("A simple file format for NumPy arrays", NEP 1): a magic,
 * a version, the length of the header, the header, which is a Python dict and read
 * strictly. */
#ifndef API_READER_NPY_H
#define API_READER_NPY_H

#include "api/reader_matrix.h"

enum { NPY_PREFIX_BYTES = 8, NPY_HEADER_BYTES_MAX = 64 << 10 };

/* prefix is (NPY_PREFIX_BYTES): how many bytes behind it say the header's length; 0 with
 * *e where it is not that of a version that is read. */
size_t reader_npy_prefix_decode(const char *prefix, struct err *e);

/* The header's length from those n bytes. ERR_TOO_LARGE over NPY_HEADER_BYTES_MAX. */
bool reader_npy_length_decode(const char *bytes, size_t n, size_t *length, struct err *e)
    __attribute__((warn_unused_result));

/* header[0..n) is the dict with the blanks behind it. */
bool reader_npy_header_decode(const char *header, size_t n, struct matrix_shape *shape,
                              struct err *e) __attribute__((warn_unused_result));

#endif
