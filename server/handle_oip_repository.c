/* /v2/repository: which models there are, and whether they are in memory
 *
 * Models are loaded by whoever asks for them. To unload one frees its memory and closes
 * /v2/models/{name} until it is loaded again or the server starts anew; the other routes
 * go on, and load it again when they are asked. */
#include "server/handle_oip.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/oip_repository.h"

enum { INDEX_PAGE = 500, INDEX_MAX = 100000 };

bool handle_oip_index(void *subsystem, struct store *store,
                      const struct http_request *request, struct http_reply *reply,
                      struct err *e) {
    const struct oip_context *context = subsystem;
    char previous[STORE_NAME_MAX] = "";
    bool ready, more = true;
    if (!oip_index_decode(request->body, request->body_n, &ready, e))
        return false;
    text_open(&reply->body, '[');
    for (size_t models = 0; more; models += INDEX_PAGE) {
        struct store_version *list = NULL;
        size_t n = 0;
        if (models >= INDEX_MAX)
            return err_set(e, ERR_TOO_LARGE, NULL, "more than %d models", INDEX_MAX);
        if (!store_versions_list(store, NULL, previous[0] ? previous : NULL, INDEX_PAGE,
                                 &list, &n, &more, e))
            return false;
        for (size_t i = 0; i < n; i++) {
            bool aside = registry_is_aside(context->registry, list[i].model);
            if (!ready || !aside)
                oip_index_entry_encode(list[i].model, list[i].version, aside,
                                       &reply->body);
            snprintf(previous, sizeof previous, "%s", list[i].model);
            store_version_free(&list[i]);
        }
        free(list);
    }
    text_close(&reply->body, ']');
    text_string(&reply->body, "\n");
    return true;
}

bool handle_oip_load(void *subsystem, struct store *store,
                     const struct http_request *request, struct http_reply *reply,
                     struct err *e) {
    const struct oip_context *context = subsystem;
    struct model_ref ref = {0};
    const char *name = request->parameters[0];
    if (!model_name_check(name, e) || !oip_load_decode(request->body, request->body_n, e))
        return false;
    snprintf(ref.name, sizeof ref.name, "%s", name);
    const struct served *served = registry_load(context->registry, store, &ref, e);
    if (!served)
        return false;
    registry_release(served);
    oip_loaded_encode(name, "load", &reply->body);
    return registry_put_aside(context->registry, name, false, e);
}

bool handle_oip_unload(void *subsystem, struct store *store,
                       const struct http_request *request, struct http_reply *reply,
                       struct err *e) {
    const struct oip_context *context = subsystem;
    struct model_ref ref = {0};
    const char *name = request->parameters[0];
    int64_t latest;
    if (!model_name_check(name, e) ||
        !oip_unload_decode(request->body, request->body_n, e))
        return false;
    snprintf(ref.name, sizeof ref.name, "%s", name);
    if (!oip_version_find(store, &ref, &latest, e))
        return false;
    oip_loaded_encode(name, "unload", &reply->body);
    return registry_put_aside(context->registry, name, true, e);
}
