#include "api/encoder_document.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {[ENCODER_NUMBER] = "number",
                                    [ENCODER_BOOLEAN] = "boolean",
                                    [ENCODER_CATEGORY] = "category"};

static void column_encode(const struct encoder_column *c, struct text *out) {
    text_open(out, '{');
    text_key(out, "name");
    text_json_string(out, c->name);
    text_key(out, "type");
    text_json_string(out, kinds[c->kind]);
    text_key(out, "missing");
    text_json_string(out, c->missing_refused            ? "error"
                          : c->kind != ENCODER_CATEGORY ? "mean"
                          : c->missing_category         ? "category"
                                                        : "unseen");
    if (c->unseen_refused) {
        text_key(out, "unknown");
        text_json_string(out, "error");
    }
    if (c->kind == ENCODER_CATEGORY) {
        text_key(out, "categories");
        text_open(out, '[');
        for (size_t i = 0; i < c->categories_n; i++)
            text_json_string(out, c->categories[i]);
        text_close(out, ']');
    } else {
        text_key(out, "mean");
        text_json_double(out, c->mean);
    }
    text_close(out, '}');
}

void encoder_document_encode(const struct encoder *encoder, struct text *out) {
    text_open(out, '[');
    for (size_t i = 0; i < encoder->columns_n; i++)
        column_encode(&encoder->columns[i], out);
    text_close(out, ']');
}

void encoder_document_members(const struct encoder *encoder, struct text *out) {
    text_key(out, "columns");
    encoder_document_encode(encoder, out);
    if (!encoder->unused_n)
        return;
    text_key(out, "unused_columns");
    text_open(out, '[');
    for (size_t i = 0; i < encoder->unused_n; i++)
        text_json_string(out, encoder->unused[i]);
    text_close(out, ']');
}

static bool categories_decode(const json_t *array, struct encoder_column *c) {
    size_t n = json_array_size(array);
    c->categories = calloc(n + 1, sizeof *c->categories);
    for (size_t i = 0; c->categories && i < n; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        bool ascending = !i || (text && strcmp(c->categories[i - 1], text) < 0);
        if (!text || !ascending || !(c->categories[i] = strdup(text)))
            return false;
        c->categories_n++;
    }
    return c->categories;
}

static bool column_decode(const json_t *value, struct encoder_column *c) {
    const char *name = json_string_value(json_object_get(value, "name"));
    const char *type = json_string_value(json_object_get(value, "type"));
    const char *missing = json_string_value(json_object_get(value, "missing"));
    const char *unknown = json_string_value(json_object_get(value, "unknown"));
    size_t kind = 0;
    while (type && kind < 3 && strcmp(kinds[kind], type) != 0)
        kind++;
    if (!name || !type || !missing || kind == 3)
        return false;
    c->kind = (enum encoder_kind)kind;
    c->mean = json_number_value(json_object_get(value, "mean"));
    c->missing_refused = strcmp(missing, "error") == 0;
    c->unseen_refused =
        c->kind == ENCODER_CATEGORY && unknown && strcmp(unknown, "error") == 0;
    c->missing_category = strcmp(missing, "category") == 0;
    c->name = strdup(name);
    return c->name && (c->kind != ENCODER_CATEGORY ||
                       categories_decode(json_object_get(value, "categories"), c));
}

bool encoder_document_decode(const json_t *array, struct encoder *encoder,
                             struct err *e) {
    size_t n = json_array_size(array);
    *encoder = (struct encoder){0};
    encoder->columns = calloc(n + 1, sizeof *encoder->columns);
    bool ok = encoder->columns && n;
    for (size_t i = 0; ok && i < n; i++) {
        encoder->columns_n++;
        ok = column_decode(json_array_get(array, i), &encoder->columns[i]);
    }
    if (!ok)
        err_set(e, ERR_INVALID, NULL, "a model's columns are damaged");
    if (ok && encoder_layout(encoder, e))
        return true;
    encoder_free(encoder);
    *encoder = (struct encoder){0};
    return false;
}
