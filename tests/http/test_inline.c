/* Jobs on inline rows with texts, booleans and holes: the same as a dataset of these
 * rows, and predictions from rows of either form. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

enum { PASSENGERS = 90, TEXT_BYTES = 1 << 16 };

/* ---- the passengers --------------------------------------------------------------- */

struct passenger {
    const char *sex, *port; /* port NULL: missing */
    double age, fare;       /* age NAN: missing */
    int alone;              /* -1: missing */
    bool survived;
};

static void passenger_make(struct table_random *random, int i, struct passenger *p) {
    static const char *const ports[] = {"Southampton", "Cherbourg", "Queenstown"};
    p->sex = table_uniform(random) < 0.5 ? "female" : "male";
    p->port = ports[(size_t)(3 * table_uniform(random))];
    p->age = floor(70 * table_uniform(random)) + 1;
    p->fare = floor(1000 * table_uniform(random)) / 10;
    p->alone = table_uniform(random) < 0.5;
    p->survived = p->sex[0] == 'f' ? p->fare > 20 : p->fare > 80;
    if (i % 7 == 3)
        p->age = (double)NAN;
    if (i % 11 == 5)
        p->alone = -1;
    if (i % 13 == 2)
        p->port = NULL;
}

enum form { ARRAYS, OBJECTS, CSV };

/* One row; objects have their members in another order each time. */
static int row_write(const struct passenger *p, enum form form, int i, char *to) {
    char port[32], age[16];
    const char *alone = p->alone < 0 ? "null" : p->alone ? "true" : "false";
    snprintf(port, sizeof port, p->port ? "\"%s\"" : "null", p->port);
    snprintf(age, sizeof age, isnan(p->age) ? "null" : "%g", p->age);
    if (form == CSV)
        return sprintf(to, "%s,%s,%s,%g,%s,%s\n", p->sex, p->port ? p->port : "",
                       isnan(p->age) ? "" : age, p->fare, p->alone < 0 ? "" : alone,
                       p->survived ? "yes" : "no");
    if (form == ARRAYS)
        return sprintf(to, "[\"%s\",%s,%s,%g,%s]", p->sex, port, age, p->fare, alone);
    return sprintf(to,
                   i % 2 ? "{\"age\":%3$s,\"sex\":\"%1$s\",\"alone\":%5$s,"
                           "\"fare\":%4$g,\"port\":%2$s}"
                         : "{\"sex\":\"%1$s\",\"port\":%2$s,\"age\":%3$s,"
                           "\"fare\":%4$g,\"alone\":%5$s}",
                   p->sex, port, age, p->fare, alone);
}

/* The passengers' rows, or those and the targets as `data`. */
static const char *rows_text(enum form form) {
    static char text[TEXT_BYTES];
    struct table_random random = {11};
    struct passenger p;
    int n = sprintf(text, form == CSV ? "sex,port,age,fare,alone,survived\n" : "[");
    for (int i = 0; i < PASSENGERS; i++) {
        if (i && form != CSV)
            text[n++] = ',';
        passenger_make(&random, i, &p);
        n += row_write(&p, form, i, text + n);
    }
    strcpy(text + n, form == CSV ? "" : "]");
    return text;
}

static json_t *json_of(const char *text) {
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    CHECK_SAY(json, "%s: %.200s", error.text, text);
    return json;
}

static json_t *passengers_data(enum form form) {
    struct table_random random = {11};
    struct passenger p;
    json_t *targets = json_array();
    for (int i = 0; i < PASSENGERS; i++) {
        passenger_make(&random, i, &p);
        json_array_append_new(targets, json_string(p.survived ? "yes" : "no"));
    }
    return json_pack("{soso}", "features", json_of(rows_text(form)), "targets", targets);
}

/* ---- short ways ------------------------------------------------------------------- */

static bool train_inline(const char *model, enum form form, const char *rest,
                         struct reply *reply) {
    return job_train(user, table_job(model, passengers_data(form), json_of(rest)), reply);
}

static bool predict(const char *model, const char *instances, struct reply *reply) {
    static char body[TEXT_BYTES + 128];
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":%s}", model, instances);
    client_post(user, reply, "/predict", body);
    return CHECK_SAY(reply->status == 200, "%s: %ld %s", model, reply->status,
                     reply->body);
}

/* Whether both answers say the same of the same rows. */
static bool agrees(const struct reply *a, const struct reply *b) {
    return a->json && b->json &&
           json_equal(reply_at(a->json, "/probabilities"),
                      reply_at(b->json, "/probabilities"));
}

/* ---- the tests -------------------------------------------------------------------- */

#define REST "{\"seed\":3,\"epochs\":150,\"class_weight\":{\"yes\":2}}"

/* Arrays, objects and a dataset of the same table train to the same bits. */
static void test_same_as_dataset(void) {
    struct reply jobs[3] = {{0}}, reply;
    const char *csv = rows_text(CSV);
    client_send(user,
                &(struct request){.method = "PUT",
                                  .path = "/v1/datasets/ship",
                                  .body = csv,
                                  .body_n = strlen(csv)},
                &reply);
    CHECK_SAY(reply.status == 201, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
    if (train_inline("arrays", ARRAYS, REST, &jobs[0]) &&
        train_inline("objects", OBJECTS, REST, &jobs[1]) &&
        job_train(user,
                  json_pack("{sssssssisis{si}}", "model", "dataset", "dataset", "ship",
                            "target", "survived", "seed", 3, "epochs", 150,
                            "class_weight", "yes", 2),
                  &jobs[2])) {
        double cost = reply_number(jobs[2].json, "/cost");
        CHECK(cost > 0 && cost < 0.3);
        for (size_t i = 0; i < 2; i++)
            CHECK_SAY(!(reply_number(jobs[i].json, "/cost") < cost) &&
                          !(reply_number(jobs[i].json, "/cost") > cost),
                      "%.17g, not %.17g", reply_number(jobs[i].json, "/cost"), cost);
        CHECK(json_equal(reply_at(jobs[1].json, "/metrics"),
                         reply_at(jobs[2].json, "/metrics")));
        CHECK(reply_number(jobs[1].json, "/metrics/training/accuracy") > 0.93);
    }
    for (size_t i = 0; i < 3; i++)
        reply_free(&jobs[i]);
}

static void test_documents(void) {
    static const char *const names[] = {"sex", "port", "age", "fare", "alone"};
    static const char *const types[] = {"category", "category", "number", "number",
                                        "boolean"};
    struct reply job, model;
    if (!train_inline("ship", OBJECTS, REST, &job))
        return;
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/task"), "binary");
    CHECK_TEXT(reply_text(job.json, "/hyperparameters/normalize"), "standard");
    CHECK(reply_number(job.json, "/hyperparameters/samples") == PASSENGERS);
    CHECK(!reply_at(job.json, "/hyperparameters/dataset") &&
          !reply_at(job.json, "/hyperparameters/target"));
    client_get(user, &model, "/v1/models/ship");
    CHECK(!reply_at(model.json, "/dataset") &&
          !reply_at(model.json, "/dataset_revision"));
    CHECK(reply_count(model.json, "/columns") == 5);
    for (size_t i = 0; i < 5; i++) {
        char at[64];
        snprintf(at, sizeof at, "/hyperparameters/table/columns/%zu/name", i);
        CHECK_TEXT(reply_text(job.json, at), names[i]);
        snprintf(at, sizeof at, "/columns/%zu/name", i);
        CHECK_TEXT(reply_text(model.json, at), names[i]);
        snprintf(at, sizeof at, "/columns/%zu/type", i);
        CHECK_TEXT(reply_text(model.json, at), types[i]);
    }
    /* 2 and 3 texts, missing ports, and three columns of an input each. */
    CHECK(reply_number(model.json, "/inputs") == 2 + 4 + 3);
    reply_free(&model);
    reply_free(&job);
}

static void test_predictions(void) {
    struct reply arrays, objects, unnamed;
    predict("ship", rows_text(ARRAYS), &arrays);
    predict("ship", rows_text(OBJECTS), &objects);
    predict("arrays", rows_text(ARRAYS), &unnamed);
    CHECK(reply_count(arrays.json, "/predictions") == PASSENGERS);
    CHECK(agrees(&arrays, &objects) && agrees(&arrays, &unnamed));
    struct table_random random = {11};
    size_t right = 0;
    for (int i = 0; i < PASSENGERS; i++) {
        struct passenger p;
        char at[32];
        passenger_make(&random, i, &p);
        snprintf(at, sizeof at, "/predictions/%d", i);
        right += strcmp(reply_text(objects.json, at), p.survived ? "yes" : "no") == 0;
    }
    CHECK_SAY((double)right > PASSENGERS * 0.93, "%zu", right);
    reply_free(&arrays);
    reply_free(&objects);
    reply_free(&unnamed);
    /* A model of arrays calls its columns by their places. */
    predict("arrays", "[[\"male\",null,30,5,null]]", &arrays);
    predict("arrays", "[{\"4\":null,\"3\":5,\"2\":30,\"1\":null,\"0\":\"male\"}]",
            &objects);
    CHECK(agrees(&arrays, &objects));
    reply_free(&arrays);
    reply_free(&objects);
    client_post(user, &arrays, "/predict",
                "{\"model\":\"ship\",\"instances\":[[\"male\",null,30,5]]}");
    CHECK_SAY(arrays.status == 400 &&
                  strcmp(reply_text(arrays.json, "/error/param"), "/instances/0") == 0,
              "%ld %s", arrays.status, arrays.body);
    reply_free(&arrays);
}

/* What a dataset's job has besides. */
static void test_extras(void) {
    struct reply job;
    if (train_inline("split", OBJECTS,
                     "{\"validation_split\":0.3,\"class_weight\":\"balanced\","
                     "\"seed\":1,\"epochs\":20}",
                     &job)) {
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/class_weight"), "balanced");
        double held = 0;
        for (int i = 0; i < 4; i++) {
            char at[64];
            snprintf(at, sizeof at, "/metrics/validation/confusion_matrix/%d/%d", i / 2,
                     i % 2);
            held += reply_number(job.json, at);
        }
        CHECK_SAY(fabs(held - 0.3 * PASSENGERS) <= 1, "%g", held);
    }
    reply_free(&job);
    client_post_json(user, &job, "/v1/jobs",
                     table_job("never", passengers_data(OBJECTS),
                               json_pack("{ss}", "missing_values", "error")));
    CHECK_SAY(job.status == 400 && strstr(reply_text(job.json, "/error/message"),
                                          "\"port\" is missing in 7 rows"),
              "%ld %s", job.status, job.body);
    reply_free(&job);
}

/* A column that cannot help stays, so that rows to predict keep their form. */
static void test_useless_columns(void) {
    struct reply job, got;
    json_t *data = json_of("{\"features\":[[\"k\",null,1],[\"k\",null,2],[\"k\",null,4]],"
                           "\"targets\":[1.5,3.5,7.5]}");
    if (job_train(user, table_job("kept", data, json_pack("{si}", "epochs", 300)),
                  &job)) {
        CHECK_TEXT(reply_text(job.json, "/warnings/0"),
                   "column \"0\" is constant: kept, as inline rows have it");
        CHECK_TEXT(reply_text(job.json, "/warnings/1"),
                   "column \"1\" is empty: kept, as inline rows have it");
        if (predict("kept", "[[\"k\",null,2],[\"other\",7,2]]", &got))
            CHECK_NEAR(reply_number(got.json, "/predictions/0"), 3.5, 0.2);
        reply_free(&got);
    }
    reply_free(&job);
}

static void check_continues(const char *data, const struct reply *before) {
    struct reply job, after;
    if (job_train(user,
                  table_job("ship", json_of(data),
                            json_of("{\"init_from\":\"ship@1\",\"epochs\":1,"
                                    "\"learning_rate\":1e-12}")),
                  &job)) {
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/init_from"), "ship@1");
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/transform"), "kept");
        predict("ship", rows_text(OBJECTS), &after);
        CHECK_SAY(agrees(before, &after), "%s", data);
        reply_free(&after);
    }
    reply_free(&job);
}

/* The encoder stays: one port alone, a sex that is new, and a step of next to nothing. */
static void test_continued(void) {
    struct reply before;
    if (!predict("ship@1", rows_text(OBJECTS), &before))
        return;
    check_continues(
        "{\"features\":[[\"male\",\"Cherbourg\",3,4,true],"
        "[\"other\",\"Cherbourg\",null,4,false]],\"targets\":[\"no\",\"yes\"]}",
        &before);
    check_continues("{\"features\":[{\"age\":3,\"sex\":\"male\",\"port\":null,\"fare\":4,"
                    "\"alone\":true},{\"age\":3,\"sex\":\"male\",\"port\":null,"
                    "\"fare\":9,\"alone\":null}],\"targets\":[\"no\",\"yes\"]}",
                    &before);
    /* Booleans as 0 and 1, and none at all. */
    check_continues("{\"features\":[[\"male\",\"Cherbourg\",3,4,1],"
                    "[\"male\",\"Cherbourg\",null,4,0]],\"targets\":[\"no\",\"yes\"]}",
                    &before);
    check_continues("{\"features\":[[\"male\",null,3,4,null],"
                    "[\"male\",null,null,4,null]],\"targets\":[\"no\",\"yes\"]}",
                    &before);
    reply_free(&before);
}

/* Numbers alone go on as they went, also where a model knows their names. */
static void test_numbers(void) {
    struct reply job, got;
    if (job_train(user,
                  table_job("plain",
                            json_of("{\"features\":[[0],[1],[2],[3]],"
                                    "\"targets\":[1.5,3.5,5.5,7.5]}"),
                            json_of("{\"hidden_layers\":[],\"epochs\":2000}")),
                  &job)) {
        CHECK(!reply_at(job.json, "/hyperparameters/table"));
        CHECK(reply_number(job.json, "/hyperparameters/inputs") == 1);
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/normalize"), "none");
    }
    reply_free(&job);
    if (job_train(user,
                  table_job("named",
                            json_of("{\"features\":[{\"x\":0},{\"x\":1},"
                                    "{\"x\":2}],\"targets\":[1.5,3.5,5.5]}"),
                            json_of("{\"hidden_layers\":[],\"epochs\":500,"
                                    "\"optimizer\":\"gradient_descent\",\"seed\":1}")),
                  &job) &&
        predict("named", "[{\"x\":4},[4]]", &got)) {
        CHECK_NEAR(reply_number(got.json, "/predictions/0"), 9.5, 0.05);
        CHECK_NEAR(reply_number(got.json, "/predictions/1"), 9.5, 0.05);
        reply_free(&got);
    }
    reply_free(&job);
}

/* Numbers alone may be split too: as they would be trained without, on the rest. */
static void test_numbers_split(void) {
    struct reply job, curve;
    json_t *labels = json_of("[\"a\",\"b\",\"c\"]");
    json_t *blobs = table_blobs(60, labels);
    json_decref(labels);
    if (job_train(
            user,
            table_job("blobs", blobs,
                      json_of("{\"validation_split\":0.2,\"epochs\":200,\"seed\":2}")),
            &job)) {
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/normalize"), "none");
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/optimizer"),
                   "gradient_descent");
        CHECK_TEXT(reply_text(job.json, "/hyperparameters/layers/0/activation"), "relu");
        CHECK(reply_number(job.json, "/metrics/validation/accuracy") > 0.9);
        double held = 0, kept = 0;
        for (int i = 0; i < 9; i++) {
            char at[64];
            snprintf(at, sizeof at, "/metrics/validation/confusion_matrix/%d/%d", i / 3,
                     i % 3);
            held += reply_number(job.json, at);
            snprintf(at, sizeof at, "/metrics/training/confusion_matrix/%d/%d", i / 3,
                     i % 3);
            kept += reply_number(job.json, at);
        }
        CHECK_SAY(held == 12 && kept == 48, "%g and %g", held, kept);
        client_get(user, &curve, "/v1/jobs/%s/history?max_points=3",
                   reply_text(job.json, "/id"));
        CHECK(reply_number(curve.json, "/data/2/validation_cost") > 0);
        reply_free(&curve);
    }
    reply_free(&job);
}

/* A job that waits for the only worker while the daemon goes and comes. */
static void test_restart(void) {
    char busy[JOB_ID_BYTES], waiting[JOB_ID_BYTES];
    struct reply reply, first;
    if (!predict("ship@1", rows_text(ARRAYS), &first) ||
        !job_post(
            user,
            table_job("busy", table_planar(200), json_pack("{si}", "epochs", 500000000)),
            busy) ||
        !job_wait_running(user, busy, 20) ||
        !job_post(user, table_job("again", passengers_data(OBJECTS), json_of(REST)),
                  waiting))
        return;
    client_get(user, &reply, "/v1/jobs/%s", waiting);
    CHECK_TEXT(reply_text(reply.json, "/status"), "queued");
    reply_free(&reply);
    CHECK(daemon_stop(&daemon_of_all) == 0);
    if (!CHECK(daemon_restart(&daemon_of_all)))
        return;
    job_cancel(user, busy, &reply);
    reply_free(&reply);
    if (job_wait(user, waiting, "succeeded", 30, &reply)) {
        reply_free(&reply);
        predict("again", rows_text(ARRAYS), &reply);
        CHECK(agrees(&first, &reply));
    }
    reply_free(&reply);
    reply_free(&first);
}

int main(void) {
    static const char *const one_worker[] = {"--workers", "1", NULL};
    if (!daemon_start(&daemon_of_all, one_worker))
        return 1;
    CHECK_RUN(test_same_as_dataset);
    CHECK_RUN(test_documents);
    CHECK_RUN(test_predictions);
    CHECK_RUN(test_extras);
    CHECK_RUN(test_useless_columns);
    CHECK_RUN(test_continued);
    CHECK_RUN(test_numbers);
    CHECK_RUN(test_numbers_split);
    CHECK_RUN(test_restart);
    daemon_close(&daemon_of_all);
    return check_done();
}
