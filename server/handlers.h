/* The handlers: decode, call, encode; nothing else. Each gets the subsystem it works on.
 */
#ifndef SERVER_HANDLERS_H
#define SERVER_HANDLERS_H

#include <stdatomic.h>

#include "api/documents.h"
#include "server/http.h"
#include "server/hub.h"
#include "server/metrics.h"
#include "server/predictor.h"
#include "server/registry.h"
#include "server/supervisor.h"

/* SUBSYSTEM_JOBS */
struct jobs_context {
    struct supervisor *supervisor;
    struct registry *registry;
    int64_t queue_max;     /* jobs that may wait; 0: no bound */
    int64_t memory_max;    /* bytes that one may need */
    int64_t runtime_max_s; /* seconds that one may train for; 0: no bound */
};
http_handler handle_jobs_create, handle_jobs_list, handle_jobs_get, handle_jobs_history,
    handle_jobs_cancel, handle_jobs_pause, handle_jobs_resume, handle_jobs_delete,
    handle_checkpoints_list, handle_checkpoints_publish;

/* SUBSYSTEM_EVENTS */
struct events_context {
    struct hub *hub;
};
http_handler handle_jobs_events;

/* SUBSYSTEM_MODELS */
struct models_context {
    struct registry *registry;
};
http_handler handle_models_list, handle_models_get, handle_models_delete,
    handle_versions_list, handle_versions_get, handle_versions_delete,
    handle_versions_import, handle_versions_export, handle_aliases_list,
    handle_aliases_get, handle_aliases_put, handle_aliases_delete, handle_labels_get;

/* SUBSYSTEM_DATASETS: all of it is in the store, there is no context */
http_handler handle_datasets_list, handle_datasets_get, handle_datasets_delete;
extern const struct http_stream datasets_put_table, datasets_put_features,
    datasets_put_targets;

/* SUBSYSTEM_PREDICT: a struct predictor */
http_handler handle_predict, handle_tfs, handle_metadata, handle_invocations,
    handle_oip_infer;
extern const struct http_intake predict_intake, oip_infer_intake;

/* SUBSYSTEM_PROBES */
struct probes_context {
    _Atomic(struct supervisor *) supervisor; /* NULL: the store is not open yet */
    struct registry *registry;
    struct metrics *metrics;
    struct batcher *batcher;
    const char *version;           /* of the program */
    _Atomic(const char *) unready; /* why it is not ready yet, or any longer; or NULL */
};
http_handler handle_livez, handle_readyz, handle_ping, handle_version, handle_root,
    handle_metrics;
/* Whether requests are taken: ERR_UNAVAILABLE that says why not. */
bool probes_ready(const struct probes_context *probes, const struct http_request *request,
                  struct err *e) __attribute__((warn_unused_result));

/* SUBSYSTEM_OIP: what of the Open Inference Protocol predicts nothing */
struct oip_context {
    struct registry *registry;
    const struct probes_context *probes;
    const char *version; /* of the server */
};
http_handler handle_oip_server, handle_oip_live, handle_oip_ready, handle_oip_model,
    handle_oip_model_ready, handle_oip_stats, handle_oip_model_stats, handle_oip_index,
    handle_oip_load, handle_oip_unload;

/* The path parameters of models: ERR_INVALID, where = the parameter's name. */
bool model_name_check(const char *name, struct err *e)
    __attribute__((warn_unused_result));
bool model_version_read(const char *text, int64_t *version, struct err *e)
    __attribute__((warn_unused_result));
/* What {name} and {version} of a path name, a number, "latest" or an alias; free it. */
bool model_version_get(struct store *store, const struct http_request *request,
                       struct store_version *out, struct err *e)
    __attribute__((warn_unused_result));
/* What the documents of a version and an alias are made of; borrow what they are given.
 */
struct version_view model_version_view(const struct store_version *v);
struct alias_view model_alias_view(const struct store_alias *alias);
/* 201 with the document of a version that was just published, and its Location; the
 * registry learns of it first. */
bool model_version_reply(struct registry *registry, struct store *store, const char *name,
                         int64_t version, struct http_reply *reply, struct err *e)
    __attribute__((warn_unused_result));

/* The document of a version, with its state; frees it. */
void model_document_reply(struct store_version *v, struct http_reply *reply);

/* `limit` and `after` of a list. */
struct page {
    size_t limit; /* 1..1000, by default 100 */
    const char *after;
};
bool page_read(const struct http_request *request, struct page *page, struct err *e)
    __attribute__((warn_unused_result));
/* The list failed: what was not found is what `after` names. @return false. */
bool page_refused(struct err *e);

#endif
