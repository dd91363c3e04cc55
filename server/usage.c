#include "server/usage.h"

#include <stdbool.h>

static void add(atomic_uint_fast64_t *counter, int64_t n) {
    atomic_fetch_add_explicit(counter, n > 0 ? (uint64_t)n : 0, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void usage_request(struct usage *u, const struct usage_request *request) {
    add(request->ok ? &u->success_n : &u->fail_n, 1);
    add(request->ok ? &u->success_ns : &u->fail_ns, request->total_ns);
    add(&u->queue_ns, request->queue_ns);
    if (request->ok)
        add(&u->rows_n, (int64_t)request->rows_n);
    atomic_store_explicit(&u->last_us, request->now_us, memory_order_relaxed);
}

/* Where passes of n rows are counted, and the most rows that are counted there. */
static size_t batch_index(size_t n) {
    size_t i = USAGE_EXACT, most = 2 * USAGE_EXACT;
    if (n <= USAGE_EXACT)
        return n ? n - 1 : 0;
    while (n > most && i + 1 < USAGE_BATCHES) {
        most *= 2;
        i++;
    }
    return i;
}

static uint64_t batch_rows(size_t i) {
    return i < USAGE_EXACT ? i + 1 : (uint64_t)USAGE_EXACT << (i - USAGE_EXACT + 1);
}

void usage_pass(struct usage *u, const struct usage_pass *pass) {
    struct usage_batch *b = &u->batches[batch_index(pass->rows_n)];
    add(&b->count, 1);
    add(&b->input_ns, pass->input_ns);
    add(&b->infer_ns, pass->infer_ns);
    add(&b->output_ns, pass->output_ns);
}

void usage_read(struct usage *u, int64_t now_us, int64_t now_ms,
                struct oip_batch batches[USAGE_BATCHES],
                struct oip_statistics *statistics) {
    struct oip_statistics *s = statistics;
    int64_t last_us = atomic_load_explicit(&u->last_us, memory_order_relaxed);
    s->last_ms = last_us ? now_ms - (now_us - last_us) / 1000 : 0;
    s->rows_n = get(&u->rows_n);
    s->success = (struct oip_duration){get(&u->success_n), get(&u->success_ns)};
    s->fail = (struct oip_duration){get(&u->fail_n), get(&u->fail_ns)};
    s->queue = (struct oip_duration){s->success.count + s->fail.count, get(&u->queue_ns)};
    s->batches = batches;
    s->batches_n = 0;
    for (size_t i = 0; i < USAGE_BATCHES; i++) {
        const struct usage_batch *b = &u->batches[i];
        struct oip_batch batch = {batch_rows(i), get(&b->count), get(&b->input_ns),
                                  get(&b->infer_ns), get(&b->output_ns)};
        if (batch.count)
            batches[s->batches_n++] = batch;
    }
}
