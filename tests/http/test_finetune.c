/* Jobs that continue from a version: the same bits as one long job, classes and columns
 * that must fit, and what is kept of the version. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

static bool train(const char *model, json_t *data, const char *rest,
                  struct reply *reply) {
    return job_train(user, table_job(model, data, json_loads(rest, 0, NULL)), reply);
}

/* The curve of a job that has succeeded, as a reply's body. */
static void history(const struct reply *job, struct reply *curve) {
    client_get(user, curve, "/v1/jobs/%s/history", reply_text(job->json, "/id"));
}

static double cost_at(const struct reply *curve, size_t point) {
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/data/%zu/cost", point);
    return reply_number(curve->json, pointer);
}

/* Of the columns: that so short a training has learnt little is no news. */
static size_t warnings_n(const struct reply *job) {
    size_t n = 0, i;
    json_t *warning;
    json_array_foreach(reply_at(job->json, "/warnings"), i, warning) n +=
        !strstr(json_string_value(warning), "no better than") &&
        !strstr(json_string_value(warning), "the cost rose");
    return n;
}

#define DESCENT                                                                          \
    "\"batch_size\":\"full\",\"optimizer\":\"gd\",\"learning_rate\":0.3,"                \
    "\"report_every\":1"

/* 50 epochs and 50 more are the same steps as 100, to the bit, scaled inputs and all. */
static void test_continues(void) {
    struct reply whole, first, second, a, b, c;
    if (!train("whole", table_planar(200),
               "{\"hidden_layers\":[5],\"normalize\":\"standard\",\"seed\":3,"
               "\"epochs\":100," DESCENT "}",
               &whole) ||
        !train("half", table_planar(200),
               "{\"hidden_layers\":[5],\"normalize\":\"standard\",\"seed\":3,"
               "\"epochs\":50," DESCENT "}",
               &first) ||
        !train("half", table_planar(200),
               "{\"init_from\":\"half\",\"epochs\":50," DESCENT "}", &second))
        return;
    CHECK_TEXT(reply_text(second.json, "/hyperparameters/init_from"), "half@1");
    CHECK_TEXT(reply_text(second.json, "/hyperparameters/transform"), "kept");
    CHECK_TEXT(reply_text(second.json, "/hyperparameters/normalize"), "standard");
    CHECK(reply_number(second.json, "/model_version") == 2);
    CHECK(reply_count(second.json, "/hyperparameters/layers") == 2);
    history(&whole, &a);
    history(&first, &b);
    history(&second, &c);
    if (CHECK(reply_count(a.json, "/data") == 101) &&
        CHECK(reply_count(c.json, "/data") == 51)) {
        size_t same = 0;
        for (size_t i = 0; i <= 50; i++)
            same +=
                cost_at(&a, i) == cost_at(&b, i) && cost_at(&a, 50 + i) == cost_at(&c, i);
        CHECK_SAY(same == 51, "%zu of 51 points", same);
    }
    CHECK(reply_number(whole.json, "/cost") == reply_number(second.json, "/cost"));
    reply_free(&a);
    reply_free(&b);
    reply_free(&c);
    reply_free(&whole);
    reply_free(&first);
    reply_free(&second);
}

/* A subset of the classes, out of order, trains the same outputs. */
static void test_classes(void) {
    struct reply reply;
    json_t *three = json_pack("[sss]", "ant", "bee", "cat");
    json_t *two = json_pack("[ss]", "cat", "ant");
    if (train("animals", table_blobs(90, three), "{\"hidden_layers\":[4],\"epochs\":50}",
              NULL) &&
        train("animals", table_blobs(40, two),
              "{\"init_from\":\"animals@1\",\"epochs\":5}", &reply)) {
        CHECK(reply_count(reply.json, "/hyperparameters/classes") == 3);
        CHECK_TEXT(reply_text(reply.json, "/hyperparameters/classes/1"), "bee");
        reply_free(&reply);
    }
    json_decref(three);
    json_decref(two);
}

static bool upload(const char *name, int rows, bool towns) {
    char body[8192];
    size_t n = (size_t)snprintf(body, sizeof body, "price,town,size\n");
    for (int i = 0; i < rows; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, "%d,%s,%d\n",
                              100000 + 1000 * (i % 17) + (i % 2 ? 20000 : 0),
                              towns ? i % 2 ? "york" : "leeds" : "york", 50 + i % 17);
    return upload_text(user, name, body);
}

/* A version that refused missing cells refuses them again, when the job is posted. */
static void test_missing_refused(void) {
    static const char holes[] = "price,town,size\n1,york,2\n2,york,\n3,leeds,4\n";
    struct reply reply;
    if (!upload_text(user, "holes", holes) ||
        !job_train(user,
                   json_pack("{sssssssssi}", "model", "strict", "dataset", "homes",
                             "target", "price", "missing_values", "error", "epochs", 2),
                   NULL))
        return;
    client_post(user, &reply, "/v1/jobs",
                "{\"model\":\"never\",\"init_from\":\"strict\",\"dataset\":\"holes\","
                "\"target\":\"price\",\"task\":\"regression\"}");
    CHECK_SAY(reply.status == 400, "%ld: %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/missing_values");
    reply_free(&reply);
}

static double prediction(const char *model) {
    struct reply reply;
    client_post_json(user, &reply, "/predict",
                     json_pack("{sss[{sssf}]}", "model", model, "instances", "town",
                               "york", "size", 60.0));
    double value = reply_number(reply.json, "/predictions/0");
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    reply_free(&reply);
    return value;
}

/* A dataset with one town alone: the encoder still has both, and a step of next to
 * nothing leaves the predictions, in the target's own units, where they were. */
static void test_dataset(void) {
    struct reply reply;
    if (!upload("homes", 200, true) || !upload("york", 40, false) ||
        !job_train(user,
                   json_pack("{ssssss}", "model", "homes", "dataset", "homes", "target",
                             "price"),
                   NULL) ||
        !job_train(user,
                   json_pack("{sssssssssisf}", "model", "homes", "dataset", "york",
                             "target", "price", "init_from", "homes@1", "epochs", 1,
                             "learning_rate", 1e-9),
                   &reply))
        return;
    CHECK_TEXT(reply_text(reply.json, "/hyperparameters/transform"), "kept");
    CHECK(reply_number(reply.json, "/hyperparameters/layers/0/units") == 32);
    CHECK(warnings_n(&reply) == 1);
    CHECK_TEXT(reply_text(reply.json, "/warnings/0"),
               "column \"town\" is constant: kept, as init_from takes it");
    double before = prediction("homes@1"), after = prediction("homes@2");
    CHECK_SAY(fabs(before - 130000) < 5000, "%g", before);
    CHECK_SAY(fabs(before - after) < 10, "%g, %g", before, after);
    reply_free(&reply);
}

/* Columns that would be left out stay, and are spoken of; a version that knows no names
 * takes as many as it did. */
static void test_warnings(void) {
    char csv[4096] = "a,b,c,y\n";
    struct reply reply;
    for (int i = 0; i < 30; i++)
        snprintf(csv + strlen(csv), 32, "%d,7,%d,%d\n", i + 5, i % 2, i % 2);
    if (!upload_text(user, "odd", csv) ||
        !train("plain", table_planar(20), "{\"epochs\":2}", NULL) ||
        !job_train(user,
                   json_pack("{sssssss[ss]sssi}", "model", "odd", "dataset", "odd",
                             "target", "y", "features", "a", "b", "init_from", "plain",
                             "epochs", 2),
                   &reply))
        return;
    CHECK(warnings_n(&reply) == 2);
    CHECK_TEXT(reply_text(reply.json, "/warnings/0"),
               "column \"a\" counts the rows, like an id");
    CHECK_TEXT(reply_text(reply.json, "/warnings/1"),
               "column \"b\" is constant: kept, as init_from takes it");
    reply_free(&reply);
    if (!job_train(user,
                   json_pack("{sssssss[ss]sssi}", "model", "odd", "dataset", "odd",
                             "target", "y", "features", "c", "b", "init_from", "plain",
                             "epochs", 2),
                   &reply))
        return;
    CHECK(warnings_n(&reply) == 2);
    CHECK_TEXT(reply_text(reply.json, "/warnings/1"),
               "column \"c\" seems to repeat the target: init_from takes it all the "
               "same");
    reply_free(&reply);
}

static void check_refused(const char *body, int status, const char *param) {
    struct reply reply;
    client_post(user, &reply, "/v1/jobs", body);
    CHECK_SAY(reply.status == status, "%s: %ld: %s", body, reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), param);
    reply_free(&reply);
}

#define DATA "\"data\":{\"features\":[[1,2],[3,4]],\"targets\":[0,1]}"

static void test_refused(void) {
    static const struct {
        const char *rest, *param;
        int status;
    } bad[] = {
        {"\"init_from\":\"nobody\"," DATA, "/init_from", 404},
        {"\"init_from\":\"half@99\"," DATA, "/init_from", 404},
        {"\"init_from\":\"half@nowhere\"," DATA, "/init_from", 404},
        {"\"init_from\":\"a b\"," DATA, "/init_from", 400},
        {"\"init_from\":7," DATA, "/init_from", 400},
        {"\"init_from\":\"half\",\"init_scale\":0.1," DATA, "/init_scale", 400},
        {"\"init_from\":\"half\",\"hidden_layers\":[6]," DATA, "/hidden_layers", 400},
        {"\"init_from\":\"half\",\"activation\":\"tanh\"," DATA, "/activation", 400},
        {"\"init_from\":\"half\",\"task\":\"regression\"," DATA, "/task", 400},
        {"\"init_from\":\"half\",\"layers\":[{\"units\":5,\"activation\":\"tanh\"},"
         "{\"units\":1}]," DATA,
         "/layers/0", 400},
        {"\"init_from\":\"half\",\"data\":{\"features\":[[1],[2]],\"targets\":[0,1]}",
         "/data/features/0", 400},
        {"\"init_from\":\"half\",\"data\":{\"features\":[[1,2],[3,4]],\"targets\":[0,2]}",
         "/data/targets/1", 400},
        {"\"init_from\":\"animals\",\"data\":{\"features\":[[1,2],[3,4]],"
         "\"targets\":[\"cat\",\"dog\"]}",
         "/data/targets/1", 400},
        {"\"init_from\":\"homes\",\"data\":{\"features\":[[1],[3]],"
         "\"targets\":[1,2]}",
         "/data/features/0", 400},
        {"\"init_from\":\"homes\",\"data\":{\"features\":[[\"york\",\"big\"],"
         "[\"york\",\"small\"]],\"targets\":[1,2]}",
         "/data/features", 400},
        {"\"init_from\":\"homes\",\"data\":{\"features\":[{\"town\":\"york\"},"
         "{\"town\":\"leeds\"}],\"targets\":[1,2]}",
         "/data/features", 400},
        {"\"init_from\":\"half\",\"data\":{\"features\":[[1,\"a\"],[3,\"b\"]],"
         "\"targets\":[0,1]}",
         "/data/features", 400},
        {"\"init_from\":\"homes\",\"dataset\":\"homes\",\"target\":\"size\"", "/target",
         400},
        {"\"init_from\":\"homes\",\"dataset\":\"homes\",\"target\":\"price\","
         "\"exclude\":[\"town\"]",
         "/exclude", 400},
        {"\"init_from\":\"half\",\"dataset\":\"homes\",\"target\":\"town\"", "/target",
         400},
        {"\"init_from\":\"half\",\"dataset\":\"homes\",\"target\":\"size\"", "/features",
         400},
        {"\"init_from\":\"homes\",\"dataset\":\"single\",\"target\":\"price\","
         "\"validation_split\":0.5",
         "/validation_split", 422},
    };
    if (!upload_text(user, "single", "price,town,size\n100000.5,york,50\n"))
        return;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[1024];
        snprintf(body, sizeof body, "{\"model\":\"never\",%s}", bad[i].rest);
        check_refused(body, bad[i].status, bad[i].param);
    }
}

/* Networks from elsewhere may have what only predicts: said at once, not by the worker.
 */
static void test_predicts_only(void) {
    static const char header[] =
        "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
        "\"1.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[16,32]}}";
    static const float weights[] = {1, -1, 0.5f, 2, 0, 1, 1, -3};
    static const char *const activations[] = {"softmax,linear", "tanh,log_softmax"};
    uint64_t header_n = sizeof header - 1;
    char file[8 + sizeof header - 1 + sizeof weights];
    memcpy(file, &header_n, 8); /* little-endian, as we are */
    memcpy(file + 8, header, sizeof header - 1);
    memcpy(file + 8 + header_n, weights, sizeof weights);
    for (size_t i = 0; i < 2; i++) {
        char path[128], body[256];
        struct reply reply;
        snprintf(path, sizeof path, "/v1/models/elsewhere%zu/versions?activations=%s", i,
                 activations[i]);
        client_send(user,
                    &(struct request){.path = path, .body = file, .body_n = sizeof file},
                    &reply);
        CHECK_SAY(reply.status == 201, "%ld %s", reply.status, reply.body);
        reply_free(&reply);
        snprintf(body, sizeof body,
                 "{\"model\":\"elsewhere%zu\",\"instances\":[[1,2],[3,5]]}", i);
        client_post(user, &reply, "/predict", body);
        CHECK_SAY(reply.status == 200 && reply_count(reply.json, "/predictions") == 2,
                  "%ld %s", reply.status, reply.body);
        reply_free(&reply);
        snprintf(body, sizeof body,
                 "{\"model\":\"never\",\"init_from\":\"elsewhere%zu\",\"data\":"
                 "{\"features\":[[1,2],[3,5]],\"targets\":[[1,2],[3,4]]}}",
                 i);
        check_refused(body, 400, "/init_from");
    }
}

static void is_measured(const struct reply *trained, const struct reply *measured) {
    CHECK_SAY(json_is_null(reply_at(measured->json, "/model_version")), "%s",
              measured->body);
    CHECK(reply_number(measured->json, "/progress") == 1);
    CHECK(reply_number(measured->json, "/epoch") == 0);
    CHECK_TEXT(reply_text(measured->json, "/stop_reason"), "completed");
    CHECK(json_equal(reply_at(measured->json, "/metrics/training"),
                     reply_at(trained->json, "/metrics/training")));
    struct reply curve;
    history(measured, &curve);
    double log_loss = reply_number(measured->json, "/metrics/training/log_loss");
    CHECK(reply_count(curve.json, "/data") == 1 &&
          fabs(cost_at(&curve, 0) - log_loss) < 1e-6);
    reply_free(&curve);
}

/* Of no epochs: how good a version is on other rows, here on its own. Nothing is
 * published. */
static void test_measures(void) {
    static const char *const ways[] = {
        "{\"init_from\":\"judge@1\",\"epochs\":0}",
        "{\"init_from\":\"judge\",\"epochs\":0,\"batch_size\":16,\"dropout\":0.5,"
        "\"early_stopping\":true,\"learning_rate_schedule\":\"exponential\"}",
    };
    struct reply trained, measured, reply;
    if (!train("judge", table_planar(150),
               "{\"hidden_layers\":[5],\"epochs\":300,\"normalize\":\"standard\"}",
               &trained))
        return;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!train(i ? "unheard" : "judge", table_planar(150), ways[i], &measured))
            continue;
        is_measured(&trained, &measured);
        reply_free(&measured);
    }
    reply_free(&trained);
    client_get(user, &reply, "/v1/models/judge/versions");
    CHECK_SAY(reply_count(reply.json, "/data") == 1, "%s", reply.body);
    reply_free(&reply);
    client_get(user, &reply, "/v1/models/unheard");
    CHECK(reply.status == 404);
    reply_free(&reply);
}

/* Of no epochs, and new: the network as it is initialised. */
static void test_initial(void) {
    struct reply first, again, one;
    static const char rest[] = "{\"hidden_layers\":[5],\"seed\":7,\"epochs\":0}";
    if (train("fresh", table_planar(50), rest, &first) &&
        train("fresh", table_planar(50), rest, &again) &&
        train("fresh", table_planar(50),
              "{\"hidden_layers\":[5],\"seed\":7,\"epochs\":1}", &one)) {
        struct reply a, b;
        CHECK(reply_number(first.json, "/model_version") == 1);
        history(&first, &a);
        history(&one, &b);
        CHECK(reply_count(a.json, "/data") == 1 && cost_at(&a, 0) == cost_at(&b, 0));
        reply_free(&a);
        reply_free(&b);
        client_get(user, &a, "/v1/models/fresh/versions/1");
        client_get(user, &b, "/v1/models/fresh/versions/2");
        CHECK_TEXT(reply_text(a.json, "/sha256"), reply_text(b.json, "/sha256"));
        CHECK(reply_number(a.json, "/epochs") == 0);
        reply_free(&a);
        reply_free(&b);
    }
    reply_free(&first);
    reply_free(&again);
    reply_free(&one);
}

static void measures_refused(const char *rest, long status, const char *param) {
    struct reply reply;
    json_t *more = json_loads(rest, 0, NULL);
    client_post_json(user, &reply, "/v1/jobs",
                     table_job("judge", table_planar(20), more));
    CHECK_SAY(reply.status == status, "%s: %ld %s", rest, reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), param);
    reply_free(&reply);
}

static void test_measures_refused(void) {
    measures_refused("{\"epochs\":-1,\"init_from\":\"judge\"}", 422, "/epochs");
    measures_refused("{\"epochs\":0,\"init_from\":\"judge\",\"scale_target\":true}", 400,
                     "/scale_target");
    measures_refused("{\"epochs\":0,\"init_from\":\"judge\",\"normalize\":\"minmax\"}",
                     400, "/normalize");
}

/* The version goes while the job waits for the only worker. */
static void test_deleted_meanwhile(void) {
    char busy[JOB_ID_BYTES], waiting[JOB_ID_BYTES];
    struct reply reply;
    if (!train("gone", table_planar(20), "{\"epochs\":2}", NULL) ||
        !job_post(
            user,
            table_job("long", table_planar(200), json_pack("{si}", "epochs", 500000000)),
            busy) ||
        !job_wait_running(user, busy, 20) ||
        !job_post(user,
                  table_job("after", table_planar(20),
                            json_pack("{sssi}", "init_from", "gone", "epochs", 2)),
                  waiting))
        return;
    client_call(user, &reply, "DELETE", "/v1/models/gone/versions/1");
    CHECK_SAY(reply.status == 204, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
    job_cancel(user, busy, &reply);
    reply_free(&reply);
    job_wait(user, waiting, "failed", 20, &reply);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "data_missing");
    reply_free(&reply);
}

int main(void) {
    static const char *const one_worker[] = {"--workers", "1", NULL};
    if (!daemon_start(&daemon_of_all, one_worker))
        return 1;
    CHECK_RUN(test_continues);
    CHECK_RUN(test_classes);
    CHECK_RUN(test_dataset);
    CHECK_RUN(test_missing_refused);
    CHECK_RUN(test_warnings);
    CHECK_RUN(test_refused);
    CHECK_RUN(test_predicts_only);
    CHECK_RUN(test_measures);
    CHECK_RUN(test_initial);
    CHECK_RUN(test_measures_refused);
    CHECK_RUN(test_deleted_meanwhile);
    daemon_close(&daemon_of_all);
    return check_done();
}
