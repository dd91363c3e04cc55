/* /v1/models */
#include "server/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/documents.h"

enum { VERSIONS_SHOWN_MAX = 100 };

struct version_view model_version_view(const struct store_version *v) {
    return (struct version_view){
        .model = v->model,
        .sha256 = v->sha256,
        .job_id = v->job_id,
        .version = v->version,
        .created_ms = v->created_ms,
        .bytes = v->bytes,
        .facts = v->document,
    };
}

bool model_name_check(const char *name, struct err *e) {
    return job_name_valid(name) ||
           err_set(e, ERR_INVALID, "name", "expected a model's name, got \"%.60s\"",
                   name);
}

static bool version_valid(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits && !text[digits] && digits <= 18 && text[0] != '0';
}

bool model_version_read(const char *text, int64_t *version, struct err *e) {
    if (!version_valid(text))
        return err_set(e, ERR_INVALID, "version",
                       "expected a number from 1, got \"%.40s\"", text);
    *version = strtoll(text, NULL, 10);
    return true;
}

/* The version that ref names, the latest where it names none; free it. */
static bool version_find(struct store *store, const struct model_ref *ref,
                         struct store_version *out, struct err *e) {
    struct store_alias alias = {.version = ref->version};
    if (ref->alias[0] && !store_alias_get(store, ref->name, ref->alias, &alias, e))
        return false;
    return store_version_get(store, ref->name, alias.version, out, e);
}

bool model_version_get(struct store *store, const struct http_request *request,
                       struct store_version *out, struct err *e) {
    const char *name = request->parameters[0], *text = request->parameters[1];
    struct model_ref ref = {.version = 0};
    if (!model_name_check(name, e))
        return false;
    snprintf(ref.name, sizeof ref.name, "%s", name);
    if (model_alias_valid(text))
        snprintf(ref.alias, sizeof ref.alias, "%s", text);
    else if (strcmp(text, "latest") != 0 && !model_version_read(text, &ref.version, e))
        return false;
    return version_find(store, &ref, out, e);
}

void model_document_reply(struct store_version *v, struct http_reply *reply) {
    struct version_view view = model_version_view(v);
    version_status_document_encode(&view, &reply->body);
    text_string(&reply->body, "\n");
    store_version_free(v);
}

bool model_version_reply(struct registry *registry, struct store *store, const char *name,
                         int64_t version, struct http_reply *reply, struct err *e) {
    struct store_version v;
    struct err later = {0};
    /* The version is there: what cannot be looked at now is so at the supervisor's look. */
    (void)!registry_refresh(registry, store, &later);
    if (!store_version_get(store, name, version, &v, e))
        return false;
    model_document_reply(&v, reply);
    reply->status = 201;
    snprintf(reply->location, sizeof reply->location, "/v1/models/%s/versions/%" PRId64,
             name, version);
    return true;
}

/* A page of versions as a list; of one model, or of all (model NULL). */
static bool versions_reply(struct store *store, const char *model,
                           const struct http_request *request, struct http_reply *reply,
                           struct err *e) {
    struct page page;
    struct store_version *list = NULL;
    size_t n = 0;
    bool more = false;
    if (!page_read(request, &page, e))
        return false;
    if (page.after && !(model ? version_valid(page.after) : job_name_valid(page.after)))
        return err_set(e, ERR_INVALID, "after", "expected %s, got \"%.40s\"",
                       model ? "a version's number" : "a model's name", page.after);
    if (!store_versions_list(store, model, page.after, page.limit, &list, &n, &more, e))
        return page_refused(e);
    list_open(&reply->body);
    for (size_t i = 0; i < n; i++) {
        struct version_view view = model_version_view(&list[i]);
        version_document_encode(&view, &reply->body);
        store_version_free(&list[i]);
    }
    list_close(&reply->body, more);
    free(list);
    return true;
}

bool handle_models_list(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    (void)subsystem;
    return versions_reply(store, NULL, request, reply, e);
}

bool handle_versions_list(void *subsystem, struct store *store,
                          const struct http_request *request, struct http_reply *reply,
                          struct err *e) {
    (void)subsystem;
    const char *name = request->parameters[0];
    struct store_version latest;
    if (!model_name_check(name, e) || !store_version_get(store, name, 0, &latest, e))
        return false;
    store_version_free(&latest);
    return versions_reply(store, name, request, reply, e);
}

/* The model's document from its newest versions. */
static bool model_reply(struct store *store, const struct store_version *list, size_t n,
                        struct http_reply *reply, struct err *e) {
    int64_t numbers[VERSIONS_SHOWN_MAX];
    struct store_alias *aliases = NULL;
    struct alias_view *views = NULL;
    size_t aliases_n = 0;
    for (size_t i = 0; i < n; i++)
        numbers[i] = list[i].version;
    bool ok = store_aliases(store, list[0].model, &aliases, &aliases_n, e);
    if (ok && aliases_n && !(views = calloc(aliases_n, sizeof *views)))
        ok = err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu aliases", aliases_n);
    for (size_t i = 0; ok && i < aliases_n; i++)
        views[i] = model_alias_view(&aliases[i]);
    if (ok) {
        struct model_view view = {model_version_view(&list[0]), numbers, n, views,
                                  aliases_n};
        model_document_encode(&view, &reply->body);
        text_string(&reply->body, "\n");
    }
    free(views);
    free(aliases);
    return ok;
}

/* "iris@3", "iris@production" */
static bool named_version_reply(struct store *store, const char *name,
                                struct http_reply *reply, struct err *e) {
    struct model_ref ref;
    struct store_version v;
    if (!model_ref_parse(name, "name", &ref, e) || !version_find(store, &ref, &v, e))
        return false;
    model_document_reply(&v, reply);
    return true;
}

bool handle_models_get(void *subsystem, struct store *store,
                       const struct http_request *request, struct http_reply *reply,
                       struct err *e) {
    (void)subsystem;
    const char *name = request->parameters[0];
    struct store_version *list = NULL;
    size_t n = 0;
    bool more;
    if (strchr(name, '@'))
        return named_version_reply(store, name, reply, e);
    if (!model_name_check(name, e) ||
        !store_versions_list(store, name, NULL, VERSIONS_SHOWN_MAX, &list, &n, &more, e))
        return false;
    if (!n) {
        free(list);
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no model \"%.60s\"", name);
    }
    bool ok = model_reply(store, list, n, reply, e);
    for (size_t i = 0; i < n; i++)
        store_version_free(&list[i]);
    free(list);
    return ok;
}

bool handle_versions_get(void *subsystem, struct store *store,
                         const struct http_request *request, struct http_reply *reply,
                         struct err *e) {
    (void)subsystem;
    struct store_version v;
    if (!model_version_get(store, request, &v, e))
        return false;
    model_document_reply(&v, reply);
    return true;
}

bool handle_versions_delete(void *subsystem, struct store *store,
                            const struct http_request *request, struct http_reply *reply,
                            struct err *e) {
    struct models_context *models = subsystem;
    const char *name = request->parameters[0];
    int64_t version;
    if (!model_name_check(name, e) ||
        !model_version_read(request->parameters[1], &version, e) ||
        !store_version_delete(store, name, version, e))
        return false;
    bool ok =
        registry_refresh(models->registry, store, e); /* what takes over is loaded */
    registry_forget(models->registry, name, version);
    reply->status = 204;
    return ok;
}

bool handle_models_delete(void *subsystem, struct store *store,
                          const struct http_request *request, struct http_reply *reply,
                          struct err *e) {
    struct models_context *models = subsystem;
    if (!model_name_check(request->parameters[0], e) ||
        !store_model_delete(store, request->parameters[0], e) ||
        !registry_refresh(models->registry, store, e))
        return false;
    reply->status = 204;
    return true;
}
