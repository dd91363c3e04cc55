#include "api/import.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/half.h"
#include "api/safetensors.h"
#include "api/safetensors_list.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "tests/unit/check.h"

/* A float32 tensor whose numbers count up from `from`. */
struct given {
    const char *name;
    size_t rows_n, columns_n; /* columns_n 0: a vector */
    float from;
};
enum { GIVEN_MAX = 8, NUMBERS_MAX = 64 };

static struct model *import(const struct given *given, size_t n,
                            struct import_options options, struct err *e) {
    static float numbers[GIVEN_MAX][NUMBERS_MAX];
    struct tensor tensors[GIVEN_MAX] = {{.rows_n = 0}};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < NUMBERS_MAX; k++)
            numbers[i][k] = given[i].from + (float)k;
        tensors[i] = (struct tensor){.rows_n = given[i].rows_n,
                                     .columns_n = given[i].columns_n,
                                     .data = numbers[i]};
        snprintf(tensors[i].name, sizeof tensors[i].name, "%s", given[i].name);
    }
    size_t bytes_n;
    *e = (struct err){0};
    void *bytes = safetensors_encode(tensors, n, NULL, &bytes_n, e);
    struct model *model = bytes ? import_safetensors(bytes, bytes_n, &options, e) : NULL;
    free(bytes);
    return model;
}

#define IMPORT(given, ...)                                                               \
    import(given, sizeof given / sizeof *given, (struct import_options){__VA_ARGS__}, &e)

static void check_layer(const struct model *model, size_t l, size_t units, size_t inputs,
                        float first, float second, float bias) {
    const struct net *net = model->net;
    CHECK_SAY(net->layers[l].shape.units_n == units && net->layers[l].inputs_n == inputs,
              "layer %zu is %zux%zu", l, net->layers[l].shape.units_n,
              net->layers[l].inputs_n);
    CHECK(net_weights(net, l)[0] == first && net_biases(net, l)[0] == bias);
    CHECK(units * inputs < 2 || net_weights(net, l)[1] == second);
}

static void names_that_are_known(void) {
    static const struct given course[] = {
        {"W1", 3, 2, 0}, {"b1", 3, 1, 40}, {"W2", 1, 3, 10}, {"b2", 1, 1, 50}};
    static const struct given torch[] = {{"0.weight", 3, 2, 0},
                                         {"0.bias", 3, 0, 40},
                                         {"2.weight", 1, 3, 10},
                                         {"2.bias", 1, 0, 50}};
    static const struct given reversed[] = {{"fc10.bias", 1, 0, 50},
                                            {"fc2.bias", 3, 0, 40},
                                            {"fc10.weight", 1, 3, 10},
                                            {"fc2.weight", 3, 2, 0}};
    static const struct given *const all[] = {course, torch, reversed};
    for (size_t i = 0; i < 3; i++) {
        struct err e;
        struct model *model =
            import(all[i], 4, (struct import_options){NULL, NULL, NULL}, &e);
        if (CHECK_SAY(model, "%zu: %s", i, e.text)) {
            check_layer(model, 0, 3, 2, 0, 1, 40);
            check_layer(model, 1, 1, 3, 10, 11, 50);
            CHECK(model->net->layers[0].shape.activation == ACTIVATION_RELU &&
                  model->net->layers[1].shape.activation == ACTIVATION_LINEAR);
            CHECK(model->task == TASK_REGRESSION && model->loss == LOSS_MSE);
        }
        model_free(model);
    }
}

static void inputs_by_units(void) {
    static const struct given keras[] = {{"dense/kernel:0", 2, 5, 0},
                                         {"dense/bias:0", 5, 0, 7},
                                         {"dense_1/kernel:0", 5, 3, 100}};
    struct err e;
    struct model *model = IMPORT(keras, .activations = "tanh,softmax");
    if (CHECK_SAY(model, "%s", e.text)) {
        check_layer(model, 0, 5, 2, 0, 5, 7);
        check_layer(model, 1, 3, 5, 100, 103, 0);
        CHECK(model->task == TASK_MULTI_CLASS && model->loss == LOSS_CROSS_ENTROPY);
        CHECK(model->labels.n == 3 && model->labels.numbers[2] == 2);
    }
    model_free(model);
}

static void square_matrices(void) {
    static const struct given any[] = {{"a", 2, 2, 0}, {"b1", 2, 0, 5}};
    static const struct given torch[] = {{"l.weight", 2, 2, 0}, {"l.bias", 2, 0, 5}};
    struct err e;
    CHECK(!IMPORT(any, .activations = NULL) && e.kind == ERR_INVALID &&
          strstr(e.text, "both ways"));
    CHECK_TEXT(e.where, "orientation");
    struct model *model = IMPORT(any, .orientation = "in_out");
    if (CHECK_SAY(model, "%s", e.text))
        check_layer(model, 0, 2, 2, 0, 2, 5);
    model_free(model);
    model = IMPORT(torch, .activations = NULL);
    if (CHECK_SAY(model, "%s", e.text))
        check_layer(model, 0, 2, 2, 0, 1, 5);
    model_free(model);
    model = IMPORT(torch, .orientation = "in_out");
    if (CHECK_SAY(model, "%s", e.text))
        check_layer(model, 0, 2, 2, 0, 2, 5);
    model_free(model);
}

static void missing_biases(void) {
    static const struct given last[] = {{"0.weight", 3, 2, 0},
                                        {"1.weight", 4, 3, 0},
                                        {"2.weight", 1, 4, 0},
                                        {"z", 4, 0, 9}};
    static const struct given open[] = {
        {"0.weight", 3, 2, 0}, {"1.weight", 3, 3, 0}, {"z", 3, 0, 9}};
    struct err e;
    struct model *model = IMPORT(last, .activations = NULL);
    if (CHECK_SAY(model, "%s", e.text)) {
        CHECK(net_biases(model->net, 0)[0] == 0 && net_biases(model->net, 2)[0] == 0);
        CHECK(net_biases(model->net, 1)[3] == 12);
    }
    model_free(model);
    CHECK(!IMPORT(open, .activations = NULL) && strstr(e.text, "in more than one way"));
}

static void refusals(void) {
    static const struct given misfit[] = {{"0.weight", 3, 2, 0}, {"1.weight", 5, 4, 0}};
    static const struct given vectors[] = {{"a", 3, 0, 0}};
    static const struct given more[] = {
        {"0.weight", 3, 2, 0}, {"a", 3, 0, 0}, {"c", 3, 0, 0}};
    static const struct given long_bias[] = {{"0.weight", 3, 2, 0}, {"a", 4, 0, 0}};
    static const struct given fine[] = {{"0.weight", 3, 2, 0}, {"1.weight", 1, 3, 0}};
    struct err e;
    CHECK(!IMPORT(misfit, .activations = NULL) && strstr(e.text, "no chain"));
    CHECK(!IMPORT(vectors, .activations = NULL) && strstr(e.text, "no matrix"));
    CHECK(!IMPORT(more, .activations = NULL) &&
          strstr(e.text, "2 vectors for 1 matrices"));
    CHECK(!IMPORT(long_bias, .activations = NULL) && strstr(e.text, "no chain"));
    CHECK(!IMPORT(fine, .orientation = "sideways") && strstr(e.text, "out_in or in_out"));
    CHECK(!IMPORT(fine, .orientation = "in_out") && strstr(e.text, "no chain"));
    CHECK(!IMPORT(fine, .activations = "relu") && strstr(e.text, "got 1"));
    CHECK(!IMPORT(fine, .activations = "relu,relu,relu") && strstr(e.text, "got 3"));
    CHECK(!IMPORT(fine, .activations = "relu,swish") &&
          strstr(e.text, "\"swish\" (number 2)"));
    CHECK(!IMPORT(fine, .activations = "relu,") && strstr(e.text, "\"\" (number 2)"));
    double numbers[] = {0, 1, 2};
    struct labels three = {.kind = LABEL_NUMBER, .n = 3, .numbers = numbers};
    CHECK(!IMPORT(fine, .activations = "relu,sigmoid", .labels = &three) &&
          strstr(e.text, "3 labels"));
    CHECK(!IMPORT(fine, .labels = &three) && strstr(e.text, "tells 0 classes apart"));
}

static void labels_are_copied(void) {
    static const struct given fine[] = {{"0.weight", 3, 2, 0}, {"1.weight", 1, 3, 0}};
    char no[] = "no", yes[] = "yes", *strings[] = {no, yes};
    struct labels two = {.kind = LABEL_STRING, .n = 2, .strings = strings};
    struct err e;
    struct model *model = IMPORT(fine, .activations = "relu,sigmoid", .labels = &two);
    if (CHECK_SAY(model, "%s", e.text)) {
        CHECK(model->task == TASK_BINARY && model->labels.n == 2);
        CHECK(model->labels.strings[1] != yes);
        CHECK_TEXT(model->labels.strings[1], "yes");
    }
    model_free(model);
}

/* Every binary16 against its definition, and some bfloat16. */
static void halves(void) {
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        int exponent = (int)(bits >> 10 & 31), sign = bits & 0x8000 ? -1 : 1;
        double fraction = bits & 1023;
        double want =
            exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        float got = half_from_binary16((uint16_t)bits);
        bool ok = exponent < 31     ? (double)got == sign * want
                  : fraction != 0.0 ? isnan(got)
                                    : isinf(got) && (got > 0) == (sign > 0);
        if (!CHECK_SAY(ok && !signbit(got) == (sign > 0), "%x: %g", bits, (double)got))
            return;
    }
    CHECK(half_from_bfloat(0x3f80) == 1 && half_from_bfloat(0xc040) == -3);
}

static void file_write(unsigned char *file, size_t *n, const char *header,
                       const void *data, size_t data_n) {
    size_t header_n = strlen(header);
    memset(file, 0, 8);
    file[0] = (unsigned char)header_n;
    file[1] = (unsigned char)(header_n >> 8);
    memcpy(file + 8, header, header_n);
    memcpy(file + 8 + header_n, data, data_n);
    *n = 8 + header_n + data_n;
}

static void other_types(void) {
    static unsigned char file[1024], data[40];
    const double doubles[] = {0.5, -2};
    const uint16_t halves_of[] = {0x3c00, 0xc000}; /* 1, -2 */
    const uint16_t bfloats[] = {0x3f80};
    struct safetensors_list list;
    struct err e = {0};
    size_t n;
    memcpy(data, doubles, 16);
    memcpy(data + 16, halves_of, 4);
    memcpy(data + 20, bfloats, 2);
    static const char header[] =
        "{\"a.weight\":{\"dtype\":\"F64\",\"shape\":[1,2],\"data_offsets\":[0,16]},"
        "\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[16,20]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[20,22]},"
        "\"__metadata__\":{\"format\":\"pt\"}}";
    file_write(file, &n, header, data, 22);
    if (!CHECK_SAY(safetensors_list_decode(file, n, &list, &e), "%s", e.text))
        return;
    CHECK(list.entries_n == 3 && safetensors_entry_at(&list.entries[0], 1) == -2);
    CHECK(safetensors_entry_at(&list.entries[1], 0) == 1 &&
          safetensors_entry_at(&list.entries[1], 1) == -2);
    CHECK(list.entries[2].rank == 0 && safetensors_entry_at(&list.entries[2], 0) == 1);
    safetensors_list_free(&list);
    for (size_t cut = 0; cut < n; cut++) {
        e = (struct err){0};
        CHECK(!safetensors_list_decode(file, cut, &list, &e) && e.kind == ERR_INVALID);
    }
}

static void broken_files(void) {
    static const struct {
        const char *header, *text;
    } all[] = {
        {"[]", "expected an object"},
        {"{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
         "expected dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
         "positive dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}"
         "}",
         "at most 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":["
         "0,8]}}",
         "positive"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,12]}}",
         "leave the file"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
         "leave the file"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", "disagree"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         "behind the last"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "gap or overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{"
         "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "gap or overlap"},
    };
    static unsigned char file[1024];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct safetensors_list list;
        struct err e = {0};
        size_t n;
        file_write(file, &n, all[i].header, "\0\0\0\0\0\0\0\0", 8);
        CHECK_SAY(!safetensors_list_decode(file, n, &list, &e) && e.kind == ERR_INVALID &&
                      strstr(e.text, all[i].text),
                  "%s: %s", all[i].header, e.text);
        CHECK(!list.entries);
    }
}

int main(void) {
    CHECK_RUN(names_that_are_known);
    CHECK_RUN(inputs_by_units);
    CHECK_RUN(square_matrices);
    CHECK_RUN(missing_biases);
    CHECK_RUN(refusals);
    CHECK_RUN(labels_are_copied);
    CHECK_RUN(halves);
    CHECK_RUN(other_types);
    CHECK_RUN(broken_files);
    return check_done();
}
