/* A newer release beside this one, on one PostgreSQL: its step of the schema is made
 * while the older replicas and workers serve and train, and they go on. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/fleet.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

enum { WAIT_S = 60, POSTERS_N = 2 };

static struct fleet fleet;
static char newer_path[200];
static atomic_bool over;

/* From here on what is started is the newer release, or this one. */
static void release(bool newer) {
    static const char *this_one;
    if (!this_one)
        this_one = getenv("DESCENTD") ? getenv("DESCENTD") : "build/descentd";
    setenv("DESCENTD", newer ? newer_path : this_one, 1);
}

static json_t *job(int epochs) {
    return table_job("m", table_planar(60),
                     json_pack("{s[i]si}", "hidden_layers", 4, "epochs", epochs));
}

/* All that the store is written for. */
static void all_works(struct client *user, struct client *other) {
    struct reply reply;
    CHECK(job_train(user, job(5), NULL));
    CHECK(upload_text(other, "flowers", "size,kind\n1,a\n2,a\n8,b\n9,b\n1.5,a\n8.5,b\n"));
    CHECK(job_train(user,
                    json_pack("{sssssssi}", "model", "flowers", "dataset", "flowers",
                              "target", "kind", "epochs", 3),
                    &reply));
    char path[JOB_ID_BYTES + 16];
    snprintf(path, sizeof path, "/v1/jobs/%.60s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    client_call(other, &reply, "DELETE", path);
    CHECK_SAY(reply.status == 204, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
    client_send(user,
                &(struct request){.method = "PUT",
                                  .path = "/v1/models/m/aliases/live",
                                  .body = "{\"version\":1}",
                                  .body_n = strlen("{\"version\":1}")},
                &reply);
    CHECK_SAY(reply.status == 200 || reply.status == 201, "%ld", reply.status);
    reply_free(&reply);
    client_post(other, &reply, "/predict",
                "{\"model\":\"m@live\",\"instances\":[[1,2]]}");
    CHECK_SAY(reply.status == 200, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
    client_get(other, &reply, "/readyz");
    CHECK(reply.status == 200);
    reply_free(&reply);
}

struct poster {
    size_t number;
    int posted;
    char why[300];
};

static void *post_on(void *arg) {
    struct poster *p = arg;
    struct client client;
    json_t *document = job(5);
    char *body = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    if (!client_open(&client, fleet.replicas[p->number].port))
        return NULL;
    while (!atomic_load(&over) && !p->why[0]) {
        struct reply reply;
        client_post(&client, &reply, "/v1/jobs", body);
        p->posted += reply.status == 202;
        if (reply.status != 202)
            snprintf(p->why, sizeof p->why, "%ld %.200s", reply.status, reply.body);
        reply_free(&reply);
        daemon_sleep_ms(5);
    }
    client_close(&client);
    free(body);
    return NULL;
}

static int64_t schema(void) {
    return fleet_int(&fleet, "SELECT value FROM meta WHERE name = 'schema_version'");
}

/* The step is made in the middle of it all: nothing fails, and a job that trains
 * meanwhile stays with its worker. */
static void the_older_serve_on(void) {
    struct poster posters[POSTERS_N];
    pthread_t threads[POSTERS_N];
    struct daemon newer;
    struct reply reply;
    char id[JOB_ID_BYTES];
    int64_t before = schema();
    if (!job_post(fleet_client(&fleet, 0), job(1000000000), id) ||
        !CHECK(job_wait_running(fleet_client(&fleet, 1), id, WAIT_S)))
        return;
    for (size_t i = 0; i < POSTERS_N; i++) {
        posters[i] = (struct poster){.number = i};
        CHECK(pthread_create(&threads[i], NULL, post_on, &posters[i]) == 0);
    }
    daemon_sleep_ms(100);
    release(true);
    bool started = daemon_start_on(&newer, fleet.store,
                                   (const char *const[]){"--workers", "0", NULL});
    release(false);
    CHECK(started && schema() == before + 1);
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM colours") == 0);
    daemon_sleep_ms(300);
    atomic_store(&over, true);
    for (size_t i = 0; i < POSTERS_N; i++) {
        pthread_join(threads[i], NULL);
        CHECK_SAY(!posters[i].why[0] && posters[i].posted > 0, "%d posted, %s",
                  posters[i].posted, posters[i].why);
    }
    all_works(fleet_client(&fleet, 0), fleet_client(&fleet, 1));
    all_works(fleet_client(&fleet, 1), &newer.client);
    all_works(&newer.client, fleet_client(&fleet, 0));
    job_cancel(&newer.client, id, &reply);
    reply_free(&reply);
    job_wait(fleet_client(&fleet, 0), id, "cancelled", WAIT_S, &reply);
    CHECK(reply_number(reply.json, "/attempts") == 1);
    reply_free(&reply);
    daemon_close(&newer);
    /* Nothing that was posted is lost or doubled. */
    int64_t end = daemon_clock_ms() + WAIT_S * 1000;
    while (fleet_int(&fleet, "SELECT count(*) FROM jobs WHERE status IN"
                             " ('queued', 'running')") > 0 &&
           daemon_clock_ms() < end)
        daemon_sleep_ms(50);
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM versions WHERE model = 'm'") ==
          posters[0].posted + posters[1].posted + 3);
}

/* One of the older release starts anew on what the newer one has made: rolled back. */
static void the_older_start_anew(void) {
    CHECK(daemon_stop(&fleet.replicas[1]) == 0);
    fleet_worker_stop(&fleet, 0);
    fleet_worker_stop(&fleet, 1);
    if (!CHECK(daemon_restart(&fleet.replicas[1])) ||
        !CHECK(fleet_worker_start(&fleet, 0)) || !CHECK(fleet_worker_start(&fleet, 1)))
        return;
    all_works(fleet_client(&fleet, 1), fleet_client(&fleet, 0));
}

/* A step that the older cannot live with: they start no more, and those that run say so.
 */
static void the_older_are_told_to_go(void) {
    struct daemon refused;
    CHECK(fleet_int(&fleet,
                    "UPDATE meta SET value = (SELECT value FROM meta WHERE name ="
                    " 'schema_version') WHERE name = 'lives_with' RETURNING 1") == 1);
    for (size_t i = 0; i < 2; i++) {
        struct reply reply;
        int64_t end = daemon_clock_ms() + WAIT_S * 1000;
        long status = 200;
        while (status == 200 && daemon_clock_ms() < end) {
            client_get(fleet_client(&fleet, i), &reply, "/readyz");
            status = reply.status;
            if (status != 200)
                CHECK_TEXT(reply_text(reply.json, "/error/message"),
                           "the store needs a newer server");
            reply_free(&reply);
            daemon_sleep_ms(10);
        }
        CHECK(status == 503);
        client_post(fleet_client(&fleet, i), &reply, "/predict",
                    "{\"model\":\"m\",\"instances\":[[1,2]]}");
        CHECK(reply.status == 200);
        reply_free(&reply);
    }
    fleet_worker_fails(&fleet, 0);
    fleet_worker_fails(&fleet, 1);
    printf("what follows is meant to fail: ");
    CHECK(!daemon_start_on(&refused, fleet.store, NULL));
}

int main(int argc, char **argv) {
    const struct fleet_options options = {
        .replicas_n = 2, .workers_n = 2, .lease_ms = "2000"};
    const char *slash = strrchr(argv[0], '/');
    (void)argc;
    snprintf(newer_path, sizeof newer_path, "%.*s/descentd-newer",
             slash ? (int)(slash - argv[0]) : 1, slash ? argv[0] : ".");
    release(false);
    if (!fleet_open(&fleet, &options))
        return 1;
    CHECK_RUN(the_older_serve_on);
    CHECK_RUN(the_older_start_anew);
    CHECK_RUN(the_older_are_told_to_go);
    fleet_close(&fleet);
    return check_done();
}
