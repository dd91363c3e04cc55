#include "server/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/matrix.h"
#include "tests/unit/check.h"

/* A net of one layer that answers what its one input says: logit or value x. */
static struct net *net_of(size_t outputs_n, enum activation activation) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = outputs_n, .activation = activation};
    struct net *net = net_new(outputs_n, &shape, 1, &e);
    if (!net)
        abort();
    for (size_t i = 0; i < outputs_n; i++)
        net_weights(net, 0)[i * outputs_n + i] = 1;
    return net;
}

static void check(const struct evaluation *evaluation, struct trainer_data data,
                  bool wanted_idle, const char *wanted) {
    struct text out = {0};
    struct err e = {0};
    bool idle;
    CHECK_SAY(evaluation_encode(evaluation, data, &idle, &out, &e), "%s", e.text);
    CHECK_SAY(idle == wanted_idle, "%s", wanted);
    char *got = text_take(&out);
    CHECK_SAY(strncmp(got, wanted, strlen(wanted)) == 0, "%s", got);
    free(got);
}

static void test_binary(void) {
    static char bad[] = "bad", good[] = "good";
    static char *strings[] = {bad, good};
    struct job_spec spec = {
        .task = TASK_BINARY,
        .labels = {.kind = LABEL_STRING, .n = 2, .strings = strings},
    };
    struct net *net = net_of(1, ACTIVATION_SIGMOID);
    static const float X[] = {2, 1, -1, -2}, values[] = {1, 0, 1, 0};
    struct trainer_data data = {.X = X, .targets = {.values = values}, .rows_n = 4};
    check(&(struct evaluation){.net = net, .spec = &spec}, data, true, /* 2 of 4 */
          "{\"positive\":\"good\",\"accuracy\":0.5,\"precision\":0.5,\"recall\":0.5,"
          "\"f1\":0.5,"
          "\"roc_auc\":0.75,\"log_loss\":0.7");
    net_free(net);
}

static void test_stopped(void) {
    struct job_spec spec = {.task = TASK_BINARY};
    static const atomic_bool stop = true;
    struct net *net = net_of(1, ACTIVATION_SIGMOID);
    static const float X[] = {2, 1}, values[] = {1, 0};
    struct trainer_data data = {.X = X, .targets = {.values = values}, .rows_n = 2};
    struct text out = {0};
    struct err e = {0};
    bool idle;
    CHECK(
        !evaluation_encode(&(struct evaluation){.net = net, .spec = &spec, .stop = &stop},
                           data, &idle, &out, &e));
    CHECK(e.kind == ERR_CANCELLED);
    text_free(&out);
    net_free(net);
}

static void test_classes(void) {
    struct job_spec spec = {.task = TASK_MULTI_CLASS};
    struct net *net = net_of(3, ACTIVATION_SOFTMAX);
    static const float X[] = {9, 0, 0, 0, 9, 0, 0, 0, 9, 9, 0, 0};
    static const int32_t classes[] = {0, 1, 2, 1};
    struct trainer_data data = {.X = X, .targets = {.classes = classes}, .rows_n = 4};
    struct text out = {0};
    struct err e = {0};
    bool idle;
    CHECK(evaluation_encode(&(struct evaluation){.net = net, .spec = &spec}, data, &idle,
                            &out, &e));
    CHECK(!idle); /* 3 of 4 are right, 2 of 4 have the most common class */
    char *got = text_take(&out);
    CHECK_SAY(strncmp(got, "{\"accuracy\":0.75,", 17) == 0 &&
                  strstr(got, "\"confusion_matrix\":[[1,0,0],[1,1,0],[0,0,1]]"),
              "%s", got);
    free(got);
    net_free(net);
}

/* Residuals 0.5, -0.5, 0, 0 of targets -1, 0, 1, 2; then in a column's units. */
static void test_values(void) {
    struct job_spec spec = {.task = TASK_REGRESSION};
    struct net *net = net_of(1, ACTIVATION_LINEAR);
    static const float X[] = {-0.5f, -0.5f, 1, 2}, values[] = {-1, 0, 1, 2};
    struct trainer_data data = {.X = X, .targets = {.values = values}, .rows_n = 4};
    check(&(struct evaluation){.net = net, .spec = &spec}, data, false,
          "{\"mse\":0.125,\"rmse\":0.3535533905932738,\"mae\":0.25,\"r2\":0.9}");
    check(
        &(struct evaluation){
            .net = net, .spec = &spec, .target_mean = 1000, .target_scale = 16},
        data, false, "{\"mse\":32,\"rmse\":5.656854249492381,");
    /* The mean of the targets for all. */
    static const float same[] = {0.5f, 0.5f, 0.5f, 0.5f};
    data.X = same;
    check(&(struct evaluation){.net = net, .spec = &spec}, data, true, "{\"mse\":1.25");
    net_free(net);
}

/* Where m times the share of m is more than it was. */
static void test_idle_counts(void) {
    enum { M = 35, MOST = 29 };
    struct job_spec spec = {.task = TASK_MULTI_CLASS};
    struct net *net = net_of(3, ACTIVATION_SOFTMAX);
    float X[3 * M] = {0};
    int32_t classes[M];
    struct trainer_data data = {.X = X, .targets = {.classes = classes}, .rows_n = M};
    for (size_t i = 0; i < M; i++) {
        X[3 * i] = 1; /* all are said to be of class 0 */
        classes[i] = i >= MOST;
    }
    check(&(struct evaluation){.net = net, .spec = &spec}, data, true,
          "{\"accuracy\":0.82");
    X[3 * M - 2] = 2; /* but one of class 1 */
    check(&(struct evaluation){.net = net, .spec = &spec}, data, false,
          "{\"accuracy\":0.85");
    net_free(net);
}

static void test_nothing(void) {
    struct job_spec labels = {.task = TASK_MULTI_LABEL}, binary = {.task = TASK_BINARY};
    struct net *net = net_of(1, ACTIVATION_SIGMOID);
    static const float X[] = {1}, values[] = {1};
    struct trainer_data data = {.X = X, .targets = {.values = values}, .rows_n = 1};
    check(&(struct evaluation){.net = net, .spec = &labels}, data, false, "null");
    data.rows_n = 0;
    check(&(struct evaluation){.net = net, .spec = &binary}, data, false, "null");
    net_free(net);
}

int main(void) {
    struct err e = {0};
    if (!matrix_start(&e))
        return 1;
    CHECK_RUN(test_binary);
    CHECK_RUN(test_classes);
    CHECK_RUN(test_values);
    CHECK_RUN(test_idle_counts);
    CHECK_RUN(test_nothing);
    CHECK_RUN(test_stopped);
    return check_done();
}
