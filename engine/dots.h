/* Products for predictions: A . B^T as inner products of rows.
 *
 * A row of the result depends on its own row of A and on B alone, to the bit: what stands
 * beside it, and how many there are, changes nothing. So requests can share a product
 * and nobody can tell. Both operands are read as they stand, without a copy in another
 * order, which makes a few rows cheap; many are about as fast as BLAS has them. Pure; any
 * thread. */
#ifndef ENGINE_DOTS_H
#define ENGINE_DOTS_H

#include <stddef.h>

/* C (m,n) = A (m,k) . B (n,k)^T, all dense and row-major float32. */
void dots_nt(size_t m, size_t n, size_t k, const float *A, const float *B, float *C);

#endif
