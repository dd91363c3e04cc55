/* Every request in tests/bad gets the refusal that stands beside it, and none leaves a
 * trace. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

#define FOLDER "tests/bad"
#define A16 "aaaaaaaaaaaaaaaa"

enum { HEADERS_MAX = 8, CASES_MIN = 290 };

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;
static char job_id[JOB_ID_BYTES];

static char *decode_hex(const char *hex, size_t *n) {
    *n = strlen(hex) / 2;
    char *bytes = malloc(*n + 1);
    for (size_t i = 0; bytes && i < *n; i++) {
        unsigned value = 0;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1)
            break;
        bytes[i] = (char)value;
    }
    return bytes;
}

static char *repeat(const char *before, const char *unit, size_t times, const char *after,
                    size_t *n) {
    size_t before_n = strlen(before), unit_n = strlen(unit), after_n = strlen(after);
    *n = before_n + unit_n * times + after_n;
    char *bytes = malloc(*n + 1);
    if (!bytes)
        return NULL;
    memcpy(bytes, before, before_n);
    for (size_t i = 0; i < times; i++)
        memcpy(bytes + before_n + i * unit_n, unit, unit_n);
    memcpy(bytes + *n - after_n, after, after_n);
    return bytes;
}

/* The request's body, whichever way it is written down. @return NULL when it has none. */
static char *body_of(const json_t *request, size_t *n) {
    const json_t *text = reply_at(request, "/body"),
                 *document = reply_at(request, "/body_json");
    char *body = NULL;
    if (reply_at(request, "/body_hex"))
        return decode_hex(reply_text(request, "/body_hex"), n);
    if (reply_at(request, "/body_repeated"))
        return repeat(reply_text(request, "/body_before"),
                      reply_text(request, "/body_repeated"),
                      (size_t)reply_number(request, "/times"),
                      reply_text(request, "/body_after"), n);
    if (text)
        body = strdup(json_string_value(text));
    else if (document)
        body = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
    *n = body ? strlen(body) : 0;
    return body;
}

/* Copies the path with the job's id in the place of "{job}". */
static void copy_path(const char *path, char to[512]) {
    const char *hole = strstr(path, "{job}");
    if (hole)
        snprintf(to, 512, "%.*s%s%s", (int)(hole - path), path, job_id, hole + 5);
    else
        snprintf(to, 512, "%s", path);
}

static bool send_case(const json_t *request, struct reply *reply) {
    char path[512];
    const char *headers[HEADERS_MAX + 1] = {NULL};
    size_t body_n = 0;
    char *body = body_of(request, &body_n);
    copy_path(reply_text(request, "/path"), path);
    for (size_t i = 0; i < HEADERS_MAX && i < reply_count(request, "/headers"); i++)
        headers[i] = json_string_value(json_array_get(reply_at(request, "/headers"), i));
    bool ok = client_send(user,
                          &(struct request){.method = reply_text(request, "/method"),
                                            .path = path,
                                            .headers = headers,
                                            .body = body,
                                            .body_n = body_n},
                          reply);
    free(body);
    return ok;
}

static bool headers_match(const json_t *want, const struct reply *reply) {
    const char *name;
    json_t *part;
    char value[256];
    json_object_foreach((json_t *)want, name, part) {
        if (!strstr(reply_header(reply, name, value), json_string_value(part)))
            return false;
    }
    return true;
}

/* As other protocols' clients know it: nothing but {"error":"text"}. */
static bool is_plainly_refused_as(const json_t *want, const struct reply *reply) {
    char id[256], type[256];
    return reply->status == (long)reply_number(want, "/status") &&
           json_object_size(reply->json) == 1 &&
           strcasestr(reply_text(reply->json, "/error"),
                      reply_text(want, "/error_contains")) &&
           headers_match(reply_at(want, "/headers"), reply) &&
           *reply_header(reply, "X-Request-Id", id) &&
           strncmp(reply_header(reply, "Content-Type", type), "application/json", 16) ==
               0;
}

static bool is_refused_as(const json_t *want, const struct reply *reply) {
    if (reply_at(want, "/error_contains"))
        return is_plainly_refused_as(want, reply);
    const json_t *param = reply_at(want, "/param"),
                 *got = reply_at(reply->json, "/error/param");
    const char *message = reply_text(reply->json, "/error/message");
    char id[256], type[256];
    return reply->status == (long)reply_number(want, "/status") &&
           strcmp(reply_text(reply->json, "/error/code"), reply_text(want, "/code")) ==
               0 &&
           (!param || json_equal(param, got)) && got && *message &&
           strcasestr(message, reply_text(want, "/message_contains")) &&
           headers_match(reply_at(want, "/headers"), reply) &&
           *reply_header(reply, "X-Request-Id", id) &&
           strcmp(id, reply_text(reply->json, "/error/request_id")) == 0 &&
           strncmp(reply_header(reply, "Content-Type", type), "application/json", 16) ==
               0;
}

static void check_case(const char *name) {
    char path[512];
    struct reply reply = {0};
    json_error_t error;
    snprintf(path, sizeof path, FOLDER "/%s", name);
    json_t *want = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (CHECK_SAY(want, "%s: %s", path, error.text)) {
        bool answered = send_case(reply_at(want, "/request"), &reply);
        CHECK_SAY(answered && is_refused_as(want, &reply),
                  "%s: wanted %g %s at %s (\"%s%s\"), got %ld %s", name,
                  reply_number(want, "/status"), reply_text(want, "/code"),
                  reply_text(want, "/param"), reply_text(want, "/message_contains"),
                  reply_text(want, "/error_contains"), reply.status, reply.body);
    }
    reply_free(&reply);
    json_decref(want);
}

static int is_case(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

static void test_bad_requests(void) {
    struct dirent **entries = NULL;
    int n = scandir(FOLDER, &entries, is_case, alphasort);
    CHECK_SAY(n >= CASES_MIN, "%d cases in " FOLDER, n);
    for (int i = 0; i < n; i++) {
        check_case(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void test_request_ids(void) {
    static const struct {
        const char *given;
        bool kept;
    } cases[] = {{"X-Request-Id: abc.DEF_1-9", true},
                 {"X-Request-Id: two words", false},
                 {"X-Request-Id: \"quoted\"", false},
                 {"X-Request-Id: " A16 A16 A16 A16 "a", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply reply;
        char id[256];
        struct request request = {.path = "/v1/things",
                                  .headers = (const char *const[]){cases[i].given, NULL}};
        client_send(user, &request, &reply);
        reply_header(&reply, "X-Request-Id", id);
        CHECK_SAY((strcmp(id, strchr(cases[i].given, ' ') + 1) == 0) == cases[i].kept,
                  "%s: %s", cases[i].given, id);
        CHECK(*id);
        CHECK_TEXT(reply_text(reply.json, "/error/request_id"), id);
        reply_free(&reply);
    }
}

/* What is allowed beside what is refused. */
static void test_own_origin(void) {
    struct reply reply;
    char origin[64];
    snprintf(origin, sizeof origin, "Origin: http://127.0.0.1:%d", daemon_of_all.port);
    struct request request = {.path = "/v1/jobs",
                              .headers = (const char *const[]){origin, NULL}};
    client_send(user, &request, &reply);
    CHECK(reply.status == 200);
    reply_free(&reply);
}

/* The two jobs of the set-up and their models are all there is. */
static void test_nothing_was_kept(void) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs");
    CHECK_SAY(reply_count(reply.json, "/data") == 2, "%.500s", reply.body);
    reply_free(&reply);
    client_get(user, &reply, "/v1/models");
    CHECK(reply_count(reply.json, "/data") == 2);
    reply_free(&reply);
    client_get(user, &reply, "/v1/datasets");
    CHECK(reply.status == 200 && reply_count(reply.json, "/data") == 1);
    reply_free(&reply);
    client_get(user, &reply, "/readyz");
    CHECK(reply.status == 200);
    reply_free(&reply);
}

static bool dataset_put(void) {
    static const char small[] = "a,b,y\n1,2,0\n2,1,1\n3,5,1\n";
    struct reply reply;
    client_send(user,
                &(struct request){.method = "PUT",
                                  .path = "/v1/datasets/small",
                                  .body = small,
                                  .body_n = sizeof small - 1},
                &reply);
    bool ok = CHECK_SAY(reply.status == 201, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
    return ok;
}

static bool set_up(void) {
    struct reply reply;
    bool ok = job_train(user, table_job("planar", table_planar(40), NULL), &reply);
    snprintf(job_id, sizeof job_id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    return ok && dataset_put() &&
           job_train(user, table_job("other", table_planar(40), NULL), NULL);
}

int main(void) {
    static const char *const flags[] = {"--body-bytes-max",
                                        "1048576",
                                        "--upload-bytes-max",
                                        "2097152",
                                        "--job-memory-max",
                                        "268435456",
                                        NULL};
    if (!daemon_start(&daemon_of_all, flags))
        return 1;
    if (set_up()) {
        CHECK_RUN(test_bad_requests);
        CHECK_RUN(test_request_ids);
        CHECK_RUN(test_own_origin);
        CHECK_RUN(test_nothing_was_kept);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
