#include "api/reader_matrix.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"

enum { RUN = 1024 }; /* numbers of a column at a time */

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
static inline double half_value(uint16_t bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double sign = bits >> 15 ? -1 : 1;
    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, -24);
    return sign * ldexp(fraction + 1024, exponent - 25);
}

static inline double float_value(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static inline double double_value(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* One loop a type and byte order: `word` is the number's bits in our order. Integers
 * beyond 2^53 round to the nearest double. */
#define LOOP(width, order, value)                                                        \
    for (size_t i = 0; i < n; i++) {                                                     \
        uint##width##_t word;                                                            \
        memcpy(&word, from + i * sizeof word, sizeof word);                              \
        word = order(word);                                                              \
        to[i].number = (double)(value);                                                  \
    }                                                                                    \
    return
#define LOOPS(width, value)                                                              \
    if (shape->big_endian) {                                                             \
        LOOP(width, be##width##toh, value);                                              \
    }                                                                                    \
    LOOP(width, le##width##toh, value)

static void integers_read(const struct matrix_shape *shape, const char *from, size_t n,
                          struct cell *to) {
    if (shape->kind == MATRIX_SIGNED) {
        switch (shape->width) {
        case 1:
            LOOP(8, , (int8_t)word);
        case 2:
            LOOPS(16, (int16_t)word);
        case 4:
            LOOPS(32, (int32_t)word);
        default:
            LOOPS(64, (int64_t)word);
        }
    }
    switch (shape->width) {
    case 1:
        LOOP(8, , word);
    case 2:
        LOOPS(16, word);
    case 4:
        LOOPS(32, word);
    default:
        LOOPS(64, word);
    }
}

static void floats_read(const struct matrix_shape *shape, const char *from, size_t n,
                        struct cell *to) {
    switch (shape->width) {
    case 2:
        LOOPS(16, half_value(word));
    case 4:
        LOOPS(32, float_value(word));
    default:
        LOOPS(64, double_value(word));
    }
}

static bool refuse_cell(const struct matrix_reader *m, double number, size_t row,
                        size_t column, struct err *e) {
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "row %zu, column %zu", row + 1, column + 1);
    if (m->shape.kind == MATRIX_BOOLEAN)
        return err_set(e, ERR_INVALID, where, "expected a boolean, 0 or 1, got %g",
                       number);
    return err_set(e, ERR_INVALID, where, "expected a finite number, got %s",
                   number > 0 ? "infinity" : "-infinity");
}

/* The first of n cells that cannot be; n where all can. NaN is how an array says that a
 * cell is missing. */
static size_t floats_check(struct cell *cells, size_t n) {
    size_t odd_n = 0;
    for (size_t i = 0; i < n; i++)
        odd_n += !(fabs(cells[i].number) <= __DBL_MAX__);
    for (size_t i = 0; odd_n > 0 && i < n; i++) {
        struct cell *cell = &cells[i];
        if (isinf(cell->number))
            return i;
        cell->kind = isnan(cell->number) ? CELL_MISSING : CELL_NUMBER;
        cell->number = isnan(cell->number) ? 0 : cell->number;
    }
    return n;
}

static size_t booleans_check(const struct cell *cells, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (cells[i].number > 1)
            return i;
    return n;
}

/* The cells begin and end as numbers, so that only those of a run with missing ones are
 * touched twice. */
static void cells_reset(struct matrix_reader *m, size_t n) {
    enum cell_kind kind = m->shape.kind == MATRIX_BOOLEAN ? CELL_BOOLEAN : CELL_NUMBER;
    for (size_t i = 0; i < n; i++)
        m->cells[i].kind = kind;
}

/* Reads n numbers into the cells. @return as floats_check. */
static size_t cells_read(struct matrix_reader *m, const char *from, size_t n) {
    if (m->shape.kind == MATRIX_FLOAT) {
        floats_read(&m->shape, from, n, m->cells);
        return floats_check(m->cells, n);
    }
    integers_read(&m->shape, from, n, m->cells);
    return m->shape.kind == MATRIX_BOOLEAN ? booleans_check(m->cells, n) : n;
}

static bool row_deliver(struct matrix_reader *m, const char *row, struct err *e) {
    const struct table_sink *sink = m->base->sink;
    size_t odd = cells_read(m, row, m->columns_n);
    if (odd < m->columns_n)
        return refuse_cell(m, m->cells[odd].number, m->row, odd, e);
    m->row++;
    bool ok = sink->row(sink->context, m->cells, m->columns_n, 0, e);
    if (m->shape.kind == MATRIX_FLOAT)
        cells_reset(m, m->columns_n);
    return ok;
}

/* n numbers of the column at hand. */
static bool run_deliver(struct matrix_reader *m, const char *from, size_t n,
                        struct err *e) {
    const struct table_sink *sink = m->base->sink;
    size_t column = m->columns[m->place], odd = cells_read(m, from, n);
    bool ok = sink->run(sink->context, column, m->row, m->cells, odd, e);
    if (ok && odd < n)
        return refuse_cell(m, m->cells[odd].number, m->row + odd, column, e);
    if (m->shape.kind == MATRIX_FLOAT)
        cells_reset(m, n);
    m->row += n;
    if (m->row == m->rows_n) {
        m->row = 0;
        m->place++;
    }
    return ok;
}

static bool shape_overflows(struct err *e) {
    return err_set(e, ERR_TOO_LARGE, NULL, "the dimensions overflow");
}

static bool shape_measure(struct matrix_reader *m, struct err *e) {
    const struct matrix_shape *s = &m->shape;
    const struct reader_options *o = &m->base->options;
    size_t bytes;
    if (s->dimensions_n == 0)
        return err_set(e, ERR_INVALID, NULL, "expected 1 or 2 dimensions, got none");
    m->rows_n = s->dimensions[0];
    m->columns_n = 1;
    for (size_t d = 1; d < s->dimensions_n; d++)
        if (!size_mul(m->columns_n, s->dimensions[d], &m->columns_n))
            return shape_overflows(e);
    if (m->columns_n == 0)
        return err_set(e, ERR_INVALID, NULL, "an array without columns");
    if (m->columns_n > o->columns_max)
        return reader_refuse_columns(m->base, NULL, e);
    if (!size_mul(m->columns_n, s->width, &m->row_bytes) ||
        !size_mul(m->row_bytes, m->rows_n, &bytes))
        return shape_overflows(e);
    if (m->row_bytes > o->row_bytes_max)
        return reader_refuse_row(m->base, NULL, e);
    /* One row or one column lies the same in either order. */
    m->shape.fortran &= m->rows_n > 1 && m->columns_n > 1;
    return true;
}

/* Column j is the j-th of the later dimensions with the last running fastest; in
 * Fortran's order the first runs fastest. */
static void columns_place(struct matrix_reader *m) {
    const struct matrix_shape *s = &m->shape;
    for (size_t c = 0; c < m->columns_n; c++) {
        size_t rest = c, place = 0;
        for (size_t d = s->dimensions_n - 1; d > 0; d--) {
            size_t stride = 1;
            for (size_t f = 1; f < d; f++)
                stride *= s->dimensions[f];
            place += rest % s->dimensions[d] * stride;
            rest /= s->dimensions[d];
        }
        m->columns[place] = c;
    }
}

static bool columns_announce(struct matrix_reader *m, struct err *e) {
    const struct table_sink *sink = m->base->sink;
    m->columns = memory_new(m->columns_n, sizeof *m->columns);
    if (!m->columns)
        return reader_no_memory(e);
    columns_place(m);
    if (!sink->rows || !sink->run)
        return err_set(e, ERR_INVALID, NULL, "an array in Fortran order");
    return sink->rows(sink->context, m->rows_n, e);
}

bool reader_matrix_open(struct matrix_reader *m, struct reader_base *base,
                        const struct matrix_shape *shape, struct err *e) {
    m->base = base;
    m->shape = *shape;
    if (!shape_measure(m, e))
        return false;
    size_t cells_n = m->shape.fortran ? RUN : m->columns_n;
    m->cells = memory_new(cells_n, sizeof *m->cells);
    if (!m->cells)
        return reader_no_memory(e);
    cells_reset(m, cells_n);
    return base->sink->columns(base->sink->context, NULL, m->columns_n, e) &&
           (!m->shape.fortran || columns_announce(m, e));
}

void reader_matrix_free(struct matrix_reader *m) {
    free(m->cells);
    free(m->columns);
    text_free(&m->pending);
}

static bool pending_add(struct matrix_reader *m, const char *bytes, size_t n,
                        struct err *e) {
    text_bytes(&m->pending, bytes, n);
    return !m->pending.failed || reader_no_memory(e);
}

/* Whole rows from where they stand; only one that was cut is put together first. */
static bool rows_feed(struct matrix_reader *m, const char *bytes, size_t n,
                      struct err *e) {
    if (m->pending.n > 0) {
        size_t lacking = m->row_bytes - m->pending.n;
        size_t taken = n < lacking ? n : lacking;
        if (!pending_add(m, bytes, taken, e))
            return false;
        if (m->pending.n < m->row_bytes)
            return true;
        m->pending.n = 0;
        if (!row_deliver(m, m->pending.data, e))
            return false;
        bytes += taken;
        n -= taken;
    }
    for (; n >= m->row_bytes; bytes += m->row_bytes, n -= m->row_bytes)
        if (!row_deliver(m, bytes, e))
            return false;
    return n == 0 || pending_add(m, bytes, n, e);
}

/* Runs of one column from where they stand; only a number that was cut is put together
 * first. */
static bool runs_feed(struct matrix_reader *m, const char *bytes, size_t n,
                      struct err *e) {
    size_t width = m->shape.width;
    if (m->pending.n > 0) {
        size_t lacking = width - m->pending.n;
        size_t taken = n < lacking ? n : lacking;
        if (!pending_add(m, bytes, taken, e))
            return false;
        if (m->pending.n < width)
            return true;
        m->pending.n = 0;
        if (!run_deliver(m, m->pending.data, 1, e))
            return false;
        bytes += taken;
        n -= taken;
    }
    while (n >= width) {
        size_t left = m->rows_n - m->row, run = n / width < left ? n / width : left;
        run = run < RUN ? run : RUN;
        if (!run_deliver(m, bytes, run, e))
            return false;
        bytes += run * width;
        n -= run * width;
    }
    return n == 0 || pending_add(m, bytes, n, e);
}

bool reader_matrix_feed(struct matrix_reader *m, const char *bytes, size_t n,
                        struct err *e) {
    uint64_t total = (uint64_t)m->rows_n * m->row_bytes, left = total - m->bytes_n;
    size_t taken = n < left ? n : (size_t)left;
    m->bytes_n += taken;
    if (!(m->shape.fortran ? runs_feed(m, bytes, taken, e)
                           : rows_feed(m, bytes, taken, e)))
        return false;
    return taken == n || err_set(e, ERR_INVALID, NULL,
                                 "bytes behind the array: its header says %llu bytes of "
                                 "data",
                                 (unsigned long long)total);
}

bool reader_matrix_end(struct matrix_reader *m, struct err *e) {
    uint64_t total = (uint64_t)m->rows_n * m->row_bytes;
    return m->bytes_n == total ||
           err_set(e, ERR_INVALID, NULL,
                   "the file ends inside the array: expected %llu bytes of data, got "
                   "%llu",
                   (unsigned long long)total, (unsigned long long)m->bytes_n);
}
