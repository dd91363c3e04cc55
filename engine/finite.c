#include "engine/finite.h"

#include "engine/kernel.h"

/* The largest bit pattern without its sign: an exponent of ones is what is not finite. No
 * branch in the loop, so that it becomes vector code. */
KERNEL static int32_t magnitude_max(const float *x, size_t n) {
    int32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t magnitude = kernel_bits(x[i]) & 0x7fffffff;
        most = magnitude > most ? magnitude : most;
    }
    return most;
}

bool finite_all(const float *x, size_t n) {
    return magnitude_max(x, n) < 0x7f800000;
}
