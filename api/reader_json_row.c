#include "api/reader_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor.h"
#include "api/number.h"

/* The row that is being read. */
struct scan {
    struct json_rows *rows;
    const struct utf8_place *place;
    struct cursor c;
    size_t cells_n;
    size_t column_next; /* where the next key is looked for first */
    const char **names; /* the first row's keys, as they come; owned */
    size_t names_capacity;
};

void reader_json_rows_free(struct json_rows *rows) {
    free(rows->names);
    free(rows->sorted);
    free(rows->seen);
    free(rows->cells);
    text_free(&rows->strings);
}

/* What went wrong, at the cursor's place in the file. */
static bool fail_at(const struct scan *s, const char *at, const struct err *why,
                    struct err *e) {
    struct utf8_place place = *s->place;
    char where[ERR_WHERE_MAX];
    utf8_advance(&place, s->c.start, (size_t)(at - s->c.start));
    snprintf(where, sizeof where, "line %zu, column %zu", place.line, place.column);
    return err_set(e, why->kind, where, "%s", why->text);
}

static bool fail_key(const struct scan *s, const char *at, const char *key,
                     const char *why, struct err *e) {
    struct err failed = {0};
    size_t n = strlen(key), kept = utf8_cut(key, n, 64);
    err_set(&failed, ERR_INVALID, NULL, "the key \"%.*s%s\" %s", (int)kept, key,
            kept < n ? "..." : "", why);
    return fail_at(s, at, &failed, e);
}

/* Decodes the string at the cursor. Its text has room: it is shorter than the row. */
static const char *string_scan(struct scan *s, size_t *n, struct err *e) {
    struct text *strings = &s->rows->strings;
    struct err failed = {0};
    char *to = strings->data + strings->n;
    if (!cursor_decode(&s->c, to, strings->capacity - strings->n, n, NULL, &failed)) {
        fail_at(s, s->c.at, &failed, e);
        return NULL;
    }
    to[*n] = 0; /* two quotes of the row are not decoded */
    strings->n += *n + 1;
    return to;
}

static bool word_scan(struct scan *s, struct cell *cell) {
    static const struct {
        const char *word;
        enum cell_kind kind;
        double number;
    } WORDS[] = {
        {"null", CELL_MISSING, 0}, {"true", CELL_BOOLEAN, 1}, {"false", CELL_BOOLEAN, 0}};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        size_t n = strlen(WORDS[i].word);
        if ((size_t)(s->c.end - s->c.at) < n || memcmp(s->c.at, WORDS[i].word, n) != 0)
            continue;
        *cell = (struct cell){WORDS[i].kind, WORDS[i].number, s->c.at, n};
        s->c.at += n;
        return true;
    }
    return false;
}

static bool cell_scan(struct scan *s, struct cell *cell, struct err *e) {
    struct err failed = {0};
    char first = cursor_peek(&s->c);
    const char *from = s->c.at;
    if (first == '"') {
        *cell = (struct cell){.kind = CELL_TEXT};
        cell->text = string_scan(s, &cell->text_n, e);
        return cell->text != NULL;
    }
    *cell = (struct cell){.kind = CELL_NUMBER, .text = from};
    enum number_scan result = number_scan_double(&s->c.at, s->c.end, &cell->number);
    cell->text_n = (size_t)(s->c.at - from);
    if (result == NUMBER_OK || word_scan(s, cell))
        return true;
    if (result == NUMBER_TOO_LARGE)
        err_set(&failed, ERR_INVALID, NULL, "a number that leaves float64");
    else
        cursor_mismatch(&s->c, "a number, a string, a boolean or null", NULL, &failed);
    return fail_at(s, s->c.at, &failed, e);
}

static void row_where(const struct scan *s, char where[ERR_WHERE_MAX]) {
    snprintf(where, ERR_WHERE_MAX, "line %zu", s->place->line);
}

static bool refuse_columns(const struct scan *s, struct err *e) {
    char where[ERR_WHERE_MAX];
    row_where(s, where);
    return reader_refuse_columns(s->rows->base, where, e);
}

/* Room for a cell more in the first row. */
static bool cells_grow(struct scan *s, size_t n, struct err *e) {
    struct json_rows *rows = s->rows;
    if (n < rows->cells_capacity)
        return true;
    size_t capacity = rows->cells_capacity ? rows->cells_capacity * 2 : 32;
    struct cell *cells = realloc(rows->cells, capacity * sizeof *cells);
    if (!cells)
        return reader_no_memory(e);
    rows->cells = cells;
    rows->cells_capacity = capacity;
    return true;
}

/* Behind a cell: a comma, or the row's end. */
static bool row_goes_on(struct scan *s, char close, bool *more, struct err *e) {
    struct err failed = {0};
    char next = cursor_peek(&s->c);
    *more = next == ',';
    if (next == ',' || next == close) {
        s->c.at++;
        return true;
    }
    cursor_refuse(&s->c, close == ']' ? "',' or ']'" : "',' or '}'", NULL, &failed);
    return fail_at(s, s->c.at, &failed, e);
}

static bool array_scan(struct scan *s, struct err *e) {
    struct json_rows *rows = s->rows;
    bool first = rows->columns_n == 0, more = cursor_peek(&s->c) != ']';
    struct cell spare;
    while (more) {
        size_t i = s->cells_n++;
        if (first && i == rows->base->options.columns_max)
            return refuse_columns(s, e);
        if (first && !cells_grow(s, i, e))
            return false;
        if (!cell_scan(s, first || i < rows->columns_n ? &rows->cells[i] : &spare, e) ||
            !row_goes_on(s, ']', &more, e))
            return false;
    }
    char where[ERR_WHERE_MAX];
    row_where(s, where);
    if (first && s->cells_n == 0)
        return err_set(e, ERR_INVALID, where, "a row without cells");
    return first || s->cells_n == rows->columns_n ||
           err_set(e, ERR_INVALID, where, "expected %zu cells, got %zu", rows->columns_n,
                   s->cells_n);
}

static int name_compare(const void *a, const void *b) {
    const struct json_name *x = a, *y = b;
    return strcmp(x->text, y->text);
}

/* The column of a key; columns_n when there is none. Rows tend to have the first one's
 * order. */
static size_t column_find(struct scan *s, const char *key) {
    struct json_rows *rows = s->rows;
    size_t c = s->column_next;
    if (c >= rows->columns_n || strcmp(rows->names[c], key) != 0) {
        struct json_name wanted = {key, 0};
        const struct json_name *found =
            bsearch(&wanted, rows->sorted, rows->columns_n, sizeof wanted, name_compare);
        c = found ? found->column : rows->columns_n;
    }
    s->column_next = c + 1;
    return c;
}

static bool name_add(struct scan *s, const char *key, struct err *e) {
    if (s->cells_n == s->rows->base->options.columns_max)
        return refuse_columns(s, e);
    if (s->cells_n == s->names_capacity) {
        size_t capacity = s->names_capacity ? s->names_capacity * 2 : 32;
        const char **names = realloc(s->names, capacity * sizeof *names);
        if (!names)
            return reader_no_memory(e);
        s->names = names;
        s->names_capacity = capacity;
    }
    s->names[s->cells_n] = key;
    return cells_grow(s, s->cells_n, e);
}

/* The cell that a key names, or NULL. */
static struct cell *member_cell(struct scan *s, const char *at, const char *key,
                                struct err *e) {
    struct json_rows *rows = s->rows;
    if (rows->columns_n == 0)
        return name_add(s, key, e) ? &rows->cells[s->cells_n++] : NULL;
    size_t c = column_find(s, key);
    if (c == rows->columns_n) {
        fail_key(s, at, key, "is none of the first row's", e);
        return NULL;
    }
    if (rows->seen[c] == rows->rows_n + 1) {
        fail_key(s, at, key, "stands twice", e);
        return NULL;
    }
    rows->seen[c] = rows->rows_n + 1;
    return &rows->cells[c];
}

static bool object_scan(struct scan *s, struct err *e) {
    struct json_rows *rows = s->rows;
    bool more = cursor_peek(&s->c) != '}';
    for (size_t c = 0; c < rows->columns_n; c++)
        rows->cells[c] = (struct cell){.kind = CELL_MISSING};
    while (more) {
        struct err failed = {0};
        size_t n;
        cursor_peek(&s->c);
        const char *at = s->c.at, *key = string_scan(s, &n, e);
        if (!key)
            return false;
        struct cell *cell = member_cell(s, at, key, e);
        if (!cell)
            return false;
        if (!cursor_expect(&s->c, ':', NULL, &failed))
            return fail_at(s, s->c.at, &failed, e);
        if (!cell_scan(s, cell, e) || !row_goes_on(s, '}', &more, e))
            return false;
    }
    char where[ERR_WHERE_MAX];
    row_where(s, where);
    return rows->columns_n > 0 || s->cells_n > 0 ||
           err_set(e, ERR_INVALID, where, "a row without cells");
}

/* The first row's keys outlive it: pointers, then texts, in one block. */
static bool names_keep(struct scan *s, struct err *e) {
    struct json_rows *rows = s->rows;
    size_t n = s->cells_n;
    rows->names = malloc(n * sizeof *rows->names + rows->strings.n);
    rows->sorted = malloc(n * sizeof *rows->sorted);
    rows->seen = calloc(n, sizeof *rows->seen);
    if (!rows->names || !rows->sorted || !rows->seen)
        return reader_no_memory(e);
    char *to = (char *)(rows->names + n);
    for (size_t c = 0; c < n; c++) {
        rows->names[c] = strcpy(to, s->names[c]);
        rows->sorted[c] = (struct json_name){to, c};
        to += strlen(to) + 1;
    }
    qsort(rows->sorted, n, sizeof *rows->sorted, name_compare);
    for (size_t c = 1; c < n; c++)
        if (name_compare(&rows->sorted[c - 1], &rows->sorted[c]) == 0)
            return fail_key(s, s->c.start, rows->sorted[c].text, "stands twice", e);
    return true;
}

static bool first_finish(struct scan *s, struct err *e) {
    struct json_rows *rows = s->rows;
    const struct table_sink *sink = rows->base->sink;
    if (rows->objects && !names_keep(s, e))
        return false;
    rows->columns_n = s->cells_n;
    return sink->columns(sink->context, rows->names, rows->columns_n, e);
}

static bool row_scan(struct scan *s, struct err *e) {
    struct json_rows *rows = s->rows;
    const struct table_sink *sink = rows->base->sink;
    bool object = *s->c.at++ == '{';
    if (rows->rows_n == 0)
        rows->objects = object;
    if (object != rows->objects) {
        struct err failed = {0};
        err_set(&failed, ERR_INVALID, NULL, "expected a row that is %s, got %s",
                rows->objects ? "an object" : "an array",
                object ? "an object" : "an array");
        return fail_at(s, s->c.start, &failed, e);
    }
    if (!(object ? object_scan(s, e) : array_scan(s, e)))
        return false;
    if (rows->columns_n == 0 && !first_finish(s, e))
        return false;
    rows->rows_n++;
    return sink->row(sink->context, rows->cells, rows->columns_n, s->place->line, e);
}

bool reader_json_row(struct json_rows *rows, const char *row, size_t n,
                     const struct utf8_place *place, struct err *e) {
    struct scan s = {.rows = rows, .place = place, .c = {row, row, row + n}};
    rows->strings.n = 0;
    if (!text_reserve(&rows->strings, n))
        return reader_no_memory(e);
    bool ok = row_scan(&s, e);
    free(s.names);
    return ok;
}
