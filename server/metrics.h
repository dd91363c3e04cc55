/* Counters of this process, for GET /metrics. Any thread. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stdint.h>

#include "api/text.h"
#include "server/routes.h"

struct metrics;

/* One set of counters for each route of the table, and one for requests that found none.
 */
struct metrics *metrics_new(const struct route *table, size_t n);
void metrics_free(struct metrics *m);

/* A request was answered; route NULL: none was found. */
void metrics_request(struct metrics *m, const struct route *route, int status,
                     int64_t duration_us);
/* Connections came (1) or went (-1). */
void metrics_connections(struct metrics *m, int change);
/* So many threads share the connections. */
void metrics_threads(struct metrics *m, size_t n);
/* Streams of events came (1) or went (-1). */
void metrics_watchers(struct metrics *m, int change);
void metrics_predicted(struct metrics *m, size_t rows);
/* A forward pass was computed, for one request or several. */
void metrics_pass(struct metrics *m);

/* What the counters cannot know. Negative: not known now, left out. */
struct metrics_gauges {
    const char *version; /* of the program; NULL: left out */
    int64_t jobs[JOB_STATUSES_N];
    int64_t workers_running, worker_crashes;
    int64_t predictions_waiting;
    int64_t models, models_loaded, model_bytes, model_loads, model_evictions;
};
void metrics_encode(const struct metrics *m, const struct metrics_gauges *gauges,
                    struct text *out);

#endif
