/* 16-bit floats as numbers: IEEE 754 binary16, and bfloat16 (the upper half of a
 * float32). Every value of both is a float32. Pure; any thread. */
#ifndef API_HALF_H
#define API_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_from_bfloat(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float x;
    memcpy(&x, &wide, sizeof x);
    return x;
}

static inline float half_from_binary16(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, rest = bits & 0x7fffu, wide;
    float x;
    if (rest >= 0x7c00) /* infinity, NaN */
        wide = 0x7f800000u | rest << 13;
    else if (rest >= 0x0400)
        wide = (rest << 13) + ((127u - 15u) << 23);
    else { /* zero, subnormal: exact in float32 */
        x = (float)rest * 0x1p-24f;
        memcpy(&wide, &x, sizeof wide);
    }
    wide |= sign;
    memcpy(&x, &wide, sizeof x);
    return x;
}

#endif
