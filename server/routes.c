#include "server/routes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/handlers.h"

#define DATASETS_PUT_QUERY "format header delimiter"

const struct route routes[] = {
    {"POST", "/predict", "predict", handle_predict, SUBSYSTEM_PREDICT, false,
     BODY_JSON | BODY_CSV | BODY_NPY | BODY_BYTES, "model min_version", NULL,
     ERRORS_NATIVE, &predict_intake},
    {"POST", "/v2/models/{name}/infer", "oip_infer", handle_oip_infer, SUBSYSTEM_PREDICT,
     false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, &oip_infer_intake},
    {"POST", "/v2/models/{name}/versions/{version}/infer", "oip_version_infer",
     handle_oip_infer, SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL,
     ERRORS_PLAIN, &oip_infer_intake},
    {"POST", "/v1/jobs", "jobs_create", handle_jobs_create, SUBSYSTEM_JOBS, true,
     BODY_JSON, "", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/jobs", "jobs_list", handle_jobs_list, SUBSYSTEM_JOBS, true, BODY_NONE,
     "status model after limit", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/jobs/{id}", "jobs_get", handle_jobs_get, SUBSYSTEM_JOBS, true, BODY_NONE,
     "wait", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/jobs/{id}/history", "jobs_history", handle_jobs_history, SUBSYSTEM_JOBS,
     true, BODY_NONE, "max_points since_epoch", NULL, ERRORS_NATIVE, NULL},
    {"DELETE", "/v1/jobs/{id}", "jobs_delete", handle_jobs_delete, SUBSYSTEM_JOBS, true,
     BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/jobs/{id}/events", "jobs_events", handle_jobs_events, SUBSYSTEM_EVENTS,
     true, BODY_NONE, "after limit", NULL, ERRORS_NATIVE, NULL},
    {"POST", "/v1/jobs/{id}/cancel", "jobs_cancel", handle_jobs_cancel, SUBSYSTEM_JOBS,
     true, BODY_JSON | BODY_OPTIONAL, "", NULL, ERRORS_NATIVE, NULL},
    {"POST", "/v1/jobs/{id}/pause", "jobs_pause", handle_jobs_pause, SUBSYSTEM_JOBS, true,
     BODY_JSON | BODY_OPTIONAL, "", NULL, ERRORS_NATIVE, NULL},
    {"POST", "/v1/jobs/{id}/resume", "jobs_resume", handle_jobs_resume, SUBSYSTEM_JOBS,
     true, BODY_JSON | BODY_OPTIONAL, "", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/jobs/{id}/checkpoints", "checkpoints_list", handle_checkpoints_list,
     SUBSYSTEM_JOBS, true, BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"POST", "/v1/jobs/{id}/checkpoints/{number}/publish", "checkpoints_publish",
     handle_checkpoints_publish, SUBSYSTEM_JOBS, true, BODY_JSON | BODY_OPTIONAL, "",
     NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/models", "models_list", handle_models_list, SUBSYSTEM_MODELS, true,
     BODY_NONE, "after limit", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/models/{name}", "models_get", handle_models_get, SUBSYSTEM_MODELS, true,
     BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"DELETE", "/v1/models/{name}", "models_delete", handle_models_delete,
     SUBSYSTEM_MODELS, true, BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/models/{name}/versions", "versions_list", handle_versions_list,
     SUBSYSTEM_MODELS, true, BODY_NONE, "after limit", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/models/{name}/versions/{version}", "versions_get", handle_versions_get,
     SUBSYSTEM_MODELS, true, BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"DELETE", "/v1/models/{name}/versions/{version}", "versions_delete",
     handle_versions_delete, SUBSYSTEM_MODELS, true, BODY_NONE, "", NULL, ERRORS_NATIVE,
     NULL},
    {"POST", "/v1/models/{name}/versions", "versions_import", handle_versions_import,
     SUBSYSTEM_MODELS, true, BODY_BYTES, "activations orientation labels", NULL,
     ERRORS_NATIVE, NULL},
    {"GET", "/v1/models/{name}/versions/{version}/export", "versions_export",
     handle_versions_export, SUBSYSTEM_MODELS, true, BODY_NONE, "format", NULL,
     ERRORS_NATIVE, NULL},
    {"GET", "/v1/models/{name}/aliases", "aliases_list", handle_aliases_list,
     SUBSYSTEM_MODELS, true, BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"GET", "/v1/models/{name}/aliases/{alias}", "aliases_get", handle_aliases_get,
     SUBSYSTEM_MODELS, true, BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"PUT", "/v1/models/{name}/aliases/{alias}", "aliases_put", handle_aliases_put,
     SUBSYSTEM_MODELS, true, BODY_JSON, "", NULL, ERRORS_NATIVE, NULL},
    {"DELETE", "/v1/models/{name}/aliases/{alias}", "aliases_delete",
     handle_aliases_delete, SUBSYSTEM_MODELS, true, BODY_NONE, "", NULL, ERRORS_NATIVE,
     NULL},
    {"GET", "/v1/models/{name}/labels/{label}", "labels_get", handle_labels_get,
     SUBSYSTEM_MODELS, true, BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v1/models/{name}/metadata", "models_metadata", handle_metadata,
     SUBSYSTEM_PREDICT, true, BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v1/models/{name}/versions/{version}/metadata", "versions_metadata",
     handle_metadata, SUBSYSTEM_PREDICT, true, BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v1/models/{name}/labels/{label}/metadata", "labels_metadata",
     handle_metadata, SUBSYSTEM_PREDICT, true, BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}:predict", "models_predict", handle_tfs, SUBSYSTEM_PREDICT,
     false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}/versions/{version}:predict", "versions_predict",
     handle_tfs, SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL,
     ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}/labels/{label}:predict", "labels_predict", handle_tfs,
     SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}:classify", "models_classify", handle_tfs,
     SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}/versions/{version}:classify", "versions_classify",
     handle_tfs, SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL,
     ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}/labels/{label}:classify", "labels_classify", handle_tfs,
     SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}:regress", "models_regress", handle_tfs, SUBSYSTEM_PREDICT,
     false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}/versions/{version}:regress", "versions_regress",
     handle_tfs, SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL,
     ERRORS_PLAIN, NULL},
    {"POST", "/v1/models/{name}/labels/{label}:regress", "labels_regress", handle_tfs,
     SUBSYSTEM_PREDICT, false, BODY_JSON | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v1/datasets", "datasets_list", handle_datasets_list, SUBSYSTEM_DATASETS,
     true, BODY_NONE, "after limit", NULL, ERRORS_NATIVE, NULL},
    {"PUT", "/v1/datasets/{name}", "datasets_put", NULL, SUBSYSTEM_DATASETS, true,
     BODY_NONE, DATASETS_PUT_QUERY, &datasets_put_table, ERRORS_NATIVE, NULL},
    {"GET", "/v1/datasets/{name}", "datasets_get", handle_datasets_get,
     SUBSYSTEM_DATASETS, true, BODY_NONE, "revision values", NULL, ERRORS_NATIVE, NULL},
    {"DELETE", "/v1/datasets/{name}", "datasets_delete", handle_datasets_delete,
     SUBSYSTEM_DATASETS, true, BODY_NONE, "", NULL, ERRORS_NATIVE, NULL},
    {"PUT", "/v1/datasets/{name}/features", "datasets_put_features", NULL,
     SUBSYSTEM_DATASETS, true, BODY_NONE, DATASETS_PUT_QUERY, &datasets_put_features,
     ERRORS_NATIVE, NULL},
    {"PUT", "/v1/datasets/{name}/targets", "datasets_put_targets", NULL,
     SUBSYSTEM_DATASETS, true, BODY_NONE, DATASETS_PUT_QUERY, &datasets_put_targets,
     ERRORS_NATIVE, NULL},
    {"GET", "/v2", "oip_server", handle_oip_server, SUBSYSTEM_OIP, false, BODY_NONE, NULL,
     NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/", "oip_server_slash", handle_oip_server, SUBSYSTEM_OIP, false,
     BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/health/live", "oip_live", handle_oip_live, SUBSYSTEM_OIP, false,
     BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/health/ready", "oip_ready", handle_oip_ready, SUBSYSTEM_OIP, false,
     BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/models/stats", "oip_stats", handle_oip_stats, SUBSYSTEM_OIP, false,
     BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/models/{name}", "oip_model", handle_oip_model, SUBSYSTEM_OIP, true,
     BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/models/{name}/versions/{version}", "oip_version", handle_oip_model,
     SUBSYSTEM_OIP, true, BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/models/{name}/ready", "oip_model_ready", handle_oip_model_ready,
     SUBSYSTEM_OIP, false, BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/models/{name}/versions/{version}/ready", "oip_version_ready",
     handle_oip_model_ready, SUBSYSTEM_OIP, false, BODY_NONE, NULL, NULL, ERRORS_PLAIN,
     NULL},
    {"GET", "/v2/models/{name}/stats", "oip_model_stats", handle_oip_model_stats,
     SUBSYSTEM_OIP, true, BODY_NONE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"GET", "/v2/models/{name}/versions/{version}/stats", "oip_version_stats",
     handle_oip_model_stats, SUBSYSTEM_OIP, true, BODY_NONE, NULL, NULL, ERRORS_PLAIN,
     NULL},
    {"POST", "/v2/repository/index", "oip_index", handle_oip_index, SUBSYSTEM_OIP, true,
     BODY_JSON | BODY_OPTIONAL | BODY_ANY_TYPE, NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/v2/repository/models/{name}/load", "oip_load", handle_oip_load,
     SUBSYSTEM_OIP, true, BODY_JSON | BODY_OPTIONAL | BODY_ANY_TYPE, NULL, NULL,
     ERRORS_PLAIN, NULL},
    {"POST", "/v2/repository/models/{name}/unload", "oip_unload", handle_oip_unload,
     SUBSYSTEM_OIP, true, BODY_JSON | BODY_OPTIONAL | BODY_ANY_TYPE, NULL, NULL,
     ERRORS_PLAIN, NULL},
    {"GET", "/ping", "ping", handle_ping, SUBSYSTEM_PROBES, false, BODY_NONE, NULL, NULL,
     ERRORS_PLAIN, NULL},
    {"GET", "/health", "health", handle_ping, SUBSYSTEM_PROBES, false, BODY_NONE, NULL,
     NULL, ERRORS_PLAIN, NULL},
    {"GET", "/version", "version", handle_version, SUBSYSTEM_PROBES, false, BODY_NONE,
     NULL, NULL, ERRORS_PLAIN, NULL},
    {"POST", "/invocations", "invocations", handle_invocations, SUBSYSTEM_PREDICT, false,
     BODY_JSON | BODY_CSV | BODY_NPY, "", NULL, ERRORS_PLAIN, NULL},
    {"GET", "/", "root", handle_root, SUBSYSTEM_PROBES, false, BODY_NONE, "", NULL,
     ERRORS_NATIVE, NULL},
    {"GET", "/livez", "livez", handle_livez, SUBSYSTEM_PROBES, false, BODY_NONE, "", NULL,
     ERRORS_NATIVE, NULL},
    {"GET", "/readyz", "readyz", handle_readyz, SUBSYSTEM_PROBES, false, BODY_NONE, "",
     NULL, ERRORS_NATIVE, NULL},
    {"GET", "/metrics", "metrics", handle_metrics, SUBSYSTEM_PROBES, false, BODY_NONE, "",
     NULL, ERRORS_NATIVE, NULL},
};
const size_t routes_n = sizeof routes / sizeof *routes;

/* One segment of the pattern, n characters at `at`: its text, or a parameter, which is
 * not empty. */
static bool segment_matches(const char *at, size_t n, const char *segment,
                            const char **parameter) {
    if (*at != '{')
        return strlen(segment) == n && strncmp(segment, at, n) == 0;
    *parameter = segment;
    return segment[0];
}

/* Whether the path is that of the pattern; fills the parameters. A verb, as protocols of
 * others have it, compares without case. */
static bool pattern_matches(const char *pattern, const struct http_request *request,
                            const char *parameters[2]) {
    size_t parameters_n = 0, i = 0;
    const char *at = pattern, *parameter = NULL;
    if (!pattern[1])
        return !request->segments_n && !request->verb;
    for (; *at == '/'; i++) {
        size_t n = strcspn(++at, "/:");
        if (i == request->segments_n ||
            !segment_matches(at, n, request->segments[i], &parameter))
            return false;
        if (*at == '{')
            parameters[parameters_n++] = parameter;
        at += n;
    }
    if (i != request->segments_n || !*at != !request->verb)
        return false;
    return !*at || strcasecmp(at + 1, request->verb) == 0;
}

enum route_match route_find(const struct route *table, size_t n,
                            const struct http_request *request,
                            const struct route **route, const char *parameters[2],
                            char allow[64]) {
    const char *verb = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    size_t at = 0;
    allow[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (!pattern_matches(table[i].pattern, request, parameters))
            continue;
        if (strcmp(table[i].method, verb) == 0) {
            *route = &table[i];
            return ROUTE_FOUND;
        }
        const char *also = strcmp(table[i].method, "GET") == 0 ? ", HEAD" : "";
        at += (size_t)snprintf(allow + at, 64 - at, "%s%s%s", at ? ", " : "",
                               table[i].method, also);
    }
    return allow[0] ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}

bool route_is_open(const struct route *route) {
    static const char *const open[] = {"livez",     "readyz", "oip_live",
                                       "oip_ready", "ping",   "health"};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (strcmp(route->name, open[i]) == 0)
            return true;
    return false;
}

enum route_errors route_errors(const struct route *route,
                               const struct http_request *request) {
    static const char *const plain[] = {"v2", "ping", "health", "version", "invocations"};
    const char *first = request->segments_n ? request->segments[0] : "";
    if (route)
        return route->errors;
    if (request->verb)
        return ERRORS_PLAIN;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(first, plain[i]) == 0)
            return ERRORS_PLAIN;
    return ERRORS_NATIVE;
}
