/* The short cut of predict_decode is one: what it says is what the whole way says. */
#include "api/predict_private.h"

#include <dirent.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/random.h"
#include "tests/unit/check.h"

static bool err_same(const struct err *a, const struct err *b) {
    return a->kind == b->kind && strcmp(a->text, b->text) == 0 &&
           strcmp(a->where, b->where) == 0;
}

static bool request_same(const struct predict_request *a,
                         const struct predict_request *b) {
    size_t n = a->instances.rows_n * a->instances.columns_n;
    return strcmp(a->model.name, b->model.name) == 0 &&
           strcmp(a->model.alias, b->model.alias) == 0 &&
           a->model.version == b->model.version && a->flat == b->flat &&
           a->keyed == b->keyed && a->raw == b->raw && a->raw_end == b->raw_end &&
           a->instances.rows_n == b->instances.rows_n &&
           a->instances.columns_n == b->instances.columns_n &&
           err_same(&a->not_numbers, &b->not_numbers) &&
           (!n || memcmp(a->instances.values, b->instances.values,
                         n * sizeof *a->instances.values) == 0);
}

/* The body ends with its block. @return whether both ways agree. */
static bool same(const char *body, size_t n, bool *accepted) {
    char *block = malloc(n ? n : 1);
    if (!block)
        abort();
    memcpy(block, body, n);
    struct predict_request cut, whole;
    struct err cut_e = {0}, whole_e = {0};
    bool got = predict_decode(block, n, &cut, &cut_e);
    bool want = predict_decode_any(block, n, &whole, &whole_e);
    bool ok = got == want && err_same(&cut_e, &whole_e) && request_same(&cut, &whole);
    *accepted = want;
    predict_request_free(&cut);
    predict_request_free(&whole);
    free(block);
    return CHECK_SAY(ok, "%.*s: %d (%s: %s), but %d (%s: %s)", (int)(n < 300 ? n : 300),
                     body, got, cut_e.where, cut_e.text, want, whole_e.where,
                     whole_e.text);
}

static const char *const texts[] = {
    "{\"model\":\"tiny\",\"instances\":[[0.1,0.2,0.3,0.4]]}",
    "{\"instances\":[[1,2],[3,4]],\"model\":\"iris@3\"}",
    " {\n\"instances\" : [ [ 1e3 , -2 ] ] , \"model\" : \"a.b-c_d@production\" } \n",
    "{\"instances\":[1,2,3]}",
    "{\"instances\":[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]}",
    "{\"model\":\"m\",\"instances\":[{\"a\":1,\"b\":\"x\"},{\"b\":null}]}",
    "{\"model\":\"m@latest\",\"instances\":[[1,\"x\"]]}",
    "{\"mod\\u0065l\":\"m\",\"inst\\u0061nces\":[[1]]}",
    "{\"model\":\"\\u006d\",\"instances\":[[1]]}",
    "{\"model\":null,\"instances\":null}",
    "{\"model\":\"m\",\"instances\":[[1]],\"instances\":[[1]]}",
    "{\"model\":\"m\",\"model\":\"m\",\"instances\":[[1]]}",
    "{\"instances\":[[1]],\"parameters\":{}}",
    "{\"model\":\"m@-1\",\"instances\":[[1]]}",
    "{\"model\":\"a\xc3\xa9\",\"instances\":[[1]]}",
    "{\"model\":\"\",\"instances\":[[1e39]]}",
    "{}",
    "[]"};
enum { TEXTS_N = sizeof texts / sizeof *texts };

static void test_texts(void) {
    int accepted_n = 0;
    for (size_t i = 0; i < TEXTS_N; i++) {
        bool accepted;
        for (size_t n = 0; n < strlen(texts[i]); n++)
            same(texts[i], n, &accepted);
        same(texts[i], strlen(texts[i]), &accepted);
        accepted_n += accepted;
    }
    CHECK(accepted_n == 9);
}

static size_t mutate(char *text, size_t n) {
    static const char bytes[] = "{}[]\",:\\/u0d8e19.-+ \ntfn\xc3\xa9@m\x00\x01";
    return random_edit(text, n, bytes, sizeof bytes - 1);
}

static void test_mutations(void) {
    int accepted_n = 0, refused_n = 0;
    for (int i = 0; i < 60000; i++) {
        char text[256];
        size_t n = strlen(texts[i % TEXTS_N]);
        bool accepted;
        memcpy(text, texts[i % TEXTS_N], n);
        n = mutate(text, n);
        if (!same(text, n, &accepted))
            return;
        accepted_n += accepted;
        refused_n += !accepted;
    }
    CHECK_SAY(accepted_n > 1000 && refused_n > 3000, "%d accepted, %d refused",
              accepted_n, refused_n);
}

/* Names of every length, and a document that is nearly all spaces. */
static void test_limits(void) {
    enum { REST_MAX = 64 << 10 };
    static char body[REST_MAX + 256];
    bool accepted;
    for (int n = 0; n < 300; n++) {
        int length =
            snprintf(body, sizeof body, "{\"model\":\"%0*d%s1\",\"instances\":[[1]]}",
                     n + 1, 0, n % 3 ? "@" : "");
        same(body, (size_t)length, &accepted);
    }
    int accepted_n = 0;
    for (int n = REST_MAX - 40; n < REST_MAX + 10; n++) {
        int length = snprintf(body, sizeof body, "{%*s\"instances\":[[1,2,3]]}", n, "");
        same(body, (size_t)length, &accepted);
        accepted_n += accepted;
    }
    CHECK_SAY(accepted_n > 10 && accepted_n < 40, "%d accepted", accepted_n);
}

/* ---- what is kept of bad requests ------------------------------------------------ */

static bool bad_check(const char *path) {
    json_t *root = json_load_file(path, 0, NULL), *request, *json;
    const char *route = "", *body = NULL;
    request = json_object_get(root, "request");
    if (json_is_string(json_object_get(request, "path")))
        route = json_string_value(json_object_get(request, "path"));
    json = json_object_get(request, "body_json");
    char *dumped = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    body = dumped ? dumped : json_string_value(json_object_get(request, "body"));
    bool is_one = body && strncmp(route, "/predict", 8) == 0, accepted;
    if (is_one)
        same(body, strlen(body), &accepted);
    free(dumped);
    json_decref(root);
    return is_one;
}

static void test_bad_inputs(void) {
    DIR *folder = opendir("tests/bad");
    int n = 0;
    if (!CHECK(folder))
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[512];
        snprintf(path, sizeof path, "tests/bad/%s", entry->d_name);
        n += strstr(path, ".json") && bad_check(path);
    }
    closedir(folder);
    CHECK_SAY(n > 40, "%d bodies", n);
}

int main(void) {
    CHECK_RUN(test_texts);
    CHECK_RUN(test_mutations);
    CHECK_RUN(test_limits);
    CHECK_RUN(test_bad_inputs);
    return check_done();
}
