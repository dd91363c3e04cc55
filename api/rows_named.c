#include "api/rows_named.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor_private.h"
#include "api/number.h"
#include "api/rows_private.h"

/* A key as it stands in the first row: from its quote to the number. */
struct key {
    const char *from;
    size_t n;        /* with the colon and the spaces around it */
    size_t quoted_n; /* without them */
};

/* One run. */
struct scan {
    struct cursor *c;
    struct rows *rows;
    struct key *keys; /* (keys_room); owned */
    size_t keys_room;
    size_t used;  /* floats */
    struct err e; /* nobody reads it */
};

static bool take(struct cursor *c, char character) {
    bool stands = cursor_peek(c) == character;
    c->at += stands;
    return stands;
}

/* Behind a member: *more for a comma. */
static bool next_take(struct cursor *c, bool *more) {
    *more = take(c, ',');
    return *more || take(c, '}');
}

static bool number_take(struct scan *s) {
    if (s->used == s->rows->capacity) {
        size_t wanted = s->used + s->used / 2 + 64;
        if (!rows_reserve(s->rows, s->used, wanted, "", &s->e))
            return false;
    }
    return number_scan_float(&s->c->at, s->c->end, s->rows->values + s->used++) ==
           NUMBER_OK;
}

static bool keys_reserve(struct scan *s, size_t n) {
    if (n < s->keys_room)
        return true;
    size_t room = s->keys_room ? 2 * s->keys_room : 16;
    struct key *keys =
        n < ROWS_NAMED_COLUMNS_MAX ? realloc(s->keys, room * sizeof *keys) : NULL;
    if (!keys)
        return false;
    s->keys = keys;
    s->keys_room = room;
    return true;
}

static bool first_scan(struct scan *s) {
    struct cursor *c = s->c;
    size_t n = 0, bytes;
    if (!take(c, '{'))
        return false;
    for (bool more = true; more; n++) {
        if (!keys_reserve(s, n) || cursor_peek(c) != '"')
            return false;
        struct key *key = &s->keys[n];
        key->from = c->at;
        if (!cursor_string_skip(c, &bytes, NULL, &s->e))
            return false;
        key->quoted_n = (size_t)(c->at - key->from);
        if (!take(c, ':'))
            return false;
        cursor_peek(c);
        key->n = (size_t)(c->at - key->from);
        if (!number_take(s) || !next_take(c, &more))
            return false;
    }
    s->rows->columns_n = n;
    return true;
}

/* memcmp without a call, for keys are short; n is at least 8 or left to it. */
static inline bool bytes_same(const char *a, const char *b, size_t n) {
    uint64_t x, y;
    if (n < sizeof x)
        return memcmp(a, b, n) == 0;
    for (size_t i = 0; i < n; i += sizeof x) {
        size_t at = i < n - sizeof x ? i : n - sizeof x;
        memcpy(&x, a + at, sizeof x);
        memcpy(&y, b + at, sizeof y);
        if (x != y)
            return false;
    }
    return true;
}

/* The same key, usually with the same spaces. */
static inline bool key_take(struct cursor *c, const struct key *key) {
    size_t left = (size_t)(c->end - c->at);
    if (left >= key->n && bytes_same(c->at, key->from, key->n)) {
        c->at += key->n;
        return true;
    }
    cursor_peek(c);
    left = (size_t)(c->end - c->at);
    if (left < key->quoted_n || memcmp(c->at, key->from, key->quoted_n) != 0)
        return false;
    c->at += key->quoted_n;
    if (!take(c, ':'))
        return false;
    cursor_peek(c);
    return true;
}

static bool row_scan(struct scan *s) {
    struct cursor *c = s->c;
    size_t n = s->rows->columns_n;
    bool more = true;
    if (!take(c, '{'))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!more || !key_take(c, &s->keys[i]) || !number_take(s) || !next_take(c, &more))
            return false;
    return !more;
}

/* Behind the first row, of `bytes` characters: room for what the text can hold of its
 * kind, and a little more. */
static bool rows_estimate(struct scan *s, size_t bytes) {
    size_t rows_n = (size_t)(s->c->end - s->c->at) / bytes + 1;
    return rows_reserve(s->rows, s->used, (rows_n + rows_n / 16 + 1) * s->used, "",
                        &s->e);
}

static bool rows_scan_all(struct scan *s) {
    struct cursor *c = s->c;
    if (!take(c, '['))
        return false;
    cursor_peek(c);
    const char *from = c->at;
    if (!first_scan(s) || !rows_estimate(s, (size_t)(c->at - from)))
        return false;
    size_t n = 1;
    for (; take(c, ','); n++)
        if (!row_scan(s))
            return false;
    s->rows->rows_n = n;
    return take(c, ']');
}

bool rows_named_scan(struct cursor *c, struct rows *rows) {
    struct cursor from = *c;
    struct scan s = {.c = c, .rows = rows};
    bool ok = rows_scan_all(&s);
    free(s.keys);
    if (ok)
        return true;
    *c = from;
    rows_free(rows);
    return false;
}

/* ---- what they are called ------------------------------------------------------- */

/* The column of the key at the cursor, unless there is none or an earlier key has it. */
static bool key_find(struct cursor *c, const struct columns *columns, unsigned char *seen,
                     size_t *column) {
    struct err e = {0};
    enum { NAME_BYTES_MAX = 1 << 20 };
    char *name = cursor_string(c, NAME_BYTES_MAX, NULL, &e);
    *column = name ? columns_find(columns, name, strlen(name)) : columns->names_n;
    free(name);
    if (*column == columns->names_n || seen[*column])
        return false;
    seen[*column] = 1;
    return true;
}

bool rows_named_order(const char *from, const char *to, const struct columns *columns,
                      size_t *order, size_t *n) {
    struct cursor c = {from, from, to};
    struct err e = {0};
    unsigned char *seen = calloc(columns->names_n, 1);
    size_t column = 0, taken_n = 0;
    bool more = true, ok = seen && take(&c, '[') && take(&c, '{');
    for (*n = 0; ok && more; ++*n) {
        ok = key_find(&c, columns, seen, &column) && take(&c, ':') &&
             cursor_skip(&c, 0, NULL, &e) && next_take(&c, &more);
        if (ok)
            order[*n] = column;
        taken_n += ok && column < columns->n;
    }
    free(seen);
    return ok && taken_n == columns->n;
}
