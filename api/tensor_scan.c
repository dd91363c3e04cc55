/* JSON data of a tensor, in one pass: its nesting, and its numbers. */
#include "api/tensor.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor_private.h"
#include "api/number.h"
#include "api/rows.h"

static const char SCALAR[] = "a number, a string or a boolean";

/* One run of tensor_scan. */
struct walk {
    struct cursor *c;
    struct tensor_block *block;
    struct tensor *t;
    /* The arrays that are open, and the elements of each so far. */
    size_t depth, counts[TENSOR_DIMS_MAX];
    size_t leaf;                 /* the depth at which scalars stand; 0: none came yet */
    bool known[TENSOR_DIMS_MAX]; /* an array of that level has ended: its length */
    struct err *e;
};

/* The path of the element at hand in the innermost `depth` arrays that are open. */
static void walk_where(const struct walk *w, size_t depth, char where[ERR_WHERE_MAX]) {
    int at = snprintf(where, ERR_WHERE_MAX, "%s", w->t->path);
    for (size_t d = 0; d < depth && at >= 0 && at < ERR_WHERE_MAX; d++)
        at += snprintf(where + at, (size_t)(ERR_WHERE_MAX - at), "/%zu", w->counts[d]);
}

static bool walk_mismatch(struct walk *w, const char *expected) {
    char where[ERR_WHERE_MAX];
    walk_where(w, w->depth, where);
    return cursor_mismatch(w->c, expected, where, w->e);
}

static bool array_open(struct walk *w) {
    char where[ERR_WHERE_MAX];
    if (w->leaf && w->depth == w->leaf)
        return walk_mismatch(w, SCALAR);
    if (w->depth == TENSOR_DIMS_MAX) {
        walk_where(w, w->depth, where);
        return err_set(w->e, ERR_INVALID, where, "nested more than %d levels deep",
                       TENSOR_DIMS_MAX);
    }
    w->c->at++;
    w->counts[w->depth++] = 0;
    return true;
}

/* The array ends at the bracket on which the cursor stands. */
static bool array_close(struct walk *w) {
    char where[ERR_WHERE_MAX];
    size_t level = w->depth - 1, *length = &w->t->shape.dims[level];
    if (w->known[level] && w->counts[level] != *length) {
        walk_where(w, level, where);
        return err_set(w->e, ERR_INVALID, where, "expected %zu elements, got %zu",
                       *length, w->counts[level]);
    }
    *length = w->counts[level];
    w->known[level] = true;
    w->c->at++;
    w->depth = level;
    return true;
}

/* The scalar at the cursor, rounded into the block as long as all are numbers. */
static bool scalar_take(struct walk *w) {
    struct cursor *c = w->c;
    struct tensor *t = w->t;
    if (t->rounded && w->block->n < w->block->capacity &&
        number_scan_float(&c->at, c->end, w->block->values + w->block->n) == NUMBER_OK) {
        w->block->n++;
        return true;
    }
    t->rounded = false;
    if (cursor_peek(c) == '{')
        return walk_mismatch(w, SCALAR);
    if (c->end - c->at > 3 && memcmp(c->at, "NaN", 3) == 0) {
        c->at += 3; /* as clients write it who have no null */
        return true;
    }
    return cursor_skip(c, 0, NULL, w->e);
}

/* Scalars with commas between them, as many as stand there. */
static bool scalars_take(struct walk *w) {
    struct cursor *c = w->c;
    size_t *count = &w->counts[w->depth - 1];
    if (!w->leaf)
        w->leaf = w->depth;
    if (w->depth != w->leaf)
        return walk_mismatch(w, "an array");
    while (scalar_take(w)) {
        ++*count;
        if (cursor_peek(c) != ',')
            return true;
        c->at++;
        if (cursor_peek(c) == '[')
            return walk_mismatch(w, SCALAR);
    }
    return false;
}

/* An array without elements: what it would hold are scalars. */
static bool empty_check(struct walk *w) {
    char where[ERR_WHERE_MAX];
    if (!w->leaf)
        w->leaf = w->depth;
    if (w->depth == w->leaf)
        return true;
    walk_where(w, w->depth - 1, where);
    return err_set(w->e, ERR_INVALID, where, "expected arrays in it, as in the others");
}

/* Behind a value: over what closes, and over the comma before the next. */
static bool walk_next(struct walk *w) {
    while (w->depth) {
        char next = cursor_peek(w->c);
        if (next == ',') {
            w->c->at++;
            return true;
        }
        if (next != ']')
            return cursor_refuse(w->c, "',' or ']'", NULL, w->e);
        if (!array_close(w))
            return false;
        if (w->depth)
            w->counts[w->depth - 1]++;
    }
    return true;
}

/* ---- many numbers --------------------------------------------------------------- */

/* Numbers that were scanned elsewhere, into the block: as they are where it is empty and
 * theirs has room for all that may follow. */
static void rows_move(struct rows *rows, size_t follow, struct tensor_block *block) {
    size_t n = rows->rows_n * rows->columns_n;
    if (!block->n && follow <= rows->capacity && n <= rows->capacity - follow) {
        free(block->values);
        *block = (struct tensor_block){rows->values, n, rows->capacity};
        *rows = (struct rows){0};
        return;
    }
    memcpy(block->values + block->n, rows->values, n * sizeof *block->values);
    block->n += n;
    rows_free(rows);
}

/* A long array of numbers, flat or of two levels: the scanner of rows is the fastest for
 * it. @return false and nothing has changed: it is something else, or wrong. */
static bool numbers_scan(struct cursor *c, struct tensor_block *block, struct tensor *t) {
    enum { BYTES_MIN = 4096 };
    struct cursor at = *c, first = *c;
    struct rows rows = {0};
    struct err ignored = {0};
    if (c->end - c->at < BYTES_MIN)
        return false;
    first.at++;
    bool flat = cursor_peek(&first) != '[';
    if (flat ? !rows_scan_flat(&at, 0, t->path, &rows, &ignored)
             : !rows_scan(&at, 0, t->path, &rows, &ignored)) {
        rows_free(&rows);
        return false;
    }
    t->elements_n = rows.rows_n * rows.columns_n;
    t->shape = flat ? (struct tensor_shape){{rows.columns_n}, 1}
                    : (struct tensor_shape){{rows.rows_n, rows.columns_n}, 2};
    t->text_end = at.at;
    *c = at;
    rows_move(&rows, (size_t)(at.end - at.at) / 2 + 1, block);
    return true;
}

bool tensor_scan(struct cursor *c, const char *path, struct tensor_block *block,
                 struct tensor *t, struct err *e) {
    struct walk w = {.c = c, .block = block, .t = t, .e = e};
    t->path = path;
    t->rounded = true;
    t->rounded_at = block->n;
    if (cursor_peek(c) != '[')
        return cursor_mismatch(c, "an array", path, e);
    t->text = c->at;
    if (numbers_scan(c, block, t))
        return true;
    do {
        char next = cursor_peek(c);
        if (next == '[') {
            if (!array_open(&w))
                return false;
            if (cursor_peek(c) != ']')
                continue;
            if (!empty_check(&w))
                return false;
        } else if (!scalars_take(&w)) {
            return false;
        }
        if (!walk_next(&w))
            return false;
    } while (w.depth);
    t->text_end = c->at;
    t->shape.n = w.leaf;
    if (!tensor_shape_elements(&t->shape, &t->elements_n))
        return err_set(e, ERR_TOO_LARGE, path, "expected at most %d elements",
                       TENSOR_ELEMENTS_MAX);
    if (!t->rounded)
        block->n = t->rounded_at;
    assert(!t->rounded || block->n - t->rounded_at == t->elements_n);
    return true;
}
