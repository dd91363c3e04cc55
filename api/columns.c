#include "api/columns.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/number.h"
#include "engine/cell.h"
#include "engine/memory.h"

struct columns columns_of(const struct encoder *encoder, size_t inputs_n) {
    size_t n = encoder->columns_n ? encoder->columns_n : inputs_n;
    return (struct columns){encoder, n, n + encoder->unused_n, inputs_n};
}

struct columns columns_of_model(const struct model *model) {
    return columns_of(&model->encoder, model->net->inputs_n);
}

bool columns_named(const struct columns *columns) {
    return columns->encoder->columns_n;
}

const char *columns_name(const struct columns *columns, size_t i,
                         char number[COLUMNS_NUMBER_BYTES]) {
    if (i >= columns->n)
        return columns->encoder->unused[i - columns->n];
    if (columns_named(columns))
        return columns->encoder->columns[i].name;
    snprintf(number, COLUMNS_NUMBER_BYTES, "%zu", i);
    return number;
}

/* The place that a name is, or SIZE_MAX. */
static size_t place_read(const char *name, size_t n) {
    size_t place = 0;
    if (!n || n >= 10 || (name[0] == '0' && n > 1))
        return SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        if (name[i] < '0' || name[i] > '9')
            return SIZE_MAX;
        place = 10 * place + (size_t)(name[i] - '0');
    }
    return place;
}

size_t columns_find(const struct columns *columns, const char *name, size_t name_n) {
    size_t column = 0;
    if (columns_named(columns)) {
        column = encoder_find(columns->encoder, name, name_n);
        return column < columns->n
                   ? column
                   : column + encoder_find_unused(columns->encoder, name, name_n);
    }
    column = place_read(name, name_n);
    return column < columns->n ? column : columns->n;
}

bool columns_counted(const struct columns *columns) {
    const struct encoder *encoder = columns->encoder;
    bool counted = encoder_takes_numbers(encoder);
    for (size_t i = 0; counted && i < encoder->columns_n; i++) {
        const char *name = encoder->columns[i].name;
        counted = place_read(name, strlen(name)) == i;
    }
    return counted;
}

/* The float32 nearest to the number as it is spelt. Its float64 says it all, unless it
 * lies in the middle between two of them, where the decimal need not. */
static float cell_float(const struct cell *cell) {
    double number = cell->number;
    float value = (float)number, exact;
    float other = nextafterf(value, number > (double)value ? INFINITY : -INFINITY);
    const char *at = cell->text;
    bool halfway = number - (double)value == (double)other - number;
    return at && halfway && number_scan_float(&at, at + cell->text_n, &exact) == NUMBER_OK
               ? exact
               : value;
}

bool columns_number(const struct columns *columns, size_t i, size_t *input) {
    if (i >= columns->n)
        return false;
    *input = i;
    if (!columns_named(columns))
        return true;
    const struct encoder_column *column = &columns->encoder->columns[i];
    *input = column->input_at;
    return column->kind == ENCODER_NUMBER;
}

bool columns_cell(const struct columns *columns, size_t i, const struct cell *cell,
                  float *row, const char *where, struct err *e) {
    if (i >= columns->n)
        return true;
    size_t input;
    if (cell->kind == CELL_NUMBER && columns_number(columns, i, &input)) {
        row[input] = cell_float(cell);
        return isfinite(row[input]) ||
               err_set(e, ERR_RANGE, where, "%g is outside float32", cell->number);
    }
    return columns_named(columns)
               ? encoder_cell_asked(columns->encoder, i, cell, row, where, e)
               : cell_refuse(cell, "a number", where, e);
}

/* Whether a header's names are looked up, not counted: the columns have names, or the
 * first one is a number of theirs. */
static bool by_name(const struct columns *columns, const char *first) {
    return columns_named(columns) ||
           columns_find(columns, first, strlen(first)) < columns->names_n;
}

/* A name that is missing is told first where there are too few. */
static bool names_match(const struct columns *columns,
                        const struct columns_header *header, unsigned char *seen,
                        size_t *order, struct err *e) {
    char where[ERR_WHERE_MAX], number[COLUMNS_NUMBER_BYTES];
    for (size_t i = 0; i < header->n; i++) {
        const char *name = header->names[i];
        size_t column = columns_find(columns, name, strlen(name));
        bool unknown = column == columns->names_n;
        if (unknown || seen[column]) {
            header->place(header, i, where);
            return unknown ? err_set(e, ERR_INVALID, where,
                                     "the model has no column \"%.60s\"", name)
                           : err_set(e, ERR_INVALID, where, "is given twice");
        }
        seen[column] = 1;
        order[i] = column;
    }
    for (size_t i = 0; i < columns->n; i++)
        if (!seen[i])
            return err_set(e, ERR_INVALID, header->where, "column \"%.60s\" is missing",
                           columns_name(columns, i, number));
    return true;
}

bool columns_match(const struct columns *columns, const struct columns_header *header,
                   size_t *order, struct err *e) {
    if (header->n && by_name(columns, header->names[0])) {
        unsigned char *seen = memory_new(columns->names_n, 1);
        bool ok = seen ? names_match(columns, header, seen, order, e)
                       : err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
        free(seen);
        return ok;
    }
    if (header->n != columns->n)
        return err_set(e, ERR_INVALID, header->where, "expected %zu columns, got %zu",
                       columns->n, header->n);
    for (size_t i = 0; i < columns->n; i++)
        order[i] = i;
    return true;
}
