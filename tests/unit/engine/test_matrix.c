#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/matrix.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

enum { SIDE_MAX = 40, FLOATS = SIDE_MAX * SIDE_MAX };

static float A[FLOATS], B[FLOATS], C[FLOATS], before[FLOATS];

static void draw(uint64_t stream) {
    rng_normal(3, stream, A, FLOATS);
    rng_normal(3, stream + 1, B, FLOATS);
    rng_normal(3, stream + 2, C, FLOATS);
    memcpy(before, C, sizeof C);
}

/* C[i][j] against sum over l of a * b, each read through its strides. */
static void product_holds(const char *name, size_t m, size_t n, size_t k, size_t a_row,
                          size_t a_column, size_t b_row, size_t b_column, bool added) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double want = added ? (double)before[i * n + j] : 0;
            for (size_t l = 0; l < k; l++)
                want += (double)A[i * a_row + l * a_column] *
                        (double)B[l * b_row + j * b_column];
            CHECK_SAY(fabs((double)C[i * n + j] - want) <= 2e-5, "%s %zux%zux%zu", name,
                      m, n, k);
        }
    for (size_t i = m * n; i < FLOATS; i++)
        CHECK_SAY(memcmp(&C[i], &before[i], sizeof *C) == 0, "%s wrote past its end",
                  name);
}

static void products(void) {
    static const size_t sides[] = {1, 2, 3, 7, 8, 17, 40};
    enum { SIDES_N = sizeof sides / sizeof *sides };
    for (size_t at = 0; at < SIDES_N * SIDES_N * SIDES_N; at++) {
        size_t m = sides[at % SIDES_N], n = sides[at / SIDES_N % SIDES_N],
               k = sides[at / SIDES_N / SIDES_N];
        draw(at * 3);
        matrix_mul_nt(m, n, k, A, B, C);
        product_holds("nt", m, n, k, k, 1, 1, k, false);
        draw(at * 3);
        matrix_mul_nn(m, n, k, A, B, C);
        product_holds("nn", m, n, k, k, 1, n, 1, false);
        draw(at * 3);
        matrix_mul_tn(m, n, k, A, B, C, false);
        product_holds("tn", m, n, k, 1, m, n, 1, false);
        draw(at * 3);
        matrix_mul_tn(m, n, k, A, B, C, true);
        product_holds("tn added", m, n, k, 1, m, n, 1, true);
    }
}

static void what_was_there_does_not_count(void) {
    draw(1);
    C[0] = NAN;
    matrix_mul_nn(2, 2, 2, A, B, C);
    CHECK(isfinite(C[0]));
    C[0] = NAN;
    matrix_sum_rows(3, 2, A, C, false);
    CHECK(isfinite(C[0]));
}

static void rows(void) {
    for (size_t m = 0; m <= SIDE_MAX; m += 3)
        for (size_t n = 1; n <= SIDE_MAX; n++) {
            draw(m * 100 + n);
            matrix_add_row(m, n, C, B);
            for (size_t i = 0; i < m * n; i++)
                CHECK(fabsf(C[i] - (before[i] + B[i % n])) <= 1e-6f);
            for (size_t i = m * n; i < FLOATS; i++)
                CHECK(C[i] == before[i]);
            for (int added = 0; added < 2; added++) {
                memcpy(C, before, sizeof C);
                matrix_sum_rows(m, n, A, C, added);
                for (size_t j = 0; j < n; j++) {
                    double want = added ? (double)before[j] : 0;
                    for (size_t i = 0; i < m; i++)
                        want += (double)A[i * n + j];
                    CHECK_NEAR((double)C[j], want, 1e-5);
                }
                CHECK(n == FLOATS || C[n] == before[n]);
            }
        }
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    CHECK(strstr(matrix_blas_name(), "OpenBLAS"));
    CHECK_RUN(products);
    CHECK_RUN(what_was_there_does_not_count);
    CHECK_RUN(rows);
    return check_done();
}
