/* The database away: PostgreSQL crashes and comes back, again and again, under traffic.
 * Predictions go on, what needs the store says 503, and in the end every job that was
 * posted is there once, trained and published once. RESTARTS says how often. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/fleet.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum {
    RESTARTS = 3,
    WAIT_S = 120,
    POSTERS_N = 3,
    PREDICTORS_N = 3,
    BACK_MS = 5000,
    SCRAPES = 50,
    SCRAPE_MS = 3000,
    LATE_MAX = 2 /* when it begins; there are four connections */
};

static struct postgres server;
static struct fleet fleet;
static atomic_bool over;

static int restarts_n(void) {
    const char *text = getenv("RESTARTS");
    return text ? atoi(text) : RESTARTS;
}

/* ---- traffic -------------------------------------------------------------------- */

struct predictor {
    size_t number;
    size_t rows_n; /* many: on a thread that may wait for the store, too */
    int64_t answered, failed;
    double slowest;
    char why[300];
};

static char *predict_body(size_t rows_n) {
    json_t *instances = json_array();
    for (size_t i = 0; i < rows_n; i++)
        json_array_append_new(instances, json_pack("[f]", (double)i / 7));
    json_t *body = json_pack("{ssso}", "model", "line", "instances", instances);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static void *predict_on(void *arg) {
    struct predictor *p = arg;
    struct client client;
    char *body = predict_body(p->rows_n);
    if (!client_open(&client, fleet.replicas[p->number % 2].port))
        return NULL;
    while (!atomic_load(&over)) {
        struct reply reply;
        client_post(&client, &reply, "/predict", body);
        bool ok =
            reply.status == 200 && reply_count(reply.json, "/predictions") == p->rows_n;
        p->answered += ok;
        if (!ok && !p->failed++)
            snprintf(p->why, sizeof p->why, "%ld %.200s", reply.status, reply.body);
        p->slowest = fmax(p->slowest, reply.seconds);
        reply_free(&reply);
        daemon_sleep_ms(p->rows_n > 1 ? 20 : 1);
    }
    client_close(&client);
    free(body);
    return NULL;
}

struct poster {
    size_t number;
    int64_t posted, refused;
    bool wrong; /* an answer that is neither */
    char why[300];
};

/* The same again until it is taken: that is what the key is for. */
static bool post_once(struct poster *p, struct client *client, const char *body) {
    char header[64], value[256];
    snprintf(header, sizeof header, "Idempotency-Key: %zu-%lld", p->number,
             (long long)p->posted);
    for (int64_t end = daemon_clock_ms() + WAIT_S * 1000; daemon_clock_ms() < end;) {
        struct reply reply;
        const struct request request = {
            .path = "/v1/jobs",
            .headers = (const char *const[]){header, NULL},
            .body = body,
            .body_n = strlen(body),
        };
        client_send(client, &request, &reply);
        bool taken = reply.status == 202;
        bool away = reply.status == 503 && *reply_header(&reply, "Retry-After", value);
        if (!taken && !away)
            snprintf(p->why, sizeof p->why, "%ld %.200s", reply.status, reply.body);
        reply_free(&reply);
        p->posted += taken;
        p->refused += away;
        if (!away)
            return taken;
        daemon_sleep_ms(20);
    }
    return false;
}

static void *post_on(void *arg) {
    struct poster *p = arg;
    struct client client;
    json_t *job = table_job("jobs", table_planar(60),
                            json_pack("{s[i]sisisf}", "hidden_layers", 4, "epochs", 300,
                                      "seed", (int)p->number, "learning_rate", 0.01));
    char *body = json_dumps(job, JSON_COMPACT);
    json_decref(job);
    if (!client_open(&client, fleet.replicas[p->number % 2].port))
        return NULL;
    while (!atomic_load(&over) && !p->wrong) {
        p->wrong = !post_once(p, &client, body);
        daemon_sleep_ms(30);
    }
    client_close(&client);
    free(body);
    return NULL;
}

/* ---- what must hold ------------------------------------------------------------- */

static long status_of(struct client *user, const char *path, double *seconds,
                      bool *retry_after) {
    struct reply reply;
    char value[256];
    client_get(user, &reply, "%s", path);
    long status = reply.status;
    if (seconds)
        *seconds = fmax(*seconds, reply.seconds);
    if (retry_after)
        *retry_after = *reply_header(&reply, "Retry-After", value);
    reply_free(&reply);
    return status;
}

/* While it is away: ready for predictions, and a quick 503 for the rest. */
static void away_is_said(double *slowest) {
    for (size_t i = 0; i < 2; i++) {
        struct client *user = fleet_client(&fleet, i);
        bool retry_after = false;
        CHECK(status_of(user, "/readyz", NULL, NULL) == 200);
        CHECK(status_of(user, "/livez", NULL, NULL) == 200);
        long status = status_of(user, "/v1/jobs", slowest, &retry_after);
        CHECK_SAY(status == 503 && retry_after, "%ld", status);
        CHECK(status_of(user, "/v1/models/line", slowest, NULL) == 503);
        CHECK(status_of(user, "/metrics", NULL, NULL) == 200);
    }
}

/* @return the milliseconds until both answer from the store again. */
static double back_ms(void) {
    int64_t start = daemon_clock_ms();
    for (size_t i = 0; i < 2; i++)
        while (status_of(fleet_client(&fleet, i), "/v1/jobs?limit=1", NULL, NULL) !=
               200) {
            if (daemon_clock_ms() - start > WAIT_S * 1000)
                return INFINITY;
            daemon_sleep_ms(5);
        }
    return (double)(daemon_clock_ms() - start);
}

/* Each of a server's connections comes back by itself: it may take several requests. */
static double number_of(const char *id, const char *pointer) {
    int64_t end = daemon_clock_ms() + BACK_MS;
    for (;;) {
        struct reply reply;
        client_get(fleet_client(&fleet, 1), &reply, "/v1/jobs/%s", id);
        double number = reply_number(reply.json, pointer);
        bool again = reply.status == 503 && daemon_clock_ms() < end;
        reply_free(&reply);
        if (!again)
            return number;
        daemon_sleep_ms(20);
    }
}

/* The ends of all jobs, whatever became of the answers: none lost, none doubled. */
static void all_is_there_once(int64_t posted) {
    int64_t end = daemon_clock_ms() + WAIT_S * 1000;
    while (daemon_clock_ms() < end &&
           fleet_int(&fleet, "SELECT count(*) FROM jobs WHERE model = 'jobs' AND"
                             " status IN ('queued', 'running')") > 0)
        daemon_sleep_ms(50);
    int64_t there = fleet_int(&fleet, "SELECT count(*) FROM jobs WHERE model = 'jobs'");
    CHECK_SAY(there == posted, "%lld jobs, %lld posted", (long long)there,
              (long long)posted);
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM jobs WHERE model = 'jobs' AND"
                            " status <> 'succeeded'") == 0);
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM versions WHERE model = 'jobs'") ==
          posted);
    CHECK(fleet_int(&fleet, "SELECT count(DISTINCT job_id) FROM versions WHERE"
                            " model = 'jobs'") == posted);
    CHECK(fleet_int(&fleet,
                    "SELECT count(*) FROM events e JOIN jobs j ON j.number = e.job"
                    " WHERE j.model = 'jobs' AND kind = 'done'") == posted);
    /* Points and events of each job are numbered without gap or repeat. */
    CHECK(fleet_int(&fleet,
                    "SELECT count(*) FROM jobs j WHERE events <>"
                    " (SELECT count(*) FROM points WHERE job = j.number)"
                    " + (SELECT count(*) FROM events WHERE job = j.number)") == 0);
    CHECK(fleet_int(&fleet, "SELECT COALESCE(max(crashes), 0) FROM jobs") == 0);
}

/* ---- the test ------------------------------------------------------------------- */

static struct predictor predictors[PREDICTORS_N];
static struct poster posters[POSTERS_N];
static pthread_t threads[PREDICTORS_N + POSTERS_N];

static void traffic_begin(void) {
    for (size_t i = 0; i < PREDICTORS_N; i++) {
        /* The last one's bodies are too large for a connection's thread. */
        predictors[i] = (struct predictor){.number = i, .rows_n = i == 2 ? 16000 : 1};
        CHECK(pthread_create(&threads[i], NULL, predict_on, &predictors[i]) == 0);
    }
    for (size_t i = 0; i < POSTERS_N; i++) {
        posters[i] = (struct poster){.number = i};
        CHECK(pthread_create(&threads[PREDICTORS_N + i], NULL, post_on, &posters[i]) ==
              0);
    }
}

/* @return how many jobs were taken. */
static int64_t traffic_end(double slowest_answer, double slowest_back) {
    int64_t answered = 0, posted = 0, refused = 0;
    double slowest = 0;
    atomic_store(&over, true);
    for (size_t i = 0; i < PREDICTORS_N + POSTERS_N; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < PREDICTORS_N; i++) {
        CHECK_SAY(predictors[i].failed == 0, "%lld predictions failed, the first with %s",
                  (long long)predictors[i].failed, predictors[i].why);
        answered += predictors[i].answered;
        slowest = fmax(slowest, predictors[i].slowest);
    }
    for (size_t i = 0; i < POSTERS_N; i++) {
        CHECK_SAY(!posters[i].wrong, "%s", posters[i].why);
        posted += posters[i].posted;
        refused += posters[i].refused;
    }
    CHECK(answered > 100 && posted > 10 && refused > 0);
    printf("%d restarts: %lld predictions answered, the slowest in %.0f ms; %lld jobs"
           " posted, %lld times 503; a 503 within %.0f ms, back within %.0f ms\n",
           restarts_n(), (long long)answered, 1000 * slowest, (long long)posted,
           (long long)refused, 1000 * slowest_answer, slowest_back);
    return posted;
}

static void cancel(const char *id) {
    int64_t end = daemon_clock_ms() + BACK_MS;
    bool again = true;
    while (again) { /* as number_of does */
        struct reply reply;
        job_cancel(fleet_client(&fleet, 0), id, &reply);
        again = reply.status == 503 && daemon_clock_ms() < end;
        CHECK_SAY(again || reply.status == 200, "%ld %s", reply.status, reply.body);
        reply_free(&reply);
    }
}

static void it_crashes_under_traffic(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    double slowest_answer = 0, slowest_back = 0, epoch = 0;
    json_t *job = table_job(
        "long", table_planar(200),
        json_pack("{s[i]sI}", "hidden_layers", 8, "epochs", (json_int_t)1000000000));
    json_object_set_new(job, "checkpoint_seconds", json_real(0.3));
    if (!job_post(fleet_client(&fleet, 0), job, id) ||
        !CHECK(job_wait_running(fleet_client(&fleet, 1), id, WAIT_S)))
        return;
    traffic_begin();
    for (int i = 0; i < restarts_n(); i++) {
        daemon_sleep_ms(400 + 150 * (i % 3));
        postgres_stop(&server, "immediate");
        away_is_said(&slowest_answer);
        daemon_sleep_ms(300 * (i % 3));
        postgres_start(&server);
        slowest_back = fmax(slowest_back, back_ms());
        /* The long job was trained on meanwhile, by the same worker. */
        double now = number_of(id, "/epoch");
        CHECK_SAY(now > epoch, "%g, %g", now, epoch);
        epoch = now;
    }
    int64_t posted = traffic_end(slowest_answer, slowest_back);
    CHECK_SAY(slowest_back <= BACK_MS, "%g ms", slowest_back);
    CHECK(number_of(id, "/attempts") == 1);
    all_is_there_once(posted);
    cancel(id);
    job_wait(fleet_client(&fleet, 1), id, "cancelled", WAIT_S, &reply);
    reply_free(&reply);
}

/* Away for longer than a lease: whoever trained goes on or is replaced, and the end is
 * there once. */
static void it_is_away_for_longer_than_a_lease(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    json_t *job =
        table_job("lasting", table_planar(200),
                  json_pack("{s[i]sIsf}", "hidden_layers", 8, "epochs",
                            (json_int_t)1000000000, "max_runtime_seconds", 6.0));
    if (!job_post(fleet_client(&fleet, 0), job, id) ||
        !CHECK(job_wait_running(fleet_client(&fleet, 1), id, WAIT_S)))
        return;
    postgres_stop(&server, "immediate");
    daemon_sleep_ms(3000);
    postgres_start(&server);
    job_wait(fleet_client(&fleet, 1), id, "succeeded", WAIT_S, &reply);
    CHECK_SAY(reply_number(reply.json, "/attempts") == 1, "%g attempts",
              reply_number(reply.json, "/attempts"));
    reply_free(&reply);
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM versions WHERE model = 'lasting'") ==
          1);
}

/* The training ends while there is nobody to tell. */
static void it_is_away_when_a_job_ends(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    json_t *job =
        table_job("ends", table_planar(200),
                  json_pack("{s[i]sIsf}", "hidden_layers", 8, "epochs",
                            (json_int_t)1000000000, "max_runtime_seconds", 1.5));
    if (!job_post(fleet_client(&fleet, 0), job, id) ||
        !CHECK(job_wait_running(fleet_client(&fleet, 1), id, WAIT_S)))
        return;
    postgres_stop(&server, "immediate");
    daemon_sleep_ms(2500);
    postgres_start(&server);
    job_wait(fleet_client(&fleet, 1), id, "succeeded", WAIT_S, &reply);
    reply_free(&reply);
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM versions WHERE model = 'ends'") == 1);
}

/* @return the milliseconds it took; *jobs: whether it tells of those in the store. */
static int64_t scrape(bool *jobs) {
    struct reply reply;
    int64_t start = daemon_clock_ms();
    client_get(fleet_client(&fleet, 0), &reply, "/metrics");
    int64_t ms = daemon_clock_ms() - start;
    CHECK_SAY(reply.status == 200, "%ld %s", reply.status, reply.body);
    *jobs = strstr(reply.body, "descentd_jobs{") != NULL;
    reply_free(&reply);
    return ms;
}

/* It neither answers nor refuses. Once the server knows, whoever watches it learns the
 * rest at once, and does not wait for each of its connections to the store. */
static void it_hangs_and_is_watched(void) {
    bool jobs = false;
    int soon = 0, late = 0;
    int64_t end = daemon_clock_ms() + BACK_MS;
    while (!jobs && daemon_clock_ms() < end)
        scrape(&jobs);
    for (int i = 0; i < SCRAPES; i++)
        scrape(&jobs); /* on all of them */
    CHECK(jobs);
    postgres_freeze(&server, true);
    end = daemon_clock_ms() + WAIT_S * 1000;
    while (soon < SCRAPES && daemon_clock_ms() < end) {
        bool is_late = scrape(&jobs) > SCRAPE_MS;
        CHECK(!jobs);
        late += is_late;
        soon = is_late ? 0 : soon + 1;
    }
    CHECK_SAY(soon == SCRAPES && late >= 1 && late <= LATE_MAX, "%d late", late);
    postgres_freeze(&server, false);
    end = daemon_clock_ms() + WAIT_S * 1000;
    while (!jobs && daemon_clock_ms() < end)
        scrape(&jobs);
    CHECK(jobs);
}

static bool line_train(void) {
    return job_train(fleet_client(&fleet, 0),
                     json_pack("{sss{s[[i][i]]s[ii]}sss[]si}", "model", "line", "data",
                               "features", 1, 2, "targets", 3, 5, "task", "regression",
                               "hidden_layers", "epochs", 10),
                     NULL);
}

static bool line_load(void) {
    bool ok = true;
    for (size_t i = 0; i < 2; i++) {
        struct reply reply;
        client_post(fleet_client(&fleet, i), &reply, "/predict",
                    "{\"model\":\"line\",\"instances\":[[1]]}");
        ok = CHECK_SAY(reply.status == 200, "%ld %s", reply.status, reply.body) && ok;
        reply_free(&reply);
    }
    return ok;
}

int main(void) {
    if (!postgres_make(&server))
        return 1;
    const struct fleet_options options = {
        .store = server.url, .replicas_n = 2, .workers_n = 2, .lease_ms = "2000"};
    if (fleet_open(&fleet, &options) && line_train() && line_load()) {
        CHECK_RUN(it_crashes_under_traffic);
        CHECK_RUN(it_is_away_for_longer_than_a_lease);
        CHECK_RUN(it_is_away_when_a_job_ends);
        CHECK_RUN(it_hangs_and_is_watched);
    }
    fleet_close(&fleet);
    postgres_end(&server);
    return check_done();
}
