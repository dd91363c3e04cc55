/* Which format it is, and the way there: bytes -> gunzip -> the format's driver. */
#include "api/reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/reader_gzip.h"
#include "api/reader_private.h"

struct format {
    const char *name;
    const struct reader_driver *driver;
};
static const struct format FORMATS[] = {
    [TABLE_AUTO] = {"auto", NULL},
    [TABLE_CSV] = {"csv", &reader_csv_driver},
    [TABLE_JSON] = {"json", &reader_json_driver},
    [TABLE_JSON_LINES] = {"jsonl", &reader_json_driver},
    [TABLE_NPY] = {"npy", &reader_npy_driver},
    [TABLE_IDX] = {"idx", &reader_idx_driver},
};

static const struct {
    const char *type;
    enum table_format format;
} CONTENT_TYPES[] = {
    {"text/csv", TABLE_CSV},
    {"application/csv", TABLE_CSV},
    {"text/tab-separated-values", TABLE_CSV},
    {"application/json", TABLE_JSON},
    {"text/json", TABLE_JSON},
    {"application/jsonl", TABLE_JSON_LINES},
    {"application/x-jsonl", TABLE_JSON_LINES},
    {"application/jsonlines", TABLE_JSON_LINES},
    {"application/x-jsonlines", TABLE_JSON_LINES},
    {"application/json-lines", TABLE_JSON_LINES},
    {"application/ndjson", TABLE_JSON_LINES},
    {"application/x-ndjson", TABLE_JSON_LINES},
    {"application/npy", TABLE_NPY},
    {"application/x-npy", TABLE_NPY},
    {"application/idx", TABLE_IDX},
    {"application/x-idx", TABLE_IDX},
};

enum table_format reader_format_of(const char *content_type) {
    size_t n = content_type ? strcspn(content_type, "; \t") : 0;
    for (size_t i = 0; i < sizeof CONTENT_TYPES / sizeof *CONTENT_TYPES; i++) {
        const char *type = CONTENT_TYPES[i].type;
        if (strlen(type) == n && strncasecmp(type, content_type, n) == 0)
            return CONTENT_TYPES[i].format;
    }
    return TABLE_AUTO;
}

const char *reader_format_name(enum table_format format) {
    return FORMATS[format].name;
}

bool reader_no_memory(struct err *e) {
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for reading a table");
}

bool reader_refuse_row(const struct reader_base *base, const char *where, struct err *e) {
    return err_set(e, ERR_TOO_LARGE, where, "a row of more than %zu bytes",
                   base->options.row_bytes_max);
}

bool reader_refuse_columns(const struct reader_base *base, const char *where,
                           struct err *e) {
    return err_set(e, ERR_TOO_LARGE, where, "more than %zu columns",
                   base->options.columns_max);
}

/* The first bytes are held until they tell what they are. */
enum { HEAD_BYTES = 256 };
struct head {
    char bytes[HEAD_BYTES];
    size_t n;
    bool full; /* no more is added: told, or at its maximum, or the file's end */
};

struct reader {
    struct reader_base base;
    struct head raw, plain; /* before and behind gunzip */
    struct gzip *gzip;      /* NULL unless gzipped; owned */
    const struct reader_driver *driver;
    void *state; /* the driver's; owned */
};

struct reader *reader_new(const struct reader_options *options,
                          const struct table_sink *sink, struct err *e) {
    struct reader *r = calloc(1, sizeof *r);
    if (!r) {
        reader_no_memory(e);
        return NULL;
    }
    r->base.options = *options;
    r->base.sink = sink;
    r->base.found.format = options->format;
    return r;
}

void reader_free(struct reader *r) {
    if (!r)
        return;
    reader_gzip_free(r->gzip);
    if (r->state)
        r->driver->close(r->state);
    free(r);
}

struct reader_found reader_found(const struct reader *r) {
    return r->base.found;
}

static const char *blanks_skip(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* JSON's first bytes: [[ and [{ begin an array of rows, [ and a scalar a line's row, { a
 * line's row; any other text is CSV. TABLE_AUTO: more bytes are needed, unless `ended`.
 */
static enum table_format text_sniff(const char *p, const char *end, bool ended) {
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    p = blanks_skip(p, end);
    if (p == end)
        return ended ? TABLE_CSV : TABLE_AUTO;
    bool array = *p == '[';
    if (!array && *p != '{')
        return TABLE_CSV;
    p = blanks_skip(p + 1, end);
    if (p == end)
        return ended ? TABLE_JSON : TABLE_AUTO;
    if (!array)
        return *p == '"' || *p == '}' ? TABLE_JSON_LINES : TABLE_CSV;
    if (*p == '[' || *p == '{' || *p == ']')
        return TABLE_JSON;
    return strchr("\"-0123456789tfn", *p) ? TABLE_JSON_LINES : TABLE_CSV;
}

static const char NPY_MAGIC[] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};
static const char BOM[] = {'\xef', '\xbb', '\xbf'};

/* A prefix of a magic is not yet another format. */
static bool head_begins(const struct head *h, const char *magic, size_t n) {
    return memcmp(h->bytes, magic, h->n < n ? h->n : n) == 0;
}

/* TABLE_AUTO, where `ended` is false: more bytes are needed. */
static enum table_format head_sniff(const struct head *h, bool ended) {
    if (h->n == 0)
        return TABLE_AUTO;
    if (head_begins(h, NPY_MAGIC, sizeof NPY_MAGIC))
        return h->n < sizeof NPY_MAGIC && !ended ? TABLE_AUTO : TABLE_NPY;
    if (head_begins(h, "\0\0", 2)) /* no text begins so */
        return h->n < 2 && !ended ? TABLE_AUTO : TABLE_IDX;
    if (!ended && h->n < sizeof BOM && head_begins(h, BOM, sizeof BOM))
        return TABLE_AUTO;
    return text_sniff(h->bytes, h->bytes + h->n, ended);
}

/* Takes bytes into the head, up to `max` in it. @return how many. */
static size_t head_fill(struct head *h, const char *bytes, size_t n, size_t max) {
    size_t taken = n < max - h->n ? n : max - h->n;
    memcpy(h->bytes + h->n, bytes, taken);
    h->n += taken;
    return taken;
}

/* What is often taken for a table's file. */
static const struct {
    const char *magic;
    size_t n;
    const char *says;
} FOREIGN[] = {
    {"PK\x03\x04", 4,
     "this is a zip archive, as Excel's workbooks and np.savez's files are: save the "
     "table "
     "as CSV, or each array by np.save"},
    {"\x89HDF", 4, "this is an HDF5 file: save each array by np.save"},
    {"\x89PNG", 4, "this is a picture: save the pixels of all of them by np.save"},
    {"\xff\xd8\xff", 3, "this is a picture: save the pixels of all of them by np.save"},
    {"\xd0\xcf\x11\xe0", 4, "this is an Office document: save the table as CSV"},
    {"PAR1\x15", 5, "this is a Parquet file: save the table as CSV"},
    {"\xff\xfe", 2, "this is UTF-16: expected UTF-8 (iconv -f utf-16 -t utf-8)"},
    {"\xfe\xff", 2, "this is UTF-16: expected UTF-8 (iconv -f utf-16 -t utf-8)"},
};

static bool foreign_refuse(const struct head *h, struct err *e) {
    static const char part[] = "Content-Disposition:";
    for (size_t i = 0; i < sizeof FOREIGN / sizeof *FOREIGN; i++)
        if (h->n >= FOREIGN[i].n && memcmp(h->bytes, FOREIGN[i].magic, FOREIGN[i].n) == 0)
            return err_set(e, ERR_INVALID, NULL, "%s", FOREIGN[i].says);
    bool form = h->n > 2 && memcmp(h->bytes, "--", 2) == 0 &&
                memmem(h->bytes, h->n, part, sizeof part - 1);
    return !form ||
           err_set(
               e, ERR_INVALID, NULL,
               "this is a form with a file in it: expected the file itself as the body");
}

/* The format is told: opens its driver on the head. */
static bool driver_open(struct reader *r, enum table_format format, struct err *e) {
    struct head *h = &r->plain;
    h->full = true;
    if (h->n >= 2 && r->gzip && memcmp(h->bytes, "\x1f\x8b", 2) == 0)
        return err_set(e, ERR_INVALID, NULL, "the file is gzipped twice");
    if (format == TABLE_CSV && !foreign_refuse(h, e))
        return false;
    r->base.found.format = format;
    r->driver = FORMATS[format].driver;
    r->state = r->driver->open(&r->base, e);
    return r->state && (h->n == 0 || r->driver->feed(r->state, h->bytes, h->n, e));
}

/* Bytes behind gunzip. */
static bool plain_feed(void *context, const char *bytes, size_t n, struct err *e) {
    struct reader *r = context;
    struct head *h = &r->plain;
    if (!h->full) {
        size_t taken = head_fill(h, bytes, n, HEAD_BYTES);
        bytes += taken;
        n -= taken;
        enum table_format format = r->base.options.format;
        if (format == TABLE_AUTO)
            format = head_sniff(h, h->n == HEAD_BYTES);
        /* Much that is none is taken for CSV at first. */
        bool open = format == TABLE_AUTO || format == TABLE_CSV;
        if ((open && h->n < HEAD_BYTES) || h->n < 2)
            return true;
        if (!driver_open(r, format, e))
            return false;
    }
    return n == 0 || r->driver->feed(r->state, bytes, n, e);
}

static bool raw_feed(struct reader *r, const char *bytes, size_t n, struct err *e) {
    if (r->gzip)
        return reader_gzip_feed(r->gzip, bytes, n, e);
    return plain_feed(r, bytes, n, e);
}

/* The first two bytes say whether the file is gzipped. */
static bool raw_open(struct reader *r, struct err *e) {
    struct head *h = &r->raw;
    h->full = true;
    if (h->n == 2 && memcmp(h->bytes, "\x1f\x8b", 2) == 0) {
        r->base.found.gzipped = true;
        r->gzip = reader_gzip_new(&r->base.options, plain_feed, r, e);
        if (!r->gzip)
            return false;
    }
    return raw_feed(r, h->bytes, h->n, e);
}

bool reader_feed(struct reader *r, const void *bytes, size_t n, struct err *e) {
    const char *at = bytes;
    if (!r->raw.full) {
        size_t taken = head_fill(&r->raw, at, n, 2);
        at += taken;
        n -= taken;
        if (r->raw.n < 2)
            return true;
        if (!raw_open(r, e))
            return false;
    }
    return n == 0 || raw_feed(r, at, n, e);
}

bool reader_end(struct reader *r, struct err *e) {
    if (!r->raw.full && !raw_open(r, e))
        return false;
    if (r->gzip && !reader_gzip_end(r->gzip, e))
        return false;
    if (!r->plain.full) {
        if (r->plain.n == 0)
            return err_set(e, ERR_INVALID, NULL, "the file is empty");
        enum table_format format = r->base.options.format;
        if (!driver_open(r, format == TABLE_AUTO ? head_sniff(&r->plain, true) : format,
                         e))
            return false;
    }
    return r->driver->end(r->state, e);
}
