#include "api/event.h"

#include <inttypes.h>
#include <string.h>

const char event_frame_retry[] = "retry: 1000\n\n";
const char event_frame_comment[] = ":\n\n";

static void data_encode(const struct event_view *event, struct text *out) {
    if (event->document)
        text_json_raw(out, event->document);
    else
        history_encode(&event->point, 1, out);
}

void event_encode(const struct event_view *event, struct text *out) {
    text_open(out, '{');
    text_key(out, "seq");
    text_json_int(out, event->seq);
    text_key(out, "event");
    text_json_string(out, event->kind);
    text_key(out, "data");
    data_encode(event, out);
    text_close(out, '}');
}

void event_frame(const struct event_view *event, struct text *out) {
    struct text data = {0};
    data_encode(event, &data);
    text_format(out, "id: %" PRId64 "\nevent: %s\ndata: ", event->seq, event->kind);
    /* JSON has line breaks between its tokens alone, where a space is as good. They would
     * end the line of a frame. */
    for (size_t i = 0; i < data.n; i++)
        if (data.data[i] == '\n' || data.data[i] == '\r')
            data.data[i] = ' ';
    text_bytes(out, data.data, data.n);
    text_string(out, "\n\n");
    out->failed = out->failed || data.failed;
    text_free(&data);
}
