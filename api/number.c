/* Scanning. Up to 19 digits go through one 64 x 128 bit product (M. Lemire, "Number
 * parsing at a gigabyte per second", 2021); its error bound, not a table of special
 * cases, says whether the rounding is decided. The rest goes to strtof and strtod. */
#include "api/number.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/powers.h"

static_assert(__FLT_EVAL_METHOD__ == 0, "float arithmetic must round to float");

enum { DIGITS_64 = 19 }; /* decimal digits that always fit 64 bits */

/* The binary formats: the rounding is the same but for these. */
struct format {
    int significand_bits; /* with the leading one */
    int exponent_min;     /* of the leading bit of the smallest normal number */
    int exponent_max;
};
static const struct format FLOAT = {24, -126, 127};
static const struct format DOUBLE = {53, -1022, 1023};

/* A number's text: (-1)^negative * digits * 10^exponent when digits_n <= DIGITS_64. */
struct token {
    bool negative;
    const char *body;     /* the first digit */
    const char *body_end; /* behind the last digit of the fraction */
    size_t digits_n;
    uint64_t digits; /* modulo 2^64 */
    int64_t exponent_written;
    int64_t exponent; /* of the last digit */
};

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') <= 9;
}

static inline const char *digits_scan(const char *p, const char *end, uint64_t *digits) {
    uint64_t sum = *digits;
    while (p < end && is_digit(*p))
        sum = sum * 10 + (uint64_t)(*p++ - '0');
    *digits = sum;
    return p;
}

/* The same, by eight characters at a time, for digits that are more than a few. */
static inline const char *digits_scan_many(const char *p, const char *end,
                                           uint64_t *digits) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    const uint64_t ones = UINT64_C(0x0101010101010101);
    if (p < end && is_digit(*p)) /* one alone is quicker so */
        *digits = *digits * 10 + (uint64_t)(*p++ - '0');
    if (p == end || !is_digit(*p))
        return p;
    for (uint64_t n = 8; n == 8 && end - p >= 8; p += n) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        eight ^= ones * '0'; /* digits are 0 to 9, anything else is above */
        uint64_t others = ((eight + ones * 0x76) | eight) & ones * 0x80;
        n = others ? (uint64_t)__builtin_ctzll(others) / 8 : 8;
        if (n == 0)
            break;
        /* Zeros before them; then of each two, of each four, of all eight. */
        eight <<= 64 - 8 * n;
        eight = eight * 10 + (eight >> 8);
        uint64_t low = eight & 0xff000000ff, high = eight >> 16 & 0xff000000ff;
        eight = (low * (100 + (UINT64_C(1000000) << 32)) +
                 high * (1 + (UINT64_C(10000) << 32))) >>
                32;
        *digits = *digits * powers[n] + eight;
    }
#endif
    return digits_scan(p, end, digits);
}

/* `p` is behind the 'e'. @return NULL without a digit. Saturates far outside any length
 * of text, so that digits can never make up for what is cut. */
static const char *exponent_scan(const char *p, const char *end, int64_t *exponent) {
    const int64_t limit = INT64_C(1) << 56;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || !is_digit(*p))
        return NULL;
    int64_t sum = 0;
    for (; p < end && is_digit(*p); p++)
        if (sum < limit)
            sum = sum * 10 + (*p - '0');
    *exponent = negative ? -sum : sum;
    return p;
}

/* @return behind the token, or NULL. */
static inline __attribute__((always_inline)) const char *
token_scan(const char *p, const char *end, struct token *t) {
    t->negative = p < end && *p == '-';
    p += t->negative;
    t->body = p;
    t->digits = 0;
    t->exponent_written = 0;
    p = digits_scan(p, end, &t->digits);
    size_t whole_n = (size_t)(p - t->body), fraction_n = 0;
    if (whole_n == 0 || (whole_n > 1 && *t->body == '0'))
        return NULL;
    if (p < end && *p == '.') {
        const char *fraction = p + 1;
        p = digits_scan_many(fraction, end, &t->digits);
        fraction_n = (size_t)(p - fraction);
        if (fraction_n == 0)
            return NULL;
    }
    t->body_end = p;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p = exponent_scan(p + 1, end, &t->exponent_written);
        if (!p)
            return NULL;
    }
    t->digits_n = whole_n + fraction_n;
    t->exponent = t->exponent_written - (int64_t)fraction_n;
    return p;
}

/* Copies the first max significant digits to text. *exponent is that of the last one,
 * *cut whether a digit other than 0 was left out. */
static size_t digits_copy(const struct token *t, size_t max, char *text,
                          int64_t *exponent, bool *cut) {
    size_t n = 0;
    bool fraction = false;
    *exponent = t->exponent_written;
    *cut = false;
    for (const char *p = t->body; p < t->body_end; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        bool keep = n < max && (n > 0 || *p != '0');
        if (keep)
            text[n++] = *p;
        else if (n > 0)
            *cut |= *p != '0';
        /* A digit that is kept, and a zero before the first, moves the place of the last.
         */
        bool counts = keep || n == 0;
        *exponent += (counts ? 0 : 1) - (fraction ? 1 : 0);
    }
    return n;
}

/* Rounds m * 2^e, m not 0, whose bit 0 is set when anything stands behind it, to the
 * nearest, ties to even. @return the bits of the format; over its range those of
 * infinity. */
static inline uint64_t bits_round(uint64_t m, int e, const struct format f) {
    int zeros = __builtin_clzll(m);
    m <<= zeros;
    int leading = e + 63 - zeros;
    uint64_t one = UINT64_C(1) << (f.significand_bits - 1);
    if (leading > f.exponent_max)
        return (uint64_t)(f.exponent_max - f.exponent_min + 2) * one;
    int shift = 64 - f.significand_bits;
    if (leading < f.exponent_min)
        shift += f.exponent_min - leading;
    if (shift > 64)
        return 0;
    uint64_t kept = shift == 64 ? 0 : m >> shift;
    uint64_t lost = shift == 64 ? m : m << (64 - shift);
    uint64_t half = UINT64_C(1) << 63;
    kept += lost > half || (lost == half && (kept & 1));
    /* A carry out of the significand moves into the exponent, and so to infinity. */
    return leading < f.exponent_min ? kept
                                    : (uint64_t)(leading - f.exponent_min) * one + kept;
}

/* w * 10^q in the format's bits. @return false when the product cannot decide. */
static inline bool bits_scale(uint64_t w, int64_t q, const struct format f,
                              uint64_t *bits) {
    if (w == 0 || q < POWERS_MIN) {
        *bits = 0;
        return true;
    }
    if (q > POWERS_MAX)
        q = POWERS_MAX; /* infinite as well */
    struct power power = powers_of_ten[q - POWERS_MIN];
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    uint128 low = (uint128)w * power.low;
    uint128 product = (uint128)w * power.high + (uint64_t)(low >> 64);
    int e = powers_exponent((int)q) + 1 - zeros;
    uint64_t top = (uint64_t)(product >> 64);
    if (powers_exact((int)q)) {
        *bits = bits_round(top | ((uint64_t)product != 0 || (uint64_t)low != 0), e, f);
        return true;
    }
    /* The true product is above `product` and below it plus 2: they differ in the top 64
     * bits when all below are ones, which is also how a decimal that is exact in binary
     * looks. */
    *bits = bits_round(top | 1, e, f);
    if ((uint64_t)product != UINT64_MAX)
        return true;
    return top != UINT64_MAX && bits_round((top + 1) | 1, e, f) == *bits;
}

/* More digits than fit: the value lies between the first 19 and one more in their last
 * place. */
static bool bits_scale_long(const struct token *t, const struct format f,
                            uint64_t *bits) {
    char text[DIGITS_64];
    int64_t exponent;
    bool cut;
    size_t n = digits_copy(t, DIGITS_64, text, &exponent, &cut);
    uint64_t w = 0, above;
    digits_scan(text, text + n, &w);
    if (!bits_scale(w, exponent, f, bits))
        return false;
    return !cut || (bits_scale(w + 1, exponent, f, &above) && above == *bits);
}

/* A point halfway between two float64 has at most 768 significant digits. So one digit 1
 * in place of all behind the first 800 stands on the same side of every such point. */
enum { DIGITS_DECISIVE = 800, EXACT_TEXT_MAX = DIGITS_DECISIVE + 32 };

static void token_rewrite(const struct token *t, char text[EXACT_TEXT_MAX]) {
    int64_t exponent;
    bool cut;
    size_t n = digits_copy(t, DIGITS_DECISIVE, text, &exponent, &cut);
    if (cut) {
        text[n++] = '1';
        exponent--;
    }
    snprintf(text + n, EXACT_TEXT_MAX - n, "e%lld", (long long)exponent);
}

static float float_exactly(const struct token *t) {
    char text[EXACT_TEXT_MAX];
    token_rewrite(t, text);
    return strtof(text, NULL);
}

static double double_exactly(const struct token *t) {
    char text[EXACT_TEXT_MAX];
    token_rewrite(t, text);
    return strtod(text, NULL);
}

/* Powers of ten that are exact in the type: with an exact integer beside them, one
 * division or multiplication rounds once, as it should (W. Clinger, 1990). */
static const float FLOAT_POWERS[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F,
                                     1e6F, 1e7F, 1e8F, 1e9F, 1e10F};
static const double DOUBLE_POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline float float_read(const struct token *t) {
    bool fits = t->digits_n <= DIGITS_64;
    if (fits && t->digits <= UINT64_C(1) << 24 && t->exponent >= -10 &&
        t->exponent <= 10) {
        float whole = (float)t->digits;
        return t->exponent < 0 ? whole / FLOAT_POWERS[-t->exponent]
                               : whole * FLOAT_POWERS[t->exponent];
    }
    uint64_t bits;
    if (!(fits ? bits_scale(t->digits, t->exponent, FLOAT, &bits)
               : bits_scale_long(t, FLOAT, &bits)))
        return float_exactly(t);
    uint32_t narrow = (uint32_t)bits;
    float value;
    memcpy(&value, &narrow, sizeof value);
    return value;
}

static inline double double_read(const struct token *t) {
    bool fits = t->digits_n <= DIGITS_64;
    if (fits && t->digits <= UINT64_C(1) << 53 && t->exponent >= -22 &&
        t->exponent <= 22) {
        double whole = (double)t->digits;
        return t->exponent < 0 ? whole / DOUBLE_POWERS[-t->exponent]
                               : whole * DOUBLE_POWERS[t->exponent];
    }
    uint64_t bits;
    if (!(fits ? bits_scale(t->digits, t->exponent, DOUBLE, &bits)
               : bits_scale_long(t, DOUBLE, &bits)))
        return double_exactly(t);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum number_scan number_scan_float(const char **at, const char *end, float *value) {
    struct token t;
    const char *behind = token_scan(*at, end, &t);
    if (!behind)
        return NUMBER_SYNTAX;
    float magnitude = float_read(&t);
    if (magnitude > __FLT_MAX__)
        return NUMBER_TOO_LARGE;
    *value = t.negative ? -magnitude : magnitude;
    *at = behind;
    return NUMBER_OK;
}

enum number_scan number_scan_double(const char **at, const char *end, double *value) {
    struct token t;
    const char *behind = token_scan(*at, end, &t);
    if (!behind)
        return NUMBER_SYNTAX;
    double magnitude = double_read(&t);
    if (magnitude > __DBL_MAX__)
        return NUMBER_TOO_LARGE;
    *value = t.negative ? -magnitude : magnitude;
    *at = behind;
    return NUMBER_OK;
}

bool number_skip(const char **at, const char *end) {
    struct token t;
    const char *behind = token_scan(*at, end, &t);
    if (behind)
        *at = behind;
    return behind != NULL;
}
