#include "api/documents.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void check_taken(struct text *t, const char *want) {
    char *got = text_take(t);
    CHECK_TEXT(got, want);
    free(got);
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
    version_status_document_encode(&v, &t);
    check_taken(&t,
                "{\"object\":\"model\",\"model\":\"iris\",\"version\":3,\"created_at\":"
                "\"2023-11-14T22:13:20.000Z\",\"job\":\"job_1\",\"sha256\":\"abc\","
                "\"bytes\":512,\"task\":\"binary\",\"cost\":0.5,"
                "\"model_version_status\":[{\"version\":\"3\",\"state\":\"AVAILABLE\","
                "\"status\":{\"error_code\":\"OK\",\"error_message\":\"\"}}]}");
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
    struct version_training training = {&request.spec, 0.25, "{\"a\":1}", 5};
    version_facts_encode(&model, &training, &t);
    check_taken(&t, "{\"task\":\"binary\",\"inputs\":2,\"layers\":[{\"units\":3,"
                    "\"activation\":\"tanh\"},{\"units\":1,\"activation\":\"sigmoid\"}],"
                    "\"parameters\":13,\"normalize\":\"minmax\",\"loss\":"
                    "\"binary_cross_entropy\",\"classes\":[\"x\",\"y\"],\"columns\":["
                    "{\"name\":\"0\",\"type\":\"number\",\"missing\":\"error\"},"
                    "{\"name\":\"1\",\"type\":\"number\",\"missing\":\"error\"}],"
                    "\"cost\":0.25,\"epochs\":5,\"metrics\":{\"a\":1}}");
    /* An import: nothing is known of its training. */
    version_facts_encode(&model, NULL, &t);
    char *got = text_take(&t);
    CHECK(got && strstr(got, "\"cost\":null,\"epochs\":null,\"metrics\":null}"));
    free(got);
    net_free(model.net);
    job_request_free(&request);
}

int main(void) {
    CHECK_RUN(test_versions);
    CHECK_RUN(test_facts);
    return check_done();
}
