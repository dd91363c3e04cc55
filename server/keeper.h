/* A worker's second thread: keeps the lease of the job in hand, writes its points in batches,
 * and stops the trainer when somebody asks. It has its own connection to the store. */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/store.h"

enum { KEEPER_LEASE_MS = 10000 };

struct keeper;

/* From here to keeper_stop SIGTERM and SIGINT mean that the process is to end; one keeper
 * a process. `wake_fd`: the socket to the server, or -1. */
struct keeper *keeper_start(const char *store_path, int wake_fd, struct err *e)
    __attribute__((warn_unused_result));
void keeper_stop(struct keeper *k);

/* Set when the trainer should stop: cancelled, lease lost, or the process is to end. */
const atomic_bool *keeper_stop_flag(const struct keeper *k);

/* Whether the process should end. */
bool keeper_quitting(const struct keeper *k);

/* Waits until there may be work: a wake-up, quitting, or timeout_ms. */
void keeper_wait(struct keeper *k, int64_t timeout_ms);

/* Says to the server that something has ended or was published. */
void keeper_tell(struct keeper *k);

/* From here on the claim is kept. */
void keeper_begin(struct keeper *k, const struct store_claim *claim);

/* One more point, and how far the trainer is. Cheap; the trainer's thread. */
bool keeper_point(struct keeper *k, struct store_point point);
void keeper_progress(struct keeper *k, double epochs_done, double training_seconds);

/* Ends the keeping. What was not yet written is in points (borrowed until the next begin). */
struct keeper_end {
    bool cancelled, lost;
    const struct store_point *points;
    size_t points_n;
};
struct keeper_end keeper_end(struct keeper *k);

#endif
