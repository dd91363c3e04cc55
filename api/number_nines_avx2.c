/* The digits of four float32 at a time with AVX2: decimal_shortest of
 * number_print_float.c and digits_eight, in lanes of 64 bits. Compiled for every x86-64,
 * called where the processor has it. */
#include "api/number_nines.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "api/number_digits.h"
#include "api/powers.h"

#define AVX2 __attribute__((target("avx2,lzcnt")))
#define AVX2_INLINE AVX2 static inline __attribute__((always_inline))

enum { POINT = NINES_POINT, SLACK = NINES_SLACK };

AVX2_INLINE __m256i all(int64_t x) {
    return _mm256_set1_epi64x(x);
}

/* a is b, or less: those of the low halves of lanes, which are below 2^31. */
AVX2_INLINE __m256i is_less(__m256i a, __m256i b) {
    return _mm256_cmpgt_epi32(b, a);
}

AVX2_INLINE __m256i powers_load(__m128i k) {
    const struct power *zero = &powers_of_ten[-POWERS_MIN];
    __m128i low = _mm_loadl_epi64((const __m128i *)&zero[-_mm_extract_epi32(k, 0)].high);
    __m128i high = _mm_loadl_epi64((const __m128i *)&zero[-_mm_extract_epi32(k, 2)].high);
    return _mm256_set_m128i(_mm_castpd_si128(_mm_loadh_pd(
                                _mm_castsi128_pd(high),
                                (const double *)&zero[-_mm_extract_epi32(k, 3)].high)),
                            _mm_castpd_si128(_mm_loadh_pd(
                                _mm_castsi128_pd(low),
                                (const double *)&zero[-_mm_extract_epi32(k, 1)].high)));
}

/* The decimals' digits, seven to nine, as decimal_shortest has them; without a branch. */
AVX2_INLINE __m256i shortest(__m256i c, __m256i power, __m256i r) {
    /* c * power / 2^r, 24 <= r <= 28: of the two halves of the product the upper one is
     * a multiple of 2^r. */
    __m256i upper = _mm256_mul_epu32(c, _mm256_srli_epi64(power, 32));
    __m256i lower = _mm256_mul_epu32(c, power);
    __m256i value =
        _mm256_add_epi64(_mm256_sllv_epi64(upper, _mm256_sub_epi64(all(32), r)),
                         _mm256_srlv_epi64(lower, r));
    value = _mm256_add_epi64(value, all(SLACK / 4));
    __m256i half = _mm256_srlv_epi64(power, _mm256_add_epi64(r, all(1)));
    __m256i odd = _mm256_slli_epi64(_mm256_and_si256(c, all(1)), 5);
    __m256i out = _mm256_add_epi64(half, _mm256_sub_epi64(all(SLACK), odd));
    const int64_t one = INT64_C(1) << POINT;
    __m256i low = _mm256_srli_epi64(
        _mm256_add_epi64(_mm256_sub_epi64(value, out), all(one - 1)), POINT);
    __m256i high = _mm256_srli_epi64(_mm256_add_epi64(value, out), POINT);

    __m256i s = _mm256_srli_epi64(value, POINT);
    __m256i fraction = _mm256_and_si256(value, all(one - 1));
    __m256i not_below = is_less(s, low), above = is_less(s, high);
    __m256i from_half = _mm256_sub_epi64(fraction, all(one / 2 - SLACK));
    __m256i tie = _mm256_cmpeq_epi64(_mm256_and_si256(from_half, all(-2 * SLACK)),
                                     _mm256_setzero_si256());
    __m256i nearer = _mm256_blendv_epi8(_mm256_srli_epi64(fraction, POINT - 1), s, tie);
    __m256i up =
        _mm256_or_si256(_mm256_and_si256(nearer, _mm256_xor_si256(not_below, above)),
                        _mm256_and_si256(above, not_below));
    __m256i single = _mm256_add_epi64(s, _mm256_and_si256(up, all(1)));

    __m256i tenth = _mm256_srli_epi64(_mm256_mul_epu32(s, all(0xcccccccd)), 35);
    __m256i ten = _mm256_mul_epu32(tenth, all(10));
    __m256i ten_unfit = is_less(ten, low);
    __m256i next_unfit = is_less(high, _mm256_add_epi64(ten, all(10)));
    ten = _mm256_add_epi64(ten, _mm256_and_si256(ten_unfit, all(10)));
    return _mm256_blendv_epi8(ten, single, _mm256_and_si256(ten_unfit, next_unfit));
}

AVX2_INLINE __m256i twice(const uint16_t from[8]) {
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)from));
}

/* The eight digits of the numbers in two lanes, one in each half, as 16 bits each: those
 * of digits_eight. */
AVX2_INLINE __m256i eight(__m256i fours) {
    const __m256i thousandths = twice(digits_thousandths), shifts = twice(digits_shifts);
    __m256i heads = _mm256_mulhi_epu16(_mm256_mulhi_epu16(fours, thousandths), shifts);
    __m256i before =
        _mm256_slli_epi64(_mm256_mullo_epi16(heads, _mm256_set1_epi16(10)), 16);
    return _mm256_sub_epi16(heads, before);
}

AVX2_INLINE __m256i digits_four(__m256i numbers) {
    __m256i high = _mm256_srli_epi64(_mm256_mul_epu32(numbers, all(0xd1b71759)), 45);
    __m256i low = _mm256_sub_epi64(numbers, _mm256_mul_epu32(high, all(10000)));
    __m256i fours =
        _mm256_slli_epi64(_mm256_or_si256(high, _mm256_slli_epi64(low, 16)), 2);
    const __m256i firsts = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3));
    const __m256i seconds = _mm256_add_epi8(firsts, _mm256_set1_epi8(8));
    return _mm256_packus_epi16(eight(_mm256_shuffle_epi8(fours, firsts)),
                               eight(_mm256_shuffle_epi8(fours, seconds)));
}

/* What is between the steps, each of which goes over all values: so that the next four
 * begin while one waits for its product. Vectors of four lanes. */
struct steps {
    _Alignas(32) uint64_t c[NINES_MAX], r[NINES_MAX], powers[NINES_MAX];
    _Alignas(32) uint64_t places[NINES_MAX]; /* of the first of nine digits */
    _Alignas(32) uint64_t rests[NINES_MAX];  /* the eight digits behind the first */
};

AVX2_INLINE void put(uint64_t *to, __m256i four) {
    _mm256_store_si256((__m256i *)to, four);
}

AVX2_INLINE __m256i get(const uint64_t *from) {
    return _mm256_load_si256((const __m256i *)from);
}

/* By which power each is to be multiplied. @return which are neither zero nor a power of
 * two nor subnormal, nor NaN, a bit each. */
AVX2_INLINE uint32_t four_scale(__m128i bits, size_t i, struct steps *to) {
    const __m128i zero = _mm_setzero_si128();
    __m128i biased = _mm_and_si128(_mm_srli_epi32(bits, 23), _mm_set1_epi32(0xff));
    __m128i c = _mm_and_si128(bits, _mm_set1_epi32((1 << 23) - 1));
    __m128i rare = _mm_or_si128(_mm_cmpeq_epi32(c, zero), _mm_cmpeq_epi32(biased, zero));
    rare = _mm_or_si128(rare, _mm_cmpeq_epi32(biased, _mm_set1_epi32(0xff)));
    __m128i e = _mm_sub_epi32(biased, _mm_set1_epi32(150));
    __m128i k = _mm_srai_epi32(_mm_mullo_epi32(e, _mm_set1_epi32(1262611)), 22);
    __m128i exponent = /* powers_exponent(-k) */
        _mm_srai_epi32(_mm_mullo_epi32(k, _mm_set1_epi32(-217706)), 16);
    __m128i r = _mm_sub_epi32(_mm_set1_epi32(63 - POINT), _mm_add_epi32(e, exponent));
    put(to->c + i, _mm256_cvtepu32_epi64(_mm_or_si128(c, _mm_set1_epi32(1 << 23))));
    put(to->r + i, _mm256_cvtepu32_epi64(r));
    put(to->powers + i, powers_load(k));
    put(to->places + i,
        _mm256_cvtepu32_epi64(_mm_add_epi32(k, _mm_set1_epi32(8 - NINES_FIRST_MIN))));
    return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(rare)) ^ 15;
}

/* Nine digits each, in two parts. */
AVX2_INLINE void four_split(struct steps *steps, size_t i, struct nines *out) {
    __m256i digits =
        shortest(get(steps->c + i), get(steps->powers + i), get(steps->r + i));
    __m256i nine_unfit = is_less(digits, all(100000000));
    __m256i eight_unfit = is_less(digits, all(10000000));
    __m256i scale = _mm256_add_epi64(_mm256_and_si256(nine_unfit, all(9)),
                                     _mm256_and_si256(eight_unfit, all(90)));
    digits = _mm256_mul_epu32(digits, _mm256_add_epi64(scale, all(1)));
    __m256i places = _mm256_add_epi32(_mm256_add_epi32(nine_unfit, eight_unfit),
                                      get(steps->places + i));
    /* / 10^8, for numbers of 32 bits */
    __m256i first = _mm256_srli_epi64(_mm256_mul_epu32(digits, all(1441151881)), 57);
    __m256i rest = _mm256_sub_epi64(digits, _mm256_mul_epu32(first, all(100000000)));
    put(out->heads + i, _mm256_or_si256(first, _mm256_slli_epi64(places, 8)));
    put(steps->rests + i, rest);
}

AVX2 static void find(const float *values, size_t n, struct nines *out) {
    struct steps steps;
    size_t whole = n / 4 * 4;
    out->usual = 0;
    for (size_t i = 0; i < whole; i += 4) {
        __m128i bits = _mm_loadu_si128((const __m128i *)(values + i));
        out->usual |= four_scale(bits, i, &steps) << i;
    }
    if (whole < n) {
        float last[4] = {0};
        for (size_t i = whole; i < n; i++)
            last[i - whole] = values[i];
        __m128i bits = _mm_loadu_si128((const __m128i *)last);
        out->usual |= four_scale(bits, whole, &steps) << whole;
    }
    for (size_t i = 0; i < n; i += 4)
        four_split(&steps, i, out);
    for (size_t i = 0; i < n; i += 4) {
        __m256i others = digits_four(get(steps.rests + i));
        put(out->others + i, others);
        uint32_t more = ~(uint32_t)_mm256_movemask_epi8(
            _mm256_cmpeq_epi8(others, _mm256_setzero_si256()));
        for (size_t j = 0; j < 4; j++) /* up to the last that is no zero */
            out->more[i + j] = (unsigned char)(32 - _lzcnt_u32(more >> 8 * j & 0xff));
    }
}

nines_find *nines_choose(void) {
    /* Every processor with AVX2 has LZCNT. */
    return __builtin_cpu_supports("avx2") ? find : NULL;
}

#else

nines_find *nines_choose(void) {
    return NULL;
}

#endif
