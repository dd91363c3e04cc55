#include "api/instances.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/number.h"
#include "engine/memory.h"

enum { STRING_BYTES_MAX = 1 << 20 };

/* What one pass over the rows needs. */
struct scan {
    struct cursor *c;
    const struct encoder *encoder;
    unsigned char *seen; /* (columns_n) of the object in hand */
    const char *path;
    struct rows *rows;
};

static bool word_take(struct cursor *c, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* One scalar; *owned is a text to free. */
static bool cell_scan(struct cursor *c, const char *where, struct cell *cell,
                      char **owned, struct err *e) {
    char first = cursor_peek(c);
    *cell = (struct cell){.kind = CELL_MISSING, .text = c->at};
    if (first == '"') {
        *owned = cursor_string(c, STRING_BYTES_MAX, where, e);
        if (!*owned)
            return false;
        cell->kind = CELL_TEXT;
        cell->text = *owned;
        cell->text_n = strlen(*owned);
        return true;
    }
    if (word_take(c, "null"))
        return true;
    bool is_true = word_take(c, "true");
    if (is_true || word_take(c, "false")) {
        cell->kind = CELL_BOOLEAN;
        cell->number = is_true;
    } else {
        enum number_scan got = number_scan_double(&c->at, c->end, &cell->number);
        if (got == NUMBER_TOO_LARGE)
            return err_set(e, ERR_RANGE, where, "a number outside float32");
        if (got != NUMBER_OK)
            return err_set(e, ERR_INVALID, where, "expected a cell, got %s",
                           cursor_kind(c));
        cell->kind = CELL_NUMBER;
    }
    cell->text_n = (size_t)(c->at - cell->text);
    return true;
}

static bool column_scan_into(struct scan *s, size_t column, const char *where, float *row,
                             struct err *e) {
    struct cell cell;
    char *owned = NULL;
    bool ok = cell_scan(s->c, where, &cell, &owned, e) &&
              encoder_cell(s->encoder, column, &cell, row, where, e);
    free(owned);
    return ok;
}

/* Behind a value: true with *more for a comma, false *more for `close`. */
static bool next_take(struct cursor *c, char close, const char *where, bool *more,
                      struct err *e) {
    char got = cursor_peek(c);
    *more = got == ',';
    if (got == ',' || got == close) {
        c->at++;
        return true;
    }
    return err_set(e, ERR_INVALID, where, "expected ',' or '%c', got %s", close,
                   cursor_kind(c));
}

static bool array_scan(struct scan *s, const char *where, float *row, struct err *e) {
    size_t n = s->encoder->columns_n, column = 0;
    char place[ERR_WHERE_MAX];
    if (!cursor_expect(s->c, '[', where, e))
        return false;
    for (bool more = true; more; column++) {
        json_path_index(place, where, column);
        if (column == n)
            return err_set(e, ERR_INVALID, where, "expected %zu cells, got more", n);
        if (!column_scan_into(s, column, place, row, e) ||
            !next_take(s->c, ']', where, &more, e))
            return false;
    }
    return column == n ||
           err_set(e, ERR_INVALID, where, "expected %zu cells, got %zu", n, column);
}

static bool member_scan(struct scan *s, const char *where, float *row, struct err *e) {
    char place[ERR_WHERE_MAX];
    char *name = cursor_string(s->c, STRING_BYTES_MAX, where, e);
    if (!name)
        return false;
    size_t column = encoder_find(s->encoder, name, strlen(name));
    json_path_key(place, where, name);
    bool known =
        column < s->encoder->columns_n ||
        err_set(e, ERR_INVALID, place, "the model has no column \"%.60s\"", name);
    free(name);
    if (!known)
        return false;
    if (s->seen[column])
        return err_set(e, ERR_INVALID, place, "is given twice");
    s->seen[column] = 1;
    return cursor_expect(s->c, ':', place, e) &&
           column_scan_into(s, column, place, row, e);
}

static bool object_scan(struct scan *s, const char *where, float *row, struct err *e) {
    memset(s->seen, 0, s->encoder->columns_n);
    if (!cursor_expect(s->c, '{', where, e))
        return false;
    bool more = cursor_peek(s->c) != '}';
    s->c->at += !more;
    while (more)
        if (!member_scan(s, where, row, e) || !next_take(s->c, '}', where, &more, e))
            return false;
    for (size_t i = 0; i < s->encoder->columns_n; i++)
        if (!s->seen[i])
            return err_set(e, ERR_INVALID, where,
                           "column \"%.60s\" is missing (null says that it is not known)",
                           s->encoder->columns[i].name);
    return true;
}

static bool rows_scan_all(struct scan *s, struct err *e) {
    if (!cursor_expect(s->c, '[', s->path, e))
        return false;
    for (bool more = true; more; s->rows->rows_n++) {
        char where[ERR_WHERE_MAX];
        json_path_index(where, s->path, s->rows->rows_n);
        if (!rows_room(s->rows, s->path, e))
            return false;
        float *row = s->rows->values + s->rows->rows_n * s->encoder->inputs_n;
        char first = cursor_peek(s->c);
        bool ok = first == '[' ? array_scan(s, where, row, e)
                  : first == '{'
                      ? object_scan(s, where, row, e)
                      : err_set(e, ERR_INVALID, where,
                                "expected a row as an array or an object, got %s",
                                cursor_kind(s->c));
        if (!ok || !next_take(s->c, ']', s->path, &more, e))
            return false;
    }
    return true;
}

bool instances_scan(struct cursor *c, const struct encoder *encoder, const char *path,
                    struct rows *rows, struct err *e) {
    struct scan s = {c, encoder, memory_new(encoder->columns_n, 1), path, rows};
    rows->columns_n = encoder->inputs_n;
    bool ok = s.seen ? rows_scan_all(&s, e)
                     : err_set(e, ERR_NO_MEMORY, path, "no memory for the columns");
    free(s.seen);
    return ok;
}
