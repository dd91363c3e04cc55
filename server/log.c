#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/text.h"
#include "server/clock.h"

static const char *const names[] = {[LOG_DEBUG] = "debug",
                                    [LOG_INFO] = "info",
                                    [LOG_WARN] = "warn",
                                    [LOG_ERROR] = "error"};

enum { PATIENCE_MS = 10 };

/* Set once at start, before there are threads. */
static enum log_level lowest = LOG_INFO;
static const char *process_role = "main";
static int out = STDERR_FILENO;

/* Nobody has read what was written last (line_put's); and how many lines were lost so. */
static atomic_bool stalled;
static atomic_size_t lost_n;

bool log_level_find(const char *name, enum log_level *level) {
    for (enum log_level l = LOG_DEBUG; l <= LOG_ERROR; l++) {
        if (strcasecmp(names[l], name) == 0) {
            *level = l;
            return true;
        }
    }
    return false;
}

/* A pipe by an open file of this process's own, which does not block, where that is
 * allowed: others who write to it may want it to. */
static int out_open(void) {
    struct stat is;
    if (fstat(STDERR_FILENO, &is) != 0 || !S_ISFIFO(is.st_mode))
        return STDERR_FILENO;
    int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return own >= 0 ? own : STDERR_FILENO;
}

void log_start(enum log_level level, const char *role) {
    out = out_open();
    lowest = level;
    process_role = role;
}

static void line_start(struct text *line, enum log_level level, const char *message) {
    text_open(line, '{');
    text_key(line, "time");
    text_json_time(line, clock_ms());
    text_key(line, "level");
    text_json_string(line, names[level]);
    text_key(line, "role");
    text_json_string(line, process_role);
    text_key(line, "pid");
    text_json_int(line, getpid());
    text_key(line, "message");
    text_json_string(line, message);
}

/* Who does not read the log holds up nobody who serves, but for a moment once. @return
 * false: the line is lost. */
static bool line_put(const struct text *line) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* what one finds room for */
    struct pollfd to = {.fd = out, .events = POLLOUT};
    int n;
    if (pthread_mutex_trylock(&lock) != 0) {
        if (atomic_load(&stalled))
            return false; /* somebody may be held up in there */
        pthread_mutex_lock(&lock);
    }
    do
        n = poll(&to, 1, atomic_load(&stalled) ? 0 : PATIENCE_MS);
    while (n < 0 && errno == EINTR);
    bool ok = n > 0 && (write(out, line->data, line->n) >= 0 || errno != EAGAIN);
    atomic_store(&stalled, !ok);
    pthread_mutex_unlock(&lock);
    return ok;
}

static void line_end(struct text *line) {
    size_t lost = atomic_exchange(&lost_n, 0);
    if (lost)
        text_member_int(line, "lost_lines", (int64_t)lost);
    text_close(line, '}');
    text_string(line, "\n");
    if (!line->failed && !line_put(line))
        atomic_fetch_add(&lost_n, lost + 1);
    text_free(line);
}

bool log_is_told(enum log_level level) {
    return level >= lowest;
}

void log_write(enum log_level level, const char *message, ...) {
    if (!log_is_told(level))
        return;
    struct text line = {0};
    line_start(&line, level, message);
    va_list args;
    va_start(args, message);
    const char *key;
    while ((key = va_arg(args, const char *))) {
        const struct log_value *value = va_arg(args, const struct log_value *);
        text_key(&line, key);
        if (value->kind == LOG_IS_TEXT)
            text_json_string(&line, value->text);
        else if (value->kind == LOG_IS_INT)
            text_json_int(&line, value->number);
        else
            text_json_double(&line, value->real);
    }
    va_end(args);
    line_end(&line);
}

void log_err(enum log_level level, const char *message, const struct err *e) {
    log_write(level, message, "error", LOG_TEXT(e->text), "where", LOG_TEXT(e->where),
              NULL);
}
