#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cell.h"
#include "engine/frame.h"
#include "engine/memory.h"
#include "engine/net.h"

/* Floats of X that are written column by column before the next rows: they stay in a
 * nearby cache. */
enum { BLOCK_FLOATS = 1 << 15, BLOCK_ROWS_MIN = 16 };

static bool memory_refuse(struct err *e) {
    return err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the encoder of a table");
}

static bool missing_at(const struct frame_column *column, size_t row) {
    return column->codes ? column->codes[row] < 0 : isnan(column->numbers[row]) != 0;
}

static bool missing_refuse(const struct frame *f, const struct frame_column *column,
                           struct err *e) {
    char where[ERR_WHERE_MAX];
    size_t row = 0;
    while (row < f->rows_n && !missing_at(column, row))
        row++;
    if (row == f->rows_n)
        return true;
    cell_where(where, "row", row + 1, column->name);
    return cell_refuse(&(struct cell){.kind = CELL_MISSING}, "a value", where, e);
}

static double mean_learn(const struct frame_column *column,
                         const struct frame_learn *learn) {
    double sum = 0;
    size_t there_n = 0;
    for (size_t i = 0; i < learn->rows_n; i++) {
        double number = column->numbers[learn->rows[i]];
        bool there = !isnan(number);
        sum += there ? number : 0;
        there_n += there;
    }
    return there_n ? sum / (double)there_n : 0;
}

static char *text_copy(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = memory_new(bytes, 1);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

static int texts_compare(const void *a, const void *b) {
    char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* Copies of the texts whose codes are `used`, sorted. */
static bool categories_copy(const struct frame_column *from, const unsigned char *used,
                            size_t used_n, struct encoder_column *column, struct err *e) {
    if (used_n > NET_UNITS_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL,
                       "column \"%.*s\" has %zu categories, but inputs are at most %d",
                       cell_quote_bytes(from->name, strlen(from->name)), from->name,
                       used_n, NET_UNITS_MAX);
    column->categories = memory_new(used_n, sizeof *column->categories);
    if (!column->categories)
        return memory_refuse(e);
    for (size_t code = 0; code < from->dictionary_n; code++) {
        if (!used[code])
            continue;
        char *copy = text_copy(from->dictionary[code]);
        if (!copy)
            return memory_refuse(e);
        column->categories[column->categories_n++] = copy;
    }
    qsort(column->categories, used_n, sizeof *column->categories, texts_compare);
    return true;
}

static bool categories_learn(const struct frame_column *from,
                             const struct frame_learn *learn,
                             struct encoder_column *column, struct err *e) {
    unsigned char *used = memory_new(from->dictionary_n, 1);
    if (!used)
        return memory_refuse(e);
    size_t used_n = 0;
    for (size_t i = 0; i < learn->rows_n; i++) {
        int32_t code = from->codes[learn->rows[i]];
        if (code < 0) {
            column->missing_category = true;
        } else {
            used_n += !used[code];
            used[code] = 1;
        }
    }
    bool ok = categories_copy(from, used, used_n, column, e);
    free(used);
    return ok;
}

static bool column_learn(const struct frame *f, size_t c, const struct frame_learn *learn,
                         struct encoder_column *column, struct err *e) {
    assert(c < f->columns_n && !f->columns[c].skipped);
    const struct frame_column *from = &f->columns[c];
    column->kind = from->kind;
    column->missing_refused = learn->missing_refused;
    column->unseen_refused = learn->unseen_refused && from->kind == ENCODER_CATEGORY;
    column->name = text_copy(from->name);
    if (!column->name)
        return memory_refuse(e);
    if (learn->missing_refused && !missing_refuse(f, from, e))
        return false;
    if (from->kind == ENCODER_CATEGORY)
        return categories_learn(from, learn, column, e);
    column->mean = mean_learn(from, learn);
    return true;
}

static void rows_assert(const struct frame *f, const uint32_t *rows, size_t rows_n) {
    uint32_t last = 0;
    for (size_t i = 0; i < rows_n; i++)
        last = rows[i] > last ? rows[i] : last;
    assert(!rows_n || last < f->rows_n);
}

bool frame_learn_encoder(const struct frame *f, const struct frame_learn *learn,
                         struct encoder *encoder, struct err *e) {
    rows_assert(f, learn->rows, learn->rows_n);
    *encoder = (struct encoder){.columns_n = learn->picked_n};
    encoder->columns = memory_new(learn->picked_n, sizeof *encoder->columns);
    bool ok = encoder->columns || memory_refuse(e);
    for (size_t i = 0; ok && i < learn->picked_n; i++)
        ok = column_learn(f, learn->picked[i], learn, &encoder->columns[i], e);
    ok = ok && encoder_layout(encoder, e);
    if (!ok)
        encoder_free(encoder);
    return ok;
}

/* How one column gets into X. */
struct part {
    size_t from;     /* the frame's column; columns_n until it is found */
    int32_t *inputs; /* by code + 1: which of its inputs is 1, or one of NONE, REFUSED;
                        NULL unless both sides are categories */
};
enum { NONE = -1, REFUSED = -2 };

struct plan {
    const struct frame *frame;
    const struct encoder *encoder;
    const uint32_t *rows;
    struct part *parts; /* (encoder->columns_n) */
};

static void plan_free(struct plan *plan) {
    for (size_t c = 0; plan->parts && c < plan->encoder->columns_n; c++)
        free(plan->parts[c].inputs);
    free(plan->parts);
}

/* Each text of the dictionary is looked up once, whatever the number of rows. */
static bool inputs_map(const struct frame_column *from,
                       const struct encoder_column *column, struct part *part,
                       struct err *e) {
    part->inputs = memory_new(from->dictionary_n + 1, sizeof *part->inputs);
    if (!part->inputs)
        return memory_refuse(e);
    part->inputs[0] = column->missing_refused    ? REFUSED
                      : column->missing_category ? (int32_t)column->categories_n
                                                 : NONE;
    for (size_t code = 0; code < from->dictionary_n; code++) {
        const char *text = from->dictionary[code];
        size_t n = strlen(text), at = encoder_category(column, text, n);
        part->inputs[code + 1] = at < column->categories_n ? (int32_t)at
                                 : encoder_category_missing(column, text, n)
                                     ? part->inputs[0]
                                     : NONE;
    }
    return true;
}

static bool plan_make(struct plan *plan, struct err *e) {
    const struct frame *f = plan->frame;
    const struct encoder *encoder = plan->encoder;
    plan->parts = memory_new(encoder->columns_n, sizeof *plan->parts);
    if (!plan->parts)
        return memory_refuse(e);
    for (size_t c = 0; c < encoder->columns_n; c++)
        plan->parts[c].from = f->columns_n;
    for (size_t from = 0; from < f->columns_n; from++) {
        const char *name = f->columns[from].name;
        size_t c = encoder_find(encoder, name, strlen(name));
        if (c < encoder->columns_n && !f->columns[from].skipped)
            plan->parts[c].from = from;
    }
    for (size_t c = 0; c < encoder->columns_n; c++) {
        const struct encoder_column *column = &encoder->columns[c];
        size_t from = plan->parts[c].from;
        if (from == f->columns_n)
            return err_set(e, ERR_INVALID, NULL, "the table has no column \"%.*s\"",
                           cell_quote_bytes(column->name, strlen(column->name)),
                           column->name);
        if (column->kind == ENCODER_CATEGORY && f->columns[from].codes &&
            !inputs_map(&f->columns[from], column, &plan->parts[c], e))
            return false;
    }
    return true;
}

/* One cell by the encoder itself: what the ways below do not take, and all refusals. */
static bool cell_encode(const struct plan *plan, size_t c, size_t row, float *inputs,
                        struct err *e) {
    size_t from = plan->parts[c].from;
    struct cell cell = frame_cell(plan->frame, from, row);
    if (encoder_cell(plan->encoder, c, &cell, inputs, "", e))
        return true;
    cell_where(e->where, "row", row + 1, plan->frame->columns[from].name);
    return false;
}

static bool numbers_encode(const struct plan *plan, size_t c, size_t first, size_t rows_n,
                           float *X, struct err *e) {
    const struct encoder_column *column = &plan->encoder->columns[c];
    const double *numbers = plan->frame->columns[plan->parts[c].from].numbers;
    const uint32_t *rows = plan->rows + first;
    size_t inputs_n = plan->encoder->inputs_n;
    /* NaN goes the way of a number outside float32. */
    double missing = column->missing_refused ? (double)NAN : column->mean;
    for (size_t i = 0; i < rows_n; i++) {
        double number = numbers[rows[i]];
        float input = (float)(isnan(number) ? missing : number);
        if (isfinite(input))
            X[i * inputs_n + column->input_at] = input;
        else if (!cell_encode(plan, c, rows[i], X + i * inputs_n, e))
            return false;
    }
    return true;
}

static bool codes_encode(const struct plan *plan, size_t c, size_t first, size_t rows_n,
                         float *X, struct err *e) {
    const struct encoder_column *column = &plan->encoder->columns[c];
    const int32_t *codes = plan->frame->columns[plan->parts[c].from].codes;
    const uint32_t *rows = plan->rows + first;
    size_t inputs_n = plan->encoder->inputs_n;
    for (size_t i = 0; i < rows_n; i++) {
        int32_t input = plan->parts[c].inputs[codes[rows[i]] + 1];
        if (input == REFUSED && !cell_encode(plan, c, rows[i], X + i * inputs_n, e))
            return false;
        if (input >= 0)
            X[i * inputs_n + column->input_at + (size_t)input] = 1;
    }
    return true;
}

static bool cells_encode(const struct plan *plan, size_t c, size_t first, size_t rows_n,
                         float *X, struct err *e) {
    for (size_t i = 0; i < rows_n; i++)
        if (!cell_encode(plan, c, plan->rows[first + i], X + i * plan->encoder->inputs_n,
                         e))
            return false;
    return true;
}

/* Rows first..first+rows_n-1 of those wanted; X is where the first goes. */
static bool block_encode(const struct plan *plan, size_t first, size_t rows_n, float *X,
                         struct err *e) {
    const struct encoder *encoder = plan->encoder;
    if (encoder->inputs_n)
        memset(X, 0, rows_n * encoder->inputs_n * sizeof *X);
    for (size_t c = 0; c < encoder->columns_n; c++) {
        enum encoder_kind kind = plan->frame->columns[plan->parts[c].from].kind;
        bool same = kind == encoder->columns[c].kind;
        bool ok = plan->parts[c].inputs ? codes_encode(plan, c, first, rows_n, X, e)
                  : same                ? numbers_encode(plan, c, first, rows_n, X, e)
                                        : cells_encode(plan, c, first, rows_n, X, e);
        if (!ok)
            return false;
    }
    return true;
}

bool frame_encode(const struct frame *f, const struct encoder *encoder,
                  const uint32_t *rows, size_t rows_n, float *X, struct err *e) {
    struct plan plan = {.frame = f, .encoder = encoder, .rows = rows};
    size_t inputs_n = encoder->inputs_n, block = BLOCK_FLOATS / (inputs_n ? inputs_n : 1);
    if (block < BLOCK_ROWS_MIN)
        block = BLOCK_ROWS_MIN;
    rows_assert(f, rows, rows_n);
    bool ok = plan_make(&plan, e);
    for (size_t first = 0; ok && first < rows_n; first += block)
        ok = block_encode(&plan, first, rows_n - first < block ? rows_n - first : block,
                          X + first * inputs_n, e);
    plan_free(&plan);
    return ok;
}
