/* The naive twin of the net in double: sample by sample, as the formulas are written. The
 * tests' oracle for forward and backward propagation and for the losses. */
#ifndef TESTS_ENGINE_TWIN_H
#define TESTS_ENGINE_TWIN_H

#include <math.h>

#include "engine/loss.h"
#include "engine/net.h"

enum { TWIN_UNITS_MAX = 128 };

static inline double twin_activation(enum activation g, double slope, double z) {
    switch (g) {
    case ACTIVATION_SIGMOID:
        return z < 0 ? exp(z) / (1 + exp(z)) : 1 / (1 + exp(-z));
    case ACTIVATION_TANH:
        return tanh(z);
    case ACTIVATION_RELU:
        return z > 0 ? z : 0;
    case ACTIVATION_LEAKY_RELU:
        return z > 0 ? z : slope * z;
    default:
        return z;
    }
}

static inline double twin_derivative(enum activation g, double slope, double z) {
    double a = twin_activation(g, slope, z);
    switch (g) {
    case ACTIVATION_SIGMOID:
        return a * (1 - a);
    case ACTIVATION_TANH:
        return 1 - a * a;
    case ACTIVATION_RELU:
        return z > 0 ? 1 : 0;
    case ACTIVATION_LEAKY_RELU:
        return z > 0 ? 1 : slope;
    default:
        return 1;
    }
}

/* What stands at the end of a net: `k` outputs. */
struct twin_output {
    enum loss loss;
    enum activation activation;
    double slope;
    size_t k;
};

static inline double twin_log_sum(const double *z, size_t k) {
    double max = -INFINITY, sum = 0;
    for (size_t j = 0; j < k; j++)
        max = fmax(max, z[j]);
    for (size_t j = 0; j < k; j++)
        sum += exp(z[j] - max);
    return max + log(sum);
}

static inline double twin_weight(struct targets target) {
    return target.weights ? (double)target.weights[0] : 1;
}

/* The loss of one sample from its z (k), times its weight. */
static inline double twin_loss(const struct twin_output *output, const double *z,
                               struct targets target) {
    double sum = 0;
    if (output->loss == LOSS_CROSS_ENTROPY)
        return twin_weight(target) * (twin_log_sum(z, output->k) - z[target.classes[0]]);
    for (size_t j = 0; j < output->k; j++) {
        double y = (double)target.values[j];
        double a = twin_activation(output->activation, output->slope, z[j]);
        if (output->loss == LOSS_MSE)
            sum += (a - y) * (a - y) / 2;
        else /* -y log a - (1-y) log(1-a), with the logarithms of a sigmoid */
            sum += y * log1p(exp(-z[j])) + (1 - y) * (z[j] + log1p(exp(-z[j])));
    }
    return twin_weight(target) * sum;
}

/* dL/dz[j] of one sample, times its weight. */
static inline double twin_loss_slope(const struct twin_output *output, const double *z,
                                     struct targets target, size_t j) {
    if (output->loss == LOSS_CROSS_ENTROPY)
        return twin_weight(target) * (exp(z[j] - twin_log_sum(z, output->k)) -
                                      ((size_t)target.classes[0] == j ? 1 : 0));
    double a = twin_activation(output->activation, output->slope, z[j]);
    double error = twin_weight(target) * (a - (double)target.values[j]);
    if (output->loss == LOSS_BINARY_CROSS_ENTROPY)
        return error;
    return error * twin_derivative(output->activation, output->slope, z[j]);
}

/* z (n[L]) of the output layer for one sample x, with `params` (block_n) in double. */
static inline void twin_forward(const struct net *net, const double *params,
                                const float *x, double *z) {
    double a[TWIN_UNITS_MAX];
    for (size_t j = 0; j < net->inputs_n; j++)
        a[j] = (double)x[j];
    for (size_t l = 0; l < net->layers_n; l++) {
        const struct layer *layer = &net->layers[l];
        for (size_t i = 0; i < layer->shape.units_n; i++) {
            z[i] = params[layer->biases_at + i];
            for (size_t j = 0; j < layer->inputs_n; j++)
                z[i] += params[layer->weights_at + i * layer->inputs_n + j] * a[j];
        }
        for (size_t i = 0; i < layer->shape.units_n; i++)
            a[i] = twin_activation(layer->shape.activation,
                                   (double)layer->shape.negative_slope, z[i]);
    }
}

static inline struct twin_output twin_output_of(const struct net *net, enum loss loss) {
    const struct layer_shape *shape = &net->layers[net->layers_n - 1].shape;
    return (struct twin_output){loss, shape->activation, (double)shape->negative_slope,
                                shape->units_n};
}

/* The sum of the losses of m samples. */
static inline double twin_cost(const struct net *net, const double *params,
                               enum loss loss, const float *X, struct targets targets,
                               size_t m) {
    struct twin_output output = twin_output_of(net, loss);
    double sum = 0, z[TWIN_UNITS_MAX];
    for (size_t i = 0; i < m; i++) {
        twin_forward(net, params, X + i * net->inputs_n, z);
        sum += twin_loss(&output, z, targets_from(targets, i, output.k));
    }
    return sum;
}

#endif
