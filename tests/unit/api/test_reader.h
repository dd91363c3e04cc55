/* What the tests of the readers share: a sink that writes down what it gets, and a check
 * that the same comes out however the bytes are cut. */
#ifndef TESTS_TEST_READER_H
#define TESTS_TEST_READER_H

#include <stdlib.h>
#include <string.h>

#include "api/reader.h"
#include "api/text.h"
#include "tests/unit/check.h"

static inline bool note_columns(void *context, const char *const *names, size_t n,
                                struct err *e) {
    struct text *out = context;
    (void)e;
    text_format(out, "[%zu]", n);
    for (size_t c = 0; names && c < n; c++)
        text_format(out, " %s", names[c]);
    text_string(out, "\n");
    return true;
}

static inline void note_cell(struct text *out, const struct cell *cell) {
    int text_n = (int)cell->text_n;
    if (cell->kind == CELL_MISSING)
        text_string(out, " _");
    else if (cell->kind == CELL_TEXT)
        text_format(out, " '%.*s'", text_n, cell->text);
    else if (cell->kind == CELL_BOOLEAN)
        text_string(out, cell->number != 0 ? " T" : " F");
    else
        text_format(out, " %.15g", cell->number);
    if (cell->text && (cell->kind == CELL_NUMBER || cell->kind == CELL_BOOLEAN))
        text_format(out, "(%.*s)", text_n, cell->text);
}

/* "3: 1.5(1.50) 'abc' _ T(true)": line, number and spelling, text, missing, boolean. */
static inline bool note_row(void *context, const struct cell *cells, size_t n,
                            size_t line, struct err *e) {
    struct text *out = context;
    (void)e;
    text_format(out, "%zu:", line);
    for (size_t c = 0; c < n; c++)
        note_cell(out, &cells[c]);
    text_string(out, "\n");
    return true;
}

/* "x 150", then "2: 1 4 7": the column, and its cells however the runs are cut. */
static inline bool note_rows(void *context, size_t rows_n, struct err *e) {
    (void)e;
    text_format(context, "x %zu", rows_n);
    return true;
}
static inline bool note_run(void *context, size_t column, size_t row,
                            const struct cell *cells, size_t n, struct err *e) {
    struct text *out = context;
    (void)e;
    if (row == 0)
        text_format(out, "\n%zu:", column);
    for (size_t i = 0; i < n; i++)
        note_cell(out, &cells[i]);
    return true;
}

/* Each piece stands in a block of its size, so that a sanitizer sees a read behind it. */
static inline bool piece_feed(struct reader *r, const char *bytes, size_t n,
                              struct err *e) {
    char *piece = malloc(n ? n : 1);
    if (!piece)
        abort();
    memcpy(piece, bytes, n);
    bool ok = reader_feed(r, piece, n, e);
    free(piece);
    return ok;
}

enum { CUT_WHOLE = 0, CUT_BYTES = 1 }; /* otherwise the seed of pieces of 1 to 16 bytes */

/* @return what came out, with "! where: text" for an error; free() it. */
static inline char *read_notes(const char *bytes, size_t n,
                               const struct reader_options *options, unsigned cut,
                               struct err *e) {
    struct text out = {0};
    const struct table_sink sink = {.columns = note_columns,
                                    .row = note_row,
                                    .rows = note_rows,
                                    .run = note_run,
                                    .context = &out};
    struct err first = {0};
    struct reader *r = reader_new(options, &sink, &first);
    if (!r)
        abort();
    bool ok = true;
    unsigned seed = cut;
    while (ok && n > 0) {
        seed = seed * 1103515245U + 12345U;
        size_t piece = cut == CUT_WHOLE   ? n
                       : cut == CUT_BYTES ? 1
                                          : 1 + (seed >> 16) % 16;
        piece = piece < n ? piece : n;
        ok = piece_feed(r, bytes, piece, &first);
        bytes += piece;
        n -= piece;
    }
    ok = ok && reader_end(r, &first);
    if (!ok)
        text_format(&out, "! %s: %s\n", first.where, first.text);
    CHECK(ok == (first.kind == ERR_NONE));
    reader_free(r);
    if (e)
        *e = first;
    return text_take(&out);
}

static const struct reader_options DEFAULTS = READER_OPTIONS_DEFAULT;

static inline void check_read_as(const char *bytes, size_t n,
                                 const struct reader_options *options, const char *want) {
    static const unsigned cuts[] = {CUT_WHOLE, CUT_BYTES, 7, 77, 777};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char *got = read_notes(bytes, n, options, cuts[i], NULL);
        CHECK_SAY(strcmp(got, want) == 0, "cut %u of:\n%.*s\ngot:\n%s\nwant:\n%s",
                  cuts[i], (int)(n < 200 ? n : 200), bytes, got, want);
        free(got);
    }
}

static inline void check_read(const char *text, const char *want) {
    check_read_as(text, strlen(text), &DEFAULTS, want);
}

static inline void check_refused(const char *bytes, size_t n, enum err_kind kind,
                                 const char *want) {
    struct err e;
    check_read_as(bytes, n, &DEFAULTS, want);
    free(read_notes(bytes, n, &DEFAULTS, CUT_WHOLE, &e));
    CHECK_SAY(e.kind == kind, "%s: kind %d", want, e.kind);
}

#endif
