/* The table that a model was trained on goes to its predictions as it is: the target and
 * the columns that were left out may be there, in each form whose columns have names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/terse.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

enum { ROWS = 60 };
static char whole[8192], features[8192]; /* the table, and the model's columns of it */

/* ticket differs in every row and source is the same in all: training leaves them out by
 * itself. */
static void tables_write(void) {
    size_t n = (size_t)sprintf(whole, "ticket,size,colour,source,price,kind\n");
    size_t k = (size_t)sprintf(features, "colour,size\n");
    for (int i = 0; i < ROWS; i++) {
        const char *colour = i % 3 ? "red" : "deep blue";
        double size = 1 + i * 37 % 60 / 8.0;
        n += (size_t)sprintf(whole + n, "T-%d,%.3f,%s,web,%d,%s\n", i, size, colour,
                             100 * i, size > 4.5 ? "large" : "small");
        k += (size_t)sprintf(features + k, "%s,%.3f\n", colour, size);
    }
}

static bool post(const char *path, const char *type, const char *body,
                 struct reply *reply) {
    const char *headers[] = {type, NULL};
    return client_send(
        user,
        &(struct request){
            .path = path, .headers = headers, .body = body, .body_n = strlen(body)},
        reply);
}

static void refused(const char *path, const char *type, const char *body,
                    const char *says) {
    struct reply reply;
    CHECK(post(path, type, body, &reply));
    CHECK_SAY(reply.status == 400 && strstr(reply.body, says), "%s %s: %ld %s", path,
              body, reply.status, reply.body);
    reply_free(&reply);
}

#define CSV "Content-Type: text/csv"
#define JSON "Content-Type: application/json"

/* What a version says of them, trained, exported, and posted again. */
static void said(void) {
    struct reply reply, file;
    client_get(user, &reply, "/v1/models/goods");
    terse_equal(reply.json, "/unused_columns", "['kind','price','source','ticket']");
    CHECK(reply_count(reply.json, "/columns") == 2);
    reply_free(&reply);
    client_get(user, &reply, "/v1/models/goods/versions/1/export?format=json");
    terse_equal(reply.json, "/unused_columns", "['kind','price','source','ticket']");
    reply_free(&reply);
    client_get(user, &file, "/v1/models/goods/versions/1/export");
    static const char *const octets[] = {"Content-Type: application/octet-stream", NULL};
    struct request again = {.path = "/v1/models/copy/versions",
                            .headers = octets,
                            .body = file.body,
                            .body_n = file.body_n};
    client_send(user, &again, &reply);
    CHECK_SAY(reply.status == 201, "%ld: %s", reply.status, reply.body);
    terse_equal(reply.json, "/unused_columns", "['kind','price','source','ticket']");
    reply_free(&reply);
    reply_free(&file);
}

/* The whole table and the columns alone get the same bytes. */
static void tables(void) {
    static const char *const paths[] = {"/predict?model=goods", "/predict?model=copy",
                                        "/invocations"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply one, other;
        CHECK(post(paths[i], CSV, features, &one) && post(paths[i], CSV, whole, &other));
        CHECK_SAY(one.status == 200, "%ld: %s", one.status, one.body);
        CHECK(reply_count(one.json, "/predictions") == ROWS);
        CHECK_TEXT(other.body, one.body);
        reply_free(&one);
        reply_free(&other);
    }
    refused("/predict?model=goods", CSV, "size,colour,sauce\n1,red,web\n",
            "the model has no column \\\"sauce\\\"");
    refused("/predict?model=goods", CSV, "size,ticket,kind\n1,T-1,large\n",
            "column \\\"colour\\\" is missing");
    refused("/predict?model=goods", CSV, "size,colour,kind,kind\n1,red,large,small\n",
            "is given twice");
}

static void check_same(const char *path, const char *bare, const char *with) {
    struct reply one, other;
    CHECK(post(path, JSON, bare, &one) && post(path, JSON, with, &other));
    CHECK_SAY(one.status == 200, "%s: %ld %s", bare, one.status, one.body);
    CHECK_TEXT(other.body, one.body);
    reply_free(&one);
    reply_free(&other);
}

static void documents(void) {
    check_same("/predict",
               "{\"model\":\"goods\",\"instances\":[{\"size\":2.5,\"colour\":\"red\"},"
               "{\"size\":7,\"colour\":\"deep blue\"}]}",
               "{\"model\":\"goods\",\"instances\":[{\"size\":2.5,\"kind\":null,"
               "\"colour\":\"red\"},{\"ticket\":\"T-9\",\"size\":7,\"price\":1e400,"
               "\"colour\":\"deep blue\"}]}");
    check_same("/v1/models/goods:predict",
               "{\"inputs\":{\"size\":[2.5,7],\"colour\":[\"red\",\"red\"]}}",
               "{\"inputs\":{\"ticket\":[1,\"x\"],\"size\":[2.5,7],\"colour\":[\"red\","
               "\"red\"],\"kind\":[\"large\",null]}}");
    check_same("/v1/models/goods:classify",
               "{\"examples\":[{\"size\":2.5},{\"size\":7}],"
               "\"context\":{\"colour\":\"red\"}}",
               "{\"examples\":[{\"size\":2.5,\"price\":3},{\"size\":7}],"
               "\"context\":{\"colour\":\"red\",\"source\":\"web\"}}");
    check_same("/invocations",
               "{\"dataframe_split\":{\"columns\":[\"size\",\"colour\"],"
               "\"data\":[[2.5,\"red\"],[7,\"red\"]]}}",
               "{\"dataframe_split\":{\"columns\":[\"kind\",\"size\",\"ticket\","
               "\"colour\"],\"data\":[[\"large\",2.5,null,\"red\"],[0,7,1,\"red\"]]}}");
    refused(
        "/predict", JSON,
        "{\"model\":\"goods\",\"instances\":[{\"size\":1,\"colour\":\"red\",\"kin\":1}]}",
        "the model has no column \\\"kin\\\"");
    refused("/predict", JSON, "{\"model\":\"goods\",\"instances\":[[1,\"red\",\"T-1\"]]}",
            "expected 2 cells, got more");
    refused("/invocations", JSON,
            "{\"dataframe_split\":{\"columns\":[\"kind\",\"size\",\"colour\"],"
            "\"data\":[[\"large\",2.5]]}}",
            "expected 3 cells, got 2");
}

/* Rows of numbers have a way of their own. */
static void numbers(void) {
    struct reply job;
    if (!terse_train(user, &job,
                     "{'model':'worth','dataset':'goods','target':'price',"
                     "'exclude':['colour','kind','ticket'],'epochs':5}"))
        return;
    reply_free(&job);
    check_same("/predict", "{\"model\":\"worth\",\"instances\":[[2.5],[7]]}",
               "{\"model\":\"worth\",\"instances\":[{\"price\":100,\"size\":2.5},"
               "{\"price\":200,\"size\":7}]}");
    check_same("/predict", "{\"model\":\"worth\",\"instances\":[[2.5],[7]]}",
               "{\"model\":\"worth\",\"instances\":[{\"size\":2.5},"
               "{\"ticket\":{\"no\":[1]},\"size\":7}]}");
}

/* Of a version that goes on, they are those of the table that it went on with. */
static void continued(void) {
    struct reply job, reply;
    if (!upload_text(user, "more",
                     "note,kind,colour,size\na,large,red,7\nb,small,red,2\n"
                     "c,large,deep blue,8\nd,small,deep blue,1\n") ||
        !terse_train(user, &job,
                     "{'model':'goods','init_from':'goods@1','dataset':'more',"
                     "'target':'kind','epochs':2}"))
        return;
    reply_free(&job);
    client_get(user, &reply, "/v1/models/goods/versions/2");
    terse_equal(reply.json, "/unused_columns", "['kind','note']");
    reply_free(&reply);
    refused("/predict?model=goods", CSV, whole, "the model has no column \\\"ticket\\\"");
    check_same("/predict",
               "{\"model\":\"goods\",\"instances\":[{\"size\":2.5,\"colour\":\"red\"}]}",
               "{\"model\":\"goods\",\"instances\":[{\"size\":2.5,\"colour\":\"red\","
               "\"note\":\"?\"}]}");
}

/* Rows that are posted with the job have no other columns. */
static void continued_inline(void) {
    struct reply job, reply;
    if (!terse_train(user, &job,
                     "{'model':'worth','init_from':'worth@1','epochs':2,"
                     "'data':{'features':[[1],[2],[3]],'targets':[1,2,3.5]}}"))
        return;
    reply_free(&job);
    client_get(user, &reply, "/v1/models/worth/versions/2");
    CHECK(reply_count(reply.json, "/columns") == 1);
    CHECK(!reply_at(reply.json, "/unused_columns"));
    reply_free(&reply);
    refused("/predict", JSON,
            "{\"model\":\"worth\",\"instances\":[{\"size\":1,\"kind\":\"large\"}]}",
            "the model has no column \\\"kind\\\"");
}

/* Tensors of them are not looked at, but for their rows and that each comes once. */
static void tensors(void) {
#define SIZE "{\"name\":\"size\",\"datatype\":\"FP32\",\"shape\":[2,1],\"data\":[2.5,7]}"
#define COLOUR                                                                           \
    "{\"name\":\"colour\",\"datatype\":\"BYTES\",\"shape\":[2,1],\"data\":[\"red\","     \
    "\"red\"]}"
#define KIND                                                                             \
    "{\"name\":\"kind\",\"datatype\":\"BYTES\",\"shape\":[2,1],\"data\":[\"?\",\"!\"]}"
#define PRICE                                                                            \
    "{\"name\":\"price\",\"datatype\":\"INT64\",\"shape\":[2],\"data\":[-1,100]}"
    static const char path[] = "/v2/models/goods/infer";
    check_same(path, "{\"inputs\":[" SIZE "," COLOUR "]}",
               "{\"inputs\":[" KIND "," SIZE "," PRICE "," COLOUR "]}");
    refused(path, JSON, "{\"inputs\":[" SIZE "," PRICE "," PRICE "," COLOUR "]}",
            "input \\\"price\\\" comes twice");
    refused(path, JSON, "{\"inputs\":[" SIZE "," PRICE "]}",
            "input \\\"colour\\\" is missing");
    refused(path, JSON,
            "{\"inputs\":[" SIZE "," COLOUR
            ",{\"name\":\"price\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}]}",
            "expected 2 rows, as the first tensor has, got 1");
    refused(path, JSON,
            "{\"inputs\":[" SIZE "," COLOUR
            ",{\"name\":\"prize\",\"datatype\":\"FP32\",\"shape\":[2],\"data\":[1,2]}]}",
            "the model has no input \\\"prize\\\"");
}

/* A model of inline rows has none. */
static void inline_rows(void) {
    struct reply job, reply;
    if (!terse_train(user, &job,
                     "{'model':'ages','data':{'features':[{'sex':'m','age':22},"
                     "{'sex':'f','age':38}],'targets':['no','yes']},'epochs':2}"))
        return;
    reply_free(&job);
    client_get(user, &reply, "/v1/models/ages");
    CHECK(reply_count(reply.json, "/columns") == 2);
    CHECK(!reply_at(reply.json, "/unused_columns"));
    reply_free(&reply);
    refused("/predict", JSON,
            "{\"model\":\"ages\",\"instances\":[{\"sex\":\"m\",\"age\":3,\"target\":1}]}",
            "the model has no column \\\"target\\\"");
}

int main(void) {
    static const char *const flags[] = {"--default-model", "goods", NULL};
    struct reply job;
    tables_write();
    if (!daemon_start(&daemon_of_all, flags))
        return 1;
    if (upload_text(user, "goods", whole) &&
        terse_train(user, &job,
                    "{'model':'goods','dataset':'goods','target':'kind',"
                    "'exclude':['price'],'epochs':20,'seed':1}")) {
        reply_free(&job);
        CHECK_RUN(said);
        CHECK_RUN(tables);
        CHECK_RUN(documents);
        CHECK(daemon_stop(&daemon_of_all) == 0 && daemon_restart(&daemon_of_all));
        CHECK_RUN(documents);
        CHECK_RUN(tensors);
        CHECK_RUN(numbers);
        CHECK_RUN(continued);
        CHECK_RUN(continued_inline);
        CHECK_RUN(inline_rows);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
