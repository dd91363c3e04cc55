/* /v1/jobs/{id}/cancel, pause, resume, and the end of a job's record. */
#include "server/handle_jobs.h"

#include "api/job_order.h"

typedef bool job_order(struct store *store, const char *id, int64_t now_ms,
                       struct store_job *job, struct err *e);

/* Gives the order and has the workers look at it. */
static bool order_give(job_order *order, const struct jobs_context *jobs,
                       struct store *store, const struct http_request *request,
                       struct http_reply *reply, struct err *e) {
    struct store_job job;
    if (!job_order_decode(request->body, request->body_n, e) ||
        !job_id_check(request, e) ||
        !order(store, request->parameters[0], store_now_ms(store), &job, e))
        return false;
    supervisor_wake(jobs->supervisor);
    job_reply(&job, reply);
    return true;
}

bool handle_jobs_cancel(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    return order_give(store_job_cancel, subsystem, store, request, reply, e);
}

bool handle_jobs_pause(void *subsystem, struct store *store,
                       const struct http_request *request, struct http_reply *reply,
                       struct err *e) {
    return order_give(store_job_pause, subsystem, store, request, reply, e);
}

bool handle_jobs_resume(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    return order_give(store_job_resume, subsystem, store, request, reply, e);
}

bool handle_jobs_delete(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    (void)subsystem;
    if (!job_id_check(request, e) || !store_job_delete(store, request->parameters[0], e))
        return false;
    reply->status = 204;
    return true;
}
