#include "tests/http/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

char *npy_new(const char *descr, bool fortran, const char *shape, const void *data,
              size_t n, size_t *file_n) {
    char dict[128], *file = malloc(n + 256);
    if (!file)
        abort();
    int dict_n =
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }",
                 descr, fortran ? "True" : "False", shape);
    int header_n = 118;
    memcpy(file, "\x93NUMPY\1\0\x76\0", 10);
    CHECK(dict_n < header_n);
    sprintf(file + 10, "%-*s\n", header_n - 1, dict);
    memcpy(file + 10 + header_n, data, n);
    *file_n = 10 + (size_t)header_n + n;
    return file;
}
