#include "api/documents.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        &t, "{\"object\":\"job\",\"id\":\"job_1\",\"model\":\"iris\",\"status\":"
            "\"queued\",\"created_at\":\"2023-11-14T22:13:20.000Z\",\"started_at\":"
            "null,\"finished_at\":null,\"progress\":0,\"epoch\":0,\"epochs\":1000,"
            "\"cost\":null,\"epochs_per_second\":null,\"training_seconds\":null,"
            "\"estimated_finish\":null,\"cancel_requested\":false,\"stop_reason\":null,"
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
    job.metadata = "{\"a\":[1,2]}";
    job_document_encode(&job, &t);
    check_taken(
        &t,
        "{\"object\":\"job\",\"id\":\"job_1\",\"model\":\"iris\",\"status\":"
        "\"running\",\"created_at\":\"2023-11-14T22:13:20.000Z\",\"started_at\":"
        "\"2023-11-14T22:13:20.500Z\",\"finished_at\":null,\"progress\":0.2505,"
        "\"epoch\":250,\"epochs\":1000,\"cost\":0.693147,\"epochs_per_second\":501,"
        "\"training_seconds\":0.5,\"estimated_finish\":"
        "\"2023-11-14T22:13:22.496Z\",\"cancel_requested\":true,\"stop_reason\":"
        "null,\"hyperparameters\":{\"epochs\":1000},\"model_version\":null,"
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
            "\"estimated_finish\":null,\"cancel_requested\":false,\"stop_reason\":"
            "\"diverged\",\"hyperparameters\":{\"epochs\":1000},\"model_version\":null,"
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
    job.epochs = JOB_EPOCHS_MAX;
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

static struct version_view version(const char *facts) {
    return (struct version_view){.model = "iris",
                                 .sha256 = "abc",
                                 .job_id = "job_1",
                                 .version = 3,
                                 .created_ms = 1700000000000,
                                 .bytes = 512,
                                 .facts = facts};
}

static void test_versions(void) {
    struct text t = {0};
    struct version_view v = version("{\"task\":\"binary\",\"cost\":0.5}");
    version_document_encode(&v, &t);
    check_taken(&t,
                "{\"object\":\"model\",\"model\":\"iris\",\"version\":3,\"created_at\":"
                "\"2023-11-14T22:13:20.000Z\",\"job\":\"job_1\",\"sha256\":\"abc\","
                "\"bytes\":512,\"task\":\"binary\",\"cost\":0.5}");
    v = version("{}");
    v.job_id = "";
    struct alias_view aliases[] = {{"iris", "beta", 3, 7, 1700000000000},
                                   {"iris", "production", 1, 1, 1700000000000}};
    struct model_view model = {v, (int64_t[]){3, 1}, 2, aliases, 2};
    model_document_encode(&model, &t);
    check_taken(&t,
                "{\"object\":\"model\",\"model\":\"iris\",\"version\":3,\"created_at\":"
                "\"2023-11-14T22:13:20.000Z\",\"job\":null,\"sha256\":\"abc\","
                "\"bytes\":512,\"versions\":[3,1],"
                "\"aliases\":{\"beta\":3,\"production\":1},\"model_version_status\":["
                "{\"version\":\"3\",\"state\":\"AVAILABLE\",\"status\":{\"error_code\":"
                "\"OK\",\"error_message\":\"\"}},"
                "{\"version\":\"1\",\"state\":\"AVAILABLE\",\"status\":{\"error_code\":"
                "\"OK\",\"error_message\":\"\"}}]}");
    alias_document_encode(&aliases[0], &t);
    check_taken(&t, "{\"object\":\"alias\",\"model\":\"iris\",\"alias\":\"beta\","
                    "\"version\":3,\"change\":7,\"changed_at\":"
                    "\"2023-11-14T22:13:20.000Z\"}");
    /* Several in a list. */
    list_open(&t);
    version_document_encode(&v, &t);
    version_document_encode(&v, &t);
    list_close(&t, false);
    char *got = text_take(&t);
    CHECK(got && strstr(got, "512},{\"object\""));
    free(got);
}

static void test_facts(void) {
    static const char body[] =
        "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[1,0]],\"targets\":[\"x\",\"y\"]}"
        ","
        "\"hidden\":[3],\"activation\":\"tanh\",\"epochs\":5,\"normalize\":\"minmax\"}";
    struct job_request request;
    struct err e = {0};
    if (!CHECK_SAY(job_decode(body, sizeof body - 1, 0, &request, &e), "%s", e.text))
        return;
    struct model model = {.net =
                              net_new(2, request.spec.layers, request.spec.layers_n, &e)};
    if (!model.net)
        abort();
    struct text t = {0};
    model.task = request.spec.task;
    model.loss = request.spec.loss;
    model.labels = request.spec.labels;
    model.transform.kind = request.spec.normalize;
    struct version_training training = {&request.spec, 0.25, "{\"a\":1}"};
    version_facts_encode(&model, &training, &t);
    check_taken(&t, "{\"task\":\"binary\",\"inputs\":2,\"layers\":[{\"units\":3,"
                    "\"activation\":\"tanh\"},{\"units\":1,\"activation\":\"sigmoid\"}],"
                    "\"parameters\":13,\"normalize\":\"minmax\",\"loss\":"
                    "\"binary_cross_entropy\",\"classes\":[\"x\",\"y\"],\"cost\":0.25,"
                    "\"epochs\":5,\"metrics\":{\"a\":1}}");
    /* An import: nothing is known of its training. */
    version_facts_encode(&model, NULL, &t);
    char *got = text_take(&t);
    CHECK(got && strstr(got, "\"cost\":null,\"epochs\":null,\"metrics\":null}"));
    free(got);
    net_free(model.net);
    job_request_free(&request);
}

int main(void) {
    CHECK_RUN(test_queued);
    CHECK_RUN(test_running);
    CHECK_RUN(test_failed);
    CHECK_RUN(test_pace);
    CHECK_RUN(test_lists);
    CHECK_RUN(test_versions);
    CHECK_RUN(test_facts);
    return check_done();
}
