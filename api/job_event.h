/* The documents of a job's events: what happened to it, as its history keeps it and as a
 * watcher reads it. A cost's document is not among them: it is made from its point. One
 * thread at a time. */
#ifndef API_JOB_EVENT_H
#define API_JOB_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/text.h"
#include "engine/err.h"

/* {"status": "running"} */
void job_event_status(const char *status, struct text *out);

struct checkpoint_view {
    int64_t number, epoch, bytes, created_ms;
    double epochs_done;
    double cost, validation_cost; /* not finite: null */
    bool best, resumable;
};
/* The same in the list of a job's checkpoints. */
void checkpoint_document_encode(const struct checkpoint_view *c, struct text *out);

struct done_view {
    const char *status, *stop_reason;
    int64_t model_version;  /* 0: null */
    const char *error_code; /* "": there was no error */
    const char *error_text;
    int64_t error_epoch; /* -1: null */
};
void job_event_done(const struct done_view *done, struct text *out);

/* A document for each element of the JSON array `after` that the array `before` does not
 * hold: {"message": "..."} for a text, an object as it is. Either may be NULL, an empty
 * one. *documents is a new array of *n new strings: job_event_warnings_free. ERR_INVALID
 * for what is no array, ERR_NO_MEMORY. */
bool job_event_warnings(const char *before, const char *after, char ***documents,
                        size_t *n, struct err *e) __attribute__((warn_unused_result));
void job_event_warnings_free(char **documents, size_t n);

/* A job's warnings, a JSON array or NULL, with one more: a new string. NULL with *e. */
char *job_warnings_add(const char *before, const char *warning, struct err *e)
    __attribute__((warn_unused_result));

#endif
