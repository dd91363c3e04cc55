#include "api/job_features.h"

#include <stdio.h>

#include "api/json.h"
#include "api/json_cell.h"
#include "api/nested.h"
#include "engine/net.h"

void job_features_free(struct job_features *features) {
    rows_free(&features->numbers);
    text_free(&features->flat);
    *features = (struct job_features){0};
}

/* One row behind those that are there. The error's place is in the row. */
static bool row_scan(struct cursor *c, struct nested_shape *shape, struct rows *rows,
                     struct err *e) {
    if (cursor_peek(c) != '[')
        return cursor_mismatch(c, "an array, as the first row is one", "", e);
    if (!rows_room(rows, 1, "", e) ||
        !nested_scan(c, shape, rows->columns_n,
                     rows->values + rows->rows_n * rows->columns_n, e))
        return false;
    rows->rows_n++;
    return true;
}

/* Rows of numbers in lists within lists. */
static bool lists_scan(struct cursor *c, const char *path, struct job_features *features,
                       struct err *e) {
    struct rows *numbers = &features->numbers;
    struct nested_shape shape = {0};
    struct err inner = {0};
    const char *from = c->at;
    char row[ERR_WHERE_MAX], where[2 * ERR_WHERE_MAX];
    size_t n;
    if (!nested_measure(c, &n, e) || !cursor_expect(c, '[', NULL, e))
        return false;
    json_path_index(row, path, 0);
    if (n > NET_UNITS_MAX)
        return err_set(e, ERR_TOO_LARGE, row, "expected at most %d columns, got %zu",
                       NET_UNITS_MAX, n);
    numbers->columns_n = n;
    for (bool more = true; more;) {
        if (!row_scan(c, &shape, numbers, &inner)) {
            json_path_index(row, path, numbers->rows_n);
            snprintf(where, sizeof where, "%s%s", row, inner.where);
            return err_set(e, inner.kind, where, "%s", inner.text);
        }
        if (!json_next_take(c, ']', &more, e))
            return false;
    }
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
