/* JSON rows: reader_json.c finds where each begins and ends, reader_json_row.c reads it.
 * Private to them. */
#ifndef API_READER_JSON_H
#define API_READER_JSON_H

#include "api/reader_private.h"
#include "api/text.h"
#include "api/utf8.h"

struct json_name {
    const char *text; /* NUL-terminated */
    size_t column;
};

/* The rows so far. Zero-initialise with `base`; reader_json_rows_free. */
struct json_rows {
    struct reader_base *base; /* borrowed */
    size_t columns_n;         /* 0 before the first row */
    size_t rows_n;
    bool objects;             /* rows are objects; otherwise arrays */
    const char **names;       /* (columns_n), in one block with their texts; owned */
    struct json_name *sorted; /* (columns_n), by name; owned */
    size_t *seen;             /* (columns_n): the last row that had the key; owned */
    struct cell *cells;       /* (cells_capacity); owned */
    size_t cells_capacity;
    struct text strings; /* the row's strings, decoded */
};
void reader_json_rows_free(struct json_rows *rows);

/* A row, from its bracket to the first that closes outside a string; it begins at
 * `place`. Its cells must be scalars. */
bool reader_json_row(struct json_rows *rows, const char *row, size_t n,
                     const struct utf8_place *place, struct err *e);

#endif
