#include "api/instances.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/instances_scan.h"
#include "api/json.h"
#include "api/number.h"
#include "engine/memory.h"

enum { NAME_BYTES_MAX = 1 << 20 };

/* ---- places --------------------------------------------------------------------- */

bool instances_below(struct err *e, const char *path) {
    char where[ERR_WHERE_MAX];
    size_t n = strnlen(path, sizeof where - 1), rest = strlen(e->where);
    memcpy(where, path, n);
    if (rest > sizeof where - 1 - n)
        rest = sizeof where - 1 - n;
    memcpy(where + n, e->where, rest);
    where[n + rest] = '\0';
    memcpy(e->where, where, n + rest + 1);
    return false;
}

bool instances_below_key(struct err *e, const struct cursor_text *key) {
    /* Of a longer key no more would be told. */
    char step[ERR_WHERE_MAX], text[ERR_WHERE_MAX];
    size_t n = key->n < sizeof text ? key->n : sizeof text - 1;
    memcpy(text, key->text, n);
    text[n] = '\0';
    json_path_key(step, "", text);
    return instances_below(e, step);
}

bool instances_below_index(struct err *e, size_t index) {
    char step[ERR_WHERE_MAX];
    json_path_index(step, "", index);
    return instances_below(e, step);
}

/* ---- cells ---------------------------------------------------------------------- */

static bool is_tensor(const struct instances_scan *s) {
    return s->form->allowed & INSTANCES_TENSORS && s->counted;
}

/* Whether the row at the cursor may hold lists within lists. */
static bool is_nested(const struct instances_scan *s) {
    return s->form->allowed & (INSTANCES_TENSORS | INSTANCES_NESTED) && s->counted &&
           !s->form->order;
}

/* As most cells are; what is no number, or none of float32, is somebody else's. */
static bool number_scan_cell(struct instances_scan *s, size_t column, float *row) {
    size_t input;
    char first = cursor_peek(s->c);
    return (first == '-' || (first >= '0' && first <= '9')) &&
           columns_number(&s->form->columns, column, &input) &&
           number_scan_float(&s->c->at, s->c->end, row + input) == NUMBER_OK;
}

bool instances_cell(struct instances_scan *s, size_t column, float *row, struct err *e) {
    if (number_scan_cell(s, column, row))
        return true;
    if (column >= s->form->columns.n)
        return cursor_skip_tokens(s->c, CURSOR_DEPTH_MAX, "", e);
    struct json_cell cell;
    unsigned allowed = s->form->allowed;
    if (!columns_named(&s->form->columns))
        allowed &= ~(unsigned)JSON_CELL_NAN;
    bool ok = json_cell_scan(s->c, allowed, &cell, e) &&
              columns_cell(&s->form->columns, column, &cell.cell, row, "", e);
    free(cell.text);
    return ok;
}

/* inputs_n numbers, in lists within lists: a row of columns without names. */
static bool tensor_scan(struct instances_scan *s, float *row, struct err *e) {
    return nested_scan(s->c, &s->shape, s->form->columns.inputs_n, row, e);
}

/* ---- rows ----------------------------------------------------------------------- */

static bool array_scan(struct instances_scan *s, float *row, struct err *e) {
    const size_t *order = s->form->order;
    size_t n = order ? s->form->order_n : s->form->columns.n, i = 0;
    s->c->at++;
    for (bool more = true; more; i++) {
        if (i == n)
            return err_set(e, ERR_INVALID, "", "expected %zu cells, got more", n);
        if (!instances_cell(s, order ? order[i] : i, row, e))
            return instances_below_index(e, i);
        if (!json_next_take(s->c, ']', &more, e))
            return false;
    }
    return i == n || err_set(e, ERR_INVALID, "", "expected %zu cells, got %zu", n, i);
}

/* A row of cells, each of which may be a list of one; or else one of lists of numbers.
 * The error is that of the reading which came further. */
static bool cells_or_tensor_scan(struct instances_scan *s, float *row, struct err *e) {
    struct cursor from = *s->c, inside = from;
    struct err no_cells = {0}, no_tensor = {0};
    if (array_scan(s, row, &no_cells))
        return true;
    inside.at++;
    const char *cells_end = s->c->at;
    bool nested = cursor_peek(&inside) == '[';
    if (nested)
        *s->c = from;
    if (nested && tensor_scan(s, row, &no_tensor))
        return true;
    *e = nested && s->c->at > cells_end ? no_tensor : no_cells;
    return false;
}

/* Objects mostly have the keys of the one before, in its order: those are not read again.
 */
static bool key_again(struct cursor *c, const struct instances_place *place,
                      struct instances_member *member) {
    cursor_peek(c);
    if (!place || !place->n || (size_t)(c->end - c->at) < place->n ||
        memcmp(c->at, place->key, place->n) != 0)
        return false;
    c->at += place->n;
    member->name = (struct cursor_text){.text = place->key + 1, .n = place->n - 2};
    member->column = place->column;
    return true;
}

bool instances_member(struct instances_scan *s, struct instances_member *member,
                      struct err *e) {
    const struct columns *columns = &s->form->columns;
    const struct cursor_text *name = &member->name;
    struct instances_place *place =
        s->place < columns->names_n ? &s->places[s->place++] : NULL;
    if (key_again(s->c, place, member))
        return cursor_expect(s->c, ':', "", e);
    if (!cursor_text(s->c, NAME_BYTES_MAX, &member->name, "", e))
        return false;
    member->column = columns_find(columns, name->text, name->n);
    if (place && !name->owned)
        *place = (struct instances_place){name->text - 1, name->n + 2, member->column};
    return cursor_expect(s->c, ':', "", e);
}

bool instances_see(struct instances_scan *s, const struct instances_member *member,
                   enum seen seen, struct err *e) {
    const struct columns *columns = &s->form->columns;
    if (member->column == columns->names_n)
        return err_set(e, ERR_INVALID, "", "the model has no column \"%.*s\"",
                       member->name.n < 60 ? (int)member->name.n : 60, member->name.text);
    unsigned char *at = &s->seen[member->column];
    if (*at == SEEN_CONTEXT && seen == SEEN_ROW)
        return err_set(e, ERR_INVALID, "", "stands in the context too");
    if (*at)
        return err_set(e, ERR_INVALID, "", "is given twice");
    *at = (unsigned char)seen;
    return true;
}

bool instances_complete(const struct instances_scan *s, struct err *e) {
    const struct columns *columns = &s->form->columns;
    char number[COLUMNS_NUMBER_BYTES];
    bool missing = s->form->allowed & JSON_CELL_MISSING;
    for (size_t i = 0; i < columns->n; i++)
        if (!s->seen[i])
            return err_set(e, ERR_INVALID, "", "column \"%.60s\" is missing%s",
                           columns_name(columns, i, number),
                           missing ? " (null says that it is not known)" : "");
    return true;
}

bool instances_whole(const struct instances_scan *s,
                     const struct instances_member *member) {
    return is_tensor(s) && member->column == s->form->columns.names_n;
}

bool instances_whole_end(struct instances_scan *s, struct err *e) {
    const struct columns *columns = &s->form->columns;
    if (cursor_peek(s->c) == ',')
        return err_set(e, ERR_INVALID, "",
                       "expected one member with %zu numbers a row, or a member a "
                       "column, \"0\" to \"%zu\": the columns have no names",
                       columns->n, columns->n - 1);
    return cursor_expect(s->c, '}', "", e);
}

/* The cells of an object; its first member may be the whole row. */
static bool members_scan(struct instances_scan *s, float *row, enum seen seen,
                         struct err *e) {
    s->c->at++;
    s->place = 0;
    bool more = cursor_peek(s->c) != '}', first = true;
    s->c->at += !more;
    for (; more; first = false) {
        struct instances_member member;
        bool ok = instances_member(s, &member, e), whole = false;
        if (ok) {
            whole = first && seen == SEEN_ROW && instances_whole(s, &member);
            if (whole) /* each stands for itself */
                s->shape = (struct nested_shape){0};
            ok = whole ? tensor_scan(s, row, e)
                       : instances_see(s, &member, seen, e) &&
                             instances_cell(s, member.column, row, e);
            if (!ok)
                instances_below_key(e, &member.name);
        }
        free(member.name.owned);
        if (!ok)
            return false;
        if (whole) {
            memset(s->seen, SEEN_ROW, s->form->columns.names_n);
            return instances_whole_end(s, e);
        }
        if (!json_next_take(s->c, '}', &more, e))
            return false;
    }
    return true;
}

static bool object_scan(struct instances_scan *s, float *row, struct err *e) {
    const struct columns *columns = &s->form->columns;
    if (s->context) {
        memcpy(s->seen, s->context, columns->names_n);
        memcpy(row, s->context_row, columns->inputs_n * sizeof *row);
    } else {
        memset(s->seen, SEEN_NOT, columns->names_n);
    }
    return members_scan(s, row, SEEN_ROW, e) && instances_complete(s, e);
}

/* What the row at the cursor begins with: '[', '{', or 0 where its only cell is all. */
static char row_first(const struct instances_scan *s) {
    char first = cursor_peek(s->c);
    bool scalars = (s->form->flat || s->form->allowed & INSTANCES_TENSORS) &&
                   s->form->columns.n == 1 && s->form->order_n <= 1 &&
                   !(s->form->allowed & INSTANCES_OBJECTS_ONLY);
    if (scalars && s->form->allowed & JSON_CELL_BASE64 && json_base64_stands(s->c))
        return 0;
    return first == '[' || first == '{' || !scalars ? first : 0;
}

static bool row_scan(struct instances_scan *s, float *row, struct err *e) {
    unsigned allowed = s->form->allowed;
    char first = row_first(s);
    bool objects = allowed & INSTANCES_OBJECTS_ONLY;
    if (first && first != '{' && (objects || first != '['))
        return err_set(e, ERR_INVALID, "", "expected %s, got %s",
                       objects ? "an object" : "a row as an array or an object",
                       cursor_kind(s->c));
    if ((s->form->flat || allowed & INSTANCES_TENSORS) && s->rows->rows_n &&
        first != s->first)
        return err_set(e, ERR_INVALID, "", "expected %s, as the first row is one, got %s",
                       s->first == '{'   ? "an object"
                       : s->first == '[' ? "an array"
                                         : "a value",
                       cursor_kind(s->c));
    s->first = first;
    if (!first)
        return instances_cell(s, 0, row, e);
    if (first == '{')
        return object_scan(s, row, e);
    if (is_nested(s))
        return columns_named(&s->form->columns) ? cells_or_tensor_scan(s, row, e)
                                                : tensor_scan(s, row, e);
    return array_scan(s, row, e);
}

/* A row that stands in no list of rows. */
static bool instances_row(struct instances_scan *s, struct err *e) {
    if (!rows_room(s->rows, 1, "", e) || !array_scan(s, s->rows->values, e))
        return false;
    s->rows->rows_n = 1;
    return true;
}

bool instances_rows(struct instances_scan *s, struct err *e) {
    struct rows *rows = s->rows;
    if (s->form->flat && s->form->columns.n > 1)
        return instances_row(s, e);
    if (!cursor_expect(s->c, '[', "", e))
        return false;
    if (cursor_peek(s->c) == ']')
        return err_set(e, ERR_INVALID, "", "expected at least one row");
    for (bool more = true; more; rows->rows_n++) {
        if (!rows_room(rows, 1, "", e))
            return false;
        if (!row_scan(s, rows->values + rows->rows_n * rows->columns_n, e))
            return instances_below_index(e, rows->rows_n);
        if (!json_next_take(s->c, ']', &more, e))
            return false;
    }
    return true;
}

/* ---- a run ---------------------------------------------------------------------- */

static bool context_scan(struct instances_scan *s, struct err *e) {
    const struct instances_form *form = s->form;
    struct cursor c = {form->context, form->context, form->context_end};
    struct cursor *kept = s->c;
    if (cursor_peek(&c) != '{')
        return err_set(e, ERR_INVALID, "", "expected an object, got %s", cursor_kind(&c));
    s->c = &c;
    bool ok = members_scan(s, s->context_row, SEEN_CONTEXT, e);
    s->c = kept;
    memcpy(s->context, s->seen, form->columns.names_n);
    return ok;
}

bool instances_open(struct instances_scan *s, struct err *e) {
    const struct instances_form *form = s->form;
    s->rows->columns_n = form->columns.inputs_n;
    s->counted = columns_counted(&form->columns);
    s->seen = memory_new(form->columns.names_n, 1);
    s->places = memory_new(form->columns.names_n, sizeof *s->places);
    if (form->context) {
        s->context = memory_new(form->columns.names_n, 1);
        s->context_row = memory_new(form->columns.inputs_n, sizeof *s->context_row);
    }
    if (!s->seen || !s->places || (form->context && (!s->context || !s->context_row)))
        return err_set(e, ERR_NO_MEMORY, form->path, "no memory for the columns");
    return !form->context || context_scan(s, e) || instances_below(e, form->context_path);
}

void instances_close(struct instances_scan *s) {
    free(s->seen);
    free(s->places);
    free(s->context);
    free(s->context_row);
}

bool instances_scan(struct cursor *c, const struct instances_form *form,
                    struct rows *rows, struct err *e) {
    struct instances_scan s = {.c = c, .form = form, .rows = rows};
    bool ok = instances_open(&s, e) &&
              (instances_rows(&s, e) || instances_below(e, form->path));
    instances_close(&s);
    return ok;
}
