/* A worker's second thread: keeps the lease of the job in hand, writes its points in
 * batches and its checkpoints piece by piece, and stops the trainer when somebody asks.
 * It has its own connection to the store. */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/checkpoint_writer.h"

struct keeper;

struct keeper_options {
    const char *store_path;
    int signal_fd;    /* of signals_open: the process is to end */
    int wake_fd;      /* the socket to the server, or -1 */
    int64_t lease_ms; /* how long a claim lasts without a sign of life */
};

struct keeper *keeper_start(const struct keeper_options *options, struct err *e)
    __attribute__((warn_unused_result));
void keeper_stop(struct keeper *k);

/* Set when the trainer should stop: cancelled, paused, lease lost, a store that fails
 * for longer than a lease, or the process is to end. */
const atomic_bool *keeper_stop_flag(const struct keeper *k);

/* What somebody wants of the job in hand. */
enum store_wish keeper_wish(struct keeper *k);

/* Whether the process should end. */
bool keeper_quitting(const struct keeper *k);

/* When the store came back the last time after it was away, by clock_mono_us; 0: never.
 */
int64_t keeper_back_us(struct keeper *k);

/* Waits until there may be work: a wake-up, quitting, or timeout_ms. */
void keeper_wait(struct keeper *k, int64_t timeout_ms);

/* Says to the server that something has ended or was published. */
void keeper_tell(struct keeper *k);

/* From here on the claim is kept. */
void keeper_begin(struct keeper *k, const struct store_claim *claim);

/* One more point, and how far the trainer is. Cheap; the trainer's thread. */
bool keeper_point(struct keeper *k, struct store_point point);
void keeper_progress(struct keeper *k, double epochs_done, double training_seconds);

/* Takes the files of a checkpoint, and *files is empty; they are written with the points
 * so far, unless the claim is lost. One at a time: the one before has been waited for, or
 * its state is not WRITING. */
void keeper_checkpoint(struct keeper *k, struct checkpoint_files *files);

enum keeper_checkpoint {
    KEEPER_CHECKPOINT_NONE, /* there was none yet, or the last one is in the store */
    KEEPER_CHECKPOINT_WRITING,
    KEEPER_CHECKPOINT_FAILED /* the last one could not be written; the log says why */
};
enum keeper_checkpoint keeper_checkpoint_state(struct keeper *k);
/* Waits while it is being written; WRITING: it never will be, as the claim is lost. */
enum keeper_checkpoint keeper_checkpoint_wait(struct keeper *k);

/* Ends the keeping. What was not yet written is in points (borrowed until the next
 * begin). */
struct keeper_end {
    enum store_wish wish;
    bool lost;
    struct err
        failure; /* the store could not be written for too long; kind 0: it could */
    const struct store_point *points;
    size_t points_n;
};
struct keeper_end keeper_end(struct keeper *k);

#endif
