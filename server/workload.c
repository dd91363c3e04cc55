#include "server/workload.h"

void workload_add(struct workload *w, int64_t ns) {
    atomic_fetch_add_explicit(&w->work_ns, ns, memory_order_relaxed);
}

bool workload_is_busy(struct workload *w, size_t processors_n, int64_t now_ns) {
    int_fast64_t since_ns = atomic_load(&w->since_ns);
    int64_t window_ns = now_ns - since_ns;
    if (window_ns >= WORKLOAD_WINDOW_NS &&
        atomic_compare_exchange_strong(&w->since_ns, &since_ns, now_ns)) {
        int64_t work_ns = atomic_exchange(&w->work_ns, 0);
        atomic_store(&w->busy, work_ns >= window_ns / 2 * (int64_t)processors_n);
    }
    return atomic_load(&w->busy);
}
