#include "api/job_features.h"

#include "api/instances.h"
#include "api/nested.h"

void job_features_free(struct job_features *features) {
    rows_free(&features->numbers);
    text_free(&features->flat);
    *features = (struct job_features){0};
}

/* Rows of numbers in lists within lists. */
static bool lists_scan(struct cursor *c, const char *path, struct job_features *features,
                       struct err *e) {
    static const struct encoder none;
    struct rows *numbers = &features->numbers;
    const char *from = c->at;
    size_t n;
    if (!nested_measure(c, &n, e))
        return false;
    struct instances_form form = {
        .columns = columns_of(&none, n), .allowed = INSTANCES_NESTED, .path = path};
    if (!instances_scan(c, &form, numbers, e))
        return false;
    features->rows = (struct inline_rows){from, c->at, numbers->rows_n, n};
    features->nested = true;
    return true;
}

bool job_features_flatten(struct job_features *features, struct err *e) {
    struct inline_rows *rows = &features->rows;
    struct text *flat = &features->flat;
    if (!features->nested)
        return true;
    nested_flatten(rows->from, rows->to, flat);
    if (flat->failed)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the rows");
    rows->from = flat->data;
    rows->to = flat->data + flat->n;
    return true;
}

bool job_features_scan(struct cursor *c, const char *path, struct job_features *features,
                       struct err *e) {
    struct rows *numbers = &features->numbers;
    struct err not_numbers = {0};
    const char *from = c->at;
    if (rows_scan(c, 0, path, numbers, &not_numbers)) {
        features->rows =
            (struct inline_rows){from, c->at, numbers->rows_n, numbers->columns_n};
        return true;
    }
    rows_free(numbers);
    if (not_numbers.kind != ERR_INVALID) {
        *e = not_numbers;
        return false;
    }
    c->at = from;
    return nested_begins(c) ? lists_scan(c, path, features, e)
                            : inline_rows_scan(c, path, &features->rows, e);
}
