/* safetensors_decode and model_file_decode: every byte of a tensor is within the file,
 * and a model that is accepted predicts and answers. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <string.h>

#include "api/model_file.h"
#include "api/predict.h"
#include "api/safetensors.h"
#include "engine/memory.h"

/* The bytes are summed, so that a sanitizer sees each read. */
static void tensors_check(const struct safetensors *file, const uint8_t *data, size_t n) {
    unsigned sum = 0;
    size_t total = 0;
    for (size_t i = 0; i < file->tensors_n; i++) {
        const struct tensor *t = &file->tensors[i];
        size_t bytes = t->rows_n * (t->columns_n ? t->columns_n : 1) * 4;
        const uint8_t *at = t->data;
        PROMISE(at >= data && bytes > 0 && bytes <= n && at + bytes <= data + n);
        for (size_t b = 0; b < bytes; b++)
            sum += at[b];
        total += bytes;
    }
    PROMISE(total <= n && sum < UINT32_MAX);
}

static void model_check(struct model *model) {
    enum { ROWS = 2 };
    if (model->net->inputs_n > 1 << 12 || model->net->units_max > 1 << 12)
        return;
    float *X = memory_new(ROWS * model->net->inputs_n, sizeof *X);
    float *Y = memory_new(ROWS * model->net->outputs_n, sizeof *Y);
    float *scratch = memory_new(model_scratch_n(model, ROWS), sizeof *scratch);
    PROMISE(X && Y && scratch);
    struct err e = {0};
    PROMISE(model_settle(model, &e));
    model_predict(model, X, ROWS, scratch, Y);
    struct text answer = {0};
    struct predict_frame frame;
    PROMISE(predict_frame_make(model, "m", 1, &frame, &e));
    if (predict_encode(model, &frame, Y, ROWS, &answer, &e)) {
        json_t *root = json_loadb(answer.data, answer.n, 0, NULL);
        PROMISE(root);
        json_decref(root);
    } else {
        PROMISE(e.kind == ERR_NUMERIC);
    }
    text_free(&answer);
    predict_frame_free(&frame);
    free(X);
    free(Y);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct safetensors file;
    struct err e = {0};
    if (safetensors_decode(data, n, &file, &e)) {
        tensors_check(&file, data, n);
        safetensors_free(&file);
    } else {
        PROMISE(e.kind != ERR_NONE && !file.tensors && !file.document);
    }
    e = (struct err){0};
    struct model *model = model_file_decode(data, n, &e);
    PROMISE(model || (e.kind != ERR_NONE && e.text[0]));
    if (model)
        model_check(model);
    model_free(model);
    return 0;
}
