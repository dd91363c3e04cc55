/* import_safetensors under every orientation: what is read predicts. */
#include "tests/fuzz/fuzz.h"

#include "api/import.h"
#include "engine/memory.h"

enum { WIDTH_MAX = 1 << 12 };

static void model_check(struct model *model) {
    const struct net *net = model->net;
    if (net->inputs_n > WIDTH_MAX || net->units_max > WIDTH_MAX)
        return;
    float *X = memory_new(net->inputs_n, sizeof *X);
    float *Y = memory_new(net->outputs_n, sizeof *Y);
    float *scratch = memory_new(model_scratch_n(model, 1), sizeof *scratch);
    PROMISE(X && Y && scratch);
    for (size_t i = 0; i < net->block_n; i++)
        PROMISE(net->params[i] - net->params[i] == 0);
    struct err e = {0};
    PROMISE(model_settle(model, &e));
    model_predict(model, X, 1, scratch, Y);
    free(X);
    free(Y);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const struct import_options options[] = {
        {.orientation = NULL},
        {.orientation = "in_out", .activations = "tanh,softmax"},
        {.orientation = "out_in", .activations = "sigmoid"},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct err e = {0};
        struct model *model = import_safetensors(data, n, &options[i], &e);
        PROMISE(model || (e.kind != ERR_NONE && e.text[0]));
        if (model)
            model_check(model);
        model_free(model);
    }
    return 0;
}
