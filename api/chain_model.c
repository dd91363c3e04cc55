/* What the outputs of an imported network mean. */
#include "api/chain.h"

#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"

static bool labels_count(struct labels *out, size_t n, struct err *e) {
    *out = (struct labels){.kind = LABEL_NUMBER, .numbers = calloc(n, sizeof(double))};
    if (!out->numbers)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu labels", n);
    out->n = n;
    for (size_t i = 0; i < n; i++)
        out->numbers[i] = (double)i;
    return true;
}

static bool labels_copy(struct labels *out, const struct labels *from, struct err *e) {
    bool texts = from->kind == LABEL_STRING;
    *out = (struct labels){.kind = from->kind};
    out->numbers = texts ? NULL : calloc(from->n, sizeof(double));
    out->strings = texts ? calloc(from->n, sizeof(char *)) : NULL;
    bool ok = out->numbers || out->strings;
    out->n = ok ? from->n : 0;
    for (size_t i = 0; ok && i < from->n; i++)
        if (texts)
            ok = (out->strings[i] = strdup(from->strings[i]));
        else
            out->numbers[i] = from->numbers[i];
    return ok || err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu labels", from->n);
}

static bool task_find_out(struct model *parts, const struct labels *labels,
                          struct err *e) {
    const struct net *net = parts->net;
    enum activation g = net->layers[net->layers_n - 1].shape.activation;
    size_t classes = 0;
    parts->task = TASK_REGRESSION;
    parts->loss = LOSS_MSE;
    if (g == ACTIVATION_SOFTMAX) {
        parts->task = TASK_MULTI_CLASS;
        parts->loss = LOSS_CROSS_ENTROPY;
        classes = net->outputs_n;
    } else if (g == ACTIVATION_SIGMOID) {
        parts->task = net->outputs_n == 1 ? TASK_BINARY : TASK_MULTI_LABEL;
        parts->loss = LOSS_BINARY_CROSS_ENTROPY;
        classes = net->outputs_n == 1 ? 2 : 0;
    }
    if (labels && labels->n) {
        if (labels->n != classes)
            return err_set(e, ERR_INVALID, NULL,
                           "%zu labels, but the output layer (%zu units, %s) tells %zu "
                           "classes apart",
                           labels->n, net->outputs_n, activation_name(g), classes);
        return labels_copy(&parts->labels, labels, e);
    }
    return !classes || labels_count(&parts->labels, classes, e);
}

struct model *chain_model(struct model *parts, const struct labels *labels,
                          struct err *e) {
    struct model *model = task_find_out(parts, labels, e) ? model_new(parts, e) : NULL;
    if (!model) {
        net_free(parts->net);
        encoder_free(&parts->encoder);
        transform_free(&parts->transform);
        labels_free(&parts->labels);
        *parts = (struct model){.net = NULL};
    }
    return model;
}
