#include "api/job_document.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/documents.h"
#include "tests/unit/check.h"

static void check_taken(struct text *t, const char *want) {
    char *got = text_take(t);
    CHECK_TEXT(got, want);
    free(got);
}

static struct job_view queued(void) {
    return (struct job_view){
        .id = "job_1",
        .model = "iris",
        .status = "queued",
        .created_ms = 1700000000000,
        .now_ms = 1700000001000,
        .epochs = 1000,
        .stop_reason = "",
        .error_code = "",
        .error_text = "",
        .error_epoch = -1,
        .hyperparameters = "{\"epochs\":1000}",
    };
}

static void test_queued(void) {
    struct text t = {0};
    struct job_view job = queued();
    job_document_encode(&job, &t);
    check_taken(
        &t,
        "{\"object\":\"job\",\"id\":\"job_1\",\"model\":\"iris\",\"status\":"
        "\"queued\",\"created_at\":\"2023-11-14T22:13:20.000Z\",\"started_at\":"
        "null,\"finished_at\":null,\"progress\":0,\"epoch\":0,\"epochs\":1000,"
        "\"cost\":null,\"epochs_per_second\":null,\"training_seconds\":null,"
        "\"estimated_finish\":null,\"cancel_requested\":false,\"pause_requested\":false,"
        "\"priority\":0,\"attempts\":0,\"checkpoint\":null,\"memory_bytes\":null,"
        "\"threads\":null,"
        "\"stop_reason\":null,"
        "\"hyperparameters\":{\"epochs\":1000},\"model_version\":null,\"error\":"
        "null,\"metrics\":null,\"warnings\":[],\"metadata\":null}");
}

static void test_running(void) {
    struct text t = {0};
    struct job_view job = queued();
    job.status = "running";
    job.running = true;
    job.started_ms = 1700000000500;
    job.epochs_done = 250.5;
    job.cost_known = true;
    job.cost = 0.693147;
    job.training_seconds = 0.5;
    job.cancel_requested = true;
    job.pause_requested = true;
    job.priority = -5;
    job.attempts = 2;
    job.checkpoint = 7;
    job.memory_bytes = 1 << 20;
    job.threads = 4;
    job.metadata = "{\"a\":[1,2]}";
    job_document_encode(&job, &t);
    check_taken(
        &t,
        "{\"object\":\"job\",\"id\":\"job_1\",\"model\":\"iris\",\"status\":"
        "\"running\",\"created_at\":\"2023-11-14T22:13:20.000Z\",\"started_at\":"
        "\"2023-11-14T22:13:20.500Z\",\"finished_at\":null,\"progress\":0.2505,"
        "\"epoch\":250,\"epochs\":1000,\"cost\":0.693147,\"epochs_per_second\":501,"
        "\"training_seconds\":0.5,\"estimated_finish\":"
        "\"2023-11-14T22:13:22.496Z\",\"cancel_requested\":true,\"pause_requested\":true,"
        "\"priority\":-5,\"attempts\":2,\"checkpoint\":7,\"memory_bytes\":1048576,"
        "\"threads\":4,"
        "\"stop_reason\":null,\"hyperparameters\":{\"epochs\":1000},\"model_version\":"
        "null,"
        "\"error\":null,\"metrics\":null,\"warnings\":[],\"metadata\":{\"a\":[1,2]}}");
}

static void test_failed(void) {
    struct text t = {0};
    struct job_view job = queued();
    job.status = "failed";
    job.started_ms = job.created_ms;
    job.finished_ms = 1700000002003;
    job.epochs_done = 3;
    job.cost_known = true;
    job.cost = INFINITY; /* is not JSON */
    job.training_seconds = 0.12345;
    job.stop_reason = "diverged";
    job.error_code = "diverged";
    job.error_text = "the cost is not \"finite\"";
    job.error_epoch = 3;
    job_document_encode(&job, &t);
    check_taken(
        &t, "{\"object\":\"job\",\"id\":\"job_1\",\"model\":\"iris\",\"status\":"
            "\"failed\",\"created_at\":\"2023-11-14T22:13:20.000Z\",\"started_at\":"
            "\"2023-11-14T22:13:20.000Z\",\"finished_at\":\"2023-11-14T22:13:22.003Z\","
            "\"progress\":0.003,\"epoch\":3,\"epochs\":1000,\"cost\":null,"
            "\"epochs_per_second\":24.301,\"training_seconds\":0.123,"
            "\"estimated_finish\":null,\"cancel_requested\":false,\"pause_requested\":"
            "false,\"priority\":0,\"attempts\":0,\"checkpoint\":null,"
            "\"memory_bytes\":null,\"threads\":null,\"stop_reason\":\"diverged\","
            "\"hyperparameters\":{"
            "\"epochs\":1000},\"model_version\":null,"
            "\"error\":{\"code\":\"diverged\",\"message\":\"the cost is not "
            "\\\"finite\\\"\",\"epoch\":3},\"metrics\":null,\"warnings\":[],\"metadata\":"
            "null}");
    job.error_epoch = -1;
    job.model_version = 4;
    job_document_encode(&job, &t);
    char *got = text_take(&t);
    CHECK(got && strstr(got, "\"model_version\":4,") && strstr(got, "\"epoch\":null}"));
    free(got);
}

/* A pace so slow that the end is beyond all calendars is no date. */
static void test_pace(void) {
    struct text t = {0};
    struct job_view job = queued();
    job.running = true;
    job.started_ms = job.created_ms;
    job.epochs = INT64_C(1000000000);
    job.epochs_done = 1e-9;
    job.training_seconds = 3600;
    job_document_encode(&job, &t);
    char *got = text_take(&t);
    CHECK(got && strstr(got, "\"progress\":0,") &&
          strstr(got, "\"estimated_finish\":null"));
    free(got);
    job.epochs_done = (double)job.epochs;
    job_document_encode(&job, &t);
    got = text_take(&t);
    CHECK(got && strstr(got, "\"progress\":1,\"epoch\":1000000000,") &&
          strstr(got, "\"estimated_finish\":\"2023-11-14T22:13:21.000Z\""));
    free(got);
}

/* A bound on the training time ends it earlier; of a job that is over it, now. */
static void test_pace_is_bounded(void) {
    static const struct {
        double seconds;
        const char *hyperparameters, *finish;
    } cases[] = {
        {1, "{\"max_runtime_seconds\":3.5}", "2023-11-14T22:13:23.500Z"},
        {1, "{\"max_runtime_seconds\":30}", "2023-11-14T22:13:30.000Z"},
        {1, "{\"classes\":[\"\\\"max_runtime_seconds\\\":2\"]}",
         "2023-11-14T22:13:30.000Z"},
        {4, "{\"max_runtime_seconds\":3.5}", "2023-11-14T22:13:21.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text t = {0};
        char want[64];
        struct job_view job = queued();
        job.running = true;
        job.started_ms = job.created_ms;
        job.epochs_done = 100;
        job.training_seconds = cases[i].seconds;
        job.hyperparameters = cases[i].hyperparameters;
        snprintf(want, sizeof want, "\"estimated_finish\":\"%s\"", cases[i].finish);
        job_document_encode(&job, &t);
        char *got = text_take(&t);
        CHECK_SAY(got && strstr(got, want), "%zu: %s", i, got);
        free(got);
    }
}

static void test_lists(void) {
    struct text t = {0};
    static const struct curve_point points[] = {
        {0, 0.6931471805599453, NAN}, {10, NAN, NAN}, {20, 1e-9, 0.5}};
    list_open(&t);
    list_close(&t, false);
    check_taken(&t, "{\"object\":\"list\",\"data\":[],\"has_more\":false}\n");
    list_open(&t);
    history_encode(points, 2, &t);
    history_encode(points + 2, 1, &t);
    list_close(&t, true);
    check_taken(
        &t, "{\"object\":\"list\",\"data\":[{\"epoch\":0,\"cost\":0.6931471805599453},"
            "{\"epoch\":10,\"cost\":null},{\"epoch\":20,\"cost\":1e-9,\"validation_"
            "cost\":0.5}],\"has_more\":"
            "true}\n");
}

int main(void) {
    CHECK_RUN(test_queued);
    CHECK_RUN(test_running);
    CHECK_RUN(test_failed);
    CHECK_RUN(test_pace);
    CHECK_RUN(test_pace_is_bounded);
    CHECK_RUN(test_lists);
    return check_done();
}
