#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/loss.h"
#include "engine/rng.h"
#include "tests/unit/check.h"
#include "tests/unit/engine/twin.h"

enum { FLOATS = 6000 };
static float raw[FLOATS], Z[FLOATS], Y[FLOATS], weights[FLOATS];
static int32_t classes[FLOATS];

static void draw(enum loss loss, size_t m, size_t k, float spread) {
    rng_normal(m, k, raw, m * k);
    rng_uniform(m, k + 1, Y, m * k);
    for (size_t i = 0; i < m * k; i++) {
        raw[i] *= spread;
        if (loss == LOSS_BINARY_CROSS_ENTROPY && i % 5)
            Y[i] = Y[i] < 0.5f ? 0 : 1; /* and now and then a soft target */
    }
    for (size_t i = 0; i < m; i++)
        classes[i] = (int32_t)(i * 7 % k);
    memcpy(Z, raw, sizeof raw);
}

static void compare_with(enum loss loss, enum activation g, size_t m, size_t k,
                         float spread, const float *weighing) {
    draw(loss, m, k, spread);
    struct targets targets = {.values = Y, .classes = classes, .weights = weighing};
    struct twin_output output = {loss, g, 0.1, k};
    double got = loss_fuse(loss, g, 0.1f, Z, targets, m, k), want = 0;
    for (size_t i = 0; i < m; i++) {
        double z[FLOATS], dz[FLOATS];
        for (size_t j = 0; j < k; j++)
            z[j] = (double)raw[i * k + j];
        want += twin_loss(&output, z, targets_from(targets, i, k));
        for (size_t j = 0; j < k; j++) {
            dz[j] = twin_loss_slope(&output, z, targets_from(targets, i, k), j);
            if (!CHECK_SAY(fabs((double)Z[i * k + j] - dz[j]) <=
                               2e-6 * (1 + (double)spread) * fmax(fabs(dz[j]), 1),
                           "%s of %s, %zux%zu: dZ %g, not %g at z %g", loss_name(loss),
                           activation_name(g), m, k, (double)Z[i * k + j], dz[j], z[j]))
                return;
        }
    }
    CHECK_SAY(fabs(got - want) <= 1e-6 * want, "%s of %s, %zux%zu: %.9g, not %.9g",
              loss_name(loss), activation_name(g), m, k, got, want);
}

static void compare(enum loss loss, enum activation g, size_t m, size_t k, float spread) {
    compare_with(loss, g, m, k, spread, NULL);
    compare_with(loss, g, m, k, spread, weights);
}

static void against_the_definitions(void) {
    rng_uniform(4, 4, weights, FLOATS);
    weights[2] = 0;
    weights[3] = 2;
    static const size_t shapes[][2] = {{1, 1},  {7, 1},   {600, 1},  {1, 3},
                                       {33, 5}, {511, 9}, {600, 10}, {2, 3000}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int loss = 0; loss < LOSSES_N; loss++)
            for (int g = 0; g < ACTIVATIONS_N; g++)
                if (loss_fits((enum loss)loss, (enum activation)g)) {
                    compare((enum loss)loss, (enum activation)g, shapes[s][0],
                            shapes[s][1], 1);
                    compare((enum loss)loss, (enum activation)g, shapes[s][0],
                            shapes[s][1], 8);
                }
}

static void one_binary(float z, float y, double loss, double dz) {
    float Zone[] = {z};
    double got = loss_fuse(LOSS_BINARY_CROSS_ENTROPY, ACTIVATION_SIGMOID, 0, Zone,
                           (struct targets){.values = &y}, 1, 1);
    CHECK_SAY(fabs(got - loss) <= 1e-6 * loss, "z %g y %g: %g, not %g", (double)z,
              (double)y, got, loss);
    CHECK_SAY(fabs((double)Zone[0] - dz) <= 1e-6 * fabs(dz), "z %g y %g: dZ %g, not %g",
              (double)z, (double)y, (double)Zone[0], dz);
}

/* The digits of a tiny loss stay, and of a large one. */
static void saturated(void) {
    one_binary(50, 1, exp(-50), 0);
    one_binary(-50, 0, exp(-50), exp(-50));
    one_binary(50, 0, 50, 1);
    one_binary(-50, 1, 50, -1);
    one_binary(3e38f, 0, (double)3e38f, 1);
    one_binary(-3e38f, 1, (double)3e38f, -1);
    one_binary(3e38f, 1, 0, 0);
    one_binary(0, 0.25f, log(2), 0.25);
    static const struct {
        float z[3];
        int32_t class;
        double loss;
    } rows[] = {
        {{20, 0, 0}, 0, 4.1223072363804146e-09},
        {{-20, 0, 20}, 0, 40 + 2.0611536e-09},
        {{3e38f, 0, -3e38f}, 0, 0},
        {{1e30f, 0, 0}, 1, (double)1e30f},
        {{1000, 1000, 1000}, 2, 1.0986122886681098},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float z[3];
        memcpy(z, rows[i].z, sizeof z);
        double got = loss_fuse(LOSS_CROSS_ENTROPY, ACTIVATION_SOFTMAX, 0, z,
                               (struct targets){.classes = &rows[i].class}, 1, 3);
        CHECK_SAY(fabs(got - rows[i].loss) <= 1e-6 * rows[i].loss, "row %zu: %g", i, got);
        CHECK(isfinite(z[0]) && isfinite(z[1]) && isfinite(z[2]));
    }
    float z[] = {3e38f}, y[] = {-3e38f};
    CHECK(isfinite(loss_fuse(LOSS_MSE, ACTIVATION_LINEAR, 0, z,
                             (struct targets){.values = y}, 1, 1)) == 0);
    z[0] = 2e25f, y[0] = 0;
    CHECK_NEAR(loss_fuse(LOSS_MSE, ACTIVATION_LINEAR, 0, z, (struct targets){.values = y},
                         1, 1) /
                   2e50,
               1, 1e-6);
}

/* Weights of 1 change no bit, but for mse, whose sum has its own order with them. */
static void weights_of_one(void) {
    static float plain[FLOATS];
    for (size_t i = 0; i < FLOATS; i++)
        weights[i] = 1;
    for (int loss = 0; loss < LOSSES_N; loss++) {
        enum activation g = loss == LOSS_BINARY_CROSS_ENTROPY ? ACTIVATION_SIGMOID
                            : loss == LOSS_CROSS_ENTROPY      ? ACTIVATION_SOFTMAX
                                                              : ACTIVATION_TANH;
        struct targets targets = {.values = Y, .classes = classes};
        draw((enum loss)loss, 700, 3, 2);
        double want = loss_fuse((enum loss)loss, g, 0, Z, targets, 700, 3);
        memcpy(plain, Z, sizeof plain);
        memcpy(Z, raw, sizeof Z);
        targets.weights = weights;
        double got = loss_fuse((enum loss)loss, g, 0, Z, targets, 700, 3);
        CHECK(memcmp(plain, Z, sizeof plain) == 0);
        CHECK(loss == LOSS_MSE ? fabs(got - want) <= 1e-12 * want : got == want);
    }
}

static void what_is_not_finite_shows(void) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int loss = 0; loss < LOSSES_N; loss++)
        for (int g = 0; g < ACTIVATIONS_N; g++)
            for (size_t at = 0; loss_fits((enum loss)loss, (enum activation)g) && at < 21;
                 at++) {
                draw((enum loss)loss, 7, 3, 1);
                Z[at] = NAN;
                struct targets targets = {.values = Y, .classes = classes};
                CHECK_SAY(!isfinite(loss_fuse((enum loss)loss, (enum activation)g, 0.1f,
                                              Z, targets, 7, 3)),
                          "%s %s %zu", loss_name((enum loss)loss),
                          activation_name((enum activation)g), at);
            }
    for (size_t i = 0; i < 3; i++) { /* where no saturation hides it */
        draw(LOSS_MSE, 7, 3, 1);
        Z[4] = bad[i];
        struct targets targets = {.values = Y};
        CHECK(!isfinite(loss_fuse(LOSS_MSE, ACTIVATION_LINEAR, 0, Z, targets, 7, 3)));
        draw(LOSS_MSE, 7, 3, 1);
        Y[4] = bad[i];
        CHECK(!isfinite(loss_fuse(LOSS_BINARY_CROSS_ENTROPY, ACTIVATION_SIGMOID, 0, Z,
                                  targets, 7, 3)));
    }
}

static void fitting(void) {
    CHECK(!loss_fits(LOSS_MSE, ACTIVATION_SOFTMAX));
    CHECK(!loss_fits(LOSS_CROSS_ENTROPY, ACTIVATION_SIGMOID));
    CHECK(!loss_fits(LOSS_BINARY_CROSS_ENTROPY, ACTIVATION_SOFTMAX));
    for (int g = ACTIVATION_SOFTMAX + 1; g < ACTIVATIONS_N; g++)
        for (int l = 0; l < LOSSES_N; l++)
            CHECK(!loss_fits((enum loss)l, (enum activation)g));
    CHECK(loss_fits(LOSS_BINARY_CROSS_ENTROPY, ACTIVATION_SIGMOID));
    enum loss loss;
    for (int i = 0; i < LOSSES_N; i++)
        CHECK(loss_find(loss_name((enum loss)i), &loss) && loss == (enum loss)i);
    CHECK(!loss_find("log", &loss));
    CHECK_TEXT(loss_name(LOSS_BINARY_CROSS_ENTROPY), "binary_cross_entropy");
}

int main(void) {
    CHECK_RUN(against_the_definitions);
    CHECK_RUN(weights_of_one);
    CHECK_RUN(saturated);
    CHECK_RUN(what_is_not_finite_shows);
    CHECK_RUN(fitting);
    return check_done();
}
