/* Predictions of many clients at a time: that they share forward passes and nobody can
 * tell, that queues are bounded, and that late requests are told so. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/raw.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { INPUTS_N = 30, ROWS_N = 24, CLIENTS_N = 8, ROUNDS = 12 };

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* One network for each way to be computed: at once, gathered by a connection's thread,
 * gathered by the batcher. */
static const struct {
    const char *name, *layers;
} models[] = {{"tiny", "[4]"}, {"middle", "[600,300]"}, {"heavy", "[1200,900]"}};
enum { MODELS_N = sizeof models / sizeof *models };

static bool models_make(void) {
    for (size_t i = 0; i < MODELS_N; i++) {
        struct table_random random = {7};
        json_t *features = json_array(), *targets = json_array();
        for (int r = 0; r < 6; r++) {
            json_t *row = json_array();
            for (int j = 0; j < INPUTS_N; j++)
                json_array_append_new(row, json_real(table_normal(&random)));
            json_array_append_new(features, row);
            json_array_append_new(targets, json_integer(r % 3));
        }
        json_t *rest = json_pack("{sisis{}}", "epochs", 1, "seed", 3, "metadata");
        json_object_set_new(rest, "hidden_layers", json_loads(models[i].layers, 0, NULL));
        json_t *data = json_pack("{soso}", "features", features, "targets", targets);
        if (!job_train(user, table_job(models[i].name, data, rest), NULL))
            return false;
    }
    return true;
}

/* The body that asks `model` for `m` rows, the first of them row `first`. */
static char *body_new(const char *model, size_t first, size_t m) {
    json_t *rows = json_array();
    for (size_t i = first; i < first + m; i++) {
        struct table_random random = {i + 1};
        json_t *row = json_array();
        for (int j = 0; j < INPUTS_N; j++)
            json_array_append_new(row, json_real(table_normal(&random)));
        json_array_append_new(rows, row);
    }
    json_t *root = json_pack("{ssso}", "model", model, "instances", rows);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static double metric(const char *name) {
    struct reply reply;
    client_get(user, &reply, "/metrics");
    double value = reply_metric(&reply, name);
    reply_free(&reply);
    return value;
}

/* ---- the same answers ----------------------------------------------------------- */

static char *bodies[MODELS_N][ROWS_N], *alone[MODELS_N][ROWS_N];

struct asker {
    pthread_t thread;
    size_t number;
    size_t wrong, failed;
};

static void *ask(void *context) {
    struct asker *asker = context;
    struct client client;
    if (!client_open(&client, daemon_of_all.port)) {
        asker->failed++;
        return NULL;
    }
    for (size_t i = 0; i < ROUNDS * ROWS_N; i++) {
        size_t row = (i + asker->number * 5) % ROWS_N;
        size_t model = i / ROWS_N % MODELS_N;
        struct reply reply;
        client_post(&client, &reply, "/predict", bodies[model][row]);
        asker->failed += reply.status != 200;
        asker->wrong += reply.status == 200 && strcmp(reply.body, alone[model][row]) != 0;
        reply_free(&reply);
    }
    client_close(&client);
    return NULL;
}

static void test_nobody_can_tell(void) {
    struct asker askers[CLIENTS_N] = {{0}};
    struct reply reply;
    for (size_t i = 0; i < MODELS_N; i++)
        for (size_t r = 0; r < ROWS_N; r++) {
            bodies[i][r] = body_new(models[i].name, r, 1 + r % 3);
            client_post(user, &reply, "/predict", bodies[i][r]);
            CHECK_SAY(reply.status == 200, "%s", reply.body);
            alone[i][r] = strdup(reply.body);
            reply_free(&reply);
        }
    for (size_t i = 0; i < CLIENTS_N; i++) {
        askers[i].number = i;
        pthread_create(&askers[i].thread, NULL, ask, &askers[i]);
    }
    for (size_t i = 0; i < CLIENTS_N; i++) {
        pthread_join(askers[i].thread, NULL);
        CHECK_SAY(!askers[i].failed && !askers[i].wrong, "%zu failed, %zu were others",
                  askers[i].failed, askers[i].wrong);
    }
    for (size_t i = 0; i < MODELS_N; i++)
        for (size_t r = 0; r < ROWS_N; r++) {
            free(bodies[i][r]);
            free(alone[i][r]);
        }
    CHECK(metric("descentd_predictions_waiting") == 0);
}

/* A request of many rows, which is computed in parts, beside each of its rows. */
static void test_many_rows(void) {
    enum { MANY = 700, EACH = 90 };
    struct reply all, one;
    char *body = body_new("middle", 0, MANY);
    client_post(user, &all, "/predict", body);
    free(body);
    CHECK_SAY(all.status == 200, "%s", all.body);
    json_t *rows = reply_at(all.json, "/probabilities");
    CHECK(json_array_size(rows) == MANY);
    for (size_t i = 0; i < MANY; i += EACH) {
        body = body_new("middle", i, 1);
        client_post(user, &one, "/predict", body);
        free(body);
        CHECK(
            json_equal(json_array_get(rows, i), reply_at(one.json, "/probabilities/0")));
        reply_free(&one);
    }
    reply_free(&all);
}

/* ---- bounds --------------------------------------------------------------------- */

struct poster {
    pthread_t thread;
    char *body;
    struct reply reply;
};

static void *post(void *context) {
    struct poster *poster = context;
    struct client client;
    if (client_open(&client, daemon_of_all.port))
        client_post(&client, &poster->reply, "/predict", poster->body);
    client_close(&client);
    return NULL;
}

static void post_begin(struct poster *poster, size_t row) {
    *poster = (struct poster){.body = body_new("heavy", row, 1)};
    pthread_create(&poster->thread, NULL, post, poster);
}

/* Starts the daemon again, on the same store, with other flags. */
static bool restart_with(const char *const *flags) {
    CHECK(daemon_stop(&daemon_of_all) == 0);
    size_t n = 0;
    for (; flags[n]; n++)
        daemon_of_all.flags[n] = flags[n];
    daemon_of_all.flags[n] = NULL;
    return CHECK(daemon_restart(&daemon_of_all));
}

/* Where requests wait for others: whoever finds the queue full is sent away at once. A
 * server that ends lets nobody wait any longer: two requests, one pass. */
static void test_the_queue(void) {
    const char *const flags[] = {"--batch-delay-us-max", "60000000",
                                 "--predict-queue-max", "2", NULL};
    struct poster waiting[2];
    struct reply reply;
    char text[256];
    if (!restart_with(flags))
        return;
    char *body = body_new("heavy", 0, 1);
    client_post(user, &reply, "/predict?hurry", body);
    CHECK(reply.status == 400); /* and is not counted */
    reply_free(&reply);
    client_post(user, &reply, "/predict", body); /* loads it, apart, and waits for none */
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    reply_free(&reply);
    for (size_t i = 0; i < 2; i++)
        post_begin(&waiting[i], i);
    int64_t until = daemon_clock_ms() + 30000;
    while (metric("descentd_predictions_waiting") < 2 && daemon_clock_ms() < until)
        daemon_sleep_ms(2);
    client_post(user, &reply, "/predict", body);
    CHECK_SAY(reply.status == 429, "%ld: %s", reply.status, reply.body);
    CHECK_TEXT(reply_header(&reply, "Retry-After", text), "1");
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "busy");
    CHECK(metric("descentd_prediction_passes_total") == 1);
    reply_free(&reply);
    free(body);
    CHECK(daemon_stop(&daemon_of_all) == 0);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(waiting[i].thread, NULL);
        CHECK_SAY(waiting[i].reply.status == 200, "%s", waiting[i].reply.body);
        free(waiting[i].body);
        reply_free(&waiting[i].reply);
    }
}

/* As many rows as a pass may have go at once, however long others would wait. */
static void test_a_full_pass(void) {
    const char *const flags[] = {"--batch-delay-us-max", "60000000", "--batch-rows-max",
                                 "2", NULL};
    struct poster together[2];
    struct reply reply;
    daemon_of_all.flags[0] = NULL;
    if (!CHECK(daemon_restart(&daemon_of_all)) || !restart_with(flags))
        return;
    char *body = body_new("heavy", 0, 1);
    client_post(user, &reply, "/predict", body);
    reply_free(&reply);
    free(body);
    for (size_t i = 0; i < 2; i++)
        post_begin(&together[i], i);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(together[i].thread, NULL);
        CHECK_SAY(together[i].reply.status == 200, "%s", together[i].reply.body);
        free(together[i].body);
        reply_free(&together[i].reply);
    }
    CHECK(metric("descentd_prediction_passes_total") == 2);
    CHECK(metric("descentd_prediction_rows_total") == 3);
}

/* ---- time limits ---------------------------------------------------------------- */

static void limit_is_refused(const char *value) {
    char header[64];
    const char *const headers[] = {header, NULL};
    struct request request = {.path = "/v1/models", .headers = headers};
    struct reply reply;
    snprintf(header, sizeof header, "X-Request-Timeout-Ms: %s", value);
    client_send(user, &request, &reply);
    CHECK_SAY(reply.status == 400, "%s", value);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "X-Request-Timeout-Ms");
    reply_free(&reply);
}

static void is_late(const struct reply *reply) {
    CHECK_SAY(reply->status == 504, "%ld: %s", reply->status, reply->body);
    CHECK_TEXT(reply_text(reply->json, "/error/code"), "deadline_exceeded");
}

/* A body that comes when the time is over; a wait for a job that outlasts it, which is
 * answered as things stand then; and a limit that is kept. */
static void test_time_limits(void) {
    const char *const flags[] = {"--workers", "0", NULL};
    const char *const soon[] = {"X-Request-Timeout-Ms: 40", NULL};
    const char *const late[] = {"X-Request-Timeout-Ms: 60000", NULL};
    static const char head[] =
        "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
        "X-Request-Timeout-Ms: 1\r\n\r\n";
    char id[JOB_ID_BYTES], path[128];
    struct reply reply;
    struct raw raw;
    if (!restart_with(flags))
        return;
    if (CHECK(raw_open(&raw, daemon_of_all.port)) && raw_text(&raw, head)) {
        daemon_sleep_ms(20);
        raw_text(&raw, "{}");
        raw_reply(&raw, false, 10000, &reply);
        is_late(&reply);
        reply_free(&reply);
        raw_close(&raw);
    }
    if (job_post(user, table_job("late", table_planar(10), NULL), id)) {
        snprintf(path, sizeof path, "/v1/jobs/%s?wait=30", id);
        client_send(user, &(struct request){.path = path, .headers = soon}, &reply);
        CHECK_SAY(reply.status == 200 && reply.seconds < 5, "%ld after %g s",
                  reply.status, reply.seconds);
        CHECK_TEXT(reply_text(reply.json, "/status"), "queued");
        reply_free(&reply);
    }
    client_send(user, &(struct request){.path = "/v1/models", .headers = late}, &reply);
    CHECK(reply.status == 200);
    reply_free(&reply);
    limit_is_refused("0");
    limit_is_refused("-5");
    limit_is_refused("1s");
    limit_is_refused("3600001");
}

/* An inference request with these parameters, whose body comes 20 ms behind its head. */
static void infer_slowly(const char *model, const char *field, const char *parameters,
                         struct reply *reply) {
    char body[512], head[256];
    int n = snprintf(body, sizeof body,
                     "{\"parameters\":{%s},\"inputs\":[{\"name\":\"input\",\"datatype\":"
                     "\"INT8\",\"shape\":[1,%d],\"data\":[0",
                     parameters, INPUTS_N);
    for (int i = 1; i < INPUTS_N; i++)
        n += snprintf(body + n, sizeof body - (size_t)n, ",%d", i);
    n += snprintf(body + n, sizeof body - (size_t)n, "]}]}");
    snprintf(head, sizeof head,
             "POST /v2/models/%s/infer HTTP/1.1\r\nHost: x\r\n%sContent-Length: "
             "%d\r\n\r\n",
             model, field, n);
    struct raw raw;
    *reply = (struct reply){0};
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw, head);
    daemon_sleep_ms(20);
    raw_text(&raw, body);
    CHECK(raw_reply(&raw, false, 10000, reply));
    raw_close(&raw);
}

/* The timeout of the schedule policy extension, in microseconds, and the head's own: the
 * shorter holds. `where` NULL: it is answered. */
static void test_timeout_parameter(void) {
    static const char brief[] = "X-Request-Timeout-Ms: 1\r\n",
                      ample[] = "X-Request-Timeout-Ms: 60000\r\n";
    static const struct {
        const char *field, *parameters, *where;
    } cases[] = {
        {"", "\"timeout\":15000", "/parameters/timeout: "},
        {"", "\"timeout\":1,\"priority\":1", "/parameters/timeout: "},
        {ample, "\"timeout\":15000", "/parameters/timeout: "},
        {brief, "\"timeout\":60000000", "X-Request-Timeout-Ms: "},
        {ample, "\"timeout\":60000000", NULL},
        {"", "\"timeout\":9223372036854775807", NULL},
        {"", "\"timeout\":0,\"priority\":1", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t j = 0; j < MODELS_N; j++) {
            struct reply reply;
            infer_slowly(models[j].name, cases[i].field, cases[i].parameters, &reply);
            const char *error = reply_text(reply.json, "/error"), *where = cases[i].where;
            CHECK_SAY(reply.status == (where ? 504 : 200), "%zu: %ld %s", i, reply.status,
                      reply.body);
            CHECK_SAY(!where || strncmp(error, where, strlen(where)) == 0, "%s", error);
            CHECK(!where || json_object_size(reply.json) == 1);
            reply_free(&reply);
        }
    }
}

/* Predictions that wait for their pass until it is too late: whose time it was is said by
 * those that were found late there, too. */
static void test_late_in_the_queue(void) {
    enum { MANY_AT_ONCE = 48, TRIES = 20 };
    char *body = body_new("heavy", 0, 32), head[256];
    size_t late = 0;
    snprintf(head, sizeof head,
             "POST /predict HTTP/1.1\r\nHost: x\r\nX-Request-Timeout-Ms: 4\r\n"
             "Content-Length: %zu\r\n\r\n",
             strlen(body));
    for (size_t try = 0; try < TRIES && !late; try++) {
        struct raw raw[MANY_AT_ONCE];
        for (size_t i = 0; i < MANY_AT_ONCE; i++)
            CHECK(raw_open(&raw[i], daemon_of_all.port));
        for (size_t i = 0; i < MANY_AT_ONCE; i++)
            CHECK(raw_text(&raw[i], head) && raw_text(&raw[i], body));
        for (size_t i = 0; i < MANY_AT_ONCE; i++) {
            struct reply reply;
            CHECK(raw_reply(&raw[i], false, 20000, &reply));
            if (reply.status != 200) {
                is_late(&reply);
                CHECK_TEXT(reply_text(reply.json, "/error/param"),
                           "X-Request-Timeout-Ms");
                late++;
            }
            reply_free(&reply);
            raw_close(&raw[i]);
        }
    }
    CHECK(late);
    free(body);
}

int main(void) {
    if (daemon_start(&daemon_of_all, NULL) && models_make()) {
        CHECK_RUN(test_nobody_can_tell);
        CHECK_RUN(test_many_rows);
        CHECK_RUN(test_the_queue);
        CHECK_RUN(test_a_full_pass);
        CHECK_RUN(test_time_limits);
        CHECK_RUN(test_timeout_parameter);
        CHECK_RUN(test_late_in_the_queue);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
