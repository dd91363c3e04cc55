/* Scaling of the input columns, learnt from the training rows and kept in the model:
 * x' = (x - offset) * scale.
 *
 *   standard  offset = mean, scale = 1 / standard deviation (divided by m)
 *   minmax    offset = min,  scale = 1 / (max - min)
 * A constant column has scale 1. Learnt in double, one pass each. */
#ifndef ENGINE_TRANSFORM_H
#define ENGINE_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

enum normalize { NORMALIZE_NONE, NORMALIZE_STANDARD, NORMALIZE_MINMAX, NORMALIZES_N };

struct transform {
    enum normalize kind;
    size_t columns_n;
    float *offset; /* (columns_n), NULL for none; owned */
    float *scale;  /* (columns_n), NULL for none; owned */
};

const char *normalize_name(enum normalize kind);

/* Learns from X (m,n), all finite. false with ERR_NO_MEMORY, or ERR_RANGE where a scale
 * leaves float32. Free with transform_free. */
bool transform_learn(struct transform *t, enum normalize kind, const float *X, size_t m,
                     size_t n, struct err *e) __attribute__((warn_unused_result));

/* The same for some columns: those where scaled (n) is 0 keep offset 0 and scale 1, which
 * leaves each value as it is. NULL: all are scaled. */
bool transform_learn_some(struct transform *t, enum normalize kind, const float *X,
                          size_t m, size_t n, const unsigned char *scaled, struct err *e)
    __attribute__((warn_unused_result));

/* out (m,n) = the transformed X (m,n); out may be X itself. */
void transform_apply(const struct transform *t, const float *X, size_t m, float *out);

void transform_free(struct transform *t);

#endif
