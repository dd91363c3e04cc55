#include "api/inline_rows.h"

#include <stdlib.h>

#include "api/cursor_private.h"
#include "api/intern.h"
#include "api/json.h"
#include "api/number.h"
#include "api/profile.h"

/* One run of inline_rows_scan. */
struct scan {
    struct cursor *c;
    const char *path;
    struct inline_rows *rows; /* rows_n: of the row in hand */
    size_t cells_n;           /* of the row in hand */
    bool numbers;             /* nothing but numbers and arrays so far */
    bool objects;             /* the first row is one */
    struct labels names;      /* the first row's keys; owned */
    struct intern table;      /* of them */
    size_t *seen;             /* (columns_n): the last row that had the key; owned */
    struct err *e;
};

static bool no_memory(struct scan *s) {
    return err_set(s->e, ERR_NO_MEMORY, s->path, "no memory for the rows");
}

/* An error at the row in hand, or at a cell of it. */
struct place {
    char text[ERR_WHERE_MAX];
};
static struct place place_row(const struct scan *s) {
    struct place place;
    json_path_index(place.text, s->path, s->rows->rows_n);
    return place;
}
static struct place place_key(const struct scan *s, const char *key) {
    struct place row = place_row(s), place;
    json_path_key(place.text, row.text, key);
    return place;
}
static struct place place_cell(const struct scan *s, size_t column) {
    struct place row = place_row(s), place;
    if (s->objects)
        return place_key(s, s->names.strings[column]);
    json_path_index(place.text, row.text, column);
    return place;
}

static bool refuse_length(struct scan *s, size_t n) {
    size_t columns_n = s->rows->columns_n;
    return err_set(s->e, ERR_INVALID, place_row(s).text, "expected %zu %s%s, got %zu",
                   columns_n, s->numbers ? "number" : "cell", columns_n == 1 ? "" : "s",
                   n);
}

/* A scalar. */
static bool cell_skip(struct scan *s, size_t column) {
    char first = cursor_peek(s->c);
    float value;
    if (first == '"' || first == 't' || first == 'f' || first == 'n') {
        s->numbers = false;
        return cursor_skip(s->c, 1, NULL, s->e);
    }
    if (first != '-' && (first < '0' || first > '9'))
        return cursor_mismatch(s->c, "a number, a string, a boolean or null",
                               place_cell(s, column).text, s->e);
    enum number_scan result = number_scan_float(&s->c->at, s->c->end, &value);
    return result == NUMBER_OK ||
           cursor_refuse_number(s->c, result, "float32", "3.4028235e38",
                                place_cell(s, column).text, s->e);
}

/* Behind a value: a comma, or the end. */
static bool next_take(struct scan *s, char close, bool *more) {
    char next = cursor_peek(s->c);
    *more = next == ',';
    if (next != ',' && next != close)
        return cursor_refuse(s->c, close == ']' ? "',' or ']'" : "',' or '}'", NULL,
                             s->e);
    s->c->at++;
    return true;
}

static bool columns_room(struct scan *s) {
    return s->cells_n < INLINE_COLUMNS_MAX ||
           err_set(s->e, ERR_TOO_LARGE, place_row(s).text,
                   "expected at most %d columns, got more", INLINE_COLUMNS_MAX);
}

static bool array_scan(struct scan *s) {
    bool more = cursor_peek(s->c) != ']';
    s->c->at += !more;
    while (more) {
        if (!columns_room(s) || !cell_skip(s, s->cells_n))
            return false;
        s->cells_n++;
        if (!next_take(s, ']', &more))
            return false;
    }
    return s->rows->rows_n == 0 || s->cells_n == s->rows->columns_n ||
           refuse_length(s, s->cells_n);
}

/* The column of the key at the cursor: a new one in the first row. */
static bool key_scan(struct scan *s, size_t *column) {
    char key[PROFILE_VALUE_BYTES_MAX + 1];
    struct err inner = {0};
    size_t n, before = s->names.n;
    int32_t id = 0;
    bool first = s->rows->rows_n == 0;
    if (cursor_peek(s->c) != '"')
        return cursor_refuse(s->c, "a key", NULL, s->e);
    if (!cursor_decode(s->c, key, sizeof key - 1, &n, NULL, &inner))
        return err_set(s->e, inner.kind,
                       inner.kind == ERR_INVALID ? inner.where : place_row(s).text, "%s",
                       inner.text);
    key[n] = '\0';
    if (!intern_put(&s->table, key, n, &id, NULL, &inner))
        return inner.kind == ERR_TOO_LARGE
                   ? err_set(s->e, ERR_INVALID, place_key(s, key).text,
                             "\"%.60s\" is none of the first row's keys", key)
                   : no_memory(s);
    *column = (size_t)id;
    bool twice = first ? s->names.n == before : s->seen[*column] == s->rows->rows_n;
    if (!first)
        s->seen[*column] = s->rows->rows_n;
    return !twice || err_set(s->e, ERR_INVALID, place_key(s, key).text, "is given twice");
}

static bool keys_check(struct scan *s) {
    for (size_t i = 0; s->rows->rows_n > 0 && i < s->rows->columns_n; i++)
        if (s->seen[i] != s->rows->rows_n)
            return err_set(s->e, ERR_INVALID, place_row(s).text,
                           "\"%.60s\" is missing (null says that it is not known)",
                           s->names.strings[i]);
    return true;
}

static bool object_scan(struct scan *s) {
    bool more = cursor_peek(s->c) != '}';
    s->c->at += !more;
    while (more) {
        size_t column = 0;
        if (!columns_room(s) || !key_scan(s, &column) ||
            !cursor_expect(s->c, ':', NULL, s->e) || !cell_skip(s, column))
            return false;
        s->cells_n++;
        if (!next_take(s, '}', &more))
            return false;
    }
    return keys_check(s);
}

/* Behind the first row, which says what the others are. */
static bool first_finish(struct scan *s) {
    if (s->cells_n == 0)
        return err_set(s->e, ERR_INVALID, place_row(s).text, "expected at least one %s",
                       s->numbers ? "number" : "cell");
    s->rows->columns_n = s->cells_n;
    s->table.strings_max = s->names.n;
    s->seen = s->objects ? calloc(s->cells_n, sizeof *s->seen) : NULL;
    return s->seen || !s->objects || no_memory(s);
}

static bool row_scan(struct scan *s) {
    char first = cursor_peek(s->c);
    if (first != '[' && first != '{')
        return cursor_mismatch(s->c, "a row as an array or an object", place_row(s).text,
                               s->e);
    bool object = first == '{', begins = s->rows->rows_n == 0;
    if (begins) {
        s->objects = object;
        s->numbers = !object;
    }
    if (object != s->objects)
        return err_set(s->e, ERR_INVALID, place_row(s).text,
                       "expected %s, as the first row is one, got %s",
                       s->objects ? "an object" : "an array", cursor_kind(s->c));
    s->c->at++;
    s->cells_n = 0;
    return (object ? object_scan(s) : array_scan(s)) && (!begins || first_finish(s));
}

static bool rows_scan_all(struct scan *s) {
    if (cursor_peek(s->c) != '[')
        return cursor_mismatch(s->c, "an array of rows", s->path, s->e);
    s->rows->from = s->c->at++;
    if (cursor_peek(s->c) == ']')
        return err_set(s->e, ERR_INVALID, s->path, "expected at least one row");
    for (bool more = true; more; s->rows->rows_n++)
        if (!row_scan(s) || !next_take(s, ']', &more))
            return false;
    s->rows->to = s->c->at;
    return true;
}

bool inline_rows_scan(struct cursor *c, const char *path, struct inline_rows *rows,
                      struct err *e) {
    struct scan s = {.c = c, .path = path, .rows = rows, .e = e};
    *rows = (struct inline_rows){0};
    intern_init(&s.table, &s.names, INLINE_COLUMNS_MAX);
    bool ok = rows_scan_all(&s);
    intern_free(&s.table);
    labels_free(&s.names);
    free(s.seen);
    return ok;
}
