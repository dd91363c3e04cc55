/* inflater: the same bytes or an error however the input is cut, never past its limits.
 * The first byte says which form, the second how it is cut. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "api/inflater.h"

enum { INFLATED_MAX = 5 << 18 };

struct result {
    char *bytes; /* (INFLATED_MAX + room) */
    size_t n;
    struct err e;
};

static struct result inflate_cut(enum inflater_form form, const uint8_t *data, size_t n,
                                 size_t in_max, size_t room) {
    struct result r = {malloc(INFLATED_MAX + room), 0, {0}};
    const struct inflater_options options = {.form = form,
                                             .inflated_max = INFLATED_MAX,
                                             .ratio_max = INFLATER_RATIO_MAX,
                                             .what = "the body"};
    struct inflater *f = inflater_new(&options, &r.e);
    PROMISE(f && r.bytes);
    bool ok = true;
    for (size_t at = 0; ok && at < n;) {
        size_t piece = n - at < in_max ? n - at : in_max;
        struct inflater_io io = {.in = (const char *)data + at, .in_n = piece};
        do {
            io.to = r.bytes + r.n;
            io.room = room;
            ok = inflater_run(f, &io, &r.e);
            PROMISE(io.room <= room && io.in_n <= piece);
            r.n += room - io.room;
            PROMISE(!ok || r.n <= INFLATED_MAX);
        } while (ok && (io.in_n > 0 || io.room == 0));
        at += piece;
    }
    ok = ok && inflater_end(f, &r.e);
    PROMISE(ok == !r.e.kind && (ok || r.e.text[0]));
    inflater_free(f);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 2)
        return 0;
    enum inflater_form form = data[0] & 1 ? INFLATER_DEFLATE : INFLATER_GZIP;
    size_t cut = 1 + data[1] % 64;
    struct result whole = inflate_cut(form, data + 2, n - 2, n, 64 << 10);
    struct result pieces = inflate_cut(form, data + 2, n - 2, cut, 1024 + data[1]);
    /* How large a ratio was in between depends on where one looks. */
    if (whole.e.kind != ERR_TOO_LARGE && pieces.e.kind != ERR_TOO_LARGE) {
        PROMISE(!whole.e.kind == !pieces.e.kind);
        PROMISE(whole.e.kind || whole.n == pieces.n);
        PROMISE(whole.e.kind || !whole.n || !memcmp(whole.bytes, pieces.bytes, whole.n));
    }
    free(whole.bytes);
    free(pieces.bytes);
    return 0;
}
