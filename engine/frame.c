#include "engine/frame.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cell.h"
#include "engine/dictionary.h"
#include "engine/memory.h"

/* What only the filling needs, the texts apart. */
struct builder {
    struct dictionary *dictionaries; /* (columns_n); the columns point at their texts */
    struct arena texts;
};

static bool column_new(struct frame_column *column, const struct frame_column *like,
                       size_t rows_max) {
    *column = (struct frame_column){.kind = like->kind, .skipped = like->skipped};
    size_t name_bytes = strlen(like->name) + 1;
    column->name = memory_new(name_bytes, 1);
    if (!column->name)
        return false;
    memcpy(column->name, like->name, name_bytes);
    if (like->skipped)
        return true;
    if (like->kind == ENCODER_CATEGORY)
        column->codes = memory_new(rows_max, sizeof *column->codes);
    else
        column->numbers = memory_new(rows_max, sizeof *column->numbers);
    return column->codes || column->numbers;
}

static struct builder *builder_new(size_t columns_n) {
    struct builder *b = memory_new(1, sizeof *b);
    if (!b)
        return NULL;
    arena_init(&b->texts, SIZE_MAX);
    b->dictionaries = memory_new(columns_n, sizeof *b->dictionaries);
    if (b->dictionaries)
        return b;
    free(b);
    return NULL;
}

bool frame_init(struct frame *f, const struct frame_column *columns, size_t columns_n,
                size_t rows_max, struct err *e) {
    *f = (struct frame){.rows_max = rows_max};
    if (rows_max > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "a table in memory has at most %u rows",
                       UINT32_MAX);
    f->columns = memory_new(columns_n, sizeof *f->columns);
    f->index = f->columns ? builder_new(columns_n) : NULL;
    bool ok = f->index;
    for (size_t c = 0; ok && c < columns_n; c++) {
        f->columns_n = c + 1;
        ok = column_new(&f->columns[c], &columns[c], rows_max);
    }
    return ok || err_set(e, ERR_NO_MEMORY, NULL,
                         "out of memory for a table of %zu rows and %zu columns",
                         rows_max, columns_n);
}

void frame_free(struct frame *f) {
    struct builder *b = f->index;
    for (size_t c = 0; c < f->columns_n; c++) {
        free(f->columns[c].name);
        free(f->columns[c].numbers);
        free(f->columns[c].codes);
        dictionary_free(&b->dictionaries[c]);
    }
    if (b) {
        arena_reset(&b->texts);
        free(b->dictionaries);
    }
    free(b);
    free(f->columns);
    *f = (struct frame){.columns_n = 0};
}

static bool text_keep(struct frame *f, size_t c, const struct cell *cell, int32_t *code,
                      struct err *e) {
    struct builder *b = f->index;
    char digits[CELL_DIGITS_BYTES];
    size_t n;
    const char *text = cell_text(cell, digits, &n);
    if (!text)
        return cell_refuse(cell, "a category", NULL, e);
    if (n && memchr(text, '\0', n)) /* where texts end for all who read them later */
        return err_set(e, ERR_INVALID, NULL,
                       "expected a category, got a text that holds U+0000");
    bool kept = dictionary_put(&b->dictionaries[c], &b->texts, text, n, code, e);
    f->columns[c].dictionary = b->dictionaries[c].texts;
    f->columns[c].dictionary_n = b->dictionaries[c].texts_n;
    return kept;
}

static bool cell_keep(struct frame *f, size_t c, size_t row, const struct cell *cell,
                      struct err *e) {
    struct frame_column *column = &f->columns[c];
    bool missing = cell->kind == CELL_MISSING;
    int value = 0;
    switch (column->kind) {
    case ENCODER_NUMBER:
        if (!missing && cell->kind != CELL_NUMBER)
            return cell_refuse(cell, "a number", NULL, e);
        column->numbers[row] = missing ? (double)NAN : cell->number;
        return true;
    case ENCODER_BOOLEAN:
        if (!missing && !cell_boolean(cell, &value))
            return cell_refuse(cell, "true or false", NULL, e);
        column->numbers[row] = missing ? (double)NAN : value;
        return true;
    case ENCODER_CATEGORY:
        break;
    }
    column->codes[row] = -1;
    return missing || text_keep(f, c, cell, &column->codes[row], e);
}

/* How a message calls the place of a row, and its number. */
static const char *row_unit(const struct frame *f, size_t line, size_t *number) {
    *number = line ? line : f->rows_n + 1;
    return line ? "line" : "row";
}

static bool columns_check(const struct frame *f, size_t columns_n, const char *where,
                          struct err *e) {
    return columns_n == f->columns_n ||
           err_set(e, ERR_INVALID, where, "expected %zu columns, got %zu", f->columns_n,
                   columns_n);
}

static bool sink_columns(void *context, const char *const *names, size_t columns_n,
                         struct err *e) {
    (void)names; /* the kinds were found in the same source */
    return columns_check(context, columns_n, NULL, e);
}

static bool sink_row(void *context, const struct cell *cells, size_t columns_n,
                     size_t line, struct err *e) {
    struct frame *f = context;
    size_t number;
    const char *unit = row_unit(f, line, &number);
    if (columns_n != f->columns_n || f->rows_n == f->rows_max) {
        char where[ERR_WHERE_MAX];
        snprintf(where, sizeof where, "%s %zu", unit, number);
        return columns_check(f, columns_n, where, e) &&
               err_set(e, ERR_TOO_LARGE, where, "expected %zu rows, got more",
                       f->rows_max);
    }
    for (size_t c = 0; c < columns_n; c++) {
        if (f->columns[c].skipped || cell_keep(f, c, f->rows_n, &cells[c], e))
            continue;
        if (!e->where[0]) /* written for the one cell that is refused alone */
            cell_where(e->where, unit, number, f->columns[c].name);
        return false;
    }
    f->rows_n++;
    return true;
}

static bool sink_rows(void *context, size_t rows_n, struct err *e) {
    struct frame *f = context;
    if (rows_n > f->rows_max)
        return err_set(e, ERR_TOO_LARGE, NULL, "expected %zu rows, got %zu", f->rows_max,
                       rows_n);
    f->rows_n = rows_n;
    return true;
}

static bool sink_run(void *context, size_t column, size_t row, const struct cell *cells,
                     size_t n, struct err *e) {
    struct frame *f = context;
    for (size_t i = 0; i < n && !f->columns[column].skipped; i++) {
        if (cell_keep(f, column, row + i, &cells[i], e))
            continue;
        if (!e->where[0])
            cell_where(e->where, "row", row + i + 1, f->columns[column].name);
        return false;
    }
    return true;
}

struct table_sink frame_sink(struct frame *f) {
    return (struct table_sink){.columns = sink_columns,
                               .row = sink_row,
                               .context = f,
                               .rows = sink_rows,
                               .run = sink_run};
}

struct cell frame_cell(const struct frame *f, size_t column, size_t row) {
    assert(column < f->columns_n && row < f->rows_n);
    const struct frame_column *from = &f->columns[column];
    assert(!from->skipped);
    if (from->kind == ENCODER_CATEGORY) {
        if (from->codes[row] < 0)
            return (struct cell){.kind = CELL_MISSING};
        const char *text = from->dictionary[from->codes[row]];
        return (struct cell){.kind = CELL_TEXT, .text = text, .text_n = strlen(text)};
    }
    double number = from->numbers[row];
    if (isnan(number))
        return (struct cell){.kind = CELL_MISSING};
    return (struct cell){
        .kind = from->kind == ENCODER_BOOLEAN ? CELL_BOOLEAN : CELL_NUMBER,
        .number = number,
    };
}
