/* Clients of TensorFlow Serving: what its documentation shows, against the daemon. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/passengers.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* y = slope x + bias, learnt exactly by a step of 1 from zeros on x = +-1. */
static bool line_train(const char *model, double slope, double bias) {
    return job_train(user,
                     json_pack("{sss{s[[i][i]]s[ff]}sss[]sssisi}", "model", model, "data",
                               "features", 1, -1, "targets", bias + slope, bias - slope,
                               "task", "regression", "hidden_layers", "initializer",
                               "zeros", "learning_rate", 1, "epochs", 1),
                     NULL);
}

/* Its documentation's model, and one of another bias. */
static bool half_plus_train(double bias) {
    return line_train("half_plus_three", 0.5, bias);
}

static bool train(const char *model, json_t *data) {
    return job_train(user,
                     table_job(model, data,
                               json_pack("{s[i]ssss}", "hidden_layers", 8, "activation",
                                         "tanh", "normalize", "standard")),
                     NULL);
}

static bool models_train(void) {
    json_t *labels = json_pack("[sss]", "car", "bike", "bus");
    bool ok = half_plus_train(3) && line_train("steep", 1000, 0) &&
              passengers_train(user) && train("planar", table_planar(100)) &&
              train("vehicles", table_blobs(90, labels)) &&
              train("quadrants", table_quadrants(100)) &&
              train("prices", table_prices(100));
    json_decref(labels);
    return ok;
}

/* The answer to a body, which is checked to be JSON with status 200. */
static bool ask(const char *path, const char *body, struct reply *reply) {
    char type[256];
    client_post(user, reply, path, body);
    return CHECK_SAY(reply->status == 200 && reply->json, "%s %s: %ld %s", path, body,
                     reply->status, reply->body) &&
           CHECK_TEXT(reply_header(reply, "Content-Type", type), "application/json");
}

static void check_answer(const char *path, const char *body, const char *want) {
    struct reply reply;
    json_t *wanted = json_loads(want, 0, NULL);
    if (ask(path, body, &reply))
        CHECK_SAY(json_equal(reply.json, wanted), "%s %s: %s", path, body, reply.body);
    json_decref(wanted);
    reply_free(&reply);
}

static void check_status(const char *path, const char *want) {
    struct reply reply;
    json_t *wanted = json_loads(want, 0, NULL);
    client_get(user, &reply, "%s", path);
    CHECK_SAY(reply.status == 200 &&
                  json_equal(reply_at(reply.json, "/model_version_status"), wanted),
              "%s: %ld %s", path, reply.status, reply.body);
    json_decref(wanted);
    reply_free(&reply);
}

#define HALF "/v1/models/half_plus_three"
#define AVAILABLE(version)                                                               \
    "{\"version\":\"" version "\",\"state\":\"AVAILABLE\",\"status\":{\"error_code\":"   \
    "\"OK\",\"error_message\":\"\"}}"

/* "Make REST API calls to ModelServer", as its documentation prints them. */
static void test_documented(void) {
    check_status(HALF, "[" AVAILABLE("1") "]");
    check_answer(HALF ":predict", "{\"instances\": [1.0,2.0,5.0]}",
                 "{\"predictions\": [3.5, 4, 5.5]}");
    check_answer(HALF ":regress",
                 "{\"signature_name\": \"tensorflow/serving/regress\", \"examples\": "
                 "[{\"x\": 1.0}, {\"x\": 2.0}]}",
                 "{\"results\": [3.5, 4]}");
    check_answer(HALF "/versions/1:predict",
                 "{\"signature_name\": \"serving_default\", \"inputs\": [3.0, 4.0]}",
                 "{\"outputs\": [4.5, 5]}");
    check_answer(HALF ":predict", "{\"instances\": [[1.0], [2.0]]}",
                 "{\"predictions\": [3.5, 4]}");
    struct reply reply;
    client_post(user, &reply, "/v1/models/half:predict", "{\"instances\": [1.0,5.0]}");
    CHECK(reply.status == 404);
    CHECK_TEXT(reply.body, "{\"error\":\"there is no model half\"}\n");
    reply_free(&reply);
}

static void label_put(const char *label, int version) {
    char path[128], body[64];
    struct reply reply;
    snprintf(path, sizeof path, HALF "/aliases/%s", label);
    snprintf(body, sizeof body, "{\"version\":%d}", version);
    client_send(user,
                &(struct request){
                    .method = "PUT", .path = path, .body = body, .body_n = strlen(body)},
                &reply);
    CHECK_SAY(reply.status / 100 == 2, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
}

/* A second version, and labels that are aliases. */
static void test_versions(void) {
    static const char one[] = "{\"instances\":[1]}", three[] = "{\"predictions\":[3.5]}",
                      five[] = "{\"predictions\":[5.5]}";
    if (!CHECK(half_plus_train(5)))
        return;
    check_answer(HALF ":predict", one, five);
    check_answer(HALF "/versions/1:predict", one, three);
    check_answer(HALF "/versions/2:predict", one, five);
    check_answer(HALF "/labels/latest:predict", one, five);
    label_put("stable", 1);
    check_answer(HALF "/labels/stable:predict", one, three);
    check_answer(HALF "/labels/stable:regress", "{\"examples\":[{\"x\":1}]}",
                 "{\"results\":[3.5]}");
    check_status(HALF, "[" AVAILABLE("2") "," AVAILABLE("1") "]");
    check_status(HALF "/versions/1", "[" AVAILABLE("1") "]");
    check_status(HALF "/versions/2", "[" AVAILABLE("2") "]");
    check_status(HALF "/labels/stable", "[" AVAILABLE("1") "]");
    check_status(HALF "/labels/latest", "[" AVAILABLE("2") "]");
    label_put("stable", 2);
    check_answer(HALF "/labels/stable:PREDICT", one, five);
    check_status(HALF "/labels/stable", "[" AVAILABLE("2") "]");
}

static void check_metadata(const char *path, const char *model, const char *version) {
    struct reply reply;
    client_get(user, &reply, "%s/metadata", path);
    CHECK_SAY(reply.status == 200, "%s: %ld %s", path, reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/model_spec/name"), model);
    CHECK_TEXT(reply_text(reply.json, "/model_spec/version"), version);
    CHECK_TEXT(reply_text(reply.json, "/metadata/signature_def/signature_def/"
                                      "serving_default/method_name"),
               "tensorflow/serving/predict");
    reply_free(&reply);
}

static void test_metadata(void) {
    check_metadata(HALF, "half_plus_three", "2");
    check_metadata(HALF "/versions/1", "half_plus_three", "1");
    check_metadata(HALF "/labels/stable", "half_plus_three", "2");
    check_metadata("/v1/models/passengers", "passengers", "1");
    struct reply reply;
    client_get(user, &reply, "/v1/models/passengers/metadata");
    json_t *inputs = reply_at(
        reply.json, "/metadata/signature_def/signature_def/serving_default/inputs");
    CHECK(json_object_size(inputs) == 3);
    CHECK_TEXT(reply_text(inputs, "/class/dtype"), "DT_STRING");
    CHECK_TEXT(reply_text(inputs, "/age/dtype"), "DT_FLOAT");
    CHECK_TEXT(reply_text(inputs, "/age/tensor_shape/dim/0/size"), "-1");
    reply_free(&reply);
}

/* What `path` answers to `body`, at `key`, is what /predict says to the same rows, at
 * `native`; the first probability of two is left out where there is a number a row. */
static void check_as_native(const char *model, const char *rows, const char *native) {
    char path[128], body[512];
    struct reply own, theirs;
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":%s}", model, rows);
    client_post(user, &own, "/predict", body);
    snprintf(path, sizeof path, "/v1/models/%s:predict", model);
    snprintf(body, sizeof body, "{\"instances\":%s}", rows);
    if (ask(path, body, &theirs)) {
        size_t n = reply_count(own.json, native);
        CHECK_SAY(n && reply_count(theirs.json, "/predictions") == n, "%s", theirs.body);
        for (size_t i = 0; i < n; i++) {
            json_t *got = json_array_get(reply_at(theirs.json, "/predictions"), i);
            json_t *want = json_array_get(reply_at(own.json, native), i);
            bool binary = json_is_number(got) && json_is_array(want);
            CHECK_SAY(json_equal(got, binary ? json_array_get(want, 1) : want),
                      "%s: %s, not %s", model, theirs.body, own.body);
        }
    }
    reply_free(&own);
    reply_free(&theirs);
}

/* Outputs are what the output layer gives. */
static void test_outputs(void) {
    check_as_native("prices", "[[1000,2],[2400,4],[900,1]]", "/predictions");
    check_as_native("planar", "[[0.5,1],[-2,0.25]]", "/probabilities");
    check_as_native("vehicles", "[[3,0],[-1.5,2.6],[-1.5,-2.6]]", "/probabilities");
    check_as_native("quadrants", "[[0.5,0.5],[-0.5,0.5]]", "/probabilities");
    check_as_native("passengers",
                    "[{\"class\":\"third\",\"sex\":\"male\",\"age\":30},{\"class\":"
                    "\"first\",\"sex\":\"male\",\"age\":20}]",
                    "/probabilities");
}

/* The same rows in every form get the same numbers. */
static void test_forms(void) {
    static const struct {
        const char *path, *rows;
        const char *same[5];
    } forms[] = {
        {"/v1/models/prices:predict",
         "{\"instances\":[[1000,2],[2400,4]]}",
         {"{\"instances\":[[[1000],[2]],[[2400],[4]]]}",
          "{\"instances\":[{\"house\":[1000,2]},{\"house\":[2400,4]}]}",
          "{\"inputs\":[[1000,2],[2400,4]]}",
          "{\"inputs\":{\"house\":[[1000,2],[2400,4]]}}",
          "{\"inputs\":{\"1\":[2,4],\"0\":[[1000],[2400]]}}"}},
        {"/v1/models/passengers:predict",
         "{\"instances\":[{\"class\":\"third\",\"sex\":\"male\",\"age\":30},{\"sex\":"
         "\"female\",\"class\":\"first\",\"age\":20}]}",
         {"{\"instances\":[[\"third\",\"male\",30],[\"first\",\"female\",20]]}",
          "{\"instances\":[{\"class\":[\"third\"],\"sex\":[\"male\"],\"age\":[30]},"
          "{\"sex\":[[\"female\"]],\"class\":[\"first\"],\"age\":[[20]]}]}",
          "{\"inputs\":{\"age\":[30,20],\"sex\":[\"male\",\"female\"],\"class\":["
          "\"third\",\"first\"]}}",
          "{\"inputs\":{\"age\":[[30],[20]],\"sex\":[[{\"b64\":\"bWFsZQ==\"}],["
          "\"female\"]"
          "],\"class\":[{\"b64\":\"dGhpcmQ=\"},{\"b64\":\"Zmlyc3Q=\"}]}}",
          "{\"inputs\":[[\"third\",\"male\",30],[\"first\",\"female\",20]]}"}},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct reply first, other;
        if (ask(forms[i].path, forms[i].rows, &first)) {
            json_t *want = reply_at(first.json, "/predictions");
            CHECK(json_array_size(want) == 2);
            for (size_t j = 0; j < 5; j++) {
                bool inputs = strstr(forms[i].same[j], "\"inputs\"") != NULL;
                if (ask(forms[i].path, forms[i].same[j], &other))
                    CHECK_SAY(
                        json_equal(want, reply_at(other.json,
                                                  inputs ? "/outputs" : "/predictions")),
                        "%s: %s, not %s", forms[i].same[j], other.body, first.body);
                reply_free(&other);
            }
        }
        reply_free(&first);
    }
}

/* ---- classify and regress ------------------------------------------------------- */

/* A row of [[label, score], ...]: the labels, and that the scores are probabilities;
 * `best` is the one that has most. */
static void check_classes(const json_t *row, size_t n, const char *const *labels,
                          const char *best) {
    double sum = 0, most = -1;
    const char *found = "";
    CHECK(json_array_size(row) == n);
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(row, i);
        const char *label = json_string_value(json_array_get(pair, 0));
        double score = json_number_value(json_array_get(pair, 1));
        CHECK(json_array_size(pair) == 2 && label);
        CHECK_TEXT(label, labels[i]);
        sum += score;
        if (score > most) {
            most = score;
            found = labels[i];
        }
    }
    CHECK_NEAR(sum, 1, 1e-6);
    CHECK_TEXT(found, best);
}

static void test_classify(void) {
    static const char *const vehicles[] = {"bike", "bus", "car"},
                             *const numbers[] = {"0", "1"},
                             *const survived[] = {"no", "yes"};
    struct reply reply;
    if (ask("/v1/models/vehicles:classify",
            "{\"signature_name\":\"tensorflow/serving/"
            "classify\",\"examples\":[{\"at\":[3,0]"
            "},{\"at\":[-1.5,2.6]}]}",
            &reply)) {
        check_classes(reply_at(reply.json, "/results/0"), 3, vehicles, "car");
        check_classes(reply_at(reply.json, "/results/1"), 3, vehicles, "bike");
    }
    reply_free(&reply);
    if (ask("/v1/models/planar/versions/1:classify",
            "{\"context\":{\"0\":0},\"examples\":[{\"1\":2}]}", &reply))
        check_classes(
            reply_at(reply.json, "/results/0"), 2, numbers,
            json_number_value(reply_at(reply.json, "/results/0/1/1")) > 0.5 ? "1" : "0");
    reply_free(&reply);
    if (ask("/v1/models/passengers:classify",
            "{\"context\":{\"age\":30,\"class\":[\"third\"]},\"examples\":[{\"sex\":"
            "\"male\"}"
            ",{\"sex\":{\"b64\":\"ZmVtYWxl\"}}]}",
            &reply)) {
        check_classes(reply_at(reply.json, "/results/0"), 2, survived, "no");
        check_classes(reply_at(reply.json, "/results/1"), 2, survived, "yes");
    }
    reply_free(&reply);
    if (ask("/v1/models/quadrants:classify", "{\"examples\":[{\"at\":[0.9,-0.9]}]}",
            &reply)) {
        CHECK(reply_count(reply.json, "/results/0") == 2);
        CHECK_TEXT(reply_text(reply.json, "/results/0/0/0"), "");
        CHECK(reply_number(reply.json, "/results/0/0/1") > 0.5);
        CHECK(reply_number(reply.json, "/results/0/1/1") < 0.5);
    }
    reply_free(&reply);
}

/* A binary classifier has a number a row too; others refuse. */
static void test_regress(void) {
    struct reply own, reply;
    client_post(user, &own, "/v1/models/planar:predict", "{\"instances\":[[0.5,1]]}");
    if (ask("/v1/models/planar:regress", "{\"examples\":[{\"x\":[0.5,1]}]}", &reply))
        CHECK(reply_number(reply.json, "/results/0") ==
              reply_number(own.json, "/predictions/0"));
    reply_free(&own);
    reply_free(&reply);
    static const char *const refused[] = {"/v1/models/vehicles:regress",
                                          "/v1/models/quadrants:regress",
                                          "/v1/models/prices:classify"};
    for (size_t i = 0; i < 3; i++) {
        client_post(user, &reply, refused[i], "{\"examples\":[{\"x\":[0.5,1]}]}");
        CHECK_SAY(reply.status == 400 &&
                      strstr(reply_text(reply.json, "/error"), "does not answer"),
                  "%s: %ld %s", refused[i], reply.status, reply.body);
        reply_free(&reply);
    }
}

/* Rows of a model with columns of texts, whose errors name what was sent. */
static void test_refused(void) {
    static const struct {
        const char *body, *says;
    } bad[] = {
        {"{\"instances\":[[\"third\",\"male\",null]]}", "/instances/0/2: "},
        {"{\"instances\":[{\"class\":\"third\",\"sex\":\"male\"}]}",
         "/instances/0: column \\\"age\\\" is missing"},
        {"{\"instances\":[{\"class\":\"third\",\"sex\":\"male\",\"age\":30,\"fare\":1}]}",
         "/instances/0/fare: the model has no column"},
        {"{\"instances\":[{\"class\":\"third\",\"sex\":\"male\",\"age\":[30,31]}]}",
         "/instances/0/age: expected one value, got a list of more"},
        {"{\"inputs\":{\"class\":[\"third\"],\"sex\":[\"male\"],\"age\":[\"old\"]}}",
         "/inputs/age/0: expected a number, got \\\"old\\\""},
        {"{\"inputs\":{\"class\":[{\"b64\":\"!\"}],\"sex\":[\"male\"],\"age\":[30]}}",
         "/inputs/class/0: this is not base64"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply;
        client_post(user, &reply, "/v1/models/passengers:predict", bad[i].body);
        CHECK_SAY(reply.status == 400 && strstr(reply.body, bad[i].says), "%s: %ld %s",
                  bad[i].body, reply.status, reply.body);
        reply_free(&reply);
    }
}

/* NaN is a missing age, as null is to /predict; but no number where columns have no
 * names. A number that leaves float32 on its way is no answer. */
static void test_not_finite(void) {
    static const char row[] = "{\"class\":\"third\",\"sex\":\"male\",\"age\":%s}";
    char rows[128], body[256];
    struct reply reply, native;
    snprintf(rows, sizeof rows, row, "null");
    snprintf(body, sizeof body, "{\"model\":\"passengers\",\"instances\":[%s]}", rows);
    client_post(user, &native, "/predict", body);
    CHECK_SAY(native.status == 200, "%s", native.body);
    snprintf(rows, sizeof rows, row, "NaN");
    snprintf(body, sizeof body, "{\"instances\":[%s]}", rows);
    if (ask("/v1/models/passengers:predict", body, &reply))
        CHECK_SAY(json_equal(reply_at(reply.json, "/predictions/0"),
                             reply_at(native.json, "/probabilities/0/1")),
                  "%s and %s", reply.body, native.body);
    reply_free(&reply);
    reply_free(&native);
    client_post(user, &reply, "/v1/models/prices:predict",
                "{\"instances\":[[1000,2],[NaN,4]]}");
    CHECK(reply.status == 400);
    CHECK_TEXT(reply_text(reply.json, "/error"),
               "/instances/1/0: expected a number that is finite, got NaN");
    reply_free(&reply);
    client_post(user, &reply, "/v1/models/steep:predict", "{\"inputs\":[1,3e38]}");
    CHECK_SAY(reply.status == 400 && strstr(reply.body, "/inputs/1: the prediction"),
              "%ld %s", reply.status, reply.body);
    reply_free(&reply);
}

/* More than a connection's thread takes upon itself. */
static void test_large(void) {
    enum { M = 50000, BYTES = M * 16 };
    struct reply reply;
    char *body = malloc(BYTES);
    size_t n = body ? (size_t)snprintf(body, BYTES, "{\"inputs\":{\"x\":[[0]") : 0;
    for (int i = 1; body && i < M; i++)
        n += (size_t)snprintf(body + n, BYTES - n, ",[%d]", i);
    if (body)
        snprintf(body + n, BYTES - n, "]}}");
    if (body && ask(HALF "/versions/1:predict", body, &reply)) {
        CHECK(reply_count(reply.json, "/outputs") == M);
        CHECK(reply_number(reply.json, "/outputs/49999") == 25002.5);
    }
    reply_free(&reply);
    free(body);
    client_get(user, &reply, "/metrics");
    CHECK(reply_metric(&reply, "descentd_prediction_rows_total") > M);
    reply_free(&reply);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    if (CHECK(models_train())) {
        CHECK_RUN(test_documented);
        CHECK_RUN(test_versions);
        CHECK_RUN(test_metadata);
        CHECK_RUN(test_outputs);
        CHECK_RUN(test_forms);
        CHECK_RUN(test_classify);
        CHECK_RUN(test_regress);
        CHECK_RUN(test_refused);
        CHECK_RUN(test_not_finite);
        CHECK_RUN(test_large);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
