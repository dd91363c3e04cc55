/* What deflater_pack makes inflates to the same bytes, and is left where it would not
 * help. */
#include "api/deflater.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static bool inflates_to(enum inflater_form form, const struct text *packed,
                        const char *want, size_t n) {
    const struct inflater_options options = {
        .form = form, .inflated_max = n, .ratio_max = 2000, .what = "the text"};
    struct err e = {0};
    struct inflater *f = inflater_new(&options, &e);
    char *to = malloc(n + 1);
    struct inflater_io io = {packed->data, packed->n, to, n + 1};
    bool same = f && to && inflater_run(f, &io, &e) && inflater_end(f, &e) &&
                n + 1 - io.room == n && memcmp(to, want, n) == 0;
    inflater_free(f);
    free(to);
    return same;
}

/* JSON of n bytes, or n bytes of noise. */
static struct text sample(size_t n, bool noise) {
    struct text t = {0};
    uint64_t state = 1;
    while (t.n < n && !noise)
        text_format(&t, "[0.%08u,1],", (unsigned)(t.n * 2654435761u % 100000000));
    while (t.n < n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        text_bytes(&t, (const char *)&state + 4, 4);
    }
    t.n = n;
    return t;
}

static void test_sizes(void) {
    for (int form = 0; form < 2; form++) {
        for (size_t n = 200; n < 3000000; n = n * 3 / 2) {
            struct text t = sample(n, false);
            char *before = malloc(n);
            if (!before)
                abort();
            memcpy(before, t.data, n);
            CHECK_SAY(deflater_pack((enum inflater_form)form, &t), "%zu bytes", n);
            CHECK_SAY(t.n < n * 7 / 10, "%zu bytes from %zu", t.n, n);
            CHECK_SAY(inflates_to((enum inflater_form)form, &t, before, n), "%zu bytes",
                      n);
            free(before);
            text_free(&t);
        }
    }
}

static void test_left(void) {
    static const size_t sizes[] = {1, 10, 1000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct text t = sample(sizes[i], true), same = sample(sizes[i], true);
        CHECK_SAY(!deflater_pack(INFLATER_GZIP, &t), "%zu bytes of noise", sizes[i]);
        CHECK(t.n == sizes[i] && memcmp(t.data, same.data, t.n) == 0);
        text_free(&t);
        text_free(&same);
    }
    struct text empty = {0}, failed = {.failed = true};
    CHECK(!deflater_pack(INFLATER_GZIP, &empty) && !empty.data);
    CHECK(!deflater_pack(INFLATER_GZIP, &failed) && failed.failed);
}

int main(void) {
    CHECK_RUN(test_sizes);
    CHECK_RUN(test_left);
    return check_done();
}
