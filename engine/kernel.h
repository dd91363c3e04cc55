/* What the element-wise kernels share: how they are compiled, and e^x and log(1+x) on
 * floats. Private to the engine's kernel files.
 *
 * KERNEL compiles a function for three widths of vector and picks one when the program is
 * loaded, so that one portable binary runs everywhere; such a function is static (clang
 * 14 exports no name for one that is not). The elementary functions have no branch and no
 * call, so that the loops around them become vector code; they let a NaN through, so that
 * a diverging cost is seen. */
#ifndef ENGINE_KERNEL_H
#define ENGINE_KERNEL_H

#include <stdint.h>
#include <string.h>

/* Sanitizers are not yet set up when the loader asks for the width. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KERNEL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||               \
    __has_feature(memory_sanitizer)
#define KERNEL_SANITIZED 1
#endif
#endif

/* KERNEL_NARROW compiles it for the lesser two of the widths, where KERNEL_WIDE stands at
 * what is written for 512 bits; that is called where KERNEL_HAS_WIDE() says so.
 * By features, never by a maker's model: "arch=haswell" is refused by an AMD of any age.
 */
#if !defined(__x86_64__) || !defined(__linux__) || defined(KERNEL_SANITIZED)
#define KERNEL
#define KERNEL_NARROW
#elif defined(__clang__)
#define KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#define KERNEL_NARROW __attribute__((target_clones("avx2", "default")))
#else
#define KERNEL                                                                           \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define KERNEL_NARROW __attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
/* Between its checks clang does not always fuse what it fuses elsewhere. */
#if defined(__x86_64__) && !(defined(__clang__) && defined(KERNEL_SANITIZED))
#define KERNEL_WIDE __attribute__((target("avx512f,fma")))
#define KERNEL_HAS_WIDE()                                                                \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"))
#endif

/* Stands before a loop whose in- and output may be the same array: element i depends on
 * element i alone. */
#if defined(__clang__)
#define KERNEL_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define KERNEL_LOOP _Pragma("GCC ivdep")
#endif

#define KERNEL_INLINE static inline __attribute__((always_inline, const))

KERNEL_INLINE float kernel_from_bits(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

KERNEL_INLINE int32_t kernel_bits(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* e^x for x <= 0; 0 where that is below the least normal number.
 * x = n ln2 + r with |r| <= ln2/2; e^r = 1 + r + r^2 q(r), q minimax. Adding 1.5 * 2^23
 * rounds to an integer and leaves it in the low bits. */
KERNEL_INLINE float kernel_exp(float x) {
    const float magic = 12582912.0f, least = -87.336544f;
    float shifted = x * 1.44269504f + magic;
    float n = shifted - magic;
    float r = x - n * 0.693359375f; /* ln2 in two parts, the first of few bits */
    r = r + n * 2.12194440e-4f;
    float q = 1.3814452e-3f;
    q = q * r + 8.3687813e-3f;
    q = q * r + 4.1668388e-2f;
    q = q * r + 1.6666520e-1f;
    q = q * r + 4.9999993e-1f;
    float power = q * r * r + r + 1.0f;
    uint32_t scale = ((uint32_t)kernel_bits(shifted) + 127u) << 23;
    float e = power * kernel_from_bits((int32_t)scale);
    return x < least ? 0.0f : e;
}

/* e^x - 1 for |x| <= ln2/2, exact to rounding for small x as well: kernel_exp's series.
 */
KERNEL_INLINE float kernel_expm1_near(float x) {
    float q = 1.3814452e-3f;
    q = q * x + 8.3687813e-3f;
    q = q * x + 4.1668388e-2f;
    q = q * x + 1.6666520e-1f;
    q = q * x + 4.9999993e-1f;
    return q * x * x + x;
}

/* log(1 + u) for u >= 0, exact to rounding for small u as well.
 * 1 + u = v = 2^n m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m-1)/(m+1).
 * What the rounding of v lost comes back as (u - (v-1)) / v. */
KERNEL_INLINE float kernel_log1p(float u) {
    const int32_t half_root = 0x3f3504f3; /* the bits of sqrt(1/2) */
    float v = 1.0f + u;
    float lost = (u - (v - 1.0f)) / v;
    int32_t n = (kernel_bits(v) - half_root) >> 23;
    float m = kernel_from_bits(kernel_bits(v) - (int32_t)((uint32_t)n << 23));
    float f = m - 1.0f;
    float s = f / (2.0f + f);
    float t = s * s;
    float q = 2.9873627e-1f;
    q = q * t + 3.9977482e-1f;
    q = q * t + 6.6666777e-1f;
    return (float)n * 0.693147181f + (lost + (q * t * s + 2.0f * s));
}

#endif
