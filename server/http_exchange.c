#include "server/http_exchange.h"

#include "server/clock.h"

/* Who had its turn and waits for something is answered as things stand then. */
static bool is_late(struct exchange *x) {
    int64_t deadline_us = x->request.deadline_us;
    if (!deadline_us || x->reply.kept.state || clock_mono_us() < deadline_us)
        return false;
    x->no_park = x->has_parked;
    return !x->has_parked && !err_set(&x->err, ERR_DEADLINE, HTTP_TIMEOUT,
                                      "its time was over before its turn came");
}

/* Of float32, to be written as text: some milliseconds. */
enum { WRITTEN_HERE_BYTES = 1 << 20 };

/* Calls the handler, on this thread. */
static void exchange_call(struct exchange *x, struct store *store) {
    struct http *h = x->http;
    if (is_late(x))
        return;
    text_free(&x->reply.body);
    x->reply = (struct http_reply){
        .allow = x->reply.allow, .kept = x->reply.kept, .room = x->room};
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
    if (x->request.deadline_us && x->request.deadline_us < x->reply.park_until_us)
        x->reply.park_until_us = x->request.deadline_us;
    x->no_park = h->parked_n >= h->parked_max || h->parked_n + h->flows_n >= h->held_max;
    bool parked = !x->no_park && atomic_load(&h->wakes) == x->wakes_seen;
    x->has_parked = true; /* or as good as that */
    if (parked) {
        x->next = h->parked;
        h->parked = x;
        h->parked_n++;
    }
    pthread_mutex_unlock(&h->lock);
    return parked;
}

/* Whoever needs a store is called where there is one. */
static bool store_check(struct exchange *x, const struct store *store) {
    return store || err_set(&x->err, ERR_UNAVAILABLE, NULL,
                            "the server is starting: its store is not open yet");
}

static void call_run(void *context, struct store *store) {
    struct exchange *x = context;
    x->request.own = NULL;
    if (!store_check(x, store)) {
        answer_back(x);
        return;
    }
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
    bool ok = store_check(x, store) && upload_pass(x->upload, store, &x->err);
    (void)ok; /* x->err says it: the rest is read and forgotten */
    exchange_back(x, EXCHANGE_READING);
}

static void upload_run(void *context, struct store *store) {
    struct exchange *x = context;
    x->request.draining = atomic_load(&x->http->draining);
    bool ok = store_check(x, store) &&
              upload_end(x->upload, store, &x->request, &x->reply, &x->err);
    (void)ok; /* the answer is x->err then */
    answer_back(x);
}

static void coding_run(void *context, struct store *store) {
    (void)store;
    answer_back(context);
}

/* Hands a sleeping exchange to an executor. `back` is what it returns to should there be
 * no room. */
static void exchange_add(struct exchange *x, struct executor *to, executor_task *task,
                         enum exchange_state back) {
    if (executor_add(to, task, x))
        return;
    enum err_kind kind = to == x->http->computing ? ERR_BUSY : ERR_UNAVAILABLE;
    err_set(&x->err, kind, NULL, "too many requests are waiting; try again");
    exchange_back(x, back);
}

static void exchange_sleep(struct exchange *x) {
    x->state = EXCHANGE_AWAY;
    reaper_phase(x->watched, REAPER_BUSY, clock_coarse_us());
    connection_sleep(x);
}

void exchange_away_call(struct exchange *x) {
    exchange_sleep(x);
    exchange_add(x, x->http->executor, call_run, EXCHANGE_ANSWERED);
}

void exchange_away_piece(struct exchange *x) {
    exchange_sleep(x);
    exchange_add(x, x->http->executor, piece_run, EXCHANGE_READING);
}

void exchange_away_end(struct exchange *x) {
    exchange_sleep(x);
    exchange_add(x, x->http->executor, upload_run, EXCHANGE_ANSWERED);
}

void exchange_away_coding(struct exchange *x) {
    exchange_sleep(x);
    if (executor_add(x->http->computing, coding_run, x))
        return;
    x->answer_coding.settled = true; /* as it is, then */
    exchange_back(x, EXCHANGE_ANSWERED);
}

static void apart_run(void *context, struct store *store) {
    struct exchange *x = context;
    x->request.own = NULL;
    x->request.apart = true;
    exchange_call(x, store);
    x->request.apart = false;
    if (!x->err.kind && x->reply.defer)
        exchange_add(x, x->http->executor, call_run, EXCHANGE_ANSWERED);
    else
        answer_back(x);
}

/* What has come in pieces is computed, and wants but to be written: here, if that is soon
 * done, rather than to be refused now. */
void exchange_away_apart(struct exchange *x) {
    bool brief = x->piece_n && x->computed_n <= WRITTEN_HERE_BYTES;
    exchange_sleep(x);
    if (!brief) {
        exchange_add(x, x->http->computing, apart_run, EXCHANGE_ANSWERED);
    } else if (!executor_add(x->http->computing, apart_run, x)) {
        x->answer_coding.settled = true; /* uncompressed */
        apart_run(x, NULL);
    }
}

void http_ready(struct exchange *x) {
    struct http *h = x->http;
    exchange_back(x, EXCHANGE_AGAIN); /* and may be gone */
    atomic_fetch_sub(&h->handed_over, 1);
}

/* From here on somebody else has it, unless the server ends: then nobody may. */
static bool exchange_hand_over(struct exchange *x) {
    atomic_fetch_add(&x->http->handed_over, 1);
    if (atomic_load(&x->http->ending)) {
        atomic_fetch_sub(&x->http->handed_over, 1);
        return err_set(&x->err, ERR_UNAVAILABLE, NULL, "the server ends");
    }
    exchange_sleep(x);
    x->reply.hand_over(x->reply.kept.state, x);
    return true;
}

bool exchange_run(struct exchange *x) {
    x->request.own = &x->lane->own;
    exchange_call(x, NULL);
    if (x->err.kind)
        return true;
    if (x->reply.defer)
        exchange_away_call(x);
    else if (x->reply.lengthy)
        exchange_away_apart(x);
    else if (x->reply.later)
        x->state = EXCHANGE_AGAIN;
    else
        return !x->reply.hand_over || !exchange_hand_over(x);
    return false;
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
