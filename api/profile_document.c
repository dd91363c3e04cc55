/* A profile as a JSON document, and back. */
#include "api/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/json.h"

static void values_encode(const struct profile_column *c, size_t values_max,
                          struct text *out) {
    text_key(out, "values");
    text_open(out, '[');
    for (size_t i = 0; i < c->values_n && i < values_max; i++) {
        text_open(out, '{');
        text_key(out, "value");
        text_json_string(out, c->values[i].text);
        text_key(out, "count");
        text_json_int(out, (int64_t)c->values[i].count);
        text_close(out, '}');
    }
    text_close(out, ']');
}

static void column_encode(const struct profile_column *c, uint64_t rows_n,
                          size_t values_max, struct text *out) {
    text_open(out, '{');
    text_key(out, "name");
    text_json_string(out, c->name);
    text_key(out, "type");
    text_json_string(out, profile_type_name(c->type));
    text_key(out, "missing");
    text_json_int(out, (int64_t)c->missing);
    if (c->type == PROFILE_NUMBER && c->missing < rows_n) {
        text_key(out, "min");
        text_json_double(out, c->min);
        text_key(out, "max");
        text_json_double(out, c->max);
        text_key(out, "mean");
        text_json_double(out, c->mean);
        text_key(out, "standard_deviation");
        text_json_double(out, c->deviation);
        text_key(out, "whole");
        text_json_bool(out, c->whole);
    }
    if (!c->many && values_max < PROFILE_VALUES_MAX) {
        text_key(out, "distinct");
        text_json_int(out, (int64_t)c->values_n);
    }
    if (values_max)
        values_encode(c, values_max, out);
    if (c->many) {
        text_key(out, "many_values");
        text_json_bool(out, true);
    }
    text_close(out, '}');
}

static void columns_encode(const struct profile *p, size_t values_max, struct text *out) {
    text_key(out, "columns");
    text_open(out, '[');
    for (size_t c = 0; c < p->columns_n; c++)
        column_encode(&p->columns[c], p->rows_n, values_max, out);
    text_close(out, ']');
    text_key(out, "first_rows");
    text_json_raw(out, p->first_rows);
}

void profile_show(const struct profile *p, size_t values_max, struct text *out) {
    text_open(out, '{');
    columns_encode(p, values_max, out);
    text_close(out, '}');
}

void profile_encode(const struct profile *p, struct text *out) {
    text_open(out, '{');
    text_key(out, "rows");
    text_json_int(out, (int64_t)p->rows_n);
    text_key(out, "named");
    text_json_bool(out, p->named);
    columns_encode(p, PROFILE_VALUES_MAX, out);
    text_close(out, '}');
}

/* Members of an object that must have the type; anything else ends the decoding. */
static bool refuse(const char *path, const char *key, const char *expected,
                   const json_t *got, struct err *e) {
    char where[ERR_WHERE_MAX];
    json_path_key(where, path, key);
    return err_set(e, ERR_INVALID, where, "expected %s, got %s", expected,
                   json_kind(got));
}

static bool count_get(const json_t *object, const char *path, const char *key,
                      uint64_t *out, struct err *e) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return refuse(path, key, "a count", value, e);
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool string_get(const json_t *object, const char *path, const char *key,
                       char **out, struct err *e) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return refuse(path, key, "a string", value, e);
    *out = strdup(json_string_value(value));
    return *out || err_set(e, ERR_NO_MEMORY, NULL, "no memory for a profile");
}

/* Absent: as it is. */
static bool number_get(const json_t *object, const char *path, const char *key,
                       double *out, struct err *e) {
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_number(value))
        return refuse(path, key, "a number", value, e);
    *out = value ? json_number_value(value) : *out;
    return true;
}

static bool bool_get(const json_t *object, const char *path, const char *key, bool *out,
                     struct err *e) {
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_boolean(value))
        return refuse(path, key, "a boolean", value, e);
    *out = value ? json_is_true(value) : *out;
    return true;
}

static bool array_get(const json_t *object, const char *path, const char *key,
                      const json_t **out, struct err *e) {
    *out = json_object_get(object, key);
    return json_is_array(*out) || refuse(path, key, "an array", *out, e);
}

static bool values_decode(const json_t *object, const char *path,
                          struct profile_column *c, struct err *e) {
    const json_t *array;
    if (!array_get(object, path, "values", &array, e))
        return false;
    size_t n = json_array_size(array);
    if (n > PROFILE_VALUES_MAX)
        return err_set(e, ERR_TOO_LARGE, path, "more than %d values", PROFILE_VALUES_MAX);
    c->values = calloc(n + 1, sizeof *c->values);
    if (!c->values)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a profile");
    for (; c->values_n < n; c->values_n++) {
        struct profile_value *value = &c->values[c->values_n];
        const json_t *from = json_array_get(array, c->values_n);
        if (!count_get(from, path, "count", &value->count, e) ||
            !string_get(from, path, "value", &value->text, e))
            return false;
    }
    return true;
}

static bool column_decode(const json_t *object, size_t index, struct profile_column *c,
                          struct err *e) {
    char path[ERR_WHERE_MAX];
    json_path_index(path, "/columns", index);
    const json_t *type = json_object_get(object, "type");
    if (!json_is_string(type) || !profile_type_find(json_string_value(type), &c->type))
        return refuse(path, "type", "the type of a column", type, e);
    return string_get(object, path, "name", &c->name, e) &&
           count_get(object, path, "missing", &c->missing, e) &&
           number_get(object, path, "min", &c->min, e) &&
           number_get(object, path, "max", &c->max, e) &&
           number_get(object, path, "mean", &c->mean, e) &&
           number_get(object, path, "standard_deviation", &c->deviation, e) &&
           bool_get(object, path, "whole", &c->whole, e) &&
           bool_get(object, path, "many_values", &c->many, e) &&
           values_decode(object, path, c, e);
}

static bool columns_decode(const json_t *root, struct profile *p, struct err *e) {
    const json_t *array;
    if (!array_get(root, "", "columns", &array, e))
        return false;
    size_t n = json_array_size(array);
    p->columns = calloc(n + 1, sizeof *p->columns);
    if (!p->columns)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a profile");
    p->columns_n = n;
    for (size_t c = 0; c < n; c++)
        if (!column_decode(json_array_get(array, c), c, &p->columns[c], e))
            return false;
    return true;
}

static bool scalar_write(const json_t *value, struct text *out) {
    switch (json_typeof(value)) {
    case JSON_STRING:
        text_json_string(out, json_string_value(value));
        return true;
    case JSON_INTEGER:
        text_json_int(out, json_integer_value(value));
        return true;
    case JSON_REAL:
        text_json_double(out, json_real_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        text_json_bool(out, json_is_true(value));
        return true;
    case JSON_NULL:
        text_json_null(out);
        return true;
    default:
        return false;
    }
}

/* Written anew rather than by jansson, so that a number keeps its shortest form. */
static bool first_rows_decode(const json_t *root, struct profile *p, struct err *e) {
    const json_t *array, *row, *value;
    struct text text = {0};
    size_t i, c;
    bool ok = array_get(root, "", "first_rows", &array, e);
    if (!ok)
        return false;
    text_open(&text, '[');
    json_array_foreach((json_t *)(uintptr_t)array, i, row) {
        ok = ok && json_is_array(row);
        text_open(&text, '[');
        json_array_foreach((json_t *)(uintptr_t)row, c, value) {
            ok = ok && scalar_write(value, &text);
        }
        text_close(&text, ']');
    }
    text_close(&text, ']');
    p->first_rows = text_take(&text);
    if (!ok)
        return err_set(e, ERR_INVALID, "/first_rows", "expected rows of scalars");
    return p->first_rows || err_set(e, ERR_NO_MEMORY, NULL, "no memory for a profile");
}

bool profile_decode(const char *json, struct profile *p, struct err *e) {
    *p = (struct profile){0};
    json_t *root = json_read(json, strlen(json), e);
    if (!root)
        return false;
    bool ok = count_get(root, "", "rows", &p->rows_n, e) &&
              bool_get(root, "", "named", &p->named, e) && columns_decode(root, p, e) &&
              first_rows_decode(root, p, e);
    json_decref(root);
    if (!ok)
        profile_free(p);
    return ok;
}
