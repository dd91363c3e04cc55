#include "api/oip_document.h"

#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "api/text.h"

/* Matches the members of an object; a null is as if it were not there. */
static bool match(const json_t *object, const struct json_key *keys, size_t keys_n,
                  const char *path, struct json_slot *slots, struct err *e) {
    if (!json_match(object, keys, keys_n, path, slots, e))
        return false;
    for (size_t i = 0; i < keys_n; i++)
        if (json_is_null(slots[i].value))
            slots[i].value = NULL;
    return true;
}

/* A copy of a text that must be there, or (NULL where it is absent) may. */
static bool text_keep(const struct json_slot *slot, bool needed, struct arena *arena,
                      const char **out, struct err *e) {
    const char *text = NULL;
    if (!json_text(slot, &text, e))
        return false;
    if (!text)
        return !needed || err_set(e, ERR_INVALID, slot->path, "is missing");
    *out = arena_strndup(arena, text, strlen(text), e);
    return *out;
}

/* An object of strings, numbers and booleans, or nothing; and nulls, which are as if they
 * were not there. */
static bool parameters_check(const struct json_slot *slot, struct err *e) {
    const char *key;
    json_t *value;
    char path[ERR_WHERE_MAX];
    if (slot->value && !json_is_object(slot->value))
        return err_set(e, ERR_INVALID, slot->path, "expected an object, got %s",
                       json_kind(slot->value));
    json_object_foreach(slot->value, key, value) {
        json_path_key(path, slot->path, key);
        if (json_is_object(value) || json_is_array(value))
            return err_set(e, ERR_INVALID, path,
                           "expected a string, a number or a boolean, got %s",
                           json_kind(value));
        if (strncmp(key, "shared_memory_", 14) == 0)
            return err_set(e, ERR_INVALID, path, "shared memory is not offered");
    }
    return true;
}

/* One of the parameters, or an empty slot. */
static struct json_slot parameter(const struct json_slot *parameters, const char *name) {
    struct json_slot slot = {.value = json_object_get(parameters->value, name)};
    if (json_is_null(slot.value))
        slot.value = NULL;
    json_path_key(slot.path, parameters->path, name);
    return slot;
}

/* ---- an input ------------------------------------------------------------------- */

static bool shape_read(const struct json_slot *slot, struct tensor_shape *shape,
                       struct err *e) {
    if (!json_is_array(slot->value))
        return err_set(e, ERR_INVALID, slot->path, "expected an array, got %s",
                       json_kind(slot->value));
    shape->n = json_array_size(slot->value);
    if (!shape->n || shape->n > TENSOR_DIMS_MAX)
        return err_set(e, ERR_INVALID, slot->path, "expected 1 to %d dimensions, got %zu",
                       TENSOR_DIMS_MAX, shape->n);
    for (size_t i = 0; i < shape->n; i++) {
        struct json_slot dimension = {.value = json_array_get(slot->value, i)};
        int64_t n = 0;
        json_path_index(dimension.path, slot->path, i);
        if (!json_int(&dimension, 0, INT64_MAX, &n, e))
            return false;
        shape->dims[i] = (size_t)n;
    }
    return true;
}

static bool type_read(const struct json_slot *slot, enum datatype *type, struct err *e) {
    const char *name = NULL;
    if (!json_text(slot, &name, e))
        return false;
    if (!name)
        return err_set(e, ERR_INVALID, slot->path, "is missing");
    return datatype_find(name, type) ||
           err_set(
               e, ERR_INVALID, slot->path,
               "expected BOOL, UINT8 to UINT64, INT8 to INT64, FP16, BF16, FP32, FP64 "
               "or BYTES, got \"%.40s\"",
               name);
}

static bool input_read(const json_t *root, struct arena *arena, struct tensor *t,
                       struct tensor_shape *shape, struct oip_input_document *document,
                       struct err *e) {
    static const struct json_key keys[] = {{"name", NULL},
                                           {"shape", NULL},
                                           {"datatype", NULL},
                                           {"parameters", NULL},
                                           {"data", NULL}};
    struct json_slot slots[5];
    if (!match(root, keys, 5, t->place, slots, e) ||
        !text_keep(&slots[0], true, arena, &t->name, e) ||
        !shape_read(&slots[1], shape, e) || !type_read(&slots[2], &t->type, e) ||
        !parameters_check(&slots[3], e))
        return false;
    struct json_slot size = parameter(&slots[3], "binary_data_size");
    int64_t n = 0;
    if (!json_int(&size, 0, INT64_MAX, &n, e))
        return false;
    *document = (struct oip_input_document){size.value, (size_t)n};
    return true;
}

/* A pointer within the document, behind that of the document itself. */
static void where_put(struct err *e, const char *place) {
    char inner[sizeof e->where];
    size_t n = strnlen(place, sizeof inner - 1), left = sizeof inner - 1 - n;
    if (e->where[0] != '/')
        return;
    memcpy(inner, e->where, sizeof inner);
    size_t inner_n = strnlen(inner, left);
    memcpy(e->where, place, n);
    memcpy(e->where + n, inner, inner_n);
    e->where[n + inner_n] = '\0';
}

bool oip_input_decode(const char *text, size_t n, struct arena *arena, struct tensor *t,
                      struct tensor_shape *shape, struct oip_input_document *document,
                      struct err *e) {
    json_t *root = json_read(text, n, e);
    if (!root)
        where_put(e, t->place);
    bool ok = root && input_read(root, arena, t, shape, document, e);
    json_decref(root);
    return ok;
}

/* ---- the rest of a request ------------------------------------------------------ */

/* An output's wishes; `path` is its own. */
static bool output_read(const json_t *value, const char *path,
                        struct oip_request *request, struct oip_wanted *wanted,
                        struct err *e) {
    static const struct json_key keys[] = {{"name", NULL}, {"parameters", NULL}};
    struct json_slot slots[2];
    int64_t classes = 0;
    if (!match(value, keys, 2, path, slots, e) ||
        !text_keep(&slots[0], true, &request->arena, &wanted->name, e) ||
        !parameters_check(&slots[1], e))
        return false;
    struct json_slot binary = parameter(&slots[1], "binary_data");
    struct json_slot classification = parameter(&slots[1], "classification");
    wanted->binary = request->binary_outputs;
    if (!json_bool(&binary, &wanted->binary, e) ||
        !json_int(&classification, 0, INT32_MAX, &classes, e))
        return false;
    wanted->classes_n = (size_t)classes;
    return true;
}

static bool outputs_read(const struct json_slot *slot, struct oip_request *request,
                         struct err *e) {
    size_t n = json_array_size(slot->value);
    char path[ERR_WHERE_MAX];
    if (!slot->value)
        return true;
    if (!json_is_array(slot->value))
        return err_set(e, ERR_INVALID, slot->path, "expected an array, got %s",
                       json_kind(slot->value));
    if (n > OIP_OUTPUTS_MAX)
        return err_set(e, ERR_TOO_LARGE, slot->path, "expected at most %d outputs",
                       OIP_OUTPUTS_MAX);
    request->outputs =
        arena_alloc(&request->arena, (n + 1) * sizeof *request->outputs, e);
    if (!request->outputs)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct oip_wanted *wanted = &request->outputs[i];
        *wanted = (struct oip_wanted){.name = NULL};
        json_path_index(path, slot->path, i);
        if (!output_read(json_array_get(slot->value, i), path, request, wanted, e))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(wanted->name, request->outputs[j].name) == 0)
                return err_set(e, ERR_INVALID, path, "output \"%.60s\" comes twice",
                               wanted->name);
    }
    request->outputs_n = n;
    return true;
}

/* Those that mean something here. `timeout` is of the schedule policy extension, and so
 * is `priority`, which a model without levels of it takes and forgets. */
static bool parameters_heed(const struct json_slot *slot, struct oip_request *request,
                            struct err *e) {
    struct json_slot binary = parameter(slot, "binary_data_output");
    struct json_slot timeout = parameter(slot, "timeout");
    return json_bool(&binary, &request->binary_outputs, e) &&
           json_int(&timeout, 0, INT64_MAX, &request->timeout_us, e);
}

/* As they came, for the answer. */
static bool parameters_keep(const struct json_slot *slot, struct oip_request *request,
                            struct err *e) {
    const char *key;
    json_t *value;
    struct text text = {0};
    if (!parameters_check(slot, e) || !parameters_heed(slot, request, e))
        return false;
    if (!slot->value)
        return true;
    text_open(&text, '{');
    json_object_foreach(slot->value, key, value) {
        if (json_is_null(value))
            continue;
        text_key(&text, key);
        if (json_is_string(value))
            text_json_string(&text, json_string_value(value));
        else if (json_is_integer(value))
            text_json_int(&text, json_integer_value(value));
        else if (json_is_real(value))
            text_json_double(&text, json_real_value(value));
        else
            text_json_bool(&text, json_is_true(value));
    }
    text_close(&text, '}');
    request->parameters =
        text.failed ? NULL : arena_strndup(&request->arena, text.data, text.n, e);
    text_free(&text);
    return request->parameters ||
           err_set(e, ERR_NO_MEMORY, slot->path, "no memory for the parameters");
}

/* A document may repeat what its path says, but nothing else: what part of it, of
 * name@version. */
static bool path_repeat(const struct json_slot *slot, const char *of_path,
                        const char *part, size_t part_n, struct err *e) {
    const char *text = NULL;
    if (!json_text(slot, &text, e))
        return false;
    bool repeats = !text || !*text || strcmp(text, of_path) == 0 ||
                   (strlen(text) == part_n && memcmp(text, part, part_n) == 0);
    return repeats || err_set(e, ERR_INVALID, slot->path,
                              "\"%.60s\" is not what the path names", text);
}

static bool paths_repeat(const struct json_slot *name, const struct json_slot *version,
                         const struct oip_body *body, struct err *e) {
    size_t name_n = strcspn(body->model, "@");
    const char *behind = body->model + name_n + (body->model[name_n] == '@');
    return path_repeat(name, body->model, body->model, name_n, e) &&
           path_repeat(version, body->version, behind, strlen(behind), e);
}

static bool request_read(const json_t *root, const struct oip_body *body,
                         struct oip_request *request, struct err *e) {
    static const struct json_key keys[] = {{"id", NULL},         {"parameters", NULL},
                                           {"inputs", NULL},     {"outputs", NULL},
                                           {"model_name", NULL}, {"model_version", NULL}};
    struct json_slot slots[6];
    return match(root, keys, 6, "", slots, e) &&
           text_keep(&slots[0], false, &request->arena, &request->id, e) &&
           parameters_keep(&slots[1], request, e) &&
           outputs_read(&slots[3], request, e) &&
           paths_repeat(&slots[4], &slots[5], body, e);
}

bool oip_request_document_decode(const char *text, size_t n, const struct oip_body *body,
                                 struct oip_request *request, struct err *e) {
    json_t *root = json_read(text, n, e);
    bool ok = root && request_read(root, body, request, e);
    json_decref(root);
    return ok;
}
