#include "api/rows.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor_private.h"
#include "api/number.h"
#include "api/rows_private.h"
#include "engine/memory.h"

void rows_free(struct rows *rows) {
    free(rows->values);
    *rows = (struct rows){0};
}

bool rows_room(struct rows *rows, size_t more, const char *path, struct err *e) {
    size_t width = rows->columns_n, used = rows->rows_n * width, need;
    if (more > ROWS_FLOATS_MAX || !size_mul(rows->rows_n + more, width, &need) ||
        need > ROWS_FLOATS_MAX)
        return err_set(e, ERR_TOO_LARGE, path,
                       "expected rows of at most %d inputs together", ROWS_FLOATS_MAX);
    if (need <= rows->capacity)
        return true;
    size_t capacity = need > 2 * (used + width) ? need : 2 * (used + width);
    float *values = memory_new(capacity, sizeof *values);
    if (!values)
        return err_set(e, ERR_NO_MEMORY, path, "no memory for the rows");
    if (used)
        memcpy(values, rows->values, used * sizeof *values);
    free(rows->values);
    rows->values = values;
    rows->capacity = capacity;
    return true;
}

/* Less is not worth what aligning costs: as much as all else that a tiny request's rows
 * do.
 */
enum { ALIGNED_BYTES_MIN = 4096 };

bool rows_reserve(struct rows *rows, size_t used, size_t wanted, const char *path,
                  struct err *e) {
    size_t bytes;
    if (!size_mul(wanted, sizeof(float), &bytes) ||
        !size_add(bytes, MEMORY_ALIGN, &bytes))
        return err_set(e, ERR_TOO_LARGE, path, "too many numbers");
    bytes -= bytes % MEMORY_ALIGN;
    float *values =
        bytes < ALIGNED_BYTES_MIN ? malloc(bytes) : aligned_alloc(MEMORY_ALIGN, bytes);
    if (!values)
        return err_set(e, ERR_NO_MEMORY, path, "no memory for %zu numbers", wanted);
    if (used > 0)
        memcpy(values, rows->values, used * sizeof *values);
    free(rows->values);
    rows->values = values;
    rows->capacity = bytes / sizeof *values;
    return true;
}

/* One run of rows_scan. */
struct scan {
    struct cursor *c;
    const char *path;
    bool flat;
    struct rows *rows;
    size_t used; /* floats */
    struct err *e;
};

/* Half as much again: but a number and what separates it take two characters, so the text
 * that is left bounds what can come. */
static bool rows_grow(struct scan *s) {
    size_t bound = s->used + (size_t)(s->c->end - s->c->at) / 2 + 1;
    size_t wanted = s->used + s->used / 2 + 256;
    return rows_reserve(s->rows, s->used, wanted < bound ? wanted : bound, s->path, s->e);
}

/* Behind the first row, of `bytes` characters: room for as many of its kind as the text
 * has place for, and a little more. */
static bool rows_estimate(struct scan *s, size_t bytes) {
    size_t left = (size_t)(s->c->end - s->c->at);
    size_t bound = s->used + left / 2 + 1;
    size_t rows_n = left / (bytes + 1) + 1;
    rows_n += rows_n / 16;
    size_t floats;
    if (!size_mul(rows_n, s->used, &floats) || !size_add(floats, s->used, &floats) ||
        floats > bound)
        floats = bound;
    return floats <= s->rows->capacity ||
           rows_reserve(s->rows, s->used, floats, s->path, s->e);
}

/* An error at a row, or at a number in it. */
struct place {
    char text[ERR_WHERE_MAX];
};
static struct place place_row(const struct scan *s, size_t row) {
    struct place place;
    if (s->flat)
        snprintf(place.text, sizeof place.text, "%s", s->path);
    else
        snprintf(place.text, sizeof place.text, "%s/%zu", s->path, row);
    return place;
}
static struct place place_number(const struct scan *s, size_t row, size_t column) {
    struct place place;
    if (s->flat)
        snprintf(place.text, sizeof place.text, "%s/%zu", s->path, column);
    else
        snprintf(place.text, sizeof place.text, "%s/%zu/%zu", s->path, row, column);
    return place;
}

static bool row_refuse(struct scan *s, size_t row, size_t columns, size_t n) {
    return err_set(s->e, ERR_INVALID, place_row(s, row).text,
                   "expected %zu number%s, got %zu", columns, columns == 1 ? "" : "s", n);
}

/* The number at the cursor, which is the first too many: counts the rest, for the
 * message. */
static bool row_refuse_length(struct scan *s, size_t row, size_t columns) {
    enum { ELEMENT_DEPTH_MAX = 64 };
    size_t n = columns;
    char next = ',';
    while (next == ',') {
        if (!cursor_skip(s->c, ELEMENT_DEPTH_MAX, NULL, s->e))
            return false;
        n++;
        next = cursor_peek(s->c);
        s->c->at += next == ',';
    }
    return row_refuse(s, row, columns, n);
}

/* One row of at most `columns` numbers. *n is how many came. */
static bool row_scan(struct scan *s, size_t row, size_t columns, size_t *n) {
    struct cursor *c = s->c;
    *n = 0;
    if (cursor_peek(c) != '[')
        return cursor_mismatch(c, "an array of numbers", place_row(s, row).text, s->e);
    c->at++;
    if (cursor_peek(c) == ']') {
        c->at++;
        return true;
    }
    for (;;) {
        cursor_peek(c);
        if (*n == columns)
            return row_refuse_length(s, row, columns);
        if (s->used == s->rows->capacity && !rows_grow(s))
            return false;
        enum number_scan result =
            number_scan_float(&c->at, c->end, s->rows->values + s->used);
        if (result != NUMBER_OK)
            return cursor_refuse_number(c, result, "float32", "3.4028235e38",
                                        place_number(s, row, *n).text, s->e);
        s->used++;
        ++*n;
        char next = cursor_peek(c);
        if (next != ',' && next != ']')
            return cursor_refuse(c, "',' or ']'", NULL, s->e);
        c->at++;
        if (next == ']')
            return true;
    }
}

/* The first row, which decides the columns where they are not given. */
static bool row_scan_first(struct scan *s, size_t *columns) {
    const char *from = s->c->at;
    size_t n;
    if (!row_scan(s, 0, *columns ? *columns : SIZE_MAX, &n))
        return false;
    if (*columns == 0 && n == 0)
        return err_set(s->e, ERR_INVALID, place_row(s, 0).text,
                       "expected at least one number");
    if (*columns != 0 && n != *columns)
        return row_refuse(s, 0, *columns, n);
    *columns = n;
    return rows_estimate(s, (size_t)(s->c->at - from));
}

static bool rows_scan_nested(struct scan *s, size_t columns) {
    struct cursor *c = s->c;
    if (cursor_peek(c) != '[')
        return cursor_mismatch(c, "an array of arrays of numbers", s->path, s->e);
    c->at++;
    if (cursor_peek(c) == ']')
        return err_set(s->e, ERR_INVALID, s->path, "expected at least one row");
    if (!row_scan_first(s, &columns))
        return false;
    size_t row = 1;
    for (char next; (next = cursor_peek(c)) != ']'; row++) {
        if (next != ',')
            return cursor_refuse(c, "',' or ']'", NULL, s->e);
        c->at++;
        size_t n;
        if (!row_scan(s, row, columns, &n))
            return false;
        if (n != columns)
            return row_refuse(s, row, columns, n);
    }
    c->at++;
    s->rows->rows_n = row;
    s->rows->columns_n = columns;
    return true;
}

static bool rows_scan_one(struct scan *s, size_t columns) {
    if (!row_scan_first(s, &columns))
        return false;
    s->rows->rows_n = 1;
    s->rows->columns_n = columns;
    return true;
}

bool rows_scan_strictly(struct cursor *c, struct rows_form form, const char *path,
                        struct rows *rows, struct err *e) {
    struct scan s = {.c = c, .path = path, .flat = form.flat, .rows = rows, .e = e};
    return form.flat ? rows_scan_one(&s, form.columns_n)
                     : rows_scan_nested(&s, form.columns_n);
}

/* Below this the wide scanner's beginning and end cost more than it gains. */
enum { WIDE_BYTES_MIN = 256 };

static bool rows_scan_form(struct cursor *c, struct rows_form form, const char *path,
                           struct rows *rows, struct err *e) {
    return (c->end - c->at >= WIDE_BYTES_MIN && rows_scan_widely(c, form, rows)) ||
           rows_scan_strictly(c, form, path, rows, e);
}

bool rows_scan(struct cursor *c, size_t columns_n, const char *path, struct rows *rows,
               struct err *e) {
    return rows_scan_form(c, (struct rows_form){.columns_n = columns_n}, path, rows, e);
}

bool rows_scan_flat(struct cursor *c, size_t columns_n, const char *path,
                    struct rows *rows, struct err *e) {
    return rows_scan_form(c, (struct rows_form){.flat = true, .columns_n = columns_n},
                          path, rows, e);
}
