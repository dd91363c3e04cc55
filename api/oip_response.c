#include "api/oip_response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/number.h"
#include "api/predict.h"
#include "engine/finite.h"

/* One answer in the making. */
struct answer {
    const struct oip_predicted *of;
    const float *values; /* (m, width of the FP32 output): Y, or `pairs` */
    float *pairs;        /* of a binary model: both classes' probabilities; owned */
    struct text *out;
    struct text tails[OIP_OUTPUTS_MAX]; /* the binary data of texts, by output; owned */
};

/* ---- texts: BYTES --------------------------------------------------------------- */

/* Where the elements of a BYTES tensor go: JSON strings, or lengths and bytes. */
static void bytes_put(struct text *to, bool binary, const char *text, size_t n) {
    uint32_t length = (uint32_t)n;
    if (binary) {
        text_bytes(to, (const char *)&length, sizeof length);
        text_bytes(to, text, n);
    } else {
        text_json_bytes(to, text, n);
    }
}

static void labels_put(const struct answer *a, struct text *to, bool binary) {
    const struct model *model = a->of->model;
    char number[PREDICT_LABEL_BYTES];
    for (size_t i = 0; i < a->of->m; i++) {
        size_t class = predict_class(model, a->of->Y + i * model->net->outputs_n);
        const char *text = predict_label_text(&model->labels, class, number);
        bytes_put(to, binary, text, strlen(text));
    }
}

/* The larger first, of equal ones the first: an order for qsort_r. */
static int larger_first(const void *a, const void *b, void *context) {
    const float *y = context;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    if (y[left] != y[right])
        return y[left] > y[right] ? -1 : 1;
    return left < right ? -1 : left > right;
}

/* The places of y (n) in that order, of which k are wanted: found (n). */
static void largest_find(const float *y, size_t n, size_t k, uint32_t *found) {
    enum { INSERTED_MAX = 8 };
    size_t found_n = 0;
    if (k > INSERTED_MAX) {
        for (size_t j = 0; j < n; j++)
            found[j] = (uint32_t)j;
        qsort_r(found, n, sizeof *found, larger_first, (void *)(uintptr_t)y);
        return;
    }
    for (size_t j = 0; j < n; j++) {
        size_t at = found_n;
        while (at > 0 && y[j] > y[found[at - 1]])
            at--;
        if (at == k)
            continue;
        size_t end = found_n < k ? found_n++ : k - 1;
        memmove(found + at + 1, found + at, (end - at) * sizeof *found);
        found[at] = (uint32_t)j;
    }
}

/* "value:index" or "value:index:label". */
static bool classes_put(const struct answer *a, size_t width, size_t k, struct text *to,
                        bool binary) {
    const struct labels *labels = &a->of->model->labels;
    uint32_t *found = calloc(width, sizeof *found);
    struct text one = {0};
    for (size_t i = 0; found && i < a->of->m; i++) {
        const float *y = a->values + i * width;
        largest_find(y, width, k, found);
        for (size_t j = 0; j < k; j++) {
            char number[NUMBER_TEXT_MAX], label[PREDICT_LABEL_BYTES];
            size_t n = number_print_float(y[found[j]], number);
            one.n = 0;
            text_bytes(&one, number, n);
            text_format(&one, ":%u", found[j]);
            if (labels->n) {
                text_bytes(&one, ":", 1);
                text_string(&one, predict_label_text(labels, found[j], label));
            }
            bytes_put(to, binary, one.data, one.n);
        }
    }
    bool ok = found && !one.failed;
    free(found);
    text_free(&one);
    return ok;
}

/* ---- numbers -------------------------------------------------------------------- */

static void values_put(const struct answer *a, size_t width, struct text *to,
                       bool binary) {
    size_t n = a->of->m * width;
    if (binary) {
        text_bytes(to, (const char *)a->values, n * sizeof *a->values);
        return;
    }
    text_json_floats(to, a->values, n);
}

/* Which labels a row has, of a model of several. */
static void sets_put(const struct answer *a, struct text *to, bool binary) {
    size_t n = a->of->m * a->of->model->net->outputs_n;
    for (size_t i = 0; i < n; i++) {
        char set = a->of->Y[i] > 0.5f;
        if (binary)
            text_bytes(to, &set, 1);
        else
            text_json_bool(to, set);
    }
}

/* ---- outputs -------------------------------------------------------------------- */

/* Columns of the tensor as it is answered. */
static size_t answered_width(const struct oip_wanted *wanted) {
    size_t width = wanted->output.width;
    return wanted->classes_n && wanted->classes_n < width ? wanted->classes_n : width;
}

static bool elements_put(const struct answer *a, const struct oip_wanted *wanted,
                         struct text *to, bool binary) {
    if (wanted->classes_n)
        return classes_put(a, wanted->output.width, answered_width(wanted), to, binary);
    if (wanted->output.type == DATATYPE_FP32)
        values_put(a, wanted->output.width, to, binary);
    else if (wanted->output.type == DATATYPE_BOOL)
        sets_put(a, to, binary);
    else
        labels_put(a, to, binary);
    return true;
}

/* The size of a binary output; texts are made for that. */
static bool tail_make(struct answer *a, size_t i, const struct oip_wanted *wanted,
                      size_t *size) {
    size_t elements = a->of->m * answered_width(wanted);
    bool texts = wanted->classes_n || wanted->output.type == DATATYPE_BYTES;
    *size = elements * datatype_size(wanted->output.type);
    if (!texts)
        return true;
    bool ok = elements_put(a, wanted, &a->tails[i], true) && !a->tails[i].failed;
    *size = a->tails[i].n;
    return ok;
}

static bool output_put(struct answer *a, size_t i, const struct oip_wanted *wanted) {
    struct text *out = a->out;
    size_t size = 0;
    bool ok = !wanted->binary || tail_make(a, i, wanted, &size);
    text_open(out, '{');
    text_member_string(out, "name", wanted->name);
    text_member_string(
        out, "datatype",
        datatype_name(wanted->classes_n ? DATATYPE_BYTES : wanted->output.type));
    text_key(out, "shape");
    text_open(out, '[');
    text_json_int(out, (int64_t)a->of->m);
    text_json_int(out, (int64_t)answered_width(wanted));
    text_close(out, ']');
    if (wanted->binary) {
        text_key(out, "parameters");
        text_open(out, '{');
        text_member_int(out, "binary_data_size", (int64_t)size);
        text_close(out, '}');
    } else {
        text_key(out, "data");
        text_open(out, '[');
        ok = elements_put(a, wanted, out, false);
        text_close(out, ']');
    }
    text_close(out, '}');
    return ok;
}

static bool document_put(struct answer *a, const struct oip_request *request) {
    struct text *out = a->out;
    char version[24];
    bool ok = true;
    snprintf(version, sizeof version, "%lld", (long long)a->of->version);
    text_open(out, '{');
    text_member_string(out, "model_name", a->of->name);
    text_member_string(out, "model_version", version);
    if (request->id) {
        text_key(out, "id");
        text_json_string(out, request->id);
    }
    if (request->parameters) {
        text_key(out, "parameters");
        text_json_raw(out, request->parameters);
    }
    text_key(out, "outputs");
    text_open(out, '[');
    for (size_t i = 0; ok && i < request->outputs_n; i++)
        ok = output_put(a, i, &request->outputs[i]);
    text_close(out, ']');
    text_close(out, '}');
    return ok;
}

/* The tensors behind the document; or the end of a line, where there are none. */
static bool tails_put(struct answer *a, const struct oip_request *request,
                      size_t *json_n) {
    for (size_t i = 0; i < request->outputs_n; i++) {
        const struct oip_wanted *wanted = &request->outputs[i];
        if (!wanted->binary)
            continue;
        if (!*json_n)
            *json_n = a->out->n;
        if (wanted->classes_n || wanted->output.type == DATATYPE_BYTES)
            text_bytes(a->out, a->tails[i].data, a->tails[i].n);
        else if (!elements_put(a, wanted, a->out, true))
            return false;
    }
    if (!*json_n)
        text_string(a->out, "\n");
    return true;
}

static bool values_make(struct answer *a, struct err *e) {
    const float *Y = a->of->Y;
    size_t m = a->of->m, k = a->of->model->net->outputs_n;
    if (!finite_all(Y, m * k)) {
        size_t i = 0;
        while (finite_all(Y + i, 1))
            i++;
        return err_set(e, ERR_NUMERIC, NULL,
                       "row %zu: the prediction leaves the range of float32", i / k);
    }
    a->values = Y;
    if (a->of->model->task != TASK_BINARY)
        return true;
    a->values = a->pairs = calloc(m, 2 * sizeof *a->pairs);
    for (size_t i = 0; a->pairs && i < m; i++) {
        a->pairs[2 * i] = 1 - Y[i];
        a->pairs[2 * i + 1] = Y[i];
    }
    return a->pairs || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer");
}

/* About as much as the answer takes. */
static size_t answer_bytes(const struct oip_request *request,
                           const struct oip_predicted *predicted) {
    enum { DOCUMENT = 512 };
    size_t bytes = DOCUMENT;
    for (size_t i = 0; i < request->outputs_n; i++) {
        const struct oip_wanted *wanted = &request->outputs[i];
        size_t n = predicted->m * answered_width(wanted);
        bytes += wanted->binary ? n * sizeof(float) : text_floats_bytes(n);
    }
    return bytes;
}

bool oip_response_encode(const struct oip_request *request,
                         const struct oip_predicted *predicted, struct text *out,
                         size_t *json_n, struct err *e) {
    struct answer a = {.of = predicted, .out = out};
    *json_n = 0;
    text_reserve(out, answer_bytes(request, predicted));
    bool ok =
        values_make(&a, e) &&
        ((document_put(&a, request) && tails_put(&a, request, json_n) && !out->failed) ||
         err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer"));
    free(a.pairs);
    for (size_t i = 0; i < request->outputs_n; i++)
        text_free(&a.tails[i]);
    return ok;
}
