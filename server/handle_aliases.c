/* /v1/models/{name}/aliases */
#include "server/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/alias.h"

struct alias_view model_alias_view(const struct store_alias *alias) {
    return (struct alias_view){
        .model = alias->model,
        .alias = alias->alias,
        .version = alias->version,
        .change = alias->change,
        .changed_ms = alias->changed_ms,
    };
}

/* Of a path that names an alias. */
static bool path_check(const struct http_request *request, struct err *e) {
    return model_name_check(request->parameters[0], e) &&
           (model_alias_valid(request->parameters[1]) ||
            err_set(e, ERR_INVALID, "alias",
                    "expected a name that is neither a number nor latest, got \"%.60s\"",
                    request->parameters[1]));
}

static void alias_reply(const struct store_alias *alias, struct http_reply *reply) {
    struct alias_view view = model_alias_view(alias);
    alias_document_encode(&view, &reply->body);
    text_string(&reply->body, "\n");
    snprintf(reply->etag, sizeof reply->etag, "\"%" PRId64 "\"", alias->change);
}

bool handle_aliases_list(void *subsystem, struct store *store,
                         const struct http_request *request, struct http_reply *reply,
                         struct err *e) {
    (void)subsystem;
    const char *name = request->parameters[0];
    struct store_version latest;
    struct store_alias *list = NULL;
    size_t n = 0;
    if (!model_name_check(name, e) || !store_version_get(store, name, 0, &latest, e))
        return false;
    store_version_free(&latest);
    if (!store_aliases(store, name, &list, &n, e))
        return false;
    list_open(&reply->body);
    for (size_t i = 0; i < n; i++) {
        struct alias_view view = model_alias_view(&list[i]);
        alias_document_encode(&view, &reply->body);
    }
    list_close(&reply->body, false);
    free(list);
    return true;
}

bool handle_aliases_get(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    (void)subsystem;
    struct store_alias alias;
    if (!path_check(request, e) || !store_alias_get(store, request->parameters[0],
                                                    request->parameters[1], &alias, e))
        return false;
    alias_reply(&alias, reply);
    return true;
}

/* Loads the version that the alias is to point to, before anybody is sent there. */
static bool version_warm(struct registry *registry, struct store *store, const char *name,
                         int64_t version, struct err *e) {
    struct model_ref ref = {.version = version};
    snprintf(ref.name, sizeof ref.name, "%s", name);
    const struct served *served = registry_load(registry, store, &ref, e);
    if (served)
        registry_release(served);
    else if (e->kind == ERR_NOT_FOUND)
        snprintf(e->where, sizeof e->where, "/version");
    return served;
}

/* Moves it in the store, then here. *made: it was not there before. */
static bool alias_move(struct registry *registry, struct store *store,
                       const struct http_request *request, int64_t version,
                       struct store_alias *alias, bool *made, struct err *e) {
    const char *name = request->parameters[0], *of = request->parameters[1];
    struct err absent = {0};
    int64_t change;
    if (!alias_condition_decode(request->if_match, request->if_none_match, &change, e))
        return false;
    *made = !store_alias_get(store, name, of, alias, &absent);
    if (*made && absent.kind != ERR_NOT_FOUND) {
        *e = absent;
        return false;
    }
    if (!store_alias_set(store, name, of, version, change, store_now_ms(store), alias,
                         e)) {
        if (e->kind == ERR_CONFLICT)
            snprintf(e->where, sizeof e->where, "%s",
                     change ? "If-Match" : "If-None-Match");
        return false;
    }
    return registry_refresh_aliases(registry, store, e);
}

bool handle_aliases_put(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    struct models_context *models = subsystem;
    const char *name = request->parameters[0];
    struct store_alias alias;
    int64_t version;
    bool made;
    if (!path_check(request, e) ||
        !alias_decode(request->body, request->body_n, &version, e) ||
        !version_warm(models->registry, store, name, version, e) ||
        !alias_move(models->registry, store, request, version, &alias, &made, e))
        return false;
    if (made) {
        reply->status = 201;
        snprintf(reply->location, sizeof reply->location, "/v1/models/%s/aliases/%s",
                 name, alias.alias);
    }
    alias_reply(&alias, reply);
    return true;
}

bool handle_aliases_delete(void *subsystem, struct store *store,
                           const struct http_request *request, struct http_reply *reply,
                           struct err *e) {
    struct models_context *models = subsystem;
    if (request->if_match || request->if_none_match)
        return err_set(e, ERR_INVALID, request->if_match ? "If-Match" : "If-None-Match",
                       "an alias is deleted without a condition");
    if (!path_check(request, e) ||
        !store_alias_delete(store, request->parameters[0], request->parameters[1], e))
        return false;
    reply->status = 204;
    return registry_refresh_aliases(models->registry, store, e);
}
