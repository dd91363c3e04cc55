/* The two ways of a product, which give the same to the bit where both use fused
 * multiply-adds. Private to panels.c and its test. */
#ifndef ENGINE_PANELS_PRIVATE_H
#define ENGINE_PANELS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

/* As panels_product, in vectors of up to 256 bits. */
void panels_product_narrow(size_t m, size_t n, size_t k, const float *A,
                           const float *panels, float *C);

/* In vectors of 512 bits. @return false, and C is as it was, where there are none. */
bool panels_product_wide(size_t m, size_t n, size_t k, const float *A,
                         const float *panels, float *C);

#endif
