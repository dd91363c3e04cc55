#include "server/hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/segment.h"
#include "server/store.h"
#include "server/store_events.h"

enum {
    TICK_MS = 25,
    TICK_SHARED_MS = 100,  /* where each look is a question to another machine */
    LOOK_SEGMENTS_MAX = 8, /* of one job in one tick */
    TAIL_SEGMENTS_MAX = 64,
    TAIL_BYTES_MAX = 256 << 10,
    PAGES_MAX = 4
};

/* Segments, the oldest first, each behind the one before it or anywhere. */
struct ring {
    struct segment *items[TAIL_SEGMENTS_MAX];
    size_t first, n, bytes;
};

/* A watched job. */
struct channel {
    struct channel *next, *previous;
    size_t references; /* its watchers, and the thread while it reads */
    char job_id[STORE_ID_MAX];
    int64_t last;      /* the newest event that was looked at */
    bool ended;        /* that is the job's last */
    bool gone;         /* the job was deleted */
    bool failing;      /* the last look failed, which was said */
    bool behind;       /* the store may have more, whether it changes or not */
    struct ring tail;  /* the newest events */
    struct ring pages; /* what somebody who is behind read last */
    struct hub_watcher *watchers;
};

struct hub_watcher {
    struct hub *hub;
    struct channel *channel;
    struct hub_watcher *next, *previous; /* of the channel */
    struct hub_watcher *next_behind;     /* among those that wait for a page */
    void (*wake)(void *context);
    void *wake_context;
    bool waits, beat;
    struct segment *page; /* was read for it */
    atomic_int_fast64_t read_us;
    /* The reading thread's own: */
    bool greeted;
    int64_t seq; /* of the newest event that it has, or has in hand */
    struct segment *segment;
    size_t offset;
};

struct hub {
    struct store *store; /* the thread's */
    int64_t change_counter;
    int64_t heartbeat_us, tick_us;
    pthread_t thread;
    pthread_cond_t called;
    pthread_mutex_t lock; /* guards what follows, and what hangs on it */
    struct channel *channels;
    struct hub_watcher *behind, **behind_end;
    bool ending;
};

/* ---- rings ---------------------------------------------------------------------- */

static struct segment *ring_at(const struct ring *r, size_t i) {
    return r->items[(r->first + i) % TAIL_SEGMENTS_MAX];
}

static void ring_drop(struct ring *r) {
    struct segment *s = ring_at(r, 0);
    r->bytes -= segment_bytes(s);
    r->first = (r->first + 1) % TAIL_SEGMENTS_MAX;
    r->n--;
    segment_release(s);
}

/* Takes the reference. */
static void ring_add(struct ring *r, struct segment *s, size_t most) {
    while (r->n && (r->n >= most || r->bytes + segment_bytes(s) > TAIL_BYTES_MAX))
        ring_drop(r);
    r->items[(r->first + r->n) % TAIL_SEGMENTS_MAX] = s;
    r->n++;
    r->bytes += segment_bytes(s);
}

static void ring_free(struct ring *r) {
    while (r->n)
        ring_drop(r);
}

/* The newest that has the event behind `seq`; NULL: none has. */
static struct segment *ring_find(const struct ring *r, int64_t seq) {
    for (size_t i = r->n; i-- > 0;) {
        struct segment *s = ring_at(r, i);
        if (segment_after(s) <= seq && seq < segment_last(s))
            return s;
    }
    return NULL;
}

/* ---- channels (under the lock) -------------------------------------------------- */

static struct channel *channel_find(struct hub *h, const char *job_id) {
    struct channel *c = h->channels;
    while (c && strcmp(c->job_id, job_id) != 0)
        c = c->next;
    return c;
}

static struct channel *channel_acquire(struct hub *h, const struct hub_place *place) {
    struct channel *c = channel_find(h, place->job_id);
    if (!c) {
        c = calloc(1, sizeof *c);
        if (!c)
            return NULL;
        strncpy(c->job_id, place->job_id, sizeof c->job_id - 1);
        c->last = place->last;
        c->ended = place->ended;
        c->behind = true;
        c->next = h->channels;
        if (c->next)
            c->next->previous = c;
        h->channels = c;
    }
    c->references++;
    return c;
}

static void channel_release(struct hub *h, struct channel *c) {
    if (--c->references)
        return;
    if (c->next)
        c->next->previous = c->previous;
    if (c->previous)
        c->previous->next = c->next;
    else
        h->channels = c->next;
    ring_free(&c->tail);
    ring_free(&c->pages);
    free(c);
}

static void watcher_wake(struct hub_watcher *w) {
    if (w->wake)
        w->wake(w->wake_context);
}

static void channel_wake(struct channel *c) {
    for (struct hub_watcher *w = c->watchers; w; w = w->next)
        watcher_wake(w);
}

static struct segment *channel_segment(const struct channel *c, int64_t seq) {
    struct segment *s = ring_find(&c->tail, seq);
    return s ? s : ring_find(&c->pages, seq);
}

/* ---- reading the store ---------------------------------------------------------- */

struct look {
    struct segment *segment; /* NULL: nothing new */
    int64_t last;
    bool ended;
};

/* The events behind `after`, without the lock. */
static bool store_look(struct hub *h, const char *job_id, int64_t after,
                       struct look *look, struct err *e) {
    struct store_event *events = NULL;
    size_t n = 0;
    *look = (struct look){0};
    if (!store_events(h->store, job_id, after, SEGMENT_EVENTS_MAX, &events, &n,
                      &look->last, &look->ended, e))
        return false;
    if (n || look->last > after)
        look->segment = segment_new(after, events, n, look->last, e);
    store_events_free(events, n);
    return !e->kind;
}

static void channel_fail(struct channel *c, const struct err *e) {
    c->gone = e->kind == ERR_NOT_FOUND;
    c->behind = true;
    if (c->gone)
        channel_wake(c);
    else if (!c->failing)
        log_err(LOG_WARN, "a job's events could not be read", e);
    c->failing = true;
}

/* What is new in a job, under the lock but for the reading itself. */
static void channel_look(struct hub *h, struct channel *c) {
    bool moved = false, more = true;
    for (int i = 0; i < LOOK_SEGMENTS_MAX && more; i++) {
        struct look look;
        struct err e = {0};
        int64_t after = c->last;
        pthread_mutex_unlock(&h->lock);
        bool ok = store_look(h, c->job_id, after, &look, &e);
        pthread_mutex_lock(&h->lock);
        if (!ok) {
            channel_fail(c, &e);
            return;
        }
        c->failing = false;
        if (look.segment) {
            moved = true;
            c->last = segment_last(look.segment);
            ring_add(&c->tail, look.segment, TAIL_SEGMENTS_MAX);
        }
        more = c->last < look.last;
        moved = moved || (look.ended && !more);
        c->ended = look.ended && !more;
    }
    c->behind = more;
    if (moved)
        channel_wake(c);
}

static void channels_look(struct hub *h) {
    pthread_mutex_unlock(&h->lock);
    struct err e = {0}; /* a channel's look says it */
    int64_t counter = store_change_counter(h->store, &e);
    pthread_mutex_lock(&h->lock);
    bool changed = counter != h->change_counter;
    h->change_counter = counter;
    for (struct channel *c = h->channels, *next; c; c = next) {
        c->references++;
        if (!c->ended && !c->gone && (changed || c->behind))
            channel_look(h, c);
        next = c->next;
        channel_release(h, c);
    }
}

/* The page that has the event behind `seq`: they stand on a grid, so that watchers that
 * are near each other share them. */
static bool page_look(struct hub *h, const char *job_id, int64_t seq, struct look *look,
                      struct err *e) {
    int64_t after = seq - seq % SEGMENT_EVENTS_MAX;
    if (!store_look(h, job_id, after, look, e))
        return false;
    if (after == seq || !look->segment || segment_last(look->segment) > seq)
        return true;
    segment_release(look->segment); /* long events: it did not come so far */
    return store_look(h, job_id, seq, look, e);
}

/* Takes the first of those that wait for a page. */
static struct hub_watcher *behind_take(struct hub *h) {
    struct hub_watcher *w = h->behind;
    h->behind = w->next_behind;
    if (!h->behind)
        h->behind_end = &h->behind;
    w->next_behind = NULL;
    w->waits = false;
    return w;
}

static void behind_add(struct hub *h, struct hub_watcher *w) {
    w->waits = true;
    w->next_behind = NULL;
    *h->behind_end = w;
    h->behind_end = &w->next_behind;
}

static void behind_remove(struct hub *h, const struct hub_watcher *w) {
    struct hub_watcher **at = &h->behind;
    while (*at != w)
        at = &(*at)->next_behind;
    *at = w->next_behind;
    if (!*at)
        h->behind_end = at;
}

/* @return one more reference, or NULL: it failed, which the channel knows. Under the lock
 * but for the reading itself. */
static struct segment *page_read(struct hub *h, struct channel *c, int64_t seq) {
    struct segment *found = channel_segment(c, seq);
    if (found)
        return segment_acquire(found);
    struct look look;
    struct err e = {0};
    pthread_mutex_unlock(&h->lock);
    bool ok = page_look(h, c->job_id, seq, &look, &e);
    pthread_mutex_lock(&h->lock);
    if (!ok)
        channel_fail(c, &e);
    else if (look.segment && c->watchers && c->watchers->next) /* somebody to share it */
        ring_add(&c->pages, segment_acquire(look.segment), PAGES_MAX);
    return look.segment;
}

/* Reads a page for the first watcher that waits for one. @return false: try again later.
 */
static bool page_give(struct hub *h) {
    struct hub_watcher *w = h->behind;
    struct channel *c = w->channel;
    int64_t seq = w->seq;
    c->references++;
    struct segment *page = page_read(h, c, seq);
    bool ok = page || c->gone;
    /* It may have left meanwhile, and another be where it was. */
    if (h->behind == w && w->channel == c && w->seq == seq) {
        behind_take(h);
        if (ok) {
            w->page = page;
            page = NULL;
            watcher_wake(w);
        } else {
            behind_add(h, w);
        }
    }
    segment_release(page);
    channel_release(h, c);
    return ok;
}

/* ---- the thread ----------------------------------------------------------------- */

/* Wakes those that got nothing for so long that they get a comment. */
static void heartbeats(struct hub *h, int64_t now_us) {
    for (struct channel *c = h->channels; c; c = c->next) {
        for (struct hub_watcher *w = c->watchers; w; w = w->next) {
            if (now_us - atomic_load(&w->read_us) < h->heartbeat_us)
                continue;
            atomic_store(&w->read_us, now_us);
            w->beat = true;
            watcher_wake(w);
        }
    }
}

static void wait_until(struct hub *h, int64_t until_us) {
    struct timespec until = {.tv_sec = until_us / 1000000,
                             .tv_nsec = until_us % 1000000 * 1000};
    pthread_cond_timedwait(&h->called, &h->lock, &until);
}

static void *run(void *context) {
    struct hub *h = context;
    int64_t tick_us = 0;
    bool paused = false; /* until the next tick: pages cannot be read */
    pthread_mutex_lock(&h->lock);
    while (!h->ending) {
        int64_t now_us = clock_mono_us();
        if (!h->channels) {
            pthread_cond_wait(&h->called, &h->lock);
        } else if (now_us >= tick_us) {
            channels_look(h);
            heartbeats(h, now_us);
            tick_us = now_us + h->tick_us;
            paused = false;
        } else if (h->behind && !paused) {
            paused = !page_give(h);
        } else {
            wait_until(h, tick_us);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void hub_free(struct hub *h) {
    store_close(h->store);
    pthread_cond_destroy(&h->called);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

struct hub *hub_start(const struct hub_options *options, struct err *e) {
    struct hub *h = calloc(1, sizeof *h);
    if (!h) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for watchers");
        return NULL;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->called, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&h->lock, NULL);
    h->heartbeat_us = options->heartbeat_ms * 1000;
    h->behind_end = &h->behind;
    h->store = store_open(options->store, e);
    if (h->store)
        h->tick_us =
            (store_is_shared(h->store) ? TICK_SHARED_MS : TICK_MS) * INT64_C(1000);
    if (h->store && (pthread_create(&h->thread, NULL, run, h) == 0 ||
                     err_set(e, ERR_NO_MEMORY, NULL, "no thread for watchers")))
        return h;
    hub_free(h);
    return NULL;
}

void hub_stop(struct hub *h) {
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->ending = true;
    pthread_cond_signal(&h->called);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    hub_free(h);
}

/* ---- watchers ------------------------------------------------------------------- */

struct hub_watcher *hub_watch(struct hub *h, const struct hub_place *place,
                              struct err *e) {
    struct hub_watcher *w = calloc(1, sizeof *w);
    if (w) {
        w->hub = h;
        w->seq = place->after;
        atomic_init(&w->read_us, clock_mono_us());
        pthread_mutex_lock(&h->lock);
        struct channel *c = w->channel = channel_acquire(h, place);
        if (c) {
            w->next = c->watchers;
            if (w->next)
                w->next->previous = w;
            c->watchers = w;
            pthread_cond_signal(&h->called);
        }
        pthread_mutex_unlock(&h->lock);
        if (c)
            return w;
    }
    free(w);
    err_set(e, ERR_NO_MEMORY, NULL, "no memory for a watcher");
    return NULL;
}

void hub_wake_by(struct hub_watcher *w, void (*wake)(void *context), void *context) {
    pthread_mutex_lock(&w->hub->lock);
    w->wake = wake;
    w->wake_context = context;
    pthread_mutex_unlock(&w->hub->lock);
}

void hub_leave(struct hub_watcher *w) {
    struct hub *h = w->hub;
    struct channel *c = w->channel;
    pthread_mutex_lock(&h->lock);
    if (w->waits)
        behind_remove(h, w);
    if (w->next)
        w->next->previous = w->previous;
    if (w->previous)
        w->previous->next = w->next;
    else
        c->watchers = w->next;
    channel_release(h, c);
    pthread_mutex_unlock(&h->lock);
    segment_release(w->page);
    segment_release(w->segment);
    free(w);
}

/* The segment that comes next, a reference to it; NULL: none now. Under the lock. */
static struct segment *watcher_next(struct hub_watcher *w) {
    struct hub *h = w->hub;
    struct segment *s = w->page;
    w->page = NULL;
    if (s || w->waits || w->seq >= w->channel->last)
        return s;
    s = channel_segment(w->channel, w->seq);
    if (s)
        return segment_acquire(s);
    if (!w->channel->gone) {
        behind_add(h, w);
        pthread_cond_signal(&h->called);
    }
    return NULL;
}

static size_t give(struct hub_watcher *w, char *to, const char *text) {
    size_t n = strlen(text);
    memcpy(to, text, n);
    atomic_store(&w->read_us, clock_mono_us());
    return n;
}

/* What there is to say without a segment. */
static int64_t watcher_idle(struct hub_watcher *w, bool ended, bool beat, char *to) {
    if (ended)
        return HUB_END;
    return beat ? (int64_t)give(w, to, event_frame_comment) : HUB_NOTHING;
}

int64_t hub_read(struct hub_watcher *w, char *to, size_t n) {
    const struct channel *c = w->channel;
    if (!w->greeted) {
        w->greeted = true;
        return (int64_t)give(w, to, event_frame_retry);
    }
    for (;;) {
        size_t got = w->segment ? segment_copy(w->segment, &w->offset, to, n) : 0;
        if (got) {
            atomic_store(&w->read_us, clock_mono_us());
            return (int64_t)got;
        }
        segment_release(w->segment);
        pthread_mutex_lock(&w->hub->lock);
        w->segment = watcher_next(w);
        bool ended = c->gone || (c->ended && w->seq >= c->last);
        bool beat = w->beat;
        w->beat = false;
        pthread_mutex_unlock(&w->hub->lock);
        if (!w->segment)
            return watcher_idle(w, ended, beat, to);
        w->offset = segment_offset(w->segment, w->seq);
        w->seq = segment_last(w->segment);
    }
}
