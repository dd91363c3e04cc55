/* The command line and the signals. */
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/matrix.h"
#include "server/checkup.h"
#include "server/config.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/routes.h"
#include "server/serving.h"
#include "server/signals.h"
#include "server/store_copy.h"
#include "server/worker.h"

#ifndef VERSION
#define VERSION "0.1"
#endif

enum { EXIT_USAGE = 2, MMAP_BYTES = 4 << 20, TRIM_BYTES = 16 << 20 };

static void usage(FILE *to) {
    fprintf(to,
            "descentd " VERSION ": trains and serves feed-forward networks over HTTP\n"
            "usage: descentd serve   [flags]   serves, and starts its local workers\n"
            "       descentd worker  [flags]   trains jobs of the store, without HTTP\n"
            "       descentd check   [flags]   says whether a server would start here\n"
            "       descentd health  [flags]   asks a server whether it is ready\n"
            "       descentd store copy FROM TO   copies a store into an empty one\n"
            "       descentd routes            prints the HTTP routes\n"
            "flags:\n");
    config_help(to);
}

/* Who waits for the line on stdout may ask from then on. */
static void listening_say(const struct serving *s) {
    printf("listening on http://%s\n", serving_address(s));
    fflush(stdout);
}

static void serving_say(const struct serving *s, const struct config *config) {
    char store[STORE_SHOWN_MAX];
    store_url_show(config->store, store);
    log_write(LOG_INFO, "serving", "address", LOG_TEXT(serving_address(s)), "store",
              LOG_TEXT(store), "workers", LOG_INT(config->workers), "blas",
              LOG_TEXT(matrix_blas_name()), NULL);
}

/* The store is open, away, or will never open (false, *e). *said: the line was printed.
 */
static bool opening_heard(struct serving *s, const struct config *config, bool *said,
                          struct err *e) {
    enum opening_state state = opening_state(serving_opening(s));
    if (state == OPENING_FAILED) {
        *e = *opening_error(serving_opening(s));
        return false;
    }
    if (state == OPENING_DONE) {
        serving_ready(s);
        serving_say(s, config);
    }
    if (!*said && state != OPENING_TRIES)
        listening_say(s);
    *said = *said || state != OPENING_TRIES;
    return true;
}

/* Tokens are read again. The end of its terminal is a server's that has none. @return
 * whether it is to end. */
static bool hangup_taken(struct serving *s, bool of_terminal) {
    if (serving_has_tokens(s))
        serving_hangup(s);
    else if (of_terminal && !signals_terminal_is())
        return true;
    else
        log_write(LOG_INFO, "SIGHUP: there is no --token-file to read again", NULL);
    return false;
}

/* Until SIGTERM or SIGINT, which it returns; 0 with *e: it could not start. */
static int events_wait(struct serving *s, const struct config *config, int signals,
                       bool of_terminal, struct err *e) {
    bool said = false;
    for (;;) {
        struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
                               {.fd = opening_fd(serving_opening(s)), .events = POLLIN}};
        poll(fds, 2, -1);
        if (fds[1].revents && !opening_heard(s, config, &said, e))
            return 0;
        if (!fds[0].revents)
            continue;
        int signal = signals_take(signals);
        if (signal != SIGHUP || hangup_taken(s, of_terminal))
            return signal;
    }
}

static int serve(const struct config *config) {
    struct err e = {0};
    int signals = signals_open(&e), signal = 0;
    const struct serving_options options = {config, VERSION};
    bool of_terminal = signals_of_terminal();
    signals_add_hangup();
    struct serving *s = signals >= 0 ? serving_start(&options, &e) : NULL;
    if (s)
        signal = events_wait(s, config, signals, of_terminal, &e);
    if (signal) {
        log_write(LOG_INFO, "draining", "signal", LOG_INT(signal), NULL);
        signals_end_at_once(); /* at the second one */
        serving_unready(s);
    } else {
        log_err(LOG_ERROR, "the server could not start", &e);
        fprintf(stderr, "descentd: %s%s%s\n", e.where, e.where[0] ? ": " : "", e.text);
    }
    bool stopped = serving_stop(s);
    log_write(LOG_INFO, "ended", NULL);
    if (!stopped)
        _exit(0); /* an attempt to reach the store hangs, and nothing else is left */
    return signal ? 0 : 1;
}

/* For a container's health check: no shell, no client. */
static int health(const struct config *config) {
    static const char ask[] = "GET /readyz HTTP/1.0\r\n\r\n";
    struct err e = {0};
    char answer[2048] = "";
    int fd = listener_connect(config->listen, 2000, &e);
    bool ok = fd >= 0 && send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) > 0 &&
              recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 12 &&
              strncmp(answer + 8, " 200", 4) == 0;
    const char *why = strstr(answer, "\r\n\r\n"); /* the document says it */
    if (fd >= 0)
        close(fd);
    if (!ok)
        printf("not ready: %s\n", e.kind ? e.text : why ? why + 4 : answer);
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

static void stranger_tell(const char *name, const char *nearest) {
    log_write(LOG_WARN, "a variable of the environment sets nothing", "variable",
              LOG_TEXT(name), "nearest", LOG_TEXT(nearest), NULL);
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
        serving_default_model(&config, &by_default, &e) &&
        (log_level_find(config.log_level, &level) ||
         err_set(&e, ERR_INVALID, "--log-level",
                 "expected debug, info, warn or error"))) {
        log_start(level, command->name);
        password_hide(&config, argc, argv);
        if (config.wake_fd < 0) /* or the server has told */
            config_strangers(stranger_tell);
        status = config.print_config ? print(&config) : command->run(&config);
    } else {
        fprintf(stderr, "descentd: %s: %s\n", e.where, e.text);
    }
    config_free(&config);
    return status;
}

/* descentd store copy FROM TO; argv is what stands behind "store". */
static int store_command(int argc, char **argv) {
    struct err e = {0};
    char *urls[2] = {0};
    if (argc != 3 || strcmp(argv[0], "copy") != 0) {
        fprintf(stderr,
                "usage: descentd store copy FROM TO\n"
                "FROM and TO: a path, or postgresql://USER:PASSWORD@HOST/DATABASE\n");
        return EXIT_USAGE;
    }
    for (int i = 0; i < 2; i++) {
        size_t n;
        const char *password = store_url_password(argv[i + 1], &n);
        urls[i] = strdup(argv[i + 1]);
        if (urls[i] && password)
            memset(argv[i + 1] + (password - argv[i + 1]), 'x', n);
    }
    bool ok = ((urls[0] && urls[1]) || err_set(&e, ERR_NO_MEMORY, NULL, "no memory")) &&
              store_copy_run(urls[0], urls[1], stdout, &e);
    if (!ok)
        fprintf(stderr, "descentd: nothing was copied: %s\n", e.text);
    free(urls[0]);
    free(urls[1]);
    return ok ? 0 : 1;
}

/* `descentd help`, or --help anywhere: `descentd serve --help`. */
static bool is_help(int argc, char **argv) {
    bool help = argc > 1 && strcmp(argv[1], "help") == 0;
    for (int i = 1; i < argc && !help; i++)
        help = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    return help;
}

/* A descriptor of ours must not be where something is read or written by its number. */
static bool standard_fds_keep(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

int main(int argc, char **argv) {
    if (!standard_fds_keep())
        return 1;
    const char *name = argc > 1 ? argv[1] : "";
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like others */
    /* Large blocks go back to the system when they are freed, however large they were.
     * Not the hundreds of kilobytes of a body of many rows: a page fault for each 4 KiB
     * of it took a third of such a prediction. */
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    /* Nor those of a few mebibytes while one follows the other: http_bodies_settle. */
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    if (is_help(argc, argv)) {
        usage(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("descentd " VERSION "\n");
        return 0;
    }
    if (strcmp(name, "routes") == 0)
        return routes_print();
    if (strcmp(name, "store") == 0)
        return store_command(argc - 2, argv + 2);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return command_run(&commands[i], argc - 2, argv + 2);
    usage(stderr);
    if (name[0])
        fprintf(stderr, "descentd: there is no command \"%s\"\n", name);
    return EXIT_USAGE;
}
