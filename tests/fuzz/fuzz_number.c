/* The number scanner against strtof and strtod, and the printer against the scanner. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "api/number.h"

static void scan_check(const char *text, size_t n) {
    const char *at = text, *at_double = text, *at_skip = text;
    float value = 0;
    double wide = 0;
    enum number_scan result = number_scan_float(&at, text + n, &value);
    enum number_scan result_double = number_scan_double(&at_double, text + n, &wide);
    bool skipped = number_skip(&at_skip, text + n);
    PROMISE((result == NUMBER_SYNTAX) == !skipped);
    PROMISE((result_double == NUMBER_SYNTAX) == !skipped);
    if (!skipped) {
        PROMISE(at == text && at_double == text && at_skip == text);
        return;
    }
    /* What was taken for a number is one to the C library too, and ends where theirs
     * does. */
    size_t taken = (size_t)(at_skip - text);
    char *copy = malloc(taken + 1), *end;
    PROMISE(copy && taken <= n);
    memcpy(copy, text, taken);
    copy[taken] = '\0';
    float want = strtof(copy, &end);
    double want_wide = strtod(copy, NULL);
    PROMISE(*end == '\0');
    PROMISE((result == NUMBER_OK) == isfinite(want));
    PROMISE((result_double == NUMBER_OK) == isfinite(want_wide));
    PROMISE(result != NUMBER_OK ||
            (at == at_skip && memcmp(&value, &want, sizeof want) == 0));
    PROMISE(result_double != NUMBER_OK ||
            (at_double == at_skip && memcmp(&wide, &want_wide, sizeof wide) == 0));
    free(copy);
}

static void print_check_float(float value) {
    char text[NUMBER_TEXT_MAX];
    float back;
    size_t n = number_print_float(value, text);
    const char *at = text;
    PROMISE(n <= NUMBER_TEXT_MAX);
    PROMISE(number_scan_float(&at, text + n, &back) == NUMBER_OK && at == text + n);
    PROMISE(memcmp(&value, &back, sizeof value) == 0);
}

static void print_check_double(double value) {
    char text[NUMBER_TEXT_MAX];
    double back;
    size_t n = number_print_double(value, text);
    const char *at = text;
    PROMISE(n <= NUMBER_TEXT_MAX);
    PROMISE(number_scan_double(&at, text + n, &back) == NUMBER_OK && at == text + n);
    PROMISE(memcmp(&value, &back, sizeof value) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    float single;
    double wide;
    if (n > 4096)
        return 0;
    scan_check((const char *)data, n);
    if (n >= sizeof single) {
        memcpy(&single, data, sizeof single);
        if (isfinite(single))
            print_check_float(single);
    }
    if (n >= sizeof wide) {
        memcpy(&wide, data, sizeof wide);
        if (isfinite(wide))
            print_check_double(wide);
    }
    return 0;
}
