/* The targets column of api/rows.h. */
#include "api/rows.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor_private.h"
#include "api/intern.h"
#include "api/number.h"
#include "engine/memory.h"

void column_free(struct column *column) {
    free(column->numbers);
    free(column->string_ids);
    labels_free(&column->strings);
    rows_free(&column->rows);
    *column = (struct column){0};
}

/* One run of column_scan; column->n counts as elements come. */
struct scan {
    struct cursor *c;
    const char *path;
    struct column *column;
    size_t capacity; /* elements */
    struct intern table;
    struct err *e;
};

/* The path of the element at the cursor. */
struct place {
    char text[ERR_WHERE_MAX];
};
static struct place place_element(const struct scan *s) {
    struct place place;
    snprintf(place.text, sizeof place.text, "%s/%zu", s->path, s->column->n);
    return place;
}

static bool element_scan_number(struct scan *s) {
    enum number_scan result =
        number_scan_double(&s->c->at, s->c->end, &s->column->numbers[s->column->n]);
    return result == NUMBER_OK ||
           cursor_refuse_number(s->c, result, "float64", "1.7976931348623157e308",
                                place_element(s).text, s->e);
}

static bool element_scan_string(struct scan *s) {
    char text[COLUMN_STRING_BYTES_MAX];
    size_t n;
    struct err inner = {0};
    if (cursor_peek(s->c) != '"')
        return cursor_mismatch(s->c, "a string", place_element(s).text, s->e);
    int32_t *id = &s->column->string_ids[s->column->n];
    if (cursor_decode(s->c, text, sizeof text, &n, NULL, &inner) &&
        intern_put(&s->table, text, n, id, NULL, &inner))
        return true;
    /* Bad grammar is found by line and column, all else by its path. */
    bool grammar = inner.kind == ERR_INVALID;
    return err_set(s->e, inner.kind, grammar ? inner.where : place_element(s).text, "%s",
                   inner.text);
}

static bool word_take(struct cursor *c, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

static bool element_scan_boolean(struct scan *s) {
    cursor_peek(s->c);
    bool yes = word_take(s->c, "true");
    if (!yes && !word_take(s->c, "false"))
        return cursor_mismatch(s->c, "a boolean", place_element(s).text, s->e);
    s->column->numbers[s->column->n] = yes;
    return true;
}

/* Half as much again, of the array that the column's kind fills. */
static bool column_grow(struct scan *s) {
    struct column *column = s->column;
    bool strings = column->kind == COLUMN_STRINGS;
    size_t size = strings ? sizeof *column->string_ids : sizeof *column->numbers;
    size_t bound = column->n + (size_t)(s->c->end - s->c->at) / 2 + 1;
    size_t wanted = s->capacity + s->capacity / 2 + 256, bytes;
    if (wanted > bound)
        wanted = bound;
    if (!size_mul(wanted, size, &bytes))
        return err_set(s->e, ERR_TOO_LARGE, s->path, "too many values");
    void *old = strings ? (void *)column->string_ids : (void *)column->numbers;
    void *block = realloc(old, bytes);
    if (!block)
        return err_set(s->e, ERR_NO_MEMORY, s->path, "no memory for %zu values", wanted);
    if (strings)
        column->string_ids = block;
    else
        column->numbers = block;
    s->capacity = wanted;
    return true;
}

/* The elements and the closing bracket; the cursor is on the first. */
static bool elements_scan(struct scan *s, bool (*element)(struct scan *s)) {
    for (;;) {
        if (s->column->n == s->capacity && !column_grow(s))
            return false;
        cursor_peek(s->c);
        if (!element(s))
            return false;
        s->column->n++;
        char next = cursor_peek(s->c);
        if (next != ',' && next != ']')
            return cursor_refuse(s->c, "',' or ']'", NULL, s->e);
        s->c->at++;
        if (next == ']')
            return true;
    }
}

/* Rows are scanned as a whole, from the outer bracket. */
static bool rows_column_scan(struct scan *s, const char *from) {
    s->column->kind = COLUMN_ROWS;
    s->c->at = from;
    if (!rows_scan(s->c, 0, s->path, &s->column->rows, s->e))
        return false;
    s->column->n = s->column->rows.rows_n;
    return true;
}

bool column_scan(struct cursor *c, const char *path, struct column *column,
                 struct err *e) {
    struct scan s = {.c = c, .path = path, .column = column, .e = e};
    if (cursor_peek(c) != '[')
        return cursor_mismatch(c, "an array", path, e);
    const char *from = c->at++;
    char first = cursor_peek(c);
    if (first == ']')
        return err_set(e, ERR_INVALID, path, "expected at least one value");
    if (first == '[')
        return rows_column_scan(&s, from);
    if (first == 't' || first == 'f') {
        column->kind = COLUMN_BOOLEANS;
        return elements_scan(&s, element_scan_boolean);
    }
    if (first == '"') {
        column->kind = COLUMN_STRINGS;
        intern_init(&s.table, &column->strings, COLUMN_STRINGS_MAX);
        bool ok = elements_scan(&s, element_scan_string);
        intern_free(&s.table);
        return ok;
    }
    if (first != '-' && (first < '0' || first > '9'))
        return cursor_mismatch(c, "a number, a string, a boolean or an array of numbers",
                               place_element(&s).text, e);
    column->kind = COLUMN_NUMBERS;
    return elements_scan(&s, element_scan_number);
}
