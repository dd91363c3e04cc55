/* Clients of MLflow's scoring server and of SageMaker's endpoints: what their
 * documentation shows, against the daemon. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/npy.h"
#include "tests/http/passengers.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* A body of a type; the answer is checked to have status 200. */
static bool send_as(const char *const *headers, const char *body, struct reply *reply) {
    struct request request = {
        .path = "/invocations", .headers = headers, .body = body, .body_n = strlen(body)};
    return client_send(user, &request, reply) &&
           CHECK_SAY(reply->status == 200, "%s: %ld %s", body, reply->status,
                     reply->body);
}

static bool score(const char *body, struct reply *reply) {
    return send_as((const char *const[]){"Content-Type: application/json", NULL}, body,
                   reply);
}

/* The predictions of a body are those of /predict for the same rows. */
static void check_as_native(const char *const *headers, const char *body,
                            const char *rows) {
    struct reply reply, own;
    char native[512];
    snprintf(native, sizeof native, "{\"instances\":%s}", rows);
    client_post(user, &own, "/predict", native);
    if (CHECK_SAY(own.status == 200, "%s", own.body) && send_as(headers, body, &reply)) {
        json_t *want = reply_at(own.json, "/predictions");
        CHECK_SAY(json_object_size(reply.json) == 1 && json_array_size(want) &&
                      json_equal(reply_at(reply.json, "/predictions"), want),
                  "%s: %s, not %s", body, reply.body, own.body);
        reply_free(&reply);
    }
    reply_free(&own);
}

static const char *const as_json[] = {"Content-Type: application/json", NULL};
static const char *const as_csv[] = {"Content-Type: text/csv", NULL};

/* ---- the only model, of numbers ------------------------------------------------- */

#define TWO "[[1000,2],[2400,4]]"

/* "Inference Server Specification" of MLflow, and the forms beside it. */
static void test_numbers(void) {
    static const char *const documented[] = {"Content-Type:application/json;", NULL},
                             *const charset[] = {
                                 "Content-Type: application/json; charset=UTF-8", NULL};
    check_as_native(documented, "{\"inputs\": [[1, 2], [3, 4], [5, 6]]}",
                    "[[1,2],[3,4],[5,6]]");
    check_as_native(charset, "{\"instances\":" TWO "}", TWO);
    check_as_native(NULL, "{\"inputs\":" TWO "}",
                    TWO); /* as curl --data alone sends it */
    check_as_native(
        as_json,
        "{\"dataframe_split\":{\"columns\":[\"size\",\"bedrooms\"],\"data\":" TWO "}}",
        TWO);
    check_as_native(
        as_json,
        "{\"dataframe_split\":{\"index\":[0,1],\"columns\":[1,0],\"data\":[[2,"
        "1000],[4,2400]]},\"params\":{}}",
        TWO);
    check_as_native(as_json,
                    "{\"dataframe_records\":[{\"0\":1000,\"1\":2},{\"1\":4,\"0\":2400}]}",
                    TWO);
    check_as_native(as_json, "{\"inputs\":{\"0\":[1000,2400],\"1\":[2,4]}}", TWO);
    check_as_native(as_json, "{\"inputs\":{\"house\":" TWO "}}", TWO);
    check_as_native(as_csv, "size,bedrooms\n1000,2\n2400,4\n", TWO);
    check_as_native(as_csv, "1000.0,2\n2400,4", TWO);
    check_as_native((const char *const[]){"Content-Type: application/csv", NULL},
                    "1000,2\n2400,4\n", TWO);
    check_as_native((const char *const[]){"Content-Type: text/csv; header=absent", NULL},
                    "1,0\n1000,2\n", "[[1,0],[1000,2]]");
}

/* As SageMaker's CSVSerializer and CSVDeserializer do it: lines in, lines out, and
 * headers of its own. */
static void test_lines(void) {
    static const char *const headers[] = {"Content-Type: text/csv",
                                          "Accept: text/csv",
                                          "X-Amzn-SageMaker-Custom-Attributes: trace=1",
                                          "X-Amzn-SageMaker-Target-Model: other.tar.gz",
                                          "X-Amzn-SageMaker-Inference-Id: 7",
                                          NULL};
    struct reply lines, own;
    char type[256];
    client_post(user, &own, "/predict", "{\"instances\":" TWO "}");
    if (send_as(headers, "1000,2\n2400,4\n", &lines)) {
        double first = 0, second = 0;
        CHECK_TEXT(reply_header(&lines, "Content-Type", type), "text/csv");
        CHECK(sscanf(lines.body, "%lf\n%lf\n", &first, &second) == 2);
        CHECK((float)first == (float)reply_number(own.json, "/predictions/0"));
        CHECK((float)second == (float)reply_number(own.json, "/predictions/1"));
    }
    reply_free(&lines);
    reply_free(&own);
}

/* As SageMaker's NumpySerializer and NumpyDeserializer do it. */
static void test_arrays(void) {
    static const char *const headers[] = {"Content-Type: application/x-npy",
                                          "Accept: application/x-npy", "Expect:", NULL};
    static const float rows[] = {1000, 2, 2400, 4};
    struct reply own, npy;
    char type[256];
    size_t n;
    char *file = npy_new("<f4", false, "(2, 2)", rows, sizeof rows, &n);
    struct request request = {
        .path = "/invocations", .headers = headers, .body = file, .body_n = n};
    client_post(user, &own, "/predict", "{\"instances\":" TWO "}");
    client_send(user, &request, &npy);
    if (CHECK_SAY(npy.status == 200 && npy.body_n > 128, "%ld", npy.status)) {
        float got[2];
        memcpy(got, npy.body + npy.body_n - sizeof got, sizeof got);
        CHECK_TEXT(reply_header(&npy, "Content-Type", type), "application/x-npy");
        CHECK(got[0] == (float)reply_number(own.json, "/predictions/0"));
        CHECK(got[1] == (float)reply_number(own.json, "/predictions/1"));
    }
    reply_free(&npy);
    request.headers = (const char *const[]){headers[0], NULL};
    client_send(user, &request, &npy);
    CHECK_SAY(npy.status == 200 && json_equal(reply_at(npy.json, "/predictions"),
                                              reply_at(own.json, "/predictions")),
              "%ld %s", npy.status, npy.body);
    reply_free(&npy);
    reply_free(&own);
    free(file);
}

/* More than a connection's thread takes upon itself. */
static void test_large(void) {
    enum { M = 40000, BYTES = M * 16 };
    struct reply reply;
    char *body = malloc(BYTES);
    size_t n = body ? (size_t)snprintf(body, BYTES, "size,bedrooms\n") : 0;
    for (int i = 0; body && i < M; i++)
        n += (size_t)snprintf(body + n, BYTES - n, "%d,%d\n", 1000 + i % 100, 1 + i % 4);
    if (body && send_as(as_csv, body, &reply)) {
        CHECK(reply_count(reply.json, "/predictions") == M);
        CHECK(reply_number(reply.json, "/predictions/0") ==
              reply_number(reply.json, "/predictions/100"));
    }
    reply_free(&reply);
    free(body);
}

static void test_ping(void) {
    struct reply reply;
    client_get(user, &reply, "/ping");
    CHECK(reply.status == 200);
    CHECK_TEXT(reply.body, "\n");
    reply_free(&reply);
    client_call(user, &reply, "HEAD", "/ping");
    CHECK(reply.status == 200);
    reply_free(&reply);
}

/* ---- the default model, of columns ---------------------------------------------- */

static const char passengers[] =
    "[{\"class\":\"third\",\"sex\":\"male\",\"age\":30.5},{\"class\":\"first\",\"sex\":"
    "\"male\",\"age\":null}]";

static void test_columns(void) {
    char body[512];
    snprintf(body, sizeof body, "{\"dataframe_records\":%s}", passengers);
    check_as_native(as_json, body, passengers);
    snprintf(body, sizeof body, "{\"instances\":%s}", passengers);
    check_as_native(as_json, body, passengers);
    check_as_native(
        as_json,
        "{\"dataframe_split\":{\"columns\":[\"sex\",\"age\",\"class\"],\"data\":"
        "[[\"male\",30.5,\"third\"],[\"male\",null,\"first\"]]}}",
        passengers);
    check_as_native(as_json,
                    "{\"inputs\":{\"sex\":[\"male\",\"male\"],\"age\":[30.5,null],"
                    "\"class\":[\"third\",\"first\"]}}",
                    passengers);
    check_as_native(as_csv, "sex,age,class\nmale,30.5,third\nmale,,first\n", passengers);
    struct reply reply;
    static const char *const to_csv[] = {"Accept: text/csv", NULL};
    if (send_as(to_csv, body, &reply))
        CHECK_TEXT(reply.body, "no\nyes\n");
    reply_free(&reply);
    if (score("{\"inputs\":[[\"third\",\"male\",30.5]]}", &reply))
        CHECK_TEXT(reply.body, "{\"predictions\":[\"no\"]}\n");
    reply_free(&reply);
}

static void check_refused(const char *const *headers, const char *body,
                          const char *says) {
    struct reply reply;
    client_send(user,
                &(struct request){.path = "/invocations",
                                  .headers = headers,
                                  .body = body,
                                  .body_n = strlen(body)},
                &reply);
    CHECK_SAY(reply.status == 400 && json_object_size(reply.json) == 1 &&
                  strstr(reply_text(reply.json, "/error"), says),
              "%s: %ld %s", body, reply.status, reply.body);
    reply_free(&reply);
}

static void test_refused(void) {
    check_refused(as_csv, "sex,class\nmale,third\n", "line 1: column \"age\" is missing");
    check_refused(as_csv, "sex,class,age\nmale,third,old\n",
                  "line 2, column \"age\": expected a number, got \"old\"");
    check_refused(as_csv, "male,third,3\n", "the model has no column \"male\"");
    check_refused(as_json,
                  "{\"dataframe_split\":{\"columns\":[\"sex\"],\"data\":[[\"male\"]]}}",
                  "/dataframe_split/columns: column \"class\" is missing");
    check_refused(
        as_json,
        "{\"dataframe_split\":{\"index\":[1,2],\"data\":[[\"third\",\"male\",1],["
        "\"third\",\"male\",1],[\"third\",\"male\",1]]}}",
        "/dataframe_split/index: expected 3, one a row, got 2");
    check_refused(as_json, "{\"dataframe_records\":[{\"class\":\"third\",\"age\":1}]}",
                  "/dataframe_records/0: column \"sex\" is missing");
    check_refused(as_json, "{\"inputs\":{\"sex\":[\"male\"],\"age\":[1,2]}}",
                  "/inputs/age: expected 1 value, got more");
}

/* The label that the default model names moves under its clients. */
static bool default_is(const char *want) {
    struct reply reply;
    bool same = score("{\"inputs\":[[\"third\",\"male\",30.5]]}", &reply) &&
                strstr(reply.body, want);
    reply_free(&reply);
    client_post(user, &reply, "/predict", "{\"instances\":[[\"third\",\"male\",30.5]]}");
    same = same &&
           CHECK_SAY(reply.status == 200 && strstr(reply.body, want), "%s", reply.body);
    reply_free(&reply);
    return same;
}

static void label_put(int version) {
    char body[64];
    struct reply reply;
    snprintf(body, sizeof body, "{\"version\":%d}", version);
    client_send(user,
                &(struct request){.method = "PUT",
                                  .path = "/v1/models/passengers/aliases/live",
                                  .body = body,
                                  .body_n = strlen(body)},
                &reply);
    CHECK_SAY(reply.status / 100 == 2, "%ld %s", reply.status, reply.body);
    reply_free(&reply);
}

/* A second version, of two rows, says yes where the first says no. */
static void test_default(void) {
    json_t *features =
        json_pack("[{sssssf}{sssssf}]", "class", "third", "sex", "male", "age", 30.5,
                  "class", "first", "sex", "female", "age", 31.5);
    json_t *data = json_pack("{sos[ss]}", "features", features, "targets", "yes", "no");
    struct reply reply;
    if (!CHECK(job_train(user, table_job("passengers", data, NULL), &reply)))
        return;
    reply_free(&reply);
    CHECK(default_is("\"no\""));
    label_put(2);
    CHECK(default_is("\"yes\""));
    label_put(1);
    CHECK(default_is("\"no\""));
}

static void test_drain(void) {
    struct reply reply;
    kill(daemon_of_all.pid, SIGTERM);
    for (int i = 0; i < 500; i++) {
        client_get(user, &reply, "/ping");
        bool over = reply.status != 200;
        if (over)
            break;
        reply_free(&reply);
        daemon_sleep_ms(10);
    }
    CHECK_SAY(reply.status == 503 && *reply_text(reply.json, "/error"), "%ld %s",
              reply.status, reply.body ? reply.body : "");
    reply_free(&reply);
    CHECK(daemon_wait(&daemon_of_all) == 0);
}

static bool prices_train(void) {
    return job_train(user,
                     table_job("prices", table_prices(100),
                               json_pack("{s[]sssi}", "hidden_layers", "normalize",
                                         "standard", "epochs", 300)),
                     NULL);
}

int main(void) {
    static const char *const flags[] = {"--default-model", "passengers@live",
                                        "--drain-delay-ms", "3000", NULL};
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    CHECK_RUN(test_ping);
    if (CHECK(prices_train())) {
        CHECK_RUN(test_numbers);
        CHECK_RUN(test_lines);
        CHECK_RUN(test_arrays);
        CHECK_RUN(test_large);
    }
    daemon_close(&daemon_of_all);
    if (!daemon_start(&daemon_of_all, flags))
        return 1;
    check_refused(as_json, "{", "line 1, column 2");
    if (CHECK(prices_train() && passengers_train(user))) {
        label_put(1);
        CHECK_RUN(test_columns);
        CHECK_RUN(test_refused);
        CHECK_RUN(test_default);
        CHECK_RUN(test_drain);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
