/* PostgreSQL for tests: the server of tests/run.sh, or one of a test's own that it may
 * stop and start. All by tests/postgres.sh and psql. */
#ifndef TESTS_POSTGRES_H
#define TESTS_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POSTGRES_URL_MAX = 200 };

/* A server of its own. */
struct postgres {
    char folder[96];
    int port;
    char url[POSTGRES_URL_MAX];
};

bool postgres_make(struct postgres *p) __attribute__((warn_unused_result));
/* "immediate": as if it had crashed; "fast": after it has ended its connections. */
bool postgres_stop(const struct postgres *p, const char *how);
bool postgres_start(const struct postgres *p);
void postgres_end(struct postgres *p);

/* SIGSTOP and SIGCONT to all of it: it hangs, and its machine does not. */
void postgres_freeze(const struct postgres *p, bool frozen);

/* A new, empty schema of the server at `server`, and its URL. */
bool postgres_schema_make(const char *server, char url[POSTGRES_URL_MAX]);
/* Drops it. */
void postgres_schema_end(const char *url);

/* The first column of the first row, by psql; -1 when there is none. */
int64_t postgres_int(const char *url, const char *sql);

#endif
