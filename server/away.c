#include "server/away.h"

#include <stddef.h>

#include "server/clock.h"
#include "server/log.h"

bool away_is(enum err_kind kind) {
    return kind == ERR_UNAVAILABLE || kind == ERR_BUSY;
}

bool away_note(struct away *a, const struct err *e) {
    bool away = e && e->kind == ERR_UNAVAILABLE;
    int64_t now = clock_mono_us();
    if (away && !a->since_us) {
        a->since_us = now;
        log_err(LOG_WARN, "the store is away", e);
    } else if (!away && a->since_us) {
        log_write(LOG_INFO, "the store is back", "away_ms",
                  LOG_INT((now - a->since_us) / 1000), NULL);
        a->since_us = 0;
        a->back_us = now;
    }
    return e && away_is(e->kind);
}
