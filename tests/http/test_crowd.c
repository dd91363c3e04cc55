/* Many connections: what an idle one that is kept alive costs, hundreds that predict all
 * at once, and large requests behind small ones, whatever room a connection was given.
 *
 *   CONNECTIONS   idle ones (1000; `make soak-connections`: 10000) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/raw.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { ACTIVE_N = 500, ROUNDS_N = 20, ANSWER_MS = 20000, BESIDE = 1000 };
enum { BEHIND_N = 70, LARGE_ROWS = 25000 };

/* Ten thousand of them are to stay below 100 MiB, with the 14 MiB of the daemon and what
 * some have more. */
enum { IDLE_BYTES_MAX = 8900, MORE_BYTES = 64 * 8704 };

static struct daemon daemon_of_all;

static size_t idle_wanted(void) {
    const char *text = getenv("CONNECTIONS");
    return text ? strtoul(text, NULL, 10) : 1000;
}

static bool files_allow(size_t n) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= n + BESIDE;
}

static bool asks_alive(struct raw *raw) {
    struct reply reply = {0};
    bool ok = raw_text(raw, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n") &&
              raw_reply(raw, false, ANSWER_MS, &reply) && reply.status == 200;
    reply_free(&reply);
    return ok;
}

static void test_idle(void) {
    size_t n = idle_wanted(), open_n = 0;
    if (!CHECK_SAY(files_allow(n), "too few files may be open for %zu connections", n))
        return;
    struct raw *raws = calloc(n, sizeof *raws);
    long before_kib = daemon_memory_kib(daemon_of_all.pid, "VmRSS");
    while (raws && open_n < n && raw_open(&raws[open_n], daemon_of_all.port) &&
           asks_alive(&raws[open_n]))
        open_n++;
    CHECK_SAY(open_n == n, "%zu of %zu connections", open_n, n);
    long after_kib = daemon_memory_kib(daemon_of_all.pid, "VmRSS");
    double each = ((double)(after_kib - before_kib) * 1024 - MORE_BYTES) / (double)n;
    printf("%zu idle connections: %ld KiB before, %ld KiB with them, %.0f bytes each\n",
           n, before_kib, after_kib, each);
#ifndef __SANITIZE_ADDRESS__ /* which keeps more beside each block */
    CHECK_SAY(each < IDLE_BYTES_MAX, "%.0f bytes each", each);
#endif
    CHECK(raws && asks_alive(&raws[n / 2])); /* they are still there */
    for (size_t i = 0; i < open_n; i++)
        raw_close(&raws[i]);
    free(raws);
}

/* Each has its request under way before any answer is read. */
static void test_active(void) {
    static struct raw raws[ACTIVE_N];
    static const char request[] = "POST /predict HTTP/1.1\r\nHost: a\r\n"
                                  "Content-Length: 27\r\n\r\n"
                                  "{\"instances\":[[0.25,-1.5]]}";
    size_t right = 0, open_n = 0;
    while (open_n < ACTIVE_N && raw_open(&raws[open_n], daemon_of_all.port))
        open_n++;
    CHECK(open_n == ACTIVE_N);
    for (size_t round = 0; round < ROUNDS_N; round++) {
        for (size_t i = 0; i < open_n; i++)
            CHECK(raw_text(&raws[i], request));
        for (size_t i = 0; i < open_n; i++) {
            struct reply reply = {0};
            right += raw_reply(&raws[i], false, ANSWER_MS, &reply) &&
                     reply.status == 200 && reply_count(reply.json, "/predictions") == 1;
            reply_free(&reply);
        }
    }
    CHECK_SAY(right == open_n * ROUNDS_N, "%zu right answers of %zu", right,
              open_n * ROUNDS_N);
    for (size_t i = 0; i < open_n; i++)
        raw_close(&raws[i]);
}

/* Rows enough for a body of 300 KB. */
static char *many_rows(void) {
    static const char begin[] = "{\"instances\":[", row[] = "[0.25,-1.5],", end[] = "]}";
    char head[128];
    size_t rows_n = LARGE_ROWS * (sizeof row - 1);
    size_t body_n = sizeof begin - 1 + rows_n - 1 + sizeof end - 1;
    int head_n = snprintf(head, sizeof head,
                          "POST /predict HTTP/1.1\r\nHost: a\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          body_n, begin);
    char *text = malloc((size_t)head_n + rows_n + sizeof end);
    if (!text)
        abort();
    memcpy(text, head, (size_t)head_n);
    char *to = text + head_n;
    for (size_t i = 0; i < LARGE_ROWS; i++, to += sizeof row - 1)
        memcpy(to, row, sizeof row - 1);
    memcpy(to - 1, end, sizeof end); /* over the last comma */
    return text;
}

static bool predicts_many(struct raw *raw, const char *request) {
    struct reply reply = {0};
    bool ok = raw_text(raw, request) && raw_reply(raw, false, ANSWER_MS, &reply) &&
              reply.status == 200 &&
              reply_count(reply.json, "/predictions") == LARGE_ROWS;
    reply_free(&reply);
    return ok;
}

/* More than are given some room in advance. */
static void test_large_behind_small(void) {
    static struct raw raws[BEHIND_N];
    char *request = many_rows();
    size_t asked = 0, right = 0;
    for (size_t i = 0; i < BEHIND_N; i++)
        asked += raw_open(&raws[i], daemon_of_all.port) && asks_alive(&raws[i]);
    CHECK_SAY(asked == BEHIND_N, "%zu of %d connections", asked, BEHIND_N);
    for (size_t i = 0; i < BEHIND_N; i++)
        right += predicts_many(&raws[i], request) && asks_alive(&raws[i]);
    CHECK_SAY(right == BEHIND_N, "%zu of %d were answered", right, BEHIND_N);
    for (size_t i = 0; i < BEHIND_N; i++)
        raw_close(&raws[i]);
    free(request);
}

/* As many as it may have, at first, and as many for large bodies. */
static void test_threads(void) {
    struct reply reply = {0};
    client_get(&daemon_of_all.client, &reply, "/metrics");
    CHECK(reply_metric(&reply, "descentd_http_threads") == 4);
    reply_free(&reply);
}

int main(void) {
    static const char *const flags[] = {"--connections-max", "12000", "--http-threads",
                                        "2", NULL};
    if (!daemon_start(&daemon_of_all, flags))
        return 1;
    if (job_train(&daemon_of_all.client, table_job("planar", table_planar(40), NULL),
                  NULL)) {
        CHECK_RUN(test_threads);
        CHECK_RUN(test_idle);
        CHECK_RUN(test_active);
        CHECK_RUN(test_large_behind_small);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
