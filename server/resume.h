/* What the store has of a job that was begun before: the newest state that can be read,
 * and the best parameters. Part of the worker. */
#ifndef SERVER_RESUME_H
#define SERVER_RESUME_H

#include "api/checkpoint_file.h"
#include "server/store.h"

/* Zero-initialise; resume_free. */
struct resume {
    bool found;             /* there is a state to go on from: `from` */
    int64_t number;         /* its checkpoint's */
    struct checkpoint from; /* a model may be taken out of each */
    struct checkpoint best; /* best.model NULL: there is none beside `from` */
    void *from_bytes, *best_bytes;
};
void resume_free(struct resume *r);

/* A checkpoint that is broken is passed over for the one before it, and the log says so:
 * the same training from further back makes the same bits. Where it is the best one, and
 * the training is past it, all begins anew: nothing is found. false when the store cannot
 * be asked, or there is no memory: that says nothing of a checkpoint. */
bool resume_load(struct store *store, const char *job_id, struct resume *r, struct err *e)
    __attribute__((warn_unused_result));

#endif
