#include "api/reader_csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/reader_private.h"
#include "api/text.h"
#include "api/utf8.h"
#include "engine/memory.h"

/* The buffer is filled by slices that stay in the cache. */
enum { SLICE_BYTES = 64 << 10, SNIFF_BYTES = 16 << 10 };

struct csv {
    struct reader_base *base;
    struct text buffer; /* from the record that is being split */
    size_t window;      /* bytes that are gathered before sniffing */
    bool sniffed, after_cr;
    struct csv_record record;
    struct cell *cells; /* (columns_n); owned */
    size_t columns_n;   /* 0 before the first record */
    size_t line;        /* of the record */
};

static void *csv_open(struct reader_base *base, struct err *e) {
    struct csv *csv = calloc(1, sizeof *csv);
    if (!csv) {
        reader_no_memory(e);
        return NULL;
    }
    csv->base = base;
    csv->window = SNIFF_BYTES;
    csv->line = 1;
    return csv;
}

static void csv_close(void *driver) {
    struct csv *csv = driver;
    if (!csv)
        return;
    text_free(&csv->buffer);
    reader_csv_record_free(&csv->record);
    free(csv->cells);
    free(csv);
}

/* How many lines end in bytes[0..n), by CRLF, LF or CR. */
static size_t lines_count(const char *bytes, size_t n) {
    size_t lines_n = 0;
    for (size_t i = 0; i < n; i++)
        lines_n += bytes[i] == '\n' ||
                   (bytes[i] == '\r' && !(i + 1 < n && bytes[i + 1] == '\n'));
    return lines_n;
}

/* "line 17, column 3": the place of record[at]. */
static void place_print(const struct csv *csv, const char *record, size_t at,
                        char where[ERR_WHERE_MAX]) {
    size_t from = at, column = 1;
    while (from > 0 && record[from - 1] != '\n' && record[from - 1] != '\r')
        from--;
    for (size_t i = from; i < at; i++)
        column += ((unsigned char)record[i] & 0xc0) != 0x80;
    snprintf(where, ERR_WHERE_MAX, "line %zu, column %zu",
             csv->line + lines_count(record, from), column);
}

static bool refuse_at(const struct csv *csv, const char *record, size_t at,
                      const char *why, struct err *e) {
    char where[ERR_WHERE_MAX];
    place_print(csv, record, at, where);
    return err_set(e, ERR_INVALID, where, "%s", why);
}

static bool refuse_row_bytes(const struct csv *csv, struct err *e) {
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "line %zu", csv->line);
    return reader_refuse_row(csv->base, where, e);
}

/* The text of a cell; doubled quotes are made single in place, once. */
static const char *span_text(char *record, struct csv_span *span) {
    char *text = record + span->at;
    if (!span->doubled)
        return text;
    size_t used = 0;
    for (size_t i = 0; i < span->n; i++) {
        text[used++] = text[i];
        i += text[i] == '"';
    }
    span->n = used;
    span->doubled = false;
    return text;
}

static bool name_is_given(const struct cell *cells, size_t n, const char *name) {
    size_t name_n = strlen(name);
    for (size_t c = 0; c < n; c++)
        if (cells[c].text_n == name_n && memcmp(cells[c].text, name, name_n) == 0)
            return true;
    return false;
}

/* Where another column is called so, as when pandas has read what it wrote, it gets ".1".
 * Only a few are compared with all. */
static size_t nameless_print(const struct cell *cells, size_t n, size_t column, char *to,
                             size_t to_n) {
    enum { COMPARED_MAX = 16 };
    int name_n = snprintf(to, to_n, READER_NAMELESS "%zu", column);
    if (column < COMPARED_MAX && name_is_given(cells, n, to))
        name_n = snprintf(to, to_n, READER_NAMELESS "%zu.1", column);
    return (size_t)name_n;
}

const char **reader_names_new(const struct cell *cells, size_t n) {
    enum { NAMELESS_BYTES = sizeof READER_NAMELESS + 24 };
    size_t bytes = n * sizeof(char *);
    for (size_t c = 0; c < n; c++)
        bytes += cells[c].text_n ? cells[c].text_n + 1 : NAMELESS_BYTES;
    const char **names = malloc(bytes);
    char *to = (char *)(names + n);
    for (size_t c = 0; names && c < n; c++) {
        size_t name_n = cells[c].text_n;
        names[c] = to;
        if (name_n)
            memcpy(to, cells[c].text, name_n);
        else
            name_n = nameless_print(cells, n, c, to, NAMELESS_BYTES);
        to += name_n;
        *to++ = '\0';
    }
    return names;
}

static bool names_deliver(struct csv *csv, char *record, struct err *e) {
    const struct table_sink *sink = csv->base->sink;
    struct csv_record *r = &csv->record;
    for (size_t c = 0; c < r->spans_n; c++) {
        csv->cells[c].text = span_text(record, &r->spans[c]);
        csv->cells[c].text_n = r->spans[c].n;
    }
    const char **names = reader_names_new(csv->cells, r->spans_n);
    if (!names)
        return reader_no_memory(e);
    bool ok = sink->columns(sink->context, names, r->spans_n, e);
    free(names);
    return ok;
}

/* The first record. @return false with an error; *names says whether it held the names.
 */
static bool first_deliver(struct csv *csv, char *record, bool *names, struct err *e) {
    const struct table_sink *sink = csv->base->sink;
    csv->columns_n = csv->record.spans_n;
    csv->cells = memory_new(csv->columns_n, sizeof *csv->cells);
    if (!csv->cells)
        return reader_no_memory(e);
    *names = csv->base->found.header;
    if (*names)
        return names_deliver(csv, record, e);
    return sink->columns(sink->context, NULL, csv->columns_n, e);
}

static bool row_deliver(struct csv *csv, char *record, struct err *e) {
    const struct table_sink *sink = csv->base->sink;
    struct csv_record *r = &csv->record;
    if (r->spans_n != csv->columns_n) {
        char where[ERR_WHERE_MAX];
        snprintf(where, sizeof where, "line %zu", csv->line);
        return err_set(e, ERR_INVALID, where, "expected %zu cells, got %zu",
                       csv->columns_n, r->spans_n);
    }
    for (size_t c = 0; c < r->spans_n; c++) {
        struct csv_span *span = &r->spans[c];
        struct cell *cell = &csv->cells[c];
        cell->text = span_text(record, span);
        cell->text_n = span->n;
        cell->number = 0;
        cell->kind =
            reader_csv_cell_kind(cell->text, span->n, span->quoted, &cell->number);
    }
    return sink->row(sink->context, csv->cells, csv->columns_n, csv->line, e);
}

/* A record that was split, at bytes[0..r->at) with its end. */
static bool record_deliver(struct csv *csv, char *record, struct err *e) {
    struct csv_record *r = &csv->record;
    if (r->at > csv->base->options.row_bytes_max)
        return refuse_row_bytes(csv, e);
    if (reader_csv_record_blank(r)) {
        csv->line++;
        return true;
    }
    size_t valid = utf8_prefix(record, r->at);
    if (valid < r->at)
        return refuse_at(csv, record, valid,
                         record[valid]
                             ? "this is not UTF-8 (iconv -f latin1 -t utf-8 may "
                               "make it so)"
                             : "a NUL is not text",
                         e);
    bool quoted = false;
    for (size_t c = 0; c < r->spans_n; c++)
        quoted |= r->spans[c].quoted;
    size_t lines_n = quoted ? lines_count(record, r->at) : 1;
    bool names = false;
    if (csv->columns_n == 0 && !first_deliver(csv, record, &names, e))
        return false;
    if (!names && !row_deliver(csv, record, e))
        return false;
    csv->line += lines_n;
    return true;
}

static bool split_refuse(struct csv *csv, enum csv_split split, const char *record,
                         struct err *e) {
    char where[ERR_WHERE_MAX];
    if (split == CSV_BEHIND)
        return refuse_at(csv, record, csv->record.at,
                         "expected a delimiter or the line's end behind a closing quote",
                         e);
    snprintf(where, sizeof where, "line %zu", csv->line);
    return split == CSV_COLUMNS ? reader_refuse_columns(csv->base, where, e)
                                : reader_no_memory(e);
}

/* Delivers all records that are whole and keeps the rest. */
static bool buffer_run(struct csv *csv, struct err *e) {
    char *bytes = csv->buffer.data;
    size_t at = 0, n = csv->buffer.n;
    while (at < n) {
        bool lf = csv->after_cr && bytes[at] == '\n';
        csv->after_cr = false;
        if (lf) {
            at++;
            continue;
        }
        enum csv_split split = reader_csv_split(&csv->record, bytes + at, n - at);
        if (split == CSV_MORE)
            break;
        if (split != CSV_RECORD)
            return split_refuse(csv, split, bytes + at, e);
        if (!record_deliver(csv, bytes + at, e))
            return false;
        at += csv->record.at;
        csv->after_cr = bytes[at - 1] == '\r';
        reader_csv_record_restart(&csv->record);
    }
    if (at > 0) /* not at each byte of a record that comes byte by byte */
        memmove(bytes, bytes + at, n - at);
    csv->buffer.n = n - at;
    return csv->buffer.n <= csv->base->options.row_bytes_max || refuse_row_bytes(csv, e);
}

static void bom_drop(struct text *buffer) {
    static const char BOM[] = {'\xef', '\xbb', '\xbf'};
    if (buffer->n < sizeof BOM || memcmp(buffer->data, BOM, sizeof BOM) != 0)
        return;
    buffer->n -= sizeof BOM;
    memmove(buffer->data, buffer->data + sizeof BOM, buffer->n);
}

/* Once the window is full, or the file over. The window grows until it shows enough, so
 * that what is found depends on the file alone and not on how it came. */
static bool buffer_sniff(struct csv *csv, bool ended, struct err *e) {
    struct reader_base *base = csv->base;
    const struct reader_options *o = &base->options;
    struct csv_found found;
    struct err failed = {0};
    if (csv->window == SNIFF_BYTES)
        bom_drop(&csv->buffer);
    bool last = ended || csv->buffer.n > o->row_bytes_max;
    csv->sniffed = reader_csv_sniff(csv->buffer.data, csv->buffer.n, ended, o->delimiter,
                                    o->header, &found, &failed);
    if (failed.kind != ERR_NONE) {
        *e = failed;
        return false;
    }
    if (!csv->sniffed && !last) {
        csv->window *= 2;
        return true;
    }
    csv->sniffed = true;
    base->found.delimiter = found.delimiter;
    base->found.header = found.header;
    reader_csv_record_init(&csv->record, found.delimiter, o->columns_max);
    return buffer_run(csv, e);
}

static bool csv_feed(void *driver, const char *bytes, size_t n, struct err *e) {
    struct csv *csv = driver;
    while (n > 0) {
        size_t room = csv->sniffed ? SLICE_BYTES : csv->window - csv->buffer.n;
        size_t taken = n < room ? n : room;
        text_bytes(&csv->buffer, bytes, taken);
        if (csv->buffer.failed)
            return reader_no_memory(e);
        bytes += taken;
        n -= taken;
        if (csv->sniffed) {
            if (!buffer_run(csv, e))
                return false;
        } else if (csv->buffer.n == csv->window && !buffer_sniff(csv, false, e)) {
            return false;
        }
    }
    return true;
}

/* A last record without its line end. */
static bool csv_end(void *driver, struct err *e) {
    struct csv *csv = driver;
    if (!csv->sniffed && !buffer_sniff(csv, true, e))
        return false;
    if (csv->buffer.n > 0) {
        char *record = csv->buffer.data;
        enum csv_split split = reader_csv_split_end(&csv->record, record, csv->buffer.n);
        if (split == CSV_MORE)
            return refuse_at(csv, record, csv->record.cell_at - 1,
                             "the file ends inside a quote that opens here", e);
        if (split != CSV_RECORD)
            return split_refuse(csv, split, record, e);
        if (!record_deliver(csv, record, e))
            return false;
    }
    if (csv->columns_n == 0)
        return err_set(e, ERR_INVALID, NULL, "the file holds no rows");
    return true;
}

const struct reader_driver reader_csv_driver = {csv_open, csv_feed, csv_end, csv_close};
