/* onnx_import: what is read predicts, and comes back through onnx_export as the same net.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "api/onnx.h"
#include "engine/memory.h"

enum { ROWS = 2, WIDTH_MAX = 1 << 12 };

static void model_check(struct model *model) {
    const struct net *net = model->net;
    if (net->inputs_n > WIDTH_MAX || net->units_max > WIDTH_MAX ||
        net->parameters_n > 1 << 16)
        return;
    float *X = memory_new(ROWS * net->inputs_n, sizeof *X);
    float *Y = memory_new(ROWS * net->outputs_n, sizeof *Y);
    float *again = memory_new(ROWS * net->outputs_n, sizeof *again);
    float *scratch = memory_new(model_scratch_n(model, ROWS), sizeof *scratch);
    PROMISE(X && Y && again && scratch);
    struct err e = {0};
    size_t n;
    void *bytes = onnx_export(model, "m", &n, &e);
    PROMISE(bytes);
    struct model *back = onnx_import(bytes, n, NULL, &e);
    PROMISE(back && back->task == model->task);
    PROMISE(model_settle(model, &e) && model_settle(back, &e));
    model_predict(model, X, ROWS, scratch, Y);
    model_predict(back, X, ROWS, scratch, again);
    for (size_t i = 0; i < ROWS * net->outputs_n; i++)
        PROMISE(Y[i] == again[i] || (Y[i] != Y[i] && again[i] != again[i]));
    model_free(back);
    free(bytes);
    free(X);
    free(Y);
    free(again);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct err e = {0};
    struct model *model = onnx_import(data, n, NULL, &e);
    PROMISE(model || (e.kind != ERR_NONE && e.text[0]));
    PROMISE(model || e.kind == ERR_INVALID || e.kind == ERR_TOO_LARGE);
    if (model)
        model_check(model);
    model_free(model);
    return 0;
}
