#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/activation.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

enum { GRID_N = 400000 };
static float grid[GRID_N], values[GRID_N];

/* Magnitudes from 1e-38 to 1e38 and a fine grid over +-100, both signs, and the borders.
 */
static void grid_fill(void) {
    static const float borders[] = {0,        -0.0f,        FLT_MAX,  -FLT_MAX,  FLT_MIN,
                                    -FLT_MIN, FLT_TRUE_MIN, 0.625f,   -0.625f,   87.33f,
                                    -87.33f,  -87.4f,       88.8f,    -1000.0f,  1e-7f,
                                    0.34657f, -0.34658f,    INFINITY, -INFINITY, 1e-20f};
    for (size_t i = 0; i < GRID_N; i++) {
        double at = (double)(i / 2) / (GRID_N / 2.0), size;
        size = i % 4 < 2 ? at * 100 : pow(10, -38 + 76 * at);
        grid[i] = (float)(i % 2 ? size : -size);
    }
    memcpy(grid, borders, sizeof borders);
}

static double naive(enum activation g, double slope, double z) {
    switch (g) {
    case ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-z));
    case ACTIVATION_TANH:
        return tanh(z);
    case ACTIVATION_RELU:
        return z > 0 ? z : 0;
    case ACTIVATION_LEAKY_RELU:
        return z > 0 ? z : slope * z;
    case ACTIVATION_ELU:
        return z > 0 ? z : slope * expm1(z);
    case ACTIVATION_SOFTPLUS:
        return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
    default:
        return z;
    }
}

static double naive_derivative(enum activation g, double slope, double a) {
    switch (g) {
    case ACTIVATION_SIGMOID:
        return a * (1 - a);
    case ACTIVATION_TANH:
        return 1 - a * a;
    case ACTIVATION_RELU:
        return a > 0 ? 1 : 0;
    case ACTIVATION_LEAKY_RELU:
        return a > 0 ? 1 : slope;
    case ACTIVATION_ELU:
        return a > 0 ? 1 : slope + a;
    case ACTIVATION_SOFTPLUS:
        return -expm1(-a);
    default:
        return 1;
    }
}

static void values_are_exact_to_rounding(void) {
    const float slope = 0.2f;
    grid_fill();
    for (int g = 0; g < ACTIVATIONS_N; g++) {
        if (activation_by_rows((enum activation)g))
            continue;
        double worst = 0, worst_at = 0;
        memcpy(values, grid, sizeof grid);
        activation_apply((enum activation)g, slope, values, 1000, GRID_N / 1000);
        for (size_t i = 0; i < GRID_N; i++) {
            double want = naive((enum activation)g, (double)slope, (double)grid[i]);
            double off = fabs((double)values[i] - want);
            if (isinf(want) ? values[i] == (float)want : fabs(want) < (double)FLT_MIN)
                off = isinf(want) || off < (double)FLT_MIN ? 0 : INFINITY;
            else
                off /= fabs(want);
            if (!(off <= worst)) {
                worst = off;
                worst_at = (double)grid[i];
            }
        }
        CHECK_SAY(worst <= 4e-7, "%s is off by %g at %g",
                  activation_name((enum activation)g), worst, worst_at);
    }
}

static void derivatives(void) {
    const float slope = 0.2f;
    grid_fill();
    static float dA[GRID_N];
    for (int g = 0; g < ACTIVATIONS_N; g++) {
        if (activation_by_rows((enum activation)g))
            continue;
        memcpy(values, grid, sizeof grid);
        activation_apply((enum activation)g, slope, values, 1, GRID_N);
        for (size_t i = 0; i < GRID_N; i++)
            dA[i] = i % 3 ? 2.0f : -0.5f;
        activation_backward((enum activation)g, slope, values, dA, 1000, GRID_N / 1000);
        for (size_t i = 0; i < GRID_N; i++) {
            double want =
                (i % 3 ? 2.0 : -0.5) *
                naive_derivative((enum activation)g, (double)slope, (double)values[i]);
            if (!CHECK_SAY(fabs((double)dA[i] - want) <= 4e-7 * fabs(want) + 1e-37,
                           "%s' at %g is %g, not %g", activation_name((enum activation)g),
                           (double)grid[i], (double)dA[i], want))
                break;
        }
    }
}

static void a_slope_of_zero_is_relu(void) {
    float z[] = {-2, 0, 3}, d[] = {1, 1, 1};
    activation_apply(ACTIVATION_LEAKY_RELU, 0, z, 1, 3);
    activation_backward(ACTIVATION_LEAKY_RELU, 0, z, d, 1, 3);
    CHECK(z[0] == 0 && z[1] == 0 && z[2] == 3);
    CHECK(d[0] == 0 && d[1] == 0 && d[2] == 1);
}

static void softmax_shape(size_t m, size_t n, float spread) {
    float *Z = memory_new(m * n, sizeof *Z), *raw = memory_new(m * n, sizeof *Z);
    if (!CHECK(Z && raw))
        return;
    rng_normal(4, n, raw, m * n);
    for (size_t i = 0; i < m * n; i++)
        raw[i] *= spread;
    memcpy(Z, raw, m * n * sizeof *Z);
    activation_apply(ACTIVATION_SOFTMAX, 0, Z, m, n);
    for (size_t i = 0; i < m; i++) {
        double max = -INFINITY, sum = 0;
        for (size_t j = 0; j < n; j++)
            max = fmax(max, (double)raw[i * n + j]);
        for (size_t j = 0; j < n; j++)
            sum += exp((double)raw[i * n + j] - max);
        for (size_t j = 0; j < n; j++) {
            double want = exp((double)raw[i * n + j] - max) / sum;
            double off = fabs((double)Z[i * n + j] - want);
            /* z - max is rounded to float before its e^z is taken */
            double bound = want * (2e-6 + 1.2e-7 * (double)spread * 10) + (double)FLT_MIN;
            if (!CHECK_SAY(off <= bound, "%zux%zu: %g, not %g", m, n,
                           (double)Z[i * n + j], want))
                break;
        }
    }
    free(Z);
    free(raw);
}

static void softmax_rows_sum_to_one(void) {
    for (size_t n = 1; n < 40; n++)
        softmax_shape(37, n, 3);
    softmax_shape(500, 10, 100);
    softmax_shape(3, 4097, 2);
    float large[] = {3e38f, -3e38f, 1, 1000, 1000, 1000};
    activation_apply(ACTIVATION_SOFTMAX, 0, large, 2, 3);
    CHECK(large[0] == 1 && large[1] == 0 && large[2] == 0);
    CHECK_NEAR((double)large[4], 1.0 / 3, 1e-7);
}

static void log_softmax_is_the_log(void) {
    float z[] = {1, 2, 3, 3e38f, -3e38f, 0, -1000, -1001, -1000};
    activation_apply(ACTIVATION_LOG_SOFTMAX, 0, z, 3, 3);
    double rest = log(exp(-2) + exp(-1) + 1);
    for (int j = 0; j < 3; j++)
        CHECK_NEAR((double)z[j], j - 2 - rest, 1e-7);
    CHECK(z[3] == 0 && isinf(z[4]) && z[5] == -3e38f);
    CHECK_NEAR((double)z[7], -1 - log(2 + exp(-1)), 1e-7);
    CHECK(!activation_by_rows(ACTIVATION_ELU) && !activation_by_rows(ACTIVATION_RELU));
    CHECK(activation_by_rows(ACTIVATION_LOG_SOFTMAX));
}

static void nan_goes_through(void) {
    for (int g = 0; g < ACTIVATIONS_N; g++)
        for (size_t at = 0; at < 19; at++) {
            float Z[19];
            for (size_t i = 0; i < 19; i++)
                Z[i] = i == at ? NAN : 1;
            activation_apply((enum activation)g, 0.1f, Z, 1, 19);
            CHECK_SAY(isnan(Z[at]), "%s %zu", activation_name((enum activation)g), at);
            CHECK(activation_by_rows((enum activation)g) || !isnan(Z[(at + 1) % 19]));
        }
}

static void names(void) {
    enum activation g;
    for (int i = 0; i < ACTIVATIONS_N; i++)
        CHECK(activation_find(activation_name((enum activation)i), &g) &&
              g == (enum activation)i);
    CHECK_TEXT(activation_name(ACTIVATION_LEAKY_RELU), "leaky_relu");
    CHECK(!activation_find("Tanh", &g));
}

int main(void) {
    CHECK_RUN(values_are_exact_to_rounding);
    CHECK_RUN(derivatives);
    CHECK_RUN(a_slope_of_zero_is_relu);
    CHECK_RUN(softmax_rows_sum_to_one);
    CHECK_RUN(log_softmax_is_the_log);
    CHECK_RUN(nan_goes_through);
    CHECK_RUN(names);
    return check_done();
}
