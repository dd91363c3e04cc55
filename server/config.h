/* Configuration: one table of keys, each a flag, an environment variable, a line of a
 * file, a type, bounds, a default and a line of help. A flag wins over the environment,
 * which wins over the file, which wins over the default. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/err.h"

enum config_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };
enum { CONFIG_KEYS_MAX = 64 };

/* Strings are borrowed from argv, the environment, the table or file_text. */
struct config {
    char *file_text;                        /* of `file`; owned: config_free */
    unsigned char origins[CONFIG_KEYS_MAX]; /* enum config_origin, a key each */
    const char *file;                       /* that holds keys; "": none */
    char *store_text;                       /* of store_file; owned: config_free */
    const char *store_file;                 /* that holds `store`; "": none */
    const char *token_file;                 /* "": none */
    int64_t allow_anonymous;   /* whoever reaches a port beyond the loopback may ask */
    int64_t print_config;      /* instead of serving */
    const char *listen;        /* HOST:PORT, [HOST]:PORT */
    const char *store;         /* a path, or postgresql://... */
    const char *default_model; /* NAME[@VERSION or @ALIAS] of requests that name none;
                                  "": the only one */
    const char *log_level;
    int64_t workers;         /* local worker processes */
    int64_t threads;         /* that train, in each worker; 0: as many as the CPU quota */
    int64_t http_threads;    /* 0: as many as the CPU quota */
    int64_t store_threads;   /* that run what must wait for the store */
    int64_t body_bytes_max;  /* of one request */
    int64_t body_memory_max; /* of all bodies in flight */
    int64_t upload_bytes_max;    /* of one body that is taken as a stream */
    int64_t model_memory_max;    /* of the models kept loaded */
    int64_t job_memory_max;      /* of one job's training */
    int64_t training_memory_max; /* of all training on this machine */
    int64_t queue_max;           /* jobs that may wait; 0: no bound */
    int64_t batch_rows_max;      /* of one forward pass for several requests */
    int64_t batch_delay_us_max;  /* how long a request may wait for others to join it */
    int64_t predict_queue_max;   /* predictions that may wait */
    int64_t max_runtime_s;       /* of one job's training; 0: no bound */
    int64_t connections_max;
    int64_t streams_max;         /* event streams held at a time */
    int64_t stream_heartbeat_ms; /* between signs of life of one */
    int64_t header_timeout_ms;   /* to send the request's head */
    int64_t idle_timeout_s;      /* of a kept-alive connection */
    int64_t drain_delay_ms;   /* from "not ready" to the drain, for a balancer to see */
    int64_t drain_timeout_ms; /* between SIGTERM and giving up */
    int64_t worker_nice;      /* how much the workers give way, 0..19; 20: wholly */
    int64_t lease_ms;         /* a worker silent for so long has lost its job */
    int64_t wake_fd;          /* a worker's line to its server; -1: none */
};

/* Reads argv[0..argc) (behind the command), the environment and the file that they name:
 * lines of "key = value", where a key is a flag without its dashes and # begins a
 * comment. ERR_INVALID names the flag, the variable or the line, and the nearest known
 * key for an unknown one. The memory limits come back resolved, and body_bytes_max is at
 * most body_memory_max. config_free, whatever it returned. */
bool config_read(struct config *config, int argc, char *const *argv, struct err *e)
    __attribute__((warn_unused_result));

void config_free(struct config *config);

/* Tells of each variable of the environment that begins as this program's do and is none
 * of them, and of the nearest that is one. What Kubernetes sets for a service of this
 * name is left out. */
typedef void (*config_stranger_fn)(const char *name, const char *nearest);
void config_strangers(config_stranger_fn tell);

/* All keys with their values and where those came from, as such a file. A password in the
 * store's address shows as "***". */
void config_print(const struct config *config, FILE *to);

/* The table as help text. */
void config_help(FILE *to);

#endif
