/* What the handlers of /v1/jobs share; for server/handle_jobs*.c alone. */
#ifndef SERVER_HANDLE_JOBS_H
#define SERVER_HANDLE_JOBS_H

#include "server/handlers.h"

/* The path's job id: ERR_NOT_FOUND when it cannot be that of any job. */
bool job_id_check(const struct http_request *request, struct err *e)
    __attribute__((warn_unused_result));

/* The path's job. ERR_NOT_FOUND. */
bool job_find(struct store *store, const struct http_request *request,
              struct store_job *job, struct err *e) __attribute__((warn_unused_result));

/* Encodes the job, a line of its own, and frees it. */
void job_reply(struct store_job *job, struct http_reply *reply);

#endif
