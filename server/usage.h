/* How often and for how long a version of a model has predicted, since the start of the
 * server: counters that any number of threads add to and read. */
#ifndef SERVER_USAGE_H
#define SERVER_USAGE_H

#include <stdatomic.h>

#include "api/oip_statistics.h"

/* Passes are counted by their rows: exactly up to USAGE_EXACT, then by the power of two
 * that is not smaller. */
enum { USAGE_EXACT = 16, USAGE_BATCHES = USAGE_EXACT + 24 };

struct usage_batch {
    atomic_uint_fast64_t count, input_ns, infer_ns, output_ns;
};

/* Zero-initialise. */
struct usage {
    atomic_uint_fast64_t success_n, success_ns, fail_n, fail_ns, queue_ns, rows_n;
    atomic_int_fast64_t last_us; /* clock_mono_us */
    struct usage_batch batches[USAGE_BATCHES];
};

/* A request, from its first byte to its answer. */
struct usage_request {
    bool ok;
    size_t rows_n; /* that it asked for */
    int64_t now_us, total_ns, queue_ns;
};
void usage_request(struct usage *u, const struct usage_request *request);

/* A forward pass, for one request or several together. */
struct usage_pass {
    size_t rows_n;
    int64_t input_ns, infer_ns, output_ns;
};
void usage_pass(struct usage *u, const struct usage_pass *pass);

/* As it stands: statistics->batches is `batches`, those that occurred. Times are made
 * those of the calendar, of which now_ms is the clock's now_us. */
void usage_read(struct usage *u, int64_t now_us, int64_t now_ms,
                struct oip_batch batches[USAGE_BATCHES],
                struct oip_statistics *statistics);

#endif
