/* npy files as they come. */
#include "api/reader_npy.h"

#include <stdlib.h>
#include <string.h>

struct npy {
    struct reader_base *base;
    struct text header; /* from the file's first byte */
    size_t header_n;    /* how long it will be, as far as that is known */
    size_t length_n;    /* bytes of its length */
    bool opened;
    struct matrix_reader matrix;
};

static void *npy_open(struct reader_base *base, struct err *e) {
    struct npy *npy = calloc(1, sizeof *npy);
    if (!npy) {
        reader_no_memory(e);
        return NULL;
    }
    npy->base = base;
    npy->header_n = NPY_PREFIX_BYTES;
    return npy;
}

static void npy_close(void *driver) {
    struct npy *npy = driver;
    text_free(&npy->header);
    reader_matrix_free(&npy->matrix);
    free(npy);
}

/* header_n bytes are there: says how many more are needed, or opens the matrix. */
static bool header_step(struct npy *npy, struct err *e) {
    const char *header = npy->header.data;
    if (npy->header_n == NPY_PREFIX_BYTES) {
        npy->length_n = reader_npy_prefix_decode(header, e);
        npy->header_n += npy->length_n;
        return npy->length_n > 0;
    }
    size_t prefix = NPY_PREFIX_BYTES + npy->length_n;
    if (npy->header_n == prefix) {
        size_t length;
        if (!reader_npy_length_decode(header + NPY_PREFIX_BYTES, npy->length_n, &length,
                                      e))
            return false;
        npy->header_n += length;
        if (length > 0)
            return true;
    }
    struct matrix_shape shape;
    npy->opened = true;
    return reader_npy_header_decode(header + prefix, npy->header_n - prefix, &shape, e) &&
           reader_matrix_open(&npy->matrix, npy->base, &shape, e);
}

static bool npy_feed(void *driver, const char *bytes, size_t n, struct err *e) {
    struct npy *npy = driver;
    while (!npy->opened && n > 0) {
        size_t lacking = npy->header_n - npy->header.n;
        size_t taken = n < lacking ? n : lacking;
        text_bytes(&npy->header, bytes, taken);
        if (npy->header.failed)
            return reader_no_memory(e);
        bytes += taken;
        n -= taken;
        if (npy->header.n == npy->header_n && !header_step(npy, e))
            return false;
    }
    return n == 0 || reader_matrix_feed(&npy->matrix, bytes, n, e);
}

static bool npy_end(void *driver, struct err *e) {
    struct npy *npy = driver;
    if (!npy->opened)
        return err_set(e, ERR_INVALID, NULL, "the file ends inside its header");
    return reader_matrix_end(&npy->matrix, e);
}

const struct reader_driver reader_npy_driver = {npy_open, npy_feed, npy_end, npy_close};
