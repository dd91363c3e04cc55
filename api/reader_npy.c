/* npy files ("A simple file format for NumPy arrays", NEP 1): a magic, a version, the
 * length of the header, the header, the data. */
#include "api/reader_npy.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIX_BYTES = 8, HEADER_BYTES_MAX = 64 << 10 };
static const char MAGIC[] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

struct npy {
    struct reader_base *base;
    struct text header; /* from the file's first byte */
    size_t header_n;    /* how long it will be, as far as that is known */
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
    npy->header_n = PREFIX_BYTES;
    return npy;
}

static void npy_close(void *driver) {
    struct npy *npy = driver;
    text_free(&npy->header);
    reader_matrix_free(&npy->matrix);
    free(npy);
}

/* The length's own bytes: 2 in version 1, 4 in versions 2 and 3; little-endian. */
static size_t length_bytes(const struct npy *npy) {
    return npy->header.data[6] == 1 ? 2 : 4;
}

static bool prefix_check(const struct npy *npy, struct err *e) {
    const char *header = npy->header.data;
    if (memcmp(header, MAGIC, sizeof MAGIC) != 0)
        return err_set(e, ERR_INVALID, NULL,
                       "not an npy file: its first bytes are not \\x93NUMPY");
    if (header[6] < 1 || header[6] > 3 || header[7] != 0)
        return err_set(e, ERR_INVALID, NULL,
                       "version %d.%d of npy: versions 1.0, 2.0 and 3.0 are read",
                       (unsigned char)header[6], (unsigned char)header[7]);
    return true;
}

/* header_n bytes are there: says how many more are needed, or opens the matrix. */
static bool header_step(struct npy *npy, struct err *e) {
    if (npy->header_n == PREFIX_BYTES) {
        npy->header_n += prefix_check(npy, e) ? length_bytes(npy) : 0;
        return npy->header_n > PREFIX_BYTES;
    }
    size_t prefix = PREFIX_BYTES + length_bytes(npy);
    if (npy->header_n == prefix) {
        size_t length = 0;
        for (size_t i = prefix; i > PREFIX_BYTES; i--)
            length = length << 8 | (unsigned char)npy->header.data[i - 1];
        npy->header_n += length;
        if (length > HEADER_BYTES_MAX)
            return err_set(e, ERR_TOO_LARGE, NULL, "an npy header of more than %d bytes",
                           HEADER_BYTES_MAX);
        if (length > 0)
            return true;
    }
    struct matrix_shape shape;
    npy->opened = true;
    return reader_npy_header_decode(npy->header.data + prefix, npy->header_n - prefix,
                                    &shape, e) &&
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
