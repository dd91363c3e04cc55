/* Threads that run what may wait, each with its own connection to the store, if any. */
#ifndef SERVER_EXECUTOR_H
#define SERVER_EXECUTOR_H

#include <stddef.h>

#include "server/store.h"

struct executor;
typedef void executor_task(void *context, struct store *store);

/* Its tasks get no store. */
struct executor *executor_start(size_t threads_n, size_t queue_max, struct err *e)
    __attribute__((warn_unused_result));

/* Opens a connection for each thread, all or none: from here on its tasks get them. Once
 * that was true, never again. Any thread. */
bool executor_open(struct executor *x, const char *store_path, struct err *e)
    __attribute__((warn_unused_result));

/* Queues a task. false: the queue is full (or the executor is ending), nothing was
 * queued. */
bool executor_add(struct executor *x, executor_task *task, void *context)
    __attribute__((warn_unused_result));

/* Runs what is queued, then ends its threads; executor_add says no from here on. */
void executor_stop(struct executor *x);
/* Runs a task on the calling thread. Only after executor_stop. */
void executor_run(struct executor *x, executor_task *task, void *context);
void executor_free(struct executor *x); /* NULL is allowed; stop first */

#endif
