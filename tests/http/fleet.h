/* A fleet on one PostgreSQL, or on one file: replicas that serve and do not train, and
 * workers apart. */
#ifndef TESTS_HTTP_FLEET_H
#define TESTS_HTTP_FLEET_H

#include "tests/http/daemon.h"

enum { FLEET_REPLICAS_MAX = 4, FLEET_WORKERS_MAX = 8 };

/* What a worker has. */
struct fleet_worker {
    const char *threads, *memory; /* --job-memory-max; NULL: the default */
};

struct fleet {
    char store[POSTGRES_URL_MAX];
    bool schema_made; /* the store is a schema of its own on the tests' server */
    struct daemon replicas[FLEET_REPLICAS_MAX];
    size_t replicas_n, workers_n;
    pid_t workers[FLEET_WORKERS_MAX]; /* 0: not running */
    char dir[64], log[96];            /* of the workers */
    const struct fleet_worker *kinds;
    const char *lease_ms;
};

struct fleet_options {
    const char *store; /* NULL: a schema of its own on the tests' server */
    size_t replicas_n, workers_n;
    const char *const *flags;         /* more of serve's; or NULL */
    const struct fleet_worker *kinds; /* a worker each; NULL: all with one thread */
    const char *lease_ms;             /* of the workers */
};

bool fleet_open(struct fleet *f, const struct fleet_options *options)
    __attribute__((warn_unused_result));
/* Ends all that runs and checks that it ends well. */
void fleet_close(struct fleet *f);

/* The client of a replica, by number; any number is one. */
struct client *fleet_client(struct fleet *f, size_t number);

bool fleet_worker_start(struct fleet *f, size_t number);
void fleet_worker_kill(struct fleet *f, size_t number, int signal);
/* SIGTERM; its exit code is checked. */
void fleet_worker_stop(struct fleet *f, size_t number);
/* Waits for the end of one that ends by itself, with 1. */
void fleet_worker_fails(struct fleet *f, size_t number);

/* The first column of the first row. */
int64_t fleet_int(const struct fleet *f, const char *sql);

#endif
