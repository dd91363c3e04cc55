/* IDX (Y. LeCun's MNIST files): two zero bytes, a type, the number of dimensions, each of
 * these as a big-endian 32-bit number, then the data, all big-endian. */
#include <stdlib.h>
#include <string.h>

#include "api/reader_matrix.h"

enum { HEADER_BYTES_MAX = 4 + 4 * MATRIX_DIMENSIONS_MAX };

struct idx {
    struct reader_base *base;
    unsigned char header[HEADER_BYTES_MAX];
    size_t header_n;
    bool opened;
    struct matrix_reader matrix;
};

static const struct idx_type {
    unsigned char code;
    enum matrix_kind kind;
    size_t width;
} TYPES[] = {
    {0x08, MATRIX_UNSIGNED, 1}, {0x09, MATRIX_SIGNED, 1}, {0x0b, MATRIX_SIGNED, 2},
    {0x0c, MATRIX_SIGNED, 4},   {0x0d, MATRIX_FLOAT, 4},  {0x0e, MATRIX_FLOAT, 8},
};

static void *idx_open(struct reader_base *base, struct err *e) {
    struct idx *idx = calloc(1, sizeof *idx);
    if (!idx) {
        reader_no_memory(e);
        return NULL;
    }
    idx->base = base;
    return idx;
}

static void idx_close(void *driver) {
    struct idx *idx = driver;
    reader_matrix_free(&idx->matrix);
    free(idx);
}

static bool magic_check(const unsigned char *header, struct matrix_shape *shape,
                        struct err *e) {
    if (header[0] != 0 || header[1] != 0)
        return err_set(e, ERR_INVALID, NULL,
                       "not an IDX file: its first bytes are not 0");
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        if (TYPES[i].code != header[2])
            continue;
        shape->kind = TYPES[i].kind;
        shape->width = TYPES[i].width;
        shape->big_endian = true;
        shape->dimensions_n = header[3];
        if (header[3] == 0 || header[3] > MATRIX_DIMENSIONS_MAX)
            return err_set(e, ERR_INVALID, NULL, "expected 1 to %d dimensions, got %d",
                           MATRIX_DIMENSIONS_MAX, header[3]);
        return true;
    }
    return err_set(e, ERR_INVALID, NULL, "0x%02x is no type of an IDX file", header[2]);
}

/* @return whether the header is whole; then the matrix is open. */
static bool header_read(struct idx *idx, struct err *e) {
    struct matrix_shape shape = {0};
    const unsigned char *p = idx->header;
    if (idx->header_n < 4)
        return true;
    if (!magic_check(p, &shape, e))
        return false;
    if (idx->header_n < 4 + 4 * shape.dimensions_n)
        return true;
    for (size_t d = 0; d < shape.dimensions_n; d++) {
        p += 4;
        shape.dimensions[d] =
            (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
    }
    idx->opened = true;
    return reader_matrix_open(&idx->matrix, idx->base, &shape, e);
}

static bool idx_feed(void *driver, const char *bytes, size_t n, struct err *e) {
    struct idx *idx = driver;
    while (!idx->opened && n > 0) {
        idx->header[idx->header_n++] = (unsigned char)*bytes++;
        n--;
        if (idx->header_n % 4 == 0 && !header_read(idx, e))
            return false;
    }
    return n == 0 || reader_matrix_feed(&idx->matrix, bytes, n, e);
}

static bool idx_end(void *driver, struct err *e) {
    struct idx *idx = driver;
    if (!idx->opened)
        return err_set(e, ERR_INVALID, NULL, "the file ends inside its header");
    return reader_matrix_end(&idx->matrix, e);
}

const struct reader_driver reader_idx_driver = {idx_open, idx_feed, idx_end, idx_close};
