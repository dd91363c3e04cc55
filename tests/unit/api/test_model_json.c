#include "api/model_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/api/test_encoder.h"

/* 2-2-1, binary, minmax; parameters that are told apart. */
struct stage {
    struct net *net;
    struct model model;
};
static float offset[] = {0.1f, -3}, scale[] = {2, 0.5f};
static char no[] = "no", yes[] = "yes \"q\"";
static char *names[] = {no, yes};

static void stage_new(struct stage *s) {
    struct err e = {0};
    const struct layer_shape shapes[] = {
        {.units_n = 2, .activation = ACTIVATION_LEAKY_RELU, .negative_slope = 0.2f},
        {.units_n = 1, .activation = ACTIVATION_SIGMOID}};
    s->net = net_new(2, shapes, 2, &e);
    if (!s->net)
        abort();
    memcpy(net_weights(s->net, 0), (float[]){0.1f, 1e-7f, -2, 16777216}, 16);
    memcpy(net_biases(s->net, 0), (float[]){0, 1.5f}, 8);
    memcpy(net_weights(s->net, 1), (float[]){3, 1.0f / 3}, 8);
    net_biases(s->net, 1)[0] = -1;
    s->model = (struct model){.task = TASK_BINARY,
                              .loss = LOSS_BINARY_CROSS_ENTROPY,
                              .net = s->net,
                              .transform = {.kind = NORMALIZE_MINMAX,
                                            .columns_n = 2,
                                            .offset = offset,
                                            .scale = scale},
                              .labels = {.kind = LABEL_STRING, .n = 2, .strings = names}};
}

static char *encoded(const struct stage *s) {
    struct text t = {0};
    struct err e = {0};
    CHECK_SAY(model_json_encode(&s->model, "m", 7, &t, &e), "%s", e.text);
    return text_take(&t);
}

/* The whole of it, a row of weights a unit, each number at its shortest. */
static void test_document(void) {
    struct stage s;
    stage_new(&s);
    char *got = encoded(&s);
    CHECK_TEXT(got,
               "{\"object\":\"model_export\",\"model\":\"m\",\"version\":7,"
               "\"task\":\"binary\",\"loss\":\"binary_cross_entropy\",\"inputs\":2,"
               "\"transform\":{\"offset\":[0.1,-3],\"scale\":[2,0.5]},\"layers\":["
               "{\"units\":2,\"activation\":\"leaky_relu\",\"negative_slope\":0.2,"
               "\"weights\":[[0.1,1e-7],[-2,16777216]],\"biases\":[0,1.5]},"
               "{\"units\":1,\"activation\":\"sigmoid\",\"weights\":[[3,0.33333334]],"
               "\"biases\":[-1]}],\"classes\":[\"no\",\"yes \\\"q\\\"\"]}\n");
    free(got);
    net_free(s.net);
}

static void test_without(void) {
    struct stage s;
    stage_new(&s);
    s.model.transform = (struct transform){0};
    s.model.labels = (struct labels){0};
    s.model.task = TASK_MULTI_LABEL;
    char *got = encoded(&s);
    CHECK(got && strstr(got, "\"transform\":null,") && !strstr(got, "classes") &&
          !strstr(got, "columns"));
    free(got);
    net_free(s.net);
}

/* What raw cells become, before the scaling. */
static void test_columns(void) {
    struct stage s;
    stage_new(&s);
    s.model.encoder = encoder_abc();
    char *got = encoded(&s);
    CHECK_SAY(strstr(got, "\"inputs\":2,\"columns\":["
                          "{\"name\":\"a\",\"type\":\"number\",\"missing\":\"mean\","
                          "\"mean\":2.1},"
                          "{\"name\":\"b\",\"type\":\"boolean\",\"missing\":\"mean\","
                          "\"mean\":0.25},"
                          "{\"name\":\"c\",\"type\":\"category\","
                          "\"missing\":\"category\","
                          "\"categories\":[\"x \\\"1\\\"\",\"y\"]}],\"transform\":"),
              "%s", got);
    free(got);
    encoder_free(&s.model.encoder);
    net_free(s.net);
}

/* Counted, not written. */
static void test_too_large(void) {
    struct stage s;
    stage_new(&s);
    struct text t = {0};
    struct err e = {0};
    s.net->parameters_n = MODEL_JSON_PARAMETERS_MAX + 1;
    CHECK(!model_json_encode(&s.model, "m", 7, &t, &e) && e.kind == ERR_TOO_LARGE);
    CHECK(t.n == 0);
    text_free(&t);
    net_free(s.net);
}

int main(void) {
    CHECK_RUN(test_document);
    CHECK_RUN(test_without);
    CHECK_RUN(test_columns);
    CHECK_RUN(test_too_large);
    return check_done();
}
