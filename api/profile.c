#include "api/profile.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/number.h"
#include "api/profile_private.h"
#include "api/utf8.h"

enum {
    VALUES_BYTES_MAX = 32 << 20, /* of all columns together */
    ODD_BYTES_MAX = 40,          /* how much of a cell a message shows */
    DAMAGED_CELLS_MIN = 20,
    DAMAGED_SHARE = 20 /* one cell in so many */
};

static const char *const TYPE_NAMES[] = {"number", "boolean", "category"};

const char *profile_type_name(enum profile_type type) {
    return TYPE_NAMES[type];
}

bool profile_type_find(const char *name, enum profile_type *type) {
    for (size_t i = 0; i < sizeof TYPE_NAMES / sizeof *TYPE_NAMES; i++) {
        if (strcmp(name, TYPE_NAMES[i]) == 0) {
            *type = (enum profile_type)i;
            return true;
        }
    }
    return false;
}

void profile_free(struct profile *p) {
    for (size_t c = 0; c < p->columns_n; c++) {
        for (size_t i = 0; i < p->columns[c].values_n; i++)
            free(p->columns[c].values[i].text);
        free(p->columns[c].values);
        free(p->columns[c].name);
    }
    free(p->columns);
    free(p->first_rows);
    *p = (struct profile){0};
}

/* A column so far. */
struct tally {
    char *name; /* owned */
    uint64_t missing, numbers_n, booleans_n, texts_n;
    double min, max, mean,
        squares; /* of numbers; squares: of the differences to the mean */
    bool whole;
    size_t odd_line, odd_row; /* the first cell that is no number; 0: there is none */
    char odd_text[ODD_BYTES_MAX + 4];
    struct profile_values values;
};

/* A cell of the first rows, kept until its column's type is known. */
struct kept {
    enum cell_kind kind;
    double number;
    char *text; /* owned; NULL when there is no spelling */
};

struct profiler {
    struct tally *tallies; /* (columns_n); owned */
    size_t columns_n;
    bool named;
    uint64_t rows_n;
    size_t values_budget;
    struct kept *kept; /* (PROFILE_FIRST_ROWS * columns_n); owned */
};

static bool no_memory(struct err *e) {
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a table's profile");
}

void profiler_free(struct profiler *p) {
    if (!p)
        return;
    for (size_t c = 0; p->tallies && c < p->columns_n; c++) {
        profile_values_free(&p->tallies[c].values);
        free(p->tallies[c].name);
    }
    for (size_t i = 0; p->kept && i < PROFILE_FIRST_ROWS * p->columns_n; i++)
        free(p->kept[i].text);
    free(p->tallies);
    free(p->kept);
    free(p);
}

struct named {
    const char *name;
    size_t column;
};

static int named_compare(const void *a, const void *b) {
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->column > y->column) - (x->column < y->column);
}

/* "column \"age\"", cut where it would not fit. */
static int column_print(const char *name, char *to, size_t to_n) {
    enum { NAME_BYTES_SHOWN = 64 };
    size_t n = strlen(name), kept = utf8_cut(name, n, NAME_BYTES_SHOWN);
    return snprintf(to, to_n, "column \"%.*s%s\"", (int)kept, name,
                    kept < n ? "..." : "");
}

static bool name_check(const char *name, size_t column, struct err *e) {
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "column %zu", column + 1);
    if (!*name)
        return err_set(e, ERR_INVALID, where, "a column without a name");
    return strlen(name) <= PROFILE_VALUE_BYTES_MAX ||
           err_set(e, ERR_TOO_LARGE, where, "a name of more than %d bytes",
                   PROFILE_VALUE_BYTES_MAX);
}

static bool names_check(const char *const *names, size_t n, struct err *e) {
    struct named *sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return no_memory(e);
    bool ok = true;
    for (size_t c = 0; ok && c < n; c++) {
        sorted[c] = (struct named){names[c], c};
        ok = name_check(names[c], c, e);
    }
    if (ok)
        qsort(sorted, n, sizeof *sorted, named_compare);
    for (size_t i = 1; ok && i < n; i++) {
        if (strcmp(sorted[i - 1].name, sorted[i].name) != 0)
            continue;
        char where[ERR_WHERE_MAX];
        column_print(sorted[i].name, where, sizeof where);
        ok = err_set(e, ERR_INVALID, where, "columns %zu and %zu have the same name",
                     sorted[i - 1].column + 1, sorted[i].column + 1);
    }
    free(sorted);
    return ok;
}

static bool profiler_columns(void *context, const char *const *names, size_t columns_n,
                             struct err *e) {
    struct profiler *p = context;
    if (names && !names_check(names, columns_n, e))
        return false;
    p->named = names != NULL;
    p->tallies = calloc(columns_n, sizeof *p->tallies);
    p->kept = calloc(columns_n, PROFILE_FIRST_ROWS * sizeof *p->kept);
    if (!p->tallies || !p->kept)
        return no_memory(e);
    p->columns_n = columns_n;
    for (size_t c = 0; c < columns_n; c++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", c);
        struct tally *t = &p->tallies[c];
        t->name = strdup(names ? names[c] : number);
        if (!t->name)
            return no_memory(e);
        t->whole = true;
        profile_values_init(&t->values);
    }
    return true;
}

/* B. P. Welford, "Note on a method for calculating corrected sums of squares and
 * products", 1962. */
static void tally_number(struct tally *t, double x) {
    double n = (double)++t->numbers_n;
    t->min = t->numbers_n == 1 || x < t->min ? x : t->min;
    t->max = t->numbers_n == 1 || x > t->max ? x : t->max;
    t->whole = t->whole && x == floor(x);
    double before = x - t->mean;
    /* A difference of numbers near the largest may not be finite; their shares are. */
    t->mean = isfinite(before) ? t->mean + before / n : t->mean - t->mean / n + x / n;
    t->squares += before * (x - t->mean);
}

static void tally_odd(struct tally *t, const struct cell *cell, size_t line,
                      uint64_t row) {
    if (t->odd_row)
        return;
    t->odd_line = line;
    t->odd_row = (size_t)row;
    size_t kept = cell->text ? utf8_cut(cell->text, cell->text_n, ODD_BYTES_MAX) : 0;
    if (kept)
        memcpy(t->odd_text, cell->text, kept);
    if (!cell->text)
        strcpy(t->odd_text, cell->number != 0 ? "true" : "false");
    else if (kept < cell->text_n)
        strcpy(t->odd_text + kept, "...");
}

/* A cell of the first rows. */
static bool cell_keep(struct profiler *p, size_t row, size_t column,
                      const struct cell *cell, struct err *e) {
    struct kept *k = &p->kept[row * p->columns_n + column];
    k->kind = cell->kind;
    k->number = cell->number;
    if (!cell->text || k->kind == CELL_MISSING)
        return true;
    size_t n = utf8_cut(cell->text, cell->text_n, PROFILE_VALUE_BYTES_MAX);
    bool cut = n < cell->text_n;
    k->text = malloc(n + sizeof "...");
    if (!k->text)
        return no_memory(e);
    memcpy(k->text, cell->text, n);
    strcpy(k->text + n, cut ? "..." : "");
    return true;
}

/* `row` counts from 1. */
static bool tally_cell(struct profiler *p, struct tally *t, const struct cell *cell,
                       size_t line, uint64_t row, struct err *e) {
    if (cell->kind == CELL_MISSING) {
        t->missing++;
        return true;
    }
    if (cell->kind == CELL_NUMBER) {
        tally_number(t, cell->number);
    } else {
        t->booleans_n += cell->kind == CELL_BOOLEAN;
        t->texts_n += cell->kind == CELL_TEXT;
        tally_odd(t, cell, line, row);
    }
    return t->values.many || profile_values_add(&t->values, cell, &p->values_budget, e);
}

static bool profiler_row(void *context, const struct cell *cells, size_t columns_n,
                         size_t line, struct err *e) {
    struct profiler *p = context;
    for (size_t c = 0; p->rows_n < PROFILE_FIRST_ROWS && c < columns_n; c++)
        if (!cell_keep(p, (size_t)p->rows_n, c, &cells[c], e))
            return false;
    p->rows_n++;
    for (size_t c = 0; c < columns_n; c++)
        if (!tally_cell(p, &p->tallies[c], &cells[c], line, p->rows_n, e))
            return false;
    return true;
}

static bool profiler_rows(void *context, size_t rows_n, struct err *e) {
    struct profiler *p = context;
    (void)e;
    p->rows_n = rows_n;
    return true;
}

static bool profiler_run(void *context, size_t column, size_t row,
                         const struct cell *cells, size_t n, struct err *e) {
    struct profiler *p = context;
    for (size_t i = 0; i < n && row + i < PROFILE_FIRST_ROWS; i++)
        if (!cell_keep(p, row + i, column, &cells[i], e))
            return false;
    for (size_t i = 0; i < n; i++)
        if (!tally_cell(p, &p->tallies[column], &cells[i], 0, row + i + 1, e))
            return false;
    return true;
}

struct profiler *profiler_new(struct table_sink *sink, struct err *e) {
    struct profiler *p = calloc(1, sizeof *p);
    if (!p) {
        no_memory(e);
        return NULL;
    }
    p->values_budget = VALUES_BYTES_MAX;
    *sink = (struct table_sink){.columns = profiler_columns,
                                .row = profiler_row,
                                .context = p,
                                .rows = profiler_rows,
                                .run = profiler_run};
    return p;
}

static enum profile_type tally_type(const struct tally *t) {
    if (t->texts_n > 0 || (t->numbers_n > 0 && t->booleans_n > 0))
        return PROFILE_CATEGORY;
    return t->booleans_n > 0 ? PROFILE_BOOLEAN : PROFILE_NUMBER;
}

/* Numbers but for a few cells: more likely a damaged file than a category. */
static bool tally_damaged(const struct tally *t) {
    uint64_t odd_n = t->texts_n + t->booleans_n, n = odd_n + t->numbers_n;
    return odd_n > 0 && n >= DAMAGED_CELLS_MIN && odd_n * DAMAGED_SHARE < n;
}

bool profiler_damaged(const struct profiler *p, struct profile_damage *damage) {
    for (size_t c = 0; c < p->columns_n; c++) {
        const struct tally *t = &p->tallies[c];
        if (!tally_damaged(t))
            continue;
        *damage = (struct profile_damage){t->odd_row - 1, c, p->named ? t->name : NULL};
        return true;
    }
    return false;
}

static bool tally_check(const struct tally *t, struct err *e) {
    if (!tally_damaged(t))
        return true;
    char where[ERR_WHERE_MAX];
    int used = t->odd_line ? snprintf(where, sizeof where, "line %zu, ", t->odd_line)
                           : snprintf(where, sizeof where, "row %zu, ", t->odd_row);
    column_print(t->name, where + used, sizeof where - (size_t)used);
    return err_set(e, ERR_INVALID, where, "expected a number, got \"%s\"", t->odd_text);
}

static bool tally_take(struct tally *t, struct profile_column *out, struct err *e) {
    out->type = tally_type(t);
    out->missing = t->missing;
    if (out->type == PROFILE_NUMBER && t->numbers_n > 0) {
        double deviation = sqrt(t->squares / (double)t->numbers_n);
        out->min = t->min;
        out->max = t->max;
        out->mean = t->mean;
        out->deviation = isfinite(deviation) ? deviation : DBL_MAX;
        out->whole = t->whole;
    }
    out->name = t->name;
    t->name = NULL;
    return profile_values_take(&t->values, out, e);
}

static void kept_encode(const struct kept *k, enum profile_type type, struct text *out) {
    char number[NUMBER_TEXT_MAX + 1];
    if (k->kind == CELL_MISSING) {
        text_json_null(out);
    } else if (type == PROFILE_BOOLEAN) {
        text_json_bool(out, k->number != 0);
    } else if (type == PROFILE_NUMBER) {
        text_json_double(out, k->number);
    } else if (k->text) {
        text_json_string(out, k->text);
    } else if (k->kind == CELL_BOOLEAN) {
        text_json_string(out, k->number != 0 ? "true" : "false");
    } else {
        number[number_print_double(k->number, number)] = 0;
        text_json_string(out, number);
    }
}

static char *first_rows_encode(const struct profiler *p, const struct profile *out) {
    struct text text = {0};
    text_open(&text, '[');
    for (size_t row = 0; row < PROFILE_FIRST_ROWS && row < p->rows_n; row++) {
        text_open(&text, '[');
        for (size_t c = 0; c < p->columns_n; c++)
            kept_encode(&p->kept[row * p->columns_n + c], out->columns[c].type, &text);
        text_close(&text, ']');
    }
    text_close(&text, ']');
    return text_take(&text);
}

bool profiler_end(struct profiler *p, struct profile *out, struct err *e) {
    *out = (struct profile){.rows_n = p->rows_n, .named = p->named};
    if (p->rows_n == 0)
        return err_set(e, ERR_INVALID, NULL, "the table has no rows");
    for (size_t c = 0; c < p->columns_n; c++)
        if (!tally_check(&p->tallies[c], e))
            return false;
    bool ok = true;
    out->columns = calloc(p->columns_n, sizeof *out->columns);
    if (!out->columns)
        return no_memory(e);
    out->columns_n = p->columns_n;
    for (size_t c = 0; ok && c < p->columns_n; c++)
        ok = tally_take(&p->tallies[c], &out->columns[c], e);
    out->first_rows = ok ? first_rows_encode(p, out) : NULL;
    if (ok && !out->first_rows)
        ok = no_memory(e);
    if (!ok)
        profile_free(out);
    return ok;
}
