/* A job's resolved spec as a document, and back: what is echoed, stored and kept in
 * models. */
#include "api/job_internal.h"

#include <stdlib.h>
#include <string.h>

#include "api/encoder_document.h"
#include "engine/memory.h"

static const struct json_choice transform_choices[] = {{"learnt", 0}, {"kept", 1}};

void job_layer_encode(const struct layer_shape *layer, struct text *out) {
    text_open(out, '{');
    text_key(out, "units");
    text_json_int(out, (int64_t)layer->units_n);
    text_key(out, "activation");
    text_json_string(out, activation_name(layer->activation));
    if (layer->activation == ACTIVATION_LEAKY_RELU ||
        layer->activation == ACTIVATION_ELU) {
        text_key(out, "negative_slope");
        text_json_float(out, layer->negative_slope);
    }
    if (layer->dropout > 0) {
        text_key(out, "dropout");
        text_json_float(out, layer->dropout);
    }
    text_close(out, '}');
}

void job_label_encode(const struct labels *labels, size_t index, struct text *out) {
    if (labels->kind == LABEL_STRING)
        text_json_string(out, labels->strings[index]);
    else if (labels->kind == LABEL_BOOLEAN)
        text_json_bool(out, labels->numbers[index] != 0);
    else
        text_json_double(out, labels->numbers[index]);
}

void job_labels_encode(const struct labels *labels, struct text *out) {
    text_open(out, '[');
    for (size_t i = 0; i < labels->n; i++)
        job_label_encode(labels, i, out);
    text_close(out, ']');
}

void job_layers_encode(const struct job_spec *spec, struct text *out) {
    text_open(out, '[');
    for (size_t l = 0; l < spec->layers_n; l++)
        job_layer_encode(&spec->layers[l], out);
    text_close(out, ']');
}

void job_spec_members_encode(const struct job_spec *spec, struct text *out) {
    text_key(out, "task");
    text_json_string(out, task_name(spec->task));
    text_key(out, "samples");
    text_json_int(out, (int64_t)spec->samples_n);
    if (spec->inputs_n) {
        text_key(out, "inputs");
        text_json_int(out, (int64_t)spec->inputs_n);
    }
    text_key(out, "layers");
    job_layers_encode(spec, out);
    text_key(out, "loss");
    text_json_string(out, loss_name(spec->loss));
    text_key(out, "initializer");
    text_json_string(out, initializer_name(spec->initializer));
    text_key(out, "init_scale");
    text_json_float(out, spec->init_scale);
    job_optimizer_encode(&spec->optimizer, out);
    job_schedule_encode(&spec->schedule, out);
    text_key(out, "batch_size");
    if (spec->batch_rows)
        text_json_int(out, (int64_t)spec->batch_rows);
    else
        text_json_string(out, "full");
    text_key(out, "epochs");
    text_json_int(out, spec->epochs);
    text_key(out, "shuffle");
    text_json_bool(out, spec->shuffle);
    text_key(out, "normalize");
    text_json_string(out, normalize_name(spec->normalize));
    text_key(out, "report_every");
    text_json_int(out, spec->report_every);
    text_key(out, "seed");
    text_json_int(out, spec->seed);
    job_control_encode(spec, out);
    if (spec->init_from[0]) {
        text_key(out, "init_from");
        text_json_string(out, spec->init_from);
        text_key(out, "transform");
        text_json_string(out, transform_choices[spec->transform_kept].name);
    }
    if (spec->labels.n) {
        text_key(out, "classes");
        job_labels_encode(&spec->labels, out);
        text_key(out, "class_weight");
        class_weight_encode(&spec->class_weight, &spec->labels, out);
    }
    if (spec->table.columns_n)
        job_table_encode(&spec->table, out);
}

void job_spec_encode(const struct job_spec *spec, struct text *out) {
    text_open(out, '{');
    job_spec_members_encode(spec, out);
    text_close(out, '}');
}

struct trainer_options job_trainer_options(const struct job_spec *spec) {
    return (struct trainer_options){
        .loss = spec->loss,
        .optimizer = spec->optimizer,
        .schedule = spec->schedule,
        .batch_rows = spec->batch_rows,
        .epochs = spec->epochs,
        .shuffle = spec->shuffle,
        .seed = (uint64_t)spec->seed,
    };
}

void job_spec_free(struct job_spec *spec) {
    free(spec->layers);
    labels_free(&spec->labels);
    class_weight_free(&spec->class_weight);
    job_table_free(&spec->table);
    *spec = (struct job_spec){0};
}

bool job_size_check(const struct job_spec *spec, struct err *e) {
    size_t total = 0, inputs = spec->inputs_n;
    for (size_t l = 0; l < spec->layers_n; l++) {
        size_t units = spec->layers[l].units_n, block;
        if (!size_mul(units, inputs + 1, &block) || !size_add(total, block, &total) ||
            total > JOB_PARAMETERS_MAX)
            return err_set(e, ERR_TOO_LARGE, "/layers",
                           "expected a network of at most %d parameters",
                           JOB_PARAMETERS_MAX);
        inputs = units;
    }
    return true;
}

static bool labels_decode(const struct json_slot *slot, struct labels *labels,
                          struct err *e) {
    size_t n = json_array_size(slot->value);
    if (!n)
        return true;
    const json_t *first = json_array_get(slot->value, 0);
    labels->kind = json_is_string(first)    ? LABEL_STRING
                   : json_is_boolean(first) ? LABEL_BOOLEAN
                                            : LABEL_NUMBER;
    labels->numbers = labels->kind == LABEL_STRING ? NULL : calloc(n, sizeof(double));
    labels->strings = labels->kind == LABEL_STRING ? calloc(n, sizeof(char *)) : NULL;
    if (!labels->numbers && !labels->strings)
        return err_set(e, ERR_NO_MEMORY, slot->path, "no memory for %zu labels", n);
    labels->n = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *label = json_array_get(slot->value, i);
        if (labels->kind == LABEL_STRING && json_is_string(label))
            labels->strings[i] = strdup(json_string_value(label));
        else if (labels->kind == LABEL_NUMBER && json_is_number(label))
            labels->numbers[i] = json_number_value(label);
        else if (labels->kind == LABEL_BOOLEAN && json_is_boolean(label))
            labels->numbers[i] = json_is_true(label);
        else
            return err_set(e, ERR_INVALID, slot->path, "labels are not of one kind");
        if (labels->kind == LABEL_STRING && !labels->strings[i])
            return err_set(e, ERR_NO_MEMORY, slot->path, "no memory for a label");
    }
    return true;
}

/* As many labels as the outputs can say; none where outputs are values. */
static size_t labels_needed(const struct job_spec *spec, size_t outputs_n) {
    return spec->task == TASK_BINARY ? 2 : spec->task == TASK_MULTI_CLASS ? outputs_n : 0;
}

/* What job_decode sees to, once more: a document may come from a file that others wrote,
 * and its model is trusted to have a label for each of its outputs. */
static bool spec_check(const struct job_spec *spec, struct err *e) {
    const struct layer_shape *output = &spec->layers[spec->layers_n - 1];
    if ((int)output->activation == JOB_ACTIVATION_OPEN)
        return err_set(e, ERR_INVALID, "/layers", "the output layer has no activation");
    bool imported = output->activation >= ACTIVATION_ELU; /* predicts, trains no more */
    if (!imported && !loss_fits(spec->loss, output->activation))
        return err_set(e, ERR_INVALID, "/loss", "%s does not fit %s on the output layer",
                       loss_name(spec->loss), activation_name(output->activation));
    bool softmax = output->activation == ACTIVATION_SOFTMAX;
    if (softmax != (spec->task == TASK_MULTI_CLASS) ||
        (spec->task == TASK_BINARY && output->units_n != 1))
        return err_set(e, ERR_INVALID, "/task", "%s does not fit the output layer",
                       task_name(spec->task));
    size_t needed = labels_needed(spec, output->units_n);
    if (spec->labels.n != needed)
        return err_set(e, ERR_INVALID, "/classes", "expected %zu classes, got %zu",
                       needed, spec->labels.n);
    return job_size_check(spec, e);
}

static bool origin_decode(const struct json_slot *slots, struct job_spec *spec,
                          struct err *e) {
    const char *from = NULL;
    int kept = 0;
    if (!json_text(&slots[KEY_INIT_FROM], &from, e) ||
        !json_choose(&slots[KEY_TRANSFORM], transform_choices, 2, &kept, e))
        return false;
    if (from && strlen(from) >= sizeof spec->init_from)
        return err_set(e, ERR_INVALID, slots[KEY_INIT_FROM].path, "is too long");
    if (from)
        strcpy(spec->init_from, from);
    spec->transform_kept = kept;
    return true;
}

static bool slots_decode(const struct json_slot *slots, struct job_spec *spec,
                         struct err *e) {
    struct job_shape shape = {.task = -1, .loss = -1};
    struct job_table_slots table = job_slots_table(slots);
    int64_t samples = 0, inputs = 0;
    bool ok =
        json_int(&slots[KEY_SAMPLES], 1, INT64_MAX, &samples, e) &&
        json_int(&slots[KEY_INPUTS], 1, NET_UNITS_MAX, &inputs, e) &&
        job_table_read(&table, &slots[KEY_TABLE], &spec->table, e) &&
        job_shape_decode(slots, (struct job_shape_rules){.stored = true}, &shape, e);
    if (ok && !(shape.complete && shape.task >= 0 && shape.loss >= 0 && samples &&
                (inputs || spec->table.columns_n)))
        ok = err_set(e, ERR_INVALID, "", "a stored job's document is incomplete");
    spec->samples_n = (size_t)samples;
    spec->inputs_n = (size_t)inputs;
    spec->layers = shape.layers;
    spec->layers_n = shape.layers_n;
    spec->task = (enum task)shape.task;
    spec->loss = (enum loss)shape.loss;
    return ok && job_hyper_decode(slots, true, spec, e) &&
           origin_decode(slots, spec, e) &&
           labels_decode(&slots[KEY_CLASSES], &spec->labels, e) && spec_check(spec, e) &&
           class_weight_decode(&slots[KEY_CLASS_WEIGHT], &spec->labels,
                               &spec->class_weight, e);
}

bool job_spec_decode(const char *json, struct job_spec *spec, struct encoder *encoder,
                     struct err *e) {
    *spec = (struct job_spec){0};
    json_t *root = json_read(json, strlen(json), e);
    struct json_slot slots[KEY_ALL_N];
    bool ok = root && json_match(root, job_keys, KEY_ALL_N, "", slots, e) &&
              slots_decode(slots, spec, e);
    if (ok && encoder && slots[KEY_ENCODER].value)
        ok = encoder_document_decode(slots[KEY_ENCODER].value, encoder, e);
    json_decref(root);
    if (!ok)
        job_spec_free(spec);
    return ok;
}
