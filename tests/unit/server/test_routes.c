#include "server/routes.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

/* Splits a path of plain segments. */
static enum route_match found_in(const struct route *table, size_t table_n,
                                 const char *method, const char *path,
                                 const struct route **route, const char *parameters[2],
                                 char allow[64]) {
    static char text[256];
    struct http_request request = {.method = method};
    snprintf(text, sizeof text, "%s", path);
    for (char *at = text; *at == '/';) {
        *at++ = '\0';
        request.segments[request.segments_n++] = at;
        at += strcspn(at, "/:");
    }
    char *colon = strrchr(path, ':') ? text + (strrchr(path, ':') - path) : NULL;
    if (colon) {
        *colon = '\0';
        request.verb = colon + 1;
    }
    *route = NULL;
    return route_find(table, table_n, &request, route, parameters, allow);
}

static enum route_match found(const char *method, const char *path,
                              const struct route **route, const char *parameters[2],
                              char allow[64]) {
    return found_in(routes, routes_n, method, path, route, parameters, allow);
}

static void check_found(const char *method, const char *path, const char *name,
                        const char *first, const char *second) {
    const struct route *route;
    const char *parameters[2] = {"", ""};
    char allow[64];
    CHECK_SAY(found(method, path, &route, parameters, allow) == ROUTE_FOUND && route,
              "%s %s", method, path);
    if (!route)
        return;
    CHECK_TEXT(route->name, name);
    if (first)
        CHECK_TEXT(parameters[0], first);
    if (second)
        CHECK_TEXT(parameters[1], second);
}

static void test_found(void) {
    check_found("POST", "/predict", "predict", NULL, NULL);
    check_found("POST", "/v1/jobs", "jobs_create", NULL, NULL);
    check_found("GET", "/v1/jobs", "jobs_list", NULL, NULL);
    check_found("GET", "/v1/jobs/j", "jobs_get", "j", NULL);
    check_found("HEAD", "/v1/jobs/j", "jobs_get", "j", NULL);
    check_found("GET", "/v1/jobs/j/history", "jobs_history", "j", NULL);
    check_found("POST", "/v1/jobs/j/cancel", "jobs_cancel", "j", NULL);
    check_found("GET", "/v1/models", "models_list", NULL, NULL);
    check_found("GET", "/v1/models/m", "models_get", "m", NULL);
    check_found("DELETE", "/v1/models/m", "models_delete", "m", NULL);
    check_found("GET", "/v1/models/m/versions", "versions_list", "m", NULL);
    check_found("GET", "/v1/models/m/versions/3", "versions_get", "m", "3");
    check_found("POST", "/v1/models/m/versions", "versions_import", "m", NULL);
    check_found("DELETE", "/v1/models/m/versions/3", "versions_delete", "m", "3");
    check_found("GET", "/v1/models/m/versions/3/export", "versions_export", "m", "3");
    check_found("GET", "/v1/models/m/aliases", "aliases_list", "m", NULL);
    check_found("GET", "/v1/models/m/aliases/a", "aliases_get", "m", "a");
    check_found("PUT", "/v1/models/m/aliases/a", "aliases_put", "m", "a");
    check_found("DELETE", "/v1/models/m/aliases/a", "aliases_delete", "m", "a");
    check_found("POST", "/v1/models/m:predict", "models_predict", "m", NULL);
    check_found("POST", "/v1/models/m:CLASSIFY", "models_classify", "m", NULL);
    check_found("POST", "/v1/models/m/versions/3:Regress", "versions_regress", "m", "3");
    check_found("POST", "/v1/models/m/labels/a:predict", "labels_predict", "m", "a");
    check_found("GET", "/v1/models/m/labels/a", "labels_get", "m", "a");
    check_found("GET", "/v1/models/m/metadata", "models_metadata", "m", NULL);
    check_found("GET", "/v1/models/m/labels/a/metadata", "labels_metadata", "m", "a");
    check_found("GET", "/livez", "livez", NULL, NULL);
    check_found("GET", "/readyz", "readyz", NULL, NULL);
    check_found("GET", "/metrics", "metrics", NULL, NULL);
}

static void check_method(const char *method, const char *path, const char *allowed) {
    const struct route *route;
    const char *parameters[2];
    char allow[64];
    CHECK_SAY(found(method, path, &route, parameters, allow) == ROUTE_NO_METHOD && !route,
              "%s %s", method, path);
    CHECK_TEXT(allow, allowed);
}

static void test_methods(void) {
    check_method("GET", "/predict", "POST");
    check_method("HEAD", "/predict", "POST");
    check_method("DELETE", "/v1/jobs", "POST, GET, HEAD");
    check_method("POST", "/v1/jobs/j", "GET, HEAD, DELETE");
    check_method("PUT", "/v1/models/m", "GET, HEAD, DELETE");
    check_method("get", "/livez", "GET, HEAD");
    check_method("POST", "/v1/models/m/aliases/a", "GET, HEAD, PUT, DELETE");
    check_method("PUT", "/v1/models/m/versions/3", "GET, HEAD, DELETE");
    check_method("OPTIONS", "/v1/jobs/j/cancel", "POST");
}

static void test_no_path(void) {
    static const char *const paths[] = {"/predict/x",
                                        "/Predict",
                                        "/predic",
                                        "/predictx",
                                        "/v1",
                                        "/v1/job",
                                        "/v1/jobs/",
                                        "/v1/models/",
                                        "/predict:predict",
                                        "/v1/jobs/j/histories",
                                        "/v1/jobs/j/history/x",
                                        "/v2/jobs",
                                        "/v1/models/m/versions/3/x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct route *route;
        const char *parameters[2];
        char allow[64];
        CHECK_SAY(found("GET", paths[i], &route, parameters, allow) == ROUTE_NO_PATH,
                  "%s", paths[i]);
    }
}

/* The table is sound: names and places are told apart, GET has no body. */
static void test_table(void) {
    for (size_t i = 0; i < routes_n; i++) {
        const struct route *r = &routes[i];
        CHECK(r->pattern[0] == '/' && !r->handler == !!r->stream &&
              (r->query || r->errors == ERRORS_PLAIN) && r->subsystem < SUBSYSTEMS_N);
        CHECK_SAY(r->body == BODY_NONE || strcmp(r->method, "POST") == 0 ||
                      strcmp(r->method, "PUT") == 0,
                  "%s", r->name);
        for (size_t j = 0; j < i; j++) {
            CHECK_SAY(strcmp(r->name, routes[j].name) != 0, "%s", r->name);
            CHECK_SAY(strcmp(r->pattern, routes[j].pattern) != 0 ||
                          strcmp(r->method, routes[j].method) != 0,
                      "%s %s", r->method, r->pattern);
        }
    }
}

static void test_verbs(void) {
    static const struct route table[] = {
        {.method = "POST", .pattern = "/v1/models/{name}:predict", .name = "one"},
        {.method = "GET", .pattern = "/v1/models/{name}", .name = "two"},
        {.method = "GET", .pattern = "/v2/", .name = "three"}};
    static const struct {
        const char *method, *path, *name;
    } wanted[] = {{"POST", "/v1/models/m:predict", "one"},
                  {"POST", "/v1/models/m:PREDICT", "one"},
                  {"GET", "/v1/models/m", "two"},
                  {"GET", "/v2/", "three"},
                  {"POST", "/v1/models/m:predicts", NULL},
                  {"POST", "/v1/models/:predict", NULL},
                  {"GET", "/v1/models/m:", NULL},
                  {"GET", "/v1/models/", NULL},
                  {"GET", "/v2", NULL}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct route *route = NULL;
        const char *parameters[2] = {"", ""};
        char allow[64];
        bool ok = found_in(table, 3, wanted[i].method, wanted[i].path, &route, parameters,
                           allow) == ROUTE_FOUND;
        CHECK_SAY(ok == !!wanted[i].name, "%s", wanted[i].path);
        if (ok && wanted[i].name)
            CHECK_TEXT(route->name, wanted[i].name);
        if (ok && strstr(wanted[i].path, "/m"))
            CHECK_TEXT(parameters[0], "m");
    }
}

static void test_errors(void) {
    const struct route native = {.errors = ERRORS_NATIVE};
    struct http_request request = {.segments = {"v2", "x"}, .segments_n = 2};
    CHECK(route_errors(NULL, &request) == ERRORS_PLAIN);
    CHECK(route_errors(&native, &request) == ERRORS_NATIVE);
    request.segments[0] = "v1";
    CHECK(route_errors(NULL, &request) == ERRORS_NATIVE);
    request.verb = "predict";
    CHECK(route_errors(NULL, &request) == ERRORS_PLAIN);
    request = (struct http_request){0};
    CHECK(route_errors(NULL, &request) == ERRORS_NATIVE);
}

int main(void) {
    CHECK_RUN(test_found);
    CHECK_RUN(test_methods);
    CHECK_RUN(test_no_path);
    CHECK_RUN(test_table);
    CHECK_RUN(test_verbs);
    CHECK_RUN(test_errors);
    return check_done();
}
