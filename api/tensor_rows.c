#include "api/tensor_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/predict.h"
#include "engine/memory.h"

void tensor_rows_free(struct tensor_rows *rows) {
    free(rows->owned);
    *rows = (struct tensor_rows){0};
}

size_t tensor_rows_bound(const struct tensor *t) {
    return t->shape.n ? t->shape.dims[0] : 1;
}

static bool rows_own(struct tensor_rows *rows, size_t width, struct err *e) {
    size_t floats;
    if (!size_mul(rows->m, width, &floats) || floats > ROWS_FLOATS_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL,
                       "expected rows of at most %d inputs together", ROWS_FLOATS_MAX);
    rows->owned = memory_new(floats, sizeof *rows->owned);
    rows->X = rows->owned;
    return rows->owned ||
           err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu rows", rows->m);
}

static bool rows_check(size_t m, const struct tensor *t, const struct model *model,
                       struct err *e) {
    size_t k = model->net->outputs_n;
    if (!m)
        return err_set(e, ERR_INVALID, t->place, "expected at least one row");
    if (m > PREDICT_OUTPUTS_MAX / k)
        return err_set(e, ERR_TOO_LARGE, t->place,
                       "expected at most %zu rows for a model of %zu outputs, got %zu",
                       PREDICT_OUTPUTS_MAX / k, k, m);
    return true;
}

/* ---- one tensor of all inputs --------------------------------------------------- */

/* Rows of n numbers in that shape; 0 when it is none. */
static bool block_rows(const struct tensor_shape *shape, size_t n, size_t *m) {
    struct tensor_shape row = {.n = shape->n - 1};
    size_t width;
    if (shape->n == 1) {
        *m = n == 1 ? shape->dims[0] : 1;
        return n == 1 || shape->dims[0] == n;
    }
    memcpy(row.dims, shape->dims + 1, row.n * sizeof *row.dims);
    *m = shape->dims[0];
    return tensor_shape_elements(&row, &width) && width == n;
}

static bool block_measure(const struct tensor *t, size_t n, const struct model *model,
                          struct tensor_rows *rows, struct err *e) {
    char text[TENSOR_SHAPE_TEXT];
    if (!t->shape.n || !block_rows(&t->shape, n, &rows->m)) {
        tensor_shape_text(&t->shape, text);
        bool row = t->shape.n && t->elements_n == n; /* without the dimension of rows */
        return err_set(e, ERR_INVALID, t->place, "expected shape [-1,%zu], got %s%s%s", n,
                       text, row ? "; as one row it is [1," : "", row ? text + 1 : "");
    }
    return rows_check(rows->m, t, model, e);
}

static bool block_make(const struct tensor *t, const struct tensor_block *block,
                       const struct model *model, struct tensor_rows *rows,
                       struct err *e) {
    size_t n = model->net->inputs_n;
    if (!block_measure(t, n, model, rows, e))
        return false;
    rows->X = tensor_borrow(t, block);
    if (rows->X)
        return true;
    struct tensor_place to = {NULL, n, n, model->encoder.columns};
    if (!rows_own(rows, n, e))
        return false;
    to.out = rows->owned;
    return tensor_floats(t, block, &to, e);
}

bool tensor_rows_of_columns(const struct tensor *t, const struct columns *columns,
                            const struct model *model, struct tensor_rows *rows,
                            struct err *e) {
    struct tensor_cells cells = {.tensor = t};
    struct cell cell;
    *rows = (struct tensor_rows){0};
    if (encoder_takes_numbers(&model->encoder))
        return block_make(t, NULL, model, rows, e);
    bool ok = block_measure(t, columns->n, model, rows, e) &&
              rows_own(rows, columns->inputs_n, e);
    while (ok && cells.next < t->elements_n) {
        float *row = rows->owned + cells.next / columns->n * columns->inputs_n;
        size_t column = cells.next % columns->n;
        ok = tensor_cells_next(&cells, &cell, e) &&
             columns_cell(columns, column, &cell, row, "", e);
        if (!ok && !e->where[0])
            tensor_where(t, cells.next - 1, e->where);
    }
    tensor_cells_free(&cells);
    return ok;
}

/* ---- a tensor a column ---------------------------------------------------------- */

static bool cells_encode(const struct tensor *t, const struct encoder *encoder,
                         size_t column, const struct tensor_rows *rows, struct err *e) {
    struct tensor_cells cells = {.tensor = t};
    struct cell cell;
    bool ok = true;
    while (ok && cells.next < t->elements_n) {
        float *row = rows->owned + cells.next * encoder->inputs_n;
        ok = tensor_cells_next(&cells, &cell, e) &&
             encoder_cell_asked(encoder, column, &cell, row, "", e);
    }
    if (!ok && !e->where[0])
        tensor_where(t, cells.next - 1, e->where);
    tensor_cells_free(&cells);
    return ok;
}

/* Of a column that the model does not take the shape alone is looked at. */
static bool column_make(const struct tensor *t, const struct tensor_block *block,
                        const struct encoder *encoder, size_t at,
                        const struct tensor_rows *rows, struct err *e) {
    char text[TENSOR_SHAPE_TEXT];
    if (!t->shape.n || t->elements_n != t->shape.dims[0])
        return err_set(e, ERR_INVALID, t->place, "expected shape [-1] or [-1,1], got %s",
                       tensor_shape_text(&t->shape, text));
    if (t->elements_n != rows->m)
        return err_set(e, ERR_INVALID, t->place,
                       "expected %zu rows, as the first tensor has, got %zu", rows->m,
                       t->elements_n);
    if (at >= encoder->columns_n)
        return true;
    const struct encoder_column *column = &encoder->columns[at];
    if (column->kind != ENCODER_NUMBER)
        return cells_encode(t, encoder, at, rows, e);
    struct tensor_place to = {rows->owned + column->input_at, encoder->inputs_n, 1,
                              column};
    return tensor_floats(t, block, &to, e);
}

static bool unknown_refuse(const struct tensor *t, const struct encoder *encoder,
                           struct err *e) {
    const char *nearest = encoder_takes_numbers(encoder) ? TENSOR_INPUT : NULL;
    if (nearest && strcmp(t->name, nearest) == 0)
        return err_set(e, ERR_INVALID, t->place,
                       "\"%s\" holds all columns: it stands alone", nearest);
    size_t distance = nearest ? json_distance(t->name, nearest) : SIZE_MAX;
    for (size_t i = 0; i < encoder->columns_n; i++) {
        size_t other = json_distance(t->name, encoder->columns[i].name);
        if (other < distance) {
            distance = other;
            nearest = encoder->columns[i].name;
        }
    }
    return err_set(e, ERR_INVALID, t->place,
                   "the model has no input \"%.60s\"; the nearest is \"%.60s\"", t->name,
                   nearest);
}

static bool columns_make(const struct tensor *tensors, size_t n,
                         const struct tensor_block *block, const struct columns *columns,
                         unsigned char *seen, const struct tensor_rows *rows,
                         struct err *e) {
    const struct encoder *encoder = columns->encoder;
    for (size_t i = 0; i < n; i++) {
        const struct tensor *t = &tensors[i];
        size_t at =
            t->name ? columns_find(columns, t->name, strlen(t->name)) : columns->names_n;
        if (at == columns->names_n)
            return t->name ? unknown_refuse(t, encoder, e)
                           : err_set(e, ERR_INVALID, t->place,
                                     "expected a tensor for each column, by its name");
        if (seen[at])
            return err_set(e, ERR_INVALID, t->place, "input \"%.60s\" comes twice",
                           t->name);
        seen[at] = 1;
        if (!column_make(t, block, encoder, at, rows, e))
            return false;
    }
    for (size_t at = 0; at < encoder->columns_n; at++)
        if (!seen[at])
            return err_set(e, ERR_INVALID, NULL, "input \"%.60s\" is missing",
                           encoder->columns[at].name);
    return true;
}

bool tensor_rows_make(const struct tensor *tensors, size_t n,
                      const struct tensor_block *block, const struct model *model,
                      struct tensor_rows *rows, struct err *e) {
    const struct encoder *encoder = &model->encoder;
    *rows = (struct tensor_rows){0};
    bool whole = n == 1 && encoder_takes_numbers(encoder) &&
                 (!tensors->name || strcmp(tensors->name, TENSOR_INPUT) == 0);
    if (whole)
        return block_make(tensors, block, model, rows, e);
    if (!encoder->columns_n) {
        for (size_t i = 0; i < n; i++)
            if (!tensors[i].name || strcmp(tensors[i].name, TENSOR_INPUT) != 0)
                return unknown_refuse(&tensors[i], encoder, e);
        return err_set(e, ERR_INVALID, NULL,
                       "expected one input, \"" TENSOR_INPUT "\", got %zu", n);
    }
    if (!n)
        return err_set(e, ERR_INVALID, NULL, "expected a tensor for each column");
    rows->m = tensors->shape.n ? tensors->shape.dims[0] : 0;
    if (!rows_check(rows->m, tensors, model, e) || !rows_own(rows, encoder->inputs_n, e))
        return false;
    struct columns columns = columns_of_model(model);
    unsigned char *seen = memory_new(columns.names_n, 1);
    bool ok = seen ? columns_make(tensors, n, block, &columns, seen, rows, e)
                   : err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
    free(seen);
    return ok;
}
