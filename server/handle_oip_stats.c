/* /v2/models/stats, /v2/models/{name}[/versions/{version}]/stats */
#include "server/handle_oip.h"

#include <stdlib.h>
#include <string.h>

#include "api/oip_statistics.h"
#include "server/clock.h"

enum { VERSIONS_MAX = 1000 };

/* An answer in the making: of one version, or of all that were ever asked for. */
struct walk {
    int64_t version; /* 0: all */
    int64_t now_us, now_ms;
    struct text *out;
    size_t n;
};

static void usage_encode(void *context, const char *name, int64_t version,
                         struct usage *usage) {
    struct walk *w = context;
    struct oip_batch batches[USAGE_BATCHES];
    struct oip_statistics statistics = {.name = name, .version = version};
    if (w->version && w->version != version)
        return;
    usage_read(usage, w->now_us, w->now_ms, batches, &statistics);
    oip_statistics_encode(&statistics, w->out);
    w->n++;
}

/* One version, whether it has predicted or not. */
static void version_encode(struct registry *registry, const char *name, struct walk *w) {
    struct oip_statistics none = {.name = name, .version = w->version};
    w->n = 0;
    registry_usage_each(registry, name, usage_encode, w);
    if (!w->n)
        oip_statistics_encode(&none, w->out);
}

/* All versions of a model, the newest first. */
static bool versions_encode(struct registry *registry, struct store *store,
                            const char *name, struct walk *w, struct err *e) {
    struct store_version *list = NULL;
    size_t n = 0;
    bool more;
    if (!store_versions_list(store, name, NULL, VERSIONS_MAX, &list, &n, &more, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        w->version = list[i].version;
        version_encode(registry, name, w);
        store_version_free(&list[i]);
    }
    free(list);
    return true;
}

static struct walk walk_open(struct http_reply *reply) {
    oip_statistics_open(&reply->body);
    return (struct walk){
        .now_us = clock_mono_us(), .now_ms = clock_ms(), .out = &reply->body};
}

bool handle_oip_stats(void *subsystem, struct store *store,
                      const struct http_request *request, struct http_reply *reply,
                      struct err *e) {
    const struct oip_context *context = subsystem;
    struct walk w = walk_open(reply);
    (void)store;
    (void)request;
    (void)e;
    registry_usage_each(context->registry, NULL, usage_encode, &w);
    oip_statistics_close(&reply->body);
    return true;
}

bool handle_oip_model_stats(void *subsystem, struct store *store,
                            const struct http_request *request, struct http_reply *reply,
                            struct err *e) {
    const struct oip_context *context = subsystem;
    struct walk w = walk_open(reply);
    struct model_ref ref;
    int64_t version;
    if (!oip_ref_read(request, &ref, e) || !oip_version_find(store, &ref, &version, e))
        return false;
    if (ref.version || ref.alias[0]) {
        w.version = version;
        version_encode(context->registry, ref.name, &w);
    } else if (!versions_encode(context->registry, store, ref.name, &w, e)) {
        return false;
    }
    oip_statistics_close(&reply->body);
    return true;
}
