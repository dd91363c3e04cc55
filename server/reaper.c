#include "server/reaper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

struct reaper_entry {
    struct reaper_entry *next, *previous;
    int fd;
    atomic_int phase;
    atomic_bool asked; /* a request line has come */
    atomic_int_fast64_t since_us;
    atomic_size_t bytes;
    /* reaper_run's: what it saw of these last, and since when it is the same */
    int64_t seen_since_us, quiet_us;
    size_t seen_bytes;
};

enum { QUIET_US = 1000000 };

struct reaper {
    struct reaper_options options;
    pthread_mutex_t lock; /* guards the list */
    struct reaper_entry *first;
    size_t n;
};

struct reaper *reaper_new(struct reaper_options options) {
    struct reaper *r = calloc(1, sizeof *r);
    if (r) {
        r->options = options;
        pthread_mutex_init(&r->lock, NULL);
    }
    return r;
}

void reaper_free(struct reaper *r) {
    while (r->first)
        (void)reaper_remove(r, r->first);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

struct reaper_entry *reaper_add(struct reaper *r, int fd, int64_t now_us) {
    struct reaper_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->fd = fd;
    atomic_store(&entry->since_us, now_us);
    pthread_mutex_lock(&r->lock);
    entry->next = r->first;
    if (r->first)
        r->first->previous = entry;
    r->first = entry;
    r->n++;
    pthread_mutex_unlock(&r->lock);
    return entry;
}

enum reaper_phase reaper_remove(struct reaper *r, struct reaper_entry *entry) {
    enum reaper_phase phase = atomic_load(&entry->asked)
                                  ? (enum reaper_phase)atomic_load(&entry->phase)
                                  : REAPER_HEAD;
    pthread_mutex_lock(&r->lock);
    if (entry->next)
        entry->next->previous = entry->previous;
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        r->first = entry->next;
    r->n--;
    pthread_mutex_unlock(&r->lock);
    free(entry);
    return phase;
}

void reaper_phase(struct reaper_entry *entry, enum reaper_phase phase, int64_t now_us) {
    if (!entry)
        return;
    if (phase == REAPER_HEAD)
        atomic_store_explicit(&entry->asked, true, memory_order_relaxed);
    atomic_store_explicit(&entry->bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->since_us, now_us, memory_order_relaxed);
    atomic_store_explicit(&entry->phase, (int)phase, memory_order_relaxed);
}

void reaper_bytes(struct reaper_entry *entry, size_t n) {
    if (entry)
        atomic_fetch_add_explicit(&entry->bytes, n, memory_order_relaxed);
}

static bool is_overdue(const struct reaper *r, struct reaper_entry *entry,
                       int64_t now_us) {
    int64_t age_us = now_us - atomic_load(&entry->since_us);
    switch ((enum reaper_phase)atomic_load(&entry->phase)) {
    case REAPER_IDLE: /* a new one is not between requests, but before its first */
        return age_us >
               (atomic_load(&entry->asked) ? 2 * r->options.idle_us : r->options.head_us);
    case REAPER_HEAD:
        return age_us > r->options.head_us;
    case REAPER_BODY: {
        int64_t bytes = (int64_t)atomic_load(&entry->bytes);
        return age_us > r->options.head_us + bytes * 1000000 / REAPER_BODY_BYTES_PER_S;
    }
    case REAPER_BUSY:
        break;
    }
    return false;
}

/* Whether its phase is another one than last time, or bytes have come. */
static bool is_changed(struct reaper_entry *entry, int64_t now_us) {
    int64_t since_us = atomic_load(&entry->since_us);
    size_t bytes = atomic_load(&entry->bytes);
    if (since_us == entry->seen_since_us && bytes == entry->seen_bytes)
        return false;
    entry->seen_since_us = since_us;
    entry->seen_bytes = bytes;
    entry->quiet_us = now_us;
    return true;
}

/* Whether the other side has ended a connection that is owed nothing. An idle one is
 * looked at once, later the library hears of it; one that reads a request when nothing of
 * it has come for a while: all that had come is certain to have been read. */
static bool is_left(struct reaper_entry *entry, int64_t now_us) {
    char byte;
    enum reaper_phase phase = (enum reaper_phase)atomic_load(&entry->phase);
    bool changed = is_changed(entry, now_us), looks = changed;
    if (phase != REAPER_IDLE)
        looks = phase != REAPER_BUSY && now_us - entry->quiet_us >= QUIET_US;
    return looks && recv(entry->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0 &&
           !is_changed(entry, now_us) && atomic_load(&entry->phase) == (int)phase;
}

size_t reaper_run(struct reaper *r, int64_t now_us) {
    size_t reaped = 0;
    pthread_mutex_lock(&r->lock);
    for (struct reaper_entry *entry = r->first; entry; entry = entry->next) {
        if (is_overdue(r, entry, now_us)) {
            shutdown(entry->fd, SHUT_RDWR);
            atomic_store(&entry->since_us, now_us); /* once is enough for now */
            reaped++;
        } else if (is_left(entry, now_us)) {
            shutdown(entry->fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&r->lock);
    return reaped;
}

size_t reaper_count(struct reaper *r) {
    pthread_mutex_lock(&r->lock);
    size_t n = r->n;
    pthread_mutex_unlock(&r->lock);
    return n;
}
