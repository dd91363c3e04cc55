/* A watcher of a job: GET /v1/jobs/ID/events as a stream, read as it comes. */
#ifndef TESTS_HTTP_WATCH_H
#define TESTS_HTTP_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/http/raw.h"

struct watch {
    struct raw raw;
    long status; /* 0: its head has not come */
    char *text;  /* the body so far, without its chunks; NUL-terminated; owned */
    size_t text_n;
    bool ended; /* the last chunk has come */
};

struct watch_from {
    int64_t last_event_id; /* -1: without that header */
    const char *query;     /* "?after=3", or NULL */
};

/* Asks for the stream of a job and waits for its head. */
bool watch_open(struct watch *w, int port, const char *job_id, struct watch_from from)
    __attribute__((warn_unused_result));
void watch_close(struct watch *w);

/* Reads until the text holds `what`, or timeout_ms are over. @return whether it does. */
bool watch_until(struct watch *w, const char *what, int timeout_ms);

/* Reads to the end of the stream. @return whether it came, and was a clean one. */
bool watch_ended(struct watch *w, int timeout_ms);

/* The whole messages so far as {"seq","event","data"}, which is what a page has: a new
 * array. What is no message must be the retry hint or a comment, which is checked. */
json_t *watch_events(const struct watch *w);

#endif
