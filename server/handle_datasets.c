/* /v1/datasets: what there is, and its end. handle_datasets_put.c takes the files. */
#include "server/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/documents.h"
#include "server/datasets.h"

bool datasets_name_check(const char *name, struct err *e) {
    return job_name_valid(name) ||
           err_set(e, ERR_INVALID, "name", "expected a dataset's name, got \"%.60s\"",
                   name);
}

static struct dataset_part_view part_view_of(const struct store_part *part) {
    return (struct dataset_part_view){
        .bytes = part->bytes, .sha256 = part->sha256, .document = part->document};
}

static struct dataset_view view_of(const struct store_dataset *d) {
    return (struct dataset_view){
        .name = d->name,
        .revision = d->revision,
        .created_ms = d->created_ms,
        .table = part_view_of(&d->parts[DATASET_TABLE]),
        .features = part_view_of(&d->parts[DATASET_FEATURES]),
        .targets = part_view_of(&d->parts[DATASET_TARGETS]),
    };
}

bool datasets_reply(struct store *store, const char *name, int64_t revision,
                    bool all_values, struct http_reply *reply, struct err *e) {
    struct store_dataset d;
    if (!store_dataset_get(store, name, revision, &d, e))
        return false;
    struct dataset_view view = view_of(&d);
    bool ok = dataset_document_encode(&view, all_values, &reply->body, e);
    text_string(&reply->body, "\n");
    store_dataset_free(&d);
    return ok;
}

bool handle_datasets_get(void *subsystem, struct store *store,
                         const struct http_request *request, struct http_reply *reply,
                         struct err *e) {
    (void)subsystem;
    const char *name = request->parameters[0];
    const char *values = http_query_text(request, "values");
    int64_t revision = 0;
    if (!datasets_name_check(name, e) ||
        !http_query_int(request, "revision", 1, INT64_MAX, &revision, e))
        return false;
    if (values && strcmp(values, "all") != 0)
        return err_set(e, ERR_INVALID, "values", "expected all, got \"%.40s\"", values);
    return datasets_reply(store, name, revision, values, reply, e);
}

bool handle_datasets_list(void *subsystem, struct store *store,
                          const struct http_request *request, struct http_reply *reply,
                          struct err *e) {
    (void)subsystem;
    struct page page;
    struct store_dataset *list = NULL;
    size_t n = 0;
    bool more = false, ok = true;
    if (!page_read(request, &page, e))
        return false;
    if (page.after && !job_name_valid(page.after))
        return err_set(e, ERR_INVALID, "after",
                       "expected a dataset's name, got \"%.40s\"", page.after);
    if (!store_datasets_list(store, page.after, page.limit, &list, &n, &more, e))
        return page_refused(e);
    list_open(&reply->body);
    for (size_t i = 0; i < n; i++) {
        struct dataset_view view = view_of(&list[i]);
        ok = ok && dataset_summary_encode(&view, &reply->body, e);
        store_dataset_free(&list[i]);
    }
    list_close(&reply->body, more);
    free(list);
    return ok;
}

bool handle_datasets_delete(void *subsystem, struct store *store,
                            const struct http_request *request, struct http_reply *reply,
                            struct err *e) {
    (void)subsystem;
    if (!datasets_name_check(request->parameters[0], e) ||
        !store_dataset_delete(store, request->parameters[0], e))
        return false;
    reply->status = 204;
    return true;
}
