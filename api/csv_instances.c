#include "api/csv_instances.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/number.h"
#include "api/reader.h"
#include "engine/cell.h"
#include "engine/memory.h"

struct csv_scan {
    const struct csv_instances *from;
    size_t columns_n; /* that the model has */
    size_t *column;   /* (columns_n): the model's column of each of the file's; owned */
    struct rows *rows;
};

static bool is_named(const struct csv_scan *s) {
    return s->from->encoder->columns_n;
}

/* The name of a model's column; those that have none are numbered. */
static const char *column_name(const struct csv_scan *s, size_t column, char number[24]) {
    if (is_named(s))
        return s->from->encoder->columns[column].name;
    snprintf(number, 24, "%zu", column);
    return number;
}

/* The model's column of that name; columns_n when there is none. */
static size_t column_find(const struct csv_scan *s, const char *name) {
    if (is_named(s))
        return encoder_find(s->from->encoder, name, strlen(name));
    size_t digits = strspn(name, "0123456789");
    bool number =
        digits && digits < 10 && !name[digits] && (name[0] != '0' || digits == 1);
    size_t column = number ? (size_t)strtoul(name, NULL, 10) : s->columns_n;
    return column < s->columns_n ? column : s->columns_n;
}

/* Finds each of the file's columns in the model. A name that is missing is told first
 * where there are too few. */
static bool names_match(struct csv_scan *s, const char *const *names, size_t n,
                        unsigned char *seen, struct err *e) {
    char where[ERR_WHERE_MAX], number[24];
    for (size_t i = 0; i < n; i++) {
        size_t column = column_find(s, names[i]);
        cell_where(where, "line", 1, names[i]);
        if (column == s->columns_n)
            return err_set(e, ERR_INVALID, where, "the model has no column \"%.60s\"",
                           names[i]);
        if (seen[column])
            return err_set(e, ERR_INVALID, where, "is given twice");
        seen[column] = 1;
        s->column[i] = column;
    }
    for (size_t c = 0; c < s->columns_n; c++)
        if (!seen[c])
            return err_set(e, ERR_INVALID, "line 1", "column \"%.60s\" is missing",
                           column_name(s, c, number));
    return true;
}

/* Any header will do over columns without names, but a row of numbers is none. */
static bool header_check(const char *first, struct err *e) {
    const char *at = first, *end = first + strlen(first);
    return !(number_skip(&at, end) && at == end) ||
           err_set(e, ERR_INVALID, "line 1",
                   "expected a header line, got %.40s (the type text/csv; header=absent "
                   "says that there is none)",
                   first);
}

static bool take_columns(void *context, const char *const *names, size_t n,
                         struct err *e) {
    struct csv_scan *s = context;
    bool by_name =
        names && (is_named(s) || (n && column_find(s, names[0]) < s->columns_n));
    if (by_name) {
        unsigned char *seen = memory_new(s->columns_n, 1);
        bool ok = seen ? names_match(s, names, n, seen, e)
                       : err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
        free(seen);
        return ok;
    }
    if (names && n && !header_check(names[0], e))
        return false;
    for (size_t i = 0; i < s->columns_n; i++)
        s->column[i] = i;
    return n == s->columns_n || err_set(e, ERR_INVALID, "line 1",
                                        "expected %zu columns, got %zu", s->columns_n, n);
}

static bool number_take(const struct cell *cell, float *input, const char *where,
                        struct err *e) {
    if (cell->kind != CELL_NUMBER)
        return cell_refuse(cell, "a number", where, e);
    *input = (float)cell->number;
    return isfinite(*input) ||
           err_set(e, ERR_RANGE, where, "%g is outside float32", cell->number);
}

static bool take_row(void *context, const struct cell *cells, size_t n, size_t line,
                     struct err *e) {
    struct csv_scan *s = context;
    struct rows *rows = s->rows;
    if (!rows_room(rows, NULL, e))
        return false;
    float *row = rows->values + rows->rows_n * rows->columns_n;
    for (size_t i = 0; i < n; i++) {
        char where[ERR_WHERE_MAX], number[24];
        size_t column = s->column[i];
        cell_where(where, "line", line, column_name(s, column, number));
        if (is_named(s)
                ? !encoder_cell(s->from->encoder, column, &cells[i], row, where, e)
                : !number_take(&cells[i], row + column, where, e))
            return false;
    }
    rows->rows_n++;
    return true;
}

/* A compressed body would be a Content-Encoding, which requests do not have. */
static bool plain_check(const struct csv_instances *from, struct err *e) {
    return from->n < 2 || memcmp(from->bytes, "\x1f\x8b", 2) != 0 ||
           err_set(e, ERR_INVALID, NULL, "expected CSV, got a gzip file");
}

bool csv_instances_read(const struct csv_instances *from, struct rows *rows,
                        struct err *e) {
    size_t n = from->encoder->columns_n ? from->encoder->columns_n : from->inputs_n;
    struct csv_scan s = {from, n, memory_new(n, sizeof *s.column), rows};
    struct table_sink sink = {take_columns, take_row, &s};
    struct reader_options options = READER_OPTIONS_DEFAULT;
    options.format = TABLE_CSV;
    options.header = !from->header_absent;
    struct reader *reader = NULL;
    *rows = (struct rows){.columns_n = from->inputs_n};
    bool ok = s.column ? plain_check(from, e) && (reader = reader_new(&options, &sink, e))
                       : err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
    ok = ok && reader_feed(reader, from->bytes, from->n, e) && reader_end(reader, e);
    reader_free(reader);
    free(s.column);
    return ok && (rows->rows_n || err_set(e, ERR_INVALID, NULL,
                                          "expected at least one row behind the "
                                          "header"));
}
