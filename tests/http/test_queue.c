/* What guards the queue: keys that make one job of a request that is sent twice, and a
 * bound on how many wait. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { QUEUE_MAX = 12, POSTERS_N = 8 };

static struct daemon daemon_of_all; /* no worker: what is posted waits */
static struct client *const user = &daemon_of_all.client;

static char *body_new(const char *model, int epochs) {
    json_t *job = table_job(model, table_planar(20), json_pack("{si}", "epochs", epochs));
    char *body = json_dumps(job, JSON_COMPACT);
    json_decref(job);
    return body;
}

static void post(struct client *client, const char *key, const char *body,
                 struct reply *reply) {
    char header[300];
    snprintf(header, sizeof header, "Idempotency-Key: %s", key);
    const struct request request = {
        .path = "/v1/jobs",
        .headers = (const char *const[]){header, NULL},
        .body = body,
        .body_n = strlen(body),
    };
    client_send(client, &request, reply);
}

static void remove_job(const char *id) {
    char path[JOB_ID_BYTES + 16];
    struct reply reply;
    job_cancel(user, id, &reply);
    reply_free(&reply);
    snprintf(path, sizeof path, "/v1/jobs/%s", id);
    client_call(user, &reply, "DELETE", path);
    CHECK_SAY(reply.status == 204, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
}

static bool is_replayed(const struct reply *reply) {
    char value[256];
    return strcmp(reply_header(reply, "Idempotent-Replayed", value), "true") == 0;
}

static size_t jobs_of(const char *model) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs?model=%s", model);
    size_t n = reply_count(reply.json, "/data");
    reply_free(&reply);
    return n;
}

static void test_key(void) {
    char id[JOB_ID_BYTES], location[256], want[JOB_ID_BYTES + 16];
    struct reply reply;
    char *body = body_new("once", 5), *other = body_new("once", 6);
    post(user, "a-key", body, &reply);
    CHECK_SAY(reply.status == 202 && !is_replayed(&reply), "%s", reply.headers);
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);

    job_order(user, id, "pause", &reply);
    reply_free(&reply);
    post(user, "a-key", body, &reply); /* the job as it stands now */
    CHECK_SAY(reply.status == 202 && is_replayed(&reply), "%s", reply.headers);
    CHECK_TEXT(reply_text(reply.json, "/id"), id);
    CHECK_TEXT(reply_text(reply.json, "/status"), "paused");
    snprintf(want, sizeof want, "/v1/jobs/%s", id);
    CHECK_TEXT(reply_header(&reply, "Location", location), want);
    reply_free(&reply);

    post(user, "a-key", other, &reply);
    CHECK_SAY(reply.status == 409, "%ld: %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "Idempotency-Key");
    CHECK(strstr(reply_text(reply.json, "/error/message"), id));
    reply_free(&reply);
    CHECK(jobs_of("once") == 1);

    remove_job(id); /* the key goes with it */
    post(user, "a-key", other, &reply);
    CHECK_SAY(reply.status == 202 && !is_replayed(&reply), "%s", reply.headers);
    CHECK(strcmp(reply_text(reply.json, "/id"), id) != 0);
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    remove_job(id);
    free(body);
    free(other);
}

/* A request that was refused leaves its key free. */
static void test_key_of_a_refused_request(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    char *body = body_new("refused", 5);
    post(user, "refused", "{\"model\":\"refused\"}", &reply);
    CHECK(reply.status == 400);
    reply_free(&reply);
    post(user, "refused", body, &reply);
    CHECK_SAY(reply.status == 202 && !is_replayed(&reply), "%s", reply.headers);
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    remove_job(id);
    free(body);
}

static void test_longest_key(void) {
    char key[256], id[JOB_ID_BYTES];
    struct reply reply;
    char *body = body_new("long", 5);
    memset(key, '~', 255);
    key[255] = '\0';
    post(user, key, body, &reply);
    CHECK_SAY(reply.status == 202, "%ld: %s", reply.status, reply.body);
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    remove_job(id);
    free(body);
}

struct poster {
    pthread_t thread;
    pthread_barrier_t *start;
    const char *body;
    long status;
    char id[JOB_ID_BYTES];
};

static void *poster_run(void *context) {
    struct poster *p = context;
    struct client client = {0};
    struct reply reply = {0};
    bool open = client_open(&client, daemon_of_all.port);
    pthread_barrier_wait(p->start);
    if (open)
        post(&client, "race", p->body, &reply);
    p->status = reply.status;
    snprintf(p->id, sizeof p->id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    client_close(&client);
    return NULL;
}

static void test_key_at_once(void) {
    struct poster posters[POSTERS_N] = {0};
    pthread_barrier_t start;
    char *body = body_new("race", 5);
    pthread_barrier_init(&start, NULL, POSTERS_N);
    for (size_t i = 0; i < POSTERS_N; i++) {
        posters[i].start = &start;
        posters[i].body = body;
        if (pthread_create(&posters[i].thread, NULL, poster_run, &posters[i]))
            abort();
    }
    for (size_t i = 0; i < POSTERS_N; i++) {
        pthread_join(posters[i].thread, NULL);
        CHECK_SAY(posters[i].status == 202, "%ld", posters[i].status);
        CHECK_TEXT(posters[i].id, posters[0].id);
    }
    pthread_barrier_destroy(&start);
    CHECK(jobs_of("race") == 1);
    remove_job(posters[0].id);
    free(body);
}

static void full_check(const char *body) {
    struct reply reply;
    char after[256];
    client_post(user, &reply, "/v1/jobs", body);
    CHECK_SAY(reply.status == 429, "%ld: %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "busy");
    CHECK(atoi(reply_header(&reply, "Retry-After", after)) >= 1);
    reply_free(&reply);
}

static void test_bound(void) {
    char ids[QUEUE_MAX + 1][JOB_ID_BYTES];
    struct reply reply;
    char *body = body_new("full", 5), *key_body = body_new("full", 6);
    post(user, "before", key_body, &reply);
    snprintf(ids[0], sizeof ids[0], "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    for (size_t i = 1; i < QUEUE_MAX; i++)
        job_post(user, json_loads(body, 0, NULL), ids[i]);
    full_check(body);
    full_check("{\"model\":"); /* before it is looked at */
    CHECK(jobs_of("full") == QUEUE_MAX);
    post(user, "before", key_body, &reply); /* is there already */
    CHECK_SAY(reply.status == 202 && is_replayed(&reply), "%s", reply.headers);
    reply_free(&reply);

    job_order(user, ids[3], "pause", &reply); /* does not wait any more */
    reply_free(&reply);
    job_post(user, json_loads(body, 0, NULL), ids[QUEUE_MAX]);
    full_check(body);
    job_order(user, ids[3], "resume", &reply); /* it was there before */
    CHECK_TEXT(reply_text(reply.json, "/status"), "queued");
    reply_free(&reply);
    for (size_t i = 0; i <= QUEUE_MAX; i++)
        remove_job(ids[i]);
    job_post(user, json_loads(body, 0, NULL), ids[0]);
    remove_job(ids[0]);
    free(body);
    free(key_body);
}

static void runtime_check(const char *given, long status, double want) {
    char body[256];
    struct reply reply;
    snprintf(body, sizeof body,
             "{\"model\":\"bounded\",\"data\":{\"features\":[[0],[1]],\"targets\":"
             "[0.5,1.5]}%s}",
             given);
    client_post(user, &reply, "/v1/jobs", body);
    CHECK_SAY(reply.status == status, "%s: %ld %s", given, reply.status, reply.body);
    if (status == 202) {
        CHECK(reply_number(reply.json, "/hyperparameters/max_runtime_seconds") == want);
        remove_job(reply_text(reply.json, "/id"));
    } else {
        CHECK_TEXT(reply_text(reply.json, "/error/param"), "/max_runtime_seconds");
    }
    reply_free(&reply);
}

/* What the server allows is what a job has that asks for nothing, and the most. */
static void test_runtime_bound(void) {
    runtime_check("", 202, 3600);
    runtime_check(",\"max_runtime_seconds\":10", 202, 10);
    runtime_check(",\"max_runtime_seconds\":3600", 202, 3600);
    runtime_check(",\"max_runtime_seconds\":3600.5", 422, 0);
}

int main(void) {
    static const char *const flags[] = {"--workers",     "0",    "--queue-max", "12",
                                        "--max-runtime", "3600", NULL};
    if (!daemon_start(&daemon_of_all, flags))
        return 1;
    CHECK_RUN(test_key);
    CHECK_RUN(test_key_of_a_refused_request);
    CHECK_RUN(test_longest_key);
    CHECK_RUN(test_key_at_once);
    CHECK_RUN(test_bound);
    CHECK_RUN(test_runtime_bound);
    daemon_close(&daemon_of_all);
    return check_done();
}
