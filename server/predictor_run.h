/* A request that is being answered, and what the predictor's files share. Private to
 * them. */
#ifndef SERVER_PREDICTOR_RUN_H
#define SERVER_PREDICTOR_RUN_H

#include <stdalign.h>

#include "server/prediction.h"
#include "server/predictor.h"

/* Multiplications of a forward pass, as measured: what a connection's thread may do for a
 * request: about half a millisecond. */
enum { WORK_INLINE = 1 << 24 };

/* The exchange keeps it. */
struct run {
    const struct predict_dialect *dialect;
    struct predictor *predictor;
    struct predict_ask ask;
    struct prediction prediction;
    /* Of a body that comes in pieces: */
    const struct http_request *request; /* NULL: it does not */
    size_t pieces_m;                    /* rows that have been predicted */
    int64_t infer_ns;
    bool whole; /* it is among those that are not shared out (workload_begin) */
    bool owned; /* not in the exchange's room */
    alignas(max_align_t) unsigned char state[];
};

/* The request's, decoded: by this call or by an earlier one. NULL with *e; even then
 * something may be kept. */
struct run *run_get(struct predictor *p, const struct predict_dialect *dialect,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) __attribute__((warn_unused_result));

/* Its version, kept from the first time on. false with *e, or, where only a store can
 * tell, without. */
bool run_version(struct run *run, struct store *store, struct err *e)
    __attribute__((warn_unused_result));

/* Counts the request, which began with its first byte. */
void run_count(const struct run *run, const struct http_request *request, bool ok);

/* No more pieces come: whether all have passed, or something is wrong, or its client has
 * left. */
void pieces_leave(struct run *run);

/* Once all pieces have passed: whether Y stands; otherwise reply says what is to happen
 * first. */
bool pieces_end(struct run *run, const struct http_request *request,
                struct http_reply *reply);

#endif
