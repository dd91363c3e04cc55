/* Cost curves: what their points are, how they thin out, and how they grow while six jobs
 * train. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

static bool get_curve(const char *id, const char *query, struct reply *reply) {
    return client_get(user, reply, "/v1/jobs/%s/history%s", id, query) &&
           CHECK_SAY(reply->status == 200, "%ld: %s", reply->status, reply->body) &&
           CHECK_TEXT(reply_text(reply->json, "/object"), "list") &&
           CHECK(json_is_false(reply_at(reply->json, "/has_more")));
}

static double point_of(const struct reply *curve, size_t i, const char *key) {
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/data/%zu/%s", i, key);
    return reply_number(curve->json, pointer);
}

static void check_epochs(const char *id, const char *query, const double *epochs,
                         size_t n) {
    struct reply curve;
    get_curve(id, query, &curve);
    CHECK_SAY(reply_count(curve.json, "/data") == n, "%s: %s", query, curve.body);
    for (size_t i = 0; i < n; i++)
        CHECK_SAY(point_of(&curve, i, "epoch") == epochs[i], "%s: %s", query, curve.body);
    reply_free(&curve);
}

enum { ROWS_N = 40, EPOCHS_N = 10 };

/* One row of the table. */
static void read_row(const json_t *data, size_t i, double x[2], double *y) {
    char pointer[64];
    for (size_t j = 0; j < 2; j++) {
        snprintf(pointer, sizeof pointer, "/features/%zu/%zu", i, j);
        x[j] = reply_number(data, pointer);
    }
    snprintf(pointer, sizeof pointer, "/targets/%zu", i);
    *y = reply_number(data, pointer);
}

struct logistic {
    double w[2], b;
};

/* J over n rows from `first` on, and one update by its gradient. */
static double step_naively(struct logistic *p, const json_t *data, size_t first, size_t n,
                           double learning_rate) {
    double J = 0, dw[2] = {0, 0}, db = 0;
    for (size_t i = first; i < first + n; i++) {
        double x[2], y;
        read_row(data, i, x, &y);
        double a = 1 / (1 + exp(-(p->w[0] * x[0] + p->w[1] * x[1] + p->b)));
        J -= (y * log(a) + (1 - y) * log(1 - a)) / (double)n;
        dw[0] += (a - y) * x[0] / (double)n;
        dw[1] += (a - y) * x[1] / (double)n;
        db += (a - y) / (double)n;
    }
    p->w[0] -= learning_rate * dw[0];
    p->w[1] -= learning_rate * dw[1];
    p->b -= learning_rate * db;
    return J;
}

/* The curve of logistic regression from zeros, in double and in the order of the rows: J
 * before each update of a full batch, or J at first and then the mean over the batches.
 */
static void descend_naively(size_t batch_rows, double costs[EPOCHS_N + 1]) {
    const double learning_rate = 0.25;
    struct logistic p = {{0, 0}, 0};
    json_t *data = table_planar(ROWS_N);
    costs[0] =
        step_naively(&p, data, 0, ROWS_N, batch_rows == ROWS_N ? learning_rate : 0);
    for (size_t epoch = 1; epoch <= EPOCHS_N; epoch++) {
        costs[epoch] = 0;
        for (size_t first = 0; first < ROWS_N; first += batch_rows) {
            size_t n = first + batch_rows > ROWS_N ? ROWS_N - first : batch_rows;
            costs[epoch] +=
                step_naively(&p, data, first, n, learning_rate) * (double)n / ROWS_N;
        }
    }
    json_decref(data);
}

/* Trains logistic regression from zeros and copies the job's id. */
static bool train_logistic(const char *rest_text, char id[JOB_ID_BYTES]) {
    struct reply job;
    json_t *rest = json_loads(rest_text, 0, NULL);
    json_object_set_new(rest, "hidden_layers", json_array());
    json_object_set_new(rest, "initializer", json_string("zeros"));
    json_object_set_new(rest, "epochs", json_integer(EPOCHS_N));
    json_object_set_new(rest, "learning_rate", json_real(0.25));
    bool ok = job_train(user, table_job("logistic", table_planar(ROWS_N), rest), &job);
    snprintf(id, JOB_ID_BYTES, "%s", reply_text(job.json, "/id"));
    reply_free(&job);
    return ok;
}

static void check_curve(const char *rest, size_t batch_rows) {
    char id[JOB_ID_BYTES];
    double want[EPOCHS_N + 1];
    struct reply curve, job;
    descend_naively(batch_rows, want);
    if (!train_logistic(rest, id))
        return;
    get_curve(id, "", &curve);
    CHECK(reply_count(curve.json, "/data") == EPOCHS_N + 1);
    CHECK_NEAR(point_of(&curve, 0, "cost"), 0.693147180559945, 1e-7);
    for (size_t i = 0; i <= EPOCHS_N; i++) {
        CHECK(point_of(&curve, i, "epoch") == (double)i);
        CHECK_NEAR(point_of(&curve, i, "cost"), want[i], 1e-5);
    }
    client_get(user, &job, "/v1/jobs/%s", id);
    CHECK(reply_number(job.json, "/cost") == point_of(&curve, EPOCHS_N, "cost"));
    reply_free(&job);
    reply_free(&curve);
}

static void test_full_batch_is_exact(void) {
    check_curve("{}", ROWS_N);
}

/* Mini-batches in the order of the rows, the last one smaller. */
static void test_mini_batches_are_means(void) {
    check_curve("{\"batch_size\":8,\"shuffle\":false}", 8);
    check_curve("{\"batch_size\":12,\"shuffle\":false}", 12);
}

/* Another order is another curve, from the same start; another seed yet another. */
static void test_shuffled(void) {
    static const char *const rests[] = {"{\"batch_size\":8,\"shuffle\":false}",
                                        "{\"batch_size\":8,\"seed\":5}",
                                        "{\"batch_size\":8,\"seed\":6}"};
    double first[3] = {0}, last[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        char id[JOB_ID_BYTES];
        struct reply curve;
        if (!train_logistic(rests[i], id))
            return;
        get_curve(id, "", &curve);
        first[i] = point_of(&curve, 0, "cost");
        last[i] = point_of(&curve, EPOCHS_N, "cost");
        reply_free(&curve);
    }
    CHECK(first[0] == first[1] && first[1] == first[2]);
    CHECK_SAY(last[0] != last[1] && last[1] != last[2], "%g, %g, %g", last[0], last[1],
              last[2]);
}

static void test_report_every(void) {
    char id[JOB_ID_BYTES];
    if (!train_logistic("{\"report_every\":3}", id))
        return;
    check_epochs(id, "", (const double[]){0, 3, 6, 9, 10}, 5);
    check_epochs(id, "?since_epoch=6", (const double[]){6, 9, 10}, 3);
    check_epochs(id, "?since_epoch=7", (const double[]){9, 10}, 2);
    check_epochs(id, "?since_epoch=11", NULL, 0);
    check_epochs(id, "?max_points=2", (const double[]){0, 10}, 2);
    check_epochs(id, "?max_points=2&since_epoch=4", (const double[]){6, 10}, 2);
    check_epochs(id, "?max_points=100000", (const double[]){0, 3, 6, 9, 10}, 5);
    if (train_logistic("{\"report_every\":1000}", id))
        check_epochs(id, "", (const double[]){0, 10}, 2);
}

/* The default is chosen for 100 to 1,001 points; an explicit report_every is kept to. */
static void test_long_curves(void) {
    struct reply job, curve;
    json_t *rest = json_pack("{s[]si}", "hidden_layers", "epochs", 4000);
    if (job_train(user, table_job("long", table_planar(20), rest), &job)) {
        get_curve(reply_text(job.json, "/id"), "", &curve);
        size_t n = reply_count(curve.json, "/data");
        CHECK_SAY(n >= 100 && n <= 1001, "%zu points", n);
        CHECK(point_of(&curve, n - 1, "epoch") == 4000);
        reply_free(&curve);
    }
    reply_free(&job);

    rest = json_pack("{s[]sisi}", "hidden_layers", "epochs", 4000, "report_every", 1);
    if (job_train(user, table_job("long", table_planar(20), rest), &job)) {
        get_curve(reply_text(job.json, "/id"), "", &curve);
        CHECK(reply_count(curve.json, "/data") == 4001);
        reply_free(&curve);
        get_curve(reply_text(job.json, "/id"), "?max_points=11", &curve);
        CHECK(reply_count(curve.json, "/data") == 11);
        for (size_t i = 0; i < 11; i++)
            CHECK(fabs(point_of(&curve, i, "epoch") - 400.0 * (double)i) <= 1);
        reply_free(&curve);
    }
    reply_free(&job);
}

static void test_same_seed_same_bits(void) {
    char *curves[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++) {
        struct reply job, curve = {0};
        json_t *rest = json_pack("{s[ii]sisisi}", "hidden_layers", 5, 4, "seed", 77,
                                 "batch_size", 16, "epochs", 30);
        if (job_train(user, table_job("bits", table_planar(100), rest), &job))
            get_curve(reply_text(job.json, "/id"), "", &curve);
        curves[i] = curve.body;
        curve.body = NULL;
        reply_free(&curve);
        reply_free(&job);
    }
    CHECK(curves[0] && curves[1] && strlen(curves[0]) > 500);
    CHECK_TEXT(curves[0], curves[1]);
    free(curves[0]);
    free(curves[1]);
}

enum { WATCHED_N = 6, WATCHED_EPOCHS = 8000 };

/* A curve that is followed by since_epoch while its job runs. */
struct watch {
    char id[JOB_ID_BYTES];
    double costs[WATCHED_EPOCHS + 1];
    size_t n; /* points seen */
    int growths;
    char status[16];
    bool ended;
};

static void watch_poll(struct watch *watch) {
    struct reply job, curve;
    char query[64];
    /* The job first: the curve of a job that has ended is whole. */
    client_get(user, &job, "/v1/jobs/%s", watch->id);
    snprintf(watch->status, sizeof watch->status, "%s", reply_text(job.json, "/status"));
    watch->ended =
        strcmp(watch->status, "queued") != 0 && strcmp(watch->status, "running") != 0;
    snprintf(query, sizeof query, "?since_epoch=%zu", watch->n);
    get_curve(watch->id, query, &curve);
    size_t n = reply_count(curve.json, "/data");
    watch->growths += n > 0;
    for (size_t i = 0; i < n && watch->n <= WATCHED_EPOCHS; i++, watch->n++) {
        if (!CHECK(point_of(&curve, i, "epoch") == (double)watch->n))
            break;
        watch->costs[watch->n] = point_of(&curve, i, "cost");
    }
    reply_free(&curve);
    reply_free(&job);
}

static void check_watched(const struct watch *watch) {
    struct reply curve;
    CHECK_TEXT(watch->status, "succeeded");
    CHECK_SAY(watch->n == WATCHED_EPOCHS + 1, "%zu points", watch->n);
    CHECK_SAY(watch->growths >= 2, "the curve came in %d pieces", watch->growths);
    get_curve(watch->id, "", &curve);
    CHECK(reply_count(curve.json, "/data") == watch->n);
    for (size_t i = 0; i < watch->n; i++) {
        if (!CHECK(point_of(&curve, i, "cost") == watch->costs[i]))
            break;
    }
    reply_free(&curve);
}

static void test_six_curves_while_running(void) {
    static struct watch watches[WATCHED_N];
    for (size_t i = 0; i < WATCHED_N; i++) {
        char model[32];
        json_t *rest = json_pack("{s[ii]sisisisi}", "hidden_layers", 64, 32, "epochs",
                                 WATCHED_EPOCHS, "report_every", 1, "seed", (int)i,
                                 "batch_size", 256);
        snprintf(model, sizeof model, "watched-%zu", i);
        if (!job_post(user, table_job(model, table_planar(400), rest), watches[i].id))
            return;
    }
    int64_t end = daemon_clock_ms() + 60000;
    for (size_t ended = 0; ended < WATCHED_N && daemon_clock_ms() < end;) {
        ended = 0;
        for (size_t i = 0; i < WATCHED_N; i++) {
            if (!watches[i].ended)
                watch_poll(&watches[i]);
            ended += watches[i].ended;
        }
        daemon_sleep_ms(20);
    }
    for (size_t i = 0; i < WATCHED_N; i++)
        check_watched(&watches[i]);
}

/* With two workers two jobs run at once, and both end when they are cancelled. */
static void test_two_workers_cancelled(void) {
    char ids[2][JOB_ID_BYTES];
    struct reply reply;
    for (size_t i = 0; i < 2; i++) {
        json_t *rest = json_pack("{si}", "epochs", 1000000000);
        job_post(user, table_job("pair", table_planar(100), rest), ids[i]);
    }
    CHECK(job_wait_running(user, ids[0], 20));
    CHECK(job_wait_running(user, ids[1], 20));
    client_get(user, &reply, "/v1/jobs?status=running");
    CHECK(reply_count(reply.json, "/data") == 2);
    reply_free(&reply);
    for (size_t i = 0; i < 2; i++) {
        job_cancel(user, ids[i], &reply);
        CHECK(reply.status == 200);
        reply_free(&reply);
    }
    for (size_t i = 0; i < 2; i++) {
        job_wait(user, ids[i], "cancelled", 5, &reply);
        reply_free(&reply);
        get_curve(ids[i], "", &reply);
        CHECK(reply_count(reply.json, "/data") >= 1);
        reply_free(&reply);
    }
}

int main(void) {
    if (!daemon_start(&daemon_of_all, (const char *const[]){"--workers", "2", NULL}))
        return 1;
    CHECK_RUN(test_full_batch_is_exact);
    CHECK_RUN(test_mini_batches_are_means);
    CHECK_RUN(test_shuffled);
    CHECK_RUN(test_report_every);
    CHECK_RUN(test_long_curves);
    CHECK_RUN(test_same_seed_same_bits);
    CHECK_RUN(test_six_curves_while_running);
    CHECK_RUN(test_two_workers_cancelled);
    daemon_close(&daemon_of_all);
    return check_done();
}
