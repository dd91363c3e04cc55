#include "server/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/check.h"

static const struct route table[] = {{.name = "one"}, {.name = "two"}, {.name = "three"}};
static const struct metrics_gauges unknown = {.jobs = {-1},
                                              .workers_running = -1,
                                              .worker_crashes = -1,
                                              .models = -1,
                                              .models_loaded = -1,
                                              .model_bytes = -1};

static char *encoded(const struct metrics *m, const struct metrics_gauges *gauges) {
    struct text t = {0};
    metrics_encode(m, gauges, &t);
    char *text = text_take(&t);
    if (!text)
        abort();
    return text;
}

/* Whether the text has that line. */
static bool has(const char *text, const char *line) {
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    return strstr(text, whole);
}
#define HAS(text, line) CHECK_SAY(has(text, line), "%s", line)

static void test_requests(void) {
    struct metrics *m = metrics_new(table, 3);
    if (!m)
        abort();
    metrics_request(m, &table[0], 200, 100);
    metrics_request(m, &table[0], 202, 101);
    metrics_request(m, &table[0], 503, 6000000);
    metrics_request(m, &table[1], 404, 0);
    metrics_request(m, NULL, 404, -5); /* a clock cannot do that, a sum must not */
    char *text = encoded(m, &unknown);
    HAS(text, "descentd_http_requests_total{route=\"one\",status=\"2xx\"} 2");
    HAS(text, "descentd_http_requests_total{route=\"one\",status=\"5xx\"} 1");
    HAS(text, "descentd_http_requests_total{route=\"two\",status=\"4xx\"} 1");
    HAS(text, "descentd_http_requests_total{route=\"none\",status=\"4xx\"} 1");
    /* A route that was asked has both its successes and its errors, be they 0. */
    HAS(text, "descentd_http_requests_total{route=\"one\",status=\"4xx\"} 0");
    HAS(text, "descentd_http_requests_total{route=\"two\",status=\"2xx\"} 0");
    CHECK(!strstr(text, "1xx") && !strstr(text, "3xx") && !strstr(text, "three"));
    /* Buckets count what is at most their bound, and all below. */
    HAS(text, "descentd_http_request_seconds_bucket{route=\"one\",le=\"0.0001\"} 1");
    HAS(text, "descentd_http_request_seconds_bucket{route=\"one\",le=\"0.00025\"} 2");
    HAS(text, "descentd_http_request_seconds_bucket{route=\"one\",le=\"5\"} 2");
    HAS(text, "descentd_http_request_seconds_bucket{route=\"one\",le=\"+Inf\"} 3");
    HAS(text, "descentd_http_request_seconds_count{route=\"one\"} 3");
    HAS(text, "descentd_http_request_seconds_sum{route=\"one\"} 6.000201");
    HAS(text, "descentd_http_request_seconds_sum{route=\"none\"} 0");
    free(text);
    metrics_free(m);
}

static void test_gauges(void) {
    struct metrics *m = metrics_new(table, 3);
    if (!m)
        abort();
    metrics_predicted(m, 3);
    metrics_predicted(m, 4);
    metrics_connections(m, 1);
    metrics_connections(m, 1);
    metrics_connections(m, -1);
    metrics_threads(m, 2);
    for (int i = 0; i < 3; i++)
        metrics_watchers(m, 1);
    metrics_watchers(m, -1);
    struct metrics_gauges g = {.version = "1.2",
                               .jobs = {1, 2, 3, 4, 5, 6},
                               .workers_running = 0,
                               .worker_crashes = 7,
                               .models = 8,
                               .models_loaded = 9,
                               .model_bytes = 4096,
                               .model_loads = 10,
                               .model_evictions = 11};
    char *text = encoded(m, &g);
    HAS(text, "descentd_build_info{version=\"1.2\"} 1");
    HAS(text, "descentd_prediction_rows_total 7");
    HAS(text, "descentd_connections 1");
    HAS(text, "descentd_http_threads 2");
    HAS(text, "descentd_watchers 2");
    HAS(text, "descentd_jobs{status=\"queued\"} 1");
    HAS(text, "descentd_jobs{status=\"paused\"} 3");
    HAS(text, "descentd_jobs{status=\"cancelled\"} 6");
    HAS(text, "descentd_workers 0");
    HAS(text, "descentd_worker_crashes_total 7");
    HAS(text, "descentd_models 8");
    HAS(text, "descentd_model_bytes 4096");
    HAS(text, "descentd_models_in_memory 9");
    HAS(text, "descentd_model_loads_total 10");
    HAS(text, "descentd_model_evictions_total 11");
    HAS(text, "# TYPE descentd_workers gauge");
    HAS(text, "# TYPE descentd_worker_crashes_total counter");
    free(text);
    text = encoded(m, &unknown); /* what is not known is left out, not 0 or -1 */
    CHECK(!strstr(text, "descentd_jobs") && !strstr(text, "descentd_models") &&
          !strstr(text, " -1\n"));
    HAS(text, "descentd_connections 1");
    free(text);
    metrics_free(m);
    metrics_free(NULL);
}

static double sample(const char *text, const char *name) {
    char line[128];
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    return at ? strtod(at + strlen(line), NULL) : -1;
}

/* The process's own figures move with what it does. */
static void test_process(void) {
    struct metrics *m = metrics_new(table, 3);
    if (!m)
        abort();
    char *text = encoded(m, &unknown);
    CHECK(!strstr(text, "descentd_build_info"));
    double files = sample(text, "process_open_fds");
    CHECK(files >= 3 && sample(text, "process_max_fds") >= files);
    CHECK(sample(text, "process_resident_memory_bytes") > 1 << 19);
    double cpu_s = sample(text, "process_cpu_seconds_total");
    free(text);
    FILE *one = fopen("/dev/null", "r");
    for (clock_t from = clock(); clock() - from < CLOCKS_PER_SEC / 20;)
        ;
    text = encoded(m, &unknown);
    CHECK(one && sample(text, "process_open_fds") == files + 1);
    double more_s = sample(text, "process_cpu_seconds_total") - cpu_s;
    CHECK_SAY(cpu_s >= 0 && more_s >= 0.04 && more_s < 60, "%g s, then %g more", cpu_s,
              more_s);
    fclose(one);
    free(text);
    metrics_free(m);
}

/* Each name has one head, and before its samples. */
static void test_heads(void) {
    struct metrics *m = metrics_new(table, 3);
    if (!m)
        abort();
    metrics_request(m, &table[0], 200, 1);
    char *text = encoded(m, &unknown), *place = NULL;
    static const char head[] = "# TYPE descentd_http_request_seconds histogram\n";
    char *at = strstr(text, head);
    CHECK(at && !strstr(at + 1, head));
    CHECK(at && strstr(text, "_bucket{") > at);
    for (char *line = strtok_r(text, "\n", &place); line;
         line = strtok_r(NULL, "\n", &place))
        CHECK_SAY(strncmp(line, "# HELP ", 7) == 0 || strncmp(line, "# TYPE ", 7) == 0 ||
                      strncmp(line, "descentd_", 9) == 0 ||
                      strncmp(line, "process_", 8) == 0,
                  "%s", line);
    free(text);
    metrics_free(m);
}

static void *requests(void *context) {
    struct metrics *m = context;
    for (int i = 0; i < 10000; i++)
        metrics_request(m, &table[0], 200, 7);
    return NULL;
}

static void test_threads(void) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct metrics *m = metrics_new(table, 3);
    if (!m)
        abort();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, requests, m) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    char *text = encoded(m, &unknown);
    HAS(text, "descentd_http_request_seconds_count{route=\"one\"} 40000");
    HAS(text, "descentd_http_request_seconds_sum{route=\"one\"} 0.28");
    free(text);
    metrics_free(m);
}

int main(void) {
    CHECK_RUN(test_requests);
    CHECK_RUN(test_gauges);
    CHECK_RUN(test_process);
    CHECK_RUN(test_heads);
    CHECK_RUN(test_threads);
    return check_done();
}
