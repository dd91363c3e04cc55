/* What the targets of the table formats share: however the bytes are cut, the same rows
 * come out, each as the contract says; and a profile of them goes into JSON and back. */
#ifndef TESTS_FUZZ_TABLE_H
#define TESTS_FUZZ_TABLE_H

#include <math.h>
#include <string.h>

#include "api/profile.h"
#include "api/reader.h"
#include "tests/fuzz/fuzz.h"

/* What a reading gave, in one number: equal tables give equal ones. */
struct digest {
    uint64_t sum;
    size_t columns_n, columns_calls_n, rows_n;
    bool by_columns;
    size_t column, next; /* of runs: the last one's column, and the row behind it */
};

static inline void digest_add(struct digest *d, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        d->sum = (d->sum ^ p[i]) * UINT64_C(0x100000001b3);
}

static inline bool digest_columns(void *context, const char *const *names, size_t n,
                                  struct err *e) {
    struct digest *d = context;
    (void)e;
    PROMISE(n > 0 && d->columns_calls_n == 0);
    d->columns_n = n;
    d->columns_calls_n++;
    for (size_t c = 0; names && c < n; c++)
        digest_add(d, names[c], strlen(names[c]) + 1);
    return true;
}

static inline void digest_cell(struct digest *d, const struct cell *cell) {
    digest_add(d, &cell->kind, sizeof cell->kind);
    PROMISE(cell->kind != CELL_NUMBER || isfinite(cell->number));
    PROMISE(cell->kind != CELL_BOOLEAN || cell->number == 0 || cell->number == 1);
    PROMISE(cell->kind != CELL_TEXT || cell->text);
    if (cell->kind == CELL_NUMBER)
        digest_add(d, &cell->number, sizeof cell->number);
    if (cell->text) {
        PROMISE(!memchr(cell->text, 0, cell->text_n));
        digest_add(d, cell->text, cell->text_n);
    }
}

static inline bool digest_row(void *context, const struct cell *cells, size_t n,
                              size_t line, struct err *e) {
    struct digest *d = context;
    (void)e;
    PROMISE(d->columns_calls_n == 1 && n == d->columns_n && !d->by_columns);
    d->rows_n++;
    digest_add(d, &line, sizeof line);
    for (size_t c = 0; c < n; c++)
        digest_cell(d, &cells[c]);
    return true;
}

static inline bool digest_rows(void *context, size_t rows_n, struct err *e) {
    struct digest *d = context;
    (void)e;
    PROMISE(d->columns_calls_n == 1 && !d->by_columns && d->rows_n == 0);
    d->by_columns = true;
    d->rows_n = rows_n;
    return true;
}

static inline bool digest_run(void *context, size_t column, size_t row,
                              const struct cell *cells, size_t n, struct err *e) {
    struct digest *d = context;
    (void)e;
    PROMISE(d->by_columns && column < d->columns_n && row + n <= d->rows_n);
    PROMISE(row == 0 || (column == d->column && row == d->next));
    d->column = column;
    d->next = row + n;
    for (size_t i = 0; i < n; i++)
        digest_cell(d, &cells[i]);
    return true;
}

/* Reads pieces of `piece` bytes. */
static inline bool pieces_read(const uint8_t *data, size_t n, size_t piece,
                               enum table_format format, const struct table_sink *sink,
                               struct err *e) {
    struct reader_options o = READER_OPTIONS_DEFAULT;
    o.format = format;
    o.inflated_max = 1 << 20;
    o.row_bytes_max = 1 << 16;
    o.columns_max = 1 << 10;
    struct reader *r = reader_new(&o, sink, e);
    PROMISE(r);
    bool ok = true;
    for (size_t at = 0; ok && at < n; at += piece)
        ok = reader_feed(r, data + at, n - at < piece ? n - at : piece, e);
    ok = ok && reader_end(r, e);
    PROMISE(ok == (e->kind == ERR_NONE) && (ok || e->text[0]));
    reader_free(r);
    return ok;
}

static inline void table_profile(const uint8_t *data, size_t n,
                                 enum table_format format) {
    struct table_sink sink;
    struct err e = {0};
    struct profile p = {0}, back = {0};
    struct profiler *profiler = profiler_new(&sink, &e);
    PROMISE(profiler);
    if (pieces_read(data, n, n + 1, format, &sink, &e) &&
        profiler_end(profiler, &p, &e)) {
        struct text text = {0}, again = {0};
        profile_encode(&p, &text);
        char *json = text_take(&text);
        PROMISE(json && profile_decode(json, &back, &e));
        PROMISE(back.rows_n == p.rows_n && back.columns_n == p.columns_n);
        profile_encode(&back, &again);
        PROMISE(!again.failed);
        text_free(&again);
        free(json);
    }
    PROMISE(e.kind == ERR_NONE || !p.columns);
    profile_free(&p);
    profile_free(&back);
    profiler_free(profiler);
}

static inline void table_fuzz(const uint8_t *data, size_t n, enum table_format format) {
    static const size_t PIECES[] = {SIZE_MAX / 2, 1, 7};
    struct digest digests[3] = {{0}, {0}, {0}};
    struct err errors[3] = {{0}, {0}, {0}};
    for (int i = 0; i < 3; i++) {
        const struct table_sink sink = {.columns = digest_columns,
                                        .row = digest_row,
                                        .rows = digest_rows,
                                        .run = digest_run,
                                        .context = &digests[i]};
        pieces_read(data, n, PIECES[i], format, &sink, &errors[i]);
        PROMISE(errors[i].kind == errors[0].kind);
        /* Gzip's limits are looked at a block at a time: rows before them may differ. */
        if (errors[0].kind != ERR_NONE && n >= 2 && data[0] == 0x1f && data[1] == 0x8b)
            continue;
        PROMISE(digests[i].sum == digests[0].sum);
        PROMISE(strcmp(errors[i].text, errors[0].text) == 0);
        PROMISE(strcmp(errors[i].where, errors[0].where) == 0);
    }
    table_profile(data, n, format);
}

#endif
