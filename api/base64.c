#include "api/base64.h"

#include <stdint.h>
#include <string.h>

/* The six bits of a digit; -1 for what is none. */
static int digit_value(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* How many digits there are: the padding, where it stands, must fill up the last four. */
static bool digits_count(const char *text, size_t n, size_t *digits_n) {
    size_t padding = 0;
    while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
        padding++;
    *digits_n = n - padding;
    return (!padding || n % 4 == 0) && *digits_n % 4 != 1;
}

bool base64_decode(char *text, size_t n, size_t *bytes_n) {
    size_t digits_n, used = 0;
    uint32_t bits = 0;
    if (!digits_count(text, n, &digits_n))
        return false;
    for (size_t i = 0; i < digits_n; i++) {
        int value = digit_value(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4)
            text[used++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    *bytes_n = used;
    size_t left = digits_n % 4;
    return !left || !(bits & (left == 2 ? 0xfu : 0x3u));
}
