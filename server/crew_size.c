#include "server/crew_size.h"

#include <stdbool.h>

static const double NOTHING = 0.1, /* to do for all */
    FULL = 0.85,                   /* has no rest */
    RAN_LEAST = 0.6,               /* less: others want the same processor */
    SPARE_LEAST = 0.2, /* of a processor: more than turns and noise leave over */
    SPARE_PLENTY = 1,  /* a whole one */
    FIT = 0.75;        /* of half as many threads: less than makes them FULL */
enum { PERIODS = 3, IDLE_PERIODS = 300 };

static void follow(double *mean, double value, unsigned periods) {
    *mean += (value - *mean) / (periods < PERIODS ? periods : PERIODS);
}

static size_t half_of(const struct crew_size *size) {
    return (size->now + 1) / 2;
}

static bool is_scarce(double spare) {
    return spare >= 0 && spare < SPARE_PLENTY;
}

/* Where there is plenty at once, otherwise by what it is like of late. */
static bool is_short(const struct crew_size *size, const struct crew_load *load) {
    const struct crew_load *mean = &size->mean;
    if (load->busiest >= FULL && !is_scarce(load->spare))
        return true;
    return size->periods >= PERIODS && mean->busiest >= FULL &&
           (mean->spare >= SPARE_LEAST || mean->ran < RAN_LEAST);
}

static bool is_little(const struct crew_load *load, size_t half) {
    return load->all < FIT * (double)half;
}

static bool is_crowded(const struct crew_size *size, size_t half) {
    return size->periods >= PERIODS && is_scarce(size->mean.spare) &&
           is_little(&size->mean, half);
}

static size_t next_of(const struct crew_size *size, const struct crew_load *load) {
    size_t half = half_of(size), twice = size->now * 2;
    if (size->now < size->most && is_short(size, load))
        return twice < size->most ? twice : size->most;
    return half < size->now && is_crowded(size, half) ? half : size->now;
}

void crew_size_next(struct crew_size *size, const struct crew_load *load) {
    size->idle = load->all < NOTHING ? size->idle + 1 : 0;
    if (size->idle) {
        size_t now = size->idle < IDLE_PERIODS ? size->now : size->most;
        *size = (struct crew_size){.most = size->most, .now = now, .idle = size->idle};
        return;
    }
    bool first = !size->begun; /* it was one only in part */
    size->begun = true;
    if (first)
        return;
    size->periods++;
    follow(&size->mean.busiest, load->busiest, size->periods);
    follow(&size->mean.ran, load->ran, size->periods);
    follow(&size->mean.all, load->all, size->periods);
    follow(&size->mean.spare, load->spare, size->periods);
    size_t next = next_of(size, load);
    if (next != size->now)
        *size = (struct crew_size){.most = size->most, .now = next};
    /* By the last period alone: three system calls, should it be for a moment. */
    size->patient =
        size->now > 1 && is_scarce(load->spare) && !is_little(load, half_of(size));
}
