#include "api/csv_instances.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/number.h"
#include "api/reader.h"
#include "engine/cell.h"
#include "engine/memory.h"

enum { SPELT_MAX = 40 }; /* bytes of a cell that an error quotes */

struct csv_scan {
    const struct csv_instances *from;
    size_t *order; /* (names_n): the model's column of each of the file's; owned */
    struct rows *rows;
    bool begun; /* the first line was looked at */
};

/* The value of a parameter of a media type, which may stand in quotes (RFC 9110, section
 * 5.6.6); NULL: there is none. */
static const char *parameter_find(const char *type, const char *name, size_t *value_n) {
    size_t name_n = strlen(name);
    while ((type = strchr(type, ';'))) {
        type += 1 + strspn(type + 1, " \t");
        if (strncasecmp(type, name, name_n) != 0 || type[name_n] != '=')
            continue;
        const char *value = type + name_n + 1;
        bool quoted = *value == '"';
        value += quoted;
        *value_n = strcspn(value, quoted ? "\"" : "; \t");
        return value;
    }
    return NULL;
}

enum csv_header csv_header_of(const char *content_type, enum csv_header usual) {
    size_t n = 0;
    const char *value = parameter_find(content_type ? content_type : "", "header", &n);
    if (n == strlen("absent") && strncasecmp(value, "absent", n) == 0)
        return CSV_HEADER_ABSENT;
    bool present = n == strlen("present") && strncasecmp(value, "present", n) == 0;
    return present ? CSV_HEADER_PRESENT : usual;
}

bool csv_is_utf8(const char *content_type) {
    static const char *const names[] = {"utf-8", "utf8", "us-ascii", "ascii"};
    size_t n = 0;
    const char *charset = parameter_find(content_type ? content_type : "", "charset", &n);
    for (size_t i = 0; charset && i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && strncasecmp(charset, names[i], n) == 0)
            return true;
    return !charset;
}

/* Any header will do over columns without names, but a row of numbers is none. */
static bool header_check(const char *first, struct err *e) {
    const char *at = first, *end = first + strlen(first);
    return !(number_skip(&at, end) && at == end) ||
           err_set(e, ERR_INVALID, "line 1",
                   "expected a header line, got %.40s (the type text/csv; header=absent "
                   "says that there is none)",
                   first);
}

static void header_place(const struct columns_header *header, size_t i,
                         char where[ERR_WHERE_MAX]) {
    cell_where(where, "line", 1, header->names[i]);
}

static bool header_match(struct csv_scan *s, const char *const *names, size_t n,
                         struct err *e) {
    struct columns_header header = {names, n, "line 1", header_place};
    return columns_match(&s->from->columns, &header, s->order, e);
}

static bool take_columns(void *context, const char *const *names, size_t n,
                         struct err *e) {
    struct csv_scan *s = context;
    const struct columns *columns = &s->from->columns;
    bool unknown = names && n &&
                   columns_find(columns, names[0], strlen(names[0])) == columns->names_n;
    if (unknown && !header_check(names[0], e))
        return false;
    if (names)
        return header_match(s, names, n, e);
    for (size_t i = 0; i < columns->n; i++)
        s->order[i] = i;
    return s->from->header == CSV_HEADER_FOUND || n == columns->n ||
           err_set(e, ERR_INVALID, "line 1", "expected %zu columns, got %zu", columns->n,
                   n);
}

/* The first line's cells as a header. */
static bool cells_match(struct csv_scan *s, const struct cell *cells, size_t n,
                        struct err *e) {
    const char **names = reader_names_new(cells, n);
    if (!names)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
    bool ok = header_match(s, names, n, e);
    free(names);
    return ok;
}

/* Whether cells are names of different columns, with all that the model takes. */
static bool all_named(const struct csv_scan *s, const struct cell *cells, size_t n) {
    const struct columns *columns = &s->from->columns;
    unsigned char *seen = memory_new(columns->names_n, 1);
    size_t taken_n = 0, i = 0;
    for (; seen && i < n; i++) {
        size_t column = columns_find(columns, cells[i].text, cells[i].text_n);
        if (column == columns->names_n || seen[column])
            break;
        seen[column] = 1;
        taken_n += column < columns->n;
    }
    free(seen);
    return i == n && taken_n == columns->n;
}

enum first_line { LINE_ROW, LINE_HEADER, LINE_UNCLEAR };

/* What a first line is. A row has as many cells as the model takes, and they are numbers,
 * booleans or missing; a text among them may be a name. Columns without names are called
 * by numbers, which may be a header's or a row's. */
static enum first_line first_line_of(const struct csv_scan *s, const struct cell *cells,
                                     size_t n) {
    const struct columns *columns = &s->from->columns;
    size_t texts_n = 0, numbers_n = 0;
    for (size_t i = 0; i < n; i++) {
        texts_n += cells[i].kind == CELL_TEXT;
        numbers_n += cells[i].kind == CELL_NUMBER;
    }
    if (n != columns->n)
        return numbers_n < n || all_named(s, cells, n) ? LINE_HEADER : LINE_ROW;
    if (!texts_n)
        return all_named(s, cells, n) ? LINE_UNCLEAR : LINE_ROW;
    return numbers_n && !columns_named(columns) ? LINE_UNCLEAR : LINE_HEADER;
}

/* false with *e where nobody can tell, or where it is a row that does not fit. */
static bool first_is_row(struct csv_scan *s, const struct cell *cells, size_t n,
                         bool *row, struct err *e) {
    size_t columns_n = s->from->columns.n;
    enum first_line line = first_line_of(s, cells, n);
    *row = line == LINE_ROW;
    if (line == LINE_UNCLEAR)
        return err_set(e, ERR_INVALID, "line 1",
                       "this may be a header or a row: the type text/csv; header=absent "
                       "or header=present says which");
    return !*row || n == columns_n ||
           err_set(e, ERR_INVALID, "line 1", "expected %zu columns, got %zu", columns_n,
                   n);
}

/* A number that leaves float64, too, is a text to the reader of tables. Errors come
 * without a place, which would take longer to print than the cell to read. */
static bool cell_take(const struct csv_scan *s, size_t column, const struct cell *cell,
                      float *row, struct err *e) {
    const struct columns *columns = &s->from->columns;
    if (column >= columns->n)
        return true;
    const struct encoder_column *named =
        columns_named(columns) ? &columns->encoder->columns[column] : NULL;
    const char *at = cell->text, *end = at + cell->text_n;
    bool numbers = !named || named->kind == ENCODER_NUMBER;
    const struct cell missing = {.kind = CELL_MISSING, .text = cell->text};
    if ((!named || named->kind != ENCODER_CATEGORY) && cell->kind == CELL_TEXT &&
        !cell->text_n)
        cell = &missing; /* some writers quote every cell */
    if (numbers && cell->kind == CELL_TEXT && number_skip(&at, end) && at == end)
        return err_set(e, ERR_RANGE, "", "%.*s is outside float32",
                       (int)(cell->text_n < SPELT_MAX ? cell->text_n : SPELT_MAX),
                       cell->text);
    return columns_cell(columns, column, cell, row, "", e);
}

static bool take_row(void *context, const struct cell *cells, size_t n, size_t line,
                     struct err *e) {
    struct csv_scan *s = context;
    struct rows *rows = s->rows;
    bool row_stands = true;
    if (s->from->header == CSV_HEADER_FOUND && !s->begun &&
        !first_is_row(s, cells, n, &row_stands, e))
        return false;
    s->begun = true;
    if (!row_stands)
        return cells_match(s, cells, n, e);
    if (!rows_room(rows, 1, NULL, e))
        return false;
    float *row = rows->values + rows->rows_n * rows->columns_n;
    for (size_t i = 0; i < n; i++) {
        char number[COLUMNS_NUMBER_BYTES];
        size_t column = s->order[i];
        if (cell_take(s, column, &cells[i], row, e))
            continue;
        cell_where(e->where, "line", line,
                   columns_name(&s->from->columns, column, number));
        return false;
    }
    rows->rows_n++;
    return true;
}

/* A compressed body would be a Content-Encoding, which requests do not have. */
static bool plain_check(const struct csv_instances *from, struct err *e) {
    return from->n < 2 || memcmp(from->bytes, "\x1f\x8b", 2) != 0 ||
           err_set(e, ERR_INVALID, NULL, "expected CSV, got a gzip file");
}

bool csv_instances_read(const struct csv_instances *from, struct rows *rows,
                        struct err *e) {
    struct csv_scan s = {from, memory_new(from->columns.names_n, sizeof *s.order), rows,
                         false};
    struct table_sink sink = {.columns = take_columns, .row = take_row, .context = &s};
    struct reader_options options = READER_OPTIONS_DEFAULT;
    options.format = TABLE_CSV;
    options.header = from->header == CSV_HEADER_PRESENT;
    struct reader *reader = NULL;
    *rows = (struct rows){.columns_n = from->columns.inputs_n};
    bool ok = s.order ? plain_check(from, e) && (reader = reader_new(&options, &sink, e))
                      : err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
    ok = ok && reader_feed(reader, from->bytes, from->n, e) && reader_end(reader, e);
    reader_free(reader);
    free(s.order);
    return ok && (rows->rows_n || err_set(e, ERR_INVALID, NULL,
                                          "expected at least one row behind the "
                                          "header"));
}
