/* Rows of numbers with AVX-512, as Ice Lake and Zen 4 have it: what rows_avx2.c does, in
 * half as many steps, for places of characters are masks and need not become tables. */
#include "api/rows_wide.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512                                                                           \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx512vbmi2,"     \
                          "bmi,bmi2,lzcnt,popcnt")))
#define AVX512_INLINE AVX512 static inline __attribute__((always_inline))

/* ---- where numbers are ---------------------------------------------------------- */

AVX512_INLINE uint64_t bits_equal(__m512i all, char character) {
    return _mm512_cmpeq_epi8_mask(all, _mm512_set1_epi8(character));
}

AVX512_INLINE struct grammar_block block_look(const char *text) {
    __m512i all = _mm512_loadu_si512(text);
    __m512i digits = _mm512_sub_epi8(all, _mm512_set1_epi8('0'));
    /* A space is what the table has for its low four bits. */
    __m512i spaces = _mm512_broadcast_i32x4(
        _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
    return (struct grammar_block){
        .digits = _mm512_cmple_epu8_mask(digits, _mm512_set1_epi8(9)),
        .zeros = bits_equal(all, '0'),
        .points = bits_equal(all, '.'),
        .minuses = bits_equal(all, '-'),
        .commas = bits_equal(all, ','),
        .opens = bits_equal(all, '['),
        .closes = bits_equal(all, ']'),
        .spaces = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(spaces, all), all),
    };
}

#define FOUR(x) x, x, x, x
#define EIGHT(x) FOUR(x), FOUR(x)
#define SIXTEEN(x) EIGHT(x), EIGHT(x)
#define UP_8(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7
#define UP_64 UP_8(0), UP_8(8), UP_8(16), UP_8(24), UP_8(32), UP_8(40), UP_8(48), UP_8(56)
#define DOWN_8(x) x, x - 1, x - 2, x - 3, x - 4, x - 5, x - 6, x - 7
#define DOWN_16 DOWN_8(15), DOWN_8(7)
#define DOWN_32 DOWN_8(31), DOWN_8(23), DOWN_8(15), DOWN_8(7)

static const _Alignas(64) uint8_t PLACES[64] = {UP_64};

AVX512_INLINE void places_write(uint32_t *marks, __m128i places, uint32_t at) {
    __m512i wide = _mm512_cvtepu8_epi32(places);
    _mm512_storeu_si512(marks, _mm512_add_epi32(wide, _mm512_set1_epi32((int)at)));
}

AVX512_INLINE uint32_t *marks_write(uint32_t *marks, uint64_t found, uint32_t at) {
    size_t n = (size_t)__builtin_popcountll(found);
    __m512i places = _mm512_maskz_compress_epi8(found, _mm512_load_si512(PLACES));
    places_write(marks, _mm512_castsi512_si128(places), at);
    if (n > 16)
        places_write(marks + 16, _mm512_extracti32x4_epi32(places, 1), at);
    if (n > 32) {
        places_write(marks + 32, _mm512_extracti32x4_epi32(places, 2), at);
        places_write(marks + 48, _mm512_extracti32x4_epi32(places, 3), at);
    }
    return marks + n;
}

/* ---- reading them --------------------------------------------------------------- */

static const _Alignas(64) struct constants {
    uint8_t from_end_16[64], from_end_32[64]; /* of each 16, of each 32 */
    uint64_t lanes_16[8], lanes_low[8], lanes_high[8];
    double halves[8], quarters[8];
    uint16_t tens[32]; /* two bytes each: 10 and 1 */
} CONSTANTS = {
    .from_end_16 = {DOWN_16, DOWN_16, DOWN_16, DOWN_16},
    .from_end_32 = {DOWN_32, DOWN_32},
    .lanes_16 = {0, 0, 1, 1, 2, 2, 3, 3},
    .lanes_low = {0, 0, 0, 0, 1, 1, 1, 1},
    .lanes_high = {2, 2, 2, 2, 3, 3, 3, 3},
    .halves = {1e8, 1, 1e8, 1, 1e8, 1, 1e8, 1},
    .quarters = {1e24, 1e16, 1e8, 1, 1e24, 1e16, 1e8, 1},
    .tens = {SIXTEEN(10 | 1 << 8), SIXTEEN(10 | 1 << 8)},
};

/* Four numbers: of each, how many characters it has without its sign, how many of them
 * are digits, and how many of those stand behind its point. */
struct tokens {
    const char *ends[4];
    __m256i n, digits_n, fraction_n;
};

AVX512_INLINE struct tokens tokens_at(const char *base, const uint32_t *marks) {
    struct tokens t;
    __m256i all = _mm256_loadu_si256((const __m256i *)marks);
    __m256i starts = _mm256_and_si256(all, _mm256_set1_epi64x(UINT32_MAX));
    t.n = _mm256_sub_epi64(_mm256_srli_epi64(all, 32), starts);
    for (int i = 0; i < 4; i++)
        t.ends[i] = base + marks[2 * i + 1];
    return t;
}

/* `behind` characters stand behind the last point before each end, which may be
 * another's. */
AVX512_INLINE void tokens_point(struct tokens *t, __m256i behind) {
    __mmask8 pointed = _mm256_cmplt_epu64_mask(behind, t->n);
    t->fraction_n = _mm256_maskz_mov_epi64(pointed, behind);
    t->digits_n = _mm256_mask_sub_epi64(t->n, pointed, t->n, _mm256_set1_epi64x(1));
}

/* A number's digits, as bytes 0 to 9, at the end of its lane: what is behind the point as
 * it stands, what is before it from one character earlier. Any other character comes out
 * above 9. `from_end` are places in a lane, and `lanes` the number that is in it. */
AVX512_INLINE __m512i digits_place(__m512i here, __m512i earlier, __m256i behind,
                                   __m256i digits_n, const uint8_t *from_end,
                                   const uint64_t *lanes) {
    __m512i place = _mm512_load_si512(from_end), lane = _mm512_load_si512(lanes);
    __m512i zero = _mm512_setzero_si512();
    /* Each number's counts to all bytes of its lane. */
    __m512i tail = _mm512_permutexvar_epi64(lane, _mm512_castsi256_si512(behind));
    __m512i all = _mm512_permutexvar_epi64(lane, _mm512_castsi256_si512(digits_n));
    __mmask64 stays = _mm512_cmplt_epu8_mask(place, _mm512_shuffle_epi8(tail, zero));
    __mmask64 counts = _mm512_cmplt_epu8_mask(place, _mm512_shuffle_epi8(all, zero));
    __m512i digits = _mm512_mask_mov_epi8(earlier, stays, here);
    return _mm512_maskz_sub_epi8(counts, digits, _mm512_set1_epi8('0'));
}

/* Each eight digits to an integer. */
AVX512_INLINE __m256i eights(__m512i digits) {
    __m512i pairs = _mm512_maddubs_epi16(_mm512_load_si512(CONSTANTS.tens), digits);
    __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(100 | 1 << 16));
    return _mm256_madd_epi16(_mm512_cvtepi32_epi16(fours),
                             _mm256_set1_epi32(10000 | 1 << 16));
}

/* Pairs added: of the low half, the high, the low, the high. */
AVX512_INLINE __m256d weigh(__m256i eight_digits, const double *weights) {
    __m512d all =
        _mm512_mul_pd(_mm512_cvtepi32_pd(eight_digits), _mm512_load_pd(weights));
    return _mm256_hadd_pd(_mm512_castpd512_pd256(all), _mm512_extractf64x4_pd(all, 1));
}

AVX512_INLINE __m128i load_16(const char *from) {
    return _mm_loadu_si128((const __m128i *)from);
}

AVX512_INLINE __m512i load_four(const char *const ends[4], ptrdiff_t back) {
    __m512i all = _mm512_castsi128_si512(load_16(ends[0] - back));
    all = _mm512_inserti32x4(all, load_16(ends[1] - back), 1);
    all = _mm512_inserti32x4(all, load_16(ends[2] - back), 2);
    return _mm512_inserti32x4(all, load_16(ends[3] - back), 3);
}

AVX512_INLINE __m512i load_two(const char *const ends[2], ptrdiff_t back) {
    const __m256i *first = (const __m256i *)(ends[0] - back);
    const __m256i *second = (const __m256i *)(ends[1] - back);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(first)),
                              _mm256_loadu_si256(second), 1);
}

AVX512_INLINE uint64_t points_of(__m512i all) {
    return _mm512_cmpeq_epi8_mask(all, _mm512_set1_epi8('.'));
}

/* The digits of four numbers of up to 15 characters as integers, and whether any was no
 * digit. */
AVX512_INLINE __m256d integers_few(struct tokens *t, bool *strange) {
    __m512i here = load_four(t->ends, 16), earlier = load_four(t->ends, 17);
    __m256i points = _mm256_set1_epi64x((long long)points_of(here));
    __m256i lefts = _mm256_setr_epi64x(48, 32, 16, 0);
    __m256i behind = _mm256_lzcnt_epi64(_mm256_sllv_epi64(points, lefts));
    tokens_point(t, behind);
    __m512i digits = digits_place(here, earlier, behind, t->digits_n,
                                  CONSTANTS.from_end_16, CONSTANTS.lanes_16);
    *strange = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9)) != 0;
    __m256d sums = weigh(eights(digits), CONSTANTS.halves);
    return _mm256_permute4x64_pd(sums, _MM_SHUFFLE(3, 1, 2, 0));
}

/* Of four of up to 31. */
AVX512_INLINE __m256d integers_many(struct tokens *t, bool *strange) {
    __m512i here_low = load_two(t->ends, 32), here_high = load_two(t->ends + 2, 32);
    long long low = (long long)points_of(here_low);
    long long high = (long long)points_of(here_high);
    __m256i points = _mm256_setr_epi64x(low, low, high, high);
    __m256i lefts = _mm256_setr_epi64x(32, 0, 32, 0);
    __m256i behind = _mm256_lzcnt_epi64(_mm256_sllv_epi64(points, lefts));
    tokens_point(t, behind);
    __m512i a = digits_place(here_low, load_two(t->ends, 33), behind, t->digits_n,
                             CONSTANTS.from_end_32, CONSTANTS.lanes_low);
    __m512i b = digits_place(here_high, load_two(t->ends + 2, 33), behind, t->digits_n,
                             CONSTANTS.from_end_32, CONSTANTS.lanes_high);
    *strange = _mm512_cmpgt_epu8_mask(_mm512_max_epu8(a, b), _mm512_set1_epi8(9)) != 0;
    __m256d c = weigh(eights(a), CONSTANTS.quarters);
    __m256d d = weigh(eights(b), CONSTANTS.quarters);
    return _mm256_add_pd(_mm256_permute2f128_pd(c, d, 0x21), _mm256_blend_pd(c, d, 0xc));
}

/* 10^-fraction_n. */
AVX512_INLINE __m256d tenths(__m256i fraction_n, bool many) {
    const double *table = wide_tenths;
    __m512i at = _mm512_castsi256_si512(fraction_n);
    __m512d low =
        _mm512_permutex2var_pd(_mm512_load_pd(table), at, _mm512_load_pd(table + 8));
    if (!many)
        return _mm512_castpd512_pd256(low);
    __m512d high = _mm512_permutex2var_pd(_mm512_load_pd(table + 16), at,
                                          _mm512_load_pd(table + 24));
    __mmask8 far = _mm256_cmpgt_epu64_mask(fraction_n, _mm256_set1_epi64x(15));
    return _mm256_mask_mov_pd(_mm512_castpd512_pd256(low), far,
                              _mm512_castpd512_pd256(high));
}

/* Whether bits that float32 has no place for are close to one half. */
AVX512_INLINE bool undecided(__m256d values) {
    const long long lost = (1LL << 29) - 1, half = 1LL << 28;
    __m256i bits =
        _mm256_and_si256(_mm256_castpd_si256(values), _mm256_set1_epi64x(lost));
    __m256i from = _mm256_sub_epi64(bits, _mm256_set1_epi64x(half - WIDE_UNDECIDED));
    return _mm256_cmple_epu64_mask(from, _mm256_set1_epi64x(2 * WIDE_UNDECIDED)) != 0;
}

/* The sign bits of four floats. */
AVX512_INLINE __m128 signs(const char *base, const uint32_t *marks) {
    __m128i before = _mm_cvtsi32_si128((base + marks[0])[-1]);
    before = _mm_insert_epi8(before, (base + marks[2])[-1], 1);
    before = _mm_insert_epi8(before, (base + marks[4])[-1], 2);
    before = _mm_insert_epi8(before, (base + marks[6])[-1], 3);
    before = _mm_cmpeq_epi8(before, _mm_set1_epi8('-'));
    return _mm_castsi128_ps(_mm_slli_epi32(_mm_cvtepi8_epi32(before), 31));
}

/* @return false when they are not as simple as that, or none. */
AVX512_INLINE bool read_four(const char *base, const uint32_t *marks, float *values) {
    enum { CHARACTERS_FEW = 15 };
    struct tokens t = tokens_at(base, marks);
    bool strange,
        many = _mm256_cmpgt_epu64_mask(t.n, _mm256_set1_epi64x(CHARACTERS_FEW)) != 0;
    if (many &&
        _mm256_cmpgt_epu64_mask(t.n, _mm256_set1_epi64x(WIDE_CHARACTERS_MAX)) != 0)
        return false;
    __m256d wide = many ? integers_many(&t, &strange) : integers_few(&t, &strange);
    wide = _mm256_mul_pd(wide, tenths(t.fraction_n, many));
    if (strange | undecided(wide))
        return false;
    _mm_storeu_ps(values, _mm_or_ps(_mm256_cvtpd_ps(wide), signs(base, marks)));
    return true;
}

#define WIDE_TARGET AVX512
#include "api/rows_wide_loops.h"

const struct wide *wide_avx512(void) {
    static const struct wide wide = {index_loop, read_loop};
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2");
    return has ? &wide : NULL;
}

#else

const struct wide *wide_avx512(void) {
    return NULL;
}

#endif
