/* The Open Inference Protocol V2, rule by rule, as its clients speak it. */
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

/* ---- what is asked -------------------------------------------------------------- */

/* POSTs a document to a path under /v2/models and checks its status. */
static bool infer(struct reply *reply, const char *model, const char *body, long status) {
    char path[256];
    snprintf(path, sizeof path, "/v2/models/%s/infer", model);
    return CHECK_SAY(client_post(user, reply, path, body), "%s: no answer", path) &&
           CHECK_SAY(reply->status == status, "%s: %ld, not %ld: %s", body, reply->status,
                     status, reply->body);
}

static bool get(struct reply *reply, long status, const char *path) {
    return CHECK_SAY(client_get(user, reply, "%s", path), "%s: no answer", path) &&
           CHECK_SAY(reply->status == status, "%s: %ld, not %ld: %s", path, reply->status,
                     status, reply->body);
}

/* Exactly {"error":"text"}, and the text has `says` in it. */
static void check_error(const struct reply *reply, const char *says) {
    const char *error = reply_text(reply->json, "/error");
    CHECK_SAY(json_object_size(reply->json) == 1 && strstr(error, says), "%s, not %s",
              reply->body, says);
}

static void check_refused(const char *model, const char *body, long status,
                          const char *says) {
    struct reply reply;
    if (infer(&reply, model, body, status))
        check_error(&reply, says);
    reply_free(&reply);
}

/* Whether the part of a document is as written here. */
static void check_json(const struct reply *reply, const char *pointer, const char *want) {
    json_t *expected = json_loads(want, JSON_DECODE_ANY, NULL);
    const json_t *got = *pointer ? reply_at(reply->json, pointer) : reply->json;
    CHECK_SAY(expected && json_equal(got, expected), "%s of %s, not %s", pointer,
              reply->body, want);
    json_decref(expected);
}

/* ---- the models ----------------------------------------------------------------- */

static bool models_train(void) {
    static const char people[] =
        "{\"model\":\"people\",\"epochs\":200,\"seed\":1,\"data\":{\"features\":["
        "{\"sex\":\"male\",\"age\":22,\"member\":true},"
        "{\"sex\":\"female\",\"age\":38,\"member\":false},"
        "{\"sex\":\"female\",\"age\":null,\"member\":true},"
        "{\"sex\":\"male\",\"age\":35,\"member\":false}],"
        "\"targets\":[\"no\",\"yes\",\"yes\",\"no\"]}}";
    json_t *short_job = json_pack("{sisi}", "epochs", 200, "seed", 1);
    json_t *colours = json_pack("[sss]", "red", "green", "blue");
    json_t *blobs = table_blobs(60, colours);
    json_t *named = json_loads("{\"features\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":5},"
                               "{\"x\":2,\"y\":1},{\"x\":0,\"y\":4}],"
                               "\"targets\":[1.5,2.5,0.5,3.5]}",
                               0, NULL);
    bool ok = job_train(user, table_job("blobs", blobs, json_incref(short_job)), NULL);
    ok = ok &&
         job_train(user, table_job("planar", table_planar(40), json_incref(short_job)),
                   NULL);
    ok = ok &&
         job_train(user,
                   table_job("quadrants", table_quadrants(60), json_incref(short_job)),
                   NULL);
    ok = ok && job_train(user,
                         table_job("prices", table_prices(60),
                                   json_pack("{sssisf}", "normalize", "standard",
                                             "epochs", 200, "learning_rate", 1e-12)),
                         NULL);
    ok = ok && job_train(user, table_job("named", named, json_incref(short_job)), NULL);
    json_decref(short_job);
    json_decref(colours);
    return ok && job_train(user, json_loads(people, 0, NULL), NULL);
}

/* ---- server --------------------------------------------------------------------- */

/* GET /v2 and /v2/: name, version, extensions. */
static void test_server_metadata(void) {
    struct reply reply, slash;
    if (get(&reply, 200, "/v2") && get(&slash, 200, "/v2/")) {
        CHECK_TEXT(slash.body, reply.body);
        CHECK_TEXT(reply_text(reply.json, "/name"), "descentd");
        CHECK(*reply_text(reply.json, "/version"));
        check_json(&reply, "/extensions",
                   "[\"binary_tensor_data\",\"classification\",\"model_repository\","
                   "\"statistics\"]");
        CHECK(json_object_size(reply.json) == 3);
    }
    reply_free(&reply);
    reply_free(&slash);
}

static void test_health(void) {
    struct reply reply;
    if (get(&reply, 200, "/v2/health/live"))
        check_json(&reply, "", "{\"live\":true}");
    reply_free(&reply);
    if (get(&reply, 200, "/v2/health/ready"))
        check_json(&reply, "", "{\"live\":true,\"ready\":true}");
    reply_free(&reply);
    client_call(user, &reply, "POST", "/v2/health/live");
    CHECK(reply.status == 405);
    check_error(&reply, "allowed: GET");
    reply_free(&reply);
    if (get(&reply, 404, "/v2/health/other"))
        check_error(&reply, "no such path");
    reply_free(&reply);
}

/* ---- models --------------------------------------------------------------------- */

static void check_model(const char *path, const char *want) {
    struct reply reply;
    if (get(&reply, 200, path))
        check_json(&reply, "", want);
    reply_free(&reply);
}

#define PLATFORM "\"platform\":\"descentd\","
#define LABEL "{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[-1,1]}"
#define PROBABILITIES(k)                                                                 \
    "{\"name\":\"probabilities\",\"datatype\":\"FP32\",\"shape\":[-1," k "]}"
#define INPUT "\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[-1,2]}],"

/* Name, versions as texts, platform, and the tensors that inference takes and gives. */
static void test_model_metadata(void) {
    check_model("/v2/models/blobs",
                "{\"name\":\"blobs\",\"versions\":[\"1\"]," PLATFORM INPUT
                "\"outputs\":[" PROBABILITIES("3") "," LABEL "]}");
    check_model("/v2/models/planar/versions/1",
                "{\"name\":\"planar\",\"versions\":[\"1\"]," PLATFORM INPUT
                "\"outputs\":[" PROBABILITIES("2") "," LABEL "]}");
    check_model(
        "/v2/models/quadrants@latest",
        "{\"name\":\"quadrants\",\"versions\":[\"1\"]," PLATFORM INPUT
        "\"outputs\":[" PROBABILITIES("2") ",{\"name\":\"label\","
                                           "\"datatype\":\"BOOL\",\"shape\":[-1,2]}]}");
    check_model("/v2/models/prices",
                "{\"name\":\"prices\",\"versions\":[\"1\"]," PLATFORM INPUT
                "\"outputs\":[{\"name\":\"predictions\",\"datatype\":\"FP32\","
                "\"shape\":[-1,1]}]}");
    check_model("/v2/models/people",
                "{\"name\":\"people\",\"versions\":[\"1\"]," PLATFORM
                "\"inputs\":[{\"name\":\"sex\",\"datatype\":\"BYTES\",\"shape\":[-1,1]},"
                "{\"name\":\"age\",\"datatype\":\"FP32\",\"shape\":[-1,1]},"
                "{\"name\":\"member\",\"datatype\":\"BOOL\",\"shape\":[-1,1]}],"
                "\"outputs\":[" PROBABILITIES("2") "," LABEL "]}");
}

static void test_model_ready(void) {
    static const struct {
        const char *path;
        long status;
        const char *says;
    } cases[] = {
        {"/v2/models/blobs/ready", 200, NULL},
        {"/v2/models/blobs/versions/1/ready", 200, NULL},
        {"/v2/models/blobs/versions/2/ready", 404, "no version 2"},
        {"/v2/models/nobody/ready", 404, "no model nobody"},
        {"/v2/models/nobody", 404, "no model nobody"},
        {"/v2/models/blobs/versions/7", 404, "no version 7"},
        {"/v2/models/blobs/versions/0", 400, "version"},
        {"/v2/models/blobs/versions/v10", 404, "v10"},
        {"/v2/models/blobs@1/versions/1", 400, "and the path another"},
        {"/v2/models/bl%20obs", 400, "model"},
        {"/v2/models/blobs/versions/1/nothing", 404, "no such path"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply reply;
        if (get(&reply, cases[i].status, cases[i].path) && cases[i].says)
            check_error(&reply, cases[i].says);
        else if (reply.status == 200)
            check_json(&reply, "", "{\"name\":\"blobs\",\"ready\":true}");
        reply_free(&reply);
    }
}

/* ---- inference ------------------------------------------------------------------ */

#define ROWS "\"name\":\"input\",\"shape\":[2,2],\"datatype\":\"FP32\","
#define TWO "{\"inputs\":[{" ROWS "\"data\":[2.5,-0.5,-1.5,2.25]}]}"

/* The document of the answer; what was given comes back, and nothing else does. */
static void test_answer(void) {
    struct reply reply;
    if (infer(&reply, "blobs", TWO, 200)) {
        CHECK_TEXT(reply_text(reply.json, "/model_name"), "blobs");
        CHECK_TEXT(reply_text(reply.json, "/model_version"), "1");
        CHECK(!reply_at(reply.json, "/id") && !reply_at(reply.json, "/parameters"));
        CHECK(reply_count(reply.json, "/outputs") == 2);
        CHECK_TEXT(reply_text(reply.json, "/outputs/0/name"), "probabilities");
        CHECK_TEXT(reply_text(reply.json, "/outputs/0/datatype"), "FP32");
        check_json(&reply, "/outputs/0/shape", "[2,3]");
        CHECK(reply_count(reply.json, "/outputs/0/data") == 6);
        check_json(&reply, "/outputs/1",
                   "{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[2,1],"
                   "\"data\":[\"red\",\"green\"]}");
        char header[256];
        CHECK_TEXT(reply_header(&reply, "Inference-Header-Content-Length", header), "");
        CHECK(strncmp(reply_header(&reply, "Content-Type", header), "application/json",
                      16) == 0);
    }
    reply_free(&reply);
    if (infer(&reply, "blobs/versions/1",
              "{\"id\":\"4\\u00e42\",\"parameters\":{\"a\":1,\"b\":\"x\\\"y\",\"c\":true,"
              "\"d\":-1.5e-10,\"timeout\":90000000,\"priority\":3},\"inputs\":[{" ROWS
              "\"parameters\":{\"content_type\":\"np\"},\"data\":[1,2,3,4]}]}",
              200)) {
        CHECK_TEXT(reply_text(reply.json, "/id"), "4\xc3\xa4"
                                                  "2");
        check_json(&reply, "/parameters",
                   "{\"a\":1,\"b\":\"x\\\"y\",\"c\":true,\"d\":-1.5e-10,"
                   "\"timeout\":90000000,\"priority\":3}");
    }
    reply_free(&reply);
    if (infer(&reply, "blobs",
              "{\"model_name\":\"blobs\",\"model_version\":\"\",\"id\":\"\","
              "\"parameters\":{},\"outputs\":null,\"inputs\":[{" ROWS
              "\"data\":[1,2,3,4]}]}",
              200)) {
        check_json(&reply, "/id", "\"\"");
        check_json(&reply, "/parameters", "{}");
    }
    reply_free(&reply);
}

/* Data is row-major, flat or nested; members come in any order. */
static void test_forms(void) {
    static const char *const same[] = {
        "{\"inputs\":[{" ROWS "\"data\":[[2.5,-0.5],[-1.5,2.25]]}]}",
        "{\"inputs\":[{\"data\":[[2.5,-0.5],[-1.5,2.25]]," ROWS "\"parameters\":{}}]}",
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[2,1,2],\"datatype\":\"FP64\","
        "\"data\":[[[2.5,-0.5]],[[-1.5,2.25]]]}]}",
        "{\"outputs\":[{\"name\":\"probabilities\"},{\"name\":\"label\"}],"
        "\"inputs\":[{" ROWS "\"data\":[2.5,-0.5,-1.5,2.25]}]}",
        "{\"outputs\":[],\"inputs\":[{" ROWS "\"data\":[2.5,-0.5,-1.5,2.25]}]}",
    };
    struct reply reply, other;
    if (infer(&reply, "blobs", TWO, 200))
        for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
            if (infer(&other, "blobs", same[i], 200))
                CHECK_TEXT(other.body, reply.body);
            reply_free(&other);
        }
    reply_free(&reply);
}

/* `outputs` chooses, in its order. */
static void test_outputs(void) {
    struct reply reply;
    if (infer(&reply, "blobs",
              "{\"inputs\":[{" ROWS "\"data\":[2.5,-0.5,-1.5,2.25]}],"
              "\"outputs\":[{\"name\":\"label\"},{\"name\":\"probabilities\"}]}",
              200)) {
        CHECK_TEXT(reply_text(reply.json, "/outputs/0/name"), "label");
        CHECK_TEXT(reply_text(reply.json, "/outputs/1/name"), "probabilities");
    }
    reply_free(&reply);
    if (infer(&reply, "blobs",
              "{\"inputs\":[{" ROWS "\"data\":[2.5,-0.5,-1.5,2.25]}],"
              "\"outputs\":[{\"name\":\"label\"}]}",
              200))
        CHECK(reply_count(reply.json, "/outputs") == 1);
    reply_free(&reply);
}

/* The first output's numbers are those of /predict, digit by digit. */
static void check_as_predict(const char *model, const char *member) {
    struct reply reply, native;
    char body[256];
    snprintf(body, sizeof body,
             "{\"model\":\"%s\",\"instances\":[[2.5,-0.5],[-1.5,2.25]]}", model);
    if (infer(&reply, model, TWO, 200) && client_post(user, &native, "/predict", body)) {
        json_t *rows = reply_at(native.json, member), *flat = json_array(), *row;
        size_t i;
        json_array_foreach(rows, i, row) {
            if (json_is_array(row))
                json_array_extend(flat, row);
            else
                json_array_append(flat, row);
        }
        CHECK_SAY(json_array_size(flat) &&
                      json_equal(flat, reply_at(reply.json, "/outputs/0/data")),
                  "%s is not %s", reply.body, native.body);
        json_decref(flat);
        reply_free(&native);
    }
    reply_free(&reply);
}

static void test_as_predict(void) {
    check_as_predict("blobs", "/probabilities");
    check_as_predict("planar", "/probabilities");
    check_as_predict("quadrants", "/probabilities");
    check_as_predict("prices", "/predictions");
    struct reply reply;
    if (infer(&reply, "planar", TWO, 200))
        CHECK(strchr("01", *reply_text(reply.json, "/outputs/1/data/0")));
    reply_free(&reply);
    if (infer(&reply, "quadrants",
              "{\"inputs\":[{" ROWS "\"data\":[0.9,0.9,-0.9,0.9]}],"
              "\"outputs\":[{\"name\":\"label\"}]}",
              200))
        check_json(&reply, "/outputs/0",
                   "{\"name\":\"label\",\"datatype\":\"BOOL\",\"shape\":[2,2],"
                   "\"data\":[true,true,false,true]}");
    reply_free(&reply);
}

/* Every datatype that JSON has a form for. */
static void test_datatypes(void) {
    static const char *const types[] = {"UINT8", "UINT16", "UINT32", "UINT64", "INT8",
                                        "INT16", "INT32",  "INT64",  "FP64",   "FP32"};
    struct reply reply, other;
    char body[256];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(body, sizeof body,
                 "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,2],\"datatype\":\"%s\","
                 "\"data\":[1,0]}]}",
                 types[i]);
        if (infer(&other, "blobs", body, 200) && i > 0)
            CHECK_TEXT(other.body, reply.body);
        if (i > 0)
            reply_free(&reply);
        reply = other;
    }
    if (infer(&other, "blobs",
              "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,2],\"datatype\":\"BOOL\","
              "\"data\":[true,false]}]}",
              200))
        CHECK_TEXT(other.body, reply.body);
    reply_free(&other);
    reply_free(&reply);
}

/* ---- columns -------------------------------------------------------------------- */

#define SEX "{\"name\":\"sex\",\"shape\":[2,1],\"datatype\":\"BYTES\","
#define AGE "{\"name\":\"age\",\"shape\":[2],\"datatype\":\"INT32\","
#define MEMBER "{\"name\":\"member\",\"shape\":[2,1],\"datatype\":\"BOOL\","

/* A tensor a column, in any order, with what is missing; as /predict has it. */
static void test_columns(void) {
    struct reply reply, native;
    if (infer(&reply, "people",
              "{\"inputs\":[" AGE "\"data\":[30,null]}," MEMBER
              "\"data\":[true,false]}," SEX "\"data\":[[\"female\"],[\"other\"]]}]}",
              200) &&
        client_post(user, &native, "/predict",
                    "{\"model\":\"people\",\"instances\":["
                    "{\"sex\":\"female\",\"age\":30,\"member\":true},"
                    "{\"sex\":\"other\",\"age\":null,\"member\":false}]}")) {
        for (int i = 0; i < 4; i++) {
            char at[64], there[64];
            snprintf(at, sizeof at, "/outputs/0/data/%d", i);
            snprintf(there, sizeof there, "/probabilities/%d/%d", i / 2, i % 2);
            CHECK(json_equal(reply_at(reply.json, at), reply_at(native.json, there)));
        }
        CHECK_TEXT(reply_text(reply.json, "/outputs/1/data/0"),
                   reply_text(native.json, "/predictions/0"));
    }
    reply_free(&reply);
    reply_free(&native);
}

/* Columns of numbers: one tensor of all, or one of each. */
static void test_named_numbers(void) {
    struct reply whole, parts;
    if (infer(&whole, "named",
              "{\"inputs\":[{\"name\":\"input\",\"shape\":[2,2],\"datatype\":\"FP32\","
              "\"data\":[1,2,3,4]}]}",
              200) &&
        infer(&parts, "named",
              "{\"inputs\":[{\"name\":\"y\",\"shape\":[2],\"datatype\":\"FP64\","
              "\"data\":[2,4]},{\"name\":\"x\",\"shape\":[2,1],\"datatype\":\"UINT8\","
              "\"data\":[1,3]}]}",
              200))
        CHECK_TEXT(parts.body, whole.body);
    reply_free(&whole);
    reply_free(&parts);
}

/* ---- classification ------------------------------------------------------------- */

static void test_classification(void) {
    struct reply reply, plain;
    if (infer(&plain, "blobs", TWO, 200) &&
        infer(&reply, "blobs",
              "{\"inputs\":[{" ROWS "\"data\":[2.5,-0.5,-1.5,2.25]}],\"outputs\":["
              "{\"name\":\"probabilities\",\"parameters\":{\"classification\":2}}]}",
              200)) {
        CHECK_TEXT(reply_text(reply.json, "/outputs/0/datatype"), "BYTES");
        check_json(&reply, "/outputs/0/shape", "[2,2]");
        const char *first = reply_text(reply.json, "/outputs/0/data/0"), *colon;
        CHECK_SAY((colon = strchr(first, ':')) && strcmp(colon, ":2:red") == 0, "%s",
                  first);
        CHECK((float)atof(first) == (float)reply_number(plain.json, "/outputs/0/data/2"));
        const char *other = reply_text(reply.json, "/outputs/0/data/2");
        CHECK_SAY((colon = strchr(other, ':')) && strcmp(colon, ":1:green") == 0, "%s",
                  other);
    }
    reply_free(&reply);
    reply_free(&plain);
    /* More than there are: all. */
    if (infer(&reply, "blobs",
              "{\"inputs\":[{" ROWS "\"data\":[2.5,-0.5,-1.5,2.25]}],\"outputs\":["
              "{\"name\":\"probabilities\",\"parameters\":{\"classification\":99}}]}",
              200))
        check_json(&reply, "/outputs/0/shape", "[2,3]");
    reply_free(&reply);
    /* Without labels: value and index. */
    if (infer(&reply, "prices",
              "{\"inputs\":[{\"name\":\"input\",\"shape\":[2],\"datatype\":\"FP32\","
              "\"data\":[2000,3]}],\"outputs\":[{\"name\":\"predictions\","
              "\"parameters\":{\"classification\":1}}]}",
              200)) {
        const char *only = reply_text(reply.json, "/outputs/0/data/0");
        CHECK_SAY(strcmp(strchr(only, ':') ? strchr(only, ':') : "", ":0") == 0, "%s",
                  only);
    }
    reply_free(&reply);
}

/* ---- refusals ------------------------------------------------------------------- */

#define IN "{\"inputs\":[{\"name\":\"input\",\"shape\":"

static void test_refusals(void) {
    static const struct {
        const char *body, *says;
    } bad[] = {
        {"", "expected an object"},
        {"[]", "expected an object"},
        {"{", "line 1"},
        {"{}", "/inputs: is missing"},
        {"{\"inputs\":{}}", "/inputs: expected an array"},
        {"{\"inputs\":[]}", "at least one input"},
        {"{\"inputs\":[1]}", "/inputs/0: expected an object, got a number"},
        {"{\"inputs\":[{}]}", "/inputs/0/name: is missing"},
        {TWO "x", "the end"},
        {IN "[2,2],\"data\":[1,2,3,4]}]}", "/inputs/0/datatype: is missing"},
        {IN "[2,2],\"datatype\":\"FP32\"}]}", "/inputs/0/data: is missing"},
        {"{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"data\":[1,2]}]}",
         "/inputs/0/shape: expected an array"},
        {IN "[2,2],\"datatype\":\"FLOAT\",\"data\":[1,2,3,4]}]}", "got \"FLOAT\""},
        {IN "[2,2],\"datatype\":\"FP16\",\"data\":[1,2,3,4]}]}",
         "FP16 has no form in JSON"},
        {IN "[2,2],\"datatype\":\"BF16\",\"data\":[1,2,3,4]}]}",
         "BF16 has no form in JSON"},
        {IN "[2,2],\"datatype\":\"FP32\",\"data\":[1,2,3]}]}", "got 3"},
        {IN "[2,2],\"datatype\":\"FP32\",\"data\":[1,2,3,4,5]}]}", "got 5"},
        {IN "[1,3],\"datatype\":\"FP32\",\"data\":[1,2,3]}]}",
         "expected shape [-1,2], got [1,3]"},
        {IN "[0,2],\"datatype\":\"FP32\",\"data\":[]}]}", "at least one row"},
        {IN "[-1,2],\"datatype\":\"FP32\",\"data\":[1,2]}]}", "/inputs/0/shape/0"},
        {IN "[],\"datatype\":\"FP32\",\"data\":[]}]}", "1 to 8 dimensions"},
        {IN "[1,1,1,1,1,1,1,1,2],\"datatype\":\"FP32\",\"data\":[1,2]}]}", "got 9"},
        {IN "[4294967296,4294967296],\"datatype\":\"FP32\",\"data\":[1,2]}]}", "got 2"},
        {IN "[1,2],\"datatype\":\"FP32\",\"data\":[1,\"2\"]}]}", "/inputs/0/data/1"},
        {IN "[1,2],\"datatype\":\"FP32\",\"data\":[1,null]}]}", "/inputs/0/data/1"},
        {IN "[1,2],\"datatype\":\"FP32\",\"data\":[1,NaN]}]}", "NaN"},
        {IN "[1,2],\"datatype\":\"FP32\",\"data\":{\"a\":1}}]}", "/inputs/0/data"},
        {IN "[1,2],\"datatype\":\"FP32\",\"data\":[1,2],\"data\":[1,2]}]}",
         "given twice"},
        {IN "[1,2],\"datatype\":\"FP32\",\"dat\":[1,2]}]}", "unknown key \"dat\""},
        {IN "[1,2],\"datatype\":\"BYTES\",\"data\":[\"1\",\"2\"]}]}", "got BYTES"},
        {IN
         "[1,2],\"datatype\":\"FP32\",\"parameters\":{\"shared_memory_region\":\"a\"}}]}",
         "shared memory is not offered"},
        {IN "[1,2],\"datatype\":\"FP32\",\"parameters\":{\"a\":{}},\"data\":[1,2]}]}",
         "/inputs/0/parameters/a"},
        {"{\"inputs\":[{\"name\":\"inputs\",\"shape\":[1,2],\"datatype\":\"FP32\","
         "\"data\":[1,2]}]}",
         "no input \"inputs\"; the nearest is \"input\""},
        {"{\"inputs\":[{" ROWS "\"data\":[1,2,3,4]},{" ROWS "\"data\":[1,2,3,4]}]}",
         "expected one input"},
        {"{\"id\":7,\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}]}",
         "/id: expected a string"},
        {"{\"parameters\":[],\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}]}", "/parameters"},
        {"{\"parameters\":{\"a\":[]},\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}]}",
         "/parameters/a"},
        {"{\"model_name\":\"other\",\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}]}",
         "not what the path names"},
        {"{\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}],\"output\":[]}", "unknown key"},
        {"{\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}],\"outputs\":[{\"name\":\"y\"}]}",
         "no output \"y\"; it has probabilities and label"},
        {"{\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}],\"outputs\":[{}]}",
         "/outputs/0/name: is missing"},
        {"{\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}],\"outputs\":[{\"name\":\"label\"},"
         "{\"name\":\"label\"}]}",
         "comes twice"},
        {"{\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}],\"outputs\":[{\"name\":\"label\","
         "\"parameters\":{\"classification\":1}}]}",
         "not of BYTES"},
        {"{\"inputs\":[{" ROWS "\"data\":[1,2,3,4]}],\"outputs\":[{\"name\":\"label\","
         "\"parameters\":{\"binary_data\":1}}]}",
         "/outputs/0/parameters/binary_data"},
        {"{\"inputs\":[{\"name\":\"input\",\"shape\":[1,2],\"datatype\":\"FP32\","
         "\"parameters\":{\"binary_data_size\":8}}]}",
         "Inference-Header-Content-Length"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused("blobs", bad[i].body, 400, bad[i].says);
    check_refused("blobs", IN "[1,2],\"datatype\":\"FP32\",\"data\":[1,1e39]}]}", 400,
                  "float32");
    check_refused("blobs", IN "[1,2],\"datatype\":\"UINT8\",\"data\":[1,256]}]}", 400,
                  "256 is outside UINT8");
    check_refused("nobody", TWO, 404, "nobody");
    check_refused("blobs/versions/9", TWO, 404, "version 9");
    check_refused("people", TWO, 400, "no input \"input\"");
    check_refused("people", "{\"inputs\":[" SEX "\"data\":[\"a\",\"b\"]}]}", 400,
                  "is missing");
}

/* ---- versions ------------------------------------------------------------------- */

static void test_versions(void) {
    struct reply reply;
    json_t *two = json_pack("[ss]", "one", "two");
    json_t *job =
        table_job("blobs", table_blobs(30, two), json_pack("{si}", "epochs", 50));
    json_decref(two);
    if (!CHECK(job_train(user, job, NULL)))
        return;
    struct request put = {.method = "PUT",
                          .path = "/v1/models/blobs/aliases/production",
                          .body = "{\"version\":1}",
                          .body_n = 13};
    client_send(user, &put, &reply);
    CHECK(reply.status == 201);
    reply_free(&reply);
    static const char *const first[] = {"blobs/versions/1", "blobs@1",
                                        "blobs/versions/production", "blobs@production"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        if (infer(&reply, first[i], TWO, 200)) {
            CHECK_TEXT(reply_text(reply.json, "/model_name"), "blobs");
            CHECK_TEXT(reply_text(reply.json, "/model_version"), "1");
        }
        reply_free(&reply);
    }
    /* As KServe's client has it: the model's name in the document too. */
    static const char *const names[] = {"blobs", "blobs@production"};
    for (size_t i = 0; i < 2; i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"id\":\"1\",\"model_name\":\"%s\",%s", names[i],
                 &TWO[1]);
        infer(&reply, "blobs@production", body, 200);
        reply_free(&reply);
    }
    if (infer(&reply, "blobs", TWO, 200))
        CHECK_TEXT(reply_text(reply.json, "/model_version"), "2");
    reply_free(&reply);
    if (get(&reply, 200, "/v2/models/blobs/versions/1"))
        check_json(&reply, "/versions", "[\"1\",\"2\"]");
    reply_free(&reply);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    if (models_train()) {
        CHECK_RUN(test_server_metadata);
        CHECK_RUN(test_health);
        CHECK_RUN(test_model_metadata);
        CHECK_RUN(test_model_ready);
        CHECK_RUN(test_answer);
        CHECK_RUN(test_forms);
        CHECK_RUN(test_outputs);
        CHECK_RUN(test_as_predict);
        CHECK_RUN(test_datatypes);
        CHECK_RUN(test_columns);
        CHECK_RUN(test_named_numbers);
        CHECK_RUN(test_classification);
        CHECK_RUN(test_refusals);
        CHECK_RUN(test_versions);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
