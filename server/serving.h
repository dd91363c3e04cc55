/* The parts of a serving process, in the order in which they start and end.
 *
 * HTTP and what is in memory come first. What needs the store follows in a thread of its
 * own, which tries again while the store is away: until then the probes answer, /readyz
 * with 503, and whatever needs the store gets a 503. */
#ifndef SERVER_SERVING_H
#define SERVER_SERVING_H

#include "api/predict.h"
#include "engine/err.h"
#include "server/config.h"
#include "server/opening.h"

struct serving;

/* --default-model; no name where none is configured. */
bool serving_default_model(const struct config *config, struct model_ref *ref,
                           struct err *e) __attribute__((warn_unused_result));

struct serving_options {
    const struct config *config; /* borrowed; its texts outlive it */
    const char *version;         /* of the program */
};

/* Listens, and begins to open the store. One in a process. NULL with *e: nothing runs. */
struct serving *serving_start(const struct serving_options *options, struct err *e)
    __attribute__((warn_unused_result));

/* How far the store is. */
struct opening *serving_opening(const struct serving *s);

/* "127.0.0.1:8080" */
const char *serving_address(const struct serving *s);

/* From here on requests are what it is there for. Once the opening is done. */
void serving_ready(struct serving *s);

/* Reads the tokens again and logs what came of it. */
void serving_hangup(struct serving *s);
/* Whether there are tokens that may be read again. */
bool serving_has_tokens(const struct serving *s);

/* Says that it is about to end, and gives a balancer the time to see it, where it was
 * ready: before anything is refused. */
void serving_unready(struct serving *s);

/* Drains and frees. false: an attempt to open the store does not end, and nothing was
 * freed: the process is to, by _exit. NULL is allowed. */
bool serving_stop(struct serving *s);

#endif
