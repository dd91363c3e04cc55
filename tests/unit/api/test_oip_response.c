#include "api/oip_response.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* An answer to a request for these outputs. */
static bool encode(const struct model *model, const float *Y, size_t m,
                   struct oip_wanted *wanted, size_t n, struct text *out, size_t *json_n,
                   struct err *e) {
    struct oip_output outputs[OIP_MODEL_OUTPUTS_MAX];
    size_t outputs_n = oip_outputs(model, outputs);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < outputs_n; j++)
            if (strcmp(wanted[i].name, outputs[j].name) == 0)
                wanted[i].output = outputs[j];
    struct oip_request request = {.id = "7", .outputs = wanted, .outputs_n = n};
    struct oip_predicted predicted = {model, "m", 12, Y, m};
    *out = (struct text){0};
    return oip_response_encode(&request, &predicted, out, json_n, e);
}

#define HEAD "{\"model_name\":\"m\",\"model_version\":\"12\",\"id\":\"7\",\"outputs\":["

static void check_json(const struct model *model, const float *Y, size_t m,
                       struct oip_wanted *wanted, size_t n, const char *want) {
    struct text out;
    struct err e = {0};
    size_t json_n;
    if (CHECK_SAY(encode(model, Y, m, wanted, n, &out, &json_n, &e), "%s", e.text)) {
        CHECK(json_n == 0 && out.n && out.data[out.n - 1] == '\n');
        out.data[out.n - 1] = '\0';
        CHECK_TEXT(out.data, want);
    }
    text_free(&out);
}

static struct net one = {.outputs_n = 1}, two = {.outputs_n = 2},
                  three = {.outputs_n = 3};
static char *texts[] = {"r", "g\"", "b"};
static double bits[] = {0, 1};

static struct model classes = {
    .task = TASK_MULTI_CLASS, .net = &three, .labels = {LABEL_STRING, 3, NULL, texts}};

static void test_tasks(void) {
    struct oip_wanted both[] = {{.name = "probabilities"}, {.name = "label"}};
    struct oip_wanted values = {.name = "predictions"};
    check_json(&classes, (float[]){0.25f, 0.5f, 0.25f}, 1, both, 2,
               HEAD
               "{\"name\":\"probabilities\",\"datatype\":\"FP32\",\"shape\":[1,3],"
               "\"data\":[0.25,0.5,0.25]},{\"name\":\"label\",\"datatype\":\"BYTES\","
               "\"shape\":[1,1],\"data\":[\"g\\\"\"]}]}");
    struct model binary = {
        .task = TASK_BINARY, .net = &one, .labels = {LABEL_BOOLEAN, 2, bits, NULL}};
    check_json(&binary, (float[]){0.25f, 0.75f}, 2, both, 2,
               HEAD "{\"name\":\"probabilities\",\"datatype\":\"FP32\",\"shape\":[2,2],"
                    "\"data\":[0.75,0.25,0.25,0.75]},{\"name\":\"label\",\"datatype\":"
                    "\"BYTES\",\"shape\":[2,1],\"data\":[\"false\",\"true\"]}]}");
    binary.labels.kind = LABEL_NUMBER;
    check_json(&binary, (float[]){0.75f}, 1, both + 1, 1,
               HEAD "{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[1,1],"
                    "\"data\":[\"1\"]}]}");
    struct model sets = {.task = TASK_MULTI_LABEL, .net = &two};
    check_json(&sets, (float[]){0.25f, 0.75f}, 1, both, 2,
               HEAD "{\"name\":\"probabilities\",\"datatype\":\"FP32\",\"shape\":[1,2],"
                    "\"data\":[0.25,0.75]},{\"name\":\"label\",\"datatype\":\"BOOL\","
                    "\"shape\":[1,2],\"data\":[false,true]}]}");
    struct model regression = {.task = TASK_REGRESSION, .net = &two};
    check_json(&regression, (float[]){-1, 1e20f}, 1, &values, 1,
               HEAD "{\"name\":\"predictions\",\"datatype\":\"FP32\",\"shape\":[1,2],"
                    "\"data\":[-1,1e20]}]}");
}

/* The document, then the tensors in the order of the outputs; each with its size. */
static void test_binary(void) {
    struct oip_wanted wanted[] = {{.name = "label", .binary = true},
                                  {.name = "probabilities", .binary = true}};
    static const char document[] =
        HEAD "{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[2,1],"
             "\"parameters\":{\"binary_data_size\":11}},{\"name\":\"probabilities\","
             "\"datatype\":\"FP32\",\"shape\":[2,3],\"parameters\":"
             "{\"binary_data_size\":24}}]}";
    static const char label[] = "\1\0\0\0b\2\0\0\0g\"";
    const float Y[] = {0, 0.25f, 0.75f, 0.25f, 0.5f, 0.25f};
    struct text out;
    struct err e = {0};
    size_t json_n, n = sizeof document - 1;
    if (CHECK(encode(&classes, Y, 2, wanted, 2, &out, &json_n, &e)) &&
        CHECK(json_n == n && out.n == n + 11 + 24)) {
        CHECK(memcmp(out.data, document, n) == 0);
        CHECK(memcmp(out.data + n, label, 11) == 0);
        CHECK(memcmp(out.data + n + 11, Y, 24) == 0);
    }
    text_free(&out);
}

static void test_classification(void) {
    struct oip_wanted wanted = {.name = "probabilities", .classes_n = 2};
    check_json(&classes, (float[]){0.25f, 0.25f, 0.5f}, 1, &wanted, 1,
               HEAD "{\"name\":\"probabilities\",\"datatype\":\"BYTES\",\"shape\":[1,2],"
                    "\"data\":[\"0.5:2:b\",\"0.25:0:r\"]}]}");
    struct model regression = {.task = TASK_REGRESSION, .net = &three};
    struct oip_wanted values = {.name = "predictions", .classes_n = 9};
    check_json(&regression, (float[]){1, -2, 3}, 1, &values, 1,
               HEAD "{\"name\":\"predictions\",\"datatype\":\"BYTES\",\"shape\":[1,3],"
                    "\"data\":[\"3:2\",\"1:0\",\"-2:1\"]}]}");
}

/* Both ways of finding the largest find the same. */
static void test_many_classes(void) {
    enum { K = 50 };
    struct net wide = {.outputs_n = K};
    struct model regression = {.task = TASK_REGRESSION, .net = &wide};
    float Y[K];
    for (size_t i = 0; i < K; i++)
        Y[i] = (float)(i * 37 % 11);
    struct oip_wanted some = {.name = "predictions", .classes_n = 8}, all = some;
    all.classes_n = K;
    struct text few, many;
    struct err e = {0};
    size_t json_n;
    if (CHECK(encode(&regression, Y, 1, &some, 1, &few, &json_n, &e)) &&
        CHECK(encode(&regression, Y, 1, &all, 1, &many, &json_n, &e))) {
        text_bytes(&few, "", 1);
        text_bytes(&many, "", 1);
        const char *a = strstr(few.data, "\"data\":[");
        const char *b = strstr(many.data, "\"data\":[");
        size_t n = a ? strcspn(a, "]") : 0;
        CHECK_SAY(a && b && n > 40 && strncmp(a, b, n) == 0, "%s\n%s", a, b);
    }
    text_free(&few);
    text_free(&many);
}

static void test_not_finite(void) {
    struct oip_wanted wanted = {.name = "probabilities"};
    struct text out;
    struct err e = {0};
    size_t json_n;
    CHECK(!encode(&classes, (float[]){0, 0, 1, 0, NAN, 1}, 2, &wanted, 1, &out, &json_n,
                  &e));
    CHECK(e.kind == ERR_NUMERIC && strstr(e.text, "row 1:"));
    text_free(&out);
}

int main(void) {
    CHECK_RUN(test_tasks);
    CHECK_RUN(test_binary);
    CHECK_RUN(test_classification);
    CHECK_RUN(test_many_classes);
    CHECK_RUN(test_not_finite);
    return check_done();
}
