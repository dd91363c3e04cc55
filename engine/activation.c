#include "engine/activation.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "engine/kernel.h"

/* A softmax works on this many floats at a time, or on one row where that is wider. */
enum { SOFTMAX_CHUNK = 4096 };

/* 1/(1+e^-z): e^-|z| cannot overflow, and e/(1+e) keeps the digits of a small result. */
KERNEL static void sigmoid_apply(float slope, float *Z, size_t n) {
    (void)slope;
    for (size_t i = 0; i < n; i++) {
        float z = Z[i];
        float e = kernel_exp(z < 0.0f ? z : -z);
        Z[i] = (z < 0.0f ? e : 1.0f) / (1.0f + e);
    }
}

KERNEL static void sigmoid_backward(float slope, const float *A, float *dA, size_t n) {
    (void)slope;
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        dA[i] *= A[i] * (1.0f - A[i]);
}

/* Near 0, where 1 - e^-2|z| would lose digits, z + z^3 p(z^2) with a minimax p. */
KERNEL static void tanh_apply(float slope, float *Z, size_t n) {
    (void)slope;
    for (size_t i = 0; i < n; i++) {
        float z = Z[i], size = z < 0.0f ? -z : z, square = z * z;
        float p = -5.7049868e-3f;
        p = p * square + 2.0639087e-2f;
        p = p * square - 5.3739715e-2f;
        p = p * square + 1.3331442e-1f;
        p = p * square - 3.3333282e-1f;
        float near = p * square * z + z;
        float e = kernel_exp(-2.0f * size);
        float far = (1.0f - e) / (1.0f + e);
        far = z < 0.0f ? -far : far;
        Z[i] = size < 0.625f ? near : far;
    }
}

KERNEL static void tanh_backward(float slope, const float *A, float *dA, size_t n) {
    (void)slope;
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        dA[i] *= (1.0f - A[i]) * (1.0f + A[i]);
}

/* The comparison is false for a NaN, which thus stays one. */
KERNEL static void relu_apply(float slope, float *Z, size_t n) {
    (void)slope;
    for (size_t i = 0; i < n; i++)
        Z[i] = Z[i] <= 0.0f ? 0.0f : Z[i];
}

KERNEL static void relu_backward(float slope, const float *A, float *dA, size_t n) {
    (void)slope;
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        dA[i] = A[i] <= 0.0f ? 0.0f : dA[i];
}

KERNEL static void leaky_relu_apply(float slope, float *Z, size_t n) {
    for (size_t i = 0; i < n; i++)
        Z[i] = Z[i] <= 0.0f ? slope * Z[i] : Z[i];
}

KERNEL static void leaky_relu_backward(float slope, const float *A, float *dA, size_t n) {
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        dA[i] = A[i] <= 0.0f ? slope * dA[i] : dA[i];
}

/* Near 0, where e^z - 1 would lose digits, by its series: n is 0 there. */
KERNEL static void elu_apply(float slope, float *Z, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float z = Z[i], low = z < 0.0f ? z : z - z; /* keeps a NaN */
        float far = kernel_exp(low) - 1.0f;
        float e = low > -0.34f ? kernel_expm1_near(low) : far;
        Z[i] = z <= 0.0f ? slope * e : z;
    }
}

KERNEL static void elu_backward(float slope, const float *A, float *dA, size_t n) {
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        dA[i] = A[i] <= 0.0f ? (A[i] + slope) * dA[i] : dA[i];
}

/* log(1 + e^z) = max(z, 0) + log(1 + e^-|z|) */
KERNEL static void softplus_apply(float slope, float *Z, size_t n) {
    (void)slope;
    for (size_t i = 0; i < n; i++) {
        float z = Z[i];
        float rest = kernel_log1p(kernel_exp(z < 0.0f ? z : -z));
        Z[i] = (z <= 0.0f ? 0.0f : z) + rest;
    }
}

/* sigmoid(z) = 1 - e^-a */
KERNEL static void softplus_backward(float slope, const float *A, float *dA, size_t n) {
    (void)slope;
    for (size_t i = 0; i < n; i++) {
        float near = -kernel_expm1_near(-A[i]), far = 1.0f - kernel_exp(-A[i]);
        dA[i] *= A[i] < 0.34f ? near : far;
    }
}

static void linear_apply(float slope, float *Z, size_t n) {
    (void)slope, (void)Z, (void)n;
}

static void linear_backward(float slope, const float *A, float *dA, size_t n) {
    (void)slope, (void)A, (void)dA, (void)n;
}

/* Each row less its maximum; e^z cannot overflow then. Three loops, so that the middle
 * one is long enough for vectors however narrow the rows are. */
KERNEL static void softmax_rows(float *Z, size_t m, size_t n) {
    for (size_t i = 0; i < m; i++) {
        float *z = Z + i * n, max = z[0];
        for (size_t j = 1; j < n; j++)
            max = max < z[j] ? z[j] : max;
        for (size_t j = 0; j < n; j++)
            z[j] -= max;
    }
    for (size_t i = 0; i < m * n; i++)
        Z[i] = kernel_exp(Z[i]);
    for (size_t i = 0; i < m; i++) {
        float *z = Z + i * n, sum = 0.0f;
        for (size_t j = 0; j < n; j++)
            sum += z[j];
        for (size_t j = 0; j < n; j++)
            z[j] /= sum;
    }
}

static void softmax_apply(float *Z, size_t m, size_t n) {
    size_t rows = n < SOFTMAX_CHUNK ? SOFTMAX_CHUNK / n : 1;
    for (size_t i = 0; i < m; i += rows)
        softmax_rows(Z + i * n, m - i < rows ? m - i : rows, n);
}

/* z - max - log(sum of e^(z - max)), the sum in double: the log is of one number a row.
 */
static void log_softmax_apply(float *Z, size_t m, size_t n) {
    for (size_t i = 0; i < m; i++) {
        float *z = Z + i * n, max = z[0];
        double sum = 0;
        for (size_t j = 1; j < n; j++)
            max = max < z[j] ? z[j] : max;
        for (size_t j = 0; j < n; j++)
            sum += exp((double)z[j] - (double)max);
        double rest = (double)max + log(sum);
        for (size_t j = 0; j < n; j++)
            z[j] = (float)((double)z[j] - rest);
    }
}

static const struct {
    const char *name;
    void (*apply)(float slope, float *Z, size_t n);
    void (*backward)(float slope, const float *A, float *dA, size_t n);
} activations[ACTIVATIONS_N] = {
    [ACTIVATION_LINEAR] = {"linear", linear_apply, linear_backward},
    [ACTIVATION_SIGMOID] = {"sigmoid", sigmoid_apply, sigmoid_backward},
    [ACTIVATION_TANH] = {"tanh", tanh_apply, tanh_backward},
    [ACTIVATION_RELU] = {"relu", relu_apply, relu_backward},
    [ACTIVATION_LEAKY_RELU] = {"leaky_relu", leaky_relu_apply, leaky_relu_backward},
    [ACTIVATION_SOFTMAX] = {"softmax", NULL, NULL}, /* by rows */
    [ACTIVATION_ELU] = {"elu", elu_apply, elu_backward},
    [ACTIVATION_SOFTPLUS] = {"softplus", softplus_apply, softplus_backward},
    [ACTIVATION_LOG_SOFTMAX] = {"log_softmax", NULL, NULL},
};

bool activation_by_rows(enum activation g) {
    return !activations[g].apply;
}

const char *activation_name(enum activation g) {
    return activations[g].name;
}

bool activation_find(const char *name, enum activation *g) {
    for (int i = 0; i < ACTIVATIONS_N; i++)
        if (strcmp(activations[i].name, name) == 0) {
            *g = (enum activation)i;
            return true;
        }
    return false;
}

void activation_apply(enum activation g, float slope, float *Z, size_t m, size_t n) {
    if (g == ACTIVATION_SOFTMAX)
        softmax_apply(Z, m, n);
    else if (g == ACTIVATION_LOG_SOFTMAX)
        log_softmax_apply(Z, m, n);
    else
        activations[g].apply(slope, Z, m * n);
}

void activation_backward(enum activation g, float slope, const float *A, float *dA,
                         size_t m, size_t n) {
    assert(!activation_by_rows(g));
    activations[g].backward(slope, A, dA, m * n);
}
