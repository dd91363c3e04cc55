/* The daemon under test: the real binary on a free port, with a store of its own.
 *
 * The binary is $DESCENTD, or build/descentd. It dies with the test that started it. The
 * store is a file, or with DESCENTD_TEST_STORE=postgresql a schema on the server of
 * tests/postgres.sh. */
#ifndef TESTS_HTTP_DAEMON_H
#define TESTS_HTTP_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/http/client.h"
#include "tests/unit/postgres.h"

enum { DAEMON_FLAGS_MAX = 16, DAEMON_WORKERS_MAX = 16 };

struct daemon {
    pid_t pid; /* 0: not running */
    int port;
    int out; /* its stdout */
    char dir[64], store[POSTGRES_URL_MAX], log[96];
    bool shares;                         /* the store is another one's */
    const char *flags[DAEMON_FLAGS_MAX]; /* more arguments of serve, ended by NULL */
    struct client client;
};

/* Starts a daemon on a new store and opens its client; `flags` may be NULL, is borrowed
 * and ends with NULL. @return false, with its log on stdout, when it does not come up. */
bool daemon_start(struct daemon *d, const char *const *flags)
    __attribute__((warn_unused_result));

/* The same on a store that is there already, which somebody else removes. */
bool daemon_start_on(struct daemon *d, const char *store, const char *const *flags)
    __attribute__((warn_unused_result));

/* Starts one that was stopped or killed again, on the same store and another port. */
bool daemon_restart(struct daemon *d) __attribute__((warn_unused_result));

/* As daemon_start, on a file whatever DESCENTD_TEST_STORE says. */
bool daemon_start_file(struct daemon *d, const char *const *flags);

/* SIGTERM, and its exit code; -1 when it had to be killed after ten seconds or died of a
 * signal. */
int daemon_stop(struct daemon *d);

/* Waits for the end of a daemon that was told to stop; as daemon_stop. */
int daemon_wait(struct daemon *d);

/* SIGKILL to the serving process; with `workers` to its workers too, which die first. */
void daemon_kill(struct daemon *d, bool workers);

/* Stops the daemon if it runs, checks that it exits with 0, and removes the store. */
void daemon_close(struct daemon *d);

/* The pids of its workers. @return how many. */
size_t daemon_workers(const struct daemon *d, pid_t pids[DAEMON_WORKERS_MAX]);

/* Waits until a line of its log holds `text`, and checks that one does. Where `line` is
 * not NULL, it is copied there, without its end. */
enum { DAEMON_LINE_BYTES = 4096 };
bool daemon_logs(const struct daemon *d, const char *text, int timeout_ms,
                 char line[DAEMON_LINE_BYTES]);

/* A line of /proc/PID/status in KiB ("VmHWM", "VmRSS"); 0 when there is none. */
long daemon_memory_kib(pid_t pid, const char *name);

/* Milliseconds of a clock that only goes forward; and sleep. */
int64_t daemon_clock_ms(void);
void daemon_sleep_ms(int ms);

#endif
