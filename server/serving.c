#include "server/serving.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "engine/matrix.h"
#include "server/clock.h"
#include "server/handlers.h"
#include "server/log.h"
#include "server/machine.h"
#include "server/routes.h"
#include "server/tokens.h"

/* A stop does not wait longer for an attempt to open the store. */
enum { OPENING_STOP_MS = 1000 };

struct serving {
    struct config config;
    struct tokens *tokens; /* NULL: anybody may ask */
    struct registry *registry;
    struct metrics *metrics;
    struct batcher *batcher;
    struct http *http;
    void *subsystems[SUBSYSTEMS_N]; /* http borrows them for its life */
    struct jobs_context jobs;
    struct events_context events;
    struct models_context models;
    struct predictor predict;
    struct probes_context probes;
    struct oip_context oip;
    struct opening *opening;
    /* The opening's, until it is done; NULL until then. Handlers that have a store find
     * them there. */
    struct supervisor *supervisor;
    struct hub *hub;
};

/* ---- what needs the store ------------------------------------------------------- */

static void on_change(void *context, struct store *store, bool published) {
    struct serving *s = context;
    struct err e = {0};
    if (published && !registry_refresh(s->registry, store, &e))
        log_err(LOG_WARN, "the models could not be looked at", &e);
    http_wake(s->http);
}

static void on_outdated(void *context) {
    struct serving *s = context;
    atomic_store(&s->probes.unready, "the store needs a newer server");
}

static bool models_look(struct serving *s, struct err *e) {
    struct store *store = store_open(s->config.store, e);
    bool ok = store && registry_refresh(s->registry, store, e);
    store_close(store);
    return ok;
}

static void store_parts_close(struct serving *s, int64_t timeout_ms) {
    if (s->supervisor)
        supervisor_stop(s->supervisor, timeout_ms);
    supervisor_free(s->supervisor);
    hub_stop(s->hub);
    s->supervisor = NULL;
    s->hub = NULL;
}

/* An opening_try. The stores of those who call the handlers are the last of it. */
static bool store_parts_open(void *context, struct err *e) {
    struct serving *s = context;
    const struct supervisor_options supervising = {
        .config = &s->config,
        .program = "/proc/self/exe",
        .changed = on_change,
        .outdated = on_outdated,
        .context = s,
    };
    const struct hub_options watching = {s->config.store, s->config.stream_heartbeat_ms};
    if (models_look(s, e) && (s->hub = hub_start(&watching, e)) &&
        (s->supervisor = supervisor_start(&supervising, e))) {
        s->events.hub = s->hub;
        s->jobs.supervisor = s->supervisor;
        if (http_open_store(s->http, e)) {
            atomic_store(&s->probes.supervisor, s->supervisor);
            return true;
        }
    }
    store_parts_close(s, 0);
    atomic_store(&s->probes.unready, "starting: the store is away");
    return false;
}

/* ---- what does not -------------------------------------------------------------- */

static bool http_open(struct serving *s, struct err *e) {
    s->subsystems[SUBSYSTEM_JOBS] = &s->jobs;
    s->subsystems[SUBSYSTEM_EVENTS] = &s->events;
    s->subsystems[SUBSYSTEM_MODELS] = &s->models;
    s->subsystems[SUBSYSTEM_PREDICT] = &s->predict;
    s->subsystems[SUBSYSTEM_PROBES] = &s->probes;
    s->subsystems[SUBSYSTEM_OIP] = &s->oip;
    const struct http_options options = {&s->config,    routes,     routes_n,
                                         s->subsystems, s->metrics, s->tokens};
    s->http = http_start(&options, e);
    return s->http;
}

static bool predictor_open(struct serving *s, struct err *e) {
    const struct config *config = &s->config;
    struct batcher_options options = {
        .threads_n = machine_cpus(),
        .rows_max = (size_t)config->batch_rows_max,
        .queue_max = (size_t)config->predict_queue_max,
        .delay_us = config->batch_delay_us_max,
        .metrics = s->metrics,
    };
    s->batcher = batcher_start(&options, e);
    s->predict = (struct predictor){
        .registry = s->registry,
        .metrics = s->metrics,
        .batcher = s->batcher,
        .rows_max = options.rows_max,
        .processors_n = options.threads_n,
    };
    return s->batcher;
}

bool serving_default_model(const struct config *config, struct model_ref *ref,
                           struct err *e) {
    *ref = (struct model_ref){0};
    return !*config->default_model ||
           model_ref_parse(config->default_model, "--default-model", ref, e);
}

static bool registry_open(struct serving *s, struct err *e) {
    struct model_ref by_default;
    if (!serving_default_model(&s->config, &by_default, e) ||
        !(s->registry = registry_new((size_t)s->config.model_memory_max, e)))
        return false;
    registry_set_default(s->registry, &by_default);
    return true;
}

static void contexts_fill(struct serving *s, const char *version) {
    s->jobs = (struct jobs_context){
        .registry = s->registry,
        .queue_max = s->config.queue_max,
        .memory_max = s->config.job_memory_max,
        .runtime_max_s = s->config.max_runtime_s,
    };
    s->models = (struct models_context){s->registry};
    s->probes = (struct probes_context){
        .registry = s->registry,
        .metrics = s->metrics,
        .batcher = s->batcher,
        .version = version,
    };
    atomic_store(&s->probes.unready, "starting");
    s->oip = (struct oip_context){s->registry, &s->probes, version};
}

static bool tokens_begin(struct serving *s, struct err *e) {
    struct err why = {0};
    const char *path = s->config.token_file;
    if (!*path || (s->tokens = tokens_open(path, &why)))
        return true;
    return why.where[0] ? err_set(e, why.kind, "--token-file", "%.120s, %s: %s", path,
                                  why.where, why.text)
                        : err_set(e, why.kind, "--token-file", "%s", why.text);
}

static bool parts_open(struct serving *s, const char *version, struct err *e) {
    if (!tokens_begin(s, e))
        return false;
    s->metrics = metrics_new(routes, routes_n);
    if (!s->metrics)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the counters");
    if (!registry_open(s, e) || !matrix_start(e) || !predictor_open(s, e))
        return false;
    contexts_fill(s, version);
    supervisor_environment(&s->config);
    return http_open(s, e) && (s->opening = opening_start(store_parts_open, s, e));
}

struct serving *serving_start(const struct serving_options *options, struct err *e) {
    struct serving *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory to serve");
        return NULL;
    }
    s->config = *options->config;
    if (parts_open(s, options->version, e))
        return s;
    bool stopped = serving_stop(s);
    (void)stopped; /* no opening has begun */
    return NULL;
}

struct opening *serving_opening(const struct serving *s) {
    return s->opening;
}

const char *serving_address(const struct serving *s) {
    return http_address(s->http);
}

void serving_ready(struct serving *s) {
    atomic_store(&s->probes.unready, NULL);
}

bool serving_has_tokens(const struct serving *s) {
    return s->tokens;
}

void serving_hangup(struct serving *s) {
    struct err e = {0};
    if (tokens_reload(s->tokens, &e))
        log_write(LOG_INFO, "the tokens were read again", "tokens",
                  LOG_INT(tokens_count(s->tokens)), NULL);
    else
        log_err(LOG_ERROR, "the tokens stay as they were", &e);
}

/* ---- the end -------------------------------------------------------------------- */

void serving_unready(struct serving *s) {
    int64_t delay_ms = s->config.drain_delay_ms;
    const char *before = atomic_exchange(&s->probes.unready, "about to end");
    if (!before && delay_ms)
        nanosleep(&(struct timespec){delay_ms / 1000, delay_ms % 1000 * 1000000}, NULL);
}

bool serving_stop(struct serving *s) {
    if (!s)
        return true;
    int64_t timeout_ms = s->config.drain_timeout_ms;
    int64_t until_us = clock_mono_us() + timeout_ms * 1000;
    bool open = false;
    if (s->batcher)
        batcher_hurry(s->batcher);
    if (s->http)
        http_drain(s->http);
    bool stopped = !s->opening || opening_stop(s->opening, OPENING_STOP_MS, &open);
    if (!stopped)
        return false; /* it may be about to use any of it */
    if (open)
        supervisor_stop(s->supervisor, timeout_ms / 2); /* requests get the rest */
    int64_t left_ms = (until_us - clock_mono_us()) / 1000;
    if (s->http)
        http_stop(s->http, left_ms > 0 ? left_ms : 0);
    hub_stop(s->hub);
    batcher_free(s->batcher);
    supervisor_free(s->supervisor); /* handlers woke it until here */
    registry_free(s->registry);
    metrics_free(s->metrics);
    tokens_close(s->tokens);
    free(s);
    return true;
}
