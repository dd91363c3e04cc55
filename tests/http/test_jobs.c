/* A job's life over HTTP: posted, echoed, listed, watched, cancelled. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* A job that would run for hours. */
static json_t *endless_job(const char *model) {
    return table_job(model, table_planar(200),
                     json_pack("{s[i]sIsi}", "hidden_layers", 8, "epochs",
                               (json_int_t)1000000000, "seed", 1));
}

static json_t *tiny_job(const char *model) {
    return table_job(
        model, json_pack("{s[[f][f]]s[ff]}", "features", 0.0, 1.0, "targets", 0.5, 1.5),
        json_pack("{sisi}", "epochs", 3, "seed", 1));
}

static void check_queued_job(const json_t *job) {
    static const char *const nulls[] = {"/started_at",  "/finished_at",
                                        "/stop_reason", "/model_version",
                                        "/error",       "/estimated_finish"};
    CHECK_TEXT(reply_text(job, "/object"), "job");
    CHECK_SAY(job_id_is_formed(reply_text(job, "/id")), "%s", reply_text(job, "/id"));
    CHECK_TEXT(reply_text(job, "/model"), "planar");
    CHECK_TEXT(reply_text(job, "/status"), "queued");
    CHECK(job_time_is_formed(reply_text(job, "/created_at")));
    CHECK(reply_number(job, "/progress") == 0);
    CHECK(reply_number(job, "/epoch") == 0);
    CHECK(reply_number(job, "/epochs") == 2000);
    CHECK(json_is_null(reply_at(job, "/cost")));
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        CHECK_SAY(json_is_null(reply_at(job, nulls[i])), "%s", nulls[i]);
    CHECK(reply_number(job, "/metadata/answer") == 42);
}

static void check_finished_job(const json_t *job) {
    CHECK(reply_number(job, "/progress") == 1);
    CHECK(reply_number(job, "/epoch") == 2000);
    CHECK(reply_number(job, "/cost") < 0.6);
    CHECK(reply_number(job, "/epochs_per_second") > 0);
    CHECK(reply_number(job, "/training_seconds") > 0);
    CHECK(reply_number(job, "/model_version") == 1);
    CHECK_TEXT(reply_text(job, "/stop_reason"), "completed");
    CHECK(json_is_null(reply_at(job, "/error")));
    CHECK(json_is_null(reply_at(job, "/estimated_finish")));
    double created = job_time_ms(reply_text(job, "/created_at"));
    double started = job_time_ms(reply_text(job, "/started_at"));
    double finished = job_time_ms(reply_text(job, "/finished_at"));
    CHECK(created <= started && started <= finished);
}

/* The example that users meet first. */
static void test_post_and_poll(void) {
    struct reply reply;
    char location[256], id[JOB_ID_BYTES], want[JOB_ID_BYTES + 16];
    json_t *rest =
        json_pack("{s[{siss}{siss}]sfsisis{si}}", "layers", "units", 4, "activation",
                  "tanh", "units", 1, "activation", "sigmoid", "learning_rate", 1.2,
                  "epochs", 2000, "seed", 3, "metadata", "answer", 42);
    client_post_json(user, &reply, "/v1/jobs",
                     table_job("planar", table_planar(400), rest));
    if (!CHECK_SAY(reply.status == 202, "%ld: %s", reply.status, reply.body)) {
        reply_free(&reply);
        return;
    }
    check_queued_job(reply.json);
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    snprintf(want, sizeof want, "/v1/jobs/%s", id);
    CHECK_TEXT(reply_header(&reply, "Location", location), want);
    reply_free(&reply);

    if (job_wait(user, id, "succeeded", 30, &reply))
        check_finished_job(reply.json);
    reply_free(&reply);
    for (int i = 0; i < 20; i++) {
        client_get(user, &reply, "/v1/jobs/%s", id);
        CHECK_TEXT(reply_text(reply.json, "/status"), "succeeded");
        reply_free(&reply);
    }
}

static void test_defaults_are_echoed(void) {
    struct reply reply;
    if (job_train(user, table_job("plain", table_planar(40), NULL), &reply)) {
        const json_t *h = reply_at(reply.json, "/hyperparameters");
        CHECK_TEXT(reply_text(h, "/task"), "binary");
        CHECK(reply_number(h, "/inputs") == 2);
        CHECK(reply_number(h, "/samples") == 40);
        CHECK(reply_count(h, "/layers") == 2);
        CHECK(reply_number(h, "/layers/0/units") == 16);
        CHECK_TEXT(reply_text(h, "/layers/0/activation"), "relu");
        CHECK(reply_at(h, "/layers/0/negative_slope") == NULL);
        CHECK(reply_number(h, "/layers/1/units") == 1);
        CHECK_TEXT(reply_text(h, "/layers/1/activation"), "sigmoid");
        CHECK_TEXT(reply_text(h, "/loss"), "binary_cross_entropy");
        CHECK_TEXT(reply_text(h, "/initializer"), "he_normal");
        CHECK(reply_number(h, "/init_scale") == 0.01);
        CHECK_TEXT(reply_text(h, "/optimizer"), "gradient_descent");
        CHECK(reply_number(h, "/learning_rate") == 0.1);
        CHECK_TEXT(reply_text(h, "/batch_size"), "full");
        CHECK(reply_number(h, "/epochs") == 1000);
        CHECK(json_is_true(reply_at(h, "/shuffle")));
        CHECK_TEXT(reply_text(h, "/normalize"), "none");
        CHECK(reply_number(h, "/report_every") == 1);
        CHECK(json_is_integer(reply_at(h, "/seed")));
        CHECK(reply_count(h, "/classes") == 2);
        CHECK(reply_number(h, "/classes/0") == 0 && reply_number(h, "/classes/1") == 1);
    }
    reply_free(&reply);
}

/* What is given beside two rows of one feature, and what is echoed for it, as JSON. */
struct echo {
    const char *given, *pointer, *want;
};

static const struct echo echoes[] = {
    {"\"lr\":0.5", "/learning_rate", "0.5"},
    {"\"learning_rate\":0.1", "/learning_rate", "0.1"},
    {"\"n_epochs\":7", "/epochs", "7"},
    {"\"max_iter\":7", "/epochs", "7"},
    {"\"iterations\":7", "/epochs", "7"},
    {"\"num_iterations\":7", "/epochs", "7"},
    {"\"mini_batch_size\":1", "/batch_size", "1"},
    {"\"batch_size\":0", "/batch_size", "\"full\""},
    {"\"batch_size\":2", "/batch_size", "\"full\""},
    {"\"batch_size\":1000", "/batch_size", "\"full\""},
    {"\"hidden\":[3,4]", "/layers/1/units", "4"},
    {"\"hidden_layer_sizes\":[3,4]", "/layers/0/units", "3"},
    {"\"hidden_layers\":[]", "/layers", "[{\"units\":1,\"activation\":\"linear\"}]"},
    {"\"layers_dims\":[1,5,1]", "/layers/0/units", "5"},
    {"\"hidden_layers\":[3],\"activation\":\"logistic\"", "/layers/0/activation",
     "\"sigmoid\""},
    {"\"hidden_layers\":[3],\"activation\":\"Rectifier\"", "/layers/0/activation",
     "\"relu\""},
    {"\"hidden_layers\":[3],\"activation\":\"identity\"", "/layers/0/activation",
     "\"linear\""},
    {"\"hidden_layers\":[3],\"activation\":\"leakyrelu\"", "/layers/0",
     "{\"units\":3,\"activation\":\"leaky_relu\",\"negative_slope\":0.01}"},
    {"\"layers\":[{\"units\":2,\"activation\":\"leaky_relu\",\"alpha\":0.2},{\"units\":1}"
     "]",
     "/layers/0/negative_slope", "0.2"},
    {"\"layers\":[{\"units\":2},{\"units\":1}]", "/layers/0/activation", "\"relu\""},
    {"\"layers\":[{\"units\":2},{\"units\":1}]", "/layers/1/activation", "\"linear\""},
    {"\"loss\":\"mean_squared_error\"", "/loss", "\"mse\""},
    {"\"initializer\":\"he\"", "/initializer", "\"he_normal\""},
    {"\"initializer\":\"kaiming_uniform\"", "/initializer", "\"he_uniform\""},
    {"\"initializer\":\"xavier\"", "/initializer", "\"glorot_normal\""},
    {"\"initializer\":\"xavier_uniform\"", "/initializer", "\"glorot_uniform\""},
    {"\"hidden_layers\":[3],\"activation\":\"tanh\"", "/initializer",
     "\"glorot_uniform\""},
    {"\"hidden_layers\":[]", "/initializer", "\"glorot_uniform\""},
    {"\"initializer\":\"random_normal\",\"init_scale\":0.25", "/init_scale", "0.25"},
    {"\"solver\":\"sgd\"", "/optimizer", "\"gradient_descent\""},
    {"\"optimiser\":\"gd\"", "/optimizer", "\"gradient_descent\""},
    {"\"optimizer\":\"momentum\"", "/momentum", "0.9"},
    {"\"optimizer\":\"momentum\",\"nesterov\":true", "/nesterov", "true"},
    {"\"optimizer\":\"rmsprop\"", "/beta_2", "0.9"},
    {"\"optimizer\":\"adam\",\"beta1\":0.8", "/beta_1", "0.8"},
    {"\"optimizer\":\"adamw\"", "/weight_decay", "0.01"},
    {"\"lambda\":0.7", "/l2", "0.7"},
    {"\"gradient_clip_norm\":5", "/gradient_clip_norm", "5"},
    {"\"hidden_layers\":[3],\"dropout\":0.5", "/layers/0",
     "{\"units\":3,\"activation\":\"relu\",\"dropout\":0.5}"},
    {"\"learning_rate_schedule\":\"cosine\"", "/learning_rate_schedule/type",
     "\"cosine\""},
    {"\"early_stopping\":true", "/early_stopping/monitor", "\"cost\""},
    {"\"early_stopping\":false", "/early_stopping", "false"},
    {"\"target_cost\":0.01", "/target_cost", "0.01"},
    {"\"max_runtime_secs\":60", "/max_runtime_seconds", "60"},
    {"\"checkpoint_seconds\":0.5", "/checkpoint_seconds", "0.5"},
    {"\"priority\":-5", "/priority", "-5"},
    {"\"random_state\":12", "/seed", "12"},
    {"\"seed\":9007199254740991", "/seed", "9007199254740991"},
    {"\"standardize\":true", "/normalize", "\"standard\""},
    {"\"normalize\":\"minmax\"", "/normalize", "\"minmax\""},
    {"\"normalize\":false", "/normalize", "\"none\""},
    {"\"shuffle\":false", "/shuffle", "false"},
    {"\"report_every\":4", "/report_every", "4"},
    {"\"epochs\":10000", "/report_every", "10"},
    {"\"epochs\":1001", "/report_every", "2"},
};

static void test_given_values_are_echoed(void) {
    for (size_t i = 0; i < sizeof echoes / sizeof *echoes; i++) {
        const struct echo *echo = &echoes[i];
        struct reply reply;
        char body[512], pointer[128];
        snprintf(body, sizeof body,
                 "{\"model\":\"echo\",\"data\":{\"features\":[[0],[1]],"
                 "\"targets\":[0.5,1.5]},%s}",
                 echo->given);
        client_post(user, &reply, "/v1/jobs", body);
        snprintf(pointer, sizeof pointer, "/hyperparameters%s", echo->pointer);
        json_t *want = json_loads(echo->want, JSON_DECODE_ANY, NULL);
        CHECK_SAY(reply.status == 202 && json_equal(reply_at(reply.json, pointer), want),
                  "%s: %s is not %s in %ld %s", echo->given, echo->pointer, echo->want,
                  reply.status, reply.body);
        json_decref(want);
        reply_free(&reply);
    }
}

/* Targets of four rows, what else is given, and what follows from both. */
struct inference {
    const char *targets, *given, *task, *loss, *activation;
    int units, classes_n;
};

static const struct inference inferences[] = {
    {"[0,1,1,0]", "", "binary", "binary_cross_entropy", "sigmoid", 1, 2},
    {"[2,4,4,2]", "", "binary", "binary_cross_entropy", "sigmoid", 1, 2},
    {"[2.0,4.0,4.0,2.0]", "", "binary", "binary_cross_entropy", "sigmoid", 1, 2},
    {"[\"a\",\"b\",\"a\",\"b\"]", "", "binary", "binary_cross_entropy", "sigmoid", 1, 2},
    {"[true,false,true,false]", "", "binary", "binary_cross_entropy", "sigmoid", 1, 2},
    {"[0,1,2,1]", "", "multi_class", "cross_entropy", "softmax", 3, 3},
    {"[\"a\",\"b\",\"c\",\"d\"]", "", "multi_class", "cross_entropy", "softmax", 4, 4},
    {"[0.5,1,2,1]", "", "regression", "mse", "linear", 1, 0},
    {"[3,3,3,3]", "", "regression", "mse", "linear", 1, 0},
    {"[[1],[2.5],[3],[4]]", "", "regression", "mse", "linear", 1, 0},
    {"[[1,2],[2.5,1],[3,0],[4,1]]", "", "regression", "mse", "linear", 2, 0},
    {"[[1,0],[0,0],[1,1],[0,1]]", "", "multi_label", "binary_cross_entropy", "sigmoid", 2,
     0},
    {"[0,1,2,1]", ",\"task\":\"regression\"", "regression", "mse", "linear", 1, 0},
    {"[0,1,2,1]", ",\"loss\":\"mse\"", "regression", "mse", "linear", 1, 0},
    {"[0,1,1,0]", ",\"task\":\"multi_class\"", "multi_class", "cross_entropy", "softmax",
     2, 2},
    {"[0,1,2,1]", ",\"layers\":[{\"units\":1,\"activation\":\"linear\"}]", "regression",
     "mse", "linear", 1, 0},
    {"[0,1,1,0]", ",\"layers\":[{\"units\":2,\"activation\":\"softmax\"}]", "multi_class",
     "cross_entropy", "softmax", 2, 2},
    {"[0,1,1,0]",
     ",\"layers\":[{\"units\":1,\"activation\":\"sigmoid\"}],\"loss\":\"mse\"", "binary",
     "mse", "sigmoid", 1, 2},
    {"[0,1,2,1]", ",\"loss\":\"sparse_categorical_crossentropy\"", "multi_class",
     "cross_entropy", "softmax", 3, 3},
    {"[0,1,2,1]", ",\"loss\":\"log_loss\"", "multi_class", "cross_entropy", "softmax", 3,
     3},
    {"[0,1,1,0]", ",\"loss\":\"log_loss\"", "binary", "binary_cross_entropy", "sigmoid",
     1, 2},
};

static void test_task_follows_from_the_targets(void) {
    for (size_t i = 0; i < sizeof inferences / sizeof *inferences; i++) {
        const struct inference *want = &inferences[i];
        struct reply reply;
        char body[512], output[32], pointer[64];
        snprintf(
            body, sizeof body,
            "{\"model\":\"task\",\"epochs\":1,\"data\":{\"features\":[[0],[1],[2],[3]],"
            "\"targets\":%s}%s}",
            want->targets, want->given);
        client_post(user, &reply, "/v1/jobs", body);
        const json_t *h = reply_at(reply.json, "/hyperparameters");
        snprintf(output, sizeof output, "/layers/%zu", reply_count(h, "/layers") - 1);
        bool ok = reply.status == 202 && strcmp(reply_text(h, "/task"), want->task) == 0;
        ok = ok && strcmp(reply_text(h, "/loss"), want->loss) == 0;
        snprintf(pointer, sizeof pointer, "%s/activation", output);
        ok = ok && strcmp(reply_text(h, pointer), want->activation) == 0;
        snprintf(pointer, sizeof pointer, "%s/units", output);
        ok = ok && reply_number(h, pointer) == want->units;
        ok = ok && reply_count(h, "/classes") == (size_t)want->classes_n;
        CHECK_SAY(ok, "%s%s: %ld %s", want->targets, want->given, reply.status,
                  reply.body);
        reply_free(&reply);
    }
}

static void test_content_types(void) {
    static const char *const types[] = {
        "Content-Type: application/json", "Content-Type: application/json; charset=utf-8",
        "Content-Type: Application/JSON", "Content-Type:"};
    json_t *job = tiny_job("types");
    char *body = json_dumps(job, JSON_COMPACT);
    json_decref(job);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct reply reply;
        struct request request = {.path = "/v1/jobs",
                                  .headers = (const char *const[]){types[i], NULL},
                                  .body = body,
                                  .body_n = strlen(body)};
        client_send(user, &request, &reply);
        CHECK_SAY(reply.status == 202, "%s: %ld", types[i], reply.status);
        reply_free(&reply);
    }
    free(body);
}

static void test_list_in_pages(void) {
    char ids[5][JOB_ID_BYTES];
    struct reply reply;
    for (size_t i = 0; i < 5; i++) {
        job_post(user, tiny_job("listed"), ids[i]);
        daemon_sleep_ms(3);
    }
    char after[JOB_ID_BYTES + 16] = "";
    size_t seen = 0;
    bool more = true;
    while (more && seen < 5) {
        client_get(user, &reply, "/v1/jobs?model=listed&limit=2%s", after);
        CHECK_TEXT(reply_text(reply.json, "/object"), "list");
        size_t n = reply_count(reply.json, "/data");
        for (size_t i = 0; i < n && seen < 5; i++, seen++) {
            char pointer[32];
            snprintf(pointer, sizeof pointer, "/data/%zu/id", i);
            CHECK_TEXT(reply_text(reply.json, pointer), ids[4 - seen]);
            snprintf(after, sizeof after, "&after=%s", ids[4 - seen]);
        }
        more = json_is_true(reply_at(reply.json, "/has_more"));
        CHECK(n == (more ? 2u : 1u));
        reply_free(&reply);
    }
    CHECK(seen == 5 && !more);

    job_wait(user, ids[4], "succeeded", 120, &reply);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs?model=listed&status=succeeded");
    CHECK(reply_count(reply.json, "/data") == 5);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs?model=listed&status=failed");
    CHECK(reply.status == 200 && json_is_array(reply_at(reply.json, "/data")));
    CHECK(reply_count(reply.json, "/data") == 0);
    reply_free(&reply);
}

static void test_wait(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("waited"), id);
    CHECK(job_wait_running(user, id, 5));
    client_get(user, &reply, "/v1/jobs/%s?wait=0.3", id);
    CHECK_TEXT(reply_text(reply.json, "/status"), "running");
    CHECK_SAY(reply.seconds > 0.29 && reply.seconds < 0.6, "%g s", reply.seconds);
    CHECK(job_time_is_formed(reply_text(reply.json, "/estimated_finish")));
    CHECK(reply_number(reply.json, "/progress") > 0);
    CHECK(reply_number(reply.json, "/progress") < 1);
    CHECK(reply_number(reply.json, "/epochs_per_second") > 0);
    reply_free(&reply);

    job_cancel(user, id, &reply);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s?wait=10", id);
    CHECK_TEXT(reply_text(reply.json, "/status"), "cancelled");
    CHECK(reply.seconds < 2);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s?wait=10", id);
    CHECK_SAY(reply.seconds < 2, "%g s", reply.seconds);
    reply_free(&reply);
}

/* Cancels a running job. @return the milliseconds until it had ended. */
static double cancel_running(const char *model) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job(model), id);
    CHECK(job_wait_running(user, id, 5));
    int64_t start = daemon_clock_ms();
    job_cancel(user, id, &reply);
    CHECK_SAY(reply.status == 200, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
    job_wait(user, id, "cancelled", 5, &reply);
    double ms = (double)(daemon_clock_ms() - start);

    CHECK_TEXT(reply_text(reply.json, "/stop_reason"), "cancelled");
    CHECK(json_is_null(reply_at(reply.json, "/error")));
    CHECK(json_is_null(reply_at(reply.json, "/model_version")));
    CHECK(job_time_is_formed(reply_text(reply.json, "/finished_at")));
    CHECK(reply_number(reply.json, "/epoch") >= 1);
    reply_free(&reply);

    client_get(user, &reply, "/v1/jobs/%s/history", id);
    CHECK(reply_count(reply.json, "/data") >= 1);
    reply_free(&reply);
    client_get(user, &reply, "/v1/models/%s", model);
    CHECK(reply.status == 404);
    reply_free(&reply);
    job_cancel(user, id, &reply);
    CHECK(reply.status == 200);
    CHECK_TEXT(reply_text(reply.json, "/status"), "cancelled");
    reply_free(&reply);
    return ms;
}

static void test_cancel_running(void) {
    double best = INFINITY; /* what it takes when the machine has time for it */
    for (int i = 0; i < 8 && best > 100; i++)
        best = fmin(best, cancel_running("cancelled"));
    CHECK_SAY(best <= 100, "%g ms", best);
}

/* Jobs that come and go in a millisecond each leave the worker in order. */
static void test_cancel_after_a_burst(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            job_post(user, tiny_job("burst"), id);
        job_wait(user, id, "succeeded", 20, &reply);
        reply_free(&reply);
        double ms = cancel_running("cancelled");
        if (!CHECK_SAY(ms <= 1000, "%g ms", ms))
            break;
    }
}

static void test_cancel_queued(void) {
    char first[JOB_ID_BYTES], queued[JOB_ID_BYTES], path[2 * JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("first"), first);
    CHECK(job_wait_running(user, first, 5));
    job_post(user, endless_job("queued"), queued);

    snprintf(path, sizeof path, "/v1/jobs/%s/cancel", queued);
    client_post(user, &reply, path, "{}");
    CHECK(reply.status == 200);
    CHECK_TEXT(reply_text(reply.json, "/status"), "cancelled");
    CHECK(json_is_null(reply_at(reply.json, "/started_at")));
    CHECK(json_is_null(reply_at(reply.json, "/cost")));
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s/history", queued);
    CHECK(reply.status == 200 && json_is_array(reply_at(reply.json, "/data")));
    CHECK(reply_count(reply.json, "/data") == 0);
    reply_free(&reply);

    job_cancel(user, first, &reply);
    reply_free(&reply);
    job_wait(user, first, "cancelled", 5, &reply);
    reply_free(&reply);
}

static void test_cancel_finished(void) {
    struct reply job, reply;
    if (job_train(user, tiny_job("finished"), &job)) {
        job_cancel(user, reply_text(job.json, "/id"), &reply);
        CHECK(reply.status == 409);
        CHECK_TEXT(reply_text(reply.json, "/error/code"), "conflict");
        reply_free(&reply);
    }
    reply_free(&job);
}

static void test_diverged(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    json_t *rest =
        json_pack("{s[]sfsi}", "hidden_layers", "learning_rate", 1000.0, "epochs", 500);
    job_post(user, table_job("diverged", table_prices(50), rest), id);
    if (job_wait(user, id, "failed", 20, &reply)) {
        CHECK_TEXT(reply_text(reply.json, "/error/code"), "diverged");
        CHECK_TEXT(reply_text(reply.json, "/stop_reason"), "diverged");
        CHECK(reply_number(reply.json, "/error/epoch") >= 1);
        CHECK(reply_number(reply.json, "/error/epoch") < 500);
        CHECK(*reply_text(reply.json, "/error/message"));
        CHECK(json_is_null(reply_at(reply.json, "/model_version")));
    }
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s/history", id);
    CHECK(reply.json && reply_count(reply.json, "/data") >= 1);
    reply_free(&reply);
}

/* The wake-up, not a poll: 20 ms at the median of five. */
static void test_starts_at_once(void) {
    int late = 0;
    for (int i = 0; i < 5; i++) {
        struct reply reply;
        if (job_train(user, tiny_job("started"), &reply)) {
            double waited = job_time_ms(reply_text(reply.json, "/started_at")) -
                            job_time_ms(reply_text(reply.json, "/created_at"));
            late += !(waited <= 20);
        }
        reply_free(&reply);
    }
    CHECK_SAY(late <= 2, "%d of 5 started later than 20 ms", late);
}

static void test_metrics(void) {
    struct reply reply;
    char type[256];
    client_get(user, &reply, "/metrics");
    CHECK(reply.status == 200);
    CHECK(strncmp(reply_header(&reply, "Content-Type", type), "text/plain", 10) == 0);
    CHECK(strstr(reply.body, "descentd_jobs{status=\"running\"} 0"));
    CHECK(strstr(reply.body, "descentd_jobs{status=\"failed\"} 1"));
    CHECK(strstr(reply.body, "descentd_http_requests_total{"));
    reply_free(&reply);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    CHECK_RUN(test_post_and_poll);
    CHECK_RUN(test_defaults_are_echoed);
    CHECK_RUN(test_given_values_are_echoed);
    CHECK_RUN(test_task_follows_from_the_targets);
    CHECK_RUN(test_content_types);
    CHECK_RUN(test_list_in_pages);
    CHECK_RUN(test_wait);
    CHECK_RUN(test_cancel_running);
    CHECK_RUN(test_cancel_after_a_burst);
    CHECK_RUN(test_cancel_queued);
    CHECK_RUN(test_cancel_finished);
    CHECK_RUN(test_diverged);
    CHECK_RUN(test_starts_at_once);
    CHECK_RUN(test_metrics);
    daemon_close(&daemon_of_all);
    return check_done();
}
