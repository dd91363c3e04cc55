#include "engine/dots.h"

#include <stdbool.h>
#include <string.h>

#include "engine/kernel.h"

/* Eight sums at a time: two registers where there is no AVX. A wider vector would need a
 * tile of another shape. */
enum { LANES = 8 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

enum {
    TILE_ROWS = 4, /* of A, by TILE_COLUMNS of B: the sums of a tile stay in registers */
    TILE_COLUMNS = 3,
    TILE_FLAT = 8,    /* columns of a tile of one row, */
    TILE_PAIR = 4,    /* and of one of two */
    SUMS_MAX = 12,    /* of a tile */
    INNER_MAX = 1024, /* so much of the inner dimension at a time: a tile fits in L1 */
    PANEL = 48 << 10, /* floats of B that stay in L2 while the rows of A pass */
    SHORT = 32,       /* a shorter inner dimension has no use for vectors of it: */
    VECTORS = 4,      /* of columns instead, so many at a time */
};

#define INLINE static inline __attribute__((always_inline))
/* Loops over the sums of a tile, which are registers only once it is flat. */
#if defined(__clang__)
#define FLAT _Pragma("clang loop unroll(full)")
#else
#define FLAT _Pragma("GCC unroll 16")
#endif

/* The lanes of a sum, in one order for all. */
typedef float half __attribute__((vector_size(LANES / 2 * sizeof(float))));
INLINE float lanes_sum(const lanes *x) {
    half four = __builtin_shufflevector(*x, *x, 0, 1, 2, 3) +
                __builtin_shufflevector(*x, *x, 4, 5, 6, 7);
    half two = four + __builtin_shufflevector(four, four, 2, 3, 2, 3);
    return two[0] + two[1];
}

/* Where a tile stands: rows of A and of B are `stride` floats apart, those of C `n`. */
struct tile {
    const float *A, *B;
    float *C;
    size_t stride, n;
    size_t inner; /* floats to go over */
    bool first;   /* C is set, not added to */
};

/* The last floats of a row, fewer than LANES, with zeros behind. */
INLINE void lanes_load_rest(const float *from, size_t count, lanes *to) {
    float padded[LANES] = {0};
    memcpy(padded, from, count * sizeof *padded);
    memcpy(to, padded, sizeof padded);
}

/* sums += A . B^T of LANES floats of each row, those of A one behind the other. */
INLINE void lanes_add(lanes *sums, const float *A, const lanes *b, size_t rows,
                      size_t columns) {
    FLAT for (size_t i = 0; i < rows; i++) {
        lanes a;
        memcpy(&a, A + i * LANES, sizeof a);
        FLAT for (size_t j = 0; j < columns; j++) sums[i * columns + j] += a * b[j];
    }
}

/* rows x columns inner products; both are constants where it is called. */
INLINE void tile_run(const struct tile *t, size_t rows, size_t columns) {
    lanes sums[SUMS_MAX], b[TILE_FLAT];
    size_t whole = t->inner / LANES * LANES, rest = t->inner - whole;
    FLAT for (size_t i = 0; i < rows * columns; i++) sums[i] = (lanes){0};
    for (size_t l = 0; l < whole; l += LANES) {
        FLAT for (size_t j = 0; j < columns; j++)
            memcpy(&b[j], t->B + j * t->stride + l, sizeof *b);
        lanes_add(sums, t->A + l * rows, b, rows, columns);
    }
    if (rest) {
        FLAT for (size_t j = 0; j < columns; j++)
            lanes_load_rest(t->B + j * t->stride + whole, rest, &b[j]);
        lanes_add(sums, t->A + whole * rows, b, rows, columns);
    }
    FLAT for (size_t i = 0; i < rows; i++) {
        FLAT for (size_t j = 0; j < columns; j++) {
            float sum = lanes_sum(&sums[i * columns + j]);
            float *c = t->C + i * t->n + j;
            *c = t->first ? sum : *c + sum;
        }
    }
}

/* The rows of a tile, LANES floats of each in turn, zeros behind the last. */
INLINE void rows_pack(const float *A, size_t stride, size_t rows, size_t inner,
                      float *to) {
    for (size_t l = 0; l < inner; l += LANES) {
        for (size_t i = 0; i < rows; i++, to += LANES) {
            const float *from = A + i * stride + l;
            if (l + LANES <= inner) {
                memcpy(to, from, LANES * sizeof *to);
            } else {
                memset(to, 0, LANES * sizeof *to);
                memcpy(to, from, (inner - l) * sizeof *to);
            }
        }
    }
}

/* `rows` rows of A by `columns` of B, a constant number of columns at a time. */
INLINE void strip_run(struct tile t, size_t rows, size_t columns, size_t at_a_time) {
    size_t j = 0;
    for (; j + at_a_time <= columns; j += at_a_time) {
        tile_run(&t, rows, at_a_time);
        t.B += at_a_time * t.stride;
        t.C += at_a_time;
    }
    for (; j < columns; j++) {
        tile_run(&t, rows, 1);
        t.B += t.stride;
        t.C++;
    }
}

KERNEL static void panel_run(struct tile t, size_t m, size_t columns) {
    float packed[TILE_ROWS * INNER_MAX];
    const float *A = t.A;
    t.A = packed;
    size_t i = 0;
    for (; i + TILE_ROWS <= m; i += TILE_ROWS) {
        rows_pack(A + i * t.stride, t.stride, TILE_ROWS, t.inner, packed);
        strip_run(t, TILE_ROWS, columns, TILE_COLUMNS);
        t.C += TILE_ROWS * t.n;
    }
    rows_pack(A + i * t.stride, t.stride, m - i, t.inner, packed);
    if (m - i == 3)
        strip_run(t, 3, columns, TILE_COLUMNS);
    else if (m - i == 2)
        strip_run(t, 2, columns, TILE_PAIR);
    else if (m - i == 1)
        strip_run(t, 1, columns, TILE_FLAT);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static void long_products(size_t m, size_t n, size_t k, const float *A, const float *B,
                          float *C) {
    /* Equal parts, each a whole number of vectors. */
    size_t parts = (k + INNER_MAX - 1) / INNER_MAX;
    size_t part = ((k + parts - 1) / parts + LANES - 1) / LANES * LANES;
    size_t panel = PANEL / part / SUMS_MAX * SUMS_MAX;
    for (size_t j = 0; j < n; j += panel) {
        for (size_t l = 0; l < k; l += part) {
            struct tile t = {A + l, B + j * k + l,      C + j, k,
                             n,     least(part, k - l), l == 0};
            panel_run(t, m, least(panel, n - j));
        }
    }
}

/* `columns` columns of a few rows of A that stand side by side. */
INLINE void beside_run(const lanes *rows, const float *B, size_t k, size_t columns,
                       float *C, size_t m, size_t n) {
    lanes sums[VECTORS];
    float out[VECTORS * LANES];
    FLAT for (size_t j = 0; j < columns; j++) sums[j] = (lanes){0};
    for (size_t l = 0; l < k; l++) {
        FLAT for (size_t j = 0; j < columns; j++) sums[j] += rows[l] * B[j * k + l];
    }
    memcpy(out, sums, sizeof out);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < columns; j++)
            C[i * n + j] = out[j * LANES + i];
}

/* Up to LANES rows. Sums in the order of the inner dimension. */
KERNEL static void short_rows(size_t m, size_t n, size_t k, const float *A,
                              const float *B, float *C) {
    lanes rows[SHORT];
    for (size_t l = 0; l < k; l++) {
        float line[LANES] = {0};
        for (size_t i = 0; i < m; i++)
            line[i] = A[i * k + l];
        memcpy(&rows[l], line, sizeof line);
    }
    size_t j = 0;
    for (; j + VECTORS <= n; j += VECTORS)
        beside_run(rows, B + j * k, k, VECTORS, C + j, m, n);
    for (; j < n; j++)
        beside_run(rows, B + j * k, k, 1, C + j, m, n);
}

/* The same sums, in the same order, of `vectors` times LANES columns side by side. */
INLINE void columns_run(const float *A, const lanes *panel, size_t m, size_t k, float *C,
                        size_t n, size_t columns, size_t vectors) {
    for (size_t i = 0; i < m; i++) {
        lanes sums[VECTORS];
        FLAT for (size_t v = 0; v < vectors; v++) sums[v] = (lanes){0};
        for (size_t l = 0; l < k; l++) {
            FLAT for (size_t v = 0; v < vectors; v++) sums[v] +=
                A[i * k + l] * panel[l * VECTORS + v];
        }
        if (columns == vectors * LANES)
            memcpy(C + i * n, sums, vectors * sizeof *sums);
        else
            memcpy(C + i * n, sums, columns * sizeof *C);
    }
}

KERNEL static void short_columns(size_t m, size_t n, size_t k, const float *A,
                                 const float *B, float *C) {
    lanes panel[SHORT * VECTORS];
    size_t columns;
    for (size_t j = 0; j < n; j += columns) {
        columns = n - j < VECTORS * LANES ? n - j : VECTORS * LANES;
        for (size_t l = 0; l < k; l++) {
            float line[VECTORS * LANES] = {0};
            for (size_t c = 0; c < columns; c++)
                line[c] = B[(j + c) * k + l];
            memcpy(panel + l * VECTORS, line, sizeof line);
        }
        if (columns <= LANES)
            columns_run(A, panel, m, k, C + j, n, columns, 1);
        else if (columns <= 2 * LANES)
            columns_run(A, panel, m, k, C + j, n, columns, 2);
        else
            columns_run(A, panel, m, k, C + j, n, columns, VECTORS);
    }
}

void dots_nt(size_t m, size_t n, size_t k, const float *A, const float *B, float *C) {
    if (k < SHORT && m <= LANES)
        short_rows(m, n, k, A, B, C);
    else if (k < SHORT)
        short_columns(m, n, k, A, B, C);
    else
        long_products(m, n, k, A, B, C);
}
