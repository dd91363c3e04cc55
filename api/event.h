/* What happened to a job: one event as JSON for a page, and as a message of a stream of
 * server-sent events (HTML Living Standard, section 9.2). Plain structs in, text out;
 * strings are borrowed. Pure; any thread. */
#ifndef API_EVENT_H
#define API_EVENT_H

#include <stdint.h>

#include "api/job_document.h"
#include "api/text.h"

struct event_view {
    int64_t seq;
    const char *kind;         /* "status", "cost", ... */
    struct curve_point point; /* where there is no document */
    const char *document;     /* JSON, or NULL */
};

/* {"seq":3,"event":"cost","data":{...}} */
void event_encode(const struct event_view *event, struct text *out);

/* "id: 3\nevent: cost\ndata: {...}\n\n" */
void event_frame(const struct event_view *event, struct text *out);

/* How long a client waits before it asks again, and a comment that says nothing. */
extern const char event_frame_retry[], event_frame_comment[];

#endif
