/* Decimal digits as bytes, eight at a time; private to the printer of numbers. Pure. */
#ifndef API_NUMBER_DIGITS_H
#define API_NUMBER_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { DIGITS_EIGHT = 100000000 };

/* The eight digits of a number below DIGITS_EIGHT, as values 0 to 9: the first in the
 * lowest byte. Halves are split by multiplication, all of a step at once. */
static inline uint64_t digits_eight_portably(uint32_t number) {
    uint64_t high = (uint64_t)number * 109951163 >> 40; /* number / 10000 */
    uint64_t fours = high | ((uint64_t)number - high * 10000) << 32;
    uint64_t tops = (fours * 10486 >> 20) & 0x0000007f0000007f; /* of each, / 100 */
    uint64_t twos = tops | (fours - tops * 100) << 16;
    uint64_t tens = (twos * 103 >> 10) & 0x000f000f000f000f;
    return tens | (twos - tens * 10) << 8;
}

#if defined(__SSE2__)
/* Over 1000, 100, 10 and 1, for 16 bits that hold four times a number below 10000: each
 * a product's upper half, twice (W. Mula, "SSE: conversion integers to decimal", 2011).
 */
static const _Alignas(16) uint16_t digits_thousandths[8] = {8389, 5243, 13108, 32768,
                                                            8389, 5243, 13108, 32768};
static const _Alignas(16) uint16_t digits_shifts[8] = {1 << 7, 1 << 11, 1 << 13, 1 << 15,
                                                       1 << 7, 1 << 11, 1 << 13, 1 << 15};
#endif

static inline uint64_t digits_eight(uint32_t number) {
#if defined(__SSE2__)
    /* The same in fewer steps. */
    __m128i all = _mm_cvtsi32_si128((int)number);
    __m128i high = _mm_mul_epu32(all, _mm_cvtsi64_si128(0xd1b71759));
    high = _mm_srli_epi64(high, 45); /* number / 10000 */
    __m128i low = _mm_sub_epi32(all, _mm_mul_epu32(high, _mm_cvtsi32_si128(10000)));
    __m128i fours = _mm_slli_epi64(_mm_unpacklo_epi16(high, low), 2);
    fours = _mm_unpacklo_epi16(fours, fours);
    fours = _mm_unpacklo_epi32(fours, fours);
    /* Each four over 1000, 100, 10 and 1; from each the ten of what is before it. */
    __m128i heads =
        _mm_mulhi_epu16(fours, _mm_load_si128((const __m128i *)digits_thousandths));
    heads = _mm_mulhi_epu16(heads, _mm_load_si128((const __m128i *)digits_shifts));
    __m128i before = _mm_slli_epi64(_mm_mullo_epi16(heads, _mm_set1_epi16(10)), 16);
    __m128i digits = _mm_sub_epi16(heads, before);
    return (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(digits, digits));
#else
    return digits_eight_portably(number);
#endif
}

/* How many of them are zeros, at the end and at the beginning. */
static inline size_t digits_zeros_behind(uint64_t digits) {
    return digits ? (size_t)__builtin_clzll(digits) / 8 : 8;
}
static inline size_t digits_zeros_before(uint64_t digits) {
    return digits ? (size_t)__builtin_ctzll(digits) / 8 : 8;
}

/* As characters. */
static inline void digits_write(uint64_t digits, char text[8]) {
    digits |= 0x3030303030303030;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    digits = __builtin_bswap64(digits);
#endif
    memcpy(text, &digits, sizeof digits);
}

#endif
