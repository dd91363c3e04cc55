/* Row-major float32 matrices and their products through BLAS.
 *
 * matrix.c is the one file that includes cblas.h. Products run on the calling thread
 * (OpenBLAS is set to one thread); at most 64 threads may be inside BLAS at a time. */
#ifndef ENGINE_MATRIX_H
#define ENGINE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

/* Once per process, before any other thread: sets OpenBLAS to one thread, refuses a build
 * of it that is not OpenBLAS with pthreads, and compares products of random shapes with a
 * naive loop. ERR_INTERNAL says what was wrong: nothing should be served or trained then.
 */
bool matrix_start(struct err *e) __attribute__((warn_unused_result));

/* What OpenBLAS says of itself (version, kernel); static storage. */
const char *matrix_blas_name(void);

/* Shapes are those of the operands as stored; all dense, leading dimension = columns.
 * C (m,n) = A (m,k) . B(n,k)^T                     the forward product Z = A_prev W^T */
void matrix_mul_nt(size_t m, size_t n, size_t k, const float *A, const float *B,
                   float *C);
/* C (m,n) = A (m,k) . B (k,n)                      the backward product dA_prev = dZ W */
void matrix_mul_nn(size_t m, size_t n, size_t k, const float *A, const float *B,
                   float *C);
/* C (m,n) = A (k,m)^T . B (k,n), added to C when `accumulate`     dW = dZ^T A_prev */
void matrix_mul_tn(size_t m, size_t n, size_t k, const float *A, const float *B, float *C,
                   bool accumulate);

/* Each row of Z (m,n) += b (n). */
void matrix_add_row(size_t m, size_t n, float *Z, const float *b);
/* b (n) = sum of the rows of D (m,n), added to b when `accumulate`. */
void matrix_sum_rows(size_t m, size_t n, const float *D, float *b, bool accumulate);

/* The largest dimension a product accepts (BLAS counts in 32 bits). */
#define MATRIX_DIMENSION_MAX ((size_t)0x7fffffff)

#endif
