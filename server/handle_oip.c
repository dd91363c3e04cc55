/* /v2, /v2/health, /v2/models/{name}: what is there, and whether it is ready */
#include "server/handle_oip.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/oip_metadata.h"

enum { VERSIONS_SHOWN_MAX = 1000 };

bool oip_ref_read(const struct http_request *request, struct model_ref *ref,
                  struct err *e) {
    const char *model = request->parameters[0], *version = request->parameters[1];
    char text[2 * JOB_NAME_MAX + 2];
    if (!model_ref_parse(model, "model", ref, e))
        return false;
    if (!version)
        return true;
    if (ref->version || ref->alias[0])
        return err_set(e, ERR_INVALID, "model",
                       "\"%.60s\" names a version, and the path another", model);
    if ((size_t)snprintf(text, sizeof text, "%s@%s", model, version) >= sizeof text)
        return err_set(e, ERR_INVALID, "version", "expected a number or an alias");
    return model_ref_parse(text, "version", ref, e);
}

bool oip_loaded_check(struct registry *registry, const struct model_ref *ref,
                      struct err *e) {
    return !registry_is_aside(registry, ref->name) ||
           err_set(e, ERR_UNAVAILABLE, "model",
                   "\"%.60s\" was unloaded; POST /v2/repository/models/%.60s/load",
                   ref->name, ref->name);
}

bool oip_version_find(struct store *store, const struct model_ref *ref, int64_t *version,
                      struct err *e) {
    struct store_alias alias = {.version = ref->version};
    struct store_version v;
    if (ref->alias[0] && !store_alias_get(store, ref->name, ref->alias, &alias, e))
        return false;
    if (!store_version_get(store, ref->name, alias.version, &v, e))
        return false;
    *version = v.version;
    store_version_free(&v);
    return true;
}

bool handle_oip_server(void *subsystem, struct store *store,
                       const struct http_request *request, struct http_reply *reply,
                       struct err *e) {
    const struct oip_context *context = subsystem;
    (void)store;
    (void)request;
    (void)e;
    oip_server_encode(context->version, &reply->body);
    return true;
}

bool handle_oip_live(void *subsystem, struct store *store,
                     const struct http_request *request, struct http_reply *reply,
                     struct err *e) {
    (void)subsystem;
    (void)store;
    (void)request;
    (void)e;
    oip_health_encode(false, &reply->body);
    return true;
}

bool handle_oip_ready(void *subsystem, struct store *store,
                      const struct http_request *request, struct http_reply *reply,
                      struct err *e) {
    const struct oip_context *context = subsystem;
    (void)store;
    if (!probes_ready(context->probes, request, e))
        return false;
    oip_health_encode(true, &reply->body);
    return true;
}

bool handle_oip_model_ready(void *subsystem, struct store *store,
                            const struct http_request *request, struct http_reply *reply,
                            struct err *e) {
    const struct oip_context *context = subsystem;
    struct model_ref ref;
    int64_t version;
    if (!oip_ref_read(request, &ref, e) || !oip_loaded_check(context->registry, &ref, e))
        return false;
    const struct served *served = registry_acquire(context->registry, &ref);
    if (served)
        registry_release(served);
    else if (!store)
        return reply->defer = true;
    else if (!oip_version_find(store, &ref, &version, e))
        return false;
    oip_ready_encode(ref.name, &reply->body);
    return true;
}

/* The model's document, with its versions: the newest of very many. */
static bool model_reply(struct store *store, const struct served *served,
                        struct http_reply *reply, struct err *e) {
    struct store_version *list = NULL;
    size_t n = 0;
    bool more;
    if (!store_versions_list(store, served->name, NULL, VERSIONS_SHOWN_MAX, &list, &n,
                             &more, e))
        return false;
    int64_t *numbers = calloc(n + 1, sizeof *numbers);
    for (size_t i = 0; i < n; i++) {
        if (numbers)
            numbers[i] = list[i].version;
        store_version_free(&list[i]);
    }
    free(list);
    if (numbers)
        oip_model_encode(served->model, served->name, numbers, n, &reply->body);
    else
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu versions", n);
    free(numbers);
    return numbers;
}

bool handle_oip_model(void *subsystem, struct store *store,
                      const struct http_request *request, struct http_reply *reply,
                      struct err *e) {
    const struct oip_context *context = subsystem;
    struct model_ref ref;
    if (!oip_ref_read(request, &ref, e) || !oip_loaded_check(context->registry, &ref, e))
        return false;
    const struct served *served = registry_load(context->registry, store, &ref, e);
    bool ok = served && model_reply(store, served, reply, e);
    if (served)
        registry_release(served);
    return ok;
}
