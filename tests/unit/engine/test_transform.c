#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/rng.h"
#include "engine/transform.h"
#include "tests/unit/check.h"

enum { ROWS_N = 501, COLUMNS_N = 19 };
static float X[ROWS_N * COLUMNS_N], out[ROWS_N * COLUMNS_N];

/* Columns of very different places and widths, some of them constant. */
static void draw(void) {
    rng_normal(1, 0, X, ROWS_N * COLUMNS_N);
    for (size_t i = 0; i < ROWS_N * COLUMNS_N; i++) {
        size_t j = i % COLUMNS_N;
        X[i] = X[i] * powf(10, (float)j - 9) + (j % 2 ? 1000 : 0);
        if (j >= COLUMNS_N - 2)
            X[i] = j % 2 ? 0.1f : 0;
    }
}

static double mean_of(size_t j) {
    double sum = 0;
    for (size_t i = 0; i < ROWS_N; i++)
        sum += (double)X[i * COLUMNS_N + j];
    return sum / ROWS_N;
}

static double deviation_of(size_t j) {
    double sum = 0, mean = mean_of(j);
    for (size_t i = 0; i < ROWS_N; i++)
        sum += pow((double)X[i * COLUMNS_N + j] - mean, 2);
    return sqrt(sum / ROWS_N);
}

static void standard(void) {
    struct transform t;
    struct err e = {0};
    draw();
    if (!CHECK_SAY(transform_learn(&t, NORMALIZE_STANDARD, X, ROWS_N, COLUMNS_N, &e),
                   "%s", e.text))
        return;
    transform_apply(&t, X, ROWS_N, out);
    for (size_t j = 0; j < COLUMNS_N; j++) {
        bool constant = deviation_of(j) < 1e-15;
        double scale = constant ? 1 : 1 / deviation_of(j);
        CHECK_SAY(fabs((double)t.scale[j] / scale - 1) < 1e-6, "column %zu: %g, not %g",
                  j, (double)t.scale[j], scale);
        CHECK_NEAR((double)t.offset[j], mean_of(j), 1e-6);
        for (size_t i = j; i < ROWS_N * COLUMNS_N; i += COLUMNS_N)
            if (constant)
                CHECK(out[i] == 0);
            else
                CHECK(out[i] == (X[i] - t.offset[j]) * t.scale[j]);
    }
    memcpy(out, X, sizeof X);
    transform_apply(&t, out, ROWS_N, out);
    transform_apply(&t, X, ROWS_N, X);
    CHECK(memcmp(out, X, sizeof X) == 0);
    transform_free(&t);
}

static void minmax(void) {
    struct transform t;
    struct err e = {0};
    draw();
    if (!CHECK(transform_learn(&t, NORMALIZE_MINMAX, X, ROWS_N, COLUMNS_N, &e)))
        return;
    transform_apply(&t, X, ROWS_N, out);
    for (size_t j = 0; j < COLUMNS_N; j++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = j; i < ROWS_N * COLUMNS_N; i += COLUMNS_N) {
            low = fmin(low, (double)out[i]);
            high = fmax(high, (double)out[i]);
        }
        CHECK(low == 0);
        CHECK(deviation_of(j) < 1e-15 ? high == 0 : fabs(high - 1) < 1e-6);
    }
    transform_free(&t);
}

/* The textbook's one pass with squares loses all digits here. */
static void a_narrow_column_far_away(void) {
    const float far[] = {16777210, 16777211, 16777212, 16777213};
    struct transform t;
    struct err e = {0};
    CHECK(transform_learn(&t, NORMALIZE_STANDARD, far, 4, 1, &e));
    CHECK_NEAR((double)t.scale[0], 1 / sqrt(1.25), 1e-6);
    transform_free(&t);
}

static void scales_outside_float(void) {
    const float wide[] = {-3e38f, 3e38f}, narrow[] = {0, FLT_TRUE_MIN};
    struct transform t;
    for (int kind = NORMALIZE_STANDARD; kind < NORMALIZES_N; kind++) {
        struct err e = {0};
        CHECK(!transform_learn(&t, (enum normalize)kind, wide, 2, 1, &e));
        CHECK(e.kind == ERR_RANGE && !t.offset && !t.scale);
        e = (struct err){0};
        CHECK(!transform_learn(&t, (enum normalize)kind, narrow, 2, 1, &e));
        CHECK(e.kind == ERR_RANGE);
    }
}

/* Columns that stay as they are may be as wide or narrow as they like; the others are
 * scaled as if alone. */
static void some(void) {
    unsigned char scaled[COLUMNS_N];
    struct transform all, part;
    draw();
    for (int kind = NORMALIZE_STANDARD; kind < NORMALIZES_N; kind++) {
        struct err e = {0};
        for (size_t j = 0; j < COLUMNS_N; j++)
            scaled[j] = j % 3 == 1;
        CHECK(transform_learn(&all, (enum normalize)kind, X, ROWS_N, COLUMNS_N, &e));
        for (size_t i = 0; i < ROWS_N; i++)
            X[i * COLUMNS_N] = i % 2 ? 3e38f : -3e38f;
        CHECK(transform_learn_some(&part, (enum normalize)kind, X, ROWS_N, COLUMNS_N,
                                   scaled, &e));
        transform_apply(&part, X, ROWS_N, out);
        for (size_t j = 0; j < COLUMNS_N; j++) {
            CHECK(part.offset[j] == (scaled[j] ? all.offset[j] : 0));
            CHECK(part.scale[j] == (scaled[j] ? all.scale[j] : 1));
            for (size_t i = j; !scaled[j] && i < ROWS_N * COLUMNS_N; i += COLUMNS_N)
                CHECK(out[i] == X[i]);
        }
        transform_free(&part);
        scaled[0] = 1;
        CHECK(!transform_learn_some(&part, (enum normalize)kind, X, ROWS_N, COLUMNS_N,
                                    scaled, &e));
        CHECK(e.kind == ERR_RANGE);
        draw();
        transform_free(&all);
    }
}

static void none(void) {
    struct transform t;
    struct err e = {0};
    draw();
    CHECK(transform_learn(&t, NORMALIZE_NONE, X, ROWS_N, COLUMNS_N, &e));
    transform_apply(&t, X, ROWS_N, out);
    CHECK(memcmp(out, X, sizeof X) == 0);
    transform_apply(&t, X, ROWS_N, X);
    CHECK(memcmp(out, X, sizeof X) == 0);
    transform_free(&t);
    CHECK_TEXT(normalize_name(NORMALIZE_MINMAX), "minmax");
}

int main(void) {
    CHECK_RUN(standard);
    CHECK_RUN(minmax);
    CHECK_RUN(a_narrow_column_far_away);
    CHECK_RUN(scales_outside_float);
    CHECK_RUN(some);
    CHECK_RUN(none);
    return check_done();
}
