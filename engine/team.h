/* The worker threads that share a mini-batch.
 *
 * Work is cut into lanes by the caller; how many threads there are decides only who runs
 * a lane, never what a lane does, so results do not depend on the number of threads. */
#ifndef ENGINE_TEAM_H
#define ENGINE_TEAM_H

#include <stddef.h>

#include "engine/err.h"

struct team;
typedef void team_task(void *context, size_t lane);

/* A team of `threads_n` threads (1..64), the caller of team_run being one of them. Each
 * flushes denormals to zero while it works. @return NULL with ERR_RANGE or ERR_NO_MEMORY.
 */
struct team *team_new(size_t threads_n, struct err *e)
    __attribute__((warn_unused_result));

/* Joins the threads. NULL is allowed. */
void team_free(struct team *team);

size_t team_threads(const struct team *team);

/* Runs task(context, lane) for each lane in 0..lanes_n-1 and returns when all have ended;
 * everything they wrote is then visible to the caller. One caller at a time. With one
 * lane, or one thread, it is a plain loop. Waiting spins briefly, then sleeps. */
void team_run(struct team *team, size_t lanes_n, team_task *task, void *context);

/* Runs task(context, thread) once on each thread of the team, `thread` being a number in
 * 0..threads-1, no certain one; they all run at the same time, and none begins before all
 * have been reached. One caller at a time, as for team_run. */
void team_each(struct team *team, team_task *task, void *context);

#endif
