#include "server/log.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/text.h"
#include "server/clock.h"

static const char *const names[] = {[LOG_DEBUG] = "debug",
                                    [LOG_INFO] = "info",
                                    [LOG_WARN] = "warn",
                                    [LOG_ERROR] = "error"};

/* Set once at start, before there are threads. */
static enum log_level lowest = LOG_INFO;
static const char *process_role = "main";

bool log_level_find(const char *name, enum log_level *level) {
    for (enum log_level l = LOG_DEBUG; l <= LOG_ERROR; l++) {
        if (strcasecmp(names[l], name) == 0) {
            *level = l;
            return true;
        }
    }
    return false;
}

void log_start(enum log_level level, const char *role) {
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

static void line_end(struct text *line) {
    text_close(line, '}');
    text_string(line, "\n");
    if (!line->failed) {
        ssize_t written = write(STDERR_FILENO, line->data, line->n);
        (void)written; /* there is nowhere to report it */
    }
    text_free(line);
}

void log_write(enum log_level level, const char *message, ...) {
    if (level < lowest)
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
