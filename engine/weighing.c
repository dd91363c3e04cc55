#include "engine/weighing.h"

#include <stdlib.h>

#include "engine/memory.h"

static size_t class_of(const struct targets *t, size_t i) {
    return t->classes ? (size_t)t->classes[i] : t->values[i] != 0;
}

float *weighing_new(struct targets targets, size_t m, const float *by_class, size_t k,
                    struct err *e) {
    size_t *counts = memory_new(k, sizeof *counts);
    double *each = memory_new(k, sizeof *each), sum = 0;
    float *weights = memory_new(m, sizeof *weights);
    bool ok = counts && each && weights;
    if (!ok)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the weights of %zu samples", m);
    for (size_t i = 0; ok && i < m; i++)
        counts[class_of(&targets, i)]++;
    for (size_t c = 0; ok && c < k; c++) {
        double n = (double)counts[c];
        each[c] = by_class ? (double)by_class[c] : counts[c] ? 1 / n : 0;
        sum += each[c] * n;
    }
    if (ok && !(sum > 0))
        ok = err_set(e, ERR_INVALID, NULL, "every sample is of a class of weight 0");
    for (size_t i = 0; ok && i < m; i++)
        weights[i] = (float)(each[class_of(&targets, i)] / sum * (double)m);
    free(counts);
    free(each);
    if (ok)
        return weights;
    free(weights);
    return NULL;
}
