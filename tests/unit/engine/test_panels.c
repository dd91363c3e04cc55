#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "engine/panels.h"
#include "engine/panels_private.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

enum { M_MAX = 37 };

/* The operands of a product, drawn, and its result with a guard behind it. */
struct product {
    size_t m, n, k;
    float *A, *W, *b, *panels, *C;
};

static void product_draw(struct product *p, size_t m, size_t n, size_t k) {
    *p = (struct product){.m = m, .n = n, .k = k};
    p->A = memory_new(m * k + 1, sizeof(float));
    p->W = memory_new(n * k + 1, sizeof(float));
    p->b = memory_new(n, sizeof(float));
    p->panels = memory_new(panels_n(n, k) + 1, sizeof(float));
    p->C = memory_new(m * n + 1, sizeof(float));
    rng_normal(5, m * 1000003 + n * 1009 + k, p->A, m * k);
    rng_normal(6, m * 1000003 + n * 1009 + k, p->W, n * k);
    rng_normal(7, m * 1000003 + n * 1009 + k, p->b, n);
    p->panels[panels_n(n, k)] = 77;
    panels_fill(n, k, p->W, p->b, p->panels);
    CHECK(p->panels[panels_n(n, k)] == 77);
    for (size_t i = 0; i <= m * n; i++)
        p->C[i] = NAN;
}

static void product_run(const struct product *p) {
    panels_product(p->m, p->n, p->k, p->A, p->panels, p->C);
}

static void product_free(struct product *p) {
    free(p->A);
    free(p->W);
    free(p->b);
    free(p->panels);
    free(p->C);
}

static void product_holds(const struct product *p) {
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n; j++) {
            double want = (double)p->b[j], size = fabs(want);
            for (size_t l = 0; l < p->k; l++) {
                double term = (double)p->A[i * p->k + l] * (double)p->W[j * p->k + l];
                want += term;
                size += fabs(term);
            }
            double got = (double)p->C[i * p->n + j];
            CHECK_SAY(fabs(got - want) <= 1e-6 * (size + 1), "%zux%zux%zu at %zu,%zu: %g",
                      p->m, p->n, p->k, i, j, got);
        }
    CHECK_SAY(isnan(p->C[p->m * p->n]), "%zux%zux%zu wrote past its end", p->m, p->n,
              p->k);
}

/* Whether the narrow way adds a product without rounding it first: (1 + 2^-12)^2 - 1 -
 * 2^-11 is 2^-24 then, otherwise 0. */
static bool narrow_is_fused(void) {
    const float near_one = 1 + 0x1p-12f, W[16] = {near_one}, b[16] = {-1 - 0x1p-11f};
    float panels[32], C[16];
    panels_fill(16, 1, W, b, panels);
    panels_product_narrow(1, 16, 1, &near_one, panels, C);
    return C[0] > 0;
}

/* The narrow way, which panels_product does not take where there is a wide one. */
static void narrow_agrees(const struct product *p) {
    struct product narrow = *p;
    narrow.C = memory_new(p->m * p->n + 1, sizeof *narrow.C);
    narrow.C[p->m * p->n] = NAN;
    panels_product_narrow(p->m, p->n, p->k, p->A, p->panels, narrow.C);
    product_holds(&narrow);
    if (narrow_is_fused())
        CHECK_SAY(memcmp(narrow.C, p->C, p->m * p->n * sizeof *p->C) == 0, "%zux%zux%zu",
                  p->m, p->n, p->k);
    free(narrow.C);
}

/* Each row again, alone and beside some others: not one bit may differ. */
static void rows_stand_alone(const struct product *p) {
    float *few = memory_new(M_MAX * p->n, sizeof *few);
    for (size_t together = 1; together <= 5; together += 2) {
        for (size_t i = 0; i + together <= p->m; i += together) {
            panels_product(together, p->n, p->k, p->A + i * p->k, p->panels, few);
            CHECK_SAY(memcmp(few, p->C + i * p->n, together * p->n * sizeof *few) == 0,
                      "%zux%zux%zu: row %zu with %zu others", p->m, p->n, p->k, i,
                      together - 1);
        }
    }
    free(few);
}

static void products(void) {
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, M_MAX};
    static const size_t columns[] = {1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 34, 67, 72};
    static const size_t inner[] = {1, 3, 4, 8, 15, 31, 32, 33, 40, 63, 100, 1024, 1030};
    for (size_t a = 0; a < sizeof rows / sizeof *rows; a++)
        for (size_t b = 0; b < sizeof columns / sizeof *columns; b++)
            for (size_t c = 0; c < sizeof inner / sizeof *inner; c++) {
                struct product p;
                product_draw(&p, rows[a], columns[b], inner[c]);
                product_run(&p);
                product_holds(&p);
                narrow_agrees(&p);
                rows_stand_alone(&p);
                product_free(&p);
            }
}

/* Of a long inner dimension, of many columns, and of few rows by several panels. */
static void large_products(void) {
    static const size_t shapes[][3] = {
        {9, 300, 784}, {5, 130, 2500}, {6, 2000, 33}, {3, 144, 50}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct product p;
        product_draw(&p, shapes[i][0], shapes[i][1], shapes[i][2]);
        product_run(&p);
        product_holds(&p);
        narrow_agrees(&p);
        rows_stand_alone(&p);
        product_free(&p);
    }
}

/* A NaN or an infinity shows in its row, and in no other. */
static void not_finite(void) {
    static const size_t inner[] = {5, 31, 45}, columns[] = {9, 6, 3};
    for (size_t c = 0; c < 9; c++) {
        struct product p;
        product_draw(&p, 10, columns[c / 3], inner[c % 3]);
        p.A[3 * p.k + p.k - 1] = NAN;
        p.A[7 * p.k] = INFINITY;
        product_run(&p);
        for (size_t i = 0; i < p.m * p.n; i++) {
            bool finite = i / p.n != 3 && i / p.n != 7;
            CHECK_SAY(isfinite(p.C[i]) == finite, "%zu of %zu, inner %zu", i, p.n, p.k);
        }
        product_free(&p);
    }
}

static void sizes_saturate(void) {
    CHECK(panels_n(SIZE_MAX, 1) == SIZE_MAX && panels_n(1, SIZE_MAX) == SIZE_MAX);
    CHECK(panels_n(SIZE_MAX / 3, 7) == SIZE_MAX && panels_n(3, SIZE_MAX / 3) == SIZE_MAX);
    CHECK(panels_n(1, 9) == 16 + 16 && panels_n(20, 9) == 32 + 24 * 9);
}

int main(void) {
    const float row[1] = {0}, panels[32] = {0};
    float result[1];
    bool wide = panels_product_wide(1, 1, 1, row, panels, result);
    printf("vectors of %s\n", wide ? "512 bits, and less" : "up to 256 bits");
    CHECK_RUN(products);
    CHECK_RUN(large_products);
    CHECK_RUN(not_finite);
    CHECK_RUN(sizes_saturate);
    return check_done();
}
