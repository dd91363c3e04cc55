#include "api/predict_csv.h"

#include <string.h>

#include "api/number.h"
#include "api/predict.h"

static void cell_float(struct text *out, float value) {
    char *to = text_reserve(out, NUMBER_TEXT_MAX);
    if (to)
        text_advance(out, number_print_float(value, to));
}

/* Quoted where the reader would otherwise take it for something else. */
static void cell_string(struct text *out, const char *s) {
    size_t n = strlen(s);
    if (n && !strpbrk(s, ",;\t\"\r\n") && s[0] != ' ' && s[n - 1] != ' ') {
        text_bytes(out, s, n);
        return;
    }
    text_bytes(out, "\"", 1);
    for (const char *at = s; *at; at++)
        text_bytes(out, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
    text_bytes(out, "\"", 1);
}

static void cell_label(const struct labels *labels, size_t index, struct text *out) {
    char number[PREDICT_LABEL_BYTES];
    const char *text = predict_label_text(labels, index, number);
    if (labels->kind == LABEL_STRING)
        cell_string(out, text);
    else
        text_string(out, text);
}

static bool has_classes(const struct model *model) {
    return model->task == TASK_BINARY || model->task == TASK_MULTI_CLASS;
}

static void header_encode(const struct model *model, struct text *out) {
    size_t k = model->net->outputs_n;
    if (has_classes(model) || k == 1)
        text_string(out, "prediction");
    for (size_t j = 0; !has_classes(model) && k > 1 && j < k; j++)
        text_format(out, "%sprediction_%zu", j ? "," : "", j);
    for (size_t j = 0; has_classes(model) && j < model->labels.n; j++) {
        text_bytes(out, ",", 1);
        cell_label(&model->labels, j, out);
    }
    for (size_t j = 0; model->task == TASK_MULTI_LABEL && j < k; j++)
        text_format(out, ",probability_%zu", j);
    text_bytes(out, "\n", 1);
}

static void class_encode(const struct model *model, const float *y, struct text *out) {
    bool binary = model->task == TASK_BINARY;
    cell_label(&model->labels, predict_class(model, y), out);
    for (size_t j = 0; j < model->labels.n; j++) {
        text_bytes(out, ",", 1);
        cell_float(out, binary && !j ? 1 - y[0] : y[binary ? 0 : j]);
    }
}

static void values_encode(const struct model *model, const float *y, struct text *out) {
    size_t k = model->net->outputs_n;
    bool sets = model->task == TASK_MULTI_LABEL;
    for (size_t j = 0; j < k; j++) {
        text_bytes(out, ",", j > 0);
        cell_float(out, sets ? (float)(y[j] > 0.5f) : y[j]);
    }
    for (size_t j = 0; sets && j < k; j++) {
        text_bytes(out, ",", 1);
        cell_float(out, y[j]);
    }
}

bool predict_encode_csv(const struct model *model, const float *Y, size_t m,
                        struct text *out, struct err *e) {
    size_t k = model->net->outputs_n;
    if (!predict_finite(Y, m, k, "/instances", e))
        return false;
    header_encode(model, out);
    for (size_t i = 0; i < m; i++) {
        if (has_classes(model))
            class_encode(model, Y + i * k, out);
        else
            values_encode(model, Y + i * k, out);
        text_bytes(out, "\n", 1);
    }
    return !out->failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer");
}
