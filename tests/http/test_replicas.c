/* Any replica, any request: two that serve, workers apart, and PostgreSQL between them.
 */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/fleet.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/http/upload.h"
#include "tests/http/watch.h"
#include "tests/unit/check.h"

enum { WAIT_S = 60, NEWS_MS = 1000, JOBS_N = 40 };

static struct fleet fleet, idle; /* with two workers; of three replicas, and with none */
static struct client *one, *other;

/* Minutes of work. */
static json_t *long_job(const char *model) {
    return table_job(model, table_planar(200),
                     json_pack("{s[i]sIsi}", "hidden_layers", 8, "epochs",
                               (json_int_t)1000000000, "seed", 1));
}

/* y = slope x, exactly learnt: a step of 1 from zeros on x = +-1. */
static json_t *line_job(const char *model, int slope) {
    return json_pack("{sss{s[[i][i]]s[ii]}sss[]sssisi}", "model", model, "data",
                     "features", 1, -1, "targets", slope, -slope, "task", "regression",
                     "hidden_layers", "initializer", "zeros", "learning_rate", 1,
                     "epochs", 1);
}

static void status_is(struct client *user, const char *id, const char *status) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs/%s", id);
    CHECK_TEXT(reply_text(reply.json, "/status"), status);
    reply_free(&reply);
}

static void order(struct client *user, const char *id, const char *verb) {
    struct reply reply;
    job_order(user, id, verb, &reply);
    CHECK_SAY(reply.status == 200, "%s: %ld %s", verb, reply.status, reply.body);
    reply_free(&reply);
}

/* ---- jobs ----------------------------------------------------------------------- */

static void a_job_through_either(void) {
    char id[JOB_ID_BYTES], path[JOB_ID_BYTES + 16];
    struct reply reply;
    struct watch watch;
    if (!job_post(one, long_job("either"), id))
        return;
    if (!CHECK(watch_open(&watch, fleet.replicas[1].port, id,
                          (struct watch_from){.last_event_id = -1})))
        return;
    CHECK(job_wait_running(other, id, WAIT_S));
    CHECK(watch_until(&watch, "event: cost", WAIT_S * 1000));
    order(other, id, "pause");
    CHECK(job_wait_status(one, id, "paused", WAIT_S));
    order(one, id, "resume");
    CHECK(job_wait_running(other, id, WAIT_S));
    order(other, id, "cancel");
    job_wait(one, id, "cancelled", WAIT_S, &reply);
    CHECK_TEXT(reply_text(reply.json, "/stop_reason"), "cancelled");
    reply_free(&reply);
    CHECK(watch_ended(&watch, WAIT_S * 1000));

    /* What was streamed by one is what the other lists. */
    json_t *streamed = watch_events(&watch);
    size_t n = json_array_size(streamed);
    client_get(one, &reply, "/v1/jobs/%s/events?limit=1000", id);
    size_t listed_n = reply_count(reply.json, "/data");
    CHECK_SAY(n > 5 && (n == listed_n || listed_n == 1000), "%zu, %zu", n, listed_n);
    for (size_t i = 0; i < n && i < listed_n; i++)
        CHECK(json_equal(
            json_object_get(json_array_get(streamed, i), "data"),
            json_object_get(json_array_get(reply_at(reply.json, "/data"), i), "data")));
    json_decref(streamed);
    reply_free(&reply);
    watch_close(&watch);
    snprintf(path, sizeof path, "/v1/jobs/%s", id);
    client_call(other, &reply, "DELETE", path);
    CHECK(reply.status == 204);
    reply_free(&reply);
    client_get(one, &reply, "/v1/jobs/%s", id);
    CHECK(reply.status == 404);
    reply_free(&reply);
}

/* The best of some, in milliseconds: from the posting through one to the end that the
 * other's client waits for. An idle worker hears of a job, and does not wait for its look
 * twice a second. */
static void a_job_starts_and_ends_at_once(void) {
    double best = INFINITY;
    for (int i = 0; i < 20 && best > 100; i++) {
        char id[JOB_ID_BYTES];
        struct reply reply;
        int64_t start = daemon_clock_ms();
        job_post(one, line_job("quick", 1), id);
        if (!job_wait(other, id, "succeeded", WAIT_S, &reply))
            i = 20;
        best = fmin(best, (double)(daemon_clock_ms() - start));
        reply_free(&reply);
    }
    CHECK_SAY(best <= 100, "%g ms", best);
    if (getenv("TESTS_VERBOSE"))
        printf("a job posted to one and waited for through the other: %g ms\n", best);
}

static void a_dataset_through_either(void) {
    json_t *job = json_pack("{sssssssi}", "model", "flowers", "dataset", "flowers",
                            "target", "kind", "epochs", 3);
    struct reply reply;
    CHECK(upload_text(one, "flowers", "size,kind\n1,a\n2,a\n8,b\n9,b\n1.5,a\n8.5,b\n"));
    client_get(other, &reply, "/v1/datasets/flowers");
    CHECK(reply.status == 200);
    reply_free(&reply);
    CHECK(job_train(other, job, NULL));
}

/* ---- models --------------------------------------------------------------------- */

static double answer(struct client *user, const char *model, const char *query,
                     double *version, long *status) {
    struct reply reply;
    char body[160], path[80];
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":[[1]]}", model);
    snprintf(path, sizeof path, "/predict%s", query);
    client_post(user, &reply, path, body);
    double value = reply_number(reply.json, "/predictions/0");
    *version = reply_number(reply.json, "/version");
    *status = reply.status;
    reply_free(&reply);
    return value;
}

/* Milliseconds until `model` is answered by `version` with `want`, an older one before.
 */
static double news_ms(struct client *user, const char *model, int version, double want) {
    int64_t start = daemon_clock_ms();
    for (;;) {
        double by;
        long status;
        double value = answer(user, model, "", &by, &status);
        if (!CHECK_SAY(status == 200 && by <= version, "%ld, version %g", status, by))
            return INFINITY;
        if (by == version) {
            CHECK_SAY(value == want, "version %g says %g", by, value);
            return (double)(daemon_clock_ms() - start);
        }
        if (daemon_clock_ms() - start > WAIT_S * 1000)
            return INFINITY;
        daemon_sleep_ms(1);
    }
}

/* Both have the model in use; a version that comes through one takes over in the other.
 */
static void a_version_is_news_to_all(void) {
    double by, best = INFINITY, worst = 0;
    long status;
    CHECK(job_train(one, line_job("news", 1), NULL));
    CHECK(answer(one, "news", "", &by, &status) == 1);
    CHECK(answer(other, "news", "", &by, &status) == 1 && by == 1);
    for (int version = 2; version <= 8; version++) {
        CHECK(job_train(one, line_job("news", version), NULL));
        double ms = news_ms(other, "news", version, version);
        best = fmin(best, ms);
        worst = fmax(worst, ms);
    }
    CHECK_SAY(best <= NEWS_MS, "%g ms at best", best);
    if (getenv("TESTS_VERBOSE"))
        printf(
            "a version published through one was served by the other after %g to %g ms\n",
            best, worst);
}

static void alias_set(struct client *user, int version) {
    struct reply reply;
    char body[40];
    int n = snprintf(body, sizeof body, "{\"version\":%d}", version);
    client_send(user,
                &(struct request){.method = "PUT",
                                  .path = "/v1/models/news/aliases/live",
                                  .body = body,
                                  .body_n = (size_t)n},
                &reply);
    CHECK_SAY(reply.status == 200 || reply.status == 201, "%ld %s", reply.status,
              reply.body);
    reply_free(&reply);
}

static void an_alias_moves_on_all(void) {
    double by, best = INFINITY;
    long status;
    alias_set(one, 1);
    CHECK(answer(other, "news@live", "", &by, &status) == 1 && by == 1);
    for (int version = 2; version <= 6; version++) {
        alias_set(version % 2 ? one : other, version);
        best =
            fmin(best, news_ms(version % 2 ? other : one, "news@live", version, version));
    }
    CHECK_SAY(best <= NEWS_MS, "%g ms at best", best);
    CHECK(answer(other, "news@live", "?min_version=6", &by, &status) == 6 && by == 6);
    answer(one, "news@live", "?min_version=7", &by, &status);
    CHECK(status == 404);
}

/* Who withdraws a version withdraws it everywhere. */
static void a_version_goes_from_all(void) {
    double by;
    long status = 0;
    for (int version = 1; version <= 3; version++)
        CHECK(job_train(one, line_job("gone", version), NULL));
    CHECK(answer(other, "gone@1", "", &by, &status) == 1);
    CHECK(answer(other, "gone@3", "", &by, &status) == 3);
    static const char *const paths[] = {"/v1/models/gone/versions/1",
                                        "/v1/models/gone/versions/3"};
    for (size_t i = 0; i < 2; i++) {
        struct reply reply;
        client_call(one, &reply, "DELETE", paths[i]);
        CHECK_SAY(reply.status == 204, "%ld %s", reply.status, reply.body);
        reply_free(&reply);
    }
    int64_t until_ms = daemon_clock_ms() + WAIT_S * 1000;
    long last_status = 0;
    while ((status != 404 || last_status != 404) && daemon_clock_ms() < until_ms) {
        daemon_sleep_ms(10);
        answer(other, "gone@1", "", &by, &status);
        answer(other, "gone@3", "", &by, &last_status);
    }
    CHECK_SAY(status == 404 && last_status == 404, "%ld, %ld", status, last_status);
    CHECK(answer(other, "gone", "", &by, &status) == 2 && by == 2);
}

/* However old what a replica knows: who insists gets it, or hears that there is none. */
static void a_version_can_be_insisted_on(void) {
    struct reply reply;
    double by;
    long status;
    CHECK(job_train(one, line_job("insist", 1), NULL));
    answer(other, "insist", "", &by, &status);
    for (int version = 2; version <= 6; version++) {
        char query[40];
        snprintf(query, sizeof query, "?min_version=%d", version);
        CHECK(job_train(one, line_job("insist", version), NULL));
        CHECK(answer(other, "insist", query, &by, &status) == version && by == version);
    }
    CHECK(answer(other, "insist@3", "?min_version=3", &by, &status) == 3);
    client_post(other, &reply, "/predict?min_version=7",
                "{\"model\":\"insist\",\"instances\":[[1]]}");
    CHECK_SAY(reply.status == 404, "%ld %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "min_version");
    CHECK(strstr(reply_text(reply.json, "/error/message"), "version 6"));
    reply_free(&reply);
    client_post(other, &reply, "/predict?min_version=4",
                "{\"model\":\"insist@3\",\"instances\":[[1]]}");
    CHECK_SAY(reply.status == 400, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
    client_post(other, &reply, "/predict?min_version=1",
                "{\"model\":\"nobody\",\"instances\":[[1]]}");
    CHECK_SAY(reply.status == 404, "%ld %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/model");
    reply_free(&reply);
}

/* ---- the fleet's bounds --------------------------------------------------------- */

struct poster {
    int port;
    char body[400];
    char key[40]; /* "": none */
    int accepted, refused, replayed;
    char id[JOB_ID_BYTES];
};

static void *post_some(void *arg) {
    enum { POSTS_N = 10 };
    struct poster *p = arg;
    struct client client;
    char header[64];
    snprintf(header, sizeof header, "Idempotency-Key: %s", p->key);
    if (!client_open(&client, p->port))
        return NULL;
    for (int i = 0; i < POSTS_N; i++) {
        struct reply reply;
        char value[256];
        const struct request request = {
            .path = "/v1/jobs",
            .headers = p->key[0] ? (const char *const[]){header, NULL} : NULL,
            .body = p->body,
            .body_n = strlen(p->body),
        };
        client_send(&client, &request, &reply);
        p->accepted += reply.status == 202;
        p->refused += reply.status == 429 && *reply_header(&reply, "Retry-After", value);
        p->replayed +=
            strcmp(reply_header(&reply, "Idempotent-Replayed", value), "true") == 0;
        snprintf(p->id, sizeof p->id, "%s", reply_text(reply.json, "/id"));
        reply_free(&reply);
    }
    client_close(&client);
    return NULL;
}

enum { POSTERS_N = 6, QUEUE_MAX = 12 };

static void posters_run(struct poster posters[POSTERS_N], const char *key) {
    pthread_t threads[POSTERS_N];
    json_t *job = line_job("waits", 1);
    char *body = json_dumps(job, JSON_COMPACT);
    json_decref(job);
    for (int i = 0; i < POSTERS_N; i++) {
        posters[i] = (struct poster){.port = idle.replicas[i % 3].port};
        snprintf(posters[i].body, sizeof posters[i].body, "%s", body);
        snprintf(posters[i].key, sizeof posters[i].key, "%s", key);
        CHECK(pthread_create(&threads[i], NULL, post_some, &posters[i]) == 0);
    }
    for (int i = 0; i < POSTERS_N; i++)
        pthread_join(threads[i], NULL);
    free(body);
}

/* The key's job once more, by a replica whose queue is full: nothing is put into it. */
static void a_replay_finds_room(struct poster *p) {
    *p = (struct poster){.port = p->port};
    json_t *job = line_job("waits", 1);
    char *body = json_dumps(job, JSON_COMPACT);
    json_decref(job);
    snprintf(p->body, sizeof p->body, "%s", body);
    snprintf(p->key, sizeof p->key, "a-key");
    free(body);
    post_some(p);
    CHECK_SAY(p->replayed == p->accepted && p->accepted == 10, "%d, %d", p->accepted,
              p->replayed);
}

/* Places that become free are given once each, whoever asks where. */
static void places_are_given_once(struct poster posters[POSTERS_N], int free_n) {
    int accepted = 0;
    struct reply reply;
    client_get(fleet_client(&idle, 0), &reply, "/v1/jobs?limit=%d", free_n);
    for (int i = 0; i < free_n; i++) {
        char pointer[24];
        struct reply ended;
        snprintf(pointer, sizeof pointer, "/data/%d/id", i);
        job_cancel(fleet_client(&idle, (size_t)i), reply_text(reply.json, pointer),
                   &ended);
        reply_free(&ended);
    }
    reply_free(&reply);
    posters_run(posters, "");
    for (int i = 0; i < POSTERS_N; i++)
        accepted += posters[i].accepted;
    CHECK_SAY(accepted == free_n, "%d", accepted);
    CHECK(fleet_int(&idle, "SELECT count(*) FROM jobs WHERE status = 'queued'") ==
          QUEUE_MAX);
}

/* One key through all at once is one job, and the queue's bound is that of all: nothing
 * leaves this queue by itself, so that what is in it in the end is the most that ever
 * was. */
static void keys_and_the_queue_are_the_fleets(void) {
    struct poster posters[POSTERS_N];
    int accepted = 0, refused = 0, replayed = 0;
    posters_run(posters, "a-key");
    for (int i = 0; i < POSTERS_N; i++) {
        accepted += posters[i].accepted;
        replayed += posters[i].replayed;
        CHECK_TEXT(posters[i].id, posters[0].id);
    }
    CHECK_SAY(accepted == POSTERS_N * 10 && replayed == accepted - 1, "%d, %d", accepted,
              replayed);
    CHECK(fleet_int(&idle, "SELECT count(*) FROM jobs") == 1);
    accepted = 1;
    posters_run(posters, "");
    for (int i = 0; i < POSTERS_N; i++) {
        accepted += posters[i].accepted;
        refused += posters[i].refused;
    }
    CHECK_SAY(accepted == QUEUE_MAX && refused == POSTERS_N * 10 - QUEUE_MAX + 1,
              "%d, %d", accepted, refused);
    CHECK(fleet_int(&idle, "SELECT count(*) FROM jobs") == QUEUE_MAX);
    for (int i = 0; i < 3; i++)
        a_replay_finds_room(&posters[i]);
    CHECK(fleet_int(&idle, "SELECT count(*) FROM jobs") == QUEUE_MAX);
    places_are_given_once(posters, 5);
}

/* ---- workers -------------------------------------------------------------------- */

static void each_job_is_trained_once(void) {
    static char ids[JOBS_N][JOB_ID_BYTES];
    struct reply reply;
    for (int i = 0; i < JOBS_N; i++)
        job_post(fleet_client(&fleet, (size_t)i),
                 table_job("many", table_planar(100),
                           json_pack("{s[i]sisi}", "hidden_layers", 4, "epochs", 200,
                                     "seed", i)),
                 ids[i]);
    for (int i = 0; i < JOBS_N; i++) {
        job_wait(fleet_client(&fleet, (size_t)i + 1), ids[i], "succeeded", WAIT_S,
                 &reply);
        CHECK(reply_number(reply.json, "/attempts") == 1);
        reply_free(&reply);
    }
    CHECK(fleet_int(&fleet,
                    "SELECT count(DISTINCT job_id) FROM versions WHERE model = 'many'") ==
          JOBS_N);
    CHECK(fleet_int(&fleet, "SELECT max(version) FROM versions WHERE model = 'many'") ==
          JOBS_N);
    /* queued, running, done: each once */
    CHECK(fleet_int(&fleet,
                    "SELECT count(*) FROM events e JOIN jobs j ON j.number = e.job"
                    " WHERE j.model = 'many' AND kind <> 'checkpoint'") == 3 * JOBS_N);
    CHECK(fleet_int(&fleet, "SELECT count(DISTINCT owner) FROM jobs WHERE owner <> ''") ==
          0);
}

/* A worker of another machine dies: its lease ends, and another one goes on. */
static void a_dead_workers_job_goes_on(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    json_t *job = long_job("orphan");
    json_object_set_new(job, "checkpoint_seconds", json_real(0.1));
    if (!job_post(other, job, id) || !CHECK(job_wait_running(one, id, WAIT_S)))
        return;
    for (double checkpoint = 0; !(checkpoint >= 2);) {
        client_get(one, &reply, "/v1/jobs/%s", id);
        checkpoint = reply_number(reply.json, "/checkpoint");
        reply_free(&reply);
    }
    int64_t pid =
        fleet_int(&fleet, "SELECT CAST(split_part(owner, '/', 3) AS BIGINT) FROM"
                          " jobs WHERE status = 'running'");
    size_t victim = fleet.workers[1] == pid;
    CHECK(fleet.workers[victim] == pid);
    fleet_worker_kill(&fleet, victim, SIGKILL);
    for (double attempts = 1; attempts < 2;) {
        client_get(other, &reply, "/v1/jobs/%s", id);
        attempts = reply_number(reply.json, "/attempts");
        CHECK(attempts < 3);
        reply_free(&reply);
        daemon_sleep_ms(20);
    }
    CHECK(job_wait_running(one, id, WAIT_S));
    client_get(one, &reply, "/v1/jobs/%s", id);
    CHECK(reply_number(reply.json, "/epoch") > 1);
    reply_free(&reply);
    order(other, id, "cancel");
    job_wait(one, id, "cancelled", WAIT_S, &reply);
    reply_free(&reply);
    fleet_worker_start(&fleet, victim);
}

/* The first may hand it to the second before that is told to end, too. */
static void a_worker_that_is_told_to_end_puts_its_job_back(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    if (!job_post(other, long_job("handed"), id) ||
        !CHECK(job_wait_running(one, id, WAIT_S)))
        return;
    fleet_worker_stop(&fleet, 0);
    fleet_worker_stop(&fleet, 1);
    status_is(other, id, "queued");
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM jobs WHERE status = 'running'") == 0);
    fleet_worker_start(&fleet, 0);
    fleet_worker_start(&fleet, 1);
    CHECK(job_wait_running(other, id, WAIT_S));
    order(one, id, "cancel");
    job_wait(other, id, "cancelled", WAIT_S, &reply);
    CHECK(reply_number(reply.json, "/attempts") <= 3);
    reply_free(&reply);
}

int main(void) {
    const struct fleet_options working = {
        .replicas_n = 2, .workers_n = 2, .lease_ms = "2000"};
    const struct fleet_options waiting = {
        .replicas_n = 3, .flags = (const char *const[]){"--queue-max", "12", NULL}};
    if (!fleet_open(&fleet, &working) || !fleet_open(&idle, &waiting))
        return 1;
    one = fleet_client(&fleet, 0);
    other = fleet_client(&fleet, 1);
    CHECK_RUN(a_job_through_either);
    CHECK_RUN(a_job_starts_and_ends_at_once);
    CHECK_RUN(a_dataset_through_either);
    CHECK_RUN(a_version_is_news_to_all);
    CHECK_RUN(an_alias_moves_on_all);
    CHECK_RUN(a_version_goes_from_all);
    CHECK_RUN(a_version_can_be_insisted_on);
    CHECK_RUN(keys_and_the_queue_are_the_fleets);
    CHECK_RUN(each_job_is_trained_once);
    CHECK_RUN(a_dead_workers_job_goes_on);
    CHECK_RUN(a_worker_that_is_told_to_end_puts_its_job_back);
    fleet_close(&idle);
    fleet_close(&fleet);
    return check_done();
}
