/* /v1/jobs */
#include "server/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/dataset_source.h"
#include "api/documents.h"
#include "api/job.h"
#include "api/model_file.h"
#include "server/clock.h"

enum {
    WAIT_SECONDS_MAX = 300,
    POINTS_MAX = 100000,
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 1000
};

bool page_read(const struct http_request *request, struct page *page, struct err *e) {
    int64_t limit = LIMIT_DEFAULT;
    page->after = http_query_text(request, "after");
    bool ok = http_query_int(request, "limit", 1, LIMIT_MAX, &limit, e);
    page->limit = (size_t)limit;
    return ok;
}

bool page_refused(struct err *e) {
    if (e->kind == ERR_NOT_FOUND)
        snprintf(e->where, sizeof e->where, "after");
    return false;
}

static struct job_view job_view_of(const struct store_job *job) {
    return (struct job_view){
        .id = job->id,
        .model = job->model,
        .status = job_status_name(job->status),
        .created_ms = job->created_ms,
        .started_ms = job->started_ms,
        .finished_ms = job->finished_ms,
        .now_ms = clock_ms(),
        .epochs = job->epochs,
        .epochs_done = job->epochs_done,
        .running = job->status == JOB_RUNNING,
        .cost_known = job->cost_known,
        .cost = job->cost,
        .training_seconds = job->training_seconds,
        .cancel_requested = job->cancel_requested,
        .stop_reason = job->stop_reason,
        .error_code = job->error_code,
        .error_text = job->error_text,
        .error_epoch = job->error_epoch,
        .model_version = job->model_version,
        .warnings = job->warnings,
        .metrics = job->metrics,
        .hyperparameters = job->hyperparameters,
        .metadata = job->metadata,
    };
}

/* Encodes the job, a line of its own, and frees it. */
static void job_reply(struct store_job *job, struct http_reply *reply) {
    struct job_view view = job_view_of(job);
    job_document_encode(&view, &reply->body);
    text_string(&reply->body, "\n");
    store_job_free(job);
}

static void random_bytes(void *out, size_t n) {
    /* Does not fail or fall short for so few bytes once the pool is ready. */
    while (getrandom(out, n, 0) != (ssize_t)n) {
    }
}

static void job_id_make(char id[STORE_ID_MAX]) {
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { DIGITS_N = 20 };
    unsigned char bytes[DIGITS_N];
    random_bytes(bytes, sizeof bytes);
    int at = snprintf(id, STORE_ID_MAX, "job_");
    for (size_t i = 0; i < DIGITS_N; i++)
        id[at++] = digits[bytes[i] % 36];
    id[at] = '\0';
}

static bool job_id_valid(const char *id) {
    return strlen(id) < STORE_ID_MAX;
}

/* Where a job's bytes are: blobs of its own, or the dataset's. */
struct job_bytes {
    int64_t data, targets, validation, validation_targets;
};

static bool job_insert(struct store *store, const struct job_request *request,
                       struct job_bytes bytes, char id[STORE_ID_MAX], struct err *e) {
    struct text text = {0};
    job_spec_encode(&request->spec, &text);
    char *hyperparameters = text_take(&text);
    if (!hyperparameters)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the job");
    job_id_make(id);
    struct store_job_new job = {
        .id = id,
        .model = request->model,
        .hyperparameters = hyperparameters,
        .metadata = request->metadata,
        .warnings = request->spec.table.warnings,
        .data_blob = bytes.data,
        .targets_blob = bytes.targets,
        .validation_blob = bytes.validation,
        .validation_targets_blob = bytes.validation_targets,
        .epochs = request->spec.epochs,
        .created_ms = clock_ms(),
    };
    bool replayed;
    bool ok = store_job_insert(store, &job, id, &replayed, e);
    free(hyperparameters);
    return ok;
}

/* Rows to encode and their targets go into a blob each, as a dataset's two files do. */
static bool rows_insert(struct store *store, const struct job_request *request,
                        char id[STORE_ID_MAX], struct err *e) {
    struct job_bytes bytes = {0};
    char sha256[STORE_SHA256_TEXT];
    int64_t now_ms = clock_ms();
    return store_blob_put(store, request->rows, request->rows_bytes, now_ms, &bytes.data,
                          sha256, e) &&
           store_blob_put(store, request->targets_rows, strlen(request->targets_rows),
                          now_ms, &bytes.targets, sha256, e) &&
           job_insert(store, request, bytes, id, e);
}

static bool numbers_insert(struct store *store, const struct job_request *request,
                           char id[STORE_ID_MAX], struct err *e) {
    size_t n;
    struct job_bytes bytes = {0};
    char sha256[STORE_SHA256_TEXT];
    void *file = table_file_encode(request, &n, e);
    bool ok = file && store_blob_put(store, file, n, clock_ms(), &bytes.data, sha256, e);
    free(file);
    return ok && job_insert(store, request, bytes, id, e);
}

/* A dataset out of the store, as a job sees it. Zero-initialise; dataset_unload. */
struct dataset_loaded {
    struct store_dataset stored;
    struct dataset_source rows, targets;
    struct job_dataset view;
    struct job_bytes bytes;
};

static void dataset_unload(struct dataset_loaded *d) {
    store_dataset_free(&d->stored);
    dataset_source_free(&d->rows);
    dataset_source_free(&d->targets);
}

/* `where`: the job's key that names it. */
static bool dataset_load(struct store *store, const char *name, int64_t revision,
                         const char *where, struct dataset_loaded *d, struct err *e) {
    if (!store_dataset_get(store, name, revision, &d->stored, e)) {
        if (e->kind == ERR_NOT_FOUND)
            snprintf(e->where, sizeof e->where, "%s", where);
        return false;
    }
    bool apart = d->stored.parts[DATASET_TABLE].blob == 0;
    const struct store_part *rows =
        &d->stored.parts[apart ? DATASET_FEATURES : DATASET_TABLE];
    const struct store_part *targets = &d->stored.parts[DATASET_TARGETS];
    if (!rows->blob || (apart && !targets->blob))
        return err_set(e, ERR_CONFLICT, where, "\"%s\" has features or targets alone",
                       d->stored.name);
    if (!dataset_source_decode(rows->document, &d->rows, e) ||
        (apart && !dataset_source_decode(targets->document, &d->targets, e)))
        return false;
    d->bytes =
        (struct job_bytes){.data = rows->blob, .targets = apart ? targets->blob : 0};
    d->view = (struct job_dataset){
        .name = d->stored.name,
        .revision = d->stored.revision,
        .table = &d->rows.profile,
        .targets = apart ? &d->targets.profile : NULL,
        .source = d->rows.source,
        .targets_source = d->targets.source,
    };
    return true;
}

static bool dataset_insert(struct store *store, struct job_draft *draft, const char *name,
                           int64_t revision, int64_t seed, char id[STORE_ID_MAX],
                           struct err *e) {
    struct dataset_loaded training = {0}, validation = {0};
    struct job_request request = {0};
    char other[JOB_NAME_MAX + 1];
    int64_t other_revision;
    bool ok = dataset_load(store, name, revision, "/dataset", &training, e);
    if (ok && job_draft_validation(draft, other, &other_revision)) {
        ok = dataset_load(store, other, other_revision, "/validation_dataset",
                          &validation, e);
        training.view.validation = &validation.view;
        training.bytes.validation = validation.bytes.data;
        training.bytes.validation_targets = validation.bytes.targets;
    }
    ok = ok && job_draft_resolve(draft, &training.view, seed, &request, e) &&
         job_insert(store, &request, training.bytes, id, e);
    job_request_free(&request);
    dataset_unload(&training);
    dataset_unload(&validation);
    return ok;
}

static bool draft_insert_resolved(struct store *store, struct job_draft *draft,
                                  char id[STORE_ID_MAX], struct err *e) {
    char dataset[JOB_NAME_MAX + 1];
    int64_t revision;
    uint64_t bits;
    random_bytes(&bits, sizeof bits);
    int64_t seed = (int64_t)(bits & JOB_SEED_MAX);
    if (job_draft_dataset(draft, dataset, &revision))
        return dataset_insert(store, draft, dataset, revision, seed, id, e);
    struct job_request request;
    if (!job_draft_resolve(draft, NULL, seed, &request, e))
        return false;
    bool ok = request.rows ? rows_insert(store, &request, id, e)
                           : numbers_insert(store, &request, id, e);
    job_request_free(&request);
    return ok;
}

/* Has the version that init_from names at hand while the draft is resolved. */
static bool draft_insert(struct registry *registry, struct store *store,
                         struct job_draft *draft, char id[STORE_ID_MAX], struct err *e) {
    static const char where[] = "/init_from";
    const char *from = job_draft_init_from(draft);
    struct model_ref ref;
    if (!from)
        return draft_insert_resolved(store, draft, id, e);
    if (!model_ref_parse(from, where, &ref, e))
        return false;
    const struct served *served = registry_load(registry, store, &ref, e);
    if (!served) {
        snprintf(e->where, sizeof e->where, "%s", where);
        return false;
    }
    struct job_origin origin = {served->name, served->version, served->model};
    job_draft_start(draft, &origin);
    bool ok = draft_insert_resolved(store, draft, id, e);
    registry_release(served);
    return ok;
}

bool handle_jobs_create(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    struct jobs_context *jobs = subsystem;
    char id[STORE_ID_MAX];
    struct store_job job;
    struct job_draft *draft = job_draft_new(request->body, request->body_n, e);
    bool ok = draft && draft_insert(jobs->registry, store, draft, id, e);
    job_draft_free(draft);
    if (!ok || !store_job_get(store, id, &job, e))
        return false;
    supervisor_wake(jobs->supervisor);
    reply->status = 202;
    snprintf(reply->location, sizeof reply->location, "/v1/jobs/%s", id);
    job_reply(&job, reply);
    return true;
}

static bool job_find(struct store *store, const char *id, struct store_job *job,
                     struct err *e) {
    if (!job_id_valid(id))
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no such job");
    return store_job_get(store, id, job, e);
}

/* Who reads of a job that a version exists may ask for it with the next request. A
 * version that was deleted again is no news, however often its job is read. */
static void version_announce(struct registry *registry, struct store *store,
                             const struct store_job *job) {
    struct store_version version;
    struct err ignored = {0};
    if (job->status != JOB_SUCCEEDED ||
        registry_knows(registry, job->model, job->model_version) ||
        !store_version_get(store, job->model, job->model_version, &version, &ignored))
        return;
    store_version_free(&version);
    (void)!registry_refresh(registry, store, &ignored);
}

bool handle_jobs_get(void *subsystem, struct store *store,
                     const struct http_request *request, struct http_reply *reply,
                     struct err *e) {
    struct jobs_context *jobs = subsystem;
    double wait_s = 0;
    struct store_job job;
    if (!http_query_number(request, "wait", 0, WAIT_SECONDS_MAX, &wait_s, e) ||
        !job_find(store, request->parameters[0], &job, e))
        return false;
    bool ended = job_status_ended(job.status);
    int64_t until_us = request->received_us + (int64_t)(wait_s * 1e6);
    if (!ended && !request->draining && clock_mono_us() < until_us) {
        reply->park_until_us = until_us;
        store_job_free(&job);
        return true;
    }
    version_announce(jobs->registry, store, &job);
    job_reply(&job, reply);
    return true;
}

bool handle_jobs_list(void *subsystem, struct store *store,
                      const struct http_request *request, struct http_reply *reply,
                      struct err *e) {
    (void)subsystem;
    struct page page;
    enum job_status status = JOB_QUEUED;
    const char *status_name = http_query_text(request, "status");
    if (!page_read(request, &page, e))
        return false;
    if (status_name && !job_status_find(status_name, &status))
        return err_set(e, ERR_INVALID, "status",
                       "expected queued, running, paused, succeeded, failed or "
                       "cancelled, got \"%.40s\"",
                       status_name);
    const char *model = http_query_text(request, "model");
    if (model && !job_name_valid(model))
        return err_set(e, ERR_INVALID, "model", "expected a model's name, got \"%.40s\"",
                       model);
    struct store_jobs_query query = {
        .status = status_name ? (int)status : -1,
        .model = model,
        .after = page.after,
        .limit = page.limit,
    };
    struct store_job *list = NULL;
    size_t n = 0;
    bool more = false;
    if (!store_jobs_list(store, &query, &list, &n, &more, e))
        return page_refused(e);
    list_open(&reply->body);
    for (size_t i = 0; i < n; i++) {
        struct job_view view = job_view_of(&list[i]);
        job_document_encode(&view, &reply->body);
        store_job_free(&list[i]);
    }
    list_close(&reply->body, more);
    free(list);
    return true;
}

bool handle_jobs_history(void *subsystem, struct store *store,
                         const struct http_request *request, struct http_reply *reply,
                         struct err *e) {
    (void)subsystem;
    int64_t max_points = POINTS_MAX, since_epoch = 0;
    struct store_job job;
    if (!http_query_int(request, "max_points", 2, POINTS_MAX, &max_points, e) ||
        !http_query_int(request, "since_epoch", 0, INT64_MAX, &since_epoch, e) ||
        !job_find(store, request->parameters[0], &job, e))
        return false;
    store_job_free(&job);
    struct store_point *points = NULL;
    size_t n = 0;
    if (!store_history(store, request->parameters[0], since_epoch, (size_t)max_points,
                       &points, &n, e))
        return false;
    list_open(&reply->body);
    for (size_t i = 0; i < n; i++)
        history_encode(&(struct curve_point){points[i].epoch, points[i].cost,
                                             points[i].validation_cost},
                       1, &reply->body);
    list_close(&reply->body, false);
    free(points);
    return true;
}

bool handle_jobs_cancel(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    struct jobs_context *jobs = subsystem;
    struct store_job job;
    if (!job_id_valid(request->parameters[0]))
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no such job");
    if (!store_job_cancel(store, request->parameters[0], clock_ms(), &job, e))
        return false;
    supervisor_wake(jobs->supervisor);
    job_reply(&job, reply);
    return true;
}
