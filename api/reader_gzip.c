#include "api/reader_gzip.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

#include "api/reader_private.h"

enum { INFLATED_BYTES = 64 << 10, RATIO_FREE_BYTES = 1 << 20, GZIP_ONLY = 16 };

struct gzip {
    const struct reader_options *options; /* borrowed */
    gzip_sink *sink;
    void *context;
    z_stream stream;
    bool member_ended;
    uint64_t inflated_n, compressed_n;
    char inflated[INFLATED_BYTES];
};

struct gzip *reader_gzip_new(const struct reader_options *options, gzip_sink *sink,
                             void *context, struct err *e) {
    struct gzip *g = calloc(1, sizeof *g);
    if (!g || inflateInit2(&g->stream, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        free(g);
        reader_no_memory(e);
        return NULL;
    }
    g->options = options;
    g->sink = sink;
    g->context = context;
    return g;
}

void reader_gzip_free(struct gzip *g) {
    if (!g)
        return;
    inflateEnd(&g->stream);
    free(g);
}

static bool limits_check(const struct gzip *g, struct err *e) {
    const struct reader_options *o = g->options;
    if (g->inflated_n > o->inflated_max)
        return err_set(e, ERR_TOO_LARGE, NULL, "more than %llu bytes after gunzip",
                       (unsigned long long)o->inflated_max);
    if (g->inflated_n > RATIO_FREE_BYTES &&
        g->inflated_n / o->ratio_max >= g->compressed_n)
        return err_set(e, ERR_TOO_LARGE, NULL,
                       "gunzip makes the file more than %u times as large", o->ratio_max);
    return true;
}

/* Inflates what it can of the stream's input into one block, and passes it on. */
static bool block_inflate(struct gzip *g, struct err *e) {
    z_stream *z = &g->stream;
    if (g->member_ended) {
        inflateReset(z);
        g->member_ended = false;
    }
    z->next_out = (unsigned char *)g->inflated;
    z->avail_out = INFLATED_BYTES;
    uInt before = z->avail_in;
    int status = inflate(z, Z_NO_FLUSH);
    size_t n = INFLATED_BYTES - z->avail_out;
    g->compressed_n += before - z->avail_in;
    g->inflated_n += n;
    g->member_ended = status == Z_STREAM_END;
    if (status == Z_MEM_ERROR)
        return reader_no_memory(e);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return err_set(e, ERR_INVALID, NULL, "byte %llu is not gzip: %s",
                       (unsigned long long)g->compressed_n,
                       z->msg ? z->msg : "a dictionary is needed");
    return limits_check(g, e) && (n == 0 || g->sink(g->context, g->inflated, n, e));
}

bool reader_gzip_feed(struct gzip *g, const char *bytes, size_t n, struct err *e) {
    z_stream *z = &g->stream;
    while (n > 0) {
        uInt taken = n < INT_MAX ? (uInt)n : INT_MAX;
        z->next_in = (unsigned char *)(uintptr_t)bytes;
        z->avail_in = taken;
        bytes += taken;
        n -= taken;
        /* A block that came out full may have more behind it. */
        do {
            if (!block_inflate(g, e))
                return false;
        } while (z->avail_in > 0 || (z->avail_out == 0 && !g->member_ended));
    }
    return true;
}

bool reader_gzip_end(const struct gzip *g, struct err *e) {
    return g->member_ended ||
           err_set(e, ERR_INVALID, NULL, "the file ends inside its gzip stream");
}
