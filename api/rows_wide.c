/* Rows of numbers many characters at a time: first all numbers of a stretch of text are
 * found, by bits (G. Langdale, D. Lemire, "Parsing gigabytes of JSON per second", 2019),
 * then they are read, several at once. What is not simple is left to number.h; where
 * anything is wrong the whole is, and the strict scanner says what. */
#include "api/rows_wide.h"

#include <string.h>

#include "api/cursor_private.h"
#include "api/number.h"

const _Alignas(64) double wide_tenths[] = {
    1e0,   1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,  1e-8,  1e-9,  1e-10,
    1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19, 1e-20, 1e-21,
    1e-22, 1e-23, 1e-24, 1e-25, 1e-26, 1e-27, 1e-28, 1e-29, 1e-30, 1e-31};

const struct wide *wide_choose(void) {
    const struct wide *wide = wide_avx512();
    return wide ? wide : wide_avx2();
}

bool wide_read_one(const char *base, const uint32_t *marks, float *value) {
    const char *at = base + marks[0], *end = base + marks[1];
    at -= at[-1] == '-';
    return number_scan_float(&at, end, value) == NUMBER_OK && at == end;
}

/* One run. */
struct run {
    const struct wide *wide;
    const char *start, *base, *end; /* of the whole text; marks count from base */
    const char *at;                 /* what is not indexed yet */
    struct grammar grammar;
    struct rows *rows;
    size_t used;     /* floats */
    size_t row_last; /* the number that ends the next row */
    uint32_t *marks; /* (WIDE_MARKS_MAX) */
};

/* The next stretch. The text's last characters are copied, for blocks are read whole. */
static struct wide_index stretch_index(struct run *run, uint32_t *marks) {
    size_t left = (size_t)(run->end - run->at), blocks_n = left / WIDE_BLOCK;
    uint32_t at = (uint32_t)(run->at - run->base);
    char last[WIDE_BLOCK] = {0};
    if (blocks_n == 0) {
        memcpy(last, run->at, left);
        run->at = run->end;
        return run->wide->index(last, 1, at, &run->grammar, marks);
    }
    blocks_n = blocks_n < WIDE_BLOCKS_MAX ? blocks_n : WIDE_BLOCKS_MAX;
    struct wide_index found =
        run->wide->index(run->at, blocks_n, at, &run->grammar, marks);
    run->at += blocks_n * WIDE_BLOCK;
    return found;
}

/* Room for n more numbers: when there is none, for as many as the text will have if it
 * goes on as it began. A number and what separates it take two characters. */
static bool stretch_reserve(struct run *run, size_t n) {
    size_t need = run->used + n + WIDE_NUMBERS_SPARE;
    if (need <= run->rows->capacity)
        return true;
    struct err e = {0};
    size_t left = (size_t)(run->end - run->at), most = need + left / 2;
    double seen = (double)(run->at - run->base);
    double guess = (double)need * (1 + (double)left / seen) * 1.0625;
    size_t wanted = guess < (double)most ? (size_t)guess : most;
    if (wanted < need + need / 2)
        wanted = need + need / 2 < most ? need + need / 2 : most;
    return rows_reserve(run->rows, run->used, wanted, "", &e);
}

/* Whether the rows that end among the numbers used..used + n have the first one's length:
 * brackets stand where they should, and how many there are is counted. */
static bool stretch_rows(struct run *run, size_t n) {
    size_t columns_n = run->grammar.columns_n;
    if (run->grammar.flat || columns_n == 0)
        return true;
    if (run->row_last == 0)
        run->row_last = columns_n; /* the first row's length is right */
    for (; run->row_last <= run->used + n; run->row_last += columns_n) {
        if (run->row_last <= run->used)
            continue;
        size_t number = run->row_last - run->used - 1;
        struct cursor c = {run->start, run->base + run->marks[2 * number + 1], run->end};
        if (cursor_peek(&c) != ']')
            return false;
    }
    return true;
}

/* Reads what is marked. A number that has begun but not ended stays. */
static bool stretch_read(struct run *run, size_t *marks_n) {
    size_t n = *marks_n / 2;
    uint32_t begun = run->marks[2 * n];
    for (size_t i = 0; n > 0 && i < 8; i++)
        run->marks[2 * n + i] = run->marks[2 * n - 2 + i % 2];
    if (!stretch_reserve(run, n) || !stretch_rows(run, n) ||
        !run->wide->read(run->base, run->start, run->marks, n,
                         run->rows->values + run->used))
        return false;
    run->used += n;
    run->marks[0] = begun;
    *marks_n %= 2;
    return true;
}

static bool all_read(struct run *run, uint32_t *end) {
    size_t marks_n = 0;
    for (bool ended = false; !ended;) {
        if (run->at == run->end)
            return false;
        struct wide_index found = stretch_index(run, run->marks + marks_n);
        marks_n += found.marks_n;
        if (found.wrong || !stretch_read(run, &marks_n))
            return false;
        ended = found.ended;
        *end = found.end;
    }
    return true;
}

bool wide_scan(const struct wide *wide, struct cursor *c, struct rows_form form,
               struct rows *rows) {
    struct cursor from = *c;
    struct run run = {.wide = wide, .start = c->start, .end = c->end};
    if (cursor_peek(&from) != '[')
        return false;
    from.at++;
    cursor_peek(&from);
    if ((size_t)(from.end - from.at) > UINT32_MAX - WIDE_BLOCK)
        return false;
    uint32_t marks[WIDE_MARKS_MAX], end;
    run.marks = marks;
    run.base = run.at = from.at;
    run.rows = rows;
    run.grammar = (struct grammar){.flat = form.flat,
                                   .columns_n = form.columns_n,
                                   .open_next = !form.flat,
                                   .number_next = form.flat};
    if (!all_read(&run, &end))
        return false;
    size_t rows_n = form.flat ? 1 : run.grammar.rows_n;
    size_t columns_n = form.flat ? run.used : run.grammar.columns_n;
    if (rows_n * columns_n != run.used || (form.columns_n && columns_n != form.columns_n))
        return false;
    rows->rows_n = rows_n;
    rows->columns_n = columns_n;
    c->at = run.base + end + 1;
    return true;
}

bool rows_scan_widely(struct cursor *c, struct rows_form form, struct rows *rows) {
    const struct wide *wide = wide_choose();
    return wide && wide_scan(wide, c, form, rows);
}
