#include "engine/panels.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/kernel.h"
#include "engine/memory.h"
#include "engine/panels_private.h"

enum {
    LANES = 8, /* sums at a time: two registers where there is no AVX */
    PANEL_COLUMNS = 2 * LANES,
    LINES_MAX = 3,      /* fewer columns than half a panel are not worth one, */
    TILE_LINES = 4,     /* and so many rows are multiplied with them */
    TILE_HALF = 3,      /* rows by a half panel: their sums stay in registers, */
    CHAINS = 4,         /* so many of each, which hide what one waits for another */
    SUMS_MAX = 12,      /* registers of a tile, */
    WIDE_SUMS_MAX = 16, /* and where they have 512 bits and are 32 */
    ROWS_FEW = 3,       /* by several panels at a time */
    ROWS_MAX = 8        /* of a tile */
};
/* How many rows of A by how many panels have their sums in registers. */
struct tiling {
    bool wide; /* registers of 512 bits */
    size_t rows, panels;
    size_t few[ROWS_FEW]; /* panels by 1, 2 or 3 rows */
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

#define TILE(name) tile_##name
#define TILE_LANES LANES
#define TILE_SUMS_MAX SUMS_MAX
#include "engine/panels_tile.h"

#define TILE(name) wide_##name
#define TILE_LANES PANEL_COLUMNS
#define TILE_SUMS_MAX WIDE_SUMS_MAX
#include "engine/panels_tile.h"

typedef tile_lanes lanes;
typedef tile_lanes_there lanes_there;

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

/* What a tile of rows goes by: a half panel, or so many whole ones. Constants, as those
 * of struct tiling are. */
struct across {
    bool half;
    size_t panels;
};

INLINE void tile_of_panels(const struct tile *t, size_t rows, size_t panels, bool wide) {
    wide ? wide_run(t, rows, panels) : tile_run(t, rows, panels);
}

INLINE void tile_of_half(const struct tile *t, size_t rows) {
    if (rows == 1)
        half_run(t, 1);
    else if (rows == 2)
        half_run(t, 2);
    else
        half_run(t, TILE_HALF);
}

INLINE void tile_of_rows(const struct tile *t, size_t rows, struct across a, bool wide) {
    if (a.half) {
        tile_of_half(t, rows);
        return;
    }
    switch (rows) {
    case 1:
        tile_of_panels(t, 1, a.panels, wide);
        break;
    case 2:
        tile_of_panels(t, 2, a.panels, wide);
        break;
    case 3:
        tile_of_panels(t, 3, a.panels, wide);
        break;
    case 4:
        tile_of_panels(t, 4, a.panels, wide);
        break;
    case 5:
        tile_of_panels(t, 5, a.panels, wide);
        break;
    case 6:
        tile_of_panels(t, 6, a.panels, wide);
        break;
    default:
        if (wide)
            rows == 7 ? wide_run(t, 7, a.panels) : wide_run(t, 8, a.panels);
    }
}

/* The same where the panel has fewer columns than it is wide: those alone are written. */
INLINE void tile_of_columns(const struct tile *t, size_t rows, size_t columns,
                            struct across a, bool wide) {
    float to[ROWS_MAX * PANEL_COLUMNS];
    struct tile whole = *t;
    whole.C = to;
    whole.n = PANEL_COLUMNS;
    tile_of_rows(&whole, rows, a, wide);
    for (size_t i = 0; i < rows; i++)
        memcpy(t->C + i * t->n, to + i * PANEL_COLUMNS, columns * sizeof *to);
}

/* Panels, or a part of one, by m rows: about equal tiles, as few as they can be. */
INLINE void panels_run(struct tile t, size_t m, size_t columns, struct across a,
                       const struct tiling *tiling) {
    size_t most = a.half ? TILE_HALF : tiling->rows;
    size_t width = a.half ? LANES : a.panels * PANEL_COLUMNS;
    for (size_t tiles = (m + most - 1) / most; tiles; tiles--) {
        size_t rows = m / tiles;
        if (columns == width)
            tile_of_rows(&t, rows, a, tiling->wide);
        else
            tile_of_columns(&t, rows, columns, a, tiling->wide);
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
INLINE size_t few_rows(struct tile t, size_t m, size_t n, const struct tiling *tiling) {
    size_t at_a_time = tiling->few[m - 1] * PANEL_COLUMNS, j = 0;
    for (; j + at_a_time <= n; j += at_a_time) {
        if (m == 1)
            tile_of_panels(&t, 1, tiling->few[0], tiling->wide);
        else if (m == 2)
            tile_of_panels(&t, 2, tiling->few[1], tiling->wide);
        else
            tile_of_panels(&t, 3, tiling->few[2], tiling->wide);
        tile_shift(&t, at_a_time);
    }
    return j;
}

/* Whole panels, the last of which may have fewer columns: they are read from L2 while the
 * rows pass. */
INLINE void many_rows(struct tile t, size_t m, size_t n, const struct tiling *tiling) {
    size_t at_a_time = tiling->panels * PANEL_COLUMNS, j = 0;
    for (; j + at_a_time <= n; j += at_a_time) {
        panels_run(t, m, at_a_time, (struct across){.panels = tiling->panels}, tiling);
        tile_shift(&t, at_a_time);
    }
    for (; j < n; j += PANEL_COLUMNS) {
        size_t columns = n - j < PANEL_COLUMNS ? n - j : PANEL_COLUMNS;
        panels_run(t, m, columns, (struct across){.panels = 1}, tiling);
        tile_shift(&t, PANEL_COLUMNS);
    }
}

INLINE void product_run(struct tile t, size_t m, const struct tiling *tiling) {
    struct shares shares = shares_of(t.n);
    struct tile rest = t;
    size_t done = m <= ROWS_FEW ? few_rows(t, m, shares.wide, tiling) : 0;
    tile_shift(&rest, done);
    many_rows(rest, m, shares.wide - done, tiling);
    tile_shift(&t, shares.wide);
    if (shares.half)
        panels_run(t, m, shares.half, (struct across){.half = true}, tiling);
    else if (shares.lines == 1)
        lines_rows(t, m, 1);
    else if (shares.lines == 2)
        lines_rows(t, m, 2);
    else if (shares.lines == 3)
        lines_rows(t, m, 3);
}

static const struct tiling NARROW = {false, 6, 1, {4, 2, 2}};

KERNEL_NARROW static void narrow_run(struct tile t, size_t m) {
    product_run(t, m, &NARROW);
}

static struct tile tile_of_all(size_t n, size_t k, const float *A, const float *panels,
                               float *C) {
    return (struct tile){
        .A = A, .panel = panels + biases_n(n), .b = panels, .C = C, .k = k, .n = n};
}

void panels_product_narrow(size_t m, size_t n, size_t k, const float *A,
                           const float *panels, float *C) {
    narrow_run(tile_of_all(n, k, A, panels, C), m);
}

#if defined(KERNEL_WIDE)

static const struct tiling WIDE = {true, ROWS_MAX, 2, {8, 4, 4}};

KERNEL_WIDE static void wide_product(struct tile t, size_t m) {
    product_run(t, m, &WIDE);
}

bool panels_product_wide(size_t m, size_t n, size_t k, const float *A,
                         const float *panels, float *C) {
    if (!KERNEL_HAS_WIDE())
        return false;
    wide_product(tile_of_all(n, k, A, panels, C), m);
    return true;
}

#else

bool panels_product_wide(size_t m, size_t n, size_t k, const float *A,
                         const float *panels, float *C) {
    (void)m, (void)n, (void)k, (void)A, (void)panels, (void)C;
    return false;
}

#endif

void panels_product(size_t m, size_t n, size_t k, const float *A, const float *panels,
                    float *C) {
    if (!panels_product_wide(m, n, k, A, panels, C))
        panels_product_narrow(m, n, k, A, panels, C);
}
