#include "api/json_place.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor.h"
#include "api/json.h"

enum { COMPARISONS_MAX = 1 << 22 };

struct walk {
    struct cursor c;
    enum json_fault fault;
    char *where, *name;
    size_t left; /* comparisons of keys: a text may be large */
};

/* The keys of one object, decoded. */
struct keys {
    char *names[JSON_KEYS_MAX];
    size_t n;
};

static void keys_free(struct keys *k) {
    while (k->n)
        free(k->names[--k->n]);
    free(k);
}

/* Takes `name`. @return whether it was there. */
static bool key_add(struct walk *w, struct keys *k, char *name) {
    bool twice = false;
    size_t n = k->n < w->left ? k->n : w->left;
    for (size_t i = 0; i < n; i++)
        twice |= strcmp(k->names[i], name) == 0;
    w->left -= n;
    if (k->n < JSON_KEYS_MAX)
        k->names[k->n++] = name;
    else
        free(name);
    return twice;
}

static bool value_find(struct walk *w, const char *path, int depth);

static bool take(struct cursor *c, char wanted) {
    bool stands = cursor_peek(c) == wanted;
    c->at += stands;
    return stands;
}

/* A member at the cursor. */
static bool member_find(struct walk *w, const char *path, int depth, struct keys *k) {
    char here[ERR_WHERE_MAX], shown[JSON_NAME_SHOWN];
    struct err ignored = {0};
    cursor_peek(&w->c);
    char *name = cursor_string(&w->c, (size_t)(w->c.end - w->c.at) + 1, NULL, &ignored);
    if (!name)
        return false;
    json_path_key(here, path, name);
    snprintf(shown, sizeof shown, "%s", name);
    if (key_add(w, k, name) && w->fault == JSON_FAULT_DUPLICATE) {
        memcpy(w->where, here, sizeof here);
        memcpy(w->name, shown, sizeof shown);
        return true;
    }
    return take(&w->c, ':') && value_find(w, here, depth);
}

static bool object_find(struct walk *w, const char *path, int depth) {
    if (take(&w->c, '}'))
        return false;
    struct keys *k = malloc(sizeof *k);
    if (!k)
        return false;
    k->n = 0;
    bool found;
    do
        found = member_find(w, path, depth, k);
    while (!found && take(&w->c, ','));
    take(&w->c, '}');
    keys_free(k);
    return found;
}

static bool array_find(struct walk *w, const char *path, int depth) {
    char here[ERR_WHERE_MAX];
    bool found = false;
    if (take(&w->c, ']'))
        return false;
    for (size_t i = 0; !found; i++) {
        json_path_index(here, path, i);
        found = value_find(w, here, depth);
        if (!take(&w->c, ','))
            break;
    }
    take(&w->c, ']');
    return found;
}

/* The value at the cursor, which moves behind it unless something is found. */
static bool value_find(struct walk *w, const char *path, int depth) {
    struct err ignored = {0};
    char first = cursor_peek(&w->c);
    if (depth == CURSOR_DEPTH_MAX)
        return false;
    if (first == '{' || first == '[') {
        w->c.at++;
        return first == '{' ? object_find(w, path, depth + 1)
                            : array_find(w, path, depth + 1);
    }
    const char *from = w->c.at;
    if (!cursor_skip(&w->c, 1, NULL, &ignored))
        return false;
    char number[512];
    size_t n = (size_t)(w->c.at - from);
    if (w->fault != JSON_FAULT_OVERFLOW || first == '"' || n >= sizeof number)
        return false;
    memcpy(number, from, n);
    number[n] = '\0';
    if (!isinf(strtod(number, NULL)))
        return false;
    memcpy(w->where, path, strlen(path) + 1);
    return true;
}

bool json_place(const char *text, size_t n, enum json_fault fault,
                char where[ERR_WHERE_MAX], char name[JSON_NAME_SHOWN]) {
    struct walk w = {{text, text, text + n}, fault, where, name, COMPARISONS_MAX};
    return value_find(&w, "", 0);
}
