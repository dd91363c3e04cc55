#include "server/gather.h"

#include <stdlib.h>

enum { TOGETHER_MAX = 256 }; /* predictions of one pass */

struct predictions *gather_of(struct http_kept *own) {
    if (!own->state)
        *own = (struct http_kept){calloc(1, sizeof(struct predictions)), free};
    return own->state;
}

void gather_compute(struct predictions *list, const struct prediction *p, size_t rows_max,
                    struct metrics *metrics) {
    struct prediction *all[TOGETHER_MAX];
    while (p->list) {
        size_t n = predictions_take(list, rows_max, all, TOGETHER_MAX);
        predictions_compute(all, n);
        metrics_pass(metrics);
    }
}
