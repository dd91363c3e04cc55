/* A tile of whole panels, in vectors of TILE_LANES floats: panels.c includes this once
 * for each width, TILE(name) being what is of that width. */

typedef float TILE(lanes) __attribute__((vector_size(TILE_LANES * sizeof(float))));
/* The same where floats stand, which are aligned as floats alone. */
typedef TILE(lanes) TILE(lanes_there) __attribute__((aligned(sizeof(float)), may_alias));

enum { TILE(PER_PANEL) = PANEL_COLUMNS / TILE_LANES };

/* sums += one l of rows x a panel. */
INLINE void TILE(add)(TILE(lanes) * sums, const float *A, size_t stride,
                      const float *panel, size_t rows) {
    TILE(lanes) columns[TILE(PER_PANEL)];
    FLAT for (size_t v = 0; v < TILE(PER_PANEL); v++) columns[v] =
        *(const TILE(lanes_there) *)(panel + v * TILE_LANES);
    FLAT for (size_t i = 0; i < rows; i++) {
        FLAT for (size_t v = 0; v < TILE(PER_PANEL); v++) sums[v * rows + i] +=
            A[i * stride] * columns[v];
    }
}

/* rows x panels x PANEL_COLUMNS elements; the counts are constants where it is called. */
INLINE void TILE(run)(const struct tile *t, size_t rows, size_t panels) {
    const size_t sums_n = panels * TILE(PER_PANEL) * rows;
    TILE(lanes) sums[TILE_SUMS_MAX];
    FLAT for (size_t s = 0; s < sums_n; s++) sums[s] =
        *(const TILE(lanes_there) *)(t->b + s / rows * TILE_LANES);
    for (size_t l = 0; l < t->k; l++) {
        FLAT for (size_t p = 0; p < panels; p++)
            TILE(add)(sums + p * TILE(PER_PANEL) * rows, t->A + l, t->k,
                      t->panel + (p * t->k + l) * PANEL_COLUMNS, rows);
    }
    FLAT for (size_t s = 0; s < sums_n; s++) *
        (TILE(lanes_there) *)(t->C + s % rows * t->n + s / rows * TILE_LANES) = sums[s];
}

#undef TILE
#undef TILE_LANES
#undef TILE_SUMS_MAX
