/* Which worker takes which job: a small and a large one, by threads and by memory, on a
 * file and on PostgreSQL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/http/fleet.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { WAIT_S = 120, SMALL = 0, LARGE = 1 };

static const struct fleet_worker KINDS[] = {{"1", "100000000"}, {"3", NULL}};
static struct fleet fleet;
static struct client *user;

/* A job that asks for `threads` (0: for none). A heavy one the small worker has no memory
 * for, and a long one takes hours. */
static json_t *job(int threads, bool heavy, bool is_long) {
    json_t *rest =
        json_pack("{s[ii]sI}", "hidden_layers", heavy ? 2000 : 4, heavy ? 2000 : 4,
                  "epochs", is_long ? (json_int_t)1000000000 : (json_int_t)2);
    if (threads)
        json_object_set_new(rest, "threads", json_integer(threads));
    return table_job("placed", table_planar(20), rest);
}

/* The pid of who began the job last, as the workers' log has it; 0: nobody yet. */
static pid_t taken_by(const char *id) {
    char line[1024];
    int pid = 0;
    FILE *log = fopen(fleet.log, "r");
    while (log && fgets(line, sizeof line, log))
        if (strstr(line, "\"job started\"") && strstr(line, id) &&
            strstr(line, "\"pid\":"))
            pid = atoi(strstr(line, "\"pid\":") + 6);
    if (log)
        fclose(log);
    return pid;
}

static void is_taken_by(const char *id, size_t worker) {
    CHECK_SAY(taken_by(id) == fleet.workers[worker], "%s: by %d, not by %d", id,
              (int)taken_by(id), (int)fleet.workers[worker]);
}

/* Posts it, and it is trained by that worker. */
static void goes_to(json_t *body, size_t worker) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    if (!job_post(user, body, id))
        return;
    if (job_wait(user, id, "succeeded", WAIT_S, &reply))
        is_taken_by(id, worker);
    reply_free(&reply);
}

static void waits(const char *id) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs/%s", id);
    CHECK_TEXT(reply_text(reply.json, "/status"), "queued");
    reply_free(&reply);
}

/* While the large worker trains, the small one leaves what is not for it and takes what
 * was posted later. */
static void threads_and_memory_decide(void) {
    char busy[JOB_ID_BYTES], wide[JOB_ID_BYTES], heavy[JOB_ID_BYTES];
    struct reply reply;
    if (!job_post(user, job(0, true, true), busy) ||
        !CHECK(job_wait_status(user, busy, "running", WAIT_S)))
        return;
    CHECK(job_post(user, job(3, false, false), wide));
    CHECK(job_post(user, job(0, true, false), heavy));
    client_get(user, &reply, "/v1/jobs/%s", wide);
    CHECK(reply_number(reply.json, "/threads") == 3);
    reply_free(&reply);
    goes_to(job(1, false, false), SMALL);
    goes_to(job(0, false, false), SMALL);
    waits(wide);
    waits(heavy);
    job_cancel(user, busy, &reply);
    reply_free(&reply);
    job_wait(user, wide, "succeeded", WAIT_S, &reply);
    reply_free(&reply);
    is_taken_by(wide, LARGE);
    job_wait(user, heavy, "succeeded", WAIT_S, &reply);
    reply_free(&reply);
    is_taken_by(heavy, LARGE);
    is_taken_by(busy, LARGE);
    goes_to(job(64, false, false), LARGE); /* nobody has as many */
}

/* What nobody who lives has threads for goes to whoever is there, and what nobody has the
 * memory for waits for somebody. */
static void nobody_waits_for_the_dead(void) {
    char heavy[JOB_ID_BYTES];
    struct reply reply;
    fleet_worker_stop(&fleet, LARGE);
    if (!job_post(user, job(3, true, false), heavy))
        return;
    goes_to(job(3, false, false), SMALL);
    waits(heavy);
    fleet_worker_start(&fleet, LARGE);
    job_wait(user, heavy, "succeeded", WAIT_S, &reply);
    reply_free(&reply);
    is_taken_by(heavy, LARGE);
}

static void bad_numbers_are_refused(void) {
    struct reply reply;
    client_post_json(user, &reply, "/v1/jobs", job(65, false, false));
    CHECK_SAY(reply.status == 422, "%ld %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/threads");
    reply_free(&reply);
}

static void place_on(const char *store) {
    const struct fleet_options options = {.store = store,
                                          .replicas_n = 1,
                                          .workers_n = 2,
                                          .kinds = KINDS,
                                          .lease_ms = "500"};
    if (!CHECK(fleet_open(&fleet, &options)))
        return;
    user = fleet_client(&fleet, 0);
    goes_to(job(0, true, false), LARGE); /* which has shown itself with it */
    threads_and_memory_decide();
    nobody_waits_for_the_dead();
    bad_numbers_are_refused();
    fleet_close(&fleet);
}

static void on_a_file(void) {
    static const char *const TAILS[] = {"", "-wal", "-shm", "-reserve"};
    char dir[] = "/tmp/descentd-placement-XXXXXX", path[64];
    if (!CHECK(mkdtemp(dir)))
        return;
    snprintf(path, sizeof path, "%s/store", dir);
    place_on(path);
    for (size_t i = 0; i < sizeof TAILS / sizeof *TAILS; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, TAILS[i]);
        unlink(name);
    }
    CHECK(rmdir(dir) == 0);
}

static void on_a_server(void) {
    place_on(NULL);
}

int main(void) {
    CHECK_RUN(on_a_file);
    CHECK_RUN(on_a_server);
    return check_done();
}
