/* Rows of numbers with AVX2 and BMI: 64 characters are looked at at once, four numbers
 * are read at once. Compiled for every x86-64, called where the processor has them. */
#include "api/rows_wide.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define AVX2_INLINE AVX2 static inline __attribute__((always_inline))

/* ---- where numbers are ---------------------------------------------------------- */

AVX2_INLINE uint64_t bits(__m256i a, __m256i b) {
    uint64_t high = (uint32_t)_mm256_movemask_epi8(b);
    return (uint32_t)_mm256_movemask_epi8(a) | high << 32;
}

#define TIMES_4(x) x, x, x, x
#define TIMES_8(x) TIMES_4(x), TIMES_4(x)
#define TIMES_16(x) TIMES_8(x), TIMES_8(x)
#define TIMES_32(x) TIMES_16(x), TIMES_16(x)
#define SPACES ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0

/* From memory, for there are more of them than registers, and making them anew takes
 * longer. */
static const _Alignas(32) struct constants {
    uint8_t lasts[64]; /* 32 bytes from n on have the last n set */
    uint8_t point[32], zero[32], nine[32], minus[32], comma[32], open[32], close[32];
    uint8_t spaces[32]; /* JSON's, by their low four bits */
    uint16_t tens[16];  /* two bytes each: 10 and 1 */
    uint32_t hundreds[8], myriads[8];
    double halves[4], quarters[4];
    uint64_t lost[4]; /* the bits of a float64 that float32 has no place for */
    uint64_t undecided_from[4];
    uint32_t undecided_n[8];
} CONSTANTS = {
    .lasts = {TIMES_32(0), TIMES_32(255)},
    .point = {TIMES_32('.')},
    .zero = {TIMES_32('0')},
    .nine = {TIMES_32(9)},
    .minus = {TIMES_32('-')},
    .comma = {TIMES_32(',')},
    .open = {TIMES_32('[')},
    .close = {TIMES_32(']')},
    .spaces = {SPACES, SPACES},
    .tens = {TIMES_16(10 | 1 << 8)},
    .hundreds = {TIMES_8(100 | 1 << 16)},
    .myriads = {TIMES_8(10000 | 1 << 16)},
    .halves = {1e8, 1, 1e8, 1},
    .quarters = {1e24, 1e16, 1e8, 1},
    .lost = {TIMES_4((UINT64_C(1) << 29) - 1)},
    /* The high word's 1 makes its difference large. */
    .undecided_from = {TIMES_4(UINT64_C(1) << 32 |
                               ((UINT64_C(1) << 28) - WIDE_UNDECIDED))},
    .undecided_n = {TIMES_8(2 * WIDE_UNDECIDED)},
};

AVX2_INLINE __m256i aligned(const uint8_t from[32]) {
    return _mm256_load_si256((const __m256i *)from);
}

AVX2_INLINE uint64_t bits_equal(__m256i a, __m256i b, const uint8_t character[32]) {
    return bits(_mm256_cmpeq_epi8(a, aligned(character)),
                _mm256_cmpeq_epi8(b, aligned(character)));
}

/* Bytes of at most `max`, unsigned. */
AVX2_INLINE uint64_t bits_at_most(__m256i a, __m256i b, const uint8_t max[32]) {
    return bits(_mm256_cmpeq_epi8(_mm256_min_epu8(a, aligned(max)), a),
                _mm256_cmpeq_epi8(_mm256_min_epu8(b, aligned(max)), b));
}

/* JSON's spaces: each character that is what the table has for its low four bits. */
AVX2_INLINE uint64_t bits_space(__m256i a, __m256i b, const uint8_t spaces[32]) {
    return bits(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(aligned(spaces), a), a),
                _mm256_cmpeq_epi8(_mm256_shuffle_epi8(aligned(spaces), b), b));
}

AVX2_INLINE struct grammar_block block_look(const char *text) {
    const struct constants *k = &CONSTANTS;
    __asm__("" : "+r"(k)); /* or the constants are made anew where they are used */
    __m256i a = _mm256_loadu_si256((const __m256i *)text);
    __m256i b = _mm256_loadu_si256((const __m256i *)(text + 32));
    __m256i zero = aligned(k->zero);
    return (struct grammar_block){
        .digits =
            bits_at_most(_mm256_sub_epi8(a, zero), _mm256_sub_epi8(b, zero), k->nine),
        .zeros = bits_equal(a, b, k->zero),
        .points = bits_equal(a, b, k->point),
        .minuses = bits_equal(a, b, k->minus),
        .commas = bits_equal(a, b, k->comma),
        .opens = bits_equal(a, b, k->open),
        .closes = bits_equal(a, b, k->close),
        .spaces = bits_space(a, b, k->spaces),
    };
}

/* The places of a byte's ones, a byte each, the lowest first. */
#define PLACE(b, i)                                                                      \
    ((b) >> (i)&1 ? UINT64_C(i) << 8 * __builtin_popcount((b) & ((1 << (i)) - 1)) : 0)
#define PLACES(b)                                                                        \
    PLACE(b, 0) | PLACE(b, 1) | PLACE(b, 2) | PLACE(b, 3) | PLACE(b, 4) | PLACE(b, 5) |  \
        PLACE(b, 6) | PLACE(b, 7)
#define PLACES_4(b) PLACES(b), PLACES(b + 1), PLACES(b + 2), PLACES(b + 3)
#define PLACES_16(b) PLACES_4(b), PLACES_4(b + 4), PLACES_4(b + 8), PLACES_4(b + 12)
#define PLACES_64(b) PLACES_16(b), PLACES_16(b + 16), PLACES_16(b + 32), PLACES_16(b + 48)
static const uint64_t places[256] = {PLACES_64(0), PLACES_64(64), PLACES_64(128),
                                     PLACES_64(192)};

AVX2_INLINE uint32_t *byte_write(uint32_t *marks, uint8_t found, __m256i at) {
    __m128i all = _mm_loadl_epi64((const __m128i *)&places[found]);
    __m256i wide = _mm256_add_epi32(_mm256_cvtepu8_epi32(all), at);
    _mm256_storeu_si256((__m256i *)marks, wide);
    return marks + __builtin_popcount(found);
}

/* Eight marks a byte, however many there are: no branch depends on it. */
AVX2_INLINE uint32_t *marks_write(uint32_t *marks, uint64_t found, uint32_t at) {
    __m256i base = _mm256_set1_epi32((int)at), eight = _mm256_set1_epi32(8);
#define BYTE(i)                                                                          \
    marks = byte_write(marks, (uint8_t)(found >> 8 * i), base),                          \
    base = _mm256_add_epi32(base, eight)
    BYTE(0), BYTE(1), BYTE(2), BYTE(3), BYTE(4), BYTE(5), BYTE(6), BYTE(7);
#undef BYTE
    return marks;
}

/* ---- reading them --------------------------------------------------------------- */

enum { CHARACTERS_FEW = 15 };

AVX2_INLINE __m256i load(const void *from) {
    return _mm256_loadu_si256((const __m256i *)from);
}

AVX2_INLINE __m256i load_two(const void *low, const void *high) {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low)),
        _mm_loadu_si128((const __m128i *)high), 1);
}

/* A number's text without its sign, and how many digits stand behind its point. */
struct token {
    const char *end;
    size_t n, fraction_n;
};

AVX2_INLINE struct token token_at(const char *base, const uint32_t *marks) {
    return (struct token){base + marks[1], marks[1] - marks[0], 0};
}

/* `behind` characters stand behind the last point before its end, which may be another's.
 * @return the number of its digits. */
AVX2_INLINE size_t token_digits(struct token *t, size_t behind) {
    size_t pointed = (size_t)((int64_t)(behind - t->n) >> 63); /* all ones or 0 */
    t->fraction_n = behind & pointed;
    return t->n + pointed;
}

/* What follows puts a number's digits, as bytes 0 to 9, at the end of a vector: what is
 * behind the point as it stands, what is before it from one character earlier. Any other
 * character comes out above 9. */

/* One of up to 31 characters. */
AVX2_INLINE __m256i digits_one(const struct constants *k, struct token *t) {
    __m256i here = load(t->end - 32), earlier = load(t->end - 33);
    __m256i points = _mm256_cmpeq_epi8(here, load(k->point));
    size_t behind = _lzcnt_u32((uint32_t)_mm256_movemask_epi8(points));
    size_t n = token_digits(t, behind);
    __m256i digits = _mm256_blendv_epi8(earlier, here, load(k->lasts + behind));
    digits = _mm256_xor_si256(digits, load(k->zero));
    return _mm256_and_si256(digits, load(k->lasts + n));
}

/* Two of up to 15, in half a vector each. */
AVX2_INLINE __m256i digits_two(const struct constants *k, struct token *t,
                               struct token *u) {
    const uint8_t *lasts = k->lasts + 16;
    __m256i here = load_two(t->end - 16, u->end - 16);
    __m256i earlier = load_two(t->end - 17, u->end - 17);
    __m256i equal = _mm256_cmpeq_epi8(here, load(k->point));
    uint32_t points = (uint32_t)_mm256_movemask_epi8(equal);
    size_t behind_t = _lzcnt_u32(points << 16), behind_u = _lzcnt_u32(points);
    size_t t_n = token_digits(t, behind_t), u_n = token_digits(u, behind_u);
    __m256i digits =
        _mm256_blendv_epi8(earlier, here, load_two(lasts + behind_t, lasts + behind_u));
    digits = _mm256_xor_si256(digits, load(k->zero));
    return _mm256_and_si256(digits, load_two(lasts + t_n, lasts + u_n));
}

/* Each eight digits to an integer: of each 16 of a, of each 16 of b, and so on. */
AVX2_INLINE __m256i eights(const struct constants *k, __m256i a, __m256i b) {
    a = _mm256_madd_epi16(_mm256_maddubs_epi16(load(k->tens), a), load(k->hundreds));
    b = _mm256_madd_epi16(_mm256_maddubs_epi16(load(k->tens), b), load(k->hundreds));
    return _mm256_madd_epi16(_mm256_packus_epi32(a, b), load(k->myriads));
}

AVX2_INLINE __m256d weigh(__m128i eight_digits, const double *weights) {
    return _mm256_mul_pd(_mm256_cvtepi32_pd(eight_digits), _mm256_loadu_pd(weights));
}

/* The digits of four numbers as integers, and the largest bytes that were met. */
AVX2_INLINE __m256d integers_few(const struct constants *k, struct token t[4],
                                 __m256i *largest) {
    __m256i a = digits_two(k, &t[0], &t[1]), b = digits_two(k, &t[2], &t[3]);
    *largest = _mm256_max_epu8(a, b);
    __m256i e = eights(k, a, b); /* of 0, 0, 2, 2, 1, 1, 3, 3 */
    return _mm256_hadd_pd(weigh(_mm256_castsi256_si128(e), k->halves),
                          weigh(_mm256_extracti128_si256(e, 1), k->halves));
}

AVX2_INLINE __m256d integers_pair(const struct constants *k, struct token t[2],
                                  __m256i *largest) {
    __m256i a = digits_one(k, &t[0]), b = digits_one(k, &t[1]);
    *largest = _mm256_max_epu8(*largest, _mm256_max_epu8(a, b));
    __m256i e = eights(k, a, b); /* of 0, 0, 1, 1, 0, 0, 1, 1 */
    e = _mm256_permute4x64_epi64(e, _MM_SHUFFLE(3, 1, 2, 0));
    return _mm256_hadd_pd(weigh(_mm256_castsi256_si128(e), k->quarters),
                          weigh(_mm256_extracti128_si256(e, 1), k->quarters));
}

AVX2_INLINE __m256d integers_many(const struct constants *k, struct token t[4],
                                  __m256i *largest) {
    *largest = _mm256_setzero_si256();
    __m256d a = integers_pair(k, t, largest), b = integers_pair(k, t + 2, largest);
    return _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x21), _mm256_blend_pd(a, b, 0xc));
}

AVX2_INLINE __m256d tenths(const struct token t[4]) {
    __m128d low = _mm_load_sd(&wide_tenths[t[0].fraction_n]);
    __m128d high = _mm_load_sd(&wide_tenths[t[2].fraction_n]);
    low = _mm_loadh_pd(low, &wide_tenths[t[1].fraction_n]);
    high = _mm_loadh_pd(high, &wide_tenths[t[3].fraction_n]);
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(low), high, 1);
}

/* Where the bits that are lost are close to one half. */
AVX2_INLINE __m256i undecided(const struct constants *k, __m256d values) {
    __m256i lost = _mm256_and_si256(_mm256_castpd_si256(values), load(k->lost));
    __m256i from = _mm256_sub_epi32(lost, load(k->undecided_from));
    return _mm256_cmpeq_epi32(_mm256_min_epu32(from, load(k->undecided_n)), from);
}

/* The sign bits of four floats. */
AVX2_INLINE __m128 signs(const struct constants *k, const char *base,
                         const uint32_t *marks) {
    __m128i before = _mm_cvtsi32_si128((base + marks[0])[-1]);
    before = _mm_insert_epi8(before, (base + marks[2])[-1], 1);
    before = _mm_insert_epi8(before, (base + marks[4])[-1], 2);
    before = _mm_insert_epi8(before, (base + marks[6])[-1], 3);
    before = _mm_cmpeq_epi8(before, _mm_load_si128((const __m128i *)k->minus));
    return _mm_castsi128_ps(_mm_slli_epi32(_mm_cvtepi8_epi32(before), 31));
}

/* @return false when they are not as simple as that, or none. */
AVX2_INLINE bool read_four(const char *base, const uint32_t *marks, float *values) {
    const struct constants *k = &CONSTANTS;
    __asm__("" : "+r"(k)); /* or the constants are made anew where they are used */
    struct token t[4] = {token_at(base, marks), token_at(base, marks + 2),
                         token_at(base, marks + 4), token_at(base, marks + 6)};
    size_t longest = t[0].n | t[1].n | t[2].n | t[3].n;
    __m256i largest;
    __m256d wide;
    if (longest <= CHARACTERS_FEW)
        wide = integers_few(k, t, &largest);
    else if (longest <= WIDE_CHARACTERS_MAX)
        wide = integers_many(k, t, &largest);
    else
        return false;
    wide = _mm256_mul_pd(wide, tenths(t));
    __m256i refused =
        _mm256_or_si256(_mm256_subs_epu8(largest, load(k->nine)), undecided(k, wide));
    if (!_mm256_testz_si256(refused, refused))
        return false;
    _mm_storeu_ps(values, _mm_or_ps(_mm256_cvtpd_ps(wide), signs(k, base, marks)));
    return true;
}

#define WIDE_TARGET AVX2
#include "api/rows_wide_loops.h"

const struct wide *wide_avx2(void) {
    static const struct wide wide = {index_loop, read_loop};
    /* Every processor with BMI2 has BMI and LZCNT. */
    bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    return has ? &wide : NULL;
}

#else

const struct wide *wide_avx2(void) {
    return NULL;
}

#endif
