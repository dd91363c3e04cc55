/* Printing float32. The same search as for float64 (number_print.c), but for a product
 * that fits 64 bits, and hardly a branch, for which digits to take and how many of them
 * there are is as good as random. number_nines_avx2.c does it for four at a time. */
#include "api/number_private.h"

#include <assert.h>
#include <string.h>

#include "api/number_digits.h"
#include "api/number_nines.h"
#include "api/powers.h"

enum { POINT = NINES_POINT, SLACK = NINES_SLACK };

/* digits * 10^exponent, seven to nine digits where the float is not subnormal. */
struct decimal {
    uint32_t digits;
    int exponent;
};

/* The shortest decimal that rounds to c * 2^e, c no power of two, and of those the
 * nearest; with zeros at the end where it is shorter than the others. */
static inline __attribute__((always_inline)) struct decimal decimal_shortest(uint64_t c,
                                                                             int e) {
    int k = (e * 1262611) >> 22; /* floor(log10(2^e)) */
    uint64_t power = powers_of_ten[-k - POWERS_MIN].high;
    int shift = e + powers_exponent(-k) + 1 + POINT;
    const uint64_t one = UINT64_C(1) << POINT;
    uint64_t value = (uint64_t)((uint128)(c << shift) * power >> 64) + SLACK / 4;
    uint64_t half = power >> (65 - shift); /* of the interval */
    /* The ends belong to it when c is even, as ties do. */
    uint64_t outward = c & 1 ? -(uint64_t)SLACK : SLACK;
    uint64_t low = (value - half - outward + one - 1) >> POINT;
    uint64_t high = (value + half + outward) >> POINT;

    uint64_t s = value >> POINT, fraction = value & (one - 1);
    uint64_t below = s >= low, above = s < high;
    uint64_t tie = fraction - (one / 2 - SLACK) < 2 * SLACK;
    uint64_t nearer = (fraction >> (POINT - 1) & ~tie) | (s & tie);
    uint64_t up = (nearer & ~(below ^ above)) | (above & ~below);
    uint64_t single = s + (up & 1);
    /* The interval is narrower than ten units: at most one of the tens lies in it. */
    uint64_t ten = s / 10 * 10;
    uint64_t ten_fits = ten >= low, next_fits = ten + 10 <= high;
    ten += 10 & -(ten_fits ^ 1);
    uint64_t choice = -(ten_fits | next_fits);
    return (struct decimal){(uint32_t)((ten & choice) | (single & ~choice)), k};
}

/* How a number is laid out, by the exponent of its first digit. */
struct layout {
    char before[8]; /* what stands before its digits */
    char behind[4]; /* and behind them */
    unsigned char before_n, behind_n;
    unsigned short point_n; /* 1: a point stands behind the first digit */
};
enum { FIRST_MIN = NINES_FIRST_MIN, FIRST_MAX = 38 };

#define EXPONENT(e)                                                                      \
    { .behind = "e" #e, .behind_n = sizeof "e" #e - 1, .point_n = 1 }
#define ZEROS(text)                                                                      \
    { .before = text, .before_n = sizeof text - 1 }
#define PLAIN                                                                            \
    { .point_n = 1 }
static const struct layout LAYOUTS[FIRST_MAX - FIRST_MIN + 1] = {
    EXPONENT(-45), EXPONENT(-44),  EXPONENT(-43), EXPONENT(-42), EXPONENT(-41),
    EXPONENT(-40), EXPONENT(-39),  EXPONENT(-38), EXPONENT(-37), EXPONENT(-36),
    EXPONENT(-35), EXPONENT(-34),  EXPONENT(-33), EXPONENT(-32), EXPONENT(-31),
    EXPONENT(-30), EXPONENT(-29),  EXPONENT(-28), EXPONENT(-27), EXPONENT(-26),
    EXPONENT(-25), EXPONENT(-24),  EXPONENT(-23), EXPONENT(-22), EXPONENT(-21),
    EXPONENT(-20), EXPONENT(-19),  EXPONENT(-18), EXPONENT(-17), EXPONENT(-16),
    EXPONENT(-15), EXPONENT(-14),  EXPONENT(-13), EXPONENT(-12), EXPONENT(-11),
    EXPONENT(-10), EXPONENT(-9),   EXPONENT(-8),  EXPONENT(-7),  EXPONENT(-6),
    EXPONENT(-5),  ZEROS("0.000"), ZEROS("0.00"), ZEROS("0.0"),  ZEROS("0."),
    PLAIN,         PLAIN,          PLAIN,         PLAIN,         PLAIN,
    PLAIN,         PLAIN,          PLAIN,         PLAIN,         PLAIN,
    PLAIN,         PLAIN,          PLAIN,         PLAIN,         PLAIN,
    PLAIN,         EXPONENT(16),   EXPONENT(17),  EXPONENT(18),  EXPONENT(19),
    EXPONENT(20),  EXPONENT(21),   EXPONENT(22),  EXPONENT(23),  EXPONENT(24),
    EXPONENT(25),  EXPONENT(26),   EXPONENT(27),  EXPONENT(28),  EXPONENT(29),
    EXPONENT(30),  EXPONENT(31),   EXPONENT(32),  EXPONENT(33),  EXPONENT(34),
    EXPONENT(35),  EXPONENT(36),   EXPONENT(37),  EXPONENT(38)};

/* 10.5 or 1234: the point is among the digits, or zeros follow them. */
static __attribute__((noinline)) size_t whole_write(struct nine d, size_t before,
                                                    char *text) {
    char digits[24];
    digits[0] = (char)('0' + d.first);
    digits_write(d.others, digits + 1);
    memset(digits + 9, '0', 8);
    memcpy(text, digits, 16);
    if (d.more < before)
        return before;
    text[before] = '.';
    memcpy(text + before + 1, digits + before, 8);
    return d.more + 2;
}

static inline __attribute__((always_inline)) size_t nine_write(struct nine d,
                                                               char *text) {
    int first = (int)d.place + FIRST_MIN;
    if (first > 0 && first <= NUMBER_PLAIN_MAX)
        return whole_write(d, (size_t)first + 1, text);

    const struct layout *layout = &LAYOUTS[d.place];
    char *at = text;
    memcpy(at, layout->before, sizeof layout->before);
    at += layout->before_n;
    at[0] = (char)('0' + d.first);
    at[1] = '.'; /* overwritten where none belongs */
    digits_write(d.others, at + 1 + layout->point_n);
    at += 1 + d.more + (layout->point_n & (size_t)(d.more > 0));
    memcpy(at, layout->behind, sizeof layout->behind);
    return (size_t)(at - text) + layout->behind_n;
}

static inline __attribute__((always_inline)) struct nine nine_of(struct decimal d) {
    static const uint32_t tens[] = {1, 10, 100};
    while (d.digits < 1000000) { /* subnormal */
        d.digits *= 10;
        d.exponent--;
    }
    unsigned fewer = (unsigned)(d.digits < 100000000) + (d.digits < 10000000);
    d.digits *= tens[fewer];
    uint64_t others = digits_eight(d.digits % DIGITS_EIGHT);
    return (struct nine){others, d.digits / DIGITS_EIGHT,
                         (uint32_t)(d.exponent + 8 - (int)fewer - FIRST_MIN),
                         8 - digits_zeros_behind(others)};
}

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

size_t number_print_float(float value, char text[NUMBER_TEXT_MAX]) {
    const uint32_t bits = bits_of(value), hidden = UINT32_C(1) << 23;
    uint32_t c = bits & (hidden - 1), biased = bits >> 23 & 0xff, negative = bits >> 31;
    assert(biased < 255);
    if (c == 0) /* zero, or a power of two, whose interval is narrower below */
        return number_print_fields(negative, c, (int)biased, hidden, -149, text);
    struct decimal d = biased ? decimal_shortest(c | hidden, (int)biased - 150)
                              : decimal_shortest(c, -149);
    text[0] = '-';
    return negative + nine_write(nine_of(d), text + negative);
}

/* The columns of a row, and how many are written; a list that has no rows: n is 0. */
struct columns {
    size_t n, written;
};

static inline char *comma_put(struct columns *c, char *at) {
    *at++ = ',';
    if (++c->written != c->n)
        return at;
    c->written = 0;
    memcpy(at - 1, "],[", 3);
    return at + 2;
}

/* n values, a comma behind each. */
static char *found_write(const float *values, size_t n, const struct nines *found,
                         struct columns *c, char *at) {
    for (size_t i = 0; i < n; i++) {
        if (found->usual >> i & 1) {
            struct nine d = {found->others[i], found->heads[i] & 0xff,
                             (uint32_t)found->heads[i] >> 8, found->more[i]};
            at[0] = '-';
            at += bits_of(values[i]) >> 31;
            at += nine_write(d, at);
        } else {
            at += number_print_float(values[i], at);
        }
        at = comma_put(c, at);
    }
    return at;
}

static char *values_write(const float *values, size_t n, size_t columns_n, char *at) {
    nines_find *find = nines_choose();
    struct columns c = {columns_n, 0};
    struct nines found;
    found.usual = 0;
    for (size_t i = 0; i < n; i += NINES_MAX) {
        size_t block = n - i < NINES_MAX ? n - i : NINES_MAX;
        if (find)
            find(values + i, block, &found);
        at = found_write(values + i, block, &found, &c, at);
    }
    return at;
}

size_t number_print_floats(const float *values, size_t n, char *text) {
    return n ? (size_t)(values_write(values, n, 0, text) - text) - 1 : 0;
}

size_t number_print_rows(const float *values, size_t rows_n, size_t columns_n,
                         char *text) {
    text[0] = '[';
    char *end = values_write(values, rows_n * columns_n, columns_n, text + 1);
    return (size_t)(end - text) - 2; /* the bracket of a row behind the last */
}
