/* How good predictions are, by the definitions of scikit-learn 1.2's sklearn.metrics.
 *
 * Pure; sums in double. Not defined is NaN (ROC AUC with one class, R2 of a constant). */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

enum { METRICS_CONFUSION_MAX = 1024 }; /* classes; of more there is no confusion matrix */

/* Of a classification into k >= 2 classes. */
struct class_metrics {
    double accuracy;
    /* k = 2: of class 1; more: the macro mean over the classes that are a truth or a
     * prediction anywhere. 0/0 is 0. */
    double precision, recall, f1;
    /* k = 2: of class 1 (ties count half); more: one-vs-rest, macro; NaN unless each
     * class is the truth of a row. */
    double roc_auc;
    double log_loss; /* probabilities clipped to [eps, 1-eps] of float64, renormalised */
    uint64_t *confusion; /* (k,k): row the true class, column the predicted; NULL over
                            METRICS_CONFUSION_MAX; owned */
    size_t k;
};

/* P (m,k) probabilities (a row sums to 1), classes (m) in 0..k-1. The predicted class is
 * the largest probability, the first of equals. false with ERR_NO_MEMORY.
 * free(confusion). */
bool metrics_classes(const float *P, const int32_t *classes, size_t m, size_t k,
                     struct class_metrics *out, struct err *e)
    __attribute__((warn_unused_result));

/* Of a regression with k outputs: each is the mean over the outputs of the output's own.
 * So rmse is the root of mse for k = 1 alone; R2 is NaN when one output's targets are
 * equal. */
struct value_metrics {
    double mse, rmse, mae, r2;
};
void metrics_values(const float *Y, const float *targets, size_t m, size_t k,
                    struct value_metrics *out);

#endif
