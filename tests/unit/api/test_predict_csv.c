#include "api/predict_csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/predict.h"
#include "tests/unit/check.h"

static void check_answer(enum task task, struct labels labels, size_t k, const float *Y,
                         size_t m, const char *expected) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = k};
    struct net *net = net_new(3, &shape, 1, &e);
    if (!net)
        abort();
    struct model model = {.task = task, .net = net, .labels = labels};
    struct text t = {0};
    CHECK_SAY(predict_encode_csv(&model, Y, m, &t, &e), "%s", e.text);
    text_bytes(&t, "", 1);
    CHECK_TEXT(t.data, expected);
    text_free(&t);
    net_free(net);
}

static void test_classes(void) {
    char no[] = "no", odd[] = "a \"b\", c", empty[] = "", dots[] = "x:";
    char *strings[] = {empty, odd, no};
    check_answer(TASK_BINARY, (struct labels){LABEL_STRING, 2, NULL, strings + 1}, 1,
                 (float[]){0.25f, 0.75f}, 2,
                 "prediction,\"a \"\"b\"\", c\",no\n\"a \"\"b\"\", c\",0.75,0.25\n"
                 "no,0.25,0.75\n");
    check_answer(TASK_MULTI_CLASS, (struct labels){LABEL_STRING, 3, NULL, strings}, 3,
                 (float[]){0.5f, 0.25f, 0.25f}, 1,
                 "prediction,\"\",\"a \"\"b\"\", c\",no\n\"\",0.5,0.25,0.25\n");
    double numbers[] = {-1, 9007199254740992.0}, bits[] = {0, 1};
    check_answer(TASK_BINARY, (struct labels){LABEL_NUMBER, 2, numbers, NULL}, 1,
                 (float[]){1}, 1,
                 "prediction,-1,9007199254740992\n9007199254740992,0,1\n");
    check_answer(TASK_BINARY, (struct labels){LABEL_BOOLEAN, 2, bits, NULL}, 1,
                 (float[]){0}, 1, "prediction,false,true\nfalse,1,0\n");
    strings[0] = dots;
    check_answer(TASK_BINARY, (struct labels){LABEL_STRING, 2, NULL, strings}, 1,
                 (float[]){0}, 1, "prediction,x:,\"a \"\"b\"\", c\"\nx:,1,0\n");
}

static void test_values(void) {
    check_answer(TASK_REGRESSION, (struct labels){0}, 1, (float[]){-1.5f, 1e30f}, 2,
                 "prediction\n-1.5\n1e30\n");
    check_answer(TASK_REGRESSION, (struct labels){0}, 2, (float[]){1, 2, 3, 4}, 2,
                 "prediction_0,prediction_1\n1,2\n3,4\n");
    check_answer(
        TASK_MULTI_LABEL, (struct labels){0}, 2, (float[]){0.25f, 0.75f}, 1,
        "prediction_0,prediction_1,probability_0,probability_1\n0,1,0.25,0.75\n");
}

static void test_not_finite(void) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = 1};
    struct net *net = net_new(3, &shape, 1, &e);
    struct model model = {.task = TASK_REGRESSION, .net = net};
    struct text t = {0};
    CHECK(!predict_encode_csv(&model, (float[]){1, NAN}, 2, &t, &e) && !t.n);
    CHECK(e.kind == ERR_NUMERIC);
    CHECK_TEXT(e.where, "/instances/1");
    net_free(net);
}

/* Never fewer than there are: the answer says who predicts. */
static void test_bound(void) {
    struct predict_request r;
    predict_decode_csv("a\n1\r\n2", 6, "text/csv", &r);
    CHECK(r.csv && r.header == CSV_HEADER_PRESENT && predict_rows_bound(&r) >= 2);
    predict_decode_csv("1\r2\r3", 5, "text/csv; Header=absent", &r);
    CHECK(r.header == CSV_HEADER_ABSENT && predict_rows_bound(&r) >= 3);
}

int main(void) {
    CHECK_RUN(test_classes);
    CHECK_RUN(test_values);
    CHECK_RUN(test_not_finite);
    CHECK_RUN(test_bound);
    return check_done();
}
