#include "server/config.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum key_type { KEY_TEXT, KEY_INT };

struct key {
    const char *flag, *variable;
    enum key_type type;
    size_t offset; /* in struct config */
    int64_t min, max;
    const char *fallback;
    const char *help; /* NULL: not shown */
};

#define TEXT(field, flag, variable, fallback, help)                                      \
    { flag, variable, KEY_TEXT, offsetof(struct config, field), 0, 0, fallback, help }
#define INT(field, flag, variable, min, max, fallback, help)                             \
    { flag, variable, KEY_INT, offsetof(struct config, field), min, max, fallback, help }

static const struct key keys[] = {
    TEXT(listen, "--listen", "DESCENTD_LISTEN", "127.0.0.1:8080",
         "HOST:PORT to serve on; port 0 takes a free one"),
    TEXT(store, "--store", "DESCENTD_STORE", "./descentd.db",
         "file that holds jobs, curves and models"),
    INT(workers, "--workers", "DESCENTD_WORKERS", 0, 64, "1",
        "local worker processes that train"),
    INT(threads, "--threads", "DESCENTD_THREADS", 0, 64, "0",
        "threads of each worker; 0: as many as the CPU quota"),
    INT(http_threads, "--http-threads", "DESCENTD_HTTP_THREADS", 0, 32, "0",
        "threads that serve connections; 0: as many as the CPU quota"),
    INT(store_threads, "--store-threads", "DESCENTD_STORE_THREADS", 1, 16, "4",
        "threads for requests that wait for the store"),
    INT(body_bytes_max, "--body-bytes-max", "DESCENTD_BODY_BYTES_MAX", 1024,
        INT64_C(1) << 34, "67108864", "largest request body, in bytes"),
    INT(body_memory_max, "--body-memory-max", "DESCENTD_BODY_MEMORY_MAX", 0,
        INT64_C(1) << 40, "0",
        "bytes of all request bodies in flight; 0: a quarter of the memory, to 512 MiB"),
    INT(upload_bytes_max, "--upload-bytes-max", "DESCENTD_UPLOAD_BYTES_MAX", 1024,
        INT64_C(1) << 44, "17179869184", "largest dataset file, in bytes"),
    INT(model_memory_max, "--model-memory-max", "DESCENTD_MODEL_MEMORY_MAX", 0,
        INT64_C(1) << 40, "0",
        "bytes of models kept loaded; 0: a quarter of the memory, to 1 GiB"),
    INT(job_memory_max, "--job-memory-max", "DESCENTD_JOB_MEMORY_MAX", 0,
        INT64_C(1) << 44, "0",
        "bytes that one job may need; 0: three quarters of the memory"),
    INT(queue_max, "--queue-max", "DESCENTD_QUEUE_MAX", 0, 1000000, "1000",
        "jobs that may wait for a worker; 0: any number"),
    INT(max_runtime_s, "--max-runtime", "DESCENTD_MAX_RUNTIME", 0, 1000000000, "0",
        "seconds that one job may train for; 0: any time"),
    INT(connections_max, "--connections-max", "DESCENTD_CONNECTIONS_MAX", 16, 1000000,
        "4096", "connections held at a time"),
    INT(streams_max, "--streams-max", "DESCENTD_STREAMS_MAX", 0, 1000000, "2048",
        "event streams held at a time"),
    INT(stream_heartbeat_ms, "--stream-heartbeat-ms", "DESCENTD_STREAM_HEARTBEAT_MS", 50,
        3600000, "15000",
        "silence of an event stream; one that is not read ends at twice"),
    INT(header_timeout_ms, "--header-timeout-ms", "DESCENTD_HEADER_TIMEOUT_MS", 100,
        3600000, "10000", "time to send a request's head; its body must flow"),
    INT(idle_timeout_s, "--idle-timeout-s", "DESCENTD_IDLE_TIMEOUT_S", 1, 86400, "75",
        "time that a kept-alive connection may be idle"),
    INT(drain_timeout_ms, "--drain-timeout-ms", "DESCENTD_DRAIN_TIMEOUT_MS", 0, 3600000,
        "20000", "time for requests in flight to end after SIGTERM"),
    INT(worker_nice, "--worker-nice", "DESCENTD_WORKER_NICE", 0, 19, "10",
        "how far workers give way to predictions (nice)"),
    INT(lease_ms, "--lease-ms", "DESCENTD_LEASE_MS", 500, 3600000, "10000",
        "time without a sign of life after which a worker's job goes to another"),
    TEXT(log_level, "--log-level", "DESCENTD_LOG_LEVEL", "info",
         "debug, info, warn or error"),
    INT(wake_fd, "--wake-fd", "DESCENTD_WAKE_FD", -1, 1 << 20, "-1", NULL),
};
enum { KEYS_N = sizeof keys / sizeof *keys };
enum { BODY_MEMORY = 512 << 20, MODEL_MEMORY = 1 << 30 };

static bool key_set(struct config *config, const struct key *key, const char *name,
                    const char *text, struct err *e) {
    char *field = (char *)config + key->offset;
    if (key->type == KEY_TEXT) {
        if (!*text)
            return err_set(e, ERR_INVALID, name, "expected a value, got an empty one");
        memcpy(field, &text, sizeof text);
        return true;
    }
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < key->min || value > key->max)
        return err_set(e, ERR_INVALID, name,
                       "expected an integer from %" PRId64 " to %" PRId64
                       ", got \"%.40s\"",
                       key->min, key->max, text);
    int64_t number = value;
    memcpy(field, &number, sizeof number);
    return true;
}

static const struct key *key_find(const char *flag, size_t n) {
    for (size_t k = 0; k < KEYS_N; k++)
        if (strncmp(keys[k].flag, flag, n) == 0 && !keys[k].flag[n])
            return &keys[k];
    return NULL;
}

/* The known flag that shares the longest start with an unknown one. */
static const char *flag_nearest(const char *flag) {
    const char *best = keys[0].flag;
    size_t longest = 0;
    for (size_t k = 0; k < KEYS_N; k++) {
        size_t n = 0;
        while (flag[n] && flag[n] == keys[k].flag[n])
            n++;
        if (keys[k].help && n > longest) {
            longest = n;
            best = keys[k].flag;
        }
    }
    return best;
}

/* What follows from the machine where nothing was said. */
static void memory_resolve(struct config *config) {
    int64_t quarter = config_memory() / 4;
    if (!config->body_memory_max)
        config->body_memory_max = quarter < BODY_MEMORY ? quarter : BODY_MEMORY;
    if (!config->model_memory_max)
        config->model_memory_max = quarter < MODEL_MEMORY ? quarter : MODEL_MEMORY;
    if (!config->job_memory_max)
        config->job_memory_max = 3 * quarter;
    /* A body that never fits is too large, not to be tried again. */
    if (config->body_bytes_max > config->body_memory_max)
        config->body_bytes_max = config->body_memory_max;
}

bool config_read(struct config *config, int argc, char *const *argv, struct err *e) {
    *config = (struct config){0};
    for (size_t k = 0; k < KEYS_N; k++) {
        const char *text = getenv(keys[k].variable);
        const char *name = text && *text ? keys[k].variable : keys[k].flag;
        if (!key_set(config, &keys[k], name, text && *text ? text : keys[k].fallback, e))
            return false;
    }
    for (int i = 0; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        const struct key *key = key_find(argv[i], n);
        if (!key)
            return err_set(e, ERR_INVALID, argv[i],
                           "is unknown; the nearest known flag is %s",
                           flag_nearest(argv[i]));
        const char *text = argv[i][n] ? argv[i] + n + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!text)
            return err_set(e, ERR_INVALID, key->flag, "needs a value");
        if (!key_set(config, key, key->flag, text, e))
            return false;
    }
    memory_resolve(config);
    return true;
}

void config_help(FILE *to) {
    for (size_t k = 0; k < KEYS_N; k++)
        if (keys[k].help)
            fprintf(to, "  %-22s %s (default %s; %s)\n", keys[k].flag, keys[k].help,
                    keys[k].fallback, keys[k].variable);
}

/* The quotient of the two numbers in a cgroup's files, rounded up; 0: no quota. */
static size_t quota_cpus(const char *quota_path, const char *period_path) {
    long long quota = -1, period = 100000;
    FILE *f = fopen(quota_path, "re");
    if (!f)
        return 0;
    int got = fscanf(f, "%lld %lld", &quota, &period); /* "max 100000" leaves -1 */
    fclose(f);
    if (period_path && (f = fopen(period_path, "re"))) {
        if (fscanf(f, "%lld", &period) != 1)
            period = 100000;
        fclose(f);
    }
    if (got < 1 || quota <= 0 || period <= 0)
        return 0;
    return (size_t)((quota + period - 1) / period);
}

size_t config_cpus(void) {
    cpu_set_t set;
    size_t n = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    size_t quota = quota_cpus("/sys/fs/cgroup/cpu.max", NULL);
    if (!quota)
        quota = quota_cpus("/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                           "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (quota && quota < n)
        n = quota;
    return n < 1 ? 1 : n > 64 ? 64 : n;
}

/* The number in a cgroup's file; INT64_MAX: no such file, or no limit ("max"). */
static int64_t limit_read(const char *path) {
    long long limit = INT64_MAX;
    FILE *f = fopen(path, "re");
    if (f) {
        if (fscanf(f, "%lld", &limit) != 1 || limit <= 0)
            limit = INT64_MAX;
        fclose(f);
    }
    return limit;
}

int64_t config_memory(void) {
    int64_t pages = sysconf(_SC_PHYS_PAGES), least = pages * sysconf(_SC_PAGESIZE);
    int64_t limits[] = {limit_read("/sys/fs/cgroup/memory.max"),
                        limit_read("/sys/fs/cgroup/memory/memory.limit_in_bytes")};
    for (size_t i = 0; i < 2; i++)
        if (limits[i] < least)
            least = limits[i];
    return least;
}
