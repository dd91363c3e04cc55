/* Dropout of all hidden layers at once, or of each in an array; a layer's own is read
 * with its layer. */
#include "api/job_internal.h"

const struct json_bounds job_dropout_bounds = {.max = 1, .below = true};

/* A share is given once: here or in the members of `layers`. */
static bool layers_silent(const json_t *layers, const struct json_slot *dropout,
                          struct err *e) {
    for (size_t l = 0; l < json_array_size(layers); l++)
        if (json_object_get(json_array_get(layers, l), "dropout"))
            return err_set(e, ERR_INVALID, dropout->path,
                           "stands in /layers/%zu too: give it in one place", l);
    return true;
}

static bool each_decode(const struct json_slot *slot, struct layer_shape *layers,
                        size_t hidden_n, struct err *e) {
    if (json_array_size(slot->value) != hidden_n)
        return err_set(e, ERR_INVALID, slot->path,
                       "expected %zu numbers, one for each hidden layer, got %zu",
                       hidden_n, json_array_size(slot->value));
    for (size_t l = 0; l < hidden_n; l++) {
        struct json_slot share = {.value = json_array_get(slot->value, l)};
        json_path_index(share.path, slot->path, l);
        if (!json_float(&share, job_dropout_bounds, &layers[l].dropout, e))
            return false;
    }
    return true;
}

bool job_dropout_decode(const struct json_slot *slots, struct job_spec *spec,
                        struct err *e) {
    const struct json_slot *slot = &slots[KEY_DROPOUT];
    size_t hidden_n = spec->layers_n - 1;
    float share = 0;
    if (!slot->value)
        return true;
    if (!layers_silent(slots[KEY_LAYERS].value, slot, e))
        return false;
    if (json_is_array(slot->value))
        return each_decode(slot, spec->layers, hidden_n, e);
    if (!json_is_number(slot->value))
        return err_set(e, ERR_INVALID, slot->path,
                       "expected a number, or an array of them, got %s",
                       json_kind(slot->value));
    if (!json_float(slot, job_dropout_bounds, &share, e))
        return false;
    if (share > 0 && !hidden_n)
        return err_set(e, ERR_INVALID, slot->path,
                       "drops units of hidden layers, and there is none");
    for (size_t l = 0; l < hidden_n; l++)
        spec->layers[l].dropout = share;
    return true;
}
