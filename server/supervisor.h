/* Starts the local worker processes, wakes them, restarts them, and watches the store.
 *
 * One thread of its own with its own connection to the store. A worker is a child process
 * with a socket to its server: a byte down says that there is work or a cancellation, a
 * byte up that a job ended or a version was published, and its end that the other side is
 * gone. */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include "server/config.h"
#include "server/store.h"

struct supervisor;

struct supervisor_options {
    const struct config *config; /* borrowed */
    const char *program;         /* path of this program, for the workers */
    /* Called in the supervisor's thread when the store may have changed; `published`: the
     * models may have. */
    void (*changed)(void *context, struct store *store, bool published);
    /* Called there once, when the store has become one that needs a newer program. */
    void (*outdated)(void *context);
    void *context;
};

/* Leaves the store in the environment of the workers to come, where its address has a
 * password: arguments are for everybody to see. Before there are threads. */
void supervisor_environment(const struct config *config);

/* Takes jobs back from owners that are dead, now and again later, and starts the workers.
 */
struct supervisor *supervisor_start(const struct supervisor_options *options,
                                    struct err *e) __attribute__((warn_unused_result));

/* Tells every worker to look at the store now. Any thread. */
void supervisor_wake(struct supervisor *s);

/* How many workers are running now, and how many have died by themselves. Any thread. */
void supervisor_counts(struct supervisor *s, int64_t *running, int64_t *crashes);

/* Whether the store was away, or answered too late, when it was last looked at. Any
 * thread. */
bool supervisor_store_away(const struct supervisor *s);

/* SIGTERM to the workers, SIGKILL after timeout_ms, and the end of the thread. Wakes and
 * counts may still be asked for: there is nobody left to hear or to count. */
void supervisor_stop(struct supervisor *s, int64_t timeout_ms);
void supervisor_free(struct supervisor *s); /* NULL is allowed; stop first */

#endif
