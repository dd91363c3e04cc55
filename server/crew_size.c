#include "server/crew_size.h"

static const double FULL = 0.85, /* has no rest */
    SPARE_LEAST = 0.35, /* of a processor: more than turns and noise leave over */
    SPARE_PLENTY = 1,   /* a whole one */
    RAN_LEAST = 0.6,    /* less: others want the same processor */
    FIT = 0.5, FIT_SCARCE = 0.95; /* of half as many: with so much to do they would do */
enum { FULL_PERIODS = 4, CALM_PERIODS = 5 };

static size_t twice(const struct crew_size *size) {
    return size->now * 2 < size->most ? size->now * 2 : size->most;
}

/* Of the last periods without rest. */
static void follow(double *mean, double value, unsigned periods) {
    *mean += (value - *mean) / (periods < FULL_PERIODS ? periods : FULL_PERIODS);
}

static bool is_short(struct crew_size *size, const struct crew_load *load) {
    if (load->busiest < FULL) {
        size->full = 0;
        return false;
    }
    size->full++;
    follow(&size->spare, load->spare, size->full);
    follow(&size->ran, load->ran, size->full);
    if (load->spare < 0 || load->spare >= SPARE_PLENTY)
        return true;
    return size->full >= FULL_PERIODS &&
           (size->spare >= SPARE_LEAST || size->ran < RAN_LEAST);
}

static bool is_calm(struct crew_size *size, const struct crew_load *load, size_t half) {
    bool scarce = load->spare >= 0 && load->spare < SPARE_PLENTY;
    bool calm =
        half < size->now && load->all < (scarce ? FIT_SCARCE : FIT) * (double)half;
    size->calm = calm ? size->calm + 1 : 0;
    return size->calm >= CALM_PERIODS;
}

void crew_size_next(struct crew_size *size, const struct crew_load *load) {
    size_t half = (size->now + 1) / 2, before = size->now;
    if (is_short(size, load))
        size->now = twice(size);
    else if (is_calm(size, load, half))
        size->now = half;
    if (size->now != before)
        *size = (struct crew_size){.most = size->most, .now = size->now};
}
