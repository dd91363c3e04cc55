#include "server/http.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "api/problem.h"
#include "server/clock.h"
#include "server/crew.h"
#include "server/crew_size.h"
#include "server/http_admit.h"
#include "server/http_collect.h"
#include "server/http_exchange.h"
#include "server/http_head.h"
#include "server/http_log.h"
#include "server/http_query.h"
#include "server/http_receive.h"
#include "server/http_response.h"
#include "server/log.h"
#include "server/machine.h"
#include "server/metrics.h"

enum {
    INLINE_BODY_MAX =
        256 << 10, /* a larger body is not handled on a connection's thread */
    QUEUE_MAX = 8192,
    TICK_MS = 20, /* how late a parked request may be woken */
    BALANCE_EVERY_TICKS = CREW_PERIOD_MS / TICK_MS,
    REAP_EVERY_TICKS = 25,
    /* File descriptors that are not connections: of stores, files and all else, and of
     * each thread's lanes, which have an epoll instance and a bell each, and its own. */
    FDS_BESIDE = 128 + LINGER_MAX,
    FDS_PER_THREAD = 2 * HTTP_WIDTHS_N + LANE_CREWS
};

static int socket_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/* ---- the head ------------------------------------------------------------------- */

/* Judges everything that is known before the body. What follows a head that is malformed
 * cannot be trusted: the connection ends. */
static bool head_accept(struct exchange *x, const char *version, bool torn) {
    struct http_head head;
    struct http_framing framing;
    const char *url = x->url;
    http_collect_head(x, url, version, &head);
    head.torn = torn;
    enum admission found = admit(x, &head, url, &framing);
    bool ok =
        found == ADMITTED &&
        (!x->route->query || (http_collect_query(x, &head) &&
                              http_query_known(&x->request, x->route->query, &x->err))) &&
        receive_open(x, &head, &framing);
    x->close = !ok && !(found != ADMIT_MALFORMED && receive_skips(x, &head, &framing));
    return ok;
}

/* ---- answers -------------------------------------------------------------------- */

static void problem_set(struct exchange *x) {
    bool plain = route_errors(x->route, &x->request) == ERRORS_PLAIN;
    flow_close(x);
    x->answer_coding = (struct http_answer_coding){.settled = true};
    x->reply.status =
        plain ? problem_status_plain(x->err.kind) : problem_status(x->err.kind);
    x->reply.type = NULL;
    x->reply.etag[0] = x->reply.filename[0] = '\0';
    text_free(&x->reply.body);
    if (plain)
        problem_encode_plain(&x->err, &x->reply.body);
    else
        problem_encode(&x->err, x->request.id, &x->reply.body);
}

static enum MHD_Result reply_queue(struct exchange *x) {
    if (!coding_settle(x, false))
        return exchange_away_coding(x), MHD_YES;
    bool ok =
        x->err.kind || !x->reply.feed || response_is_head(x) || flow_open(x, &x->err);
    (void)ok; /* x->err says it */
    if (x->err.kind)
        problem_set(x);
    if (x->reply.body.failed) {
        x->err = (struct err){0};
        err_set(&x->err, ERR_NO_MEMORY, NULL, "no memory for the answer");
        problem_set(x);
    }
    if (!x->reply.status)
        x->reply.status = 200;
    int fd = socket_of(x->connection);
    struct MHD_Response *made = response_new(x, fd), *response = made;
    if (!made) {
        response = x->http->starved[route_errors(x->route, &x->request)];
        x->reply.status = 503;
        x->err = (struct err){0}; /* for the log: what was sent */
        err_set(&x->err, ERR_NO_MEMORY, NULL, "no memory for the answer");
    }
    int64_t duration_us = clock_mono_us() - x->request.received_us;
    metrics_request(x->http->options.metrics, x->route, x->reply.status, duration_us);
    http_log(x, x->url, fd, duration_us);
    x->state = EXCHANGE_SENT;
    enum MHD_Result result =
        MHD_queue_response(x->connection, (unsigned)x->reply.status, response);
    if (made)
        MHD_destroy_response(made);
    return result;
}

/* ---- running -------------------------------------------------------------------- */

static enum MHD_Result exchange_start(struct exchange *x) {
    reaper_phase(x->watched, REAPER_BUSY, clock_coarse_us());
    if (!receive_end(x))
        return reply_queue(x);
    if (x->upload)
        return exchange_away_end(x), MHD_YES;
    if (x->route->waits)
        return exchange_away_call(x), MHD_YES;
    if (x->request.body_n > INLINE_BODY_MAX)
        return exchange_away_apart(x), MHD_YES;
    return exchange_run(x) ? reply_queue(x) : MHD_YES;
}

void connection_sleep(struct exchange *x) {
    MHD_suspend_connection(x->connection);
}

void connection_wake(struct exchange *x) {
    struct lane *lane = x->lane; /* x may be gone once it is awake */
    MHD_resume_connection(x->connection);
    lane_ring(lane);
}

/* A suspended connection does not notice by itself that nobody is there any more. */
bool connection_left(const struct exchange *x) {
    char byte;
    ssize_t n = recv(socket_of(x->connection), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void connection_cut(const struct exchange *x) {
    shutdown(socket_of(x->connection), SHUT_RDWR);
}

/* ---- libmicrohttpd's callbacks -------------------------------------------------- */

/* NULL: the connection is not watched. */
static struct reaper_entry *watched_by(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static struct exchange *exchange_new(struct lane *lane, struct MHD_Connection *connection,
                                     const char *url, const char *method) {
    struct exchange *x = lane_take(lane);
    if (!x)
        return NULL;
    memset(x, 0, offsetof(struct exchange, path));
    x->http = lane->http;
    x->connection = connection;
    x->url = url;
    x->lane = lane;
    x->watched = watched_by(connection);
    x->request.method = method;
    x->request.received_us = clock_mono_us();
    atomic_fetch_add(&x->http->in_flight, 1);
    return x;
}

/* Ends the connection, whatever of the body is still to come. */
static enum MHD_Result refusal_queue(struct exchange *x) {
    linger_add(&x->http->lingerers, socket_of(x->connection), x->request.received_us);
    return reply_queue(x);
}

/* Before a request has an exchange its state is the length of its target's text, as an
 * odd number, which no pointer is. */
static bool is_length(const void *state) {
    return !state || (uintptr_t)state % 2;
}

/* Whether a NUL ends the text of the method or of the target before its end: spaces stand
 * behind the one, the version right behind the other. */
static bool line_is_torn(const void *state, const char *method, const char *url,
                         const char *version) {
    const char *at = method + strlen(method) + 1;
    while (at < url && *at == ' ')
        at++;
    return at != url || (uintptr_t)version - (uintptr_t)url != (uintptr_t)state / 2 + 1;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_n,
                                  void **state) {
    struct exchange *x = *state;
    if (is_length(*state)) {
        bool torn = line_is_torn(*state, method, url, version);
        x = *state = exchange_new(context, connection, url, method);
        if (!x)
            return MHD_NO;
        bool reads_on = head_accept(x, version, torn) || !x->close;
        reaper_phase(x->watched, reads_on ? REAPER_BODY : REAPER_BUSY,
                     x->request.received_us);
        return reads_on ? MHD_YES : refusal_queue(x);
    }
    if (*data_n)
        return receive_bytes(x, data, data_n) ? MHD_YES : MHD_NO;
    if (x->state == EXCHANGE_READING)
        return exchange_start(x);
    if (x->state == EXCHANGE_AGAIN)
        return exchange_run(x) ? reply_queue(x) : MHD_YES;
    return x->state == EXCHANGE_ANSWERED ? reply_queue(x) : MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why) {
    struct http *h = ((struct lane *)context)->http;
    struct exchange *x = *state;
    (void)connection;
    (void)why;
    if (is_length(x))
        return;
    reaper_phase(x->watched, REAPER_IDLE, clock_coarse_us());
    if (x->upload)
        upload_leave(&h->uploads, x->upload);
    flow_close(x);
    http_body_free(&h->bodies, &x->body);
    text_free(&x->reply.body);
    free(x->accept);
    free(x->accept_encoding);
    if (x->reply.kept.state)
        x->reply.kept.free(x->reply.kept.state);
    lane_give(x->lane, x);
    *state = NULL;
    atomic_fetch_sub(&h->in_flight, 1);
}

static void *on_request_line(void *context, const char *uri,
                             struct MHD_Connection *connection) {
    (void)context;
    reaper_phase(watched_by(connection), REAPER_HEAD, clock_coarse_us());
    return (void *)(2 * (uintptr_t)(uri ? strlen(uri) : 0) + 1);
}

/* Its socket is closed next. Where the library has refused a head by itself, more of it,
 * or a body, may be to come. */
static void connection_end(struct lane *lane, int socket, struct reaper_entry *watched) {
    struct http *h = lane->http;
    int unread = 0;
    enum reaper_phase phase = watched ? reaper_remove(h->reaper, watched) : REAPER_IDLE;
    if (phase == REAPER_HEAD || (ioctl(socket, FIONREAD, &unread) == 0 && unread > 0))
        linger_add(&h->lingerers, socket, clock_mono_us());
    metrics_connections(h->options.metrics, -1);
    lane_lost(lane);
}

static void on_connection(void *context, struct MHD_Connection *connection,
                          void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    struct lane *lane = context;
    struct http *h = lane->http;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        lane->begun = true;
        *socket_context = reaper_add(h->reaper, socket_of(connection), clock_mono_us());
        metrics_connections(h->options.metrics, 1);
    } else {
        connection_end(lane, socket_of(connection), *socket_context);
        *socket_context = NULL;
    }
}

/* Paths and queries are decoded by http_head, which refuses what this would let through.
 */
static size_t no_unescape(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

/* ---- start and stop ------------------------------------------------------------- */

static void threads_count(struct http *h) {
    metrics_threads(h->options.metrics, lanes_at_work(&h->lanes));
}

static void refusals_log(struct http *h) {
    const char *why;
    size_t n = lanes_refused(&h->lanes, &why);
    uint64_t held = log_rate_held(&h->refused);
    if (held)
        log_write(LOG_INFO, "more requests were refused", "requests", LOG_INT(held),
                  NULL);
    bool full = atomic_exchange(&h->full, false);
    if (full && !h->full_told)
        log_write(LOG_WARN, "all connections are taken: more have to wait", "connections",
                  LOG_INT(h->connections_max), NULL);
    h->full_told = full;
    if (n)
        log_write(LOG_WARN, "connections could not be taken", "connections", LOG_INT(n),
                  "error", LOG_TEXT(why), NULL);
}

static void *tick(void *context) {
    struct http *h = context;
    for (unsigned ticks = 0; !atomic_load(&h->ending); ticks++) {
        usleep(TICK_MS * 1000);
        bool look = ticks % REAP_EVERY_TICKS == 0;
        exchanges_unpark(h, look ? PARKED_LEFT : PARKED_DUE);
        linger_run(&h->lingerers, clock_mono_us());
        if (ticks % BALANCE_EVERY_TICKS == 0) {
            lanes_balance(&h->lanes);
            threads_count(h);
        }
        if (!look)
            continue;
        uploads_sweep(&h->uploads);
        http_bodies_settle(&h->bodies);
        flows_sweep(h, clock_mono_us());
        refusals_log(h);
        size_t reaped = reaper_run(h->reaper, clock_mono_us());
        if (reaped)
            log_write(LOG_INFO, "slow connections ended", "connections", LOG_INT(reaped),
                      NULL);
    }
    return NULL;
}

static bool connection_has_room(void *context, size_t waiting) {
    struct http *h = context;
    bool has = atomic_load(&h->lanes.connections) + waiting < h->connections_max;
    if (!has)
        atomic_store(&h->full, true);
    return has;
}

static void connection_take(void *context, const struct accepted *accepted) {
    struct http *h = context;
    lanes_take(&h->lanes, accepted);
}

/* As many connections as were asked for, or as the file descriptors allow. */
static size_t connections_limit(const struct config *config, size_t threads) {
    struct rlimit limit = {0};
    rlim_t beside = FDS_BESIDE + FDS_PER_THREAD * threads;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    uint64_t most =
        limit.rlim_cur > 2 * beside ? limit.rlim_cur - beside : limit.rlim_cur / 2;
    if ((uint64_t)config->connections_max <= most)
        return (size_t)config->connections_max;
    log_write(LOG_WARN, "fewer connections than --connections-max fit the limit of files",
              "connections", LOG_INT(most), NULL);
    return (size_t)most;
}

static bool daemon_start(struct lane *lane) {
    const struct http *h = lane->http;
    lane->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
        NULL, on_request, lane, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        http_width_bytes(lane->width), MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)h->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)h->options.config->idle_timeout_s, MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK,
        on_request_line, lane, MHD_OPTION_NOTIFY_COMPLETED, on_completed, lane,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, lane, MHD_OPTION_END);
    return lane->daemon;
}

static bool acceptor_open(struct http *h, struct err *e) {
    struct acceptor_options options = {.listen_fd = h->listener.fd,
                                       .has_room = connection_has_room,
                                       .take = connection_take,
                                       .context = h};
    h->acceptor = acceptor_start(&options, e);
    return h->acceptor;
}

static void http_free(struct http *h) {
    acceptor_stop(h->acceptor);
    /* Connections that are kept alive may bring requests until the daemon has stopped. */
    if (h->computing)
        executor_stop(h->computing);
    if (h->executor)
        executor_stop(h->executor);
    while (atomic_load(&h->handed_over))
        usleep(1000); /* nothing more is handed over */
    lanes_rest(&h->lanes);
    lanes_close(&h->lanes);
    linger_close(&h->lingerers);
    uploads_close(&h->uploads);
    executor_free(h->computing);
    executor_free(h->executor);
    listener_close(&h->listener);
    if (h->reaper)
        reaper_free(h->reaper);
    for (size_t form = 0; form < ROUTE_ERRORS_N; form++)
        if (h->starved[form])
            MHD_destroy_response(h->starved[form]);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* Not open by accident. */
static bool reach_check(const struct http *h, struct err *e) {
    const struct http_options *o = &h->options;
    return h->listener.loopback || o->tokens || o->config->allow_anonymous ||
           err_set(e, ERR_INVALID, "--listen",
                   "%.60s is reached from beyond this machine: give --token-file, or "
                   "--allow-anonymous if anybody may train, predict and delete",
                   h->listener.address);
}

struct http *http_start(const struct http_options *options, struct err *e) {
    const struct config *config = options->config;
    struct http *h = calloc(1, sizeof *h);
    if (!h) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the server");
        return NULL;
    }
    h->options = *options;
    h->listener.fd = -1;
    linger_open(&h->lingerers);
    pthread_mutex_init(&h->lock, NULL);
    h->reaper = reaper_new((struct reaper_options){config->header_timeout_ms * 1000,
                                                   config->idle_timeout_s * 1000000});
    h->executor = executor_start((size_t)config->store_threads, QUEUE_MAX, e);
    h->computing = executor_start(machine_cpus(), (size_t)config->predict_queue_max, e);
    uploads_open(&h->uploads, h->executor);
    h->bodies.bytes_max = (size_t)config->body_memory_max;
    size_t threads = config->http_threads ? (size_t)config->http_threads : machine_cpus();
    h->connections_max = connections_limit(config, threads);
    h->parked_max = h->connections_max / 2;
    h->flows_max = (size_t)config->streams_max;
    h->held_max = h->connections_max - h->connections_max / 4;
    for (size_t form = 0; form < ROUTE_ERRORS_N; form++)
        h->starved[form] = response_starved_new((enum route_errors)form);
    bool ok = h->reaper && h->executor && h->computing && h->starved[ERRORS_NATIVE] &&
              h->starved[ERRORS_PLAIN] &&
              listener_open(&h->listener, config->listen, e) && reach_check(h, e) &&
              lanes_open(&h->lanes, h, threads, daemon_start, e);
    if (ok)
        threads_count(h); /* before anybody can ask; from here on the ticker's */
    if (ok && acceptor_open(h, e) && pthread_create(&h->ticker, NULL, tick, h) == 0)
        return h;
    err_set(e, ERR_INTERNAL, NULL, "the HTTP server could not start on %s",
            config->listen);
    http_free(h);
    return NULL;
}

bool http_open_store(struct http *h, struct err *e) {
    return executor_open(h->executor, h->options.config->store, e);
}

const char *http_address(const struct http *h) {
    return h->listener.address;
}

void http_wake(struct http *h) {
    atomic_fetch_add(&h->wakes, 1);
    exchanges_unpark(h, PARKED_ALL);
}

void http_drain(struct http *h) {
    atomic_store(&h->draining, true);
    flows_drain(h);
    http_wake(h);
}

void http_stop(struct http *h, int64_t timeout_ms) {
    http_drain(h);
    acceptor_stop(h->acceptor);
    h->acceptor = NULL;
    int64_t until_us = clock_mono_us() + timeout_ms * 1000;
    while (atomic_load(&h->in_flight) && clock_mono_us() < until_us) {
        http_wake(h);
        usleep(5000);
    }
    if (atomic_load(&h->in_flight))
        log_write(LOG_WARN, "requests were cut off", "requests",
                  LOG_INT(atomic_load(&h->in_flight)), NULL);
    atomic_store(&h->ending, true);
    pthread_join(h->ticker, NULL);
    http_free(h);
}
