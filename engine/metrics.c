#include "engine/metrics.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"

/* What is counted of each class, so that a sum over the classes is one pass over k. */
struct count {
    uint64_t actual, predicted, both;
};

static size_t row_largest(const float *p, size_t k) {
    size_t largest = 0;
    for (size_t c = 1; c < k; c++)
        if (p[c] > p[largest])
            largest = c;
    return largest;
}

/* -log p[of] of a row as float64: clipped first, then made to sum to 1. */
static double row_log_loss(const float *p, size_t k, size_t of) {
    const double least = DBL_EPSILON, most = 1 - DBL_EPSILON;
    double sum = 0, own = 0;
    for (size_t c = 0; c < k; c++) {
        double clipped = (double)p[c];
        clipped = clipped < least ? least : clipped > most ? most : clipped;
        sum += clipped;
        if (c == of)
            own = clipped;
    }
    return -log(own / sum);
}

static double ratio(double part, double whole) {
    return whole != 0 ? part / whole : 0;
}

/* Adds precision, recall and F1 of one class. */
static void scores_add(const struct count *n, struct class_metrics *out) {
    double precision = ratio((double)n->both, (double)n->predicted);
    double recall = ratio((double)n->both, (double)n->actual);
    out->precision += precision;
    out->recall += recall;
    out->f1 += ratio(2 * precision * recall, precision + recall);
}

/* The macro mean is over the classes that are a truth or a prediction anywhere. */
static void scores_use(const struct count *counts, size_t k, struct class_metrics *out) {
    if (k == 2) {
        scores_add(&counts[1], out);
        return;
    }
    double present = 0;
    for (size_t c = 0; c < k; c++)
        if (counts[c].actual || counts[c].predicted) {
            scores_add(&counts[c], out);
            present++;
        }
    out->precision = ratio(out->precision, present);
    out->recall = ratio(out->recall, present);
    out->f1 = ratio(out->f1, present);
}

/* A score in the upper half, whose order as an integer is its order as a float (of either
 * sign, the two zeros alike); whether it is of the class in the lowest bit. */
static uint64_t score_pack(float score, bool positive) {
    uint32_t bits;
    score += 0.0f;
    memcpy(&bits, &score, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
    return (uint64_t)bits << 32 | positive;
}

static int packed_compare(const void *a, const void *b) {
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* The probability that a row of the class scores above one that is not (equal: one half),
 * which is the area under the ROC curve (Hanley and McNeil 1982). NaN without rows of
 * both sorts, or when a score is NaN. `sorted` is scratch (m). */
static double roc_auc(const float *P, const int32_t *classes, size_t m, size_t k,
                      size_t of, uint64_t *sorted) {
    for (size_t i = 0; i < m; i++) {
        float score = P[i * k + of];
        if (isnan(score))
            return (double)NAN;
        sorted[i] = score_pack(score, (size_t)classes[i] == of);
    }
    qsort(sorted, m, sizeof *sorted, packed_compare);
    double above = 0, positives = 0, negatives = 0;
    for (size_t i = 0; i < m;) {
        double here[2] = {0, 0};
        uint64_t score = sorted[i] >> 32;
        for (; i < m && sorted[i] >> 32 == score; i++)
            here[sorted[i] & 1]++;
        above += here[1] * (negatives + here[0] / 2);
        positives += here[1];
        negatives += here[0];
    }
    return above / (positives * negatives); /* 0/0 where there are no pairs */
}

/* The macro mean; NaN as soon as one class's is. */
static double roc_auc_mean(const float *P, const int32_t *classes, size_t m, size_t k,
                           uint64_t *sorted) {
    if (k == 2)
        return roc_auc(P, classes, m, k, 1, sorted);
    double sum = 0;
    for (size_t c = 0; c < k && !isnan(sum); c++)
        sum += roc_auc(P, classes, m, k, c, sorted);
    return sum / (double)k;
}

static void rows_count(const float *P, const int32_t *classes, size_t m, size_t k,
                       struct count *counts, struct class_metrics *out) {
    double correct = 0, loss = 0;
    for (size_t i = 0; i < m; i++) {
        assert(classes[i] >= 0 && (size_t)classes[i] < k);
        size_t actual = (size_t)classes[i], predicted = row_largest(P + i * k, k);
        counts[actual].actual++;
        counts[predicted].predicted++;
        if (actual == predicted) {
            counts[actual].both++;
            correct++;
        }
        if (out->confusion)
            out->confusion[actual * k + predicted]++;
        loss += row_log_loss(P + i * k, k, actual);
    }
    out->accuracy = correct / (double)m;
    out->log_loss = loss / (double)m;
}

bool metrics_classes(const float *P, const int32_t *classes, size_t m, size_t k,
                     struct class_metrics *out, struct err *e) {
    *out = (struct class_metrics){.k = k};
    assert(k >= 2);
    bool confused = k <= METRICS_CONFUSION_MAX;
    struct count *counts = memory_new(k, sizeof *counts);
    uint64_t *sorted = memory_new(m, sizeof *sorted);
    if (confused)
        out->confusion = memory_new(k * k, sizeof *out->confusion);
    bool ok = counts && sorted && (out->confusion || !confused);
    if (!ok) {
        err_set(e, ERR_NO_MEMORY, NULL,
                "out of memory for the metrics of %zu rows and %zu classes", m, k);
        free(out->confusion);
        out->confusion = NULL;
    } else {
        rows_count(P, classes, m, k, counts, out);
        scores_use(counts, k, out);
        out->roc_auc = roc_auc_mean(P, classes, m, k, sorted);
    }
    free(counts);
    free(sorted);
    return ok;
}

/* What one output's column gives: sums over its m rows. */
struct output {
    double squares, distances; /* of the predictions from the targets */
    double spread;             /* squares of the targets from their mean */
    bool constant;             /* all targets are equal */
};

static struct output output_sum(const float *Y, const float *targets, size_t m,
                                size_t k) {
    struct output sums = {.constant = true};
    double mean = 0;
    for (size_t i = 0; i < m; i++)
        mean += (double)targets[i * k] / (double)m;
    for (size_t i = 0; i < m; i++) {
        double target = (double)targets[i * k];
        double distance = (double)Y[i * k] - target;
        sums.squares += distance * distance;
        sums.distances += fabs(distance);
        sums.spread += (target - mean) * (target - mean);
        sums.constant = sums.constant && targets[i * k] == targets[0];
    }
    return sums;
}

void metrics_values(const float *Y, const float *targets, size_t m, size_t k,
                    struct value_metrics *out) {
    *out = (struct value_metrics){.mse = 0};
    double rows = (double)m, outputs = (double)k;
    for (size_t j = 0; j < k; j++) {
        struct output sums = output_sum(Y + j, targets + j, m, k);
        out->mse += sums.squares / rows / outputs;
        out->rmse += sqrt(sums.squares / rows) / outputs;
        out->mae += sums.distances / rows / outputs;
        out->r2 +=
            sums.constant ? (double)NAN : (1 - sums.squares / sums.spread) / outputs;
    }
}
