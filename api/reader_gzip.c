#include "api/reader_gzip.h"

#include <stdlib.h>

#include "api/inflater.h"
#include "api/reader_private.h"

enum { INFLATED_BYTES = 64 << 10 };

struct gzip {
    gzip_sink *sink;
    void *context;
    struct inflater *inflater;
    char inflated[INFLATED_BYTES];
};

struct gzip *reader_gzip_new(const struct reader_options *options, gzip_sink *sink,
                             void *context, struct err *e) {
    const struct inflater_options inflate = {.form = INFLATER_GZIP,
                                             .inflated_max = options->inflated_max,
                                             .ratio_max = options->ratio_max,
                                             .what = "the file"};
    struct gzip *g = calloc(1, sizeof *g);
    if (g)
        g->inflater = inflater_new(&inflate, e);
    if (!g || !g->inflater) {
        free(g);
        reader_no_memory(e);
        return NULL;
    }
    g->sink = sink;
    g->context = context;
    return g;
}

void reader_gzip_free(struct gzip *g) {
    if (g)
        inflater_free(g->inflater);
    free(g);
}

bool reader_gzip_feed(struct gzip *g, const char *bytes, size_t n, struct err *e) {
    struct inflater_io io = {.in = bytes, .in_n = n};
    /* A block that came out full may have more behind it. */
    do {
        io.to = g->inflated;
        io.room = INFLATED_BYTES;
        if (!inflater_run(g->inflater, &io, e))
            return false;
        size_t made = INFLATED_BYTES - io.room;
        if (made > 0 && !g->sink(g->context, g->inflated, made, e))
            return false;
    } while (io.in_n > 0 || io.room == 0);
    return true;
}

bool reader_gzip_end(const struct gzip *g, struct err *e) {
    return inflater_end(g->inflater, e);
}
