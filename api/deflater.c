#include "api/deflater.h"

#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

enum { LEVEL = 1, WINDOW_BITS_MIN = 9, GZIP = 16, MEMORY_BITS = 7, MEMORY_LEVEL_MAX = 8 };

/* A window as large as the text, and tables to match: clearing the largest costs more
 * than compressing a few kilobytes. */
static int stream_open(z_stream *z, enum inflater_form form, size_t n) {
    int window = WINDOW_BITS_MIN;
    while (window < MAX_WBITS && (size_t)1 << window < n)
        window++;
    int memory = window - MEMORY_BITS;
    return deflateInit2(z, LEVEL, Z_DEFLATED, window + (form == INFLATER_GZIP ? GZIP : 0),
                        memory < MEMORY_LEVEL_MAX ? memory : MEMORY_LEVEL_MAX,
                        Z_DEFAULT_STRATEGY);
}

bool deflater_pack(enum inflater_form form, struct text *t) {
    z_stream z = {0};
    if (t->failed || t->n == 0 || t->n > INT_MAX || stream_open(&z, form, t->n) != Z_OK)
        return false;
    /* No room for more than the text: then it is left. */
    struct text packed = {0};
    char *to = text_reserve(&packed, t->n);
    int status = Z_MEM_ERROR;
    if (to) {
        z.next_in = (unsigned char *)t->data;
        z.avail_in = (uInt)t->n;
        z.next_out = (unsigned char *)to;
        z.avail_out = (uInt)t->n;
        status = deflate(&z, Z_FINISH);
        text_advance(&packed, t->n - z.avail_out);
    }
    deflateEnd(&z);
    bool ok = status == Z_STREAM_END && packed.n < t->n;
    text_free(ok ? t : &packed);
    if (ok)
        *t = packed;
    return ok;
}
