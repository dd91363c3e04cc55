/* Products for predictions: C = A . W^T + b, W and b laid out once for all that follow.
 *
 * W (n,k) lies as panels of 16 of its rows, the columns of W^T: side by side what is
 * multiplied with the same element of A. A last panel of 4 to 8 columns is 8 wide; 1 to 3
 * columns lie as the rows of W that they are. What a panel or a row has over is zeros. So
 * a product reads W in the order in which it lies, be it for one row of A or for many.
 *
 * A row of the result depends on its own row of A, W and b alone, to the bit: what stands
 * beside it, and how many there are, changes nothing. So requests can share a product
 * and nobody can tell. An element is summed in the order of the inner dimension, from b
 * on; in a panel of 8 by four sums, in a row by eight. The rounding error is at most
 * about k 2^-24 of the sum of the terms' sizes. Pure; any thread. */
#ifndef ENGINE_PANELS_H
#define ENGINE_PANELS_H

#include <stddef.h>

/* Floats that W (n,k) and b take up; SIZE_MAX on overflow. */
size_t panels_n(size_t n, size_t k);

/* Lays W (n,k) and b (n) out in `panels`, panels_n(n, k) floats. */
void panels_fill(size_t n, size_t k, const float *W, const float *b, float *panels);

/* C (m,n) = A (m,k) . W^T + b, m at least 1; A and C are dense and row-major. */
void panels_product(size_t m, size_t n, size_t k, const float *A, const float *panels,
                    float *C);

#endif
