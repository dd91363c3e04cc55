/* A run of a job's events as they go to its watchers: framed once, never changed, shared
 * by count. */
#ifndef SERVER_SEGMENT_H
#define SERVER_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/event.h"
#include "server/store_events.h"

enum {
    SEGMENT_EVENTS_MAX = 256,
    SEGMENT_BYTES = 32 << 10 /* where it ends; the last event may pass it */
};

struct segment;

/* What the encoders of an event see. Borrows from it. */
struct event_view segment_event_view(const struct store_event *event);

/* Frames the events behind `after`, in their order, as many as it holds, and none at all
 * for n = 0, where the segment says that there is nothing up to `through`.
 * The caller holds one reference. */
struct segment *segment_new(int64_t after, const struct store_event *events, size_t n,
                            int64_t through, struct err *e)
    __attribute__((warn_unused_result));

/* Any thread. @return the segment. */
struct segment *segment_acquire(struct segment *s);
void segment_release(struct segment *s); /* NULL is allowed */

/* It has every event of after < seq <= last that there is. */
int64_t segment_after(const struct segment *s);
int64_t segment_last(const struct segment *s);
size_t segment_bytes(const struct segment *s);

/* Where the frames of the events behind `seq` begin. */
size_t segment_offset(const struct segment *s, int64_t seq);

/* Copies from *offset on, moving it: whole frames where n has room for one, else a part
 * of one. @return how many bytes; 0 at the end. */
size_t segment_copy(const struct segment *s, size_t *offset, char *to, size_t n);

#endif
