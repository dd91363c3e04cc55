#include "server/http_exchange.h"

#include "server/clock.h"

void exchange_call(struct exchange *x, struct store *store) {
    struct http *h = x->http;
    text_free(&x->reply.body);
    x->reply = (struct http_reply){.allow = x->reply.allow, .kept = x->reply.kept};
    x->request.draining = atomic_load(&h->draining) || x->no_park;
    if (!x->route->handler(h->options.subsystems[x->route->subsystem], store, &x->request,
                           &x->reply, &x->err) &&
        !x->err.kind)
        err_set(&x->err, ERR_INTERNAL, NULL, "a handler failed without saying why");
}

static void exchange_back(struct exchange *x, enum exchange_state state) {
    if (state == EXCHANGE_READING)
        reaper_phase(x->watched, REAPER_BODY, clock_coarse_us());
    x->state = state;
    connection_wake(x);
}

/* The answer stands; this thread may take the time to compress it. */
static void answer_back(struct exchange *x) {
    bool settled = coding_settle(x, true);
    (void)settled; /* it is, where one may wait */
    exchange_back(x, EXCHANGE_ANSWERED);
}

/* Parks the exchange, unless something has changed since its handler began to look, or so
 * many wait that connections for others become few. */
static bool exchange_park(struct exchange *x) {
    struct http *h = x->http;
    pthread_mutex_lock(&h->lock);
    x->no_park = h->parked_n >= h->parked_max || h->parked_n + h->flows_n >= h->held_max;
    bool parked = !x->no_park && atomic_load(&h->wakes) == x->wakes_seen;
    if (parked) {
        x->next = h->parked;
        h->parked = x;
        h->parked_n++;
    }
    pthread_mutex_unlock(&h->lock);
    return parked;
}

static void call_run(void *context, struct store *store) {
    struct exchange *x = context;
    do {
        x->wakes_seen = atomic_load(&x->http->wakes);
        exchange_call(x, store);
        if (x->err.kind || !x->reply.park_until_us) {
            answer_back(x);
            return;
        }
    } while (!exchange_park(x));
}

static void piece_run(void *context, struct store *store) {
    struct exchange *x = context;
    bool ok = upload_pass(x->upload, store, &x->err);
    (void)ok; /* x->err says it: the rest is read and forgotten */
    exchange_back(x, EXCHANGE_READING);
}

static void upload_run(void *context, struct store *store) {
    struct exchange *x = context;
    x->request.draining = atomic_load(&x->http->draining);
    bool ok = upload_end(x->upload, store, &x->request, &x->reply, &x->err);
    (void)ok; /* the answer is x->err then */
    answer_back(x);
}

static void coding_run(void *context, struct store *store) {
    (void)store;
    answer_back(context);
}

/* Hands the exchange to the executor; the connection sleeps meanwhile. @return false
 * where there is no room: it has to be brought back. */
static bool exchange_away(struct exchange *x, executor_task *task) {
    x->state = EXCHANGE_AWAY;
    reaper_phase(x->watched, REAPER_BUSY, clock_coarse_us());
    connection_sleep(x);
    return executor_add(x->http->executor, task, x);
}

static void exchange_away_or_refuse(struct exchange *x, executor_task *task,
                                    enum exchange_state back) {
    if (exchange_away(x, task))
        return;
    err_set(&x->err, ERR_UNAVAILABLE, NULL, "too many requests are waiting; try again");
    exchange_back(x, back);
}

void exchange_away_call(struct exchange *x) {
    exchange_away_or_refuse(x, call_run, EXCHANGE_ANSWERED);
}

void exchange_away_piece(struct exchange *x) {
    exchange_away_or_refuse(x, piece_run, EXCHANGE_READING);
}

void exchange_away_end(struct exchange *x) {
    exchange_away_or_refuse(x, upload_run, EXCHANGE_ANSWERED);
}

void exchange_away_coding(struct exchange *x) {
    if (exchange_away(x, coding_run))
        return;
    x->answer_coding.settled = true; /* as it is, then */
    exchange_back(x, EXCHANGE_ANSWERED);
}

static bool is_wanted(struct exchange *x, enum parked_which which, int64_t now_us) {
    if (which == PARKED_LEFT)
        x->no_park = connection_left(x);
    return which == PARKED_ALL || x->no_park || now_us >= x->reply.park_until_us;
}

void exchanges_unpark(struct http *h, enum parked_which which) {
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
        if (!executor_add(h->executor, call_run, x)) {
            err_set(&x->err, ERR_UNAVAILABLE, NULL, "too many requests are waiting");
            exchange_back(x, EXCHANGE_ANSWERED);
        }
    }
}
