/* /v1/jobs, reading. */
#include "server/handle_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "api/job_document.h"
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
        .pause_requested = job->pause_requested,
        .priority = job->priority,
        .attempts = job->attempts,
        .checkpoint = job->checkpoint,
        .memory_bytes = job->memory_bytes,
        .threads = job->threads,
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

void job_reply(struct store_job *job, struct http_reply *reply) {
    struct job_view view = job_view_of(job);
    job_document_encode(&view, &reply->body);
    text_string(&reply->body, "\n");
    store_job_free(job);
}

bool job_id_check(const struct http_request *request, struct err *e) {
    return strlen(request->parameters[0]) < STORE_ID_MAX ||
           err_set(e, ERR_NOT_FOUND, NULL, "there is no such job");
}

bool job_find(struct store *store, const struct http_request *request,
              struct store_job *job, struct err *e) {
    return job_id_check(request, e) &&
           store_job_get(store, request->parameters[0], job, e);
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
        !job_find(store, request, &job, e))
        return false;
    int64_t until_us = request->received_us + (int64_t)(wait_s * 1e6);
    if (!job_status_ended(job.status) && !request->draining &&
        clock_mono_us() < until_us) {
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
        return err_set(
            e, ERR_INVALID, "status",
            "expected queued, running, paused, succeeded, failed or cancelled, "
            "got \"%.40s\"",
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
        !job_find(store, request, &job, e))
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
