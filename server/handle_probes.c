/* /, /livez, /readyz, /ping, /health, /version, /metrics */
#include "server/handlers.h"

bool handle_livez(void *subsystem, struct store *store,
                  const struct http_request *request, struct http_reply *reply,
                  struct err *e) {
    (void)subsystem;
    (void)store;
    (void)request;
    (void)e;
    text_string(&reply->body, "{\"status\":\"ok\"}\n");
    return true;
}

bool probes_ready(const struct probes_context *probes, const struct http_request *request,
                  struct err *e) {
    if (request->draining)
        return err_set(e, ERR_UNAVAILABLE, NULL, "draining");
    const char *why = atomic_load(&probes->unready);
    return !why || err_set(e, ERR_UNAVAILABLE, NULL, "%s", why);
}

bool handle_readyz(void *subsystem, struct store *store,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e) {
    (void)store;
    if (!probes_ready(subsystem, request, e))
        return false;
    text_string(&reply->body, "{\"status\":\"ok\"}\n");
    return true;
}

/* The probe of MLflow's and SageMaker's containers: the status says it. */
bool handle_ping(void *subsystem, struct store *store, const struct http_request *request,
                 struct http_reply *reply, struct err *e) {
    (void)store;
    if (!probes_ready(subsystem, request, e))
        return false;
    text_string(&reply->body, "\n");
    return true;
}

/* The program's version, as MLflow's server tells its own. */
bool handle_version(void *subsystem, struct store *store,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    const struct probes_context *probes = subsystem;
    (void)store;
    (void)request;
    (void)e;
    text_string(&reply->body, probes->version);
    reply->type = "text/plain; charset=utf-8";
    return true;
}

/* Who looks what this is, and KServe's client, which reads the status. */
bool handle_root(void *subsystem, struct store *store, const struct http_request *request,
                 struct http_reply *reply, struct err *e) {
    static const struct {
        const char *name, *path;
    } places[] = {{"predict", "/predict"},      {"jobs", "/v1/jobs"},
                  {"datasets", "/v1/datasets"}, {"models", "/v1/models"},
                  {"open_inference", "/v2"},    {"ready", "/readyz"},
                  {"metrics", "/metrics"}};
    const struct probes_context *probes = subsystem;
    struct text *out = &reply->body;
    (void)store;
    (void)request;
    (void)e;
    text_open(out, '{');
    text_member_string(out, "name", "descentd");
    text_member_string(out, "version", probes->version);
    text_member_string(out, "status", "alive");
    text_key(out, "paths");
    text_open(out, '{');
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        text_member_string(out, places[i].name, places[i].path);
    text_close(out, '}');
    text_close(out, '}');
    text_string(out, "\n");
    return true;
}

bool handle_metrics(void *subsystem, struct store *store,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    struct probes_context *probes = subsystem;
    (void)request;
    (void)e;
    struct supervisor *supervisor = atomic_load(&probes->supervisor);
    /* One that is away is not waited for: just then the rest is wanted. */
    if (!store && supervisor && !supervisor_store_away(supervisor))
        return reply->defer = true;
    struct metrics_gauges gauges = {.version = probes->version};
    struct err ignored = {0};
    if (!store || !store_jobs_count(store, gauges.jobs, &ignored))
        gauges.jobs[0] = -1;
    if (supervisor)
        supervisor_counts(supervisor, &gauges.workers_running, &gauges.worker_crashes);
    struct registry_counts models;
    registry_counts(probes->registry, &models);
    gauges.models = models.models;
    gauges.models_loaded = models.loaded;
    gauges.model_bytes = models.bytes;
    gauges.model_loads = models.loads;
    gauges.model_evictions = models.evictions;
    gauges.predictions_waiting = (int64_t)batcher_waiting(probes->batcher);
    metrics_encode(probes->metrics, &gauges, &reply->body);
    reply->type = "text/plain; version=0.0.4; charset=utf-8";
    return true;
}
