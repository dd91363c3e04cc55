#include "api/predict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/label_texts.h"
#include "api/number.h"

void predict_request_free(struct predict_request *request) {
    rows_free(&request->instances);
    *request = (struct predict_request){0};
}

bool model_alias_valid(const char *alias) {
    return job_name_valid(alias) && alias[strspn(alias, "0123456789")] &&
           strcmp(alias, "latest") != 0;
}

bool model_ref_parse(const char *text, const char *where, struct model_ref *ref,
                     struct err *e) {
    *ref = (struct model_ref){0};
    size_t n = strcspn(text, "@");
    if (n < sizeof ref->name)
        memcpy(ref->name, text, n);
    if (!job_name_valid(ref->name))
        return err_set(e, ERR_INVALID, where,
                       "expected a model's name or name@version, got \"%.60s\"", text);
    const char *version = text[n] ? text + n + 1 : "latest";
    if (strcmp(version, "latest") == 0)
        return true;
    if (model_alias_valid(version)) {
        snprintf(ref->alias, sizeof ref->alias, "%s", version);
        return true;
    }
    size_t digits = strspn(version, "0123456789");
    if (!digits || digits > 18 || version[digits] || version[0] == '0')
        return err_set(e, ERR_INVALID, where,
                       "expected a version like 3, latest or an alias behind \"@\", "
                       "got \"%.40s\"",
                       version);
    ref->version = strtoll(version, NULL, 10);
    return true;
}

/* ---- answers -------------------------------------------------------------------- */

void predict_outputs_encode(const struct model *model, const float *Y, size_t m,
                            struct text *out) {
    size_t k = model->net->outputs_n;
    text_open(out, '[');
    if (k == 1)
        text_json_floats(out, Y, m);
    else
        text_json_rows(out, Y, m, k);
    text_close(out, ']');
}

size_t predict_class(const struct model *model, const float *y) {
    size_t k = model->net->outputs_n;
    if (model->task == TASK_BINARY)
        return y[0] > 0.5f;
    size_t best = 0;
    for (size_t j = 1; j < k; j++)
        if (y[j] > y[best])
            best = j;
    return best;
}

const char *predict_label_text(const struct labels *labels, size_t index,
                               char number[PREDICT_LABEL_BYTES]) {
    _Static_assert((int)PREDICT_LABEL_BYTES > (int)NUMBER_TEXT_MAX,
                   "a number and its end");
    if (labels->kind == LABEL_STRING)
        return labels->strings[index];
    if (labels->kind == LABEL_BOOLEAN)
        return labels->numbers[index] != 0 ? "true" : "false";
    number[number_print_double(labels->numbers[index], number)] = '\0';
    return number;
}

static void label_set_encode(const float *y, size_t k, struct text *out) {
    text_open(out, '[');
    for (size_t j = 0; j < k; j++)
        text_json_int(out, y[j] > 0.5f);
    text_close(out, ']');
}

/* Rows from which on labels are encoded once for all of them, and how many get their
 * room at a time. */
enum { LABELS_ROWS_MIN = 64, LABELS_ROWS = 256 };

/* Behind row 0's. */
static void labels_encode(const struct model *model, const struct label_texts *texts,
                          const float *Y, size_t m, struct text *out) {
    size_t k = model->net->outputs_n;
    for (size_t i = 1; i < m; i += LABELS_ROWS) {
        size_t n = m - i < LABELS_ROWS ? m - i : LABELS_ROWS;
        char *to = text_reserve(out, n * LABEL_TEXT_BYTES), *at = to;
        if (!to)
            return;
        for (size_t row = i; row < i + n; row++)
            at = label_texts_put(texts, predict_class(model, Y + row * k), at);
        text_advance(out, (size_t)(at - to));
    }
}

void predict_list_encode(const struct model *model, const float *Y, size_t m,
                         struct text *out) {
    size_t k = model->net->outputs_n;
    struct label_texts texts;
    if (model->task == TASK_REGRESSION) {
        predict_outputs_encode(model, Y, m, out);
        return;
    }
    bool many = model->task != TASK_MULTI_LABEL && m >= LABELS_ROWS_MIN &&
                label_texts_make(&model->labels, &texts);
    size_t alone_n = many ? 1 : m;
    text_open(out, '[');
    for (size_t i = 0; i < alone_n; i++) {
        if (model->task == TASK_MULTI_LABEL)
            label_set_encode(Y + i * k, k, out);
        else
            job_label_encode(&model->labels, predict_class(model, Y + i * k), out);
    }
    if (many)
        labels_encode(model, &texts, Y, m, out);
    text_close(out, ']');
}

enum { PAIRS_AT_A_TIME = 128 };

/* Of a binary model: of class 0 and of class 1. */
static void pairs_encode(const float *y, size_t m, struct text *out) {
    float pairs[2 * PAIRS_AT_A_TIME];
    for (size_t i = 0; i < m; i += PAIRS_AT_A_TIME) {
        size_t n = m - i < PAIRS_AT_A_TIME ? m - i : PAIRS_AT_A_TIME;
        for (size_t j = 0; j < n; j++) {
            pairs[2 * j] = 1 - y[i + j];
            pairs[2 * j + 1] = y[i + j];
        }
        text_json_rows(out, pairs, n, 2);
    }
}

static void probabilities_encode(const struct model *model, const float *Y, size_t m,
                                 size_t k, struct text *out) {
    text_open(out, '[');
    if (model->task == TASK_BINARY)
        pairs_encode(Y, m, out);
    else
        text_json_rows(out, Y, m, k);
    text_close(out, ']');
}

bool predict_finite(const float *Y, size_t m, size_t k, const char *path, struct err *e) {
    for (size_t i = 0; i < m * k; i++) {
        if (!isfinite(Y[i])) {
            char where[ERR_WHERE_MAX];
            json_path_index(where, path, i / k);
            return err_set(e, ERR_NUMERIC, where,
                           "the prediction leaves the range of float32");
        }
    }
    return true;
}

/* About what a row's prediction takes, beside its outputs; and the ends of all. */
enum { LABEL_BYTES = 12, END_BYTES = 16 };

bool predict_encode(const struct model *model, const struct predict_frame *frame,
                    const float *Y, size_t m, struct text *out, struct err *e) {
    size_t k = model->net->outputs_n;
    if (!predict_finite(Y, m, k, "/instances", e))
        return false;
    text_reserve(out, frame->opening.n + frame->middle.n + text_floats_bytes(m * k) +
                          m * LABEL_BYTES + END_BYTES);
    text_bytes(out, frame->opening.data, frame->opening.n);
    predict_list_encode(model, Y, m, out);
    if (frame->middle.n) {
        text_bytes(out, ",", 1);
        text_bytes(out, frame->middle.data, frame->middle.n);
    }
    if (model->task != TASK_REGRESSION)
        probabilities_encode(model, Y, m, k, out);
    text_bytes(out, "}\n", 2);
    return !out->failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer");
}
