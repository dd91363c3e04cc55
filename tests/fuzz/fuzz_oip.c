/* Inference requests: a number and a line feed (the length of the document; 0: there is
 * none), then the body; without those, a body that is a document. Whatever is accepted is
 * rows of finite numbers, and its answer is what it says. */
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "api/oip_response.h"
#include "api/problem.h"

static void refused(const struct err *e) {
    struct text text = {0};
    PROMISE(e->kind != ERR_NONE && e->text[0]);
    problem_encode_plain(e, &text);
    json_t *root = json_loadb(text.data, text.n, 0, NULL);
    PROMISE(json_is_string(json_object_get(root, "error")));
    json_decref(root);
    text_free(&text);
}

static struct encoder_column columns[] = {
    {.name = "a", .kind = ENCODER_NUMBER, .mean = 1},
    {.name = "b", .kind = ENCODER_BOOLEAN},
    {.name = "c",
     .kind = ENCODER_CATEGORY,
     .missing_category = true,
     .categories = (char *[]){"x", "y"},
     .categories_n = 2},
};
static struct net two = {.inputs_n = 2, .outputs_n = 3},
                  five = {.inputs_n = 5, .outputs_n = 1};
/* Unnamed numbers and classes; a column of each kind and two classes; named numbers. */
static struct model models[] = {
    {.task = TASK_MULTI_CLASS,
     .net = &two,
     .labels = {LABEL_STRING, 3, NULL, (char *[]){"r", "g\"", "b\xc3\xa9"}}},
    {.task = TASK_BINARY,
     .net = &five,
     .encoder = {.columns = columns, .columns_n = 3},
     .labels = {LABEL_BOOLEAN, 2, (double[]){0, 1}, NULL}},
    {.task = TASK_REGRESSION,
     .net = &two,
     .encoder = {.columns = (struct encoder_column[]){{.name = "x"}, {.name = "y"}},
                 .columns_n = 2}},
};

/* The document, and behind it as many bytes as it says. */
static void answer_check(const struct text *out, size_t json_n) {
    size_t n = json_n ? json_n : out->n, behind = 0, i;
    json_t *root = json_loadb(out->data, n, JSON_REJECT_DUPLICATES, NULL), *output;
    PROMISE(json_is_string(json_object_get(root, "model_version")));
    json_array_foreach(json_object_get(root, "outputs"), i, output) {
        const json_t *parameters = json_object_get(output, "parameters");
        PROMISE(!json_object_get(output, "data") == !!parameters);
        behind +=
            (size_t)json_integer_value(json_object_get(parameters, "binary_data_size"));
    }
    PROMISE(n + behind == out->n);
    json_decref(root);
}

static void answer(const struct oip_request *request, const struct model *model) {
    struct text out = {0};
    struct err e = {0};
    size_t json_n, m = request->rows.m, k = model->net->outputs_n;
    float *Y = calloc(m * k, sizeof *Y);
    struct oip_predicted predicted = {model, "m", 1, Y, m};
    for (size_t i = 0; i < m * k; i++)
        Y[i] = (float)(i % 7) / 7;
    PROMISE(Y && oip_response_encode(request, &predicted, &out, &json_n, &e));
    answer_check(&out, json_n);
    text_free(&out);
    free(Y);
}

static void check(const struct oip_body *body, const struct model *model) {
    struct oip_request request = {0};
    struct err e = {0};
    if (!oip_request_decode(body, &request, &e)) {
        refused(&e);
    } else if (!oip_request_bind(&request, model, &e)) {
        refused(&e);
    } else {
        struct oip_size size = oip_request_size(&request);
        PROMISE(request.rows.m > 0);
        PROMISE(request.rows.m <= size.rows_max ||
                request.rows.m <= size.numbers / model->net->inputs_n);
        for (size_t i = 0; i < request.rows.m * model->net->inputs_n; i++)
            PROMISE(isfinite(request.rows.X[i]));
        if (request.rows.m <= 4096)
            answer(&request, model);
    }
    oip_request_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *text = (const char *)data;
    size_t digits = 0, header_n = 0;
    struct err e = {0};
    while (digits < n && digits < 6 && isdigit(data[digits]))
        header_n = header_n * 10 + (size_t)(data[digits++] - '0');
    struct oip_body body = {text, n, n, false, "m", ""};
    if (digits && digits < n && text[digits] == '\n') {
        body.bytes += digits + 1;
        body.n -= digits + 1;
        body.raw = !header_n;
        body.json_n = header_n < body.n ? header_n : body.n;
    }
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (models[i].encoder.columns_n && !models[i].encoder.inputs_n)
            PROMISE(encoder_layout(&models[i].encoder, &e));
        check(&body, &models[i]);
    }
    return 0;
}
