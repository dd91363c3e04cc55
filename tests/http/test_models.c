/* Models as their users handle them: aliases, versions, files out and in. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* y = slope x, exactly learnt: a step of 1 from zeros on x = +-1. */
static bool train(const char *model, int slope) {
    json_t *body =
        json_pack("{sss{s[[i][i]]s[ii]}sss[]sssisi}", "model", model, "data", "features",
                  1, -1, "targets", slope, -slope, "task", "regression", "hidden_layers",
                  "initializer", "zeros", "learning_rate", 1, "epochs", 1);
    return job_train(user, body, NULL);
}

static bool send_to(struct client *client, struct reply *reply, const char *method,
                    const char *path, const char *header, const char *body) {
    const char *const headers[] = {header, NULL};
    struct request request = {.method = method,
                              .path = path,
                              .headers = header ? headers : NULL,
                              .body = body,
                              .body_n = body ? strlen(body) : 0};
    return client_send(client, &request, reply);
}

/* One request, its status, and where its error stands (or NULL). */
static void check_status(const char *method, const char *path, const char *header,
                         const char *body, long status, const char *param) {
    struct reply reply;
    send_to(user, &reply, method, path, header, body);
    CHECK_SAY(reply.status == status, "%s %s: %ld %s", method, path, reply.status,
              reply.body);
    if (param)
        CHECK_TEXT(reply_text(reply.json, "/error/param"), param);
    reply_free(&reply);
}

static void check_predicts(const char *model, int version, double want) {
    struct reply reply;
    char body[256];
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":[[1]]}", model);
    client_post(user, &reply, "/predict", body);
    CHECK_SAY(reply.status == 200 && reply_number(reply.json, "/version") == version &&
                  reply_number(reply.json, "/predictions/0") == want,
              "%s: %ld %s", model, reply.status, reply.body);
    reply_free(&reply);
}

#define LIVE "/v1/models/line/aliases/live"

static void test_alias(void) {
    struct reply reply;
    char value[256];
    if (!train("line", 2) || !train("line", 3) || !train("line", 5))
        return;
    send_to(user, &reply, "PUT", LIVE, NULL, "{\"version\":1}");
    CHECK_SAY(reply.status == 201, "%ld %s", reply.status, reply.body);
    CHECK_TEXT(reply_header(&reply, "ETag", value), "\"1\"");
    CHECK_TEXT(reply_header(&reply, "Location", value), LIVE);
    CHECK_TEXT(reply_text(reply.json, "/object"), "alias");
    CHECK_TEXT(reply_text(reply.json, "/model"), "line");
    CHECK_TEXT(reply_text(reply.json, "/alias"), "live");
    CHECK(reply_number(reply.json, "/version") == 1);
    CHECK(job_time_is_formed(reply_text(reply.json, "/changed_at")));
    reply_free(&reply);
    check_predicts("line@live", 1, 2);
    check_predicts("line", 3, 5);

    send_to(user, &reply, "PUT", LIVE, NULL, "{\"version\":2}");
    CHECK(reply.status == 200 && reply_number(reply.json, "/change") == 2);
    CHECK_TEXT(reply_header(&reply, "ETag", value), "\"2\"");
    CHECK_TEXT(reply_header(&reply, "Location", value), "");
    reply_free(&reply);
    check_predicts("line@live", 2, 3);

    client_get(user, &reply, LIVE);
    CHECK(reply.status == 200 && reply_number(reply.json, "/version") == 2);
    CHECK_TEXT(reply_header(&reply, "ETag", value), "\"2\"");
    reply_free(&reply);
    check_status("PUT", "/v1/models/line/aliases/beta", NULL, "{\"version\":3}", 201,
                 NULL);
    client_get(user, &reply, "/v1/models/line/aliases");
    CHECK(reply_count(reply.json, "/data") == 2);
    CHECK_TEXT(reply_text(reply.json, "/data/0/alias"), "beta");
    CHECK_TEXT(reply_text(reply.json, "/data/1/alias"), "live");
    CHECK(json_is_false(reply_at(reply.json, "/has_more")));
    reply_free(&reply);
}

static void test_swap(void) {
    check_status("PUT", LIVE, "If-Match: \"1\"", "{\"version\":3}", 409, "If-Match");
    check_status("PUT", LIVE, "If-None-Match: *", "{\"version\":3}", 409,
                 "If-None-Match");
    check_status("PUT", LIVE, "If-Match: 2", "{\"version\":3}", 400, "If-Match");
    check_predicts("line@live", 2, 3);
    check_status("PUT", LIVE, "If-Match: \"2\"", "{\"version\":3}", 200, NULL);
    check_predicts("line@live", 3, 5);
    check_status("PUT", "/v1/models/line/aliases/new", "If-Match: \"1\"",
                 "{\"version\":3}", 409, "If-Match");
    check_status("PUT", "/v1/models/line/aliases/new", "If-None-Match: *",
                 "{\"version\":3}", 201, NULL);
    check_status("DELETE", "/v1/models/line/aliases/new", "If-Match: \"1\"", NULL, 400,
                 "If-Match");
    check_status("DELETE", "/v1/models/line/aliases/new", NULL, NULL, 204, NULL);
    check_status("GET", "/v1/models/line/aliases/new", NULL, NULL, 404, NULL);
    check_status("POST", "/predict", NULL, "{\"model\":\"line@new\",\"instances\":[[1]]}",
                 404, "/model");
}

static void check_version_of(const char *path, int version) {
    struct reply reply;
    client_get(user, &reply, "%s", path);
    CHECK_SAY(reply.status == 200 && reply_number(reply.json, "/version") == version,
              "%s: %ld %s", path, reply.status, reply.body);
    reply_free(&reply);
}

/* Whatever names a version in a path may be an alias or the latest. */
static void test_references(void) {
    check_version_of("/v1/models/line@1", 1);
    check_version_of("/v1/models/line@live", 3);
    check_version_of("/v1/models/line@latest", 3);
    check_version_of("/v1/models/line/versions/2", 2);
    check_version_of("/v1/models/line/versions/live", 3);
    check_version_of("/v1/models/line/versions/latest", 3);
    check_version_of("/v1/models/line/versions/live/export?format=json", 3);
    check_status("DELETE", "/v1/models/line/versions/live", NULL, NULL, 400, "version");
    check_status("DELETE", "/v1/models/line@live", NULL, NULL, 400, "name");
}

/* One document for our clients and TensorFlow Serving's. */
static void test_document(void) {
    struct reply reply;
    client_get(user, &reply, "/v1/models/line");
    json_t *want = json_pack("{sisi}", "beta", 3, "live", 3);
    CHECK_SAY(json_equal(reply_at(reply.json, "/aliases"), want), "%s", reply.body);
    json_decref(want);
    CHECK(reply_count(reply.json, "/model_version_status") == 3);
    want = json_pack("{sssss{ssss}}", "version", "3", "state", "AVAILABLE", "status",
                     "error_code", "OK", "error_message", "");
    CHECK(json_equal(reply_at(reply.json, "/model_version_status/0"), want));
    json_decref(want);
    CHECK_TEXT(reply_text(reply.json, "/model_version_status/2/version"), "1");
    reply_free(&reply);
}

static void test_delete_version(void) {
    struct reply reply;
    check_predicts("line@2", 2, 3);
    check_status("DELETE", "/v1/models/line/versions/3", NULL, NULL, 409, NULL);
    client_call(user, &reply, "DELETE", "/v1/models/line/versions/3");
    CHECK_SAY(strstr(reply_text(reply.json, "/error/message"), "beta"), "%s", reply.body);
    reply_free(&reply);
    check_status("DELETE", "/v1/models/line/versions/2", NULL, NULL, 204, NULL);
    check_status("DELETE", "/v1/models/line/versions/2", NULL, NULL, 404, NULL);
    check_status("POST", "/predict", NULL, "{\"model\":\"line@2\",\"instances\":[[1]]}",
                 404, "/model");
    check_status("PUT", LIVE, NULL, "{\"version\":2}", 404, "/version");
    check_status("PUT", LIVE, NULL, "{\"version\":1}", 200, NULL);
    check_status("DELETE", "/v1/models/line/aliases/beta", NULL, NULL, 204, NULL);
    check_status("DELETE", "/v1/models/line/versions/3", NULL, NULL, 204, NULL);
    check_predicts("line", 1, 2); /* the newest that is left */
}

/* Out as safetensors, in under another name: the same bytes and the same answers. */
static void test_round_trip(void) {
    struct reply file, reply, again;
    char value[256];
    client_get(user, &file, "/v1/models/line/versions/1/export?format=safetensors");
    CHECK(file.status == 200 && file.body_n > 0);
    CHECK_TEXT(reply_header(&file, "Content-Type", value), "application/octet-stream");
    CHECK_TEXT(reply_header(&file, "Content-Disposition", value),
               "attachment; filename=\"line-1.safetensors\"");
    static const char *const types[] = {"Content-Type: application/octet-stream", NULL};
    struct request post = {.path = "/v1/models/copy/versions",
                           .headers = types,
                           .body = file.body,
                           .body_n = file.body_n};
    client_send(user, &post, &reply);
    CHECK_SAY(reply.status == 201, "%ld %s", reply.status, reply.body);
    CHECK_TEXT(reply_header(&reply, "Location", value), "/v1/models/copy/versions/1");
    CHECK_TEXT(reply_text(reply.json, "/model"), "copy");
    CHECK(json_is_null(reply_at(reply.json, "/job")));
    CHECK(json_is_null(reply_at(reply.json, "/cost")));
    CHECK(reply_number(reply.json, "/bytes") == (double)file.body_n);
    CHECK(reply_number(reply.json, "/parameters") == 2);
    reply_free(&reply);
    check_predicts("copy", 1, 2);
    post.headers = NULL; /* as curl --data-binary sends it */
    client_send(user, &post, &reply);
    CHECK(reply.status == 201 && reply_number(reply.json, "/version") == 2);
    reply_free(&reply);
    client_get(user, &again, "/v1/models/copy/versions/2/export");
    CHECK(again.body_n == file.body_n && memcmp(again.body, file.body, file.body_n) == 0);
    reply_free(&again);
    post.path = "/v1/models/copy/versions?activations=relu";
    client_send(user, &post, &reply);
    CHECK(reply.status == 400);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "activations");
    reply_free(&reply);
    reply_free(&file);
}

static void test_json(void) {
    struct reply reply;
    char value[256];
    client_get(user, &reply, "/v1/models/line/versions/1/export?format=json");
    CHECK(reply.status == 200);
    CHECK_TEXT(reply_header(&reply, "Content-Type", value), "application/json");
    CHECK_TEXT(reply_text(reply.json, "/model"), "line");
    CHECK_TEXT(reply_text(reply.json, "/layers/0/activation"), "linear");
    CHECK(reply_number(reply.json, "/layers/0/weights/0/0") == 2);
    CHECK(reply_number(reply.json, "/layers/0/biases/0") == 0);
    reply_free(&reply);
}

/* ---- moves under load ----------------------------------------------------------- */

enum { CLIENTS = 3, MOVES = 40, MOVES_MAX = 4000 };
struct crowd {
    atomic_int answers, wrong;
    atomic_bool ending;
};

static void *ask(void *context) {
    struct crowd *crowd = context;
    struct client client = {0};
    if (!client_open(&client, daemon_of_all.port))
        return NULL;
    while (!atomic_load(&crowd->ending)) {
        struct reply reply;
        client_post(&client, &reply, "/predict",
                    "{\"model\":\"swing@live\",\"instances\":[[1]]}");
        double version = reply_number(reply.json, "/version");
        bool right = reply.status == 200 &&
                     reply_number(reply.json, "/predictions/0") == 10 * version;
        if (!right && atomic_fetch_add(&crowd->wrong, 1) == 0)
            printf("%ld %s\n", reply.status, reply.body ? reply.body : "");
        atomic_fetch_add(&crowd->answers, 1);
        reply_free(&reply);
    }
    client_close(&client);
    return NULL;
}

/* No request is dropped while the alias swings, and each move is seen by the next one. */
static void test_moves_under_load(void) {
    static struct crowd crowd;
    pthread_t threads[CLIENTS];
    if (!train("swing", 10) || !train("swing", 20))
        return;
    check_status("PUT", "/v1/models/swing/aliases/live", NULL, "{\"version\":1}", 201,
                 NULL);
    for (int i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, ask, &crowd) != 0)
            abort();
    /* On a busy machine until there were answers between the moves. */
    for (int i = 1;
         i <= MOVES || (atomic_load(&crowd.answers) <= MOVES && i <= MOVES_MAX); i++) {
        char body[32], match[32];
        snprintf(body, sizeof body, "{\"version\":%d}", 1 + i % 2);
        snprintf(match, sizeof match, "If-Match: \"%d\"", i);
        check_status("PUT", "/v1/models/swing/aliases/live", match, body, 200, NULL);
        check_predicts("swing@live", 1 + i % 2, 10 * (1 + i % 2));
    }
    atomic_store(&crowd.ending, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    CHECK_SAY(atomic_load(&crowd.wrong) == 0, "%d of %d", atomic_load(&crowd.wrong),
              atomic_load(&crowd.answers));
    CHECK(atomic_load(&crowd.answers) > MOVES);
}

/* Everything stands after a restart, aliases first of all. */
static void test_restart(void) {
    CHECK(daemon_stop(&daemon_of_all) == 0);
    if (!CHECK(daemon_restart(&daemon_of_all)))
        return;
    check_predicts("line@live", 1, 2);
    check_predicts("copy@2", 2, 2);
    check_status("DELETE", "/v1/models/line", NULL, NULL, 204, NULL);
    check_status("GET", LIVE, NULL, NULL, 404, NULL);
    check_status("GET", "/v1/models/line/aliases", NULL, NULL, 404, NULL);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    CHECK_RUN(test_alias);
    CHECK_RUN(test_swap);
    CHECK_RUN(test_references);
    CHECK_RUN(test_document);
    CHECK_RUN(test_delete_version);
    CHECK_RUN(test_round_trip);
    CHECK_RUN(test_json);
    CHECK_RUN(test_moves_under_load);
    CHECK_RUN(test_restart);
    daemon_close(&daemon_of_all);
    return check_done();
}
