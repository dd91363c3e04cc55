#include "tests/http/packed.h"

#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

char *packed_new(enum packed_form form, const void *from, size_t n, size_t *packed_n) {
    z_stream z = {0};
    size_t capacity = n + n / 100 + 256;
    char *to = malloc(capacity);
    if (!to || deflateInit2(&z, 6, Z_DEFLATED, (int)form, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (unsigned char *)(uintptr_t)from;
    z.avail_in = (unsigned)n;
    z.next_out = (unsigned char *)to;
    z.avail_out = (unsigned)capacity;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    *packed_n = capacity - z.avail_out;
    deflateEnd(&z);
    return to;
}

char *packed_open(enum packed_form form, const void *from, size_t n, size_t *open_n) {
    z_stream z = {0};
    size_t capacity = 1 << 16;
    char *to = malloc(capacity);
    int status = inflateInit2(&z, (int)form);
    z.next_in = (unsigned char *)(uintptr_t)from;
    z.avail_in = (unsigned)n;
    while (to && status == Z_OK) {
        if (z.total_out + 1 >= capacity)
            to = realloc(to, capacity *= 2);
        z.next_out = (unsigned char *)to + z.total_out;
        z.avail_out = (unsigned)(capacity - 1 - z.total_out);
        status = inflate(&z, Z_NO_FLUSH);
    }
    *open_n = z.total_out;
    inflateEnd(&z);
    if (to && status == Z_STREAM_END && z.avail_in == 0) {
        to[*open_n] = '\0';
        return to;
    }
    free(to);
    return NULL;
}
