/* Every document that a job is refused for: the kind, the place and the text. */
#include "api/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void check_body(const char *body, enum err_kind kind, const char *where,
                       const char *text) {
    struct job_request request;
    struct err e = {0};
    if (!CHECK_SAY(!job_decode(body, strlen(body), 0, &request, &e), "%.200s", body)) {
        job_request_free(&request);
        return;
    }
    CHECK_SAY(e.kind == kind, "%.200s: kind %d", body, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    CHECK(!request.spec.layers && !request.features.values && !request.values &&
          !request.classes && !request.metadata);
}

/* `rest` behind a sound model, features and targets of two classes. */
static void check_rest(const char *rest, enum err_kind kind, const char *where,
                       const char *text) {
    char body[8192];
    snprintf(body, sizeof body,
             "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[1,0],[1,1]],\"targets\":[0,"
             "1,1]},%s}",
             rest);
    check_body(body, kind, where, text);
}

/* `targets`, with `rest` behind them where it is not "". */
static void check_targets(const char *targets, const char *rest, enum err_kind kind,
                          const char *where, const char *text) {
    char body[1024];
    snprintf(body, sizeof body,
             "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[1,0],[1,1]],\"targets\":%s}"
             "%s%s}",
             targets, rest[0] ? "," : "", rest);
    check_body(body, kind, where, text);
}

static const enum err_kind I = ERR_INVALID, R = ERR_RANGE, L = ERR_TOO_LARGE;

static void test_documents(void) {
    check_body("", I, "line 1, column 1", "expected an object, got the end");
    check_body("[]", I, "line 1, column 1", "expected an object, got an array");
    check_body("{", I, "line 1, column 2", "expected a key, got the end");
    check_body("{}", I, "/model", "is missing: the name of the model to make");
    check_body("{\"model\":\"m\"}", I, "/data",
               "is missing: {\"features\":[[...],...],\"targets\":[...]}");
    check_body("{\"model\":\"m\",\"model\":\"m\"}", I, "/model",
               "duplicate key: \"model\" is given twice");
    check_body("{\"model\":7}", I, "/model", "expected a string, got a number");
    check_body("{\"model\":null}", I, "/model", "expected a string, got null");
    check_body("{\"model\":\"a/b\"}", I, "/model",
               "expected a name like [A-Za-z0-9][A-Za-z0-9._-]{0,127}, got \"a/b\"");
    check_body("{\"model\":\"\"}", I, "/model",
               "expected a name like [A-Za-z0-9][A-Za-z0-9._-]{0,127}, got \"\"");
    check_body("{\"modle\":\"m\"}", I, "/modle",
               "unknown key \"modle\"; the nearest known one is \"model\"");
    check_body("{\"Model\":\"m\"}", I, "/Model",
               "unknown key \"Model\"; the nearest known one is \"model\"");
    check_body(
        "{\"lerning_rate\":1}", I, "/lerning_rate",
        "unknown key \"lerning_rate\"; the nearest known one is \"learning_rate\"");
    check_body("{\"max_iters\":1}", I, "/max_iters",
               "unknown key \"max_iters\"; the nearest known one is \"epochs\"");
    check_body("{\"inputs\":1}", I, "/inputs",
               "unknown key \"inputs\", and no known one is like it");
    check_body(
        "{\"alpha\":1}", I, "/alpha",
        "means the learning rate to some and a penalty to others: give learning_rate "
        "or l2");
}

static void test_data(void) {
    check_body("{\"model\":\"m\",\"data\":[]}", I, "/data",
               "expected an object, got an array");
    check_body("{\"model\":\"m\",\"data\":null}", I, "/data",
               "expected an object, got null");
    check_body("{\"model\":\"m\",\"data\":{}}", I, "/data/features", "is missing");
    check_body("{\"model\":\"m\",\"data\":{\"features\":[[1]]}}", I, "/data/targets",
               "is missing");
    check_body("{\"model\":\"m\",\"data\":{\"targets\":[1]}}", I, "/data/features",
               "is missing");
    check_body("{\"model\":\"m\",\"data\":{\"features\":[[1]],\"target\":[1]}}", I,
               "/data/target",
               "unknown key \"target\"; the nearest known one is \"targets\"");
    check_body("{\"model\":\"m\",\"data\":{\"features\":[[1]],\"targets\":[1,2]}}", I,
               "/data/targets",
               "expected 1 targets, one for each row of features, got 2");
    check_body("{\"data\":{\"features\":[[1]],\"features\":[[1]]}}", I, "/data/features",
               "given twice");
    check_body("{\"data\":{\"features\":[[1]]},\"data\":{\"targets\":[1]}}", I, "/data",
               "duplicate key: \"data\" is given twice");
    check_body("{\"data\":{\"features\":null}}", I, "/data/features",
               "expected an array of rows, got null");
    check_body("{\"data\":{\"features\":[[1,2],[3]]}}", I, "/data/features/1",
               "expected 2 numbers, got 1");
    check_body("{\"data\":{\"features\":[[1,[2]]]}}", I, "/data/features/0/1",
               "expected a number, a string, a boolean or null, got an array");
    check_body("{\"data\":{\"features\":[[1e39]]}}", R, "/data/features/0/0",
               "1e39 is outside float32 (at most 3.4028235e38 in magnitude)");
    check_body("{\"data\":{\"features\":[[NaN]]}}", I, "/data/features/0/0",
               "expected a number, a string, a boolean or null, got 'NaN'");
}

static void test_targets(void) {
    check_targets("[]", "", I, "/data/targets", "expected at least one value");
    check_targets("[0,\"a\",1]", "", I, "/data/targets/1",
                  "expected a number, got a string");
    check_targets("[0,1,null]", "", I, "/data/targets/2", "expected a number, got null");
    check_targets("[\"a\",\"b\",true]", "", I, "/data/targets/2",
                  "expected a string, got a boolean");
    check_targets("[[1,2],[3],[4]]", "", I, "/data/targets/1",
                  "expected 2 numbers, got 1");
    check_targets("[\"a\",\"a\",\"a\"]", "", I, "/data/targets",
                  "expected at least two classes, got 1");
    check_targets("[5,5,5]", "\"task\":\"binary\"", I, "/data/targets",
                  "expected at least two classes, got 1");
    check_targets("[0,1,2]", "\"task\":\"binary\"", I, "/data/targets",
                  "expected two classes, got 3");
    check_targets(
        "[\"a\",\"b\",\"c\"]", "\"loss\":\"binary_cross_entropy\"", I, "/loss",
        "binary_cross_entropy does not fit a multi_class task, which has cross_entropy");
    check_targets("[\"a\",\"b\",\"c\"]", "\"task\":\"regression\"", I, "/data/targets/0",
                  "expected a number for a regression, got a string");
    check_targets("[true,false,true]", "\"loss\":\"mse\"", I, "/data/targets/0",
                  "expected a number for a regression, got a boolean");
    check_targets("[0,1,1]", "\"task\":\"multi_label\"", I, "/data/targets/0",
                  "expected a row of 0 and 1 for several labels, got a number");
    check_targets("[[0,1],[1,1],[2,0]]", "\"task\":\"multi_label\"", I,
                  "/data/targets/2/0",
                  "expected 0 or 1 for one of several labels, got 2");
    check_targets("[[0,1],[1,1],[1,0]]", "\"task\":\"multi_class\"", I, "/data/targets",
                  "expected class labels, or rows with a single 1 among 0s");
    check_targets("[1e39,0,1]", "\"task\":\"regression\"", R, "/data/targets/0",
                  "1e+39 is outside float32");
    check_targets(
        "[9007199254740993,0,9007199254740994]", "", R, "/data/targets/0",
        "the class label 9007199254740992 is not below 2^53, where numbers begin "
        "to merge: give labels like it as strings");
    check_targets("[-1e300,0,1]", "", R, "/data/targets/0",
                  "the class label -1.0000000000000001e+300 is not below 2^53, where "
                  "numbers begin to merge: give labels like it as strings");
}

/* An output layer, a loss or a task that the targets or each other do not fit. */
static void test_fit(void) {
    static const char softmax3[] =
        "\"layers\":[{\"units\":3,\"activation\":\"softmax\"}]";
    static const char sigmoid1[] =
        "\"layers\":[{\"units\":1,\"activation\":\"sigmoid\"}]";
    check_targets("[0,1,3]", "\"layers\":[{\"units\":2,\"activation\":\"softmax\"}]", I,
                  "/layers/0/units", "expected 3 units for these targets, got 2");
    check_targets("[-1,1,1]", softmax3, I, "/layers/0/units",
                  "expected 2 units for these targets, got 3");
    check_targets("[\"a\",\"b\",\"b\"]", softmax3, I, "/layers/0/units",
                  "expected 2 units for these targets, got 3");
    check_targets("[true,false,true]", softmax3, I, "/layers/0/units",
                  "expected 2 units for these targets, got 3");
    check_targets(
        "[0,1,2]", sigmoid1, I, "/layers/0/activation",
        "sigmoid does not fit the output of a multi_class task, which has softmax");
    check_targets("[[1,2],[2,3],[3,4]]",
                  "\"layers\":[{\"units\":3,\"activation\":\"linear\"}]", I,
                  "/layers/0/units", "expected 2 units for these targets, got 3");
    check_targets("[0,1,1]", "\"layers_dims\":[2,3,2]", I, "/layers_dims/2",
                  "expected 1 outputs for these targets, got 2");
    check_targets("[0,1,1]", "\"layers_dims\":[3,1]", I, "/layers_dims/0",
                  "expected 2, the columns of the features, got 3");
    check_targets(
        "[0,1,1]",
        "\"loss\":\"cross_entropy\",\"layers\":[{\"units\":2,\"activation\":\"sigmoid\"}"
        "]",
        I, "/loss",
        "cross_entropy does not fit a binary task, which has binary_cross_entropy");
    check_targets(
        "[0,1,1]",
        "\"loss\":\"mse\",\"layers\":[{\"units\":1,\"activation\":\"softmax\"}]", I,
        "/loss", "mse does not fit a multi_class task, which has cross_entropy");
    check_targets("[0.5,1,2]", "\"loss\":\"log_loss\"", I, "/loss",
                  "log_loss does not fit a regression task, which has mse");
    check_rest("\"task\":\"regression\",\"loss\":\"cross_entropy\"", I, "/loss",
               "cross_entropy does not fit a regression task, which has mse");
    check_rest(
        "\"task\":\"binary\",\"layers\":[{\"units\":2,\"activation\":\"softmax\"}]", I,
        "/layers/0/activation",
        "softmax does not fit the output of a binary task, which has sigmoid");
    check_rest("\"task\":\"multi_class\",\"loss\":\"mse\"", I, "/loss",
               "mse does not fit a multi_class task, which has cross_entropy");
}

static void test_shapes(void) {
    check_rest("\"layers\":[]", I, "/layers",
               "expected an array of layers, got an empty one");
    check_rest("\"layers\":{}", I, "/layers",
               "expected an array of layers, got an object");
    check_rest("\"layers\":[3]", I, "/layers/0", "expected an object, got a number");
    check_rest("\"layers\":[{\"activation\":\"relu\"}]", I, "/layers/0/units",
               "is missing: how many units");
    check_rest("\"layers\":[{\"units\":0,\"activation\":\"relu\"}]", R, "/layers/0/units",
               "expected an integer from 1 to 1048576, got 0");
    check_rest("\"layers\":[{\"units\":1048577,\"activation\":\"relu\"}]", R,
               "/layers/0/units", "expected an integer from 1 to 1048576, got 1048577");
    check_rest("\"layers\":[{\"units\":1.5,\"activation\":\"relu\"}]", I,
               "/layers/0/units", "expected an integer, got 1.5");
    check_rest("\"layers\":[{\"units\":\"4\",\"activation\":\"relu\"}]", I,
               "/layers/0/units", "expected an integer, got a string");
    check_rest("\"layers\":[{\"units\":1,\"n\":1,\"activation\":\"relu\"}]", I,
               "/layers/0/n", "\"n\" is another spelling of /layers/0/units: give one");
    check_rest("\"layers\":[{\"units\":1,\"activation\":\"rely\"}]", I,
               "/layers/0/activation",
               "\"rely\" is unknown; the nearest known is \"relu\"");
    check_rest("\"layers\":[{\"units\":1,\"size\":1}]", I, "/layers/0/size",
               "unknown key \"size\"; known here: "
               "\"units\",\"activation\",\"negative_slope\",\"dropout\"");
    check_rest("\"layers\":[{\"units\":2,\"activation\":\"softmax\"},{\"units\":1,"
               "\"activation\":\"sigmoid\"}]",
               I, "/layers/0/activation", "softmax stands on the output layer only");
    check_rest(
        "\"layers\":[{\"units\":1,\"activation\":\"relu\",\"negative_slope\":0.1}]", I,
        "/layers/0/negative_slope", "belongs to leaky_relu alone");
    check_rest("\"layers\":[{\"units\":1,\"activation\":\"leaky_relu\",\"alpha\":1}]", R,
               "/layers/0/alpha", "expected a number of at least 0 and below 1, got 1");
    check_rest("\"layers\":[{\"units\":1,\"activation\":\"leaky_relu\",\"alpha\":-0.1}]",
               R, "/layers/0/alpha",
               "expected a number of at least 0 and below 1, got -0.1");
}

static void test_short_forms(void) {
    check_rest("\"layers\":[{\"units\":1,\"activation\":\"sigmoid\"}],\"hidden\":[1]", I,
               "/hidden", "give /layers or the short form, not both");
    check_rest(
        "\"layers\":[{\"units\":1,\"activation\":\"sigmoid\"}],\"activation\":\"relu\"",
        I, "/activation", "give /layers or the short form, not both");
    check_rest("\"hidden_layers\":[1],\"layers_dims\":[2,1]", I, "/layers_dims",
               "give /layers_dims or /hidden_layers, not both");
    check_rest("\"hidden_layers\":[1],\"hidden\":[1]", I, "/hidden",
               "\"hidden\" is another spelling of /hidden_layers: give one");
    check_rest("\"hidden_layers\":4", I, "/hidden_layers",
               "expected an array of unit counts, got a number");
    check_rest("\"hidden_layers\":[4,0]", R, "/hidden_layers/1",
               "expected an integer from 1 to 1048576, got 0");
    check_rest("\"hidden_layers\":[4,null]", I, "/hidden_layers/1",
               "expected an integer, got null");
    check_rest("\"layers_dims\":\"2,1\"", I, "/layers_dims",
               "expected an array of unit counts, got a string");
    check_rest("\"layers_dims\":[2]", I, "/layers_dims",
               "expected inputs and outputs at least, got 1 counts");
    check_rest("\"activation\":\"softmax\"", I, "/activation",
               "softmax stands on the output layer only");
    check_rest("\"hidden_layers\":[1048576,1048576]", L, "/layers",
               "expected a network of at most 268435456 parameters");
    char rest[2048] = "\"hidden_layers\":[1";
    for (int l = 1; l < NET_LAYERS_MAX; l++)
        strcat(rest, ",1");
    strcat(rest, "]");
    check_rest(rest, R, "/hidden_layers",
               "expected at most 255 layers before the output layer, got 256");
}

static void test_numbers(void) {
    check_rest("\"learning_rate\":0", R, "/learning_rate",
               "expected a number above 0, got 0");
    check_rest("\"lr\":-1", R, "/lr", "expected a number above 0, got -1");
    check_rest("\"learning_rate\":1e-50", R, "/learning_rate",
               "expected a number above 0, got 1e-50");
    check_rest("\"learning_rate\":1e39", R, "/learning_rate", "1e+39 is outside float32");
    check_rest("\"learning_rate\":\"1\"", I, "/learning_rate",
               "expected a number, got a string");
    check_rest("\"learning_rate\":1,\"lr\":1", I, "/lr",
               "\"lr\" is another spelling of /learning_rate: give one");
    check_rest("\"init_scale\":0", R, "/init_scale", "expected a number above 0, got 0");
    check_rest("\"batch_size\":-1", R, "/batch_size",
               "expected an integer from 0 to 4294967295, got -1");
    check_rest("\"batch_size\":\"half\"", I, "/batch_size",
               "unknown word \"half\"; known here: \"full\"");
    check_rest("\"epochs\":1e300", R, "/epochs",
               "expected an integer from 0 to 1000000000, got 1e+300");
    check_rest("\"epochs\":2.5", I, "/epochs", "expected an integer, got 2.5");
    check_rest("\"epochs\":true", I, "/epochs", "expected an integer, got a boolean");
    check_rest("\"epochs\":99999999999999999999", R, "/epochs",
               "expected an integer from 0 to 1000000000, got 1e+20");
    check_rest("\"epochs\":1e999", R, "/epochs", "a number beyond float64");
    check_rest("\"seed\":-1", R, "/seed",
               "expected an integer from 0 to 9007199254740991, got -1");
    check_rest("\"seed\":9007199254740992", R, "/seed",
               "expected an integer from 0 to 9007199254740991, got 9007199254740992");
    check_rest("\"seed\":1,\"random_state\":1", I, "/random_state",
               "\"random_state\" is another spelling of /seed: give one");
}

static void test_others(void) {
    check_rest("\"epochs\":5,\"iterations\":5", I, "/iterations",
               "is another spelling of /epochs with a full batch: give one");
    check_rest("\"max_iter\":5,\"num_iterations\":5", I, "/num_iterations",
               "is another spelling of /max_iter with a full batch: give one");
    check_rest(
        "\"iterations\":5,\"batch_size\":2", I, "/iterations",
        "counts updates, which are epochs only when batch_size is \"full\": give epochs");
    check_rest("\"report_every\":0", R, "/report_every",
               "expected an integer from 1 to 1000000000, got 0");
    check_rest("\"epochs\":2000000,\"report_every\":1", R, "/report_every",
               "would make a curve of 2000000 points; at most 1000000");
    check_rest("\"shuffle\":1", I, "/shuffle", "expected true or false, got a number");
    check_rest("\"normalize\":\"zscore\"", I, "/normalize",
               "unknown word \"zscore\"; known here: \"none\",\"standard\",\"minmax\"");
    check_rest("\"normalize\":1", I, "/normalize", "expected a string, got a number");
    check_rest("\"normalize\":\"none\",\"scale\":true", I, "/scale",
               "\"scale\" is another spelling of /normalize: give one");
    check_rest("\"initializer\":\"random\"", I, "/initializer",
               "unknown word \"random\"; known here: "
               "\"zeros\",\"random_normal\",\"he_normal\",\"he_uniform\",\"glorot_"
               "normal\",\"glorot_uniform\"");
    check_rest("\"optimizer\":\"adagrad\"", I, "/optimizer",
               "unknown word \"adagrad\"; known here: "
               "\"gradient_descent\",\"momentum\",\"rmsprop\",\"adam\",\"adamw\"");
    check_rest("\"loss\":\"hinge\"", I, "/loss",
               "unknown word \"hinge\"; known here: "
               "\"binary_cross_entropy\",\"cross_entropy\",\"mse\"");
    check_rest("\"task\":\"classification\"", I, "/task",
               "unknown word \"classification\"; known here: "
               "\"regression\",\"binary\",\"multi_class\",\"multi_label\"");
    check_rest("\"metadata\":[]", I, "/metadata", "expected an object, got an array");
    check_rest("\"metadata\":{\"a\":1,}", I, "line 1, column 90",
               "expected a key, got '}'");
    check_rest("\"metadata\":{},\"metadata\":{}", I, "/metadata", "given twice");
}

/* Limits that take a large document: to the byte. */
static void test_sizes(void) {
    size_t n = JOB_REST_BYTES_MAX + 1024;
    char *body = malloc(n);
    if (!body)
        abort();
    static const char head[] = "{\"model\":\"m\",\"data\":{\"features\":[[1],[2]],"
                               "\"targets\":[1,2]},\"metadata\":{\"k\":\"";
    struct job_request request;
    for (size_t over = 0; over < 2; over++) {
        struct err e = {0};
        size_t at = sizeof head - 1,
               fill = JOB_METADATA_BYTES_MAX - strlen("{\"k\":\"\"}");
        memcpy(body, head, at);
        memset(body + at, 'x', fill + over);
        strcpy(body + at + fill + over, "\"}}");
        bool ok = job_decode(body, strlen(body), 0, &request, &e);
        CHECK(ok == !over);
        if (ok)
            CHECK(strlen(request.metadata) == JOB_METADATA_BYTES_MAX);
        else
            CHECK_TEXT(e.text, "expected at most 16384 bytes, got 16385");
        CHECK(ok || (e.kind == ERR_TOO_LARGE && strcmp(e.where, "/metadata") == 0));
        job_request_free(&request);
    }
    struct err e = {0};
    memset(body, ' ', n);
    memcpy(body, "{\"model\":\"m\"", 12);
    body[n - 1] = '}';
    CHECK(!job_decode(body, n, 0, &request, &e) && e.kind == ERR_TOO_LARGE);
    free(body);
}

/* Labels of a mebibyte together are kept, one byte more is refused. */
static void test_label_bytes(void) {
    enum { LABELS = 1024, EACH = JOB_LABEL_BYTES_MAX / LABELS };
    size_t n = LABELS * (EACH + 16) + 256;
    char *body = malloc(n);
    if (!body)
        abort();
    for (size_t over = 0; over < 2; over++) {
        size_t at = (size_t)sprintf(body, "{\"model\":\"m\",\"data\":{\"features\":[[0]");
        for (int i = 1; i < LABELS + (int)over; i++)
            at += (size_t)sprintf(body + at, ",[0]");
        at += (size_t)sprintf(body + at, "],\"targets\":[");
        for (int i = 0; i < LABELS; i++)
            at += (size_t)sprintf(body + at, "%s\"%0*d\"", i ? "," : "", EACH, i);
        at += (size_t)sprintf(body + at, "%s]}}", over ? ",\"x\"" : "");
        struct job_request request;
        struct err e = {0};
        bool ok = job_decode(body, at, 0, &request, &e);
        CHECK_SAY(ok == !over, "%s: %s", e.where, e.text);
        CHECK(ok || e.kind == ERR_TOO_LARGE);
        if (!ok)
            CHECK_TEXT(
                e.text,
                "expected class labels of at most 1048576 bytes together, got 1048577");
        job_request_free(&request);
    }
    free(body);
}

int main(void) {
    CHECK_RUN(test_documents);
    CHECK_RUN(test_data);
    CHECK_RUN(test_targets);
    CHECK_RUN(test_fit);
    CHECK_RUN(test_shapes);
    CHECK_RUN(test_short_forms);
    CHECK_RUN(test_numbers);
    CHECK_RUN(test_others);
    CHECK_RUN(test_sizes);
    CHECK_RUN(test_label_bytes);
    return check_done();
}
