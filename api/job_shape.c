/* What a job's document says of the network: layers, or the short forms. */
#include "api/job_internal.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Canonical names first. */
const struct json_choice job_activations[] = {
    {"linear", ACTIVATION_LINEAR},
    {"sigmoid", ACTIVATION_SIGMOID},
    {"tanh", ACTIVATION_TANH},
    {"relu", ACTIVATION_RELU},
    {"leaky_relu", ACTIVATION_LEAKY_RELU},
    {"softmax", ACTIVATION_SOFTMAX},
    {"logistic", ACTIVATION_SIGMOID},
    {"rectifier", ACTIVATION_RELU},
    {"identity", ACTIVATION_LINEAR},
    {"leakyrelu", ACTIVATION_LEAKY_RELU},
    /* Of imported networks: nothing trains these. */
    {"elu", ACTIVATION_ELU},
    {"softplus", ACTIVATION_SOFTPLUS},
    {"log_softmax", ACTIVATION_LOG_SOFTMAX},
};
enum { IMPORTED_N = 3 };
const size_t job_activations_n =
    sizeof job_activations / sizeof *job_activations - IMPORTED_N;

static const struct json_choice losses[] = {
    {"binary_cross_entropy", LOSS_BINARY_CROSS_ENTROPY},
    {"cross_entropy", LOSS_CROSS_ENTROPY},
    {"mse", LOSS_MSE},
    {"binary_crossentropy", LOSS_BINARY_CROSS_ENTROPY},
    {"bce", LOSS_BINARY_CROSS_ENTROPY},
    {"categorical_crossentropy", LOSS_CROSS_ENTROPY},
    {"sparse_categorical_crossentropy", LOSS_CROSS_ENTROPY},
    {"mean_squared_error", LOSS_MSE},
};
/* One hidden layer where nothing was said. */
enum { JOB_INLINE_UNITS = 16, JOB_TABLE_UNITS = 32 };

/* sklearn's name for both cross-entropies: which one follows from the targets. */
static const char log_loss[] = "log_loss";

static const struct json_choice tasks[] = {
    {"regression", TASK_REGRESSION},
    {"binary", TASK_BINARY},
    {"multi_class", TASK_MULTI_CLASS},
    {"multi_label", TASK_MULTI_LABEL},
};

/* What is asked of a layer. */
struct layer_rules {
    bool output, stored;
};

static bool layer_decode(const json_t *value, const char *path, struct layer_rules rules,
                         struct layer_shape *layer, struct err *e) {
    static const struct json_key keys[] = {{"units", "n"},
                                           {"activation", "g"},
                                           {"negative_slope", "alpha"},
                                           {"dropout", NULL}};
    struct json_slot slots[4];
    if (!job_foreign_layer_check(value, path, e) ||
        !json_match(value, keys, 4, path, slots, e))
        return false;
    if (!slots[0].value)
        return err_set(e, ERR_INVALID, slots[0].path, "is missing: how many units");
    int64_t units = 0;
    int activation = rules.output ? JOB_ACTIVATION_OPEN : ACTIVATION_RELU;
    size_t activations_n = job_activations_n + (rules.stored ? IMPORTED_N : 0);
    const struct json_bounds slopes = {.max = rules.stored ? FLT_MAX : 1,
                                       .below = !rules.stored};
    *layer = (struct layer_shape){.negative_slope = ACTIVATION_NEGATIVE_SLOPE};
    if (!json_int(&slots[0], 1, NET_UNITS_MAX, &units, e) ||
        !json_choose(&slots[1], job_activations, activations_n, &activation, e) ||
        !json_float(&slots[2], slopes, &layer->negative_slope, e) ||
        !json_float(&slots[3], job_dropout_bounds, &layer->dropout, e))
        return false;
    layer->units_n = (size_t)units;
    layer->activation = (enum activation)activation;
    if (layer->activation == ACTIVATION_SOFTMAX && !rules.output && !rules.stored)
        return err_set(e, ERR_INVALID, slots[1].path,
                       "softmax stands on the output layer only");
    if (slots[2].value && layer->activation != ACTIVATION_LEAKY_RELU &&
        layer->activation != ACTIVATION_ELU)
        return err_set(e, ERR_INVALID, slots[2].path, "belongs to leaky_relu alone");
    if (slots[3].value && rules.output)
        return err_set(e, ERR_INVALID, slots[3].path, "belongs to hidden layers alone");
    return true;
}

static bool layers_new(size_t n, const char *path, struct job_shape *shape,
                       struct err *e) {
    if (n > NET_LAYERS_MAX)
        return err_set(e, ERR_INVALID, path, "expected at most %d layers, got %zu",
                       NET_LAYERS_MAX, n);
    shape->layers = calloc(n + 1, sizeof *shape->layers); /* room for an output layer */
    if (!shape->layers)
        return err_set(e, ERR_NO_MEMORY, path, "no memory for %zu layers", n);
    shape->layers_n = n;
    return true;
}

static bool layers_decode(const struct json_slot *slot, bool stored,
                          struct job_shape *shape, struct err *e) {
    size_t n = json_array_size(slot->value);
    if (!json_is_array(slot->value) || !n)
        return err_set(e, ERR_INVALID, slot->path, "expected an array of layers, got %s",
                       n                            ? json_kind(slot->value)
                       : json_is_array(slot->value) ? "an empty one"
                                                    : json_kind(slot->value));
    if (!layers_new(n, slot->path, shape, e))
        return false;
    shape->complete = true;
    for (size_t l = 0; l < n; l++) {
        char path[ERR_WHERE_MAX];
        json_path_index(path, slot->path, l);
        if (!layer_decode(json_array_get(slot->value, l), path,
                          (struct layer_rules){l + 1 == n, stored}, &shape->layers[l], e))
            return false;
    }
    return true;
}

/* An array of unit counts, the elements from `skip` on up to `take` of them as layers. */
static bool units_decode(const struct json_slot *slot, size_t skip, size_t take,
                         enum activation g, struct job_shape *shape, struct err *e) {
    if (!layers_new(take, slot->path, shape, e))
        return false;
    for (size_t l = 0; l < take; l++) {
        struct json_slot units = {.value = json_array_get(slot->value, l + skip)};
        json_path_index(units.path, slot->path, l + skip);
        int64_t n = 0;
        if (!json_int(&units, 1, NET_UNITS_MAX, &n, e))
            return false;
        shape->layers[l] =
            (struct layer_shape){.units_n = (size_t)n,
                                 .activation = g,
                                 .negative_slope = ACTIVATION_NEGATIVE_SLOPE};
    }
    return true;
}

static bool array_required(const struct json_slot *slot, struct err *e) {
    return json_is_array(slot->value) ||
           err_set(e, ERR_INVALID, slot->path, "expected an array of unit counts, got %s",
                   json_kind(slot->value));
}

/* layers_dims is the course's list, inputs first and outputs last. */
static bool dims_decode(const struct json_slot *slot, enum activation g,
                        struct job_shape *shape, struct err *e) {
    size_t n = json_array_size(slot->value);
    if (!array_required(slot, e))
        return false;
    if (n < 2)
        return err_set(e, ERR_INVALID, slot->path,
                       "expected inputs and outputs at least, got %zu counts", n);
    if (!units_decode(slot, 1, n - 1, g, shape, e))
        return false;
    struct json_slot first = {.value = json_array_get(slot->value, 0)};
    json_path_index(first.path, slot->path, 0);
    int64_t inputs = 0;
    if (!json_int(&first, 1, NET_UNITS_MAX, &inputs, e))
        return false;
    shape->inputs_n = (size_t)inputs;
    shape->outputs_n = shape->layers[--shape->layers_n].units_n;
    return true;
}

static bool short_form_decode(const struct json_slot *slots, bool encoded,
                              struct job_shape *shape, struct err *e) {
    const struct json_slot *hidden = &slots[KEY_HIDDEN_LAYERS];
    const struct json_slot *dims = &slots[KEY_LAYERS_DIMS];
    int g = encoded && !hidden->value && !dims->value ? ACTIVATION_TANH : ACTIVATION_RELU;
    if (!json_choose(&slots[KEY_ACTIVATION], job_activations, job_activations_n, &g, e))
        return false;
    if (g == ACTIVATION_SOFTMAX)
        return err_set(e, ERR_INVALID, slots[KEY_ACTIVATION].path,
                       "softmax stands on the output layer only");
    if (hidden->value && dims->value)
        return err_set(e, ERR_INVALID, dims->path, "give %s or %s, not both", dims->path,
                       hidden->path);
    if (dims->value)
        return dims_decode(dims, (enum activation)g, shape, e);
    if (json_array_size(hidden->value) >= NET_LAYERS_MAX)
        return err_set(e, ERR_RANGE, hidden->path,
                       "expected at most %d layers before the output layer, got %zu",
                       NET_LAYERS_MAX - 1, json_array_size(hidden->value));
    if (hidden->value)
        return array_required(hidden, e) &&
               units_decode(hidden, 0, json_array_size(hidden->value), (enum activation)g,
                            shape, e);
    if (!layers_new(1, "", shape, e))
        return false;
    shape->layers[0] =
        (struct layer_shape){.units_n = encoded ? JOB_TABLE_UNITS : JOB_INLINE_UNITS,
                             .activation = (enum activation)g,
                             .negative_slope = ACTIVATION_NEGATIVE_SLOPE};
    return true;
}

static bool loss_decode(const struct json_slot *slot, struct job_shape *shape,
                        struct err *e) {
    if (json_is_string(slot->value) &&
        strcmp(json_string_value(slot->value), log_loss) == 0) {
        shape->log_loss = true;
        return true;
    }
    return json_choose(slot, losses, sizeof losses / sizeof *losses, &shape->loss, e);
}

static bool shape_decode(const struct json_slot *slots, struct job_shape_rules rules,
                         struct job_shape *shape, struct err *e) {
    const struct json_slot *layers = &slots[KEY_LAYERS];
    if (!json_choose(&slots[KEY_TASK], tasks, sizeof tasks / sizeof *tasks, &shape->task,
                     e) ||
        !loss_decode(&slots[KEY_LOSS], shape, e))
        return false;
    if (!layers->value)
        return short_form_decode(slots, rules.encoded, shape, e);
    for (enum job_key k = KEY_HIDDEN_LAYERS; k <= KEY_ACTIVATION; k++)
        if (slots[k].value)
            return err_set(e, ERR_INVALID, slots[k].path,
                           "give /layers or the short form, not both");
    return layers_decode(layers, rules.stored, shape, e);
}

bool job_shape_decode(const struct json_slot *slots, struct job_shape_rules rules,
                      struct job_shape *shape, struct err *e) {
    *shape = (struct job_shape){.task = -1, .loss = -1};
    if (shape_decode(slots, rules, shape, e))
        return true;
    free(shape->layers);
    *shape = (struct job_shape){.task = -1, .loss = -1};
    return false;
}
