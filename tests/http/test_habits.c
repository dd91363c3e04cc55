/* What clients of other servers do that stands in no protocol: types that their HTTP
 * library adds, parameters of their own, compression that they do not expect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon d;

#define INFER                                                                            \
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,2],\"datatype\":\"FP32\","            \
    "\"data\":[1,2]}]}"

static void post(const char *path, const char *type, const char *body,
                 struct reply *reply) {
    char line[128];
    snprintf(line, sizeof line, "Content-Type: %s", type);
    const char *const headers[] = {line, NULL};
    client_send(
        &d.client,
        &(struct request){
            .path = path, .headers = headers, .body = body, .body_n = strlen(body)},
        reply);
}

/* aiohttp says of every body that it is bytes; others say text. */
static void any_type(void) {
    static const char *const types[] = {"application/octet-stream", "text/plain",
                                        "application/json; charset=utf-8",
                                        "application/vnd.x+json"};
    static const struct {
        const char *path, *body;
    } all[] = {{"/v2/models/planar/infer", INFER},
               {"/v2/models/planar/versions/1/infer", " " INFER "\n"},
               {"/v2/repository/index", "{}"},
               {"/v2/repository/models/planar/load", "{}"},
               {"/v2/repository/index", "{\"ready\":null}"},
               {"/v2/repository/models/planar/load", "{\"parameters\":null}"},
               {"/v1/models/planar:predict", "{\"instances\":[[1,2]]}"},
               {"/v1/models/planar:classify", "{\"examples\":[{\"0\":1,\"1\":2}]}"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct reply first = {0}, reply;
        for (size_t j = 0; j < sizeof types / sizeof *types; j++) {
            post(all[i].path, types[j], all[i].body, &reply);
            CHECK_SAY(reply.status == 200, "%s %s: %ld %s", all[i].path, types[j],
                      reply.status, reply.body);
            if (j && first.body && reply.body)
                CHECK_SAY(strcmp(first.body, reply.body) == 0, "%s: %s", types[j],
                          reply.body);
            if (j)
                reply_free(&reply);
            else
                first = reply;
        }
        reply_free(&first);
    }
}

/* Without a header that says so, bytes that are no document are rows. */
static void rows_still(void) {
    static const char *const raw[] = {"Content-Type: application/octet-stream", NULL};
    const float X[] = {1, 2, 3, 4};
    struct reply reply, json;
    struct request request = {.path = "/v2/models/planar/infer",
                              .headers = raw,
                              .body = (const char *)X,
                              .body_n = sizeof X};
    client_send(&d.client, &request, &reply);
    CHECK_SAY(reply.status == 200, "%ld %s", reply.status, reply.body);
    CHECK(strstr(reply.body, "\"shape\":[2,"));
    reply_free(&reply);
    post("/v2/models/planar/infer", "application/octet-stream", "{\"inputs\":7}", &json);
    CHECK_SAY(json.status == 400 && strstr(json.body, "inputs"), "%s", json.body);
    reply_free(&json);
}

/* Triton's clients can add parameters to every request. */
static void any_query(void) {
    static const char *const paths[] = {
        "/v2/health/live?test_1=1&test_2=2", "/v2/models/planar?x=1",
        "/v2/models/planar/ready?x", "/ping?from=balancer", "/health?x=1"};
    struct reply reply;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        client_get(&d.client, &reply, "%s", paths[i]);
        CHECK_SAY(reply.status == 200, "%s: %ld %s", paths[i], reply.status, reply.body);
        reply_free(&reply);
    }
    post("/v1/models/planar:predict?api-version=3", "application/json",
         "{\"instances\":[[1,2]]}", &reply);
    CHECK_SAY(reply.status == 200, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
    client_get(&d.client, &reply, "/v1/models/planar?x=1"); /* our own are strict */
    CHECK(reply.status == 400);
    reply_free(&reply);
}

/* Triton's client for asyncio takes gzip and inflates predictions alone. */
static void inflates_predictions_alone(void) {
    static const char *const gzip[] = {"Accept-Encoding: gzip", NULL};
    char value[256], text[8192];
    struct reply reply;
    for (int version = 2; version < 40; version++) /* a long list */
        CHECK(job_train(
            &d.client,
            table_job("planar", table_planar(8), json_pack("{si}", "epochs", 1)), NULL));
    client_send(&d.client, &(struct request){.path = "/v2/models/stats", .headers = gzip},
                &reply);
    CHECK_SAY(reply.status == 200 && reply.body_n > 1400, "%zu bytes", reply.body_n);
    CHECK_TEXT(reply_header(&reply, "Content-Encoding", value), "");
    CHECK(reply_at(reply.json, "/model_stats/0"));
    reply_free(&reply);
    size_t n =
        (size_t)sprintf(text, "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\","
                              "\"shape\":[300,2],\"data\":[0");
    for (int i = 1; i < 600; i++)
        n += (size_t)sprintf(text + n, ",%d.5", i % 7);
    strcpy(text + n, "]}]}");
    client_send(&d.client,
                &(struct request){.path = "/v2/models/planar/infer",
                                  .headers = gzip,
                                  .body = text,
                                  .body_n = strlen(text)},
                &reply);
    CHECK_SAY(reply.status == 200, "%ld", reply.status);
    CHECK_TEXT(reply_header(&reply, "Content-Encoding", value), "gzip");
    reply_free(&reply);
}

/* MLflow's and KServe's clients look for these. */
static void places(void) {
    struct reply reply;
    char type[256];
    client_get(&d.client, &reply, "/version");
    CHECK_SAY(reply.status == 200 && reply.body_n && reply.body[0] >= '0' &&
                  reply.body[0] <= '9',
              "%s", reply.body);
    CHECK_TEXT(reply_header(&reply, "Content-Type", type), "text/plain; charset=utf-8");
    reply_free(&reply);
    client_get(&d.client, &reply, "/");
    CHECK(reply.status == 200);
    CHECK_TEXT(reply_text(reply.json, "/status"), "alive");
    const char *path;
    json_t *value;
    struct reply there;
    json_object_foreach(reply_at(reply.json, "/paths"), path, value) {
        client_get(&d.client, &there, "%s", json_string_value(value));
        CHECK_SAY(there.status == 200 || there.status == 405, "%s: %ld", path,
                  there.status);
        reply_free(&there);
    }
    reply_free(&reply);
}

int main(void) {
    if (!daemon_start(&d, NULL))
        return 1;
    if (job_train(&d.client, table_job("planar", table_planar(40), NULL), NULL)) {
        CHECK_RUN(any_type);
        CHECK_RUN(rows_still);
        CHECK_RUN(any_query);
        CHECK_RUN(places);
        CHECK_RUN(inflates_predictions_alone);
    }
    daemon_close(&d);
    return check_done();
}
