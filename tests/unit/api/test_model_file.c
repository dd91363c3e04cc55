#include "api/model_file.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/safetensors.h"
#include "tests/unit/check.h"

static struct job_request *request_new(const char *body) {
    struct job_request *request = calloc(1, sizeof *request);
    struct err e = {0};
    if (!request || !CHECK_SAY(job_decode(body, strlen(body), 5, request, &e), "%s: %s",
                               e.where, e.text))
        abort();
    return request;
}
static void request_done(struct job_request *request) {
    job_request_free(request);
    free(request);
}

static const char classes_body[] =
    "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[2,0],[1,1]],\"targets\":[\"a\","
    "\"b\","
    "\"c\"]},\"hidden\":[3],\"activation\":\"leaky_relu\",\"normalize\":\"standard\"}";
static const char values_body[] = "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[2,0],["
                                  "1,1]],\"targets\":[[1,0.5],[2,3],"
                                  "[-0.0,1e-45]]},\"hidden\":[]}";

/* What a trainer would leave: any numbers, odd ones among them. */
static struct model *model_of(const struct job_request *request) {
    const struct job_spec *spec = &request->spec;
    struct err e = {0};
    struct model parts = {.task = spec->task, .loss = spec->loss};
    parts.net = net_new(spec->inputs_n, spec->layers, spec->layers_n, &e);
    if (!parts.net ||
        !transform_learn(&parts.transform, spec->normalize, request->features.values,
                         spec->samples_n, spec->inputs_n, &e))
        abort();
    initializer_fill(parts.net, INITIALIZER_GLOROT_UNIFORM, 1, 3);
    net_biases(parts.net, 0)[0] = -0.0f;
    net_biases(parts.net, 0)[1] = 1e-45f;
    struct model *model = model_new(&parts, &e);
    if (!model)
        abort();
    return model;
}

static unsigned char *bytes_of(const struct job_request *request, size_t *n) {
    struct err e = {0};
    struct model *model = model_of(request);
    unsigned char *bytes = model_file_encode(model, &request->spec, n, &e);
    if (!CHECK_SAY(bytes, "%s", e.text))
        abort();
    model_free(model);
    return bytes;
}

static bool floats_equal(const float *a, const float *b, size_t n) {
    return memcmp(a, b, n * sizeof *a) == 0;
}

static void check_round_trip(const char *body) {
    struct job_request *request = request_new(body);
    struct model *model = model_of(request);
    struct err e = {0};
    size_t n;
    void *bytes = model_file_encode(model, &request->spec, &n, &e);
    struct model *back = bytes ? model_file_decode(bytes, n, &e) : NULL;
    if (CHECK_SAY(back, "%s: %s", e.where, e.text)) {
        CHECK(back->task == model->task && back->loss == model->loss);
        CHECK(back->net->block_n == model->net->block_n &&
              back->net->inputs_n == model->net->inputs_n);
        CHECK(floats_equal(back->net->params, model->net->params, model->net->block_n));
        CHECK(back->transform.kind == model->transform.kind);
        CHECK(model->transform.kind == NORMALIZE_NONE ||
              (floats_equal(back->transform.offset, model->transform.offset, 2) &&
               floats_equal(back->transform.scale, model->transform.scale, 2)));
        CHECK(back->labels.n == request->spec.labels.n);
        size_t again_n;
        void *again = model_file_encode(back, &request->spec, &again_n, &e);
        CHECK(again && again_n == n && memcmp(again, bytes, n) == 0);
        free(again);
    }
    model_free(back);
    model_free(model);
    free(bytes);
    request_done(request);
}

static void test_round_trips(void) {
    check_round_trip(classes_body);
    check_round_trip(values_body);
}

static void test_labels(void) {
    struct job_request *request = request_new(classes_body);
    struct err e = {0};
    size_t n;
    unsigned char *bytes = bytes_of(request, &n);
    struct model *model = model_file_decode(bytes, n, &e);
    if (CHECK_SAY(model, "%s", e.text))
        CHECK(model->labels.kind == LABEL_STRING && model->labels.n == 3 &&
              strcmp(model->labels.strings[2], "c") == 0);
    model_free(model);
    free(bytes);
    request_done(request);
}

/* The names that other tools know. */
static void test_names(void) {
    struct job_request *request = request_new(classes_body);
    struct safetensors file;
    struct err e = {0};
    size_t n;
    unsigned char *bytes = bytes_of(request, &n);
    CHECK(safetensors_decode(bytes, n, &file, &e));
    static const char *const names[] = {"0.weight",         "0.bias",
                                        "2.weight",         "2.bias",
                                        "transform.offset", "transform.scale"};
    CHECK(file.tensors_n == 6);
    for (size_t i = 0; i < 6 && i < file.tensors_n; i++)
        CHECK_TEXT(file.tensors[i].name, names[i]);
    safetensors_free(&file);
    free(bytes);
    request_done(request);
}

/* Numbers that are not finite, in each tensor in turn. */
static void test_not_finite(void) {
    struct job_request *request = request_new(classes_body);
    size_t n;
    unsigned char *bytes = bytes_of(request, &n);
    struct safetensors file;
    struct err e = {0};
    CHECK(safetensors_decode(bytes, n, &file, &e));
    static const uint32_t bad[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001};
    for (size_t i = 0; i < file.tensors_n; i++) {
        const struct tensor *t = &file.tensors[i];
        size_t last = t->rows_n * (t->columns_n ? t->columns_n : 1) - 1;
        unsigned char *at = bytes + ((const unsigned char *)t->data - bytes) + 4 * last;
        uint32_t good;
        memcpy(&good, at, 4);
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
            memcpy(at, &bad[b], 4);
            e = (struct err){0};
            struct model *model = model_file_decode(bytes, n, &e);
            CHECK_SAY(!model && e.kind == ERR_INVALID, "%s", t->name);
            CHECK_SAY(strstr(e.text, "not finite") && strstr(e.text, t->name), "%s",
                      e.text);
            model_free(model);
        }
        memcpy(at, &good, 4);
    }
    safetensors_free(&file);
    free(bytes);
    request_done(request);
}

/* Each byte of the document's part replaced: never a crash, and most are refused. */
static void test_corrupted_headers(void) {
    struct job_request *request = request_new(classes_body);
    size_t n, refused = 0, tried = 0;
    unsigned char *bytes = bytes_of(request, &n);
    size_t header = bytes[0] + 256u * bytes[1];
    for (size_t i = 0; i < header + 8; i++) {
        static const unsigned char others[] = {0, '9', '"', '}', 0xff};
        unsigned char good = bytes[i];
        for (size_t o = 0; o < sizeof others; o++) {
            struct err e = {0};
            bytes[i] = others[o];
            struct model *model = model_file_decode(bytes, n, &e);
            CHECK(model || e.kind != ERR_NONE);
            tried++;
            refused += !model;
            model_free(model);
        }
        bytes[i] = good;
    }
    CHECK_SAY(refused > tried / 2 && refused < tried, "%zu of %zu", refused, tried);
    free(bytes);
    request_done(request);
}

static void test_no_document(void) {
    struct err e = {0};
    float one = 1;
    struct tensor tensor = {
        .name = "0.weight", .rows_n = 1, .columns_n = 1, .data = &one};
    size_t n;
    void *bytes = safetensors_encode(&tensor, 1, NULL, &n, &e);
    CHECK(bytes && !model_file_decode(bytes, n, &e));
    CHECK_TEXT(e.text, "a model file without its document");
    free(bytes);
    CHECK(!model_file_decode("", 0, &e));
}

/* A document that leaves out what the output layer does. */
static void test_no_activation(void) {
    static const char *const documents[] = {
        "{\"task\":\"regression\",\"samples\":2,\"inputs\":1,\"layers\":[{\"units\":1}],"
        "\"loss\":\"mse\"}",
        "{\"task\":\"binary\",\"samples\":2,\"inputs\":1,\"layers\":[{\"units\":1}],"
        "\"loss\":\"binary_cross_entropy\",\"classes\":[0,1]}"};
    float one = 1;
    struct tensor tensors[] = {
        {.name = "0.weight", .rows_n = 1, .columns_n = 1, .data = &one},
        {.name = "0.bias", .rows_n = 1, .data = &one}};
    for (size_t i = 0; i < 2; i++) {
        struct err e = {0};
        size_t n;
        void *bytes = safetensors_encode(tensors, 2, documents[i], &n, &e);
        CHECK(bytes && !model_file_decode(bytes, n, &e));
        CHECK_TEXT(e.text, "the output layer has no activation");
        free(bytes);
    }
}

/* A document that claims a large network is refused before room is made for it. */
static void test_claims(void) {
    static const char document[] = "{\"task\":\"regression\",\"samples\":1,\"inputs\":"
                                   "200,\"layers\":[{\"units\":1048576,"
                                   "\"activation\":\"linear\"}],\"loss\":\"mse\"}";
    struct err e = {0};
    float one = 1;
    struct tensor tensor = {
        .name = "0.weight", .rows_n = 1, .columns_n = 1, .data = &one};
    size_t n;
    void *bytes = safetensors_encode(&tensor, 1, document, &n, &e);
    CHECK(bytes && !model_file_decode(bytes, n, &e));
    CHECK_TEXT(e.text,
               "safetensors: \"0.weight\": another type or shape than its model needs");
    free(bytes);
}

/* ---- tables
 * ----------------------------------------------------------------------------- */

static void test_tables(void) {
    static const char *const bodies[] = {classes_body, values_body};
    for (size_t i = 0; i < 2; i++) {
        struct job_request *request = request_new(bodies[i]);
        struct err e = {0};
        struct table table;
        size_t n;
        void *bytes = table_file_encode(request, &n, &e);
        if (CHECK(bytes) &&
            CHECK_SAY(table_file_decode(bytes, n, &request->spec, &table, &e), "%s",
                      e.text)) {
            CHECK(floats_equal(table.X, request->features.values, 6));
            CHECK((uintptr_t)table.X % 64 == 0);
            CHECK(!table.targets.values == !request->values &&
                  !table.targets.classes == !request->classes);
            if (request->values)
                CHECK(floats_equal(table.targets.values, request->values, 6));
            else
                CHECK(memcmp(table.targets.classes, request->classes, 12) == 0);
        }
        request->spec.samples_n++;
        CHECK(!table_file_decode(bytes, n, &request->spec, &table, &e) &&
              e.kind == ERR_INVALID);
        request->spec.samples_n--;
        e = (struct err){0};
        CHECK(!table_file_decode(bytes, n - 1, &request->spec, &table, &e) &&
              e.kind == ERR_INVALID);
        free(bytes);
        request_done(request);
    }
}

/* Numbers are used where they stand: a header of any length must not misplace them. */
static void test_table_alignment(void) {
    struct job_request *request = request_new(values_body);
    struct err e = {0};
    struct table table;
    size_t n;
    unsigned char *bytes = table_file_encode(request, &n, &e);
    unsigned char *shifted = malloc(n + 64);
    if (!bytes || !shifted)
        abort();
    size_t header = bytes[0] + 256u * bytes[1];
    memcpy(shifted, bytes, 8 + header);
    shifted[8 + header] = ' ';
    shifted[0] = (unsigned char)(header + 1);
    shifted[1] = (unsigned char)((header + 1) >> 8);
    memcpy(shifted + 9 + header, bytes + 8 + header, n - 8 - header);
    CHECK(!table_file_decode(shifted, n + 1, &request->spec, &table, &e));
    CHECK_TEXT(e.text, "a table whose numbers are not aligned");
    free(shifted);
    free(bytes);
    request_done(request);
}

int main(void) {
    CHECK_RUN(test_round_trips);
    CHECK_RUN(test_labels);
    CHECK_RUN(test_names);
    CHECK_RUN(test_not_finite);
    CHECK_RUN(test_corrupted_headers);
    CHECK_RUN(test_no_document);
    CHECK_RUN(test_no_activation);
    CHECK_RUN(test_claims);
    CHECK_RUN(test_tables);
    CHECK_RUN(test_table_alignment);
    return check_done();
}
