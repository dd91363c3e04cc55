#include "engine/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kernel.h"
#include "engine/memory.h"

static const char *const names[NORMALIZES_N] = {
    [NORMALIZE_NONE] = "none",
    [NORMALIZE_STANDARD] = "standard",
    [NORMALIZE_MINMAX] = "minmax",
};

const char *normalize_name(enum normalize kind) {
    return names[kind];
}

/* What the rows say of the columns, each (n). */
struct columns {
    double *sum;
    double *squares; /* of the distances from the mean */
    float *min;
    float *max;
};

KERNEL static void columns_sum(const float *X, size_t m, size_t n, double *restrict sum) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            sum[j] += (double)X[i * n + j];
}

KERNEL static void columns_bound(const float *X, size_t m, size_t n, float *restrict min,
                                 float *restrict max) {
    memcpy(min, X, n * sizeof *min);
    memcpy(max, X, n * sizeof *max);
    for (size_t i = 1; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float x = X[i * n + j];
            min[j] = x < min[j] ? x : min[j];
            max[j] = x > max[j] ? x : max[j];
        }
}

/* Around the mean of a pass before: one pass with squares alone cancels. */
KERNEL static void columns_spread(const float *X, size_t m, size_t n,
                                  const double *restrict sum, double *restrict squares) {
    double rows = (double)m;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double distance = (double)X[i * n + j] - sum[j] / rows;
            squares[j] += distance * distance;
        }
}

static bool columns_new(struct columns *c, size_t n) {
    *c = (struct columns){
        .sum = memory_new(n, sizeof *c->sum),
        .squares = memory_new(n, sizeof *c->squares),
        .min = memory_new(n, sizeof *c->min),
        .max = memory_new(n, sizeof *c->max),
    };
    return c->sum && c->squares && c->min && c->max;
}

static void columns_free(struct columns *c) {
    free(c->sum);
    free(c->squares);
    free(c->min);
    free(c->max);
}

static bool columns_use(struct transform *t, const struct columns *c, size_t m,
                        const unsigned char *scaled, struct err *e) {
    for (size_t j = 0; j < t->columns_n; j++) {
        if (scaled && !scaled[j]) {
            t->scale[j] = 1.0f; /* the offset is 0 from the start */
            continue;
        }
        double low = c->min[j], high = c->max[j], rows = (double)m;
        bool standard = t->kind == NORMALIZE_STANDARD;
        double width = standard ? sqrt(c->squares[j] / rows) : high - low;
        bool constant = low == high;
        t->offset[j] = (float)(standard && !constant ? c->sum[j] / rows : low);
        t->scale[j] = constant ? 1.0f : (float)(1.0 / width);
        if (!isnormal(t->scale[j]))
            return err_set(e, ERR_RANGE, NULL,
                           "column %zu cannot be scaled: its values spread over %g", j,
                           width);
    }
    return true;
}

bool transform_learn(struct transform *t, enum normalize kind, const float *X, size_t m,
                     size_t n, struct err *e) {
    return transform_learn_some(t, kind, X, m, n, NULL, e);
}

bool transform_learn_some(struct transform *t, enum normalize kind, const float *X,
                          size_t m, size_t n, const unsigned char *scaled,
                          struct err *e) {
    *t = (struct transform){.kind = kind, .columns_n = n};
    if (kind == NORMALIZE_NONE || !m)
        return true;
    struct columns c;
    t->offset = memory_new(n, sizeof *t->offset);
    t->scale = memory_new(n, sizeof *t->scale);
    bool ok = columns_new(&c, n) && t->offset && t->scale;
    if (!ok) {
        err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the scaling of %zu columns",
                n);
    } else {
        columns_bound(X, m, n, c.min, c.max);
        if (kind == NORMALIZE_STANDARD) {
            columns_sum(X, m, n, c.sum);
            columns_spread(X, m, n, c.sum, c.squares);
        }
        ok = columns_use(t, &c, m, scaled, e);
    }
    columns_free(&c);
    if (!ok)
        transform_free(t);
    return ok;
}

KERNEL static void scale_rows(const float *X, const float *offset, const float *scale,
                              size_t m, size_t n, float *out) {
    for (size_t i = 0; i < m; i++) {
        KERNEL_LOOP
        for (size_t j = 0; j < n; j++)
            out[i * n + j] = (X[i * n + j] - offset[j]) * scale[j];
    }
}

void transform_apply(const struct transform *t, const float *X, size_t m, float *out) {
    if (t->scale)
        scale_rows(X, t->offset, t->scale, m, t->columns_n, out);
    else if (out != X)
        memcpy(out, X, m * t->columns_n * sizeof *out);
}

void transform_free(struct transform *t) {
    free(t->offset);
    free(t->scale);
    *t = (struct transform){.kind = NORMALIZE_NONE};
}
