#include "api/class_weight.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static char ant[] = "ant", bee[] = "b \"ee\"", none[] = "";
static char *strings[] = {none, ant, bee};
static double numbers[] = {-7, 0, 2.5e10}, truths[] = {0, 1};
static const struct labels of_strings = {
    .kind = LABEL_STRING, .n = 3, .strings = strings};
static const struct labels of_numbers = {
    .kind = LABEL_NUMBER, .n = 3, .numbers = numbers};
static const struct labels of_booleans = {
    .kind = LABEL_BOOLEAN, .n = 2, .numbers = truths};

/* Decoded and encoded: `want`, which decodes to itself. */
static void check_round(const char *json, const struct labels *labels, const char *want) {
    for (int i = 0; i < 2; i++) {
        struct class_weight w = {0};
        struct text text = {0};
        struct err e = {0};
        struct json_slot slot = {
            .value = json_loads(i ? want : json, JSON_DECODE_ANY, NULL), .path = "/w"};
        if (CHECK_SAY(class_weight_decode(&slot, labels, &w, &e), "%s: %s %s", json,
                      e.where, e.text)) {
            class_weight_encode(&w, labels, &text);
            char *got = text_take(&text);
            CHECK_TEXT(got, want);
            free(got);
        }
        json_decref(slot.value);
        class_weight_free(&w);
    }
}

static void test_labels(void) {
    check_round("{\"ant\":2}", &of_strings, "{\"\":1,\"ant\":2,\"b \\\"ee\\\"\":1}");
    check_round("{\"b \\\"ee\\\"\":0.1,\"\":0}", &of_strings,
                "{\"\":0,\"ant\":1,\"b \\\"ee\\\"\":0.1}");
    check_round("{}", &of_strings, "{\"\":1,\"ant\":1,\"b \\\"ee\\\"\":1}");
    check_round("{\"-7.0\":3,\"-0\":1e1,\"25e9\":0.5}", &of_numbers,
                "{\"-7\":3,\"0\":10,\"25000000000\":0.5}");
    check_round("{\"true\":2}", &of_booleans, "{\"false\":1,\"true\":2}");
}

static void test_words(void) {
    const struct labels no_labels = {0};
    check_round("\"none\"", &of_strings, "\"none\"");
    check_round("\"Balanced\"", &of_strings, "\"balanced\"");
    check_round("\"none\"", &no_labels, "\"none\"");
}

/* One sample a label; 0 weighs nothing. */
static void test_samples(void) {
    struct class_weight w = {0};
    struct err e = {0};
    float *weights = NULL;
    const struct targets targets = {.classes = (int32_t[]){0, 1, 2}};
    struct json_slot slot = {.value = json_loads("{\"ant\":0,\"\":2}", 0, NULL)};
    CHECK(class_weight_samples(&w, 3, targets, 3, &weights, &e) && !weights);
    CHECK(class_weight_decode(&slot, &of_strings, &w, &e));
    if (CHECK(class_weight_samples(&w, 3, targets, 3, &weights, &e)))
        CHECK(weights[0] == 2 && weights[1] == 0 && weights[2] == 1);
    free(weights);
    class_weight_free(&w);
    json_decref(slot.value);
}

int main(void) {
    CHECK_RUN(test_labels);
    CHECK_RUN(test_words);
    CHECK_RUN(test_samples);
    return check_done();
}
