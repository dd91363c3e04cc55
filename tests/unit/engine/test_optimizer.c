#include <math.h>
#include <string.h>

#include "engine/optimizer.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

enum { N = 5000, LANES_N = 4 };
static float params[N], before[N], parts[N], grads[LANES_N][N];
static float *const lanes[LANES_N] = {grads[0], grads[1], grads[2], grads[3]};
static const struct optimizer_options options = {OPTIMIZER_GRADIENT_DESCENT, 0.3f};

static void draw(void) {
    rng_normal(1, 0, before, N);
    memcpy(params, before, sizeof params);
    for (size_t i = 0; i < LANES_N; i++)
        rng_normal(1, i + 1, grads[i], N);
}

static void gradient_descent(void) {
    for (size_t lanes_n = 1; lanes_n <= LANES_N; lanes_n++) {
        draw();
        optimizer_update(&options, params, lanes, lanes_n, 0.01f, NULL, N - 3);
        for (size_t i = 0; i < N - 3; i++) {
            double sum = 0;
            for (size_t l = 0; l < lanes_n; l++)
                sum += (double)grads[l][i];
            CHECK(fabs((double)params[i] - ((double)before[i] - 0.3 * 0.01 * sum)) <=
                  5e-7);
        }
        CHECK(memcmp(params + N - 3, before + N - 3, 3 * sizeof *params) == 0);
    }
    CHECK(optimizer_state_n(OPTIMIZER_GRADIENT_DESCENT) == 0);
}

static void any_partition_gives_the_same_bits(void) {
    static const size_t cuts[] = {0, 1, 16, 37, 1024, 1500, 4999, N};
    draw();
    memcpy(parts, before, sizeof parts);
    optimizer_update(&options, params, lanes, LANES_N, 0.01f, NULL, N);
    for (size_t c = 0; c + 1 < sizeof cuts / sizeof *cuts; c++) {
        float *const from[LANES_N] = {grads[0] + cuts[c], grads[1] + cuts[c],
                                      grads[2] + cuts[c], grads[3] + cuts[c]};
        optimizer_update(&options, parts + cuts[c], from, LANES_N, 0.01f, NULL,
                         cuts[c + 1] - cuts[c]);
    }
    CHECK(memcmp(params, parts, sizeof params) == 0);
}

static void names(void) {
    CHECK_TEXT(optimizer_name(OPTIMIZER_GRADIENT_DESCENT), "gradient_descent");
}

int main(void) {
    CHECK_RUN(gradient_descent);
    CHECK_RUN(any_partition_gives_the_same_bits);
    CHECK_RUN(names);
    return check_done();
}
