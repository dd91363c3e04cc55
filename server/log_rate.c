#include "server/log_rate.h"

bool log_rate_take(struct log_rate *r, int64_t now_us) {
    int_fast64_t second = now_us / 1000000, before = atomic_load(&r->second);
    if (second != before && atomic_compare_exchange_strong(&r->second, &before, second))
        atomic_store(&r->written, 0);
    if (atomic_fetch_add(&r->written, 1) < LOG_RATE_PER_SECOND)
        return true;
    atomic_fetch_add(&r->held, 1);
    return false;
}

uint64_t log_rate_held(struct log_rate *r) {
    return atomic_load(&r->held) ? atomic_exchange(&r->held, 0) : 0;
}
