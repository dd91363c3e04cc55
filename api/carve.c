#include "api/carve.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api/cursor_private.h"

/* A stretch of the text that is carved out, from..to. */
struct span {
    const char *from, *to;
};

/* One run of carve. */
struct walk {
    struct cursor *c;
    const char *path; /* and its place */
    struct carve_hole *holes;
    size_t holes_n;
    struct span *spans; /* (holes_n), in the order of the text */
    size_t spans_n;
    struct err *e;
};

static const char NULL_TEXT[] = "null";
enum { NULL_N = sizeof NULL_TEXT - 1 };

/* The hole of member `key` (at that cursor) of the object `parent`, NULL for the top. */
static struct carve_hole *hole_find(const struct walk *w, const char *parent,
                                    const struct cursor *key) {
    for (size_t i = 0; i < w->holes_n; i++) {
        struct carve_hole *hole = &w->holes[i];
        bool same = parent ? hole->parent && strcmp(hole->parent, parent) == 0
                           : hole->parent == NULL;
        if (same && cursor_string_is(key, hole->key))
            return hole;
    }
    return NULL;
}

/* The name of the top-level member at `key` if some hole is inside it, else NULL. */
static const char *parent_find(const struct walk *w, const struct cursor *key) {
    for (size_t i = 0; i < w->holes_n; i++)
        if (w->holes[i].parent && cursor_string_is(key, w->holes[i].parent))
            return w->holes[i].parent;
    return NULL;
}

static bool hole_carve(struct walk *w, struct carve_hole *hole) {
    char path[ERR_WHERE_MAX];
    snprintf(path, sizeof path, "%s%s%s/%s", w->path, hole->parent ? "/" : "",
             hole->parent ? hole->parent : "", hole->key);
    if (hole->found)
        return err_set(w->e, ERR_INVALID, path, "given twice");
    hole->found = true;
    cursor_peek(w->c);
    struct span *span = &w->spans[w->spans_n++];
    span->from = w->c->at;
    if (!hole->scan(hole->context, w->c, path, w->e))
        return false;
    span->to = w->c->at;
    assert(span->to > span->from && span->to <= w->c->end);
    return true;
}

static bool object_walk(struct walk *w, const char *parent);

/* A value: carved, walked when it is an object with holes in it, or else skipped. */
static bool member_walk(struct walk *w, const char *parent, const struct cursor *key) {
    struct carve_hole *hole = hole_find(w, parent, key);
    if (hole)
        return hole_carve(w, hole);
    const char *inner = parent ? NULL : parent_find(w, key);
    if (inner && cursor_peek(w->c) == '{')
        return object_walk(w, inner);
    return cursor_skip(w->c, CARVE_DEPTH_MAX - (parent ? 2 : 1), NULL, w->e);
}

/* An object, whose bracket the cursor is on. Calls itself once at most: for a parent. */
static bool object_walk(struct walk *w, const char *parent) {
    struct cursor *c = w->c;
    c->at++;
    if (cursor_peek(c) == '}') {
        c->at++;
        return true;
    }
    for (;;) {
        if (cursor_peek(c) != '"')
            return cursor_refuse(c, "a key", NULL, w->e);
        struct cursor key = *c;
        size_t n;
        if (!cursor_string_skip(c, &n, NULL, w->e) ||
            !cursor_expect(c, ':', NULL, w->e) || !member_walk(w, parent, &key))
            return false;
        char next = cursor_peek(c);
        if (next != ',' && next != '}')
            return cursor_refuse(c, "',' or '}'", NULL, w->e);
        c->at++;
        if (next == '}')
            return true;
    }
}

/* Copies what of from..w->c->at is not carved out, with null where something was. */
static bool rest_copy(const struct walk *w, const char *from, size_t rest_max,
                      struct arena *arena, char **rest, size_t *rest_n) {
    size_t n = (size_t)(w->c->at - from);
    for (size_t i = 0; i < w->spans_n; i++)
        n -= (size_t)(w->spans[i].to - w->spans[i].from);
    if (!size_add(n, w->spans_n * NULL_N, &n) || n > rest_max)
        return err_set(w->e, ERR_TOO_LARGE, NULL,
                       "the document has %zu bytes besides its tables, at most %zu are "
                       "accepted",
                       n, rest_max);
    char *out = arena_alloc(arena, n + 1, w->e);
    if (!out)
        return false;
    *rest = out;
    *rest_n = n;
    for (size_t i = 0; i < w->spans_n; i++) {
        size_t between = (size_t)(w->spans[i].from - from);
        memcpy(out, from, between);
        memcpy(out + between, NULL_TEXT, NULL_N);
        out += between + NULL_N;
        from = w->spans[i].to;
    }
    memcpy(out, from, (size_t)(w->c->at - from));
    (*rest)[n] = 0;
    return true;
}

/* Walks the object at the cursor, over its holes. */
static bool walk_run(struct walk *w, struct arena *arena) {
    struct cursor *c = w->c;
    for (size_t i = 0; i < w->holes_n; i++)
        w->holes[i].found = false;
    w->spans = arena_alloc(arena, w->holes_n * sizeof *w->spans, w->e);
    if (!w->spans)
        return false;
    if (cursor_peek(c) != '{')
        return cursor_fail(c, ERR_INVALID, w->path[0] ? w->path : NULL, w->e,
                           "expected an object, got %s", cursor_kind(c));
    return object_walk(w, NULL);
}

bool carve_object(struct cursor *c, const char *path, struct carve_hole *holes,
                  size_t holes_n, size_t rest_max, struct arena *arena, char **rest,
                  size_t *rest_n, struct err *e) {
    struct walk w = {.c = c, .path = path, .holes = holes, .holes_n = holes_n, .e = e};
    cursor_peek(c);
    const char *from = c->at;
    return walk_run(&w, arena) && rest_copy(&w, from, rest_max, arena, rest, rest_n);
}

bool carve(const char *text, size_t n, struct carve_hole *holes, size_t holes_n,
           size_t rest_max, struct arena *arena, char **rest, size_t *rest_n,
           struct err *e) {
    struct cursor c = {text, text, text + n};
    struct walk w = {.c = &c, .path = "", .holes = holes, .holes_n = holes_n, .e = e};
    if (!walk_run(&w, arena))
        return false;
    cursor_peek(&c);
    if (c.at < c.end)
        return cursor_refuse(&c, "the end", NULL, e);
    return rest_copy(&w, text, rest_max, arena, rest, rest_n);
}
