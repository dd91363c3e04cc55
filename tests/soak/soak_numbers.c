/* Scanning beside strtof, one at a time and in rows; printing beside the search that is
 * proved by tests/golden/make_powers.py, for every float32. One thread; minutes. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/number_nines.h"
#include "api/number_private.h"
#include "api/rows_private.h"
#include "api/rows_wide.h"
#include "tests/random.h"

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void fail(const char *text, float got, float want) {
    printf("%s: got %a, strtof says %a\n", text, (double)got, (double)want);
    exit(1);
}

/* ---- scanning ------------------------------------------------------------------- */

enum { NUMBER_MAX = 160, BATCH = 1000 };

static int digits_put(char *to, int n) {
    for (int i = 0; i < n; i++)
        to[i] = (char)('0' + random_below(10));
    return n;
}

/* Digits with a point somewhere, and an exponent now and then. */
static void digits_text(char *text) {
    int n = random_below(2) ? sprintf(text, "-") : 0;
    int before = (int)random_below(22), behind = (int)random_below(22);
    if (before == 0)
        text[n++] = '0';
    else
        text[n++] = (char)('1' + random_below(9));
    n += digits_put(text + n, before ? before - 1 : 0);
    if (behind > 0) {
        text[n++] = '.';
        n += digits_put(text + n, behind);
    }
    if (random_below(4) == 0)
        n += sprintf(text + n, "e%d", (int)random_below(80) - 55);
    text[n] = 0;
}

/* A point halfway between two floats, or as close to it as some digits come. */
static void halfway_text(char *text) {
    uint32_t bits = (uint32_t)random_below(0x7f7fffff);
    double half = ((double)float_of(bits) + (double)float_of(bits + 1)) / 2;
    if (random_below(2))
        half = nextafter(half, random_below(2) ? 1e300 : 0);
    snprintf(text, NUMBER_MAX, "%.*e", 7 + (int)random_below(random_below(8) ? 20 : 100),
             half);
}

/* The same where no exponent is needed: what rows of few characters hold. */
static void halfway_plain_text(char *text) {
    uint32_t bits =
        bits_of(ldexpf(1, (int)random_below(60) - 30)) + (uint32_t)random_below(1 << 23);
    double half = ((double)float_of(bits) + (double)float_of(bits + 1)) / 2;
    snprintf(text, NUMBER_MAX, "%.*f", (int)random_below(28), half);
}

static void float_text(char *text) {
    float value;
    do
        value = float_of((uint32_t)random_next());
    while (!isfinite(value));
    snprintf(text, NUMBER_MAX, "%.*g", 1 + (int)random_below(17), (double)value);
}

static void unit_text(char *text) {
    double value = random_unit();
    snprintf(text, NUMBER_MAX, random_below(2) ? "%.*g" : "%.*f",
             1 + (int)random_below(17), value);
}

/* printf writes "e+05", which JSON has too, and "e-05". */
static void number_text(char *text) {
    static void (*const kinds[])(char *text) = {digits_text,  digits_text,
                                                halfway_text, halfway_plain_text,
                                                float_text,   unit_text};
    kinds[random_below(sizeof kinds / sizeof *kinds)](text);
}

/* One number. @return whether it is a float32. */
static bool one_check(const char *text, float *want) {
    const char *at = text, *end = text + strlen(text);
    float got = 0;
    enum number_scan result = number_scan_float(&at, end, &got);
    *want = strtof(text, NULL);
    if (isinf(*want) ? result != NUMBER_TOO_LARGE
                     : result != NUMBER_OK || at != end || bits_of(got) != bits_of(*want))
        fail(text, got, *want);
    return !isinf(*want);
}

static void batch_check(void) {
    static char batch[BATCH * (NUMBER_MAX + 2) + 2];
    static char texts[BATCH][NUMBER_MAX];
    float wants[BATCH];
    size_t used = 0, n = 0;
    for (size_t i = 0; i < BATCH; i++) {
        number_text(texts[n]);
        if (!one_check(texts[n], &wants[n]))
            continue;
        used += (size_t)sprintf(batch + used, "%c%s", n ? ',' : '[', texts[n]);
        n++;
    }
    batch[used++] = ']';
    struct cursor c = {batch, batch, batch + used};
    struct rows rows = {0};
    struct err e = {0};
    if (!rows_scan_flat(&c, 0, "", &rows, &e) || rows.columns_n != n) {
        printf("a batch was refused: %s\n", e.text);
        exit(1);
    }
    for (size_t i = 0; i < n; i++)
        if (bits_of(rows.values[i]) != bits_of(wants[i]))
            fail(texts[i], rows.values[i], wants[i]);
    rows_free(&rows);
}

/* ---- printing ------------------------------------------------------------------- */

/* How number_print_fields, which knows nothing of the short way, prints it. */
static size_t print_slowly(uint32_t bits, char text[NUMBER_TEXT_MAX]) {
    const uint32_t hidden = UINT32_C(1) << 23;
    return number_print_fields(bits >> 31, bits & (hidden - 1), (int)(bits >> 23 & 0xff),
                               hidden, -149, text);
}

static void print_check(uint32_t bits, const char *want, size_t want_n) {
    char text[NUMBER_TEXT_MAX + 1];
    float value = float_of(bits), back = 0;
    size_t n = number_print_float(value, text);
    const char *at = text;
    bool same = n == want_n && memcmp(text, want, n) == 0 &&
                number_scan_float(&at, text + n, &back) == NUMBER_OK && at == text + n &&
                bits_of(back) == bits;
    text[n] = 0;
    if (same)
        return;
    printf("%a is printed as %s, but should be as %.*s\n", (double)value, text,
           (int)want_n, want);
    exit(1);
}

/* From `bits` on, alone and together; every other one is negative. */
enum { TOGETHER = 64 };
static void prints_check(uint32_t bits) {
    float values[TOGETHER];
    char want[TOGETHER * (NUMBER_TEXT_MAX + 1)], text[TOGETHER * NUMBER_TEXT_MAX];
    size_t used = 0;
    for (uint32_t i = 0; i < TOGETHER; i++) {
        uint32_t of = (bits + i) | ((bits + i) & 1) << 31;
        values[i] = float_of(of);
        size_t n = print_slowly(of, want + used);
        print_check(of, want + used, n);
        used += n;
        want[used++] = ',';
    }
    size_t n = number_print_floats(values, TOGETHER, text);
    if (n == used - 1 && memcmp(text, want, n) == 0)
        return;
    printf("from %a on together: %.*s\n", (double)values[0], (int)n, text);
    exit(1);
}

int main(int argc, char **argv) {
    long long numbers = argc > 1 ? atoll(argv[1]) : 100000000;
    for (long long i = 0; i < numbers; i += BATCH)
        batch_check();
    printf("%lld random numbers scanned as strtof does, one at a time and in rows (%s)\n",
           numbers, wide_choose() ? "several at once" : "one at a time");
    fflush(stdout);
    const uint32_t infinity = 0x7f800000;
    for (uint32_t bits = 0; bits < infinity; bits += TOGETHER)
        prints_check(bits);
    printf("%u floats printed, each the shortest that reads back, alone and together "
           "(%s)\n",
           infinity, nines_choose() ? "four at a time" : "one at a time");
    return 0;
}
