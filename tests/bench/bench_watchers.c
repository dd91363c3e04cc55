/* A thousand watchers of one job: how late its points reach them, what that costs the
 * trainer and the server. Rounds with and without watchers alternate in one run of one
 * job, so that a busy machine slows both; all figures but the memory are of this machine,
 * whose processors the clients share with the daemon.
 *
 *   bench_watchers [WATCHERS=1000] [REPORT_EVERY=2000] [ROUNDS=4] [SECONDS_EACH=5] */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/raw.h"
#include "tests/http/table.h"

enum {
    POINTS_MAX = 1 << 20,
    LINE_BYTES = 48, /* the start of a line, which is what counts */
    LAG_BINS = 50000,
    LAG_BIN_US = 100,
    SETTLE_MS = 1000,
    EPOCHS = 1000000000,
    CURVE_POINTS = 1000000, /* the most that a job may have */
    CATCH_UP_MS = 10000     /* those who cannot are measured as they are */
};

struct watcher {
    struct raw raw;
    int64_t seq, epoch; /* of the newest event it has, and of the newest point */
    char line[LINE_BYTES];
    size_t line_n;
};

struct bench {
    struct daemon daemon;
    char job[JOB_ID_BYTES];
    int64_t every;
    size_t watchers_n;
    struct watcher *watchers;
    int epoll;
    atomic_int_fast64_t *stored_us; /* when a point was in the store, by epoch / every */
    atomic_bool ending;
    int64_t settled_us; /* points that were stored later count; 0: none */
    uint64_t lags[LAG_BINS], points, gaps, bytes, lost;
};

static int64_t clock_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what) {
    printf("bench_watchers: %s\n", what);
    exit(1);
}

/* ---- when points were stored ---------------------------------------------------- */

static int64_t ask(sqlite3_stmt *q) {
    int64_t value = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    sqlite3_reset(q);
    return value;
}

/* A thread: looks at the store each millisecond. */
static void *store_follow(void *context) {
    struct bench *b = context;
    sqlite3 *db;
    sqlite3_stmt *version, *newest;
    if (sqlite3_open_v2(b->daemon.store, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "PRAGMA data_version", -1, &version, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT max(epoch) FROM points WHERE job = 1", -1, &newest,
                           NULL) != SQLITE_OK)
        die("the store could not be read");
    int64_t seen = -1, next = 0;
    while (!atomic_load(&b->ending)) {
        int64_t now_version = ask(version);
        if (now_version != seen) {
            int64_t to = ask(newest) / b->every, now = clock_us();
            for (; next <= to && next < POINTS_MAX; next++)
                atomic_store(&b->stored_us[next], now);
        }
        seen = now_version;
        usleep(1000);
    }
    sqlite3_finalize(version);
    sqlite3_finalize(newest);
    sqlite3_close(db);
    return NULL;
}

/* ---- watchers ------------------------------------------------------------------- */

static void point_came(struct bench *b, struct watcher *w, int64_t epoch,
                       int64_t now_us) {
    int64_t i = epoch / b->every;
    w->epoch = epoch;
    int64_t at = i < POINTS_MAX ? atomic_load(&b->stored_us[i]) : 0;
    if (!b->settled_us || (at && at < b->settled_us))
        return;
    /* It may come before it was seen in the store. */
    int64_t lag = at && at < now_us ? (now_us - at) / LAG_BIN_US : 0;
    b->lags[lag < LAG_BINS ? lag : LAG_BINS - 1]++;
    b->points++;
}

static void line_ended(struct bench *b, struct watcher *w, int64_t now_us) {
    int64_t number;
    w->line[w->line_n] = '\0';
    if (sscanf(w->line, "id: %" SCNd64, &number) == 1) {
        b->gaps += number != w->seq + 1;
        w->seq = number;
    } else if (sscanf(w->line, "data: {\"epoch\":%" SCNd64, &number) == 1) {
        point_came(b, w, number, now_us);
    }
    w->line_n = 0;
}

static void watcher_read(struct bench *b, struct watcher *w) {
    char bytes[32 << 10];
    ssize_t n = recv(w->raw.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    int64_t now_us = clock_us();
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        b->lost++;
        epoll_ctl(b->epoll, EPOLL_CTL_DEL, w->raw.fd, NULL);
    }
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n')
            line_ended(b, w, now_us);
        else if (w->line_n < LINE_BYTES - 1)
            w->line[w->line_n++] = bytes[i];
    }
    b->bytes += n > 0 ? (uint64_t)n : 0;
}

static void watchers_read(struct bench *b, int64_t until_us) {
    struct epoll_event events[256];
    int64_t left_us;
    while ((left_us = until_us - clock_us()) > 0) {
        int n = epoll_wait(b->epoll, events, 256, (int)(left_us / 1000) + 1);
        for (int i = 0; i < n; i++)
            watcher_read(b, events[i].data.ptr);
    }
}

static void watchers_open(struct bench *b) {
    for (size_t i = 0; i < b->watchers_n; i++) {
        struct watcher *w = &b->watchers[i];
        char head[256];
        snprintf(head, sizeof head,
                 "GET /v1/jobs/%s/events HTTP/1.1\r\nHost: x\r\n"
                 "Accept: text/event-stream\r\nLast-Event-ID: %" PRId64 "\r\n\r\n",
                 b->job, w->seq);
        w->line_n = 0;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
        if (!raw_open(&w->raw, b->daemon.port) || !raw_text(&w->raw, head) ||
            epoll_ctl(b->epoll, EPOLL_CTL_ADD, w->raw.fd, &event) != 0)
            die("a watcher could not connect");
    }
}

static void watchers_close(struct bench *b) {
    for (size_t i = 0; i < b->watchers_n; i++)
        raw_close(&b->watchers[i].raw);
}

/* ---- rounds --------------------------------------------------------------------- */

/* The processor time of a process, in seconds: proc(5), stat, fields 14 and 15. */
static double cpu_seconds(pid_t pid) {
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    if (at)
        sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* How far the job is, from its newest point in the store. */
static int64_t epochs_done(const struct bench *b) {
    static int64_t newest;
    while (newest + 1 < POINTS_MAX && atomic_load(&b->stored_us[newest + 1]))
        newest++;
    return newest * b->every;
}

struct figures {
    double epochs_per_s, server_cpu, client_cpu;
    long rss_kib;
};

static struct figures measure(struct bench *b, int seconds) {
    struct figures f;
    int64_t start_us = clock_us(), epochs = epochs_done(b);
    int64_t at_us = atomic_load(&b->stored_us[epochs / b->every]);
    double server = cpu_seconds(b->daemon.pid), client = cpu_seconds(getpid());
    watchers_read(b, start_us + seconds * INT64_C(1000000));
    double took = (double)(clock_us() - start_us) / 1e6;
    int64_t epochs_then = epochs_done(b);
    int64_t then_us = atomic_load(&b->stored_us[epochs_then / b->every]);
    f.epochs_per_s = (double)(epochs_then - epochs) / ((double)(then_us - at_us) / 1e6);
    f.server_cpu = (cpu_seconds(b->daemon.pid) - server) / took;
    f.client_cpu = (cpu_seconds(getpid()) - client) / took;
    f.rss_kib = daemon_memory_kib(b->daemon.pid, "VmRSS");
    return f;
}

static void settle(struct bench *b) {
    b->settled_us = 0;
    watchers_read(b, clock_us() + SETTLE_MS * 1000);
}

/* Until each watcher has what was there when it came. @return how long that took. */
static double catch_up(struct bench *b) {
    int64_t start_us = clock_us(), target = epochs_done(b);
    for (size_t i = 0; i < b->watchers_n; i++)
        while (b->watchers[i].epoch < target &&
               clock_us() - start_us < CATCH_UP_MS * INT64_C(1000))
            watchers_read(b, clock_us() + 1000);
    return (double)(clock_us() - start_us) / 1000;
}

static double lag_ms(const struct bench *b, double share) {
    uint64_t below = 0, wanted = (uint64_t)ceil(share * (double)b->points);
    size_t bin = 0;
    while (bin < LAG_BINS && (below += b->lags[bin]) < wanted)
        bin++;
    return (double)(bin + 1) * LAG_BIN_US / 1000;
}

static void round_run(struct bench *b, int round, int seconds, double *ratio) {
    settle(b);
    struct figures without = measure(b, seconds);
    int64_t seq = b->watchers[0].seq;
    watchers_open(b);
    double caught_up_ms = catch_up(b);
    int64_t behind = b->watchers[0].seq - seq;
    settle(b);
    b->settled_us = clock_us();
    struct figures with = measure(b, seconds);
    watchers_close(b);
    *ratio = with.epochs_per_s / without.epochs_per_s;
    printf("round %d: epochs/s %.0f without, %.0f with (%.3f); server's CPU %.3f, %.3f "
           "(watchers' own %.3f); RSS %.1f, %.1f MiB; the %" PRId64
           " events before in %.0f ms\n",
           round, without.epochs_per_s, with.epochs_per_s, *ratio, without.server_cpu,
           with.server_cpu, with.client_cpu, (double)without.rss_kib / 1024,
           (double)with.rss_kib / 1024, behind, caught_up_ms);
    fflush(stdout);
}

static void bench_start(struct bench *b) {
    static const char *const flags[] = {"--threads", "1", NULL};
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    b->watchers = calloc(b->watchers_n, sizeof *b->watchers);
    b->stored_us = calloc(POINTS_MAX, sizeof *b->stored_us);
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    json_int_t epochs = b->every < 1000 ? b->every * CURVE_POINTS : EPOCHS;
    json_t *rest = json_pack("{s:I,s:I,s:i}", "epochs", epochs, "report_every",
                             (json_int_t)b->every, "seed", 3);
    if (!b->watchers || !b->stored_us || b->epoll < 0 ||
        !daemon_start(&b->daemon, flags) ||
        !job_post(&b->daemon.client, table_job("watched", table_planar(40), rest),
                  b->job) ||
        !job_wait_running(&b->daemon.client, b->job, 20))
        die("the job could not be started");
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback) {
    return argc > i ? strtoll(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv) {
    static struct bench b;
    pthread_t follower;
    b.watchers_n = (size_t)argument(argc, argv, 1, 1000);
    b.every = argument(argc, argv, 2, 2000);
    int rounds = (int)argument(argc, argv, 3, 4);
    int seconds = (int)argument(argc, argv, 4, 5);
    double ratios = 0, ratio;
    bench_start(&b);
    if (pthread_create(&follower, NULL, store_follow, &b) != 0)
        die("no thread");
    for (int i = 0; i < rounds; i++) {
        round_run(&b, i + 1, seconds, &ratio);
        ratios += ratio;
    }
    atomic_store(&b.ending, true);
    pthread_join(follower, NULL);
    printf(
        "%zu watchers: trainer's speed with them %.3f of that without; %" PRIu64
        " points received, %" PRIu64 " bytes, gaps %" PRIu64 ", lost streams %" PRIu64
        "\nlag from the store to the watcher: p50 %.1f ms, p99 %.1f ms, most %.1f ms\n",
        b.watchers_n, ratios / rounds, b.points, b.bytes, b.gaps, b.lost, lag_ms(&b, 0.5),
        lag_ms(&b, 0.99), lag_ms(&b, 1));
    daemon_close(&b.daemon);
    free(b.watchers);
    free(b.stored_us);
    return b.gaps || b.lost;
}
