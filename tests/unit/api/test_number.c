/* strtof and strtod are the oracle, bit for bit. */
#include "api/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/number_digits.h"
#include "api/number_nines.h"
#include "tests/random.h"
#include "tests/unit/check.h"

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static uint64_t double_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static double bits_double(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Both types against the oracle. The text ends with its block: a read behind it is a
 * fault that the sanitizer sees. */
static bool scans_like_strtod(const char *text) {
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, text, n);
    const char *at = copy;
    float f = -1;
    enum number_scan result = number_scan_float(&at, copy + n, &f);
    float want_f = strtof(text, NULL);
    bool ok = isinf(want_f) ? result == NUMBER_TOO_LARGE && at == copy
                            : result == NUMBER_OK && at == copy + n &&
                                  float_bits(f) == float_bits(want_f);
    at = copy;
    double d = -1;
    result = number_scan_double(&at, copy + n, &d);
    double want_d = strtod(text, NULL);
    ok = ok && (isinf(want_d) ? result == NUMBER_TOO_LARGE && at == copy
                              : result == NUMBER_OK && at == copy + n &&
                                    double_bits(d) == double_bits(want_d));
    free(copy);
    return CHECK_SAY(ok, "\"%.100s\": got %a and %a, want %a and %a", text, (double)f, d,
                     (double)want_f, want_d);
}

static void test_hard_numbers(void) {
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "-0.0e5",
        "0e99999999999",
        "-0e-99999999999",
        "1",
        "-1",
        "5e0",
        "1E5",
        "1e+5",
        "16777216",
        "16777217",
        "16777217.0",
        "16777217e0",
        "16777218",
        "16777219",
        "33554433",
        "33554435",
        "9007199254740993",
        "9007199254740993.0",
        "9007199254740992.99999999999999999999",
        "9007199254740993.00000000000000000001",
        "3.4028234663852886e38",
        "3.4028235e38",
        "3.40282356779733661637539e38",
        "3.40282356779733661637540e38",
        "3.4028235677973366e38",
        "3.4028236e38",
        "1e39",
        "340282356779733661637539395458142568447",
        "340282356779733661637539395458142568448",
        "340282356779733661637539395458142568447.99999",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "1e-45",
        "1e-46",
        "7e-46",
        "7.1e-46",
        "7.006492321624085e-46",
        "7.0064923216240853546186479164495806564013097093825788587853e-46",
        "7.0064923216240853546186479164495806564013097093825788587854e-46",
        "1.4e-45",
        "1.17549435e-38",
        "1.1754943e-38",
        "1.17549429e-38",
        "5e-324",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.5e-324",
        "2e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "2.2250738585072012e-308",
        "1e-400",
        "-1e-400",
        "1e99999999999",
        "-1e99999999999",
        "1e-99999999999",
        "1e999999999999999999999999999999",
        "1e-999999999999999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "10000000000000000000",
        "99999999999999999999",
        "1e22",
        "1e23",
        "8.5e22",
        "0.000000000000000000000000000000000000000000001",
        "123456789012345678901234567890",
        "0.1",
        "0.2",
        "0.3",
        "0.30000000000000004",
        "1e10",
        "1e11",
        "16777216e10",
        "16777216e-10",
        "16777217e-10",
        "1e-10",
        "0.5",
        "0.25",
        "16777217e-1",
        "6.631236846766476e-316",
        "3.2378839133029012895883524125015321748e-302"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        scans_like_strtod(texts[i]);
}

/* Digits without end: zeros before and behind, halfway points with a digit far behind. */
static void test_long_numbers(void) {
    static char text[6000];
    for (int n = 1; n < 2500; n += 83) {
        snprintf(text, sizeof text, "0.%0*d7e%d", n, 0, n + 1);
        scans_like_strtod(text);
        snprintf(text, sizeof text, "16777217%0*de-%d", n, 0, n);
        scans_like_strtod(text);
        snprintf(text, sizeof text, "16777217.%0*d1e0", n, 0);
        scans_like_strtod(text);
        snprintf(text, sizeof text, "9007199254740993%0*d1e-%d", n, 0, n + 1);
        scans_like_strtod(text);
        snprintf(text, sizeof text, "9007199254740993.%0*d1", n, 0);
        scans_like_strtod(text);
        snprintf(text, sizeof text, "1.%0*d1e40", n, 0);
        scans_like_strtod(text);
    }
    /* Every digit of a halfway point between two subnormals, below, at and above it. */
    snprintf(text, sizeof text, "%.1200f", 0x1.8p-1074 * 0.5 + 0x3p-1074);
    scans_like_strtod(text);
    for (uint64_t low = 1; low < 40; low += 2) {
        int n = snprintf(text, sizeof text, "%.1100f", bits_double(low));
        /* low * 2^-1074 as an exact decimal; times 5, exponent -1: half of it. */
        unsigned carry = 0;
        for (int i = n - 1; i >= 0; i--)
            if (text[i] != '.') {
                unsigned product = (unsigned)(text[i] - '0') * 5 + carry;
                text[i] = (char)('0' + product % 10);
                carry = product / 10;
            }
        memcpy(text + n, "e-1", 4);
        scans_like_strtod(text);
        memcpy(text + n, "000000000000000000001e-1", 25);
        scans_like_strtod(text);
        char *last = text + n;
        while (last[-1] == '0')
            last--;
        last[-1]--;
        memcpy(last, "999999999999e-1", 16);
        scans_like_strtod(text);
    }
}

/* 2^24 + 1 halves and their like: halfway points of float32, as decimals and beside them.
 */
static void test_halfway_numbers(void) {
    char text[256];
    for (int i = 0; i < 100000; i++) {
        uint32_t bits = (uint32_t)(random_next() % 0x7f7fffff);
        double half = ((double)bits_float(bits) + (double)bits_float(bits + 1)) / 2;
        snprintf(text, sizeof text, "%.*e", 17 + (int)(i % 100), half);
        bool ok = scans_like_strtod(text);
        snprintf(text, sizeof text, "%.17g", nextafter(half, i % 2 ? 1e300 : 0));
        if (!(ok && scans_like_strtod(text)))
            return;
    }
    /* Integers: ties that end in zeros, with a point and without. */
    for (int i = 0; i < 100000; i++) {
        uint64_t whole = (random_next() >> 39 | UINT64_C(1) << 24) * 2 + 1;
        snprintf(text, sizeof text, i % 2 ? "%llu.0" : "%llu0e-1",
                 (unsigned long long)whole);
        bool ok = scans_like_strtod(text);
        whole = (random_next() >> 10 | UINT64_C(1) << 53) * 2 + 1;
        snprintf(text, sizeof text, i % 2 ? "%llu.00" : "%llu00e-2",
                 (unsigned long long)whole);
        if (!(ok && scans_like_strtod(text)))
            return;
    }
}

static void test_random_numbers(void) {
    char text[128];
    for (int i = 0; i < 600000; i++) {
        int digits = 1 + (int)(random_next() % 25), n = 0;
        text[n++] = (char)('1' + random_next() % 9);
        for (int d = 1; d < digits; d++) {
            if (d == 1 && i % 3)
                text[n++] = '.';
            text[n++] = (char)('0' + random_next() % 10);
        }
        int range = i % 2 ? 700 : 90;
        snprintf(text + n, sizeof text - (size_t)n, "e%d",
                 (int)(random_next() % (uint64_t)range) - range / 2);
        if (!scans_like_strtod(text))
            return;
    }
    for (int i = 0; i < 600000; i++) {
        float f = bits_float((uint32_t)random_next());
        double d = bits_double(random_next());
        if (!isfinite(f) || !isfinite(d))
            continue;
        snprintf(text, sizeof text, "%.9g", (double)f);
        bool ok = scans_like_strtod(text);
        snprintf(text, sizeof text, "%.*g", 15 + i % 4, d);
        ok = ok && scans_like_strtod(text);
        snprintf(text, sizeof text, "%.*f", 1 + i % 9,
                 (double)(random_next() >> 20) / 3e9);
        if (!(ok && scans_like_strtod(text)))
            return;
    }
}

static void check_syntax(const char *text, size_t n) {
    char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, text, n);
    const char *at = copy;
    float f = 7;
    double d = 7;
    CHECK_SAY(number_scan_float(&at, copy + n, &f) == NUMBER_SYNTAX && at == copy &&
                  f == 7.0F,
              "\"%.*s\"", (int)n, text);
    CHECK_SAY(number_scan_double(&at, copy + n, &d) == NUMBER_SYNTAX && at == copy &&
                  d == 7.0,
              "\"%.*s\"", (int)n, text);
    free(copy);
}

static void test_syntax(void) {
    static const char *const texts[] = {
        "",     "-",      "+1",       ".5",  "-.5", "1.",   "1.e5", "-1.",   "1e",
        "1e+",  "1e-",    "1E",       "01",  "00",  "-012", "00.5", "NaN",   "nan",
        "inf",  "-inf",   "Infinity", "--1", "x",   "e5",   " 1",   "\"1\"", "-a",
        "1.5e", "1.5e+x", "1.a",      "0.",  "0e",  "0e-"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_syntax(texts[i], strlen(texts[i]));
}

/* What follows is not looked at, not even by the exact fallback. */
static void test_following(void) {
    static const struct {
        const char *text;
        size_t n;
        float value;
    } cases[] = {{"1,2", 1, 1},
                 {"1]", 1, 1},
                 {"0x10", 1, 0},
                 {"-0.5.5", 4, -0.5F},
                 {"1e5e5", 3, 1e5F},
                 {"16777217.0f", 10, 16777216.0F},
                 {"16777217.0p3", 10, 16777216.0F},
                 {"1-2", 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *at = cases[i].text;
        float value = 7;
        CHECK(number_scan_float(&at, at + strlen(at), &value) == NUMBER_OK);
        CHECK_SAY(at == cases[i].text + cases[i].n && value == cases[i].value, "%s",
                  cases[i].text);
    }
}

/* @return the significant digits of a number's text. */
static int digits_count(const char *text, size_t n) {
    int digits = 0, zeros = 0;
    for (size_t i = 0; i < n && text[i] != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9')
            continue;
        if (text[i] != '0') {
            digits += zeros + 1;
            zeros = 0;
        } else if (digits > 0)
            zeros++;
    }
    return digits;
}

/* Reads back; nothing shorter does; and printf's nearest decimal of that length, if it
 * reads back too, is the same number. */
static bool prints_float(float value) {
    char text[NUMBER_TEXT_MAX + 1], other[64];
    size_t n = number_print_float(value, text);
    if (!CHECK(n > 0 && n <= NUMBER_TEXT_MAX))
        return false;
    text[n] = 0;
    const char *at = text;
    float back = 7;
    bool ok = number_scan_float(&at, text + n, &back) == NUMBER_OK && at == text + n &&
              float_bits(back) == float_bits(value) &&
              float_bits(strtof(text, NULL)) == float_bits(value);
    int digits = digits_count(text, n);
    if (digits > 1) {
        snprintf(other, sizeof other, "%.*e", digits - 2, (double)value);
        ok = ok && strtof(other, NULL) != value;
    }
    if (digits > 0) {
        snprintf(other, sizeof other, "%.*e", digits - 1, (double)value);
        ok = ok &&
             (strtof(other, NULL) != value || strtod(other, NULL) == strtod(text, NULL));
    }
    return CHECK_SAY(ok, "%a printed as %s", (double)value, text);
}

static bool prints_double(double value) {
    char text[NUMBER_TEXT_MAX + 1], other[64];
    size_t n = number_print_double(value, text);
    if (!CHECK(n > 0 && n <= NUMBER_TEXT_MAX))
        return false;
    text[n] = 0;
    const char *at = text;
    double back = 7;
    bool ok = number_scan_double(&at, text + n, &back) == NUMBER_OK && at == text + n &&
              double_bits(back) == double_bits(value) &&
              double_bits(strtod(text, NULL)) == double_bits(value);
    int digits = digits_count(text, n);
    if (digits > 1) {
        snprintf(other, sizeof other, "%.*e", digits - 2, value);
        ok = ok && strtod(other, NULL) != value;
    }
    if (digits > 0) {
        /* The same digits: both decimals round to `value`, so compare the texts' digits.
         */
        char mine[64], theirs[64];
        size_t a = 0, b = 0;
        snprintf(other, sizeof other, "%.*e", digits - 1, value);
        for (const char *p = other; *p && *p != 'e'; p++)
            if (*p >= '0' && *p <= '9')
                theirs[b++] = *p;
        bool started = false;
        for (size_t i = 0; i < n && text[i] != 'e' && a < (size_t)digits; i++) {
            started |= text[i] >= '1' && text[i] <= '9';
            if (started && text[i] >= '0' && text[i] <= '9')
                mine[a++] = text[i];
        }
        ok = ok &&
             (strtod(other, NULL) != value || (a == b && memcmp(mine, theirs, a) == 0));
    }
    return CHECK_SAY(ok, "%a printed as %s", value, text);
}

static void check_print(double value, const char *as_float, const char *as_double) {
    char text[NUMBER_TEXT_MAX + 1];
    text[number_print_float((float)value, text)] = 0;
    CHECK_TEXT(text, as_float);
    text[number_print_double(value, text)] = 0;
    CHECK_TEXT(text, as_double);
}

static void test_print_format(void) {
    check_print(0, "0", "0");
    check_print(-0.0, "-0", "-0");
    check_print(5, "5", "5");
    check_print(-3, "-3", "-3");
    check_print(0.1, "0.1", "0.1");
    check_print(-0.5, "-0.5", "-0.5");
    check_print(1.5, "1.5", "1.5");
    check_print(100000, "100000", "100000");
    check_print(123456.5, "123456.5", "123456.5");
    check_print(0.0001, "0.0001", "0.0001");
    check_print(0.00012345, "0.00012345", "0.00012345");
    check_print(0.00001, "1e-5", "1e-5");
    check_print(1e-7, "1e-7", "1e-7");
    check_print(1.5e30, "1.5e30", "1.5e30");
    check_print(-1.25e-30, "-1.25e-30", "-1.25e-30");
    check_print(1e15, "1000000000000000", "1000000000000000");
    check_print(1e16, "1e16", "1e16");
    check_print(16777216, "16777216", "16777216");
    check_print(1.0 / 3, "0.33333334", "0.3333333333333333");
    check_print(3.4028234663852886e38, "3.4028235e38", "3.4028234663852886e38");
    check_print(0x1p-149, "1e-45", "1.401298464324817e-45");
    check_print(9007199254740993.0, "9007199000000000", "9007199254740992");
    char text[NUMBER_TEXT_MAX + 1];
    text[number_print_double(5e-324, text)] = 0;
    CHECK_TEXT(text, "5e-324");
    text[number_print_double(-1.7976931348623157e308, text)] = 0;
    CHECK_TEXT(text, "-1.7976931348623157e308");
    text[number_print_double(2e-323 / 2, text)] = 0;
    CHECK_TEXT(text, "1e-323");
    text[number_print_double(9.5367431640625e-7, text)] = 0;
    CHECK_TEXT(text, "9.5367431640625e-7");
    text[number_print_double(1e23, text)] = 0;
    CHECK_TEXT(text, "1e23");
}

static void test_print_edges(void) {
    for (int e = -149; e <= 127; e++)
        for (int step = -2; step <= 2; step++) {
            uint32_t bits = float_bits(ldexpf(1, e));
            if (bits > 2 && bits < 0x7f7ffffd)
                prints_float(bits_float(bits + (uint32_t)step));
        }
    for (int e = -1074; e <= 1023; e++)
        for (int step = -2; step <= 2; step++) {
            uint64_t bits = double_bits(ldexp(1, e));
            if (bits > 2)
                prints_double(bits_double(bits + (uint64_t)step));
        }
    for (uint32_t i = 0; i < 3000; i++) {
        prints_float(bits_float(i));
        prints_float(-bits_float(0x7f7fffff - i));
        prints_double(bits_double(i));
        prints_double(-bits_double(0x7fefffffffffffff - i));
        prints_float((float)i / 10);
        prints_double((double)i / 100);
    }
    for (int e = -323; e <= 308; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        prints_double(strtod(text, NULL));
        prints_double(nextafter(strtod(text, NULL), 0));
    }
}

static void test_print_random(void) {
    for (int i = 0; i < 700000; i++) {
        float f = bits_float((uint32_t)random_next());
        double d = bits_double(random_next());
        if (isfinite(f) && !prints_float(f))
            return;
        if (isfinite(d) && !prints_double(d))
            return;
    }
}

/* What number_print_float says of each, with commas between, and "],[" where a row ends;
 * within its room, which the sanitizer sees the end of. */
static bool prints_together(const float *values, size_t rows_n, size_t columns_n) {
    size_t n = rows_n * columns_n, used = 0, list_n = n * NUMBER_TEXT_MAX;
    char *want = malloc(list_n + 2 * rows_n + 1), *rows = malloc(list_n + 2 * rows_n);
    char *list = malloc(list_n + 1);
    if (!want || !rows || !list)
        abort();
    for (size_t i = 0; i < n; i++) {
        want[used++] = i % columns_n ? ',' : '[';
        used += number_print_float(values[i], want + used);
        if (i % columns_n == columns_n - 1) {
            want[used++] = ']';
            want[used++] = ',';
        }
    }
    size_t got = number_print_rows(values, rows_n, columns_n, rows);
    bool ok = got == used - 1 && memcmp(rows, want, got) == 0;
    if (rows_n == 1) {
        got = number_print_floats(values, n, list);
        ok = ok && got == used - 3 && memcmp(list, want + 1, got) == 0;
    }
    ok = CHECK_SAY(ok, "%zu rows of %zu: %.200s", rows_n, columns_n, rows);
    free(want);
    free(rows);
    free(list);
    return ok;
}

static float float_random(int kind) {
    uint32_t bits = (uint32_t)random_next();
    switch (kind) {
    case 0: /* of [0, 1), as most outputs are */
        return (float)random_unit();
    case 1: /* few digits */
        return (float)((int)(bits % 20001) - 10000) / 1000;
    case 2: /* zeros, ones and other powers of two among them */
        return bits & 1 ? (float)random_unit()
                        : bits_float(bits & 0xff800000 & ~(1u << 30));
    case 3: /* subnormal */
        return bits_float(bits & 0x80ffffff);
    default:
        while (!isfinite(bits_float(bits)))
            bits = (uint32_t)random_next();
        return bits_float(bits);
    }
}

static void test_print_together(void) {
    enum { N = 200 };
    float values[N] = {0};
    printf("floats printed %s\n", nines_choose() ? "four at a time" : "one at a time");
    CHECK(number_print_floats(values, 0, (char[]){0}) == 0);
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < N; i++)
            values[i] = float_random(round % 5);
        size_t columns_n = 1 + (size_t)round % 40;
        if (!prints_together(values, N / columns_n, columns_n) ||
            !prints_together(values, 1, 1 + (size_t)round % N))
            return;
    }
}

static void test_digits(void) {
    for (uint32_t i = 0; i < DIGITS_EIGHT; i += i < 20000 ? 1 : 9973) {
        char want[16], text[8];
        uint64_t digits = digits_eight(i);
        snprintf(want, sizeof want, "%08u", i);
        digits_write(digits, text);
        if (!CHECK_SAY(memcmp(text, want, 8) == 0 && digits == digits_eight_portably(i),
                       "%u", i))
            return;
    }
    CHECK(digits_eight(DIGITS_EIGHT - 1) == digits_eight_portably(DIGITS_EIGHT - 1));
    CHECK(digits_zeros_behind(digits_eight(120)) == 1 && digits_zeros_behind(0) == 8);
    CHECK(digits_zeros_before(digits_eight(120)) == 5 && digits_zeros_before(0) == 8);
}

int main(void) {
    CHECK_RUN(test_hard_numbers);
    CHECK_RUN(test_long_numbers);
    CHECK_RUN(test_halfway_numbers);
    CHECK_RUN(test_random_numbers);
    CHECK_RUN(test_syntax);
    CHECK_RUN(test_following);
    CHECK_RUN(test_print_format);
    CHECK_RUN(test_print_edges);
    CHECK_RUN(test_print_random);
    CHECK_RUN(test_print_together);
    CHECK_RUN(test_digits);
    return check_done();
}
