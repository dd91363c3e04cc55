/* The command line, the signals, and the order in which things start and end. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/matrix.h"
#include "server/away.h"
#include "server/checkup.h"
#include "server/clock.h"
#include "server/config.h"
#include "server/handlers.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/registry.h"
#include "server/routes.h"
#include "server/signals.h"
#include "server/supervisor.h"
#include "server/tokens.h"
#include "server/worker.h"

#ifndef VERSION
#define VERSION "0.1"
#endif

enum { EXIT_USAGE = 2, MMAP_BYTES = 4 << 20, TRIM_BYTES = 16 << 20 };

/* The parts of a serving process, in the order they start. */
struct server {
    struct config config;
    int signals;
    struct tokens *tokens; /* NULL: anybody may ask */
    struct registry *registry;
    struct metrics *metrics;
    struct supervisor *supervisor;
    struct hub *hub;
    _Atomic(struct http *) http;
    struct jobs_context jobs;
    struct events_context events;
    struct models_context models;
    struct predictor predict;
    struct probes_context probes;
    struct oip_context oip;
};

static void usage(FILE *to) {
    fprintf(to,
            "descentd " VERSION ": trains and serves feed-forward networks over HTTP\n"
            "usage: descentd serve   [flags]   serves, and starts its local workers\n"
            "       descentd worker  [flags]   trains jobs of the store, without HTTP\n"
            "       descentd check   [flags]   says whether a server would start here\n"
            "       descentd health  [flags]   asks a server whether it is ready\n"
            "       descentd routes            prints the HTTP routes\n"
            "flags:\n");
    config_help(to);
}

static void on_change(void *context, struct store *store, bool published) {
    struct server *server = context;
    struct err e = {0};
    if (published && !registry_refresh(server->registry, store, &e))
        log_err(LOG_WARN, "the models could not be looked at", &e);
    struct http *http = atomic_load(&server->http);
    if (http)
        http_wake(http);
}

static bool models_look(struct server *server, struct err *e) {
    struct store *store = store_open(server->config.store, e);
    bool ok = store && registry_refresh(server->registry, store, e);
    store_close(store);
    return ok;
}

/* The same; a store that is away is waited for until somebody says stop. */
static bool store_await(struct server *server, struct err *e) {
    enum { PAUSE_MS = 250 };
    struct away away = {0};
    for (;;) {
        struct err once = {0};
        bool ok = models_look(server, &once);
        bool again = away_note(&away, ok ? NULL : &once);
        struct pollfd signals = {.fd = server->signals, .events = POLLIN};
        if (!again || poll(&signals, 1, PAUSE_MS) > 0)
            return ok || err_set(e, once.kind, once.where, "%s", once.text);
    }
}

static bool http_open(struct server *server, struct err *e) {
    void *subsystems[SUBSYSTEMS_N] = {
        [SUBSYSTEM_JOBS] = &server->jobs,       [SUBSYSTEM_EVENTS] = &server->events,
        [SUBSYSTEM_MODELS] = &server->models,   [SUBSYSTEM_DATASETS] = NULL,
        [SUBSYSTEM_PREDICT] = &server->predict, [SUBSYSTEM_PROBES] = &server->probes,
        [SUBSYSTEM_OIP] = &server->oip,
    };
    static void *kept[SUBSYSTEMS_N]; /* http borrows them for its life */
    memcpy(kept, subsystems, sizeof kept);
    struct http_options options = {&server->config, routes,        routes_n, kept,
                                   server->metrics, server->tokens};
    struct http *http = http_start(&options, e);
    atomic_store(&server->http, http);
    return http;
}

/* No name where none is configured. */
static bool default_model_read(const struct config *config, struct model_ref *ref,
                               struct err *e) {
    *ref = (struct model_ref){0};
    return !*config->default_model ||
           model_ref_parse(config->default_model, "--default-model", ref, e);
}

static bool server_start(struct server *server, struct err *e) {
    const struct config *config = &server->config;
    struct supervisor_options supervising = {
        .config = config,
        .program = "/proc/self/exe",
        .changed = on_change,
        .context = server,
    };
    if (*config->token_file && !(server->tokens = tokens_open(config->token_file, e)))
        return false;
    server->metrics = metrics_new(routes, routes_n);
    if (!server->metrics)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the counters");
    server->registry = registry_new((size_t)config->model_memory_max, e);
    struct model_ref by_default = {0};
    if (!server->registry || !default_model_read(config, &by_default, e))
        return false;
    registry_set_default(server->registry, &by_default);
    if (!matrix_start(e) || !store_await(server, e))
        return false;
    server->supervisor = supervisor_start(&supervising, e);
    if (!server->supervisor)
        return false;
    struct hub_options watching = {config->store, config->stream_heartbeat_ms};
    server->hub = hub_start(&watching, e);
    if (!server->hub)
        return false;
    server->events = (struct events_context){server->hub};
    server->jobs = (struct jobs_context){
        .supervisor = server->supervisor,
        .registry = server->registry,
        .queue_max = config->queue_max,
        .memory_max = config->job_memory_max,
        .runtime_max_s = config->max_runtime_s,
    };
    server->models = (struct models_context){server->registry};
    server->predict = (struct predictor){
        .registry = server->registry,
        .metrics = server->metrics,
    };
    server->probes = (struct probes_context){
        .supervisor = server->supervisor,
        .registry = server->registry,
        .metrics = server->metrics,
    };
    server->oip = (struct oip_context){server->registry, &server->probes, VERSION};
    if (!http_open(server, e))
        return false;
    atomic_store(&server->probes.ready, true);
    return true;
}

/* A balancer learns that this replica is about to go before anything is refused. */
static void balancer_wait(struct server *server) {
    int64_t delay_ms = server->config.drain_delay_ms;
    atomic_store(&server->probes.ready, false);
    if (delay_ms)
        nanosleep(&(struct timespec){delay_ms / 1000, delay_ms % 1000 * 1000000}, NULL);
}

static void server_stop(struct server *server) {
    int64_t timeout_ms = server->config.drain_timeout_ms;
    int64_t until_us = clock_mono_us() + timeout_ms * 1000;
    struct http *http = atomic_load(&server->http);
    if (http)
        http_drain(http);
    if (server->supervisor)
        supervisor_stop(server->supervisor, timeout_ms / 2); /* requests get the rest */
    int64_t left_ms = (until_us - clock_mono_us()) / 1000;
    if (http)
        http_stop(http, left_ms > 0 ? left_ms : 0);
    hub_stop(server->hub);
    supervisor_free(server->supervisor); /* handlers woke it until here */
    registry_free(server->registry);
    metrics_free(server->metrics);
    tokens_close(server->tokens);
}

/* Until SIGTERM or SIGINT. */
static int signal_wait(struct server *server, int signals) {
    for (;;) {
        int signal = signals_take(signals);
        struct err e = {0};
        if (signal != SIGHUP)
            return signal;
        if (tokens_reload(server->tokens, &e))
            log_write(LOG_INFO, "the tokens were read again", "tokens",
                      LOG_INT(tokens_count(server->tokens)), NULL);
        else
            log_err(LOG_ERROR, "the tokens stay as they were", &e);
    }
}

static int serve(const struct config *config) {
    static struct server all;
    struct server *server = &all;
    server->config = *config; /* whose texts outlive it */
    struct err e = {0};
    int signals = server->signals = signals_open(&e);
    bool ok = signals >= 0 && server_start(server, &e);
    char store[STORE_SHOWN_MAX];
    store_url_show(config->store, store);
    if (ok) {
        log_write(LOG_INFO, "serving", "address",
                  LOG_TEXT(http_address(atomic_load(&server->http))), "store",
                  LOG_TEXT(store), "workers", LOG_INT(server->config.workers), "blas",
                  LOG_TEXT(matrix_blas_name()), NULL);
        printf("listening on http://%s\n", http_address(atomic_load(&server->http)));
        fflush(stdout);
        if (server->tokens)
            signals_add_hangup();
        log_write(LOG_INFO, "draining", "signal", LOG_INT(signal_wait(server, signals)),
                  NULL);
        signals_end_at_once(); /* at the second one */
        balancer_wait(server);
    } else {
        log_err(LOG_ERROR, "the server could not start", &e);
        fprintf(stderr, "descentd: %s%s%s\n", e.where, e.where[0] ? ": " : "", e.text);
    }
    server_stop(server);
    log_write(LOG_INFO, "ended", NULL);
    return ok ? 0 : 1;
}

/* For a container's health check: no shell, no client. */
static int health(const struct config *config) {
    static const char ask[] = "GET /readyz HTTP/1.0\r\n\r\n";
    struct err e = {0};
    char answer[64] = "";
    int fd = listener_connect(config->listen, 2000, &e);
    bool ok = fd >= 0 && send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) > 0 &&
              recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 12 &&
              strncmp(answer + 8, " 200", 4) == 0;
    if (fd >= 0)
        close(fd);
    if (!ok)
        printf("not ready: %s\n", e.kind ? e.text : answer);
    return ok ? 0 : 1;
}

static int routes_print(void) {
    for (size_t i = 0; i < routes_n; i++)
        printf("%s %s\n", routes[i].method, routes[i].pattern);
    return 0;
}

static int check(const struct config *config) {
    return checkup_run(config, stdout) ? 1 : 0;
}

static int work(const struct config *config) {
    return worker_run(config);
}

static int print(const struct config *config) {
    config_print(config, stdout);
    return 0;
}

/* Takes a password away from where `ps` would show it. */
static void password_hide(struct config *config, int argc, char **argv) {
    size_t n;
    const char *password = store_url_password(config->store, &n);
    for (int i = 0; password && i < argc; i++) {
        if (password < argv[i] || password >= argv[i] + strlen(argv[i]))
            continue;
        char *kept = strdup(config->store);
        if (!kept)
            return;
        free(config->store_text);
        config->store = config->store_text = kept;
        memset(argv[i] + (password - argv[i]), 'x', n);
        return;
    }
}

/* What runs with a configuration. */
static const struct command {
    const char *name;
    int (*run)(const struct config *config);
} commands[] = {{"serve", serve}, {"worker", work}, {"check", check}, {"health", health}};

static int command_run(const struct command *command, int argc, char **argv) {
    struct config config;
    struct err e = {0};
    enum log_level level;
    int status = EXIT_USAGE;
    struct model_ref by_default;
    if (config_read(&config, argc, argv, &e) &&
        default_model_read(&config, &by_default, &e) &&
        (log_level_find(config.log_level, &level) ||
         err_set(&e, ERR_INVALID, "--log-level",
                 "expected debug, info, warn or error"))) {
        log_start(level, command->name);
        password_hide(&config, argc, argv);
        status = config.print_config ? print(&config) : command->run(&config);
    } else {
        fprintf(stderr, "descentd: %s: %s\n", e.where, e.text);
    }
    config_free(&config);
    return status;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like others */
    /* Large blocks go back to the system when they are freed, however large they were.
     * Not the hundreds of kilobytes of a body of many rows: a page fault for each 4 KiB
     * of it took a third of such a prediction. */
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    /* Nor those of a few mebibytes while one follows the other: http_bodies_settle. */
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("descentd " VERSION "\n");
        return 0;
    }
    if (strcmp(name, "routes") == 0)
        return routes_print();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return command_run(&commands[i], argc - 2, argv + 2);
    usage(stderr);
    return EXIT_USAGE;
}
