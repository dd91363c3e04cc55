/* /v1/jobs/{id}/events */
#include <stdlib.h>
#include <string.h>

#include "api/event.h"
#include "server/handlers.h"
#include "server/http_accept.h"
#include "server/segment.h"

static const char STREAM_TYPE[] = "text/event-stream";

/* ---- the stream ----------------------------------------------------------------- */

static void wake(void *flow) {
    http_flow_wake(flow);
}

static void stream_start(void *watcher, struct http_flow *flow) {
    hub_wake_by(watcher, wake, flow);
}

static int64_t stream_read(void *watcher, char *to, size_t n) {
    int64_t got = hub_read(watcher, to, n);
    return got == HUB_END ? HTTP_FEED_END : got;
}

static void stream_close(void *watcher) {
    hub_leave(watcher);
}

static const struct http_feed stream = {stream_start, stream_read, stream_close};

/* `after`, or what an EventSource that asks again has seen, which is newer than its URL.
 */
static bool stream_after(const struct http_request *request, int64_t *after,
                         struct err *e) {
    const char *seen = request->last_event_id;
    if (!seen || !*seen)
        return true;
    char *end;
    size_t digits = strspn(seen, "0123456789");
    *after = strtoll(seen, &end, 10); /* INT64_MAX for more than that */
    return (digits && !seen[digits]) ||
           err_set(e, ERR_INVALID, "Last-Event-ID",
                   "expected the id of an event, got \"%.40s\"", seen);
}

static bool stream_open(struct hub *hub, struct store *store,
                        const struct http_request *request, int64_t after,
                        struct http_reply *reply, struct err *e) {
    struct hub_place place = {.job_id = request->parameters[0]};
    struct store_event *none = NULL;
    size_t n = 0;
    if (!stream_after(request, &after, e) ||
        !store_events(store, place.job_id, after, 0, &none, &n, &place.last, &place.ended,
                      e))
        return false;
    store_events_free(none, n);
    place.after = after;
    reply->type = STREAM_TYPE;
    if (place.ended && after >= place.last) {
        reply->status = 204; /* to an EventSource: do not ask again */
        return true;
    }
    reply->source = hub_watch(hub, &place, e);
    reply->feed = reply->source ? &stream : NULL;
    return reply->source;
}

/* ---- pages ---------------------------------------------------------------------- */

static bool page_open(struct store *store, const char *job_id, int64_t after,
                      size_t limit, struct http_reply *reply, struct err *e) {
    struct store_event *events = NULL;
    size_t n = 0;
    int64_t last = 0;
    bool ended = false;
    if (!store_events(store, job_id, after, limit, &events, &n, &last, &ended, e))
        return false;
    list_open(&reply->body);
    for (size_t i = 0; i < n; i++) {
        struct event_view view = segment_event_view(&events[i]);
        event_encode(&view, &reply->body);
    }
    list_close(&reply->body, n && events[n - 1].seq < last);
    store_events_free(events, n);
    return true;
}

bool handle_jobs_events(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    struct events_context *events = subsystem;
    struct page page;
    int64_t after = 0;
    if (!page_read(request, &page, e) ||
        !http_query_int(request, "after", 0, INT64_MAX, &after, e))
        return false;
    if (strlen(request->parameters[0]) >= STORE_ID_MAX)
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no such job");
    if (http_accept_prefers(request->accept, STREAM_TYPE, "application/json"))
        return stream_open(events->hub, store, request, after, reply, e);
    return page_open(store, request->parameters[0], after, page.limit, reply, e);
}
