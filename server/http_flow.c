#include "server/http_flow.h"

#include "server/clock.h"
#include "server/http_exchange.h"
#include "server/log.h"
#include "server/metrics.h"

enum { DRAIN_US = 1000000 /* for a client to take what it was sent, once we drain */ };

static bool flow_admit(struct http *h, struct exchange *x) {
    pthread_mutex_lock(&h->lock);
    bool room = h->flows_n < h->flows_max && h->parked_n + h->flows_n < h->held_max;
    if (room) {
        h->flows_n++;
        x->flow.next = h->flows;
        if (x->flow.next)
            x->flow.next->flow.previous = x;
        h->flows = x;
    }
    pthread_mutex_unlock(&h->lock);
    return room;
}

bool flow_open(struct exchange *x, struct err *e) {
    struct http *h = x->http;
    pthread_mutex_init(&x->flow.lock, NULL);
    atomic_init(&x->flow.asked_us, clock_mono_us());
    if (!flow_admit(h, x)) {
        pthread_mutex_destroy(&x->flow.lock);
        return err_set(e, ERR_UNAVAILABLE, NULL,
                       "there are %zu event streams or waiting requests already "
                       "(--streams-max); try again, or elsewhere",
                       h->flows_max < h->held_max ? h->flows_max : h->held_max);
    }
    x->flow.exchange = x;
    metrics_watchers(h->options.metrics, 1);
    x->reply.feed->start(x->reply.source, &x->flow);
    return true;
}

static void flow_forget(struct http *h, struct exchange *x) {
    struct http_flow *flow = &x->flow;
    pthread_mutex_lock(&h->lock);
    if (flow->next)
        flow->next->flow.previous = flow->previous;
    if (flow->previous)
        flow->previous->flow.next = flow->next;
    else
        h->flows = flow->next;
    h->flows_n--;
    pthread_mutex_unlock(&h->lock);
    pthread_mutex_destroy(&flow->lock);
    flow->exchange = NULL;
    metrics_watchers(h->options.metrics, -1);
}

void flow_close(struct exchange *x) {
    if (!x->reply.feed)
        return;
    x->reply.feed->close(x->reply.source);
    x->reply.feed = NULL;
    x->reply.source = NULL;
    if (x->flow.exchange)
        flow_forget(x->http, x);
}

/* Puts the connection to sleep unless somebody woke it since `woken` was cleared. */
static bool flow_sleep(struct http_flow *flow) {
    pthread_mutex_lock(&flow->lock);
    bool sleeps = !flow->woken;
    flow->woken = false;
    if (sleeps) {
        flow->asleep = true;
        connection_sleep(flow->exchange);
    }
    pthread_mutex_unlock(&flow->lock);
    return sleeps;
}

static bool flow_look(struct http_flow *flow) {
    pthread_mutex_lock(&flow->lock);
    bool left = flow->left;
    flow->woken = false;
    pthread_mutex_unlock(&flow->lock);
    return left;
}

int64_t flow_read(struct exchange *x, char *to, size_t n) {
    struct http_flow *flow = &x->flow;
    atomic_store(&flow->asked_us, clock_mono_us());
    do {
        if (flow_look(flow))
            return FLOW_CUT;
        if (flow->begun && atomic_load(&x->http->draining))
            return FLOW_END;
        int64_t got = x->reply.feed->read(x->reply.source, to, n);
        if (got == HTTP_FEED_END)
            return FLOW_END;
        flow->begun = true;
        if (got)
            return got;
    } while (!flow_sleep(flow));
    return 0;
}

void http_flow_wake(struct http_flow *flow) {
    pthread_mutex_lock(&flow->lock);
    flow->woken = true;
    if (flow->asleep) {
        flow->asleep = false;
        atomic_store(&flow->asked_us, clock_mono_us());
        connection_wake(flow->exchange);
    }
    pthread_mutex_unlock(&flow->lock);
}

void flows_drain(struct http *h) {
    pthread_mutex_lock(&h->lock);
    if (!h->drained_us)
        h->drained_us = clock_mono_us();
    for (struct exchange *x = h->flows; x; x = x->flow.next)
        http_flow_wake(&x->flow);
    pthread_mutex_unlock(&h->lock);
}

/* Whether the client of a flow that is awake has not taken what it was sent. */
static bool is_stalled(const struct http *h, const struct http_flow *flow,
                       int64_t now_us) {
    int64_t stall_us = 2 * h->options.config->stream_heartbeat_ms * 1000;
    return now_us - atomic_load(&flow->asked_us) > stall_us ||
           (h->drained_us && now_us - h->drained_us > DRAIN_US);
}

/* @return whether the client had to be cut off. */
static bool flow_sweep(struct http *h, struct exchange *x, int64_t now_us) {
    struct http_flow *flow = &x->flow;
    pthread_mutex_lock(&flow->lock);
    bool asleep = flow->asleep, stalled = !asleep && is_stalled(h, flow, now_us);
    flow->left = flow->left || (asleep && connection_left(x));
    bool wake = flow->left;
    pthread_mutex_unlock(&flow->lock);
    if (stalled)
        connection_cut(x);
    else if (wake)
        http_flow_wake(flow);
    return stalled;
}

void flows_sweep(struct http *h, int64_t now_us) {
    size_t cut = 0;
    pthread_mutex_lock(&h->lock);
    for (struct exchange *x = h->flows; x; x = x->flow.next)
        cut += flow_sweep(h, x, now_us);
    pthread_mutex_unlock(&h->lock);
    if (cut)
        log_write(LOG_WARN, "event streams that nobody reads were ended", "streams",
                  LOG_INT(cut), NULL);
}
