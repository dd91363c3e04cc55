#include "server/workload.h"

void workload_add(struct workload *w, int64_t ns) {
    atomic_fetch_add_explicit(&w->work_ns, ns, memory_order_relaxed);
}

void workload_begin(struct workload *w) {
    if (atomic_fetch_add(&w->whole_n, 1) > 0)
        atomic_store(&w->met, true);
}

void workload_end(struct workload *w) {
    atomic_fetch_sub(&w->whole_n, 1);
}

/* The window's end. */
static bool is_busy(struct workload *w, int64_t capacity_ns) {
    int64_t work_ns = atomic_exchange(&w->work_ns, 0);
    bool met = atomic_exchange(&w->met, atomic_load(&w->whole_n) > 1);
    return work_ns >= capacity_ns / 2 ||
           (atomic_load(&w->busy) && met && work_ns >= capacity_ns / 4);
}

bool workload_is_busy(struct workload *w, size_t processors_n, int64_t now_ns) {
    int_fast64_t since_ns = atomic_load(&w->since_ns);
    int64_t window_ns = now_ns - since_ns;
    if (window_ns >= WORKLOAD_WINDOW_NS &&
        atomic_compare_exchange_strong(&w->since_ns, &since_ns, now_ns))
        atomic_store(&w->busy, is_busy(w, window_ns * (int64_t)processors_n));
    return atomic_load(&w->busy);
}
