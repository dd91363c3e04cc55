/* npy files, as NumPy writes them. */
#ifndef TESTS_HTTP_NPY_H
#define TESTS_HTTP_NPY_H

#include <stdbool.h>
#include <stddef.h>

/* A file of that type ("<f4"), order and shape ("(3, 2)") with n bytes of data; free()
 * it. *file_n: its length. */
char *npy_new(const char *descr, bool fortran, const char *shape, const void *data,
              size_t n, size_t *file_n);

#endif
