#include "server/away.h"

#include <stddef.h>
#include <sys/random.h>

#include "server/clock.h"
#include "server/log.h"

enum { PAUSE_MS = 50, PAUSE_MS_MAX = 1000 };

bool away_is(enum err_kind kind) {
    return kind == ERR_UNAVAILABLE || kind == ERR_CONTENDED;
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
    if (!e)
        a->pause_ms = 0;
    return e && away_is(e->kind);
}

int64_t away_pause_ms(struct away *a) {
    uint32_t bits = 0;
    a->pause_ms = a->pause_ms ? a->pause_ms * 2 : PAUSE_MS;
    if (a->pause_ms > PAUSE_MS_MAX)
        a->pause_ms = PAUSE_MS_MAX;
    ssize_t got = getrandom(&bits, sizeof bits, GRND_NONBLOCK);
    (void)got; /* without it, no jitter */
    return a->pause_ms - (int64_t)(bits % (uint32_t)(a->pause_ms / 2 + 1));
}
