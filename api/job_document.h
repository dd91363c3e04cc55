/* The documents that describe jobs and curves. Plain structs in, JSON out; strings are
 * borrowed. Pure; any thread. */
#ifndef API_JOB_DOCUMENT_H
#define API_JOB_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/text.h"

struct job_view {
    const char *id, *model, *status;
    int64_t created_ms, started_ms, finished_ms; /* 0: not yet */
    int64_t now_ms;
    int64_t epochs;
    double epochs_done;
    bool running;
    bool cost_known;
    double cost;
    double training_seconds; /* of all attempts that the epochs done are the work of */
    bool cancel_requested, pause_requested;
    int64_t priority, attempts;
    int64_t checkpoint, memory_bytes;       /* 0: none, not known */
    int64_t threads;                        /* that it asks for; 0: any number */
    const char *stop_reason;                /* "" : none */
    const char *error_code, *error_text;    /* "" : none */
    int64_t error_epoch;                    /* -1: none */
    int64_t model_version;                  /* 0: none */
    const char *warnings, *metrics;         /* JSON, or NULL */
    const char *hyperparameters, *metadata; /* JSON; metadata may be NULL */
};
void job_document_encode(const struct job_view *job, struct text *out);

struct curve_point {
    int64_t epoch;
    double cost;
    double validation_cost; /* NaN: none */
};
void history_encode(const struct curve_point *points, size_t n, struct text *out);

#endif
