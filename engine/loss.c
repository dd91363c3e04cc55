#include "engine/loss.h"

#include <math.h>
#include <string.h>

#include "engine/kernel.h"

/* Elements between two additions to a sum: their losses fit the nearest cache. */
enum { CHUNK = 512, SUMS_N = 8 };

/* In double, by several sums side by side so that they fill a vector; always in the same
 * order. */
KERNEL static double chunk_sum(const float *losses, size_t n) {
    double sums[SUMS_N] = {0};
    size_t i = 0;
    for (; i + SUMS_N <= n; i += SUMS_N)
        for (size_t j = 0; j < SUMS_N; j++)
            sums[j] += (double)losses[i + j];
    for (size_t j = 0; i < n; i++, j++)
        sums[j] += (double)losses[i];
    double total = 0;
    for (size_t j = 0; j < SUMS_N; j++)
        total += sums[j];
    return total;
}

/* The weights of elements first..first+n-1, of which each sample has k. */
static void weights_spread(const float *weights, size_t first, size_t n, size_t k,
                           float *spread) {
    size_t row = first / k, next = (row + 1) * k - first;
    for (size_t i = 0; i < n; i++) {
        if (i == next) {
            row++;
            next += k;
        }
        spread[i] = weights[row];
    }
}

KERNEL static void scale(float *x, const float *weights, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] *= weights[i];
}

/* log(1+e^-|z|) + |z| times the share of the class that z speaks against: the textbook's
 * formula with the logarithms of the sigmoid written out. */
KERNEL static void binary_chunk(float *Z, const float *Y, float *losses, size_t n) {
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++) {
        float z = Z[i], y = Y[i];
        float e = kernel_exp(z < 0.0f ? z : -z);
        float a = (z < 0.0f ? e : 1.0f) / (1.0f + e);
        float against = z < 0.0f ? -y : 1.0f - y;
        losses[i] = against * z + kernel_log1p(e);
        Z[i] = a - y;
    }
}

static double binary_fuse(float *Z, struct targets targets, size_t n, size_t k) {
    float losses[CHUNK], weights[CHUNK];
    double sum = 0;
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t part = n - i < CHUNK ? n - i : CHUNK;
        binary_chunk(Z + i, targets.values + i, losses, part);
        if (targets.weights) {
            weights_spread(targets.weights, i, part, k, weights);
            scale(losses, weights, part);
            scale(Z + i, weights, part);
        }
        sum += chunk_sum(losses, part);
    }
    return sum;
}

/* Rows of Z become p - y. The loss of a row is gap + log(1 + rest), with gap how far its
 * class's z lies under the row's maximum, and 1 + rest the sum of e^(z - max): the
 * class's own e is kept out of the sum, so that a confident right answer still has
 * digits. */
KERNEL static void cross_rows(float *Z, const int32_t *classes, float *gaps, float *rests,
                              size_t m, size_t k) {
    for (size_t i = 0; i < m; i++) {
        float *z = Z + i * k, max = z[0];
        for (size_t j = 1; j < k; j++)
            max = max < z[j] ? z[j] : max;
        for (size_t j = 0; j < k; j++)
            z[j] -= max;
        gaps[i] = -z[classes[i]];
    }
    for (size_t i = 0; i < m * k; i++)
        Z[i] = kernel_exp(Z[i]);
    for (size_t i = 0; i < m; i++) {
        float *z = Z + i * k, own = z[classes[i]], others = 0.0f;
        z[classes[i]] = 0.0f;
        for (size_t j = 0; j < k; j++)
            others += z[j];
        float sum = own + others;
        for (size_t j = 0; j < k; j++)
            z[j] /= sum;
        z[classes[i]] = -others / sum;
        rests[i] = others + (own - 1.0f);
    }
}

KERNEL static void cross_losses(float *gaps, const float *rests, size_t m) {
    for (size_t i = 0; i < m; i++)
        gaps[i] += kernel_log1p(rests[i] < 0.0f ? 0.0f : rests[i]);
}

KERNEL static void rows_scale(float *Z, const float *weights, size_t m, size_t k) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < k; j++)
            Z[i * k + j] *= weights[i];
}

static double cross_fuse(float *Z, struct targets targets, size_t m, size_t k) {
    float losses[CHUNK], rests[CHUNK];
    /* Rows whose floats stay in the nearest cache between the three loops. */
    size_t rows = k < 8 ? CHUNK : k < 8 * CHUNK ? 8 * CHUNK / k : 1;
    double sum = 0;
    for (size_t i = 0; i < m; i += rows) {
        size_t part = m - i < rows ? m - i : rows;
        cross_rows(Z + i * k, targets.classes + i, losses, rests, part, k);
        cross_losses(losses, rests, part);
        if (targets.weights) {
            scale(losses, targets.weights + i, part);
            rows_scale(Z + i * k, targets.weights + i, part, k);
        }
        sum += chunk_sum(losses, part);
    }
    return sum;
}

KERNEL static void errors_chunk(const float *A, const float *Y, float *errors, size_t n) {
    for (size_t i = 0; i < n; i++)
        errors[i] = A[i] - Y[i];
}

/* In double, where the square of a large error is still finite. */
KERNEL static double squares_sum(const float *errors, size_t n) {
    double sums[SUMS_N] = {0};
    size_t i = 0;
    for (; i + SUMS_N <= n; i += SUMS_N)
        for (size_t j = 0; j < SUMS_N; j++)
            sums[j] += (double)errors[i + j] * (double)errors[i + j];
    for (size_t j = 0; i < n; i++, j++)
        sums[j] += (double)errors[i] * (double)errors[i];
    double total = 0;
    for (size_t j = 0; j < SUMS_N; j++)
        total += sums[j];
    return total;
}

KERNEL static double weighted_squares_sum(const float *errors, const float *weights,
                                          size_t n) {
    double sums[SUMS_N] = {0};
    for (size_t i = 0; i < n; i++)
        sums[i % SUMS_N] += (double)weights[i] * ((double)errors[i] * (double)errors[i]);
    double total = 0;
    for (size_t j = 0; j < SUMS_N; j++)
        total += sums[j];
    return total;
}

struct output {
    enum activation activation;
    float slope;
};

static double mse_fuse(struct output output, float *Z, struct targets targets, size_t n,
                       size_t k) {
    float errors[CHUNK], weights[CHUNK];
    double sum = 0;
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t part = n - i < CHUNK ? n - i : CHUNK;
        activation_apply(output.activation, output.slope, Z + i, 1, part);
        errors_chunk(Z + i, targets.values + i, errors, part);
        if (targets.weights) {
            weights_spread(targets.weights, i, part, k, weights);
            sum += weighted_squares_sum(errors, weights, part) / 2;
            scale(errors, weights, part);
        } else {
            sum += squares_sum(errors, part) / 2;
        }
        activation_backward(output.activation, output.slope, Z + i, errors, 1, part);
        memcpy(Z + i, errors, part * sizeof *errors);
    }
    return sum;
}

static const char *const names[LOSSES_N] = {
    [LOSS_BINARY_CROSS_ENTROPY] = "binary_cross_entropy",
    [LOSS_CROSS_ENTROPY] = "cross_entropy",
    [LOSS_MSE] = "mse",
};

const char *loss_name(enum loss loss) {
    return names[loss];
}

bool loss_find(const char *name, enum loss *loss) {
    for (int i = 0; i < LOSSES_N; i++)
        if (strcmp(names[i], name) == 0) {
            *loss = (enum loss)i;
            return true;
        }
    return false;
}

bool loss_fits(enum loss loss, enum activation g) {
    switch (loss) {
    case LOSS_BINARY_CROSS_ENTROPY:
        return g == ACTIVATION_SIGMOID;
    case LOSS_CROSS_ENTROPY:
        return g == ACTIVATION_SOFTMAX;
    default:
        return g < ACTIVATION_SOFTMAX;
    }
}

struct targets targets_from(struct targets t, size_t row, size_t k) {
    return (struct targets){
        .values = t.values ? t.values + row * k : NULL,
        .classes = t.classes ? t.classes + row : NULL,
        .weights = t.weights ? t.weights + row : NULL,
    };
}

double loss_fuse(enum loss loss, enum activation g, float slope, float *Z,
                 struct targets targets, size_t m, size_t k) {
    switch (loss) {
    case LOSS_BINARY_CROSS_ENTROPY:
        return binary_fuse(Z, targets, m * k, k);
    case LOSS_CROSS_ENTROPY:
        return cross_fuse(Z, targets, m, k);
    default:
        return mse_fuse((struct output){g, slope}, Z, targets, m * k, k);
    }
}
