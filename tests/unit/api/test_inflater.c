/* Gzip, zlib and bare deflate, cut anywhere; what they may hold, and bombs. */
#include "api/inflater.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "tests/unit/check.h"

/* zlib's window bits of each form. */
enum { GZIP = 15 + 16, ZLIB = 15, BARE = -15 };

struct bytes {
    char *data; /* owned */
    size_t n;
};

static struct bytes bytes_new(size_t n) {
    struct bytes b = {malloc(n + 1), n};
    if (!b.data)
        abort();
    return b;
}

static struct bytes deflated(const char *from, size_t n, int bits) {
    z_stream z = {0};
    struct bytes b = bytes_new(n + 256);
    if (deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (unsigned char *)(uintptr_t)from;
    z.avail_in = (uInt)n;
    z.next_out = (unsigned char *)b.data;
    z.avail_out = (uInt)b.n;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    b.n -= z.avail_out;
    deflateEnd(&z);
    return b;
}

static struct bytes joined(struct bytes a, struct bytes b) {
    struct bytes both = bytes_new(a.n + b.n);
    memcpy(both.data, a.data, a.n);
    memcpy(both.data + a.n, b.data, b.n);
    free(a.data);
    free(b.data);
    return both;
}

struct cuts {
    size_t in_n, room; /* the largest pieces */
};

static const struct inflater_options of_body = {
    .inflated_max = 8 << 20, .ratio_max = INFLATER_RATIO_MAX, .what = "the body"};

/* Inflates in pieces into to[0..capacity). @return how much came out, with *e. */
static size_t inflate_cut(const struct inflater_options *o, struct bytes from,
                          struct cuts cuts, char *to, size_t capacity, struct err *e) {
    size_t made = 0;
    bool ok = true;
    *e = (struct err){0};
    struct inflater *f = inflater_new(o, e);
    if (!CHECK(f))
        return 0;
    for (size_t at = 0; ok && at < from.n;) {
        size_t n = from.n - at < cuts.in_n ? from.n - at : cuts.in_n, room;
        struct inflater_io io = {.in = from.data + at, .in_n = n};
        do {
            room = capacity - made < cuts.room ? capacity - made : cuts.room;
            io.to = to + made;
            io.room = room;
            ok = CHECK(room > 0) && inflater_run(f, &io, e);
            made += room - io.room;
        } while (ok && (io.in_n > 0 || io.room == 0));
        at += n;
    }
    ok = ok && inflater_end(f, e);
    CHECK(ok == (e->kind == ERR_NONE));
    inflater_free(f);
    return made;
}

static const struct cuts all_cuts[] = {{1, 1},  {1, 4096}, {4096, 1},         {2, 3},
                                       {3, 64}, {7, 100},  {1 << 20, 1 << 20}};
enum { CUTS_N = sizeof all_cuts / sizeof *all_cuts };

static void check_inflates(enum inflater_form form, struct bytes from, const char *want,
                           size_t want_n) {
    struct inflater_options o = of_body;
    o.form = form;
    struct bytes to = bytes_new(want_n + 4096);
    for (size_t i = 0; i < CUTS_N; i++) {
        struct err e;
        size_t n = inflate_cut(&o, from, all_cuts[i], to.data, to.n, &e);
        CHECK_SAY(!e.kind && n == want_n && memcmp(to.data, want, n) == 0,
                  "cut %zu: %zu bytes, %s", i, n, e.text);
    }
    free(to.data);
}

static void check_refused(enum inflater_form form, struct bytes from, const char *text) {
    struct inflater_options o = of_body;
    o.form = form;
    struct bytes to = bytes_new(1 << 16);
    for (size_t i = 0; i < CUTS_N; i++) {
        struct err e;
        inflate_cut(&o, from, all_cuts[i], to.data, to.n, &e);
        CHECK_SAY(e.kind == ERR_INVALID && strstr(e.text, text), "cut %zu: %s", i,
                  e.text);
    }
    free(to.data);
}

static const char TEXT[] = "{\"instances\":[[1,2,3],[1,2,3],[1,2,3],[1,2,4]]}";
enum { TEXT_N = sizeof TEXT - 1 };

static void test_forms(void) {
    static const struct {
        enum inflater_form form;
        int bits;
    } cases[] = {
        {INFLATER_GZIP, GZIP}, {INFLATER_DEFLATE, ZLIB}, {INFLATER_DEFLATE, BARE}};
    for (size_t i = 0; i < 3; i++) {
        struct bytes whole = deflated(TEXT, TEXT_N, cases[i].bits);
        struct bytes nothing = deflated("", 0, cases[i].bits);
        check_inflates(cases[i].form, whole, TEXT, TEXT_N);
        check_inflates(cases[i].form, nothing, "", 0);
        for (size_t cut = 1; cut < whole.n; cut++)
            check_refused(cases[i].form, (struct bytes){whole.data, cut},
                          cases[i].form ? "the body ends inside its deflate stream"
                                        : "the body ends inside its gzip stream");
        free(whole.data);
        free(nothing.data);
    }
    check_inflates(INFLATER_GZIP, (struct bytes){NULL, 0}, "", 0);
    check_inflates(INFLATER_DEFLATE, (struct bytes){NULL, 0}, "", 0);
}

/* Each window that zlib knows, and each level's first bytes. */
static void test_headers(void) {
    for (int bits = 9; bits <= 15; bits++) {
        struct bytes b = deflated(TEXT, TEXT_N, bits);
        check_inflates(INFLATER_DEFLATE, b, TEXT, TEXT_N);
        free(b.data);
        b = deflated(TEXT, TEXT_N, -bits);
        check_inflates(INFLATER_DEFLATE, b, TEXT, TEXT_N);
        free(b.data);
    }
}

static void test_members(void) {
    struct bytes b = joined(deflated(TEXT, 10, GZIP), deflated("", 0, GZIP));
    b = joined(b, deflated(TEXT + 10, TEXT_N - 10, GZIP));
    check_inflates(INFLATER_GZIP, b, TEXT, TEXT_N);
    free(b.data);
    b = joined(deflated(TEXT, TEXT_N, ZLIB), deflated(TEXT, TEXT_N, ZLIB));
    check_refused(INFLATER_DEFLATE, b, "is not deflate: the stream has ended");
    free(b.data);
}

static void test_behind(void) {
    for (int i = 0; i < 3; i++) {
        struct bytes b = joined(deflated(TEXT, TEXT_N, (int[]){GZIP, ZLIB, BARE}[i]),
                                (struct bytes){strdup("\n"), 1});
        check_refused(i ? INFLATER_DEFLATE : INFLATER_GZIP, b,
                      i ? "the stream has ended" : "the body ends inside");
        free(b.data);
    }
    struct bytes b =
        joined(deflated(TEXT, TEXT_N, GZIP), (struct bytes){strdup("garbage"), 7});
    check_refused(INFLATER_GZIP, b, "is not gzip: incorrect header check");
    free(b.data);
}

static void test_broken(void) {
    struct bytes b = deflated(TEXT, TEXT_N, GZIP);
    b.data[b.n - 1] ^= 1;
    check_refused(INFLATER_GZIP, b, "incorrect length check");
    b.data[b.n - 1] ^= 1;
    b.data[b.n - 5] ^= 1;
    check_refused(INFLATER_GZIP, b, "incorrect data check");
    check_refused(INFLATER_DEFLATE, b, "is not deflate");
    free(b.data);
    b = deflated(TEXT, TEXT_N, ZLIB);
    b.data[b.n - 1] ^= 1;
    check_refused(INFLATER_DEFLATE, b, "incorrect data check");
    check_refused(INFLATER_GZIP, b, "byte ");
    free(b.data);
    check_refused(INFLATER_GZIP, (struct bytes){(char *)(uintptr_t)TEXT, TEXT_N},
                  "incorrect header check");
    check_refused(INFLATER_DEFLATE,
                  (struct bytes){(char *)(uintptr_t) "\x78\xbb\0\0\0\1", 6},
                  "a dictionary is needed");
}

static struct err bomb_error(const struct inflater_options *o, struct cuts cuts) {
    enum { BYTES = 4 << 20 };
    struct bytes zeros = bytes_new(BYTES), to = bytes_new(BYTES + 4096);
    struct err e;
    memset(zeros.data, 0, BYTES);
    struct bytes bomb = deflated(zeros.data, BYTES, ZLIB);
    size_t n = inflate_cut(o, bomb, cuts, to.data, to.n, &e);
    CHECK(n <= BYTES);
    CHECK_SAY(e.kind || n == BYTES, "%zu", n);
    free(bomb.data);
    free(zeros.data);
    free(to.data);
    return e;
}

static void test_bombs(void) {
    static const struct cuts cuts[] = {{1, 4096}, {4096, 65536}, {1 << 20, 1000}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct inflater_options o = of_body;
        o.form = INFLATER_DEFLATE;
        struct err e = bomb_error(&o, cuts[i]);
        CHECK(e.kind == ERR_TOO_LARGE);
        CHECK_TEXT(e.text, "the body inflates to more than 200 times its size");
        o.ratio_max = 2000;
        CHECK(bomb_error(&o, cuts[i]).kind == ERR_NONE);
        o.inflated_max = 4 << 20;
        CHECK(bomb_error(&o, cuts[i]).kind == ERR_NONE);
        o.inflated_max--;
        e = bomb_error(&o, cuts[i]);
        CHECK(e.kind == ERR_TOO_LARGE);
        CHECK_TEXT(e.text, "the body inflates to more than 4194303 bytes");
    }
}

int main(void) {
    CHECK_RUN(test_forms);
    CHECK_RUN(test_headers);
    CHECK_RUN(test_members);
    CHECK_RUN(test_behind);
    CHECK_RUN(test_broken);
    CHECK_RUN(test_bombs);
    return check_done();
}
