/* Models written as ONNX files and read again; the golden files have a test of their own.
 */
#include "api/onnx.h"

#include <stdlib.h>
#include <string.h>

#include "api/chain.h"
#include "api/encoder_document.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

enum { ROWS = 300, INPUTS = 5 };
static float X[ROWS * INPUTS];

static struct model *model_make(const struct layer_shape *shapes, size_t layers_n,
                                enum task task, enum normalize normalize) {
    struct model parts = {.task = task, .loss = LOSS_MSE};
    struct err e = {0};
    rng_normal(2, 1, X, ROWS * INPUTS);
    for (size_t i = 0; i < ROWS * INPUTS; i++)
        X[i] = X[i] * 30 + 1000 * (float)(i % INPUTS);
    parts.net = net_new(INPUTS, shapes, layers_n, &e);
    if (!parts.net || !transform_learn(&parts.transform, normalize, X, ROWS, INPUTS, &e))
        abort();
    for (size_t l = 0; l < layers_n; l++) { /* the padding stays 0 */
        size_t units = shapes[l].units_n;
        rng_normal(7, l, net_weights(parts.net, l),
                   units * parts.net->layers[l].inputs_n);
        rng_normal(8, l, net_biases(parts.net, l), units);
    }
    net_biases(parts.net, 0)[0] = -0.0f;
    struct model *model = model_new(&parts, &e);
    if (!model || !model_settle(model, &e))
        abort();
    return model;
}

static void outputs(const struct model *model, float *Y) {
    float *scratch = memory_new(model_scratch_n(model, ROWS), sizeof *scratch);
    model_predict(model, X, ROWS, scratch, Y);
    free(scratch);
}

static void check_round_trip(const struct model *model) {
    size_t n, count = ROWS * model->net->outputs_n;
    struct err e = {0};
    void *bytes = onnx_export(model, "name", &n, &e);
    struct model *back = bytes ? onnx_import(bytes, n, NULL, &e) : NULL;
    if (CHECK_SAY(back && model_settle(back, &e), "%s", e.text)) {
        float *before = memory_new(count, sizeof *before);
        float *behind = memory_new(count, sizeof *behind);
        outputs(model, before);
        outputs(back, behind);
        CHECK(memcmp(before, behind, count * sizeof *before) == 0);
        CHECK_TEXT(task_name(back->task), task_name(model->task));
        CHECK(back->net->layers_n == model->net->layers_n);
        CHECK(memcmp(back->net->params, model->net->params,
                     model->net->block_n * sizeof(float)) == 0);
        free(before);
        free(behind);
    }
    model_free(back);
    free(bytes);
}

static void every_activation_and_scaling(void) {
    for (int g = 0; g < ACTIVATIONS_N; g++)
        for (int normalize = 0; normalize < NORMALIZES_N; normalize++) {
            bool rows = activation_by_rows((enum activation)g);
            struct layer_shape shapes[] = {
                {.units_n = 7,
                 .activation = rows ? ACTIVATION_TANH : (enum activation)g,
                 .negative_slope = 0.25f},
                {.units_n = 4, .activation = (enum activation)g, .negative_slope = 0.5f}};
            enum task task = g == ACTIVATION_SOFTMAX   ? TASK_MULTI_CLASS
                             : g == ACTIVATION_SIGMOID ? TASK_MULTI_LABEL
                                                       : TASK_REGRESSION;
            struct model *model = model_make(shapes, 2, task, (enum normalize)normalize);
            check_round_trip(model);
            model_free(model);
        }
}

static void a_sigmoid_that_is_no_probability(void) {
    struct layer_shape one[] = {{.units_n = 1, .activation = ACTIVATION_SIGMOID}};
    struct model *model = model_make(one, 1, TASK_REGRESSION, NORMALIZE_NONE);
    check_round_trip(model);
    model_free(model);
}

static struct labels words(char *const *strings, size_t n) {
    struct labels labels = {.kind = LABEL_STRING, .n = n};
    labels.strings = calloc(n, sizeof *labels.strings);
    for (size_t i = 0; i < n; i++)
        labels.strings[i] = strdup(strings[i]);
    return labels;
}

static void classes_travel(void) {
    char a[] = "a", b[] = "\"b\"", c[] = "\xc3\xa9", *names[] = {a, b, c};
    struct layer_shape shapes[] = {{.units_n = 3, .activation = ACTIVATION_SOFTMAX}};
    struct model *model = model_make(shapes, 1, TASK_MULTI_CLASS, NORMALIZE_NONE);
    struct err e = {0};
    size_t n;
    model->labels = words(names, 3);
    void *bytes = onnx_export(model, "name", &n, &e);
    struct model *back = bytes ? onnx_import(bytes, n, NULL, &e) : NULL;
    if (CHECK_SAY(back && back->labels.kind == LABEL_STRING && back->labels.n == 3, "%s",
                  e.text))
        for (size_t i = 0; i < 3; i++)
            CHECK_TEXT(back->labels.strings[i], names[i]);
    model_free(back);
    struct labels others = words((char *[]){c, b, a}, 3);
    back = onnx_import(bytes, n, &others, &e);
    if (CHECK_SAY(back, "%s", e.text))
        CHECK_TEXT(back->labels.strings[2], "a");
    model_free(back);
    others.n = 2;
    CHECK(!onnx_import(bytes, n, &others, &e) && strstr(e.text, "2 labels"));
    others.n = 3;
    labels_free(&others);
    free(bytes);
    model_free(model);
}

/* Without classes in the file they are counted. */
static void classes_are_counted(void) {
    struct layer_shape shapes[] = {{.units_n = 1, .activation = ACTIVATION_SIGMOID}};
    struct model *model = model_make(shapes, 1, TASK_BINARY, NORMALIZE_NONE);
    struct err e = {0};
    size_t n;
    void *bytes = onnx_export(model, "", &n, &e);
    struct model *back = bytes ? onnx_import(bytes, n, NULL, &e) : NULL;
    if (CHECK_SAY(back, "%s", e.text))
        CHECK(back->task == TASK_BINARY && back->labels.n == 2 &&
              back->labels.numbers[0] == 0 && back->labels.numbers[1] == 1);
    model_free(back);
    free(bytes);
    model_free(model);
}

static char *columns_text(const struct encoder *encoder) {
    struct text text = {0};
    encoder_document_encode(encoder, &text);
    return text_take(&text);
}

#define COLUMNS                                                                          \
    "[{'name':'size','type':'number','missing':'mean','mean':2.5},"                      \
    "{'name':'floor','type':'number','missing':'error','mean':1},"                       \
    "{'name':'town','type':'category','missing':'category','categories':['Bonn']},"      \
    "{'name':'new','type':'boolean','missing':'mean','mean':0.25}]"

/* With what stands for a missing cell of each. */
static void columns_travel(void) {
    struct layer_shape shapes[] = {{.units_n = 2}};
    struct model *model = model_make(shapes, 1, TASK_REGRESSION, NORMALIZE_STANDARD);
    struct err e = {0};
    size_t n;
    char json[] = COLUMNS;
    for (char *at = json; (at = strchr(at, '\'')); at++)
        *at = '"';
    json_t *array = json_loads(json, 0, NULL);
    CHECK(encoder_document_decode(array, &model->encoder, &e));
    CHECK(model->encoder.inputs_n == INPUTS);
    check_round_trip(model);
    char *bytes = onnx_export(model, "name", &n, &e);
    struct model *back = bytes ? onnx_import(bytes, n, NULL, &e) : NULL;
    if (CHECK_SAY(back, "%s", e.text)) {
        char *got = columns_text(&back->encoder), *want = columns_text(&model->encoder);
        CHECK_TEXT(got, want);
        free(got);
        free(want);
    }
    model_free(back);
    char *mean = memmem(bytes, n, "2.5", 3);
    if (CHECK(mean)) {
        *mean = '3';
        CHECK(!onnx_import(bytes, n, NULL, &e) && strstr(e.text, "NaN is filled in"));
    }
    free(bytes);
    json_decref(array);
    model_free(model);
}

static void what_is_no_model(void) {
    static const struct {
        const char *bytes;
        size_t n;
    } all[] = {{"", 0},           {"\x08\x08", 2}, {"\x3a\x00", 2},
               {"PK\x03\x04", 4}, {"\x3a\xff", 2}, {"\x3a\x02\x0b\x0c", 4}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct err e = {0};
        CHECK(!onnx_import(all[i].bytes, all[i].n, NULL, &e));
        CHECK_SAY(e.kind == ERR_INVALID && e.text[0], "%zu: %s", i, e.text);
    }
    struct err e = {0};
    CHECK(!onnx_import("", (size_t)ONNX_BYTES_MAX + 1, NULL, &e) &&
          e.kind == ERR_TOO_LARGE);
}

/* A few bytes must not make a large net: identities are bounded by the file's size. */
static void small_files_make_small_nets(void) {
    struct chain *chain = memory_new(1, sizeof *chain);
    struct err e = {0};
    size_t made = 0;
    CHECK(chain_init(chain, 1000, 10 << 20, &e));
    while (made < 100 && chain_activate(chain, ACTIVATION_RELU, 0, &e))
        made++;
    CHECK_SAY(made == 2 && e.kind == ERR_TOO_LARGE, "%zu: %s", made, e.text);
    chain_free(chain);
    free(chain);
}

int main(void) {
    struct err e = {0};
    if (!matrix_start(&e))
        return 1;
    CHECK_RUN(every_activation_and_scaling);
    CHECK_RUN(a_sigmoid_that_is_no_probability);
    CHECK_RUN(classes_travel);
    CHECK_RUN(classes_are_counted);
    CHECK_RUN(columns_travel);
    CHECK_RUN(what_is_no_model);
    CHECK_RUN(small_files_make_small_nets);
    return check_done();
}
