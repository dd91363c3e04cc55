/* Printing: the shortest decimal in the interval that rounds to the value, found with
 * three products by a power of ten (R. Giulietti, "The Schubfach way to render doubles",
 * 2020). */
#include "api/number_private.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "api/number_digits.h"
#include "api/powers.h"

/* digits * 10^exponent */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* The number w * power / 2^128, w < 2^59, rounded to odd: bit 0 says "and something more"
 * unless it is an integer. An integer shows as a fraction below 2^-69, because a power
 * that is rounded up is less than 2^-128 too high; no other product comes that close to
 * one (make_powers.py --check). */
static uint64_t scale_odd(uint64_t w, struct power power) {
    uint128 low = (uint128)w * power.low;
    uint128 product = (uint128)w * power.high + (uint64_t)(low >> 64);
    bool more = (uint64_t)product != 0 || (uint64_t)low >> 59 != 0;
    return (uint64_t)(product >> 64) | more;
}

/* 10^q to 128 bits, rounded up. */
static struct power power_above(int q) {
    struct power power = powers_of_ten[q - POWERS_MIN];
    if (!powers_exact(q)) {
        power.low++;
        power.high += power.low == 0;
    }
    return power;
}

/* The shortest decimal that rounds to c * 2^e, and of those the nearest. `narrow`: c is a
 * power of two with a neighbour below that is half as far as the one above. */
static struct decimal decimal_shortest(uint64_t c, int e, bool narrow) {
    /* floor(log10(2^e)), or of 3/4 2^e: 10^k is at most the width of the interval. */
    int k = (e * 1262611 - (narrow ? 524031 : 0)) >> 22;
    struct power power = power_above(-k);
    int shift = e + powers_exponent(-k) + 1;
    /* In units of 10^k / 4: the value and the ends of its interval, which belong to it
     * when c is even, as ties do. */
    uint64_t value = scale_odd(4 * c << shift, power);
    uint64_t low = scale_odd((4 * c - (narrow ? 1 : 2)) << shift, power) + (c & 1);
    uint64_t high = scale_odd((4 * c + 2) << shift, power) - (c & 1);

    uint64_t s = value / 4;
    uint64_t tens = s / 10;
    if (tens > 0) {
        /* The interval is narrower than ten units: at most one of these lies in it. */
        if (low <= 40 * tens)
            return (struct decimal){tens, k + 1};
        if (40 * tens + 40 <= high)
            return (struct decimal){tens + 1, k + 1};
    }
    bool below = low <= 4 * s, above = 4 * s + 4 <= high;
    uint64_t middle = 4 * s + 2;
    bool up = value > middle || (value == middle && (s & 1));
    if (below != above)
        up = above;
    return (struct decimal){s + up, k};
}

/* The digits of d, without zeros before and behind them; d is not zero. *exponent is that
 * of the first one. */
struct digits {
    char text[24];
    size_t from, n;
};
static void digits_split(struct decimal d, struct digits *digits, int *exponent) {
    uint64_t low = digits_eight((uint32_t)(d.digits % DIGITS_EIGHT)), middle = 0;
    uint64_t high = 0, rest = d.digits / DIGITS_EIGHT;
    if (rest > 0) {
        middle = digits_eight((uint32_t)(rest % DIGITS_EIGHT));
        high = digits_eight((uint32_t)(rest / DIGITS_EIGHT));
    }
    digits_write(high, digits->text);
    digits_write(middle, digits->text + 8);
    digits_write(low, digits->text + 16);
    size_t before = high     ? digits_zeros_before(high)
                    : middle ? 8 + digits_zeros_before(middle)
                             : 16 + digits_zeros_before(low);
    size_t behind = low      ? digits_zeros_behind(low)
                    : middle ? 8 + digits_zeros_behind(middle)
                             : 16 + digits_zeros_behind(high);
    digits->from = before;
    digits->n = sizeof digits->text - before - behind;
    *exponent = d.exponent + (int)(sizeof digits->text - 1 - before);
}

static size_t exponent_write(int exponent, char *text) {
    size_t n = 0;
    text[n++] = 'e';
    if (exponent < 0)
        text[n++] = '-';
    unsigned magnitude = exponent < 0 ? (unsigned)-exponent : (unsigned)exponent;
    if (magnitude >= 100)
        text[n++] = (char)('0' + magnitude / 100);
    if (magnitude >= 10)
        text[n++] = (char)('0' + magnitude / 10 % 10);
    text[n++] = (char)('0' + magnitude % 10);
    return n;
}

/* `d` is not zero. */
static size_t decimal_write(struct decimal d, char *text) {
    struct digits all;
    int first;
    digits_split(d, &all, &first);
    const char *digits = all.text + all.from;
    size_t n = all.n;
    bool plain = first >= NUMBER_PLAIN_MIN && first <= NUMBER_PLAIN_MAX;
    size_t before = first >= 0 && plain ? (size_t)first + 1 : 1;
    size_t used = 0;
    if (first < 0 && plain) {
        text[used++] = '0';
        text[used++] = '.';
        for (int zeros = -first - 1; zeros > 0; zeros--)
            text[used++] = '0';
        memcpy(text + used, digits, n);
        return used + n;
    }
    if (n <= before) {
        memcpy(text, digits, n);
        memset(text + n, '0', before - n);
        used = before;
    } else {
        memcpy(text, digits, before);
        text[before] = '.';
        memcpy(text + before + 1, digits + before, n - before);
        used = n + 1;
    }
    if (!plain)
        used += exponent_write(first, text + used);
    return used;
}

size_t number_print_fields(bool negative, uint64_t c, int biased, uint64_t hidden,
                           int exponent_min, char text[NUMBER_TEXT_MAX]) {
    size_t used = 0;
    if (negative)
        text[used++] = '-';
    if (c == 0 && biased == 0) {
        text[used++] = '0';
        return used;
    }
    bool narrow = c == 0 && biased > 1;
    int e = exponent_min + (biased ? biased - 1 : 0);
    struct decimal d = decimal_shortest(biased ? c | hidden : c, e, narrow);
    return used + decimal_write(d, text + used);
}

size_t number_print_double(double value, char text[NUMBER_TEXT_MAX]) {
    assert(isfinite(value));
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t hidden = UINT64_C(1) << 52;
    if (fabs(value) < 0x1p53 && value == (double)(int64_t)value && value != 0) {
        /* All its digits are needed, and there are no more. */
        size_t used = 0;
        if (value < 0)
            text[used++] = '-';
        struct decimal whole = {(uint64_t)fabs(value), 0};
        return used + decimal_write(whole, text + used);
    }
    return number_print_fields(bits >> 63, bits & (hidden - 1), (int)(bits >> 52 & 0x7ff),
                               hidden, -1074, text);
}
