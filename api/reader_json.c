/* An array of rows, or a row a line. Between rows the bytes are looked at one by one; a
 * row is gathered until it is whole, for which strings alone need to be known, because
 * cells are scalars. */
#include "api/reader_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state { AT_START, AT_FIRST, AT_ROW, IN_ROW, BEHIND_ROW, AT_END };

struct json {
    struct reader_base *base;
    bool lines;
    enum state state;
    size_t bom_n;            /* bytes of a byte order mark that have come */
    bool fresh;              /* lines: a line began since the last row */
    struct utf8_place place; /* of the next byte; in a row, of its bracket */
    bool in_string, escaped;
    struct text row; /* the beginning of a row that was cut */
    struct json_rows rows;
};

static void *json_open(struct reader_base *base, struct err *e) {
    struct json *json = calloc(1, sizeof *json);
    if (!json) {
        reader_no_memory(e);
        return NULL;
    }
    json->base = base;
    json->rows.base = base;
    json->lines = base->found.format == TABLE_JSON_LINES;
    json->fresh = true;
    json->place = (struct utf8_place){1, 1};
    return json;
}

static void json_close(void *driver) {
    struct json *json = driver;
    text_free(&json->row);
    reader_json_rows_free(&json->rows);
    free(json);
}

static bool refuse(const struct json *json, const char *expected, unsigned char got,
                   struct err *e) {
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "line %zu, column %zu", json->place.line,
             json->place.column);
    if (got > ' ' && got < 0x7f)
        return err_set(e, ERR_INVALID, where, "expected %s, got '%c'", expected, got);
    return err_set(e, ERR_INVALID, where, "expected %s, got byte 0x%02x", expected, got);
}

/* A byte between rows. In an array: '[', rows with commas between them, ']'. */
static bool between_step(struct json *json, char c, struct err *e) {
    static const char ROW[] = "a row (an array or an object)";
    bool row = c == '[' || c == '{';
    switch (json->state) {
    case AT_START:
        json->state = AT_FIRST;
        return c == '[' || refuse(json, "'[' before the rows", (unsigned char)c, e);
    case AT_FIRST:
    case AT_ROW:
        if (row)
            json->state = IN_ROW;
        else if (c == ']' && json->state == AT_FIRST)
            json->state = AT_END;
        else
            return refuse(json, ROW, (unsigned char)c, e);
        return true;
    case BEHIND_ROW:
        json->state = c == ',' ? AT_ROW : AT_END;
        return c == ',' || c == ']' ||
               refuse(json, "',' or ']' behind a row", (unsigned char)c, e);
    default:
        return refuse(json, "nothing behind the rows", (unsigned char)c, e);
    }
}

static bool line_step(struct json *json, char c, struct err *e) {
    if (c != '[' && c != '{')
        return refuse(json, "a row (an array or an object)", (unsigned char)c, e);
    if (!json->fresh)
        return refuse(json, "a new line before the next row", (unsigned char)c, e);
    json->state = IN_ROW;
    json->fresh = false;
    return true;
}

/* Moves over blanks and one byte that is none. @return how many bytes. */
static size_t between_feed(struct json *json, const char *bytes, size_t n, bool *ok,
                           struct err *e) {
    static const char BOM[] = {'\xef', '\xbb', '\xbf'};
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (json->bom_n < sizeof BOM && c == BOM[json->bom_n]) {
            json->bom_n++;
            continue;
        }
        bool cut = json->bom_n > 0 && json->bom_n < sizeof BOM;
        json->bom_n = sizeof BOM;
        json->fresh |= c == '\n';
        if (!cut && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            utf8_advance(&json->place, &c, 1);
            continue;
        }
        *ok = cut           ? refuse(json, "UTF-8", (unsigned char)c, e)
              : json->lines ? line_step(json, c, e)
                            : between_step(json, c, e);
        if (json->state == IN_ROW)
            return i; /* the bracket belongs to the row */
        utf8_advance(&json->place, &c, 1);
        return i + 1;
    }
    return n;
}

/* @return how many bytes belong to the row; *whole when its end is among them. */
static size_t row_measure(struct json *json, const char *bytes, size_t n, bool *whole) {
    bool in_string = json->in_string, escaped = json->escaped;
    size_t i = 0;
    *whole = false;
    while (i < n && !*whole) {
        char c = bytes[i++];
        if (escaped)
            escaped = false;
        else if (in_string && c == '\\')
            escaped = true;
        else if (c == '"')
            in_string = !in_string;
        else
            *whole = !in_string && (c == ']' || c == '}');
    }
    json->in_string = in_string;
    json->escaped = escaped;
    return i;
}

static bool refuse_row(const struct json *json, struct err *e) {
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "line %zu", json->place.line);
    return reader_refuse_row(json->base, where, e);
}

static bool row_finish(struct json *json, const char *row, size_t n, struct err *e) {
    if (!reader_json_row(&json->rows, row, n, &json->place, e))
        return false;
    utf8_advance(&json->place, row, n);
    json->row.n = 0;
    json->state = BEHIND_ROW;
    return true;
}

/* A row that comes whole is read where it stands. */
static size_t row_feed(struct json *json, const char *bytes, size_t n, bool *ok,
                       struct err *e) {
    bool whole;
    size_t taken = row_measure(json, bytes, n, &whole);
    if (taken > json->base->options.row_bytes_max - json->row.n) {
        *ok = refuse_row(json, e);
        return taken;
    }
    if (!whole || json->row.n > 0) {
        text_bytes(&json->row, bytes, taken);
        bytes = json->row.data;
        if (json->row.failed) {
            *ok = reader_no_memory(e);
            return taken;
        }
    }
    if (whole)
        *ok = row_finish(json, bytes, json->row.n > 0 ? json->row.n : taken, e);
    return taken;
}

static bool json_feed(void *driver, const char *bytes, size_t n, struct err *e) {
    struct json *json = driver;
    bool ok = true;
    while (ok && n > 0) {
        size_t taken = json->state == IN_ROW ? row_feed(json, bytes, n, &ok, e)
                                             : between_feed(json, bytes, n, &ok, e);
        bytes += taken;
        n -= taken;
    }
    return ok;
}

static bool json_end(void *driver, struct err *e) {
    struct json *json = driver;
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "line %zu, column %zu", json->place.line,
             json->place.column);
    if (json->state == IN_ROW)
        return err_set(e, ERR_INVALID, where,
                       "the file ends inside the row that begins here");
    if (!json->lines && json->state != AT_END)
        return err_set(e, ERR_INVALID, where, "the file ends before the ']' of its rows");
    if (json->rows.rows_n == 0)
        return err_set(e, ERR_INVALID, NULL, "the file holds no rows");
    return true;
}

const struct reader_driver reader_json_driver = {json_open, json_feed, json_end,
                                                 json_close};
