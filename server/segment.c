#include "server/segment.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct mark {
    int64_t seq;
    size_t end; /* of its frame */
};

struct segment {
    atomic_size_t references;
    int64_t after, last;
    struct text text;
    size_t marks_n;
    struct mark marks[]; /* by seq, and so by end */
};

struct event_view segment_event_view(const struct store_event *event) {
    return (struct event_view){
        .seq = event->seq,
        .kind = store_event_name(event->kind),
        .point = {event->point.epoch, event->point.cost, event->point.validation_cost},
        .document = event->document,
    };
}

static void text_shrink(struct text *t) {
    char *data = t->n ? realloc(t->data, t->n) : NULL;
    if (data) {
        t->data = data;
        t->capacity = t->n;
    }
}

struct segment *segment_new(int64_t after, const struct store_event *events, size_t n,
                            int64_t through, struct err *e) {
    size_t most = n < SEGMENT_EVENTS_MAX ? n : SEGMENT_EVENTS_MAX;
    struct segment *s = calloc(1, sizeof *s + most * sizeof *s->marks);
    if (!s) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for events");
        return NULL;
    }
    atomic_init(&s->references, 1);
    s->after = after;
    s->last = n ? after : through;
    for (size_t i = 0; i < most && s->text.n < SEGMENT_BYTES; i++) {
        struct event_view view = segment_event_view(&events[i]);
        event_frame(&view, &s->text);
        s->last = view.seq;
        s->marks[s->marks_n++] = (struct mark){view.seq, s->text.n};
    }
    if (s->text.failed) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for events");
        segment_release(s);
        return NULL;
    }
    text_shrink(&s->text);
    return s;
}

struct segment *segment_acquire(struct segment *s) {
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void segment_release(struct segment *s) {
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    text_free(&s->text);
    free(s);
}

int64_t segment_after(const struct segment *s) {
    return s->after;
}

int64_t segment_last(const struct segment *s) {
    return s->last;
}

size_t segment_bytes(const struct segment *s) {
    return sizeof *s + s->marks_n * sizeof *s->marks + s->text.n;
}

size_t segment_offset(const struct segment *s, int64_t seq) {
    size_t low = 0, high = s->marks_n; /* how many events are not behind seq */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->marks[middle].seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? s->marks[low - 1].end : 0;
}

/* The end of the last frame that ends at `most` or before; 0: none does. */
static size_t frames_end(const struct segment *s, size_t most) {
    size_t low = 0, high = s->marks_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->marks[middle].end <= most)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? s->marks[low - 1].end : 0;
}

size_t segment_copy(const struct segment *s, size_t *offset, char *to, size_t n) {
    size_t left = s->text.n - *offset;
    if (left > n) {
        size_t end = frames_end(s, *offset + n);
        left = end > *offset ? end - *offset : n;
    }
    if (left)
        memcpy(to, s->text.data + *offset, left);
    *offset += left;
    return left;
}
