#include "server/http.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "api/problem.h"
#include "server/acceptor.h"
#include "server/clock.h"
#include "server/executor.h"
#include "server/http_head.h"
#include "server/http_query.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/reaper.h"
#include "server/routes.h"

enum {
    CONNECTION_MEMORY = 16 << 10, /* the head must fit */
    INLINE_BODY_MAX =
        256 << 10, /* a larger body is not handled on a connection's thread */
    QUEUE_MAX = 8192,
    TICK_MS = 20, /* how late a parked request may be woken */
    REAP_EVERY_TICKS = 25,
    QUERY_BYTES_MAX = 2048,
    RETRY_AFTER_S = 1,
    FDS_BESIDE = 128 /* file descriptors that are not connections */
};

enum exchange_state {
    EXCHANGE_READING,  /* the body is coming */
    EXCHANGE_AWAY,     /* suspended: on the executor, or parked */
    EXCHANGE_ANSWERED, /* the reply stands; it is to be queued */
    EXCHANGE_SENT
};

/* One request and its answer. The connection's thread owns it, but for the time it is
 * AWAY. */
struct exchange {
    struct http *http;
    struct MHD_Connection *connection;
    struct reaper_entry *watched;
    const struct route *route; /* NULL: refused before one was found */
    enum exchange_state state;
    bool close;   /* the connection ends with this answer */
    bool no_park; /* its client has left, or too many wait already: answer now */
    struct http_request request;
    struct http_reply reply;
    struct err err; /* what the answer is instead */
    char *body;
    size_t body_capacity, body_reserved;
    uint64_t wakes_seen;
    struct exchange *next; /* among the parked */
    char allow[64];
    char path[HTTP_PATH_MAX]; /* from here on not zeroed at first */
    char query[QUERY_BYTES_MAX];
};

struct http {
    struct http_options options;
    struct MHD_Daemon *daemon;
    struct executor *executor;
    struct reaper *reaper;
    struct listener listener;
    struct acceptor *acceptor;
    size_t connections_max;
    pthread_t ticker;
    atomic_bool draining, ending;
    atomic_size_t connections, in_flight, body_bytes;
    atomic_uint_fast64_t wakes;
    size_t parked_max;
    pthread_mutex_t lock; /* guards what follows */
    struct exchange *parked;
    size_t parked_n;
};

/* ---- the head ------------------------------------------------------------------- */

static enum MHD_Result collect_field(void *context, enum MHD_ValueKind kind,
                                     const char *name, size_t name_n, const char *value,
                                     size_t value_n) {
    struct http_head *head = context;
    (void)kind;
    if (head->fields_n < HTTP_FIELDS_MAX)
        head->fields[head->fields_n] =
            (struct http_field){name, value ? value : "", name_n, value_n};
    head->fields_n++;
    return MHD_YES;
}

struct query_walk {
    struct exchange *x;
    struct http_query_space space;
};

static enum MHD_Result collect_query(void *context, enum MHD_ValueKind kind,
                                     const char *name, const char *value) {
    struct query_walk *walk = context;
    struct exchange *x = walk->x;
    (void)kind;
    return http_query_add(&x->request, &walk->space, name, value ? value : "", &x->err)
               ? MHD_YES
               : MHD_NO;
}

static bool query_check(struct exchange *x) {
    struct query_walk walk = {x, {x->query, sizeof x->query}};
    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, collect_query, &walk);
    return !x->err.kind && http_query_known(&x->request, x->route->query, &x->err);
}

static bool route_check(struct exchange *x) {
    const struct http_options *o = &x->http->options;
    struct http_request *r = &x->request;
    switch (route_find(o->routes, o->routes_n, r->method, r->segments, r->segments_n,
                       &x->route, r->parameters, x->allow)) {
    case ROUTE_NO_PATH:
        return err_set(&x->err, ERR_NOT_FOUND, NULL, "no such path");
    case ROUTE_NO_METHOD:
        x->reply.allow = x->allow;
        return err_set(&x->err, ERR_METHOD, NULL,
                       "%.20s is not for this path; allowed: %s", r->method, x->allow);
    default:
        return true;
    }
}

/* Room for `capacity` bytes of the body, within what all bodies may take together. */
static bool body_reserve(struct exchange *x, size_t capacity) {
    size_t more = capacity - x->body_capacity;
    size_t before = atomic_fetch_add(&x->http->body_bytes, more);
    if (before + more > (size_t)x->http->options.config->body_memory_max) {
        atomic_fetch_sub(&x->http->body_bytes, more);
        return err_set(&x->err, ERR_UNAVAILABLE, NULL,
                       "the bodies in flight fill --body-memory-max; try again");
    }
    x->body_reserved += more;
    char *grown = realloc(x->body, capacity);
    if (!grown)
        return err_set(&x->err, ERR_NO_MEMORY, NULL, "no memory for the body");
    x->body = grown;
    x->body_capacity = capacity;
    return true;
}

/* Limits and memory for a body that is to come. */
static bool body_check(struct exchange *x, const struct http_head *head,
                       const struct http_framing *framing) {
    const struct config *config = x->http->options.config;
    struct err *e = &x->err;
    uint64_t length = framing->length_known ? framing->length : 0;
    if (x->route->body && !framing->length_known && !framing->chunked)
        return err_set(e, ERR_LENGTH, "Content-Length",
                       "is missing; a body may have up to %" PRId64
                       " bytes (--body-bytes-max)",
                       config->body_bytes_max);
    if (length > (uint64_t)config->body_bytes_max)
        return err_set(e, ERR_TOO_LARGE, "Content-Length",
                       "%" PRIu64 " bytes are over the limit of %" PRId64
                       " (--body-bytes-max)",
                       length, config->body_bytes_max);
    if (x->route->body && !http_head_media(head, x->route->body, e))
        return false;
    return !length || !x->route->body || body_reserve(x, (size_t)length);
}

/* Judges everything that is known before the body. */
static bool head_accept(struct exchange *x, const char *url, const char *version) {
    struct http_head head;
    struct http_framing framing;
    head.version = version;
    head.fields_n = 0;
    MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, collect_field, &head);
    http_request_id(&x->request, http_head_field(&head, "X-Request-Id"));
    x->request.if_match = http_head_field(&head, "If-Match");
    x->request.if_none_match = http_head_field(&head, "If-None-Match");
    return http_head_check(&head, &framing, &x->err) &&
           http_head_path(url, x->path, &x->request, &x->err) && route_check(x) &&
           query_check(x) && body_check(x, &head, &framing);
}

/* ---- answers -------------------------------------------------------------------- */

static void problem_set(struct exchange *x) {
    x->reply.status = problem_status(x->err.kind);
    x->reply.type = NULL;
    x->reply.etag[0] = x->reply.filename[0] = '\0';
    text_free(&x->reply.body);
    problem_encode(&x->err, x->request.id, &x->reply.body);
}

static void reply_log(const struct exchange *x, int64_t duration_us) {
    int status = x->reply.status;
    enum log_level level = status >= 500                   ? LOG_WARN
                           : !x->route || !x->route->waits ? LOG_DEBUG
                                                           : LOG_INFO;
    log_write(level, "request", "method", LOG_TEXT(x->request.method), "route",
              LOG_TEXT(x->route ? x->route->name : "none"), "status", LOG_INT(status),
              "us", LOG_INT(duration_us), "request_id", LOG_TEXT(x->request.id), "error",
              LOG_TEXT(x->err.kind ? x->err.text : NULL), NULL);
}

static struct MHD_Response *response_new(struct exchange *x) {
    struct http_reply *reply = &x->reply;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        reply->body.n, reply->body.data, free);
    if (!response)
        return NULL;
    reply->body = (struct text){0}; /* the response frees it */
    if (reply->status != 204)
        MHD_add_response_header(response, "Content-Type",
                                reply->type ? reply->type : "application/json");
    MHD_add_response_header(response, "X-Request-Id", x->request.id);
    if (reply->location[0])
        MHD_add_response_header(response, "Location", reply->location);
    if (reply->etag[0])
        MHD_add_response_header(response, "ETag", reply->etag);
    if (reply->filename[0]) {
        char disposition[HTTP_FILENAME_MAX + 32];
        snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"",
                 reply->filename);
        MHD_add_response_header(response, "Content-Disposition", disposition);
    }
    if (reply->allow)
        MHD_add_response_header(response, "Allow", reply->allow);
    if (reply->status == 503 || reply->status == 429) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", RETRY_AFTER_S);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    if (x->close || atomic_load(&x->http->draining))
        MHD_add_response_header(response, "Connection", "close");
    return response;
}

static enum MHD_Result reply_queue(struct exchange *x) {
    if (x->err.kind)
        problem_set(x);
    if (x->reply.body.failed) {
        x->err = (struct err){0};
        err_set(&x->err, ERR_NO_MEMORY, NULL, "no memory for the answer");
        problem_set(x);
    }
    if (!x->reply.status)
        x->reply.status = 200;
    struct MHD_Response *response = response_new(x);
    if (!response)
        return MHD_NO;
    int64_t duration_us = clock_mono_us() - x->request.received_us;
    metrics_request(x->http->options.metrics, x->route, x->reply.status, duration_us);
    reply_log(x, duration_us);
    x->state = EXCHANGE_SENT;
    enum MHD_Result result =
        MHD_queue_response(x->connection, (unsigned)x->reply.status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- running -------------------------------------------------------------------- */

static void handler_run(struct exchange *x, struct store *store) {
    struct http *h = x->http;
    text_free(&x->reply.body);
    x->reply = (struct http_reply){.allow = x->reply.allow};
    x->request.draining = atomic_load(&h->draining) || x->no_park;
    if (!x->route->handler(h->options.subsystems[x->route->subsystem], store, &x->request,
                           &x->reply, &x->err) &&
        !x->err.kind)
        err_set(&x->err, ERR_INTERNAL, NULL, "a handler failed without saying why");
}

static void exchange_answered(struct exchange *x) {
    x->state = EXCHANGE_ANSWERED;
    MHD_resume_connection(x->connection);
}

/* Parks the exchange, unless something has changed since its handler began to look, or so
 * many wait that connections for others become few. */
static bool exchange_park(struct exchange *x) {
    struct http *h = x->http;
    pthread_mutex_lock(&h->lock);
    x->no_park = h->parked_n >= h->parked_max;
    bool parked = !x->no_park && atomic_load(&h->wakes) == x->wakes_seen;
    if (parked) {
        x->next = h->parked;
        h->parked = x;
        h->parked_n++;
    }
    pthread_mutex_unlock(&h->lock);
    return parked;
}

static void exchange_run(void *context, struct store *store) {
    struct exchange *x = context;
    do {
        x->wakes_seen = atomic_load(&x->http->wakes);
        handler_run(x, store);
        if (x->err.kind || !x->reply.park_until_us) {
            exchange_answered(x);
            return;
        }
    } while (!exchange_park(x));
}

/* Hands the exchange to the executor; the connection sleeps meanwhile. */
static enum MHD_Result exchange_away(struct exchange *x) {
    x->state = EXCHANGE_AWAY;
    MHD_suspend_connection(x->connection);
    if (!executor_add(x->http->executor, exchange_run, x)) {
        err_set(&x->err, ERR_UNAVAILABLE, NULL,
                "too many requests are waiting; try again");
        exchange_answered(x);
    }
    return MHD_YES;
}

static enum MHD_Result exchange_start(struct exchange *x) {
    reaper_phase(x->watched, REAPER_BUSY, clock_mono_us());
    if (x->err.kind)
        return reply_queue(x);
    x->request.body = x->body ? x->body : "";
    if (x->route->waits || x->request.body_n > INLINE_BODY_MAX)
        return exchange_away(x);
    handler_run(x, NULL);
    if (x->reply.defer && !x->err.kind)
        return exchange_away(x);
    return reply_queue(x);
}

/* A suspended connection does not notice by itself that nobody is there any more. */
static bool client_left(const struct exchange *x) {
    char byte;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return false;
    ssize_t n = recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

enum parked_which { PARKED_ALL, PARKED_DUE, PARKED_LEFT };

static bool is_wanted(struct exchange *x, enum parked_which which, int64_t now_us) {
    if (which == PARKED_LEFT)
        x->no_park = client_left(x);
    return which == PARKED_ALL || x->no_park || now_us >= x->reply.park_until_us;
}

/* Calls parked exchanges again: all, those whose time is over, or also those whose client
 * has left. */
static void parked_run(struct http *h, enum parked_which which) {
    int64_t now_us = clock_mono_us();
    struct exchange *due = NULL;
    pthread_mutex_lock(&h->lock);
    for (struct exchange **at = &h->parked; *at;) {
        struct exchange *x = *at;
        if (is_wanted(x, which, now_us)) {
            *at = x->next;
            h->parked_n--;
            x->next = due;
            due = x;
        } else {
            at = &x->next;
        }
    }
    pthread_mutex_unlock(&h->lock);
    while (due) {
        struct exchange *x = due;
        due = x->next;
        if (!executor_add(h->executor, exchange_run, x)) {
            err_set(&x->err, ERR_UNAVAILABLE, NULL, "too many requests are waiting");
            exchange_answered(x);
        }
    }
}

/* ---- libmicrohttpd's callbacks -------------------------------------------------- */

static struct exchange *exchange_new(struct http *h, struct MHD_Connection *connection,
                                     const char *method) {
    struct exchange *x = malloc(sizeof *x);
    if (!x)
        return NULL;
    memset(x, 0, offsetof(struct exchange, path));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    x->http = h;
    x->connection = connection;
    x->watched = info ? info->socket_context : NULL;
    x->request.method = method;
    x->request.received_us = clock_mono_us();
    atomic_fetch_add(&h->in_flight, 1);
    return x;
}

/* More of the body; over the limit it is read and forgotten, so that the answer arrives.
 */
static bool body_append(struct exchange *x, const char *data, size_t n) {
    size_t max = (size_t)x->http->options.config->body_bytes_max, need;
    reaper_bytes(x->watched, n);
    if (x->err.kind)
        return (x->request.body_n += n) <= 2 * max;
    if (!x->route->body)
        return true;
    need = x->request.body_n + n;
    if (need > max)
        return err_set(&x->err, ERR_TOO_LARGE, NULL,
                       "the body is over the limit of %zu bytes (--body-bytes-max)", max),
               x->request.body_n = need, true;
    if (need > x->body_capacity) {
        size_t capacity = need < max / 2 ? 2 * need : max;
        if (!body_reserve(x, capacity))
            return (x->request.body_n = need), true; /* read and forgotten from here on */
    }
    memcpy(x->body + x->request.body_n, data, n);
    x->request.body_n = need;
    return true;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_n,
                                  void **state) {
    struct exchange *x = *state;
    if (!x) {
        x = *state = exchange_new(context, connection, method);
        if (!x)
            return MHD_NO;
        if (head_accept(x, url, version)) {
            reaper_phase(x->watched, REAPER_BODY, x->request.received_us);
            return MHD_YES;
        }
        reaper_phase(x->watched, REAPER_BUSY, x->request.received_us);
        x->close = true; /* what follows the head cannot be trusted, or is not wanted */
        return reply_queue(x);
    }
    if (*data_n) {
        size_t n = *data_n;
        *data_n = 0;
        return body_append(x, data, n) ? MHD_YES : MHD_NO;
    }
    if (x->state == EXCHANGE_READING)
        return exchange_start(x);
    return x->state == EXCHANGE_ANSWERED ? reply_queue(x) : MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why) {
    struct http *h = context;
    struct exchange *x = *state;
    (void)connection;
    (void)why;
    if (!x)
        return;
    reaper_phase(x->watched, REAPER_IDLE, clock_mono_us());
    atomic_fetch_sub(&h->body_bytes, x->body_reserved);
    text_free(&x->reply.body);
    free(x->body);
    free(x);
    *state = NULL;
    atomic_fetch_sub(&h->in_flight, 1);
}

static void *on_request_line(void *context, const char *uri,
                             struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    (void)context;
    (void)uri;
    if (info)
        reaper_phase(info->socket_context, REAPER_HEAD, clock_mono_us());
    return NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection,
                          void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    struct http *h = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context =
            info ? reaper_add(h->reaper, info->connect_fd, clock_mono_us()) : NULL;
        metrics_connections(h->options.metrics, 1);
    } else {
        if (*socket_context)
            reaper_remove(h->reaper, *socket_context);
        *socket_context = NULL;
        metrics_connections(h->options.metrics, -1);
        atomic_fetch_sub(&h->connections, 1);
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

static void *tick(void *context) {
    struct http *h = context;
    for (unsigned ticks = 0; !atomic_load(&h->ending); ticks++) {
        usleep(TICK_MS * 1000);
        bool look = ticks % REAP_EVERY_TICKS == 0;
        parked_run(h, look ? PARKED_LEFT : PARKED_DUE);
        if (!look)
            continue;
        size_t reaped = reaper_run(h->reaper, clock_mono_us());
        if (reaped)
            log_write(LOG_WARN, "slow connections ended", "connections", LOG_INT(reaped),
                      NULL);
    }
    return NULL;
}

static bool connection_has_room(void *context) {
    struct http *h = context;
    return atomic_load(&h->connections) < h->connections_max;
}

/* libmicrohttpd gives it to a thread by the number of the descriptor: in turn, mostly. */
static void connection_take(void *context, int fd, const struct sockaddr *address,
                            socklen_t address_n) {
    struct http *h = context;
    atomic_fetch_add(&h->connections, 1);
    if (MHD_add_connection(h->daemon, fd, address, address_n) != MHD_YES)
        atomic_fetch_sub(&h->connections, 1); /* it has closed fd */
}

/* As many connections as were asked for, or as the file descriptors allow. */
static size_t connections_limit(const struct config *config) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    uint64_t most = limit.rlim_cur > 2 * FDS_BESIDE ? limit.rlim_cur - FDS_BESIDE
                                                    : limit.rlim_cur / 2;
    if ((uint64_t)config->connections_max <= most)
        return (size_t)config->connections_max;
    log_write(LOG_WARN, "fewer connections than --connections-max fit the limit of files",
              "connections", LOG_INT(most), NULL);
    return (size_t)most;
}

static struct MHD_Daemon *daemon_start(struct http *h) {
    const struct config *config = h->options.config;
    size_t threads = config->http_threads ? (size_t)config->http_threads : config_cpus();
    /* The acceptor keeps the limit; each thread, which gets a share, may have them all.
     */
    unsigned limit = (unsigned)(h->connections_max * threads);
    struct MHD_OptionItem pool[] = {
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads,
         NULL},
        {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET |
            MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC,
        0, NULL, NULL, on_request, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, limit,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)config->idle_timeout_s,
        MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, h, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_ARRAY,
        pool, MHD_OPTION_END);
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
    if (h->executor)
        executor_stop(h->executor);
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    executor_free(h->executor);
    listener_close(&h->listener);
    if (h->reaper)
        reaper_free(h->reaper);
    pthread_mutex_destroy(&h->lock);
    free(h);
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
    pthread_mutex_init(&h->lock, NULL);
    h->reaper = reaper_new((struct reaper_options){config->header_timeout_ms * 1000,
                                                   config->idle_timeout_s * 1000000});
    h->executor =
        executor_start((size_t)config->store_threads, QUEUE_MAX, config->store, e);
    h->connections_max = connections_limit(config);
    h->parked_max = h->connections_max / 2;
    if (h->reaper && h->executor && listener_open(&h->listener, config->listen, e))
        h->daemon = daemon_start(h);
    if (h->daemon && acceptor_open(h, e) &&
        pthread_create(&h->ticker, NULL, tick, h) == 0)
        return h;
    err_set(e, ERR_INTERNAL, NULL, "the HTTP server could not start on %s",
            config->listen);
    http_free(h);
    return NULL;
}

const char *http_address(const struct http *h) {
    return h->listener.address;
}

void http_wake(struct http *h) {
    atomic_fetch_add(&h->wakes, 1);
    parked_run(h, PARKED_ALL);
}

void http_drain(struct http *h) {
    atomic_store(&h->draining, true);
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
