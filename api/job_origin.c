#include "api/job_origin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/label_index.h"

static const char targets_path[] = "/data/targets";

bool job_origin_keys_check(const struct json_slot *slots, struct err *e) {
    static const enum job_key parameters[] = {KEY_INITIALIZER, KEY_INIT_SCALE};
    if (!slots[KEY_INIT_FROM].value)
        return true;
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        if (slots[parameters[i]].value)
            return err_set(e, ERR_INVALID, slots[parameters[i]].path,
                           "the first parameters are those of init_from: leave it out");
    return true;
}

/* The key that says what the layers are, or NULL. */
static const struct json_slot *layers_slot(const struct json_slot *slots) {
    for (enum job_key k = KEY_LAYERS; k <= KEY_LAYERS_DIMS; k++)
        if (slots[k].value)
            return &slots[k];
    return NULL;
}

static bool activation_given(const struct json_slot *slots, size_t l) {
    if (!slots[KEY_LAYERS].value)
        return slots[KEY_ACTIVATION].value;
    const json_t *layer = json_array_get(slots[KEY_LAYERS].value, l);
    return json_object_get(layer, "activation") || json_object_get(layer, "g");
}

/* Who names units alone means the version's activations. */
static void activations_take(const struct json_slot *slots, const struct net *net,
                             struct job_shape *shape) {
    for (size_t l = 0; l < shape->layers_n && l + 1 < net->layers_n; l++)
        if (!activation_given(slots, l)) {
            shape->layers[l].activation = net->layers[l].shape.activation;
            shape->layers[l].negative_slope = net->layers[l].shape.negative_slope;
        }
}

bool job_origin_shape(const struct json_slot *slots, const struct job_origin *origin,
                      struct job_shape *shape, struct err *e) {
    const struct model *model = origin->model;
    if (shape->task >= 0 && shape->task != (int)model->task)
        return err_set(e, ERR_INVALID, slots[KEY_TASK].path,
                       "expected %s, as init_from has it", task_name(model->task));
    shape->task = (int)model->task;
    if (shape->loss < 0 && !shape->log_loss)
        shape->loss = (int)model->loss;
    shape->known = model->labels.n ? &model->labels : NULL;
    if (layers_slot(slots)) {
        activations_take(slots, model->net, shape);
        return true;
    }
    if (slots[KEY_ACTIVATION].value)
        return err_set(e, ERR_INVALID, slots[KEY_ACTIVATION].path,
                       "the layers are those of init_from: leave it out");
    free(shape->layers);
    shape->layers_n = model->net->layers_n;
    shape->layers = calloc(shape->layers_n + 1, sizeof *shape->layers);
    shape->complete = true;
    if (!shape->layers)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu layers",
                       shape->layers_n);
    for (size_t l = 0; l < shape->layers_n; l++) {
        shape->layers[l] = model->net->layers[l].shape;
        shape->layers[l].dropout = 0; /* how it was trained is no part of the version */
    }
    return true;
}

static bool layer_agrees(const struct layer_shape *a, const struct layer_shape *b) {
    return a->units_n == b->units_n && a->activation == b->activation &&
           (a->activation != ACTIVATION_LEAKY_RELU ||
            (a->negative_slope >= b->negative_slope &&
             a->negative_slope <= b->negative_slope));
}

static bool layers_check(const struct json_slot *slots, const struct net *net,
                         const struct job_spec *spec, struct err *e) {
    const struct json_slot *slot = layers_slot(slots);
    const char *where = slot ? slot->path : "/layers";
    if (spec->layers_n != net->layers_n)
        return err_set(e, ERR_INVALID, where,
                       "expected %zu layers, as init_from has them, got %zu",
                       net->layers_n, spec->layers_n);
    for (size_t l = 0; l < net->layers_n; l++) {
        const struct layer_shape *has = &net->layers[l].shape, *got = &spec->layers[l];
        char place[ERR_WHERE_MAX];
        json_path_index(place, where, l);
        if (!layer_agrees(has, got))
            return err_set(e, ERR_INVALID, slots[KEY_LAYERS].value ? place : where,
                           "expected %zu %s units in layer %zu, as init_from has them, "
                           "got %zu %s",
                           has->units_n, activation_name(has->activation), l + 1,
                           got->units_n, activation_name(got->activation));
    }
    return true;
}

/* Imported networks may have what only predicts. */
static bool trainable_check(const struct net *net, enum loss loss, struct err *e) {
    enum activation output = net->layers[net->layers_n - 1].shape.activation;
    if (net_softmax_inside(net))
        return err_set(e, ERR_INVALID, "/init_from",
                       "its softmax before the output layer cannot be trained");
    return loss_fits(loss, output) ||
           err_set(e, ERR_INVALID, "/init_from",
                   "its output layer of %s cannot be trained with %s",
                   activation_name(output), loss_name(loss));
}

bool job_origin_settle(const struct json_slot *slots, const struct job_origin *origin,
                       struct job_spec *spec, struct err *e) {
    const struct model *model = origin->model;
    snprintf(spec->init_from, sizeof spec->init_from, "%s@%" PRId64, origin->name,
             origin->version);
    if (!spec->epochs)
        spec->table.scale_target = false; /* its cost is in the target's own units */
    if (!spec->epochs && slots[KEY_NORMALIZE].value)
        return err_set(e, ERR_INVALID, slots[KEY_NORMALIZE].path,
                       "0 epochs measure init_from as it is: leave it out");
    if (!spec->epochs && json_is_true(slots[KEY_SCALE_TARGET].value))
        return err_set(
            e, ERR_INVALID, slots[KEY_SCALE_TARGET].path,
            "0 epochs measure init_from in the target's own units: leave it out");
    spec->transform_kept = !slots[KEY_NORMALIZE].value;
    if (spec->transform_kept)
        spec->normalize = model->transform.kind;
    return layers_check(slots, model->net, spec, e) &&
           trainable_check(model->net, spec->loss, e);
}

bool job_origin_inputs_check(const struct job_origin *origin, size_t inputs_n,
                             struct err *e) {
    return inputs_n == origin->model->net->inputs_n ||
           err_set(e, ERR_INVALID, "/data/features/0",
                   "expected %zu numbers, as init_from takes them, got %zu",
                   origin->model->net->inputs_n, inputs_n);
}

/* ---- classes -------------------------------------------------------------------- */

static bool class_refuse(const struct column *targets, size_t row, struct err *e) {
    char where[ERR_WHERE_MAX];
    json_path_index(where, targets_path, row);
    if (targets->kind == COLUMN_STRINGS)
        return err_set(e, ERR_INVALID, where, "init_from has no class \"%.60s\"",
                       targets->strings.strings[targets->string_ids[row]]);
    if (targets->kind == COLUMN_BOOLEANS)
        return err_set(e, ERR_INVALID, where, "init_from has no class %s",
                       targets->numbers[row] != 0 ? "true" : "false");
    return err_set(e, ERR_INVALID, where, "init_from has no class %.17g",
                   targets->numbers[row]);
}

static bool scalars_find(const struct label_index *index, const struct column *targets,
                         int32_t *classes, struct err *e) {
    for (size_t i = 0; i < targets->n; i++) {
        bool text = targets->kind == COLUMN_STRINGS;
        classes[i] = label_index_find(
            index, text ? targets->strings.strings[targets->string_ids[i]] : NULL,
            text ? 0 : targets->numbers[i]);
        if (classes[i] < 0)
            return class_refuse(targets, i, e);
    }
    return true;
}

/* Rows with a single 1, at the class's place. */
static bool one_hot_find(const struct labels *known, const struct column *targets,
                         int32_t *classes, struct err *e) {
    size_t k = targets->rows.columns_n;
    if (k != known->n)
        return err_set(e, ERR_INVALID, targets_path,
                       "expected %zu columns, the classes of init_from, got %zu",
                       known->n, k);
    for (size_t i = 0; i < targets->n; i++) {
        const float *row = targets->rows.values + i * k;
        size_t ones = 0, others = 0;
        for (size_t j = 0; j < k; j++) {
            if (row[j] == 1)
                classes[i] = (int32_t)j;
            ones += row[j] == 1;
            others += row[j] != 1 && row[j] != 0;
        }
        char where[ERR_WHERE_MAX];
        json_path_index(where, targets_path, i);
        if (ones != 1 || others)
            return err_set(e, ERR_INVALID, where, "expected a single 1 among 0s");
    }
    return true;
}

bool job_origin_classes(const struct labels *known, const struct column *targets,
                        struct job_request *request, struct err *e) {
    struct label_index index = {0};
    bool ok = labels_copy(known, &request->spec.labels, e) &&
              (targets->kind == COLUMN_ROWS
                   ? one_hot_find(known, targets, request->classes, e)
                   : label_index_init(&index, known, e) &&
                         scalars_find(&index, targets, request->classes, e));
    label_index_free(&index);
    return ok;
}
