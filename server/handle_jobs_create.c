/* POST /v1/jobs */
#include "server/handle_jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "api/job.h"
#include "api/job_memory.h"
#include "api/model_file.h"
#include "server/job_source.h"

enum { KEY_BYTES_MAX = 255 };

/* A job that is being made. */
struct creation {
    const struct jobs_context *jobs;
    struct store *store;
    const char *key; /* of the request; or NULL */
    char body_sha256[STORE_SHA256_TEXT];
    char id[STORE_ID_MAX];
    bool replayed; /* `id` is of the job that the key stands for */
};

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

/* Where a job's bytes are: blobs of its own, or the dataset's. */
struct job_bytes {
    int64_t data, targets, validation, validation_targets;
};

/* What its training needs is within what a job may. */
static bool memory_check(const struct creation *c, const struct job_request *request,
                         int64_t *bytes, struct err *e) {
    int64_t max = c->jobs->memory_max;
    return job_memory(&request->spec, bytes, e) &&
           (*bytes <= max || err_set(e, ERR_TOO_LARGE, NULL,
                                     "the job needs about %" PRId64
                                     " bytes of memory, over the limit of %" PRId64
                                     " bytes (--job-memory-max)",
                                     *bytes, max));
}

/* A job that asks for no bound on its training time has the server's. */
static bool runtime_bound(const struct creation *c, struct job_spec *spec,
                          struct err *e) {
    double max = (double)c->jobs->runtime_max_s;
    if (max > 0 && spec->max_runtime_seconds > max)
        return err_set(e, ERR_RANGE, "/max_runtime_seconds",
                       "expected at most %g, got %g (--max-runtime)", max,
                       spec->max_runtime_seconds);
    if (max > 0 && spec->max_runtime_seconds <= 0)
        spec->max_runtime_seconds = max;
    return true;
}

/* The server's bounds on a job. *bytes is the memory that it needs. */
static bool bounds_check(const struct creation *c, struct job_request *request,
                         int64_t *bytes, struct err *e) {
    return runtime_bound(c, &request->spec, e) && memory_check(c, request, bytes, e);
}

static bool job_insert(struct creation *c, const struct job_request *request,
                       struct job_bytes bytes, int64_t memory_bytes, struct err *e) {
    struct text text = {0};
    job_spec_encode(&request->spec, &text);
    char *hyperparameters = text_take(&text);
    if (!hyperparameters)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the job");
    char id[STORE_ID_MAX];
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
        .created_ms = store_now_ms(c->store),
        .priority = request->spec.priority,
        .memory_bytes = memory_bytes,
        .threads = request->spec.threads,
        .idempotency_key = c->key,
        .body_sha256 = c->key ? c->body_sha256 : NULL,
        .queued_max = c->jobs->queue_max,
    };
    bool ok = store_job_insert(c->store, &job, c->id, &c->replayed, e);
    free(hyperparameters);
    return ok;
}

/* Rows to encode and their targets go into a blob each, as a dataset's two files do. */
static bool rows_insert(struct creation *c, const struct job_request *request,
                        int64_t memory_bytes, struct err *e) {
    struct job_bytes bytes = {0};
    char sha256[STORE_SHA256_TEXT];
    int64_t now_ms = store_now_ms(c->store);
    return store_blob_put(c->store, request->rows, request->rows_bytes, now_ms,
                          &bytes.data, sha256, e) &&
           store_blob_put(c->store, request->targets_rows, strlen(request->targets_rows),
                          now_ms, &bytes.targets, sha256, e) &&
           job_insert(c, request, bytes, memory_bytes, e);
}

static bool numbers_insert(struct creation *c, const struct job_request *request,
                           int64_t memory_bytes, struct err *e) {
    size_t n;
    struct job_bytes bytes = {0};
    char sha256[STORE_SHA256_TEXT];
    void *file = table_file_encode(request, &n, e);
    bool ok = file && store_blob_put(c->store, file, n, store_now_ms(c->store),
                                     &bytes.data, sha256, e);
    free(file);
    return ok && job_insert(c, request, bytes, memory_bytes, e);
}

static bool inline_insert(struct creation *c, struct job_request *request,
                          struct err *e) {
    int64_t memory_bytes;
    if (!bounds_check(c, request, &memory_bytes, e))
        return false;
    return request->rows ? rows_insert(c, request, memory_bytes, e)
                         : numbers_insert(c, request, memory_bytes, e);
}

static bool dataset_insert(struct creation *c, struct job_draft *draft, const char *name,
                           int64_t revision, int64_t seed, struct err *e) {
    struct job_source training = {0}, validation = {0};
    struct job_request request = {0};
    char other[JOB_NAME_MAX + 1];
    int64_t other_revision, memory_bytes;
    bool ok = job_source_load(c->store, name, revision, "/dataset", &training, e);
    if (ok && job_draft_validation(draft, other, &other_revision)) {
        ok = job_source_load(c->store, other, other_revision, "/validation_dataset",
                             &validation, e);
        training.view.validation = &validation.view;
    }
    const struct job_bytes bytes = {training.rows_blob, training.targets_blob,
                                    validation.rows_blob, validation.targets_blob};
    ok = ok && job_draft_resolve(draft, &training.view, seed, &request, e) &&
         bounds_check(c, &request, &memory_bytes, e) &&
         job_insert(c, &request, bytes, memory_bytes, e);
    job_request_free(&request);
    job_source_free(&training);
    job_source_free(&validation);
    return ok;
}

static bool draft_insert_resolved(struct creation *c, struct job_draft *draft,
                                  struct err *e) {
    char dataset[JOB_NAME_MAX + 1];
    int64_t revision;
    uint64_t bits;
    random_bytes(&bits, sizeof bits);
    int64_t seed = (int64_t)(bits & JOB_SEED_MAX);
    if (job_draft_dataset(draft, dataset, &revision))
        return dataset_insert(c, draft, dataset, revision, seed, e);
    struct job_request request;
    if (!job_draft_resolve(draft, NULL, seed, &request, e))
        return false;
    bool ok = inline_insert(c, &request, e);
    job_request_free(&request);
    return ok;
}

/* Has the version that init_from names at hand while the draft is resolved. */
static bool draft_insert(struct creation *c, struct job_draft *draft, struct err *e) {
    static const char where[] = "/init_from";
    const char *from = job_draft_init_from(draft);
    struct model_ref ref;
    if (!from)
        return draft_insert_resolved(c, draft, e);
    if (!model_ref_parse(from, where, &ref, e))
        return false;
    const struct served *served = registry_load(c->jobs->registry, c->store, &ref, e);
    if (!served) {
        snprintf(e->where, sizeof e->where, "%s", where);
        return false;
    }
    struct job_origin origin = {served->name, served->version, served->model};
    job_draft_start(draft, &origin);
    bool ok = draft_insert_resolved(c, draft, e);
    registry_release(served);
    return ok;
}

/* ---- before the costly work -------------------------------------------------------- */

static bool key_check(const char *key, struct err *e) {
    size_t n = 0;
    while (key[n] > ' ' && key[n] <= '~')
        n++;
    return (n >= 1 && n <= KEY_BYTES_MAX && !key[n]) ||
           err_set(e, ERR_INVALID, "Idempotency-Key",
                   "expected 1 to %d visible ASCII characters", KEY_BYTES_MAX);
}

/* Whether the request is one that made its job before. */
static bool replay_look(struct creation *c, const struct http_request *request,
                        struct err *e) {
    if (!c->key)
        return true;
    store_sha256(request->body, request->body_n, c->body_sha256);
    if (!key_check(c->key, e))
        return false;
    if (store_job_replay(c->store, c->key, c->body_sha256, c->id, &c->replayed, e))
        return true;
    if (e->kind == ERR_CONFLICT)
        snprintf(e->where, sizeof e->where, "Idempotency-Key");
    return false;
}

static bool job_make(struct creation *c, const struct http_request *request,
                     struct err *e) {
    if (c->jobs->queue_max && !store_job_room(c->store, c->jobs->queue_max, e))
        return false;
    struct job_draft *draft = job_draft_new(request->body, request->body_n, e);
    bool ok = draft && draft_insert(c, draft, e);
    job_draft_free(draft);
    return ok;
}

bool handle_jobs_create(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    const struct jobs_context *jobs = subsystem;
    struct creation c = {.jobs = jobs, .store = store, .key = request->idempotency_key};
    struct store_job job;
    if (!replay_look(&c, request, e) || (!c.replayed && !job_make(&c, request, e)))
        return false;
    if (!c.replayed)
        supervisor_wake(jobs->supervisor);
    if (!store_job_get(store, c.id, &job, e))
        return false;
    reply->status = 202;
    reply->replayed = c.replayed;
    snprintf(reply->location, sizeof reply->location, "/v1/jobs/%s", c.id);
    job_reply(&job, reply);
    return true;
}
