#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "engine/rng.h"
#include "engine/split.h"
#include "tests/unit/check.h"

enum { ROWS_MAX = 1000, CLASSES_MAX = 8 };
static uint32_t training[ROWS_MAX], validation[ROWS_MAX];
static size_t training_n, validation_n;

static bool split(const struct split_options *o, struct err *e) {
    return split_rows(o, training, &training_n, validation, &validation_n, e);
}

/* Both parts ascend, and together they are all rows. */
static bool parts_check(size_t m) {
    size_t t = 0, v = 0;
    for (uint32_t row = 0; row < m; row++) {
        if (t < training_n && training[t] == row)
            t++;
        else if (v < validation_n && validation[v] == row)
            v++;
        else
            return CHECK_SAY(false, "row %u of %zu", row, m);
    }
    return CHECK(t == training_n && v == validation_n && t && v);
}

static void every_row_once(void) {
    const double fractions[] = {1e-300, 0.1, 0.2, 0.25, 0.5, 0.75, 0.9, 1 - 0x1p-53};
    for (size_t m = 2; m <= 40; m++)
        for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
            struct split_options o = {.m = m, .fraction = fractions[i], .seed = m};
            struct err e = {0};
            double want = round((double)m * fractions[i]);
            want = fmin(fmax(want, 1), (double)m - 1);
            if (CHECK_SAY(split(&o, &e), "%s", e.text) && parts_check(m))
                CHECK_SAY(validation_n == (size_t)want, "%zu of %zu by %g", validation_n,
                          m, fractions[i]);
        }
}

static void the_seed_decides(void) {
    struct split_options o = {.m = ROWS_MAX, .fraction = 0.5, .seed = 1};
    struct err e = {0};
    static uint32_t first[ROWS_MAX / 2];
    CHECK(split(&o, &e));
    memcpy(first, validation, sizeof first);
    CHECK(split(&o, &e) && memcmp(first, validation, sizeof first) == 0);
    /* Not the order in which training draws its mini-batches. */
    static uint32_t shuffled[ROWS_MAX];
    rng_permutation(1, RNG_STREAM_SHUFFLE, shuffled, ROWS_MAX);
    size_t shared = 0;
    for (size_t i = 0; i < ROWS_MAX / 2; i++)
        for (size_t j = 0; j < ROWS_MAX / 2; j++)
            shared += shuffled[i] == validation[j];
    CHECK_SAY(shared > 200 && shared < 300, "%zu of 500 shared", shared);
    o.seed = 2;
    CHECK(split(&o, &e) && memcmp(first, validation, sizeof first) != 0);
}

/* Each row is as likely as any other. */
static void fair(void) {
    enum { M = 20, SEEDS_N = 2000 };
    int counts[M] = {0};
    for (uint64_t seed = 0; seed < SEEDS_N; seed++) {
        struct split_options o = {.m = M, .fraction = 0.25, .seed = seed};
        struct err e = {0};
        CHECK(split(&o, &e));
        for (size_t i = 0; i < validation_n; i++)
            counts[validation[i]]++;
    }
    for (int i = 0; i < M; i++) /* six standard deviations */
        CHECK_SAY(abs(counts[i] - SEEDS_N / 4) < 116, "row %d: %d times", i, counts[i]);
}

static void classes_count(const int32_t *classes, const uint32_t *rows, size_t n,
                          size_t counts[CLASSES_MAX]) {
    memset(counts, 0, CLASSES_MAX * sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[classes[rows[i]]]++;
}

/* Every class within one row of its share, the whole exact where no class is in the way.
 */
static void shares_check(const struct split_options *o, const size_t *sizes) {
    size_t kept[CLASSES_MAX], held[CLASSES_MAX];
    classes_count(o->classes, training, training_n, kept);
    classes_count(o->classes, validation, validation_n, held);
    for (size_t c = 0; c < o->classes_n; c++) {
        double share = (double)sizes[c] * o->fraction;
        CHECK(kept[c] + held[c] == sizes[c]);
        CHECK(kept[c] || !sizes[c]);
        CHECK_SAY(fabs((double)held[c] - share) < 1 - 1e-9, "class %zu: %zu of %zu", c,
                  held[c], sizes[c]);
    }
}

static void stratified(void) {
    const size_t tables[][CLASSES_MAX] = {
        {50, 50, 50},
        {90, 10},
        {997, 2, 1},
        {2, 2},
        {3, 0, 3},
        {1, 1, 1, 2},
        {7, 7, 7, 7, 7},
        {400, 1, 1, 1, 1, 1, 1, 1},
        {10, 0, 0, 0},
        {333, 333, 334},
        {5, 6, 7, 8, 9, 10, 11, 12},
    };
    const double fractions[] = {0.01, 0.1, 0.2, 0.29, 0.5, 0.9, 0.99};
    static int32_t classes[ROWS_MAX];
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
            size_t m = 0;
            for (size_t c = 0; c < CLASSES_MAX; c++)
                for (size_t i = 0; i < tables[t][c]; i++)
                    classes[m++] = (int32_t)c;
            struct split_options o = {
                .m = m, .fraction = fractions[f], .seed = t, classes, CLASSES_MAX};
            struct err e = {0};
            if (CHECK_SAY(split(&o, &e), "%s", e.text) && parts_check(m))
                shares_check(&o, tables[t]);
        }
}

/* Iris: 50 of each, so a fifth is 10 of each. */
static void equal_classes(void) {
    static int32_t classes[150];
    size_t held[CLASSES_MAX];
    struct err e = {0};
    for (int32_t i = 0; i < 150; i++)
        classes[i] = i / 50;
    struct split_options o = {150, 0.2, 3, classes, 3};
    CHECK(split(&o, &e) && validation_n == 30);
    classes_count(classes, validation, validation_n, held);
    CHECK(held[0] == 10 && held[1] == 10 && held[2] == 10);
    o.fraction = 0.21; /* 31.5 rounds to 32: 10.5 each, the first two get the halves */
    CHECK(split(&o, &e) && validation_n == 32);
    classes_count(classes, validation, validation_n, held);
    CHECK(held[0] == 11 && held[1] == 11 && held[2] == 10);
}

/* Of 6 and 9 rows a fifth is 1.2 and 1.8, together 3. */
static void largest_remainder(void) {
    static int32_t classes[15];
    size_t held[CLASSES_MAX];
    struct err e = {0};
    for (int32_t i = 6; i < 15; i++)
        classes[i] = 1;
    struct split_options o = {15, 0.2, 3, classes, 2};
    CHECK(split(&o, &e) && validation_n == 3);
    classes_count(classes, validation, validation_n, held);
    CHECK(held[0] == 1 && held[1] == 2);
}

static void refused(void) {
    const double fractions[] = {0, 1, -0.5, 1.5, NAN, INFINITY};
    struct split_options o = {.m = 10};
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        struct err e = {0};
        o.fraction = fractions[i];
        CHECK_SAY(!split(&o, &e) && e.kind == ERR_RANGE, "%g", fractions[i]);
    }
    o.fraction = 0.5;
    for (o.m = 0; o.m < 2; o.m++) {
        struct err e = {0};
        CHECK(!split(&o, &e) && e.kind == ERR_RANGE);
        CHECK_TEXT(e.text, "a split into training and validation takes two rows or more");
    }
    struct err e = {0};
    o.m = (size_t)UINT32_MAX + 1;
    CHECK(!split(&o, &e) && e.kind == ERR_TOO_LARGE);
    e = (struct err){0};
    o = (struct split_options){3, 0.5, 0, (int32_t[]){2, 0, 1}, 3};
    CHECK(!split(&o, &e) && e.kind == ERR_RANGE);
    e = (struct err){0};
    o = (struct split_options){2, 0.5, 0, (int32_t[]){0, 0}, SIZE_MAX / 4};
    CHECK(!split(&o, &e) && e.kind == ERR_NO_MEMORY);
}

int main(void) {
    CHECK_RUN(every_row_once);
    CHECK_RUN(the_seed_decides);
    CHECK_RUN(fair);
    CHECK_RUN(stratified);
    CHECK_RUN(equal_classes);
    CHECK_RUN(largest_remainder);
    CHECK_RUN(refused);
    return check_done();
}
