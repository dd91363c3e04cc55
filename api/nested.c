#include "api/nested.h"

#include <string.h>

#include "api/carve.h"
#include "api/json.h"
#include "api/json_cell.h"
#include "api/number.h"

/* One row in hand. */
struct scan {
    struct cursor *c;
    struct nested_shape *shape;
    size_t n;                        /* numbers so far */
    size_t wanted;                   /* numbers */
    size_t depth;                    /* lists that are open */
    size_t counts[NESTED_DEPTH_MAX]; /* what those hold so far */
};

static bool number_take(struct scan *s, float *to, struct err *e) {
    enum number_scan got = number_scan_float(&s->c->at, s->c->end, to);
    if (got == NUMBER_OK)
        return true;
    if (got == NUMBER_TOO_LARGE)
        return err_set(e, ERR_RANGE, "", "a number outside float32");
    if (cursor_peek(s->c) == ']')
        return err_set(e, ERR_INVALID, "", "expected at least one number in a list");
    return err_set(e, ERR_INVALID, "", "expected a number%s, got %s",
                   cursor_token(s->c) ? " that is finite" : "", cursor_kind(s->c));
}

static bool shape_agrees(size_t *known, size_t n, struct err *e) {
    if (!*known)
        *known = n;
    return *known == n ||
           err_set(e, ERR_INVALID, "",
                   "expected lists of one length and depth, as the first are");
}

static void lists_begin(struct scan *s) {
    while (cursor_peek(s->c) == '[' && s->depth < NESTED_DEPTH_MAX) {
        s->c->at++;
        s->counts[s->depth++] = 0;
    }
}

static bool all_came(const struct scan *s, struct err *e) {
    return s->n == s->wanted ||
           err_set(e, ERR_INVALID, "", "expected %zu numbers, got %zu", s->wanted, s->n);
}

/* The lists that end behind a number. */
static bool lists_end(struct scan *s, struct err *e) {
    bool more = false;
    while (s->depth && !more) {
        size_t level = s->depth - 1, n = ++s->counts[level];
        if (!json_next_take(s->c, ']', &more, e))
            return false;
        if (!more && ((!level && !all_came(s, e)) ||
                      !shape_agrees(&s->shape->lengths[level], n, e)))
            return false;
        s->depth -= !more;
    }
    return true;
}

bool nested_scan(struct cursor *c, struct nested_shape *shape, size_t n, float *row,
                 struct err *e) {
    struct scan s;
    s.c = c;
    s.shape = shape;
    s.n = s.depth = 0;
    s.wanted = n;
    do {
        lists_begin(&s);
        if (s.n == n)
            return err_set(e, ERR_INVALID, "", "expected %zu numbers, got more", n);
        if (!number_take(&s, row + s.n, e) ||
            !shape_agrees(&shape->depth, s.depth + 1, e)) {
            json_path_index(e->where, "", s.n);
            return false;
        }
        s.n++;
        if (!lists_end(&s, e))
            return false;
    } while (s.depth);
    return all_came(&s, e);
}

bool nested_begins(const struct cursor *c) {
    struct cursor at = *c;
    for (int depth = 0; depth < 3; depth++) {
        if (cursor_peek(&at) != '[')
            return false;
        at.at++;
    }
    return true;
}

/* As many as the commas between them, and one. */
bool nested_measure(const struct cursor *c, size_t *n, struct err *e) {
    struct cursor list = *c, row = *c;
    if (!cursor_skip(&list, CARVE_DEPTH_MAX, NULL, e) ||
        !cursor_expect(&row, '[', NULL, e))
        return false;
    const char *at = row.at;
    if (!cursor_skip(&row, CARVE_DEPTH_MAX, NULL, e))
        return false;
    *n = 1;
    for (; at < row.at && *at != '"' && *at != '{'; at++)
        *n += *at == ',';
    return true;
}

/* The brackets within rows go; what stands between them is a flat row already. */
void nested_flatten(const char *from, const char *to, struct text *flat) {
    enum { ROW_DEPTH = 2 }; /* the list of rows, and a row */
    size_t depth = 0;
    for (const char *at = from; at < to; at++) {
        bool opens = *at == '[', closes = *at == ']';
        depth += opens;
        if (depth > ROW_DEPTH && (opens || closes)) {
            text_bytes(flat, from, (size_t)(at - from));
            from = at + 1;
        }
        depth -= closes;
    }
    text_bytes(flat, from, (size_t)(to - from));
}
