#include "tests/http/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/unit/check.h"

enum { HEAD_MS = 10000 };

static void drop(struct raw *raw, size_t n) {
    raw->bytes_n -= n;
    memmove(raw->bytes, raw->bytes + n, raw->bytes_n + 1);
}

static bool text_add(struct watch *w, const char *bytes, size_t n) {
    char *text = realloc(w->text, w->text_n + n + 1);
    if (!text)
        return false;
    memcpy(text + w->text_n, bytes, n);
    w->text = text;
    w->text_n += n;
    text[w->text_n] = '\0';
    return true;
}

/* Moves the chunks that are whole from the connection to the text. */
static void unchunk(struct watch *w) {
    struct raw *raw = &w->raw;
    const char *line;
    while (!w->ended && raw->bytes_n && (line = strstr(raw->bytes, "\r\n"))) {
        size_t n = strtoul(raw->bytes, NULL, 16);
        size_t head = (size_t)(line - raw->bytes) + 2;
        if (raw->bytes_n < head + n + 2)
            return;
        w->ended = n == 0;
        if (!text_add(w, raw->bytes + head, n))
            return;
        drop(raw, head + n + 2);
    }
}

/* @return as raw_more. */
static int watch_more(struct watch *w, int64_t deadline_ms) {
    int more = raw_more(&w->raw, deadline_ms);
    if (more > 0)
        unchunk(w);
    return more;
}

static bool head_read(struct watch *w) {
    const char *end = NULL;
    int64_t deadline_ms = daemon_clock_ms() + HEAD_MS;
    while (!w->raw.bytes || !(end = strstr(w->raw.bytes, "\r\n\r\n")))
        if (raw_more(&w->raw, deadline_ms) <= 0)
            return false;
    if (sscanf(w->raw.bytes, "HTTP/1.1 %ld", &w->status) != 1)
        return false;
    drop(&w->raw, (size_t)(end - w->raw.bytes) + 4);
    if (w->status == 200)
        unchunk(w);
    return text_add(w, "", 0);
}

bool watch_open(struct watch *w, int port, const char *job_id, struct watch_from from) {
    char head[512], id[64] = "";
    *w = (struct watch){0};
    if (from.last_event_id >= 0)
        snprintf(id, sizeof id, "Last-Event-ID: %" PRId64 "\r\n", from.last_event_id);
    snprintf(head, sizeof head,
             "GET /v1/jobs/%s/events%s HTTP/1.1\r\nHost: x\r\n"
             "Accept: text/event-stream\r\n%s\r\n",
             job_id, from.query ? from.query : "", id);
    if (raw_open(&w->raw, port) && raw_text(&w->raw, head) && head_read(w))
        return true;
    watch_close(w);
    return false;
}

void watch_close(struct watch *w) {
    raw_close(&w->raw);
    free(w->text);
    w->text = NULL;
}

bool watch_until(struct watch *w, const char *what, int timeout_ms) {
    int64_t deadline_ms = daemon_clock_ms() + timeout_ms;
    while (!strstr(w->text, what))
        if (watch_more(w, deadline_ms) <= 0)
            return false;
    return true;
}

bool watch_ended(struct watch *w, int timeout_ms) {
    int64_t deadline_ms = daemon_clock_ms() + timeout_ms;
    while (!w->ended)
        if (watch_more(w, deadline_ms) <= 0)
            return false;
    return true;
}

static bool is_silence(const char *frame, size_t n) {
    return (n == 11 && memcmp(frame, "retry: 1000", n) == 0) ||
           (n == 1 && frame[0] == ':');
}

/* One message without its blank line; NULL: it is none. */
static json_t *message_read(const char *frame, size_t n) {
    int64_t seq = 0;
    char kind[16];
    int at = 0;
    if (sscanf(frame, "id: %" SCNd64 "\nevent: %15[a-z]\ndata: %n", &seq, kind, &at) !=
            2 ||
        !at || (size_t)at > n)
        return NULL;
    json_t *data = json_loadb(frame + at, n - (size_t)at, 0, NULL);
    return data ? json_pack("{s:I,s:s,s:o}", "seq", (json_int_t)seq, "event", kind,
                            "data", data)
                : NULL;
}

json_t *watch_events(const struct watch *w) {
    json_t *events = json_array();
    const char *at = w->text, *end;
    while ((end = strstr(at, "\n\n"))) {
        size_t n = (size_t)(end - at);
        json_t *event = message_read(at, n);
        if (event)
            json_array_append_new(events, event);
        else
            CHECK_SAY(is_silence(at, n), "no message: %.*s", (int)n, at);
        at = end + 2;
    }
    return events;
}
