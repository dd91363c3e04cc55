#include "server/config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config_file.h"
#include "server/machine.h"
#include "server/store.h"
#include "server/text_file.h"

enum key_type { KEY_TEXT, KEY_INT, KEY_SWITCH };

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

#define SWITCH(field, flag, variable, help)                                              \
    { flag, variable, KEY_SWITCH, offsetof(struct config, field), 0, 1, "no", help }

static const struct key keys[] = {
    TEXT(listen, "--listen", "DESCENTD_LISTEN", "127.0.0.1:8080",
         "HOST:PORT to serve on; port 0 takes a free one"),
    TEXT(store, "--store", "DESCENTD_STORE", "./descentd.db",
         "file, or postgresql://..., that holds jobs, curves and models; a database that "
         "does not answer is waited for, one that refuses the user is an error"),
    TEXT(store_file, "--store-file", "DESCENTD_STORE_FILE", "",
         "file whose first line is the store, to keep a password out of sight"),
    TEXT(token_file, "--token-file", "DESCENTD_TOKEN_FILE", "",
         "file of bearer tokens, or their sha256:, a line each; read again at SIGHUP"),
    SWITCH(allow_anonymous, "--allow-anonymous", "DESCENTD_ALLOW_ANONYMOUS",
           "serve beyond the loopback without tokens"),
    INT(workers, "--workers", "DESCENTD_WORKERS", 0, 64, "1",
        "local worker processes that train"),
    INT(threads, "--threads", "DESCENTD_THREADS", 0, 64, "0",
        "threads of each worker; 0: as many as the CPU quota"),
    INT(http_threads, "--http-threads", "DESCENTD_HTTP_THREADS", 0, 32, "0",
        "threads that serve connections, and as many for large bodies; 0: as many as the "
        "CPU quota"),
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
    INT(training_memory_max, "--training-memory-max", "DESCENTD_TRAINING_MEMORY_MAX", 0,
        INT64_C(1) << 44, "0",
        "bytes that jobs in training on this machine may need together; 0: three "
        "quarters of the memory"),
    INT(queue_max, "--queue-max", "DESCENTD_QUEUE_MAX", 0, 1000000, "1000",
        "jobs that may wait for a worker; 0: any number"),
    INT(batch_rows_max, "--batch-rows-max", "DESCENTD_BATCH_ROWS_MAX", 1, 65536, "64",
        "rows of one forward pass that requests share"),
    INT(batch_delay_us_max, "--batch-delay-us-max", "DESCENTD_BATCH_DELAY_US_MAX", 0,
        60000000, "0", "time that a prediction may wait for others to share its pass"),
    INT(predict_queue_max, "--predict-queue-max", "DESCENTD_PREDICT_QUEUE_MAX", 1,
        1000000, "1024", "predictions that may wait for a thread"),
    INT(max_runtime_s, "--max-runtime", "DESCENTD_MAX_RUNTIME", 0, 1000000000, "0",
        "seconds that one job may train for; 0: any time"),
    INT(connections_max, "--connections-max", "DESCENTD_CONNECTIONS_MAX", 16, 1000000,
        "10240", "connections held at a time"),
    INT(streams_max, "--streams-max", "DESCENTD_STREAMS_MAX", 0, 1000000, "2048",
        "event streams held at a time"),
    INT(stream_heartbeat_ms, "--stream-heartbeat-ms", "DESCENTD_STREAM_HEARTBEAT_MS", 50,
        3600000, "15000",
        "silence of an event stream; one that is not read ends at twice"),
    INT(header_timeout_ms, "--header-timeout-ms", "DESCENTD_HEADER_TIMEOUT_MS", 100,
        3600000, "10000", "time to send a request's head; its body must flow"),
    INT(idle_timeout_s, "--idle-timeout-s", "DESCENTD_IDLE_TIMEOUT_S", 1, 86400, "75",
        "time that a kept-alive connection may be idle"),
    INT(drain_delay_ms, "--drain-delay-ms", "DESCENTD_DRAIN_DELAY_MS", 0, 600000, "0",
        "after SIGTERM, time for a balancer to see that /readyz says 503"),
    INT(drain_timeout_ms, "--drain-timeout-ms", "DESCENTD_DRAIN_TIMEOUT_MS", 0, 3600000,
        "20000", "time for requests in flight to end after SIGTERM"),
    INT(worker_nice, "--worker-nice", "DESCENTD_WORKER_NICE", 0, 20, "10",
        "how far workers give way to predictions: nice, or 20: to whatever else would "
        "run"),
    INT(lease_ms, "--lease-ms", "DESCENTD_LEASE_MS", 500, 3600000, "10000",
        "time without a sign of life after which a worker's job goes to another"),
    TEXT(default_model, "--default-model", "DESCENTD_DEFAULT_MODEL", "",
         "NAME or NAME@ALIAS of requests that name no model; none: the only one"),
    TEXT(log_level, "--log-level", "DESCENTD_LOG_LEVEL", "info",
         "debug, info, warn or error"),
    TEXT(file, "--config", "DESCENTD_CONFIG", "",
         "file of keys; flags and variables win"),
    SWITCH(print_config, "--print-config", "DESCENTD_PRINT_CONFIG",
           "print these keys as they are set, and end"),
    INT(wake_fd, "--wake-fd", "DESCENTD_WAKE_FD", -1, 1 << 20, "-1", NULL),
};
enum { KEYS_N = sizeof keys / sizeof *keys };
static_assert((int)KEYS_N <= (int)CONFIG_KEYS_MAX, "an origin a key");
enum { BODY_MEMORY = 512 << 20, MODEL_MEMORY = 1 << 30 };

static bool switch_set(int64_t *value, const char *name, const char *text,
                       struct err *e) {
    static const char *const words[] = {"no",  "yes", "false", "true",
                                        "off", "on",  "0",     "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    }
    return err_set(e, ERR_INVALID, name, "expected yes or no, got \"%.40s\"", text);
}

static bool int_set(int64_t *number, const struct key *key, const char *name,
                    const char *text, struct err *e) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < key->min || value > key->max)
        return err_set(e, ERR_INVALID, name,
                       "expected an integer from %" PRId64 " to %" PRId64
                       ", got \"%.40s\"",
                       key->min, key->max, text);
    *number = value;
    return true;
}

/* `name` is what the value was given by, for errors. */
static bool key_set(struct config *config, const struct key *key, const char *name,
                    const char *text, enum config_origin origin, struct err *e) {
    char *field = (char *)config + key->offset;
    int64_t number = 0;
    config->origins[key - keys] = (unsigned char)origin;
    if (key->type == KEY_TEXT) {
        if (!*text && *key->fallback)
            return err_set(e, ERR_INVALID, name, "expected a value, got an empty one");
        memcpy(field, &text, sizeof text);
        return true;
    }
    bool ok = key->type == KEY_SWITCH ? switch_set(&number, name, text, e)
                                      : int_set(&number, key, name, text, e);
    memcpy(field, &number, sizeof number);
    return ok;
}

static const struct key *key_find(const char *flag, size_t n) {
    for (size_t k = 0; k < KEYS_N; k++)
        if (strncmp(keys[k].flag, flag, n) == 0 && !keys[k].flag[n])
            return &keys[k];
    return NULL;
}

/* The known name of such a kind that shares the longest start with an unknown one. */
static const char *name_nearest(const char *unknown, const char *(*name_of)(size_t k)) {
    const char *best = name_of(0);
    size_t longest = 0;
    for (size_t k = 0; k < KEYS_N; k++) {
        const char *name = name_of(k);
        size_t n = 0;
        while (unknown[n] && unknown[n] == name[n])
            n++;
        if (keys[k].help && n > longest) {
            longest = n;
            best = name;
        }
    }
    return best;
}

static const char *flag_of(size_t k) {
    return keys[k].flag;
}

static const char *variable_of(size_t k) {
    return keys[k].variable;
}

/* What follows from the machine where nothing was said. */
static void memory_resolve(struct config *config) {
    int64_t quarter = machine_memory() / 4;
    if (!config->body_memory_max)
        config->body_memory_max = quarter < BODY_MEMORY ? quarter : BODY_MEMORY;
    if (!config->model_memory_max)
        config->model_memory_max = quarter < MODEL_MEMORY ? quarter : MODEL_MEMORY;
    if (!config->job_memory_max)
        config->job_memory_max = 3 * quarter;
    if (!config->training_memory_max)
        config->training_memory_max = 3 * quarter;
    /* A body that never fits is too large, not to be tried again. */
    if (config->body_bytes_max > config->body_memory_max)
        config->body_bytes_max = config->body_memory_max;
}

/* The defaults, and over them the environment. */
static bool environment_read(struct config *config, struct err *e) {
    for (size_t k = 0; k < KEYS_N; k++) {
        const char *text = getenv(keys[k].variable);
        bool given = text && *text;
        if (!key_set(config, &keys[k], given ? keys[k].variable : keys[k].flag,
                     given ? text : keys[k].fallback,
                     given ? ORIGIN_ENVIRONMENT : ORIGIN_DEFAULT, e))
            return false;
    }
    return true;
}

static bool is_variable(const char *name, size_t n) {
    for (size_t k = 0; k < KEYS_N; k++)
        if (strncmp(keys[k].variable, name, n) == 0 && !keys[k].variable[n])
            return true;
    return false;
}

/* Kubernetes tells each container of its services, in names of its own. `at`: behind the
 * name's '='. */
static bool is_of_service(const char *name, const char *at) {
    const char *port = strstr(name, "_PORT_");
    return strstr(name, "_SERVICE_HOST") || strstr(name, "_SERVICE_PORT") ||
           (port && port[6] >= '0' && port[6] <= '9') || strncmp(at, "tcp://", 6) == 0 ||
           strncmp(at, "udp://", 6) == 0;
}

void config_strangers(config_stranger_fn tell) {
    static const char prefix[] = "DESCENTD_";
    for (char **at = environ; at && *at; at++) {
        size_t n = strcspn(*at, "=");
        char name[80]; /* of a longer one its beginning */
        if (strncmp(*at, prefix, sizeof prefix - 1) != 0 || is_variable(*at, n))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name),
                 *at);
        if (!is_of_service(name, *at + n + ((*at)[n] == '=')))
            tell(name, name_nearest(name, variable_of));
    }
}

static bool flags_read(struct config *config, int argc, char *const *argv,
                       struct err *e) {
    for (int i = 0; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        const struct key *key = key_find(argv[i], n);
        if (!key)
            return err_set(e, ERR_INVALID, argv[i],
                           "is unknown; the nearest known flag is %s",
                           name_nearest(argv[i], flag_of));
        const char *text = argv[i][n]                ? argv[i] + n + 1
                           : key->type == KEY_SWITCH ? "yes"
                           : i + 1 < argc            ? argv[++i]
                                                     : NULL;
        if (!text)
            return err_set(e, ERR_INVALID, key->flag, "needs a value");
        if (!key_set(config, key, key->flag, text, ORIGIN_FLAG, e))
            return false;
    }
    return true;
}

/* A line of the file. It gives way to what flags and the environment have said. */
static bool line_take(void *context, const struct config_line *line, struct err *e) {
    struct config *config = context;
    char flag[64], where[160];
    snprintf(flag, sizeof flag, "--%.60s", line->key);
    snprintf(where, sizeof where, "%.100s, line %zu", config->file, line->number);
    const struct key *key = key_find(flag, strlen(flag));
    if (!key || !key->help || key->offset == offsetof(struct config, file))
        return err_set(e, ERR_INVALID, where,
                       "the key \"%.40s\" is unknown; the nearest known one is %s",
                       line->key, name_nearest(flag, flag_of) + 2);
    if (config->origins[key - keys] != ORIGIN_DEFAULT) {
        struct config ignored = {0}; /* what is not used must be right too */
        return key_set(&ignored, key, where, line->value, ORIGIN_FILE, e);
    }
    return key_set(config, key, where, line->value, ORIGIN_FILE, e);
}

static enum config_origin origin_of(const struct config *config, size_t offset) {
    size_t k = 0;
    while (keys[k].offset != offset)
        k++;
    return config->origins[k];
}

/* The store from its file. */
static bool store_resolve(struct config *config, struct err *e) {
    size_t n;
    if (!*config->store_file)
        return true;
    if (origin_of(config, offsetof(struct config, store)) != ORIGIN_DEFAULT)
        return err_set(e, ERR_INVALID, "--store-file",
                       "expected a store or the file that holds it, got both");
    config->store_text = text_file_read(config->store_file, "--store-file", &n, e);
    if (!config->store_text)
        return false;
    config->store_text[strcspn(config->store_text, "\r\n")] = '\0';
    config->store = config->store_text;
    if (strncmp(config->store, "\xef\xbb\xbf", 3) == 0)
        config->store += 3; /* some editors' mark of UTF-8 */
    return *config->store ||
           err_set(e, ERR_INVALID, "--store-file", "%.120s: the first line is empty",
                   config->store_file);
}

bool config_read(struct config *config, int argc, char *const *argv, struct err *e) {
    *config = (struct config){0};
    if (!environment_read(config, e) || !flags_read(config, argc, argv, e))
        return false;
    if (*config->file &&
        !(config->file_text = config_file_read(config->file, line_take, config, e)))
        return false;
    memory_resolve(config);
    return store_resolve(config, e);
}

void config_free(struct config *config) {
    free(config->store_text);
    config->store_text = NULL;
    free(config->file_text);
    config->file_text = NULL;
}

static void value_print(const struct config *config, const struct key *key, FILE *to) {
    const char *field = (const char *)config + key->offset, *text;
    char shown[STORE_SHOWN_MAX];
    int64_t number;
    memcpy(&text, field, sizeof text);
    memcpy(&number, field, sizeof number);
    if (key->offset == offsetof(struct config, store)) {
        store_url_show(text, shown);
        fputs(shown, to);
    } else if (key->type == KEY_TEXT)
        fputs(text, to);
    else if (key->type == KEY_SWITCH)
        fputs(number ? "yes" : "no", to);
    else
        fprintf(to, "%" PRId64, number);
}

void config_print(const struct config *config, FILE *to) {
    static const char *const origins[] = {"default", "file", "environment", "flag"};
    for (size_t k = 0; k < KEYS_N; k++) {
        if (!keys[k].help || keys[k].offset == offsetof(struct config, file) ||
            keys[k].offset == offsetof(struct config, print_config))
            continue;
        bool from_file = keys[k].offset == offsetof(struct config, store) &&
                         *config->store_file; /* which says it already */
        fprintf(to, "%s%s = ", from_file ? "# " : "", keys[k].flag + 2);
        value_print(config, &keys[k], to);
        fprintf(to, "  # %s\n", origins[config->origins[k]]);
    }
}

void config_help(FILE *to) {
    for (size_t k = 0; k < KEYS_N; k++)
        if (keys[k].help)
            fprintf(to, "  %-22s %s (default %s; %s)\n", keys[k].flag, keys[k].help,
                    *keys[k].fallback ? keys[k].fallback : "none", keys[k].variable);
}
