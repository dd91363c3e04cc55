#include "server/checkup.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "engine/matrix.h"
#include "server/listener.h"
#include "server/machine.h"
#include "server/store.h"
#include "server/tokens.h"

/* One finding. `failed` has said why in e. */
static int finding(FILE *to, const char *what, bool ok, const struct err *e,
                   const char *text) {
    if (ok)
        fprintf(to, "ok      %-9s %s\n", what, text);
    else
        fprintf(to, "failed  %-9s %s%s%s\n", what, e->where, e->where[0] ? ": " : "",
                e->text);
    return !ok;
}

static int blas_check(FILE *to) {
    struct err e = {0};
    bool ok = matrix_start(&e);
    return finding(to, "blas", ok, &e, ok ? matrix_blas_name() : "");
}

static int store_check(const struct config *config, FILE *to) {
    struct err e = {0};
    int64_t jobs[JOB_STATUSES_N] = {0}, all = 0;
    struct store *store = store_open(config->store, &e);
    bool ok = store && store_jobs_count(store, jobs, &e);
    store_close(store);
    for (size_t i = 0; i < JOB_STATUSES_N; i++)
        all += jobs[i];
    char text[96];
    snprintf(text, sizeof text, "opens and holds %" PRId64 " jobs", all);
    return finding(to, "store", ok, &e, text);
}

/* That the address is taken is no failure: it may be the server itself. */
static int listen_check(const struct config *config, FILE *to) {
    struct err e = {0};
    struct listener l;
    bool ok = listener_open(&l, config->listen, &e), taken = !ok;
    bool open = ok && !l.loopback && !*config->token_file && !config->allow_anonymous;
    listener_close(&l);
    if (taken && e.kind == ERR_UNAVAILABLE)
        return fprintf(to, "note    %-9s %s\n", "listen", e.text), 0;
    if (open)
        ok = err_set(&e, ERR_INVALID, "--listen",
                     "beyond the loopback needs --token-file or --allow-anonymous");
    return finding(to, "listen", ok, &e,
                   l.loopback ? "free; this machine alone reaches it" : "free");
}

static int tokens_check(const struct config *config, FILE *to) {
    struct err e = {0};
    char text[64];
    if (!*config->token_file)
        return fprintf(to, "note    %-9s none: who reaches the port may ask\n", "tokens"),
               0;
    struct tokens *tokens = tokens_open(config->token_file, &e);
    snprintf(text, sizeof text, "%zu known", tokens ? tokens_count(tokens) : 0);
    int failed = finding(to, "tokens", tokens, &e, text);
    tokens_close(tokens);
    return failed;
}

static void machine_print(const struct config *config, FILE *to) {
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    bool enough = files.rlim_max >= (rlim_t)config->connections_max;
    fprintf(to, "ok      %-9s %zu\n", "cpus", machine_cpus());
    fprintf(to,
            "ok      %-9s %" PRId64 " MiB; bodies %" PRId64 ", models %" PRId64
            ", a job %" PRId64 "\n",
            "memory", machine_memory() >> 20, config->body_memory_max >> 20,
            config->model_memory_max >> 20, config->job_memory_max >> 20);
    fprintf(to, "%s    %-9s up to %llu open, for %" PRId64 " connections\n",
            enough ? "ok  " : "note", "files", (unsigned long long)files.rlim_max,
            config->connections_max);
}

int checkup_run(const struct config *config, FILE *to) {
    int failed = blas_check(to) + store_check(config, to) + listen_check(config, to) +
                 tokens_check(config, to);
    machine_print(config, to);
    return failed;
}
