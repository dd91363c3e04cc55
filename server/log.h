/* The log: one JSON object a line on stderr, written whole. The one place that writes
 * there.
 *
 *   log_write(LOG_INFO, "job started", "job", LOG_TEXT(id), "attempt", LOG_INT(n), NULL);
 *
 * Any thread, any process: lines of one write() do not mix. Where stderr is a pipe or a
 * terminal that nobody reads, lines are lost; the next one that is not has
 * "lost_lines", how many. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* "debug", ... @return false when there is no such level. */
bool log_level_find(const char *name, enum log_level *level);

/* Lines below `level` are dropped. Call it once, before other threads. `role` stands in
 * each line: "serve", "worker"; static storage. */
void log_start(enum log_level level, const char *role);

/* Whether a line of that level would be written: to find out what only it needs. */
bool log_is_told(enum log_level level);

struct log_value {
    enum { LOG_IS_TEXT, LOG_IS_INT, LOG_IS_DOUBLE } kind;
    const char *text;
    int64_t number;
    double real;
};
#define LOG_TEXT(s)                                                                      \
    &(struct log_value) {                                                                \
        .kind = LOG_IS_TEXT, .text = (s)                                                 \
    }
#define LOG_INT(n)                                                                       \
    &(struct log_value) {                                                                \
        .kind = LOG_IS_INT, .number = (int64_t)(n)                                       \
    }
#define LOG_DOUBLE(x)                                                                    \
    &(struct log_value) {                                                                \
        .kind = LOG_IS_DOUBLE, .real = (x)                                               \
    }

/* Pairs of a key and a value (of the macros above), ended by NULL. */
void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));

/* The same for an error, with its place and text. */
void log_err(enum log_level level, const char *message, const struct err *e);

#endif
