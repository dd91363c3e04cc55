/* Watchers of jobs: each gets every event of its job behind the one that it names, in
 * order, each once.
 *
 * One thread with its own connection to the store looks for new events, once for each
 * watched job, while there are watchers; what it finds is framed once and shared. A
 * watcher that is behind what is kept gets pages, which the same thread reads between its
 * looks: however many watchers there are and however far behind, they take one thread,
 * and each of them holds one segment at a time. */
#ifndef SERVER_HUB_H
#define SERVER_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct hub;
struct hub_watcher;

struct hub_options {
    const char *store; /* a path */
    int64_t heartbeat_ms;
};

struct hub *hub_start(const struct hub_options *options, struct err *e)
    __attribute__((warn_unused_result));
void hub_stop(struct hub *h); /* NULL is allowed. There are no watchers any more */

/* What a handler has seen of the job in the store. */
struct hub_place {
    const char *job_id;
    int64_t after; /* the watcher knows the events up to here */
    int64_t last;  /* its newest event */
    bool ended;    /* which is its done event */
};

/* A new watcher: hub_leave it. */
struct hub_watcher *hub_watch(struct hub *h, const struct hub_place *place, struct err *e)
    __attribute__((warn_unused_result));

/* From here to hub_leave `wake` is called when there is something to read again. It runs
 * under the hub's lock and must call nothing of the hub. */
void hub_wake_by(struct hub_watcher *w, void (*wake)(void *context), void *context);

/* Copies whole messages while they fit into n (at least 64), else a part of one.
 * @return how many bytes; HUB_NOTHING for now; HUB_END when the job's last event was
 * read, or the job is gone. One thread at a time. */
enum { HUB_NOTHING = 0, HUB_END = -1 };
int64_t hub_read(struct hub_watcher *w, char *to, size_t n);

void hub_leave(struct hub_watcher *w);

#endif
