#include "api/chain.h"

#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "tests/unit/check.h"

enum { N = 2 };

static void dense(struct chain *chain, const float *W, const double *b) {
    struct err e = {0};
    float *to = chain_dense(chain, N, &e);
    if (!CHECK(to))
        abort();
    memcpy(to, W, N * N * sizeof *W);
    chain_fold(chain);
    CHECK(!b || chain_shift(chain, b, &e));
}

static void check_predicts(struct chain *chain, const float *X, const float *wanted,
                           size_t m) {
    struct model parts = {.task = TASK_REGRESSION, .loss = LOSS_MSE};
    struct err e = {0};
    if (!CHECK_SAY(chain_finish(chain, &parts, &e), "%s", e.text))
        return;
    struct model *model = chain_model(&parts, NULL, &e);
    float *scratch = NULL, Y[8] = {0};
    if (CHECK_SAY(model && model_settle(model, &e), "%s", e.text)) {
        scratch = memory_new(model_scratch_n(model, m), sizeof *scratch);
        model_predict(model, X, m, scratch, Y);
        for (size_t i = 0; i < m * N; i++)
            CHECK_NEAR((double)Y[i], (double)wanted[i], 1e-6);
    }
    free(scratch);
    model_free(model);
}

/* What stands between an activation and the next layer goes into that one's biases, and
 * its own are added, whichever of its units a shift happens to leave at 0. */
static void shifts_add_up(void) {
    static const float identity[] = {1, 0, 0, 1}, X[] = {1, 1, 2, -3};
    static const double shift[] = {1, 2}, own[] = {10, 20};
    static const float last_zero[] = {1, 1, 0, 0}, first_zero[] = {0, 0, 1, 1};
    static const float last_wanted[] = {15, 20, 15, 20},
                       first_wanted[] = {10, 25, 10, 25};
    for (int first = 0; first < 2; first++) {
        struct chain chain;
        struct err e = {0};
        CHECK(chain_init(&chain, N, 1 << 20, &e));
        dense(&chain, identity, NULL);
        CHECK(chain_activate(&chain, ACTIVATION_RELU, 0, &e));
        CHECK(chain_shift(&chain, shift, &e));
        dense(&chain, first ? first_zero : last_zero, own);
        CHECK(chain_activate(&chain, ACTIVATION_LINEAR, 0, &e));
        check_predicts(&chain, X, first ? first_wanted : last_wanted, 2);
        chain_free(&chain);
    }
}

int main(void) {
    CHECK_RUN(shifts_add_up);
    return check_done();
}
