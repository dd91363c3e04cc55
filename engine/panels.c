#include "engine/panels.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/kernel.h"
#include "engine/memory.h"

/* Eight sums at a time: two registers where there is no AVX. */
enum { LANES = 8 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
/* The same where floats stand, which are aligned as floats alone. */
typedef lanes lanes_there __attribute__((aligned(sizeof(float)), may_alias));

enum {
    PANEL_COLUMNS = 2 * LANES,
    TILE_ROWS = 6,  /* of A by a panel: their sums stay in registers, */
    LINES_MAX = 3,  /* fewer columns than half a panel are not worth one, */
    TILE_LINES = 4, /* and so many rows are multiplied with them, */
    TILE_HALF = 3,  /* as do those of so many rows by a half panel, */
    CHAINS = 4,     /* so many sums of each, which hide what one waits for another, */
    TILE_ALONE = 4, /* and those of one row by so many panels, */
    TILE_FEW = 2,   /* or of two or three, */
    ROWS_FEW = 3,   /* which are few, by so many */
    SUMS_MAX = 12   /* registers of a tile */
};

#define INLINE static inline __attribute__((always_inline))
/* Loops over the sums of a tile, which are registers only once it is flat. */
#if defined(__clang__)
#define FLAT _Pragma("clang loop unroll(full)")
#else
#define FLAT _Pragma("GCC unroll 16")
#endif

/* ---- the layout ----------------------------------------------------------------- */

/* How the columns are shared out: `wide` in panels, the rest in a half panel or, where
 * there are few, as lines: rows of W. */
struct shares {
    size_t wide, half, lines;
};

static struct shares shares_of(size_t n) {
    size_t rest = n % PANEL_COLUMNS;
    if (rest > LANES)
        return (struct shares){.wide = n};
    bool lines = rest <= LINES_MAX;
    return (struct shares){n - rest, lines ? 0 : rest, lines ? rest : 0};
}

static size_t rounded(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

/* Floats of b: it is read by panels. */
static size_t biases_n(size_t n) {
    return rounded(n, PANEL_COLUMNS);
}

size_t panels_n(size_t n, size_t k) {
    struct shares shares = shares_of(n);
    size_t columns = rounded(shares.wide, PANEL_COLUMNS) + rounded(shares.half, LANES);
    size_t panels, lines, floats;
    if (n > SIZE_MAX - PANEL_COLUMNS || k > SIZE_MAX - LANES ||
        !size_mul(columns, k, &panels) ||
        !size_mul(shares.lines, rounded(k, LANES), &lines) ||
        !size_add(panels, lines, &floats) || !size_add(floats, biases_n(n), &floats))
        return SIZE_MAX;
    return floats;
}

/* `columns` rows of W side by side in a panel of zeros. @return what is behind it. */
static float *panel_fill(size_t columns, size_t width, size_t k, const float *W,
                         float *panel) {
    for (size_t l = 0; l < k; l++, panel += width) {
        for (size_t c = 0; c < columns; c++)
            panel[c] = W[c * k + l];
    }
    return panel;
}

void panels_fill(size_t n, size_t k, const float *W, const float *b, float *panels) {
    struct shares shares = shares_of(n);
    memset(panels, 0, panels_n(n, k) * sizeof *panels);
    memcpy(panels, b, n * sizeof *b);
    panels += biases_n(n);
    size_t j = 0;
    for (; j < shares.wide; j += PANEL_COLUMNS) {
        size_t columns = n - j < PANEL_COLUMNS ? n - j : PANEL_COLUMNS;
        panels = panel_fill(columns, PANEL_COLUMNS, k, W + j * k, panels);
    }
    if (shares.half)
        panel_fill(shares.half, LANES, k, W + shares.wide * k, panels);
    for (; j < n && shares.lines; j++, panels += rounded(k, LANES))
        memcpy(panels, W + j * k, k * sizeof *W);
}

/* ---- tiles ---------------------------------------------------------------------- */

/* Rows of A by columns of a panel or several. */
struct tile {
    const float *A, *panel;
    const float *b; /* what the sums begin with */
    float *C;
    size_t k, n; /* floats of a row of A, of C */
};

/* sums += one l of rows x a panel. */
INLINE void panel_add(lanes *sums, const float *A, size_t stride, const float *panel,
                      size_t rows) {
    lanes low = *(const lanes_there *)panel;
    lanes high = *(const lanes_there *)(panel + LANES);
    FLAT for (size_t i = 0; i < rows; i++) {
        sums[2 * i] += A[i * stride] * low;
        sums[2 * i + 1] += A[i * stride] * high;
    }
}

/* rows x panels x PANEL_COLUMNS elements; the counts are constants where it is called. */
INLINE void tile_run(const struct tile *t, size_t rows, size_t panels) {
    lanes sums[SUMS_MAX];
    FLAT for (size_t s = 0; s < 2 * panels * rows; s++) {
        size_t p = s / 2 / rows;
        sums[s] = *(const lanes_there *)(t->b + p * PANEL_COLUMNS + s % 2 * LANES);
    }
    for (size_t l = 0; l < t->k; l++) {
        FLAT for (size_t p = 0; p < panels; p++)
            panel_add(sums + 2 * p * rows, t->A + l, t->k,
                      t->panel + (p * t->k + l) * PANEL_COLUMNS, rows);
    }
    FLAT for (size_t s = 0; s < 2 * panels * rows; s++) {
        size_t p = s / 2 / rows, i = s / 2 % rows;
        *(lanes_there *)(t->C + i * t->n + p * PANEL_COLUMNS + s % 2 * LANES) = sums[s];
    }
}

/* rows x LANES elements of a half panel. */
INLINE void half_run(const struct tile *t, size_t rows) {
    lanes sums[CHAINS * TILE_HALF];
    FLAT for (size_t s = 0; s < CHAINS * rows; s++) sums[s] = (lanes){0};
    FLAT for (size_t i = 0; i < rows; i++) sums[i] = *(const lanes_there *)t->b;
    size_t whole = t->k / CHAINS * CHAINS, l = 0;
    for (; l < whole; l += CHAINS) {
        FLAT for (size_t s = 0; s < CHAINS * rows; s++) {
            size_t at = l + s / rows;
            sums[s] += t->A[s % rows * t->k + at] *
                       *(const lanes_there *)(t->panel + at * LANES);
        }
    }
    FLAT for (size_t s = 0; s < (CHAINS - 1) * rows; s++) {
        size_t at = l + s / rows;
        if (at < t->k)
            sums[s] += t->A[s % rows * t->k + at] *
                       *(const lanes_there *)(t->panel + at * LANES);
    }
    FLAT for (size_t i = 0; i < rows; i++) * (lanes_there *)(t->C + i * t->n) =
        (sums[i] + sums[rows + i]) + (sums[2 * rows + i] + sums[3 * rows + i]);
}

/* The lanes of a sum, in one order for all. */
typedef float half_lanes __attribute__((vector_size(LANES / 2 * sizeof(float))));
INLINE float lanes_sum(const lanes *x) {
    half_lanes four = __builtin_shufflevector(*x, *x, 0, 1, 2, 3) +
                      __builtin_shufflevector(*x, *x, 4, 5, 6, 7);
    half_lanes two = four + __builtin_shufflevector(four, four, 2, 3, 2, 3);
    return two[0] + two[1];
}

/* sums += LANES of the inner dimension of rows of A by lines. */
INLINE void lines_add(lanes *sums, const float *A, size_t a_stride, size_t rows,
                      const float *lines, size_t stride, size_t columns) {
    FLAT for (size_t s = 0; s < rows * columns; s++) sums[s] +=
        *(const lanes_there *)(A + s / columns * a_stride) *
        *(const lanes_there *)(lines + s % columns * stride);
}

/* rows x columns elements of lines; with zeros behind the end of the inner dimension. */
INLINE void lines_run(const struct tile *t, size_t rows, size_t columns) {
    size_t whole = t->k / LANES * LANES, stride = rounded(t->k, LANES);
    lanes sums[SUMS_MAX];
    FLAT for (size_t s = 0; s < rows * columns; s++) sums[s] = (lanes){0};
    for (size_t l = 0; l < whole; l += LANES)
        lines_add(sums, t->A + l, t->k, rows, t->panel + l, stride, columns);
    if (whole < t->k) {
        float last[TILE_LINES * LANES] = {0};
        for (size_t i = 0; i < rows; i++)
            memcpy(last + i * LANES, t->A + i * t->k + whole,
                   (t->k - whole) * sizeof *t->A);
        lines_add(sums, last, LANES, rows, t->panel + whole, stride, columns);
    }
    FLAT for (size_t s = 0; s < rows * columns; s++)
        t->C[s / columns * t->n + s % columns] = t->b[s % columns] + lanes_sum(&sums[s]);
}

/* ---- products ------------------------------------------------------------------- */

/* A tile of one panel, of a half one if `half`. */
INLINE void tile_of_rows(const struct tile *t, size_t rows, bool half) {
    switch (rows) {
    case 1:
        half ? half_run(t, 1) : tile_run(t, 1, 1);
        break;
    case 2:
        half ? half_run(t, 2) : tile_run(t, 2, 1);
        break;
    case 3:
        half ? half_run(t, 3) : tile_run(t, 3, 1);
        break;
    case 4:
        tile_run(t, 4, 1);
        break;
    case 5:
        tile_run(t, 5, 1);
        break;
    default:
        tile_run(t, TILE_ROWS, 1);
    }
}

/* The same where the panel has fewer columns than it is wide: those alone are written. */
INLINE void tile_of_columns(const struct tile *t, size_t rows, size_t columns,
                            bool half) {
    float to[TILE_ROWS * PANEL_COLUMNS];
    struct tile whole = *t;
    whole.C = to;
    whole.n = PANEL_COLUMNS;
    tile_of_rows(&whole, rows, half);
    for (size_t i = 0; i < rows; i++)
        memcpy(t->C + i * t->n, to + i * PANEL_COLUMNS, columns * sizeof *to);
}

/* A panel, or a part of one, by m rows: about equal tiles, as few as they can be. */
INLINE void panel_run(struct tile t, size_t m, size_t columns, bool half) {
    size_t most = half ? TILE_HALF : TILE_ROWS, width = half ? LANES : PANEL_COLUMNS;
    for (size_t tiles = (m + most - 1) / most; tiles; tiles--) {
        size_t rows = m / tiles;
        if (columns == width)
            tile_of_rows(&t, rows, half);
        else
            tile_of_columns(&t, rows, columns, half);
        t.A += rows * t.k;
        t.C += rows * t.n;
        m -= rows;
    }
}

INLINE void lines_rows(struct tile t, size_t m, size_t columns) {
    for (; m >= TILE_LINES; m -= TILE_LINES) {
        lines_run(&t, TILE_LINES, columns);
        t.A += TILE_LINES * t.k;
        t.C += TILE_LINES * t.n;
    }
    for (; m; m--) {
        lines_run(&t, 1, columns);
        t.A += t.k;
        t.C += t.n;
    }
}

/* On to the columns behind. */
INLINE void tile_shift(struct tile *t, size_t columns) {
    t->panel += columns * t->k;
    t->b += columns;
    t->C += columns;
}

/* Whole panels of few rows, several panels at a time. @return the columns. */
INLINE size_t few_rows(struct tile t, size_t m, size_t n) {
    size_t at_a_time = (m == 1 ? TILE_ALONE : TILE_FEW) * PANEL_COLUMNS, j = 0;
    for (; j + at_a_time <= n; j += at_a_time) {
        if (m == 1)
            tile_run(&t, 1, TILE_ALONE);
        else if (m == 2)
            tile_run(&t, 2, TILE_FEW);
        else
            tile_run(&t, 3, TILE_FEW);
        tile_shift(&t, at_a_time);
    }
    return j;
}

/* Whole panels, the last of which may have fewer columns: each is read from L2 while the
 * rows pass. */
INLINE void many_rows(struct tile t, size_t m, size_t n) {
    for (size_t j = 0; j < n; j += PANEL_COLUMNS) {
        size_t columns = n - j < PANEL_COLUMNS ? n - j : PANEL_COLUMNS;
        panel_run(t, m, columns, false);
        tile_shift(&t, PANEL_COLUMNS);
    }
}

KERNEL static void product_run(struct tile t, size_t m) {
    struct shares shares = shares_of(t.n);
    struct tile rest = t;
    size_t done = m <= ROWS_FEW ? few_rows(t, m, shares.wide) : 0;
    tile_shift(&rest, done);
    many_rows(rest, m, shares.wide - done);
    tile_shift(&t, shares.wide);
    if (shares.half)
        panel_run(t, m, shares.half, true);
    else if (shares.lines == 1)
        lines_rows(t, m, 1);
    else if (shares.lines == 2)
        lines_rows(t, m, 2);
    else if (shares.lines == 3)
        lines_rows(t, m, 3);
}

void panels_product(size_t m, size_t n, size_t k, const float *A, const float *panels,
                    float *C) {
    struct tile t = {
        .A = A, .panel = panels + biases_n(n), .b = panels, .C = C, .k = k, .n = n};
    product_run(t, m);
}
