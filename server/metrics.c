#include "server/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/prometheus.h"
#include "server/clock.h"
#include "server/process_usage.h"

enum { CLASSES_N = 6, BUCKETS_N = 14 };

static const int64_t bucket_us[BUCKETS_N] = {100,    250,    500,     1000,   2500,
                                             5000,   10000,  25000,   50000,  100000,
                                             250000, 500000, 1000000, 5000000};

struct series {
    atomic_uint_fast64_t classes[CLASSES_N]; /* answers by status / 100 */
    atomic_uint_fast64_t buckets[BUCKETS_N + 1];
    atomic_uint_fast64_t sum_us;
};

struct metrics {
    const struct route *table;
    size_t routes_n;
    atomic_uint_fast64_t predicted_rows, passes;
    atomic_int_fast64_t connections, threads, watchers;
    int64_t started_s;
    struct series *series; /* (routes_n + 1) */
};

struct metrics *metrics_new(const struct route *table, size_t n) {
    struct metrics *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->table = table;
    m->routes_n = n;
    m->started_s = clock_ms() / 1000;
    m->series = calloc(n + 1, sizeof *m->series);
    if (!m->series) {
        free(m);
        return NULL;
    }
    return m;
}

void metrics_free(struct metrics *m) {
    if (m)
        free(m->series);
    free(m);
}

static void count(atomic_uint_fast64_t *counter, uint64_t n) {
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void metrics_request(struct metrics *m, const struct route *route, int status,
                     int64_t duration_us) {
    struct series *s = &m->series[route ? (size_t)(route - m->table) : m->routes_n];
    size_t bucket = 0;
    while (bucket < BUCKETS_N && duration_us > bucket_us[bucket])
        bucket++;
    count(&s->classes[status / 100 % CLASSES_N], 1);
    count(&s->buckets[bucket], 1);
    count(&s->sum_us, duration_us > 0 ? (uint64_t)duration_us : 0);
}

void metrics_pass(struct metrics *m) {
    count(&m->passes, 1);
}

void metrics_predicted(struct metrics *m, size_t rows) {
    count(&m->predicted_rows, rows);
}

void metrics_connections(struct metrics *m, int change) {
    atomic_fetch_add_explicit(&m->connections, change, memory_order_relaxed);
}

void metrics_threads(struct metrics *m, size_t n) {
    atomic_store_explicit(&m->threads, (int64_t)n, memory_order_relaxed);
}

void metrics_watchers(struct metrics *m, int change) {
    atomic_fetch_add_explicit(&m->watchers, change, memory_order_relaxed);
}

static const char *route_label(const struct metrics *m, size_t i) {
    return i < m->routes_n ? m->table[i].name : "none";
}

static uint64_t requests_n(const struct series *s) {
    uint64_t n = 0;
    for (size_t b = 0; b <= BUCKETS_N; b++)
        n += atomic_load(&s->buckets[b]);
    return n;
}

/* A route that was ever asked has its successes and errors, be they 0: Prometheus sees a
 * counter go up only from a value that it has seen. */
static bool class_is_told(size_t c, uint64_t n) {
    return n || c == 2 || c == 4 || c == 5;
}

static void requests_encode(const struct metrics *m, struct text *out) {
    static const char name[] = "descentd_http_requests_total";
    prometheus_head(out, name, "counter",
                    "Requests answered, by route and class of status.");
    for (size_t i = 0; i <= m->routes_n; i++) {
        if (!requests_n(&m->series[i]))
            continue;
        for (size_t c = 1; c < CLASSES_N; c++) {
            uint64_t n = atomic_load(&m->series[i].classes[c]);
            char labels[96];
            snprintf(labels, sizeof labels, "route=\"%s\",status=\"%zuxx\"",
                     route_label(m, i), c);
            if (class_is_told(c, n))
                prometheus_sample(out, name, labels, (double)n);
        }
    }
}

static void durations_encode(const struct metrics *m, struct text *out) {
    static const char name[] = "descentd_http_request_seconds";
    prometheus_head(out, name, "histogram",
                    "Time from a request's head to its answer, by route.");
    for (size_t i = 0; i <= m->routes_n; i++) {
        const struct series *s = &m->series[i];
        char labels[96];
        uint64_t total = requests_n(s);
        if (!total)
            continue;
        uint64_t below = 0;
        for (size_t b = 0; b < BUCKETS_N; b++) {
            below += atomic_load(&s->buckets[b]);
            snprintf(labels, sizeof labels, "route=\"%s\",le=\"%g\"", route_label(m, i),
                     (double)bucket_us[b] / 1e6);
            prometheus_sample(out, "descentd_http_request_seconds_bucket", labels,
                              (double)below);
        }
        snprintf(labels, sizeof labels, "route=\"%s\",le=\"+Inf\"", route_label(m, i));
        prometheus_sample(out, "descentd_http_request_seconds_bucket", labels,
                          (double)total);
        snprintf(labels, sizeof labels, "route=\"%s\"", route_label(m, i));
        prometheus_sample(out, "descentd_http_request_seconds_sum", labels,
                          (double)atomic_load(&s->sum_us) / 1e6);
        prometheus_sample(out, "descentd_http_request_seconds_count", labels,
                          (double)total);
    }
}

static void gauge(struct text *out, const char *name, const char *type, const char *help,
                  double value) {
    if (value < 0)
        return;
    prometheus_head(out, name, type, help);
    prometheus_sample(out, name, NULL, value);
}

static void jobs_encode(const struct metrics_gauges *g, struct text *out) {
    if (g->jobs[0] < 0)
        return;
    prometheus_head(out, "descentd_jobs", "gauge", "Jobs in the store, by status.");
    for (int i = 0; i < JOB_STATUSES_N; i++) {
        char labels[48];
        snprintf(labels, sizeof labels, "status=\"%s\"",
                 job_status_name((enum job_status)i));
        prometheus_sample(out, "descentd_jobs", labels, (double)g->jobs[i]);
    }
}

static void build_encode(const struct metrics_gauges *g, struct text *out) {
    char labels[96];
    if (!g->version)
        return;
    snprintf(labels, sizeof labels, "version=\"%.60s\"", g->version);
    prometheus_head(out, "descentd_build_info", "gauge", "1; which program this is.");
    prometheus_sample(out, "descentd_build_info", labels, 1);
}

/* By the names that Prometheus' client libraries give them. */
static void process_encode(const struct metrics *m, struct text *out) {
    struct process_usage used = process_usage_read();
    gauge(out, "process_start_time_seconds", "gauge", "When this process started.",
          (double)m->started_s);
    gauge(out, "process_cpu_seconds_total", "counter",
          "Time of processors that this process has used.", used.cpu_s);
    gauge(out, "process_resident_memory_bytes", "gauge",
          "Resident memory of this process.", (double)used.resident_bytes);
    gauge(out, "process_open_fds", "gauge", "Open file descriptors.", (double)used.files);
    gauge(out, "process_max_fds", "gauge", "Most file descriptors that may be open.",
          (double)used.files_max);
}

void metrics_encode(const struct metrics *m, const struct metrics_gauges *g,
                    struct text *out) {
    build_encode(g, out);
    requests_encode(m, out);
    durations_encode(m, out);
    gauge(out, "descentd_prediction_rows_total", "counter", "Rows predicted.",
          (double)atomic_load(&m->predicted_rows));
    gauge(out, "descentd_prediction_passes_total", "counter",
          "Forward passes, each for the rows of one request or of several.",
          (double)atomic_load(&m->passes));
    gauge(out, "descentd_predictions_waiting", "gauge",
          "Predictions that wait for a forward pass of the batcher's.",
          (double)g->predictions_waiting);
    jobs_encode(g, out);
    gauge(out, "descentd_workers", "gauge", "Local worker processes running.",
          (double)g->workers_running);
    gauge(out, "descentd_worker_crashes_total", "counter",
          "Local workers that ended by themselves.", (double)g->worker_crashes);
    gauge(out, "descentd_models", "gauge", "Models in the store.", (double)g->models);
    gauge(out, "descentd_models_in_memory", "gauge", "Model versions kept loaded.",
          (double)g->models_loaded);
    gauge(out, "descentd_model_bytes", "gauge",
          "Bytes of the model versions kept loaded.", (double)g->model_bytes);
    gauge(out, "descentd_model_loads_total", "counter",
          "Model versions loaded from the store.", (double)g->model_loads);
    gauge(out, "descentd_model_evictions_total", "counter",
          "Model versions dropped to make room for others.", (double)g->model_evictions);
    gauge(out, "descentd_connections", "gauge", "Open connections.",
          (double)atomic_load(&m->connections));
    gauge(out, "descentd_http_threads", "gauge", "Threads at work on the connections.",
          (double)atomic_load(&m->threads));
    gauge(out, "descentd_watchers", "gauge", "Open streams of a job's events.",
          (double)atomic_load(&m->watchers));
    process_encode(m, out);
}
