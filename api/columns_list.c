#include "api/columns_list.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/json_cell.h"
#include "engine/memory.h"

enum { NAME_BYTES_MAX = 1 << 16 };

static void list_place(const struct columns_header *header, size_t i,
                       char where[ERR_WHERE_MAX]) {
    json_path_index(where, header->where, i);
}

/* A name: a text, or the digits of a number as pandas counts columns. */
static char *name_scan(struct cursor *c, struct err *e) {
    if (cursor_peek(c) == '"')
        return cursor_string(c, NAME_BYTES_MAX, "", e);
    const char *from = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    if (c->at == from) {
        err_set(e, ERR_INVALID, "", "expected a column's name, got %s", cursor_kind(c));
        return NULL;
    }
    char *name = strndup(from, (size_t)(c->at - from));
    if (!name)
        err_set(e, ERR_NO_MEMORY, "", "no memory for the columns");
    return name;
}

/* At most as many as there are columns; *n counts those to free. */
static bool names_scan(struct cursor *c, const char *path, const struct columns *columns,
                       char **names, size_t *n, struct err *e) {
    char where[ERR_WHERE_MAX];
    size_t names_max = columns->names_n;
    if (!cursor_expect(c, '[', path, e))
        return false;
    bool more = cursor_peek(c) != ']';
    c->at += !more;
    for (; more; ++*n) {
        json_path_index(where, path, *n);
        if (*n == names_max)
            return err_set(e, ERR_INVALID, path, "expected %s%zu columns, got more",
                           names_max > columns->n ? "at most " : "", names_max);
        struct err inner = {0};
        names[*n] = name_scan(c, &inner);
        if (!names[*n])
            return err_set(e, inner.kind, where, "%s", inner.text);
        if (!json_next_take(c, ']', &more, &inner)) {
            free(names[*n]);
            return err_set(e, inner.kind, path, "%s", inner.text);
        }
    }
    return true;
}

bool columns_list_match(struct cursor *c, const char *path, const struct columns *columns,
                        size_t *order, size_t *n, struct err *e) {
    char **names = memory_new(columns->names_n, sizeof *names);
    *n = 0;
    if (!names)
        return err_set(e, ERR_NO_MEMORY, path, "no memory for the columns");
    bool ok = names_scan(c, path, columns, names, n, e);
    if (ok) {
        struct columns_header header = {(const char *const *)names, *n, path, list_place};
        ok = columns_match(columns, &header, order, e);
    }
    for (size_t i = 0; i < *n; i++)
        free(names[i]);
    free(names);
    return ok;
}
