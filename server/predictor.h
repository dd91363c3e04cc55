/* Predictions: the one core behind every route that gives some. It finds the version that
 * is asked for, computes wherever that is best (at once, together with others, or on a
 * thread that may wait), and holds the request's state meanwhile.
 *
 * A route brings its dialect: how a body becomes rows, and how predictions become an
 * answer. Its handler, on SUBSYSTEM_PREDICT, is one call:
 *
 *     return predictor_handle(subsystem, &dialect, store, request, reply, e);
 *
 * A dialect's functions are called at most once a request, in the order decode, rows,
 * encode, free; never two at a time, but not all on one thread. They touch the request's
 * memory alone and never wait. The first that fails ends the request with *e. */
#ifndef SERVER_PREDICTOR_H
#define SERVER_PREDICTOR_H

#include "api/predict.h"
#include "api/tensor.h"
#include "server/batcher.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/registry.h"
#include "server/workload.h"

/* Set all of it. Any thread. */
struct predictor {
    struct registry *registry;
    struct metrics *metrics;
    struct batcher *batcher;
    size_t rows_max; /* of one forward pass for several requests */
    size_t processors_n;
    struct workload workload; /* of large requests; zeroed at first */
};

/* What decode has understood. */
struct predict_ask {
    struct model_ref model;    /* no name: the only model there is */
    const char *model_where;   /* where it stands, for errors about it; static storage */
    int64_t version_min;       /* an older version is no answer; 0: any is */
    size_t rows_max;           /* the rows are at most so many */
    size_t numbers;            /* or, where rows_max is 0, so many inputs */
    int64_t timeout_us;        /* beside the head's own, and from its head on; 0: none */
    const char *timeout_where; /* as model_where */
};

/* The inputs: X (m, inputs_n of the version's net) row-major float32, aligned as a float,
 * borrowed from the state or the body until encode; m > 0. */
struct predict_input {
    const float *X;
    size_t m;
};

/* What came out: Y (m, outputs_n), borrowed for the call. */
struct predict_output {
    const struct served *served;
    const float *Y;
    size_t m;
};

/* A body that is nothing but rows of float32 can be predicted as it comes. Where large
 * requests leave processors over, and memory is not scarce, it is collected instead, and
 * shared out among them. */
struct predict_pieces {
    /* Whether the head tells of one. Then decode, which is called with a body of the
     * right length but none of its bytes, succeeds without looking at them. */
    bool (*expects)(const struct http_request *request);
    /* Bytes of a row; 0: not for this model. */
    size_t (*row_n)(const struct model *model);
    /* Whole rows as inputs, valid until the next ones; instead of `rows`. */
    bool (*rows)(void *state, const struct served *served,
                 const struct tensor_piece *piece, struct predict_input *in,
                 struct err *e);
};

struct predict_dialect {
    /* Bytes of a request's state, which is zeroed at first and aligned for anything. */
    size_t state_n;
    /* The body is whole: understands as much as can be without the model. Cheap beside
     * reading the body; memory that it takes is bounded by a multiple of the body. */
    bool (*decode)(void *state, const struct http_request *request,
                   struct predict_ask *ask, struct err *e);
    /* The rows as inputs of the version that was found. */
    bool (*rows)(void *state, const struct served *served, struct predict_input *in,
                 struct err *e);
    /* The answer. Y may hold numbers that are not finite: predict_finite. */
    bool (*encode)(void *state, const struct predict_output *out,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e);
    /* What decode and rows took, but not the state itself. Always the last, and always
     * called, also after a decode that failed. NULL: there is nothing. */
    void (*free)(void *state);
    const struct predict_pieces *pieces; /* NULL: bodies are always whole */
};

/* As an http_handler. ERR_NOT_FOUND or ERR_INVALID at model_where: no such model. */
bool predictor_handle(struct predictor *p, const struct predict_dialect *dialect,
                      struct store *store, const struct http_request *request,
                      struct http_reply *reply, struct err *e)
    __attribute__((warn_unused_result));

/* A route's http_intake, of a dialect that has pieces. */
bool predictor_begin(struct predictor *p, const struct predict_dialect *dialect,
                     const struct http_request *request, struct http_pieces *pieces,
                     struct http_reply *reply) __attribute__((warn_unused_result));
bool predictor_piece(void *kept, const char *bytes, size_t n, struct err *e)
    __attribute__((warn_unused_result));

#endif
